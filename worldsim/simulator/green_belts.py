"""Belts of trees: their stems slow the water, until it breaks or uproots them.

The water pushes on a stem of diameter d, up to its own or the tree's height, by ½ρ C_D d u² per
metre, half-way up in the mean. The stem breaks where that moment reaches MOR π d³/32, or the tree
is uprooted before. Broken trees keep a small part of their drag. Floating stems are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
import xarray as xr

from worldsim.simulator.coast_draw import typical
from worldsim.simulator.constants import COUPLING_STEP, SEAWATER_DENSITY
from worldsim.simulator.process import Declaration, Process, Variable

if TYPE_CHECKING:
    from worldsim.simulator.floating import WaterFields
    from worldsim.simulator.members import World
    from worldsim.simulator.scene import Hidden, Scene

STEM_DRAG = 1.0
"""Drag coefficient of stems: field tilting fits 1 (JSCE 72; also that of rough cylinders)."""


def breaking_moment(rupture: np.ndarray, diameter: np.ndarray) -> np.ndarray:
    """Moment in N m that breaks round stems of a modulus of rupture [Pa] and diameter [m]."""
    return rupture * np.pi * diameter**3 / 32


def stem_moment(
    depth: np.ndarray, speed: np.ndarray, diameter: np.ndarray, height: np.ndarray
) -> np.ndarray:
    """Moment in N m of the water about the foot of a stem."""
    reach = np.minimum(depth, height)
    return 0.5 * SEAWATER_DENSITY * STEM_DRAG * diameter * speed**2 * reach * reach / 2


class GreenBelts(Process):
    """All trees of a batch, cell by cell."""

    group: ClassVar[str] = "trees"

    @classmethod
    def present(cls, scenes: list[Scene]) -> bool:
        return any(scene.trees for scene in scenes)

    @classmethod
    def declare(cls, scenes: list[Scene]) -> Declaration:
        domain = scenes[0].domain
        cells = ("y", "x")
        fields = np.stack([_planted(scene) for scene in scenes], 1)
        names = (
            ("stems", "m-2", "stems per area at the start"),
            ("diameter", "m", "of the stems"),
            ("height", "m", "of the trees"),
        )
        static = xr.Dataset(
            {
                name: (("case", *cells), field.astype(np.float32), {"units": units, "long_name": m})
                for field, (name, units, m) in zip(fields, names, strict=True)
            },
            coords={"y": ("y", domain.y, {"units": "m"}), "x": ("x", domain.x, {"units": "m"})},
        )
        return Declaration(
            sizes={"y": domain.ny, "x": domain.nx},
            series={},
            totals={
                "failure_time": Variable(
                    cells, "s", "when the trees there broke or were uprooted; NaN: never"
                ),
                "uprooted": Variable(cells, "1", "roots gave way before stems", bool),
            },
            static=static,
        )

    def __init__(self, world: World, scenes: list[Scene], hidden: list[Hidden]) -> None:
        self._world = world
        stems, diameter, height = np.stack([_planted(scene) for scene in scenes], 1)
        draws = [draw.coast or typical(s) for s, draw in zip(scenes, hidden, strict=True)]
        stack = {
            name: np.stack([getattr(draw, name) for draw in draws])
            for name in ("rupture", "uprooting", "stump_drag")
        }
        self._at = np.nonzero(stems > 0)
        self._diameter, self._height = diameter[self._at], height[self._at]
        weaker = np.minimum(stack["uprooting"][self._at], 1.0)
        strength = breaking_moment(stack["rupture"][self._at], self._diameter)
        self._strength = strength * weaker
        self._uprooting = weaker < 1.0
        self._stump_drag = stack["stump_drag"][self._at]
        self.failure_time = np.full(stems.shape, np.nan)
        self._drag = 0.5 * STEM_DRAG * stems * diameter  # 1/m
        self._tall = height
        self._plant()

    def _plant(self) -> None:
        self._world.solver.set_vegetation(
            torch.as_tensor(self._drag), torch.as_tensor(self._tall)
        )

    def load(self, water: WaterFields) -> None:
        """Break what the flow breaks; the drag itself is the solver's, whose friction it is."""
        at = self._at
        speed = np.sqrt(water.u[at] ** 2 + water.v[at] ** 2)
        moment = stem_moment(water.depth[at], speed, self._diameter, self._height)
        broken = (
            (moment > self._strength)
            & np.isnan(self.failure_time[at])
            & self._world.stops.active[at[0]]
        )
        if not broken.any():
            return
        where = tuple(index[broken] for index in at)
        self.failure_time[where] = self._world.time + COUPLING_STEP
        self._drag[where] *= self._stump_drag[broken]
        self._plant()

    def after(self, failed: list[tuple[int, int, int]]) -> None:
        """Trees do not follow buildings."""

    def now(self) -> dict[str, np.ndarray]:
        return {}

    def end(self) -> dict[str, np.ndarray]:
        uprooted = np.zeros(self.failure_time.shape, dtype=bool)
        uprooted[self._at] = self._uprooting
        return {
            "failure_time": self.failure_time,
            "uprooted": uprooted & ~np.isnan(self.failure_time),
        }


def _planted(scene: Scene) -> np.ndarray:
    """Stems per m2, their diameter and height in m, (3, ny, nx); later belts replace earlier."""
    fields = np.zeros((3, scene.domain.ny, scene.domain.nx))
    for belt in scene.trees:
        rows, columns = scene.cells_within(belt.footprint)
        values = np.array([belt.stems, belt.diameter, belt.height])
        fields[:, rows, columns] = values[:, None, None]
    return fields
