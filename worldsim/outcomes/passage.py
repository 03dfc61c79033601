"""Which ways stay open: passability of flooded ground to vehicles, and who can still be reached.

Three-valued throughout: 1, 0, or NaN where what is known does not decide.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from worldsim.errors import InputError
from worldsim.sources import Coefficient

VEHICLES = ("small car", "large car", "four-wheel drive")

# still-water depth (m) and depth times speed (m2/s).
_LIMITS = {"small car": (0.30, 0.30), "large car": (0.40, 0.45), "four-wheel drive": (0.50, 0.60)}

VEHICLE_SPEED = Coefficient(
    "passage.speed", 3.0, "m s-1", "fastest flow any vehicle is taken to stand, at any depth",
    ("shand2011appropriate",), "uncertain", "uniform", low=2.0, high=4.0)

COEFFICIENTS = (
    *(
        Coefficient(f"passage.{vehicle.replace(' ', '_')}.{part}", value, unit,
                    f"{vehicle}: largest {words} (draft interim criteria)",
                    ("shand2011appropriate",), "verified")
        for vehicle, row in _LIMITS.items()
        for part, unit, words, value in zip(
            ("depth", "flux"), ("m", "m2 s-1"), ("still-water depth", "depth times speed"), row,
            strict=True)
    ),
    VEHICLE_SPEED,
)


def passable(depth: np.ndarray, flux: np.ndarray, vehicle: str) -> np.ndarray:
    """Whether a vehicle gets through: 1, 0 or NaN.

    Parameters
    ----------
    depth : m. flux : depth times speed, m2/s; NaN where unknown. Broadcast.
    vehicle : one of `VEHICLES`.

    Source: Shand et al. 2011, table 3: depth and depth times speed below the class's limits.
    """
    if vehicle not in _LIMITS:
        raise InputError(f"vehicle {vehicle!r} is unknown; give one of {', '.join(VEHICLES)}")
    depth, flux = np.broadcast_arrays(np.asarray(depth, float), np.asarray(flux, float))
    deepest, largest = _LIMITS[vehicle]
    too_fast = flux > np.minimum(largest, VEHICLE_SPEED.value * np.where(depth > 0, depth, np.inf))
    blocked = (depth > deepest) | too_fast
    dry = depth == 0
    return np.where(blocked, 0.0, np.where(dry, 1.0, np.where(np.isnan(depth + flux), np.nan, 1.0)))


def reachable(open_YX: np.ndarray, goal_YX: np.ndarray, origin_YX: np.ndarray) -> float:
    """Whether some goal cell is joined to some origin cell by open cells (edges shared).

    Parameters
    ----------
    open_YX : 1 passable, 0 not, NaN unknown. goal_YX, origin_YX : bool.

    Returns
    -------
    1, 0, or NaN if it hangs on cells that are unknown.
    """
    answers = []
    for passes in (open_YX == 1, open_YX != 0):
        labels, _ = ndimage.label(passes)
        joined = np.intersect1d(labels[goal_YX & passes], labels[origin_YX & passes])
        answers.append(bool(joined.size))
    return float(answers[0]) if answers[0] == answers[1] else float("nan")


def beside(footprint: tuple[float, float, float, float], x: np.ndarray, y: np.ndarray,
           within: float) -> np.ndarray:
    """(y, x) bool: cells whose centre lies outside a footprint but at most `within` m from it."""
    x0, x1, y0, y1 = footprint
    away = np.hypot(np.maximum(np.maximum(x0 - x, x - x1), 0.0)[None, :],
                    np.maximum(np.maximum(y0 - y, y - y1), 0.0)[:, None])
    return (away > 0) & (away <= within)
