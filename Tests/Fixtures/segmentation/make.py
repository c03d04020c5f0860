#!/usr/bin/env python3
"""Writes small networks whose outputs mean different things and lie in different orders, and the labels that are right for them.

    make.py        (needs onnx, onnxruntime, numpy and Pillow)

Each network is one 3×3 convolution with formula weights and what exporters put before and behind it. It is run by onnxruntime on
picture.png (RGB) or bands.png (RGBA) with samples divided by 255; the labels follow from what its last operators mean. Pixels that
lie within 1e-3 of a decision are 255 in the label image and are not compared.
"""
import json
import os

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
HEIGHT, WIDTH = 24, 40
y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
PICTURE = np.stack([
    127.5 + 120 * np.sin(x / 5) * np.cos(y / 7), 127.5 + 110 * np.cos(x / 6 + y / 9), 20 + 5 * x + 0.7 * y], -1).round().astype(np.uint8)
BANDS = np.concatenate([PICTURE, (255 - PICTURE[..., 1:2] // 2)], -1)


class Net:
    """A graph that is written node by node."""

    def __init__(self):
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, value, dtype=np.float32):
        self.count += 1
        name = f"c{self.count}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def __call__(self, kind, *inputs, outputs=1, **attributes):
        self.count += 1
        names = [f"v{self.count}_{i}" for i in range(outputs)]
        self.nodes.append(h.make_node(kind, list(inputs), names, f"{kind}{self.count}", **attributes))
        return names[0] if outputs == 1 else names


def weights(channels, inputs, seed):
    return np.random.default_rng(seed).normal(0, 1, (channels, inputs, 3, 3)).astype(np.float32) / 3


def features(n, image, channels, inputs=3, seed=7, stride=1):
    """Logits [1, channels, height, width], about 0."""
    w = weights(channels, inputs, seed)
    bias = -w.sum((1, 2, 3)) * 0.5
    return n("Conv", image, n.constant(w), n.constant(bias), pads=[1] * 4, strides=[stride] * 2)


CASES = []


def case(name, output, reading, *, channels=1, source="picture", shape=(1, 3, "height", "width"), kind=T.FLOAT, prepare=None,
         results=None, output_types=None, proven=True, stride=1, opset=17, settings=None, extra=0, seed=7):
    """`output(net, logits)` gives the outputs' names; `reading(array, z)` makes [height, width] labels and margins of the one meant."""
    CASES.append(dict(name=name, output=output, reading=reading, channels=channels, source=source, shape=shape, kind=kind,
                      prepare=prepare, results=results or 0, output_types=output_types, proven=proven, stride=stride,
                      opset=opset, settings=settings or {}, seed=seed))


def above(threshold):
    def read(a):
        a = a.astype(np.float64).reshape(HEIGHT, WIDTH)
        return (a > threshold).astype(int), np.abs(a - threshold) / max(1, threshold)
    return read


def as_they_are(a):
    return a.reshape(HEIGHT, WIDTH).astype(int), np.ones((HEIGHT, WIDTH))


def non_zero(a):
    return (a.reshape(HEIGHT, WIDTH) != 0).astype(int), np.ones((HEIGHT, WIDTH))


def largest(axis):
    def read(a):
        a = np.moveaxis(a.astype(np.float64), axis, -1).reshape(HEIGHT, WIDTH, -1)
        order = np.sort(a, -1)
        return a.argmax(-1), order[..., -1] - order[..., -2]
    return read


def resized(read_one):
    """A map of half the size is resized bilinearly (half-pixel) before anything decides."""
    def read(a):
        a = a.astype(np.float64).reshape(HEIGHT // 2, WIDTH // 2)
        def axis(a, n):
            place = np.clip((np.arange(n) + 0.5) / 2 - 0.5, 0, n // 2 - 1)
            low = np.minimum(place.astype(int), n // 2 - 2)
            f = place - low
            return a[low] * (1 - f)[:, None] + a[low + 1] * f[:, None]
        return read_one(axis(axis(a, HEIGHT).T, WIDTH).T.reshape(1, 1, HEIGHT, WIDTH))
    return read


def half(n, z):
    return n("Cast", n("Cast", z, to=T.FLOAT16), to=T.FLOAT)


def quantised(n, z, scale, point=0, kind=np.uint8):
    s, p = n.constant(scale), n.constant(point, kind)
    return n("DequantizeLinear", n("QuantizeLinear", z, s, p), s, p)


def stretched(n, s, epsilon=None, flat=False):
    v = n("Reshape", s, n.constant([1, -1], np.int64)) if flat else s
    axes = dict(axes=[1], keepdims=1) if flat else dict(keepdims=0)
    low, high = n("ReduceMin", v, **axes), n("ReduceMax", v, **axes)
    span = n("Sub", high, low)
    if epsilon is not None:
        span = n("Add", span, n.constant(epsilon))
    q = n("Div", n("Sub", v, low), span)
    return n("Reshape", q, n("Shape", s)) if flat else q


sig = lambda n, z: n("Sigmoid", z)
# One channel: a probability, however it is written.
case("sigmoid", sig, above(0.5))
case("sigmoid-half", lambda n, z: half(n, sig(n, z)), above(0.5))
case("sigmoid-cast-squeeze", lambda n, z: n("Squeeze", half(n, sig(n, z)), n.constant([1], np.int64)), above(0.5))
case("sigmoid-clip", lambda n, z: n("Clip", sig(n, z), n.constant(0), n.constant(1)), above(0.5))
case("sigmoid-min-max-operators", lambda n, z: n("Max", n("Min", sig(n, z), n.constant(1)), n.constant(0)), above(0.5))
case("sigmoid-resize", lambda n, z: n("Resize", sig(n, z), "", n.constant([1, 1, 2, 2]), mode="linear"), above(0.5), stride=2)
case("sigmoid-half-size", sig, resized(above(0.5)), stride=2)
case("sigmoid-transpose", lambda n, z: n("Transpose", sig(n, z), perm=[0, 2, 3, 1]), above(0.5))
case("sigmoid-quantised", lambda n, z: quantised(n, sig(n, z), 1 / 256), above(0.5))
case("sigmoid-quantised-signed", lambda n, z: quantised(n, sig(n, z), 1 / 255, -128, np.int8), above(0.5))
case("hard-sigmoid", lambda n, z: n("HardSigmoid", z, alpha=0.25), above(0.5))
case("tanh-half", lambda n, z: n("Mul", n("Add", n("Tanh", z), n.constant(1)), n.constant(0.5)), above(0.5))
case("one-less-sigmoid", lambda n, z: n("Sub", n.constant(1), sig(n, z)), above(0.5))
case("mean-of-sigmoids", lambda n, z: n("Mul", n("Add", sig(n, z), n("HardSigmoid", z)), n.constant(0.5)), above(0.5))
case("sigmoid-blurred", lambda n, z: n("AveragePool", sig(n, z), kernel_shape=[3, 3], pads=[1] * 4), above(0.5))
case("sigmoid-convolved", lambda n, z: n("Conv", sig(n, z), n.constant(np.full((1, 1, 3, 3), 1 / 9)), pads=[1] * 4), above(0.5))
case("sigmoid-padded-and-cut", lambda n, z: n("Slice", n("Pad", sig(n, z), n.constant([0, 0, 2, 2, 0, 0, 2, 2], np.int64)),
     n.constant([2, 2], np.int64), n.constant([-2, -2], np.int64), n.constant([2, 3], np.int64)), above(0.5))
case("sigmoid-255", lambda n, z: n("Mul", sig(n, z), n.constant(255)), above(127.5))
case("sigmoid-255-uint8", lambda n, z: n("Cast", n("Mul", sig(n, z), n.constant(255)), to=T.UINT8), above(127.5), output_types=[T.UINT8])
case("stretched", lambda n, z: stretched(n, sig(n, z)), above(0.5))
case("stretched-epsilon", lambda n, z: stretched(n, sig(n, z), 1e-8), above(0.5))
case("stretched-flat", lambda n, z: stretched(n, z, flat=True), above(0.5))
case("divided-by-largest", lambda n, z: (lambda r: n("Div", r, n("ReduceMax", r, keepdims=1)))(n("Relu", z)), above(0.5))
case("log-sigmoid", lambda n, z: n("Log", sig(n, z)), lambda a: above(0.5)(np.exp(a)))
case("softmax-foreground", lambda n, z: n("Slice", n("Softmax", z, axis=1), n.constant([1], np.int64), n.constant([2], np.int64),
     n.constant([1], np.int64)), above(0.5), channels=2)
case("softmax-gathered", lambda n, z: n("Gather", n("Softmax", z, axis=1), n.constant(1, np.int64), axis=1), above(0.5), channels=2)
case("logits", lambda n, z: z, above(0), proven=False)
case("logits-resized", lambda n, z: n("Resize", z, "", n.constant([1, 1, 2, 2]), mode="linear"), above(0), stride=2, proven=False)
# Labels, whatever type holds them.
arg = lambda n, z, keep=1: n("ArgMax", z, axis=1, keepdims=keep)
case("argmax", arg, as_they_are, channels=5, output_types=[T.INT64])
case("argmax-float", lambda n, z: n("Cast", arg(n, z), to=T.FLOAT), as_they_are, channels=5)
case("argmax-no-axis-int32", lambda n, z: n("Cast", arg(n, z, 0), to=T.INT32), as_they_are, channels=5, output_types=[T.INT32])
case("argmax-uint8", lambda n, z: n("Cast", arg(n, z), to=T.UINT8), as_they_are, channels=5, output_types=[T.UINT8])
case("argmax-resized", lambda n, z: n("Resize", n("Cast", arg(n, z), to=T.FLOAT), "", n.constant([1, 1, 1, 1]), mode="nearest",
     coordinate_transformation_mode="asymmetric", nearest_mode="floor"), as_they_are, channels=5)
case("argmax-transposed", lambda n, z: n("Transpose", n("Cast", arg(n, z), to=T.FLOAT), perm=[0, 2, 3, 1]), as_they_are, channels=5)
case("argmax-two-classes", lambda n, z: n("Cast", arg(n, z), to=T.FLOAT), as_they_are, channels=2)
case("argmax-plus-one", lambda n, z: n("Add", arg(n, z), n.constant(1, np.int64)), as_they_are, channels=4, output_types=[T.INT64])
case("greater", lambda n, z: n("Cast", n("Greater", z, n.constant(0)), to=T.FLOAT), non_zero)
case("greater-bool", lambda n, z: n("Greater", z, n.constant(0)), non_zero, output_types=[T.BOOL])
case("where-255", lambda n, z: n("Where", n("Greater", z, n.constant(0)), n.constant(255), n.constant(0)), non_zero)
case("greater-255-uint8", lambda n, z: n("Mul", n("Cast", n("Greater", z, n.constant(0)), to=T.UINT8), n.constant(255, np.uint8)),
     non_zero, output_types=[T.UINT8])
case("rounded-sigmoid", lambda n, z: n("Round", sig(n, z)), non_zero)
# Several classes.
case("softmax", lambda n, z: n("Softmax", z, axis=1), largest(1), channels=4)
case("softmax-half", lambda n, z: half(n, n("Softmax", z, axis=1)), largest(1), channels=4)
case("softmax-by-hand", lambda n, z: (lambda e: n("Div", e, n("ReduceSum", e, n.constant([1], np.int64))))(n("Exp", z)), largest(1),
     channels=4)
case("softmax-quantised", lambda n, z: quantised(n, n("Softmax", z, axis=1), 1 / 256), largest(1), channels=4)
case("log-softmax", lambda n, z: n("LogSoftmax", z, axis=1), largest(1), channels=4)
case("classes", lambda n, z: z, largest(1), channels=4)
case("one-hot", lambda n, z: n("OneHot", n("ArgMax", z, axis=1, keepdims=0), n.constant(4, np.int64), n.constant([0, 1]), axis=1),
     largest(1), channels=4)
case("independent", lambda n, z: sig(n, z), lambda a: ((np.where((a > 0.5).any(1), a.argmax(1) + 1, 0)).reshape(HEIGHT, WIDTH),
     np.minimum(np.abs(a - 0.5).min(1), np.ptp(np.sort(a, 1)[:, -2:], 1)).reshape(HEIGHT, WIDTH)), channels=3,
     settings={"output": "multilabel"})
# Orders of axes.
to_nchw = lambda n, v: n("Transpose", v, perm=[0, 3, 1, 2])
case("nhwc-nchw", lambda n, z: z, largest(1), channels=4, shape=(1, "h", "w", 3), prepare=to_nchw)
case("nhwc-nhwc", lambda n, z: n("Transpose", z, perm=[0, 2, 3, 1]), largest(3), channels=4, shape=(1, "h", "w", 3), prepare=to_nchw)
case("nchw-nhwc", lambda n, z: n("Transpose", z, perm=[0, 2, 3, 1]), largest(3), channels=4)
case("nchw-chw", lambda n, z: n("Squeeze", z, n.constant([0], np.int64)), largest(0), channels=4)
case("nchw-hwc", lambda n, z: n("Transpose", n("Squeeze", z, n.constant([0], np.int64)), perm=[1, 2, 0]), largest(2), channels=4)
case("chw-nchw", lambda n, z: z, largest(1), channels=4, shape=(3, "h", "w"),
     prepare=lambda n, v: n("Unsqueeze", v, n.constant([0], np.int64)))
case("hwc-nchw", lambda n, z: z, largest(1), channels=4, shape=("h", "w", 3),
     prepare=lambda n, v: n("Unsqueeze", n("Transpose", v, perm=[2, 0, 1]), n.constant([0], np.int64)))
case("open-nhwc", lambda n, z: z, largest(1), channels=4, shape=("n", "a", "b", "c"), prepare=to_nchw)
case("nchw-hw", lambda n, z: n("Squeeze", sig(n, z), n.constant([0, 1], np.int64)), above(0.5))
case("hw-labels", lambda n, z: n("Squeeze", n("ArgMax", z, axis=1, keepdims=0), n.constant([0], np.int64)), as_they_are, channels=5,
     output_types=[T.INT64])
case("flat-and-back", lambda n, z: n("Reshape", n("Softmax", n("Reshape", z, n.constant([1, 4, -1], np.int64)), axis=1),
     n("Shape", z)), largest(1), channels=4)
# Several outputs.
scores = lambda n, z: n("GlobalAveragePool", z)
case("scores-first", lambda n, z: [scores(n, z), z], largest(1), channels=4, results=1)
case("vector-and-scalar-first", lambda n, z: [n("ReduceMean", z, keepdims=0), n("Flatten", scores(n, z)), z], largest(1), channels=4,
     results=2)
case("small-map-first", lambda n, z: [n("AveragePool", z, kernel_shape=[4, 4], strides=[4, 4]), z], largest(1), channels=4, results=1)
case("picture-first", lambda n, z: [sig(n, n("Slice", z, n.constant([1], np.int64), n.constant([4], np.int64), n.constant([1], np.int64))),
     sig(n, n("Slice", z, n.constant([0], np.int64), n.constant([1], np.int64), n.constant([1], np.int64)))], above(0.5), channels=4,
     results=1, proven=False)
case("deep-supervision", lambda n, z: [sig(n, z), n("HardSigmoid", z), n("HardSigmoid", n("Neg", z))], above(0.5))
# Inputs of other types and channels.
scaled = lambda n, v: n("Div", n("Cast", to_nchw(n, v), to=T.FLOAT), n.constant(255))
case("uint8-nhwc", lambda n, z: n("Softmax", z, axis=1), largest(1), channels=4, shape=(1, "h", "w", 3), kind=T.UINT8, prepare=scaled)
case("int32-nhwc", lambda n, z: z, largest(1), channels=4, shape=(1, "h", "w", 3), kind=T.INT32, prepare=scaled)
case("uint8-nchw", lambda n, z: z, largest(1), channels=4, kind=T.UINT8,
     prepare=lambda n, v: n("Div", n("Cast", v, to=T.FLOAT), n.constant(255)))
case("four-bands", lambda n, z: z, largest(1), channels=4, source="bands", shape=(1, 4, "h", "w"))
case("two-bands", lambda n, z: z, largest(1), channels=4, source="bands", shape=(1, 2, "h", "w"))

# Preparation that is in the file: the samples that it wants follow from what it does to them.
case("scales-steps", lambda n, z: n("Softmax", z, axis=1), largest(1), channels=4, source="picture-255",
     prepare=lambda n, v: n("Div", v, n.constant(255)), settings={"mean": "none"})
case("scales-steps-about-0", lambda n, z: n("Softmax", z, axis=1), largest(1), channels=4, source="picture-255",
     prepare=lambda n, v: n("Mul", n("Sub", v, n.constant([[[127.5]], [[120]], [[110]]])), n.constant(1 / 127.5)), settings={"mean": "none"})
case("scales-unit", lambda n, z: n("Softmax", z, axis=1), largest(1), channels=4,
     prepare=lambda n, v: n("Div", n("Sub", v, n.constant([[[0.485]], [[0.456]], [[0.406]]])), n.constant([[[0.229]], [[0.224]], [[0.225]]])),
     settings={"mean": "none"})


def network(entry, ranks=None):
    n = Net()
    inputs = entry["shape"][1] if entry["shape"][1:2] and isinstance(entry["shape"][1], int) else 3
    image = entry["prepare"](n, "image") if entry["prepare"] else "image"
    z = features(n, image, entry["channels"], inputs, entry["seed"], entry["stride"])
    outputs = entry["output"](n, z)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    types = entry["output_types"] or [T.FLOAT] * len(outputs)
    graph = h.make_graph(
        n.nodes, entry["name"], [h.make_tensor_value_info("image", entry["kind"], entry["shape"])],
        [h.make_tensor_value_info(o, t, ranks and [f"{o}_{i}" for i in range(ranks[k])])
         for k, (o, t) in enumerate(zip(outputs, types))], n.constants)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", entry["opset"])], ir_version=8)
    model.producer_name = "make.py"
    return model


def prepared(entry):
    samples = BANDS if entry["source"] == "bands" else PICTURE
    shape = entry["shape"]
    count = next((e for e in (shape[1] if len(shape) == 4 else shape[0], shape[-1]) if isinstance(e, int)), 3)
    samples = samples[..., :count]
    if entry["kind"] == T.FLOAT:
        samples = samples.astype(np.float32) / np.float32(1 if entry["source"] == "picture-255" else 255)
    if entry["kind"] == T.INT32:
        samples = samples.astype(np.int32)
    channels_last = shape[-1] == 3 or shape == ("n", "a", "b", "c")
    if not channels_last:
        samples = samples.transpose(2, 0, 1)
    return samples[None] if len(shape) == 4 else samples


def main():
    Image.fromarray(PICTURE).save(os.path.join(HERE, "picture.png"))
    Image.fromarray(BANDS).save(os.path.join(HERE, "bands.png"))
    manifest = []
    for entry in CASES:
        first = onnxruntime.InferenceSession(network(entry).SerializeToString(), providers=["CPUExecutionProvider"])
        model = network(entry, [np.ndim(r) for r in first.run(None, {"image": prepared(entry)})])
        onnx.checker.check_model(model)
        path = os.path.join(HERE, entry["name"] + ".onnx")
        onnx.save(model, path)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        results = session.run(None, {"image": prepared(entry)})
        labels, margin = entry["reading"](results[entry["results"]])
        ignored = margin < 1e-3
        assert ignored.mean() < 0.05, entry["name"]
        assert len(np.unique(labels[~ignored])) > 1, entry["name"]
        out = labels.astype(np.uint8)
        out[ignored] = 255
        Image.fromarray(out).save(os.path.join(HERE, entry["name"] + ".labels.png"))
        manifest.append({"name": entry["name"], "picture": entry["source"].split("-")[0] + ".png", "proven": entry["proven"],
                         "takesIntegers": entry["kind"] != T.FLOAT, "settings": entry["settings"]})
    with open(os.path.join(HERE, "manifest.json"), "w") as file:
        json.dump(manifest, file, indent=1)
        file.write("\n")
    print(len(manifest), "networks")


if __name__ == "__main__":
    main()
