"""Small debris is drawn as a disc that cannot be missed, nor mistaken for anything else."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from worldsim.camera.boxes import Boxes
from worldsim.camera.projection import Camera
from worldsim.camera.shading import mix

DIAMETER_PX = 3.5
"""Debris whose projected size is smaller is drawn as a disc of this diameter."""

SLACK = 1.0
"""How far [m] the scene may lie in front of a body's top without hiding it: the water's surface
is known by cells of some metres only, and debris must not flicker in it."""


@dataclass(frozen=True)
class Markers:
    """Discs (m,) in the frames of a film, those of one frame together, farthest first.

    ``row`` and ``column`` are the continuous pixel coordinates of the body's centre;
    ``top_row``, ``top_column`` and ``depth`` [m] are those of its top, which a floating body
    shows above the water.
    """

    frame: np.ndarray
    body: np.ndarray
    row: np.ndarray
    column: np.ndarray
    top_row: np.ndarray
    top_column: np.ndarray
    depth: np.ndarray

    def chosen(self, which: np.ndarray) -> Markers:
        """Some of them."""
        return Markers(*(getattr(self, field.name)[which] for field in fields(self)))

    def turns(self) -> np.ndarray:
        """(m,): how many discs of the same frame come before each."""
        return np.arange(len(self.frame)) - np.searchsorted(self.frame, self.frame)


def small_debris(
    camera: Camera, size: tuple[int, int], boxes: Boxes, debris: np.ndarray
) -> Markers:
    """Discs for the debris (mask (frame, body)) that is too small to be drawn as it is: the
    geometric mean of its two larger edges covers less than `DIAMETER_PX` pixels."""
    scale = camera.pixels_per_metre(boxes.position, size)
    edges = np.sort(2 * boxes.half_size, axis=-1)[..., 1:]
    small = debris & (np.sqrt(edges[..., 0] * edges[..., 1]) * scale < DIAMETER_PX)
    top = boxes.position.copy()
    top[..., 2] += np.sum(np.abs(boxes.rotation[..., 2, :]) * boxes.half_size, axis=-1)
    row, column, _ = camera.project(boxes.position, size)
    top_row, top_column, depth = camera.project(top, size)
    frame, body = np.nonzero(small & np.isfinite(row) & np.isfinite(top_row))
    order = np.lexsort((body, -depth[frame, body], frame))
    frame, body = frame[order], body[order]
    places = (values[frame, body] for values in (row, column, top_row, top_column, depth))
    return Markers(frame, body, *places)


def visible(markers: Markers, near: np.ndarray) -> np.ndarray:
    """Which discs (m,) show: the scene at distances `near` (frame, row, column) [m] hides a body
    where every pixel next to its top sees something in front of that."""
    bounds = []
    for centre, count in ((markers.top_row, near.shape[1]), (markers.top_column, near.shape[2])):
        first = np.clip(np.ceil(centre - 1.25), 0, count - 1)
        last = np.clip(np.floor(centre + 0.25), first, count - 1)
        bounds.append(np.stack([first, last]).astype(np.int64))
    rows, columns = bounds
    farthest = near[markers.frame, rows[:, None], columns[None]].max(axis=(0, 1))
    return ~(farthest < markers.depth - SLACK)


def stamp(markers: Markers, layers: dict[str, np.ndarray], colour: np.ndarray) -> None:
    """Draw the discs into rgb (frame, row, column, 3) and, where given, depth and segmentation,
    with the bodies' `colour` (body, 3)."""
    _, rows, columns, _ = layers["rgb"].shape
    radius = DIAMETER_PX / 2
    window = np.arange(int(np.ceil(2 * radius + 1)) + 1)
    row, column = (
        np.floor(centre - radius - 0.5).astype(np.int64)[:, None] + window
        for centre in (markers.row, markers.column)
    )
    down, across = row + 0.5 - markers.row[:, None], column + 0.5 - markers.column[:, None]
    away = np.sqrt(down[:, :, None] ** 2 + across[:, None] ** 2)
    share = np.clip(radius + 0.5 - away, 0.0, 1.0).astype(np.float32)
    touched = (share > 0) & ((row >= 0) & (row < rows))[:, :, None]
    touched &= ((column >= 0) & (column < columns))[:, None]
    which, i, j = np.nonzero(touched)
    turn = markers.turns()[which]
    share = share[touched]
    at = markers.frame[which], row[which, i], column[which, j]
    # In turns, because a nearer disc may cover another of its frame.
    for now in range(int(turn.max(initial=-1)) + 1):
        mine = np.flatnonzero(turn == now)
        here = tuple(index[mine] for index in at)
        behind = layers["rgb"][here].astype(np.float32)
        paint = colour[markers.body[which[mine]]]
        layers["rgb"][here] = (
            mix(behind, paint, share[mine, None]) + np.float32(0.5)
        ).astype(np.uint8)
        inner = mine[share[mine] > 0.5]
        here = tuple(index[inner] for index in at)
        for name, value in (("depth", markers.depth), ("segmentation", markers.body)):
            if name in layers:
                layers[name][here] = value[which[inner]]
