#!/usr/bin/env python3
"""Writes small ONNX files whose shapes depend on values, or that have functions, control flow, sequences or recurrent
layers, and beside each onnxruntime's outputs on some inputs: NAME.safetensors has `0/in/x`, `0/out/y`, `1/in/x` and so on.

Cases that onnxruntime does not compute are held against the reference of the onnx package. Needs numpy, onnx, onnxruntime
and safetensors:  make_stages.py
"""
import os

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from safetensors.numpy import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
F, I, B = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
node = helper.make_node


def value(name, kind=F, shape=None):
    return helper.make_tensor_value_info(name, kind, shape)


def const(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def draw(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def write(name, nodes, inputs, outputs, feeds, constants=(), opset=17, functions=(), domains=(), reference=False):
    """inputs: (name, type, shape); outputs: names or (name, type); feeds: a list of dictionaries."""
    ports = [value(o) if isinstance(o, str) else value(*o) for o in outputs]
    graph = helper.make_graph(nodes, name, [value(*i) for i in inputs], ports, list(constants))
    model = helper.make_model(
        graph, functions=list(functions), producer_name="make_stages.py",
        opset_imports=[helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)])
    model.ir_version = 10
    path = os.path.join(HERE, name + ".onnx")
    onnx.save(model, path)
    names = [port.name for port in ports]
    if reference:
        session = ReferenceEvaluator(model)
    else:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    tensors = {}
    for number, feed in enumerate(feeds):
        feed = {key: np.asarray(array) for key, array in feed.items()}
        for key, array in feed.items():
            tensors[f"{number}/in/{key}"] = np.array(array, order="C")
        for key, array in zip(names, session.run(names, feed)):
            for part, element in enumerate(array) if isinstance(array, list) else [(None, array)]:
                tensors[f"{number}/out/{key}" + ("" if part is None else f"[{part}]")] = np.array(element, order="C")
    for key in tensors:
        if tensors[key].dtype == bool:
            tensors[key] = tensors[key].astype(np.uint8)
    save_file(tensors, os.path.join(HERE, name + ".safetensors"))


# Functions


def functions():
    silu = helper.make_function(
        "my.lib", "silu", ["x"], ["y"],
        [
            node("Constant", [], ["al"]), node("Mul", ["x", "al"], ["b"]), node("Sigmoid", ["b"], ["s"]),
            node("Mul", ["x", "s"], ["y"]),
        ],
        [helper.make_opsetid("", 17)], attributes=["alpha"])
    silu.node[0].attribute.append(onnx.AttributeProto(name="value_float", ref_attr_name="alpha", type=onnx.AttributeProto.FLOAT))
    # A default, an attribute that is handed through under another name and inside a branch, and an omitted input.
    branch = helper.make_graph([node("LeakyRelu", ["x"], ["b"])], "then", [], [value("b")])
    branch.node[0].attribute.append(onnx.AttributeProto(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT))
    other = helper.make_graph([node("Neg", ["x"], ["b"])], "else", [], [value("b")])
    gated = helper.make_function(
        "my.lib", "gated", ["x", "limit", "more"], ["y", "same"],
        [
            node("Clip", ["x", "", "more"], ["clipped"]), node("ReduceMean", ["x"], ["m"], keepdims=0), node("Greater", ["m", "limit"], ["c"]),
            node("If", ["c"], ["b"], then_branch=branch, else_branch=other),
            node("silu", ["b"], ["s"], domain="my.lib"), node("Add", ["s", "clipped"], ["y"]),
            node("Identity", ["x"], ["same"]),
        ],
        [helper.make_opsetid("", 17), helper.make_opsetid("my.lib", 1)],
        attributes=["slope"], attribute_protos=[helper.make_attribute("alpha", 0.5)])
    gated.node[4].attribute.append(onnx.AttributeProto(name="alpha", ref_attr_name="alpha", type=onnx.AttributeProto.FLOAT))
    x = draw(1, 2, 5)
    write(
        "functions",
        [
            node("gated", ["x", "zero"], ["a", "p"], domain="my.lib", slope=0.25, name="first"),
            node("gated", ["a", "zero", "one"], ["y", "q"], domain="my.lib", slope=0.75, alpha=2.0),
            node("Sub", ["p", "q"], ["z"]),
        ],
        [("x", F, [2, 5])], ["y", "z"], [{"x": x + 1}, {"x": x - 1}],
        [const("zero", np.float32(0)), const("one", np.float32(0.1))], functions=[silu, gated], domains=["my.lib"],
        reference=False)


# Attention


def attention():
    def case(name, inputs, outputs, feeds, reference=True, **attributes):
        opset = attributes.pop("opset", 24)
        names = [n if n else "" for n in (i[0] for i in inputs)]
        write(
            name, [node("Attention", names, outputs, **attributes)],
            [i for i in inputs if i[0]], [o for o in outputs if o], feeds, opset=opset, reference=reference)

    q, k, v = draw(1, 2, 4, 5, 8), draw(2, 2, 2, 7, 8), draw(3, 2, 2, 7, 6)
    shapes = [("q", F, [2, 4, 5, 8]), ("k", F, [2, 2, 7, 8]), ("v", F, [2, 2, 7, 6])]
    # A row of the mask that hides all keys gives zeros.
    mask = np.random.default_rng(4).random((2, 1, 5, 7)) > 0.4
    mask[1, 0, 2] = False
    case(
        "attention-mask", shapes + [("mask", B, [2, 1, 5, 7])], ["y", "", "", "s"],
        [{"q": q, "k": k, "v": v, "mask": mask}, {"q": v[:, :, :5].repeat(2, 1)[..., :1] + q, "k": k, "v": v, "mask": ~mask}],
        softcap=2.0, qk_matmul_output_mode=3)
    past = [("pk", F, [2, 2, 3, 8]), ("pv", F, [2, 2, 3, 6])]
    case(
        "attention-past", shapes + [("", F, [])] + past, ["y", "key", "value"],
        [{"q": q, "k": k, "v": v, "pk": draw(5, 2, 2, 3, 8), "pv": draw(6, 2, 2, 3, 6)}], is_causal=1, scale=0.2)
    flat = [("q", F, [2, 5, 32]), ("k", F, [2, 5, 32]), ("v", F, [2, 5, 24])]
    case(
        "attention-flat", flat, ["y"], [{"q": draw(1, 2, 5, 32), "k": draw(2, 2, 5, 32), "v": draw(3, 2, 5, 24)}],
        is_causal=1, q_num_heads=4, kv_num_heads=4, opset=23, reference=False)
    case(
        "attention-lengths", shapes + [("mask", F, [5, 4]), ("", F, []), ("", F, []), ("n", I, [2])], ["y"],
        [{"q": q, "k": k, "v": v, "mask": draw(8, 5, 4), "n": np.array(n)} for n in ([3, 4], [1, 2])])
    write(
        "rms-rotary",
        [
            node("RMSNormalization", ["x", "scale"], ["n"], axis=-1, epsilon=1e-3),
            node("RotaryEmbedding", ["n", "cos", "sin", "p"], ["y"], rotary_embedding_dim=4),
            node("RotaryEmbedding", ["n", "cos", "sin", "p"], ["z"], rotary_embedding_dim=4, interleaved=1),
            node("TensorScatter", ["cache", "n", "at"], ["w"], axis=2, mode="circular"),
        ],
        [("x", F, [2, 3, 4, 6]), ("p", I, [2, 4]), ("cache", F, [2, 3, 5, 6]), ("at", I, [2])], ["y", "z", "w"],
        [{
            "x": draw(1, 2, 3, 4, 6), "p": np.array([[0, 1, 2, 3], [4, 2, 1, 0]]), "cache": draw(2, 2, 3, 5, 6),
            "at": np.array([0, 3]),
        }],
        [const("scale", draw(3, 6)), const("cos", np.cos(draw(4, 5, 2))), const("sin", np.sin(draw(4, 5, 2)))],
        opset=24, reference=True)


# Control flow


def loops():
    i, c = value("i", I, []), value("c", B, [])
    # Ends on a condition, stacks, and reads values of the graph around it.
    body = helper.make_graph(
        [
            node("Mul", ["s", "k"], ["s2"]), node("Add", ["s2", "w"], ["s3"]), node("ReduceMax", ["s3"], ["m"], keepdims=0),
            node("Less", ["m", "limit"], ["c2"]), node("Cast", ["i"], ["t"], to=F),
        ],
        "b", [i, c, value("s")], [value("c2", B, []), value("s3"), value("m", F, []), value("t", F, [])], [const("k", np.float32(1.5))])
    write(
        "loop-condition",
        [
            node("Relu", ["x"], ["r"]), node("Mul", ["r", "half"], ["w"]),
            node("Loop", ["", "yes", "r"], ["y", "ms", "ts"], body=body), node("Add", ["y", "x"], ["z"]),
            node("Shape", ["ms"], ["n"]),
        ],
        [("x", F, [2, 4]), ("limit", F, [])], ["z", "ms", "ts", ("n", I)],
        [{"x": draw(1, 2, 4), "limit": np.float32(l)} for l in (5, 50, 50, 0.1)],
        [const("yes", np.bool_(True)), const("half", np.float32(0.5))])
    # The number of turns comes in; none at all is possible.
    count = helper.make_graph(
        [node("Identity", ["c"], ["c2"]), node("Add", ["s", "s"], ["s2"]), node("Slice", ["x", "i1", "e1"], ["part"])],
        "b", [i, c, value("s")], [value("c2", B, []), value("s2"), value("part", F, [1, 3])])
    count.node.insert(0, node("Unsqueeze", ["i", "z"], ["i1"]))
    count.node.insert(1, node("Add", ["i1", "o"], ["e1"]))
    write(
        "loop-count", [node("Loop", ["n", "", "x"], ["y", "parts"], body=count)],
        [("x", F, [4, 3]), ("n", I, [])], ["y", "parts"],
        [{"x": draw(2, 4, 3), "n": np.array(n)} for n in (3, 4, 3)],
        [const("z", np.array([0])), const("o", np.array([1]))])
    # A known number of turns with a nested loop, written out.
    inner = helper.make_graph(
        [node("Identity", ["ci"], ["co"]), node("Mul", ["t", "f"], ["t2"])], "inner",
        [value("j", I, []), value("ci", B, []), value("t")], [value("co", B, []), value("t2")])
    outer = helper.make_graph(
        [
            node("Identity", ["c"], ["c2"]), node("Cast", ["i"], ["f"], to=F), node("Loop", ["two", "c", "s"], ["s2"], body=inner),
            node("Add", ["s2", "x"], ["s3"]),
        ],
        "b", [i, c, value("s")], [value("c2", B, []), value("s3"), value("s2")])
    write(
        "loop-nested", [node("Loop", ["n", "yes", "x"], ["y", "all"], body=outer), node("Relu", ["y"], ["z"])],
        [("x", F, [2, 3])], ["z", "all"], [{"x": draw(3, 2, 3)}],
        [const("n", np.array(3)), const("two", np.array(2)), const("yes", np.bool_(True))])
    # A sequence is carried from turn to turn.
    grow = helper.make_graph(
        [
            node("Identity", ["c"], ["c2"]), node("SequenceInsert", ["q", "x"], ["q2"]), node("Identity", ["c"], ["c3"]),
        ],
        "b", [i, c, helper.make_tensor_sequence_value_info("q", F, None)],
        [value("c2", B, []), helper.make_tensor_sequence_value_info("q2", F, None)])
    write(
        "loop-sequence",
        [
            node("SequenceConstruct", ["x"], ["q0"]), node("Loop", ["n", "", "q0"], ["q1"], body=grow),
            node("SequenceLength", ["q1"], ["length"]), node("ConcatFromSequence", ["q1"], ["y"], axis=0),
            node("SequenceErase", ["q1", "first"], ["q2"]), node("ConcatFromSequence", ["q2"], ["z"], axis=-1, new_axis=1),
        ],
        [("x", F, [2, 3]), ("n", I, [])], ["y", "z", ("length", I)],
        [{"x": draw(4, 2, 3), "n": np.array(n)} for n in (2, 5)], [const("first", np.array(0))])


def scans():
    body = helper.make_graph(
        [node("Mul", ["s", "half"], ["h"]), node("Add", ["h", "a"], ["s2"]), node("Sub", ["s2", "b"], ["d"]), node("Identity", ["d"], ["d2"])],
        "b", [value("s", F, [3]), value("a", F, [3]), value("b", F, [3])],
        [value("s2", F, [3]), value("d", F, [3]), value("d2", F, [3])])
    for name, turns in (("scan-few", 5), ("scan-many", 3000)):
        write(
            name,
            [node("Scan", ["s0", "x", "w"], ["s", "d", "e"], body=body, num_scan_inputs=2, scan_input_axes=[0, -1],
                  scan_input_directions=[0, 1], scan_output_axes=[1, 0], scan_output_directions=[1, 0])],
            [("s0", F, [3]), ("x", F, [turns, 3]), ("w", F, [3, turns])], ["s", "d", "e"] if turns < 10 else ["s"],
            [{"s0": draw(1, 3), "x": draw(2, turns, 3), "w": draw(3, 3, turns)}], [const("half", np.float32(0.5))])


def branches():
    then = helper.make_graph(
        [node("NonZero", ["p"], ["nz"]), node("Transpose", ["nz"], ["t"]), node("GatherND", ["x", "t"], ["r"]), node("Identity", ["w"], ["v"])], "t", [], [value("r"), value("v")])
    inner_then = helper.make_graph([node("Neg", ["x"], ["r"])], "it", [], [value("r")])
    inner_else = helper.make_graph([node("Identity", ["k"], ["r"])], "ie", [], [value("r")], [const("k", np.float32([7, 8]))])
    other = helper.make_graph(
        [node("If", ["c2"], ["r"], then_branch=inner_then, else_branch=inner_else), node("Neg", ["w"], ["v"])], "e", [], [value("r"), value("v")])
    write(
        "if-nested",
        [
            node("Relu", ["x"], ["p"]), node("ReduceSum", ["x"], ["sum"], keepdims=0), node("Greater", ["sum", "zero"], ["c"]),
            node("Greater", ["limit", "zero"], ["c2"]), node("Mul", ["x", "two"], ["w"]),
            node("If", ["c"], ["y", "z"], then_branch=then, else_branch=other), node("Abs", ["y"], ["a"]),
        ],
        [("x", F, [3, 4]), ("limit", F, [])], ["a", "z"],
        [{"x": draw(1, 3, 4) + o, "limit": np.float32(l)} for o, l in ((1, 0), (-1, 1), (-1, -1), (2, 0))],
        [const("zero", np.float32(0)), const("two", np.float32(2))])


def sequences():
    write(
        "sequences",
        [
            node("SplitToSequence", ["x"], ["q"], axis=1, keepdims=0), node("SplitToSequence", ["x", "sizes"], ["u"], axis=-1),
            node("SequenceEmpty", [], ["e"]), node("SequenceInsert", ["e", "x"], ["e1"]), node("SequenceInsert", ["e1", "x2", "at"], ["e2"]),
            node("Mul", ["x", "two"], ["x2"]), node("SequenceAt", ["q", "place"], ["a"]), node("SequenceAt", ["u", "last"], ["b"]),
            node("ConcatFromSequence", ["e2"], ["y"], axis=0), node("SequenceLength", ["q"], ["n"]),
            node("ConcatFromSequence", ["q"], ["s"], axis=2, new_axis=1),
        ],
        [("x", F, [2, 3, 4]), ("place", I, [])], ["a", "b", "y", "s", ("n", I)],
        [{"x": draw(1, 2, 3, 4), "place": np.array(p)} for p in (0, 2, -1)],
        [const("sizes", np.array([1, 3])), const("at", np.array(0)), const("last", np.array(-1)), const("two", np.float32(2))])


# Results of unknown size


def found():
    x = draw(1, 2, 3, 4)
    write(
        "nonzero-chain",
        [
            node("Conv", ["x", "k"], ["v"], pads=[1, 1, 1, 1]), node("Greater", ["v", "t"], ["b"]), node("NonZero", ["b"], ["nz"]), node("Transpose", ["nz"], ["ix"]),
            node("GatherND", ["v", "ix"], ["picked"]), node("Mul", ["picked", "two"], ["y"]), node("Shape", ["picked"], ["n"]),
            node("ReduceSum", ["y"], ["sum"], keepdims=0), node("ConstantOfShape", ["n"], ["zeros"]), node("Concat", ["y", "zeros", "one"], ["z"], axis=0),
            node("ScatterND", ["v", "ix", "zeros"], ["w"]),
            node("Unique", ["rounded"], ["u", "first", "inverse", "counts"]), node("Round", ["v"], ["rounded"]),
        ],
        [("x", F, [1, 1, 5, 6]), ("t", F, [])], ["z", "sum", "w", "u", ("first", I), ("inverse", I), ("counts", I)],
        [{"x": draw(2, 1, 1, 5, 6), "t": np.float32(t)} for t in (0, 1, 100, 0)],
        [const("k", draw(3, 1, 1, 3, 3)), const("two", np.float32(2)), const("one", np.float32([1]))])
    boxes = np.random.default_rng(5).random((1, 40, 4)).astype(np.float32)
    boxes[..., 2:] = boxes[..., :2] + boxes[..., 2:] * 0.5
    write(
        "nms-chain",
        [
            node("MatMul", ["features", "w"], ["s"]), node("Sigmoid", ["s"], ["p"]), node("Transpose", ["p"], ["scores"], perm=[0, 2, 1]),
            node("NonMaxSuppression", ["boxes", "scores", "most", "share", "least"], ["found"]),
            node("Gather", ["found", "last"], ["index"], axis=1), node("Squeeze", ["index", "axis"], ["i"]), node("Gather", ["boxes", "i"], ["kept"], axis=1),
            node("NonMaxSuppression", ["boxes", "scores", "one"], ["centred"], center_point_box=1),
        ],
        [("features", F, [1, 40, 6]), ("boxes", F, [1, 40, 4]), ("least", F, [1])], [("found", I), "kept", ("centred", I)],
        [{"features": draw(s, 1, 40, 6), "boxes": boxes, "least": np.float32([l])} for s, l in ((1, 0.5), (2, 0.3), (2, 0.999))],
        [const("w", draw(6, 6, 3)), const("most", np.array([4])), const("share", np.float32([0.3])), const("last", np.array([2])), const("one", np.array(1)), const("axis", np.array([1]))])


def sizes():
    write(
        "sizes",
        [
            node("Conv", ["x", "k"], ["v"], pads=[1, 1, 1, 1]), node("Cast", ["size"], ["s"], to=I), node("Concat", ["nc", "s"], ["target"], axis=0),
            node("Resize", ["v", "", "", "target"], ["r"], mode="linear"), node("ReduceMax", ["v"], ["top"], keepdims=1, axes=[0, 1, 2, 3]),
            node("Reshape", ["top", "one"], ["t1"]), node("Ceil", ["t1"], ["t2"]), node("Cast", ["t2"], ["t3"], to=I), node("Add", ["t3", "one"], ["length"]),
            node("Reshape", ["r", "flat"], ["line"]), node("Slice", ["line", "zero", "length", "zero"], ["y"]),
            node("Cast", ["length"], ["f"], to=F), node("Mul", ["y", "f"], ["z"]),
        ],
        [("x", F, [1, 2, "h", "w"]), ("size", F, [2])], ["r", "z"],
        [{"x": draw(1, 1, 2, 6, 7), "size": np.float32(s)} for s in ([9, 5], [9, 5], [4, 12])]
        + [{"x": 3 * draw(2, 1, 2, 5, 4), "size": np.float32([4, 12])}],
        [const("k", draw(3, 2, 2, 3, 3)), const("nc", np.array([1, 2])), const("flat", np.array([-1])), const("zero", np.array([0])), const("one", np.array([1]))])


# Recurrent layers


def recurrent():
    def case(kind, gates, name, inputs, outputs, batch_first=False, directions=1, reference=False, **attributes):
        t, b, width, hidden = 6, 3, 4, 5
        shape = [b, t, width] if batch_first else [t, b, width]
        state = [b, directions, hidden] if batch_first else [directions, b, hidden]
        every = {
            "B": draw(11, directions, 2 * gates * hidden) * 0.3, "n": np.array([6, 2, 4], np.int32), "h0": draw(12, *state),
            "c0": draw(13, *state), "P": draw(14, directions, 3 * hidden) * 0.3,
        }
        constants = [const("W", draw(9, directions, gates * hidden, width)), const("R", draw(10, directions, gates * hidden, hidden) * 0.5)]
        constants += [const(n, every[n]) for n in ("B", "P") if n in inputs]
        ports = [("x", F, shape)] + [(n, TensorProto.INT32 if n == "n" else F, list(every[n].shape)) for n in inputs if n in ("n", "h0", "c0")]
        feed = {"x": draw(8, *shape), **{p[0]: every[p[0]] for p in ports[1:]}}
        write(
            name, [node(kind, ["x", "W", "R", *inputs], outputs, hidden_size=hidden, **({"layout": 1} if batch_first else {}), **attributes)],
            ports, [o for o in outputs if o], [feed], constants, opset=14, reference=reference)

    both = ["y", "h", "c"]
    case("LSTM", 4, "lstm", ["B", "n", "h0", "c0", "P"], both, directions=2, direction="bidirectional", clip=0.7)
    case("LSTM", 4, "lstm-coupled", ["B"], ["", "h"], direction="reverse", input_forget=1,
         activations=["HardSigmoid", "Softsign", "Relu"], activation_alpha=[0.3], activation_beta=[0.4])
    case("GRU", 3, "gru", ["B", "n", "h0"], ["y", "h"], directions=2, direction="bidirectional", linear_before_reset=1)
    case("GRU", 3, "gru-reset", ["B", "", "h0"], ["y", "h"], activations=["Sigmoid", "LeakyRelu"], activation_alpha=[0.2])
    case("RNN", 1, "rnn", ["B", "n", "h0"], ["y", "h"], direction="reverse", activations=["Affine"], activation_alpha=[0.5], activation_beta=[0.1])
    # onnxruntime takes no batch first.
    case("LSTM", 4, "lstm-batch-first", ["B"], both, batch_first=True, reference=True)


# A mask of the image, and the points of which it consists.


def mask_points():
    write(
        "mask-points",
        [
            node("Conv", ["image", "k"], ["v"], pads=[1, 1, 1, 1]), node("Sigmoid", ["v"], ["mask"]), node("Greater", ["mask", "half"], ["b"]),
            node("NonZero", ["b"], ["points"]),
        ],
        [("image", F, [1, 3, 24, 32])], [("points", I), "mask"], [{"image": draw(1, 1, 3, 24, 32)}],
        [const("k", draw(2, 1, 3, 3, 3)), const("half", np.float32(0.5))])


# Outputs that are an input and a constant.


def passing():
    write(
        "passing",
        [
            node("Identity", ["x"], ["same"]), node("Shape", ["x"], ["shape"]), node("NonZero", ["x"], ["nz"]), node("Relu", ["x"], ["y"]),
            node("Cast", ["nz"], ["nf"], to=F), node("ReduceSum", ["nf"], ["s"], keepdims=0), node("Add", ["y", "s"], ["z"]),
        ],
        [("x", F, [2, 3])], ["same", ("shape", I), ("nz", I), "z"],
        [{"x": np.float32([[0, 1, -2], [0, 0, 3]])}, {"x": np.zeros((2, 3), np.float32)}])


if __name__ == "__main__":
    for make in (functions, attention, loops, scans, branches, sequences, found, sizes, recurrent, mask_points, passing):
        make()
