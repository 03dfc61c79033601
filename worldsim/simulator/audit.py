"""The books of every run: mass, momentum, third law and energy of water and bodies.

Each account is closed from numbers that were integrated separately:

- mass: the water's volume now, against what it was and what crossed the sides;
- momentum: the water's momentum now, against what it was and every impulse that the solver and
  the coupling say they gave it;
- third law: the impulse that the bodies received, summed from MuJoCo's own `xfrc_applied` at each
  of its steps (and what went into the ground under walls), against what the water lost;
- energy: what the water and the bodies hold beyond what came in. Shallow water cannot carry the
  vertical reaction of buoyancy, so only horizontal work is booked against the water.

A member whose books do not close is kept, marked as failed and counted; see `Limits`.
"""

from __future__ import annotations

import dataclasses
import enum

import numpy as np
import torch

from worldsim.errors import InputError


@dataclasses.dataclass(frozen=True)
class Limits:
    """What the books may leave open, all relative.

    mass : to the volume there was or came, of the tracer to what came. momentum, third_law : to the
    sum of the absolute values of all impulses of all exchanges. energy : rise of the energy that
    nobody paid for, to the energy there was or came.
    """

    mass: float
    momentum: float
    third_law: float
    energy: float


LIMITS = {
    torch.float64: Limits(mass=1e-10, momentum=1e-8, third_law=1e-8, energy=1e-2),
    torch.float32: Limits(mass=1e-4, momentum=1e-3, third_law=1e-3, energy=2e-2),
}
"""By the water's precision. Closing errors in double precision are near 1e-15, in single 1e-6; a
factor of 1e5 and 1e2 above them separates a leak from rounding."""


class Failure(enum.IntEnum):
    """Why a member cannot be trusted."""

    NONE = 0
    WATER_DIVERGED = 1
    BODIES_DIVERGED = 2
    MASS = 3
    MOMENTUM = 4
    THIRD_LAW = 5
    ENERGY = 6
    TRACER = 7

    @property
    def meaning(self) -> str:
        """In words."""
        return {
            Failure.NONE: "sound",
            Failure.WATER_DIVERGED: "the water ceased to be finite",
            Failure.BODIES_DIVERGED: "the bodies ceased to be finite",
            Failure.MASS: "water was lost or made",
            Failure.MOMENTUM: "the water's momentum does not add up",
            Failure.THIRD_LAW: "the bodies received another impulse than the water gave",
            Failure.ENERGY: "energy came from nowhere",
            Failure.TRACER: "tracer was lost or made",
        }[self]


@dataclasses.dataclass(frozen=True)
class Holdings:
    """What the water holds: volume m3, momentum N s (member, 2), energy J."""

    volume: np.ndarray
    momentum: np.ndarray
    energy: np.ndarray


@dataclasses.dataclass(frozen=True)
class Impulses:
    """What one exchange says acted on the water; N s, m3 and J, each with leading (member).

    volume_in : (…, sides) m3 through each side. energy_in : (…, sides) J.
    on_water : (…, terms, 2) by bed, friction, sides, clean-up and moved cells.
    by_bodies : (…, terms, 2) on the water by walls and floating boxes.
    absolute : (…) sum of the absolute values of all of these.
    on_bodies : (…, 2) what the bodies received, integrated on their side.
    work : (…) J, horizontal work done on the bodies.
    """

    volume_in: np.ndarray
    energy_in: np.ndarray
    on_water: np.ndarray
    by_bodies: np.ndarray
    absolute: np.ndarray
    on_bodies: np.ndarray
    work: np.ndarray


class Audit:
    """The books of a batch; all results are (member,) arrays."""

    def __init__(self, start: Holdings) -> None:
        members = len(start.volume)
        self._start, self._now = start, start
        self._inflow, self._throughput = np.zeros(members), np.zeros(members)
        self._energy_in, self._energy_through = np.zeros(members), np.zeros(members)
        self._work = np.zeros(members)
        self._on_water = np.zeros((members, 2))
        self._by_bodies = np.zeros((members, 2))
        self.body_impulse = np.zeros((members, 2))
        self._absolute = np.zeros(members)
        self._unpaid = np.zeros(members)

    def book(self, impulses: Impulses, now: Holdings, active: np.ndarray) -> None:
        """Add one exchange of the `active` (member,) bool; the others' books stay closed."""
        on = active.astype(float)
        self._inflow += on * impulses.volume_in.sum(-1)
        self._throughput += on * np.abs(impulses.volume_in).sum(-1)
        self._energy_in += on * impulses.energy_in.sum(-1)
        self._energy_through += on * np.abs(impulses.energy_in).sum(-1)
        self._work += on * impulses.work
        self._on_water += on[:, None] * impulses.on_water.sum(-2)
        self._by_bodies += on[:, None] * impulses.by_bodies.sum(-2)
        self.body_impulse += on[:, None] * impulses.on_bodies
        self._absolute += on * impulses.absolute
        self._now = Holdings(
            np.where(active, now.volume, self._now.volume),
            np.where(active[:, None], now.momentum, self._now.momentum),
            np.where(active, now.energy, self._now.energy),
        )
        gained = self._now.energy - self._start.energy - self._energy_in + self._work
        self._unpaid = np.maximum(self._unpaid, gained)

    @property
    def mass_error(self) -> np.ndarray:
        """Volume that the books cannot explain over all volume there was or came."""
        unexplained = self._now.volume - self._start.volume - self._inflow
        return np.abs(unexplained) / (self._start.volume + self._throughput)

    @property
    def momentum_error(self) -> np.ndarray:
        """Change of the water's momentum that no impulse explains, over all impulses' size."""
        change = self._now.momentum - self._start.momentum
        unexplained = change - self._on_water - self._by_bodies
        return np.abs(unexplained).max(-1) / self._scale

    @property
    def third_law_error(self) -> np.ndarray:
        """What the water lost to the bodies less what they received, over all impulses' size."""
        lost = self._on_water - (self._now.momentum - self._start.momentum)
        return np.abs(lost - self.body_impulse).max(-1) / self._scale

    @property
    def energy_gain(self) -> np.ndarray:
        """Largest rise of water's energy plus work on bodies above what came in, relative."""
        held = np.abs(self._start.energy) + self._energy_through
        return self._unpaid / np.where(held > 0, held, 1.0)

    @property
    def _scale(self) -> np.ndarray:
        return np.where(self._absolute > 0, self._absolute, 1.0)

    def failures(self, limits: Limits) -> np.ndarray:
        """The first book that does not close, a `Failure` code per member."""
        found = np.full(len(self._absolute), int(Failure.NONE))
        for error, limit, failure in (
            (self.energy_gain, limits.energy, Failure.ENERGY),
            (self.third_law_error, limits.third_law, Failure.THIRD_LAW),
            (self.momentum_error, limits.momentum, Failure.MOMENTUM),
            (self.mass_error, limits.mass, Failure.MASS),
        ):
            found = np.where(error <= limit, found, int(failure))  # NaN fails, too
        return found


def limits_of(dtype: torch.dtype) -> Limits:
    """The limits for water of that precision.

    Raises
    ------
    InputError : no limits are stated for it.
    """
    if dtype not in LIMITS:
        raise InputError(f"no audit limits for water in {dtype}; use float64 or float32")
    return LIMITS[dtype]
