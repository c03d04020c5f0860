#!/usr/bin/env python3
"""Holds the networks of the zoo against reference modules with the same weights.

    zoo.py parity --seg SEG [NAME ...]   full-size networks: the reference's state dict is saved as people save it, `seg run` loads
                                         it and runs the same images; prints a line a network and fails where one differs by
                                         1e-3 of the output's range or more, or in the largest class of 0.1 % of the pixels;
                                         --table docs/parity.md keeps the lines
    zoo.py fixtures [NAME ...]           small networks: writes what their references compute to Tests/Fixtures/zoo

Both need torch, torchvision, timm, segmentation-models-pytorch, numpy and safetensors.
"""
import argparse
import copy
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
from references import collect, places, seeded  # noqa: E402

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


def figure(value):
    return "–" if value is None else f"{value:.1e}"


class Comparison:
    """The worst figures over the images and outputs of a network."""

    def __init__(self):
        self.error, self.agreement = 0.0, 1.0
        # Of this project and of PyTorch's float32 against PyTorch's float64, where that is run.
        self.exact, self.reference = None, None

    def add(self, actual, expected, exact):
        found = difference(actual, expected)
        self.error, self.agreement = max(self.error, found[0]), min(self.agreement, found[1])
        if exact is not None:
            self.exact = max(self.exact or 0.0, difference(actual, exact)[0])
            self.reference = max(self.reference or 0.0, difference(expected, exact)[0])

    @property
    def holds(self):
        return self.error < LARGEST_DIFFERENCE and self.agreement >= LEAST_AGREEMENT


class Parity:
    """Runs the networks of the project and of the references."""

    def __init__(self, seg, folder, arguments, float64=True):
        self.seg, self.folder, self.arguments, self.float64 = seg, folder, arguments, float64

    def save(self, state, form):
        weights = os.path.join(self.folder, f"weights.{form}")
        if form == "pth":
            torch.save(state, weights)
        else:
            save_file({key: np.ascontiguousarray(value.numpy()) for key, value in state.items()}, weights)
        return weights

    def run(self, name, weights, image, expected):
        """The project's outputs by name, or a line that says what is wrong."""
        given, taken = os.path.join(self.folder, "in.npz"), os.path.join(self.folder, "out.npz")
        np.savez(given, image=image.numpy())
        command = [
            self.seg, "run", name, "--weights", weights, "--input", given, "--output", taken, "--layout", "nchw",
            *self.arguments]
        if len(expected) > 1:
            command.append("--auxiliary")
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode != 0:
            return run.stderr.strip()[:300]
        actual = dict(np.load(taken))
        if set(actual) != set(expected):
            return f"gives {sorted(actual)}, not {sorted(expected)}"
        for key, value in expected.items():
            if actual[key].shape != tuple(value.shape):
                return f"{key} is {actual[key].shape}, not {tuple(value.shape)}"
        return actual

    def check(self, name, reference):
        """Prints the line of a network; its cells for the table, and whether it agrees."""
        torch.manual_seed(1)
        network = reference.make()
        torch.manual_seed(2)
        if reference.trained:
            network.eval()
        else:
            seeded.train(network)
            # Statistics of images that are smaller than the smallest input would be those of padding.
            seeded.calibrate(network, [torch.randn((2, *reference.inputs[0][1:]))])
        weights = self.save(reference.state(network.state_dict()), reference.form)
        exact_network = copy.deepcopy(network).double() if self.float64 or reference.settle else None

        def outputs(image):
            with torch.no_grad():
                expected = reference.outputs(network(image))
                exact = reference.outputs(exact_network(image.double())) if exact_network else {}
            return {key: value.numpy() for key, value in expected.items()}, {
                key: value.numpy() for key, value in exact.items()}

        images = [torch.randn(shape) for shape in reference.inputs]
        settled = [reference.settle(network, image) for image in images] if reference.settle else images
        comparisons, keys, notes = [], set(), []
        for group in [settled, images] if reference.settle else [images]:
            comparisons.append(Comparison())
            for image in group:
                expected, exact = outputs(image)
                actual = self.run(name, weights, image, expected)
                if isinstance(actual, str):
                    print(f"{name:36} {actual}", flush=True)
                    return None, False
                for key in expected:
                    comparisons[-1].add(actual[key], expected[key], exact.get(key))
                keys.update(expected)
        found = comparisons[0]
        if reference.settle:
            changed = max(float((a - b).abs().max()) for a, b in zip(images, settled))
            taken = [places.disagreements(network, image) for image in images]
            raw = comparisons[1]
            notes.append(
                f"`{name}` unpools. Its images are changed by at most {changed:.1e} so that no pooling window nearly ties. As drawn, "
                f"PyTorch's float32 takes another place than its own float64 in {sum(t[0] for t in taken)} of "
                f"{sum(t[1] for t in taken):,} windows, and the largest errors against float64 are {raw.exact:.1e} of the range here and "
                f"{raw.reference:.1e} in PyTorch.")
        count = sum(value.numel() for key, value in network.named_parameters())
        sizes = ", ".join("×".join(map(str, (*([shape[0]] if shape[0] > 1 else []), *shape[2:]))) for shape in reference.inputs)
        print(
            f"{name:36} {count:>12,} parameters  {sizes:20} {found.error:.1e} of the range  {100 * found.agreement:7.3f} % of pixels  "
            f"float64: {figure(found.exact)}, PyTorch {figure(found.reference)}  {reference.form:11} {' '.join(sorted(keys))}"
            f"{'' if found.holds else '  DIFFERS'}", flush=True)
        for note in notes:
            print(f"    {note}", flush=True)
        cells = [
            f"`{name}`", f"{count:,}", sizes, f"{found.error:.1e}", f"{100 * found.agreement:.3f} %", figure(found.exact),
            figure(found.reference), reference.form, " ".join(sorted(keys))]
        return ("| " + " | ".join(cells) + " |", notes), found.holds


class Table:
    """The page of all networks. Lines of networks that are not run stay as they are."""

    HEAD = """# Parity: every network against a reference with the same weights

Written by `make parity-zoo`. A reference is torchvision's, timm's or segmentation-models-pytorch's network where they have it, else a
plain PyTorch module (`Tests/Parity/references`), with seeded random weights and statistics of batch normalisation as training leaves them.
Its state dict is saved as people save it and loaded by name, strictly; both run the same random images. *Difference* is the largest over
all outputs and images to PyTorch's float32, in proportion to the output's range (must be below 1e-3); *same class* the share of pixels
with the same largest logit (at least 99.9 %). *To float64* is the same difference of this project and of PyTorch's float32 to PyTorch's
float64: the rounding of each (`--float64`; a dash where it was not run).

| network | parameters | images | difference | same class | to float64 | PyTorch's to float64 | saved as | outputs |
|---|--:|---|--:|--:|--:|--:|---|---|
"""

    # Measured with scales of 1 in place of `seeded.train`, and with them as it draws them; FCN-ResNet101, the first image.
    TAIL = """
## How much of the difference is Winograd's

Reference networks draw the scales of batch normalisation as training leaves them (`seeded.train`). With scales of exactly 1 a residual
network of 101 random layers multiplies the rounding of its first ones a thousandfold, in PyTorch too. `fcn-resnet101` at 520×520, the
largest error against PyTorch's float64 in proportion to the range, and the difference to PyTorch's float32:

| scales | `--algorithms` | to float64 | PyTorch's to float64 | difference | same class |
|---|---|--:|--:|--:|--:|
| 1 | estimated (mostly F(6×6)) | 1.3e-3 | 3.1e-4 | 1.3e-3 | 99.776 % |
| 1 | winograd 6×6 | 1.3e-3 | 3.1e-4 | 1.3e-3 | 99.776 % |
| 1 | winograd 4×4 | 6.9e-4 | 3.1e-4 | 7.6e-4 | 99.865 % |
| 1 | winograd 2×2 | 3.3e-4 | 3.1e-4 | 4.8e-4 | 99.931 % |
| 1 | im2col | 2.9e-4 | 3.1e-4 | 4.2e-4 | 99.928 % |
| 1 | direct | 3.3e-4 | 3.1e-4 | 4.8e-4 | 99.929 % |
| as trained | estimated | 4.7e-5 | 1.2e-5 | 5.0e-5 | 99.991 % |
| as trained | im2col | 1.1e-5 | 1.2e-5 | 1.9e-5 | 99.996 % |

So it is Winograd's: F(6×6) rounds about four times as much as a direct sum, F(4×4) twice as much, F(2×2) and the others as PyTorch does. A
network as ill-conditioned as the first rows is beyond the bound of 1e-3 with F(6×6), and within it with any other; the labels of 99.9 % of its
pixels are PyTorch's with F(2×2), im2col and direct, of 99.87 % with F(4×4) and 99.78 % with F(6×6).

## Near ties in max pooling

A network that unpools puts a whole value elsewhere where a pooling window takes another place. Places of this project, of PyTorch's float32
and of its float64 on the first image as drawn, `enet` at 512×1024 and `unet-unpooling` at 256×256: of 1,048,576 and 1,966,080
windows 1 and 7 differ here from float64, 0 and 2 in PyTorch. In each of them the two largest values are closer in float64 than half of the
largest error of that map. With the images changed so that there are none, all places and the outputs agree (the table's rows).
"""

    def __init__(self, path, order):
        self.path, self.order = path, order
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        self.rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
        self.notes = {line.split("`")[1]: [line[2:]] for line in text.splitlines() if line.startswith("- `")}

    def add(self, name, row, notes):
        self.rows[name], self.notes[name] = row, notes
        lines = [self.rows[key] for key in self.order if key in self.rows]
        notes = [f"- {note}" for key in self.order for note in self.notes.get(key, [])]
        self.path.write_text(self.HEAD + "\n".join(lines) + "\n\n" + "\n".join(notes) + "\n" + self.TAIL, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["parity", "fixtures"])
    parser.add_argument("names", nargs="*", help="all where none is given")
    parser.add_argument("--seg", help="the seg executable")
    parser.add_argument("--table", type=pathlib.Path, help="the page whose lines of these networks are written anew")
    parser.add_argument("--float64", action="store_true", help="also run the references in float64, which takes three times as long")
    parser.add_argument("--algorithms", default="estimated", help="how convolutions are computed, as `seg run` takes it")
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
    references = collect("networks")
    table = Table(options.table, list(references)) if options.table else None
    with tempfile.TemporaryDirectory() as folder:
        parity = Parity(options.seg, folder, ["--algorithms", options.algorithms], options.float64)
        for name, reference in chosen(references, options.names).items():
            line, holds = parity.check(name, reference)
            failures += not holds
            if table and line:
                table.add(name, *line)
    sys.exit(f"{failures} networks differ" if failures else 0)


if __name__ == "__main__":
    main()
