"""What is built and planted on a coast: seawalls, quays, piers of bridges, belts of trees."""

from __future__ import annotations

import dataclasses
import enum
import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from worldsim.errors import InputError

if TYPE_CHECKING:
    from worldsim.simulator.scene import Domain, Scene

Footprint = tuple[float, float, float, float]
"""x0, x1, y0, y1 in m."""

Cells = tuple[slice, slice]
"""Rows and columns of the water's grid."""


class WorkKind(enum.StrEnum):
    """What a work is; its code in a rollout is its place in this list."""

    SEAWALL = "seawall"
    QUAY = "quay"
    PIER = "pier"


@dataclasses.dataclass(frozen=True)
class Seawall:
    """A gravity wall (seawall, dike) along the longer side of its footprint, on whole cells.

    The water sees its cells raised to the crest, and runs over it where it is higher. It stands
    in segments, each of which can slide or overturn by itself.

    crest : elevation, m above still water. width : of the wall's base across its line, m.
    density : kg/m3; plain concrete weighs 2,300. segment : length of a segment, m.
    """

    footprint: Footprint
    crest: float
    width: float = 3.0
    density: float = 2300.0
    segment: float = 16.0


@dataclasses.dataclass(frozen=True)
class Quay:
    """A platform with vertical faces to the water, on whole cells; it cannot fail.

    top : elevation of the platform, m above still water.
    """

    footprint: Footprint
    top: float


@dataclasses.dataclass(frozen=True)
class Pier:
    """A support of a bridge deck or elevated road: a block that bodies rest on and run into.

    Water flows past it as if it were not there: a pier is narrower than a cell.

    top : elevation of the bearing, m above still water.
    """

    footprint: Footprint
    top: float


@dataclasses.dataclass(frozen=True)
class GreenBelt:
    """A belt of trees on whole cells, which slows the water until its stems break.

    stems : per m2. diameter : of the stems at breast height, m. height : of the trees, m.
    """

    footprint: Footprint
    stems: float = 0.2
    diameter: float = 0.2
    height: float = 8.0


Work = Seawall | Quay | Pier


@dataclasses.dataclass(frozen=True)
class Piece:
    """One recorded work: a segment of a seawall, a quay or a pier.

    across : axis across a seawall's line, 0 for x, 1 for y. top : crest, m.
    """

    work: Work
    kind: WorkKind
    footprint: Footprint
    top: float
    across: int = 0


def pieces(works: tuple[Work, ...], domain: Domain) -> tuple[Piece, ...]:
    """All works, seawalls cut into segments of whole cells and nearly equal length, in order."""
    found = []
    for work in works:
        if isinstance(work, Quay):
            found.append(Piece(work, WorkKind.QUAY, work.footprint, work.top))
        elif isinstance(work, Pier):
            found.append(Piece(work, WorkKind.PIER, work.footprint, work.top))
        else:
            found += _segments(work, domain)
    return tuple(found)


def _segments(wall: Seawall, domain: Domain) -> list[Piece]:
    x0, x1, y0, y1 = wall.footprint
    across = 0 if y1 - y0 >= x1 - x0 else 1
    low, high, cell = (y0, y1, domain.dy) if across == 0 else (x0, x1, domain.dx)
    cells = round((high - low) / cell)
    count = max(1, min(cells, round((high - low) / wall.segment)))
    cuts = [low + cell * round(cells * k / count) for k in range(count + 1)]
    found = []
    for start, end in itertools.pairwise(cuts):
        footprint = (x0, x1, start, end) if across == 0 else (start, end, y0, y1)
        found.append(Piece(wall, WorkKind.SEAWALL, footprint, wall.crest, across))
    return found


def raised(
    ground: np.ndarray, parts: tuple[Piece, ...], scene: Scene, kind: WorkKind
) -> np.ndarray:
    """The ground (ny, nx) in m with all works of one kind upon it."""
    if not any(part.kind is kind for part in parts):
        return ground
    ground = ground.copy()
    for part in parts:
        if part.kind is kind:
            cells = scene.cells_within(part.footprint)
            ground[cells] = np.maximum(ground[cells], part.top)
    return ground


def check_coast(scene: Scene) -> None:
    """InputError for works and trees that cannot be."""
    domain = scene.domain
    built = np.zeros((domain.ny, domain.nx), dtype=bool)
    for building in scene.buildings:
        built[scene.cells_of(building)] = True
    for number, work in enumerate(scene.works):
        name = f"{type(work).__name__.lower()} {number}"
        _check_numbers(name, work)
        if isinstance(work, Pier):
            _check_pier(name, work, domain)
            continue
        cells = scene.cells_within(work.footprint)
        if isinstance(work, Seawall):
            if built[cells].any():
                raise InputError(f"{name} at {work.footprint} m stands on a building; move it")
            highest = float(scene.platform[cells].max())
            if not work.crest > highest:
                raise InputError(
                    f"{name}: its crest at {work.crest:g} m is not above the ground it stands on, "
                    f"up to {highest:g} m; raise it"
                )
            _check_shores(name, work, scene)
    if len(scene.pieces) > scene.slots.works:
        raise InputError(
            f"the scene has {len(scene.pieces)} works (segments of seawalls, quays, piers), its "
            f"slots {scene.slots.works}"
        )
    for number, belt in enumerate(scene.trees):
        name = f"green belt {number}"
        _check_numbers(name, belt)
        cells = scene.cells_within(belt.footprint)
        if built[cells].any():
            raise InputError(f"{name} at {belt.footprint} m stands on a building; move it")


POSITIVE = {"width", "density", "segment", "stems", "diameter", "height"}
"""Fields that must be above 0; the others are elevations."""

LARGEST = {
    "crest": 100.0, "top": 100.0, "width": 100.0, "density": 8000.0, "segment": 1e4,
    "stems": 100.0, "diameter": 5.0, "height": 100.0,
}
"""Beyond these, in SI units, a unit must be wrong."""


def _check_numbers(name: str, declared: Work | GreenBelt) -> None:
    for field in dataclasses.fields(declared):
        if field.name == "footprint":
            continue
        value, most = getattr(declared, field.name), LARGEST[field.name]
        least = 0.0 if field.name in POSITIVE else -most
        if not (math.isfinite(value) and value <= most and value >= least) or (
            field.name in POSITIVE and value == 0
        ):
            above = "above 0" if field.name in POSITIVE else f"from {least:g}"
            raise InputError(f"{name}: {field.name}={value:g} must lie {above} up to {most:g} (SI)")


def _check_pier(name: str, pier: Pier, domain: Domain) -> None:
    x0, x1, y0, y1 = pier.footprint
    if not (0 <= x0 < x1 <= domain.length and 0 <= y0 < y1 <= domain.width):
        raise InputError(
            f"{name} at {pier.footprint} m leaves the domain {domain.length:g} x "
            f"{domain.width:g} m, or has no area"
        )


def _check_shores(name: str, wall: Seawall, scene: Scene) -> None:
    """There must be a cell on either side, whose water loads it."""
    x0, x1, y0, y1 = wall.footprint
    low, high, end = (x0, x1, scene.domain.length)
    if y1 - y0 < x1 - x0:
        low, high, end = y0, y1, scene.domain.width
    if low <= 0 or high >= end:
        raise InputError(f"{name} at {wall.footprint} m lies at the domain's edge; move it inwards")
