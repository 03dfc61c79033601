"""``worldsim validate``: hold the simulator against exact solutions and measurements.

Exit status: 0 every row passed; 1 a row failed; 2 refused input; 3 no row failed, but some case
could not be run (it is named).
"""

from __future__ import annotations

import dataclasses
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from worldsim.cli.flags import parse
from worldsim.errors import InputError

if TYPE_CHECKING:
    from evaluation.validation.case import Case, Check, Outcome

VERB = "worldsim validate"
WIDTH = 80
"""Columns of the table; terminals that are wider show the same."""


@dataclasses.dataclass(frozen=True)
class Options:
    case: tyro.conf.UseAppendAction[Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME")]] = ()
    """Only this case; repeat the flag for several. All by default."""
    json: bool = False
    """Print everything as JSON instead of the table."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Also write README.md, validation.json and a plot of each case there."""
    workers: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """Processes that run cases at once; the numbers do not depend on it."""
    list: bool = False
    """Only name the cases, their sources and what they need."""


def main(args: Sequence[str]) -> int:
    """Run the cases; see the module for the exit status."""
    options = parse(Options, args, command=VERB, description=(
        "Hold the simulator against exact solutions and measurements. Exit status: 0 every row "
        "passed, 1 a row failed, 3 none failed but some case could not be run. Measurements are "
        "looked for in the folder that WORLDSIM_DATA names, else fetched and checked."))
    if options.out is not None and options.out.is_file():
        raise InputError(f"--out {options.out} is a file; give a directory")
    if options.workers < 1:
        raise InputError(f"--workers {options.workers}: give at least 1")
    from evaluation.validation.registry import choose

    cases = choose(options.case)
    if options.list:
        _list(cases)
        return 0
    from evaluation.validation import record
    from evaluation.validation.runner import exit_status, run
    from worldsim.rollout import software_versions

    announce = None if options.json else _Announcer(len(cases))
    outcomes = list(run(cases, announce, options.workers))
    versions = software_versions()
    if options.json:
        print(json.dumps(record.as_data(outcomes, versions), indent=1))
    else:
        print_table(outcomes)
    if options.out is not None:
        written = record.write(outcomes, options.out, versions,
                               f"{VERB} {shlex.join(args)}".strip())
        print(f"written: {written[0].parent} ({len(written)} files)", file=sys.stderr)
    return exit_status(outcomes)


class _Announcer:
    """Says on standard error which case runs."""

    def __init__(self, total: int) -> None:
        self._number, self._total = 0, total

    def __call__(self, case: Case) -> None:
        self._number += 1
        if sys.stderr.isatty():
            print(f"\r\033[K{self._number}/{self._total} {case.name}", end="", file=sys.stderr,
                  flush=True)
            if self._number == self._total:
                print(file=sys.stderr)


def print_table(outcomes: Sequence[Outcome]) -> None:
    """The rows in 80 columns, then what was not run and why, then one sentence."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from evaluation.validation.record import VERDICTS, goal, in_words, number

    styles = {True: "green", False: "bold red", None: "dim"}
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), width=WIDTH)
    table.add_column("case", no_wrap=True)
    table.add_column("quantity", ratio=1)
    for heading in ("error", "goal", "order"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("pass", no_wrap=True)

    def name(outcome: Outcome, row: int) -> str:
        return outcome.case.name if row == 0 else ""

    def quantity(check: Check) -> Text:
        return Text(check.quantity + ("" if check.unit == "1" else f" [{check.unit}]"))

    for outcome in outcomes:
        for row, check in enumerate(outcome.checks):
            order = "" if check.order is None else f"{check.order:.2f}"
            table.add_row(name(outcome, row), quantity(check), number(check.error),
                          goal(check).replace(", ", "\n"), order,
                          Text(VERDICTS[check.passed], styles[check.passed]))
        if outcome.failure:
            table.add_row(outcome.case.name, Text(outcome.failure), "", "", "",
                          Text("FAIL", "bold red"))
    console = Console(highlight=False, width=WIDTH)
    if table.row_count:
        console.print(table)
    for outcome in outcomes:
        if outcome.missing:
            console.print(Text(f"not run  {outcome.case.name}: {outcome.missing}", "yellow"))
    console.print(Text(in_words(outcomes)))


def _list(cases: Sequence[Case]) -> None:
    for case in cases:
        needs = f"; needs {case.needs}" if case.needs else ""
        print(f"{case.name}: {case.title}. {case.source}{needs}")
