"""``worldsim bench check``: all problems of a folder of predictions at once."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from worldsim.cli.flags import parse
from worldsim.errors import InputError

VERB = "worldsim bench check"


@dataclasses.dataclass(frozen=True)
class Options:
    folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DIR")]
    """The folder of predicted videos."""
    export: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """The export that they answer; its known frames are compared with theirs."""
    suite: Annotated[str, tyro.conf.arg(metavar="NAME")] = "quick"
    """The suite, where there is no export at hand."""
    limit: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Only so many cases of every block are expected."""
    json: bool = False
    """Print the problems as JSON."""


def main(args: Sequence[str]) -> int:
    """Check; exit status 0 without errors, 1 with."""
    options = parse(Options, args, command=VERB, description=(
        "List everything that is wrong with a folder of videos, before any is scored. Exit status: "
        "0 nothing is wrong (warnings apart), 1 something is."))
    if not options.folder.is_dir():
        raise InputError(f"{options.folder} is no folder; give the one that holds the videos")
    from evaluation.benchmark.export import exported_context
    from evaluation.benchmark.exporting import manifest_of
    from evaluation.benchmark.manifest import read_manifest
    from evaluation.benchmark.predictions import check_predictions
    from evaluation.benchmark.runner import Selection
    from evaluation.benchmark.suites import suite_named
    from worldsim.cli import preflight

    preflight.check_ffmpeg()
    if options.export is not None:
        manifest, context = read_manifest(options.export), exported_context(options.export)
    else:
        manifest = manifest_of(suite_named(options.suite), Selection(options.limit))
        context = None
    problems = check_predictions(options.folder, manifest, context_of=context)
    errors = [p for p in problems if p.severity == "error"]
    if options.json:
        print(json.dumps([dataclasses.asdict(problem) for problem in problems], indent=1))
        return 1 if errors else 0
    for problem in problems:
        print(problem)
    count = len(manifest["cases"])
    if errors:
        print(f"{len(errors)} errors, {len(problems) - len(errors)} warnings; {count} cases "
              "expected. Cases with errors would count as failed.")
        return 1
    print(f"{count} cases are there"
          + (f", {len(problems)} warnings" if problems else "")
          + f"; score them: worldsim bench run --model videos:{options.folder} "
          f"--suite {manifest['suite'].rpartition('-')[0]} --out runs/{options.folder.name}")
    return 0
