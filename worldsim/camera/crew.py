"""Work shared out among threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

import torch

Task = TypeVar("Task")
Result = TypeVar("Result")


class Crew:
    """As many threads as torch may use (`torch.get_num_threads`), each of which works alone.

    Whole tasks are dealt out rather than parts of array operations: those are too short to be
    worth waiting for one another. A context manager; called as ``crew(function, tasks)`` it
    yields the results in the order of the tasks.
    """

    def __init__(self) -> None:
        self._threads = torch.get_num_threads()
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Crew:
        if self._threads > 1:
            self._pool = ThreadPoolExecutor(
                self._threads, initializer=torch.set_num_threads, initargs=(1,)
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            # What a thread sets is also what torch gives to threads that start later.
            torch.set_num_threads(self._threads)

    def __call__(self, function: Callable[[Task], Result],
                 tasks: Iterable[Task]) -> Iterator[Result]:
        return map(function, tasks) if self._pool is None else self._pool.map(function, tasks)
