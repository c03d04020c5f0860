"""Under what a comparison was made: the machine's capabilities and the versions of everything that was timed."""
import datetime
import glob
import importlib.metadata
import json
import os
import platform
import subprocess

from comparison.networks import ROOT

#: What decides how fast products are, of a processor's flags.
INSTRUCTIONS = [
    "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_vnni", "avx512_bf16", "avx512_fp16",
    "avx_vnni", "amx_tile", "amx_bf16", "amx_int8", "asimd", "asimddp", "bf16", "i8mm", "sve",
]
PACKAGES = ["torch", "torchvision", "timm", "onnx", "onnxruntime", "openvino", "ncnn", "pnnx"]


def conditions(options):
    """All of it, as JSON takes it."""
    return {
        "date": datetime.date.today().isoformat(), "machine": machine(), "versions": versions(options.seg),
        "threads": options.threads, "rounds": options.rounds, "starts": options.starts,
    }


def machine():
    """What the machine can do; nothing by which it could be told from another of its kind."""
    with open("/proc/cpuinfo") as file:
        fields = dict(
            (part.strip() for part in line.split(":", 1)) for line in file.read().split("\n\n")[0].splitlines() if ":" in line)
    flags = (fields.get("flags") or fields.get("Features", "")).split()
    caches = []
    for folder in sorted(glob.glob("/sys/devices/system/cpu/cpu0/cache/index*")):
        level, kind, size = (read(os.path.join(folder, name)) for name in ("level", "type", "size"))
        if kind != "Instruction":
            caches.append(f"L{level} {size}")
    return {
        "processor": fields.get("model name", "unknown"), "family": fields.get("cpu family"), "model": fields.get("model"),
        "architecture": platform.machine(), "cores": len(os.sched_getaffinity(0)),
        "instructions": [name for name in INSTRUCTIONS if name in flags], "caches": caches,
        "memory_gigabytes": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
    }


def read(path):
    with open(path) as file:
        return file.read().strip()


def versions(seg):
    """Version by name, of this project by its commit and of the arithmetic that it calls."""
    found = {package: importlib.metadata.version(package) for package in PACKAGES}
    found["python"] = platform.python_version()
    report = json.loads(output([seg, "bench", "pupil-unet", "--size", "16", "--rounds", "1", "--json"]))
    found["this project"] = f"{output([seg, '--version'])} ({output(['git', 'describe', '--always', '--dirty'])})"
    found["backend"] = report["backend"]
    return found


def output(command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
