"""Where a camera stands and which ray belongs to which pixel."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from worldsim.errors import InputError

Vector = tuple[float, float, float]

NEAR = 0.01
"""What is less than this [m] in front of a perspective camera is taken to be behind it."""

PROJECTIONS = ("orthographic", "perspective")


@dataclass(frozen=True)
class Rays:
    """Rays of a block of samples.

    ``origin`` and ``direction`` (unit length) are float64 arrays that broadcast to
    (rows, columns, 3); for a perspective camera all origins are one point, for an orthographic
    camera all directions are one vector.
    """

    origin: np.ndarray
    direction: np.ndarray


@dataclass(frozen=True)
class Camera:
    """A pinhole or a parallel-projection camera.

    Parameters
    ----------
    name : the name under which its video is stored, ``/video/<name>``.
    projection : ``"orthographic"`` or ``"perspective"``.
    position, target, up : where it stands, what it looks at, what is upwards [m].
    height_m : vertical extent of an orthographic picture [m]; pixels are square, so that the
        horizontal extent follows from the size of the picture.
    fov_y_deg : vertical angle of view of a perspective camera [degree].

    Pixel coordinates are continuous: row 0 is the upper edge of the picture, column 0 its left
    edge, and the centre of the pixel ``[i, j]`` lies at row ``i + 0.5``, column ``j + 0.5``.
    """

    name: str
    projection: str
    position: Vector
    target: Vector
    up: Vector
    height_m: float = 0.0
    fov_y_deg: float = 0.0

    def __post_init__(self) -> None:
        if self.projection not in PROJECTIONS:
            raise InputError(
                f"projection={self.projection!r}: use one of {', '.join(PROJECTIONS)}"
            )
        for field in ("position", "target", "up"):
            vector = tuple(float(number) for number in getattr(self, field))
            if len(vector) != 3 or not np.all(np.isfinite(vector)):
                raise InputError(f"camera {field}={vector}: give three finite numbers")
            object.__setattr__(self, field, vector)
        if self.projection == "orthographic" and not 0 < self.height_m < 1e6:
            raise InputError(
                f"height_m={self.height_m}: an orthographic camera needs a height of 0 to 1e6 m"
            )
        if self.projection == "perspective" and not 0 < self.fov_y_deg < 180:
            raise InputError(
                f"fov_y_deg={self.fov_y_deg}: a perspective camera needs an angle between 0 and 180"
            )
        forward = np.subtract(self.target, self.position)
        if np.linalg.norm(np.cross(forward, self.up)) < 1e-9:
            raise InputError("the camera's up must not be parallel to its line of sight")

    def to_json(self) -> str:
        """The camera's fields as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | dict[str, Any]) -> Camera:
        """The camera that `to_json` (or the ``cameras`` attribute of a rollout) describes."""
        try:
            table = json.loads(text) if isinstance(text, str) else dict(text)
        except (json.JSONDecodeError, TypeError, ValueError) as error:
            raise InputError(f"a camera is described by a JSON object: {error}") from error
        if not isinstance(table, dict):
            raise InputError(f"a camera is described by a JSON object, not by {text!r}")
        known = {field.name for field in fields(cls)}
        missing = {"name", "projection", "position", "target", "up"} - table.keys()
        if missing or table.keys() - known:
            raise InputError(
                f"a camera has the fields {', '.join(sorted(known))}; missing "
                f"{sorted(missing)}, unknown {sorted(table.keys() - known)}"
            )
        given: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
        }
        return cls(**given)

    @cached_property
    def basis(self) -> np.ndarray:
        """(3, 3), read-only: the unit vectors right, up and forward, as rows."""
        forward = np.subtract(self.target, self.position)
        forward = forward / np.linalg.norm(forward)
        right = np.cross(forward, self.up)
        right = right / np.linalg.norm(right)
        rows = np.stack([right, np.cross(right, forward), forward])
        rows.setflags(write=False)
        return rows

    def _extent_per_row(self, rows: int) -> float:
        """Height of one pixel: metres (orthographic) or tangent of the angle (perspective)."""
        if self.projection == "orthographic":
            return self.height_m / rows
        return 2.0 * float(np.tan(np.radians(self.fov_y_deg) / 2)) / rows

    def rays(self, size: tuple[int, int], rows: np.ndarray, columns: np.ndarray) -> Rays:
        """Rays through the grid of continuous pixel coordinates `rows` x `columns`."""
        right, up, forward = self.basis
        unit = self._extent_per_row(size[0])
        across = ((np.asarray(columns) - size[1] / 2) * unit)[None, :, None] * right
        upward = ((size[0] / 2 - np.asarray(rows)) * unit)[:, None, None] * up
        position = np.asarray(self.position)
        if self.projection == "orthographic":
            return Rays(position + across + upward, forward[None, None])
        direction = forward + across + upward
        length = np.sqrt(np.sum(direction**2, axis=-1, keepdims=True))
        return Rays(position[None, None], direction / length)

    def project(
        self, points_xyz: np.ndarray, size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where points (…, 3) [m] appear in a picture of `size` = (rows, columns).

        Returns
        -------
        row, column, depth : arrays (…). Depth is the distance [m] along the ray for a
        perspective camera, from the camera's plane for an orthographic one. Points behind a
        perspective camera have row and column NaN.
        """
        offset = np.asarray(points_xyz, dtype=np.float64) - self.position
        across, upward, ahead = np.moveaxis(offset @ self.basis.T, -1, 0)
        unit = self._extent_per_row(size[0])
        if self.projection == "orthographic":
            depth, scale = ahead, np.ones_like(ahead)
        else:
            depth = np.sqrt(np.sum(offset**2, axis=-1))
            scale = np.where(ahead > 1e-6, ahead, np.nan)
        return size[0] / 2 - upward / scale / unit, size[1] / 2 + across / scale / unit, depth

    def extent(
        self, hulls: np.ndarray, size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """First and last row, first and last column, (m,) each, between which the convex hulls of
        points (m, k, 3) [m] appear, as far as they lie in front of the camera; NaN where they do
        not at all."""
        if self.projection == "orthographic":
            points = hulls
        else:
            ahead = (hulls - self.position) @ self.basis[2] - NEAR
            points = np.where(ahead[..., None] > 0, hulls, np.nan)
            cut = np.flatnonzero(np.any(ahead > 0, axis=-1) & np.any(ahead <= 0, axis=-1))
            if len(cut):  # add where the lines between its points pass the plane at `NEAR`
                start, end = ahead[cut][:, :, None], ahead[cut][:, None, :]
                share = np.where((start > 0) & (end <= 0), start, np.nan) / np.where(
                    start == end, 1.0, start - end
                )
                here, there = hulls[cut][:, :, None], hulls[cut][:, None, :]
                passing = here + share[..., None] * (there - here)
                more = np.full((len(hulls), share[0].size, 3), np.nan)
                more[cut] = passing.reshape(len(cut), -1, 3)
                points = np.concatenate([points, more], axis=1)
        row, column, _ = self.project(points, size)
        return (np.fmin.reduce(row, axis=-1), np.fmax.reduce(row, axis=-1),
                np.fmin.reduce(column, axis=-1), np.fmax.reduce(column, axis=-1))

    def pixels_per_metre(self, points_xyz: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Pixels that one metre across the line of sight covers at points (…, 3)."""
        unit = self._extent_per_row(size[0])
        offset = np.asarray(points_xyz, dtype=np.float64) - self.position
        ahead = offset @ self.basis[2]
        if self.projection == "orthographic":
            return np.full_like(ahead, 1.0 / unit)
        return 1.0 / (np.maximum(ahead, 1e-6) * unit)

    def unproject_ground(
        self, rows: np.ndarray, columns: np.ndarray, size: tuple[int, int], z: float | np.ndarray
    ) -> np.ndarray:
        """Points (…, 3) [m] at height `z` that appear at continuous `rows`, `columns` (…).

        NaN where the ray does not come down to that height.
        """
        rows, columns, z = np.broadcast_arrays(
            np.asarray(rows, float), np.asarray(columns, float), np.asarray(z, float)
        )
        right, up, forward = self.basis
        unit = self._extent_per_row(size[0])
        across = ((columns - size[1] / 2) * unit)[..., None] * right
        upward = ((size[0] / 2 - rows) * unit)[..., None] * up
        origin = np.broadcast_to(np.asarray(self.position), across.shape)
        direction = np.broadcast_to(forward, across.shape)
        if self.projection == "orthographic":
            origin = origin + across + upward
        else:
            direction = direction + across + upward
        slope = direction[..., 2]
        drop = z - origin[..., 2]
        reaches = np.where(slope != 0, drop / np.where(slope != 0, slope, 1.0), np.nan)
        reaches = np.where(reaches >= 0, reaches, np.nan)
        points = origin + reaches[..., None] * direction
        points[..., 2] = np.where(np.isfinite(reaches), z, np.nan)
        return points


@dataclass(frozen=True)
class Domain:
    """Horizontal extents of the simulated world [m]."""

    x0: float
    x1: float
    y0: float
    y1: float


def overhead(domain: Domain) -> Camera:
    """Straight down on exactly the domain (at its aspect ratio); up in the picture is +y."""
    x, y = (domain.x0 + domain.x1) / 2, (domain.y0 + domain.y1) / 2
    return Camera(
        "overhead", "orthographic", (x, y, 100.0), (x, y, 0.0), (0.0, 1.0, 0.0),
        height_m=domain.y1 - domain.y0,
    )


def street(domain: Domain) -> Camera:
    """From above the land down the street and out to sea, in the domain's plane of symmetry;
    right in the picture is +y."""
    y = (domain.y0 + domain.y1) / 2
    length = domain.x1 - domain.x0
    # For the tsunami's 192 m: from the horizon down to x = 162 m, just inland of the houses.
    eye = (domain.x0 + 1.19 * length, y, 0.225 * length)
    return Camera(
        "street", "perspective", eye, (domain.x0 + 0.35 * length, y, 0.0), (0.0, 0.0, 1.0),
        fov_y_deg=36.0,
    )


DEFAULT_CAMERAS = {"overhead": overhead, "street": street}


def side(centre: Vector, height: float, distance: float = 20.0) -> Camera:
    """Straight on the plane of x and z: looking along +y at `centre`, right in the picture is +x.

    Parameters
    ----------
    height : m that the picture's height covers; what it covers across follows from its shape.
    distance : m in front of `centre` from which on things are seen; they appear no smaller.
    """
    x, y, z = centre
    return Camera("side", "orthographic", (x, y - distance, z), centre, (0.0, 0.0, 1.0),
                  height_m=height)


def corner(
    target: Vector,
    distance: float,
    azimuth_deg: float = 35.0,
    elevation_deg: float = 22.0,
    fov_y_deg: float = 35.0,
) -> Camera:
    """Three-quarter view in perspective from `distance` [m] in front of, beside and above `target`.

    Parameters
    ----------
    azimuth_deg : by how much it stands to the right (+x) of the line of sight of `side`.
    elevation_deg : by how much it looks down.
    """
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    towards = (
        np.cos(elevation) * np.sin(azimuth), -np.cos(elevation) * np.cos(azimuth),
        np.sin(elevation),
    )
    x, y, z = (float(at + distance * part) for at, part in zip(target, towards, strict=True))
    return Camera("corner", "perspective", (x, y, z), target, (0.0, 0.0, 1.0),
                  fov_y_deg=fov_y_deg)
