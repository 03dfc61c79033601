"""Boundary conditions of the water's four sides: wall, open, incoming wave.

Open sides are characteristic: the invariant that enters comes from an exterior state, the one
that leaves from the interior (Toro 2001, ch. 6; LeVeque 2002, sec. 13.8).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from worldsim.errors import InputError
from worldsim.simulator.water.flux import Faces
from worldsim.simulator.water.layout import PAD, Layout


@dataclass(frozen=True)
class Wall:
    """A vertical wall, higher than any water."""


@dataclass(frozen=True)
class Open:
    """Lets waves out. Beyond it lies still water at `level` [m]; where the ground is above
    `level`, what flows out simply leaves (zero gradient)."""

    level: float = 0.0


@dataclass(frozen=True, eq=False)
class IncomingWave:
    """A simple wave that enters over still water at `level` [m], while reflections leave.

    `times` (K,) [s] increasing; `elevation` (batch, K) [m] above `level`, linear in between and
    constant outside. Over still depth d the wave has h = d + elevation and
    u = 2 (sqrt(g h) - sqrt(g d)) (Stoker 1957, sec. 10.3).

    Errors: InputError if times do not increase, shapes disagree or a value is not finite.
    """

    times: Tensor
    elevation: Tensor
    level: float = 0.0

    def __post_init__(self) -> None:
        times = torch.as_tensor(self.times, dtype=torch.float64)
        elevation = torch.as_tensor(self.elevation, dtype=torch.float64)
        if times.ndim != 1 or times.numel() < 2 or elevation.ndim != 2:
            raise InputError(
                f"incoming wave: times {tuple(times.shape)} and elevation "
                f"{tuple(elevation.shape)} must have shapes (K,) and (batch, K) with K >= 2"
            )
        if elevation.shape[1] != times.numel():
            raise InputError(
                f"incoming wave: {times.numel()} times but {elevation.shape[1]} elevations; "
                "give one elevation per time"
            )
        if not (torch.isfinite(times).all() and torch.isfinite(elevation).all()):
            raise InputError("incoming wave: times [s] and elevation [m] must be finite")
        if not bool((times[1:] > times[:-1]).all()):
            raise InputError("incoming wave: times [s] must increase; sort them, drop repeats")
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "elevation", elevation.contiguous())

    def at(self, time: Tensor) -> Tensor:
        """Elevation (batch,) [m] at each member's `time` (batch,) [s]."""
        index = torch.searchsorted(self.times, time).clamp(1, self.times.numel() - 1)
        start, end = self.times[index - 1], self.times[index]
        low = self.elevation.gather(1, index[:, None] - 1)[:, 0]
        high = self.elevation.gather(1, index[:, None])[:, 0]
        share = ((time - start) / (end - start)).clamp(0.0, 1.0)
        return low * (1.0 - share) + high * share

    def peak(self, start: Tensor, end: Tensor) -> Tensor:
        """Highest elevation (batch,) [m] between `start` and `end` (batch,) [s]."""
        inside = (self.times >= start[:, None]) & (self.times <= end[:, None])
        knots = torch.where(inside, self.elevation, torch.full_like(self.elevation, -math.inf))
        return torch.maximum(torch.maximum(self.at(start), self.at(end)), knots.amax(1))


Boundary = Wall | Open | IncomingWave


@dataclass(frozen=True)
class Boundaries:
    """One condition a side; north is +y (the last row)."""

    west: Boundary = Wall()
    east: Boundary = Wall()
    south: Boundary = Wall()
    north: Boundary = Wall()

    def sides(self) -> tuple[Boundary, Boundary, Boundary, Boundary]:
        """West, east, south, north: the order used throughout."""
        return (self.west, self.east, self.south, self.north)


SIDES = ("west", "east", "south", "north")
INWARD = (1.0, -1.0, 1.0, -1.0)  # sign of each side's inward normal along its axis


class OpenFaces(NamedTuple):
    """The faces of the sides that are not walls, (n,) each, in four runs of `counts`: west,
    east, south, north.

    `cell`: index of the edge cell in the line; `face`: index of the face in its axis' faces;
    `side`; `member`; `inward`: sign of the inward normal; `still`: depth of the still water
    beyond [m]; `known`: whether there is any, elsewhere the interior continues.
    """

    counts: tuple[int, ...]
    cell: Tensor
    face: Tensor
    side: Tensor
    member: Tensor
    inward: Tensor
    still: Tensor
    known: Tensor


def find_open_faces(boundaries: Boundaries, bathymetry: Tensor, blocked: Tensor) -> OpenFaces:
    """List the open faces beside unblocked cells of (batch, ny, nx)."""
    layout = Layout(*bathymetry.shape)
    counts, parts, stills = [], [], []
    for side, condition in enumerate(boundaries.sides()):
        if isinstance(condition, Wall):
            counts.append(0)
            continue
        edge = edge_cells(torch.ones_like(blocked), side)
        member, y, x = torch.nonzero(edge & ~blocked).unbind(1)
        cell = member * layout.member + (y + PAD) * layout.row + (x + PAD)
        above = (0, 1, 0, layout.row)[side]  # a face is listed by the cell above it
        face = cell - PAD * layout.row + above
        parts.append(torch.stack((cell, face, torch.full_like(cell, side), member)))
        stills.append(condition.level - bathymetry[member, y, x])
        counts.append(len(cell))
    none = torch.zeros((4, 0), dtype=torch.int64)
    cell, face, side_of, member = torch.cat([none, *parts], 1).unbind(0)
    still = torch.cat([torch.zeros(0, dtype=torch.float64), *stills])
    inward = torch.tensor(INWARD, dtype=torch.float64)[side_of]
    return OpenFaces(
        tuple(counts), cell, face, side_of, member, inward, still.clamp(min=0.0), still > 0.0
    )


def edge_cells(mask: Tensor, side: int) -> Tensor:
    """`mask` (batch, ny, nx) bool, kept only in the row or column of cells at a side."""
    kept = torch.zeros_like(mask)
    where = ((..., 0), (..., -1), (..., 0, slice(None)), (..., -1, slice(None)))[side]
    kept[where] = mask[where]
    return kept


class Exterior(NamedTuple):
    """What lies beyond the open faces: depth [m] and inward velocity [m/s], (n,)."""

    depth: Tensor
    velocity: Tensor


def exterior(faces: OpenFaces, elevation: Tensor, gravity: float) -> Exterior:
    """The simple wave of `elevation` (n,) [m] over the still water beyond."""
    depth = torch.where(faces.known, (faces.still + elevation).clamp(min=0.0), 0.0)
    velocity = 2.0 * (torch.sqrt(gravity * depth) - torch.sqrt(gravity * faces.still))
    return Exterior(depth, velocity)


def boundary_state(
    depth: Tensor, velocity: Tensor, outside: Exterior, known: Tensor, gravity: float
) -> tuple[Tensor, Tensor]:
    """Celerity and inward velocity [m/s] at the open faces.

    `depth`, `velocity` (inward) of the edge cells. Subcritical: incoming invariant u + 2c from
    outside, outgoing u - 2c from inside; through a critical point the fan is sampled at the
    face; supercritical flow keeps its own state.
    """
    celerity = torch.sqrt(gravity * depth)
    u_out = torch.where(known, outside.velocity, velocity)
    c_out = torch.sqrt(gravity * torch.where(known, outside.depth, depth))
    entering = u_out + 2.0 * c_out
    leaving = velocity - 2.0 * celerity
    c = ((entering - leaving) * 0.25).clamp(min=0.0)
    u = (entering + leaving) * 0.5
    flood, ebb = u > c, u < -c
    fan_in = (entering / 3.0).clamp(min=0.0)
    fan_out = (leaving / -3.0).clamp(min=0.0)
    fast_in, fast_out = u_out > c_out, velocity < -celerity
    c = torch.where(flood, torch.where(fast_in, c_out, fan_in), c)
    u = torch.where(flood, torch.where(fast_in, u_out, fan_in), u)
    c = torch.where(ebb, torch.where(fast_out, celerity, fan_out), c)
    u = torch.where(ebb, torch.where(fast_out, velocity, -fan_out), u)
    # Nothing is known of the ground beyond: water may leave over it, none comes from it.
    return c, torch.where(known, u, u.clamp(max=0.0))


class OpenLoad(NamedTuple):
    """At each open face: inward velocity * depth [m2/s], normal momentum flux and the edge
    cell's own pressure [m3/s2], the edge cell's tangential velocity [m/s]."""

    mass: Tensor
    flux: Tensor
    own: Tensor
    drift: Tensor


def set_open_faces(
    open_faces: OpenFaces,
    outside: Exterior,
    fields: Tensor,
    faces_x: Faces,
    faces_y: Faces,
    gravity: float,
) -> OpenLoad:
    """Set, in place, the fluxes through the open faces of both axes.

    The tangential velocities need no setting: the layer beyond has none, the edge cell its own.
    """
    in_x = open_faces.counts[0] + open_faces.counts[1]
    cells = open_faces.cell
    _, depth, u, v = fields
    h = torch.take(depth, cells)
    along_x, along_y = torch.take(u, cells), torch.take(v, cells)
    normal = torch.cat((along_x[:in_x], along_y[in_x:]))
    drift = torch.cat((along_y[:in_x], along_x[in_x:]))
    inward = open_faces.inward
    c, w = boundary_state(h, normal * inward, outside, open_faces.known, gravity)
    at_face = c * c / gravity
    mass = at_face * w
    flux = mass * w + 0.5 * gravity * (at_face * at_face)
    own = 0.5 * gravity * (h * h)
    change, along = flux - own, mass * inward
    start = 0
    for side, count in enumerate(open_faces.counts):
        if not count:
            continue
        run = slice(start, start + count)
        faces = faces_x if side < 2 else faces_y
        entry = open_faces.face[run]
        faces.mass.index_copy_(0, entry, along[run])
        (faces.upper if side % 2 == 0 else faces.lower).index_copy_(0, entry, change[run])
        start += count
    return OpenLoad(mass, flux, own, drift)
