"""The states of simulated rigid bodies until they become a rollout."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from worldsim.simulator.mechanics.audit import (
    DEEPEST,
    DEEPEST_PLUNGE,
    ENERGY_GAIN,
    FARTHEST,
    Failure,
)
from worldsim.simulator.mechanics.contacts import EVENTS_AT_MOST, FIELDS
from worldsim.simulator.mechanics.models import SceneModel
from worldsim.simulator.mechanics.scene import STATES_PER_SECOND, Backdrop, Pattern, Role, Shape
from worldsim.simulator.mechanics.stepping import Member

MEMBER = ("case", "realization")


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
        self.energy = np.full((states + 1, 2), np.nan)
        self.given = 0.0
        """J that kicks have brought so far."""
        self.most = -np.inf
        """J; greatest energy so far, without what kicks brought."""
        self.failure = Failure.NONE
        self.stopped = np.nan

    def store(self, state: int) -> bool:
        """Keep the present state; False if it is not sound, and then it is not kept."""
        self._member.observe()
        data = self._member.data
        place = data.xipos[1:]
        if not (np.isfinite(data.qvel).all() and np.abs(place).max(initial=0.0) < FARTHEST):
            self.failure, self.stopped = Failure.DIVERGED, data.time
            for values in (self._place, self._turn, self._centre, self.energy):
                values[state:] = values[state - 1]
            self._twist[state:] = 0.0
            return False
        self._place[state], self._turn[state] = place, data.xquat[1:]
        self._twist[state] = data.cvel[1:]
        self._centre[state] = data.subtree_com[self._root]
        self.energy[state] = data.energy
        self.most = max(self.most, float(data.energy.sum()) - self.given)
        return True

    def give(self, energy: float) -> None:
        """A kick brought `energy` J."""
        self.given += energy

    def bodies(self) -> dict[str, np.ndarray]:
        """Position, quaternion, velocity and angular velocity of each body."""
        spin, speed = self._twist[..., :3], self._twist[..., 3:]
        return {
            "position": self._place,
            "quaternion": self._turn,
            "velocity": speed + np.cross(spin, self._place - self._centre),
            "angular_velocity": spin,
        }


class Recording:
    """All members of a rollout; slots are the most of any case."""

    def __init__(self, built: list[SceneModel], realizations: int, states: int) -> None:
        self._built = built
        self._members = (len(built), realizations)
        self._states = states
        scenes = [b.scene for b in built]
        self._slots = max(1, *(len(s.bodies) for s in scenes)) if scenes else 1
        series = (*self._members, states + 1)
        self._bodies = {
            name: np.full((*series, self._slots, width), np.nan, np.float32)
            for name, width in (
                ("position", 3), ("quaternion", 4), ("velocity", 3), ("angular_velocity", 3)
            )
        }
        self._mass = np.full((*self._members, self._slots), np.nan)
        self._energy = np.full((*series, 2), np.nan)
        self._rise = np.full(series[:2], np.nan)
        self._contacts: dict[tuple[int, int], np.ndarray] = {}
        self._count = np.zeros(self._members, int)
        self._failure = np.zeros(self._members, int)
        self._stopped = np.full(self._members, np.nan)
        self._depth = np.zeros(self._members)
        self._plunge = np.zeros(self._members)

    def finish(self, at: tuple[int, int], member: Member, states: MemberStates) -> None:
        """Keep a member that has come to its end."""
        count = member.model.nbody - 1
        for name, values in states.bodies().items():
            self._bodies[name][at][:, :count] = values
        self._mass[at][:count] = member.model.body_mass[1:]
        self._energy[at] = states.energy
        self._rise[at] = states.most - states.energy[0].sum()
        self._contacts[at] = member.log.rows
        self._count[at] = member.log.count
        self._depth[at], self._plunge[at] = member.log.depth, member.log.plunge
        self._failure[at], self._stopped[at] = int(states.failure), states.stopped

    def datasets(self) -> dict[str, xr.Dataset]:
        """The rollout's groups."""
        return {
            "/bodies": self._bodies_dataset(),
            "/parts": self._parts(),
            "/links": self._links(),
            "/contacts": self._contacts_dataset(),
            "/energy": self._energy_dataset(),
            "/backdrop": self._backdrop(),
            "/audit": self._audit(),
        }

    def _time(self) -> dict[str, Any]:
        time = np.arange(self._states + 1) / STATES_PER_SECOND
        return {"time": ("time", time, {"units": "s", "standard_name": "time"})}

    def _bodies_dataset(self) -> xr.Dataset:
        cases = self._members[0]
        present = np.zeros((cases, self._slots), bool)
        role = np.full((cases, self._slots), -1)
        names = []
        for case, built in enumerate(self._built):
            bodies = built.scene.bodies
            present[case, : len(bodies)] = True
            role[case, : len(bodies)] = [list(Role).index(body.role) for body in bodies]
            names.append([body.name for body in bodies])
        units = {
            "position": ("m", "centre of mass"),
            "quaternion": ("1", "turn of the body's axes"),
            "velocity": ("m s-1", "velocity of the centre of mass"),
            "angular_velocity": ("rad s-1", "in the world's axes"),
        }
        series = (*MEMBER, "time", "body")
        variables: dict[str, Any] = {
            name: (
                (*series, "wxyz" if name == "quaternion" else "xyz"),
                values,
                {"units": units[name][0], "long_name": units[name][1]},
            )
            for name, values in self._bodies.items()
        }
        variables["mass"] = ((*MEMBER, "body"), self._mass, {"units": "kg"})
        variables["present"] = (("case", "body"), present)
        variables["role"] = (("case", "body"), role, _flags(Role))
        return xr.Dataset(
            variables,
            coords={**self._time(), "body": np.arange(self._slots)},
            attrs={"names": json.dumps(names)},
        )

    def _parts(self) -> xr.Dataset:
        cases = self._members[0]
        slots = max([1, *(len(b.owner) for b in self._built)])
        body = np.full((cases, slots), -1)
        shape, pattern = np.full((cases, slots), -1), np.full((cases, slots), -1)
        size = np.full((cases, slots, 3), np.nan)
        offset, turn = np.full((cases, slots, 3), np.nan), np.full((cases, slots, 4), np.nan)
        colour = np.zeros((cases, slots, 3), np.uint8)
        second = np.zeros((cases, slots, 3), np.uint8)
        field = np.full((cases, slots), np.nan)
        tracked, collides = np.zeros((cases, slots), bool), np.zeros((cases, slots), bool)
        present = np.zeros((cases, slots), bool)
        for case, built in enumerate(self._built):
            parts = [part for each in built.scene.bodies for part in each.parts]
            for k, part in enumerate(parts):
                at = case, k
                body[at], present[at] = built.owner[k], True
                shape[at], pattern[at] = (
                    list(Shape).index(part.shape), list(Pattern).index(part.look.pattern)
                )
                size[at] = [*part.size, 0.0, 0.0, 0.0][:3]
                offset[at] = np.array(part.position) - built.model.body_ipos[built.owner[k] + 1]
                turn[at] = np.array(part.quaternion) / np.linalg.norm(part.quaternion)
                colour[at], second[at] = part.look.colour, part.look.second
                field[at], tracked[at], collides[at] = (
                    part.look.field, part.tracked, part.collides
                )
        slot = ("case", "part")
        return xr.Dataset(
            {
                "body": (slot, body, {"long_name": "place of its body; -1: an empty slot"}),
                "shape": (slot, shape, _flags(Shape)),
                "size": ((*slot, "axis"), size, {
                    "units": "m",
                    "long_name": "radius; half sizes; or radius and half length along z",
                }),
                "offset": ((*slot, "xyz"), offset, {
                    "units": "m",
                    "long_name": "of its middle from the centre of mass, in the body's axes",
                }),
                "turn": ((*slot, "wxyz"), turn, {"long_name": "of its axes in the body's"}),
                "colour": ((*slot, "rgb"), colour),
                "second": ((*slot, "rgb"), second),
                "pattern": (slot, pattern, _flags(Pattern)),
                "field": (slot, field, {"units": "m", "long_name": "size of a pattern's fields"}),
                "tracked": (slot, tracked, {"long_name": "instruments are asked to follow it"}),
                "collides": (slot, collides, {"long_name": "touches others, or is only seen"}),
                "present": (slot, present),
            },
            coords={"part": np.arange(slots)},
        )

    def _links(self) -> xr.Dataset:
        cases = self._members[0]
        slots = max([1, *(len(b.scene.links) for b in self._built)])
        bodies = np.full((cases, slots, 2), -1)
        points = np.full((cases, slots, 2, 3), np.nan)
        radius, field = np.full((cases, slots), np.nan), np.full((cases, slots), np.nan)
        colour = np.zeros((cases, slots, 3), np.uint8)
        second = np.zeros((cases, slots, 3), np.uint8)
        pattern, present = np.full((cases, slots), -1), np.zeros((cases, slots), bool)
        for case, built in enumerate(self._built):
            numbers = built.scene.numbers()
            for k, link in enumerate(built.scene.links):
                at = case, k
                present[at], radius[at], field[at] = True, link.radius, link.look.field
                colour[at], second[at] = link.look.colour, link.look.second
                pattern[at] = list(Pattern).index(link.look.pattern)
                for end in range(2):
                    name, point = link.bodies[end], np.array(link.points[end])
                    if name is not None:
                        bodies[case, k, end] = numbers[name]
                        point = point - built.model.body_ipos[numbers[name] + 1]
                    points[case, k, end] = point
        slot = ("case", "link")
        return xr.Dataset(
            {
                "bodies": ((*slot, "end"), bodies, {"long_name": "-1: a point of the world"}),
                "points": ((*slot, "end", "xyz"), points, {
                    "units": "m",
                    "long_name": "from the centre of mass in the body's axes; or in the world",
                }),
                "radius": (slot, radius, {"units": "m"}),
                "colour": ((*slot, "rgb"), colour),
                "second": ((*slot, "rgb"), second),
                "pattern": (slot, pattern, _flags(Pattern)),
                "field": (slot, field, {"units": "m"}),
                "present": (slot, present),
            },
            coords={"link": np.arange(slots)},
        )

    def _contacts_dataset(self) -> xr.Dataset:
        slots = max([1, *(len(rows) for rows in self._contacts.values())])
        table = np.full((*self._members, slots, FIELDS), np.nan)
        table[..., 1:3] = -1
        for at, rows in self._contacts.items():
            table[at][: len(rows)] = rows
        event = (*MEMBER, "event")
        return xr.Dataset(
            {
                "time": (event, table[..., 0], {"units": "s", "long_name": "begin of touching"}),
                "body_a": (event, table[..., 1].astype(int), {"long_name": "-1: an empty row"}),
                "body_b": (event, table[..., 2].astype(int), {"long_name": "-1: an empty row"}),
                "impulse": (event, table[..., 3], {"units": "N s", "long_name": "normal"}),
                "approach": (event, table[..., 4], {
                    "units": "m s-1", "long_name": "normal speed at the begin",
                }),
                "duration": (event, table[..., 5], {"units": "s"}),
                "count": (MEMBER, self._count, {
                    "long_name": "events, of which the first `limit` are listed",
                }),
            },
            attrs={"limit": EVENTS_AT_MOST},
        )

    def _energy_dataset(self) -> xr.Dataset:
        potential, kinetic = self._energy[..., 0], self._energy[..., 1]
        series = (*MEMBER, "time")
        return xr.Dataset(
            {
                "kinetic": (series, kinetic, {"units": "J"}),
                "potential": (series, potential, {
                    "units": "J", "long_name": "of weight, from z=0, and of springs",
                }),
                "total": (series, kinetic + potential, {"units": "J"}),
            },
            coords=self._time(),
        )

    def _backdrop(self) -> xr.Dataset:
        drops: list[Backdrop] = [built.scene.backdrop for built in self._built]
        return xr.Dataset(
            {
                "low": (("case", "rgb"), np.array([d.low for d in drops], np.uint8)),
                "high": (("case", "rgb"), np.array([d.high for d in drops], np.uint8)),
                "shadows": ("case", np.array([d.shadows for d in drops])),
                "sun": (("case", "xyz"), np.array([d.sun for d in drops])),
            }
        )

    def _audit(self) -> xr.Dataset:
        kinetic, potential = self._energy[..., 1], self._energy[..., 0]
        # The scale: what there was of motion, and what the weight gave or could have given.
        scale = np.maximum(kinetic.max(-1), np.ptp(potential, axis=-1))
        gain = self._rise / np.where(scale > 0, scale, 1.0)
        failure = self._failure.copy()
        deep = (self._depth > DEEPEST) | (self._plunge > DEEPEST_PLUNGE)
        failure[(failure == 0) & deep] = int(Failure.PENETRATION)
        failure[(failure == 0) & (gain > ENERGY_GAIN)] = int(Failure.ENERGY)
        return xr.Dataset(
            {
                "failed": (MEMBER, failure != 0),
                "failure": (MEMBER, failure, _flags(Failure)),
                "failure_time": (MEMBER, self._stopped, {
                    "units": "s", "long_name": "when it stopped; states stay the last good ones",
                }),
                "energy_gain": (MEMBER, gain, {
                    "units": "1",
                    "long_name": "largest rise of the energy, kicks apart, over its scale",
                }),
                "penetration": (MEMBER, self._depth, {
                    "units": "1",
                    "long_name": "deepest in a stored state, over the smaller solid's thickness",
                }),
                "plunge": (MEMBER, self._plunge, {
                    "units": "1",
                    "long_name": "deepest contact when found, or way in a step, over thickness",
                }),
            },
            attrs={
                "limits": json.dumps(
                    {
                        "farthest": FARTHEST,
                        "energy_gain": ENERGY_GAIN,
                        "penetration": DEEPEST,
                        "plunge": DEEPEST_PLUNGE,
                    }
                )
            },
        )


def _flags(codes: Any) -> dict[str, Any]:
    return {
        "flag_values": list(range(len(codes))),
        "flag_meanings": " ".join(code.name.lower() for code in codes),
    }
