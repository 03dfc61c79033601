"""Jolts: instants at which a velocity jumps, and how strongly a track says so.

Through the frames around an instant go two kinds of curve: smooth ones, and a quadratic whose
velocity jumps there. A jolt's strength is how much better the latter explains the track. It is
``sqrt(R - K) / s``: R the squared residual of the smooth curve, K that of the kinked one, s the
noise, so that a strength of n is what a deviation of n standard errors is.
"""

from __future__ import annotations

import dataclasses
from functools import lru_cache

import numpy as np

SIDES = (4, 6, 9)
"""Frames before, and after, the instant; shorter where there is another event near by."""

PARTS = 5
"""Instants tried between two frames."""

LEFT_OVER = 4.0
"""Greatest mean squared residual of the kinked curve, over what noise leaves."""

LEAST = 4.0
"""Strength from which a jolt is one."""

APART = 2
"""Gaps on both sides of a jolt's in which there is no other."""


@dataclasses.dataclass(frozen=True)
class Jolt:
    """A jump of the velocity.

    frame : when, not whole. place : ([row, column]) px. before, after : px per frame.
    first, last : frames of the track that tell. strength : see the module.
    """

    frame: float
    place: np.ndarray
    before: np.ndarray
    after: np.ndarray
    first: int
    last: int
    strength: float


@dataclasses.dataclass(frozen=True)
class Curves:
    """What goes through a window: polynomials of degree `smooth`, or of degree `kinked` with a jump
    of the velocity."""

    smooth: int
    kinked: int


FLIGHT = Curves(1, 1)
"""Where the acceleration is known, and taken off."""

STEADY = Curves(2, 2)
"""Where it is constant between events."""

ANY = Curves(4, 2)
"""Where it may change smoothly."""

HUNG = Curves(5, 3)
"""Where it does change, as a pendulum's."""


@dataclasses.dataclass(frozen=True)
class _Window:
    """Linear maps of the positions in one window."""

    smooth: np.ndarray  # (n, n): what the smooth curve leaves
    kinked: np.ndarray  # (part, n, n): what the kinked one leaves
    place: np.ndarray  # (part, n)
    before: np.ndarray  # (part, n): velocity
    jump: np.ndarray  # (part, n)


@lru_cache(maxsize=256)
def _window(left: int, right: int, curves: Curves) -> _Window:
    x = np.arange(1 - left, right + 1, dtype=float)  # the gap is from 0 to 1
    smooth = x[:, None] ** np.arange(curves.smooth + 1)
    kinked, place, before, jump = [], [], [], []
    for part in range(PARTS):
        late = x - (part + 0.5) / PARTS
        basis = np.concatenate([late[:, None] ** np.arange(curves.kinked + 1),
                                np.maximum(late, 0)[:, None]], axis=1)
        inverse = np.linalg.pinv(basis)
        kinked.append(_left(basis))
        place.append(inverse[0])
        before.append(inverse[1])
        jump.append(inverse[-1])
    return _Window(_left(smooth), np.array(kinked), np.array(place), np.array(before),
                   np.array(jump))


def _left(basis: np.ndarray) -> np.ndarray:
    return np.eye(len(basis)) - basis @ np.linalg.pinv(basis)


def jolts(position: np.ndarray, usable: np.ndarray, noise: float, curves: Curves) -> list[Jolt]:
    """The jolts of a track.

    Parameters
    ----------
    position : (time, [row, column]) px. usable : (time,) bool, wholly seen.
    noise : px. curves : how motion goes on between events.
    """
    frames = len(position)
    broken = np.zeros(frames + 1, dtype=bool)  # before each frame; the last for after the last
    fresh = np.arange(frames - 1)
    tried: dict[int, Jolt | None] = {}
    found: list[Jolt] = []
    while True:
        # What another jolt is within a window of says nothing of that window.
        for gap in fresh.tolist():
            tried[gap] = None if broken[gap + 1] else _strongest(
                position, usable, broken, gap, noise, curves)
        left = [one for one in tried.values() if one is not None and one.strength >= LEAST]
        if not left:
            return sorted(found, key=lambda one: one.frame)
        one = max(left, key=lambda one: one.strength)
        found.append(one)
        at = int(one.frame)
        broken[at + 1] = True
        fresh = np.arange(max(at - SIDES[-1], 0), min(at + SIDES[-1] + 1, frames - 1))
        for near in range(at - APART, at + APART + 1):
            tried[near] = None
        fresh = fresh[np.abs(fresh - at) > APART]


def _strongest(position: np.ndarray, usable: np.ndarray, broken: np.ndarray, gap: int,
               noise: float, curves: Curves) -> Jolt | None:
    """The strongest jolt of all windows around a gap between two frames."""
    before = _run(usable, broken, gap, -1)
    after = _run(usable, broken, gap + 1, 1)
    strongest: Jolt | None = None
    for left in SIDES:
        for right in SIDES:
            if left > before or right > after or left + right <= curves.smooth + 2:
                continue
            one = _tested(position, gap, left, right, noise, curves)
            if one is not None and (strongest is None or one.strength > strongest.strength):
                strongest = one
    return strongest


def _run(usable: np.ndarray, broken: np.ndarray, frame: int, step: int) -> int:
    """Usable frames in a row from `frame` on without a jolt between, up to the longest side."""
    count = 0
    while 0 <= frame < len(usable) and usable[frame] and count < SIDES[-1]:
        count += 1
        if broken[frame + (step > 0)]:
            break
        frame += step
    return count


def _tested(position: np.ndarray, gap: int, left: int, right: int, noise: float,
            curves: Curves) -> Jolt | None:
    maps = _window(left, right, curves)
    points = position[gap - left + 1 : gap + right + 1]
    middle = points.mean(axis=0)
    points = points - middle
    kinked = ((maps.kinked @ points) ** 2).sum(axis=(1, 2))
    part = int(kinked.argmin())
    free = 2 * (left + right - curves.kinked - 2)
    if kinked[part] > LEFT_OVER * free * noise**2:
        return None
    smooth = float(((maps.smooth @ points) ** 2).sum())
    strength = np.sqrt(max(smooth - float(kinked[part]), 0.0)) / noise
    before = maps.before[part] @ points
    return Jolt(gap + (part + 0.5) / PARTS, maps.place[part] @ points + middle, before,
                before + maps.jump[part] @ points, gap - left + 1, gap + right, float(strength))
