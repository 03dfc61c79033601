"""Small debris is drawn as a disc that cannot be missed, nor mistaken for anything else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from worldsim.camera.boxes import Boxes
from worldsim.camera.projection import Camera

DIAMETER_PX = 3.5
"""Debris whose projected size is smaller is drawn as a disc of this diameter."""

SLACK = 1.0
"""How far [m] the scene may lie in front of a body's top without hiding it: the water's surface
is known by cells of some metres only, and debris must not flicker in it."""


@dataclass(frozen=True)
class Marker:
    """A disc at the continuous pixel coordinates of a body's centre; ``top_row``, ``top_column``
    and ``depth`` [m] are those of its top, which a floating body shows above the water."""

    body: int
    row: float
    column: float
    top_row: float
    top_column: float
    depth: float


def small_debris(
    camera: Camera, size: tuple[int, int], boxes: Boxes, debris: np.ndarray
) -> list[list[Marker]]:
    """For each frame the markers, farthest first, of the debris (mask (body,)) that is too small
    to be drawn as it is: the geometric mean of its two larger edges covers less than
    `DIAMETER_PX` pixels."""
    scale = camera.pixels_per_metre(boxes.position, size)
    edges = np.sort(2 * boxes.half_size, axis=-1)[..., 1:]
    small = debris & (np.sqrt(edges[..., 0] * edges[..., 1]) * scale < DIAMETER_PX)
    top = boxes.position.copy()
    top[..., 2] += np.sum(np.abs(boxes.rotation[..., 2, :]) * boxes.half_size, axis=-1)
    row, column, _ = camera.project(boxes.position, size)
    top_row, top_column, depth = camera.project(top, size)
    shown: list[list[Marker]] = [[] for _ in boxes.position]
    for k, i in np.argwhere(small & np.isfinite(row) & np.isfinite(top_row)):
        places = (values[k, i] for values in (row, column, top_row, top_column, depth))
        shown[k].append(Marker(int(i), *map(float, places)))
    return [sorted(found, key=lambda marker: -marker.depth) for found in shown]


def coverage(
    marker: Marker, size: tuple[int, int]
) -> tuple[tuple[slice, slice], np.ndarray] | None:
    """The block of pixels that a disc touches and how much of each it covers, 0..1.

    None where it lies outside the picture.
    """
    radius = DIAMETER_PX / 2
    bounds = []
    for centre, count in ((marker.row, size[0]), (marker.column, size[1])):
        first = max(int(np.floor(centre - radius - 0.5)), 0)
        last = min(int(np.ceil(centre + radius + 0.5)), count)
        if first >= last:
            return None
        bounds.append((first, last))
    (row0, row1), (column0, column1) = bounds
    rows = np.arange(row0, row1) + 0.5 - marker.row
    columns = np.arange(column0, column1) + 0.5 - marker.column
    away = np.sqrt(rows[:, None] ** 2 + columns[None] ** 2)
    share = np.clip(radius + 0.5 - away, 0.0, 1.0).astype(np.float32)
    return (slice(row0, row1), slice(column0, column1)), share


def hidden(marker: Marker, near: np.ndarray) -> bool:
    """Whether the scene, at distances `near` (row, column) [m], hides the body: it does where
    every pixel next to its top sees something in front of that."""
    block = []
    for centre, count in zip((marker.top_row, marker.top_column), near.shape, strict=True):
        first = min(max(int(np.ceil(centre - 1.25)), 0), count - 1)
        last = min(max(int(np.floor(centre + 0.25)), first), count - 1)
        block.append(slice(first, last + 1))
    return bool(np.all(near[tuple(block)] < marker.depth - SLACK))
