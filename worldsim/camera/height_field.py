"""Height fields on a cell-centred grid, and rays above them.

Between cell centres a field is bilinear; beyond the outermost centres it keeps their value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import grid_sample

from worldsim.camera.projection import Rays

STEP_CELLS = 1.5
"""Distance between the stations of a ray, in cells of the grid."""

STEP_HEIGHTS = (0.125, 8.0)
"""Least and greatest difference of height [m] between the stations of a ray."""


@dataclass(frozen=True)
class Grid:
    """Cell centres: the first ones [m], their spacing [m] and their number."""

    x_first: float
    y_first: float
    dx: float
    dy: float
    nx: int
    ny: int

    @classmethod
    def of_centres(cls, x: np.ndarray, y: np.ndarray) -> Grid:
        """The grid with the equally spaced centres `x` (nx,) and `y` (ny,)."""
        return cls(float(x[0]), float(y[0]), float(x[1] - x[0]), float(y[1] - y[0]),
                   len(x), len(y))

    def padded(self, cells: int) -> Grid:
        """The grid with more cells before its first x."""
        return Grid(self.x_first - cells * self.dx, self.y_first, self.dx, self.dy,
                    self.nx + cells, self.ny)

    def normalised_x(self, x: np.ndarray) -> np.ndarray:
        """x [m] in the units of `grid_sample`: -1 at the first centre, 1 at the last."""
        return (x - self.x_first) * (2.0 / ((self.nx - 1) * self.dx)) - 1.0

    def normalised_y(self, y: np.ndarray) -> np.ndarray:
        """y [m] in the units of `grid_sample`."""
        return (y - self.y_first) * (2.0 / ((self.ny - 1) * self.dy)) - 1.0


def sample(fields: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """Fields (frame, channel, y, x) at normalised places (frame or 1, n, 2):
    (frame, channel, n)."""
    grid = where[:, None].expand(fields.shape[0], -1, -1, -1)
    return grid_sample(fields, grid, mode="bilinear", padding_mode="border",
                       align_corners=True)[:, :, 0]


class RayPlanes:
    """Rays by the height z: a downward ray is at ``place(z)`` (normalised) when it is at z.

    `downward` (n,) tells which rays come down at all; the others are treated as vertical and
    must be masked by the caller.
    """

    STEEPEST_SKY = -1e-4  # rays flatter than this meet nothing within 100 km: sky

    def __init__(self, rays: Rays, grid: Grid) -> None:
        shape = np.broadcast_shapes(rays.origin.shape, rays.direction.shape)
        origin = np.broadcast_to(rays.origin, shape).reshape(-1, 3)
        direction = np.broadcast_to(rays.direction, shape).reshape(-1, 3)
        self.downward = direction[:, 2] < self.STEEPEST_SKY
        slope = np.where(self.downward, direction[:, 2], -1.0)
        x_per_z = np.where(self.downward, direction[:, 0] / slope, 0.0)
        y_per_z = np.where(self.downward, direction[:, 1] / slope, 0.0)
        self.origin_z = origin[:, 2].astype(np.float32)
        self.distance_per_drop = (-1.0 / slope).astype(np.float32)
        self.vertical = not (np.any(x_per_z) or np.any(y_per_z))
        x_scale, y_scale = 2.0 / ((grid.nx - 1) * grid.dx), 2.0 / ((grid.ny - 1) * grid.dy)
        at_0 = np.stack([grid.normalised_x(origin[:, 0] - origin[:, 2] * x_per_z),
                         grid.normalised_y(origin[:, 1] - origin[:, 2] * y_per_z)])
        per_z = np.stack([x_per_z * x_scale, y_per_z * y_scale])
        self._at_0 = torch.from_numpy(at_0.astype(np.float32))
        self._per_z = torch.from_numpy(per_z.astype(np.float32))
        # Where all rays start, if they do: normalised x and y, and z [m].
        self._eye = None
        if rays.origin.size == 3:
            x, y, z = rays.origin.ravel()
            self._eye = (float(grid.normalised_x(x)), float(grid.normalised_y(y)), float(z))
        half_cells = torch.tensor([[(grid.nx - 1) / 2.0], [(grid.ny - 1) / 2.0]])
        cells_per_z = (self._per_z.abs() * half_cells).amax(dim=0)
        self.step = (STEP_CELLS / cells_per_z.clamp(min=1e-6)).clamp(*STEP_HEIGHTS)

    def __len__(self) -> int:
        return len(self.step)

    def chosen(self, which: slice | torch.Tensor) -> RayPlanes:
        """Some of the rays."""
        part = object.__new__(RayPlanes)
        part.vertical, part._eye = self.vertical, self._eye
        if isinstance(which, slice):
            part._at_0, part._per_z = self._at_0[:, which], self._per_z[:, which]
        else:
            part._at_0 = self._at_0.index_select(1, which)
            part._per_z = self._per_z.index_select(1, which)
        part.step = self.step[which]
        return part

    def place(self, z: torch.Tensor) -> torch.Tensor:
        """Normalised places (…, m, 2) of the first m rays at heights z (…, m)."""
        m = z.shape[-1]
        places = torch.empty((*z.shape, 2))
        for axis in (0, 1):
            at_0, per_z = self._at_0[axis, :m], self._per_z[axis, :m]
            torch.mul(z, per_z, out=places[..., axis]).add_(at_0)
        return places

    def height_of(self, station: torch.Tensor, z_low: torch.Tensor) -> torch.Tensor:
        """Heights (…, m) of the stations numbered `station` (…, m) of the first m rays, which
        end at z_low (m,)."""
        return torch.maximum(station * -self.step[: station.shape[-1]], z_low)

    def clear_above(self, highest: torch.Tensor) -> torch.Tensor:
        """Heights z (n,) down to which the rays certainly stay above a field (y, x)."""
        bound = torch.full((len(self),), float(highest.max()))
        if self._eye is None:
            return bound
        # Any profile bounds them: the one along which they lie flattest.
        along = self._per_z.abs().mean(dim=1)
        axis = int(along[1] > along[0])
        profile = highest.amax(dim=axis).double().numpy()
        clear = _clear_of_profile(profile, self._eye[axis], self._eye[2],
                                  self._per_z[axis].double().numpy())
        return torch.minimum(bound, torch.from_numpy(clear.astype(np.float32)))


def _clear_of_profile(profile: np.ndarray, eye: float, eye_z: float,
                      per_z: np.ndarray) -> np.ndarray:
    """Heights (n,) down to which rays from one eye stay above a profile, infinite where that is
    not known.

    A ray that moves by ``per_z`` (n,) along the profile per unit of height passes above a point
    if it is steeper than the line of sight to it, so that it first meets the profile where the
    flattest line of sight so far is flatter.

    Parameters
    ----------
    profile : heights [m] at places equally spaced from -1 to 1, beyond which they go on level.
    """
    clear = np.full(len(per_z), np.inf)
    if eye_z <= profile.max():
        return clear
    place = np.linspace(-1.0, 1.0, len(profile))
    for sign in (-1.0, 1.0):
        ahead = np.flatnonzero(sign * (place - eye) > 0)[:: int(sign)]
        rays = np.flatnonzero(sign * per_z < 0)
        if not len(ahead) or not len(rays):
            continue
        flattest = np.maximum.accumulate(sign * (place[ahead] - eye) / (eye_z - profile[ahead]))
        met = np.searchsorted(flattest, -sign * per_z[rays])
        before = place[ahead[np.clip(met - 1, 0, None)]]
        reached = eye_z + (before - eye) / per_z[rays]
        clear[rays] = np.where(met == 0, np.inf,
                               np.where(met == len(ahead), profile[ahead[-1]], reached))
    return clear
