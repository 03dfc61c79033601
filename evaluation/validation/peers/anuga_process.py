"""Talks to the process in which anuga runs."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from evaluation.validation.case import NotAvailable

NO_ANUGA = "anuga is not installed: pip install 'worldsim[peers]'"


@dataclass(frozen=True)
class AnugaRun:
    """One run: wall time of the evolution and the processor's for it [s], error, sizes."""

    seconds: float
    processor: float
    error: float
    triangles: int
    steps: int


class Anuga:
    """anuga in its process; see `anuga`."""

    def __init__(self, process: subprocess.Popen[str], said: IO[str]) -> None:
        self._process, self._said = process, said
        self.version: str = self._answer()["version"]

    def solve(self, problem: str, cells: int, algorithm: str = "DE1", mode: str = "unified"
              ) -> AnugaRun:
        """Solve one of `problem.PROBLEMS`; see `anuga_solver.solve`."""
        assert self._process.stdin is not None
        asked = {"problem": problem, "cells": cells, "algorithm": algorithm, "mode": mode}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return AnugaRun(**self._answer())

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        code = self._process.wait()
        self._said.seek(0)
        last = [text for text in self._said.read().splitlines() if text.strip()][-1:]
        raise NotAvailable(f"anuga's process ended with status {code}: {' '.join(last)}")


@contextlib.contextmanager
def anuga(threads: int) -> Iterator[Anuga]:
    """Start anuga with so many OpenMP threads.

    Raises
    ------
    NotAvailable : it is not installed, or does not start.
    """
    if importlib.util.find_spec("anuga") is None:
        raise NotAvailable(NO_ANUGA)
    command = [sys.executable, "-m", "evaluation.validation.peers.anuga_solver", str(threads)]
    with tempfile.TemporaryFile("w+") as said, subprocess.Popen(
        command,
        env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=said,
        text=True,
    ) as process:
        assert process.stdin is not None
        try:
            yield Anuga(process, said)
        finally:
            process.stdin.close()
