"""What a rollout says of its scenes beyond their motion: solids and paint, links, backdrop."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from worldsim.simulator.mechanics.bodies import Pattern, Shape
from worldsim.simulator.mechanics.models import SceneModel
from worldsim.simulator.mechanics.scene import Backdrop


def parts_dataset(models: list[SceneModel]) -> xr.Dataset:
    """`/parts` of the rollout."""
    cases = len(models)
    slots = max([1, *(len(b.owner) for b in models)])
    body = np.full((cases, slots), -1)
    shape, pattern = np.full((cases, slots), -1), np.full((cases, slots), -1)
    size = np.full((cases, slots, 3), np.nan)
    offset, turn = np.full((cases, slots, 3), np.nan), np.full((cases, slots, 4), np.nan)
    colour = np.zeros((cases, slots, 3), np.uint8)
    second = np.zeros((cases, slots, 3), np.uint8)
    field = np.full((cases, slots), np.nan)
    tracked, collides = np.zeros((cases, slots), bool), np.zeros((cases, slots), bool)
    present = np.zeros((cases, slots), bool)
    for case, built in enumerate(models):
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
            "shape": (slot, shape, flags(Shape)),
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
            "pattern": (slot, pattern, flags(Pattern)),
            "field": (slot, field, {"units": "m", "long_name": "size of a pattern's fields"}),
            "tracked": (slot, tracked, {"long_name": "instruments are asked to follow it"}),
            "collides": (slot, collides, {"long_name": "touches others, or is only seen"}),
            "present": (slot, present),
        },
        coords={"part": np.arange(slots)},
    )


def links_dataset(models: list[SceneModel]) -> xr.Dataset:
    """`/links` of the rollout."""
    cases = len(models)
    slots = max([1, *(len(b.scene.links) for b in models)])
    bodies = np.full((cases, slots, 2), -1)
    points = np.full((cases, slots, 2, 3), np.nan)
    radius, field = np.full((cases, slots), np.nan), np.full((cases, slots), np.nan)
    colour = np.zeros((cases, slots, 3), np.uint8)
    second = np.zeros((cases, slots, 3), np.uint8)
    pattern, present = np.full((cases, slots), -1), np.zeros((cases, slots), bool)
    for case, built in enumerate(models):
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
            "pattern": (slot, pattern, flags(Pattern)),
            "field": (slot, field, {"units": "m"}),
            "present": (slot, present),
        },
        coords={"link": np.arange(slots)},
    )


def backdrop_dataset(models: list[SceneModel]) -> xr.Dataset:
    """`/backdrop` of the rollout."""
    drops: list[Backdrop] = [built.scene.backdrop for built in models]
    return xr.Dataset(
        {
            "low": (("case", "rgb"), np.array([d.low for d in drops], np.uint8)),
            "high": (("case", "rgb"), np.array([d.high for d in drops], np.uint8)),
            "shadows": ("case", np.array([d.shadows for d in drops])),
            "sun": (("case", "xyz"), np.array([d.sun for d in drops])),
        }
    )


def flags(codes: Any) -> dict[str, Any]:
    """Attributes of a variable of codes, by CF 1.11, section 3.5."""
    return {
        "flag_values": list(range(len(codes))),
        "flag_meanings": " ".join(code.name.lower() for code in codes),
    }
