#!/usr/bin/env python3
"""Trains the small U-Net of `seg-bench slices` in PyTorch and in this project with the same first weights and batches, and compares losses.

    slices.py --bench SEG_BENCH FOLDER [--steps N] [--seed N]

FOLDER is the one that `perf/slices.py` writes. Crops, orientations, contrast and brightness are drawn here and given to both. Prints the
losses beside each other, their largest difference in the first 50 steps, and the IoU of the validation slices of both.
"""
import argparse
import os
import pathlib
import subprocess
import tempfile

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file

CLASSES, WIDTHS, CROP, BATCH, RATE, IGNORED = 3, (16, 32, 64, 128), 128, 8, 2e-3, 255


class Block(torch.nn.Module):
    """Two 3×3 convolutions with batch normalisation and ReLU."""

    def __init__(self, inputs, outputs):
        super().__init__()
        layers = []
        for source in (inputs, outputs):
            layers += [torch.nn.Conv2d(source, outputs, 3, padding=1, bias=False), torch.nn.BatchNorm2d(outputs), torch.nn.ReLU(True)]
        self.double_conv = torch.nn.Sequential(*layers)

    def forward(self, x):
        return self.double_conv(x)


class UNet(torch.nn.Module):
    """A U-Net whose parameters have the names of the project's `UNet`."""

    def __init__(self):
        super().__init__()
        self.inc = Block(1, WIDTHS[0])
        for level in range(1, len(WIDTHS)):
            down = torch.nn.Module()
            down.maxpool_conv = torch.nn.ModuleList([torch.nn.MaxPool2d(2), Block(WIDTHS[level - 1], WIDTHS[level])])
            setattr(self, f"down{level}", down)
            up = torch.nn.Module()
            fine, coarse = WIDTHS[-level - 1], WIDTHS[-level]
            up.up, up.conv = torch.nn.ConvTranspose2d(coarse, fine, 2, 2), Block(2 * fine, fine)
            setattr(self, f"up{level}", up)
        self.outc = torch.nn.Module()
        self.outc.conv = torch.nn.Conv2d(WIDTHS[0], CLASSES, 1)
        for module in self.modules():
            if isinstance(module, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)):
                torch.nn.init.kaiming_normal_(module.weight)
                if module.bias is not None:
                    torch.nn.init.zeros_(module.bias)

    def forward(self, x):
        maps = [self.inc(x)]
        for level in range(1, len(WIDTHS)):
            pool, block = getattr(self, f"down{level}").maxpool_conv
            maps.append(block(pool(maps[-1])))
        x = maps.pop()
        for level in range(1, len(WIDTHS)):
            up = getattr(self, f"up{level}")
            x = up.conv(torch.cat([maps.pop(), up.up(x)], 1))
        return self.outc.conv(x)


def load(folder, part):
    """The images, float32 0 to 1, and the masks of a part of the set."""
    result = []
    for path in sorted(pathlib.Path(folder, part, "images").glob("*.png")):
        mask = np.array(Image.open(path.parent.parent / "masks" / path.name)).astype(np.int64)
        result.append((np.array(Image.open(path)).astype(np.float32) / 255, mask))
    return result


def sample(examples, generator):
    """A crop, half of them centred on a pixel of a random class, in a random orientation, contrast and brightness."""
    image, mask = examples[generator.integers(len(examples))]
    height, width = mask.shape
    top, left = generator.integers(height - CROP + 1), generator.integers(width - CROP + 1)
    if generator.random() < 0.5:
        places = [found for found in (np.argwhere(mask == label) for label in range(1, CLASSES)) if len(found)]
        if places:
            found = places[generator.integers(len(places))]
            row, column = found[generator.integers(len(found))]
            top, left = int(np.clip(row - CROP // 2, 0, height - CROP)), int(np.clip(column - CROP // 2, 0, width - CROP))
    image, mask = (array[top:top + CROP, left:left + CROP] for array in (image, mask))
    if generator.random() < 0.5:
        image, mask = image[:, ::-1], mask[:, ::-1]
    turns = generator.integers(4)
    image, mask = np.rot90(image, turns), np.rot90(mask, turns)
    return image * generator.uniform(0.75, 1.25) + generator.uniform(-0.2, 0.2), mask


def loss(logits, targets):
    """Cross-entropy, and Dice over the classes but the background and the whole batch."""
    probabilities = logits.softmax(1)
    truth = F.one_hot(targets, CLASSES).permute(0, 3, 1, 2)
    common = (probabilities * truth).sum((0, 2, 3))
    dice = (2 * common + 1e-5) / (probabilities.sum((0, 2, 3)) + truth.sum((0, 2, 3)) + 1e-5)
    return F.cross_entropy(logits, targets) + 1 - dice[1:].mean()


def validate(network, examples):
    network.eval()
    counts, multiple = np.zeros((CLASSES, CLASSES), np.int64), 1 << (len(WIDTHS) - 1)
    with torch.no_grad():
        for image, mask in examples:
            height, width = mask.shape
            padded = np.pad(image, ((0, -height % multiple), (0, -width % multiple)), mode="edge")
            labels = network(torch.from_numpy(padded)[None, None])[0, :, :height, :width].argmax(0).numpy()
            counts += np.bincount((mask * CLASSES + labels).ravel(), minlength=CLASSES**2).reshape(CLASSES, -1)
    return np.diag(counts) / (counts.sum(0) + counts.sum(1) - np.diag(counts))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--bench", required=True, help="the seg-bench executable")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    training, validation = load(options.folder, "train"), load(options.folder, "val")
    values = np.concatenate([image.ravel() for image, _ in training]).astype(np.float64)
    mean, deviation = values.mean(), values.std()
    training, validation = ([(((image - mean) / deviation).astype(np.float32), mask) for image, mask in part]
                            for part in (training, validation))
    generator = np.random.default_rng(options.seed)
    torch.manual_seed(options.seed)
    torch.set_num_threads(2)
    network = UNet()
    images = np.empty((options.steps, BATCH, CROP, CROP), np.float32)
    targets = np.empty((options.steps, BATCH, CROP, CROP), np.int64)
    for index in np.ndindex(options.steps, BATCH):
        images[index], targets[index] = sample(training, generator)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "steps.safetensors")
        state = {key: value.contiguous() for key, value in network.state_dict().items() if value.is_floating_point()}
        save_file({**state, "images": torch.from_numpy(images)[..., None].contiguous(), "targets": torch.from_numpy(targets).int()}, path)
        result = subprocess.run(
            [options.bench, "slices", options.folder, "--steps", str(options.steps), "--interval", str(options.steps), "--losses",
             "--tensors", path], capture_output=True, text=True, check=True).stdout.splitlines()
    ours = [float(line.split()[-1]) for line in result if line.startswith("loss ")]
    rule = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-4)
    theirs = []
    for index in range(options.steps):
        for group in rule.param_groups:
            group["lr"] = RATE * (1 - index / options.steps) ** 0.9
        rule.zero_grad()
        value = loss(network(torch.from_numpy(images[index])[:, None]), torch.from_numpy(targets[index]))
        value.backward()
        rule.step()
        theirs.append(value.item())
    for index, (own, other) in enumerate(zip(ours, theirs)):
        print(f"step {index:3}: {own:.6f}, PyTorch {other:.6f}, difference {own - other:+.1e}")
    print(f"largest difference of the first 50 losses: {max(abs(a - b) for a, b in list(zip(ours, theirs))[:50]):.1e}")
    print(f"ours: {result[-1]}")
    print(f"PyTorch: IoU {validate(network, validation)}")


if __name__ == "__main__":
    main()
