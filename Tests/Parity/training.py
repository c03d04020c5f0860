#!/usr/bin/env python3
"""Holds the training of networks against PyTorch in float64: the gradients of all weights, and the weights after ten steps.

    training.py --bench SEG_BENCH [NAME ...]

Networks, weights, images and labels are those of the references with seeded numbers; dropout and stochastic depth are off. Gradients are
read from one step of plain descent. Prints a line a network: the largest difference of a gradient in proportion to the largest gradient of
all weights and to that of its own tensor, the largest difference of a weight after ten steps of SGD and of AdamW in proportion to the
largest of its tensor, and the same of PyTorch's own float32. Fails where a gradient differs by 1e-4 of the largest or more, or where
ten steps of SGD do.
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
        logits = reference.outputs(network(images))["logits"]
        if logits.shape[1] == 1:
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits[:, 0], targets.to(logits.dtype))
        else:
            loss = torch.nn.functional.cross_entropy(logits, targets)
        loss.backward()
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
    size, batch = NETWORKS.get(name, (64, 4))
    torch.manual_seed(1)
    network = silent(reference.make())
    channels = reference.inputs[0][1]
    images = torch.randn(batch, channels, size, size)
    with torch.no_grad():
        logits = reference.outputs(copy.deepcopy(network)(images))["logits"]
    classes = logits.shape[1]
    if classes == 1:
        return None
    targets = torch.randint(0, classes, (batch, size, size))
    state = floats(reference.state(network.state_dict()))
    weights = os.path.join(folder, "weights.safetensors")
    save_file({**state, "images": images.permute(0, 2, 3, 1).contiguous(), "targets": targets.int()}, weights)

    def ours(optimizer, rate, steps):
        output = os.path.join(folder, "output.safetensors")
        command = [options.bench, "training", name, "--size", str(size), "--batch", str(batch), "--classes", str(classes),
                   "--optimizer", optimizer, "--rate", str(rate), "--steps", str(steps), "--tensors", weights, "--output", output]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            raise RuntimeError((result.stderr or result.stdout).strip().splitlines()[-1])
        return load_file(output)

    def theirs(kind, rate, steps, dtype):
        own = copy.deepcopy(network).to(dtype)
        rule = (torch.optim.SGD(own.parameters(), rate, momentum=0.9, weight_decay=1e-4) if kind == "sgd"
                else torch.optim.AdamW(own.parameters(), rate))
        return trained(reference, own, images.to(dtype), targets, rule, steps)

    learned = [key for key in state if not key.endswith(("running_mean", "running_var"))]

    def gradients(after):
        return {key: (state[key].double() - after[key].double()) / RATE - 1e-4 * state[key].double() for key in learned}

    exact = gradients(theirs("sgd", RATE, 1, torch.float64))
    whole, own = largest(gradients(ours("sgd", RATE, 1)), exact, exact)
    torch_whole, _ = largest(gradients(theirs("sgd", RATE, 1, torch.float32)), exact, exact)
    cells = [f"gradients {whole:.1e} of the largest, {own:.1e} of their tensor (PyTorch {torch_whole:.1e})"]
    holds = whole < LIMIT
    for kind, rate in (("sgd", 1e-3), ("adamw", 1e-3)):
        expected = theirs(kind, rate, 10, torch.float64)
        _, found = largest(ours(kind, rate, 10), expected, {key: expected[key] for key in learned})
        _, reached = largest(theirs(kind, rate, 10, torch.float32), expected, {key: expected[key] for key in learned})
        cells.append(f"ten steps of {kind} {found:.1e} (PyTorch {reached:.1e})")
        holds = holds and (kind != "sgd" or found < LIMIT)
    print(f"{name:32} {', '.join(cells)}{'' if holds else '  DIFFERS'}", flush=True)
    return holds


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
                if check(name, references[name], options, folder) is False:
                    failed.append(name)
            except RuntimeError as error:
                print(f"{name:32} {error}", flush=True)
                failed.append(name)
    sys.exit(f"{', '.join(failed)} differ" if failed else None)


if __name__ == "__main__":
    main()
