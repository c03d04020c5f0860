"""The engines that are compared.

Those that run inside Python are a class each, which takes a network's files and the number of threads and has `run()`, `output()` and
`precision`. Their modules are imported by name, so that a process holds the libraries of its own engine alone.
"""
import importlib
from dataclasses import dataclass, field

PROJECT = "seg"


@dataclass(frozen=True, eq=False)
class Engine:
    """One engine with its settings."""

    name: str
    title: str
    #: Whether it is held to float32, and so is in the first table.
    is_float32: bool
    #: Whether these are its defaults, so that it is in the second table.
    is_default: bool
    #: Module and class below this package; nothing for this project, which is a program of its own.
    place: tuple[str, str] | None = None
    settings: dict = field(default_factory=dict)
    #: What it is counted as: of the engines of a family the faster one counts.
    family: str = ""

    def import_class(self):
        """The engine's class, with the libraries that it needs, in this process."""
        module, kind = self.place
        return getattr(importlib.import_module(f"{__name__}.{module}"), kind)


ENGINES = [
    Engine(PROJECT, "This project", True, False, family="This project"),
    Engine("pytorch", "PyTorch, contiguous", True, True, ("pytorch", "PyTorch"), {"channels_last": False}, "PyTorch"),
    Engine("pytorch-channels-last", "PyTorch, channels last", True, True, ("pytorch", "PyTorch"), {"channels_last": True},
           "PyTorch"),
    Engine("onnxruntime", "ONNX Runtime", True, True, ("onnx_runtime", "ONNXRuntime"), family="ONNX Runtime"),
    Engine("openvino-f32", "OpenVINO, float32", True, False, ("open_vino", "OpenVINO"), {"float32": True}, "OpenVINO"),
    Engine("openvino", "OpenVINO, defaults", False, True, ("open_vino", "OpenVINO"), {"float32": False}, "OpenVINO"),
    Engine("ncnn-f32", "ncnn, float32", True, False, ("ncnn_cpu", "NCNN"), {"float32": True}, "ncnn"),
    Engine("ncnn", "ncnn, defaults", False, True, ("ncnn_cpu", "NCNN"), {"float32": False}, "ncnn"),
]


def find(name):
    """The engine of a name."""
    for engine in ENGINES:
        if engine.name == name:
            return engine
    raise KeyError(name)
