"""Where the time of one run goes, method by method."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator
from typing import Any


class Stopwatch:
    """Adds up the time spent in methods, by a name given to each."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def timed(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """`work`, whose time is added to that of `name`."""

        @functools.wraps(work)
        def run(*args: Any, **kwargs: Any) -> Any:
            begun = time.perf_counter()
            try:
                return work(*args, **kwargs)
            finally:
                spent = time.perf_counter() - begun
                self.seconds[name] = self.seconds.get(name, 0.0) + spent

        return run

    @contextlib.contextmanager
    def on(self, methods: dict[str, tuple[type, str]]) -> Iterator[None]:
        """Time those methods of classes while the block runs."""
        before = {name: getattr(*at) for name, at in methods.items()}
        try:
            for name, (owner, method) in methods.items():
                setattr(owner, method, self.timed(name, before[name]))
            yield
        finally:
            for name, (owner, method) in methods.items():
                setattr(owner, method, before[name])
