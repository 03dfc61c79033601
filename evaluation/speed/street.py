"""The reference street: 12 houses, 6 boxes of debris, 96 x 64 cells of 2 m, a wave of 6 m, 20 s.

It stands here, apart from the scenarios, so that its numbers stay comparable when those change.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from worldsim.camera import Domain as View
from worldsim.camera import overhead, street
from worldsim.scenario import Scenario, parameter
from worldsim.seeding import VISIBLE, stream
from worldsim.simulator.scene import Building, Debris, Domain, Hidden, Scene, Slots
from worldsim.simulator.structures import SCATTER_DRIFT, SCATTER_STRENGTH, TYPES

DOMAIN = Domain(nx=96, ny=64, dx=2.0, dy=2.0)
SLOTS = Slots(buildings=12, storeys=2, debris=6)
VIEW = View(0.0, DOMAIN.length, 0.0, DOMAIN.width)
CAMERAS = ("overhead", "street")
SIZE = (64, 96)
FPS = 10.0
SECONDS = 20.0
MEMBERS = 32

COLOURS = (
    (225, 30, 30),
    (250, 225, 20),
    (140, 60, 245),
    (240, 30, 190),
    (110, 235, 30),
    (250, 135, 15),
)


@dataclasses.dataclass(frozen=True)
class ReferenceStreet(Scenario):
    """Two rows of houses behind a planar beach; the hidden draws and the debris' headings vary."""

    name: ClassVar[str] = "reference-street"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "a tsunami meets the benchmark's street"
    duration: ClassVar[float] = SECONDS
    leaves_out: ClassVar[str] = "The same as the scenario tsunami; it serves to measure speed."

    wave_height: float = parameter(
        6.0,
        unit="m",
        training=(2.0, 8.0),
        physical=(0.5, 12.0),
        meaning="height of the incident wave above still water, 4 m deep, at the seaward edge",
    )

    def scene(self, seed: int, case: int) -> Scene:
        """All that can be seen at t=0."""
        beach = -4.0 + (DOMAIN.x - 8.0) * (4.0 / 24.0)
        platform = 2.2 + np.maximum(DOMAIN.x - 50.0, 0.0) / 80.0
        profile = np.maximum(-4.0, np.minimum(beach, platform))
        times = np.array([0.0, *np.linspace(0.1, 1.5, 12), 1.0e4])
        rise = np.sin(0.5 * np.pi * np.clip(times / 1.5, 0.0, 1.0)) ** 2
        return Scene(
            domain=DOMAIN,
            bathymetry=np.repeat(profile[None], DOMAIN.ny, axis=0),
            buildings=_houses(),
            debris=_debris(stream(seed, case, VISIBLE, "debris")),
            slots=SLOTS,
            wave_times=times,
            wave_elevation=self.wave_height * rise,
            manning=0.025,
            cameras={"overhead": overhead(VIEW), "street": street(VIEW)},
        )

    def hidden(self, scene: Scene, seed: int, case: int, realization: int) -> Hidden:
        """Strengths, drift limits, debris density and drag, as in the scenario tsunami."""
        frames = (SLOTS.buildings, SLOTS.storeys)
        rng = stream(seed, case, realization, "reference street")
        return Hidden(
            strength=np.exp(SCATTER_STRENGTH * rng.normal(size=frames)),
            drift_limit=np.exp(SCATTER_DRIFT * rng.normal(size=frames)),
            debris_density=250.0 * np.exp(0.25 * rng.normal(size=SLOTS.debris)),
            debris_drag=1.2 * np.exp(0.30 * rng.normal(size=SLOTS.debris)),
        )


def _houses() -> tuple[Building, ...]:
    """Four rows of three, 10 m x 10 m, timber, one and two storeys in turn."""
    houses = []
    for row, x0 in enumerate((66.0, 88.0, 110.0, 132.0)):
        for column, y0 in enumerate((16.0, 58.0, 100.0)):
            storeys = 1 + (row + column) % 2
            footprint = (x0, x0 + 10.0, y0, y0 + 10.0)
            houses.append(Building(TYPES["timber"], footprint, storeys, (168, 138, 104)))
    return tuple(houses)


def _debris(rng: np.random.Generator) -> tuple[Debris, ...]:
    """Two boats and four boxes between the houses, each with a heading of its own."""
    places = ((16.0, 40.0), (18.0, 88.0), (56.0, 30.0), (58.0, 96.0), (82.0, 44.0), (104.0, 86.0))
    return tuple(
        Debris(place, float(rng.uniform(0.0, np.pi)), (2.7, 1.2, 1.0), colour)
        for place, colour in zip(places, COLOURS, strict=True)
    )
