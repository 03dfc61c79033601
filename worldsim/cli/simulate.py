"""``worldsim simulate``: the states of some cases of a scenario, without any world model."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from worldsim.cli.flags import parse_with_scenario
from worldsim.errors import InputError
from worldsim.scenario import Scenario

VERB = "worldsim simulate"

Where = Literal["given", "in_range", "inside", "outside", "outside_all", "combination"]


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
    split: Where = "given"
    """Where each case's parameters are from: given: the flags, the same for all; in_range: drawn as
    training draws; inside, outside (outside_all), combination: drawn where training never does.
    Cases that are drawn have the seeds of tests, which no training meets."""


def main(args: Sequence[str]) -> int:
    """Simulate and store."""
    scenario, options = parse_with_scenario(
        Options, args, verb=VERB, description="Simulate cases of a scenario and store the states.")
    from worldsim.cli import preflight

    preflight.check_counts(options.cases, options.realizations, options.seed)
    duration = preflight.check_duration(scenario, options.duration, least=1.0)
    cases = [scenario] * options.cases
    seed = options.seed
    definition: dict[str, Any] = {}
    if options.split != "given":
        seed, cases = drawn(scenario, options.split, options.seed, options.cases)
        definition = {"split": options.split}
    from evaluation.observe import has_town
    from worldsim.cli.progress import Stages
    from worldsim.rollout import software_versions
    from worldsim.run_directory import RunDirectory

    definition |= truth_definition(cases[0], options.cases, options.realizations, seed, duration)
    if options.split != "given":
        definition["scenario"] |= {"parameters": {}}
    run = RunDirectory.claim(options.out, definition)
    from worldsim.cli import run_stages

    scene = cases[0].scene(seed, 0)
    town = has_town(scene)
    outputs = run_stages.TRUTH + (run_stages.TRUTH_OUTCOMES if town else ())
    if not all(run.has(name) for name in outputs):
        preflight.check_room(options.out, options.cases * options.realizations, duration, scene)
        with run.opened(f"{VERB} {shlex.join(args)}", software_versions()):
            stages = Stages(len(outputs))
            run_stages.simulate_truth(run, cases, stages)
            if town:
                run_stages.assess_truth(run, stages)
    print(f"truth: {run.at('truth.zarr')}")
    if town:
        print(f"what follows from it: {run.at('truth_outcomes.nc')}")
    print(f"look at it: worldsim view {shlex.quote(str(run.path))} --out {run.path.name}.png, or "
          f"worldsim.open({str(run.at('truth.zarr'))!r}) in Python")
    return 0


def drawn(scenario: Scenario, split: str, seed: int, cases: int) -> tuple[int, list[Scenario]]:
    """The seed of a user's test cases, and the cases of a split.

    Raises
    ------
    InputError : the scenario has no such split, or was given parameters.
    """
    from worldsim.splits import Purpose, Split, draw, seed_for

    default = type(scenario)().values()
    given = [name for name, value in scenario.values().items() if value != default[name]]
    if given:
        raise InputError(f"--split {split} draws the parameters; leave "
                         f"--{given[0].replace('_', '-')} away")
    own = seed_for(Purpose.TEST, seed)
    return own, [draw(type(scenario), Split(split), own, case) for case in range(cases)]


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
