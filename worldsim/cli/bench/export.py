"""``worldsim bench export``: a suite's known frames and prompts as files."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from worldsim.cli.flags import parse
from worldsim.errors import InputError

VERB = "worldsim bench export"


@dataclasses.dataclass(frozen=True)
class Options:
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """A new or empty folder."""
    suite: Annotated[str, tyro.conf.arg(metavar="NAME")] = "quick"
    """Which suite."""
    seed: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Of the suite `fresh`; drawn now by default."""
    limit: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Only so many cases of every block."""
    workers: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Processes that simulate; as many as there are cores by default."""


def main(args: Sequence[str]) -> int:
    """Write the export."""
    options = parse(Options, args, command=VERB, description=(
        "Write the first frames, prompts and parameters of every case, so that any model can be "
        "driven by hand; the README.md written there says how."))
    if options.out.exists() and (not options.out.is_dir() or any(options.out.iterdir())):
        raise InputError(f"--out {options.out} is not an empty folder; choose another")
    from evaluation.benchmark.exporting import export_suite
    from evaluation.benchmark.runner import Selection, default_workers
    from evaluation.benchmark.suites import suite_named
    from worldsim.cli import preflight
    from worldsim.cli.progress import Stages

    preflight.check_ffmpeg()
    suite = suite_named(options.suite, options.seed)
    stages = Stages(1)
    with stages.stage(f"known frames of {suite.id}") as advance:
        count = export_suite(suite, Selection(options.limit), options.out,
                             workers=options.workers or default_workers(), advance=advance)
    print(f"{options.out}: {count} cases of {suite.id}; read {options.out / 'README.md'}")
    return 0
