"""What a scenario hands to the simulator: all that is visible (`Scene`), and a `Hidden` draw."""

from __future__ import annotations

import dataclasses
import enum
import functools
import math
from typing import TYPE_CHECKING

import numpy as np

from worldsim.errors import InputError
from worldsim.simulator.coast import (
    Footprint,
    GreenBelt,
    Piece,
    Work,
    WorkKind,
    check_coast,
    pieces,
    raised,
)
from worldsim.simulator.coast_draw import CoastDraw
from worldsim.simulator.constants import GRAVITY
from worldsim.simulator.evacuation import Evacuation, PeopleDraw
from worldsim.simulator.loose_bodies import Contents, DebrisDraw, DebrisKind, check_debris
from worldsim.simulator.structures import (
    MOST_STOREYS,
    TYPES,
    BuildingDraw,
    BuildingType,
    check_factors,
)
from worldsim.simulator.transport import Transport

if TYPE_CHECKING:
    from worldsim.camera import Camera


@dataclasses.dataclass(frozen=True)
class Physics:
    """Laws and constants that a deliberately wrong simulator may change.

    gravity : m/s2, for water and bodies alike.
    debris_drag : factor on every floating body's drag coefficient.
    strength : factor on every storey's strength.

    In scenes of rigid bodies alone:

    restitution, friction : factors on those of every contact; restitution stays within 0 to 1.
    mass : factor on the mass of every second object.
    drag : 1/m, share of its speed that every body loses per metre of its way, dv/ds = -drag v, as
        to a thick air; of the centre of mass, turning is not braked.
    overlap : share of the smaller solid's thickness by which bodies are inside each other before
        their contact acts, 0 to 1: it comes late by that way over the speed of approach.
    energy : 1/s, rate at which every body's kinetic energy grows by itself; negative if it leaks.

    Raises
    ------
    InputError : a value that is none of these.
    """

    gravity: float = GRAVITY
    debris_drag: float = 1.0
    strength: float = 1.0
    restitution: float = 1.0
    friction: float = 1.0
    mass: float = 1.0
    drag: float = 0.0
    overlap: float = 0.0
    energy: float = 0.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.default and not (math.isfinite(value) and value > 0):
                raise InputError(f"{field.name}={value:g} must be a positive number")
        if not (math.isfinite(self.drag) and self.drag >= 0):
            raise InputError(f"drag={self.drag:g} per m: give 0 or more")
        if not 0 <= self.overlap <= 1:
            raise InputError(f"overlap={self.overlap:g}: give a share from 0 to 1, or 0% to 100%")
        if not math.isfinite(self.energy):
            raise InputError(f"energy={self.energy:g} per s: give a finite number")


@dataclasses.dataclass(frozen=True)
class Domain:
    """The rectangle [0, nx*dx] x [0, ny*dy] in m; x points across the shore, inland, y along it."""

    nx: int
    ny: int
    dx: float
    dy: float

    @property
    def x(self) -> np.ndarray:
        """Cell centres, (nx,) in m."""
        return (np.arange(self.nx) + 0.5) * self.dx

    @property
    def y(self) -> np.ndarray:
        """Cell centres, (ny,) in m."""
        return (np.arange(self.ny) + 0.5) * self.dy

    @property
    def length(self) -> float:
        """Extent in x, m."""
        return self.nx * self.dx

    @property
    def width(self) -> float:
        """Extent in y, m."""
        return self.ny * self.dy


class Role(enum.StrEnum):
    """What a building is for; its code in a rollout is its place in this list."""

    HOME = "home"
    SHOP = "shop"
    HOSPITAL = "hospital"
    SHELTER = "shelter"
    SUBSTATION = "substation"
    PUMPING_STATION = "pumping_station"


@dataclasses.dataclass(frozen=True)
class Building:
    """A building with a rectangular footprint (x0, x1, y0, y1) on whole cells, in m.

    Raises
    ------
    InputError : its type is not a type, or its storeys are not 1 to `MOST_STOREYS`.
    """

    type: BuildingType
    footprint: tuple[float, float, float, float]
    storeys: int
    colour: tuple[int, int, int]
    role: Role = Role.HOME

    def __post_init__(self) -> None:
        place = f"building at {self.footprint} m"
        if not isinstance(self.type, BuildingType):
            raise InputError(
                f"{place}: {self.type!r} is no type of building; give a BuildingType, such as "
                f"TYPES of {', '.join(TYPES)}"
            )
        if not 1 <= self.storeys <= MOST_STOREYS:
            raise InputError(f"{place} has {self.storeys} storeys; give 1 to {MOST_STOREYS}")

    @property
    def perimeter(self) -> float:
        """Length of its outer walls, m."""
        x0, x1, y0, y1 = self.footprint
        return 2 * ((x1 - x0) + (y1 - y0))

    @property
    def area(self) -> float:
        """Floor area of one storey, m2."""
        x0, x1, y0, y1 = self.footprint
        return (x1 - x0) * (y1 - y0)


@dataclasses.dataclass(frozen=True)
class Debris:
    """A loose box: centre (x, y) in m, heading in rad, half sizes in m.

    Upright tanks are square boxes of the same plan area. contents : of a tank. anchor : force in N
    that holds it in its place until it is exceeded. elevation : of the underside, m, of a deck on
    its piers, or of a block that is let go there at t=0, above or in the water.
    """

    position: tuple[float, float]
    heading: float
    half_size: tuple[float, float, float]
    colour: tuple[int, int, int]
    kind: DebrisKind = DebrisKind.BOAT
    contents: Contents | None = None
    anchor: float = 0.0
    elevation: float | None = None

    @property
    def let_go(self) -> bool:
        """Whether it is a block that falls, sinks or bobs from where it is at t=0."""
        return self.kind is DebrisKind.BLOCK and self.elevation is not None


@dataclasses.dataclass(frozen=True)
class Person:
    """Somebody in the scene at t=0.

    position : (x, y) in m; that of the building for who is inside.
    age : years. height : m. mass : kg.
    building, storey : where the person is inside at t=0; -1, 0 out of doors.
    home : number of the building where the person lives; -1 for visitors.
    walking_speed : m/s, own free speed on level dry ground, age and impairment included.
    departed, arrived : s, when the person left and when it reached safety, if that was before t=0
        (not positive); NaN if not.
    """

    position: tuple[float, float]
    age: float
    female: bool
    height: float
    mass: float
    building: int = -1
    storey: int = 0
    home: int = -1
    walking_speed: float = 1.22
    departed: float = math.nan
    arrived: float = math.nan


@dataclasses.dataclass(frozen=True)
class Slots:
    """How many of each every case of a scenario has room for.

    works : segments of seawalls, quays and piers.
    """

    buildings: int
    storeys: int
    debris: int
    people: int = 0
    works: int = 0

    @property
    def bodies(self) -> int:
        """Number of body slots that the water carries as boxes: storeys and debris."""
        return self.buildings * self.storeys + self.debris


@dataclasses.dataclass(frozen=True)
class Scene:
    """All that can be seen at t=0, and the wave that comes.

    bathymetry : (ny, nx) natural ground elevation in m, still water at 0.
    wave_times, wave_elevation : (K,) s and m, the incident wave at x=0.
    surface : (ny, nx) elevation of the water at t=0 in m, where it is above the ground; still water
        at 0 by default.
    closed : walls on all sides instead of a wave in the west and open water in the east.
    people : everybody who is there. evacuation : their warning and where they can go.
    works, trees : what is built and planted on the coast.
    transport : how what tanks release spreads and decays.
    manning : bed roughness, s m^(-1/3).
    cameras : by name.
    """

    domain: Domain
    bathymetry: np.ndarray
    buildings: tuple[Building, ...]
    debris: tuple[Debris, ...]
    slots: Slots
    wave_times: np.ndarray
    wave_elevation: np.ndarray
    manning: float
    cameras: dict[str, Camera]
    surface: np.ndarray | None = None
    closed: bool = False
    people: tuple[Person, ...] = ()
    evacuation: Evacuation | None = None
    works: tuple[Work, ...] = ()
    trees: tuple[GreenBelt, ...] = ()
    transport: Transport = Transport()

    def __post_init__(self) -> None:
        shape = (self.domain.ny, self.domain.nx)
        if self.bathymetry.shape != shape or not np.isfinite(self.bathymetry).all():
            raise InputError(f"bathymetry must be finite and of shape (ny, nx) = {shape}")
        if self.surface is not None and (
            self.surface.shape != shape or not np.isfinite(self.surface).all()
        ):
            raise InputError(f"surface must be finite and of shape (ny, nx) = {shape}")
        if len(self.buildings) > self.slots.buildings or len(self.debris) > self.slots.debris:
            raise InputError(f"the scene has more buildings or debris than its slots {self.slots}")
        if len(self.people) > self.slots.people:
            raise InputError(
                f"the scene has {len(self.people)} people, its slots {self.slots.people}"
            )
        taken = np.zeros(shape, dtype=bool)
        for number, building in enumerate(self.buildings):
            if not 1 <= building.storeys <= self.slots.storeys:
                raise InputError(
                    f"building {number} has {building.storeys} storeys; "
                    f"give 1 to {self.slots.storeys}"
                )
            try:
                rows, columns = self.cells_of(building)
            except InputError as reason:
                raise InputError(f"building {number}: {reason}") from None
            if taken[rows, columns].any():
                raise InputError(f"building {number} overlaps another; move it")
            taken[rows, columns] = True
        check_debris(self)
        check_coast(self)

    @functools.cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """All works, seawalls in their segments, in the order of their slots."""
        return pieces(self.works, self.domain)

    @functools.cached_property
    def platform(self) -> np.ndarray:
        """Ground with quays, on which bodies stand, (ny, nx) m."""
        return raised(self.bathymetry, self.pieces, self, WorkKind.QUAY)

    @functools.cached_property
    def ground(self) -> np.ndarray:
        """What the water runs over at t=0: ground, quays and the crests of seawalls, (ny, nx) m."""
        return raised(self.platform, self.pieces, self, WorkKind.SEAWALL)

    def cells_of(self, building: Building) -> tuple[slice, slice]:
        """The (rows, columns) of the grid that a building stands on.

        Raises
        ------
        InputError : the footprint is not on whole cells, or leaves the domain.
        """
        return self.cells_within(building.footprint)

    def cells_within(self, footprint: Footprint) -> tuple[slice, slice]:
        """The (rows, columns) of the grid under a rectangle (x0, x1, y0, y1) in m.

        Raises
        ------
        InputError : it is not on whole cells, or leaves the domain.
        """
        x0, x1, y0, y1 = footprint
        columns = (x0 / self.domain.dx, x1 / self.domain.dx)
        rows = (y0 / self.domain.dy, y1 / self.domain.dy)
        if any(abs(edge - round(edge)) > 1e-9 for edge in (*columns, *rows)):
            raise InputError(
                f"footprint {footprint} m is not on whole cells of "
                f"{self.domain.dx:g} x {self.domain.dy:g} m"
            )
        low_column, high_column = (round(edge) for edge in columns)
        low_row, high_row = (round(edge) for edge in rows)
        if not (
            0 <= low_column < high_column <= self.domain.nx
            and 0 <= low_row < high_row <= self.domain.ny
        ):
            raise InputError(
                f"footprint {footprint} m leaves the domain "
                f"{self.domain.length:g} x {self.domain.width:g} m"
            )
        return slice(low_row, high_row), slice(low_column, high_column)


@dataclasses.dataclass(frozen=True)
class Hidden:
    """One draw of what cannot be seen.

    strength, drift_limit : (buildings, storeys) factors on the type's strength and drift limit.
    debris_density : (debris,) kg/m3.
    debris_drag : (debris,) drag coefficients.
    people : what the people do; medians, and nobody leaves unless water comes, if None.
    buildings : their walls, anchorage and leaks; medians if None.

    Raises
    ------
    InputError : a strength or drift limit that is not a positive number.
    """

    strength: np.ndarray
    drift_limit: np.ndarray
    debris_density: np.ndarray
    debris_drag: np.ndarray
    people: PeopleDraw | None = None
    debris: DebrisDraw | None = None
    coast: CoastDraw | None = None
    buildings: BuildingDraw | None = None

    def __post_init__(self) -> None:
        check_factors("strength", self.strength)
        check_factors("drift limit", self.drift_limit)
