"""Scenes of rigid bodies are simulated, each member by itself."""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr

from worldsim.simulator.mechanics.models import SceneModel, scene_model
from worldsim.simulator.mechanics.recording import MemberStates, Recording
from worldsim.simulator.mechanics.scene import (
    STATES_PER_SECOND,
    MechanicalHidden,
    MechanicalScene,
)
from worldsim.simulator.mechanics.stepping import Member
from worldsim.simulator.scene import Physics


def mechanical_states(
    scenes: list[MechanicalScene],
    hidden: list[list[MechanicalHidden]],
    states: int,
    physics: Physics,
    *,
    threads: int,
    workers: int,
    progress: Callable[[float], None] | None,
) -> dict[str, xr.Dataset]:
    """Simulate every realization of every case: the rollout's groups of states.

    Parameters
    ----------
    scenes : one per case. hidden : per case, one per realization.
    states : stored after the first, `STATES_PER_SECOND`.
    progress : called with the finished fraction.

    Raises
    ------
    InputError : a scene cannot be built.
    """
    built = [scene_model(scene, physics) for scene in scenes]
    recording = Recording(built, len(hidden[0]), states)
    total = len(hidden) * len(hidden[0])
    done = 0
    for case, draws in enumerate(hidden):
        for realization, draw in enumerate(draws):
            member, kept = simulate_member(built[case], draw, states)
            recording.finish((case, realization), member, kept)
            done += 1
            if progress is not None:
                progress(done / total)
    return recording.datasets()


def simulate_member(
    built: SceneModel, hidden: MechanicalHidden, states: int
) -> tuple[Member, MemberStates]:
    """One member from t=0 to its last state, or to where it diverged."""
    member = Member(built, hidden)
    kept = MemberStates(member, states)
    steps = round(1 / (STATES_PER_SECOND * built.scene.step))
    for state in range(states + 1):
        if not kept.store(state) or state == states:
            break
        for kick in built.scene.kicks:
            if round(kick.time * STATES_PER_SECOND) == state:
                kept.give(member.kick(kick))
        for _ in range(steps):
            member.advance()
    return member, kept
