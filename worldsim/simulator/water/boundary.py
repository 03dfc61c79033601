"""Boundary conditions of the water's four sides, as types: what is known beyond each side.

How they act on the water stands in open_faces.py.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

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

    def __post_init__(self) -> None:
        if not math.isfinite(self.level):
            raise InputError(f"open side: level {self.level} m must be finite")


@dataclass(frozen=True, eq=False)
class Series:
    """Values over time, linear in between and constant outside.

    `times` (K,) [s] increasing, K >= 2; `values` (batch, K), or (1, K) for all members alike.
    """

    times: Tensor
    values: Tensor

    def of(self, members: slice, batch: int, device: torch.device) -> "Series":
        """The series of those members of a batch."""
        values = self.values.expand(batch, -1)[members]
        return Series(self.times.to(device), values.to(device).contiguous())

    def at(self, time: Tensor) -> Tensor:
        """Value (batch,) at each member's `time` (batch,) [s]."""
        index = torch.searchsorted(self.times, time).clamp(1, self.times.numel() - 1)
        start, end = self.times[index - 1], self.times[index]
        low = self.values.gather(1, index[:, None] - 1)[:, 0]
        high = self.values.gather(1, index[:, None])[:, 0]
        share = ((time - start) / (end - start)).clamp(0.0, 1.0)
        return low * (1.0 - share) + high * share

    def peak(self, start: Tensor, end: Tensor) -> Tensor:
        """Highest value (batch,) between `start` and `end` (batch,) [s]."""
        inside = (self.times >= start[:, None]) & (self.times <= end[:, None])
        knots = torch.where(inside, self.values, torch.full_like(self.values, -math.inf))
        return torch.maximum(torch.maximum(self.at(start), self.at(end)), knots.amax(1))


def _series(name: str, unit: str, times: Tensor, values: Tensor) -> Series:
    """InputError unless `times` increase and `values`, (K,) or (batch, K), fit and are finite."""
    times, values = (
        x.detach().double() if isinstance(x, Tensor) else torch.tensor(x, dtype=torch.float64)
        for x in (times, values)
    )
    if times.ndim != 1 or times.numel() < 2 or values.ndim not in (1, 2):
        raise InputError(
            f"{name}: times {tuple(times.shape)} and values {tuple(values.shape)} must have "
            "shapes (K,) and (batch, K) or (K,), with K >= 2"
        )
    values = values.reshape(-1, values.shape[-1])
    if values.shape[1] != times.numel():
        raise InputError(
            f"{name}: {times.numel()} times but {values.shape[1]} values; give one value per time"
        )
    if not (torch.isfinite(times).all() and torch.isfinite(values).all()):
        raise InputError(f"{name}: times [s] and values [{unit}] must be finite")
    if not bool((times[1:] > times[:-1]).all()):
        raise InputError(f"{name}: times [s] must increase; sort them, drop repeats")
    return Series(times, values.contiguous())


@dataclass(frozen=True, eq=False)
class IncomingWave:
    """A simple wave that enters over still water at `level` [m], while reflections leave.

    `times` (K,) [s] increasing; `elevation` (batch, K), or (K,) for all members [m] above
    `level`, linear in between and constant outside. Over still depth d the wave has
    h = d + elevation and u = 2 (sqrt(g h) - sqrt(g d)) (Stoker 1957, sec. 10.3).

    Errors: InputError if times do not increase, shapes disagree or a value is not finite.
    """

    times: Tensor
    elevation: Tensor
    level: float = 0.0

    def __post_init__(self) -> None:
        series = _series("incoming wave", "m", self.times, self.elevation)
        if not math.isfinite(self.level):
            raise InputError(f"incoming wave: level {self.level} m must be finite")
        object.__setattr__(self, "times", series.times)
        object.__setattr__(self, "elevation", series.values)

    @property
    def series(self) -> Series:
        """The elevation over `level` [m]."""
        return Series(self.times, self.elevation)


@dataclass(frozen=True, eq=False)
class Elevation:
    """Prescribed surface elevation [m] above z = 0: a tide gauge's record, a lake's level.

    `times` (K,) [s] increasing; `elevation` (batch, K), or (K,) for all members.
    The depth at the side is elevation - bed, the velocity follows from the outgoing invariant.
    Inflow is at most critical (supercritical inflow would need the velocity, too: see `Flux`);
    where the level is so low that the water falls freely, it leaves through a critical section;
    where it lies below the ground, none comes in.

    Errors: InputError if times do not increase, shapes disagree or a value is not finite.
    """

    times: Tensor
    elevation: Tensor

    def __post_init__(self) -> None:
        series = _series("prescribed elevation", "m", self.times, self.elevation)
        object.__setattr__(self, "times", series.times)
        object.__setattr__(self, "elevation", series.values)

    @property
    def series(self) -> Series:
        """The surface elevation [m]."""
        return Series(self.times, self.elevation)


@dataclass(frozen=True, eq=False)
class Flux:
    """Prescribed discharge per width [m2/s], positive into the domain: a river, a pump.

    `times` (K,) [s] increasing; `flux` (batch, K), or (K,) for all members. In subcritical flow
    the depth at the side follows from the outgoing invariant. Inflow too strong for that enters
    at critical depth, flux^2 = g h^3, or, if `depth` [m] is given, makes it supercritical and the
    water inside is not deep enough to drown the jump, at that depth. Outflow is at most what a
    critical section lets through, and supercritical outflow leaves as it comes.

    Errors: InputError if times do not increase, shapes disagree, a value is not finite or
    `depth` is not above 0 m.
    """

    times: Tensor
    flux: Tensor
    depth: float | None = None

    def __post_init__(self) -> None:
        series = _series("prescribed flux", "m2/s", self.times, self.flux)
        if self.depth is not None and not (math.isfinite(self.depth) and self.depth > 0):
            raise InputError(f"prescribed flux: depth {self.depth} m must be above 0 m")
        object.__setattr__(self, "times", series.times)
        object.__setattr__(self, "flux", series.values)

    @property
    def series(self) -> Series:
        """The discharge per width [m2/s]."""
        return Series(self.times, self.flux)


Driven = IncomingWave | Elevation | Flux
Boundary = Wall | Open | Driven


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

    def of(self, members: slice, batch: int, device: torch.device) -> "Boundaries":
        """The boundaries of those members of a batch, one row a member in every series."""

        def part(condition: Boundary) -> Boundary:
            if isinstance(condition, Flux):
                series = condition.series.of(members, batch, device)
                return replace(condition, times=series.times, flux=series.values)
            if isinstance(condition, (IncomingWave, Elevation)):
                series = condition.series.of(members, batch, device)
                return replace(condition, times=series.times, elevation=series.values)
            return condition

        return Boundaries(*(part(condition) for condition in self.sides()))

    def targets(self, value: Callable[[Series], Tensor]) -> list[Tensor | None]:
        """`value` of each side's series, None where there is none."""
        return [
            value(condition.series) if isinstance(condition, Driven) else None
            for condition in self.sides()
        ]


SIDES = ("west", "east", "south", "north")
INWARD = (1.0, -1.0, 1.0, -1.0)  # sign of each side's inward normal along its axis


def edge_cells(mask: Tensor, side: int) -> Tensor:
    """`mask` (batch, ny, nx) bool, kept only in the row or column of cells at a side."""
    kept = torch.zeros_like(mask)
    where = ((..., 0), (..., -1), (..., 0, slice(None)), (..., -1, slice(None)))[side]
    kept[where] = mask[where]
    return kept
