"""A tsunami meets a street: beach, houses of one type, loose debris, an incoming bore."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from worldsim.camera import Domain as View
from worldsim.camera import overhead, street
from worldsim.scenario import Scenario, choice, parameter
from worldsim.seeding import VISIBLE, stream
from worldsim.simulator.scene import Building, Debris, Domain, Hidden, Scene, Slots
from worldsim.simulator.structures import SCATTER_DRIFT, SCATTER_STRENGTH, TYPES

DOMAIN = Domain(nx=96, ny=64, dx=2.0, dy=2.0)

VIEW = View(0.0, DOMAIN.length, 0.0, DOMAIN.width)

SLOTS = Slots(buildings=6, storeys=2, debris=6)

DEBRIS_COLOURS = (
    (225, 30, 30),
    (250, 225, 20),
    (140, 60, 245),
    (240, 30, 190),
    (110, 235, 30),
    (250, 135, 15),
)
"""One fixed, fully saturated colour per debris slot, so that video tells them apart."""

BUILDING_COLOURS = {
    "timber": (168, 138, 104),
    "masonry": (166, 112, 98),
    "steel": (148, 152, 160),
    "concrete": (196, 193, 187),
}

MANNING = 0.025
"""s m^(-1/3); sand, short grass, asphalt (Chow 1959, Open-Channel Hydraulics, table 5-6)."""

RISE = 1.5
"""s in which the incident wave rises to its height."""

SEAWARD_EDGE, LANDWARD_EDGE = 64.0, 148.0
"""x in m between which the buildings stand."""


@dataclasses.dataclass(frozen=True)
class Tsunami(Scenario):
    """A bore of given height runs up a beach into a street of 4 to 6 houses.

    Layout, building sizes and beach profile vary with the case; storey strengths, drift limits
    and the debris' density and drag are hidden and vary with the realization.
    """

    name: ClassVar[str] = "tsunami"
    version: ClassVar[int] = 2
    summary: ClassVar[str] = "a tsunami meets a street of houses"
    duration: ClassVar[float] = 12.0
    leaves_out: ClassVar[str] = (
        "Truth here is a simulation, not an observed tsunami: water is averaged over its depth (no "
        "splashing, no plunging, no sediment), houses are boxes of one or two storeys, and nobody "
        "is in the street."
    )

    wave_height: float = parameter(
        4.0,
        unit="m",
        training=(2.0, 8.0),
        physical=(0.5, 12.0),
        meaning="height of the incident wave above still water, 4 m deep, at the seaward edge",
    )
    street_elevation: float = parameter(
        2.2,
        unit="m",
        training=(1.5, 3.0),
        physical=(0.5, 6.0),
        meaning="elevation of the street's seaward side above still water",
    )
    building: str = choice(
        "timber",
        ("timber", "masonry", "steel", "concrete"),
        meaning="what the houses are made of",
    )

    def scene(self, seed: int, case: int) -> Scene:
        """All that can be seen at t=0 of one case."""
        bathymetry = self._bathymetry(stream(seed, case, VISIBLE, "beach"))
        buildings = self._buildings(stream(seed, case, VISIBLE, "layout"))
        debris = _debris(stream(seed, case, VISIBLE, "debris"), buildings)
        times = np.array([0.0, *np.linspace(0.1, RISE, 12), 1.0e4])
        rise = np.sin(0.5 * np.pi * np.clip(times / RISE, 0.0, 1.0)) ** 2
        return Scene(
            domain=DOMAIN,
            bathymetry=bathymetry,
            buildings=buildings,
            debris=debris,
            slots=SLOTS,
            wave_times=times,
            wave_elevation=self.wave_height * rise,
            manning=MANNING,
            cameras={"overhead": overhead(VIEW), "street": street(VIEW)},
        )

    def hidden(self, scene: Scene, seed: int, case: int, realization: int) -> Hidden:
        """Strengths, drift limits, debris density and drag of one realization."""
        frames = (SLOTS.buildings, SLOTS.storeys)
        strength = stream(seed, case, realization, "strength").normal(size=frames)
        drift = stream(seed, case, realization, "drift limit").normal(size=frames)
        density = stream(seed, case, realization, "debris density").normal(size=SLOTS.debris)
        drag = stream(seed, case, realization, "debris drag").normal(size=SLOTS.debris)
        return Hidden(
            strength=np.exp(SCATTER_STRENGTH * strength),
            drift_limit=np.exp(SCATTER_DRIFT * drift),
            debris_density=250.0 * np.exp(0.25 * density),
            debris_drag=1.2 * np.exp(0.30 * drag),
        )

    def _bathymetry(self, rng: np.random.Generator) -> np.ndarray:
        """Flat sea bed, planar beach with cusps, gently rising platform, (ny, nx) in m."""
        depth = 4.0
        toe = rng.uniform(6.0, 10.0)
        shoreline = rng.uniform(28.0, 38.0)
        slope = depth / (shoreline - toe)
        x, y = DOMAIN.x[None, :], DOMAIN.y[:, None]
        cusps = sum(
            rng.uniform(0.5, 3.0)
            * np.cos(2 * np.pi * (y / rng.uniform(50.0, 110.0) + rng.uniform()))
            for _ in range(2)
        )
        beach = slope * (x - shoreline - cusps * np.clip((x - 12.0) / 16.0, 0.0, 1.0))
        platform = self.street_elevation + (x - 50.0) / 80.0
        return np.maximum(-depth, np.minimum(beach, np.maximum(platform, self.street_elevation)))

    def _buildings(self, rng: np.random.Generator) -> tuple[Building, ...]:
        """4 to 6 houses of 8 to 12 m, one or two storeys, at least 6 m apart."""
        type_ = TYPES[self.building]
        count = int(rng.integers(4, 7))
        placed: list[Building] = []
        while len(placed) < count:
            length, width = (2 * int(rng.integers(4, 7)) for _ in range(2))
            room = round(LANDWARD_EDGE - SEAWARD_EDGE - length) // 2
            x0 = SEAWARD_EDGE + 2.0 * int(rng.integers(0, room + 1))
            y0 = 8.0 + 2.0 * int(rng.integers(0, round(DOMAIN.width - 16.0 - width) // 2 + 1))
            footprint = (x0, x0 + length, y0, y0 + width)
            storeys = int(rng.integers(1, SLOTS.storeys + 1))
            shade = rng.uniform(0.92, 1.08)
            colour = np.clip(shade * np.array(BUILDING_COLOURS[self.building]), 0, 255)
            if all(_gap(footprint, other.footprint) >= 6.0 for other in placed):
                red, green, blue = (int(value) for value in colour)
                placed.append(Building(type_, footprint, storeys, (red, green, blue)))
        return tuple(placed)


def _gap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Distance in m between two rectangles, by the larger of the two axis gaps."""
    return max(b[0] - a[1], a[0] - b[1], b[2] - a[3], a[2] - b[3])


def _debris(rng: np.random.Generator, buildings: tuple[Building, ...]) -> tuple[Debris, ...]:
    """3 to 6 boxes of 5 to 6 m: some moored boats, the rest on the street."""
    count = int(rng.integers(3, SLOTS.debris + 1))
    placed: list[Debris] = []
    while len(placed) < count:
        afloat = rng.uniform() < 0.4
        x = rng.uniform(12.0, 22.0) if afloat else rng.uniform(48.0, 120.0)
        y = rng.uniform(10.0, DOMAIN.width - 10.0)
        half = (rng.uniform(2.5, 3.0), rng.uniform(1.1, 1.4), rng.uniform(0.9, 1.2))
        heading = rng.uniform(0.0, np.pi)
        around = (x - 4.0, x + 4.0, y - 4.0, y + 4.0)
        clear = all(_gap(around, house.footprint) >= 0.5 for house in buildings)
        if clear and all(np.hypot(x - p.position[0], y - p.position[1]) >= 10.0 for p in placed):
            placed.append(Debris((x, y), heading, half, DEBRIS_COLOURS[len(placed)]))
    return tuple(placed)
