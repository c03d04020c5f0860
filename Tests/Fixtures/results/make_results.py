#!/usr/bin/env python3
"""Writes run-length encodings of pycocotools for masks of many shapes: rle.json.

Needs numpy and pycocotools. A mask is stored as hexadecimal digits, eight pixels a byte, row by row from the highest bit.
"""
import itertools
import json
import pathlib

import numpy as np
from pycocotools import mask as coco


def masks():
    random = np.random.default_rng(7)
    yield "empty", np.zeros((5, 7), bool)
    yield "full", np.ones((5, 7), bool)
    yield "one pixel, outside", np.zeros((1, 1), bool)
    yield "one pixel, inside", np.ones((1, 1), bool)
    first = np.zeros((4, 6), bool)
    first[0, 0] = True
    yield "first pixel", first
    last = np.zeros((4, 6), bool)
    last[-1, -1] = True
    yield "last pixel", last
    yield "row", random.random((1, 40)) < 0.5
    yield "column", random.random((40, 1)) < 0.5
    over = np.zeros((6, 8), bool)
    over[4:, 2] = over[:3, 3] = True
    yield "over the end of a column", over
    for height, width, share in [(9, 5, 0.5), (37, 53, 0.1), (64, 33, 0.9), (70, 65, 0.5)]:
        yield f"noise {height} x {width}, {share}", random.random((height, width)) < share
    y, x = np.mgrid[:300, :400]
    yield "ellipse", ((y - 150) / 120) ** 2 + ((x - 210) / 100) ** 2 < 1
    yield "ring", (((y - 150) ** 2 + (x - 180) ** 2) > 60**2) & (((y - 150) ** 2 + (x - 180) ** 2) < 110**2)
    # Counts that take four groups of five bits, and differences of either sign.
    big = np.zeros((700, 600), bool)
    big[:, 100:400] = True
    big[333, 450] = big[10, 599] = True
    yield "large runs", big


def main():
    cases = []
    for name, mask in masks():
        encoded = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
        # The counts without compression, by definition: lengths of runs in column-major order, the first of zeros.
        counts = [len(list(run)) for _, run in itertools.groupby(mask.flatten(order="F"))]
        if mask[0, 0]:
            counts.insert(0, 0)
        cases.append({
            "name": name, "height": mask.shape[0], "width": mask.shape[1],
            "mask": np.packbits(mask).tobytes().hex(), "compressed": encoded["counts"].decode(), "counts": counts,
            "area": int(coco.area(encoded)), "box": [int(number) for number in coco.toBbox(encoded)]})
    path = pathlib.Path(__file__).with_name("rle.json")
    path.write_text(json.dumps(cases, separators=(",", ":")).replace("},{", "},\n{") + "\n")


if __name__ == "__main__":
    main()
