"""Where things stand in a coastal town: lots, buildings by role, loose objects."""

from __future__ import annotations

import dataclasses

import numpy as np

from worldsim.simulator.coast import GreenBelt, Pier, Seawall, Work
from worldsim.simulator.loose_bodies import Contents, DebrisKind
from worldsim.simulator.scene import Building, Debris, Domain, Role
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
    debris : fewest and most drifting objects. bridge : whether there is an elevated road.
    """

    domain: Domain
    edges: tuple[float, float]
    buildings: tuple[int, int]
    debris: tuple[int, int]
    bridge: bool = False

    @property
    def works(self) -> int:
        """Segments of the seawall, and piers."""
        return round(self.domain.width / Seawall.segment) + 2 * self.bridge

    @property
    def loose(self) -> int:
        """Most loose bodies: drifting objects, the tank, the bridge's deck."""
        return self.debris[1] + 1 + self.bridge

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

TOWN = TownPlan(Domain(nx=128, ny=96, dx=2.0, dy=2.0), (64.0, 208.0), (24, 24), (6, 10), True)
"""A coastal town of 24 buildings, 256 x 192 m."""


def place_buildings(
    plan: TownPlan, homes: str, rng: np.random.Generator
) -> tuple[tuple[Building, ...], tuple[float, float]]:
    """The lifelines, then a shop and homes of the type `homes` ("mixed": of any), on lots drawn at
    random; and the centre of a lot that stays vacant, in m."""
    count = int(rng.integers(plan.buildings[0], plan.buildings[1] + 1))
    lots = rng.permutation(plan.lots)
    placed = []
    for number, corner in enumerate(lots[:count]):
        if number < len(LIFELINES):
            role, name, storeys = LIFELINES[number]
            sides = (12.0, 12.0) if storeys > 1 else (8.0, 8.0)
        else:
            role = Role.SHOP if number == len(LIFELINES) else Role.HOME
            any_type = list(TYPES)[int(rng.integers(len(TYPES)))]  # drawn always: same layouts
            name = any_type if homes == "mixed" else homes
            storeys = int(rng.integers(1, 3))
            sides = (2.0 * int(rng.integers(4, 7)), 2.0 * int(rng.integers(4, 7)))
        x0, y0 = (
            low + 4.0 + 2.0 * int(rng.integers(0, round(LOT - 8.0 - side) // 2 + 1))
            for low, side in zip(corner, sides, strict=True)
        )
        footprint = (x0, x0 + sides[0], y0, y0 + sides[1])
        placed.append(Building(TYPES[name], footprint, storeys, _paint(TYPES[name], rng), role))
    vacant = (float(lots[count][0]) + LOT / 2, float(lots[count][1]) + LOT / 2)
    return tuple(placed), vacant


def _paint(type_: BuildingType, rng: np.random.Generator) -> tuple[int, int, int]:
    shade = rng.uniform(0.92, 1.08) * np.array(BUILDING_COLOURS[type_.name])
    red, green, blue = (int(value) for value in np.clip(shade, 0, 255))
    return red, green, blue


def gap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Distance in m between two rectangles, by the larger of the two axis gaps."""
    return max(b[0] - a[1], a[0] - b[1], b[2] - a[3], a[2] - b[3])


def around(body: Debris) -> tuple[float, float, float, float]:
    """A rectangle that holds a loose body at any heading, m."""
    reach = float(np.hypot(*body.half_size[:2]))
    x, y = body.position
    return (x - reach, x + reach, y - reach, y + reach)


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


TANK_COLOUR = (62, 118, 84)
"""Dark green: not to be taken for a roof, nor for what drifts."""

TANK = (3.0, 3.0, 2.5)
"""Half sizes in m of a fuel tank: a square box of the plan area of a cylinder of 6.8 m diameter."""

PETROL = 750.0
"""kg/m3."""

BENZENE = 0.01
"""Share by mass of benzene in petrol (the limit in the European Union is 1% by volume); taken to
dissolve entirely, which bounds the dissolved part from above."""


def fuel_tank(place: tuple[float, float]) -> Debris:
    """A half-filled tank of petrol, neither anchored nor diked."""
    volume = 8.0 * TANK[0] * TANK[1] * TANK[2]
    mass = 0.5 * PETROL * volume
    return Debris(place, 0.0, TANK, TANK_COLOUR, DebrisKind.TANK, Contents(mass, BENZENE * mass))


SEAWALL_X = (44.0, 46.0)
"""m; the seawall stands where the beach ends."""

GREEN_BELT_X = 50.0
"""m; where the green belt begins."""


def seawall(plan: TownPlan, ground: np.ndarray, height: float) -> tuple[Work, ...]:
    """A wall along the whole shore whose crest is `height` m above the highest ground under it."""
    columns = slice(*(round(x / plan.domain.dx) for x in SEAWALL_X))
    if height <= 0:
        return ()
    crest = float(ground[:, columns].max()) + height
    return (Seawall((*SEAWALL_X, 0.0, plan.domain.width), crest),)


def green_belt(plan: TownPlan, width: float) -> tuple[GreenBelt, ...]:
    """Pines along the whole shore, to the nearest whole cell of `width` m."""
    cells = round(width / plan.domain.dx)
    if not cells:
        return ()
    x1 = GREEN_BELT_X + cells * plan.domain.dx
    return (GreenBelt((GREEN_BELT_X, x1, 0.0, plan.domain.width)),)


DECK = (10.0, 3.5, 0.6)
"""Half sizes in m of a span of an elevated two-lane road."""

CLEARANCE = 3.0
"""m between the ground and the underside of the deck."""


def elevated_road(plan: TownPlan, ground: np.ndarray) -> tuple[tuple[Work, ...], Debris]:
    """A span along the shore behind the beach: two piers and the deck upon them."""
    domain = plan.domain
    x, y = 55.0, domain.width / 2
    level = float(ground[round(y / domain.dy), round(x / domain.dx)]) + CLEARANCE
    piers = tuple(
        Pier((x - 2.0, x + 2.0, y + end - 0.5, y + end + 0.5), level)
        for end in (-DECK[0] + 1.5, DECK[0] - 1.5)
    )
    deck = Debris((x, y), np.pi / 2, DECK, (120, 118, 112), DebrisKind.DECK, elevation=level)
    return piers, deck
