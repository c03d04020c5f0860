"""Makes the weights fixtures and `expected.json`, which says what each file holds.

Needs torch, numpy and safetensors. Run it in any folder: it writes beside itself.

`expected.json`: file -> name -> {type, shape, data}, with `data` the hexadecimal little-endian bytes of the elements in C order, in
the type as which they are read: every floating-point type as float32, the others as uint8, int32 or int64.
"""

import collections
import io
import json
import os
import pathlib
import pickle
import struct
import zipfile

import numpy as np
import safetensors.torch
import torch

here = pathlib.Path(__file__).parent
expected = {}
torch.manual_seed(3)

READ_AS = {
    "float16": "float32", "bfloat16": "float32", "float32": "float32", "float64": "float32",
    "bool": "uint8", "uint8": "uint8", "int8": "int32", "int16": "int32", "uint16": "int32", "int32": "int32",
    "uint32": "int64", "int64": "int64",
}


def describe(value):
    if isinstance(value, torch.Tensor):
        name = str(value.dtype).removeprefix("torch.")
        read_as = READ_AS[name]
        value = value.detach().to(getattr(torch, read_as)).numpy()
    else:
        value = np.asarray(value)
        read_as = READ_AS[value.dtype.newbyteorder("=").name]
    data = np.ascontiguousarray(value).astype(np.dtype(read_as).newbyteorder("<"))
    return {"type": read_as, "shape": list(value.shape), "data": data.tobytes().hex()}


def note(name, tensors):
    expected[name] = {key: describe(value) for key, value in tensors.items()}


def every_dtype():
    special = [0.0, -0.0, 1.0, -1.5, 65504.0, 6e-8, float("inf"), float("-inf"), 0.333]
    tensors = {
        f"a.{name}": torch.tensor(special, dtype=getattr(torch, name)) for name in ("float16", "bfloat16", "float32", "float64")
    }
    tensors |= {
        "b.int64": torch.tensor([[-(2**63), 2**63 - 1], [0, 1]]),
        "b.int32": torch.tensor([-(2**31), 2**31 - 1], dtype=torch.int32),
        "b.int16": torch.tensor([-32768, 32767, 5], dtype=torch.int16),
        "b.int8": torch.tensor([-128, 127, 5], dtype=torch.int8),
        "b.uint8": torch.tensor([0, 255, 7], dtype=torch.uint8),
        "b.bool": torch.tensor([True, False, True]),
        "c.scalar": torch.tensor(17),
        "c.empty": torch.zeros(0, 3),
        "c.one": torch.tensor([2.5]),
    }
    return tensors


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 3, 3)
        self.norm = torch.nn.BatchNorm2d(3)

    def forward(self, x):
        return self.norm(self.conv(x))


# --- safetensors ---------------------------------------------------------------------------------------------------------

tensors = every_dtype() | {"ünï.\"cödé\"": torch.tensor([1.0])}
safetensors.torch.save_file(tensors, here / "dtypes.safetensors", metadata={"format": "pt", "note": "a \"b\"\n"})
note("dtypes.safetensors", tensors)


def raw_safetensors(name, header, data):
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    (here / name).write_bytes(struct.pack("<Q", len(text)) + text + data)


# The header has an odd length, so nothing in the data is aligned.
values = np.arange(5, dtype=np.float32)
header = {"x": {"dtype": "F32", "shape": [5], "data_offsets": [0, 20]}}
text = json.dumps(header).encode()
raw_safetensors("unaligned.safetensors", text + b" " * ((len(text) + 1) % 2), values.tobytes())
note("unaligned.safetensors", {"x": values})

# --- NumPy ---------------------------------------------------------------------------------------------------------------

arrays = {
    "half": np.array([1.5, -2.0, 1e-7, np.inf], np.float16), "single": np.arange(6, dtype=np.float32).reshape(2, 3),
    "double": np.array([1 / 3, 1e300]), "int64": np.array([-(2**60), 3]), "int32": np.array([[1], [-2]], np.int32),
    "int16": np.array([-3, 300], np.int16), "uint16": np.array([65535, 1], np.uint16), "int8": np.array([-5], np.int8),
    "uint8": np.array([200, 1], np.uint8), "uint32": np.array([4000000000], np.uint32), "bool": np.array([True, False]),
    "scalar": np.array(4.5, np.float32), "empty": np.zeros((0, 2), np.float32),
    "fortran": np.asfortranarray(np.arange(24, dtype=np.float32).reshape(2, 3, 4)),
    "big": np.arange(4, dtype=">f4"), "big_fortran": np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)),
    "layer/weight": np.ones((2, 2), np.float32),
}
with np.errstate(over="ignore"):
    np.savez(here / "arrays.npz", **arrays)
    note("arrays.npz", arrays)
    np.savez_compressed(here / "deflated.npz", **arrays)
    note("deflated.npz", arrays)
for version in ((1, 0), (2, 0), (3, 0)):
    name = f"version{version[0]}.npy"
    with open(here / name, "wb") as file:
        np.lib.format.write_array(file, arrays["fortran"], version)
    note(name, {"": arrays["fortran"]})
np.save(here / "objects.npy", np.array([None, {}]), allow_pickle=True)
np.save(here / "records.npy", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))
np.save(here / "complex.npy", np.zeros(2, np.complex64))

# --- PyTorch -------------------------------------------------------------------------------------------------------------


def save(name, value, tensors=None, **options):
    torch.save(value, here / name, **options)
    if tensors is not None:
        note(name, tensors)


small = Small()
state = small.state_dict()
save("state_dict.pth", state, state)
save("protocol4.pth", state, state, pickle_protocol=4)
save("protocol5.pth", state, state, pickle_protocol=5)
save("dtypes.pth", every_dtype(), every_dtype())
unsigned = {"u16": torch.tensor([65535, 2], dtype=torch.uint16), "u32": torch.tensor([2**32 - 1], dtype=torch.uint32)}
save("rebuild_v3.pth", unsigned, unsigned)

base = torch.arange(24, dtype=torch.float32)
views = {
    "transposed": base.reshape(4, 6).t(), "part": base[5:11], "part2d": base.reshape(4, 6)[1:3], "steps": base[1::5],
    "whole": base, "half_steps": torch.arange(12).half().reshape(3, 4)[:, ::2],
    "channels_last": torch.arange(24.0).reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
    "parameter": torch.nn.Parameter(torch.ones(2, 2)), "one_wide": base.reshape(24, 1).t(),
}
save("views.pth", views, views)
save("nested.pth", {"epoch": 3, "state_dict": state, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1, "params": [0]}]},
                    "loss": 0.25, "device": torch.device("cpu"), "dtype": torch.float16, "size": torch.Size([1, 2]),
                    "big": 2**80, "bytes": b"abc", "none": None, "set": {1, 2}, 5: "five"}, state)
save("nested_twice.pth", {"model": {"state_dict": state, "version": 2}}, state)
save("mixed.pth", collections.OrderedDict(w=torch.ones(2), note="text"), {"w": torch.ones(2)})
save("two_models.pth", {"model": {"w": torch.ones(1)}, "state_dict": {"w": torch.zeros(1)}})
save("no_tensors.pth", {"epoch": 3, "history": [1, 2]})
save("list.pth", [torch.ones(1)])
save("expanded.pth", {"w": torch.ones(1).expand(1000)})
save("legacy.pth", {"w": torch.ones(1)}, _use_new_zipfile_serialization=False)
save("whole_model.pth", small)
torch.jit.script(torch.nn.Identity()).save(here / "script.pt")


class Attack:
    def __reduce__(self):
        return os.system, ("echo owned",)


for protocol in (2, 4):
    save(f"attack{protocol}.pth", {"w": torch.ones(1), "x": Attack()}, pickle_protocol=protocol)


class Eval:
    def __reduce__(self):
        return eval, ("1",)


save("attack_eval.pth", {"w": torch.ones(1), "x": Eval()})


def rewrite(source, name, change):
    """The same archive with some of its files changed."""
    with zipfile.ZipFile(here / source) as old, zipfile.ZipFile(here / name, "w") as new:
        for entry in old.infolist():
            data = change(entry.filename.split("/", 1)[1], old.read(entry))
            if data is not None:
                new.writestr(zipfile.ZipInfo(entry.filename), data)


rewrite("mixed.pth", "big_endian.pth", lambda name, data: b"big" if name == "byteorder" else data)
rewrite("mixed.pth", "no_storage.pth", lambda name, data: None if name == "data/0" else data)
rewrite("mixed.pth", "short_storage.pth", lambda name, data: data[:4] if name == "data/0" else data)

(here / "expected.json").write_text(json.dumps(expected, separators=(",", ":"), sort_keys=True) + "\n")
