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
    look : (object,) objects of one number look alike.
    to_edge : (row, column) px, distance to where something begins in the backdrop.
    wet : (row, column) bool, the backdrop shows water.
    """

    position: np.ndarray
    radius: np.ndarray
    half: np.ndarray
    look: np.ndarray
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
        return self._nearest(object_, first, last, place, self.look >= 0) >= reach

    def hidden_by_others(self, object_: int, frame: int, place: np.ndarray, half: float,
                         error: float) -> bool:
        """Whether an object of half extent `half` px around `place` might be behind others: one of
        another look has to reach over its middle, one of its own look need only touch it."""
        alike = self.look == self.look[object_]
        first, last = max(frame - 1, 0), frame + 1
        return (
            self._nearest(object_, first, last, place, ~alike) < NEAR + error
            or self._nearest(object_, first, last, place, alike) < half + NEAR + error
        )

    def alike_nearby(self, object_: int, frame: int, place: np.ndarray, reach: float) -> bool:
        """Whether another object of the same look comes within `reach` px of `place`."""
        alike = self.look == self.look[object_]
        return self._nearest(object_, max(frame - 1, 0), frame + 1, place, alike) < reach

    def _nearest(self, object_: int, first: int, last: int, place: np.ndarray,
                 among: np.ndarray) -> float:
        """px from `place` to the nearest outline of another object in the frames given; of one
        that is not seen then, where it was seen last and next."""
        least = np.inf
        for other in np.flatnonzero(among):
            seen = np.flatnonzero(np.isfinite(self.half[:, other]))
            if other == object_ or not len(seen):
                continue
            span = seen[(seen >= first) & (seen <= last)]
            if not len(span):
                span = np.concatenate([seen[seen < first][-1:], seen[seen > last][:1]])
            away = np.linalg.norm(self.position[span, other] - place, axis=-1)
            least = min(least, float((away - self.half[span, other]).min()))
        return least

    def clear_of_things(self, place: np.ndarray, reach: float) -> bool:
        """Whether nothing begins in the backdrop within `reach` px of `place`."""
        row, column = (int(np.clip(x, 0, n - 1)) for x, n in zip(place, self.shape, strict=True))
        return bool(self.to_edge[row, column] > reach)

    def over_water(self, place: np.ndarray, reach: float) -> bool:
        """Whether the backdrop shows water within `reach` px of `place`."""
        low = np.maximum(np.floor(place - reach), 0).astype(int)
        high = np.ceil(place + reach).astype(int) + 1
        return bool(self.wet[low[0] : high[0], low[1] : high[1]].any())


def surroundings(position: np.ndarray, area: np.ndarray, extent: np.ndarray, colour: np.ndarray,
                 backdrop: np.ndarray) -> Surroundings:
    """From tracks (time, object, …), the objects' colours (object, 3) and the backdrop
    (row, column, 3) 0..255."""
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
        position, np.sqrt(area / np.pi), extent.max(axis=-1) / 2,
        np.unique(np.nan_to_num(colour), axis=0, return_inverse=True)[1].reshape(-1), to_edge,
        wet_mask(backdrop.round().astype(np.uint8)),
    )
