"""``worldsim bench run``: score a model on a suite."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from worldsim.cli.flags import parse
from worldsim.errors import InputError

VERB = "worldsim bench run"


@dataclasses.dataclass(frozen=True)
class Options:
    model: Annotated[str, tyro.conf.arg(metavar="NAME")]
    """World model: worldsim-small (the packaged one), videos:DIR, python:package.module:Class, a
    checkpoint directory, mujoco, mujoco:gravity=-20%, baseline:frozen, truth."""
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Directory of the result. The same command continues it, or shows it if complete."""
    suite: Annotated[str, tyro.conf.arg(metavar="NAME")] = "quick"
    """quick, core, full or fresh; `worldsim bench list` says what they hold."""
    seed: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Of the suite fresh; drawn now, and recorded, by default."""
    limit: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Only so many cases of every block; the result is then unofficial."""
    scenario: tyro.conf.UseAppendAction[Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME")]
                                        ] = ()
    """Only this scenario; repeat for several. The result is then unofficial."""
    workers: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Processes; as many as there are cores by default. Numbers do not depend on it."""
    what_if: bool = True
    """Also sweep parameters (where the suite does)."""


def main(args: Sequence[str]) -> int:
    """Measure what is missing, write the result, print it."""
    options = parse(Options, args, command=VERB, description=(
        "Score a world model on a suite of cases, beside the simulator with other hidden draws and "
        "four baselines. A run that was stopped goes on where it was."))
    if options.limit is not None and options.limit < 1:
        raise InputError(f"--limit {options.limit}: give 1 or more")
    if options.workers < 0:
        raise InputError(f"--workers {options.workers}: give 1 process or more")
    from evaluation.benchmark.runner import Selection, default_workers
    from evaluation.benchmark.suites import FRESH, suite_named
    from worldsim.cli.progress import Stages
    from worldsim.rollout import software_versions
    from worldsim.run_directory import BENCH_OUTPUTS, RunDirectory, read_record

    seed = options.seed
    if options.suite.startswith(FRESH) and seed is None and (options.out / "run.json").is_file():
        seed = int(read_record(options.out)["definition"]["suite_seed"])
    suite = suite_named(options.suite, seed)
    unknown = set(options.scenario) - {block.scenario for block in suite.blocks}
    if unknown:
        raise InputError(f"suite {suite.id} has no scenario {sorted(unknown)[0]!r}; it has "
                         f"{', '.join(sorted({b.scenario for b in suite.blocks}))}")
    selection = Selection(options.limit, options.scenario)
    from evaluation.benchmark.subjects import identity, subject

    check_model(options.model)
    if options.model != "truth":
        subject(options.model)
    definition: dict[str, Any] = {
        "suite": suite.id, "suite_seed": suite.seed, "suite_digests": suite.digests(),
        "model": options.model, "model_identity": identity(options.model),
        "limit": options.limit, "scenarios": list(options.scenario), "what_if": options.what_if,
    }
    run = RunDirectory.claim(options.out, definition, BENCH_OUTPUTS)
    from evaluation.benchmark.bench import run_suite

    if not run.has("report.html"):
        with run.opened(f"{VERB} {shlex.join(args)}", software_versions()):
            run_suite(suite, options.model, selection, run,
                      workers=options.workers or default_workers(),
                      stages=Stages, what_if=options.what_if,
                      command=f"{VERB} {shlex.join(args)}")
    from evaluation.benchmark.terminal import print_result

    print_result(run.at("result.json"))
    print(f"report: {run.at('report.html')}")
    return 0


def check_model(name: str) -> None:
    """Refuse a folder that holds nothing before any work starts."""
    kind, _, rest = name.partition(":")
    if kind == "videos" and not Path(rest).is_dir():
        raise InputError(f"{name}: {rest!r} is no folder; give the one that holds the videos")
