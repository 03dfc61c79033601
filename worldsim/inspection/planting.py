"""True rollouts with one thing wrong: what inspections and benchmarks are tested on.

Teleports and vanishings are written into the states; kicks and another gravity are simulated.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from worldsim.errors import InputError
from worldsim.mechanics import STATES_PER_SECOND, Kick, MechanicalScene
from worldsim.scenario import Scenario
from worldsim.simulator.scene import Physics

AWAY = 1.0e6
"""m; how far below the ground what has vanished is put, out of every camera's sight."""


def teleported(truth: xr.DataTree, case: int, realization: int, body: int, time: float,
               shift: Sequence[float]) -> xr.DataTree:
    """The rollout with a body `shift` (x, y, z) m away from where it should be, from `time` [s] on.

    Parameters
    ----------
    case, realization, body : positions along these dims.
    """
    return _moved(truth, case, realization, body, time, np.asarray(shift, dtype=float))


def vanished(truth: xr.DataTree, case: int, realization: int, body: int, time: float
             ) -> xr.DataTree:
    """The rollout with a body out of sight from `time` [s] on."""
    return _moved(truth, case, realization, body, time, np.array([0.0, 0.0, AWAY]))


def _moved(truth: xr.DataTree, case: int, realization: int, body: int, time: float,
           shift: np.ndarray) -> xr.DataTree:
    bodies = truth["bodies"].dataset
    position = bodies["position"].copy(deep=True)
    late = bodies["time"].values >= time - 1e-9
    if not late.any() or late.all():
        raise InputError(f"time={time:g} s: give a time within the rollout, after its start")
    position.values[case, realization, late, body] += shift
    changed = truth.copy()
    changed["bodies"] = xr.DataTree(
        bodies.assign(position=position).drop_vars(["case", "realization"], errors="ignore"))
    return changed


def with_kick(scenario: Scenario, kick: Kick) -> Scenario:
    """The scenario with an intervention that its definition does not have, in every case.

    It has the same name, parameters and draws, so that it is simulated like the scenario.
    """
    return _kicked(type(scenario), lambda case: (kick,))(**scenario.values())


def with_kicks(scenarios: Sequence[Scenario], kicks: Mapping[int, Sequence[Kick]]
               ) -> list[Scenario]:
    """As `with_kick`, for cases of one simulation: interventions of its own by case number."""
    one = _kicked(type(scenarios[0]), lambda case: tuple(kicks.get(case, ())))
    return [one(**scenario.values()) for scenario in scenarios]


def _kicked(cls: type[Scenario], kicks_of: Callable[[int], tuple[Kick, ...]]) -> type[Scenario]:
    def scene(self: Scenario, seed: int, case: int) -> Any:
        whole = cls.scene(self, seed, case)
        return dataclasses.replace(whole, kicks=(*whole.kicks, *kicks_of(case)))

    return type(cls.__name__, (cls,), {"scene": scene, "__module__": cls.__module__})


def energy_kick(time: float, body: str, gain: float) -> Kick:
    """A kick that gives a body `gain` times its own kinetic energy on top, at the multiple of
    1/120 s next to `time`."""
    if gain <= -1:
        raise InputError(f"gain={gain:g}: a body cannot lose more than it has; give above -1")
    states = round(time * STATES_PER_SECOND)
    return Kick(states / STATES_PER_SECOND, body, float(np.sqrt(1 + gain)))


def energy_kicks(scene: MechanicalScene, time: float, body: str, gain: float) -> tuple[Kick, ...]:
    """`energy_kick` of a body and of all that it hangs on, so that its velocity grows in all
    directions alike."""
    bodies = {one.name: one for one in scene.bodies}
    kicks = []
    at: str | None = body
    while at is not None:
        if bodies[at].joint is not None:
            kicks.append(energy_kick(time, at, gain))
        at = bodies[at].parent
    return tuple(kicks)


def other_gravity(factor: float) -> Physics:
    """Laws with another gravity."""
    return Physics(gravity=Physics().gravity * factor)
