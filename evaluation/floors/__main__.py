"""``python -m evaluation.floors``: measure the floors, and write them down."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from evaluation.floors.measuring import SETTINGS, Measured, measure
from evaluation.floors.quantities import floors_of
from evaluation.floors.record import keep, write
from worldsim.scenario import list_scenarios

KEPT = Path(__file__).parent / "floors.json"
COMMAND = "python -m evaluation.floors --out records/instruments --keep"


def main(args: Sequence[str]) -> int:
    """Measure what is not measured yet; write the record of all that is."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.floors", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list_scenarios(), metavar="SCENARIO",
                        help="measure only these")
    parser.add_argument("--rows", type=int, nargs="+", help="only these sizes (64, 256)")
    parser.add_argument("--cases", type=int, help="at most so many cases of each")
    parser.add_argument("--work", type=Path, default=Path("runs/floors"), metavar="DIR",
                        help="where measurements are kept: a second run goes on from there")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write tables and plots there")
    parser.add_argument("--keep", action="store_true",
                        help="also make them what evaluation.floors.stored() says")
    options = parser.parse_args(args)
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    settings = [
        dataclasses.replace(one, cases=min(one.cases, options.cases or one.cases))
        for one in SETTINGS if not options.rows or one.rows in options.rows
    ]
    found: list[Measured] = []
    for name in options.only or list_scenarios():
        begun = time.monotonic()
        found += measure(name, options.work, settings)
        print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    floors = floors_of(found)
    if options.out is not None:
        for path in write(floors, options.out, COMMAND):
            print(path)
    if options.keep:
        keep(floors, KEPT, COMMAND)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
