"""The rays of some rows of a picture, which no rollout changes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from worldsim.camera.boxes import Looks
from worldsim.camera.detail import visibility
from worldsim.camera.height_field import Grid, RayPlanes
from worldsim.camera.projection import Camera, Rays

VIEWS_KEPT = 32
"""Views kept for the next film; each takes some megabytes."""


class View:
    """The samples of some rows of a picture.

    Samples are numbered by their place inside the pixel first, then by row and column: the
    samples of one place make a picture, and the mean over a pixel adds whole pictures.

    Parameters
    ----------
    rows : first and last + 1 picture row. supersample : samples per pixel and direction.
    grid : of the height fields that the rays meet.
    """

    def __init__(self, camera: Camera, size: tuple[int, int], rows: tuple[int, int],
                 supersample: int, grid: Grid) -> None:
        self.camera, self.size, self.rows, self.grid = camera, size, rows, grid
        self.shape = (supersample**2, rows[1] - rows[0], size[1])
        at_row = np.arange(rows[0] * supersample, rows[1] * supersample) + 0.5
        at_column = np.arange(size[1] * supersample) + 0.5
        rays = camera.rays(size, at_row / supersample, at_column / supersample)
        origin, direction = (self._numbered(part, supersample)
                             for part in (rays.origin, rays.direction))
        self.planes = RayPlanes(Rays(origin, direction), grid)
        # Components first: (3, n), or (3, 1) where all rays share one.
        self.origin, self.direction = (
            torch.from_numpy(np.ascontiguousarray(part.T, dtype=np.float32))
            for part in (origin, direction)
        )
        self.upward = np.broadcast_to(self.direction[2].numpy(), (len(self),))
        self.sky = torch.from_numpy(~self.planes.downward)
        self.skies = self.runs(~self.planes.downward)
        self._origin_z = torch.from_numpy(self.planes.origin_z)
        self._distance_per_drop = torch.from_numpy(self.planes.distance_per_drop)

    def __len__(self) -> int:
        return self.shape[0] * self.shape[1] * self.shape[2]

    def _numbered(self, part: np.ndarray, supersample: int) -> np.ndarray:
        """Rays' part on the grid of samples by their numbers: (n or 1, 3)."""
        if part.shape[:2] == (1, 1):
            return part.reshape(1, 3)
        s, (_, rows, columns) = supersample, self.shape
        return part.reshape(rows, s, columns, s, 3).transpose(1, 3, 0, 2, 4).reshape(-1, 3)

    def runs(self, mask: np.ndarray) -> list[slice]:
        """For each place inside a pixel the run of samples that holds those of a mask (n,)."""
        pixels = len(self) // self.shape[0]
        found = []
        for first in range(0, len(self), pixels):
            inside = np.flatnonzero(mask[first : first + pixels]) + first
            if len(inside):
                found.append(slice(int(inside[0]), int(inside[-1]) + 1))
        return found

    def distance(self, z: torch.Tensor) -> torch.Tensor:
        """Distance [m] along the rays to heights z (…, n)."""
        return (self._origin_z - z) * self._distance_per_drop

    def height(self, at: torch.Tensor, distance: torch.Tensor) -> torch.Tensor:
        """Height z (m,) on the rays number `at` (m,) at the given distances (m,) [m]."""
        return self._origin_z[at] - distance / self._distance_per_drop[at]

    def towards(self, at: torch.Tensor) -> torch.Tensor:
        """Directions (3, m or 1) of the rays number `at` (m,)."""
        return _of(self.direction, at)

    def start(self, at: torch.Tensor) -> torch.Tensor:
        """Origins (3, m or 1) of the rays number `at` (m,)."""
        return _of(self.origin, at)

    def points(self, at: torch.Tensor, distance: torch.Tensor) -> torch.Tensor:
        """Points (3, m) [m] on the rays number `at` (m,) at the given distances (m,) [m]."""
        return self.start(at) + self.towards(at) * distance

    def detail(self, points: torch.Tensor) -> np.ndarray:
        """How far (m,) detail is seen at points (3, m), 0..1."""
        return visibility(self.camera.pixels_per_metre(points.numpy().T, self.size))

    def looks(self, hulls: np.ndarray, drawn: np.ndarray) -> Looks:
        """The samples of the pixels in which the hulls (frame, n, points, 3) of `drawn`
        (frame, n) bodies appear."""
        _, rows, columns = self.shape
        frame, body = np.nonzero(drawn)
        extent = np.stack(self.camera.extent(hulls[frame, body], self.size))
        seen = np.flatnonzero(np.isfinite(extent[0]))
        frame, body, extent = frame[seen], body[seen], extent[:, seen]
        extent[:2] -= self.rows[0]
        first = np.floor(extent[[0, 2]] - 0.5)
        last = np.ceil(extent[[1, 3]] + 0.5)
        most = np.array([[rows], [columns]])
        row0, column0 = np.clip(first, 0, most).astype(np.int64)
        row1, column1 = np.clip(last, 0, most).astype(np.int64)
        width = np.maximum(column1 - column0, 0)
        pixels = np.maximum(row1 - row0, 0) * width
        pair = np.repeat(np.arange(len(frame)), pixels)
        number = np.arange(len(pair)) - np.repeat(np.cumsum(pixels) - pixels, pixels)
        down, across = np.divmod(number, width[pair])
        at = (row0[pair] + down) * columns + column0[pair] + across
        at = (np.arange(self.shape[0])[:, None] * (rows * columns) + at).ravel()
        return Looks(frame, body, torch.from_numpy(np.tile(pair, self.shape[0])),
                     torch.from_numpy(at))


@lru_cache(maxsize=VIEWS_KEPT)
def view_of(camera: Camera, size: tuple[int, int], rows: tuple[int, int], supersample: int,
            grid: Grid) -> View:
    """A `View`, the same object as long as it is kept: cameras outlast rollouts."""
    return View(camera, size, rows, supersample, grid)


def _of(rays: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """(3, m or 1): a part of the rays number `at` (m,), of which all may share one."""
    return rays if rays.shape[1] == 1 else rays.index_select(1, at)
