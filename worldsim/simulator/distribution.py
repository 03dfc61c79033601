"""Members are simulated in chunks: here, one chunk after the other, or by several processes.

No member's numbers depend on which others share its chunk, its process or its threads, so the way
they are distributed changes nothing but the time.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from functools import partial

import torch
import xarray as xr

from worldsim.simulator.audit_record import MEMBER
from worldsim.simulator.members import World
from worldsim.simulator.recording import Recording
from worldsim.simulator.scene import Hidden, Physics, Scene
from worldsim.simulator.worker_pool import WorkerDied, WorkerPool, tick

__all__ = ["Manner", "WorkerDied", "states_of", "workers_that_pay"]

MEMBERS_AT_ONCE = 32
"""Members that are stepped together."""

WORTHWHILE = 40.0
"""Seconds of members to simulate from which starting processes (some 4 s each) is repaid: eagerly
a second of a member takes about a third of a second of one core."""


def workers_that_pay(members: int, duration: float) -> int:
    """How many processes simulate so many members of `duration` [s] soonest on this machine."""
    if members * duration < WORTHWHILE:
        return 1
    return max(1, min(members, os.cpu_count() or 1))


@dataclasses.dataclass(frozen=True)
class Manner:
    """How all members are simulated; see `World`. threads : of MuJoCo, 0 means all cores."""

    physics: Physics
    threads: int
    compiled: bool
    dtype: torch.dtype


def states_of(
    scenes: list[Scene],
    hidden: list[list[Hidden]],
    frames: int,
    manner: Manner,
    workers: int,
    progress: Callable[[float], None] | None,
) -> dict[str, xr.Dataset]:
    """Simulate every realization of every case: the rollout's groups of states.

    Parameters
    ----------
    scenes : one per case. hidden : per case, one per realization.
    frames : stored states after the first.
    workers : processes; 1 works in this one.
    progress : called with the finished fraction.

    Raises
    ------
    WorkerDied : a process was killed.
    """
    members = [(c, r) for c, draws in enumerate(hidden) for r in range(len(draws))]
    done = 0

    def advanced(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done / (len(members) * (frames + 1)))

    recording = Recording(scenes, len(hidden[0]), frames)
    size = min(MEMBERS_AT_ONCE, -(-len(members) // workers))
    chunks = [members[first : first + size] for first in range(0, len(members), size)]
    if workers == 1 or len(chunks) == 1:
        for chunk in chunks:
            draws = [hidden[c][r] for c, r in chunk]
            _run([scenes[c] for c, _ in chunk], draws, manner, recording, chunk, frames, advanced)
        return recording.datasets()
    groups = recording.datasets()
    workers = min(workers, len(chunks))
    threads = max(1, (os.cpu_count() or 1) // workers)
    manner = dataclasses.replace(manner, threads=manner.threads or threads)
    with WorkerPool(workers, partial(torch.set_num_threads, threads)) as pool:
        jobs = {
            pool.submit(
                _simulate_chunk,
                [scenes[c] for c, _ in chunk],
                [hidden[c][r] for c, r in chunk],
                manner,
                frames,
            ): chunk
            for chunk in chunks
        }
        for job in pool.finished(jobs, advanced):
            _insert(groups, jobs.pop(job), job.result())
    return groups


def _run(
    scenes: list[Scene],
    hidden: list[Hidden],
    manner: Manner,
    recording: Recording,
    at: list[tuple[int, int]],
    frames: int,
    advanced: Callable[[int], None],
) -> None:
    """Simulate some members and record them as the (case, realization) in `at`."""
    world = World(
        scenes, hidden, manner.physics, manner.threads, manner.compiled, manner.dtype
    )
    for frame in world.frames(frames):
        recording.store(at, frame, world)
        advanced(len(at))
    recording.finish(at, world)


def _insert(
    groups: dict[str, xr.Dataset], chunk: list[tuple[int, int]], part: dict[str, xr.Dataset]
) -> None:
    """Put a chunk's states, one case each, where they belong among all."""
    case, realization = (list(index) for index in zip(*chunk, strict=True))
    for group, found in part.items():
        groups[group].attrs.update(found.attrs)
        for name, variable in found.data_vars.items():
            if variable.dims[:2] == MEMBER:
                groups[group][name].values[case, realization] = variable.values[:, 0]


def _simulate_chunk(
    scenes: list[Scene], hidden: list[Hidden], manner: Manner, frames: int
) -> dict[str, xr.Dataset]:
    """In a worker: members as so many cases of one realization."""
    recording = Recording(scenes, 1, frames)
    at = [(case, 0) for case in range(len(scenes))]
    _run(scenes, hidden, manner, recording, at, frames, tick)
    return recording.datasets()
