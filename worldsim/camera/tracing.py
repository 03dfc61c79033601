"""What each sample of a picture sees: ground, water, a body or the sky, and whether in the sun."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from worldsim.camera.boxes import NO_HIT, Boxes, MujocoBoxes, face_normal, parallel_hit
from worldsim.camera.detail import mottling, visibility
from worldsim.camera.height_field import Grid, RayPlanes, first_hit, sample
from worldsim.camera.projection import Camera
from worldsim.camera.shading import AMBIENT, TOWARDS_SUN, ground_albedo, mirrored_share, mix, sunlit
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
    (n, 3) of bodies; ``surface`` (channel, n), with the channels of `surface.CHANNELS`, at the
    ground or water that the ray meets or would meet behind a body.
    """

    distance: np.ndarray
    body: np.ndarray
    normal: np.ndarray
    surface: np.ndarray


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
        self._rays = camera.rays(size, at_row, at_column)
        # Components first: each is contiguous.
        self._origin, self._direction = (
            np.broadcast_to(np.ascontiguousarray(np.moveaxis(part, -1, 0), dtype=np.float32),
                            (3, *self.shape))
            for part in (self._rays.origin, self._rays.direction)
        )
        self._planes = RayPlanes(self._rays, grid)
        self.upward = self._direction[2].reshape(-1)
        self.mirrored = mirrored_share(self.upward)
        self._sky = ~self._planes.downward
        lowest = torch.full((self.shape[0] * self.shape[1],), float(ground.min()))
        self._ground_z = first_hit(ground, self._planes, lowest)
        slopes = sample(_gradient(ground, grid), self._planes.place(self._ground_z)).numpy()
        length = np.sqrt(np.float32(1.0) + slopes[0] ** 2 + slopes[1] ** 2)
        sun = TOWARDS_SUN.astype(np.float32)
        light = sunlit((sun[2] - slopes[0] * sun[0] - slopes[1] * sun[1]) / length)
        ground_distance = self._planes.distance(self._ground_z.numpy())
        place = self.points(np.arange(len(light)), ground_distance)
        place[1] -= np.float32(grid.y_first + 0.5 * (grid.ny - 1) * grid.dy)
        shown = self.detail(np.arange(len(light)), ground_distance)
        mottled = mix(np.ones_like(light), mottling(place[0], place[1]), shown)
        self.ground_colour = ground_albedo(self._ground_z.numpy()) * (light * mottled)
        self.ground_in_shade = np.float32(AMBIENT) / light

    def points(self, at: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Points (3, m) [m] on the rays number `at` (m,) at the given distances (m,) [m]."""
        origin, direction = self._origin.reshape(3, -1), self._direction.reshape(3, -1)
        return origin[:, at] + direction[:, at] * distance

    def detail(self, at: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """How far (m,) detail is seen at those points, 0..1."""
        scale = self.camera.pixels_per_metre(self.points(at, distance).T, self.size)
        return visibility(scale)

    def see(self, fields: torch.Tensor, scene: Scene) -> Hits:
        """Trace one frame; `fields` (channel, y, x) are those of `Surface`."""
        height = fields[0]
        if self._planes.vertical:
            surface = sample(fields, self._planes.place(self._ground_z)).numpy()
            z = surface[0]
        else:
            z_low = self._ground_z.clamp(min=float(height.min()))
            z_hit = first_hit(height, self._planes, z_low)
            surface = sample(fields, self._planes.place(z_hit)).numpy()
            z = z_hit.numpy()
        distance = self._planes.distance(z)
        distance[self._sky] = NO_HIT
        body_distance, body, normal = self._see_bodies(scene)
        # Water carried on under a building for the sake of a smooth surface is not seen.
        under = (surface[CHANNELS.index("blocked")] > 0.5) & (body >= 0)
        in_front = (body_distance < distance) | under
        return Hits(np.where(in_front, body_distance, distance),
                    np.where(in_front, body, np.int16(-1)), normal, surface)

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
            towards = np.broadcast_to(self._rays.direction, (*self.shape, 3)).reshape(-1, 3)[at]
            distance[at], body[at], normal[at] = scene.cast.cast(
                self._rays.origin.reshape(3), towards
            )
            return distance, body, normal
        direction = self._rays.direction.reshape(3)
        numbers = np.arange(count).reshape(self.shape)
        for index, block in blocks:
            at = numbers[block].ravel()
            origin = self._origin[(slice(None), *block)].reshape(3, -1)
            entry, leave, axis = parallel_hit(origin, direction, scene.boxes, index)
            nearer = (entry <= leave) & (entry > 0) & (entry < distance[at])
            at = at[nearer]
            distance[at], body[at] = entry[nearer], index
            normal[at] = face_normal(scene.boxes, index, axis[nearer], direction)
        return distance, body, normal

    def shaded(self, hits: Hits, scene: Scene) -> np.ndarray:
        """Which points (n,) a body keeps the sun from."""
        shaded = np.zeros(self.shape, dtype=bool)
        # The sky is told from the rest by its distance later; here any finite one will do.
        distance = np.where(np.isinf(hits.distance), np.float32(0.0), hits.distance)
        distance = distance.reshape(self.shape)
        lowest = float((self._origin[2] + self._direction[2] * distance).min())
        hulls = scene.boxes.shadow_hulls(TOWARDS_SUN, lowest)
        for index, block in self._blocks(hulls, scene.drawn):
            within = (slice(None), *block)
            points = self._origin[within] + self._direction[within] * distance[block]
            entry, leave, _ = parallel_hit(
                points.reshape(3, -1), TOWARDS_SUN, scene.boxes, index
            )
            covered = (entry <= leave) & (leave > SHADOW_GAP)
            shaded[block] |= covered.reshape(distance[block].shape)
        return shaded.ravel()

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
