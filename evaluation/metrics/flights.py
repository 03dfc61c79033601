"""Parabolas between contacts: how objects accelerate while nothing touches them.

A flight is a run of frames in which an object is seen, from contact to contact. The polynomial of
second degree that fits its positions best gives its acceleration; flights are averaged by the
inverse variance of that, which for n evenly spaced positions of equal error goes as n^-5.
"""

from __future__ import annotations

import dataclasses

import numpy as np

LEAST_FRAMES = 6
"""Of a flight: fewer give no acceleration worth having."""

LEAST_RISE = 4.0
"""px between the highest and the lowest place of a flight: what moves less may lie or roll."""


@dataclasses.dataclass(frozen=True)
class Flight:
    """One flight: frames from `first` until before `last`; the coefficients (3, [x, y]) of 1, t, t2
    with t from `middle`, s and m."""

    first: int
    last: int
    middle: float
    coefficients: np.ndarray
    rise: float

    @property
    def acceleration(self) -> np.ndarray:
        """([x, y]) m/s2."""
        return 2 * self.coefficients[2]

    @property
    def weight(self) -> float:
        """Inverse variance of the acceleration, but for a factor."""
        return float(self.last - self.first) ** 5

    def place(self, time: float) -> np.ndarray:
        """([x, y]) m at a time, s."""
        powers = (time - self.middle) ** np.arange(3)
        return np.asarray(powers @ self.coefficients)


def flights(time: np.ndarray, position: np.ndarray, usable: np.ndarray, cuts: np.ndarray,
            least: int = LEAST_FRAMES) -> list[Flight]:
    """The flights of one object.

    Parameters
    ----------
    time : (time,) s. position : (time, [x, y]) m. usable : (time,) bool.
    cuts : (k,) s, its contacts. least : frames.
    """
    number = np.searchsorted(np.sort(cuts), time, side="left")  # of contacts before each frame
    found = []
    first = 0
    for frame in range(1, len(time) + 1):
        if frame < len(time) and usable[frame] and usable[first] and number[frame] == number[first]:
            continue
        if usable[first] and frame - first >= least:
            found.append(_fitted(time, position, first, frame))
        first = frame
    return found


def _fitted(time: np.ndarray, position: np.ndarray, first: int, last: int) -> Flight:
    span = slice(first, last)
    middle = float(time[span].mean())
    coefficients = np.polynomial.polynomial.polyfit(time[span] - middle, position[span], 2)
    return Flight(first, last, middle, coefficients, float(np.ptp(position[span, 1])))


def fall(found: list[Flight], pitch: float) -> float:
    """Downward acceleration, m/s2, of flights that rise or fall by `LEAST_RISE` at least; NaN
    without any. pitch : m per px."""
    free = [one for one in found if one.rise >= LEAST_RISE * pitch]
    if not free:
        return np.nan
    return float(-np.average([one.acceleration[1] for one in free],
                             weights=[one.weight for one in free]))
