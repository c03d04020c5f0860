"""Processes of engines, as the one that compares them sees them."""
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np

from comparison.engines import PROJECT
from comparison.memory import peak_bytes, processor_seconds

PERF = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
#: Seconds after which an engine that does not answer has failed.
PATIENCE = 600


class EngineFailure(Exception):
    """Why an engine has no figure for a network."""


class EngineProcess:
    """An engine that has loaded one network and waits to run it."""

    def __init__(self, engine, files, seg, threads):
        if engine.name == PROJECT:
            command = [seg, "bench", files.onnx, "--input", files.input, "--threads", str(threads), "--serve"]
        else:
            command = [sys.executable, "-m", "comparison.worker", engine.name, files.folder, str(threads)]
        self._errors = tempfile.TemporaryFile("w+")
        start = time.perf_counter()
        self._process = subprocess.Popen(
            command, cwd=PERF, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True)
        try:
            ready = self._answer()
        except EngineFailure:
            self.end()
            raise
        #: From the start of the process to the first result.
        self.start_seconds = time.perf_counter() - start
        #: Its largest size before the network was loaded.
        self.baseline_bytes = ready["baseline_bytes"]
        self.precision = ready.get("precision", "float32")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.end()

    def times(self, runs):
        """Runs the network and gives the time of each run in milliseconds."""
        return self._ask(str(runs))["milliseconds"]

    def output(self):
        """What the last run gave."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "output.npy")
            self._ask(f"output {path}")
            return np.load(path)

    @property
    def peak_bytes(self):
        """The largest resident size so far."""
        return peak_bytes(self._process.pid)

    @property
    def processor_seconds(self):
        """What all its threads have computed so far."""
        return processor_seconds(self._process.pid)

    def end(self):
        """Ends the process, by itself where it does."""
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def _ask(self, line):
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer, which does not come, says why
        return self._answer()

    def _answer(self):
        if not select.select([self._process.stdout], [], [], PATIENCE)[0]:
            self._process.kill()
            raise EngineFailure(f"no answer within {PATIENCE} s")
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        code = self._process.wait()
        if code < 0:
            raise EngineFailure(f"ended by {signal.Signals(-code).name}")
        raise EngineFailure(last_line(self._errors) or f"ended with code {code}")


def last_line(file):
    """The last line of a stream that a process wrote, which says what went wrong."""
    file.seek(0)
    lines = file.read().strip().splitlines()
    return lines[-1][:200] if lines else ""
