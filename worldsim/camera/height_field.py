"""Height fields on a cell-centred grid, and where rays first meet them.

Between cell centres a field is bilinear; beyond the outermost centres it keeps their value.
Sampling and intersection run in torch (`grid_sample`), with nothing but additions, products and
comparisons around it, so that neither the number of threads nor the batch changes a bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import grid_sample, max_pool2d

from worldsim.camera.projection import Rays

STEP_CELLS = 1.5
"""Distance between the stations of a ray, in cells of the grid."""

STEP_HEIGHTS = (0.125, 8.0)
"""Least and greatest difference of height [m] between the stations of a ray."""

CHUNK = 4096
"""Rays marched together: few enough for the cache, and neighbours need similar steps."""

STILL_CELLS = 2
"""A ray whose stations are at most this many cells apart meets nothing that moves if nothing
moves within as many cells of both."""

STEPS_BETWEEN_COUNTS = 2
"""Steps after which rays that have arrived are no longer followed."""

ROUNDING = 1e-4
"""Margin [m] around bounds, far above the rounding of float32 heights."""


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


@dataclass(frozen=True)
class Heights:
    """Height fields (frame, y, x) [m] with what bounds them all: the greatest and the least
    height of each place, (2, y, x); ``moving`` (y, x) is 1 within `STILL_CELLS` cells of places
    that are not the same in all of them and 0 elsewhere."""

    fields: torch.Tensor
    bounds: torch.Tensor
    moving: torch.Tensor

    @classmethod
    def of(cls, fields: torch.Tensor) -> Heights:
        """Take the bounds of height fields (frame, y, x)."""
        greatest, least = fields.amax(dim=0), fields.amin(dim=0)
        moving = max_pool2d((greatest != least).float()[None, None], 2 * STILL_CELLS + 1,
                            stride=1, padding=STILL_CELLS)[0, 0]
        return cls(fields, torch.stack([greatest, least]), moving)


def first_hits(heights: Heights, planes: RayPlanes, z_low: torch.Tensor) -> torch.Tensor:
    """Height z (frame, n) at which downward rays first meet each height field.

    Each ray has stations at the whole multiples of its own step of height, so that what it meets
    in one frame does not depend on the other frames. The surface lies between the last station
    above the field and the first one below it; two steps of regula falsi find where. Crests
    thinner than a step (`STEP_CELLS`, more for rays so flat that it falls below the least of
    `STEP_HEIGHTS`) can be missed.

    Parameters
    ----------
    z_low : (n,) heights [m] at which each ray is at or below all fields.
    """
    fields = heights.fields[:, None]
    if planes.vertical:
        return sample(fields, planes.place(z_low)[None])[:, 0]
    start, stations = _stations_in_question(heights.bounds, planes, z_low)
    still = (stations == 2) & _still(heights.moving, planes, z_low, start)
    # Rays with many stations first, so that those marched together have alike many; those that
    # meet the same in all frames last.
    order = torch.argsort(stations.masked_fill(still, 1.0), descending=True, stable=True)
    moving = len(z_low) - int(still.sum())
    planes, z_low = planes.chosen(order), z_low[order]
    start, stations = start[order], stations[order]
    found = torch.empty((len(fields), len(z_low)))
    for seen, begin, end in ((fields, 0, moving), (fields[:1], moving, len(z_low))):
        for first in range(begin, end, CHUNK):
            part = slice(first, min(first + CHUNK, end))
            found[:, part] = _march(seen, planes.chosen(part), z_low[part], start[part],
                                    stations[part].numpy())
    return found.index_select(1, torch.argsort(order))


def _still(moving: torch.Tensor, planes: RayPlanes, z_low: torch.Tensor,
           start: torch.Tensor) -> torch.Tensor:
    """Rays (n,) that between the stations number `start` (n,) and the next one come near nothing
    `moving` (y, x)."""
    ends = torch.stack([planes.place(planes.height_of(start + k, z_low)) for k in (0, 1)])
    inside = ends.clamp(-1.0, 1.0)  # beyond the outermost centres fields are those at the edge
    half_cells = 0.5 * (torch.tensor(moving.shape[::-1]) - 1.0)
    apart = ((inside[0] - inside[1]).abs() * half_cells).amax(dim=-1)
    touched = sample(moving[None, None], ends.view(1, -1, 2)).view(2, -1).sum(dim=0)
    return (apart <= STILL_CELLS) & (touched == 0)


def _march(fields: torch.Tensor, planes: RayPlanes, z_low: torch.Tensor, start: torch.Tensor,
           stations: np.ndarray) -> torch.Tensor:
    """First hits of rays by `stations` (n,), two or more, descending, from number `start` on, of
    which the first one is above all fields and the last one below all."""
    # How many rays, which are the first ones, have a station 0, 1, …
    under_way = np.searchsorted(-stations, -np.arange(1, int(stations[0]) + 1), side="right")

    def clearance_at(k: int) -> torch.Tensor:
        """Clearance (frame, m) of the m rays that have a station k there."""
        m = under_way[k]
        z = planes.height_of(start[:m] + k, z_low[:m])
        return sample(fields, planes.place(z)[None])[:, 0].neg_().add_(z)

    above_by, below_by = clearance_at(0), clearance_at(1)
    more = int(under_way[2]) if len(under_way) > 2 else 0
    found = torch.empty_like(above_by)
    if more:
        # The last station above the field is to be found.
        previous, low = below_by[:, :more], z_low[:more]
        above = (previous > 0) & (planes.height_of(start[:more] + 1, low) > low)
        passed = above.float()
        for k, m in enumerate(under_way[2:], start=2):
            here, clearance = above[:, :m], clearance_at(k)
            torch.where(here, previous[:, :m], above_by[:, :m], out=above_by[:, :m])
            torch.where(here, clearance, below_by[:, :m], out=below_by[:, :m])
            here &= (clearance > 0) & (planes.height_of(start[:m] + k, low[:m]) > low[:m])
            passed[:, :m] += here
            previous = clearance
        passed += start[:more]
        upper, lower = planes.height_of(passed, low), planes.height_of(passed + 1.0, low)
        found[:, :more] = _crossing(fields, planes, upper, lower, above_by[:, :more],
                                    below_by[:, :more])
    if more < len(z_low):
        rest = slice(more, len(z_low))
        planes, low = planes.chosen(rest), z_low[rest]
        upper, lower = (planes.height_of(start[rest] + k, low) for k in (0, 1))
        found[:, rest] = _crossing(fields, planes, upper, lower, above_by[:, rest],
                                   below_by[:, rest])
    return found


def _crossing(fields: torch.Tensor, planes: RayPlanes, upper: torch.Tensor, lower: torch.Tensor,
              above_by: torch.Tensor, below_by: torch.Tensor) -> torch.Tensor:
    """Height (frame, n) at which rays that are clear by `above_by` (frame, n) at `upper`
    ((frame,) n) and by `below_by` <= 0 at `lower` meet the field: two steps of regula falsi."""
    z = _share(above_by, below_by).mul_(lower - upper).add_(upper)
    clearance = sample(fields, planes.place(z))[:, 0].neg_().add_(z)
    inside = clearance <= 0
    end, end_by = torch.where(inside, upper, lower), torch.where(inside, above_by, below_by)
    return _share(clearance, end_by).mul_(end.sub_(z)).add_(z)


def _share(start_by: torch.Tensor, end_by: torch.Tensor) -> torch.Tensor:
    """How far from start to end a clearance of opposite signs there, linear between, is zero."""
    start_by = start_by.abs()
    return start_by.div(end_by.abs().add_(start_by).clamp_(min=1e-9))


def _stations_in_question(bounds: torch.Tensor, planes: RayPlanes,
                          z_low: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """For each ray (n,) the number of the last station above the greatest of the fields, and how
    many there are from it to the first one below the least."""
    start = torch.floor(planes.clear_above(bounds[0]) / -planes.step) - 1.0
    last_above, before_below = torch.zeros_like(z_low), torch.zeros_like(z_low)
    which = torch.arange(len(z_low))
    rays, number, low = planes, start, z_low
    above = torch.ones(len(z_low), dtype=torch.bool)
    undecided = above.clone()
    while len(which):
        steps_above, steps_undecided = torch.zeros_like(low), torch.zeros_like(low)
        for _ in range(STEPS_BETWEEN_COUNTS):
            number = number + 1.0
            z = rays.height_of(number, low)
            greatest, least = sample(bounds[None], rays.place(z)[None])[0]
            higher = z > low
            above &= higher.logical_and(z > greatest.add_(ROUNDING))
            undecided &= higher.logical_and_(z > least.sub_(ROUNDING))
            steps_above += above
            steps_undecided += undecided
        last_above[which] += steps_above
        before_below[which] += steps_undecided
        still = torch.nonzero(undecided)[:, 0]
        if len(still) < len(which):
            which, number, low = which[still], number[still], low[still]
            rays, above, undecided = rays.chosen(still), above[still], undecided[still]
    return start + last_above, before_below - last_above + 2.0
