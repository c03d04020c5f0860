"""Writes the gradients beside this file, computed by PyTorch (CPU) in float64 and rounded once to float32.

    python make_gradients.py            # PyTorch and safetensors; written with torch 2.13

One safetensors file a family. Each case NAME has the tensors NAME.in<i>, the gradients NAME.dy<j> of its outputs (an output that has none
is not used by the loss) and the gradients NAME.grad<i> of the inputs that are asked for, and one line of attributes as JSON under NAME in
the file's metadata. The loss is the sum of output · gradient. Feature maps are stored NHWC, weights in PyTorch's own layout.
"""

import json
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
generator = torch.Generator().manual_seed(20240611)


def draw(*shape, low=-1.0, high=1.0):
    return torch.rand(shape, generator=generator, dtype=torch.float32) * (high - low) + low


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


class Family:
    def __init__(self, name):
        self.name, self.tensors, self.attributes = name, {}, {}

    def add(self, case, op, inputs, forward, wanted=None, unused=(), **attributes):
        assert case not in self.attributes and "." not in case, case
        wanted = [i for i, x in enumerate(inputs) if x.is_floating_point()] if wanted is None else wanted
        # Doubles in fresh memory: a gradient is asked of each operand alone.
        doubles = [x.double().clone() if x.is_floating_point() else x for x in inputs]
        for i in wanted:
            doubles[i].requires_grad_()
        outputs = forward(*doubles)
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        loss = 0
        for j, output in enumerate(outputs):
            if j in unused:
                continue
            dy = draw(*output.shape)
            self.store(f"{case}.dy{j}", dy)
            loss = loss + (output * dy.double()).sum()
        gradients = torch.autograd.grad(loss, [doubles[i] for i in wanted])
        for i, x in enumerate(inputs):
            self.store(f"{case}.in{i}", x)
        for i, gradient in zip(wanted, gradients):
            assert torch.isfinite(gradient).all() or attributes.get("infinite"), case
            self.store(f"{case}.grad{i}", gradient)
        self.attributes[case] = json.dumps({"op": op, "outputs": len(outputs), **attributes})

    def store(self, key, x):
        self.tensors[key] = (x.to(torch.float32) if x.is_floating_point() else x).detach().clone().contiguous()

    def write(self):
        path = HERE / f"{self.name}.safetensors"
        save_file(self.tensors, path, metadata=self.attributes)
        print(path.name, len(self.attributes), "cases", path.stat().st_size, "bytes")


# The functions that an operator may apply to its result, by their name and numbers.
FUNCTIONS = {
    "relu": ([], F.relu),
    "clip": ([0.0, 6.0], F.relu6),
    "leakyReLU": ([0.1], lambda x: F.leaky_relu(x, 0.1)),
    "elu": ([1.0], lambda x: F.elu(x, 1.0)),
    "gelu": ([], F.gelu),
    "geluTanh": ([], lambda x: F.gelu(x, approximate="tanh")),
    "silu": ([], F.silu),
    "hardSigmoid": ([1 / 6, 0.5], F.hardsigmoid),
    "hardSwish": ([], F.hardswish),
    "sigmoid": ([], torch.sigmoid),
    "tanh": ([], torch.tanh),
    "softplus": ([2.0, 3.0], lambda x: F.softplus(x, 2.0, 3.0)),
    "exp": ([], torch.exp),
    "log": ([], torch.log),
    "sqrt": ([], torch.sqrt),
    "abs": ([], torch.abs),
    "negate": ([], torch.neg),
    "reciprocal": ([], torch.reciprocal),
    "erf": ([], torch.erf),
}


def functions():
    family = Family("functions")
    for name, (numbers, f) in FUNCTIONS.items():
        positive = name in ("log", "sqrt", "reciprocal")
        x = draw(2, 3, 5, 7, low=0.1 if positive else -5, high=5)
        family.add(name, "function", [x], f, function=name, numbers=numbers)
    # At a bend.
    for name, (numbers, f), bends in [
        ("relu", FUNCTIONS["relu"], [0.0]),
        ("clip", FUNCTIONS["clip"], [0.0, 6.0]),
        ("leakyReLU", FUNCTIONS["leakyReLU"], [0.0]),
        ("elu", FUNCTIONS["elu"], [0.0]),
        ("hardSigmoid", FUNCTIONS["hardSigmoid"], [-3.0, 3.0]),
        ("hardSwish", FUNCTIONS["hardSwish"], [-3.0, 3.0]),
        ("abs", FUNCTIONS["abs"], [0.0]),
        ("softplus", FUNCTIONS["softplus"], [1.5]),
    ]:
        x = torch.tensor(bends + [-7.5, 7.5])
        family.add(f"{name}_bend", "function", [x], f, function=name, numbers=numbers)
    for name, alpha in [("elu_half", 0.5), ("elu_negative", -0.5)]:
        family.add(name, "function", [draw(3, 17, low=-3, high=3)], lambda x, a=alpha: F.elu(x, a), function="elu",
                   numbers=[alpha])
    for name, slope in [("leakyReLU_zero", 0.0), ("leakyReLU_negative", -0.2)]:
        family.add(name, "function", [draw(3, 17, low=-3, high=3)], lambda x, a=slope: F.leaky_relu(x, a),
                   function="leakyReLU", numbers=[slope])
    family.add("identity", "identity", [draw(2, 3)], lambda x: x * 1)
    x = draw(2, 4, 3, 5, low=-2, high=2)
    x[0, 0, 0, :] = 0
    for name, slope in [("prelu_one", draw(1)), ("prelu_channels", draw(5))]:
        family.add(name, "prelu", [x, slope], lambda x, s: nhwc(F.prelu(nchw(x), s)))
    return family


def binary():
    family = Family("binary")
    operations = {
        "add": torch.add, "subtract": torch.sub, "multiply": torch.mul, "divide": torch.div,
        "maximum": torch.maximum, "minimum": torch.minimum, "power": torch.pow,
    }
    shapes = {
        "same": ((2, 3, 4, 5), (2, 3, 4, 5)),
        "channels": ((2, 3, 4, 5), (5,)),
        "gate": ((2, 3, 4, 5), (2, 1, 1, 5)),
        "map": ((2, 3, 4, 1), (2, 3, 4, 5)),
        "outer": ((3, 1, 5), (2, 1, 4, 1)),
        "number": ((1,), (3, 4, 2)),
    }
    for name, f in operations.items():
        for kind, (p, q) in shapes.items():
            low = 0.3 if name in ("power", "divide") else -1.0
            family.add(f"{name}_{kind}", "binary", [draw(*p, low=low), draw(*q, low=low)], f, operation=name)
    # Ties.
    p = torch.tensor([[1.0, 2.0, -3.0], [0.0, -0.0, 5.0]])
    q = torch.tensor([[1.0, 1.0, -3.0], [0.0, 0.0, 7.0]])
    for name in ("maximum", "minimum"):
        family.add(f"{name}_ties", "binary", [p, q], operations[name], operation=name)
    # A base of 0, and exponents of 0, 1, 2.
    base = torch.tensor([0.0, 0.0, 0.0, -2.0, -2.0, 3.0])
    exponent = torch.tensor([0.0, 1.0, 2.0, 0.0, 2.0, 0.0])
    family.add("power_zero", "binary", [base, exponent], torch.pow, wanted=[0], operation="power")
    family.add("power_zero_exponent", "binary", [torch.tensor([0.0, 0.0, 2.0]), torch.tensor([2.0, 1.0, -1.0])],
               torch.pow, operation="power")
    for name, (numbers, f) in FUNCTIONS.items():
        if name in ("log", "sqrt", "reciprocal"):
            continue
        for operation in ("add", "divide"):
            # Both functions are applied in the same node.
            family.add(f"{operation}_then_{name}", "binary", [draw(2, 3, 7, low=0.3, high=2), draw(7, low=0.3, high=2)],
                       lambda p, q, o=operation, f=f: f(operations[o](p, q)), operation=operation, function=name,
                       numbers=numbers)
    return family


def convolutions():
    family = Family("convolution")
    # name, height, width, in, out, kernel, stride, dilation, padding, groups
    cases = [
        ("pointwise", 4, 5, 6, 8, (1, 1), (1, 1), (1, 1), (0, 0), 1),
        ("pointwise_stride2", 5, 6, 4, 8, (1, 1), (2, 2), (1, 1), (0, 0), 1),
        ("pointwise_padded", 4, 5, 3, 4, (1, 1), (1, 1), (1, 1), (1, 2), 1),
        ("k3", 6, 7, 3, 5, (3, 3), (1, 1), (1, 1), (1, 1), 1),
        ("k3_valid", 6, 7, 3, 5, (3, 3), (1, 1), (1, 1), (0, 0), 1),
        ("k3_wide_padding", 5, 6, 3, 4, (3, 3), (1, 1), (1, 1), (4, 3), 1),
        ("k3_deep", 9, 10, 17, 33, (3, 3), (1, 1), (1, 1), (1, 1), 1),
        ("k3_stride2", 7, 8, 4, 6, (3, 3), (2, 2), (1, 1), (1, 1), 1),
        ("k3_stride3", 9, 11, 4, 6, (3, 3), (3, 3), (1, 1), (0, 0), 1),
        ("k3_stride2x1", 7, 8, 4, 6, (3, 3), (2, 1), (1, 1), (1, 1), 1),
        ("k3_dilation2", 9, 8, 4, 4, (3, 3), (1, 1), (2, 2), (2, 2), 1),
        ("k3_dilation6", 7, 8, 3, 4, (3, 3), (1, 1), (6, 6), (6, 6), 1),
        ("k3_dilation2x3", 9, 10, 3, 4, (3, 3), (1, 1), (2, 3), (1, 3), 1),
        ("k3_dilation3_stride2", 10, 11, 3, 4, (3, 3), (2, 2), (3, 3), (3, 3), 1),
        ("k2_stride2", 6, 8, 3, 5, (2, 2), (2, 2), (1, 1), (0, 0), 1),
        ("k2_stride2_rest", 7, 9, 3, 5, (2, 2), (2, 2), (1, 1), (0, 0), 1),
        ("k1_stride4_rest", 7, 10, 3, 5, (1, 1), (4, 4), (1, 1), (0, 0), 1),
        ("k4_stride4", 8, 12, 3, 8, (4, 4), (4, 4), (1, 1), (0, 0), 1),
        ("k7_stride4", 13, 15, 3, 8, (7, 7), (4, 4), (1, 1), (3, 3), 1),
        ("k7_stride2", 11, 10, 3, 4, (7, 7), (2, 2), (1, 1), (3, 3), 1),
        ("k5", 6, 6, 2, 3, (5, 5), (1, 1), (1, 1), (2, 2), 1),
        ("k1x7", 5, 9, 3, 4, (1, 7), (1, 1), (1, 1), (0, 3), 1),
        ("k5x1", 7, 4, 3, 4, (5, 1), (1, 1), (1, 1), (2, 0), 1),
        ("groups2", 5, 6, 4, 6, (3, 3), (1, 1), (1, 1), (1, 1), 2),
        ("groups3_stride2", 6, 7, 6, 9, (3, 3), (2, 2), (1, 1), (1, 1), 3),
        ("groups4_pointwise", 4, 5, 8, 12, (1, 1), (1, 1), (1, 1), (0, 0), 4),
        ("depthwise", 6, 7, 5, 5, (3, 3), (1, 1), (1, 1), (1, 1), 5),
        ("depthwise_wide", 6, 7, 37, 37, (3, 3), (1, 1), (1, 1), (1, 1), 37),
        ("depthwise_stride2", 7, 8, 6, 6, (3, 3), (2, 2), (1, 1), (1, 1), 6),
        ("depthwise_k5", 8, 7, 6, 6, (5, 5), (1, 1), (1, 1), (2, 2), 6),
        ("depthwise_k5_stride2", 9, 8, 6, 6, (5, 5), (2, 2), (1, 1), (2, 2), 6),
        ("depthwise_dilation2", 8, 9, 6, 6, (3, 3), (1, 1), (2, 2), (2, 2), 6),
        ("depthwise_multiplier", 6, 7, 4, 8, (3, 3), (1, 1), (1, 1), (1, 1), 4),
    ]
    for name, h, w, cin, cout, kernel, stride, dilation, padding, groups in cases:
        def forward(x, weight, bias=None):
            return nhwc(F.conv2d(nchw(x), weight, bias, stride, padding, dilation, groups))

        batch = 1 if name.endswith("deep") else 2
        for hasBias in ([False, True] if name in ("k3", "pointwise", "depthwise") else [True]):
            operands = [draw(batch, h, w, cin), draw(cout, cin // groups, *kernel)] + ([draw(cout)] if hasBias else [])
            family.add(name if hasBias else f"{name}_without_bias", "convolution", operands, forward, kernel=kernel,
                       stride=stride, dilation=dilation, padding=padding, groups=groups)
    # A function and a residual in the same node.
    for name, (numbers, f) in FUNCTIONS.items():
        if name in ("log", "sqrt", "reciprocal"):
            continue
        family.add(f"then_{name}", "convolution", [draw(1, 4, 5, 3), draw(4, 3, 3, 3), draw(4)],
                   lambda x, w, b, f=f: nhwc(f(F.conv2d(nchw(x), w, b, 1, 1))), kernel=(3, 3), stride=(1, 1),
                   padding=(1, 1), function=name, numbers=numbers)
    family.add("residual_relu", "convolution", [draw(1, 4, 5, 3), draw(4, 3, 3, 3), draw(4), draw(1, 4, 5, 4)],
               lambda x, w, b, r: F.relu(nhwc(F.conv2d(nchw(x), w, b, 1, 1)) + r), kernel=(3, 3), stride=(1, 1),
               padding=(1, 1), function="relu", numbers=[], residual=True)
    family.add("residual_silu", "convolution", [draw(1, 4, 5, 3), draw(4, 3, 3, 3), draw(1, 4, 5, 4)],
               lambda x, w, r: F.silu(nhwc(F.conv2d(nchw(x), w, None, 1, 1)) + r), kernel=(3, 3), stride=(1, 1),
               padding=(1, 1), function="silu", numbers=[], residual=True)
    return family


def transposed():
    family = Family("transposed_convolution")
    # name, height, width, in, out, kernel, stride, dilation, padding, output padding, groups
    cases = [
        ("k2_stride2", 3, 4, 4, 6, (2, 2), (2, 2), (1, 1), (0, 0), (0, 0), 1),
        ("k3_stride1", 4, 5, 4, 3, (3, 3), (1, 1), (1, 1), (1, 1), (0, 0), 1),
        ("k3_stride2", 4, 5, 4, 3, (3, 3), (2, 2), (1, 1), (1, 1), (1, 1), 1),
        ("k3_stride2_no_output_padding", 4, 5, 4, 3, (3, 3), (2, 2), (1, 1), (1, 1), (0, 0), 1),
        ("k3_stride3_output_padding", 4, 3, 4, 3, (3, 3), (3, 3), (1, 1), (1, 0), (2, 1), 1),
        ("k4_stride2", 4, 5, 4, 3, (4, 4), (2, 2), (1, 1), (1, 1), (0, 0), 1),
        ("k4_stride2x1", 4, 5, 3, 3, (4, 3), (2, 1), (1, 1), (1, 1), (0, 0), 1),
        ("k16_stride8", 3, 2, 3, 3, (16, 16), (8, 8), (1, 1), (4, 4), (0, 0), 1),
        ("k2_stride3", 3, 4, 3, 2, (2, 2), (3, 3), (1, 1), (0, 0), (1, 0), 1),
        ("k3_dilation2", 5, 4, 3, 4, (3, 3), (1, 1), (2, 2), (1, 2), (0, 0), 1),
        ("k3_stride2_dilation2", 5, 4, 3, 4, (3, 3), (2, 2), (2, 2), (1, 1), (1, 1), 1),
        ("output_padding_beyond_stride", 3, 4, 3, 4, (3, 3), (1, 1), (2, 2), (0, 0), (1, 1), 1),
        ("groups2", 4, 5, 4, 6, (3, 3), (2, 2), (1, 1), (1, 1), (1, 1), 2),
        ("depthwise", 4, 5, 6, 6, (4, 4), (2, 2), (1, 1), (1, 1), (0, 0), 6),
        ("depthwise_stride1", 4, 5, 6, 6, (3, 3), (1, 1), (1, 1), (1, 1), (0, 0), 6),
    ]
    for name, h, w, cin, cout, kernel, stride, dilation, padding, extra, groups in cases:
        family.add(name, "transposed", [draw(2, h, w, cin), draw(cin, cout // groups, *kernel), draw(cout)],
                   lambda x, weight, bias: nhwc(F.conv_transpose2d(
                       nchw(x), weight, bias, stride, padding, extra, groups, dilation)),
                   kernel=kernel, stride=stride, dilation=dilation, padding=padding, output_padding=extra, groups=groups)
    for name in ("relu", "gelu"):
        numbers, f = FUNCTIONS[name]
        family.add(f"then_{name}", "transposed", [draw(1, 4, 5, 3), draw(3, 4, 2, 2), draw(4), draw(1, 8, 10, 4)],
                   lambda x, w, b, r, f=f: f(nhwc(F.conv_transpose2d(nchw(x), w, b, 2)) + r), kernel=(2, 2),
                   stride=(2, 2), padding=(0, 0), output_padding=(0, 0), function=name, numbers=numbers, residual=True)
    return family


def normalization():
    family = Family("normalization")
    for name, (numbers, f) in {"identity": ([], lambda x: x), **FUNCTIONS}.items():
        if name in ("log", "sqrt", "reciprocal"):
            continue
        for mode in ("batch", "frozen"):
            # An exponential of wide operands would have sums of large terms that cancel.
            x = draw(2, 4, 5, 6, low=-2, high=3) * (0.2 if name == "exp" else 1)
            operands = [x, draw(6, low=0.5, high=2), draw(6), draw(6), draw(6, low=0.2, high=2)]
            family.add(f"{mode}_{name}", "batch_norm", operands,
                       lambda x, w, b, m, v, f=f, mode=mode: nhwc(
                           f(F.batch_norm(nchw(x), m, v, w, b, training=mode == "batch", momentum=0.0, eps=1e-3))),
                       wanted=[0, 1, 2], mode=mode, function=name, numbers=numbers, epsilon=1e-3)
    # The kernels sum 64 columns at a time.
    for mode in ("batch", "frozen"):
        operands = [draw(3, 5, 7, 131), draw(131, low=0.5, high=2), draw(131), draw(131), draw(131, low=0.2, high=2)]
        family.add(f"{mode}_wide", "batch_norm", operands,
                   lambda x, w, b, m, v, mode=mode: nhwc(
                       F.batch_norm(nchw(x), m, v, w, b, training=mode == "batch", momentum=0.0, eps=1e-5)),
                   wanted=[0, 1, 2], mode=mode, function="identity", numbers=[], epsilon=1e-5)
    operands = [draw(2, 4, 5, 3) + 100, draw(3, low=0.5, high=2), draw(3), draw(3), draw(3, low=0.2, high=2)]
    family.add("batch_large_mean", "batch_norm", operands,
               lambda x, w, b, m, v: nhwc(F.batch_norm(nchw(x), m, v, w, b, training=True, momentum=0.0, eps=1e-5)),
               wanted=[0, 1, 2], mode="batch", function="identity", numbers=[], epsilon=1e-5)
    for groups, channels in [(1, 6), (2, 6), (6, 6), (4, 132), (32, 64)]:
        operands = [draw(2, 4, 5, channels, low=-1, high=2), draw(channels), draw(channels)]
        family.add(f"group_{groups}_of_{channels}", "group_norm", operands,
                   lambda x, w, b, g=groups: nhwc(F.group_norm(nchw(x), g, w, b, 1e-5)), groups=groups, epsilon=1e-5)
    family.add("group_plain", "group_norm", [draw(3, 4, 5, 6)], lambda x: nhwc(F.group_norm(nchw(x), 3, None, None, 1e-5)),
               groups=3, epsilon=1e-5)
    family.add("instance", "instance_norm", [draw(2, 4, 5, 7, low=-1, high=2), draw(7), draw(7)],
               lambda x, w, b: nhwc(F.instance_norm(nchw(x), None, None, w, b, True, 0.0, 1e-5)), epsilon=1e-5)
    family.add("instance_plain", "instance_norm", [draw(2, 4, 5, 7)],
               lambda x: nhwc(F.instance_norm(nchw(x), None, None, None, None, True, 0.0, 1e-5)), epsilon=1e-5)
    for shape in [(2, 5, 8), (2, 3, 4, 37), (7, 1030)]:
        n = shape[-1]
        family.add(f"layer_{n}", "layer_norm", [draw(*shape, low=-1, high=2), draw(n), draw(n)],
                   lambda x, w, b, n=n: F.layer_norm(x, (n,), w, b, 1e-5), epsilon=1e-5)
    family.add("layer_plain", "layer_norm", [draw(4, 6, 9)], lambda x: F.layer_norm(x, (9,), None, None, 1e-5),
               epsilon=1e-5)
    family.add("layer_weight", "layer_norm", [draw(4, 6, 9), draw(9)],
               lambda x, w: F.layer_norm(x, (9,), w, None, 1e-5), epsilon=1e-5)
    for shape, axis in [((2, 3, 4, 5), -1), ((2, 3, 4, 5), 1), ((2, 3, 4, 5), 2), ((2, 3, 4, 5), 0), ((3, 70), 1),
                        ((2, 6, 1), 1)]:
        for logarithm in (False, True):
            f = F.log_softmax if logarithm else F.softmax
            name = "x".join(map(str, shape)) + f"_axis{axis}".replace("-", "m")
            family.add(("log_softmax_" if logarithm else "softmax_") + name, "softmax", [draw(*shape, low=-4, high=4)],
                       lambda x, f=f, axis=axis: f(x, axis), axis=axis, logarithm=logarithm)
    return family


def pooling():
    family = Family("pooling")
    # name, height, width, kernel, stride, padding, dilation, ceil
    for name, h, w, kernel, stride, padding, dilation, ceil in [
        ("k2", 6, 8, (2, 2), (2, 2), (0, 0), (1, 1), False),
        ("k2_rest", 7, 9, (2, 2), (2, 2), (0, 0), (1, 1), False),
        ("k2_ceil", 7, 9, (2, 2), (2, 2), (0, 0), (1, 1), True),
        ("k3_stride2", 7, 8, (3, 3), (2, 2), (1, 1), (1, 1), False),
        ("k3_stride2_ceil", 8, 8, (3, 3), (2, 2), (0, 0), (1, 1), True),
        ("k3_stride1", 5, 6, (3, 3), (1, 1), (1, 1), (1, 1), False),
        ("k3x2_stride1x3", 8, 9, (3, 2), (1, 3), (1, 0), (1, 1), False),
        ("k2_stride3", 9, 10, (2, 2), (3, 3), (0, 0), (1, 1), False),
        ("k2_stride3_padded", 9, 10, (2, 2), (3, 3), (1, 1), (1, 1), False),
        ("k3_dilation2", 9, 9, (3, 3), (1, 1), (1, 1), (2, 2), False),
        ("k5_stride1", 7, 6, (5, 5), (1, 1), (2, 2), (1, 1), False),
    ]:
        for channels in ((5, 70) if name in ("k2_rest", "k3_stride2") else (5,)):
            x = draw(2, h, w, channels)
            if channels == 5:
                x[1] = (x[1] * 2).round()  # ties
            family.add(f"max_{name}_{channels}", "max_pool", [x],
                       lambda x: nhwc(F.max_pool2d(nchw(x), kernel, stride, padding, dilation, ceil)),
                       kernel=kernel, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil)
        if dilation == (1, 1):
            for counting in (True, False):
                family.add(f"average_{name}" + ("" if counting else "_inside"), "average_pool", [draw(2, h, w, 5)],
                           lambda x: nhwc(F.avg_pool2d(nchw(x), kernel, stride, padding, ceil, counting)),
                           kernel=kernel, stride=stride, padding=padding, ceil_mode=ceil, count_include_pad=counting)
    for h, w, size in [(6, 8, (3, 4)), (7, 5, (3, 2)), (5, 7, (6, 3)), (6, 6, (1, 1)), (3, 4, (7, 9)), (11, 10, (2, 3))]:
        name = f"{h}x{w}_to_{size[0]}x{size[1]}"
        family.add(f"adaptive_average_{name}", "adaptive_average", [draw(2, h, w, 19)],
                   lambda x: nhwc(F.adaptive_avg_pool2d(nchw(x), size)), size=size)
        family.add(f"adaptive_max_{name}", "adaptive_max", [draw(2, h, w, 19)],
                   lambda x: nhwc(F.adaptive_max_pool2d(nchw(x), size)), size=size)
    family.add("global_average", "global_average", [draw(2, 4, 5, 6)], lambda x: x.mean((1, 2), keepdim=True))
    x = draw(2, 4, 5, 6)
    x[0, 0, 0], x[0, 3, 2] = 2.0, 2.0
    family.add("global_maximum", "global_maximum", [x], lambda x: x.amax((1, 2), keepdim=True))
    for name, kernel, stride, h, w in [("k2", 2, 2, 6, 8), ("overlapping", 3, 2, 7, 9)]:
        y, indices = F.max_pool2d(nchw(draw(2, h, w, 5)), kernel, stride, return_indices=True)
        values = draw(*nhwc(y).shape)
        # Of values at the same index the last one is kept: PyTorch leaves the order open, so that indices are made unique.
        if name == "overlapping":
            count = indices[0, 0].numel()
            order = torch.stack([torch.randperm(h * w, generator=generator)[:count] for _ in range(2 * 5)])
            indices = order.view(2, 5, *indices.shape[2:])
        family.add(f"unpool_{name}", "unpool", [values, nhwc(indices).to(torch.int32)],
                   lambda v, i: nhwc(F.max_unpool2d(nchw(v), nchw(i).long(), kernel, stride, output_size=(h, w))),
                   size=(h, w))
    return family


def resize():
    family = Family("resize")
    for name, size, out in [("up", (4, 5), (9, 11)), ("twice", (4, 5), (8, 10)), ("down", (9, 8), (4, 3)),
                            ("mixed", (9, 3), (4, 8)), ("one", (4, 5), (1, 1)), ("from_one", (1, 1), (3, 4))]:
        x = draw(2, *size, 5)
        for mode in ("nearest", "nearest-exact", "bilinear", "bicubic"):
            for align in ((False, True) if mode in ("bilinear", "bicubic") else (None,)):
                for antialias in ((False, True) if align is False else (False,)):
                    label = mode.replace("-", "_") + ("_align" if align else "") + ("_antialias" if antialias else "")
                    family.add(f"{label}_{name}", "resize", [x],
                               lambda x: nhwc(F.interpolate(nchw(x), out, mode=mode, align_corners=align,
                                                            antialias=antialias)),
                               mode=mode, align_corners=bool(align), antialias=antialias, size=out)
    for factor in (2.5, 0.6):
        for recompute in (False, True):
            family.add(f"bilinear_factor{str(factor).replace('.', '_')}" + ("_recomputed" if recompute else ""), "resize",
                       [draw(1, 5, 7, 3)],
                       lambda x: nhwc(F.interpolate(nchw(x), scale_factor=factor, mode="bilinear", align_corners=False,
                                                    recompute_scale_factor=recompute)),
                       mode="bilinear", align_corners=False, antialias=False, factor=factor,
                       recompute_scale_factor=recompute)
    return family


def movement():
    family = Family("movement")
    family.add("shuffle", "shuffle", [draw(2, 3, 4, 12)], lambda x: nhwc(F.pixel_shuffle(nchw(x), 2)), factor=2)
    family.add("shuffle3", "shuffle", [draw(1, 2, 3, 18)], lambda x: nhwc(F.pixel_shuffle(nchw(x), 3)), factor=3)
    family.add("unshuffle", "unshuffle", [draw(2, 6, 4, 3)], lambda x: nhwc(F.pixel_unshuffle(nchw(x), 2)), factor=2)
    family.add("concat", "concat", [draw(2, 3, 4, 2), draw(2, 3, 4, 5), draw(2, 3, 4, 1)],
               lambda *x: torch.cat(x, -1), axis=-1)
    family.add("concat_rows", "concat", [draw(2, 3, 4, 2), draw(2, 1, 4, 2)], lambda *x: torch.cat(x, 1), axis=1)
    family.add("concat_part", "concat", [draw(2, 3, 4, 2), draw(2, 1, 4, 2)], lambda *x: torch.cat(x, 1), axis=1,
               wanted=[1])
    for axis, sizes, unused in [(-1, [2, 3, 1], ()), (-1, [2, 3, 1], (1,)), (1, [2, 1], (0,)), (2, [1, 2, 1], (0, 2))]:
        shape = [2, 3, 4, 6]
        family.add(f"split_axis{axis}_without{''.join(map(str, unused))}".replace("-", "m"), "split", [draw(*shape)],
                   lambda x: list(torch.split(x, sizes, axis)), unused=unused, axis=axis, sizes=sizes)
    flip = lambda x, axes: torch.flip(x, axes)
    for name, starts, ends, axes, steps, f in [
        ("slice", [1], [3], [1], [1], lambda x: x[:, 1:3]),
        ("slice_channels", [1], [6], [-1], [1], lambda x: x[..., 1:6]),
        ("slice_two", [1, -2], [5, 99], [1, 2], [1, 1], lambda x: x[:, 1:5, -2:]),
        ("slice_steps", [1, 0], [6, 7], [1, 3], [2, 3], lambda x: x[:, 1:6:2, :, 0:7:3]),
        ("slice_back", [-1], [-99], [2], [-1], lambda x: flip(x, [2])),
        ("slice_back_steps", [4, 6], [-99, 0], [1, 3], [-2, -3], lambda x: flip(flip(x[:, 0:5:2], [1])[..., 3:7:3], [3])),
        ("slice_one", [2], [3], [1], [2], lambda x: x[:, 2:3]),
        ("slice_one_of_every_axis", [1, 2, 3, 4], [2, 3, 4, 5], [0, 1, 2, 3], [2, 2, 2, 2],
         lambda x: x[1:2, 2:3, 3:4, 4:5]),
    ]:
        family.add(name, "slice", [draw(2, 6, 5, 7)], f, starts=starts, ends=ends, axes=axes, steps=steps)
    for name, amounts, mode in [
        ("zeros", [1, 2, 0, 3], "constant"), ("crop", [-1, 2, 1, -2], "constant"), ("reflect", [1, 2, 3, 0], "reflect"),
        ("reflect_all", [3, 3, 4, 4], "reflect"), ("edge", [1, 2, 5, 0], "replicate"), ("edge_crop", [-1, 2, 3, -2], "replicate"),
    ]:
        top, bottom, left, right = amounts
        # An axis counts from either end.
        for axes in ([1, 2], [-3, -2]):
            family.add(f"pad_{name}" + ("" if axes[0] > 0 else "_from_the_end"), "pad", [draw(2, 4, 5, 3)],
                       lambda x: nhwc(F.pad(nchw(x), (left, right, top, bottom), mode)), amounts=amounts, axes=axes,
                       mode=mode)
    family.add("pad_channels", "pad", [draw(2, 3, 4)], lambda x: F.pad(x, (1, 2), value=3.0), amounts=[1, 2], axes=[2],
               mode="constant", value=3.0)
    family.add("crop_center", "crop", [draw(2, 7, 8, 3), draw(1, 4, 5, 2)], lambda x, o: x[:, 1:5, 1:6], wanted=[0],
               anchor="center")
    family.add("crop_corner", "crop", [draw(2, 7, 8, 3), draw(1, 4, 5, 2)], lambda x, o: x[:, :4, :5], wanted=[0],
               anchor="topLeft")
    family.add("pad_like", "pad_like", [draw(2, 4, 5, 3), draw(1, 7, 6, 2)],
               lambda x, o: nhwc(F.pad(nchw(x), (0, 1, 1, 2))), wanted=[0])
    for name, shape, to in [("map", (2, 1, 1, 3), (2, 4, 5, 3)), ("longer", (3, 1), (2, 3, 4)), ("same", (2, 3), (2, 3)),
                            ("number", (1,), (3, 4))]:
        family.add(f"broadcast_{name}", "broadcast", [draw(*shape)], lambda x: x.expand(*to), to=list(to))
    family.add("reshape", "reshape", [draw(2, 3, 4, 5)], lambda x: x.reshape(6, 20), to=[6, 20])
    for order in ([0, 2, 1, 3], [3, 0, 2, 1], [0, 3, 1, 2], [1, 2, 3, 0]):
        family.add("transpose_" + "".join(map(str, order)), "transpose", [draw(2, 3, 4, 5)], lambda x: x.permute(order),
                   order=order)
    return family


def reductions():
    family = Family("reduction")
    operations = {
        "mean": lambda x, a, k: x.mean(a, keepdim=k),
        "sum": lambda x, a, k: x.sum(a, keepdim=k),
        "maximum": lambda x, a, k: x.amax(a, keepdim=k),
        "minimum": lambda x, a, k: x.amin(a, keepdim=k),
        "product": lambda x, a, k: product(x, a, k),
        "sumOfSquares": lambda x, a, k: (x * x).sum(a, keepdim=k),
        "norm": lambda x, a, k: torch.linalg.vector_norm(x, dim=a, keepdim=k),
    }

    def product(x, axes, keep):
        for axis in sorted((a % x.ndim for a in axes), reverse=True):
            x = x.prod(axis, keepdim=keep)
        return x

    for name, f in operations.items():
        for label, shape, axes in [("channels", (2, 3, 4, 5), [-1]), ("pixels", (2, 3, 4, 5), [1, 2]),
                                   ("batch", (2, 3, 4, 5), [0]), ("apart", (2, 3, 4, 5), [0, 2]),
                                   ("all", (2, 3, 5), [0, 1, 2])]:
            for keep in (True, False):
                # A reduction over all axes gives a scalar without axes.
                family.add(f"{name}_{label}" + ("" if keep else "_removed"), "reduce", [draw(*shape)],
                           lambda x: f(x, axes, keep), operation=name, axes=axes, keep=keep)
    ties = draw(3, 5)
    ties[0, 1] = ties[0, 3] = 2.0
    ties[1, 0] = ties[1, 4] = -2.0
    zeros = draw(4, 5)
    zeros[0, 2] = 0.0
    zeros[1, 0] = zeros[1, 3] = 0.0
    zeros[2] = 0.0
    for name in operations:
        x = ties if name in ("maximum", "minimum") else zeros
        # PyTorch's sum of squares has no square root.
        family.add(f"{name}_special", "reduce", [x], lambda x: operations[name](x, [1], True), operation=name, axes=[1],
                   keep=True)
    return family


def products():
    family = Family("product")
    for ta in (False, True):
        for tb in (False, True):
            for label, outer_a, outer_b in [("plain", (), ()), ("batch", (2, 3), (2, 3)), ("shared", (2, 3), ()),
                                            ("broadcast", (2, 1), (1, 3)), ("missing", (3,), (2, 3))]:
                m, k, n = 4, 5, 6
                a = draw(*outer_a, *((k, m) if ta else (m, k)))
                b = draw(*outer_b, *((n, k) if tb else (k, n)))
                family.add(f"matmul_{label}" + ("_at" if ta else "") + ("_bt" if tb else ""), "matmul", [a, b],
                           lambda a, b: (a.mT if ta else a) @ (b.mT if tb else b), ta=ta, tb=tb)
    family.add("linear", "linear", [draw(2, 7, 5), draw(6, 5), draw(6)], lambda x, w, b: F.linear(x, w, b))
    family.add("linear_map", "linear", [draw(2, 3, 4, 19), draw(35, 19)], lambda x, w: F.linear(x, w))
    for name in ("relu", "gelu"):
        numbers, f = FUNCTIONS[name]
        family.add(f"linear_{name}", "linear", [draw(2, 7, 5), draw(6, 5), draw(6), draw(2, 7, 6)],
                   lambda x, w, b, r: f(F.linear(x, w, b) + r), function=name, numbers=numbers, residual=True)
    # batch, queries, keys, channels, value channels, heads
    for name, n, q, k, d, dv, heads in [("one", 1, 5, 7, 8, 8, 1), ("heads", 2, 6, 9, 12, 8, 4), ("self", 2, 17, 17, 6, 6, 2),
                                        ("tiles", 1, 130, 37, 16, 16, 2), ("many_keys", 1, 3, 150, 4, 6, 2)]:
        for mask in (None, (q, k), (n, heads, q, k)):
            if mask and name in ("tiles", "many_keys"):
                continue
            operands = [draw(n, q, d, low=-2, high=2), draw(n, k, d, low=-2, high=2), draw(n, k, dv)]
            operands += [draw(*mask)] if mask else []

            def forward(q, k, v, mask=None):
                split = lambda x: x.unflatten(-1, (heads, -1)).transpose(1, 2)
                y = F.scaled_dot_product_attention(split(q), split(k), split(v), mask)
                return y.transpose(1, 2).flatten(-2)

            label = "" if not mask else "_mask" if len(mask) == 2 else "_masks"
            family.add(f"attention_{name}{label}", "attention", operands, forward, heads=heads)
    return family


def deformed(x, weight, offset, mask, bias, stride, padding, dilation, groups, offset_groups):
    """Deformable convolution by its definition (torchvision's has no float64 everywhere), with zeros outside the map."""
    n, h, w, c = x.shape
    out, _, kh, kw = weight.shape
    oh, ow = offset.shape[1:3]
    rows = torch.arange(oh).view(1, oh, 1) * stride[0] - padding[0]
    columns = torch.arange(ow).view(1, 1, ow) * stride[1] - padding[1]
    per_offset, images = c // offset_groups, torch.arange(n).view(n, 1, 1)
    patches = []
    for tap in range(kh * kw):
        parts = []
        for group in range(offset_groups):
            index = group * kh * kw + tap
            y = rows + tap // kw * dilation[0] + offset[..., 2 * index]
            z = columns + tap % kw * dilation[1] + offset[..., 2 * index + 1]
            i, j = y.detach().floor().long(), z.detach().floor().long()
            value = 0
            for a in (0, 1):
                for b in (0, 1):
                    r, s = i + a, j + b
                    inside = (r >= 0) & (r < h) & (s >= 0) & (s < w)
                    pixel = x[images, r.clamp(0, h - 1), s.clamp(0, w - 1)][..., group * per_offset:(group + 1) * per_offset]
                    weights = (1 - (y - r).abs()) * (1 - (z - s).abs()) * inside
                    value = value + pixel * weights[..., None]
            parts.append(value if mask is None else value * mask[..., index, None])
        patches.append(torch.cat(parts, -1))
    patches = torch.stack(patches, -1)  # n, oh, ow, c, taps
    results = [torch.einsum("nijct,oct->nijo", patches[..., g * c // groups:(g + 1) * c // groups, :],
                            weight.flatten(2)[g * out // groups:(g + 1) * out // groups]) for g in range(groups)]
    y = torch.cat(results, -1)
    return y if bias is None else y + bias


def deformable():
    family = Family("deformable_convolution")
    for name, stride, padding, dilation, groups, offset_groups, masked in [
        ("plain", (1, 1), (1, 1), (1, 1), 1, 1, False), ("mask", (1, 1), (1, 1), (1, 1), 1, 1, True),
        ("stride", (2, 1), (1, 0), (1, 2), 1, 1, True), ("groups", (1, 1), (1, 1), (1, 1), 2, 1, False),
        ("offset_groups", (1, 1), (1, 1), (1, 1), 1, 2, True), ("both", (2, 2), (2, 2), (2, 2), 2, 4, True),
    ]:
        n, h, w, cin, cout = 2, 7, 8, 8, 6
        oh = (h + 2 * padding[0] - 2 * dilation[0] - 1) // stride[0] + 1
        ow = (w + 2 * padding[1] - 2 * dilation[1] - 1) // stride[1] + 1
        # Places inside and outside the map, none of them a pixel.
        offset = draw(n, oh, ow, offset_groups * 18, low=-2, high=2)
        fraction = offset - offset.floor()
        offset = offset.floor() + fraction.clamp(0.02, 0.98)
        operands = [draw(n, h, w, cin), draw(cout, cin // groups, 3, 3), offset]
        operands += [draw(n, oh, ow, offset_groups * 9)] if masked else []
        operands += [draw(cout)]

        def forward(x, weight, offset, *rest):
            return deformed(x, weight, offset, rest[0] if masked else None, rest[-1], stride, padding, dilation, groups,
                            offset_groups)

        family.add(name, "deformable", operands, forward, kernel=(3, 3), stride=stride, padding=padding,
                   dilation=dilation, groups=groups, offset_groups=offset_groups, masked=masked)
    return family


for make in (functions, binary, convolutions, transposed, normalization, pooling, resize, movement, reductions, products,
             deformable):
    make().write()
