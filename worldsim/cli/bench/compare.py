"""``worldsim bench compare``: two results told apart, their difference split by cause."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from worldsim.cli.flags import parse

VERB = "worldsim bench compare"


@dataclasses.dataclass(frozen=True)
class Options:
    a: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="A")]
    """Directory of a finished `worldsim bench run`."""
    b: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="B")]
    """That of another, on the same suite."""
    allow_mixed: bool = False
    """If instruments or metrics changed between the runs, score the dreams they kept again with
    today's, and say how much of the difference that makes."""
    workers: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Processes for scoring again; as many as there are cores by default."""
    json: bool = False
    """Print everything as JSON."""


def main(args: Sequence[str]) -> int:
    """Compare."""
    options = parse(Options, args, command=VERB, description=(
        "Tell two results apart, case by case, and split their difference by cause: models, "
        "instruments, alignment of video files, failures. Refuses runs that are not comparable, "
        "and says what to run again."))
    from evaluation.benchmark.compare import compare_runs
    from evaluation.benchmark.compare_text import comparison_data, print_comparison
    from evaluation.benchmark.report.stored import read_run
    from evaluation.benchmark.runner import default_workers
    from worldsim.cli.progress import Stages

    a, b = read_run(options.a), read_run(options.b)
    workers = options.workers or default_workers()
    if options.allow_mixed and a.result["suite"]["digests"] != b.result["suite"]["digests"]:
        with Stages(1).stage("kept dreams by today's instruments") as advance:
            found = compare_runs(a, b, allow_mixed=True, workers=workers, advance=advance)
    else:
        found = compare_runs(a, b)
    if options.json:
        print(json.dumps(comparison_data(found), indent=1, allow_nan=False))
    else:
        print_comparison(found)
    return 0
