"""The simulator: many members at once, states stored, pixels later.

A scenario's scene decides who simulates: water with bodies in it, or rigid bodies alone.
"""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch
import xarray as xr

from worldsim.errors import InputError, MembersFailed
from worldsim.rollout import parameters_dataset, root_dataset
from worldsim.scenario import Scenario
from worldsim.simulator.audit_record import failed_members
from worldsim.simulator.mechanics.scene import STATES_PER_SECOND as MECHANICAL_STATES_PER_SECOND
from worldsim.simulator.mechanics.scene import Kick, MechanicalScene
from worldsim.simulator.members import STATES_PER_SECOND
from worldsim.simulator.scene import Physics

DURATION_UNIT = 0.1
"""s; durations are multiples of it."""


def simulate(
    scenario: Scenario | Sequence[Scenario],
    cases: int = 1,
    realizations: int = 1,
    seed: int = 0,
    *,
    duration: float | None = None,
    case_numbers: Sequence[int] | None = None,
    first_realization: int = 0,
    physics: Physics | None = None,
    kicks: Sequence[Kick] = (),
    threads: int = 0,
    workers: int = 1,
    compiled: bool = False,
    single: bool = False,
    progress: Callable[[float], None] | None = None,
) -> xr.DataTree:
    """Simulate a scenario in MuJoCo, and shallow water where it has any: the ground truth.

    Parameters
    ----------
    scenario : one scenario for all cases, or one per case.
    cases : number of cases (layouts); ignored when `scenario` is a sequence.
    realizations : hidden draws per case.
    seed : seed of every random stream.
    duration : s, a multiple of 0.1; the scenario's own by default.
    case_numbers : the cases' numbers, by which their streams are keyed; 0, 1, … by default.
    first_realization : number of the first realization (for other hidden draws of the same cases).
    physics : laws and constants, to simulate a deliberately wrong world.
    kicks : interventions in every case, of scenes of rigid bodies; besides those that they have.
    threads : threads for MuJoCo; 0 means all cores. Results do not depend on it.
    workers : processes over which the members are distributed; results do not depend on it. Pays
        from some ten members on. A script that asks for more than one needs the usual
        ``if __name__ == "__main__":``, since every process imports it.
    compiled : compile the water solver first (pays from about 50 members on).
    single : water in single precision, held to wider audit limits of its own.
        Both mean nothing where there is no water.
    progress : called with the finished fraction.

    Returns
    -------
    A rollout with `/parameters`, `/bodies`, `/audit`, and `/water`, `/structures`, … or `/parts`,
    `/contacts`, `/energy`; see `worldsim.rollout`.

    Raises
    ------
    InputError : an argument cannot be used.
    worldsim.simulator.distribution.WorkerDied : one of several processes was killed.

    Warns
    -----
    worldsim.errors.MembersFailed : members diverged, or their books do not close. They are kept,
        marked in `/audit` (`failed`) and counted; the others are as they would be without them.
    """
    scenarios = [scenario] * cases if isinstance(scenario, Scenario) else list(scenario)
    numbers = list(range(len(scenarios))) if case_numbers is None else list(case_numbers)
    _check(scenarios, numbers, realizations, seed, workers)
    law = physics or Physics()
    length = scenarios[0].duration if duration is None else duration
    tenths = round(length / DURATION_UNIT)
    if tenths < 1 or abs(tenths * DURATION_UNIT - length) > 1e-9:
        raise InputError(f"duration={length:g} s: give a positive multiple of 0.1 s")

    scenes = [s.scene(seed, number) for s, number in zip(scenarios, numbers, strict=True)]
    if kicks:
        if not all(isinstance(scene, MechanicalScene) for scene in scenes):
            raise InputError(
                f"{scenarios[0].name!r} takes no kicks; it is no scene of rigid bodies"
            )
        scenes = [dataclasses.replace(scene, kicks=(*scene.kicks, *kicks)) for scene in scenes]
    hidden = [
        [
            scenario.hidden(scene, seed, number, first_realization + r)
            for r in range(realizations)
        ]
        for scenario, scene, number in zip(scenarios, scenes, numbers, strict=True)
    ]
    if any(scene.cameras != scenes[0].cameras for scene in scenes):
        raise InputError(
            f"the cameras of {scenarios[0].name!r} differ from case to case; give all its scenes "
            "the same, independent of parameters and case"
        )
    if all(isinstance(scene, MechanicalScene) for scene in scenes):
        from worldsim.simulator.mechanics.run import mechanical_states

        count = round(length * MECHANICAL_STATES_PER_SECOND)
        states = mechanical_states(
            scenes, hidden, count, law, threads=threads, workers=workers, progress=progress
        )
    else:
        from worldsim.simulator.distribution import Manner, states_of

        manner = Manner(law, threads, compiled, torch.float32 if single else torch.float64)
        count = round(length * STATES_PER_SECOND)
        states = states_of(scenes, hidden, count, manner, workers, progress)

    groups = {
        "/": root_dataset(
            kind="simulated",
            scenario=type(scenarios[0]),
            cases=numbers,
            realizations=range(first_realization, first_realization + realizations),
            seed=seed,
            backend=("compiled" if compiled else "eager") + (" float32" if single else ""),
            physics=json.dumps(vars(law)),
            cameras=json.dumps(
                {name: json.loads(camera.to_json()) for name, camera in scenes[0].cameras.items()}
            ),
        ),
        "/parameters": parameters_dataset(
            type(scenarios[0]),
            {
                name: np.array([s.codes()[name] for s in scenarios])
                for name in scenarios[0].parameters()
            },
        ),
    }
    rollout = xr.DataTree.from_dict(groups | states)
    failed = failed_members(rollout)
    if failed:
        warnings.warn(MembersFailed(failed, len(scenarios) * realizations), stacklevel=2)
    return rollout


def _check(
    scenarios: list[Scenario], numbers: list[int], realizations: int, seed: int, workers: int
) -> None:
    if not scenarios or realizations < 1:
        raise InputError("give at least one case and one realization")
    if len(numbers) != len(scenarios) or min(numbers) < 0 or len(set(numbers)) != len(numbers):
        raise InputError("case_numbers must be as many as cases, different, and not negative")
    if seed < 0:
        raise InputError(f"seed={seed}: give 0 or more")
    if workers < 1:
        raise InputError(f"workers={workers}: give 1 process or more")
    if any(type(s) is not type(scenarios[0]) for s in scenarios):
        raise InputError("all cases of one simulation must be of one scenario")
