"""``worldsim report``: write the report page of a run again, e.g. after an update of its design."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from worldsim.cli.flags import parse


@dataclasses.dataclass(frozen=True)
class Options:
    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """The run directory."""


def main(args: Sequence[str]) -> int:
    """Write ``report.html`` from what the run holds."""
    options = parse(Options, args, command="worldsim report",
                    description="Write the report page of a run again.")
    from worldsim.cli.run_directory import RunDirectory, read_record
    from worldsim.errors import InputError

    record = read_record(options.run)
    run = RunDirectory.claim(options.run, record["definition"])
    missing = [name for name in ("truth.zarr", "dream.zarr", "scores.json") if not run.has(name)]
    if missing:
        raise InputError(f"{options.run} has no {missing[0]} yet; finish it with "
                         f"`{record['command']}`")
    from worldsim.cli import run_stages

    with run.opened(record["command"], record["versions"]):
        run_stages.write_report_page(run)
    print(f"report: {run.at('report.html')}")
    return 0
