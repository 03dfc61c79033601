"""``worldsim run``: simulate, dream, score, report. The main job."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from worldsim.cli.flags import parse_with_scenario

VERB = "worldsim run"

CONTEXT_FRAMES = 5
"""Frames of realization 0 that the world model is given: the first second."""

BASELINES = ("frozen", "constant-velocity", "climatology", "nearest")
"""What every dream is compared with."""

LEAST_DURATION = 2.0
"""s; the given second, and one more to score."""


@dataclasses.dataclass(frozen=True)
class Options:
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Directory of the run. The same command continues it, or names its report if complete."""
    cases: Annotated[int, tyro.conf.arg(metavar="N")] = 2
    """Cases: what can be seen at the start differs (layout, beach, colours)."""
    realizations: Annotated[int, tyro.conf.arg(metavar="N")] = 4
    """Draws of what is hidden for each case, and as many dreams."""
    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Seed of everything random; the same seed gives the same numbers."""
    model: Annotated[str, tyro.conf.arg(metavar="NAME")] = "worldsim-small"
    """World model: worldsim-small (the packaged one), a checkpoint directory, mujoco,
    mujoco:gravity=-20%, baseline:frozen, or python:package.module:Class."""
    duration: Annotated[float | None, tyro.conf.arg(metavar="s")] = None
    """Seconds to simulate and dream; the scenario's own length by default."""


def main(args: Sequence[str]) -> int:
    """Run the whole chain, or what of it is not done yet."""
    scenario, options = parse_with_scenario(
        Options, args, verb=VERB,
        description="Simulate, let a world model dream, score and report.")
    from worldsim.cli import preflight

    preflight.check_counts(options.cases, options.realizations, options.seed)
    duration = preflight.check_duration(scenario, options.duration, least=LEAST_DURATION)
    preflight.check_ffmpeg()
    preflight.check_scored(scenario, options.seed)
    from worldsim.model_registry import load_model

    model = load_model(options.model)
    baselines = {name: load_model(f"baseline:{name}") for name in BASELINES}
    for known in (model, *baselines.values()):
        preflight.check_trained_on(known, scenario)
    from worldsim.cli import run_stages
    from worldsim.cli.answer import print_answer
    from worldsim.cli.progress import Stages
    from worldsim.cli.simulate import truth_definition
    from worldsim.rollout import software_versions
    from worldsim.run_directory import RunDirectory

    definition = truth_definition(scenario, options.cases, options.realizations, options.seed,
                                  duration) | dream_definition(options.model, model)
    run = RunDirectory.claim(options.out, definition)
    if not run_stages.complete(run):
        preflight.check_room(options.out, 2 * options.cases * options.realizations, duration,
                             scenario.scene(options.seed, 0))
        with run.opened(f"{VERB} {shlex.join(args)}", software_versions()):
            run_stages.all_stages(run, scenario, model, baselines, Stages(run_stages.COUNT))
    print_answer(run.path)
    print(f"report: {run.at('report.html')}")
    return 0


def dream_definition(name: str, model: Any) -> dict[str, Any]:
    """All that decides the dreamt part of a run."""
    return {
        "model": name,
        "checkpoint": getattr(model, "sha256", ""),
        "context_frames": CONTEXT_FRAMES,
    }
