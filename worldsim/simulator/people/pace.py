"""How fast people go on foot: by age, in a crowd, on slopes, through water, at a run."""

from __future__ import annotations

import numpy as np

WALKING_SPEED = (1.22, 0.20)
"""m/s, mean and standard deviation of adults' free walking speed (4 ± 0.65 ft/s, EvacuationModel of
Mostafizi et al. 2017)."""

CHILD, ELDER, IMPAIRED = 0.8, 0.7, 0.5
"""Factors on the speed of children, the elderly and people whose walking is impaired
(TUNAMI-EVAC)."""

CHILD_BELOW, ELDER_FROM = 15.0, 65.0
"""years."""

SLOWEST = 0.2
"""m/s; the normal distribution of speeds is cut off here."""

FREE_SPEED, CROWD_EXPONENT, JAM_DENSITY = 1.34, 1.913, 5.4
"""m/s, m-2, m-2: Weidmann (1993), Transporttechnik der Fussgänger, v = 1.34 (1 − exp(−1.913 (1/D −
1/5.4))); here the part in parentheses slows each person's own speed."""

STEEPNESS, EASIEST = 3.5, 0.05
"""Tobler (1993), hiking function: speed ∝ exp(−3.5 |slope + 0.05|)."""

WADING_FLOOR, WADING_DEPTH = 0.35, 0.38
"""1, m: wading slows to f + (1 − f) exp(−d/d₀). At 0.35 m the factor is 0.61, as measured by Li et
al. 2026 (Acta Polytechnica CTU Proc. 57:0226: 0.614 for men, 0.552 for women), who find ever
smaller changes at 0.60 and 0.90 m; the floor is declared, not measured."""

RUNNING = 1.47
"""Factor of who runs from water that can be seen: slow run 1.79 m/s (Wood & Schmidtlein 2012, from
memory; varies with fitness) over 1.22 m/s."""


def walking_speeds(
    ages: np.ndarray,
    impaired: np.ndarray,
    rng: np.random.Generator,
    mean: float = WALKING_SPEED[0],
) -> np.ndarray:
    """Free speed on level dry ground of people of such ages [years], (people,) m/s.

    impaired : (people,) bool. mean : m/s, of healthy adults.
    """
    adult = np.maximum(mean + WALKING_SPEED[1] * rng.normal(size=len(ages)), SLOWEST)
    factor = np.where(ages < CHILD_BELOW, CHILD, np.where(ages >= ELDER_FROM, ELDER, 1.0))
    return adult * np.where(impaired, np.minimum(factor, IMPAIRED), factor)


def crowding(density: np.ndarray) -> np.ndarray:
    """Factor on the speed among so many other people per m2 (Weidmann)."""
    some = np.clip(density, 1e-3, JAM_DENSITY)
    return np.asarray(1.0 - np.exp(-CROWD_EXPONENT * (1.0 / some - 1.0 / JAM_DENSITY)))


def on_slope(slope: np.ndarray) -> np.ndarray:
    """Factor on the speed up (positive) or down a slope, 1 on level ground (Tobler)."""
    return np.asarray(np.exp(-STEEPNESS * (np.abs(slope + EASIEST) - EASIEST)))


def wading(depth: np.ndarray) -> np.ndarray:
    """Factor on the speed in so deep water, m."""
    return np.asarray(WADING_FLOOR + (1 - WADING_FLOOR) * np.exp(-depth / WADING_DEPTH))
