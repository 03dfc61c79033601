"""The pixels of some frames, and what there is behind all solids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from worldsim.camera.solids_solid import Scenery, Solid

NOTHING = np.int16(-1)
"""Value of the segmentation layer where only the backdrop is seen; number of what is behind."""

HALF = np.float32(0.5)

Samples = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Look:
    """Pixels (m,) of some frames: ``flat`` number among all of the frames, ``frame``, picture
    ``row`` and ``column``."""

    flat: np.ndarray
    frame: np.ndarray
    row: np.ndarray
    column: np.ndarray

    def some(self, which: np.ndarray) -> Look:
        """Those of the places `which`."""
        return Look(self.flat[which], self.frame[which], self.row[which], self.column[which])


class Frames:
    """The pixels of some rows of some frames, numbered by frame, row and column."""

    def __init__(self, count: int, rows: tuple[int, int], columns: int) -> None:
        self.count, self.rows, self.columns = count, rows, columns
        self.pixels = (rows[1] - rows[0]) * columns

    def __len__(self) -> int:
        return self.count * self.pixels

    def within(self, bounds: np.ndarray) -> Look:
        """Those within first row, last row + 1, first column, last column + 1 (4, frame)."""
        row0, row1, column0, column1 = bounds
        width = np.maximum(column1 - column0, 0)
        count = np.maximum(row1 - row0, 0) * width
        frame = np.repeat(np.arange(self.count), count)
        number = np.arange(len(frame)) - np.repeat(np.cumsum(count) - count, count)
        down, across = np.divmod(number, width[frame])
        row, column = row0[frame] + down, column0[frame] + across
        flat = frame * self.pixels + (row - self.rows[0]) * self.columns + column
        return Look(flat, frame, row.astype(np.float32), column.astype(np.float32))

    def at(self, flat: np.ndarray) -> Look:
        """Those of the given numbers."""
        frame, pixel = np.divmod(flat, self.pixels)
        row, column = np.divmod(pixel, self.columns)
        return Look(flat, frame, (row + self.rows[0]).astype(np.float32),
                    column.astype(np.float32))


@dataclass
class Picture:
    """Pixels (n,): ``distance`` [m] and ``label`` of what the rays through the centres see;
    ``whole``, ``edge`` and ``other_edge``: distances of the nearest solid that covers all of a
    pixel, and of the nearest two edges that cross it; ``colour`` (3, n) and the share ``left`` of
    it in a shadow that is not there yet."""

    distance: np.ndarray
    label: np.ndarray
    whole: np.ndarray
    edge: np.ndarray
    other_edge: np.ndarray
    colour: np.ndarray
    left: np.ndarray


class Empty:
    """The backdrop, with nothing before it."""

    picture: Picture

    def __init__(self, scenery: Scenery, frames: Frames) -> None:
        self._scenery, self._frames = scenery, frames
        look = frames.at(np.arange(frames.pixels))
        far = np.full(frames.pixels, np.inf, dtype=np.float32)
        self.casters: list[Solid] = []
        self.lowest = np.inf
        self.picture = Picture(
            far, np.full(frames.pixels, NOTHING), far, far, far,
            _stacked(scenery.backdrop(look.row + HALF), (frames.pixels,)), np.ones_like(far),
        )

    def samples(self, pixels: np.ndarray) -> Samples:
        """Distances (sample, m), colours (3, sample, m), their shares left in a shadow and numbers
        of what is seen, along the rays through pixels (m,)."""
        look = self._frames.at(pixels)
        row, _ = self._scenery.lens.through_pixel(look.row, look.column)
        return (np.full(row.shape, np.inf, dtype=np.float32),
                _stacked(self._scenery.backdrop(row), row.shape),
                np.ones(row.shape, dtype=np.float32), np.full(row.shape, NOTHING))


def _stacked(parts: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    return np.stack([np.broadcast_to(part, shape) for part in parts]).astype(np.float32)
