#!/usr/bin/env python3
"""Writes slices of the MNI152 brain template as images and masks, for `seg-bench slices`.

`slices.py FOLDER WHEEL` reads the template from the wheel of nilearn 0.14.1 (`pip download --no-deps nilearn==0.14.1`). Labels are 0 outside
and other tissue, 1 grey matter, 2 white matter. Slices 20 to 169; of each block of thirty, ten are for validation, less those beside the others.
"""
import gzip
import os
import struct
import sys
import zipfile

import numpy as np
from PIL import Image

TYPES = {2: np.uint8, 4: np.int16, 16: np.float32, 64: np.float64}


def volume(wheel, name):
    data = gzip.decompress(wheel.read(f"nilearn/datasets/data/mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz"))
    extents = struct.unpack("<8h", data[40:56])[1:4]
    kind, offset = struct.unpack("<h", data[70:72])[0], int(struct.unpack("<f", data[108:112])[0])
    slope, intercept = struct.unpack("<2f", data[112:120])
    values = np.frombuffer(data[offset:], TYPES[kind])[: np.prod(extents)].reshape(extents, order="F").astype(np.float32)
    return values * (slope or 1) + intercept


def main(folder, path):
    wheel = zipfile.ZipFile(path)
    image, grey, white = (volume(wheel, name) for name in ("t1", "gm", "wm"))
    labels = np.stack([np.full_like(grey, 0.3), grey / grey.max(), white / white.max()]).argmax(0).astype(np.uint8)
    for part in ("train", "val"):
        for kind in ("images", "masks"):
            os.makedirs(os.path.join(folder, part, kind), exist_ok=True)
    for number in range(20, 170):
        block = number // 10 % 3
        if block == 2 and number % 10 in (0, 1, 8, 9):
            continue
        part = "val" if block == 2 else "train"
        pixels = (np.clip(image[:, :, number] / image.max(), 0, 1) * 255).astype(np.uint8)
        for kind, values in (("images", pixels), ("masks", labels[:, :, number])):
            Image.fromarray(np.ascontiguousarray(values.T[::-1])).save(os.path.join(folder, part, kind, f"z{number:03}.png"))


if __name__ == "__main__":
    main(*sys.argv[1:])
