"""Solids seen by marching along rays through their distance fields: a second, slow way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from worldsim.camera import Camera
from worldsim.mechanics import Body, Part, Shape

NEAREST = 3e-6
FARTHEST = 60.0


def turn(quaternion: Sequence[float]) -> np.ndarray:
    """Rotation matrix by Rodrigues' formula."""
    w, *axis = np.asarray(quaternion, float) / np.linalg.norm(quaternion)
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + 2 * w * cross + 2 * cross @ cross


def distance_to(part: Part, points: np.ndarray) -> np.ndarray:
    """Distance (…) [m] of points (…, 3) in the part's axes from its surface, negative inside."""
    x, y, z = np.moveaxis(points, -1, 0)
    if part.shape is Shape.SPHERE:
        return np.linalg.norm(points, axis=-1) - part.size[0]
    if part.shape is Shape.PLANE:
        return z
    if part.shape is Shape.CAPSULE:
        radius, half = part.size
        return np.sqrt(x**2 + y**2 + (z - np.clip(z, -half, half)) ** 2) - radius
    if part.shape is Shape.CYLINDER:
        over = np.stack([np.hypot(x, y) - part.size[0], np.abs(z) - part.size[1]], -1)
    else:
        over = np.abs(points) - np.array(part.size)
    return np.linalg.norm(np.maximum(over, 0), axis=-1) + np.minimum(np.max(over, axis=-1), 0)


class World:
    """Bodies at their own places."""

    def __init__(self, bodies: Sequence[Body]) -> None:
        self._parts = [
            (part, turn(body.quaternion) @ turn(part.quaternion),
             np.array(body.position) + turn(body.quaternion) @ np.array(part.position))
            for body in bodies for part in body.parts
        ]

    def nearest(self, points: np.ndarray) -> np.ndarray:
        """Distances (…, part) of points (…, 3)."""
        return np.stack([distance_to(part, (points - centre) @ axes)
                         for part, axes, centre in self._parts], axis=-1)

    def march(self, origin: np.ndarray, direction: np.ndarray,
              skip: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Distances (n,) to the first solid along rays (n, 3), infinite if none, and its number.

        skip : (n,) solids that are not met.
        """
        away = np.zeros(len(origin))
        found = np.full(len(origin), -1)
        alive = np.arange(len(origin))
        for _ in range(600):
            gap = self.nearest(origin[alive] + away[alive, None] * direction[alive])
            if skip is not None:
                gap[np.arange(len(alive)), skip[alive]] = np.inf
            which = np.argmin(gap, axis=-1)
            gap = gap[np.arange(len(alive)), which]
            met = gap < NEAREST
            found[alive[met]] = which[met]
            away[alive] += np.where(met, 0, gap)
            alive = alive[~met & (away[alive] < FARTHEST)]
            if not len(alive):
                break
        away[found < 0] = np.inf
        return away, found

    def seen(self, camera: Camera, size: tuple[int, int],
             places: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Distance and number (rows, columns) along a grid of `places`² rays a pixel, and where
        they end."""
        rows, columns = ((np.arange(side * places) + 0.5) / places for side in size)
        rays = camera.rays(size, rows, columns)
        shape = (len(rows), len(columns), 3)
        origin, direction = (np.broadcast_to(part, shape).reshape(-1, 3)
                             for part in (rays.origin, rays.direction))
        away, found = self.march(origin, direction)
        at = origin + np.where(np.isfinite(away), away, 0)[:, None] * direction
        return away.reshape(shape[:2]), found.reshape(shape[:2]), at.reshape(shape)
