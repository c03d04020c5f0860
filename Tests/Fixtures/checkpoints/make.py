"""Makes checkpoints of one small U-Net in the forms in which training programs save theirs.

Needs torch, numpy, safetensors, transformers and omegaconf. Run it in any folder: it writes beside itself.

Weights are drawn by name (`Tests/Parity/references/seeded.py`), so that the tests know them. Most files keep them in one storage,
of which each is a part, to be small.
"""
import argparse
import collections
import dataclasses
import datetime
import enum
import functools
import os
import pathlib
import random
import re
import sys
import types
import uuid
import warnings
import zipfile

import numpy as np
import omegaconf
import safetensors.torch
import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent / "Parity"), str(HERE.parents[2] / "perf" / "reference")]
from library_networks import torchvision_importable  # noqa: E402
from references import seeded  # noqa: E402
from references.unet import UNet  # noqa: E402

warnings.filterwarnings("ignore")
torch.manual_seed(1)
# The old format keeps the source text of modules and where it lay.
torch.serialization.get_source_lines_and_file = lambda *arguments: (["class Module: pass"], 1, "module.py")


def drawn(suffix=""):
    """The network with weights drawn by name, or by name and suffix for another set."""
    network = UNet(2, [2, 3]).eval()
    for name, value in network.state_dict().items():
        if not value.is_floating_point():
            continue
        shape = tuple(value.shape)
        if value.dim() >= 2:
            bound = np.sqrt(6 / max(1, int(np.prod(shape[1:]))))
            value.copy_(seeded.even(name + suffix, shape, -bound, bound))
        elif name.endswith(("weight", "running_var")):
            value.copy_(seeded.even(name + suffix, shape, 0.5, 1.5))
        else:
            value.copy_(seeded.even(name + suffix, shape, -0.1, 0.1))
    return network


def packed(state):
    """The same state with all numbers in one storage."""
    values = {name: value for name, value in state.items() if value.is_floating_point()}
    storage = torch.cat([value.flatten() for value in values.values()])
    result, start = collections.OrderedDict(), 0
    counter = torch.tensor(0)
    for name, value in state.items():
        result[name] = counter if name not in values else storage[start:start + value.numel()].view(value.shape)
        start += value.numel() if name in values else 0
    return result


def prefixed(state, prefix):
    return collections.OrderedDict((prefix + name, value) for name, value in state.items())


network = drawn()
state = packed(network.state_dict())
other = packed(drawn(" of another").state_dict())
one = torch.ones(1)


def save(name, value, **options):
    torch.save(value, HERE / name, **options)


# --- Where it lies -------------------------------------------------------------------------------------------------------

save("plain.pth", state)
save("legacy.pth", state, _use_new_zipfile_serialization=False)
save("legacy-protocol4.pth", {"model": network.state_dict(), "args": argparse.Namespace(a=1)}, pickle_protocol=4,
     _use_new_zipfile_serialization=False)
save("list.pth", [state, {"lr": 0.1}])
save("deep.pth", {"checkpoint": {"models": [{"weights": state}]}})
save("parts.pth", {
    part: collections.OrderedDict((n[len(part) + 1:], v) for n, v in state.items() if n.startswith(part + "."))
    for part in dict.fromkeys(name.split(".")[0] for name in state)})
save("nnunet.pth", {
    "network_weights": state, "optimizer_state": {"state": {0: {"momentum_buffer": one}}, "param_groups": []},
    "grad_scaler_state": None, "logging": {"ema_fg_dice": [0.5]}, "_best_ema": np.float64(0.5), "current_epoch": 10,
    "init_args": {"plans": {"configurations": {}}, "fold": 0}, "trainer_name": "nnUNetTrainer",
    "inference_allowed_mirroring_axes": (0, 1)})
save("generator.pth", {"generator": state, "discriminator": {"0.weight": torch.ones(2, 3, 3, 3)}})
save("lightning.ckpt", {
    "epoch": 3, "pytorch-lightning_version": "2.6.0", "loops": {}, "hyper_parameters": {"lr": 1e-3},
    "callbacks": {"ModelCheckpoint{'monitor': 'val.loss'}": {"best_model_score": torch.tensor(0.5)}},
    "optimizer_states": [{"state": {0: {"step": torch.tensor(1.0), "exp_avg": torch.zeros(2)}}}],
    "state_dict": {
        **prefixed(state, "model._orig_mod."), "criterion.weight": torch.ones(2), "val_iou.confmat": torch.zeros(2, 2),
        "mean": torch.zeros(1, 3, 1, 1)}})
save("averaged.pth", {"n_averaged": torch.tensor(5), **prefixed(state, "module.")})
save("deepspeed.pt", {"module": prefixed(state, "module."), "ds_config": {}, "global_steps": 1})
save("part-prefix.pth", {(name.replace("inc.", "inc.model.", 1)): value for name, value in state.items()})
save("inner-wrappers.pth", {
    "net." + name.replace("double_conv.", "_checkpoint_wrapped_module.double_conv._orig_mod."): value
    for name, value in state.items()})
save("counters.pth", {
    **state, "down9.1.num_batches_tracked": torch.tensor(3), "loss_fn.pos_weight": one, "aux_head.0.weight": one,
    "step": torch.tensor(7)})
save("unknown.pth", {**state, "head2.weight": one})

# --- Several -------------------------------------------------------------------------------------------------------------

save("two.pth", {"model": state, "model_ema": {"n_averaged": torch.tensor(5), **prefixed(other, "module.")}})
save("same.pth", {"model": state, "best": packed(network.state_dict())})
save("wrapped-two.pth", {
    **prefixed(state, "online_model."), **prefixed(other, "ema_model."), "initted": torch.tensor(True),
    "step": torch.tensor(2)})
save("root-and-ema.pth", {**state, "ema": other})
save("root-and-flat-ema.pth", {**state, **prefixed(other, "ema.module.")})
save("student-teacher.ckpt", {"state_dict": {**prefixed(state, "student."), **prefixed(other, "teacher.")}})

# --- Whole modules -------------------------------------------------------------------------------------------------------

module = drawn()
module.register_buffer("grid", torch.zeros(3), persistent=False)
save("module.pth", module)
save("module-legacy.pth", module, _use_new_zipfile_serialization=False)
save("module-in-dictionary.pth", {"model": torch.nn.DataParallel(module), "epoch": 3})


class Average:
    """Holds a module as an attribute."""

    def __init__(self, module):
        self.module, self.decay = module, functools.partial(max, 0.9)


save("module-in-object.pth", {"ema": Average(module)})

# --- Objects beside the weights ------------------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Settings:
    rate: float = 0.1


class Slots:
    __slots__ = ("a",)

    def __init__(self):
        self.a = 1


class Called:
    """Unpickled by a call of what another call gives."""

    def __reduce__(self):
        return getattr, (Colour, "RED")


class Dictionary(dict):
    pass


class Sequence(list):
    pass


Pair = collections.namedtuple("Pair", "a b")
optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
beside = {
    "number": np.float64(0.5), "array": np.zeros((2, 3)), "texts": np.array(["a"]), "objects": np.array([None, {}], dtype=object),
    "records": np.zeros(2, dtype=[("a", "f4")]), "type": np.dtype("f4"), "date64": np.datetime64("2020-01-01"),
    "random": np.random.RandomState(0), "generator": np.random.default_rng(0), "python": random.getstate(),
    "torch": torch.get_rng_state()[:8], "namespace": argparse.Namespace(a=1, p=pathlib.PurePosixPath("a/b")),
    "simple": types.SimpleNamespace(b=2), "default": collections.defaultdict(list, {"a": [1]}),
    "counter": collections.Counter("aab"), "deque": collections.deque([1], maxlen=3), "pair": Pair(1, 2),
    "time": datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc), "delta": datetime.timedelta(3),
    "identifier": uuid.UUID(int=5), "pattern": re.compile("a+"), "range": range(3), "slice": slice(1, 2),
    "complex": 1 + 2j, "bytes": bytearray(b"123"), "set": {1, "a"}, "frozen": frozenset([1]), "large": -(2**70),
    "partial": functools.partial(print, 1), "settings": Settings(), "slots": Slots(), "dictionary": Dictionary(a=1),
    "sequence": Sequence([1]), "called": Called(), "enumeration": Colour.RED, "exception": ValueError("x"),
    "element": torch.float16, "device": torch.device("cuda:0"), "size": torch.Size([1, 2]),
    "function": torch.nn.functional.relu, "class": torch.nn.Conv2d, "optimiser": optimiser,
    "optimiser state": optimiser.state_dict(), "schedule": torch.optim.lr_scheduler.StepLR(optimiser, 3),
    "loss": torch.nn.CrossEntropyLoss(weight=torch.ones(3)),
    "config": omegaconf.OmegaConf.create({"a": 1, "b": [1, {"c": "${a}"}]}),
}
rare = {
    "complex": torch.zeros(2, dtype=torch.complex64), "sparse": torch.eye(3).to_sparse(), "rows": torch.eye(3).to_sparse_csr(),
    "quantised": torch.quantize_per_tensor(torch.zeros(3), 0.1, 0, torch.qint8), "float8": torch.zeros(2).to(torch.float8_e4m3fn),
    "nested": torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]), "meta": torch.zeros(3, device="meta"),
    "negated": torch._neg_view(torch.ones(3)), "large": torch.zeros(1).expand(1 << 20, 1 << 20),
    "uint64": torch.zeros(2, dtype=torch.uint64),
}
save("beside.pth", {"state_dict": state, **beside})
save("beside-protocol5.pth", {"state_dict": state, **beside}, pickle_protocol=5)
save("among.pth", {**state, **beside})
save("legacy-beside.pth", {"state_dict": state, **beside}, _use_new_zipfile_serialization=False)
save("rare-beside.pth", {"state_dict": state, **rare})

# --- Kinds of tensors ----------------------------------------------------------------------------------------------------


class Tagged(torch.Tensor):
    pass


parameter = torch.nn.Parameter(state["outc.conv.weight"].clone())
parameter.tag = "attribute"
bias = torch.nn.Buffer(state["outc.conv.bias"].clone())
save("kinds.pth", Dictionary({
    **state, "outc.conv.weight": parameter, "outc.conv.bias": bias,
    "inc.double_conv.0.weight": state["inc.double_conv.0.weight"].contiguous(memory_format=torch.channels_last),
    "inc.double_conv.3.weight": state["inc.double_conv.3.weight"].transpose(0, 1).contiguous().transpose(0, 1),
    "inc.double_conv.1.weight": state["inc.double_conv.1.weight"].clone().as_subclass(Tagged),
    "inc.double_conv.1.bias": state["inc.double_conv.1.bias"].double()}))
for kind in ("complex", "sparse", "rows", "quantised", "float8", "nested", "meta", "negated", "array"):
    save(f"among-{kind}.pth", {**state, "extra.tensor": {**beside, **rare}[kind]})
    needed = {**state, "outc.conv.bias": {**beside, **rare}[kind]}
    save(f"needed-{kind}.pth", needed)

# --- Other files ---------------------------------------------------------------------------------------------------------

safetensors.torch.save_file(
    {**{k: v.clone() for k, v in prefixed(state, "model.").items()}, "criterion.weight": torch.ones(2),
     "scales": torch.zeros(2).to(torch.float8_e4m3fn)}, HERE / "prefixed.safetensors")
np.savez(HERE / "prefixed.npz", **{k: v.numpy() for k, v in prefixed(state, "module.").items()},
         names=np.array(["a"]), config=np.array({"a": 1}, dtype=object))
with torch.package.PackageExporter(str(HERE / "package.pt")) as exporter:
    exporter.extern("**")
    exporter.save_pickle("model", "model.pkl", torch.nn.Conv2d(1, 1, 1))
exported = HERE / "exported.pt2"
torch.export.save(torch.export.export(torch.nn.ReLU(), (torch.zeros(1),)), exported)
# The program names files of the machine; its name in the archive is what tells it.
with zipfile.ZipFile(exported) as archive:
    contents = {name: b"{}" if name.endswith(".json") else archive.read(name) for name in archive.namelist()}
with zipfile.ZipFile(exported, "w") as archive:
    for name, data in contents.items():
        archive.writestr(zipfile.ZipInfo(name), data)

# --- Hugging Face's names ------------------------------------------------------------------------------------------------

with torchvision_importable():
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

config = SegformerConfig(
    depths=[1, 2, 1, 1], hidden_sizes=[2, 4, 6, 8], num_attention_heads=[1, 1, 1, 1], decoder_hidden_size=4, num_labels=2,
    mlp_ratios=[2, 2, 2, 2], sr_ratios=[4, 2, 2, 1])
segformer = SegformerForSemanticSegmentation(config).eval()
for value in segformer.parameters():
    torch.nn.init.normal_(value)
save("segformer-memory.pth", packed(segformer.state_dict()))
segformer.save_pretrained(HERE / "segformer")
os.replace(HERE / "segformer" / "model.safetensors", HERE / "segformer-file.safetensors")
os.remove(HERE / "segformer" / "config.json")
os.rmdir(HERE / "segformer")

for path in HERE.iterdir():
    path.chmod(0o644)
