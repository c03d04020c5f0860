#!/usr/bin/env python3
"""Times the demo's network here and in onnxruntime, in turn in one run, with outputs checked equal first.

Both run float32 with the same weights on the same input and threads. A round times one engine and then the other; a figure
is the median over a round's runs, and the ratio is that of the medians over the rounds.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime
from safetensors.numpy import load_file

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "reference"))
import pupil_onnx  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
WEIGHTS = os.path.join(ROOT, "Examples", "pupil", "pupil-unet.safetensors")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seg", required=True, help="the seg executable")
    parser.add_argument("--weights", default=WEIGHTS, help="the pupil network's weights as safetensors")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--runs", type=int, default=20, help="timed runs a round")
    parser.add_argument("--size", type=int, default=148)
    options = parser.parse_args()

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    model = pupil_onnx.build(load_file(options.weights)).SerializeToString()
    session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    image = np.random.default_rng(1).random((1, 1, options.size, options.size), dtype=np.float32)

    with tempfile.TemporaryDirectory() as folder:
        given, taken = os.path.join(folder, "in.npz"), os.path.join(folder, "out.npz")
        np.savez(given, image=image)
        subprocess.run(
            [options.seg, "run", "pupil-unet", "--weights", options.weights, "--input", given, "--output", taken,
             "--layout", "nchw", "--threads", str(options.threads)], check=True)
        ours = np.load(taken)["logits"]
    theirs = session.run(None, {"image": image})[0]
    difference = float(np.abs(ours - theirs).max())
    print(f"largest difference of the logits: {difference:.1e} (range {float(np.ptp(theirs)):.1f})")
    if not difference < 1e-3:
        sys.exit("the outputs differ: no time counts")

    times = {"onnxruntime": [], "this project": []}
    for _ in range(options.rounds):
        for _ in range(3):
            session.run(None, {"image": image})
        runs = []
        for _ in range(options.runs):
            start = time.perf_counter()
            session.run(None, {"image": image})
            runs.append(1e3 * (time.perf_counter() - start))
        times["onnxruntime"].append(statistics.median(runs))
        time.sleep(0.2)  # its threads spin for a while before they sleep
        report = json.loads(subprocess.run(
            [options.seg, "bench", "pupil-unet", "--weights", options.weights, "--size", str(options.size), "--threads",
             str(options.threads), "--rounds", str(options.runs), "--json"], check=True, capture_output=True).stdout)
        times["this project"].append(report["median_milliseconds"])
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, values in times.items():
        print(f"{name:14} median {medians[name]:7.2f} ms, rounds {min(values):.2f} to {max(values):.2f}")
    print(f"this project's time is {medians['this project'] / medians['onnxruntime']:.2f} of onnxruntime's "
          f"({onnxruntime.__version__}), {options.threads} threads, {options.size}×{options.size}")


if __name__ == "__main__":
    main()
