#!/usr/bin/env python3
"""Times training steps of this project and of PyTorch on the same networks, in turn in one run, and writes what it finds.

A step is the forward pass, the gradients and SGD with momentum. PyTorch runs contiguous and with channels last, and the faster counts.
Writes training.json, training.md and training.svg. `make compare-training` runs it.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

from comparison import networks as compared
from comparison import report
from comparison.chart import STYLE
from comparison.conditions import conditions
from training_network import CASES

ROOT = compared.ROOT
RESULTS = os.path.join(ROOT, "docs", "performance")
HERE = os.path.dirname(os.path.abspath(__file__))
#: Between turns, until the threads of the last process sleep.
PAUSE_SECONDS = 0.3


class Process:
    """A process that answers a number of steps with their times."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{command[0]} ended before it was ready")
        self.start = json.loads(line)
        self.peak_bytes = self.start["peak_bytes"]

    def times(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        peak = answer["peak_bytes"]
        self.peak_bytes = max(self.peak_bytes, peak[0] if isinstance(peak, list) else peak)
        return answer["milliseconds"]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def commands(case, options):
    ours = [options.bench, "training", case.project_name, "--size", str(case.size), "--batch", str(case.batch), "--serve",
            "--threads", str(options.threads)] + (["--auxiliary"] if case.auxiliary else [])
    if options.budget:
        ours += ["--budget", str(options.budget)]
    torch = [sys.executable, os.path.join(HERE, "training_network.py"), case.name, str(options.threads)]
    return {"This project": ours, "PyTorch, contiguous": torch + ["contiguous"],
            "PyTorch, channels last": torch + ["channels-last"]}


def measure(case, options):
    processes = {name: Process(command) for name, command in commands(case, options).items()}
    try:
        rounds = {name: [] for name in processes}
        for number in range(options.rounds):
            names = list(processes)
            shift = number % len(names)
            for name in names[shift:] + names[:shift]:
                processes[name].times(1)
                rounds[name].append(statistics.median(processes[name].times(options.steps)))
                time.sleep(PAUSE_SECONDS)
        return {name: {"round_milliseconds": rounds[name], "milliseconds": statistics.median(rounds[name]),
                       "peak_bytes": processes[name].peak_bytes} for name in processes}
    finally:
        for process in processes.values():
            process.end()


def best(results):
    return min((result for name, result in results.items() if name != "This project"), key=lambda r: r["milliseconds"])


def markdown(data):
    lines = [
        "# Training compared with PyTorch", "",
        "Written by `make compare-training` from [training.json](training.json); not to be edited.", "",
        "![Times of a training step](training.svg)", "",
        "Milliseconds and peak megabytes of a step: forward pass, gradients, SGD with momentum, in float32 with random images and labels. The "
        "median of the rounds, in which the processes take turns, with the shortest and the longest. PyTorch runs contiguous and with channels "
        "last; the faster counts.", "",
        "| network | batch | This project | PyTorch | ratio | asked for | peak MB | PyTorch's peak MB | share |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for entry in data["networks"].values():
        ours, other = entry["results"]["This project"], best(entry["results"])
        lines.append(
            f"| {entry['title']} | {entry['batch']} | {span(ours)} | {span(other)} | {other['milliseconds'] / ours['milliseconds']:.2f} "
            f"| {entry['target']:.1f} | {ours['peak_bytes'] / 1e6:.0f} | {other['peak_bytes'] / 1e6:.0f} "
            f"| {ours['peak_bytes'] / other['peak_bytes']:.2f} |")
    lines += ["", *report.conditions(data["networks"].values()), ""]
    return "\n".join(lines)


def span(result):
    times = result["round_milliseconds"]
    return f"{result['milliseconds']:.0f} ({min(times):.0f}–{max(times):.0f})"


def svg(data):
    """Bars of a step's time as multiples of this project's."""
    height, labels, bars = 34, 300, 480
    rows = []
    for index, entry in enumerate(data["networks"].values()):
        ours, other = entry["results"]["This project"], best(entry["results"])
        y, ratio = 60 + index * height, other["milliseconds"] / ours["milliseconds"]
        rows.append(f'<text x="{labels - 12}" y="{y + 14}" text-anchor="end">{entry["title"]}, batch {entry["batch"]}</text>')
        rows.append(f'<rect x="{labels}" y="{y}" width="{bars / 4:g}" height="10" fill="#d9480f"/>')
        rows.append(f'<rect x="{labels}" y="{y + 11}" width="{bars / 4 * min(ratio, 4):g}" height="10" fill="#7a7f87"/>')
        rows.append(f'<text x="{labels + bars / 4 * min(ratio, 4) + 6:g}" y="{y + 20}">{ratio:.2f}×</text>')
    total = 70 + len(data["networks"]) * height
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 880 {total}" width="880" height="{total}" role="img" '
        'aria-label="Times of a training step as multiples of this project\'s">',
        f"<style>{STYLE}</style>", f'<rect class="ground" width="880" height="{total}"/>',
        '<text x="20" y="28">Time of a training step in float32: this project (orange) and PyTorch (grey)</text>', *rows, "</svg>", ""])


def write(folder, data):
    os.makedirs(folder, exist_ok=True)
    for name, text in (("training.json", json.dumps(data, indent=1) + "\n"), ("training.md", markdown(data)),
                       ("training.svg", svg(data))):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", required=True, help="the seg-bench executable")
    parser.add_argument("--seg", required=True, help="the seg executable, for the conditions")
    parser.add_argument("--networks", help="names, with commas between: " + ", ".join(case.name for case in CASES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=2, help="timed steps a turn")
    parser.add_argument("--budget", type=int, help="megabytes for the maps of a step")
    parser.add_argument("--results", default=RESULTS, help="the folder of training.json, .md and .svg")
    options = parser.parse_args()
    options.starts = 1
    path = os.path.join(options.results, "training.json")
    data = json.load(open(path, encoding="utf-8")) if os.path.exists(path) else {"networks": {}}
    chosen = options.networks.split(",") if options.networks else [case.name for case in CASES]
    for case in CASES:
        if case.name not in chosen:
            continue
        results = measure(case, options)
        other, ours = best(results), results["This project"]
        print(f"{case.title}: {ours['milliseconds']:.0f} ms against {other['milliseconds']:.0f} ms, ratio "
              f"{other['milliseconds'] / ours['milliseconds']:.2f}, peak {ours['peak_bytes'] / 1e6:.0f} MB against "
              f"{other['peak_bytes'] / 1e6:.0f} MB", flush=True)
        data["networks"][case.name] = {
            "title": case.title, "batch": case.batch, "target": case.target, "results": results,
            "conditions": conditions(options)}
        write(options.results, data)


if __name__ == "__main__":
    main()
