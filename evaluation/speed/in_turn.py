"""Two or more things run in turn, several times: a busy machine slows all of them alike."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Mapping


@dataclasses.dataclass(frozen=True)
class Timings:
    """Wall times [s] of the same things, run in turn; `seconds[name]` has one entry a round."""

    seconds: dict[str, tuple[float, ...]]

    def best(self, name: str) -> float:
        """The shortest time [s]: the one that other work on the machine disturbed least."""
        return min(self.seconds[name])

    def ratios(self, above: str, below: str) -> tuple[float, ...]:
        """Time of `above` over time of `below`, round by round."""
        pairs = zip(self.seconds[above], self.seconds[below], strict=True)
        return tuple(a / b for a, b in pairs)

    def ratio(self, above: str, below: str) -> float:
        """Median over the rounds of the time of `above` over that of `below`."""
        return statistics.median(self.ratios(above, below))


def in_turn(
    things: Mapping[str, Callable[[], object]], rounds: int, warm_up: bool = True
) -> Timings:
    """Run each of `things` once a round and time it; the order turns round from round to round.

    Parameters
    ----------
    things : what to run, by name.
    rounds : how many times each is timed.
    warm_up : run each once before (compilation, caches, first touch of memory).
    """
    assert rounds >= 1 and things
    if warm_up:
        for work in things.values():
            work()
    seconds: dict[str, list[float]] = {name: [] for name in things}
    for number in range(rounds):
        order = list(things) if number % 2 == 0 else list(things)[::-1]
        for name in order:
            begun = time.perf_counter()
            things[name]()
            seconds[name].append(time.perf_counter() - begun)
    return Timings({name: tuple(values) for name, values in seconds.items()})
