"""Blocks are let go above or in still water: they fall, bob and float, or sink."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from worldsim.scenario import ClosedForm, Observable, Scenario, parameter
from worldsim.seeding import VISIBLE, stream

if TYPE_CHECKING:
    from worldsim.simulator.scene import Debris, Domain, Hidden, Scene

CELLS, CELL = (36, 24), 1 / 3
"""Number of cells in x and y, and their size in m."""

BANK = 2
"""Width in cells of the dry bank around the pool."""

CLEARANCE = 0.3
"""m between blocks and bank, at least."""

LEVEL = 0.9
"""Elevation of the water in m. Ground is coloured by its height: sand at 1.0 m, grass at 1.5 m."""

BANK_HEIGHT = (0.1, 0.7)
"""m above the water."""

THICKNESS = 0.6
"""Of a block, in sides. So flat a block of any density floats upright: a square box is stable if
its side is √(6 s (1 - s)) ≤ 1.22 times its height (s its relative density; GM > 0)."""

OBLONG = (0.75, 1.5)
"""Sides in x and y of the oblong blocks, in those of the square ones."""

MOST = 4
"""Room for blocks."""

MANNING = 0.02
"""s m^(-1/3); concrete (Chow 1959, table 5-6); of no weight in still water."""

SCATTER_DENSITY, SCATTER_DRAG = 0.02, 0.05
"""Lognormal; wood and foam of one batch differ by some percent, drag by what edges do."""

COLOURS = ((214, 40, 40), (240, 200, 20), (206, 40, 168), (242, 124, 20), (112, 56, 190))
"""Far from that of water, and from each other."""


@dataclasses.dataclass(frozen=True)
class Floating(Scenario):
    """Up to four blocks of one density fall into a pool, or are let go under its surface.

    Visible: the parameters but the density, the blocks' places, headings, colours, whether they are
    square or oblong, and how high the banks are (which colours them). Hidden: each block's own
    density, 2% about the parameter, and drag, 5%.
    """

    name: ClassVar[str] = "floating"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "blocks are let go above or in a pool of still water"
    duration: ClassVar[float] = 6.0
    leaves_out: ClassVar[str] = (
        "Truth here is a simulation: the water carries, brakes and is entered by the blocks, but "
        "shows no splash and no rings, since shallow water cannot take the vertical reaction; and "
        "nothing is seen through its surface, so that what sinks vanishes."
    )
    phrasings: ClassVar[tuple[str, ...]] = (
        "{count:.0f} x a block {side:.2g} m wide, {density:.2g} times as dense as water, let go "
        "{release:+.2g} m from the surface of a pool",
        "blocks with sides of {side:.2g} m are dropped into still water {depth:.2g} m deep and "
        "bob, float or sink",
        "things of {density:.2g} times the density of water are let go with their undersides at "
        "{release:+.2g} m, counted from the surface; what is lighter than water floats",
    )
    observables: ClassVar[tuple[Observable, ...]] = (
        Observable("block_height", "m", "height of each block's centre above the still water"),
        Observable("freeboard", "m", "height of a floating block's top above the water at rest"),
        Observable("heave_period", "s", "time of one bob"),
        Observable("entry_time", "s", "when a dropped block meets the water"),
        Observable("afloat", "1", "number of blocks that are seen at the end"),
    )
    checks: ClassVar[tuple[ClosedForm, ...]] = (
        ClosedForm("draught", "T = s h for a block of height h and relative density s < 1", 0.02,
                   "Archimedes, On Floating Bodies I, 5"),
        ClosedForm("heave period", "2 pi sqrt((m + a) / (rho g A)), a = 0.35 rho A^(3/2)", 0.03,
                   "Newman 1977, Marine Hydrodynamics, sec. 6.16; DNV-RP-H103, table A-2"),
        ClosedForm("entry time", "t = sqrt(2 r / g) from a height r", 0.03, "Galilei 1638"),
        ClosedForm("entry speed", "v m / (m + a) after the water has been set in motion", 0.1,
                   "von Karman 1929, NACA TN 321"),
        ClosedForm("terminal speed", "sqrt(2 (s - 1) g h / C) of a sinking block", 0.03,
                   "Newton, Principia II, sec. 7; balance of weight, buoyancy and drag"),
    )
    fps: ClassVar[float] = 10.0
    film_cameras: ClassVar[tuple[str, ...]] = ("overhead", "side")

    density: float = parameter(
        0.5, unit="1", training=(0.3, 1.1), physical=(0.15, 2.0),
        meaning="density of the blocks over that of the water",
    )
    side: float = parameter(
        1.3, unit="m", training=(1.0, 1.6), physical=(0.6, 2.0),
        meaning="side of a square block; it is 0.6 of that high",
    )
    release: float = parameter(
        0.4, unit="m", training=(-0.6, 0.8), physical=(-1.3, 1.5),
        meaning="height of the blocks' undersides over the water when they are let go",
    )
    count: float = parameter(
        2, unit="1", training=(1, 3), physical=(1, MOST), whole=True,
        meaning="number of blocks",
    )
    depth: float = parameter(
        2.5, unit="m", training=(2.0, 3.4), physical=(1.4, 5.0),
        meaning="depth of the pool",
    )

    def scene(self, seed: int, case: int) -> Scene:
        """All that can be seen at t=0 of one case."""
        from worldsim.camera import Camera, overhead
        from worldsim.camera import Domain as View
        from worldsim.simulator.scene import Domain, Scene, Slots

        domain = Domain(*CELLS, CELL, CELL)
        bank = stream(seed, case, VISIBLE, "bank").uniform(*BANK_HEIGHT)
        ground = np.full((domain.ny, domain.nx), LEVEL + bank)
        ground[BANK:-BANK, BANK:-BANK] = LEVEL - self.depth
        across = domain.length / 2
        side = Camera(
            "side", "perspective", (across, -8.5, 8.0),
            (across, domain.width / 2 - 0.6, LEVEL), (0.0, 0.0, 1.0), fov_y_deg=29.0,
        )
        return Scene(
            domain=domain,
            bathymetry=ground,
            buildings=(),
            debris=self._blocks(domain, seed, case),
            slots=Slots(buildings=1, storeys=1, debris=MOST),
            wave_times=np.array([0.0, 1e4]),
            wave_elevation=np.zeros(2),
            manning=MANNING,
            cameras={
                "overhead": overhead(View(0.0, domain.length, 0.0, domain.width)), "side": side,
            },
            surface=np.full((domain.ny, domain.nx), LEVEL),
            closed=True,
        )

    def _blocks(self, domain: Domain, seed: int, case: int) -> tuple[Debris, ...]:
        """Beside each other along x, each in its part of the pool."""
        from worldsim.simulator.scene import Debris, DebrisKind

        rng = stream(seed, case, VISIBLE, "blocks")
        count, margin = round(self.count), BANK * CELL + CLEARANCE
        part = (domain.length - 2 * margin) / count
        colours = rng.permutation(len(COLOURS))
        blocks = []
        for number in range(count):
            stretch = OBLONG if rng.random() < 0.4 else (1.0, 1.0)
            half = [self.side / 2 * factor for factor in stretch]
            heading = rng.uniform(-0.3, 0.3)
            turned = abs(math.cos(heading)), abs(math.sin(heading))
            reach = (half[0] * turned[0] + half[1] * turned[1],
                     half[0] * turned[1] + half[1] * turned[0])
            free = part / 2 - reach[0], domain.width / 2 - margin - reach[1]
            blocks.append(Debris(
                position=(
                    margin + (number + 0.5) * part + free[0] * rng.uniform(-0.8, 0.8),
                    domain.width / 2 + free[1] * rng.uniform(-0.8, 0.8),
                ),
                heading=heading,
                half_size=(half[0], half[1], THICKNESS * self.side / 2),
                colour=COLOURS[colours[number]],
                kind=DebrisKind.BLOCK,
                elevation=LEVEL + self.release,
            ))
        return tuple(blocks)

    def hidden(self, scene: Scene, seed: int, case: int, realization: int) -> Hidden:
        """One draw of what cannot be seen."""
        from worldsim.simulator.constants import SEAWATER_DENSITY
        from worldsim.simulator.loose_bodies import KINDS
        from worldsim.simulator.scene import DebrisKind, Hidden

        frames = (scene.slots.buildings, scene.slots.storeys)
        density, drag = (
            stream(seed, case, realization, name).normal(size=MOST)
            for name in ("block density", "block drag")
        )
        return Hidden(
            strength=np.ones(frames),
            drift_limit=np.ones(frames),
            debris_density=self.density * SEAWATER_DENSITY * np.exp(SCATTER_DENSITY * density),
            debris_drag=KINDS[DebrisKind.BLOCK].drag * np.exp(SCATTER_DRAG * drag),
        )
