"""When a gravity wall slides or overturns: statics of a block between two water levels.

Per metre of wall: hydrostatic pressure on both faces up to the crest, uplift under the base that
varies linearly between the two heads, the wall's weight and that of the water on its crest.
Toe scour moves the edge about which it turns inwards. Water levels are those of the flow beside
it, which hold its reflection; wave slamming, earth pressure and drainage are left out.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from worldsim.simulator.constants import SEAWATER_DENSITY


@dataclasses.dataclass(frozen=True)
class Wall:
    """Gravity walls, (n,) each: height and width of the base in m, mass kg/m, friction."""

    height: np.ndarray
    width: np.ndarray
    mass: np.ndarray
    friction: np.ndarray

    @property
    def inertia(self) -> np.ndarray:
        """About an edge of the base, kg m2 per m."""
        return self.mass * (self.width**2 + self.height**2) / 3


@dataclasses.dataclass(frozen=True)
class Excess:
    """What drives a wall beyond what holds it, (n,); positive where it gives way.

    force : N/m of sliding. moment : N m/m of overturning.
    """

    force: np.ndarray
    moment: np.ndarray


def excess(
    wall: Wall,
    head: np.ndarray,
    tail: np.ndarray,
    on_crest: np.ndarray,
    scour: np.ndarray,
    gravity: float,
) -> Excess:
    """Balance of walls pushed from the side of `head` to the side of `tail`.

    Parameters
    ----------
    head, tail : (n,) depth of water over the base's level on both sides, m.
    on_crest : (n,) depth of water on the crest, m.
    scour : (n,) width by which the base is undermined at the toe (the tail's side), m.
    """
    unit = SEAWATER_DENSITY * gravity
    push = unit * (_pressed(head, wall.height) - _pressed(tail, wall.height))
    uplift = unit * wall.width * (head + tail) / 2
    weight = wall.mass * gravity + unit * on_crest * wall.width
    force = push - wall.friction * np.maximum(weight - uplift, 0.0)
    # About the edge of what is left of the base, `scour` inwards of the toe.
    overturning = unit * (_turned(head, wall.height) - _turned(tail, wall.height))
    of_uplift = unit * wall.width**2 * (head / 3 + tail / 6) - uplift * scour
    moment = overturning + of_uplift - weight * (wall.width / 2 - scour)
    return Excess(force, moment)


def _pressed(depth: np.ndarray, height: np.ndarray) -> np.ndarray:
    """∫ (h − z) dz from the base to the crest or the surface, m2."""
    reach = np.minimum(depth, height)
    return reach * (depth - reach / 2)


def _turned(depth: np.ndarray, height: np.ndarray) -> np.ndarray:
    """∫ (h − z) z dz from the base to the crest or the surface, m3."""
    reach = np.minimum(depth, height)
    return reach**2 * (depth / 2 - reach / 3)


def scour_depth(fall: np.ndarray, discharge: np.ndarray) -> np.ndarray:
    """Depth in m, below the tail water, to which a falling jet scours in the long run.

    Veronese 1937: 1.90 H^0.225 q^0.54, with the fall H in m and the discharge q in m2/s.
    """
    return 1.90 * np.maximum(fall, 0.0) ** 0.225 * np.maximum(discharge, 0.0) ** 0.54
