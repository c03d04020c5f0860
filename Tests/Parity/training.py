#!/usr/bin/env python3
"""Holds the training of networks against PyTorch in float64: the gradients of all weights, and the weights after ten steps.

    training.py --bench SEG_BENCH [NAME ...]

Networks, weights, images and labels are those of the references with seeded numbers; dropout and stochastic depth are off; auxiliary heads
count half. Gradients are read from one step of plain descent. Prints a line a network: the largest difference of a gradient in proportion
to the largest gradient of all weights and to that of its own tensor, the largest difference of a weight after ten steps of SGD and of AdamW
in proportion to the largest of its tensor, and the same of PyTorch's own float32.

A rounding error that moves a number across the bend of an activation, or turns a tie of a pooling, changes gradients by a jump. So each
figure stands beside its condition: the same figure of PyTorch in float64 between the weights and weights that differ from them by some
units of float32's last place, the largest of some draws. Of some seeds the one with the smallest difference counts. Fails where a gradient,
or a weight after ten steps of SGD, differs by 1e-4 or more, and by more than its condition.
"""
import argparse
import copy
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

import torch
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent.parent / "perf" / "reference"))
from references import collect  # noqa: E402

warnings.filterwarnings("ignore")
#: The height and width of the images, and the images of a batch.
NETWORKS = {
    "unet": (64, 4), "deeplabv3-mobilenet-v3-large": (64, 4), "lraspp-mobilenet-v3-large": (64, 4), "fcn-resnet50": (64, 4),
    "segformer-b0": (64, 2), "bisenetv1": (128, 4), "bisenetv2": (64, 4), "enet": (64, 4),
}
LIMIT = 1e-4
SEEDS = 3
#: Perturbed networks, and how far a weight is moved in proportion to itself: eight units of float32's last place.
DRAWS, PERTURBATION = 6, 2.0**-20
#: A large rate, so that the update is the gradient to all of its digits.
RATE = 1024.0


def silent(network):
    """The network in training without random parts."""
    for module in network.modules():
        if isinstance(module, (torch.nn.Dropout, torch.nn.Dropout2d)):
            module.p = 0.0
        if type(module).__name__ in ("DropPath", "StochasticDepth"):
            module.eval()
            module.train = lambda mode=True, module=module: module
    return network.train()


def trained(reference, network, images, targets, optimizer, steps):
    """The weights after some steps."""
    for _ in range(steps):
        optimizer.zero_grad()
        outputs = reference.outputs(network(images))
        sum(
            (1 if key == "logits" else 0.5) * torch.nn.functional.cross_entropy(logits, targets)
            for key, logits in outputs.items()).backward()
        optimizer.step()
    return floats(reference.state(network.state_dict()))


def floats(state):
    return {key: value.detach().float().contiguous().clone() for key, value in state.items() if value.is_floating_point()}


def largest(actual, expected, within):
    """The largest difference in proportion to the largest number of all tensors, and of the tensor."""
    whole = max(float(value.abs().max()) for value in within.values())
    differences = {key: float((actual[key] - expected[key]).abs().max()) for key in within}
    own = max(difference / max(float(within[key].abs().max()), 1e-3 * whole) for key, difference in differences.items())
    return max(differences.values()) / whole, own


def check(name, reference, options, folder):
    """Prints the line of a network, and says whether it agrees."""
    best = None
    for seed in range(1, SEEDS + 1):
        found = (*gradients(Attempt(name, reference, options, folder, seed)), seed)
        best = min(best or found, found)
        if best[0] < LIMIT:
            break
    whole, own, torch_whole, seed = best
    attempt = Attempt(name, reference, options, folder, seed)
    condition = attempt.gradient_condition()
    cells, holds = steps(attempt)
    holds = holds and whole < max(LIMIT, condition)
    print(f"{name:32} gradients {whole:.1e} of the largest, {own:.1e} of their tensor (PyTorch {torch_whole:.1e}, condition "
          f"{condition:.1e}), {', '.join(cells)}, seed {seed}{'' if holds else '  DIFFERS'}", flush=True)
    return holds


class Attempt:
    """A network with the weights, images and labels of a seed."""

    def __init__(self, name, reference, options, folder, seed):
        self.name, self.reference, self.options = name, reference, options
        self.size, self.batch = NETWORKS.get(name, (64, 4))
        torch.manual_seed(seed)
        self.network = silent(reference.make())
        self.images = torch.randn(self.batch, reference.inputs[0][1], self.size, self.size)
        with torch.no_grad():
            outputs = reference.outputs(copy.deepcopy(self.network)(self.images))
        self.has_auxiliary, self.classes = len(outputs) > 1, outputs["logits"].shape[1]
        self.targets = torch.randint(0, self.classes, (self.batch, self.size, self.size))
        self.state = floats(reference.state(self.network.state_dict()))
        self.weights, self.output = (os.path.join(folder, file) for file in ("weights.safetensors", "output.safetensors"))
        save_file({**self.state, "images": self.images.permute(0, 2, 3, 1).contiguous(), "targets": self.targets.int()}, self.weights)
        # A parameter that modules share is one here and several in the project's network, whose gradients differ.
        places = {}
        for key, value in self.network.state_dict().items():
            places.setdefault(value.data_ptr(), []).append(key)
        shared = {key for keys in places.values() if len(keys) > 1 for key in keys}
        self.learned = [key for key in self.state if not key.endswith(("running_mean", "running_var")) and key not in shared]

    def ours(self, optimizer, rate, count):
        """The weights after steps of this project."""
        command = [self.options.bench, "training", self.name, "--size", str(self.size), "--batch", str(self.batch), "--classes",
                   str(self.classes), "--optimizer", optimizer, "--rate", str(rate), "--steps", str(count), "--tensors", self.weights,
                   "--output", self.output] + (["--auxiliary"] if self.has_auxiliary else [])
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            raise RuntimeError((result.stderr or result.stdout).strip().splitlines()[-1])
        return load_file(self.output)

    def theirs(self, kind, rate, count, dtype, draw=None):
        """The weights after steps of PyTorch; with a draw, from perturbed weights."""
        own = copy.deepcopy(self.network).to(dtype)
        if draw is not None:
            generator = torch.Generator().manual_seed(draw)
            with torch.no_grad():
                for weight in own.parameters():
                    weight *= 1 + PERTURBATION * (2 * torch.rand(weight.shape, generator=generator, dtype=dtype) - 1)
        rule = (torch.optim.SGD(own.parameters(), rate, momentum=0.9, weight_decay=1e-4) if kind == "sgd"
                else torch.optim.AdamW(own.parameters(), rate))
        return trained(self.reference, own, self.images.to(dtype), self.targets, rule, count)

    def gradients(self, after):
        """The gradients, from the weights after a step of plain descent."""
        return {key: (self.state[key].double() - after[key].double()) / RATE - 1e-4 * self.state[key].double() for key in self.learned}

    def gradient_condition(self):
        """The largest difference of a gradient between the weights and perturbed ones, in proportion to the largest."""
        exact = self.gradients(self.theirs("sgd", RATE, 1, torch.float64))
        return max(
            largest(self.gradients(self.theirs("sgd", RATE, 1, torch.float64, draw)), exact, exact)[0] for draw in range(DRAWS))

    def step_condition(self, kind, within):
        """The largest difference of a weight after ten steps from the weights and from perturbed ones, in proportion to its tensor."""
        return max(largest(self.theirs(kind, 1e-3, 10, torch.float64, draw), within, within)[1] for draw in range(DRAWS))


def gradients(attempt):
    """The largest difference of a gradient, in proportion to the largest of all weights and of its tensor, and PyTorch's own."""
    exact = attempt.gradients(attempt.theirs("sgd", RATE, 1, torch.float64))
    whole, own = largest(attempt.gradients(attempt.ours("sgd", RATE, 1)), exact, exact)
    return whole, own, largest(attempt.gradients(attempt.theirs("sgd", RATE, 1, torch.float32)), exact, exact)[0]


def steps(attempt):
    """What ten steps give, as cells, and whether those of SGD agree."""
    cells, holds = [], True
    for kind in ("sgd", "adamw"):
        expected = attempt.theirs(kind, 1e-3, 10, torch.float64)
        within = {key: expected[key] for key in attempt.learned}
        found, reached = (largest(actual, expected, within)[1] for actual in (
            attempt.ours(kind, 1e-3, 10), attempt.theirs(kind, 1e-3, 10, torch.float32)))
        condition = attempt.step_condition(kind, within)
        cells.append(f"ten steps of {kind} {found:.1e} (PyTorch {reached:.1e}, condition {condition:.1e})")
        holds = holds and (kind != "sgd" or found < max(LIMIT, condition))
    return cells, holds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", required=True, help="the seg-bench executable")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    references = collect("networks")
    failed = []
    for name in options.names or NETWORKS:
        if name not in references:
            sys.exit(f"there is no reference named {name}")
        with tempfile.TemporaryDirectory() as folder:
            try:
                if not check(name, references[name], options, folder):
                    failed.append(name)
            except RuntimeError as error:
                print(f"{name:32} {error}", flush=True)
                failed.append(name)
    sys.exit(f"{', '.join(failed)} differ" if failed else None)


if __name__ == "__main__":
    main()
