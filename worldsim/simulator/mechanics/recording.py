"""What is known of all members of a simulation of rigid bodies becomes a rollout."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from worldsim.simulator.mechanics.appearance import (
    backdrop_dataset,
    flags,
    links_dataset,
    parts_dataset,
)
from worldsim.simulator.mechanics.audit import (
    AT_REST,
    DEEPEST,
    DEEPEST_PLUNGE,
    ENERGY_GAIN,
    FARTHEST,
    Failure,
)
from worldsim.simulator.mechanics.bodies import Role
from worldsim.simulator.mechanics.contacts import EVENTS_AT_MOST, FIELDS
from worldsim.simulator.mechanics.member_states import MemberResult
from worldsim.simulator.mechanics.models import SceneModel
from worldsim.simulator.mechanics.scene import STATES_PER_SECOND

MEMBER = ("case", "realization")


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

    def finish(self, at: tuple[int, int], result: MemberResult) -> None:
        """Keep the member `at` (case, realization)."""
        count = len(result.mass)
        for name, values in result.bodies.items():
            self._bodies[name][at][:, :count] = values
        self._mass[at][:count] = result.mass
        self._energy[at], self._rise[at] = result.energy, result.rise
        self._contacts[at], self._count[at] = result.events, result.count
        self._depth[at], self._plunge[at] = result.depth, result.plunge
        self._failure[at], self._stopped[at] = int(result.failure), result.stopped

    def datasets(self) -> dict[str, xr.Dataset]:
        """The rollout's groups."""
        return {
            "/bodies": self._bodies_dataset(),
            "/parts": parts_dataset(self._built),
            "/links": links_dataset(self._built),
            "/contacts": self._contacts_dataset(),
            "/energy": self._energy_dataset(),
            "/backdrop": backdrop_dataset(self._built),
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
        variables["role"] = (("case", "body"), role, flags(Role))
        return xr.Dataset(
            variables,
            coords={**self._time(), "body": np.arange(self._slots)},
            attrs={"names": json.dumps(names)},
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

    def _audit(self) -> xr.Dataset:
        kinetic, potential = self._energy[..., 1], self._energy[..., 0]
        # The scale: what there was of motion, and what the weight gave or could have given.
        scale = np.maximum(kinetic.max(-1), np.ptp(potential, axis=-1))
        rest = np.array([[AT_REST * built.lift] for built in self._built])
        scale = np.maximum(scale, rest)
        gain = self._rise / np.where(scale > 0, scale, 1.0)
        failure = self._failure.copy()
        deep = (self._depth > DEEPEST) | (self._plunge > DEEPEST_PLUNGE)
        failure[(failure == 0) & deep] = int(Failure.PENETRATION)
        failure[(failure == 0) & (gain > ENERGY_GAIN)] = int(Failure.ENERGY)
        return xr.Dataset(
            {
                "failed": (MEMBER, failure != 0),
                "failure": (MEMBER, failure, flags(Failure)),
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
