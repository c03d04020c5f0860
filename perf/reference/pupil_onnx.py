"""The pupil U-Net as an ONNX model, built node by node from a state dict, so that no training framework is needed."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def build(weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    nodes, initializers = [], []

    def constant(name, array):
        initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(operator, inputs, **attributes):
        output = f"{operator}_{len(nodes)}"
        nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def convolution(x, key, padding, operator="Conv", stride=1):
        weight = weights[key + ".weight"]
        inputs = [x, constant(key + ".weight", weight)]
        if key + ".bias" in weights:
            inputs.append(constant(key + ".bias", weights[key + ".bias"]))
        return node(operator, inputs, kernel_shape=weight.shape[2:], pads=[padding] * 4, strides=[stride] * 2)

    def double_convolution(x, key):
        for conv, norm in ((0, 1), (3, 4)):
            x = convolution(x, f"{key}.double_conv.{conv}", 1)
            names = [f"{key}.double_conv.{norm}.{part}" for part in ("weight", "bias", "running_mean", "running_var")]
            x = node("BatchNormalization", [x] + [constant(name, weights[name]) for name in names], epsilon=1e-5)
            x = node("Relu", [x])
        return x

    def pool(x):
        return node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])

    x1 = double_convolution("image", "inc")
    x2 = double_convolution(pool(x1), "down1.1")
    x3 = double_convolution(pool(x2), "down2.1")
    mean = node("ReduceMean", [x3], axes=[1], keepdims=1)
    largest = node("ReduceMax", [x3], axes=[1], keepdims=1)
    gate = node("Sigmoid", [convolution(node("Concat", [mean, largest], axis=1), "att.conv", 3)])
    x = node("Mul", [x3, gate])
    for level, skip in ((1, x2), (2, x1)):
        x = convolution(x, f"up{level}", 0, "ConvTranspose", 2)
        x = double_convolution(node("Concat", [x, skip], axis=1), f"conv{level}")
    logits = convolution(x, "outc", 0)
    nodes[-1].output[0] = "logits"
    del logits

    def port(name):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 1, "height", "width"])

    graph = helper.make_graph(nodes, "pupil-unet", [port("image")], [port("logits")], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model
