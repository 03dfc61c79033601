"""What buildings are made of: engineering values by type, and one draw of what cannot be seen.

Sources: base shear at yield and at ultimate, drift thresholds and periods from HAZUS (FEMA, Hazus
earthquake model technical manual: capacity and drift tables). The drift at which the ultimate
strength is reached follows from the capacity curve: ultimate displacement λ μ Dy, with ductility μ
of 6 at moderate and 5 at low code, over 0.75 of the roof's height.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from worldsim.errors import InputError
from worldsim.seeding import stream

STOREY_HEIGHT = 3.0
"""Storey height in m, a common engineering value for houses."""

CRUSHED_HEIGHT = 0.7
"""Height in m to which a failed storey is crushed: rubble, roughly a quarter of the storey."""

MOST_STOREYS = 6
"""The periods and strengths are those of low and middle height."""

LOW_RISE = 2
"""Storeys up to which a type's own period holds."""

PERIOD_EXPONENT = 0.75
"""Above `LOW_RISE`, periods grow with this power of the height (ASCE 7-16, table 12.8-2)."""


@dataclasses.dataclass(frozen=True)
class BuildingType:
    """Engineering values of one type of building; all scatter is in `BuildingDraw`.

    period : fundamental period of a low building, s.
    yield_ratio, ultimate_ratio : base shear over weight at yield and at ultimate (HAZUS Cs·γ, λ).
    ultimate_drift : drift ratio at which the ultimate strength is reached.
    drifts : median drift ratios at which HAZUS states slight, moderate, extensive and complete
        begin; at the last, a storey is released.
    damping : fraction of critical.
    floor_mass : kg per m2 of one storey.
    buoyant_fraction : part of the rubble's bulk volume that displaces water.
    wall_head : m of water, outside above inside, at which outer walls, windows and doors give way.
    anchorage : N per m of perimeter that hold the building on its foundation, up and sideways.
    leakage : part of the outer walls' wet area that is open: gaps, vents, doors.
    closure : part of the front that stays in the way of the water once the walls are gone.
    hull : whether the ground floor goes along when the house is torn off, as timber floors do;
        slabs on the ground stay behind, and the water fills the house from below.

    Raises
    ------
    InputError : a value that no building can have.
    """

    name: str
    period: float
    yield_ratio: float
    ultimate_ratio: float
    ultimate_drift: float
    drifts: tuple[float, float, float, float]
    damping: float
    floor_mass: float
    buoyant_fraction: float
    wall_head: float
    anchorage: float
    leakage: float
    closure: float
    hull: bool = False

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name in ("name", "drifts", "hull"):
                continue
            none_is_fine = field.name in ("anchorage", "leakage")
            if not (math.isfinite(value) and (value > 0 or (none_is_fine and value == 0))):
                raise InputError(
                    f"building type {self.name}: {field.name}={value:g} must be a "
                    f"{'finite number, 0 or more' if none_is_fine else 'positive number'}"
                )
        for name in ("buoyant_fraction", "leakage", "closure"):
            if getattr(self, name) > 1:
                raise InputError(
                    f"building type {self.name}: {name}={getattr(self, name):g} must not exceed 1"
                )
        if self.ultimate_ratio < self.yield_ratio:
            raise InputError(
                f"building type {self.name}: ultimate_ratio={self.ultimate_ratio:g} lies below "
                f"yield_ratio={self.yield_ratio:g}; raise it"
            )
        if not all(0 < a < b for a, b in zip(self.drifts[:-1], self.drifts[1:], strict=True)):
            raise InputError(
                f"building type {self.name}: drifts={self.drifts} must be positive and rise"
            )

    @property
    def complete_drift(self) -> float:
        """Median drift ratio at which a storey is released."""
        return self.drifts[3]

    def period_of(self, storeys: int) -> float:
        """Fundamental period in s of a building of so many storeys."""
        return self.period * max(1.0, storeys / LOW_RISE) ** PERIOD_EXPONENT


TYPES = {
    building_type.name: building_type
    for building_type in (
        # HAZUS W1 moderate code. Walls: whole houses fail near 3 ft of water (CWCB document
        # 56091). Anchorage: half-inch bolts at most 6 ft apart (IRC R403.1.6), some 10 kN each.
        BuildingType(
            name="timber", period=0.35, yield_ratio=0.225, ultimate_ratio=0.675,
            ultimate_drift=0.051, drifts=(0.004, 0.0099, 0.0306, 0.075), damping=0.10,
            floor_mass=200.0, buoyant_fraction=0.60, wall_head=0.90, anchorage=5.5e3,
            leakage=0.01, closure=0.7, hull=True,
        ),
        # HAZUS URM low code. Walls: 1.0 to 1.5 m of static difference (Kelman & Spence).
        # Anchorage: the bed joint, 0.1 MPa over 0.2 m.
        BuildingType(
            name="masonry", period=0.35, yield_ratio=0.10, ultimate_ratio=0.20,
            ultimate_drift=0.018, drifts=(0.003, 0.006, 0.015, 0.035), damping=0.10,
            floor_mass=900.0, buoyant_fraction=0.45, wall_head=1.22, anchorage=2.0e4,
            leakage=0.01, closure=0.7,
        ),
        # HAZUS S3 light steel, moderate code. Walls: sheets that break away at 0.48 to 0.96 kPa,
        # which bend a 3 m high wall as 0.74 to 0.95 m of water do. Anchorage: four 20 mm bolts
        # (some 50 kN each) a column every 5 m.
        BuildingType(
            name="steel", period=0.40, yield_ratio=0.15, ultimate_ratio=0.30,
            ultimate_drift=0.028, drifts=(0.004, 0.007, 0.0187, 0.0525), damping=0.05,
            floor_mass=300.0, buoyant_fraction=0.40, wall_head=0.84, anchorage=4.0e4,
            leakage=0.01, closure=0.5,
        ),
        # HAZUS C1 moderate code. Walls: masonry infill. Anchorage: the columns' bars go on into
        # the foundation (some 500 kN a column every 5 m).
        BuildingType(
            name="concrete", period=0.40, yield_ratio=0.10, ultimate_ratio=0.30,
            ultimate_drift=0.020, drifts=(0.005, 0.0087, 0.0233, 0.060), damping=0.07,
            floor_mass=1200.0, buoyant_fraction=0.45, wall_head=1.22, anchorage=1.0e5,
            leakage=0.01, closure=0.5,
        ),
    )
}
"""Building types by name. Anchorage and leakage have no measured values: they are orders of
magnitude, and their scatter below is as wide. Closure as ASCE 7-16 §6.8.7 has it: 0.7, and 0.5 for
open frames, what the water brings along included; walls that are the frame leave more behind."""


def building_type(name: str) -> BuildingType:
    """The type of that name.

    Raises
    ------
    InputError : there is none; says which there are.
    """
    if name not in TYPES:
        raise InputError(f"building type {name!r} is unknown; give one of {', '.join(TYPES)}")
    return TYPES[name]


SCATTER_STRENGTH = 0.35
"""Lognormal standard deviation of storey strength (0.3 to 0.4 is customary; not fitted)."""

SCATTER_DRIFT = 0.40
"""Lognormal standard deviation of the drift limit (HAZUS v6.1 fragility file)."""

SCATTER_WALLS = 0.30
"""Lognormal standard deviation of the walls' resistance: 1.0 to 1.5 m and 0.48 to 0.96 kPa are
about one standard deviation wide, workmanship and windows add as much."""

SCATTER_ANCHORAGE = 0.60
"""Lognormal standard deviation; a judgement: from few bolts, rusted, to a full set."""

SCATTER_LEAKAGE = 1.00
"""Lognormal standard deviation; a judgement: from 0.3 to 3% of the wall's area."""

SCATTER_CLOSURE = 0.30
"""Lognormal standard deviation; a judgement: from bare frames to inner walls full of debris."""


@dataclasses.dataclass(frozen=True)
class BuildingDraw:
    """One draw of what cannot be seen of buildings: factors on their type's values.

    walls, anchorage, leakage, closure : (buildings,); see `BuildingType`.

    Raises
    ------
    InputError : an impossible factor; names the building.
    """

    walls: np.ndarray
    anchorage: np.ndarray
    leakage: np.ndarray
    closure: np.ndarray

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            none_is_fine = field.name in ("anchorage", "leakage")
            check_factors(field.name, getattr(self, field.name), none_is_fine)


def check_factors(name: str, factors: np.ndarray, none_is_fine: bool = False) -> None:
    """InputError for factors (buildings, …) that are not finite or not positive; names the first
    building that has one."""
    sound = np.isfinite(factors) & ((factors >= 0) if none_is_fine else (factors > 0))
    if not sound.all():
        where = np.argwhere(~sound)[0]
        storey = f", storey {where[1]}" if len(where) > 1 else ""
        raise InputError(
            f"building {where[0]}{storey}: {name} factor {factors[tuple(where)]:g}; give a finite "
            f"number {'of 0 or more' if none_is_fine else 'above 0'}"
        )


def building_draw(buildings: int, seed: int, case: int, realization: int) -> BuildingDraw:
    """One realization's buildings, each property from a stream of its own."""

    def factor(name: str, scatter: float) -> np.ndarray:
        drawn = stream(seed, case, realization, f"building {name}").normal(size=buildings)
        return np.exp(scatter * drawn)

    return BuildingDraw(
        walls=factor("walls", SCATTER_WALLS),
        anchorage=factor("anchorage", SCATTER_ANCHORAGE),
        leakage=factor("leakage", SCATTER_LEAKAGE),
        closure=factor("closure", SCATTER_CLOSURE),
    )


def typical_buildings(buildings: int) -> BuildingDraw:
    """Nothing but medians."""
    ones = np.ones(buildings)
    return BuildingDraw(ones, ones, ones, ones)


def chain_eigenvalue(storeys: int) -> float:
    """Lowest eigenvalue of the unit stiffness matrix of a shear chain of equal masses.

    λ₁ = 4 sin²(π / (2 (2n + 1))): 1 for one storey, 0.382 for two.
    """
    return 4.0 * float(np.sin(np.pi / (2 * (2 * storeys + 1)))) ** 2
