"""Errors against a known solution, and the order at which they fall as the grid is refined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.validation.case import Curve, Panel


def order(errors: Sequence[float], cells: Sequence[int]) -> float:
    """Observed order: least-squares slope of log error over log cell size."""
    size = -np.log(np.asarray(cells, dtype=float))
    slope, _ = np.polyfit(size, np.log(np.asarray(errors, dtype=float)), 1)
    return float(slope)


def relative_l1(found: np.ndarray, exact: np.ndarray) -> float:
    """Mean absolute error over the mean absolute exact value."""
    return float(np.abs(found - exact).mean() / np.abs(exact).mean())


def convergence_panel(cells: Sequence[int], errors: Sequence[float], goal: float) -> Panel:
    """Errors over cell counts, with a line of the demanded slope through the first."""
    n = np.asarray(cells, dtype=float)
    wanted = errors[0] * (n / n[0]) ** -goal
    curves = (Curve(n, np.asarray(errors), "found", "points"),
              Curve(n, wanted, f"order {goal:g}", "dashed"))
    return Panel("convergence", "cells along x", "relative L1 error", curves, loglog=True)
