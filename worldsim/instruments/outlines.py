"""Outlines: what of the picture a convex solid covers, were nothing in front of it."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.spatial import ConvexHull

from worldsim.camera.projection import Camera
from worldsim.simulator.mechanics.scene import Shape

AROUND = 48
"""Points on a circle; the area of their polygon is 0.3% short, its centre is exact to 0.001 px."""


@dataclasses.dataclass(frozen=True)
class Outline:
    """A convex polygon in continuous pixels, and its moments.

    corners : (n, [row, column]), in order. centre : ([row, column]). area : px2.
    moments : (2, 2) px2, covariance of its area.
    """

    corners: np.ndarray
    centre: np.ndarray
    area: float
    moments: np.ndarray

    def reach(self, angle: np.ndarray) -> np.ndarray:
        """Distance (k,) px from the centre to the edge in directions (k,) rad, where 0 is to the
        right and pi/2 down."""
        start = self.corners - self.centre
        along = np.roll(start, -1, axis=0) - start
        towards = np.stack([np.sin(angle), np.cos(angle)], axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = (towards[:, None, 0] * along[None, :, 1]
                     - towards[:, None, 1] * along[None, :, 0])
            far = (start[:, 0] * along[:, 1] - start[:, 1] * along[:, 0]) / slope
        return np.min(np.where(far > 0, far, np.inf), axis=1)


def outline(shape: Shape, size: np.ndarray, position: np.ndarray, rotation: np.ndarray,
            camera: Camera, picture: tuple[int, int]) -> Outline | None:
    """Outline of one solid; None where any of it is behind the camera.

    Parameters
    ----------
    size : (3,) m, as in `worldsim.mechanics.Part`. position : (3,) m. rotation : (3, 3), columns
        are the solid's axes.
    """
    points = _rim(shape, size, position, rotation, camera)
    row, column, _ = camera.project(points, picture)
    flat = np.stack([row, column], axis=-1)
    if not np.isfinite(flat).all():
        return None
    corners = flat if shape is Shape.SPHERE else flat[ConvexHull(flat).vertices]
    return polygon(corners)


def polygon(corners: np.ndarray) -> Outline:
    """Area, centre and covariance of a simple polygon (n, 2), by Green's theorem."""
    middle = corners.mean(axis=0)
    here = corners - middle
    there = np.roll(here, -1, axis=0)
    cross = here[:, 0] * there[:, 1] - here[:, 1] * there[:, 0]
    area = cross.sum() / 2
    centre = ((here + there) * cross[:, None]).sum(axis=0) / (6 * area)
    pairs = (here[:, :, None] * here[:, None] + there[:, :, None] * there[:, None]
             + (here + there)[:, :, None] * (here + there)[:, None])
    second = (pairs * cross[:, None, None]).sum(axis=0) / (24 * area)
    return Outline(corners, middle + centre, abs(float(area)),
                   second - centre[:, None] * centre[None])


def _rim(shape: Shape, size: np.ndarray, position: np.ndarray, rotation: np.ndarray,
         camera: Camera) -> np.ndarray:
    """Points (n, 3) [m] whose convex hull, as the camera sees it, is the solid's outline."""
    if shape is Shape.SPHERE:
        return _horizon(position, size[0], camera)
    if shape is Shape.BOX:
        signs = np.stack(np.meshgrid([-1, 1], [-1, 1], [-1, 1]), axis=-1).reshape(-1, 3)
        return position + (signs * size) @ rotation.T
    ends = [position + way * size[1] * rotation[:, 2] for way in (-1, 1)]
    if shape is Shape.CAPSULE:
        return np.concatenate([_horizon(end, size[0], camera) for end in ends])
    assert shape is Shape.CYLINDER, f"a {shape} has no outline"
    circle = _circle(rotation[:, 0], rotation[:, 1]) * size[0]
    return np.concatenate([end + circle for end in ends])


def _circle(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    angle = np.arange(AROUND) * 2 * np.pi / AROUND
    return np.cos(angle)[:, None] * first + np.sin(angle)[:, None] * second


def _horizon(centre: np.ndarray, radius: float, camera: Camera) -> np.ndarray:
    """The circle of a sphere along which the camera's rays touch it."""
    right, up = camera.basis[:2]
    if camera.projection == "orthographic":
        return centre + radius * _circle(right, up)
    away = centre - camera.position
    distance = float(np.linalg.norm(away))
    towards = away / distance
    if distance <= radius:
        return np.full((AROUND, 3), np.nan)
    first = np.cross(towards, up if abs(towards @ up) < 0.9 else right)
    first /= np.linalg.norm(first)
    # The tangent cone touches the sphere on a smaller circle, nearer to the camera.
    share = radius / distance
    middle = centre - share * radius * towards
    return middle + radius * np.sqrt(1 - share**2) * _circle(first, np.cross(towards, first))
