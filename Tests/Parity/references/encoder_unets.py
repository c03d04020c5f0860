"""Unet and UnetPlusPlus of segmentation-models-pytorch."""
from library_networks import torchvision_importable

from . import Reference

with torchvision_importable():
    import segmentation_models_pytorch as smp


def library(kind, encoder, sizes, classes, form="pth", **options):
    return Reference(
        lambda: getattr(smp, kind)(encoder, encoder_weights=None, classes=classes, **options), sizes, form=form)


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


def fixtures():
    sizes = [(1, 3, 64, 32), (2, 3, 32, 64)]

    def small(kind, **options):
        return library(kind, "resnet18", sizes, 3, decoder_channels=(16, 12, 8, 8, 4), **options)

    return {
        "unet-resnet18": small("Unet"),
        "unet-resnet18-bilinear": small("Unet", decoder_interpolation="bilinear"),
        "unet-resnet18-scse": library(
            "Unet", "resnet18", sizes, 3, decoder_channels=(32, 16, 16, 16, 16), decoder_attention_type="scse"),
        "unetpp-resnet18": small("UnetPlusPlus"),
    }
