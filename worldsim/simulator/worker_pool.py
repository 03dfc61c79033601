"""Processes that share work, report how far they are, and end with the one that started them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.queues import SimpleQueue
from typing import TypeVar

Result = TypeVar("Result")

PROGRESS_SECONDS = 0.2


class WorkerDied(RuntimeError):
    """A process of the simulation ended before it had finished."""

    def __init__(self, workers: int) -> None:
        super().__init__(
            f"one of {workers} processes of the simulation ended unexpectedly, most likely for "
            "want of memory; use fewer workers, or fewer members at a time"
        )


class WorkerPool:
    """Processes that do jobs, and that end with this one, at once if the block fails.

    Spawned, not forked: torch's threads do not survive a fork. Interrupts are this process's to
    handle: a worker ignores them, and ends when the other end of its pipe is closed.
    """

    def __init__(self, workers: int, prepare: Callable[[], object] | None = None) -> None:
        """`prepare` is called first in each of the `workers` processes."""
        context = get_context("spawn")
        self._workers = workers
        self._ticks = context.SimpleQueue()
        self._watched, self._held = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(
            workers, context, _start_worker, (self._watched, self._ticks, prepare)
        )

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None:
            self._held.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._held.close()
        self._watched.close()
        self._ticks.close()

    def submit(self, job: Callable[..., Result], *arguments: object) -> Future[Result]:
        """Have the next free process do a job: a function of a module, and what it is given."""
        return self._pool.submit(job, *arguments)

    def finished(
        self, jobs: Iterable[Future[Result]], advanced: Callable[[int], None]
    ) -> Iterator[Future[Result]]:
        """Each job as it is finished; meanwhile `advanced` hears of every `tick`.

        Raises
        ------
        WorkerDied : a process was killed.
        """
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
"""Of a worker: where it says how far it is."""


def tick(count: int) -> None:
    """In a worker: tell `WorkerPool.finished` that `count` more is done."""
    _ticks.put(count)


def _start_worker(
    watched: Connection, ticks: SimpleQueue[int], prepare: Callable[[], object] | None
) -> None:
    global _ticks
    _ticks = ticks
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if prepare is not None:
        prepare()
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()


def _end_with(watched: Connection) -> None:
    """Nothing is ever sent: the pipe becomes readable when the main process closes it or ends."""
    watched.poll(None)
    os._exit(1)
