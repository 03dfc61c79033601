"""A tsunami meets a coastal town: beach, seawall, trees, houses, lifelines, people, debris."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from scenarios import town_plan
from scenarios.population import inhabitants
from scenarios.town_plan import STREET, TOWN, TownPlan
from worldsim.camera import Domain as View
from worldsim.camera import overhead, street
from worldsim.scenario import Scenario, choice, parameter
from worldsim.seeding import VISIBLE, stream
from worldsim.simulator.coast_draw import coast_draw
from worldsim.simulator.evacuation import LONGEST_WARNING, Evacuation
from worldsim.simulator.loose_bodies import debris_draw, mass_and_drag
from worldsim.simulator.people.before import before_start, draw_people
from worldsim.simulator.scene import Building, Debris, Hidden, Role, Scene, Slots
from worldsim.simulator.structures import SCATTER_DRIFT, SCATTER_STRENGTH, building_draw
from worldsim.simulator.water import Transport

PEOPLE = 100
"""Most people in a scene."""

MANNING = 0.025
"""s m^(-1/3); sand, short grass, asphalt (Chow 1959, Open-Channel Hydraulics, table 5-6)."""

SAFE_EDGE = 6.0
"""m short of the landward edge: beyond it the ground rises to safety."""

TRANSPORT = Transport(decay=7.1e-5)
"""Benzene: volatilisation from a river 1 m deep at 1 m/s halves it in about 2.7 h; from memory,
uncertain by several times, and of no weight within minutes."""

RISE = 1.5
"""s in which the incident wave rises to its height."""


@dataclasses.dataclass(frozen=True)
class Tsunami(Scenario):
    """A bore of given height runs up a beach into a street of 8 to 12 buildings and 100 people.

    Layout, building sizes, beach profile, people and what they did before t=0 vary with the case;
    strengths, drift limits, anchorage, the debris' density and drag and what people decide later
    are hidden and vary with the realization.
    """

    name: ClassVar[str] = "tsunami"
    version: ClassVar[int] = 4
    summary: ClassVar[str] = "a tsunami meets a street of houses"
    duration: ClassVar[float] = 12.0
    leaves_out: ClassVar[str] = (
        "Truth here is a simulation, not an observed tsunami: water is averaged over its depth (no "
        "splashing, no plunging, no sediment), buildings are boxes on shear frames, people are "
        "capsules who walk to high ground or a shelter, and nobody helps anybody."
    )
    plan: ClassVar[TownPlan] = STREET

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
        ("timber", "masonry", "steel", "concrete", "mixed"),
        meaning="what homes and shops are made of",
    )
    seawall_height: float = parameter(
        0.0,
        unit="m",
        training=(0.0, 4.0),
        physical=(0.0, 10.0),
        meaning="height of the seawall above the ground behind it; 0 for none",
    )
    green_belt: float = parameter(
        0.0,
        unit="m",
        training=(0.0, 8.0),
        physical=(0.0, 10.0),
        meaning="width of the belt of pines between beach and town; 0 for none",
    )
    population: float = parameter(
        100.0,
        unit="1",
        training=(0.0, 100.0),
        physical=(0.0, 100.0),
        meaning="number of people",
        seen=False,
    )
    occupancy: str = choice(
        "day",
        ("day", "night"),
        meaning="time of day, which decides who is at home",
        seen=False,
    )
    warning_time: float = parameter(
        120.0,
        unit="s",
        training=(0.0, 600.0),
        physical=(0.0, LONGEST_WARNING),
        meaning="time from the warning to the start, when the wave stands off the beach",
        seen=False,
    )
    participation: float = parameter(
        0.8,
        unit="1",
        training=(0.2, 1.0),
        physical=(0.0, 1.0),
        meaning="share of people who leave when warned",
        seen=False,
    )
    milling: float = parameter(
        60.0,
        unit="s",
        training=(10.0, 300.0),
        physical=(1.0, 3600.0),
        meaning="mean delay from the warning to departure",
        seen=False,
    )
    shelter_capacity: float = parameter(
        40.0,
        unit="1",
        training=(0.0, 100.0),
        physical=(0.0, 1000.0),
        meaning="people that the shelter takes",
        seen=False,
    )

    @property
    def slots(self) -> Slots:
        """Room for all cases."""
        return Slots(
            buildings=self.plan.buildings[1],
            storeys=3,
            debris=self.plan.loose,
            people=PEOPLE,
            works=self.plan.works,
        )

    def scene(self, seed: int, case: int) -> Scene:
        """All that can be seen at t=0 of one case."""
        plan = self.plan
        view = View(0.0, plan.domain.length, 0.0, plan.domain.width)
        ground = self._bathymetry(stream(seed, case, VISIBLE, "beach"))
        buildings, vacant = town_plan.place_buildings(
            plan, self.building, stream(seed, case, VISIBLE, "layout")
        )
        tank = town_plan.fuel_tank(vacant)
        fixed: tuple[Debris, ...] = (tank,)
        works = town_plan.seawall(plan, ground, self.seawall_height)
        if plan.bridge:
            piers, deck = town_plan.elevated_road(plan, ground)
            works, fixed = (*works, *piers), (tank, deck)
        taken = [building.footprint for building in buildings]
        taken += [town_plan.around(body) for body in fixed]
        loose = town_plan.place_debris(plan, taken, stream(seed, case, VISIBLE, "debris"))
        times = np.array([0.0, *np.linspace(0.1, RISE, 12), 1.0e4])
        rise = np.sin(0.5 * np.pi * np.clip(times / RISE, 0.0, 1.0)) ** 2
        scene = Scene(
            domain=plan.domain,
            bathymetry=ground,
            buildings=buildings,
            debris=(*loose, *fixed),
            slots=self.slots,
            wave_times=times,
            wave_elevation=self.wave_height * rise,
            manning=MANNING,
            cameras={"overhead": overhead(view), "street": street(view)},
            works=works,
            trees=town_plan.green_belt(plan, self.green_belt),
            transport=TRANSPORT,
            evacuation=self._evacuation(buildings),
        )
        living = inhabitants(
            scene, round(self.population), self.occupancy, stream(seed, case, VISIBLE, "people")
        )
        scene = dataclasses.replace(scene, people=living)
        walked = before_start(scene, stream(seed, case, VISIBLE, "evacuation"))
        return dataclasses.replace(scene, people=walked)

    def _evacuation(self, buildings: tuple[Building, ...]) -> Evacuation:
        return Evacuation(
            safe_edge=self.plan.domain.length - SAFE_EDGE,
            warning_time=self.warning_time,
            participation=self.participation,
            milling=self.milling,
            shelters=tuple(n for n, b in enumerate(buildings) if b.role is Role.SHELTER),
            shelter_capacity=round(self.shelter_capacity),
        )

    def hidden(self, scene: Scene, seed: int, case: int, realization: int) -> Hidden:
        """All that cannot be seen of one realization."""
        frames = (scene.slots.buildings, scene.slots.storeys)
        strength = stream(seed, case, realization, "strength").normal(size=frames)
        drift = stream(seed, case, realization, "drift limit").normal(size=frames)
        density, drag = mass_and_drag(scene, seed, case, realization)
        return Hidden(
            strength=np.exp(SCATTER_STRENGTH * strength),
            drift_limit=np.exp(SCATTER_DRIFT * drift),
            debris_density=density,
            debris_drag=drag,
            debris=debris_draw(scene, seed, case, realization),
            coast=coast_draw(scene, seed, case, realization),
            buildings=building_draw(scene.slots.buildings, seed, case, realization),
            people=draw_people(scene, stream(seed, case, realization, "people")),
        )

    def _bathymetry(self, rng: np.random.Generator) -> np.ndarray:
        """Flat sea bed, planar beach with cusps, gently rising platform, (ny, nx) in m."""
        domain, depth = self.plan.domain, 4.0
        toe = rng.uniform(6.0, 10.0)
        shoreline = rng.uniform(28.0, 38.0)
        slope = depth / (shoreline - toe)
        x, y = domain.x[None, :], domain.y[:, None]
        cusps = sum(
            rng.uniform(0.5, 3.0)
            * np.cos(2 * np.pi * (y / rng.uniform(50.0, 110.0) + rng.uniform()))
            for _ in range(2)
        )
        beach = slope * (x - shoreline - cusps * np.clip((x - 12.0) / 16.0, 0.0, 1.0))
        platform = self.street_elevation + (x - 50.0) / 80.0
        return np.maximum(-depth, np.minimum(beach, np.maximum(platform, self.street_elevation)))


@dataclasses.dataclass(frozen=True)
class Town(Tsunami):
    """The same coast with a town of 24 buildings behind it, for a minute."""

    name: ClassVar[str] = "town"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "a tsunami meets a coastal town"
    duration: ClassVar[float] = 60.0
    plan: ClassVar[TownPlan] = TOWN
