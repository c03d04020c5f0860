"""Marginals of the authors' implementation of fully connected CRFs (pydensecrf2 1.1, from PyPI).

    python make_crf.py        # needs numpy, safetensors and pydensecrf2; writes crf.safetensors beside itself
"""
import pathlib

import numpy as np
import pydensecrf.densecrf as densecrf
from safetensors.numpy import save_file

HEIGHT, WIDTH, CLASSES = 40, 52, 4
rng = np.random.default_rng(7)
rows, columns = np.mgrid[:HEIGHT, :WIDTH]
labels = np.zeros((HEIGHT, WIDTH), int)
labels[(rows - 12) ** 2 + (columns - 14) ** 2 < 90] = 1
labels[(abs(rows - 26) < 9) & (abs(columns - 36) < 11)] = 2
labels[rows + columns > 80] = 3
palette = np.array([[210, 190, 160], [60, 90, 150], [120, 40, 50], [40, 120, 60]])
image = palette[labels] + np.stack([rows, columns, rows - columns], -1) * 0.4 + rng.normal(0, 4, (HEIGHT, WIDTH, 3))
image = np.clip(image, 0, 255).astype(np.uint8)
probabilities = 0.05 + rng.random((HEIGHT, WIDTH, CLASSES)) + 0.5 * np.eye(CLASSES)[labels]
probabilities = (probabilities / probabilities.sum(-1, keepdims=True)).astype(np.float32)
costs = rng.random((CLASSES, CLASSES)) * 3
costs = ((costs + costs.T) / 2 * (1 - np.eye(CLASSES))).astype(np.float32)


def marginals(iterations, gaussian, bilateral):
    field = densecrf.DenseCRF2D(WIDTH, HEIGHT, CLASSES)
    field.setUnaryEnergy(np.ascontiguousarray(-np.log(probabilities).reshape(-1, CLASSES).T))
    if gaussian:
        field.addPairwiseGaussian(sxy=gaussian[0], compat=gaussian[1])
    field.addPairwiseBilateral(sxy=bilateral[0], srgb=bilateral[1], rgbim=image, compat=bilateral[2])
    return np.ascontiguousarray(np.array(field.inference(iterations)).T.reshape(HEIGHT, WIDTH, CLASSES))


save_file(
    {
        "image": image,
        "probabilities": probabilities,
        "costs": costs,
        "deeplab": marginals(10, (1, 3), (67, 3, 4)),
        "wide": marginals(5, (3, 3), (80, 13, 10)),
        "matrix": marginals(3, None, (12, 25, costs)),
    },
    pathlib.Path(__file__).with_name("crf.safetensors"),
)
