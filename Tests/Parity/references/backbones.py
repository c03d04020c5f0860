"""Backbones with their classifiers, of torchvision and timm."""
from torch import nn

from . import Reference
from .segmentation_models import timm
from .torchvision_networks import Bottleneck, ResNet, torchvision_importable

with torchvision_importable():
    from torchvision import models
    from torchvision.models.resnet import BasicBlock


def dilated(network, output_stride, grid=(1,)):
    """The ResNet with its last stages dilated from their first block on, and factors of the last one's rates."""
    for layer, stride in ((network.layer3, 16), (network.layer4, 32)):
        if stride <= output_stride:
            continue
        for index, block in enumerate(layer):
            rate = stride // output_stride * (grid[index % len(grid)] if layer is network.layer4 else 1)
            for module in block.modules():
                if isinstance(module, nn.Conv2d):
                    module.stride = (1, 1)
                    if module.kernel_size == (3, 3):
                        module.dilation = module.padding = (rate, rate)
    return network


def vgg(make):
    """VGG-16 with a classifier of 24 channels."""
    network = make(weights=None)
    network.classifier = nn.Sequential(
        nn.Linear(512 * 49, 24), nn.ReLU(), nn.Dropout(), nn.Linear(24, 24), nn.ReLU(), nn.Dropout(), nn.Linear(24, 5))
    return network


def networks():
    return {}


def fixtures():
    sizes = [(1, 3, 64, 64), (2, 3, 48, 81)]
    return {
        "backbone-resnet18": Reference(lambda: ResNet(BasicBlock, [2, 1, 2, 1], num_classes=5), sizes),
        "backbone-resnet18-stride8": Reference(
            lambda: dilated(ResNet(BasicBlock, [1, 1, 2, 2], num_classes=5), 8), sizes),
        "backbone-resnet50-multigrid": Reference(
            lambda: dilated(ResNet(Bottleneck, [1, 1, 1, 3], num_classes=5), 16, (1, 2, 4)), sizes),
        "backbone-mobilenet-v2-half": Reference(lambda: models.mobilenet_v2(width_mult=0.5, num_classes=5), sizes),
        "backbone-mobilenet-v3": Reference(lambda: models.mobilenet_v3_large(num_classes=5), sizes),
        "backbone-vgg16": Reference(lambda: vgg(models.vgg16), sizes),
        "backbone-vgg16-bn": Reference(lambda: vgg(models.vgg16_bn), sizes),
        "backbone-xception": Reference(lambda: timm.create_model("xception_short", num_classes=5), sizes),
    }
