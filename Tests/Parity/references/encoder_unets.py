"""Unet and UnetPlusPlus of segmentation-models-pytorch."""
from library_networks import torchvision_importable
from torch import nn
from torch.nn import functional as F

from . import Reference
from .realtime import Residual
from .segmentation_models import library

with torchvision_importable():
    import segmentation_models_pytorch as smp
    from segmentation_models_pytorch.base import SegmentationHead, SegmentationModel
    from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder
    from segmentation_models_pytorch.decoders.unetplusplus.decoder import UnetPlusPlusDecoder


def networks():
    sizes = [(1, 3, 512, 512), (2, 3, 224, 320)]

    def full(kind, encoder, form="pth", **options):
        return library(kind, encoder, sizes, 21, form, **options)

    return {
        "unet-resnet18": full("Unet", "resnet18"),
        "unet-resnet34": full("Unet", "resnet34", "safetensors"),
        "unet-resnet50": full("Unet", "resnet50"),
        "unet-resnet101": full("Unet", "resnet101", "safetensors"),
        "unet-mobilenet-v2": full("Unet", "mobilenet_v2"),
        "unet-resnet34-scse": full("Unet", "resnet34", decoder_attention_type="scse"),
        "unetpp-resnet34": full("UnetPlusPlus", "resnet34"),
        "unetpp-resnet50": full("UnetPlusPlus", "resnet50", "safetensors"),
    }


class SmallResNet(nn.Module):
    """A residual network of one block a stage with torchvision's names, as the library's encoders give their maps."""

    output_stride = 32

    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        channels = width
        for stage in range(4):
            layer = Residual(channels, width << stage, 2 if stage else 1)
            self.add_module(f"layer{stage + 1}", nn.Sequential(layer))
            channels = width << stage
        self.out_channels = [3, width] + [width << stage for stage in range(4)]

    def forward(self, image):
        maps = [image, F.relu(self.bn1(self.conv1(image)))]
        x = F.max_pool2d(maps[1], 3, 2, 1)
        for stage in range(1, 5):
            x = getattr(self, f"layer{stage}")(x)
            maps.append(x)
        return maps


class OnSmallResNet(SegmentationModel):
    def __init__(self, decoder, widths, classes, **options):
        super().__init__()
        self.encoder = SmallResNet(8)
        self.decoder = decoder(self.encoder.out_channels, widths, len(widths), **options)
        self.segmentation_head = SegmentationHead(widths[-1], classes)
        self.classification_head = None


def without_unused(state):
    """The last block's weights for what would be put beside are never used."""
    return {key: value for key, value in state.items() if not key.startswith("decoder.blocks.4.attention1.")}


def fixtures():
    sizes = [(1, 3, 64, 32), (2, 3, 32, 64)]
    widths = [16, 12, 8, 8, 4]
    return {
        "unet-resnet": Reference(lambda: OnSmallResNet(UnetDecoder, widths, 3), sizes),
        "unet-resnet-bilinear": Reference(
            lambda: OnSmallResNet(UnetDecoder, widths, 3, interpolation_mode="bilinear"), sizes),
        "unet-resnet-center": Reference(lambda: OnSmallResNet(UnetDecoder, widths, 3, add_center_block=True), sizes),
        "unet-resnet-scse": Reference(
            lambda: OnSmallResNet(UnetDecoder, [32, 16, 16, 16, 16], 3, attention_type="scse"), sizes, state=without_unused),
        "unetpp-resnet": Reference(lambda: OnSmallResNet(UnetPlusPlusDecoder, widths, 3), sizes),
    }
