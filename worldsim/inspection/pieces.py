"""Pieces of smooth motion: a track cut where no one quadratic in time goes through it."""

from __future__ import annotations

import dataclasses

import numpy as np

NOISE_FLOOR = 0.08
"""px; no track is trusted further than this, since what pixels do to places is not noise alone."""

SMOOTH = 4.0
"""Standard deviations of the track's noise within which a piece's quadratic passes every point."""

LONGEST = 7
"""Frames of a piece next to a cut that tell where it was heading: motion is a quadratic for a
while only."""


@dataclasses.dataclass(frozen=True)
class Piece:
    """Frames `first` to `last` of a track, all seen, without an event between them."""

    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1


@dataclasses.dataclass(frozen=True)
class Heading:
    """A polynomial through the frames of a piece nearest to one of its ends.

    origin : frame from which time is counted. coefficients : (degree + 1, 2) px per frame^k.
    spread : (degree + 1, degree + 1), the coefficients' covariance over the noise squared.
    noise : px, of one coordinate of one point. count : frames used.
    """

    origin: int
    coefficients: np.ndarray
    spread: np.ndarray
    noise: float
    count: int

    def place(self, frame: float | np.ndarray) -> np.ndarray:
        """(…, [row, column]) px at a frame, whole or not."""
        return self._powers(frame) @ self.coefficients

    def place_error(self, frame: float) -> float:
        """Standard error of each coordinate of `place`, px."""
        powers = self._powers(frame)
        return float(self.noise * np.sqrt(powers @ self.spread @ powers))

    def speed(self, frame: float) -> np.ndarray:
        """([row, column]) px per frame."""
        return self._slopes(frame) @ self.coefficients

    def speed_error(self, frame: float) -> float:
        """Standard error of each coordinate of `speed`, px per frame."""
        slopes = self._slopes(frame)
        return float(self.noise * np.sqrt(slopes @ self.spread @ slopes))

    @property
    def acceleration(self) -> np.ndarray:
        """([row, column]) px per frame squared; NaN of a straight line."""
        if len(self.coefficients) < 3:
            return np.full(2, np.nan)
        return 2 * self.coefficients[2]

    @property
    def acceleration_error(self) -> float:
        """Standard error of each coordinate of `acceleration`."""
        if len(self.coefficients) < 3:
            return np.inf
        return float(2 * self.noise * np.sqrt(self.spread[2, 2]))

    def _powers(self, frame: float | np.ndarray) -> np.ndarray:
        t = np.asarray(frame, dtype=float) - self.origin
        return t[..., None] ** np.arange(len(self.coefficients))

    def _slopes(self, frame: float) -> np.ndarray:
        t, k = frame - self.origin, np.arange(len(self.coefficients))
        return np.where(k > 0, k * t ** np.maximum(k - 1, 0), 0.0)


def noise_of(position: np.ndarray, least: float = NOISE_FLOOR) -> float:
    """px, `least` or more; noise of a track (time, 2) from its third differences, which motion
    hardly has.

    The median keeps events out of it. Third differences of white noise have 20 times its variance.
    """
    third = np.diff(position, n=3, axis=0)
    third = third[np.isfinite(third)]
    if len(third) < 8:
        return 2 * least
    return max(least, float(np.median(np.abs(third))) / 0.6745 / np.sqrt(20.0))


def pieces_of(position: np.ndarray, noise: float) -> list[Piece]:
    """Cut a track (time, 2) px, NaN where not seen, into smooth pieces, from left to right.

    A piece grows as long as one quadratic passes all its last frames within `SMOOTH` noises.
    """
    found = []
    seen = np.isfinite(position).all(axis=1)
    first = None
    for frame in range(len(position) + 1):
        here = frame < len(position) and bool(seen[frame])
        if first is None:
            first = frame if here else None
            continue
        if not here or not _fits(position, max(first, frame - LONGEST + 1), frame, noise):
            found.append(Piece(first, frame - 1))
            first = frame if here else None
    return found


def _fits(position: np.ndarray, first: int, last: int, noise: float) -> bool:
    count = last - first + 1
    if count <= 2:
        return True
    degree = 1 if count == 3 else 2
    t = np.arange(count) - (count - 1) / 2
    powers = t[:, None] ** np.arange(degree + 1)
    rest = position[first : last + 1]
    rest = rest - powers @ np.linalg.lstsq(powers, rest, rcond=None)[0]
    # Three points on a line: the middle one deviates by what acceleration there is.
    allowed = SMOOTH * noise + (0.75 if degree == 1 else 0.0)
    return bool(np.abs(rest).max() <= allowed)


def heading(position: np.ndarray, piece: Piece, at_end: bool, noise: float,
            most: int = LONGEST) -> Heading:
    """Where a piece was heading at its end, or came from at its start."""
    count = min(len(piece), most)
    first = piece.last - count + 1 if at_end else piece.first
    origin = piece.last if at_end else piece.first
    degree = 0 if count == 1 else 1 if count <= 3 else 2
    t = (np.arange(first, first + count) - origin).astype(float)
    powers = t[:, None] ** np.arange(degree + 1)
    points = position[first : first + count]
    coefficients = np.linalg.lstsq(powers, points, rcond=None)[0]
    spread = np.linalg.inv(powers.T @ powers)
    return Heading(origin, coefficients, spread, noise, count)
