"""The process of one engine of Python: `python -m comparison.worker ENGINE FOLDER THREADS`, with perf/ on the path.

It loads the network, runs it once and prints a line of JSON: it is ready. Then it answers each line of standard input with another: a
number of runs with their times, `output FILE` when the output is written there. In between it computes nothing. It talks as `seg bench
--serve` does.
"""
import json
import os
import sys
import time

import numpy as np

from comparison import engines
from comparison.files import NetworkFiles
from comparison.memory import peak_bytes, restart_peak


def answer(stream, **values):
    stream.write(json.dumps(values) + "\n")
    stream.flush()


def main(name, folder, threads):
    # What libraries print is not an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    engine = engines.find(name)
    kind = engine.import_class()
    restart_peak()
    baseline = peak_bytes()
    network = kind(NetworkFiles(folder), int(threads), **engine.settings)
    network.run()
    answer(answers, baseline_bytes=baseline, peak_bytes=peak_bytes(), precision=network.precision)
    for line in sys.stdin:
        if line.startswith("output "):
            np.save(line.removeprefix("output ").rstrip("\n"), network.output())
            answer(answers)
            continue
        times = []
        for _ in range(int(line)):
            start = time.perf_counter()
            network.run()
            times.append(1e3 * (time.perf_counter() - start))
        answer(answers, milliseconds=times)


if __name__ == "__main__":
    main(*sys.argv[1:])
