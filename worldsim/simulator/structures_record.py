"""What is recorded of buildings, and the group /structures of a rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from worldsim.simulator.audit_record import MEMBER
from worldsim.simulator.body_models import base_elevation
from worldsim.simulator.building_damage import DAMAGE_STATES, Cause
from worldsim.simulator.process import Variable
from worldsim.simulator.scene import Role
from worldsim.simulator.structures import TYPES

if TYPE_CHECKING:
    from worldsim.simulator.members import World
    from worldsim.simulator.scene import Scene

SERIES = {
    "standing": Variable((), "1", "lowest storey stands in its place", bool),
    "drift": Variable(("storey",), "1", "largest drift ratio so far, while attached"),
    "impulse": Variable(("xy",), "N s", "impulse of the water on walls and frame so far"),
    "damage_state": Variable((), "1", "worst state so far", np.int8, DAMAGE_STATES),
}
"""At each stored time, dims after (case, realization, time, building)."""

TOTALS = {
    "failure_time": Variable((), "s", "when it came down or left its place", np.float64),
    "walls_time": Variable((), "s", "when outer walls of the lowest storey broke", np.float64),
    "washed_away_time": Variable((), "s", "when all storeys had left its plan", np.float64),
    "cause": Variable(
        (), "1", "why it came down or left its place, or else lost its walls", np.int8,
        tuple(cause.name.lower() for cause in Cause),
    ),
    "residual_drift": Variable(("storey",), "1", "drift ratio that remains, while attached"),
    "yield_force": Variable(("storey",), "N", "shear at which the storey yields", np.float64),
    "max_depth": Variable((), "m", "deepest water at its walls"),
    "max_momentum_flux": Variable((), "m3 s-2", "greatest depth times speed squared there"),
    "debris_impulse": Variable((), "N s", "horizontal, by contacts on storeys that stand"),
}
"""At the end, dims after (case, realization, building)."""


class StructuresRecord:
    """The buildings of all members, frame by frame."""

    def __init__(self, scenes: list[Scene], shape: tuple[int, int], frames: int) -> None:
        self._scenes, slots = scenes, scenes[0].slots
        self._sizes = {"storey": slots.storeys, "xy": 2}
        self._series = self._room(SERIES, (*shape, frames, slots.buildings))
        self._totals = self._room(TOTALS, (*shape, slots.buildings))

    def _room(
        self, variables: dict[str, Variable], lead: tuple[int, ...]
    ) -> dict[str, np.ndarray]:
        return {
            name: np.zeros((*lead, *(self._sizes[dim] for dim in variable.dims)), variable.dtype)
            for name, variable in variables.items()
        }

    def store(self, at: tuple[Any, ...], world: World) -> None:
        """Keep the present state of the members `at` (cases, realizations, frame)."""
        bodies, buildings = world.body_state(), world.buildings
        standing, drift = bodies["standing"], bodies["peak_drift"]
        for name, values in {
            "standing": standing,
            "drift": drift,
            "impulse": buildings.impulse,
            "damage_state": buildings.damage_state(drift, standing),
        }.items():
            self._series[name][at] = values

    def finish(self, at: tuple[Any, ...], world: World) -> None:
        """Keep what is known at the end of the members `at` (cases, realizations)."""
        buildings, frames = world.buildings, world.bodies.frames
        present = frames.properties.present
        for name in TOTALS:
            if name == "yield_force":
                values = np.where(present, frames.properties.yield_force, np.nan)
            elif name == "residual_drift":
                values = np.where(frames.attached, frames.residual_drift, np.nan)
            elif name == "debris_impulse":
                values = world.bodies.debris_impulse
            else:
                values = getattr(buildings, name)
            self._totals[name][at] = values

    def dataset(self, time: dict[str, Any]) -> xr.Dataset:
        """The group /structures."""
        slots = self._scenes[0].slots
        variables: dict[str, Any] = {
            name: ((*MEMBER, "time", "building", *variable.dims), self._series[name],
                   variable.attributes)
            for name, variable in SERIES.items()
        } | {
            name: ((*MEMBER, "building", *variable.dims), self._totals[name], variable.attributes)
            for name, variable in TOTALS.items()
        }
        coords = time | {
            "building": np.arange(slots.buildings),
            "storey": np.arange(slots.storeys),
        }
        return xr.Dataset(variables, coords=coords).merge(_static(self._scenes))


def _static(scenes: list[Scene]) -> xr.Dataset:
    """What is known of each case's buildings at the start."""
    shape = (len(scenes), scenes[0].slots.buildings)
    types, roles = list(TYPES), list(Role)
    type_ = Variable((), "1", "what it is made of", np.int8, tuple(types))
    role = Variable((), "1", "what it is for", np.int8, tuple(r.value for r in roles))
    values = {
        "footprint": np.full((*shape, 4), np.nan),
        "present": np.zeros(shape, bool),
        "type": np.full(shape, -1, np.int8),
        "role": np.full(shape, -1, np.int8),
        "storeys": np.zeros(shape, np.int8),
        "base": np.full(shape, np.nan),
    }
    for case, scene in enumerate(scenes):
        for b, building in enumerate(scene.buildings):
            at = case, b
            name = building.type.name
            values["footprint"][at], values["present"][at] = building.footprint, True
            values["type"][at] = types.index(name) if name in types else -1
            values["role"][at] = roles.index(building.role)
            values["storeys"][at] = building.storeys
            values["base"][at] = base_elevation(scene, building)
    attributes: dict[str, dict[str, Any]] = {
        "footprint": {"units": "m", "long_name": "x0, x1, y0, y1"},
        "type": type_.attributes,
        "role": role.attributes,
        "storeys": {"units": "1", "long_name": "number of storeys"},
        "base": {"units": "m", "long_name": "elevation of the floor above still water"},
    }
    dims = ("case", "building")
    return xr.Dataset({
        name: ((*dims, "bound") if name == "footprint" else dims, array, attributes.get(name, {}))
        for name, array in values.items()
    })
