#!/usr/bin/env python3
"""Exports segmentation networks of torchvision and segmentation-models-pytorch to ONNX with random weights, by PyTorch's older and
newer exporter, with fixed and with open sizes, and holds `seg run` on each file against PyTorch at two sizes.

Prints a line a file and fails where one cannot be imported or differs by more than 1e-3 of the output's range. Where onnxruntime
computes the same from the file as `seg` does, and PyTorch something else, the file is not the network: that is said, and is the
exporter's.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnxruntime
import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "perf", "reference"))
from library_networks import First, make, torchvision_importable  # noqa: E402

warnings.filterwarnings("ignore")


def networks(names):
    with torchvision_importable():
        import segmentation_models_pytorch as smp
        from torchvision.models import segmentation

    makers = {
        name: (lambda kind=kind: kind(weights=None, weights_backbone=None, num_classes=21))
        for name, kind in {
            "fcn_resnet50": segmentation.fcn_resnet50, "fcn_resnet101": segmentation.fcn_resnet101,
            "deeplabv3_resnet50": segmentation.deeplabv3_resnet50,
            "deeplabv3_mobilenet_v3_large": segmentation.deeplabv3_mobilenet_v3_large,
            "lraspp_mobilenet_v3_large": segmentation.lraspp_mobilenet_v3_large,
        }.items()
    }
    for name in ("Unet", "UnetPlusPlus", "FPN", "PSPNet", "PAN", "MAnet", "Linknet", "DeepLabV3Plus", "UPerNet"):
        makers["smp." + name] = lambda kind=name: getattr(smp, kind)("resnet18", encoder_weights=None, classes=5)
    makers["smp.Segformer"] = lambda: smp.Segformer("mit_b0", encoder_weights=None, classes=5)
    for name, maker in makers.items():
        if not names or name in names:
            yield name, First(make(maker)).eval()


def export(network, image, path, newer, dynamic):
    names = dict(input_names=["image"], output_names=["logits"])
    if newer:
        shapes = None
        if dynamic:
            height, width = torch.export.Dim.AUTO, torch.export.Dim.AUTO
            shapes = ({2: height, 3: width},)
        torch.onnx.export(network, (image,), path, dynamo=True, dynamic_shapes=shapes, verbose=False, **names)
    else:
        axes = {"image": {2: "height", 3: "width"}, "logits": {2: "height", 3: "width"}} if dynamic else None
        torch.onnx.export(network, (image,), path, dynamo=False, dynamic_axes=axes, opset_version=17, **names)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seg", required=True, help="the seg executable")
    parser.add_argument("networks", nargs="*", help="names; all where none is given")
    options = parser.parse_args()
    failures = 0
    for name, network in networks(options.networks):
        for newer in (False, True):
            for dynamic in (False, True):
                label = f"{name:32} {'newer' if newer else 'older'} exporter, {'open' if dynamic else 'fixed'} size"
                with tempfile.TemporaryDirectory() as folder:
                    path = os.path.join(folder, "net.onnx")
                    sizes = [(128, 160), (160, 224)]
                    try:
                        export(network, torch.rand(1, 3, *sizes[0]), path, newer, dynamic)
                    except Exception as error:  # the exporter's own failure, in its words
                        print(f"{label}: not exported: {str(error).splitlines()[0][:120]}")
                        continue
                    worst = 0.0
                    for size in sizes if dynamic else sizes[:1]:
                        image = torch.rand(1, 3, *size)
                        with torch.no_grad():
                            expected = network(image).numpy()
                        given, taken = os.path.join(folder, "in.npz"), os.path.join(folder, "out.npz")
                        np.savez(given, image=image.numpy())
                        run = subprocess.run(
                            [options.seg, "run", path, "--input", given, "--output", taken], capture_output=True, text=True)
                        if run.returncode != 0:
                            print(f"{label}: {run.stderr.strip()}")
                            worst = float("inf")
                            break
                        actual = next(iter(np.load(taken).values()))
                        error = float(np.abs(actual - expected).max() / np.ptp(expected))
                        if error >= 1e-3:
                            peer = onnxruntime.InferenceSession(path).run(None, {"image": image.numpy()})[0]
                            own = float(np.abs(actual - peer).max() / np.ptp(peer))
                            print(f"{label}: the file gives {error:.1e} off PyTorch, {own:.1e} off onnxruntime at {size}")
                            error = own
                        worst = max(worst, error)
                    if worst < float("inf"):
                        print(f"{label}: {worst:.1e} of the output's range", flush=True)
                    failures += not worst < 1e-3
    sys.exit(f"{failures} files failed" if failures else 0)


if __name__ == "__main__":
    main()
