"""Two-dimensional problems with an exact answer, stated so that any solver can be given them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evaluation.validation.analytic_runup import read_profiles
from evaluation.validation.dam_break import ritter, stoker
from evaluation.validation.solitary_wave import COT_BETA, crest, decay

SIDE = 4.0
"""m, of the square problems."""

GRAVITY = 9.8
"""m/s2; anuga's, which it compiles in."""

Field = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Problem:
    """Water in a walled rectangle without friction, its south-west corner at (0, 0).

    name, title : for flags and for people.
    length : extent in x, m. channel : one row of cells; else the rectangle is a square.
    bed, depth, discharge_x, discharge_y : (x, y) -> m, m, m2/s at the start.
    exact : (x, y) -> depth [m] at `time` [s].
    measured : (x, y) -> whether the exact answer is known there.
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
    length: float = SIDE
    channel: bool = False

    def error(self, x: np.ndarray, y: np.ndarray, area: np.ndarray, depth: np.ndarray) -> float:
        """Relative L1 error: sum of area |h - exact| over sum of area exact, cells (n,)."""
        there = self.measured(x, y)
        exact = self.exact(x[there], y[there])
        weight = area[there]
        return float((weight * np.abs(depth[there] - exact)).sum() / (weight * exact).sum())


def oblique_dam(high: float = 0.1, low: float = 0.02, degrees: float = 30.0) -> Problem:
    """A dam between two depths breaks along a line that follows no mesh: Stoker's solution, or
    Ritter's where `low` is 0.

    Measured within 1 m of the centre, which after 1 s (0.5 s on dry ground) the walls have not
    been felt from: the dam meets them 2.3 m away, and no wave is faster than u + c = 1.3 m/s
    (2 c = 2 m/s on dry ground).
    """
    angle = math.radians(degrees)
    time = 1.0 if low else 0.5

    def across(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x - SIDE / 2) * math.cos(angle) + (y - SIDE / 2) * math.sin(angle)

    def exact(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        if low:
            return stoker(across(x, y), time, high, low, GRAVITY)[0]
        return ritter(across(x, y), time, high, GRAVITY)[0]

    return Problem(
        name="stoker" if low else "ritter",
        title=f"dam break at {degrees:g} degrees, {high:g} m onto {low:g} m",
        time=time,
        bed=_nothing,
        depth=lambda x, y: np.where(across(x, y) < 0, high, low),
        discharge_x=_nothing,
        discharge_y=_nothing,
        exact=exact,
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


def solitary_wave(height: float = 0.019, dry: float = 2.5, sea: float = 80.0) -> Problem:
    """NTHMP benchmark 1 (see `evaluation.validation.solitary_wave`) in a channel 1 m deep, up to
    t/tau = 55, when the shore is highest; the error is of the surface, over its range.

    The sea is so wide that its wall is not felt; the published profile covers the beach.
    """
    shore = sea  # x of the still shore; x points inland

    def bed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return -np.minimum((shore - x) / COT_BETA, 1.0)

    def surface(x: np.ndarray) -> np.ndarray:
        return height / np.cosh(decay(height) * (shore - x - crest(height))) ** 2

    def depth(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.maximum(surface(x) - bed(x, y), 0.0) * (bed(x, y) < 0)

    def exact(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        places, times, profiles = read_profiles()
        profile = profiles[:, int(np.flatnonzero(times == PROFILE)[0])]
        level = np.interp(shore - x, places, profile, left=np.nan, right=np.nan)
        return np.maximum(level - bed(x, y), 0.0)

    return _Profile(
        name="bp01",
        title=f"solitary wave of {height:g} d on a beach of 1:{COT_BETA:g}",
        time=PROFILE / math.sqrt(GRAVITY),
        bed=bed,
        depth=depth,
        discharge_x=lambda x, y: depth(x, y) * surface(x) * math.sqrt(GRAVITY),
        discharge_y=_nothing,
        exact=exact,
        measured=lambda x, y: np.isfinite(exact(x, y)),
        length=sea + dry,
        channel=True,
    )


PROFILE = 55.0
"""tau; the published profile with the highest shore."""


class _Profile(Problem):
    """A problem whose surface is compared, as its benchmark asks."""

    def error(self, x: np.ndarray, y: np.ndarray, area: np.ndarray, depth: np.ndarray) -> float:
        """Root mean square of the surface's error over the range of the exact surface, where
        that is wet."""
        exact = np.full_like(x, np.nan)
        there = self.measured(x, y)
        exact[there] = self.exact(x[there], y[there])
        wet = exact > 0
        bed, weight = self.bed(x[wet], y[wet]), area[wet]
        level = exact[wet] + bed
        off = np.where(depth[wet] > 0, depth[wet] + bed, bed) - level
        return float(np.sqrt((weight * off**2).sum() / weight.sum()) / np.ptp(level))


def _nothing(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.zeros_like(x)


PROBLEMS = {
    problem.name: problem
    for problem in (oblique_dam(), oblique_dam(low=0.0), bowl(), solitary_wave())
}
