"""What is recorded of buildings, and the group /structures of a rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from worldsim.simulator.body_models import base_elevation
from worldsim.simulator.building_damage import DAMAGE_STATES, Cause
from worldsim.simulator.process import Declaration, Variable
from worldsim.simulator.scene import Role
from worldsim.simulator.structures import TYPES

if TYPE_CHECKING:
    from worldsim.simulator.members import World
    from worldsim.simulator.scene import Scene

BUILDING = ("building",)
STOREY = ("building", "storey")

SERIES = {
    "standing": Variable(BUILDING, "1", "lowest storey stands in its place", bool),
    "drift": Variable(STOREY, "1", "largest drift ratio so far, while attached"),
    "impulse": Variable(
        ("building", "xy"), "N s", "impulse of the water on walls and frame so far"
    ),
    "damage_state": Variable(BUILDING, "1", "worst state so far", np.int8, DAMAGE_STATES),
}

TOTALS = {
    "failure_time": Variable(BUILDING, "s", "when it came down or left its place", np.float64),
    "walls_time": Variable(
        BUILDING, "s", "when outer walls of the lowest storey broke", np.float64
    ),
    "washed_away_time": Variable(
        BUILDING, "s", "when all storeys had left its plan", np.float64
    ),
    "cause": Variable(
        BUILDING, "1", "why it came down or left its place, or else lost its walls", np.int8,
        tuple(cause.name.lower() for cause in Cause),
    ),
    "residual_drift": Variable(STOREY, "1", "drift ratio that remains, while attached"),
    "yield_force": Variable(STOREY, "N", "shear at which the storey yields", np.float64),
    "max_depth": Variable(BUILDING, "m", "deepest water at its walls"),
    "max_momentum_flux": Variable(BUILDING, "m3 s-2", "greatest depth times speed squared there"),
    "debris_impulse": Variable(BUILDING, "N s", "horizontal, by contacts on storeys that stand"),
}


def declare(scenes: list[Scene]) -> Declaration:
    """What is recorded of buildings."""
    slots = scenes[0].slots
    return Declaration(
        sizes={"building": slots.buildings, "storey": slots.storeys, "xy": 2},
        series=SERIES,
        totals=TOTALS,
        static=_static(scenes),
    )


def now(world: World) -> dict[str, np.ndarray]:
    """The present values of `SERIES`, (member, ...)."""
    bodies, buildings = world.body_state(), world.buildings
    standing, drift = bodies["standing"], bodies["peak_drift"]
    return {
        "standing": standing,
        "drift": drift,
        "impulse": buildings.impulse,
        "damage_state": buildings.damage_state(drift, standing),
    }


def end(world: World) -> dict[str, np.ndarray]:
    """The final values of `TOTALS`, (member, ...)."""
    buildings, frames = world.buildings, world.bodies.frames
    elsewhere = {
        "yield_force": np.where(frames.properties.present, frames.properties.yield_force, np.nan),
        "residual_drift": np.where(frames.attached, frames.residual_drift, np.nan),
        "debris_impulse": world.bodies.debris_impulse,
    }
    return elsewhere | {
        name: getattr(buildings, name) for name in TOTALS if name not in elsewhere
    }


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
    variables = {
        name: ((*dims, "bound") if name == "footprint" else dims, array, attributes.get(name, {}))
        for name, array in values.items()
    }
    slots = scenes[0].slots
    coords = {"building": np.arange(slots.buildings), "storey": np.arange(slots.storeys)}
    return xr.Dataset(variables, coords=coords)
