"""The scene of a tsunami that meets a town, and what of it is hidden."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from scenarios import town_plan
from scenarios.population import inhabitants
from worldsim.camera import Camera, overhead, street
from worldsim.camera import Domain as View
from worldsim.seeding import VISIBLE, stream
from worldsim.simulator.coast_draw import coast_draw
from worldsim.simulator.evacuation import Evacuation
from worldsim.simulator.loose_bodies import debris_draw, mass_and_drag
from worldsim.simulator.people.before import before_start, draw_people
from worldsim.simulator.scene import Building, Debris, Hidden, Role, Scene, Slots
from worldsim.simulator.structures import SCATTER_DRIFT, SCATTER_STRENGTH, building_draw
from worldsim.simulator.transport import Transport

if TYPE_CHECKING:
    from scenarios.tsunami import Tsunami

MANNING = 0.025
"""s m^(-1/3); sand, short grass, asphalt (Chow 1959, Open-Channel Hydraulics, table 5-6)."""

SAFE_EDGE = 6.0
"""m short of the landward edge: beyond it the ground rises to safety."""

TRANSPORT = Transport(decay=7.1e-5)
"""Benzene: volatilisation from a river 1 m deep at 1 m/s halves it in about 2.7 h; from memory,
uncertain by several times, and of no weight within minutes."""

PEOPLE = 100
"""Room for people in every scene."""

RISE = 1.5
"""s in which the incident wave rises to its height."""


def scene(scenario: Tsunami, seed: int, case: int) -> Scene:
    """All that can be seen at t=0 of one case."""
    plan = scenario.plan
    view = View(0.0, plan.domain.length, 0.0, plan.domain.width)
    ground = _bathymetry(scenario, stream(seed, case, VISIBLE, "beach"))
    buildings, vacant = town_plan.place_buildings(
        plan, scenario.building, stream(seed, case, VISIBLE, "layout")
    )
    tank = town_plan.fuel_tank(vacant)
    fixed: tuple[Debris, ...] = (tank,)
    works = town_plan.seawall(plan, ground, scenario.seawall_height)
    if plan.bridge:
        piers, deck = town_plan.elevated_road(plan, ground)
        works, fixed = (*works, *piers), (tank, deck)
    taken = [building.footprint for building in buildings]
    taken += [town_plan.around(body) for body in fixed]
    loose = town_plan.place_debris(plan, taken, stream(seed, case, VISIBLE, "debris"))
    times = np.array([0.0, *np.linspace(0.1, RISE, 12), 1.0e4])
    rise = np.sin(0.5 * np.pi * np.clip(times / RISE, 0.0, 1.0)) ** 2
    empty = Scene(
        domain=plan.domain,
        bathymetry=ground,
        buildings=buildings,
        debris=(*loose, *fixed),
        slots=_slots(scenario),
        wave_times=times,
        wave_elevation=scenario.wave_height * rise,
        manning=MANNING,
        cameras={"overhead": overhead(view), "street": street(view), "crossing": crossing(plan)},
        works=works,
        trees=town_plan.green_belt(plan, scenario.green_belt),
        transport=TRANSPORT,
        evacuation=_evacuation(scenario, buildings),
    )
    living = inhabitants(
        empty, round(scenario.population), scenario.occupancy, stream(seed, case, VISIBLE, "people")
    )
    peopled = dataclasses.replace(empty, people=living)
    walked = before_start(peopled, stream(seed, case, VISIBLE, "evacuation"))
    return dataclasses.replace(peopled, people=walked)


def crossing(plan: town_plan.TownPlan) -> Camera:
    """Straight down on 48 x 32 m amid the town: at 64 x 96 pixels half a metre each, which shows
    people. World models are taught the other two views only."""
    x, y = sum(plan.edges) / 2, plan.domain.width / 2
    near = overhead(View(x - 24.0, x + 24.0, y - 16.0, y + 16.0))
    return dataclasses.replace(near, name="crossing")


def hidden(scene: Scene, seed: int, case: int, realization: int) -> Hidden:
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


def _evacuation(scenario: Tsunami, buildings: tuple[Building, ...]) -> Evacuation:
    return Evacuation(
        safe_edge=scenario.plan.domain.length - SAFE_EDGE,
        warning_time=scenario.warning_time,
        participation=scenario.participation,
        milling=scenario.milling,
        shelters=tuple(n for n, b in enumerate(buildings) if b.role is Role.SHELTER),
        shelter_capacity=round(scenario.shelter_capacity),
    )


def _slots(scenario: Tsunami) -> Slots:
    """Room for all cases."""
    return Slots(
        buildings=scenario.plan.buildings[1],
        storeys=3,
        debris=scenario.plan.loose,
        people=PEOPLE,
        works=scenario.plan.works,
    )


def _bathymetry(scenario: Tsunami, rng: np.random.Generator) -> np.ndarray:
    """Flat sea bed, planar beach with cusps, gently rising platform, (ny, nx) in m."""
    domain, depth = scenario.plan.domain, 4.0
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
    platform = scenario.street_elevation + (x - 50.0) / 80.0
    return np.maximum(-depth, np.minimum(beach, np.maximum(platform, scenario.street_elevation)))
