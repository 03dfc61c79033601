"""Members are simulated in chunks: here, one chunk after the other, or by several processes.

No member's numbers depend on which others share its chunk, its process or its threads, so the way
they are distributed changes nothing but the time.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.queues import SimpleQueue
from typing import Any

import torch
import xarray as xr

from worldsim.simulator.audit_record import MEMBER
from worldsim.simulator.members import World
from worldsim.simulator.recording import Recording
from worldsim.simulator.scene import Hidden, Physics, Scene

MEMBERS_AT_ONCE = 32
"""Members that are stepped together."""

PROGRESS_SECONDS = 0.2


WORTHWHILE = 40.0
"""Seconds of members to simulate from which starting processes (some 4 s each) is repaid: eagerly
a second of a member takes about a third of a second of one core."""


def workers_that_pay(members: int, duration: float) -> int:
    """How many processes simulate so many members of `duration` [s] soonest on this machine."""
    if members * duration < WORTHWHILE:
        return 1
    return max(1, min(members, os.cpu_count() or 1))


class WorkerDied(RuntimeError):
    """A process of the simulation ended before it had finished."""

    def __init__(self, workers: int) -> None:
        super().__init__(
            f"one of {workers} processes of the simulation ended unexpectedly, most likely for "
            "want of memory; use fewer workers, or fewer members at a time"
        )


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
    with _Pool(workers, threads) as pool:
        jobs = {
            pool.submit(
                [scenes[c] for c, _ in chunk], [hidden[c][r] for c, r in chunk], manner, frames
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


class _Pool:
    """Processes that simulate chunks, and that end with this one, at once if the block fails.

    Spawned, not forked: torch's threads do not survive a fork. Interrupts are this process's to
    handle: a worker ignores them, and ends when the other end of its pipe is closed.
    """

    def __init__(self, workers: int, threads: int) -> None:
        context = get_context("spawn")
        self._workers = workers
        self._ticks = context.SimpleQueue()
        self._watched, self._held = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(
            workers, context, _start_worker, (self._watched, self._ticks, threads)
        )

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None:
            self._held.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._held.close()
        self._watched.close()
        self._ticks.close()

    def submit(self, *chunk: Any) -> Future[dict[str, xr.Dataset]]:
        """Have a chunk simulated by the next free process; see `_simulate_chunk`."""
        return self._pool.submit(_simulate_chunk, *chunk)

    def finished(
        self, jobs: Iterable[Future[dict[str, xr.Dataset]]], advanced: Callable[[int], None]
    ) -> Iterator[Future[dict[str, xr.Dataset]]]:
        """Each job as it is finished; meanwhile `advanced` hears of the members' frames."""
        waiting = set(jobs)
        while waiting:
            done, waiting = wait(waiting, PROGRESS_SECONDS, FIRST_COMPLETED)
            while not self._ticks.empty():
                advanced(self._ticks.get())
            for job in done:
                if isinstance(job.exception(), BrokenProcessPool):
                    raise WorkerDied(self._workers)
                yield job


_ticks: SimpleQueue[int]
"""Of a worker: where it says how many members have advanced by a frame."""


def _start_worker(watched: Connection, ticks: SimpleQueue[int], threads: int) -> None:
    global _ticks
    _ticks = ticks
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()


def _end_with(watched: Connection) -> None:
    """Nothing is ever sent: the pipe becomes readable when the main process closes it or ends."""
    watched.poll(None)
    os._exit(1)


def _simulate_chunk(
    scenes: list[Scene], hidden: list[Hidden], manner: Manner, frames: int
) -> dict[str, xr.Dataset]:
    """In a worker: members as so many cases of one realization."""
    recording = Recording(scenes, 1, frames)
    at = [(case, 0) for case in range(len(scenes))]
    _run(scenes, hidden, manner, recording, at, frames, _ticks.put)
    return recording.datasets()
