"""Writes a pair of label images as a street scene has them, and their masks: regions, thin structures, and a share of noise.

    python label_pair.py FOLDER [--height 1024 --width 2048 --classes 19 --noise 0.02 --seed 1]

FOLDER/masks/scene.png is the truth, FOLDER/predictions/scene.png the prediction. Needs NumPy, SciPy and Pillow.
"""

import argparse
import pathlib

import numpy as np
from PIL import Image
from scipy import ndimage

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--height", type=int, default=1024)
parser.add_argument("--width", type=int, default=2048)
parser.add_argument("--classes", type=int, default=19)
parser.add_argument("--noise", type=float, default=0.02)
parser.add_argument("--seed", type=int, default=1)
options = parser.parse_args()
height, width, classes = options.height, options.width, options.classes
random = np.random.default_rng(options.seed)


def blobs(scale):
    """Smooth noise between 0 and 1."""
    coarse = random.random((height // scale + 3, width // scale + 3))
    smooth = ndimage.zoom(coarse, scale, order=3)[:height, :width]
    return (smooth - smooth.min()) / (smooth.max() - smooth.min())


y, x = np.mgrid[:height, :width]
# Bands from the sky to the road, then objects, then poles and cables a few pixels thin.
horizon = y / height + 0.15 * (blobs(128) - 0.5)
truth = np.digitize(horizon, np.linspace(0.2, 0.8, 5)).astype(np.uint8)
for label in range(6, classes - 3):
    truth[blobs(64 if label % 2 else 32) > 0.8] = label
for label in range(max(6, classes - 3), classes):
    for _ in range(12):
        column, slope, thickness = random.integers(width), random.normal() * 0.2, random.integers(1, 5)
        truth[(np.abs(x - column - slope * y) < thickness) & (y > random.integers(height)) & (y < height * 0.9)] = label
truth[blobs(256) > 0.93] = 255
truth[-12:] = 255

# The prediction: borders moved by a smooth field, and single pixels of any class.
moved_y = np.clip(y + np.rint(6 * (blobs(32) - 0.5)).astype(int), 0, height - 1)
moved_x = np.clip(x + np.rint(6 * (blobs(32) - 0.5)).astype(int), 0, width - 1)
prediction = truth[moved_y, moved_x]
prediction[prediction == 255] = 0
wrong = random.random((height, width)) < options.noise
prediction[wrong] = random.integers(classes, size=wrong.sum())

for name, labels in (("masks", truth), ("predictions", prediction)):
    (options.folder / name).mkdir(parents=True, exist_ok=True)
    Image.fromarray(labels).save(options.folder / name / "scene.png")
