"""Positions in space from tracks in pictures, for cameras that are known."""

from __future__ import annotations

import numpy as np

from worldsim.camera.projection import Camera
from worldsim.errors import InputError

PARALLEL = 0.02
"""Sine of the angle between rays (1 degree) below which they meet nowhere in particular."""


def rays(position: np.ndarray, camera: Camera,
         size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Rays through points of a picture.

    Parameters
    ----------
    position : (…, [row, column]) continuous px. size : (rows, columns) of the picture.

    Returns
    -------
    origin, direction : (…, 3) m and unit vectors; NaN where the position is.
    """
    right, up, forward = camera.basis
    flat = camera.projection == "orthographic"
    tall = camera.height_m if flat else 2 * np.tan(np.radians(camera.fov_y_deg) / 2)
    shift = (np.asarray(position, dtype=float) - np.array(size) / 2) * tall / size[0]
    offset = shift[..., 1:] * right - shift[..., :1] * up
    if flat:
        return camera.position + offset, np.where(np.isfinite(offset), forward, np.nan)
    direction = forward + offset
    direction = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    origin = np.where(np.isfinite(direction), camera.position, np.nan)
    return origin, direction


def on_plane(position: np.ndarray, camera: Camera, size: tuple[int, int],
             point: tuple[float, float, float], normal: tuple[float, float, float]) -> np.ndarray:
    """Where what moves in a known plane is: (…, 3) m.

    NaN where it is not seen, or where the ray runs along the plane or meets it behind the camera.

    Parameters
    ----------
    position, size : as of `rays`. point : of the plane, m. normal : of the plane, any length.
    """
    length = float(np.linalg.norm(normal))
    if not length > 0:
        raise InputError(f"normal={tuple(normal)}: give a direction of some length")
    unit = np.array(normal) / length
    origin, direction = rays(position, camera, size)
    slope = direction @ unit
    far = (np.array(point) - origin) @ unit / np.where(np.abs(slope) > PARALLEL, slope, np.nan)
    return origin + np.where(far >= 0, far, np.nan)[..., None] * direction


def by_size(position: np.ndarray, area: np.ndarray, radius: float, camera: Camera,
            size: tuple[int, int]) -> np.ndarray:
    """Where a ball of known radius is, from how large a perspective camera sees it: (…, 3) m.

    A ball far off the line of sight appears as an ellipse of area pi f^2 tan^2(a) / cos^3(b)
    nearly, where `a` is half the angle that it fills and `b` that from the line of sight.

    Parameters
    ----------
    area : (…) px2 of the whole outline. radius : m.

    Raises
    ------
    InputError : an orthographic camera, which sees nothing of distances.
    """
    if camera.projection != "perspective":
        raise InputError(
            "distance by size needs a perspective camera; use a plane, or two cameras"
        )
    if not radius > 0:
        raise InputError(f"radius={radius:g} m: give more than 0")
    origin, direction = rays(position, camera, size)
    focal = size[0] / (2 * np.tan(np.radians(camera.fov_y_deg) / 2))  # px
    cosine = direction @ camera.basis[2]
    tangent = np.sqrt(area * cosine**3 / np.pi) / focal
    return origin + (radius / np.sin(np.arctan(tangent)))[..., None] * direction


def triangulated(first: np.ndarray, second: np.ndarray, cameras: tuple[Camera, Camera],
                 sizes: tuple[tuple[int, int], tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Where two cameras see one object: the middle of the shortest line between their rays.

    Parameters
    ----------
    first, second : (…, [row, column]) px of the same object at the same instants in either view.

    Returns
    -------
    (…, 3) m, and the length (…) m of that line: how far the two views disagree. NaN where either
    does not see the object, the rays are parallel to a degree, or they part: no camera sees what
    is behind it.
    """
    a, u = rays(first, cameras[0], sizes[0])
    b, v = rays(second, cameras[1], sizes[1])
    between = b - a
    cosine = (u * v).sum(-1)
    sine2 = 1 - cosine**2
    sine2 = np.where(sine2 > PARALLEL**2, sine2, np.nan)
    along_u, along_v = (between * u).sum(-1), (between * v).sum(-1)
    s = (along_u - cosine * along_v) / sine2
    t = (cosine * along_u - along_v) / sine2
    ahead = (s > 0) & (t > 0)
    s, t = np.where(ahead, s, np.nan), np.where(ahead, t, np.nan)
    here, there = a + s[..., None] * u, b + t[..., None] * v
    return (here + there) / 2, np.linalg.norm(there - here, axis=-1)
