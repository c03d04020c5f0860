#!/usr/bin/env python3
"""Writes ONNX files of single operators or a few, and onnxruntime's outputs on seeded inputs beside them.

NAME.onnx is a case's model, NAME.safetensors holds its inputs as "in/INPUT" and its outputs as "out/OUTPUT", and index.json lists the
cases with the tolerance of their outputs.

Needs numpy, onnx, onnxruntime and safetensors:  make_operators.py
"""
import json
import os

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = []
MS = "com.microsoft"


def numbers(seed, *shape, scale=1.0):
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


def whole(seed, dtype, *shape, low=None, high=None):
    info = np.iinfo(dtype)
    low, high = info.min if low is None else low, info.max if high is None else high
    return np.random.default_rng(seed).integers(low, high + 1, shape).astype(dtype)


class Case:
    """The nodes of a case; constants are initialisers, inputs get their values here."""

    def __init__(self, name, opset=21, tolerance=0.0):
        self.name, self.opset, self.tolerance = name, opset, tolerance
        self.nodes, self.constants, self.feeds = [], [], {}

    def input(self, name, value):
        self.feeds[name] = value
        return name

    def constant(self, value):
        name = f"c{len(self.constants)}"
        value = value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(np.asarray(value), name)
        value.name = name
        self.constants.append(value)
        return name

    def node(self, kind, inputs, outputs=1, domain="", **attributes):
        names = [f"{kind}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def scale(self, value, zero=None, dtype=np.uint8):
        """The names of a scale and a zero point."""
        return [self.constant(np.asarray(value, np.float32)), self.constant(np.asarray(zero or 0, dtype))]

    def model(self, outputs):
        inputs = [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in self.feeds.items()]
        values = [onnx.ValueInfoProto(name=name) for name in outputs]
        graph = helper.make_graph(self.nodes, self.name, inputs, values, self.constants)
        domains = {node.domain for node in self.nodes if node.domain}
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", self.opset)] + [helper.make_opsetid(d, 1) for d in sorted(domains)],
            producer_name="make_operators.py")
        model.ir_version = 10
        return model

    def write(self, *outputs, reference=None):
        """Writes the case; `reference` has the outputs in another form where onnxruntime has no kernel for this one's operators."""
        model = self.model(outputs)
        run, names = (model, outputs) if reference is None else (reference[0].model(reference[1:]), reference[1:])
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(run.SerializeToString(), options, providers=["CPUExecutionProvider"])
        results = dict(zip(outputs, session.run(list(names), self.feeds)))
        # The file declares the types of its outputs, and no shapes.
        del model.graph.output[:]
        for name in outputs:
            kind = helper.np_dtype_to_tensor_dtype(results[name].dtype)
            model.graph.output.append(helper.make_tensor_value_info(name, kind, None))
        onnx.save(model, os.path.join(HERE, self.name + ".onnx"))
        tensors = {f"in/{n}": np.array(v, order="C") for n, v in self.feeds.items()}
        tensors.update({f"out/{n}": np.array(v, order="C") for n, v in results.items()})
        save_file(tensors, os.path.join(HERE, self.name + ".safetensors"))
        CASES.append({"name": self.name, "tolerance": self.tolerance})


# Quantisation, and whole numbers in products. The operators of ONNX are exact.


def dynamic_quantization():
    for name, x in (("mixed", numbers(1, 2, 3, 5)), ("positive", np.abs(numbers(2, 4, 7)) + 1), ("zeros", np.zeros((2, 3), np.float32))):
        c = Case(f"dynamic-quantize-{name}")
        c.write(*c.node("DynamicQuantizeLinear", [c.input("x", x)], 3))
    c = Case("dynamic-network", tolerance=1e-5)
    y, scale, zero = c.node("DynamicQuantizeLinear", [c.input("x", numbers(3, 1, 6, 9, 8))], 3)
    weights = c.constant(whole(4, np.int8, 5, 6, 3, 3))
    z = c.node("ConvInteger", [y, weights, zero], pads=[1, 1, 1, 1])
    factor = c.node("Mul", [scale, c.constant(np.float32(0.01))])
    z = c.node("Mul", [c.node("Cast", [z], to=TensorProto.FLOAT), factor])
    z = c.node("Transpose", [c.node("Reshape", [z, c.constant(np.array([1, 5, 72]))])], perm=[0, 2, 1])
    y, scale, zero = c.node("DynamicQuantizeLinear", [z], 3)
    z = c.node("MatMulInteger", [y, c.constant(whole(5, np.uint8, 5, 7)), zero, c.constant(np.uint8(120))])
    c.write(c.node("Mul", [c.node("Cast", [z], to=TensorProto.FLOAT), scale]))


def quantized_nan():
    """ONNX leaves NaN open; onnxruntime gives the smallest integer."""
    values = np.array([[np.nan, 1, -300, 300], [np.inf, -np.inf, 2.5, np.nan]], np.float32)
    for kind in (np.uint8, np.int8):
        c = Case(f"quantize-nan-{np.dtype(kind)}")
        scale = c.scale(0.5, 3, kind)
        c.write(c.node("DequantizeLinear", [c.node("QuantizeLinear", [c.input("x", values), *scale]), *scale]))


def integer_products():
    c = Case("conv-integer")
    x, w = c.input("x", whole(10, np.uint8, 2, 3, 9, 11)), c.constant(whole(11, np.int8, 4, 3, 3, 3))
    c.write(c.node("ConvInteger", [x, w, c.constant(np.uint8(117))], pads=[1, 0, 2, 1], strides=[2, 1]))
    c = Case("conv-integer-deep")
    x, w = c.input("x", whole(12, np.uint8, 1, 512, 4, 5, low=200)), c.constant(whole(13, np.uint8, 3, 512, 3, 3, low=180))
    c.write(c.node("ConvInteger", [x, w], pads=[1, 1, 1, 1]))
    # Over three spatial axes, with sums of up to 6e7.
    for name, group, low in (("volume", 1, 0), ("volume-groups", 2, 200)):
        c = Case(f"conv-integer-{name}")
        x = c.input("x", whole(20, np.uint8, 1, 32 * group, 3, 4, 5, low=low))
        w = c.constant(whole(21, np.uint8, 4, 32, 3, 3, 3, low=low))
        c.write(c.node("ConvInteger", [x, w], pads=[1, 0, 1, 1, 1, 0], strides=[1, 2, 1], group=group))
    c = Case("matmul-integer")
    a, b = c.input("a", whole(14, np.uint8, 2, 3, 6)), c.constant(whole(15, np.int8, 6, 5))
    zero = [c.constant(np.uint8(99)), c.constant(np.array([1, -2, 3, 0, 7], np.int8))]
    c.write(c.node("MatMulInteger", [a, b, *zero]))
    c = Case("matmul-integer-computed")
    a, b = c.input("a", whole(16, np.int8, 3, 700)), c.input("b", whole(17, np.int8, 700, 4))
    c.write(c.node("MatMulInteger", [a, b]))
    c = Case("matmul-integer-deep")
    a, b = c.input("a", whole(18, np.uint8, 3, 2048, low=220)), c.constant(whole(19, np.uint8, 2048, 4, low=210))
    c.write(c.node("MatMulInteger", [a, b]))


def quantized_convolutions():
    def conv(name, x, w, x_zero, y_zero, bias=True, channels_last=False, **attributes):
        c = Case(name)
        outputs = w.shape[0]
        scales = np.abs(numbers(21, outputs, scale=0.002)) + np.float32(0.001)
        per_channel = np.zeros(outputs, w.dtype)
        inputs = [c.input("x", x), *c.scale(0.02, x_zero, x.dtype), c.constant(w), c.constant(scales), c.constant(per_channel)]
        inputs += c.scale(0.7, y_zero, x.dtype)
        if bias:
            inputs.append(c.constant(whole(22, np.int32, outputs, low=-9000, high=9000)))
        c.write(c.node("QLinearConv", inputs, **attributes))

    conv("qlinear-conv", whole(23, np.uint8, 1, 4, 9, 10), whole(24, np.int8, 6, 4, 3, 3), 128, 100, pads=[1, 1, 1, 1])
    conv("qlinear-conv-groups", whole(25, np.int8, 2, 4, 7, 8), whole(26, np.int8, 6, 2, 3, 3), -5, 3, group=2, strides=[2, 2])
    conv("qlinear-conv-depthwise", whole(27, np.uint8, 1, 8, 6, 7), whole(28, np.int8, 8, 1, 3, 3), 3, 128, group=8, pads=[1] * 4)
    conv("qlinear-conv-deep", whole(29, np.uint8, 1, 300, 3, 4), whole(30, np.int8, 4, 300, 3, 3), 0, 0, pads=[1] * 4)
    c = Case("qlinear-matmul")
    inputs = [c.input("a", whole(31, np.uint8, 2, 5, 6)), *c.scale(0.1, 120)]
    inputs += [c.constant(whole(32, np.uint8, 6, 3)), *c.scale(0.05, 130), *c.scale(2.2, 110)]
    c.write(c.node("QLinearMatMul", inputs))
    c = Case("qlinear-matmul-computed")
    inputs = [c.input("a", whole(33, np.int8, 2, 5, 6)), *c.scale(0.1, -3, np.int8)]
    inputs += [c.input("b", whole(34, np.int8, 2, 6, 3)), *c.scale(0.05, 4, np.int8), *c.scale(2.2, 0, np.int8)]
    c.write(c.node("QLinearMatMul", inputs))


def moved_integers():
    """Quantised values between operators that move them."""
    c = Case("moved-integers")
    x = c.node("QuantizeLinear", [c.input("x", numbers(40, 1, 4, 8, 6)), *c.scale(0.03, 120)])
    x = c.node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
    y = c.node("Transpose", [x], perm=[0, 2, 3, 1])
    y = c.node("Reshape", [y, c.constant(np.array([1, 12, 4]))])
    y = c.node("Slice", [y, c.constant(np.array([1])), c.constant(np.array([11])), c.constant(np.array([1]))])
    z = c.node("Concat", [x, x], axis=1)
    z = c.node("Resize", [z, "", c.constant(np.array([1, 1, 2, 2], np.float32))], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    c.write(y, c.node("DequantizeLinear", [z, *c.scale(0.03, 120)]), c.node("DequantizeLinear", [y, *c.scale(0.5, 110)]))


def scales():
    c = Case("quantize-axis")
    parameters = [c.constant(np.array([0.5, 0.02, 1.25], np.float32)), c.constant(np.array([3, 128, 250], np.uint8))]
    q = c.node("QuantizeLinear", [c.input("x", numbers(50, 2, 3, 4, 5)), *parameters], axis=1)
    c.write(q, c.node("DequantizeLinear", [q, *parameters], axis=1))
    for name, dtype, zero in (("uint16", np.uint16, 32768), ("int16", np.int16, -7), ("int8", np.int8, 3)):
        c = Case("quantize-" + name)
        parameters = c.scale(2e-4 if dtype != np.int8 else 0.02, zero, dtype)
        q = c.node("QuantizeLinear", [c.input("x", numbers(51, 3, 40, scale=3)), *parameters])
        c.write(q, c.node("DequantizeLinear", [q, *parameters]))
    c = Case("ties")
    x = (np.arange(-64, 64, dtype=np.float32) / 2).reshape(8, 16)
    q = c.node("QuantizeLinear", [c.input("x", x), *c.scale(1.0, 0, np.int8)])
    c.write(q, c.node("DequantizeLinear", [q, *c.scale(1.0, 0, np.int8)]))


def narrow_weights():
    """Weights of 4 and 8 bits behind DequantizeLinear."""
    for name, kind, low, high in (("int4", TensorProto.INT4, -8, 7), ("uint4", TensorProto.UINT4, 0, 15)):
        values = np.random.default_rng(60).integers(low, high + 1, (5, 9))
        for axis, shape, block in ((0, (5,), 0), (1, (5, 3), 4)):
            for raw in (False, True):
                c = Case(f"{name}-{'blocks' if block else 'axis'}-{'raw' if raw else 'typed'}", tolerance=1e-5)
                packed = helper.make_tensor("w", kind, values.shape, values.flatten().tolist())
                if raw:
                    data = bytes(v & 255 for v in packed.int32_data)
                    packed = helper.make_tensor("w", kind, values.shape, data, raw=True)
                zero = helper.make_tensor("z", kind, shape, np.random.default_rng(61).integers(low, high + 1, shape).flatten().tolist())
                scale = np.abs(numbers(62, *shape)) + np.float32(0.1)
                w = c.node("DequantizeLinear", [c.constant(packed), c.constant(scale), c.constant(zero)], axis=1 if block else axis, block_size=block)
                c.write(c.node("Gemm", [c.input("x", numbers(63, 4, 9)), w], transB=1))
    for kind in ("FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ"):
        c = Case(kind.lower(), opset=19, tolerance=1e-5)
        number = getattr(TensorProto, kind)
        data = bytes(b for b in range(256) if b not in (127, 255, 128) and not ("E5M2" in kind and (b & 127) >= 124))
        data = data[: len(data) // 8 * 8]
        packed = helper.make_tensor("w", number, (len(data) // 8, 8), data, raw=True)
        zero = helper.make_tensor("z", number, (), b"\0", raw=True)
        w = c.node("DequantizeLinear", [c.constant(packed), c.constant(np.float32(0.25)), c.constant(zero)])
        c.write(c.node("Add", [w, c.input("x", numbers(64, 1, 8))]))
    c = Case("matmul-nbits", tolerance=1e-5)
    depth, columns, block = 40, 6, 16
    packed = whole(65, np.uint8, columns, 3, block // 2)
    scale, zero = np.abs(numbers(66, columns * 3)) + np.float32(0.05), whole(67, np.uint8, columns * 2)
    inputs = [c.input("x", numbers(68, 3, depth)), c.constant(packed), c.constant(scale), c.constant(zero)]
    c.write(c.node("MatMulNBits", inputs, domain=MS, K=depth, N=columns, bits=4, block_size=block))


# Operators of com.microsoft. Those on quantised numbers may be one off where onnxruntime rounds by a table or in another order.


def contributed_quantized():
    def qcase(name, build, tolerance=1.0):
        c = Case("ms-" + name, tolerance=tolerance)
        c.write(build(c))

    def a(c, *shape, zero=120, seed=70, name="a"):
        return [c.input(name, whole(seed, np.uint8, *shape)), *c.scale(0.05, zero)]

    qcase("qadd", lambda c: c.node("QLinearAdd", a(c, 2, 3, 5) + a(c, 3, 1, zero=7, seed=71, name="b") + c.scale(0.09, 110), domain=MS))
    qcase("qmul", lambda c: c.node("QLinearMul", a(c, 2, 3, 5) + a(c, 2, 3, 5, zero=7, seed=71, name="b") + c.scale(0.4, 110), domain=MS))
    qcase("qsigmoid", lambda c: c.node("QLinearSigmoid", a(c, 3, 40) + c.scale(1 / 256, 0), domain=MS))
    qcase("qleaky", lambda c: c.node("QLinearLeakyRelu", a(c, 3, 40) + c.scale(0.04, 60), domain=MS, alpha=0.2))
    qcase("qglobal", lambda c: c.node("QLinearGlobalAveragePool", a(c, 2, 3, 5, 4) + c.scale(0.01, 128), domain=MS))
    qcase("qglobal-last", lambda c: c.node("QLinearGlobalAveragePool", a(c, 2, 5, 4, 3) + c.scale(0.01, 128), domain=MS, channels_last=1))
    qcase("qpool", lambda c: c.node("QLinearAveragePool", a(c, 1, 3, 7, 6) + c.scale(0.03, 128), domain=MS, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4))
    qcase("qconcat", lambda c: c.node("QLinearConcat", c.scale(0.05, 120) + a(c, 1, 2, 4) + [c.input("b", whole(72, np.uint8, 1, 3, 4)), *c.scale(0.09, 3)], domain=MS, axis=1))
    qcase("qsoftmax", lambda c: c.node("QLinearSoftmax", a(c, 2, 6, 5) + c.scale(1 / 256, 0), domain=MS, axis=-1, opset=13))
    w = lambda c: [c.constant(whole(73, np.int8, 6, 5)), *c.scale(0.02, 3, np.int8)]
    qcase("qgemm", lambda c: c.node("QGemm", a(c, 4, 6) + w(c) + [c.constant(whole(74, np.int32, 5, low=-900, high=900))] + c.scale(0.3, 128), domain=MS), 0.0)
    qcase("qgemm-float", lambda c: c.node("QGemm", a(c, 4, 6) + w(c), domain=MS, alpha=0.5), 1e-4)
    qcase("to-float", lambda c: c.node("MatMulIntegerToFloat", [c.input("a", whole(75, np.uint8, 4, 6)), w(c)[0], *[c.constant(np.float32(v)) for v in (0.1, 0.02)], c.constant(np.uint8(130)), c.constant(np.int8(-4)), c.constant(numbers(76, 5))], domain=MS), 1e-4)
    qcase("dynamic-matmul", lambda c: c.node("DynamicQuantizeMatMul", [c.input("a", numbers(77, 4, 6)), w(c)[0], c.constant(np.abs(numbers(78, 5)) * 0.1), c.constant(whole(79, np.int8, 5, low=-4, high=4)), c.constant(numbers(80, 5))], domain=MS), 1e-4)
    qcase("nhwc-max", lambda c: c.node("NhwcMaxPool", [c.input("x", whole(81, np.uint8, 1, 6, 7, 3))], domain=MS, kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 0]), 0.0)


def contributed():
    def fcase(name, build, tolerance=1e-5):
        c = Case("ms-" + name, tolerance=tolerance)
        built = build(c)
        c.write(*([built] if isinstance(built, str) else built))

    def conv(activation, parameters=None, residual=False):
        def build(c):
            inputs = [c.input("x", numbers(90, 1, 3, 7, 6)), c.constant(numbers(91, 4, 3, 3, 3, scale=0.3)), c.constant(numbers(92, 4))]
            if residual:
                inputs.append(c.input("z", numbers(93, 1, 4, 7, 6)))
            more = {"activation_params": parameters} if parameters else {}
            return c.node("FusedConv", inputs, domain=MS, activation=activation, pads=[1] * 4, **more)
        return build

    for activation, parameters in (("Relu", None), ("Sigmoid", None), ("Tanh", None), ("LeakyRelu", [0.3]), ("Clip", [-0.5, 0.75]), ("HardSigmoid", [0.25, 0.4])):
        fcase("conv-" + activation.lower(), conv(activation, parameters))
    fcase("conv-residual", conv("Relu", None, True))
    fcase("gemm", lambda c: c.node("FusedGemm", [c.input("a", numbers(94, 4, 6)), c.constant(numbers(95, 5, 6)), c.constant(numbers(96, 5))], domain=MS, activation="LeakyRelu", activation_alpha=0.2, transB=1, alpha=0.5, beta=2.0))
    fcase("matmul", lambda c: c.node("FusedMatMul", [c.input("a", numbers(97, 2, 6, 4)), c.input("b", numbers(98, 2, 5, 6))], domain=MS, transA=1, transB=1, alpha=0.25))
    fcase("matmul-batch", lambda c: c.node("FusedMatMul", [c.input("a", numbers(99, 4, 2, 6)), c.input("b", numbers(100, 6, 2, 5))], domain=MS, transBatchA=1, transBatchB=1))
    fcase("matmul-batch-both", lambda c: c.node("FusedMatMul", [c.input("a", numbers(101, 6, 2, 3, 4)), c.input("b", numbers(102, 2, 3, 6, 5))], domain=MS, transBatchA=1, transA=1))
    fcase("gelu", lambda c: c.node("Gelu", [c.input("x", numbers(103, 3, 50, scale=2))], domain=MS))
    fcase("fast-gelu", lambda c: c.node("FastGelu", [c.input("x", numbers(104, 3, 50, scale=2)), c.constant(numbers(105, 50))], domain=MS))
    fcase("quick-gelu", lambda c: c.node("QuickGelu", [c.input("x", numbers(106, 3, 50, scale=2))], domain=MS, alpha=1.5))
    fcase("bias-gelu", lambda c: c.node("BiasGelu", [c.input("x", numbers(107, 3, 50, scale=2)), c.constant(numbers(108, 50))], domain=MS))

    def skip(c, kind="SkipLayerNormalization"):
        inputs = [c.input("x", numbers(109, 2, 5, 8)), c.input("s", numbers(110, 2, 5, 8)), c.constant(numbers(111, 8))]
        inputs += [c.constant(numbers(112, 8))] * (kind == "SkipLayerNormalization") + [c.constant(numbers(113, 8))]
        names = ["y", "", "", "sum"]
        c.nodes.append(helper.make_node(kind, inputs, names, domain=MS, epsilon=1e-5))
        return ["y", "sum"]

    fcase("skip-norm", skip)
    fcase("skip-rms", lambda c: skip(c, "SkipSimplifiedLayerNormalization"))
    fcase("rms", lambda c: c.node("SimplifiedLayerNormalization", [c.input("x", numbers(114, 2, 5, 8)), c.constant(numbers(115, 8))], epsilon=1e-5, axis=-1))
    fcase("attention", lambda c: c.node("Attention", [c.input("x", numbers(116, 2, 5, 8)), c.constant(numbers(117, 8, 24, scale=0.4)), c.constant(numbers(118, 24))], domain=MS, num_heads=2))
    fcase("multi-head", lambda c: c.node("MultiHeadAttention", [c.input("q", numbers(119, 2, 5, 8)), c.input("k", numbers(120, 2, 7, 8)), c.input("v", numbers(121, 2, 7, 8)), c.constant(numbers(122, 24))], domain=MS, num_heads=2))
    fcase("multi-head-bias", lambda c: c.node("MultiHeadAttention", [c.input("q", numbers(123, 1, 5, 8)), c.input("k", numbers(124, 1, 7, 8)), c.input("v", numbers(125, 1, 7, 8)), "", "", c.input("m", numbers(126, 1, 2, 5, 7))], domain=MS, num_heads=2, scale=0.3))


def contributed_without_kernels():
    """Operators that onnxruntime has for other processors only, against operators of ONNX."""

    def pair(name, feeds, build, reference):
        c, r = Case("ms-" + name, tolerance=1e-5), Case(name)
        for key, value in feeds.items():
            c.input(key, value)
            r.input(key, value)
        c.write(build(c), reference=(r, reference(r)))

    scale, shift = numbers(140, 6), numbers(141, 6)

    def group_norm(r):
        x = r.node("Transpose", ["x"], perm=[0, 3, 1, 2])
        x = r.node("GroupNormalization", [x, r.constant(scale), r.constant(shift)], num_groups=3, epsilon=1e-4)
        x = r.node("Mul", [x, r.node("Sigmoid", [x])])
        return r.node("Transpose", [x], perm=[0, 2, 3, 1])

    pair("group-norm", {"x": numbers(142, 2, 5, 4, 6)},
         lambda c: c.node("GroupNorm", ["x", c.constant(scale), c.constant(shift)], domain=MS, groups=3, epsilon=1e-4, activation=1), group_norm)

    def split_gelu(r):
        a, b = r.node("Split", [r.node("Add", ["x", r.constant(numbers(143, 12))])], 2, axis=-1, num_outputs=2)
        return r.node("Mul", [a, r.node("Gelu", [b])])

    pair("bias-split-gelu", {"x": numbers(144, 2, 5, 12)},
         lambda c: c.node("BiasSplitGelu", ["x", c.constant(numbers(143, 12))], domain=MS),
         lambda r: (setattr(r, "opset", 20), split_gelu(r))[1])

    w, b = numbers(145, 6, 3, 3, 3, scale=0.3), numbers(146, 6)

    def convolution(r):
        x = r.node("Conv", [r.node("Transpose", ["x"], perm=[0, 3, 1, 2]), r.constant(w), r.constant(b)], pads=[1] * 4)
        return r.node("Relu", [r.node("Add", [r.node("Transpose", [x], perm=[0, 2, 3, 1]), "z"])])

    pair("nhwc-conv", {"x": numbers(147, 1, 7, 6, 3), "z": numbers(148, 1, 7, 6, 6)},
         lambda c: c.node("NhwcFusedConv", ["x", c.constant(w), c.constant(b), "z"], domain=MS, activation="Relu", pads=[1] * 4), convolution)
    pair("bias-add", {"x": numbers(149, 2, 5, 8), "s": numbers(150, 2, 5, 8)},
         lambda c: c.node("BiasAdd", ["x", c.constant(numbers(151, 8)), "s"], domain=MS),
         lambda r: r.node("Add", [r.node("Add", ["x", r.constant(numbers(151, 8))]), "s"]))


def deformed():
    def conv(name, groups, offset_groups, kernel, stride, pad, dilation, mask, bias, opset=22):
        c = Case(name, opset=opset, tolerance=1e-4)
        x = numbers(130, 2, 4, 8, 9)
        out = [(8 + 2 * pad - dilation * (kernel[0] - 1) - 1) // stride + 1, (9 + 2 * pad - dilation * (kernel[1] - 1) - 1) // stride + 1]
        taps = kernel[0] * kernel[1]
        inputs = [c.input("x", x), c.constant(numbers(131, 6, 4 // groups, *kernel, scale=0.4))]
        inputs.append(c.input("offset", numbers(132, 2, offset_groups * taps * 2, *out, scale=2.5)))
        inputs.append(c.constant(numbers(133, 6)) if bias else "")
        if mask:
            inputs.append(c.input("mask", np.random.default_rng(134).random((2, offset_groups * taps, *out), dtype=np.float32)))
        c.write(c.node("DeformConv", inputs, group=groups, offset_group=offset_groups, kernel_shape=list(kernel), strides=[stride] * 2, pads=[pad] * 4, dilations=[dilation] * 2))

    conv("deform", 1, 1, (3, 3), 1, 1, 1, False, True)
    conv("deform-mask", 2, 2, (3, 3), 2, 1, 1, True, True)
    conv("deform-groups", 2, 4, (2, 3), 1, 2, 2, True, False, opset=19)
    conv("deform-offset-groups", 1, 2, (3, 3), 1, 1, 2, False, False)


def sampling():
    for index, (factor, extent) in enumerate(((1.7, 13), (1.45, 29), (2.9, 29), (0.6, 30), (1.1, 40))):
        for mode, rounding in (("asymmetric", "floor"), ("half_pixel", "round_prefer_floor"), ("half_pixel", "round_prefer_ceil"), ("asymmetric", "ceil")):
            c = Case(f"nearest-{factor}-{mode}-{rounding}")
            x = c.input("x", np.arange(2 * extent * 11, dtype=np.float32).reshape(1, 2, extent, 11))
            sizes = c.constant(np.array([1, 1, factor, 1.7], np.float32))
            c.write(c.node("Resize", [x, "", sizes], mode="nearest", coordinate_transformation_mode=mode, nearest_mode=rounding))
    volume = numbers(160, 2, 3, 4, 5, 6)
    for name, scales, sizes, attributes in (
        ("linear", [1, 1, 2, 1.5, 2], None, {"mode": "linear"}),
        ("corners", None, [2, 3, 7, 5, 9], {"mode": "linear", "coordinate_transformation_mode": "align_corners"}),
        ("nearest", [1, 1, 2, 2, 1.7], None, {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}),
    ):
        c = Case("volume-" + name, tolerance=0.0 if name == "nearest" else 1e-5)
        given = [c.constant(np.array(scales, np.float32))] if scales else ["", c.constant(np.array(sizes))]
        c.write(c.node("Resize", [c.input("x", volume), "", *given], **attributes))


def sliced_weights():
    """Convolutions whose weights are a part of an input along the last axis, so that the rows of kernels lie apart."""
    for name, kind, channels, kernel, attributes in (
        ("same", "Conv", 3, 3, {"pads": [1] * 4}),
        ("strided", "Conv", 3, 3, {"strides": [2, 2]}),
        ("pointwise", "Conv", 3, 1, {}),
        ("transposed", "ConvTranspose", 4, 3, {"strides": [2, 2]}),
    ):
        c = Case("sliced-weights-" + name, tolerance=1e-5)
        x = c.input("x", numbers(170, 1, channels, 8, 9))
        weights = c.input("w", numbers(171, 4, 3, kernel, kernel + 2))
        ends = [c.constant(np.array([value])) for value in (1, 1 + kernel, 3)]
        c.write(c.node(kind, [x, c.node("Slice", [weights, *ends])], **attributes))


if __name__ == "__main__":
    for old in os.listdir(HERE):
        if old.endswith((".onnx", ".safetensors")):
            os.remove(os.path.join(HERE, old))
    for group in (
        dynamic_quantization, quantized_nan, integer_products, quantized_convolutions, moved_integers, scales, narrow_weights,
        contributed_quantized, contributed, contributed_without_kernels, deformed, sampling,
        sliced_weights,
    ):
        group()
    with open(os.path.join(HERE, "index.json"), "w") as file:
        json.dump(sorted(CASES, key=lambda case: case["name"]), file, indent=1)
        file.write("\n")
