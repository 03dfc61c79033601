"""What a benchmark found: one row a number, with its goal if it has one."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Row:
    """One measured number.

    Parameters
    ----------
    what : what was measured, in a few words.
    value, unit : the number; ratios are of medians over rounds run in turn.
    goal : the number to reach; None where there is none.
    at_most : whether smaller is better.
    worst : the least favourable round's value; None where there is one only.
    """

    what: str
    value: float
    unit: str = "x"
    goal: float | None = None
    at_most: bool = True
    worst: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.at_most else self.value >= self.goal

    @property
    def distance(self) -> float:
        """How many times too slow (1: just met, below 1: met with room)."""
        assert self.goal is not None
        return self.value / self.goal if self.at_most else self.goal / self.value

    def as_json(self) -> dict[str, Any]:
        """Fields, and whether the goal is met."""
        return dataclasses.asdict(self) | {"met": self.met}


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """One benchmark's rows.

    Parameters
    ----------
    name, title : as given to ``--only``, and in words.
    compared : exactly what was run against what, in full sentences.
    rows : the numbers; none if `missing`.
    missing : what could not be had on this machine, and how to get it; "" if nothing.
    details : all single measurements.
    """

    name: str
    title: str
    compared: str
    rows: tuple[Row, ...]
    missing: str = ""
    details: dict[str, Any] = dataclasses.field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "name": self.name,
            "title": self.title,
            "compared": self.compared,
            "missing": self.missing,
            "rows": [row.as_json() for row in self.rows],
            "details": self.details,
        }
