"""A bore that runs over still water into a wall: depth, speed and force after reflection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from evaluation.validation.case import Case, Check, Curve, Panel
from evaluation.validation.convergence import convergence_panel, order
from evaluation.validation.flow import WIDE, Flow, centres
from worldsim.simulator.water import GRAVITY, SEAWATER_DENSITY, Boundaries, Open

AHEAD, BEHIND = 1.0, 2.0  # m, depths before and behind the bore
LENGTH, START = 120.0, 30.0  # m: of the channel, and of the bore from the wall
SECONDS = 10.0
CELLS = (120, 180, 270, 405)


@dataclass(frozen=True)
class Bore:
    """Exact states: velocity behind the bore and its speed [m/s], depth after reflection [m],
    speed of the reflected bore away from the wall [m/s]."""

    velocity: float
    speed: float
    reflected: float
    return_speed: float


def shock_velocity(h: float, h0: float) -> float:
    """Jump of velocity [m/s] across a bore between depths h > h0: (h - h0) sqrt(g (h + h0) /
    (2 h h0)) (Stoker 1957, sec. 10.7; the Rankine-Hugoniot conditions)."""
    return (h - h0) * np.sqrt(GRAVITY * (h + h0) / (2 * h * h0))


def exact() -> Bore:
    """The bore and its reflection, behind which the water is at rest."""
    u = shock_velocity(BEHIND, AHEAD)
    star = brentq(lambda h: shock_velocity(h, BEHIND) - u, BEHIND, 10 * BEHIND, xtol=1e-14)
    return Bore(u, BEHIND * u / (BEHIND - AHEAD), star, BEHIND * u / (star - BEHIND))


def check() -> Sequence[Check]:
    """Order of the depth, force on the wall after reflection, impulse from before to the end."""
    bore = exact()
    arrival = START / bore.speed
    assert arrival + 2.0 < SECONDS
    front = bore.return_speed * (SECONDS - arrival)
    push_before, push_after = (0.5 * SEAWATER_DENSITY * GRAVITY * h**2
                               for h in (AHEAD, bore.reflected))
    errors, forces = [], []
    for cells in CELLS:
        x = centres(cells, LENGTH, -LENGTH)  # the wall is at x = 0
        behind = x < -START
        depth = np.where(behind, BEHIND, AHEAD)
        momentum = np.where(behind, depth * bore.velocity, 0.0)
        flow = Flow(LENGTH / cells, np.zeros(cells), depth, momentum,
                    boundaries=Boundaries(west=Open()))
        early = flow.to(SECONDS - 1.5)
        late = flow.to(SECONDS)
        before, after = (-float(b.boundary_impulse[0, 1, 0]) / WIDE for b in (early, late))
        forces.append((after / 1.5, before + after))
        # The wave from the open end runs at most at u + c behind the bore.
        reach = (bore.velocity + np.sqrt(GRAVITY * BEHIND)) * SECONDS + 5.0
        inner = x > -LENGTH + reach
        final = np.where(x > -front, bore.reflected, BEHIND)
        errors.append(float(np.abs(flow.line - final)[inner].mean()) / BEHIND)
    steady, impulse = forces[-1]
    whole = push_before * arrival + push_after * (SECONDS - arrival)
    profile = Panel(f"after {SECONDS:g} s", "x [m], wall at 0", "depth [m]",
                    (Curve(x[inner], final[inner], "exact"),
                     Curve(x[inner], flow.line[inner], f"worldsim, {CELLS[-1]} cells", "dashed")))
    note = (f"bore of {BEHIND:g} m on {AHEAD:g} m, {bore.speed:.2f} m/s, reflected at "
            f"{bore.reflected:.3f} m")
    return [
        Check("depth, relative L1", "1", errors[-1], 0.01, order=order(errors, CELLS),
              least_order=0.9, cells=CELLS, note=note,
              panels=(profile, convergence_panel(CELLS, errors, 0.9))),
        Check("wall force after reflection", "1", abs(steady / push_after - 1), 0.01, cells=CELLS,
              note="relative to rho g h*^2 / 2; mean of the last 1.5 s"),
        Check("wall impulse", "1", abs(impulse / whole - 1), 0.01, cells=CELLS,
              note=f"over {SECONDS:g} s, before and after the reflection, relative"),
    ]


CASES = (Case("reflected_bore", "Bore reflected off a wall",
              "Stoker 1957, Water Waves, sec. 10.7 (shock conditions)", check),)
