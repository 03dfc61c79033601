"""Who is in a town, and where, before anything happens."""

from __future__ import annotations

import numpy as np

from worldsim.simulator.scene import Building, Person, Role

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


def people(
    buildings: tuple[Building, ...],
    count: int,
    occupancy: str,
    blocked: np.ndarray,
    spacing: tuple[float, float],
    land: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[Person, ...]:
    """So many people, living in the homes, each where they are at `occupancy` ("day", "night").

    Parameters
    ----------
    blocked : (ny, nx) bool, cells where nobody can stand. spacing : (dx, dy) m.
    land : x in m between which people walk the streets.
    """
    homes = [n for n, b in enumerate(buildings) if b.role == Role.HOME]
    elsewhere = [n for n, b in enumerate(buildings) if b.role in (Role.SHOP, Role.HOSPITAL)]
    size = np.array([buildings[n].area * buildings[n].storeys for n in homes])
    found = []
    for _ in range(count):
        age, female = _age(rng), bool(rng.uniform() < 0.51)
        height, mass = _body(age, female, rng)
        home = homes[int(rng.choice(len(homes), p=size / size.sum()))]
        draw = rng.uniform(size=2)
        out_draw, where = rng.uniform(), int(rng.integers(len(elsewhere)))
        inside = home if draw[0] < AT_HOME[occupancy] else elsewhere[where]
        street = _in_the_street(blocked, spacing, land, rng)
        if draw[0] >= AT_HOME[occupancy] and out_draw < OUTDOORS:
            found.append(Person(street, age, female, height, mass, home=home))
            continue
        building = buildings[inside]
        x0, x1, y0, y1 = building.footprint
        storey = int(draw[1] * building.storeys)
        centre = ((x0 + x1) / 2, (y0 + y1) / 2)
        found.append(Person(centre, age, female, height, mass, inside, storey, home))
    return tuple(found)


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


def _in_the_street(
    blocked: np.ndarray,
    spacing: tuple[float, float],
    land: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[float, float]:
    dx, dy = spacing
    while True:
        x, y = rng.uniform(*land), rng.uniform(2.0, blocked.shape[0] * dy - 2.0)
        if not blocked[int(y / dy), int(x / dx)]:
            return x, y
