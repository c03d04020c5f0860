#!/usr/bin/env python3
"""Times this project and other engines on the same networks, in turn in one run, and writes what it finds as JSON, Markdown and SVG.

All engines get the same weights, input and number of threads. Outputs are compared before a time counts. Each engine is a process of
its own that stays loaded; in every round each runs for half a second or longer while the others sleep. A run over some of
the networks replaces their rows alone. Needs Linux, which tells what a process holds in memory.
"""
import argparse
import json
import os
import subprocess
import sys

from comparison import chart, networks, report
from comparison.conditions import conditions
from comparison.files import NetworkFiles
from comparison.rounds import measure

RESULTS = os.path.join(networks.ROOT, "docs", "performance")
FOLDER = os.path.join(networks.ROOT, "perf", ".networks")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seg", help="the seg executable")
    parser.add_argument("--networks", help="names, with commas between; all where none is given: "
                        + ", ".join(network.name for network in networks.NETWORKS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=3, help="timed runs a turn, at least")
    parser.add_argument("--starts", type=int, default=3, help="starts of every engine")
    parser.add_argument("--results", default=RESULTS, help="the folder of comparison.json, .md and .svg")
    parser.add_argument("--report-only", action="store_true", help="write Markdown and SVG from the JSON file as it is")
    options = parser.parse_args()
    if min(options.threads, options.rounds, options.runs, options.starts) < 1:
        parser.error("threads, rounds, runs and starts are at least 1")
    if not options.report_only and not options.seg:
        parser.error("--seg is needed")
    try:
        chosen = [networks.find(name) for name in options.networks.split(",")] if options.networks else networks.NETWORKS
    except KeyError as error:
        parser.error(f"there is no network {error}")

    path = os.path.join(options.results, "comparison.json")
    data = load(path)
    if not options.report_only:
        options.seg = os.path.abspath(options.seg)
        found = conditions(options)
        for network in chosen:
            print(network.title, flush=True)
            results = measure(prepared(network), options, lambda line: print(line, flush=True))
            data["networks"][network.name] = {
                "title": network.title, "input_shape": network.input_shape, "target": network.target, "conditions": found,
                "engines": results,
            }
            write(options.results, data)  # after each, so that what is measured is kept
    else:
        write(options.results, data)


def prepared(network):
    """A network's files, which are made in a process of their own where they are not there."""
    files = NetworkFiles(os.path.join(FOLDER, network.name))
    command = [sys.executable, "-m", "comparison.exporting", network.name, files.folder]
    if subprocess.run(command, cwd=os.path.dirname(os.path.abspath(__file__))).returncode:
        sys.exit(f"{network.name}: cannot be made")
    return files


def load(path):
    if not os.path.exists(path):
        return {"networks": {}}
    with open(path) as file:
        return json.load(file)


def write(folder, data):
    """The JSON file with the networks in the order of the list, and what is made from it."""
    order = [network.name for network in networks.NETWORKS]
    data["networks"] = dict(sorted(data["networks"].items(), key=lambda item: order.index(item[0])))
    os.makedirs(folder, exist_ok=True)
    for name, text in (("comparison.json", json.dumps(data, indent=1, ensure_ascii=False) + "\n"),
                       ("comparison.md", report.markdown(data)), ("comparison.svg", chart.svg(data))):
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)


if __name__ == "__main__":
    main()
