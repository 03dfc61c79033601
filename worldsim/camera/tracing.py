"""What each sample of a picture sees: ground, water, a body or the sky, and whether in the sun.

Samples are numbered by their place inside the pixel first, then by row and column: the samples of
one place make a picture, and the mean over a pixel adds whole pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from worldsim.camera.boxes import NO_HIT, Boxes, Looks, face_normals, slabs
from worldsim.camera.detail import mottling, visibility
from worldsim.camera.height_field import Grid, Heights, RayPlanes, first_hits, sample
from worldsim.camera.projection import Camera, Rays
from worldsim.camera.shading import (
    AMBIENT,
    CLEAR_DISTANCE,
    TOWARDS_SUN,
    ground_albedo,
    mix,
    sunlit,
)

SHADOW_GAP = 0.02
"""A body casts no shadow on what lies this near to it [m]: itself, that is."""


@dataclass(frozen=True)
class BodyHits:
    """The samples of some frames that see a body: their numbers ``at`` (m,) in the flattened
    (frame, n), the ``frame`` and ``body`` (m,) and the outward ``normal`` (3, m) there."""

    at: np.ndarray
    frame: np.ndarray
    body: np.ndarray
    normal: np.ndarray


class Band:
    """The samples of some rows of a picture, and the ground that they see.

    What no frame changes is found here, once: rays, the ground where they end, its colour in the
    sun and in a shadow.

    Parameters
    ----------
    rows : first and last + 1 picture row. supersample : samples per pixel and direction.
    ground : (y, x) bathymetry [m] on `grid`.
    """

    def __init__(self, camera: Camera, size: tuple[int, int], rows: tuple[int, int],
                 supersample: int, grid: Grid, ground: torch.Tensor) -> None:
        self.camera, self.size, self.rows, self.supersample = camera, size, rows, supersample
        self.shape = (supersample**2, rows[1] - rows[0], size[1])
        at_row = np.arange(rows[0] * supersample, rows[1] * supersample) + 0.5
        at_column = np.arange(size[1] * supersample) + 0.5
        rays = camera.rays(size, at_row / supersample, at_column / supersample)
        self._rays = Rays(self._numbered(rays.origin), self._numbered(rays.direction))
        self._origin, self._direction = (
            torch.from_numpy(np.ascontiguousarray(part.T, dtype=np.float32))
            for part in (self._rays.origin, self._rays.direction)
        )
        self._planes = RayPlanes(self._rays, grid)
        self.sky = torch.from_numpy(~self._planes.downward)
        self._distance_per_drop = torch.from_numpy(self._planes.distance_per_drop)
        self._origin_z = torch.from_numpy(self._planes.origin_z)
        self.upward = np.broadcast_to(self._direction[2].numpy(), (len(self),))
        self._lowest = float(ground.min())
        self._ground_z = first_hits(Heights.of(ground[None]), self._planes,
                                    torch.full((len(self),), self._lowest))[0]
        slopes = sample(_gradient(ground, grid)[None], self._planes.place(self._ground_z)[None])
        slope_x, slope_y = slopes[0].numpy()
        length = np.sqrt(np.float32(1.0) + slope_x**2 + slope_y**2)
        sun = TOWARDS_SUN.astype(np.float32)
        light = sunlit((sun[2] - slope_x * sun[0] - slope_y * sun[1]) / length)
        everywhere = np.arange(len(self))
        distance = self._distance(self._ground_z).numpy()
        place = self.points(everywhere, distance)
        place[1] -= np.float32(grid.y_first + 0.5 * (grid.ny - 1) * grid.dy)
        shown = self.detail(everywhere, distance)
        mottled = mix(np.ones_like(light), mottling(place[0], place[1]), shown)
        self.ground_colour = torch.from_numpy(
            ground_albedo(self._ground_z.numpy()) * (light * mottled)
        )
        self.hazy = self._runs(distance > CLEAR_DISTANCE)
        self.skies = self._runs(~self._planes.downward)
        self.ground_in_shade = np.float32(AMBIENT) / light

    def __len__(self) -> int:
        return self.shape[0] * self.shape[1] * self.shape[2]

    def _numbered(self, part: np.ndarray) -> np.ndarray:
        """Rays' part on the grid of samples by their numbers: (n or 1, 3)."""
        if part.shape[:2] == (1, 1):
            return part.reshape(1, 3)
        s, (_, rows, columns) = self.supersample, self.shape
        return part.reshape(rows, s, columns, s, 3).transpose(1, 3, 0, 2, 4).reshape(-1, 3)

    def _runs(self, mask: np.ndarray) -> list[slice]:
        """For each place inside a pixel the run of samples that holds those of a mask (n,)."""
        pixels = len(self) // self.shape[0]
        runs = []
        for first in range(0, len(self), pixels):
            inside = np.flatnonzero(mask[first : first + pixels]) + first
            if len(inside):
                runs.append(slice(int(inside[0]), int(inside[-1]) + 1))
        return runs

    def points(self, at: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Points (3, m) [m] on the rays number `at` (m,) at the given distances (m,) [m]."""
        return self._points(torch.from_numpy(at), torch.from_numpy(distance)).numpy()

    def _points(self, at: torch.Tensor, distance: torch.Tensor) -> torch.Tensor:
        return _of(self._origin, at) + _of(self._direction, at) * distance

    def detail(self, at: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """How far (m,) detail is seen at those points, 0..1."""
        scale = self.camera.pixels_per_metre(self.points(at, distance).T, self.size)
        return visibility(scale)

    def _distance(self, z: torch.Tensor) -> torch.Tensor:
        return (self._origin_z - z) * self._distance_per_drop

    def see_surface(self, heights: Heights,
                    fields: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Distances (frame, n) [m] of ground or water, infinite for the sky, and the `fields`
        (frame, channel, y, x) there, (frame, channel, n)."""
        z_low = self._ground_z
        z = first_hits(heights, self._planes, z_low)
        distance = self._distance(z).masked_fill_(self.sky, NO_HIT)
        places = self._planes.place(z[:1] if self._planes.vertical else z)
        return distance, sample(fields, places)

    def see_bodies(self, distance: torch.Tensor, boxes: Boxes, drawn: np.ndarray,
                   blocked: torch.Tensor) -> BodyHits:
        """The samples that see a body, those `drawn` (frame, body); `distance` (frame, n) of the
        surface becomes that of the body there.

        Water that is carried on under a building for the sake of a smooth surface is not seen:
        where the field `blocked` (frame, y, x) says so, the body is.
        """
        looks = self._looks(boxes.corners(), drawn)
        eye = self.camera.projection == "perspective"
        entry, leave, axis = slabs(
            self._origin if eye else _of(self._origin, looks.at),
            _of(self._direction, looks.at), boxes, looks,
        )
        met = torch.nonzero((entry <= leave) & (entry > 0))[:, 0].numpy()
        pair, at = looks.pair.numpy()[met], looks.at.numpy()[met]
        entry, axis = entry.numpy()[met], axis.numpy()[met]
        frame, body = looks.frame[pair], looks.body[pair]
        flat = frame * len(self) + at
        flat = frame * len(self) + at
        best = _nearest(flat, entry, distance.numel())
        flat, at, frame, body = flat[best], at[best], frame[best], body[best]
        entry, axis = entry[best], axis[best]
        surface = distance.view(-1).numpy()
        shown = entry < surface[flat]
        behind = np.flatnonzero(~shown)
        shown[behind] = self._under(blocked, frame[behind], at[behind], surface[flat[behind]])
        flat, at, frame, body = flat[shown], at[shown], frame[shown], body[shown]
        surface[flat] = entry[shown]
        towards = _of(self._direction, torch.from_numpy(at)).numpy()
        return BodyHits(flat, frame, body, face_normals(boxes, frame, body, axis[shown], towards))

    def _under(self, blocked: torch.Tensor, frame: np.ndarray, at: np.ndarray,
               distance: np.ndarray) -> np.ndarray:
        """Whether the surface that those samples (m,) meet is under a building."""
        under = np.zeros(len(at), dtype=bool)
        for k in np.unique(frame):
            mine = np.flatnonzero(frame == k)
            which = torch.from_numpy(at[mine])
            drop = torch.from_numpy(distance[mine]) / self._distance_per_drop[which]
            places = self._planes.chosen(which).place(self._origin_z[which] - drop)
            under[mine] = (sample(blocked[k, None, None], places[None])[0, 0] > 0.5).numpy()
        return under

    def shaded(self, distance: torch.Tensor, boxes: Boxes, drawn: np.ndarray) -> np.ndarray:
        """The numbers (m,) in the flattened (frame, n) of the points at `distance` (frame, n)
        that a body keeps the sun from, sorted."""
        flat_distance = distance.view(-1)
        looks = self._looks(boxes.shadow_hulls(TOWARDS_SUN, self._lowest), drawn)
        flat = torch.from_numpy(looks.frame)[looks.pair] * len(self) + looks.at
        away = flat_distance[flat]
        away = torch.where(torch.isinf(away), 0.0, away)
        sun = torch.tensor(TOWARDS_SUN, dtype=torch.float32)[:, None]
        entry, leave, _ = slabs(self._points(looks.at, away), sun, boxes, looks)
        covered = (entry <= leave) & (leave > SHADOW_GAP)
        return np.unique(flat[covered].numpy())

    def _looks(self, hulls: np.ndarray, drawn: np.ndarray) -> Looks:
        """The samples of this band's pixels in which the hulls (frame, n, points, 3) of `drawn`
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


def _nearest(flat: np.ndarray, entry: np.ndarray, count: int) -> np.ndarray:
    """Which of the hits (m,) at places `flat` (m,) below `count` have the least `entry` of their
    place; of equals the first."""
    least = torch.full((count,), NO_HIT)
    least.scatter_reduce_(0, torch.from_numpy(flat), torch.from_numpy(entry), "amin")
    tied = np.flatnonzero(least.numpy()[flat] == entry)
    winner = np.empty(count, dtype=np.int64)
    winner[flat[tied[::-1]]] = tied[::-1]
    return tied[winner[flat[tied]] == tied]


def _of(rays: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """(3, m or 1): a part of the rays number `at` (m,), of which all may share one."""
    return rays if rays.shape[1] == 1 else rays.index_select(1, at)


def _gradient(ground: torch.Tensor, grid: Grid) -> torch.Tensor:
    """(2, y, x): dz/dx and dz/dy of heights (y, x)."""
    along_y, along_x = torch.gradient(ground, spacing=(grid.dy, grid.dx))
    return torch.stack([along_x, along_y])
