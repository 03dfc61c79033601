"""Height fields on a cell-centred grid, and where rays first meet them.

Between cell centres a field is bilinear; beyond the outermost centres it keeps their value.
Sampling and intersection run in torch (`grid_sample`), with nothing but additions, products and
comparisons around it, so that neither the number of threads nor the batch changes a bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import grid_sample

from worldsim.camera.projection import Rays


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
    """Fields (channel, y, x) at normalised places (…, 2): (channel, …)."""
    flat = where.reshape(1, 1, -1, 2)
    values = grid_sample(fields[None], flat, mode="bilinear", padding_mode="border",
                         align_corners=True)
    return values.reshape(fields.shape[0], *where.shape[:-1])


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
                         grid.normalised_y(origin[:, 1] - origin[:, 2] * y_per_z)], axis=-1)
        per_z = np.stack([x_per_z * x_scale, y_per_z * y_scale], axis=-1)
        self.cells_per_unit = torch.tensor([(grid.nx - 1) / 2.0, (grid.ny - 1) / 2.0])
        self._at_0 = torch.from_numpy(at_0.astype(np.float32))
        self._per_z = torch.from_numpy(per_z.astype(np.float32))

    def place(self, z: torch.Tensor, part: slice = slice(None)) -> torch.Tensor:
        """Normalised places (n, 2) of the rays (or of some of them) at heights z (n,)."""
        if self.vertical:
            return self._at_0[part]
        return self._at_0[part] + z[:, None] * self._per_z[part]

    def upper_bound(self, part: slice, z_low: torch.Tensor, highest_by_x: torch.Tensor) -> float:
        """A height [m] above everything that some rays can meet, given the highest point (nx,)
        of the field for each column of the grid."""
        overall = float(highest_by_x.max())
        ends = torch.cat([self.place(torch.full_like(z_low, overall), part)[:, 0],
                          self.place(z_low, part)[:, 0]])
        last = len(highest_by_x) - 1
        to_cell = 0.5 * last
        first_cell = min(max(int(np.floor((float(ends.min()) + 1) * to_cell)), 0), last)
        last_cell = min(max(int(np.ceil((float(ends.max()) + 1) * to_cell)), 0), last)
        return float(highest_by_x[first_cell : last_cell + 1].max())

    def distance(self, z: np.ndarray) -> np.ndarray:
        """Distance [m] along the rays to heights z (n,)."""
        return (self.origin_z - z) * self.distance_per_drop


CHUNK = 8192
"""Rays marched together: few enough for the cache, and neighbours need similar steps."""

MOST_STEPS = 64


def first_hit(
    surface: torch.Tensor, planes: RayPlanes, z_low: torch.Tensor, step_cells: float = 1.5
) -> torch.Tensor:
    """Height z (n,) at which downward rays first meet a height field.

    Each ray is followed from above the field down to `z_low` (n,) (nowhere above the field where
    the ray is there), in steps of at most `step_cells` cells (more where that would take over
    `MOST_STEPS`); the first crossing is refined by bisection and one secant step. Crests thinner
    than a step can be missed.

    Parameters
    ----------
    surface : (y, x) heights [m].
    """
    if planes.vertical:
        return sample(surface[None], planes.place(torch.zeros_like(z_low)))[0]
    highest_by_x = surface.max(dim=0).values
    found = torch.empty_like(z_low)
    for start in range(0, len(z_low), CHUNK):
        part = slice(start, start + CHUNK)
        found[part] = _march(surface, highest_by_x, planes, part, z_low[part], step_cells)
    return found


def _march(surface: torch.Tensor, highest_by_x: torch.Tensor, planes: RayPlanes, part: slice,
           z_low: torch.Tensor, step_cells: float) -> torch.Tensor:
    z_high = planes.upper_bound(part, z_low, highest_by_x)
    drop = z_low - z_high
    first, last = planes.place(torch.full_like(z_low, z_high), part), planes.place(z_low, part)
    advance = last - first
    cells = float((advance.abs().amax(dim=0) * planes.cells_per_unit).max())
    steps = min(max(int(np.ceil(cells / step_cells)), 1), MOST_STEPS)
    above, steps_above = torch.ones_like(z_low), torch.zeros_like(z_low)
    for k in range(1, steps):
        height = sample(surface[None], first + advance * (k / steps))[0]
        above *= z_high + drop * (k / steps) > height
        steps_above += above
    upper, lower = steps_above / steps, (steps_above + 1.0) / steps

    def clearance(share: torch.Tensor) -> torch.Tensor:
        return z_high + drop * share - sample(surface[None], first + advance * share[:, None])[0]

    for _ in range(2):
        middle = 0.5 * (upper + lower)
        inside = clearance(middle) <= 0
        upper, lower = torch.where(inside, upper, middle), torch.where(inside, middle, lower)
    above_by, below_by = clearance(upper), -clearance(lower)
    span = above_by + below_by
    share = torch.where(span > 1e-9, above_by / span.clamp(min=1e-9), torch.ones_like(span))
    return z_high + drop * (upper + (lower - upper) * share.clamp(0.0, 1.0))
