"""What is recorded of people: the group `/people` of a rollout."""

from __future__ import annotations

import enum

import numpy as np
import xarray as xr

from worldsim.simulator.process import Declaration, Variable
from worldsim.simulator.scene import Person, Scene


class Status(enum.IntEnum):
    """What a person is doing."""

    INDOORS = 0
    WAITING = 1
    WALKING = 2
    SHELTERED = 3
    SAFE = 4
    WADING = 5
    IN_WATER = 6


ONE = ("person",)

SERIES = {
    "position": Variable(("person", "xyz"), "m", "centre of the body"),
    "status": Variable(ONE, "1", "what the person does; in_water: not on own feet", np.int8,
                       tuple(status.name.lower() for status in Status)),
}

TOTALS = {
    name: Variable(ONE, units, meaning, dtype)
    for name, units, meaning, dtype in (
        ("departure_time", "s", "when the person left for safety; NaN: never", np.float64),
        ("safe_time", "s", "when it reached the safe edge or a shelter; NaN: never", np.float64),
        ("sheltered", "1", "taken in by a shelter", bool),
        ("knocked_over_time", "s", "when it first lost its feet; NaN: never", np.float64),
        ("carried_distance", "m", "way made in the water not on own feet", np.float64),
        ("max_depth", "m", "deepest water at its feet", np.float64),
        ("max_depth_velocity", "m2 s-1", "largest depth times speed of the water", np.float64),
        ("wet_time", "s", "with the feet in more than 5 cm of water", np.float64),
        ("water_time", "s", "in water not on own feet", np.float64),
        ("submerged_time", "s", "with the head under water", np.float64),
        ("contact_impulse", "N s", "horizontal impulse of contacts apart from the ground",
         np.float64),
        ("collapse_time", "s", "when the storey it was in came down; NaN: never", np.float64),
        ("tracer_dose", "kg s m-3", "tracer concentration times time in the water", np.float64),
    )
}

TRAITS = {
    "age": ("years", np.float64, "age"),
    "female": ("1", bool, "female"),
    "height": ("m", np.float64, "height"),
    "mass": ("kg", np.float64, "mass"),
    "walking_speed": ("m s-1", np.float64, "free speed on level dry ground"),
    "home": ("1", np.int64, "building in which the person lives; -1: visitor"),
    "building": ("1", np.int64, "building in which the person is at t=0; -1: out of doors"),
    "storey": ("1", np.int64, "storey at t=0"),
}
"""Static, by name: units, type, meaning."""

EMPTY = {np.float64: np.nan, np.int64: -1, bool: False}
"""Values in empty slots, by type."""


def declaration(scenes: list[Scene]) -> Declaration:
    """All that is recorded of people."""
    slots = scenes[0].slots.people
    shape = (len(scenes), slots)
    static = {
        name: np.full(shape, EMPTY[kind], dtype=kind) for name, (_, kind, _) in TRAITS.items()
    }
    present = np.zeros(shape, dtype=bool)
    for case, scene in enumerate(scenes):
        present[case, : len(scene.people)] = True
        for name, values in static.items():
            values[case, : len(scene.people)] = _of(scene.people, name)
    variables = {
        name: (("case", "person"), values, {"units": TRAITS[name][0], "long_name": TRAITS[name][2]})
        for name, values in static.items()
    }
    variables["present"] = (("case", "person"), present, {"long_name": "slot holds a person"})
    sizes = {"person": slots, "xyz": 3}
    return Declaration(sizes, SERIES, TOTALS, xr.Dataset(variables))


def _of(people: tuple[Person, ...], name: str) -> list[float]:
    return [getattr(person, name) for person in people]
