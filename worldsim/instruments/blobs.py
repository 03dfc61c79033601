"""Blobs: connected patches of one look, with their moments."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional

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
    frames, rows, columns = mattes.share.shape
    count = max(len(mattes.looks), 1)
    firm = (mattes.share > core).numpy()
    look = mattes.look.numpy()
    stack = np.zeros((frames, count, rows, columns), dtype=bool)
    for number in range(count):
        stack[:, number] = firm & (look == number)
    plane = np.zeros((3, 3, 3), dtype=bool)
    plane[1] = True
    labels, found = ndimage.label(stack.reshape(-1, rows, columns), structure=plane)
    labels = labels.reshape(stack.shape)
    flat = labels.max(axis=1) if found else np.zeros((frames, rows, columns), dtype=np.int32)
    flat = _with_fringe(flat, labels, look, mattes.share.numpy() > 0)
    return _measured(flat, found, mattes, _beside_others(mattes, core), least)


def _beside_others(mattes: Mattes, core: float) -> np.ndarray:
    """(time, row, column) bool: pixels with another look next to them."""
    firm = mattes.share > core
    look = mattes.look.float()
    highest = _highest_around(torch.where(firm, look, -1.0))
    lowest = -_highest_around(torch.where(firm, -look, -1e3))
    return ((highest > look) | (lowest < look)).numpy()


def _highest_around(values: torch.Tensor) -> torch.Tensor:
    return functional.max_pool2d(values[:, None], 3, stride=1, padding=1)[:, 0]


def _with_fringe(flat: np.ndarray, labels: np.ndarray, look: np.ndarray,
                 some: np.ndarray) -> np.ndarray:
    """Labels (time, row, column) that also take the thin pixels of their look next to them."""
    stack = torch.from_numpy(labels.astype(np.float32))
    grown = functional.max_pool2d(stack, 3, stride=1, padding=1).numpy().astype(flat.dtype)
    near = np.take_along_axis(grown, np.maximum(look, 0)[:, None], axis=1)[:, 0]
    return np.where((flat == 0) & some, near, flat)


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
    renumber = np.zeros(found + 1, dtype=np.int64)
    renumber[order + 1] = np.arange(len(order)) + 1
    return Blobs(first[order], look[order], area[order],
                 np.stack([mean_r, mean_c], axis=-1)[order], moments[order], edge[order],
                 touching[order], renumber[flat])
