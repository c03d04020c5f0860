"""Networks of segmentation-models-pytorch: FPN, PSPNet, UPerNet and DeepLabV3Plus."""
from functools import partial

from library_networks import torchvision_importable
from torch import nn

from . import Reference

with torchvision_importable():
    import segmentation_models_pytorch as smp
    import timm
from timm.models import xception_aligned


@timm.models.register_model
def xception_short(pretrained=False, **options):
    """timm's Xception-65 with two blocks in the middle flow."""
    blocks = [
        dict(in_chs=64, out_chs=128, stride=2), dict(in_chs=128, out_chs=256, stride=2),
        dict(in_chs=256, out_chs=728, stride=2), dict(in_chs=728, out_chs=728, stride=1),
        dict(in_chs=728, out_chs=728, stride=1), dict(in_chs=728, out_chs=(728, 1024, 1024), stride=2),
        dict(in_chs=1024, out_chs=(1536, 1536, 2048), stride=1, no_skip=True, start_with_relu=False)]
    return xception_aligned._xception(
        "xception65", pretrained=False, block_cfg=blocks, norm_layer=partial(nn.BatchNorm2d, eps=0.001, momentum=0.1), **options)


def library(kind, encoder, sizes, classes, form="pth", **options):
    return Reference(
        lambda: getattr(smp, kind)(encoder, encoder_weights=None, classes=classes, **options), sizes, form=form)


def networks():
    sizes = [(1, 3, 512, 512), (2, 3, 224, 320)]

    def full(kind, encoder, form="pth", **options):
        return library(kind, encoder, sizes, 21, form, **options)

    return {
        "fpn-resnet34": full("FPN", "resnet34"),
        "fpn-resnet50": full("FPN", "resnet50", "safetensors"),
        "fpn-mobilenet-v2": full("FPN", "mobilenet_v2"),
        "pspnet-resnet34": full("PSPNet", "resnet34"),
        "pspnet-resnet50": full("PSPNet", "resnet50"),
        "upernet-resnet34": full("UPerNet", "resnet34"),
        "upernet-resnet50": full("UPerNet", "resnet50", "safetensors"),
        "deeplabv3plus-resnet34": full("DeepLabV3Plus", "resnet34"),
        "deeplabv3plus-resnet50": full("DeepLabV3Plus", "resnet50", decoder_aspp_separable=False),
        "deeplabv3plus-resnet101": full("DeepLabV3Plus", "resnet101", encoder_output_stride=8),
        "deeplabv3plus-mobilenet-v2": full("DeepLabV3Plus", "mobilenet_v2", "safetensors"),
        "deeplabv3plus-xception65": full("DeepLabV3Plus", "tu-xception65"),
    }


def fixtures():
    sizes = [(1, 3, 64, 64), (2, 3, 32, 64)]

    def small(kind, encoder, **options):
        return library(kind, encoder, sizes, 3, **options)

    pyramid = dict(decoder_pyramid_channels=16, decoder_segmentation_channels=32)
    return {
        "fpn-resnet18": small("FPN", "resnet18", **pyramid),
        "fpn-resnet18-concatenated": small("FPN", "resnet18", decoder_merge_policy="cat", decoder_interpolation="bilinear", **pyramid),
        "pspnet-resnet18": small("PSPNet", "resnet18", psp_out_channels=24),
        "upernet-resnet18": small("UPerNet", "resnet18", decoder_channels=16),
        "deeplabv3plus-resnet18": small("DeepLabV3Plus", "resnet18", decoder_channels=16),
        "deeplabv3plus-resnet18-ordinary": small(
            "DeepLabV3Plus", "resnet18", decoder_channels=16, encoder_output_stride=8, decoder_aspp_separable=False),
        "deeplabv3plus-mobilenet-v2": small("DeepLabV3Plus", "mobilenet_v2", decoder_channels=16),
        "deeplabv3plus-mobilenet-v2-stride8": small(
            "DeepLabV3Plus", "mobilenet_v2", decoder_channels=16, encoder_output_stride=8),
        "deeplabv3plus-xception": small("DeepLabV3Plus", "tu-xception_short", decoder_channels=16),
    }
