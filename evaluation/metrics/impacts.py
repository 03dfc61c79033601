"""Contacts by the speeds before and after them, and which contacts of two records are the same."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from evaluation.metrics.pairs import Contacts, Objects, Pair

REACH, LEAST = 10, 5
"""Frames before or after a contact, at most and at least, whose positions give the velocity at its
instant: the slope of the parabola through them."""

HARD = 0.5
"""Share of the greatest closing speed: softer impacts, and the bounces that follow them too soon to
be told apart, do not tell the restitution."""

TOLERANCE = 0.1
"""s: contacts of one object so near in time may be the same."""


def impact(pair: Pair, objects: Objects, hits: Contacts, number: int) -> tuple[float, float]:
    """Closing and parting speed of one contact, m/s, NaN if its objects are not seen on both sides.

    Both are taken along the change of (relative) velocity, which is the direction of the impulse
    where there is no friction. A partner that is not followed stands still.
    """
    involved = [int(n) for n in hits.objects[number] if n >= 0]
    if not involved:
        return np.nan, np.nan
    sides = [_sides(pair, objects, hits, number, n) for n in involved]
    before, after = (sides[0][k] - (sides[1][k] if len(sides) > 1 else 0.0) for k in (0, 1))
    change = after - before
    size = np.linalg.norm(change)
    if not size > 0:
        return np.nan, np.nan
    return -float(before @ change / size), float(after @ change / size)


def speeds(pair: Pair, objects: Objects, hits: Contacts) -> np.ndarray:
    """(n, 2) m/s: `impact` of every contact that was not known, that closes by at least a pixel per
    frame, and is `HARD`."""
    found = np.array([impact(pair, objects, hits, int(number))
                      for number in np.flatnonzero(hits.time > pair.begins)]).reshape(-1, 2)
    found = found[found[:, 0] * pair.step >= pair.pitch]
    return found[found[:, 0] >= HARD * found[:, 0].max(initial=0.0)]


def _sides(pair: Pair, objects: Objects, hits: Contacts, number: int,
           slot: int) -> tuple[np.ndarray, np.ndarray]:
    """Velocity of an object just before and just after a contact, m/s; NaN where not seen."""
    at, others = hits.time[number], hits.times(slot)
    previous = others[others < at].max(initial=-np.inf)
    following = others[others > at].min(initial=np.inf)
    place = objects.position[:, slot]
    seen = np.isfinite(place).all(axis=-1) & (np.abs(pair.time - at) <= REACH * pair.step + 1e-9)
    before = np.flatnonzero(seen & (pair.time <= at) & (pair.time > previous))
    after = np.flatnonzero(seen & (pair.time > at) & (pair.time <= following))
    return (_slope(pair.time[before] - at, place[before]),
            _slope(pair.time[after] - at, place[after]))


def _slope(time: np.ndarray, place: np.ndarray) -> np.ndarray:
    """([x, y]) m/s at time 0."""
    if len(time) < LEAST:
        return np.full(2, np.nan)
    return np.asarray(np.polynomial.polynomial.polyfit(time, place, 2)[1])


def fitted_restitution(closing_parting: np.ndarray) -> float:
    """Least squares ratio of parting to closing speeds (n, 2); NaN without any."""
    closing, parting = closing_parting.T
    return float(parting @ closing / (closing @ closing)) if len(closing) else np.nan


def same_contacts(first: np.ndarray, second: np.ndarray) -> int:
    """How many of the times (n,), (m,) s can be paired within `TOLERANCE`, one for one."""
    near = np.abs(first[:, None] - second[None]) <= TOLERANCE + 1e-9
    rows, columns = linear_sum_assignment(~near)
    return int(near[rows, columns].sum())
