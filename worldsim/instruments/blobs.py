"""Blobs: connected patches of one look, with their moments."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from worldsim.instruments.mattes import Mattes


@dataclasses.dataclass(frozen=True)
class Blobs:
    """Patches of all frames, one row each, ordered by frame.

    frame, look : (n,) int. area : (n,) px2, the sum of shares.
    position : (n, [row, column]) px, the shares' centroid. moments : (n, 2, 2) px2, their
    covariance, that of a pixel included. edge : (n,) bool, reaches the picture's edge.
    touching : (n,) bool, next to a patch of another look.
    labels : (time, row, column) int, number of the blob at each pixel + 1; 0 where none.
    """

    frame: np.ndarray
    look: np.ndarray
    area: np.ndarray
    position: np.ndarray
    moments: np.ndarray
    edge: np.ndarray
    touching: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def slenderness(self) -> np.ndarray:
        """(n,) ratio of the longer to the shorter axis of the ellipse of the same moments."""
        low, high = _principal(self.moments)
        return np.sqrt(high / np.maximum(low, 1e-6))

    @property
    def orientation(self) -> np.ndarray:
        """(n,) rad of the longer axis, from the right (0) towards down (pi/2), modulo pi."""
        spread = self.moments[:, 1, 1] - self.moments[:, 0, 0]
        return 0.5 * np.arctan2(2 * self.moments[:, 0, 1], spread) % np.pi


def _principal(moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    middle = (moments[:, 0, 0] + moments[:, 1, 1]) / 2
    half = np.hypot((moments[:, 0, 0] - moments[:, 1, 1]) / 2, moments[:, 0, 1])
    return middle - half, middle + half


def find_blobs(mattes: Mattes, core: float = 0.4, least: float = 2.0) -> Blobs:
    """Connected patches of pixels covered by at least `core`, with the thinner fringe around them.

    least : px2, area below which a patch is noise.
    """
    firm = (mattes.share > core).numpy()
    look = mattes.look.numpy()
    plane = np.zeros((3, 3, 3), dtype=bool)
    plane[1] = True
    at = np.nonzero(firm)
    flat = np.zeros(firm.shape, dtype=np.int32)
    found = 0
    for number in range(len(mattes.looks)):
        labels, more = ndimage.label(firm & (look == number), structure=plane)
        flat[at] += np.where(labels[at] > 0, labels[at] + found, 0).astype(np.int32)
        found += more
    beside = np.zeros(flat.shape, dtype=bool)
    beside[at] = _beside_another(at, look, firm)
    thin = np.nonzero((mattes.share > 0).numpy() & ~firm)
    flat[thin] = _label_beside(thin, look, flat)
    return _measured(flat, found, mattes, beside, least)


_Pixels = tuple[np.ndarray, ...]


def _around(at: _Pixels, shape: tuple[int, ...]) -> Iterator[_Pixels]:
    """The eight neighbours of pixels (frame, row, column); at the edge, pixels within it."""
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            if down or across:
                yield (at[0], np.clip(at[1] + down, 0, shape[1] - 1),
                       np.clip(at[2] + across, 0, shape[2] - 1))


def _beside_another(at: _Pixels, look: np.ndarray, firm: np.ndarray) -> np.ndarray:
    """Which pixels have a firm one of another look next to them."""
    own = look[at]
    other = np.zeros(len(own), dtype=bool)
    for near in _around(at, look.shape):
        other |= firm[near] & (look[near] != own)
    return other


def _label_beside(at: _Pixels, look: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """The label of a patch of the same look next to each pixel; 0 where there is none."""
    own = look[at]
    label = np.zeros(len(own), dtype=np.int32)
    for near in _around(at, look.shape):
        label = np.maximum(label, np.where(look[near] == own, flat[near], 0))
    return label


def _measured(flat: np.ndarray, found: int, mattes: Mattes, beside: np.ndarray,
              least: float) -> Blobs:
    rows, columns = flat.shape[1:]
    at = np.flatnonzero(flat)
    label = flat.ravel()[at]
    weight = mattes.share.numpy().ravel()[at].astype(np.float64)
    frame, *pixel = np.unravel_index(at, flat.shape)
    row, column = pixel[0] + 0.5, pixel[1] + 0.5

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(label, weights=values, minlength=found + 1)[1:]

    area = total(weight)
    keep = area >= least
    safe = np.maximum(area, 1e-9)
    mean_r, mean_c = total(weight * row) / safe, total(weight * column) / safe
    dr, dc = row - mean_r[label - 1], column - mean_c[label - 1]
    moments = np.stack([total(weight * dr * dr), total(weight * dr * dc),
                        total(weight * dr * dc), total(weight * dc * dc)], axis=-1)
    moments = (moments / safe[:, None]).reshape(-1, 2, 2) + np.eye(2) / 12
    border = (row < 1) | (row > rows - 1) | (column < 1) | (column > columns - 1)
    edge = total(border * (weight > 0.1)) > 0
    touching = total(beside.ravel()[at]) > 0
    first = np.zeros(found, dtype=np.int64)
    first[label - 1] = frame
    look = np.zeros(found, dtype=np.int64)
    look[label - 1] = mattes.look.numpy().ravel()[at]
    order = np.flatnonzero(keep)
    order = order[np.argsort(first[order], kind="stable")]
    renumber = np.zeros(found + 1, dtype=np.int32)
    renumber[order + 1] = np.arange(len(order)) + 1
    return Blobs(first[order], look[order], area[order],
                 np.stack([mean_r, mean_c], axis=-1)[order], moments[order], edge[order],
                 touching[order], renumber[flat])
