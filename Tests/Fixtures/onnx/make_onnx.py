#!/usr/bin/env python3
"""Writes the small ONNX files of the import's tests, and onnxruntime's outputs on seeded inputs beside them.

Needs numpy, onnx, onnxruntime and safetensors:  make_onnx.py
"""
import os

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
random = np.random.default_rng(7)


class Network:
    """Nodes, initialisers and names of a graph that is being put together."""

    def __init__(self):
        self.nodes, self.initializers = [], []

    def constant(self, array, name=None):
        name = name or f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, kind, inputs, outputs=1, **attributes):
        names = [f"{kind}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def weights(self, *shape):
        fan = np.prod(shape[1:])
        return self.constant((random.standard_normal(shape) * np.sqrt(2 / fan)).astype(np.float32))

    def conv(self, x, inputs, outputs, kernel=3, stride=1, dilation=1, group=1):
        pad = dilation * (kernel - 1) // 2
        return self.node(
            "Conv", [x, self.weights(outputs, inputs // group, kernel, kernel),
                     self.constant(random.standard_normal(outputs).astype(np.float32) * 0.1)],
            kernel_shape=[kernel] * 2, strides=[stride] * 2, dilations=[dilation] * 2, pads=[pad] * 4, group=group)

    def write(self, name, inputs, outputs, opset=13):
        graph = helper.make_graph(
            self.nodes, name, [helper.make_tensor_value_info(n, t, s) for n, t, s in inputs],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", "a", "b", "c"]) for n in outputs], self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="make_onnx.py")
        model.ir_version = 8
        onnx.checker.check_model(model)
        path = os.path.join(HERE, name + ".onnx")
        onnx.save(model, path)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        tensors = {}
        for height, width in ((32, 48), (40, 24)):
            feed = {}
            for n, _, shape in inputs:
                sizes = {"height": height, "width": width, "batch": 1}
                feed[n] = random.random([sizes.get(e, e) for e in shape], dtype=np.float32)
                tensors[f"{height}x{width}/{n}"] = feed[n]
            for n, value in zip(outputs, session.run(outputs, feed)):
                tensors[f"{height}x{width}/{n}"] = value.astype(np.float32)
        save_file(tensors, os.path.join(HERE, name + ".safetensors"))


def decoder():
    """A small encoder–decoder with the shape arithmetic that exporters write around Resize, and a squeeze–excitation gate."""
    n = Network()
    x = n.node("Relu", [n.conv("image", 3, 8, stride=2)])
    skip = x
    x = n.node("Relu", [n.conv(x, 8, 8, group=8)])
    gate = n.node("GlobalAveragePool", [x])
    gate = n.node("HardSigmoid", [n.conv(gate, 8, 8, kernel=1)], alpha=1 / 6, beta=0.5)
    x = n.node("Mul", [x, gate])
    x = n.node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    x = n.node("Relu", [n.conv(x, 8, 16, dilation=2)])
    size = n.node("Slice", [n.node("Shape", [skip]), n.constant([2]), n.constant([4]), n.constant([0])])
    whole = n.node("Concat", [n.constant([1, 16]), n.node("Cast", [size], to=TensorProto.INT64)], axis=0)
    x = n.node("Resize", [x, "", "", whole], mode="linear", coordinate_transformation_mode="half_pixel")
    x = n.node("Concat", [x, skip], axis=1)
    x = n.node("Relu", [n.conv(x, 24, 8)])
    x = n.conv(x, 8, 5, kernel=1)
    target = n.node("Slice", [n.node("Shape", ["image"]), n.constant([2]), n.constant([4]), n.constant([0])])
    target = n.node("Concat", [n.constant([1, 5]), target], axis=0)
    n.node("Resize", [x, "", "", target], mode="linear", coordinate_transformation_mode="align_corners")
    n.nodes[-1].output[0] = "logits"
    n.write("decoder", [("image", TensorProto.FLOAT, ["batch", 3, "height", "width"])], ["logits"])


def tokens():
    """A patch embedding, one attention block as exporters write it, and the way back to a map."""
    n = Network()
    x = n.node("Conv", ["image", n.weights(16, 3, 8, 8)], kernel_shape=[8, 8], strides=[8, 8])
    shape = n.node("Shape", [x])
    x = n.node("Transpose", [n.node("Reshape", [x, n.constant([0, 16, -1])])], perm=[0, 2, 1])
    y = n.node("LayerNormalization", [x, n.constant(np.ones(16, np.float32)), n.constant(np.zeros(16, np.float32))], axis=-1)
    qkv = n.node("Add", [n.node("MatMul", [y, n.weights(16, 48)]), n.constant(random.random(48, dtype=np.float32))])
    qkv = n.node("Transpose", [n.node("Reshape", [qkv, n.constant([1, -1, 3, 2, 8])])], perm=[2, 0, 3, 1, 4])
    q, k, v = (n.node("Gather", [qkv, n.constant(np.int64(i))], axis=0) for i in range(3))
    scores = n.node("MatMul", [n.node("Mul", [q, n.constant(np.float32(8**-0.5))]), n.node("Transpose", [k], perm=[0, 1, 3, 2])])
    y = n.node("MatMul", [n.node("Softmax", [scores], axis=-1), v])
    y = n.node("Reshape", [n.node("Transpose", [y], perm=[0, 2, 1, 3]), n.constant([1, -1, 16])])
    x = n.node("Add", [x, n.node("MatMul", [y, n.weights(16, 16)])])
    y = n.node("Mul", [x, n.node("Add", [n.node("Erf", [n.node("Div", [x, n.constant(np.float32(2**0.5))])]), n.constant(np.float32(1))])])
    x = n.node("Add", [x, y])
    x = n.node("Reshape", [n.node("Transpose", [x], perm=[0, 2, 1]), shape])
    n.nodes.append(helper.make_node("Conv", [x, n.weights(4, 16, 1, 1)], ["logits"], kernel_shape=[1, 1]))
    n.write("tokens", [("image", TensorProto.FLOAT, [1, 3, "height", "width"])], ["logits"], opset=17)


def channels_last():
    """A network of [batch, height, width, channels], as exporters of TensorFlow write it: transposes around each convolution."""
    n = Network()
    x = n.node("Transpose", ["image"], perm=[0, 3, 1, 2])
    x = n.node("Relu", [n.conv(x, 3, 8)])
    x = n.node("Transpose", [x], perm=[0, 2, 3, 1])
    x = n.node("Mul", [x, n.constant(random.random(8, dtype=np.float32))])
    x = n.node("Transpose", [x], perm=[0, 3, 1, 2])
    x = n.conv(x, 8, 3, stride=2)
    x = n.node("Transpose", [x], perm=[0, 2, 3, 1])
    n.nodes.append(helper.make_node("Softmax", [x], ["probabilities"], axis=-1))
    n.write("channels_last", [("image", TensorProto.FLOAT, [1, "height", "width", 3])], ["probabilities"])


if __name__ == "__main__":
    decoder()
    tokens()
    channels_last()
