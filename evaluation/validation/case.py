"""What validation consists of: a case with its source, the numbers it yields, their curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np


class NotAvailable(Exception):
    """A case cannot be run here; the message says what it needs and how to get it."""


class Diverged(RuntimeError):
    """The solver's state ceased to be finite within a case: the case fails."""


@dataclass(frozen=True, eq=False)
class Curve:
    """One line or set of points of a plot: x (n,), y (n,), in the panel's units."""

    x: np.ndarray
    y: np.ndarray
    label: str
    style: str = "line"  # "line", "dashed" or "points"


@dataclass(frozen=True, eq=False)
class Panel:
    """One pair of axes. loglog : both axes logarithmic."""

    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    loglog: bool = False


@dataclass(frozen=True)
class Check:
    """One row of the table.

    quantity, unit : what `error` is (unit "1" for ratios).
    error : the number found.
    tolerance : largest `error` that passes; None where only the order counts, or nothing does.
    order : observed order of convergence over `cells`, or None.
    least_order : smallest order that passes.
    cells : cells along x of the grids used, the last being `error`'s.
    note : one sentence on how it was measured.
    panels : what to plot.
    """

    quantity: str
    unit: str
    error: float
    tolerance: float | None = None
    order: float | None = None
    least_order: float | None = None
    cells: tuple[int, ...] = ()
    note: str = ""
    panels: tuple[Panel, ...] = field(default=(), repr=False, compare=False)

    @property
    def passed(self) -> bool | None:
        """Whether the row meets its goals; None for a number that is only reported."""
        if self.tolerance is None and self.least_order is None:
            return None if math.isfinite(self.error) else False
        within = math.isfinite(self.error)
        if self.tolerance is not None:
            within = within and self.error <= self.tolerance
        if self.least_order is not None:
            within = within and self.order is not None and self.order >= self.least_order
        return bool(within)  # NumPy's own bools are neither True nor False


@dataclass(frozen=True)
class Case:
    """One problem with a known answer.

    name : for `--case`; title : for people; source : paper and equation.
    needs : what must be present besides worldsim, "" if nothing.
    check : computes the rows; raises NotAvailable, Diverged.
    """

    name: str
    title: str
    source: str
    check: Callable[[], Sequence[Check]]
    needs: str = ""


@dataclass(frozen=True)
class Outcome:
    """A case that was tried. failure : why it failed before it could yield rows; missing : why
    it was not run; both "" if it ran."""

    case: Case
    checks: tuple[Check, ...]
    seconds: float
    failure: str = ""
    missing: str = ""

    @property
    def status(self) -> str:
        """"passed", "failed" or "not run"."""
        if self.missing:
            return "not run"
        failed = self.failure or any(check.passed is False for check in self.checks)
        return "failed" if failed else "passed"
