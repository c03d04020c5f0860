#!/usr/bin/env python3
"""Writes what PyTorch's and fvcore's counters say of reference networks of the zoo, for `CounterTests`.

Needs torch, torchvision, timm, segmentation-models-pytorch and fvcore (`requirements-counters.txt`).
"""
import json
import logging
import pathlib
import sys
import warnings

import torch
from fvcore.nn import FlopCountAnalysis
from torch.utils.flop_counter import FlopCounterMode

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent.parent / "perf" / "reference"))
from references import collect  # noqa: E402

warnings.filterwarnings("ignore")
logging.getLogger("fvcore").setLevel(logging.ERROR)
SIZE = 128
# Nothing in them is hidden from the counters: PyTorch's does not see through its fused attention on the CPU (SETR), and fvcore cannot
# trace PyTorch's max-unpooling (ENet).
NETWORKS = [
    "unet", "unet-resnet34", "fcn8s-vgg16", "fcn-resnet50", "deeplabv3-resnet50", "deeplabv3-mobilenet-v3-large",
    "lraspp-mobilenet-v3-large", "deeplabv3plus-mobilenet-v2", "fpn-resnet34", "pspnet-resnet34", "bisenetv2", "fast-scnn",
    "segformer-b0", "segmenter-t-mask"]


def main():
    references, result = collect("networks"), []
    for name in NETWORKS:
        network, image = references[name].make().eval(), torch.zeros(1, 3, SIZE, SIZE)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(image)
        analysis = FlopCountAnalysis(network, image)
        result.append({
            "name": name, "size": SIZE, "pytorch": counter.get_total_flops(), "fvcore": analysis.total(),
            "fvcoreByOperator": dict(sorted(analysis.by_operator().items()))})
        print(f"{name:30} {result[-1]['pytorch']:>16,} {result[-1]['fvcore']:>16,}")
    path = HERE.parent / "Fixtures" / "counters.json"
    path.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
