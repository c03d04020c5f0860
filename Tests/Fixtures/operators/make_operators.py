"""Writes the reference outputs beside this file, computed by PyTorch (CPU) in float64 and rounded once to float32.

    python make_operators.py            # PyTorch, NumPy and safetensors; written with torch 2.13

One safetensors file a family. Each case NAME has the tensors NAME.<operand> and NAME.output, and one line of attributes as
JSON under NAME in the file's metadata. Feature maps are stored NHWC, weights in PyTorch's own layout. Float32 where a mode
computes coordinates in the precision of its input (resize), so that the same pixels are chosen.
"""

import json
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
generator = torch.Generator().manual_seed(20240601)


def draw(*shape, low=-1.0, high=1.0):
    return torch.rand(*shape, generator=generator, dtype=torch.float32) * (high - low) + low


def nhwc(x):
    return x.permute(0, 2, 3, 1).contiguous()


class Family:
    def __init__(self, name):
        self.name, self.tensors, self.attributes = name, {}, {}

    def add(self, case, operands, outputs, **attributes):
        for key, tensor in {**operands, **outputs}.items():
            tensor = tensor.to(torch.float32) if tensor.is_floating_point() else tensor
            self.tensors[f"{case}.{key}"] = tensor.clone().contiguous()
        assert case not in self.attributes, case
        self.attributes[case] = json.dumps(attributes)

    def write(self):
        path = HERE / f"{self.name}.safetensors"
        save_file(self.tensors, path, metadata=self.attributes)
        print(path.name, len(self.attributes), "cases", path.stat().st_size, "bytes")


def convolutions():
    family = Family("convolution")
    # name, height, width, in, out, kernel, stride, dilation, padding (top, left, bottom, right), groups
    cases = [
        ("pointwise", 4, 5, 6, 8, (1, 1), (1, 1), (1, 1), (0, 0, 0, 0), 1),
        ("pointwise_stride2", 5, 6, 4, 8, (1, 1), (2, 2), (1, 1), (0, 0, 0, 0), 1),
        ("k3", 6, 7, 3, 5, (3, 3), (1, 1), (1, 1), (1, 1, 1, 1), 1),
        ("k3_valid", 6, 7, 3, 5, (3, 3), (1, 1), (1, 1), (0, 0, 0, 0), 1),
        ("k3_stride2", 7, 8, 4, 6, (3, 3), (2, 2), (1, 1), (1, 1, 1, 1), 1),
        ("k3_dilation2", 9, 8, 4, 4, (3, 3), (1, 1), (2, 2), (2, 2, 2, 2), 1),
        ("k3_dilation6", 7, 8, 3, 4, (3, 3), (1, 1), (6, 6), (6, 6, 6, 6), 1),
        ("k3_dilation3_stride2", 10, 11, 3, 4, (3, 3), (2, 2), (3, 3), (3, 3, 3, 3), 1),
        ("k7_stride2", 11, 10, 3, 4, (7, 7), (2, 2), (1, 1), (3, 3, 3, 3), 1),
        ("k5", 6, 6, 2, 3, (5, 5), (1, 1), (1, 1), (2, 2, 2, 2), 1),
        ("k1x7", 5, 9, 3, 4, (1, 7), (1, 1), (1, 1), (0, 3, 0, 3), 1),
        ("k7x1", 9, 5, 3, 4, (7, 1), (1, 1), (1, 1), (3, 0, 3, 0), 1),
        ("k2x3_stride3x2_dilation1x2", 9, 11, 3, 4, (2, 3), (3, 2), (1, 2), (1, 2, 1, 2), 1),
        ("asymmetric_same_stride2", 8, 8, 3, 4, (3, 3), (2, 2), (1, 1), (0, 0, 1, 1), 1),
        ("asymmetric_all", 6, 7, 2, 4, (3, 4), (1, 2), (1, 1), (2, 1, 0, 3), 1),
        ("k4_stride4_patches", 8, 12, 3, 8, (4, 4), (4, 4), (1, 1), (0, 0, 0, 0), 1),
        ("groups2", 5, 6, 4, 6, (3, 3), (1, 1), (1, 1), (1, 1, 1, 1), 2),
        ("groups4_stride2", 6, 6, 8, 8, (3, 3), (2, 2), (1, 1), (1, 1, 1, 1), 4),
        ("groups2_pointwise", 4, 4, 6, 4, (1, 1), (1, 1), (1, 1), (0, 0, 0, 0), 2),
        ("depthwise", 6, 7, 5, 5, (3, 3), (1, 1), (1, 1), (1, 1, 1, 1), 5),
        ("depthwise_k5_stride2", 9, 9, 6, 6, (5, 5), (2, 2), (1, 1), (2, 2, 2, 2), 6),
        ("depthwise_dilation4", 8, 7, 17, 17, (3, 3), (1, 1), (4, 4), (4, 4, 4, 4), 17),
        ("depthwise_multiplier2", 6, 5, 4, 8, (3, 3), (1, 1), (1, 1), (1, 1, 1, 1), 4),
        ("depthwise_multiplier3_stride2", 6, 7, 3, 9, (3, 3), (2, 2), (1, 1), (1, 1, 1, 1), 3),
        ("one_pixel", 1, 1, 4, 4, (3, 3), (1, 1), (1, 1), (1, 1, 1, 1), 1),
    ]
    for index, (name, h, w, cin, cout, kernel, stride, dilation, padding, groups) in enumerate(cases):
        x = draw(2 if index % 6 == 2 else 1, cin, h, w)
        weight = draw(cout, cin // groups, *kernel)
        bias = draw(cout) if index % 3 != 2 else None
        top, left, bottom, right = padding
        y = F.conv2d(F.pad(x.double(), (left, right, top, bottom)), weight.double(),
                     None if bias is None else bias.double(), stride, 0, dilation, groups)
        operands = {"input": nhwc(x), "weight": weight} | ({} if bias is None else {"bias": bias})
        family.add(name, operands, {"output": nhwc(y)}, kernel=kernel, stride=stride, dilation=dilation,
                   padding=padding, groups=groups)
    family.write()

    family = Family("transposed_convolution")
    # name, height, width, in, out, kernel, stride, dilation, padding, output padding, groups
    cases = [
        ("k2_stride2", 4, 5, 4, 6, (2, 2), (2, 2), (1, 1), (0, 0), (0, 0), 1),
        ("k3_stride2", 4, 5, 3, 4, (3, 3), (2, 2), (1, 1), (1, 1), (1, 1), 1),
        ("k4_stride2", 3, 4, 4, 3, (4, 4), (2, 2), (1, 1), (1, 1), (0, 0), 1),
        ("k3", 4, 5, 3, 4, (3, 3), (1, 1), (1, 1), (1, 1), (0, 0), 1),
        ("k3_stride3_output_padding2", 3, 3, 2, 3, (3, 3), (3, 3), (1, 1), (0, 0), (2, 2), 1),
        ("k16_stride8", 2, 3, 2, 2, (16, 16), (8, 8), (1, 1), (4, 4), (0, 0), 1),
        ("k3_stride2_dilation2", 3, 4, 3, 2, (3, 3), (2, 2), (2, 2), (2, 2), (1, 0), 1),
        ("k2x3_stride1x2", 4, 3, 3, 4, (2, 3), (1, 2), (1, 1), (0, 1), (0, 1), 1),
        ("groups2", 3, 4, 4, 6, (3, 3), (2, 2), (1, 1), (1, 1), (1, 1), 2),
        ("depthwise_k4_stride2", 4, 4, 5, 5, (4, 4), (2, 2), (1, 1), (1, 1), (0, 0), 5),
        ("k1_stride2", 3, 3, 3, 4, (1, 1), (2, 2), (1, 1), (0, 0), (1, 1), 1),
    ]
    for index, (name, h, w, cin, cout, kernel, stride, dilation, padding, extra, groups) in enumerate(cases):
        x = draw(1 + index % 2, cin, h, w)
        weight = draw(cin, cout // groups, *kernel)
        bias = draw(cout) if index % 3 != 2 else None
        y = F.conv_transpose2d(x.double(), weight.double(), None if bias is None else bias.double(), stride, padding,
                               extra, groups, dilation)
        operands = {"input": nhwc(x), "weight": weight} | ({} if bias is None else {"bias": bias})
        family.add(name, operands, {"output": nhwc(y)}, kernel=kernel, stride=stride, dilation=dilation,
                   padding=(padding[0], padding[1], padding[0], padding[1]), output_padding=extra, groups=groups)
    family.write()


def poolings():
    family = Family("pooling")
    cases = [
        ((2, 2), (2, 2), (0, 0), (1, 1), False), ((3, 3), (2, 2), (1, 1), (1, 1), False),
        ((3, 3), (2, 2), (1, 1), (1, 1), True), ((2, 2), (2, 2), (0, 0), (1, 1), True),
        ((3, 3), (1, 1), (1, 1), (2, 2), False), ((3, 2), (2, 3), (1, 0), (2, 1), True),
        ((3, 3), (3, 3), (0, 0), (1, 1), True), ((2, 2), (3, 3), (1, 1), (1, 1), True),
    ]
    for index, (kernel, stride, padding, dilation, ceil) in enumerate(cases):
        x = draw(1, 3, 7, 8)
        y, places = F.max_pool2d(x, kernel, stride, padding, dilation, ceil, return_indices=True)
        family.add(f"max_{index}", {"input": nhwc(x)}, {"output": nhwc(y), "indices": nhwc(places).to(torch.int32)},
                   kernel=kernel, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil)
        if dilation == (1, 1):
            for counting in (True, False):
                y = F.avg_pool2d(x.double(), kernel, stride, padding, ceil, counting)
                family.add(f"average_{index}_{'counting' if counting else 'inside'}", {"input": nhwc(x)},
                           {"output": nhwc(y)}, kernel=kernel, stride=stride, padding=padding, ceil_mode=ceil,
                           count_include_pad=counting)
    x = draw(1, 2, 7, 10)
    for size in [(1, 1), (2, 2), (3, 4), (6, 6), (7, 10), (9, 4)]:
        for kind, function in [("average", F.adaptive_avg_pool2d), ("maximum", F.adaptive_max_pool2d)]:
            family.add(f"adaptive_{kind}_{size[0]}x{size[1]}", {"input": nhwc(x)},
                       {"output": nhwc(function(x.double(), size))}, size=size)
    x = draw(1, 2, 6, 7)
    y, places = F.max_pool2d(x, 2, 2, return_indices=True)
    unpooled = F.max_unpool2d(y, places, 2, 2, output_size=(6, 7))
    family.add("unpool", {"input": nhwc(y), "indices": nhwc(places).to(torch.int32)}, {"output": nhwc(unpooled)},
               size=(6, 7))
    family.write()


def resizes():
    family = Family("resize")
    x = draw(1, 1, 5, 7)
    for size in [(10, 14), (3, 4), (13, 5), (1, 1), (5, 7), (11, 23)]:
        for mode in ["nearest", "nearest-exact", "bilinear", "bicubic"]:
            for aligned in ([False, True] if mode.startswith("bi") else [None]):
                y = F.interpolate(x, size=size, mode=mode, align_corners=aligned)
                family.add(f"{mode}_{size[0]}x{size[1]}" + ("_aligned" if aligned else ""), {"input": nhwc(x)},
                           {"output": nhwc(y)}, mode=mode, size=size, align_corners=bool(aligned))
    for factor in [0.4, 0.7, 1.37, 2.0, 2.55]:
        for recompute in [False, True]:
            for mode in ["nearest", "nearest-exact", "bilinear", "bicubic"]:
                y = F.interpolate(x, scale_factor=factor, mode=mode, recompute_scale_factor=recompute)
                family.add(f"{mode}_by_{factor}" + ("_recomputed" if recompute else ""), {"input": nhwc(x)},
                           {"output": nhwc(y)}, mode=mode, factor=factor, recompute_scale_factor=recompute,
                           align_corners=False)
    for size in [(10, 14), (3, 4), (13, 5), (1, 1), (5, 7), (2, 23)]:
        for mode in ["bilinear", "bicubic"]:
            y = F.interpolate(x, size=size, mode=mode, antialias=True)
            family.add(f"{mode}_{size[0]}x{size[1]}_antialiased", {"input": nhwc(x)}, {"output": nhwc(y)}, mode=mode,
                       size=size, align_corners=False, antialias=True)
    # Long rows: the places where a float32 coordinate falls on a whole pixel, or just below.
    for size, target in [((1, 100), (1, 300)), ((1, 77), (1, 512)), ((1, 640), (1, 91)), ((1, 33), (1, 264))]:
        x = torch.arange(size[1], dtype=torch.float32).reshape(1, 1, *size)
        for mode in ["nearest", "nearest-exact"]:
            y = F.interpolate(x, size=target, mode=mode)
            family.add(f"{mode}_row_{size[1]}_{target[1]}", {"input": nhwc(x)}, {"output": nhwc(y)}, mode=mode,
                       size=target, align_corners=False)
    family.write()


def norms():
    family = Family("normalization")
    x, weight, bias = draw(2, 6, 4, 5, low=-1, high=3), draw(6, low=0.5, high=1.5), draw(6)
    wide = (x.double(), weight.double(), bias.double())
    mean, variance = draw(6), draw(6, low=0.5, high=2)
    operands = {"input": nhwc(x), "weight": weight, "bias": bias}
    family.add("batch_norm", operands | {"mean": mean, "variance": variance},
               {"output": nhwc(F.batch_norm(wide[0], mean.double(), variance.double(), wide[1], wide[2]))}, epsilon=1e-5)
    for groups in [1, 2, 3, 6]:
        family.add(f"group_norm_{groups}", operands, {"output": nhwc(F.group_norm(wide[0], groups, *wide[1:]))},
                   groups=groups, epsilon=1e-5)
    family.add("instance_norm", {"input": nhwc(x)}, {"output": nhwc(F.instance_norm(wide[0]))}, epsilon=1e-5)
    family.add("instance_norm_affine", operands,
               {"output": nhwc(F.instance_norm(wide[0], weight=wide[1], bias=wide[2]))}, epsilon=1e-5)
    family.add("layer_norm", operands,
               {"output": F.layer_norm(nhwc(wide[0]), (6,), wide[1], wide[2], 1e-6)}, epsilon=1e-6)
    family.write()


def tokens():
    family = Family("attention")
    for name, n, m, heads, d, dv, mask in [
        ("plain", 5, 7, 2, 4, 3, None), ("masked", 6, 6, 3, 2, 2, "causal"), ("biased", 4, 9, 2, 5, 5, "heads"),
        ("many_keys", 3, 70, 1, 8, 8, None),
    ]:
        q, k, v = draw(2, n, heads * d, low=-2, high=2), draw(2, m, heads * d, low=-2, high=2), draw(2, m, heads * dv)
        added = None
        if mask == "causal":
            added = torch.zeros(n, m).masked_fill(torch.ones(n, m).triu(1).bool(), float("-inf"))
        elif mask == "heads":
            added = draw(1, heads, n, m, low=-3, high=3)

        def split(x):
            return x.double().reshape(2, x.shape[1], heads, -1).transpose(1, 2)

        y = F.scaled_dot_product_attention(split(q), split(k), split(v), None if added is None else added.double())
        operands = {"queries": q, "keys": k, "values": v} | ({} if added is None else {"mask": added})
        family.add(name, operands, {"output": y.transpose(1, 2).reshape(2, n, -1)}, heads=heads)
    x, weight, bias = draw(2, 5, 6), draw(9, 6), draw(9)
    family.add("linear", {"input": x, "weight": weight, "bias": bias},
               {"output": F.linear(x.double(), weight.double(), bias.double())})
    a, b = draw(2, 1, 4, 5), draw(3, 5, 6)
    family.add("matmul", {"a": a, "b": b}, {"output": a.double() @ b.double()})
    family.write()


def pointwise():
    family = Family("pointwise")
    x = torch.cat([torch.linspace(-12, 12, 97), torch.tensor([-100.0, -30.0, 30.0, 88.0, 100.0, 0.0, -0.0, 1e-20, -1e-5])])
    functions = {
        "relu": F.relu, "relu6": F.relu6, "leaky_relu": lambda t: F.leaky_relu(t, 0.1), "elu": lambda t: F.elu(t, 1.5),
        "gelu": F.gelu, "gelu_tanh": lambda t: F.gelu(t, approximate="tanh"), "silu": F.silu,
        "hard_sigmoid": F.hardsigmoid, "hard_swish": F.hardswish, "sigmoid": torch.sigmoid, "tanh": torch.tanh,
        "softplus": F.softplus, "softplus_2_5": lambda t: F.softplus(t, 2, 5), "exp": torch.exp, "abs": torch.abs,
        "erf": torch.erf,
    }
    for name, function in functions.items():
        family.add(name, {"input": x}, {"output": function(x.double())})
    x = draw(2, 3, 4, 5, low=-8, high=8)
    for axis in range(4):
        family.add(f"softmax_{axis}", {"input": x}, {"output": torch.softmax(x.double(), axis)}, axis=axis)
        family.add(f"log_softmax_{axis}", {"input": x}, {"output": torch.log_softmax(x.double(), axis)}, axis=axis)
        family.add(f"argmax_{axis}", {"input": x}, {"output": torch.argmax(x, axis)}, axis=axis)
        family.add(f"mean_{axis}", {"input": x}, {"output": x.double().mean(axis, keepdim=True)}, axis=axis)
    slope = draw(5, low=0, high=0.5)
    family.add("prelu", {"input": x, "slope": slope},
               {"output": F.prelu(x.permute(0, 3, 1, 2).double(), slope.double()).permute(0, 2, 3, 1)})
    family.write()


def movement():
    family = Family("movement")
    for factor in [2, 3]:
        x = draw(2, 2 * factor * factor, 2, 3)
        y = F.pixel_shuffle(x, factor)
        family.add(f"pixel_shuffle_{factor}", {"input": nhwc(x)}, {"output": nhwc(y)}, factor=factor)
        family.add(f"pixel_unshuffle_{factor}", {"input": nhwc(y)}, {"output": nhwc(F.pixel_unshuffle(y, factor))},
                   factor=factor)
    x = draw(1, 2, 4, 5)
    for mode in ["constant", "reflect", "replicate"]:
        for padding in [(1, 2, 3, 0), (2, 2, 2, 2), (-1, 2, 1, -2)]:
            value = {"value": 0.5} if mode == "constant" else {}
            name = f"pad_{mode}_" + "_".join(map(str, padding))
            family.add(name, {"input": nhwc(x)}, {"output": nhwc(F.pad(x, padding, mode, **value))}, mode=mode,
                       padding=padding)
    family.write()


convolutions()
poolings()
resizes()
norms()
tokens()
pointwise()
movement()
