"""Scenes of rigid bodies are simulated, each member by itself."""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr

from worldsim.simulator.mechanics.checks import check_hidden
from worldsim.simulator.mechanics.member_states import MemberResult, MemberStates
from worldsim.simulator.mechanics.models import SceneModel, scene_model
from worldsim.simulator.mechanics.recording import Recording
from worldsim.simulator.mechanics.scene import (
    STATES_PER_SECOND,
    MechanicalHidden,
    MechanicalScene,
)
from worldsim.simulator.mechanics.stepping import Member
from worldsim.simulator.scene import Physics
from worldsim.simulator.worker_pool import WorkerPool, tick

SHARES = 4
"""Jobs per process: few enough to cost little, many enough that none waits long for the last."""


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
    threads : not used: a step is too short to share.
    workers : processes over which the members are distributed; 1 works in this one.
    progress : called with the finished fraction.

    Raises
    ------
    InputError : a scene cannot be built, or what is hidden does not fit it.
    worldsim.simulator.worker_pool.WorkerDied : a process was killed.
    """
    for scene, draws in zip(scenes, hidden, strict=True):
        for draw in draws:
            check_hidden(scene, draw)
    built = [scene_model(scene, physics) for scene in scenes]
    recording = Recording(built, len(hidden[0]), states)
    members = [(case, r) for case, draws in enumerate(hidden) for r in range(len(draws))]
    done = 0

    def advanced(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done / len(members))

    workers = min(workers, len(members))
    if workers == 1:
        for case, r in members:
            recording.finish((case, r), simulate_member(built[case], hidden[case][r], states))
            advanced(1)
        return recording.datasets()
    size = -(-len(members) // (workers * SHARES))
    chunks = [members[first : first + size] for first in range(0, len(members), size)]
    with WorkerPool(workers) as pool:
        jobs = {
            pool.submit(
                _simulate_chunk,
                [scenes[case] for case, _ in chunk],
                [hidden[case][r] for case, r in chunk],
                states,
                physics,
            ): chunk
            for chunk in chunks
        }
        for job in pool.finished(jobs, advanced):
            for at, result in zip(jobs.pop(job), job.result(), strict=True):
                recording.finish(at, result)
    return recording.datasets()


def _simulate_chunk(
    scenes: list[MechanicalScene], hidden: list[MechanicalHidden], states: int, physics: Physics
) -> list[MemberResult]:
    """In a worker: some members one after the other."""
    results = []
    for scene, draw in zip(scenes, hidden, strict=True):
        results.append(simulate_member(scene_model(scene, physics), draw, states))
        tick(1)
    return results


def simulate_member(built: SceneModel, hidden: MechanicalHidden, states: int) -> MemberResult:
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
    return kept.result()
