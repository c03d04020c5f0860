#!/usr/bin/env python3
"""Holds the networks of the zoo against reference modules with the same weights.

    zoo.py parity --seg SEG [NAME ...]   full-size networks: the reference's state dict is saved as people save it, `seg run` loads
                                         it and runs the same images; prints a line a network and fails where one differs by
                                         1e-3 of the output's range or more, or in the largest class of 0.1 % of the pixels
    zoo.py fixtures [NAME ...]           small networks: writes what their references compute to Tests/Fixtures/zoo

Both need torch, torchvision, timm, segmentation-models-pytorch, numpy and safetensors.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import torch
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent.parent / "perf" / "reference"))
from references import collect, seeded  # noqa: E402

warnings.filterwarnings("ignore")
FIXTURES = HERE.parent / "Fixtures" / "zoo"
LARGEST_DIFFERENCE, LEAST_AGREEMENT = 1e-3, 0.999


def chosen(references, names):
    unknown = [name for name in names if name not in references]
    if unknown:
        sys.exit(f"there are no references named {', '.join(unknown)}; there are {', '.join(references)}")
    return {name: reference for name, reference in references.items() if not names or name in names}


def write_fixture(name, reference):
    network = reference.make()
    seeded.fill(reference.state(network.state_dict()))
    batch = [seeded.even(f"calibration/{i}", (4, *reference.inputs[0][1:]), -2, 2) for i in range(2)]
    seeded.calibrate(network, batch, half=True)
    state = reference.state({key: value for key, value in network.state_dict().items() if value.is_floating_point()})
    tensors = {
        f"statistic/{key}": value.numpy().astype(np.float16)
        for key, value in state.items() if key.endswith(("running_mean", "running_var"))}
    for index, shape in enumerate(reference.inputs):
        with torch.no_grad():
            outputs = reference.outputs(network(seeded.image(index, shape)))
        for key, value in outputs.items():
            tensors[f"output/{index}/{key}"] = np.ascontiguousarray(value.numpy())
    description = {"parameters": {key: list(value.shape) for key, value in state.items()}, "inputs": reference.inputs}
    path = FIXTURES / f"{name}.safetensors"
    save_file(tensors, path, metadata={"description": json.dumps(description)})
    path.chmod(0o644)
    print(f"{name:36} {path.stat().st_size / 1024:7.0f} KB, {sum(value.numel() for value in state.values()):,} values")


def difference(actual, expected):
    """The largest difference in proportion to the range, and the share of pixels whose largest class is the same."""
    error = float(np.abs(actual - expected).max() / max(np.ptp(expected), 1e-30))
    if expected.shape[1] == 1:
        return error, float(((actual > 0) == (expected > 0)).mean())
    return error, float((actual.argmax(1) == expected.argmax(1)).mean())


def check(name, reference, seg, folder):
    """Prints the line of a network; whether it agrees."""
    torch.manual_seed(1)
    network = reference.make()
    torch.manual_seed(2)
    seeded.train(network)
    # Statistics of images that are smaller than the smallest input would be those of padding.
    shape = (2, *reference.inputs[0][1:])
    seeded.calibrate(network, [torch.randn(shape)])
    state = reference.state(network.state_dict())
    weights = os.path.join(folder, f"weights.{reference.form}")
    if reference.form == "pth":
        torch.save(state, weights)
    else:
        save_file({key: np.ascontiguousarray(value.numpy()) for key, value in state.items()}, weights)
    count = sum(value.numel() for key, value in network.named_parameters())
    error, agreement, outputs = 0.0, 1.0, set()
    for shape in reference.inputs:
        with torch.no_grad():
            image = next(image for image in iter(lambda: torch.randn(shape), None) if reference.accepts(network, image))
            expected = reference.outputs(network(image))
        given, taken = os.path.join(folder, "in.npz"), os.path.join(folder, "out.npz")
        np.savez(given, image=image.numpy())
        command = [seg, "run", name, "--weights", weights, "--input", given, "--output", taken, "--layout", "nchw"]
        if len(expected) > 1:
            command.append("--auxiliary")
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode != 0:
            print(f"{name:36} {run.stderr.strip()[:300]}", flush=True)
            return False
        actual = np.load(taken)
        if set(actual) != set(expected):
            print(f"{name:36} gives {sorted(actual)}, not {sorted(expected)}", flush=True)
            return False
        for key, value in expected.items():
            if actual[key].shape != tuple(value.shape):
                print(f"{name:36} {key} is {actual[key].shape}, not {tuple(value.shape)}", flush=True)
                return False
            found = difference(actual[key], value.numpy())
            error, agreement = max(error, found[0]), min(agreement, found[1])
            outputs.add(key)
    sizes = ", ".join("×".join(map(str, shape[2:])) for shape in reference.inputs)
    holds = error < LARGEST_DIFFERENCE and agreement >= LEAST_AGREEMENT
    print(
        f"{name:36} {count:>12,} parameters  {sizes:20} {error:.1e} of the range  {100 * agreement:7.3f} % of pixels  "
        f"{reference.form:11} {' '.join(sorted(outputs))}{'' if holds else '  DIFFERS'}", flush=True)
    return holds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["parity", "fixtures"])
    parser.add_argument("names", nargs="*", help="all where none is given")
    parser.add_argument("--seg", help="the seg executable")
    options = parser.parse_intermixed_args()
    if options.task == "fixtures":
        torch.set_num_threads(1)
        FIXTURES.mkdir(exist_ok=True)
        for name, reference in chosen(collect("fixtures"), options.names).items():
            write_fixture(name, reference)
        return
    if not options.seg:
        parser.error("parity needs --seg")
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, reference in chosen(collect("networks"), options.names).items():
            failures += not check(name, reference, options.seg, folder)
    sys.exit(f"{failures} networks differ" if failures else 0)


if __name__ == "__main__":
    main()
