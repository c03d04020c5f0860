#!/usr/bin/env python3
"""Plants faults in a copy of the sources and says which tests see them: plant_faults.py FOLDER [--count 60] [--seed 1]

Faults are comparisons (< for <=), signs (+ for -), constants (one more), extents (height for width) and dropped statements, each on a
line of its own, drawn evenly over the folders of Sources. All of them are built into one program, and the environment variable
SEG_PLANTED_FAULT switches one of them on, so that one build serves for all. Each fault is first given to the tests of its own
module, and to all tests if those do not see it. FOLDER keeps the copy, its build and results.json; a run that is started again goes
on with what is left. A fault that no test sees is a survivor: it is either without effect, which is then to be said, or lacks a test.
"""
import argparse
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ["-c", "release", "-Xswiftc", "-enable-testing", "--scratch-path", ".build-faults"]
SWITCH = "plantedFault"
COMPARISONS = {" < ": " <= ", " <= ": " < ", " > ": " >= ", " >= ": " > ", " == ": " != ", " != ": " == "}
SIGNS = {" + ": " - ", " - ": " + ", " += ": " -= ", " -= ": " += "}
WORDS = {"height": "width", "width": "height", "row": "column", "column": "row", "min": "max", "max": "min", "top": "left", "left": "top"}
# The tests of a module; what is not listed has those of all modules.
TESTS = {
    "SegEngine": "SegEngineTests", "SegModels": "SegModelsTests", "SegTraining": "SegTrainingTests", "SegFiles": "SegIOTests",
    "SegWeights": "SegIOTests", "SegImages": "SegIOTests", "SegONNX": "SegIOTests", "SegIO": "SegIOTests", "seg": "CommandLineTests"}


def mutants(text):
    """Faulty forms of an expression or statement, with their kinds."""
    for kind, table in (("comparison", COMPARISONS), ("sign", SIGNS)):
        for old, new in table.items():
            for match in re.finditer(re.escape(old), text):
                yield kind, text[: match.start()] + new + text[match.end():]
    for match in re.finditer(r"(?<![\w.$\"])\d+(?![\w.\"])", text):
        yield "constant", text[: match.start()] + str(int(match[0]) + 1) + text[match.end():]
    for old, new in WORDS.items():
        for match in re.finditer(rf"\b{old}\b(?!:)", text):
            yield "extent", text[: match.start()] + new + text[match.end():]


def is_whole(text):
    """Whether brackets are balanced and the text neither ends nor begins in the middle of an expression."""
    depth = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if depth < 0:
            return False
    return depth == 0 and not re.search(r"([-+*/=<>&|?:,.]|\belse|\bin)$", text) and "\"" not in text


def variants(line, number):
    """The kind of each fault of a line, and the line with both forms behind the switch of that number."""
    code = line.rstrip()
    indent = code[: len(code) - len(code.lstrip())]
    body = code.strip()
    switch = f"{SWITCH} == {number}"
    if not body or body.startswith(("//", "@", "case ", "default", "import ", "#", "}", ".", "?", ":")):
        return
    if match := re.match(r"(return |(?:let|var) \w+(?:: [\w\[\]. ]+)? = )(.+)$", body):
        head, value = match.groups()
        if is_whole(value) and not value.startswith(("if ", "switch ", "{")):
            for kind, faulty in mutants(value):
                yield kind, f"{indent}{head}{switch} ? ({faulty}) : ({value})"
        return
    if match := re.match(r"(guard |if |while )(.+)( else \{| \{)$", body):
        head, value, tail = match.groups()
        if is_whole(value) and not re.search(r"\b(let|var|case)\b|,", value):
            for kind, faulty in mutants(value):
                yield kind, f"{indent}{head}({switch} ? ({faulty}) : ({value})){tail}"
        return
    if match := re.match(r"(for \w+ in )(.+)( \{)$", body):
        head, value, tail = match.groups()
        if is_whole(value):
            for kind, faulty in mutants(value):
                yield kind, f"{indent}{head}({switch} ? ({faulty}) : ({value})){tail}"
        return
    if is_whole(body) and re.match(r"(try )?[\w.]+(\[.+\]|\(.*\))?( [-+*/]?= .+|)$", body) and re.search(r"[=(]", body):
        if not body.startswith(("precondition", "self.", "print", "return", "throw", "break", "continue", "defer", "super")):
            yield "dropped", f"{indent}if {switch} {{}} else {{ {body} }}"
            for kind, faulty in mutants(body):
                yield kind, f"{indent}if {switch} {{ {faulty} }} else {{ {body} }}"


def candidates(root):
    """All lines that may have a fault, by the folder of Sources."""
    found = {}
    for path in sorted((root / "Sources").rglob("*.swift")):
        if path.name.endswith(".pb.swift"):
            continue
        in_text = False
        for index, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            in_text ^= line.count('"""') % 2 == 1
            if not in_text and any(True for _ in variants(line, 0)):
                parts = path.relative_to(root / "Sources").parts
                found.setdefault("/".join(parts[:-1][:2]), []).append((str(path.relative_to(root)), index))
    return found


def copied(folder):
    """A clean copy of the files that git knows, and of those that are new."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def plant(folder, count, seed):
    """Chooses and plants faults, builds, and returns those that compile."""
    copy = folder / "copy"
    copied(copy)
    generator = random.Random(seed)
    pools = candidates(copy)
    for pool in pools.values():
        generator.shuffle(pool)
    originals, faults, number = {}, [], 0

    def text(name):
        return originals.setdefault(name, (copy / name).read_text(encoding="utf-8").splitlines())

    def draw():
        nonlocal number
        for room in sorted(pools, key=lambda room: (sum(f["room"] == room for f in faults), room)):
            while pools[room]:
                name, index = pools[room].pop()
                number += 1
                kinds = list(variants(text(name)[index], number))
                kind = generator.choice(sorted({kind for kind, _ in kinds}))
                line = generator.choice([line for other, line in kinds if other == kind])
                return {
                    "number": number, "room": room, "file": name, "line": index + 1, "kind": kind,
                    "before": text(name)[index].strip(), "after": line.strip()}
        sys.exit("there are no further lines to plant faults in")

    for module in {pathlib.Path(*pathlib.Path(name).parts[:2]) for pool in pools.values() for name, _ in pool}:
        (copy / module / "PlantedFault.swift").write_text(
            f'import Foundation\n\nlet {SWITCH} = Int(ProcessInfo.processInfo.environment["SEG_PLANTED_FAULT"] ?? "") ?? 0\n',
            encoding="utf-8")
    while True:
        while len(faults) < count:
            faults.append(draw())
        for name, lines in originals.items():
            planted = {fault["line"] - 1: fault for fault in faults if fault["file"] == name}
            changed = [
                line[: len(line) - len(line.lstrip())] + planted[index]["after"] if index in planted else line
                for index, line in enumerate(lines)]
            (copy / name).write_text("\n".join(changed) + "\n", encoding="utf-8")
        result = subprocess.run(["swift", "build", "--build-tests", *BUILD], cwd=copy, capture_output=True, text=True)
        if result.returncode == 0:
            return faults
        wrong = set(re.findall(r"(Sources/[^:\s]+\.swift):(\d+):\d+: error:", result.stdout + result.stderr))
        kept = [fault for fault in faults if (fault["file"], str(fault["line"])) not in wrong]
        if len(kept) == len(faults):
            sys.exit((result.stdout + result.stderr)[-4000:])
        print(f"{len(faults) - len(kept)} faults do not compile", flush=True)
        faults = kept


def seen_by(copy, fault, tests, seconds):
    """The first tests that fail with a fault switched on, or None."""
    import os
    command = ["swift", "test", "--skip-build", *BUILD, *(["--filter", tests] if tests else [])]
    try:
        result = subprocess.run(
            command, cwd=copy, capture_output=True, text=True, errors="replace", timeout=seconds,
            env={**os.environ, "SEG_PLANTED_FAULT": str(fault["number"])})
    except subprocess.TimeoutExpired:
        return ["(does not end)"]
    if result.returncode == 0:
        return None
    failed = re.findall(r"^✘ Test (.+?) failed after", result.stdout, re.MULTILINE)
    return sorted(set(failed))[:5] or ["(the test process ends early)"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1800, help="a run of tests that takes longer counts as seeing the fault")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    record = folder / "results.json"
    if record.exists():
        faults = json.loads(record.read_text())
    else:
        faults = plant(folder, arguments.count, arguments.seed)
        if seen := seen_by(folder / "copy", {"number": 0}, None, arguments.seconds):
            sys.exit(f"tests fail without a fault: {', '.join(seen)}")
        record.write_text(json.dumps(faults, indent=1))
    for fault in faults:
        if "seen" in fault:
            continue
        start = time.monotonic()
        own = TESTS.get(pathlib.Path(fault["file"]).parts[1])
        seen = (seen_by(folder / "copy", fault, own, arguments.seconds) if own else None) or seen_by(
            folder / "copy", fault, None, arguments.seconds)
        fault["seen"] = seen
        record.write_text(json.dumps(faults, indent=1))
        print(
            f"{fault['number']:3} {fault['kind']:10} {fault['file']}:{fault['line']} {time.monotonic() - start:.0f} s: "
            f"{', '.join(seen) if seen else 'SURVIVES'}", flush=True)
    survivors = [fault for fault in faults if not fault["seen"]]
    print(f"{len(faults) - len(survivors)} of {len(faults)} faults were seen")
    for fault in survivors:
        print(f"{fault['file']}:{fault['line']} ({fault['kind']})\n    {fault['before']}\n    {fault['after']}")


if __name__ == "__main__":
    main()
