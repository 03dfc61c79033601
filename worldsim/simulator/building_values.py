"""The buildings of a batch in numbers: what their types say times what was drawn."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from worldsim.simulator.structures import typical_buildings

if TYPE_CHECKING:
    from worldsim.simulator.scene import Hidden, Scene


@dataclasses.dataclass(frozen=True)
class BuildingValues:
    """Arrays are (member, building); of slots without a building, whatever does no harm.

    present : whether there is one. area m2, perimeter m. extent : (…, 2) m along x and y.
    wall_head m, anchorage N, leakage, closure, hull : see `structures.BuildingType`.
    drifts : (…, 4) ratios at which the HAZUS states begin.
    """

    present: np.ndarray
    area: np.ndarray
    perimeter: np.ndarray
    extent: np.ndarray
    wall_head: np.ndarray
    anchorage: np.ndarray
    leakage: np.ndarray
    closure: np.ndarray
    hull: np.ndarray
    drifts: np.ndarray


def building_values(scenes: list[Scene], hidden: list[Hidden]) -> BuildingValues:
    """The values of all members."""
    shape = (len(scenes), scenes[0].slots.buildings)
    widths = {"extent": (2,), "drifts": (4,)}
    values = {
        field.name: np.ones((*shape, *widths.get(field.name, ())))
        for field in dataclasses.fields(BuildingValues)
    }
    values["present"], values["hull"] = np.zeros((2, *shape), dtype=bool)
    for member, (scene, drawn) in enumerate(zip(scenes, hidden, strict=True)):
        draw = drawn.buildings or typical_buildings(shape[1])
        for b, building in enumerate(scene.buildings):
            type_, (x0, x1, y0, y1) = building.type, building.footprint
            for name, value in (
                ("present", True),
                ("area", building.area),
                ("perimeter", building.perimeter),
                ("extent", (x1 - x0, y1 - y0)),
                ("wall_head", type_.wall_head * draw.walls[b]),
                ("anchorage", type_.anchorage * draw.anchorage[b] * building.perimeter),
                ("leakage", min(1.0, type_.leakage * draw.leakage[b])),
                ("closure", min(1.0, type_.closure * draw.closure[b])),
                ("hull", type_.hull),
                ("drifts", type_.drifts),
            ):
                values[name][member, b] = value
    return BuildingValues(**values)
