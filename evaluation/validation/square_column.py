"""Yeh & Petroff's dam break against a square column: the force along the stream.

Tank 1.60 x 0.61 m, 0.30 m of water behind a gate at x = 0.40 m, 10 mm before it; the column is
0.12 m square, its front at x = 0.90 m, y from 0.25 to 0.37 m, higher than any splash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.validation.case import Case, Check, Curve, Panel
from evaluation.validation.data import COLUMN_FORCE, locate
from evaluation.validation.flow import Flow
from worldsim.simulator.water import SEAWATER_DENSITY, Boundaries

LENGTH, WIDTH, GATE = 1.60, 0.61, 0.40  # m
COLUMN = (0.90, 1.02, 0.25, 0.37)  # m: x0, x1, y0, y1
DEEP, SHALLOW = 0.30, 0.01  # m
MANNING = 0.010  # s m^(-1/3), smooth laboratory floor (Chow 1959, table 5-6); never tuned
FRESH_WATER = 1000.0  # kg m-3
BIN = 0.01  # s
WINDOW = (0.25, 1.30)  # s
NEGATIVE_AFTER = 1.35  # s; the measured force is negative from about here on
END = 1.80  # s
SIZES = ((0.02, 0.01), (0.01, 0.01), (0.01, 0.005))
"""m; dx, dy of the three grids: dx must divide 0.02 m and dy 0.01 m for the column to fit."""


@dataclass(frozen=True, eq=False)
class Force:
    """Force [N] along the stream, the mean of each bin that ends at `time` + BIN / 2 [s]."""

    time: np.ndarray
    force: np.ndarray

    def impulse(self) -> float:
        """Integral over WINDOW [N s]."""
        inside = (self.time > WINDOW[0]) & (self.time < WINDOW[1])
        return float(self.force[inside].sum() * BIN)

    @property
    def peak(self) -> float:
        """Largest force [N]."""
        return float(self.force.max())

    @property
    def arrival(self) -> float:
        """When a quarter of the peak is first reached [s]."""
        return float(self.time[np.argmax(self.force > 0.25 * self.peak)])

    @property
    def negative(self) -> float:
        """Mean force from NEGATIVE_AFTER to END [N]."""
        late = (self.time > NEGATIVE_AFTER) & (self.time < END)
        return float(self.force[late].mean())


def read_measured() -> Force:
    """The digitised record: sorted by time, averaged in bins, empty bins filled linearly."""
    rows = [line.split() for line in locate(COLUMN_FORCE).read_text().splitlines() if line.strip()]
    time, force = np.array(rows, dtype=float).T
    return binned(time, force)


def binned(time: np.ndarray, force: np.ndarray) -> Force:
    """Points in any order as means of bins of BIN [s] from 0 to END."""
    edges = np.arange(round(END / BIN) + 1) * BIN
    count, _ = np.histogram(time, edges)
    total, _ = np.histogram(time, edges, weights=force)
    middle = 0.5 * (edges[:-1] + edges[1:])
    held = count > 0
    return Force(middle, np.interp(middle, middle[held], total[held] / count[held]))


def simulate(dx: float, dy: float) -> Force:
    """The same force from the solver on cells of dx by dy [m]."""
    nx, ny = round(LENGTH / dx), round(WIDTH / dy)
    x, y = (np.arange(nx) + 0.5) * dx, (np.arange(ny) + 0.5) * dy
    x0, x1, y0, y1 = COLUMN
    blocked = (((x > x0) & (x < x1))[None, :] & ((y > y0) & (y < y1))[:, None])[None]
    assert abs(blocked.sum() * dx * dy - 0.12**2) < 1e-9, "the column lies on whole cells"
    depth = np.where(blocked, 0.0, np.where(x < GATE, DEEP, SHALLOW)[None, None, :])
    flow = Flow((dx, dy), np.zeros_like(depth), depth, boundaries=Boundaries(), manning=MANNING,
                blocked=blocked)
    force = []
    count = round(END / BIN)
    for step in range(1, count + 1):
        budget = flow.to(step * BIN)
        push = float((budget.wall_east - budget.wall_west).sum())
        force.append(push / BIN * FRESH_WATER / SEAWATER_DENSITY)
    return Force((np.arange(count) + 0.5) * BIN, np.array(force))


def check() -> Sequence[Check]:
    """Impulse on the finest grid; peak, arrival and negative phase on all three."""
    measured = read_measured()
    found = [simulate(*size) for size in SIZES]
    impulses = [force.impulse() for force in found]
    goal = measured.impulse()
    cells = tuple(round(LENGTH / dx) for dx, _ in SIZES)
    names = [f"{1000 * dx:g} x {1000 * dy:g} mm" for dx, dy in SIZES]

    def study(values: Sequence[float], unit: str) -> str:
        return "; ".join(f"{v:.3g} {unit} at {name}"
                         for v, name in zip(values, names, strict=True))

    panel = Panel("force on the column", "t [s]", "force along the stream [N]", (
        Curve(measured.time, measured.force, "Yeh & Petroff, 10 ms bins", "points"),
        *(Curve(force.time, force.force, f"worldsim, {name}")
          for force, name in zip(found, names, strict=True))))
    finest = found[-1]
    return [
        Check("impulse 0.25-1.3 s, relative error", "1", abs(impulses[-1] / goal - 1), 0.15,
              cells=cells, panels=(panel,),
              note=f"measured {goal:.3g} N s; {study(impulses, 'N s')}; n = {MANNING:.3f}, fresh "
                   "water"),
        Check("impulse, change from the last grid", "1", abs(impulses[-1] / impulses[-2] - 1),
              cells=cells, note="grid study; reported"),
        Check("peak force, relative to measured", "1", finest.peak / measured.peak - 1, cells=cells,
              note=f"measured {measured.peak:.3g} N; {study([f.peak for f in found], 'N')}; "
                   "shallow water has no splash-up"),
        Check("arrival against measured", "s", finest.arrival - measured.arrival, cells=cells,
              note="at a quarter of the own peak; the gate's own motion is not modelled"),
        Check("mean force 1.35-1.8 s", "N", finest.negative, cells=cells,
              note=f"measured {measured.negative:.3g} N; "
                   f"{study([f.negative for f in found], 'N')}"),
    ]


CASES = (
    Case("square_column", "Force of a dam-break bore on a square column",
         "Yeh & Petroff's experiment; Raad & Bidoae 2005, Int. J. Numer. Meth. Fluids 48:1245; "
         "Arnason 2005", check, needs="published data: yeh_petroff/force_experiment.txt"),
)
