"""The states of one member, stored one by one."""

from __future__ import annotations

import dataclasses

import numpy as np

from worldsim.simulator.mechanics.audit import FARTHEST, Failure
from worldsim.simulator.mechanics.stepping import Member


@dataclasses.dataclass(frozen=True)
class MemberResult:
    """All that is recorded of a member that has come to its end.

    bodies : position, quaternion, velocity, angular_velocity, (state, body, …) in single precision.
    mass : (body,) kg. energy : (state, 2) J, potential and kinetic.
    rise : J, of the energy above that at t=0 at most, kicks and `Physics.energy` apart.
    events : see `contacts.FIELDS`. count, depth, plunge : see `contacts.ContactLog`.
    stopped : s; NaN if it did not.
    """

    bodies: dict[str, np.ndarray]
    mass: np.ndarray
    energy: np.ndarray
    rise: float
    events: np.ndarray
    count: int
    depth: float
    plunge: float
    failure: Failure
    stopped: float


class MemberStates:
    """The states of one member, (state, body, …), NaN where nothing was stored."""

    def __init__(self, member: Member, states: int) -> None:
        model = member.model
        self._member = member
        bodies = model.nbody - 1
        self._root = model.body_rootid[1:]
        self._place = np.full((states + 1, bodies, 3), np.nan)
        self._turn = np.full((states + 1, bodies, 4), np.nan)
        self._twist = np.full((states + 1, bodies, 6), np.nan)
        self._centre = np.full((states + 1, bodies, 3), np.nan)
        self._energy = np.full((states + 1, 2), np.nan)
        self._given = 0.0
        """J that kicks have brought so far."""
        self._most = -np.inf
        """J; greatest energy so far, without what kicks brought."""
        self._failure = Failure.NONE
        self._stopped = np.nan

    def store(self, state: int) -> bool:
        """Keep the present state; False if it is not sound, and then it is not kept."""
        self._member.observe()
        data = self._member.data
        place = data.xipos[1:]
        if not (np.isfinite(data.qvel).all() and np.abs(place).max(initial=0.0) < FARTHEST):
            self._failure, self._stopped = Failure.DIVERGED, data.time
            for values in (self._place, self._turn, self._centre, self._energy):
                values[state:] = values[state - 1]
            self._twist[state:] = 0.0
            return False
        self._place[state], self._turn[state] = place, data.xquat[1:]
        self._twist[state] = data.cvel[1:]
        self._centre[state] = data.subtree_com[self._root]
        self._energy[state] = data.energy
        given = self._given + self._member.forcing.given
        self._most = max(self._most, float(data.energy.sum()) - given)
        return True

    def give(self, energy: float) -> None:
        """A kick brought `energy` J."""
        self._given += energy

    def result(self) -> MemberResult:
        """What has been kept."""
        spin, speed = self._twist[..., :3], self._twist[..., 3:]
        log = self._member.log
        bodies = {
            "position": self._place,
            "quaternion": self._turn,
            "velocity": speed + np.cross(spin, self._place - self._centre),
            "angular_velocity": spin,
        }
        return MemberResult(
            bodies={name: values.astype(np.float32) for name, values in bodies.items()},
            mass=self._member.model.body_mass[1:].copy(),
            energy=self._energy,
            rise=self._most - float(self._energy[0].sum()),
            events=log.rows,
            count=log.count,
            depth=log.depth,
            plunge=log.plunge,
            failure=self._failure,
            stopped=self._stopped,
        )
