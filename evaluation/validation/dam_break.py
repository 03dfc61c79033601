"""Dam breaks on a flat, smooth bed: onto water (Stoker) and onto dry ground (Ritter)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import brentq

from evaluation.validation.case import Case, Check, Curve, Panel
from evaluation.validation.convergence import convergence_panel, order, relative_l1
from evaluation.validation.flow import Flow, centres
from worldsim.simulator.water import GRAVITY, Boundaries, Open

LENGTH = 100.0
CELLS = (50, 100, 200, 400)
HIGH, LOW = 2.0, 0.5  # m
TOLERANCE = 0.005
"""On the finest grid; that of the orders alone a wrong but convergent solver could pass."""


def stoker(
    x: np.ndarray, time: float, high: float, low: float, gravity: float = GRAVITY
) -> tuple[np.ndarray, np.ndarray]:
    """Depth and velocity after a dam between depths `high` and `low` > 0 broke at x = 0, time 0.

    Stoker 1957, Water Waves, sec. 10.8: a rarefaction, a constant state and a shock; the middle
    depth is where the shock's and the rarefaction's velocities agree.
    """
    c_high = np.sqrt(gravity * high)

    def mismatch(h: float) -> float:
        behind_shock = (h - low) * np.sqrt(gravity * (h + low) / (2 * h * low))
        return behind_shock - 2 * (c_high - np.sqrt(gravity * h))

    middle = brentq(mismatch, low, high, xtol=1e-15, rtol=1e-15)
    u = 2 * (c_high - np.sqrt(gravity * middle))
    shock = middle * u / (middle - low)
    s = x / time
    fan_depth, fan_u = (2 * c_high - s) ** 2 / (9 * gravity), 2 * (c_high + s) / 3
    where = [s < -c_high, s < u - np.sqrt(gravity * middle), s < shock]
    depth = np.select(where, [np.full_like(s, high), fan_depth, np.full_like(s, middle)], low)
    velocity = np.select(where, [np.zeros_like(s), fan_u, np.full_like(s, u)], 0.0)
    return depth, velocity


def ritter(
    x: np.ndarray, time: float, high: float, gravity: float = GRAVITY
) -> tuple[np.ndarray, np.ndarray]:
    """Depth and velocity after a dam before dry ground broke at x = 0, time 0.

    Ritter 1892; Stoker 1957, sec. 10.8: one rarefaction from -c to 2 c.
    """
    c = np.sqrt(gravity * high)
    s = x / time
    where = [s < -c, s < 2 * c]
    depth = np.select(where, [np.full_like(s, high), (2 * c - s) ** 2 / (9 * gravity)], 0.0)
    velocity = np.select(where, [np.zeros_like(s), 2 * (c + s) / 3], 0.0)
    return depth, velocity


def broken_dam(
    cells: int, length: float, time: float, high: float, low: float, gravity: float = GRAVITY
) -> tuple[np.ndarray, np.ndarray]:
    """Cell centres [m] from the dam in the middle and the solver's depths [m] at `time` [s]."""
    x = centres(cells, length, -length / 2)
    flow = Flow(length / cells, np.zeros(cells), np.where(x < 0, high, low),
                boundaries=Boundaries(Open(), Open()), gravity=gravity)
    flow.to(time)
    return x, flow.line


def _check(
    time: float, low: float, exact: Callable[[np.ndarray], np.ndarray], least: float
) -> Sequence[Check]:
    errors = []
    for cells in CELLS:
        x, depth = broken_dam(cells, LENGTH, time, HIGH, low)
        errors.append(relative_l1(depth, exact(x)))
    fine = centres(2000, LENGTH, -LENGTH / 2)
    profile = Panel(f"depth after {time:g} s", "x [m]", "depth [m]",
                    (Curve(fine, exact(fine), "exact"),
                     Curve(x, depth, f"worldsim, {CELLS[-1]} cells", "dashed")))
    return [Check("depth, relative L1", "1", errors[-1], TOLERANCE, order=order(errors, CELLS),
                  least_order=least, cells=CELLS,
                  note=f"{HIGH:g} m against {low:g} m in {LENGTH:g} m, after {time:g} s",
                  panels=(profile, convergence_panel(CELLS, errors, least)))]


CASES = (
    Case("stoker", "Dam break onto water", "Stoker 1957, Water Waves, sec. 10.8",
         lambda: _check(6.0, LOW, lambda x: stoker(x, 6.0, HIGH, LOW)[0], 0.9)),
    Case("ritter", "Dam break onto dry ground",
         "Ritter 1892, Z. Ver. Dtsch. Ing. 36:947; Stoker 1957, sec. 10.8",
         lambda: _check(4.0, 0.0, lambda x: ritter(x, 4.0, HIGH)[0], 0.7)),
)
