"""Makes the fixtures of the metrics' tests with torchmetrics, MONAI, scikit-image and scipy (versions in requirements.txt).

    pip download --no-deps --no-binary :all: mouse-pupil-analysis==0.3.0
    tar xf mouse_pupil_analysis-0.3.0.tar.gz
    python make_metrics.py mouse_pupil_analysis-0.3.0

Nothing here comes from the package under test.

- `distances.safetensors`: random masks; the squared distance of each pixel to the nearest one of the mask, from scipy's indices of that pixel, so in
  whole numbers; with pixel spacing; signed. `distances.json` has sums over those of two large masks that a formula makes.
- `labels.safetensors`, `labels.json`: label maps of several classes and their figures.
- `masks.safetensors`, `masks.json`: pairs of masks and their figures; among them the 32 hand-drawn masks of mouse-pupil-analysis (MIT licence) as
  bits, the prediction being the mask moved and dilated.
"""

import json
import math
import pathlib
import sys
import warnings

import numpy as np
import torch

# torchvision's wheel on PyPI registers operators of the CUDA build, which fails beside torch for the CPU; none is needed here.
register_fake = torch.library.register_fake
torch.library.register_fake = lambda *_, **__: lambda function: function
import torchvision  # noqa: E402, F401

torch.library.register_fake = register_fake

from monai.metrics import compute_average_surface_distance, compute_dice, compute_hausdorff_distance, compute_iou
from PIL import Image
from safetensors.numpy import save_file
from scipy import ndimage
from skimage.segmentation import find_boundaries
from torchmetrics import classification as tm

here = pathlib.Path(__file__).parent
torch.set_num_threads(1)
warnings.filterwarnings("ignore")


def save(name, tensors, description):
    if tensors is not None:
        save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, here / f"{name}.safetensors")
        (here / f"{name}.safetensors").chmod(0o644)
    (here / f"{name}.json").write_text(json.dumps(description, indent=None) + "\n")


def number(value):
    """JSON has no infinities."""
    value = float(value)
    return value if math.isfinite(value) else None if math.isnan(value) else "inf"


# Distances.


def squared_distances(mask):
    """To the nearest pixel of the mask."""
    rows, columns = ndimage.distance_transform_edt(~mask, return_distances=False, return_indices=True)
    y, x = np.indices(mask.shape)
    return (rows.astype(np.int64) - y) ** 2 + (columns.astype(np.int64) - x) ** 2


def hashed(count, seed):
    """SplitMix64 of the numbers from `seed` on."""
    with np.errstate(over="ignore"):
        z = (np.arange(count, dtype=np.uint64) + np.uint64(seed + 1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def large_masks():
    n = 4096
    sparse = (hashed(n * n, 1) >> np.uint64(52) == 0).reshape(n, n)
    y, x = np.indices((n, n))
    blocks = ((hashed(n * n, 2) >> np.uint64(63)) == 0).reshape(n, n) & (((y >> 7) + (x >> 7)) % 3 == 0)
    return {"sparse": sparse, "blocks": blocks}


def distances():
    generator = np.random.default_rng(5)
    tensors = {}
    for index in range(50):
        height, width = generator.integers(1, 49, 2)
        density = [0.002, 0.02, 0.1, 0.5, 0.9][index % 5]
        mask = generator.random((height, width)) < density
        mask[generator.integers(height), generator.integers(width)] = True
        tensors[f"{index:02}/mask"] = mask.astype(np.uint8)
        tensors[f"{index:02}/squared"] = squared_distances(mask).astype(np.int32)
        spacing = (0.7, 1.3)
        tensors[f"{index:02}/spaced"] = ndimage.distance_transform_edt(~mask, sampling=spacing).astype(np.float32)
        if not mask.all():
            # one_hot2dist of Kervadec's published code, by its definition.
            signed = ndimage.distance_transform_edt(~mask) * ~mask - (ndimage.distance_transform_edt(mask) - 1) * mask
            tensors[f"{index:02}/signed"] = signed.astype(np.float32)
    sums = {}
    for name, mask in large_masks().items():
        squared = squared_distances(mask).astype(np.uint64).ravel()
        weights = 2 * np.arange(squared.size, dtype=np.uint64) + np.uint64(1)
        with np.errstate(over="ignore"):
            sums[name] = {
                "count": int(mask.sum()), "sum": int(squared.sum()), "largest": int(squared.max()),
                "weighted": str(int((squared * weights).sum()))}
    save("distances", tensors, sums)


# Boundaries, by definition.


def boundary_pixels(mask):
    return find_boundaries(mask, connectivity=1, mode="inner", background=0)


def boundary_f1(prediction, truth, tolerance):
    p, t = boundary_pixels(prediction), boundary_pixels(truth)
    if not p.any() and not t.any():
        return None
    if not p.any() or not t.any():
        return 0.0
    precision = (ndimage.distance_transform_edt(~t)[p] <= tolerance).mean()
    recall = (ndimage.distance_transform_edt(~p)[t] <= tolerance).mean()
    return 0.0 if precision + recall == 0 else float(2 * precision * recall / (precision + recall))


def boundary_band(mask, width):
    eroded = ndimage.binary_erosion(np.pad(mask, 1), np.ones((3, 3)), iterations=width)[1:-1, 1:-1]
    return mask & ~eroded


def boundary_iou(prediction, truth):
    width = max(1, round(0.02 * math.hypot(*truth.shape)))
    p, t = boundary_band(prediction, width), boundary_band(truth, width)
    union = int((p | t).sum())
    return int((p & t).sum()) / union if union else None


# Pairs of masks.


def mask_figures(prediction, truth):
    p, t = torch.from_numpy(prediction)[None, None], torch.from_numpy(truth)[None, None]
    options = {"include_background": True}
    figures = {
        "iou": number(compute_iou(p.float(), t.float(), include_background=True, ignore_empty=True)),
        "dice": number(compute_dice(p.float(), t.float(), include_background=True, ignore_empty=True)),
        "boundaryIoU": boundary_iou(prediction, truth),
        "boundaryF1": {str(d): boundary_f1(prediction, truth, d) for d in (0, 1, 2.5)},
    }
    for name, spacing in (("unit", None), ("spaced", (0.7, 1.3))):
        figures[name] = {
            "hausdorff": number(compute_hausdorff_distance(p, t, spacing=spacing, **options)),
            "hausdorff95": number(compute_hausdorff_distance(p, t, percentile=95, spacing=spacing, **options)),
            "averageSymmetric": number(
                compute_average_surface_distance(p, t, symmetric=True, spacing=spacing, **options))}
    return figures


def blobs(generator, height, width):
    return ndimage.gaussian_filter(generator.standard_normal((height, width)), 4) > 0.02


def masks(package):
    generator = np.random.default_rng(6)
    shape = (37, 50)
    empty, full = np.zeros(shape, bool), np.ones(shape, bool)
    single, other, left, right = (empty.copy() for _ in range(4))
    single[10, 20], other[30, 44] = True, True
    left[5:20, 3:15], right[12:33, 30:48] = True, True
    random = [generator.random(shape) < 0.5 for _ in range(2)]
    smooth = [blobs(generator, *shape) for _ in range(3)]
    pairs = {
        "random": random, "smooth": smooth[:2], "same": [smooth[0], smooth[0]], "empty": [empty, empty],
        "emptyPrediction": [empty, smooth[0]], "emptyTruth": [smooth[0], empty], "full": [full, full],
        "fullPrediction": [full, smooth[2]], "fullAndSingle": [full, single], "single": [single, other],
        "samePixel": [single, single], "disjoint": [left, right], "inside": [smooth[2] & left, left]}
    tensors, figures = {}, {}
    for name, (prediction, truth) in pairs.items():
        tensors[f"{name}/prediction"], tensors[f"{name}/truth"] = prediction.astype(np.uint8), truth.astype(np.uint8)
        figures[name] = mask_figures(prediction, truth)
    files = sorted((package / "sample_data" / "labeled_frames").glob("*/masks/*.png"))
    assert len(files) == 32, len(files)
    for index, file in enumerate(files):
        truth = np.array(Image.open(file)) > 0
        moved = np.roll(truth, (index % 5 - 2, index % 7 - 3), (0, 1))
        prediction = ndimage.binary_dilation(moved, iterations=1 + index % 3) if index % 2 else moved
        name = f"pupil{index:02}"
        tensors[f"{name}/prediction"], tensors[f"{name}/truth"] = (np.packbits(m) for m in (prediction, truth))
        figures[name] = mask_figures(prediction, truth) | {"height": truth.shape[0], "width": truth.shape[1]}
    save("masks", tensors, figures)


# Label maps.


def trimap(prediction, truth, classes, widths, ignored_borders):
    """Confusion matrices in bands, by definition."""
    valid = truth != 255
    different = np.zeros(truth.shape, bool)
    for axis in (0, 1):
        for step in (-1, 1):
            neighbour = np.roll(truth, step, axis)
            edge = np.zeros(truth.shape, bool)
            np.moveaxis(edge, axis, 0)[0 if step == 1 else -1] = True
            change = (neighbour != truth) & ~edge
            different |= change if ignored_borders else change & (neighbour != 255)
    boundary = different & valid
    if not (truth == 255).any():
        assert (boundary == find_boundaries(truth, connectivity=1, mode="thick")).all()
    distance = ndimage.distance_transform_edt(~boundary) if boundary.any() else np.full(truth.shape, np.inf)
    result = []
    for width in widths:
        band = valid & (distance < width)
        counts = np.bincount(truth[band].astype(int) * classes + prediction[band], minlength=classes * classes)
        result.append(counts.tolist())
    return result


def label_figures(prediction, truth, classes):
    p, t = torch.from_numpy(prediction.astype(np.int64)), torch.from_numpy(truth.astype(np.int64))
    options = {"num_classes": classes, "ignore_index": 255}

    def single(metric):
        return [number(value) for value in metric(average="none", **options)(p, t)]

    def macro(metric):
        return number(metric(average="macro", **options)(p, t))

    matrix = tm.MulticlassConfusionMatrix(**options)(p, t).numpy()
    total = matrix.sum()
    ious = np.diag(matrix) / np.maximum(matrix.sum(0) + matrix.sum(1) - np.diag(matrix), 1)
    return {
        "classes": classes, "counts": matrix.ravel().tolist(),
        "iou": single(tm.MulticlassJaccardIndex), "meanIoU": macro(tm.MulticlassJaccardIndex),
        "dice": single(tm.MulticlassF1Score), "meanDice": macro(tm.MulticlassF1Score),
        "precision": single(tm.MulticlassPrecision), "meanPrecision": macro(tm.MulticlassPrecision),
        "recall": single(tm.MulticlassRecall), "meanRecall": macro(tm.MulticlassRecall),
        "pixelAccuracy": number(tm.MulticlassAccuracy(average="micro", **options)(p, t)),
        "frequencyWeightedIoU": number((matrix.sum(1) * ious).sum() / total) if total else None,
        "trimapWidths": [1, 2, 4, 9],
        "trimap": trimap(prediction, truth, classes, (1, 2, 4, 9), True),
        "trimapWithinClasses": trimap(prediction, truth, classes, (1, 2, 4, 9), False),
        "boundaryF1": [boundary_f1(prediction == c, truth == c, 2) for c in range(classes)]
        if not (truth == 255).any() else None,
        "boundaryIoU": [boundary_iou((prediction == c) & (truth != 255), truth == c) for c in range(classes)]}


def regions(generator, height, width, classes):
    fields = ndimage.gaussian_filter(generator.standard_normal((classes, height, width)), (0, 5, 5))
    return fields.argmax(0).astype(np.uint8)


def labels():
    generator = np.random.default_rng(7)
    tensors, figures = {}, {}

    def add(name, prediction, truth, classes):
        tensors[f"{name}/prediction"], tensors[f"{name}/truth"] = prediction, truth
        figures[name] = label_figures(prediction, truth, classes)

    for index, (height, width, classes) in enumerate([(40, 53, 4), (64, 31, 7), (17, 90, 2), (48, 48, 19)]):
        truth = regions(generator, height, width, classes)
        prediction = np.where(generator.random(truth.shape) < 0.1, regions(generator, height, width, classes), truth)
        add(f"regions{index}", np.roll(prediction, 1, 1).astype(np.uint8), truth, classes)
        ignoring = truth.copy()
        ignoring[generator.random(truth.shape) < 0.05] = 255
        ignoring[5:12, 3:14] = 255
        add(f"ignoring{index}", prediction.astype(np.uint8), ignoring, classes)
    add("random", generator.integers(0, 5, (23, 29)).astype(np.uint8), generator.integers(0, 5, (23, 29)).astype(np.uint8), 5)
    add("absent", (generator.integers(0, 2, (20, 20)) * 3).astype(np.uint8), generator.integers(0, 3, (20, 20)).astype(np.uint8), 6)
    save("labels", tensors, figures)


distances()
labels()
masks(pathlib.Path(sys.argv[1]))
