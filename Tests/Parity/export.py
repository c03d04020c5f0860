#!/usr/bin/env python3
"""Exports every network of `seg models` with random weights to ONNX and holds the files against the networks themselves.

    export.py --seg SEG [--cases FOLDER] [NAME ...]

Each file passes onnx.checker with full shape inference. ONNX Runtime computes it for one image and for two, and `seg run` computes the file, and the
network with the weights that the file has under the parameters' names. Errors are the largest difference in proportion to the largest logit. ONNX
Runtime is compared with the network as it is written, by plain sums (im2col); what it differs by from the optimised network, whose Winograd and
Strassen algorithms have errors of some 1e-5 of their own, is told besides. The file, imported, is compared with the optimised network.
A rounding error that turns a near tie of a pooling moves a number: of some images the one with the smallest difference counts, and a fault would be
in all of them. The network and the file, compiled, have the same number of convolutions,
linear layers and matrix products. Prints a line a network, and fails where
one differs by more than 1e-5, is refused, or has another number of convolutions.

FOLDER holds files of single operators with inputs and outputs, which a test writes (SEG_EXPORTS); ONNX Runtime computes them too.

The weights are those that the networks start from. Images are 64×96, of networks that take no such size of their own size.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

SIZE = (64, 96)
LIMIT = 1e-5
#: The images that are tried for a network.
ATTEMPTS = 3
#: Each operator as it is written, and sums of products in float32.
PLAIN = ("--unoptimized", "--algorithms", "im2col")
#: The products of an operator. A product with a parameter is imported as a linear layer; attention is two products, into which the import
#: leaves it apart where it has one head.
PRODUCTS = {
    "Convolution": 1, "TransposedConvolution": 1, "PoolingConvolution": 1, "SeparableConvolution": 1, "PlanarConvolution": 1,
    "DeformableConvolution": 1, "Linear": 1, "MatMul": 1, "Attention": 2,
}


def run(*command):
    """What a command prints."""
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError((result.stderr or result.stdout).strip().splitlines()[-1])
    return result.stdout


def convolutions(seg, network, *options):
    """The number of convolutions, linear layers and matrix products of the compiled graph."""
    layers = json.loads(run(seg, "bench", network, *options, "--layers", "--rounds", "1", "--json"))["layers"]
    return sum(PRODUCTS.get(layer["operation"].split()[0], 0) for layer in layers)


def error(actual, expected):
    """The largest difference in proportion to the largest number."""
    return float(np.abs(actual.astype(np.float64) - expected).max()) / max(float(np.abs(expected).max()), 1e-30)


class Attempt:
    """A file with the network that it was made from, on random images."""

    def __init__(self, seg, name, folder, model):
        self.seg, self.name, self.file = seg, name, os.path.join(folder, "net.onnx")
        self.weights, self.image, self.result = (os.path.join(folder, part) for part in ("weights.npz", "image.npz", "result.npz"))
        given = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        np.savez(self.weights, **{key: value for key, value in given.items() if not key.startswith("constant")})
        self.port, self.output = model.graph.input[0].name, model.graph.output[0].name
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(self.file, options, providers=["CPUExecutionProvider"])

    def network(self, *options):
        """The network's output."""
        run(self.seg, "run", self.name, "--weights", self.weights, "--input", self.image, "--output", self.result, "--layout", "nchw", *options)
        logits = np.load(self.result)["logits"].astype(np.float64)
        return 1 / (1 + np.exp(-logits)) if self.output == "saliency" else logits

    def errors(self, shape, seed):
        """The errors of ONNX Runtime by plain sums and optimised, and of the imported file."""
        x = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
        np.savez(self.image, image=x)
        theirs = self.session.run([self.output], {self.port: x})[0]
        plain, optimised = self.network(*PLAIN), self.network()
        run(self.seg, "run", self.file, "--input", self.image, "--output", self.result)
        return error(theirs, plain), error(theirs, optimised), error(np.load(self.result)[self.output], optimised)


def check(seg, name, folder):
    """The line of a network, and whether it agrees."""
    file = os.path.join(folder, "net.onnx")
    size = ["--size", "x".join(map(str, SIZE))]
    try:
        run(seg, "export", name, "-o", file, "--seed", "1", *size)
    except RuntimeError as refusal:
        if "cannot take" not in str(refusal):
            raise
        size = []
        run(seg, "export", name, "-o", file, "--seed", "1")
    onnx.checker.check_model(file, full_check=True)
    model = onnx.load(file)
    first, *image = model.graph.input[0].type.tensor_type.shape.dim
    image = [extent.dim_value for extent in image]
    attempt = Attempt(seg, name, folder, model)
    worst = (0.0, 0.0, 0.0)
    for batch in (1, 2) if first.dim_param == "batch" else (1,):
        best = None
        for seed in range(ATTEMPTS):
            found = attempt.errors((batch, *image), seed)
            best = min(best or found, found)
            if max(best[0], best[2]) <= LIMIT:
                break
        worst = tuple(map(max, worst, best))
    before, after = convolutions(seg, name, *size), convolutions(seg, file)
    transposes = sum(node.op_type == "Transpose" for node in model.graph.node)
    is_open = first.dim_param == "batch"
    holds = max(worst[0], worst[2]) <= LIMIT and before == after and is_open
    line = (f"{name:30} {image[1]}×{image[2]}, opset {model.opset_import[0].version}, {len(model.graph.node):4} nodes, {transposes:3} transposes, "
            f"ONNX Runtime {worst[0]:.1e} (optimised {worst[1]:.1e}), imported {worst[2]:.1e}, convolutions {before} → {after}")
    return line + ("" if is_open else ", batch fixed") + ("" if holds else "  DIFFERS"), holds


def check_cases(folder):
    """The names of the files of single operators that are refused or differ."""
    failed, count, worst = [], 0, 0.0
    for path in sorted(pathlib.Path(folder).glob("*.onnx")):
        arrays = dict(np.load(path.with_suffix(".npz")))
        expected = arrays.pop("y")
        try:
            onnx.checker.check_model(str(path), full_check=True)
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            actual = session.run(None, {port.name: arrays[port.name] for port in session.get_inputs()})[0]
            found = error(actual, expected) if actual.shape == expected.shape and actual.dtype == expected.dtype else np.inf
        except Exception as refusal:  # ONNX Runtime's own errors have no common type
            print(f"{path.stem}: {str(refusal).strip().splitlines()[0][:200]}", flush=True)
            failed.append(path.stem)
            continue
        count, worst = count + 1, max(worst, found if found <= LIMIT else 0.0)
        if found > LIMIT:
            print(f"{path.stem}: {found:.1e}", flush=True)
            failed.append(path.stem)
    print(f"{count} files of single operators, largest error {worst:.1e}", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seg", required=True, help="the seg executable")
    parser.add_argument("--cases", help="a folder with files of single operators")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    failed = check_cases(options.cases) if options.cases else []
    names = options.names or [network["name"] for network in json.loads(run(options.seg, "models", "--json"))]
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            try:
                line, holds = check(options.seg, name, folder)
            except (RuntimeError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as refusal:
                line, holds = f"{name:32} {str(refusal).strip().splitlines()[0]}", False
            except Exception as refusal:  # ONNX Runtime's own errors have no common type
                line, holds = f"{name:32} {type(refusal).__name__}: {str(refusal).strip().splitlines()[0][:200]}", False
        print(line, flush=True)
        if not holds:
            failed.append(name)
    sys.exit(f"{', '.join(failed)} differ" if failed else None)


if __name__ == "__main__":
    main()
