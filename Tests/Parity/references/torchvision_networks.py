"""torchvision's five segmentation networks."""
from library_networks import torchvision_importable

from . import Reference

with torchvision_importable():
    from torchvision.models import mobilenet_v3_large, segmentation
    from torchvision.models._utils import IntermediateLayerGetter
    from torchvision.models.resnet import Bottleneck, ResNet
    from torchvision.models.segmentation.deeplabv3 import (
        DeepLabHead, DeepLabV3, _deeplabv3_mobilenetv3, _deeplabv3_resnet)
    from torchvision.models.segmentation.fcn import _fcn_resnet
    from torchvision.models.segmentation.lraspp import _lraspp_mobilenetv3


def outputs(result):
    """torchvision's `out` is the project's `logits`."""
    return {"logits" if key == "out" else key: value for key, value in result.items()}


def multi_grid(blocks, classes):
    """DeepLab v3 as the paper has it for an output stride of 16."""
    from .backbones import dilated

    backbone = dilated(ResNet(Bottleneck, blocks), 16, (1, 2, 4))
    return DeepLabV3(IntermediateLayerGetter(backbone, {"layer4": "out"}), DeepLabHead(2048, classes, [6, 12, 18]))


def networks():
    sizes = [(1, 3, 520, 520), (1, 3, 241, 323)]

    def library(name, auxiliary=True, form="pth"):
        more = {"aux_loss": True} if auxiliary else {}
        return Reference(
            lambda: getattr(segmentation, name)(weights=None, weights_backbone=None, num_classes=21, **more), sizes, outputs,
            form=form)

    return {
        "fcn-resnet50": library("fcn_resnet50"),
        "fcn-resnet101": library("fcn_resnet101", form="safetensors"),
        "deeplabv3-resnet50": library("deeplabv3_resnet50"),
        "deeplabv3-resnet101": library("deeplabv3_resnet101"),
        "deeplabv3-resnet101-multigrid": Reference(lambda: multi_grid([3, 4, 23, 3], 21), sizes, outputs),
        "deeplabv3-mobilenet-v3-large": library("deeplabv3_mobilenet_v3_large"),
        "lraspp-mobilenet-v3-large": library("lraspp_mobilenet_v3_large", False, "safetensors"),
    }


def fixtures():
    sizes = [(1, 3, 65, 48), (2, 3, 33, 40)]

    def short():
        return ResNet(Bottleneck, [1, 2, 1, 2], replace_stride_with_dilation=[False, True, True])

    def mobile():
        return mobilenet_v3_large(weights=None, dilated=True)

    return {
        "fcn-resnet": Reference(lambda: _fcn_resnet(short(), 3, True), sizes, outputs),
        "deeplabv3-resnet": Reference(lambda: _deeplabv3_resnet(short(), 3, True), sizes, outputs),
        "deeplabv3-resnet-multigrid": Reference(lambda: multi_grid([1, 1, 1, 3], 3), sizes, outputs),
        "deeplabv3-mobilenet-v3": Reference(lambda: _deeplabv3_mobilenetv3(mobile(), 3, True), sizes, outputs),
        "lraspp-mobilenet-v3": Reference(lambda: _lraspp_mobilenetv3(mobile(), 3), sizes, outputs),
    }
