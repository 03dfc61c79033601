"""What each sample of a picture sees: ground, water, a body or the sky, and whether in the sun."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from worldsim.camera.boxes import NO_HIT, Boxes, MujocoBoxes, face_normal, parallel_hit
from worldsim.camera.height_field import Grid, RayPlanes, first_hit, sample
from worldsim.camera.projection import Camera
from worldsim.camera.shading import TOWARDS_SUN, ground_albedo
from worldsim.camera.surface import CHANNELS

SHADOW_GAP = 0.02
"""A body casts no shadow on what lies this near to it [m]: itself, that is."""


@dataclass(frozen=True)
class Scene:
    """The bodies of one frame; `drawn` (n,) are those drawn as boxes. `cast` is for
    perspective cameras and holds the same boxes."""

    boxes: Boxes
    drawn: np.ndarray
    cast: MujocoBoxes | None


@dataclass(frozen=True)
class Hits:
    """What the samples (n,) of a band see.

    ``distance`` [m] along the ray, infinite for the sky; ``body`` -1 where none; ``normal``
    (n, 3) of bodies; ``point`` (3, n) [m]; ``surface`` (channel, n) of `CHANNELS` at the ground
    or water that the ray would meet; ``ground_distance`` [m] to that.
    """

    distance: np.ndarray
    body: np.ndarray
    normal: np.ndarray
    point: np.ndarray
    surface: dict[str, np.ndarray]


class Band:
    """The samples of some rows of a picture, and the ground that they see.

    Parameters
    ----------
    rows : first and last + 1 picture row. supersample : samples per pixel and direction.
    ground : (y, x) bathymetry [m] on `grid`.
    """

    def __init__(self, camera: Camera, size: tuple[int, int], rows: tuple[int, int],
                 supersample: int, grid: Grid, ground: torch.Tensor) -> None:
        self.camera, self.size, self.supersample = camera, size, supersample
        self._first = rows[0] * supersample
        self.shape = ((rows[1] - rows[0]) * supersample, size[1] * supersample)
        at_row = (np.arange(self.shape[0]) + self._first + 0.5) / supersample
        at_column = (np.arange(self.shape[1]) + 0.5) / supersample
        self.rays = camera.rays(size, at_row, at_column)
        full = (*self.shape, 3)
        self.direction = np.broadcast_to(self.rays.direction, full).reshape(-1, 3)
        self.planes = RayPlanes(self.rays, grid)
        self.sky = ~self.planes.downward
        self._ground_z = self._see_ground(ground)
        z = self._ground_z.numpy()
        x, _ = self.planes.points(z)
        slopes = sample(_gradient(ground, grid), self.planes.place(self._ground_z)).numpy()
        length = np.sqrt(np.float32(1.0) + slopes[0] ** 2 + slopes[1] ** 2)
        sun = TOWARDS_SUN.astype(np.float32)
        self.ground_albedo = ground_albedo(x, z)
        self.ground_dot_sun = (sun[2] - slopes[0] * sun[0] - slopes[1] * sun[1]) / length

    def _see_ground(self, ground: torch.Tensor) -> torch.Tensor:
        lowest = torch.full((self.shape[0] * self.shape[1],), float(ground.min()))
        return first_hit(ground, self.planes, lowest)

    def see(self, fields: torch.Tensor, scene: Scene) -> Hits:
        """Trace one frame; `fields` (channel, y, x) are those of `Surface`."""
        height = fields[0]
        z_low = self._ground_z.clamp(min=float(height.min()))
        z = first_hit(height, self.planes, z_low)
        surface = dict(zip(CHANNELS, sample(fields, self.planes.place(z)).numpy(), strict=True))
        z = z.numpy()
        distance = self.planes.distance(z)
        distance[self.sky] = NO_HIT
        body_distance, body, normal = self._see_bodies(scene)
        # Water carried on under a building for the sake of a smooth surface is not seen.
        under = (surface["blocked"] > 0.5) & (body >= 0)
        in_front = (body_distance < distance) | under
        body = np.where(in_front, body, np.int16(-1))
        point = np.stack([*self.planes.points(z), z])
        at = np.flatnonzero(in_front)
        distance[at] = body_distance[at]
        point[:, at] = self._points(at, body_distance[at])
        return Hits(distance, body, normal, point, surface)

    def _points(self, at: np.ndarray, distance: np.ndarray) -> np.ndarray:
        origin = np.broadcast_to(self.rays.origin, (*self.shape, 3)).reshape(-1, 3)[at]
        return (origin + self.direction[at] * distance[:, None]).T.astype(np.float32)

    def _see_bodies(self, scene: Scene) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Distance (n,), body (n,) and normal (n, 3) of the nearest body."""
        count = self.shape[0] * self.shape[1]
        distance = np.full(count, NO_HIT, dtype=np.float32)
        body = np.full(count, -1, dtype=np.int16)
        normal = np.zeros((count, 3), dtype=np.float32)
        blocks = self._blocks(scene.boxes.corners(), scene.drawn)
        if scene.cast is not None:
            wanted = np.zeros(self.shape, dtype=bool)
            for _, block in blocks:
                wanted[block] = True
            at = np.flatnonzero(wanted)
            distance[at], body[at], normal[at] = scene.cast.cast(
                self.rays.origin.reshape(3), self.direction[at]
            )
            return distance, body, normal
        direction = self.rays.direction.reshape(3)
        numbers = np.arange(count).reshape(self.shape)
        for index, block in blocks:
            at = numbers[block].ravel()
            origin = self.rays.origin[block].reshape(-1, 3).T.astype(np.float32)
            entry, leave, axis = parallel_hit(origin, direction, scene.boxes, index)
            nearer = (entry <= leave) & (entry > 0) & (entry < distance[at])
            at = at[nearer]
            distance[at], body[at] = entry[nearer], index
            normal[at] = face_normal(scene.boxes, index, axis[nearer], direction)
        return distance, body, normal

    def sunshine(self, hits: Hits, scene: Scene) -> np.ndarray:
        """1 where the sun reaches the points (n,), 0 where a body is in between."""
        visible = np.ones(self.shape, dtype=np.float32)
        points = hits.point.reshape(3, *self.shape)
        z_floor = float(points[2].min())
        hulls = scene.boxes.shadow_hulls(TOWARDS_SUN, z_floor)
        for index, block in self._blocks(hulls, scene.drawn):
            inside = points[(slice(None), *block)]
            entry, leave, _ = parallel_hit(
                inside.reshape(3, -1), TOWARDS_SUN, scene.boxes, index
            )
            shaded = (entry <= leave) & (leave > SHADOW_GAP)
            visible[block] *= ~shaded.reshape(inside.shape[1:])
        return visible.ravel()

    def _blocks(self, hulls: np.ndarray, drawn: np.ndarray) -> list[tuple[int, tuple]]:
        """The block of this band's samples in which each drawn body's hull (n, points, 3)
        appears."""
        row, column, _ = self.camera.project(hulls, self.size)
        blocks = []
        for index in np.flatnonzero(drawn):
            bounds = []
            for at, offset, count in ((row[index], self._first, self.shape[0]),
                                      (column[index], 0, self.shape[1])):
                if np.isnan(at).any():  # part of it lies behind the camera: no bound
                    bounds.append((0, count))
                    continue
                first = int(np.floor(at.min() * self.supersample - 0.5)) - offset
                last = int(np.ceil(at.max() * self.supersample + 0.5)) - offset
                bounds.append((max(first, 0), min(last, count)))
            if all(first < last for first, last in bounds):
                blocks.append((int(index), tuple(slice(*bound) for bound in bounds)))
        return blocks


def _gradient(ground: torch.Tensor, grid: Grid) -> torch.Tensor:
    """(2, y, x): dz/dx and dz/dy of heights (y, x)."""
    along_y, along_x = torch.gradient(ground, spacing=(grid.dy, grid.dx))
    return torch.stack([along_x, along_y])
