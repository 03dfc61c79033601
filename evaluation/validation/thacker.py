"""Water swinging in a parabolic bowl, its shore moving without end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from evaluation.validation.case import Case, Check, Curve, Panel
from evaluation.validation.convergence import convergence_panel, order, relative_l1
from evaluation.validation.flow import Flow, centres
from worldsim.simulator.water import GRAVITY, Boundaries

DEPTH, RADIUS = 0.1, 1.0  # m: at the bowl's middle, of the shore at rest
LENGTH = 4.0  # m, of the square
SHIFT = 0.5  # m; how far the planar surface's centre of mass swings, times RADIUS
SHORE = 0.8  # m; where the curved surface's shore stands at time 0
CELLS = (32, 48, 72, 108)

Solution = Callable[
    [np.ndarray, np.ndarray, float, float], tuple[np.ndarray, np.ndarray, np.ndarray]
]


def bowl(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bed [m] above the still water's surface."""
    return DEPTH * ((x * x + y * y) / RADIUS**2 - 1.0)


def planar(
    x: np.ndarray, y: np.ndarray, time: float, gravity: float = GRAVITY
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth, u, v of a plane surface that circles in the bowl.

    Thacker 1981, J. Fluid Mech. 107:499, sec. 3 (no rotation): the surface
    eta = (s D / a^2) (2 x cos wt + 2 y sin wt - s), with w^2 = 2 g D / a^2, and the velocity
    s w (-sin wt, cos wt), the same everywhere.
    """
    omega = np.sqrt(2 * gravity * DEPTH) / RADIUS
    cos, sin = np.cos(omega * time), np.sin(omega * time)
    surface = SHIFT * DEPTH / RADIUS**2 * (2 * x * cos + 2 * y * sin - SHIFT)
    depth = np.maximum(surface - bowl(x, y), 0.0)
    wet = depth > 0
    return depth, np.where(wet, -SHIFT * omega * sin, 0.0), np.where(wet, SHIFT * omega * cos, 0.0)


def curved(
    x: np.ndarray, y: np.ndarray, time: float, gravity: float = GRAVITY, shore: float = SHORE
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth, u, v of a paraboloid of water that widens and narrows in the bowl, its shore
    at `shore` [m] from the middle at time 0.

    Thacker 1981, sec. 4 (no rotation): with A = (a^4 - r0^4) / (a^4 + r0^4), w^2 = 8 g D / a^2,
    eta = D (sqrt(1 - A^2) / (1 - A cos wt) - 1 - r^2 / a^2 ((1 - A^2) / (1 - A cos wt)^2 - 1)),
    (u, v) = (x, y) w A sin wt / (2 (1 - A cos wt)).
    """
    omega = np.sqrt(8 * gravity * DEPTH) / RADIUS
    a = (RADIUS**4 - shore**4) / (RADIUS**4 + shore**4)
    down = 1 - a * np.cos(omega * time)
    square = (x * x + y * y) / RADIUS**2
    surface = DEPTH * (np.sqrt(1 - a * a) / down - 1 - square * ((1 - a * a) / down**2 - 1))
    depth = np.maximum(surface - bowl(x, y), 0.0)
    rate = np.where(depth > 0, omega * a * np.sin(omega * time) / (2 * down), 0.0)
    return depth, x * rate, y * rate


def swing(
    solution: Solution, cells: int, time: float, gravity: float = GRAVITY
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The solver's depth (n, n) [m] at `time`, and the coordinates (1, n), (n, 1) [m]."""
    x = centres(cells, LENGTH, -LENGTH / 2)[None, :]
    y = x.T
    depth, u, v = solution(x, y, 0.0, gravity)
    bed = bowl(x, y)
    flow = Flow(LENGTH / cells, bed[None], depth[None], (depth * u)[None], (depth * v)[None],
                boundaries=Boundaries(), gravity=gravity)
    flow.to(time)
    return flow.depth[0], x, y


def _check(
    solution: Solution, time: float, periods: str, tolerance: float
) -> Sequence[Check]:
    errors = []
    for cells in CELLS:
        depth, x, y = swing(solution, cells, time)
        exact = solution(x, y, time, GRAVITY)[0]
        errors.append(relative_l1(depth, exact))
    # A section through the middle, where both solutions have their shore.
    row = CELLS[-1] // 2
    bed = bowl(x, y)[row]

    def surface(values: np.ndarray) -> np.ndarray:
        return np.where(values[row] > 1e-6, values[row] + bed, np.nan)

    profile = Panel(f"section after {periods}", "x [m]", "elevation [m]", (
        Curve(x[0], np.where(bed < 0.13, bed, np.nan), "bed", "dashed"),
        Curve(x[0], surface(exact), "exact"),
        Curve(x[0], surface(depth), f"worldsim, {CELLS[-1]} x {CELLS[-1]} cells", "points")))
    return [Check("depth, relative L1", "1", errors[-1], tolerance, order=order(errors, CELLS),
                  least_order=1.2, cells=CELLS, note=f"after {periods} ({time:.2f} s)",
                  panels=(profile, convergence_panel(CELLS, errors, 1.2)))]


PLANAR_PERIOD = 2 * np.pi * RADIUS / np.sqrt(2 * GRAVITY * DEPTH)
CURVED_PERIOD = 2 * np.pi * RADIUS / np.sqrt(8 * GRAVITY * DEPTH)

CASES = (
    Case("thacker_planar", "Plane surface circling in a parabolic bowl",
         "Thacker 1981, J. Fluid Mech. 107:499, sec. 3",
         lambda: _check(planar, PLANAR_PERIOD, "one period", 0.05)),
    Case("thacker_curved", "Curved surface pulsing in a parabolic bowl",
         "Thacker 1981, J. Fluid Mech. 107:499, sec. 4",
         lambda: _check(curved, 1.5 * CURVED_PERIOD, "one and a half periods", 0.1)),
)
