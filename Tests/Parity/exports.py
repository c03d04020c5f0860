#!/usr/bin/env python3
"""Exports segmentation networks of torchvision, segmentation-models-pytorch, Transformers, MONAI, nnU-Net and SAM to ONNX with random
weights, by PyTorch's older and newer exporter, with fixed and with open sizes, and holds `seg run` on each file against PyTorch at
two sizes.

Prints a line a file and fails where one cannot be imported or differs by more than 1e-3 of the output's range. Where onnxruntime
computes the same from the file as `seg` does, and PyTorch something else, or cannot run the file either, the file is not the network:
that is said, and is the exporter's.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnx
import onnxruntime
import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "perf", "reference"))
from library_networks import First, make, torchvision_importable  # noqa: E402

warnings.filterwarnings("ignore")


IMAGES, VOLUMES, POINTS = [(128, 160), (160, 224)], [(32, 32, 48), (48, 32, 32)], [(3,), (5,)]


class Outputs(torch.nn.Module):
    """A network of Transformers whose outputs are the named fields of its result."""

    def __init__(self, network, fields):
        super().__init__()
        self.network, self.fields = network, fields

    def forward(self, image):
        result = self.network(image)
        return tuple(getattr(result, field) for field in self.fields)


def image(size):
    return {"image": torch.rand(1, 3, *size)}


def volume(size):
    return {"image": torch.rand(1, 1, *size)}


def prompt(size):
    """An embedding and as many points as the size says."""
    return {
        "image_embeddings": torch.randn(1, 256, 64, 64), "point_coords": torch.rand(1, *size, 2) * 1024,
        "point_labels": torch.randint(-1, 4, (1, *size)).float(), "mask_input": torch.randn(1, 1, 256, 256),
        "has_mask_input": torch.ones(1), "orig_im_size": torch.tensor([150.0, 200.0])}


def image_networks():
    with torchvision_importable():
        import segmentation_models_pytorch as smp
        import transformers
        from torchvision.models import segmentation

    makers = {
        name: (lambda kind=kind: First(kind(weights=None, weights_backbone=None, num_classes=21)))
        for name, kind in {
            "fcn_resnet50": segmentation.fcn_resnet50, "fcn_resnet101": segmentation.fcn_resnet101,
            "deeplabv3_resnet50": segmentation.deeplabv3_resnet50,
            "deeplabv3_mobilenet_v3_large": segmentation.deeplabv3_mobilenet_v3_large,
            "lraspp_mobilenet_v3_large": segmentation.lraspp_mobilenet_v3_large,
        }.items()
    }
    for name in ("Unet", "UnetPlusPlus", "FPN", "PSPNet", "PAN", "MAnet", "Linknet", "DeepLabV3Plus", "UPerNet"):
        makers["smp." + name] = lambda kind=name: First(getattr(smp, kind)("resnet18", encoder_weights=None, classes=5))
    makers["smp.Segformer"] = lambda: First(smp.Segformer("mit_b0", encoder_weights=None, classes=5))

    def swin():
        return transformers.SwinConfig(out_features=["stage1", "stage2", "stage3", "stage4"], drop_path_rate=0.0)

    for name, kind, config, fields in (
        ("Segformer", "SegformerForSemanticSegmentation", lambda: transformers.SegformerConfig(), ["logits"]),
        ("MobileViT", "MobileViTForSemanticSegmentation", lambda: transformers.MobileViTConfig(), ["logits"]),
        ("UperNet", "UperNetForSemanticSegmentation",
         lambda: transformers.UperNetConfig(backbone_config=swin(), use_auxiliary_head=False), ["logits"]),
        ("Mask2Former", "Mask2FormerForUniversalSegmentation", lambda: transformers.Mask2FormerConfig(backbone_config=swin()),
         ["class_queries_logits", "masks_queries_logits"]),
        ("MaskFormer", "MaskFormerForInstanceSegmentation", lambda: transformers.MaskFormerConfig(backbone_config=swin()),
         ["class_queries_logits", "masks_queries_logits"]),
    ):
        makers["transformers." + name] = lambda kind=kind, config=config, fields=fields: Outputs(
            getattr(transformers, kind)(config()), fields)
    return makers


def volume_networks():
    with torchvision_importable():
        import monai.networks.nets as monai
        from dynamic_network_architectures.architectures.unet import PlainConvUNet
    layer, norm = torch.nn.Conv3d, torch.nn.InstanceNorm3d
    return {
        "nnUNet": lambda: PlainConvUNet(
            1, 4, [16, 32, 64, 128], layer, 3, [1, 2, 2, 2], 2, 4, 2, conv_bias=True, norm_op=norm,
            norm_op_kwargs={"affine": True}, nonlin=torch.nn.LeakyReLU),
        "monai.UNet": lambda: monai.UNet(3, 1, 4, (16, 32, 64, 128), (2, 2, 2), num_res_units=2),
        "monai.VNet": lambda: monai.VNet(3, 1, 2),
        "monai.SegResNet": lambda: monai.SegResNet(3, 16, 1, 4),
        "monai.AttentionUnet": lambda: monai.AttentionUnet(3, 1, 2, (16, 32, 64), (2, 2)),
        "monai.DynUNet": lambda: monai.DynUNet(3, 1, 4, [3] * 4, [1, 2, 2, 2], [2] * 3),
        "monai.SwinUNETR": lambda: monai.SwinUNETR(1, 4, feature_size=12),
    }


def sam_decoder():
    from segment_anything import sam_model_registry
    from segment_anything.utils.onnx import SamOnnxModel
    return SamOnnxModel(sam_model_registry["vit_b"](), True)


def networks(names):
    """Each network with its inputs at a size, its sizes and its inputs' axes that may be open."""
    groups = (
        (image_networks(), image, IMAGES, {"image": [2, 3]}), (volume_networks(), volume, VOLUMES, {"image": [2, 3, 4]}),
        ({"sam.decoder": sam_decoder}, prompt, POINTS, {"point_coords": [1], "point_labels": [1]}))
    for makers, inputs, sizes, axes in groups:
        for name, maker in makers.items():
            if not names or name in names:
                yield name, make(maker).requires_grad_(False), inputs, sizes, axes


def export(network, inputs, axes, path, newer, dynamic):
    names = dict(input_names=list(inputs))
    if newer:
        automatic = torch.export.Dim.AUTO
        shapes = tuple({axis: automatic for axis in axes.get(name, [])} for name in inputs) if dynamic else None
        torch.onnx.export(network, tuple(inputs.values()), path, dynamo=True, dynamic_shapes=shapes, verbose=False, **names)
    else:
        open_axes = {name: {axis: f"{name}{axis}" for axis in those} for name, those in axes.items()} if dynamic else None
        torch.onnx.export(network, tuple(inputs.values()), path, dynamo=False, dynamic_axes=open_axes, opset_version=17, **names)


def tensors(outputs):
    return [output.numpy() for output in (outputs if isinstance(outputs, (tuple, list)) else [outputs])]


def difference(actual, expected):
    """The largest error of any output, in proportion to its range, or to its largest value where it is constant."""
    return max(
        float(np.abs(one - other).max() / (np.ptp(other) or np.abs(other).max() or 1)) for one, other in zip(actual, expected))


def runs_in_peer(path, arrays):
    try:
        onnxruntime.InferenceSession(path).run(None, arrays)
    except Exception:  # its own kinds share no narrower base
        return False
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seg", required=True, help="the seg executable")
    parser.add_argument("networks", nargs="*", help="names; all where none is given")
    options = parser.parse_args()
    failures = 0
    for name, network, inputs, sizes, axes in networks(options.networks):
        for newer in (False, True):
            for dynamic in (False, True):
                label = f"{name:32} {'newer' if newer else 'older'} exporter, {'open' if dynamic else 'fixed'} size"
                with tempfile.TemporaryDirectory() as folder:
                    path = os.path.join(folder, "net.onnx")
                    try:
                        export(network, inputs(sizes[0]), axes, path, newer, dynamic)
                    except Exception as error:  # the exporter's own failure, in its words
                        print(f"{label}: not exported: {(str(error).splitlines() or [''])[0][:120]}")
                        continue
                    worst = 0.0
                    for size in sizes if dynamic else sizes[:1]:
                        arrays = inputs(size)
                        with torch.no_grad():
                            expected = tensors(network(*arrays.values()))
                        arrays = {key: value.numpy() for key, value in arrays.items()}
                        given, taken = os.path.join(folder, "in.npz"), os.path.join(folder, "out.npz")
                        np.savez(given, **arrays)
                        run = subprocess.run(
                            [options.seg, "run", path, "--input", given, "--output", taken], capture_output=True, text=True)
                        if run.returncode != 0:
                            print(f"{label}: {run.stderr.strip()}")
                            if runs_in_peer(path, arrays):
                                worst = float("inf")
                            else:
                                print(f"{label}: onnxruntime cannot run the file at {size} either")
                            break
                        results = np.load(taken)
                        outputs = [output.name for output in onnx.load(path, load_external_data=False).graph.output]
                        actual = [results[output] for output in outputs]
                        error = difference(actual, expected)
                        if error >= 1e-3:
                            peer = onnxruntime.InferenceSession(path).run(outputs, arrays)
                            own = difference(actual, peer)
                            print(f"{label}: the file gives {error:.1e} off PyTorch, {own:.1e} off onnxruntime at {size}")
                            error = own
                        worst = max(worst, error)
                    if worst < float("inf"):
                        print(f"{label}: {worst:.1e} of the output's range", flush=True)
                    failures += not worst < 1e-3
    sys.exit(f"{failures} files failed" if failures else 0)


if __name__ == "__main__":
    main()
