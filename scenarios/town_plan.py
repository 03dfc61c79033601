"""Where things stand in a coastal town: lots, buildings by role, loose objects."""

from __future__ import annotations

import dataclasses

import numpy as np

from worldsim.simulator.scene import Building, Debris, DebrisKind, Domain, Role
from worldsim.simulator.structures import TYPES, BuildingType

LOT = 20.0
"""m; side of a lot, of which a building of 8 to 12 m leaves streets of at least 8 m."""

DEBRIS_COLOURS = (
    (225, 30, 30),
    (250, 225, 20),
    (140, 60, 245),
    (240, 30, 190),
    (110, 235, 30),
    (250, 135, 15),
)
"""One fixed, fully saturated colour per slot of drifting debris, so that video tells them apart."""

UNTRACKED = (104, 74, 48)
"""Brown, of drifting objects beyond those that video tells apart."""

BUILDING_COLOURS = {
    "timber": (168, 138, 104),
    "masonry": (166, 112, 98),
    "steel": (148, 152, 160),
    "concrete": (196, 193, 187),
}

LIFELINES = (
    (Role.HOSPITAL, "concrete", 3),
    (Role.SHELTER, "concrete", 3),
    (Role.SUBSTATION, "masonry", 1),
    (Role.PUMPING_STATION, "masonry", 1),
)
"""Role, type and storeys of the buildings that every town has."""


@dataclasses.dataclass(frozen=True)
class TownPlan:
    """The lots of a town and how many of what stands on them.

    domain : the water's. edges : x in m between which there are lots. buildings : fewest and most.
    debris : fewest and most drifting objects.
    """

    domain: Domain
    edges: tuple[float, float]
    buildings: tuple[int, int]
    debris: tuple[int, int]

    @property
    def lots(self) -> np.ndarray:
        """Lower corners of all lots, (lots, 2) m."""
        margin = self.domain.width % LOT / 2
        margin -= margin % self.domain.dy
        x = np.arange(self.edges[0], self.edges[1] - LOT + 1e-9, LOT)
        y = np.arange(margin, self.domain.width - LOT + 1e-9, LOT)
        return np.stack(np.meshgrid(x, y, indexing="ij"), -1).reshape(-1, 2)


STREET = TownPlan(Domain(nx=96, ny=64, dx=2.0, dy=2.0), (64.0, 148.0), (8, 12), (3, 6))
"""Two rows of streets between beach and hill, 192 x 128 m."""

TOWN = TownPlan(Domain(nx=128, ny=96, dx=2.0, dy=2.0), (64.0, 208.0), (24, 24), (6, 10))
"""A coastal town of 24 buildings, 256 x 192 m."""


def place_buildings(
    plan: TownPlan, homes: str, rng: np.random.Generator
) -> tuple[Building, ...]:
    """The lifelines, then homes of the type `homes` ("mixed": of any), on lots drawn at random."""
    count = int(rng.integers(plan.buildings[0], plan.buildings[1] + 1))
    lots = rng.permutation(plan.lots)[:count]
    placed = []
    for number, corner in enumerate(lots):
        if number < len(LIFELINES):
            role, name, storeys = LIFELINES[number]
            sides = (12.0, 12.0) if storeys > 1 else (8.0, 8.0)
        else:
            role = Role.SHOP if number == len(LIFELINES) else Role.HOME
            any_type = list(TYPES)[int(rng.integers(len(TYPES)))]  # drawn always: same layouts
            name = any_type if homes == "mixed" else homes
            storeys = int(rng.integers(1, 3))
            sides = tuple(2.0 * int(rng.integers(4, 7)) for _ in range(2))
        x0, y0 = (
            low + 4.0 + 2.0 * int(rng.integers(0, round(LOT - 8.0 - side) // 2 + 1))
            for low, side in zip(corner, sides, strict=True)
        )
        footprint = (x0, x0 + sides[0], y0, y0 + sides[1])
        placed.append(Building(TYPES[name], footprint, storeys, _paint(TYPES[name], rng), role))
    return tuple(placed)


def _paint(type_: BuildingType, rng: np.random.Generator) -> tuple[int, int, int]:
    shade = rng.uniform(0.92, 1.08) * np.array(BUILDING_COLOURS[type_.name])
    red, green, blue = (int(value) for value in np.clip(shade, 0, 255))
    return red, green, blue


def gap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Distance in m between two rectangles, by the larger of the two axis gaps."""
    return max(b[0] - a[1], a[0] - b[1], b[2] - a[3], a[2] - b[3])


def place_debris(
    plan: TownPlan,
    taken: list[tuple[float, float, float, float]],
    rng: np.random.Generator,
) -> tuple[Debris, ...]:
    """Moored boats, and vans and containers parked between the buildings; nothing on `taken`."""
    count = int(rng.integers(plan.debris[0], plan.debris[1] + 1))
    placed: list[Debris] = []
    while len(placed) < count:
        afloat = rng.uniform() < 0.4
        kind = DebrisKind.BOAT if afloat else _PARKED[int(rng.integers(len(_PARKED)))]
        x = rng.uniform(12.0, 22.0) if afloat else rng.uniform(50.0, plan.edges[1] - 28.0)
        y = rng.uniform(10.0, plan.domain.width - 10.0)
        heading = rng.uniform(0.0, np.pi)
        around = (x - 4.0, x + 4.0, y - 4.0, y + 4.0)
        clear = all(gap(around, other) >= 0.5 for other in taken)
        if clear and all(np.hypot(x - p.position[0], y - p.position[1]) >= 10.0 for p in placed):
            colour = (*DEBRIS_COLOURS, *[UNTRACKED] * plan.debris[1])[len(placed)]
            placed.append(Debris((x, y), heading, SIZES[kind], colour, kind))
    return tuple(placed)


_PARKED = (DebrisKind.CAR, DebrisKind.CONTAINER)

SIZES = {
    DebrisKind.BOAT: (3.0, 1.2, 1.0),
    DebrisKind.CAR: (2.5, 1.0, 0.9),
    DebrisKind.CONTAINER: (3.03, 1.22, 1.295),
}
"""Half sizes in m: a fishing boat of 6 m, a van, a 20-ft container (ISO 668: 6.06 x 2.44 x 2.59 m
over all)."""
