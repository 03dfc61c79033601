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
AXES = (-1, -1, -2, -2)  # tensor axis of each side's normal
INWARD = (1.0, -1.0, 1.0, -1.0)  # sign of the inward normal along its axis


def edge(x: Tensor, side: int) -> Tensor:
    """The row or column of cells at a side of (..., ny, nx); the reduced axis is kept."""
    axis = AXES[side]
    return x.narrow(axis, 0 if INWARD[side] > 0 else x.shape[axis] - 1, 1)


class Exterior(NamedTuple):
    """What lies beyond one side's edge cells: depth [m], inward velocity [m/s], and where that
    holds (elsewhere the interior continues). Each as `edge` returns it."""

    depth: Tensor
    velocity: Tensor
    known: Tensor


def exterior(
    boundary: Open | IncomingWave, bed: Tensor, elevation: Tensor | None, gravity: float
) -> Exterior:
    """The exterior state over the edge cells' `bed` [m]; `elevation` (batch,) [m] of a wave."""
    still = (boundary.level - bed).clamp(min=0.0)
    known = boundary.level - bed > 0.0
    if elevation is None:
        return Exterior(still, torch.zeros_like(still), known)
    depth = torch.where(known, (still + elevation[:, None, None]).clamp(min=0.0), still)
    velocity = 2.0 * (torch.sqrt(gravity * depth) - torch.sqrt(gravity * still))
    return Exterior(depth, velocity, known)


def boundary_state(
    depth: Tensor, velocity: Tensor, outside: Exterior, gravity: float
) -> tuple[Tensor, Tensor]:
    """Celerity [m/s] and inward velocity [m/s] at an open side's face.

    `depth`, `velocity` (inward) of the edge cells. Subcritical: incoming invariant u + 2c from
    outside, outgoing u - 2c from inside; through a critical point the fan is sampled at the
    face; supercritical flow keeps its own state.
    """
    celerity = torch.sqrt(gravity * depth)
    u_out = torch.where(outside.known, outside.velocity, velocity)
    c_out = torch.sqrt(gravity * torch.where(outside.known, outside.depth, depth))
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
    return c, torch.where(outside.known, u, u.clamp(max=0.0))
