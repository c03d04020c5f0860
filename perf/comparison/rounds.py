"""Times the engines on one network: outputs first, then starts, then rounds in which they take turns."""
import math
import os
import statistics
import subprocess
import tempfile
import time

import numpy as np

from comparison.engines import ENGINES, PROJECT
from comparison.processes import EngineFailure, EngineProcess, last_line

#: The least that a turn lasts, so that no figure rests on a moment.
TURN_MILLISECONDS = 500
#: Between turns, until the threads of the last engine sleep.
PAUSE_SECONDS = 0.3
#: The largest difference of an output, as a part of the expected output's range: in float32, and where fewer bits are allowed, where
#: it only tells a wrong result from a rounded one.
FLOAT32_TOLERANCE, NARROW_TOLERANCE = 1e-3, 1e-1


def measure(files, options, say):
    """The figures of every engine by name, each with its times, or with the reason why it has none."""
    results, processes = {}, {}

    def attempt(engine, step):
        """Takes a step with an engine that has not failed yet; a failure is its result, and no other engine's."""
        if "reason" in results.setdefault(engine.name, {}):
            return
        try:
            step(engine)
        except EngineFailure as failure:
            results[engine.name] = {"reason": str(failure)}
            say(f"  {engine.title}: {failure}")
            if engine in processes:
                processes.pop(engine).end()

    def check(engine):
        results[engine.name] = checked(engine, files, options)

    def start(engine):
        if engine in processes:
            processes.pop(engine).end()
        process = processes[engine] = EngineProcess(engine, files, options.seg, options.threads)
        results[engine.name].setdefault("start_seconds", []).append(process.start_seconds)

    def count_runs(engine):
        # The second of two: the first run after others have used the caches takes longer.
        runs = max(options.runs, math.ceil(TURN_MILLISECONDS / processes[engine].times(2)[1]))
        results[engine.name].update(runs_a_turn=runs, round_milliseconds=[], idle_share=0)
        time.sleep(PAUSE_SECONDS)

    def take_turn(engine):
        process, result = processes[engine], results[engine.name]
        others = {other: processes[other].processor_seconds for other in processes if other is not engine}
        begin = time.perf_counter()
        process.times(1)
        result["round_milliseconds"].append(statistics.median(process.times(result["runs_a_turn"])))
        elapsed = time.perf_counter() - begin
        for other, before in others.items():
            share = (processes[other].processor_seconds - before) / elapsed
            results[other.name]["idle_share"] = max(results[other.name]["idle_share"], share)
        time.sleep(PAUSE_SECONDS)

    def conclude(engine):
        process, result = processes[engine], results[engine.name]
        result["peak_bytes"] = process.peak_bytes
        result["network_bytes"] = process.peak_bytes - process.baseline_bytes
        result["median_milliseconds"] = statistics.median(result["round_milliseconds"])
        say(f"  {engine.title}: {result['median_milliseconds']:.1f} ms, difference {result['difference']:.1e}, "
            f"peak {result['peak_bytes'] / 1e6:.0f} MB, start {statistics.median(result['start_seconds']):.2f} s, "
            f"at most {100 * result['idle_share']:.1f} % of a processor while idle")

    try:
        for step in [check] + [start] * options.starts + [count_runs]:
            for engine in ENGINES:
                attempt(engine, step)
        for number in range(options.rounds):
            shift = number % len(ENGINES)
            for engine in ENGINES[shift:] + ENGINES[:shift]:
                attempt(engine, take_turn)
        for engine in ENGINES:
            attempt(engine, conclude)
    finally:
        for process in processes.values():
            process.end()
    return results


def missing(engine, files):
    """Why an engine has no files of a network."""
    if engine.family == "PyTorch" and not os.path.exists(files.module):
        return "the network is fetched as an ONNX file: there is no PyTorch module of it"
    if engine.family == "ncnn" and not files.is_converted:
        return files.conversion_failure
    return None


def checked(engine, files, options):
    """An engine's precision and the difference of its output, which is to be small."""
    if reason := missing(engine, files):
        raise EngineFailure(reason)
    expected = np.load(files.expected)
    if engine.name == PROJECT:
        actual, precision = project_output(files, options), "float32"
    else:
        with EngineProcess(engine, files, options.seg, options.threads) as process:
            actual, precision = process.output(), process.precision
    if actual.shape != expected.shape:
        raise EngineFailure(f"its output is {actual.shape} and not {expected.shape}")
    difference = float(np.abs(actual - expected).max() / np.ptp(expected))
    if not difference < (FLOAT32_TOLERANCE if engine.is_float32 else NARROW_TOLERANCE):
        raise EngineFailure(f"its output differs by {difference:.1e} of the range")
    return {"difference": difference, "precision": precision}


def project_output(files, options):
    """What `seg run` gives."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as errors:
        path = os.path.join(folder, "output.npz")
        command = [options.seg, "run", files.onnx, "--input", files.input, "--output", path, "--threads", str(options.threads)]
        if subprocess.run(command, stderr=errors).returncode:
            raise EngineFailure(last_line(errors))
        return next(iter(np.load(path).values()))
