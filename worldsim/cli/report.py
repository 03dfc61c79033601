"""``worldsim report``: the report page of a run again, or two what-ifs against each other."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from worldsim.cli.flags import parse

VERB = "worldsim report"


@dataclasses.dataclass(frozen=True)
class Options:
    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUN [RUN]")]
    """One run directory, or two that differ in their parameters only."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File of the comparison of two runs; FIRST-against-SECOND.html beside the first by default."""


def main(args: Sequence[str]) -> int:
    """Write ``report.html`` from what a run holds, or compare two runs."""
    options = parse(Options, args, command=VERB,
                    description="Write the report page of a run again, or compare two runs.")
    from worldsim.errors import InputError

    if len(options.runs) == 1:
        if options.out is not None:
            raise InputError(f"--out {options.out}: the report of one run stands in its directory; "
                             "leave --out away, or name two runs to compare")
        return _one(options.runs[0])
    if len(options.runs) != 2:
        raise InputError(f"{len(options.runs)} runs given; name one, or two to compare: "
                         f"`{VERB} runs/without runs/with`")
    return _two(options.runs[0], options.runs[1], options.out, f"{VERB} {shlex.join(args)}")


def _one(path: Path) -> int:
    from worldsim.cli import preflight
    from worldsim.cli.progress import Stages
    from worldsim.errors import InputError
    from worldsim.run_directory import RunDirectory, read_record
    from worldsim.scenario import scenario_class

    record = read_record(path)
    if "suite" in record["definition"]:
        return _bench(path, record["command"])
    preflight.check_scored(scenario_class(record["definition"]["scenario"]["name"])(), 0)
    run = RunDirectory.claim(path, record["definition"])
    missing = [name for name in ("truth.zarr", "dream.zarr", "scores.json") if not run.has(name)]
    if missing:
        raise InputError(f"{path} has no {missing[0]} yet; finish it with `{record['command']}`")
    from worldsim.cli import run_stages

    with run.opened(record["command"], record["versions"]):
        stages = Stages(2)
        run_stages.assess_truth(run, stages)
        run_stages.assess_dream(run, stages)
        run_stages.write_report_page(run)
    print(f"report: {run.at('report.html')}")
    return 0


def _bench(path: Path, command: str) -> int:
    from evaluation.benchmark.report import write_report
    from worldsim.errors import InputError

    if not (path / "result.json").is_file():
        raise InputError(f"{path} has no result.json yet; finish it with `{command}`")
    print(f"report: {write_report(path)}")
    return 0


def _two(first: Path, second: Path, out: Path | None, command: str) -> int:
    from evaluation.report.comparison import write_comparison
    from worldsim.errors import InputError

    for run in (first, second):
        if (run / "result.json").is_file():
            raise InputError(f"{run} is of the benchmark; compare such results by "
                             f"`worldsim bench compare {first} {second}`")

    beside = first.resolve().parent / f"{first.resolve().name}-against-{second.resolve().name}.html"
    print(f"comparison: {write_comparison(first, second, out or beside, command)}")
    return 0
