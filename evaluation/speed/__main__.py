"""``python -m evaluation.speed``: run the benchmarks, print them, and keep them if asked."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from evaluation.speed.result import Benchmark
from evaluation.speed.table import markdown, plain

BENCHMARKS = {
    "anuga": "accuracy",
    "camera": "camera",
    "throughput": "throughput",
    "member": "member",
    "town": "town",
    "scaling": "scaling",
    "family": "family",
    "instruments": "instruments",
    "scoring": "scoring",
}
"""Names for ``--only``, and the module that measures each."""

VERSIONS = ("worldsim", "torch", "mujoco", "numpy", "anuga")


def main(args: Sequence[str]) -> int:
    """Run what is asked for; 0 whether or not goals are met, since speed is the machine's too."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.speed", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(BENCHMARKS), metavar="NAME",
                        help=f"only these: {', '.join(BENCHMARKS)}")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--out", type=Path, metavar="DIR",
                        help="also write speed.json and speed.md there")
    options = parser.parse_args(args)
    about = machine()
    found: list[Benchmark] = []
    for name in options.only or BENCHMARKS:
        measure: Callable[[], Benchmark] = import_module(
            f"evaluation.speed.{BENCHMARKS[name]}"
        ).measure
        print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
        begun = time.monotonic()
        found.append(measure())
        print(f"{time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        about["load average at the end"] = load()
        record = {"machine": about, "benchmarks": [benchmark.as_json() for benchmark in found]}
        if not options.json:
            print(plain(found[-1:]), end="", flush=True)
        if options.out is not None:
            options.out.mkdir(parents=True, exist_ok=True)
            (options.out / "speed.json").write_text(json.dumps(record, indent=1) + "\n")
            (options.out / "speed.md").write_text(markdown(found, about))
    if options.json:
        print(json.dumps(record, indent=1))
    if options.out is not None:
        print(f"wrote {options.out / 'speed.json'} and {options.out / 'speed.md'}",
              file=sys.stderr)
    return 0


def machine() -> dict[str, object]:
    """What the numbers hold for."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": ", ".join(f"{name} {_version(name)}" for name in VERSIONS),
        "load average at the start": load(),
    }


def load() -> str:
    """Processes that wanted a core in the last 1, 5 and 15 minutes: near 0 on a quiet machine."""
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
