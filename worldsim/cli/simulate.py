"""``worldsim simulate``: the states of some cases of a scenario, without any world model."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from worldsim.cli.flags import parse_with_scenario
from worldsim.scenario import Scenario

VERB = "worldsim simulate"


@dataclasses.dataclass(frozen=True)
class Options:
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Directory of the run; `worldsim run` with the same flags continues it."""
    cases: Annotated[int, tyro.conf.arg(metavar="N")] = 2
    """Cases: what can be seen at the start differs (layout, beach, colours)."""
    realizations: Annotated[int, tyro.conf.arg(metavar="N")] = 4
    """Draws of what is hidden (strengths, the debris' mass) for each case."""
    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Seed of everything random; the same seed gives the same numbers."""
    duration: Annotated[float | None, tyro.conf.arg(metavar="s")] = None
    """Seconds to simulate; the scenario's own length by default."""


def main(args: Sequence[str]) -> int:
    """Simulate and store."""
    scenario, options = parse_with_scenario(
        Options, args, verb=VERB, description="Simulate cases of a scenario and store the states.")
    from worldsim.cli import preflight

    preflight.check_counts(options.cases, options.realizations, options.seed)
    duration = preflight.check_duration(scenario, options.duration, least=1.0)
    from worldsim.cli.progress import Stages
    from worldsim.cli.run_directory import RunDirectory
    from worldsim.rollout import software_versions

    run = RunDirectory.claim(options.out, truth_definition(
        scenario, options.cases, options.realizations, options.seed, duration))
    from worldsim.cli import run_stages

    if not all(run.has(name) for name in run_stages.TRUTH + run_stages.TRUTH_OUTCOMES):
        preflight.check_room(options.out, options.cases * options.realizations, duration)
        with run.opened(f"{VERB} {shlex.join(args)}", software_versions()):
            stages = Stages(run_stages.SIMULATED_COUNT)
            run_stages.simulate_truth(run, scenario, stages)
            run_stages.assess_truth(run, stages)
    print(f"truth: {run.at('truth.zarr')}")
    print(f"what follows from it: {run.at('truth_outcomes.nc')}")
    print(f"look at it: worldsim.open({str(run.at('truth.zarr'))!r}) in Python")
    return 0


def truth_definition(scenario: Scenario, cases: int, realizations: int, seed: int,
                     duration: float) -> dict[str, Any]:
    """All that decides the simulated part of a run."""
    from importlib.metadata import version

    return {
        "worldsim": version("worldsim"),
        "scenario": {"name": scenario.name, "version": scenario.version,
                     "parameters": scenario.values()},
        "cases": cases,
        "realizations": realizations,
        "seed": seed,
        "duration": duration,
    }
