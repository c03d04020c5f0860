#!/usr/bin/env python3
"""Exports every network of `seg models` with random weights to ONNX and holds the files against the networks themselves.

    export.py --seg SEG [NAME ...]

Each file passes onnx.checker with full shape inference. ONNX Runtime computes it for one image and for two, and `seg run` computes the file and the
network with the weights that the file has under the parameters' names. Errors are the largest difference in proportion to the largest logit. The
network and the file, compiled, have the same number of convolutions and linear layers. Prints a line a network, and fails where one differs by more
than 1e-5, is refused, or has another number of convolutions.

The weights are those that the networks start from. Images are 64×96, of networks that take no such size of their own size.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

SIZE = (64, 96)
LIMIT = 1e-5
CONVOLUTIONS = ("Convolution", "TransposedConvolution", "PoolingConvolution", "SeparableConvolution", "PlanarConvolution", "Linear")


def run(*command):
    """What a command prints."""
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError((result.stderr or result.stdout).strip().splitlines()[-1])
    return result.stdout


def convolutions(seg, network, *options):
    """The number of convolutions and linear layers of the compiled graph."""
    layers = json.loads(run(seg, "estimate", network, *options, "--layers", "--json"))["layers"]
    return sum(layer["operation"].split()[0] in CONVOLUTIONS for layer in layers)


def error(actual, expected):
    """The largest difference in proportion to the largest number, and that number."""
    largest = float(np.abs(expected).max())
    return float(np.abs(actual.astype(np.float64) - expected).max()) / max(largest, 1e-30), largest


def check(seg, name, folder):
    """The line of a network, and whether it agrees."""
    file, weights, image, ours, read = (
        os.path.join(folder, part) for part in ("net.onnx", "weights.npz", "image.npz", "ours.npz", "read.npz"))
    size = ["--size", "x".join(map(str, SIZE))]
    try:
        run(seg, "export", name, "-o", file, "--seed", "1", *size)
    except RuntimeError as refusal:
        if "cannot take" not in str(refusal):
            raise
        size = []
        run(seg, "export", name, "-o", file, "--seed", "1")
    model = onnx.load(file)
    onnx.checker.check_model(file, full_check=True)
    given = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    np.savez(weights, **{key: value for key, value in given.items() if not key.startswith("constant")})
    port = model.graph.input[0]
    _, channels, height, width = (extent.dim_value for extent in port.type.tensor_type.shape.dim)
    is_open = port.type.tensor_type.shape.dim[0].dim_param == "batch"
    output = model.graph.output[0].name
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    worst, reimported, largest = 0.0, 0.0, 0.0
    for batch in (1, 2) if is_open else (1,):
        x = np.random.default_rng(batch).standard_normal((batch, channels, height, width)).astype(np.float32)
        np.savez(image, image=x)
        run(seg, "run", name, "--weights", weights, "--input", image, "--output", ours, "--layout", "nchw")
        run(seg, "run", file, "--input", image, "--output", read)
        expected = np.load(ours)["logits"].astype(np.float64)
        theirs, again = session.run([output], {port.name: x})[0], np.load(read)[output]
        if output == "saliency":  # the sigmoid of the logits
            expected = 1 / (1 + np.exp(-expected))
        found, largest = error(theirs, expected)
        worst, reimported = max(worst, found), max(reimported, error(again, expected)[0])
    before, after = convolutions(seg, name, *size), convolutions(seg, file)
    transposes = sum(node.op_type == "Transpose" for node in model.graph.node)
    holds = worst <= LIMIT and reimported <= LIMIT and before == after and is_open
    line = (f"{name:32} {height}×{width}, opset {model.opset_import[0].version}, {len(model.graph.node):4} nodes, {transposes:3} transposes, "
            f"ONNX Runtime {worst:.1e}, imported {reimported:.1e} of {largest:.2g}, convolutions {before} → {after}")
    return line + ("" if is_open else ", batch fixed") + ("" if holds else "  DIFFERS"), holds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seg", required=True, help="the seg executable")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    names = options.names or [network["name"] for network in json.loads(run(options.seg, "models", "--json"))]
    failed = []
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
