"""Two-dimensional problems with an exact answer, stated so that any solver can be given them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evaluation.validation.dam_break import stoker

SIDE = 4.0
"""m; all problems fill a square of this side."""

GRAVITY = 9.8
"""m/s2; anuga's, which it compiles in."""

Field = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Problem:
    """Water in a walled square [0, SIDE] x [0, SIDE] without friction.

    name, title : for flags and for people.
    bed, depth, discharge_x, discharge_y : (x, y) -> m, m, m2/s at the start.
    exact : (x, y) -> depth [m] at `time` [s].
    measured : (x, y) -> whether the exact answer holds there.
    """

    name: str
    title: str
    time: float
    bed: Field
    depth: Field
    discharge_x: Field
    discharge_y: Field
    exact: Field
    measured: Field

    def error(self, x: np.ndarray, y: np.ndarray, area: np.ndarray, depth: np.ndarray) -> float:
        """Relative L1 error: sum of area |h - exact| over sum of area exact, cells (n,)."""
        weight = area * self.measured(x, y)
        exact = self.exact(x, y)
        return float((weight * np.abs(depth - exact)).sum() / (weight * exact).sum())


def oblique_dam(high: float = 0.1, low: float = 0.02, degrees: float = 30.0) -> Problem:
    """A dam between two depths breaks along a line that follows no mesh: Stoker's solution.

    Measured within 1 m of the centre, which after 1 s the walls have not yet been felt from: the
    dam meets them 2.3 m away, and no wave is faster than u + c = 1.3 m/s.
    """
    angle = math.radians(degrees)

    def across(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x - SIDE / 2) * math.cos(angle) + (y - SIDE / 2) * math.sin(angle)

    return Problem(
        name="stoker",
        title=f"dam break at {degrees:g} degrees, {high:g} on {low:g} m",
        time=1.0,
        bed=_nothing,
        depth=lambda x, y: np.where(across(x, y) < 0, high, low),
        discharge_x=_nothing,
        discharge_y=_nothing,
        exact=lambda x, y: stoker(across(x, y), 1.0, high, low, GRAVITY)[0],
        measured=lambda x, y: np.hypot(x - SIDE / 2, y - SIDE / 2) < 1.0,
    )


def bowl(depth: float = 0.1, radius: float = 1.0, shift: float = 0.5) -> Problem:
    """Water with a plane surface circles in a parabolic bowl, wetting and drying its shore.

    Thacker 1981, J. Fluid Mech. 107:499, sec. 3 (the constants of Delestre et al. 2013,
    SWASHES, sec. 4.2.2), for half a turn.
    """
    rate = math.sqrt(2 * GRAVITY * depth) / radius
    half_turn = math.pi / rate

    def bed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return -depth * (1 - ((x - SIDE / 2) ** 2 + (y - SIDE / 2) ** 2) / radius**2)

    def at(time: float) -> Field:
        c, s = math.cos(rate * time), math.sin(rate * time)

        def height(x: np.ndarray, y: np.ndarray) -> np.ndarray:
            tilt = 2 * (x - SIDE / 2) * c + 2 * (y - SIDE / 2) * s - shift
            return np.maximum(shift * depth / radius**2 * tilt - bed(x, y), 0.0)

        return height

    return Problem(
        name="thacker",
        title="water circling in a parabolic bowl, half a turn",
        time=half_turn,
        bed=bed,
        depth=at(0.0),
        discharge_x=_nothing,
        discharge_y=lambda x, y: shift * rate * at(0.0)(x, y),
        exact=at(half_turn),
        measured=lambda x, y: np.ones_like(x, dtype=bool),
    )


def _nothing(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.zeros_like(x)


PROBLEMS = {problem.name: problem for problem in (oblique_dam(), bowl())}
