"""Small debris is drawn as a disc that cannot be missed, nor mistaken for anything else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from worldsim.camera.boxes import Boxes
from worldsim.camera.projection import Camera

DIAMETER_PX = 3.5
"""Debris whose projected size is smaller is drawn as a disc of this diameter."""


@dataclass(frozen=True)
class Marker:
    """A disc at continuous pixel coordinates; ``depth`` is that of the body's top, ``reach`` [m]
    how far the scene may lie in front of it before it counts as hidden."""

    body: int
    row: float
    column: float
    depth: float
    reach: float


def small_debris(
    camera: Camera, size: tuple[int, int], boxes: Boxes, debris: np.ndarray
) -> list[Marker]:
    """Markers, farthest first, of the debris (mask (body,)) that is too small to be drawn as it
    is: the geometric mean of its two larger edges covers less than `DIAMETER_PX` pixels."""
    scale = camera.pixels_per_metre(boxes.position, size)
    edges = np.sort(2 * boxes.half_size, axis=-1)[:, 1:]
    small = debris & (np.sqrt(edges[:, 0] * edges[:, 1]) * scale < DIAMETER_PX)
    top = boxes.position.copy()
    top[:, 2] += np.sum(np.abs(boxes.rotation[:, 2]) * boxes.half_size, axis=-1)
    row, column, _ = camera.project(boxes.position, size)
    depth = camera.project(top, size)[2]
    reach = np.sqrt(np.sum(boxes.half_size**2, axis=-1))
    found = [
        Marker(int(i), float(row[i]), float(column[i]), float(depth[i]), float(reach[i]))
        for i in np.flatnonzero(small & np.isfinite(row))
    ]
    return sorted(found, key=lambda marker: -marker.depth)


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
