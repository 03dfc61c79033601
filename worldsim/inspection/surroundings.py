"""What is around an object: others, the picture's edge, things that stand still, water."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage

from worldsim.instruments.wetness import wet_mask

EDGE = 9.0
"""Levels (0..255) by which neighbouring pixels of the backdrop differ where something begins."""

NEAR = 1.5
"""px; what comes so near to another's outline may touch it."""


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """Of one video.

    position : (time, object, [row, column]) px. radius : (time, object) px, of a disc of the
    object's area. half : (time, object) px, half the greatest extent.
    to_edge : (row, column) px, distance to where something begins in the backdrop.
    wet : (row, column) bool, the backdrop shows water.
    """

    position: np.ndarray
    radius: np.ndarray
    half: np.ndarray
    to_edge: np.ndarray
    wet: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the picture."""
        rows, columns = self.to_edge.shape
        return rows, columns

    def inside(self, place: np.ndarray, margin: float) -> bool:
        """Whether a place lies at least `margin` px within the picture."""
        return bool(np.all(place >= margin) and np.all(place <= np.array(self.shape) - margin))

    def clear_of_others(self, object_: int, frame: float, place: np.ndarray,
                        reach: float) -> bool:
        """Whether no other object's outline comes within `reach` px of `place` in the frames around
        `frame`. One that is not seen then counts as where it was seen last and next."""
        first, last = max(int(np.floor(frame)) - 1, 0), int(np.ceil(frame)) + 1
        for other in range(self.position.shape[1]):
            seen = np.flatnonzero(np.isfinite(self.half[:, other]))
            if other == object_ or not len(seen):
                continue
            span = seen[(seen >= first) & (seen <= last)]
            if not len(span):
                span = np.concatenate([seen[seen < first][-1:], seen[seen > last][:1]])
            away = np.linalg.norm(self.position[span, other] - place, axis=-1)
            if np.any(away - self.half[span, other] < reach):
                return False
        return True

    def clear_of_things(self, place: np.ndarray, reach: float) -> bool:
        """Whether nothing begins in the backdrop within `reach` px of `place`."""
        row, column = (int(np.clip(x, 0, n - 1)) for x, n in zip(place, self.shape, strict=True))
        return bool(self.to_edge[row, column] > reach)

    def over_water(self, place: np.ndarray, reach: float) -> bool:
        """Whether the backdrop shows water within `reach` px of `place`."""
        low = np.maximum(np.floor(place - reach), 0).astype(int)
        high = np.ceil(place + reach).astype(int) + 1
        return bool(self.wet[low[0] : high[0], low[1] : high[1]].any())


def surroundings(position: np.ndarray, area: np.ndarray, extent: np.ndarray,
                 backdrop: np.ndarray) -> Surroundings:
    """From tracks (time, object, …) and the backdrop (row, column, 3) 0..255."""
    grey = backdrop.astype(np.float64)
    steps = np.zeros(grey.shape[:2])
    for axis in (0, 1):
        # Over two pixels: a codec spreads an edge over as many.
        step = np.abs(ndimage.correlate1d(grey, [-1.0, 0.0, 1.0], axis=axis, mode="nearest"))
        steps = np.maximum(steps, step.max(axis=-1))
    begins = steps > EDGE
    to_edge = (
        ndimage.distance_transform_edt(~begins) if begins.any()
        else np.full(begins.shape, np.inf)
    )
    return Surroundings(
        position, np.sqrt(area / np.pi), np.nanmax(extent, axis=-1) / 2, to_edge,
        wet_mask(backdrop.round().astype(np.uint8)),
    )
