"""A dam breaks; its wave meets a block that stands in the way, or is carried off."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from worldsim.scenario import ClosedForm, Observable, Scenario, parameter
from worldsim.seeding import VISIBLE, stream

if TYPE_CHECKING:
    from worldsim.simulator.scene import Hidden, Scene

CELLS, CELL = (48, 32), 0.5
"""Number of cells in x and y, and their size in m."""

DAM = 8.0
"""m; the reservoir lies between the western bank and here."""

BANK = 1
"""Width of the banks on all sides, cells."""

BANK_HEIGHT = 1.2
"""Of the banks over the floor, in depths of the reservoir: the wave is thrown back by them."""

FLOOR = (-0.4, 1.6)
"""Elevation of the floor in m, by which it is coloured: wet sand, sand, grass."""

THICKNESS = 0.6
"""Height of the block in its sides."""

MANNING = 0.01
"""s m^(-1/3); glass, smooth plaster (Chow 1959, table 5-6)."""

SCATTER = {"density": 0.03, "drag": 0.05, "friction": 0.05}
"""Lognormal; repeated pulls of one block over one floor differ by some percent."""

COLOURS = ((214, 40, 40), (240, 200, 20), (206, 40, 168), (242, 124, 20), (112, 56, 190))
"""Of the block; far from those of water and ground."""


@dataclasses.dataclass(frozen=True)
class DamBreakBlock(Scenario):
    """Water behind a dam that vanishes at t=0 runs over a dry floor into a square block.

    Visible: depth, gap and size, the block's place across the basin, its heading and colour, and
    the floor's height, which colours it. Hidden: density and friction, by some percent about the
    parameters, and drag.
    """

    name: ClassVar[str] = "dam_break_block"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "a dam breaks and its wave meets a block"
    duration: ClassVar[float] = 5.0
    leaves_out: ClassVar[str] = (
        "Truth here is a simulation: water is averaged over its depth (no splashing, no plunging), "
        "flows through the block's place while it pushes it and is pushed back, and the dam "
        "vanishes in an instant."
    )
    phrasings: ClassVar[tuple[str, ...]] = (
        "a dam {depth:.2g} m high breaks {gap:.2g} m in front of a block {side:.2g} m wide",
        "water {depth:.2g} m deep rushes over a dry floor into a block of {density:.2g} times its "
        "density, which friction of {friction:.2g} holds",
        "after a dam break a wave hits a square block with sides of {side:.2g} m and pushes it "
        "along or runs past it",
    )
    observables: ClassVar[tuple[Observable, ...]] = (
        Observable("front", "m", "distance of the wave's front from the dam"),
        Observable("arrival_time", "s", "when the front reaches the block"),
        Observable("wet_area", "m2", "area under water"),
        Observable("block_position", "m", "where the block's centre is"),
        Observable("slide", "m", "how far the block has moved at the end"),
    )
    checks: ClassVar[tuple[ClosedForm, ...]] = (
        ClosedForm("front", "2 c t; behind it h(x, t) = (2 c - x/t)^2 / (9 g), c = sqrt(g h0)",
                   0.12, "Ritter 1892, Z. VDI 36"),
        ClosedForm("depth at the dam", "4/9 h0 until the wave comes back from the banks", 0.04,
                   "Ritter 1892"),
        ClosedForm("hold", "stays while mu (m - rho V) g > C b rho g h0^2 / 8, the most that a "
                   "drag of C rho b h u^2 / 2 comes to in Ritter's wave", 0.0,
                   "Coulomb 1785; Archimedes; Ritter 1892"),
    )
    fps: ClassVar[float] = 10.0
    film_cameras: ClassVar[tuple[str, ...]] = ("overhead", "corner")

    depth: float = parameter(
        1.8, unit="m", training=(1.2, 2.4), physical=(0.5, 3.2),
        meaning="depth of the water behind the dam",
    )
    gap: float = parameter(
        4.0, unit="m", training=(3.0, 7.0), physical=(1.0, 9.0),
        meaning="distance from the dam to the block",
    )
    side: float = parameter(
        2.0, unit="m", training=(1.6, 2.4), physical=(1.0, 3.0),
        meaning="side of the block; it is 0.6 of that high",
    )
    density: float = parameter(
        0.6, unit="1", training=(0.3, 1.3), physical=(0.15, 3.0),
        meaning="density of the block over that of the water",
    )
    friction: float = parameter(
        0.15, unit="1", training=(0.06, 0.3), physical=(0.02, 1.0),
        meaning="friction coefficient of the block on the floor",
    )

    def scene(self, seed: int, case: int) -> Scene:
        """All that can be seen at t=0 of one case."""
        from worldsim.camera import Camera, overhead
        from worldsim.camera import Domain as View
        from worldsim.simulator.scene import Debris, DebrisKind, Domain, Scene, Slots

        domain = Domain(*CELLS, CELL, CELL)
        floor = float(stream(seed, case, VISIBLE, "floor").uniform(*FLOOR))
        ground = np.full((domain.ny, domain.nx), floor + BANK_HEIGHT * self.depth)
        ground[BANK:-BANK, BANK:-BANK] = floor
        level = np.where(domain.x < DAM, floor + self.depth, floor)
        rng = stream(seed, case, VISIBLE, "block")
        heading = rng.uniform(-0.4, 0.4)
        reach = self.side / 2 * (math.cos(heading) + abs(math.sin(heading)))
        middle = domain.width / 2
        block = Debris(
            position=(DAM + self.gap + reach, middle + rng.uniform(-3.0, 3.0)),
            heading=heading,
            half_size=(self.side / 2, self.side / 2, THICKNESS * self.side / 2),
            colour=COLOURS[rng.integers(len(COLOURS))],
            kind=DebrisKind.BLOCK,
        )
        corner = Camera(
            "corner", "perspective", (domain.length + 1.0, -11.0, 17.0),
            (domain.length / 2 + 0.5, middle - 1.0, 0.5), (0.0, 0.0, 1.0), fov_y_deg=32.0,
        )
        return Scene(
            domain=domain,
            bathymetry=ground,
            buildings=(),
            debris=(block,),
            slots=Slots(buildings=1, storeys=1, debris=1),
            wave_times=np.array([0.0, 1e4]),
            wave_elevation=np.zeros(2),
            manning=MANNING,
            cameras={
                "overhead": overhead(View(0.0, domain.length, 0.0, domain.width)),
                "corner": corner,
            },
            surface=np.broadcast_to(level, ground.shape).copy(),
            closed=True,
        )

    def hidden(self, scene: Scene, seed: int, case: int, realization: int) -> Hidden:
        """One draw of what cannot be seen."""
        from worldsim.simulator.constants import SEAWATER_DENSITY
        from worldsim.simulator.loose_bodies import KINDS, typical
        from worldsim.simulator.scene import DebrisKind, Hidden

        frames = (scene.slots.buildings, scene.slots.storeys)
        factor = {
            name: np.exp(
                scatter * stream(seed, case, realization, f"block {name}").normal(size=1)
            )
            for name, scatter in SCATTER.items()
        }
        return Hidden(
            strength=np.ones(frames),
            drift_limit=np.ones(frames),
            debris_density=self.density * SEAWATER_DENSITY * factor["density"],
            debris_drag=KINDS[DebrisKind.BLOCK].drag * factor["drag"],
            debris=dataclasses.replace(
                typical(scene), friction=self.friction * factor["friction"]
            ),
        )
