"""Where rays meet boxes: the bodies of many frames as the camera and the sun see them.

A ray meets a box where it is between all three pairs of faces (slabs; Kay & Kajiya 1986, "Ray
tracing complex scenes"). Only the pixels whose rectangle on the picture holds a body (or its
shadow) are looked at: all bodies of all frames make one list of such samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

CORNERS = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)], dtype=float)

NO_HIT = float("inf")

FLATTEST = 1e-7
"""Rays nearer to parallel to a face than this are turned by this much: no division by zero."""


@dataclass(frozen=True)
class Boxes:
    """Boxes of some frames: centres (frame, n, 3) [m], rotations (frame, n, 3, 3), half sizes
    (frame, n, 3) [m]."""

    position: np.ndarray
    rotation: np.ndarray
    half_size: np.ndarray

    def corners(self) -> np.ndarray:
        """(frame, n, 8, 3) [m]."""
        local = CORNERS * self.half_size[..., None, :]
        return self.position[..., None, :] + local @ np.swapaxes(self.rotation, -1, -2)

    def shadow_hulls(self, towards_sun: np.ndarray, z_floor: float) -> np.ndarray:
        """(frame, n, 16, 3): points whose hull holds each box and its shadow down to `z_floor`
        [m]."""
        corners = self.corners()
        fall = np.maximum(corners[..., 2:] - z_floor, 0.0) / towards_sun[2]
        return np.concatenate([corners, corners - fall * towards_sun], axis=-2)

    def axes(self, frame: np.ndarray, body: np.ndarray) -> torch.Tensor:
        """(3, 3, m) float32: local axis k of the boxes `body` in `frame` (m,) at ``[:, k]``."""
        return _float(np.moveaxis(self.rotation[frame, body], 0, -1))

    def centres(self, frame: np.ndarray, body: np.ndarray) -> torch.Tensor:
        """(3, m) float32 [m]."""
        return _float(self.position[frame, body].T)

    def half_sizes(self, frame: np.ndarray, body: np.ndarray) -> torch.Tensor:
        """(3, m) float32 [m]."""
        return _float(self.half_size[frame, body].T)


@dataclass(frozen=True)
class Looks:
    """Samples to be looked at for boxes: sample ``at`` (m,) for box ``pair`` (m,), which is
    number ``body[pair]`` in frame ``frame[pair]``."""

    frame: np.ndarray
    body: np.ndarray
    pair: torch.Tensor
    at: torch.Tensor


def slabs(points: torch.Tensor, directions: torch.Tensor, boxes: Boxes,
          looks: Looks) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Entry and exit distances (m,) of the rays ``points + t * directions`` (3, m; or (3, 1))
    through their boxes, and the local axis 0, 1, 2 (m,) of the face where they enter.

    The ray misses the box where the entry lies beyond the exit.
    """
    axes = boxes.axes(looks.frame, looks.body)
    centres = boxes.centres(looks.frame, looks.body)
    half = boxes.half_sizes(looks.frame, looks.body)
    one_point, one_direction = points.shape[1] == 1, directions.shape[1] == 1
    # What all rays of a box share is computed by box and then dealt out to its rays.
    if not one_point:
        points = points - _dealt(centres, looks.pair)
    for k in range(3):
        axis_k = axes[:, k]
        dealt = _dealt(axis_k, looks.pair)
        if one_point:
            start = _dot(points - centres, axis_k).index_select(0, looks.pair)
        else:
            start = _dot(points, dealt)
        if one_direction:
            inverse = _inverse(_dot(directions, axis_k))
            reach = (half[k] * inverse).abs().index_select(0, looks.pair)
            inverse = inverse.index_select(0, looks.pair)
        else:
            inverse = _inverse(_dot(directions, dealt))
            reach = half[k].index_select(0, looks.pair).mul_(inverse).abs_()
        middle = start.mul_(inverse).neg_()
        near, far = middle - reach, middle.add_(reach)
        if k == 0:
            entry, leave, axis = near, far, torch.zeros_like(looks.pair)
        else:
            axis.masked_fill_(near > entry, k)
            entry, leave = torch.maximum(entry, near), torch.minimum(leave, far)
    return entry, leave, axis


def face_normals(boxes: Boxes, frame: np.ndarray, body: np.ndarray, axis: np.ndarray,
                 directions: np.ndarray) -> np.ndarray:
    """Outward normals (3, m) float32 of the faces `axis` (m,) of boxes that rays along
    `directions` (3, m) enter."""
    along = boxes.rotation[frame, body, :, axis].T
    against = -np.sign(along[0] * directions[0] + along[1] * directions[1]
                       + along[2] * directions[2])
    return (along * against).astype(np.float32)


def _dealt(vectors: torch.Tensor, pair: torch.Tensor) -> torch.Tensor:
    """Vectors (3, boxes) of the boxes `pair` (m,): (3, m)."""
    return torch.stack([part.index_select(0, pair) for part in vectors])


def _dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _inverse(slope: torch.Tensor) -> torch.Tensor:
    return torch.where(slope.abs() > FLATTEST, slope, FLATTEST).reciprocal()


def _float(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
