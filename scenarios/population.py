"""Who is in a town, and where, before anything happens."""

from __future__ import annotations

import numpy as np

from scenarios.town_plan import GREEN_BELT_X, around
from worldsim.simulator.people.pace import walking_speeds
from worldsim.simulator.scene import Person, Role, Scene

CHILDREN, ELDERLY = 0.13, 0.25
"""Shares under 15 and over 64, of an ageing rural coast (order of Japan's census 2010: 13, 23%)."""

OLDEST = 95.0

AT_HOME = {"night": 1.0, "day": 0.35}
"""Share of people at home by time of day; by day the others are at work, shopping, in hospital or
in the street. Nights are simplified to everybody at home, days are declared, not measured."""

OUTDOORS = 0.3
"""By day, share of those not at home who are in the street."""

HEIGHT = {True: (1.60, 0.065), False: (1.72, 0.07)}
"""Mean and standard deviation in m of adult women's (True) and men's height (order of NCD-RisC
2016, Elife 5:e13410; populations differ by several centimetres)."""

BODY_MASS_INDEX = (23.5, 3.5)
"""kg/m2, adults: mean and standard deviation."""


IMPAIRED = 0.05
"""Share of people who walk with difficulty; declared, sources differ by definition."""


def inhabitants(
    scene: Scene, count: int, occupancy: str, rng: np.random.Generator
) -> tuple[Person, ...]:
    """So many people, living in the homes, each where they are at `occupancy` ("day", "night").

    Every person takes the same draws, so that the first ones are the same in a larger town.
    """
    buildings = scene.buildings
    homes = [n for n, b in enumerate(buildings) if b.role is Role.HOME]
    elsewhere = [n for n, b in enumerate(buildings) if b.role in (Role.SHOP, Role.HOSPITAL)]
    size = np.cumsum([buildings[n].area * buildings[n].storeys for n in homes])
    streets = _streets(scene)
    found = []
    for _ in range(count):
        age, female = _age(rng), bool(rng.uniform() < 0.51)
        height, mass = _body(age, female, rng)
        impaired = rng.uniform() < IMPAIRED
        speed = float(walking_speeds(np.array([age]), np.array([impaired]), rng)[0])
        u_home, u_where, u_place, u_storey, u_street = rng.uniform(size=5)
        street = streets[int(u_street * len(streets))] + rng.uniform(-0.5, 0.5, size=2)
        home = homes[int(np.searchsorted(size, u_home * size[-1]))]
        away = u_where >= AT_HOME[occupancy]
        where = int(u_place / (1 - OUTDOORS) * len(elsewhere))
        if away and where >= len(elsewhere):
            place, building, storey = (float(street[0]), float(street[1])), -1, 0
        else:
            building = elsewhere[where] if away else home
            x0, x1, y0, y1 = buildings[building].footprint
            place = ((x0 + x1) / 2, (y0 + y1) / 2)
            storey = int(u_storey * buildings[building].storeys)
        found.append(Person(place, age, female, height, mass, building, storey, home, speed))
    return tuple(found)


def _streets(scene: Scene) -> np.ndarray:
    """Centres of dry cells within the town on which nothing stands, (cells, 2) m."""
    domain = scene.domain
    free = scene.ground > 1.0
    free &= (domain.x > GREEN_BELT_X) & (domain.x < domain.length - 20.0)
    free[[0, -1]] = False
    for building in scene.buildings:
        free[scene.cells_of(building)] = False
    for body in scene.debris:
        x0, x1, y0, y1 = around(body)
        free &= ~(
            ((domain.x > x0 - 2.0) & (domain.x < x1 + 2.0))[None]
            & ((domain.y > y0 - 2.0) & (domain.y < y1 + 2.0))[:, None]
        )
    rows, columns = np.nonzero(free)
    return np.stack([domain.x[columns], domain.y[rows]], -1)


def _age(rng: np.random.Generator) -> float:
    """years; uniform within children, adults of working age and the elderly."""
    group, within = rng.uniform(size=2)
    if group < CHILDREN:
        return 1.0 + 14.0 * float(within)
    if group < 1.0 - ELDERLY:
        return 15.0 + 50.0 * float(within)
    return 65.0 + (OLDEST - 65.0) * float(within)


def _body(age: float, female: bool, rng: np.random.Generator) -> tuple[float, float]:
    """Height in m and mass in kg; children grow linearly from 0.75 m at one year to 16, and are
    slighter (body mass index 16 to the adults')."""
    mean, deviation = HEIGHT[female]
    a, b = rng.normal(size=2)
    grown = float(np.clip((age - 1.0) / 15.0, 0.0, 1.0))
    height = (0.75 + (mean - 0.75) * grown) + deviation * float(np.clip(a, -2, 2)) * (
        0.5 + 0.5 * grown
    )
    index = 16.0 + (BODY_MASS_INDEX[0] - 16.0) * grown
    index += BODY_MASS_INDEX[1] * float(np.clip(b, -1.5, 2.0)) * grown
    return height, index * height**2
