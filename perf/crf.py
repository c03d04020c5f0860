"""Holds `seg crf` against the authors' implementation of fully connected CRFs, and shows what it does to noisy probabilities.

    pip install numpy pillow scikit-image pydensecrf2==1.1
    python perf/crf.py --seg .build/release/seg                                    # speed and agreement
    python perf/crf.py --seg .build/release/seg --frames FOLDER [--picture FILE]   # mean IoU of noisy pupil frames

FOLDER is `sample_data/labeled_frames` of the source distribution of mouse-pupil-analysis 0.3.0 (PyPI).
"""
import argparse
import json
import pathlib
import subprocess
import tempfile
import time

import numpy as np
from PIL import Image

SETTINGS = {  # iterations, positions (weight, deviation), bilateral (weight, position, colour)
    "DeepLab v2": (10, (3, 1), (4, 67, 3)),
    "authors' example": (10, (3, 3), (10, 80, 13)),
    "pupils": (10, (3, 2), (3, 20, 8)),
}


def options(setting):
    iterations, position, bilateral = SETTINGS[setting]
    names = ["iterations", "position-weight", "position-deviation", "bilateral-weight", "bilateral-deviation"]
    values = [iterations, *position, *bilateral[:2]]
    pairs = zip(names + ["color-deviation"], values + [bilateral[2]])
    return [word for name, value in pairs for word in (f"--crf-{name}", str(value))]


def ours(seg, image, probabilities, setting, *arguments):
    """Marginals and the fastest time in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        Image.fromarray(image).save(folder / "image.png")
        np.save(folder / "p.npy", probabilities)
        command = [seg, "crf", folder / "image.png", "--probabilities", folder / "p.npy", "--marginals", folder / "q.npy"]
        result = subprocess.run(
            [*map(str, command), "--json", *options(setting), *arguments], check=True, capture_output=True, text=True)
        return np.load(folder / "q.npy"), json.loads(result.stdout)["milliseconds"]


def published(image, probabilities, setting, repeats):
    import pydensecrf.densecrf as densecrf

    height, width, classes = probabilities.shape
    iterations, position, bilateral = SETTINGS[setting]
    unary = np.ascontiguousarray(-np.log(probabilities).reshape(-1, classes).T)
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        field = densecrf.DenseCRF2D(width, height, classes)
        field.setUnaryEnergy(unary)
        field.addPairwiseGaussian(sxy=position[1], compat=position[0])
        field.addPairwiseBilateral(sxy=bilateral[1], srgb=bilateral[2], rgbim=image, compat=bilateral[0])
        marginals = np.array(field.inference(iterations))
        best = min(best, 1000 * (time.perf_counter() - start))
    return np.ascontiguousarray(marginals.T.reshape(height, width, classes)), best


def speed(seg, repeats):
    from skimage import data

    image = np.array(Image.fromarray(data.astronaut()).resize((500, 375)))
    rng = np.random.default_rng(0)
    coarse = rng.random((375 // 8 + 1, 500 // 8 + 1, 21)) ** 4
    probabilities = np.kron(coarse, np.ones((8, 8, 1)))[:375, :500] + 0.02
    probabilities = (probabilities / probabilities.sum(-1, keepdims=True)).astype(np.float32)
    print("500×375 pixels, 21 classes, 10 iterations; milliseconds, the best of", repeats)
    print("| kernels | published, 1 thread | lattice, 1 thread | 2 threads | window 2, 1 thread | 2 threads "
          "| largest, mean difference | other labels |\n|---|---|---|---|---|---|---|---|")
    for setting in list(SETTINGS)[:2]:
        theirs, reference = published(image, probabilities, setting, repeats)
        row = [f"{reference:.0f}"]
        for extra in ([], ["--crf-window", "2"]):
            for threads in ("1", "2"):
                marginals, milliseconds = ours(
                    seg, image, probabilities, setting, "--repeats", str(repeats), "--threads", threads, *extra)
                row.append(f"{milliseconds:.0f}")
                if not extra:
                    mine = marginals
        difference = np.abs(mine - theirs)
        changed = (mine.argmax(-1) != theirs.argmax(-1)).mean()
        row += [f"{difference.max():.1e}, {difference.mean():.1e}", f"{100 * changed:.3f} %"]
        print("| " + " | ".join([setting, *row]) + " |", flush=True)


def mean_iou(labels, truth):
    scores = []
    for label in (0, 1):
        union = ((labels == label) | (truth == label)).sum()
        scores += [((labels == label) & (truth == label)).sum() / union] if union else []
    return float(np.mean(scores))


def noisy(mask, seed):
    """Probabilities whose logits are ±2 and noise of deviation 2: one pixel in six has the wrong label."""
    rng = np.random.default_rng(seed)
    foreground = 1 / (1 + np.exp(-(4.0 * mask - 2 + 2 * rng.normal(size=mask.shape))))
    return np.stack([1 - foreground, foreground], -1).astype(np.float32)


def pupils(seg, frames, picture):
    files = sorted(pathlib.Path(frames).glob("*/images/*.png"))
    variants = {"lattice": [], "window of radius 3": ["--crf-window", "3"]}
    before, after = [], {name: [] for name in variants}
    for index, file in enumerate(files):
        image = np.array(Image.open(file).convert("RGB"))
        truth = (np.array(Image.open(file.parent.parent / "masks" / file.name)) != 0).astype(int)
        probabilities = noisy(truth, index)
        before.append(mean_iou(probabilities.argmax(-1), truth))
        for name, extra in variants.items():
            labels = ours(seg, image, probabilities, "pupils", *extra)[0].argmax(-1)
            after[name].append(mean_iou(labels, truth))
            if picture and index == 0 and not extra:
                panels = [image, *(np.repeat(255 * x[..., None], 3, -1) for x in (probabilities.argmax(-1), labels, truth))]
                line = np.full((image.shape[0], 4, 3), 128)
                joined = np.concatenate([part for panel in panels for part in (panel, line)][:-1], 1).astype(np.uint8)
                Image.fromarray(joined).quantize(64).save(picture, optimize=True)
    print(f"{len(files)} frames: mean IoU {np.mean(before):.4f} (worst {min(before):.4f}) before")
    for name, scores in after.items():
        gains = np.array(scores) - before
        print(f"  {name}: {np.mean(scores):.4f} (worst {min(scores):.4f}), raised by {gains.min():.3f} to {gains.max():.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seg", required=True)
    parser.add_argument("--frames")
    parser.add_argument("--picture")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.frames:
        pupils(arguments.seg, arguments.frames, arguments.picture)
    else:
        speed(arguments.seg, arguments.repeats)
