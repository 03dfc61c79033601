"""What floats, slides and collides once the water comes: loose bodies by kind, tanks' contents.

A body displaces water with the part of its bulk above its sill (a car's floor pan) and below the
surface. Water that leaks in fills it from there.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from typing import TYPE_CHECKING

import numpy as np

from worldsim.errors import InputError
from worldsim.seeding import stream
from worldsim.simulator.coast import Pier

if TYPE_CHECKING:
    from worldsim.simulator.scene import Debris, Scene


class DebrisKind(enum.StrEnum):
    """What a loose body is; its code in a rollout is its place in this list."""

    BOAT = "boat"
    CAR = "car"
    CONTAINER = "container"
    LOG = "log"
    TANK = "tank"
    DECK = "deck"
    BLOCK = "block"


@dataclasses.dataclass(frozen=True)
class KindProperties:
    """What is known of a kind, and how far its bodies differ.

    density : median mass over bulk volume, kg/m3, without contents; density_scatter its lognormal
    standard deviation, density_range its limits. drag : median drag coefficient, drag_scatter
    lognormal. friction : lowest and highest coefficient on the ground (uniform). sill : lowest and
    highest height of the watertight part over the underside, m (uniform). leak_time : shortest and
    longest time in which it fills when wholly under water, s (loguniform); inf for tight ones.
    """

    density: float
    density_scatter: float
    density_range: tuple[float, float]
    drag: float
    drag_scatter: float
    friction: tuple[float, float]
    sill: tuple[float, float] = (0.0, 0.0)
    leak_time: tuple[float, float] = (math.inf, math.inf)


KINDS = {
    # An open or decked boat of wood or fibreglass in ballast; draught a quarter of its depth.
    DebrisKind.BOAT: KindProperties(250.0, 0.25, (60.0, 900.0), 1.2, 0.30, (0.4, 0.6)),
    # 1.0 t of 4.0 x 1.65 x 1.45 m are 105 kg/m3. Ground clearances of 0.13 to 0.20 m are usual; so
    # it floats at 0.28 to 0.39 m. Published: 0.30 m small, 0.38 m medium, 0.50 m 4WD (Shand 2011;
    # Al-Qadami 2023). Tyres 0.3 to 0.6: brakes off to on, wet. Cars fill within minutes.
    DebrisKind.CAR: KindProperties(
        110.0, 0.08, (80.0, 160.0), 1.2, 0.20, (0.3, 0.6), (0.13, 0.20), (120.0, 600.0)
    ),
    # 20-ft: tare 2,300 kg, loaded about 27 t, in 38.3 m3 (ASCE 7-16, 6.11): 60 to 705 kg/m3.
    DebrisKind.CONTAINER: KindProperties(
        180.0, 0.60, (60.0, 705.0), 1.2, 0.30, (0.3, 0.6), (0.0, 0.0), (300.0, 1800.0)
    ),
    # Softwood, air-dry to wet.
    DebrisKind.LOG: KindProperties(550.0, 0.12, (350.0, 950.0), 1.2, 0.30, (0.4, 0.7)),
    # Steel: 21 t for 10 m diameter and 9 m height are 30 kg/m3; small tanks have more for it.
    DebrisKind.TANK: KindProperties(40.0, 0.25, (20.0, 150.0), 1.0, 0.30, (0.4, 0.6)),
    # Reinforced concrete (2,500) with the voids between its girders; bearings μ about 0.6, wide.
    DebrisKind.DECK: KindProperties(1600.0, 0.08, (1200.0, 2500.0), 2.0, 0.25, (0.4, 0.8)),
    # A solid of whatever density an experiment asks for; a cube's drag (Hoerner 1965, fig. 3-33).
    DebrisKind.BLOCK: KindProperties(500.0, 0.02, (20.0, 8000.0), 1.05, 0.05, (0.3, 0.6)),
}
"""By kind. Where no source is named, the numbers are wide engineering judgement, not data."""


@dataclasses.dataclass(frozen=True)
class Contents:
    """What a tank holds.

    mass : of the liquid, kg; it moves with the tank. tracer : the part of it that dissolves when
    it gets out, kg. What does not dissolve (a slick, fire) is left out.
    """

    mass: float
    tracer: float = 0.0


@dataclasses.dataclass(frozen=True)
class DebrisDraw:
    """One draw of what cannot be seen of loose bodies besides mass and drag, (debris,) each.

    friction : coefficient on the ground. sill m, leak_time s: see `KindProperties`. plumbing :
    depth that breaks a tank's pipes, m. release_time : s in which a broken tank keeps 1/e of its
    tracer.
    """

    friction: np.ndarray
    sill: np.ndarray
    leak_time: np.ndarray
    plumbing: np.ndarray
    release_time: np.ndarray


PLUMBING = (0.98, 0.48)
"""Mean and standard deviation of the log of the depth in m that breaks a tank's pipes: Hatayama
2014 (418 tanks of 2011)."""

RELEASE_TIME = (60.0, 0.7)
"""Median in s and lognormal standard deviation of a broken tank's release: minutes, since a pipe of
some 0.1 m drains some m3 in that time; wide judgement."""


def _kinds(scene: Scene) -> list[KindProperties]:
    """Of every slot; empty ones are like boats."""
    empty = scene.slots.debris - len(scene.debris)
    return [KINDS[body.kind] for body in scene.debris] + [KINDS[DebrisKind.BOAT]] * empty


def mass_and_drag(
    scene: Scene, seed: int, case: int, realization: int
) -> tuple[np.ndarray, np.ndarray]:
    """Hidden bulk density without contents in kg/m3 and drag coefficient, (debris,) each."""
    kinds, count = _kinds(scene), scene.slots.debris
    density = stream(seed, case, realization, "debris density").normal(size=count)
    drag = stream(seed, case, realization, "debris drag").normal(size=count)
    return (
        np.array(
            [
                float(np.clip(kind.density * np.exp(kind.density_scatter * z), *kind.density_range))
                for kind, z in zip(kinds, density, strict=True)
            ]
        ),
        np.array(
            [kind.drag * np.exp(kind.drag_scatter * z) for kind, z in zip(kinds, drag, strict=True)]
        ),
    )


def debris_draw(scene: Scene, seed: int, case: int, realization: int) -> DebrisDraw:
    """The other hidden properties of a scene's loose bodies, each from a stream of its own."""

    def rng(name: str) -> np.random.Generator:
        return stream(seed, case, realization, f"debris {name}")

    kinds, count = _kinds(scene), scene.slots.debris
    friction, sill, leak = (
        rng(name).uniform(size=count) for name in ("friction", "sill", "leakage")
    )
    mean, spread = PLUMBING
    middle, scatter = RELEASE_TIME
    return DebrisDraw(
        friction=_between([kind.friction for kind in kinds], friction),
        sill=_between([kind.sill for kind in kinds], sill),
        leak_time=np.exp(_between([_logs(kind.leak_time) for kind in kinds], leak)),
        plumbing=np.exp(mean + spread * rng("plumbing").normal(size=count)),
        release_time=middle * np.exp(scatter * rng("release").normal(size=count)),
    )


def _logs(limits: tuple[float, float]) -> tuple[float, float]:
    return math.log(limits[0]), math.log(limits[1])


def _between(limits: list[tuple[float, float]], share: np.ndarray) -> np.ndarray:
    return np.array(
        [
            low if low == high else low + (high - low) * u
            for (low, high), u in zip(limits, share, strict=True)
        ]
    )


def typical(scene: Scene) -> DebrisDraw:
    """The middle of everything, for members of which only density and drag are drawn."""
    kinds = _kinds(scene)
    return DebrisDraw(
        friction=np.array([sum(kind.friction) / 2 for kind in kinds]),
        sill=np.array([sum(kind.sill) / 2 for kind in kinds]),
        leak_time=np.array([math.sqrt(math.prod(kind.leak_time)) for kind in kinds]),
        plumbing=np.full(len(kinds), math.exp(PLUMBING[0])),
        release_time=np.full(len(kinds), RELEASE_TIME[0]),
    )


def check_debris(scene: Scene) -> None:
    """InputError for loose bodies that cannot be."""
    for number, body in enumerate(scene.debris):
        name = f"debris {number}"
        if body.kind not in KINDS:
            raise InputError(
                f"{name} is of the unknown kind {body.kind!r}; give one of {', '.join(KINDS)}"
            )
        name += f" ({body.kind})"
        if not all(0 < half <= 100 for half in body.half_size):
            raise InputError(f"{name}: half sizes {body.half_size} m must lie in 0 to 100 m")
        x, y = body.position
        if not (0 < x < scene.domain.length and 0 < y < scene.domain.width):
            raise InputError(f"{name} at {body.position} m lies outside the domain")
        if not 0 <= body.anchor <= 1e9:
            raise InputError(f"{name}: anchor={body.anchor:g} N must lie in 0 to 1e9 N")
        if body.contents is not None:
            _check_contents(name, body)
        if body.kind is DebrisKind.DECK:
            _check_deck(name, body, scene)
        elif body.kind is DebrisKind.BLOCK:
            _check_block(name, body, scene)
        elif body.elevation is not None:
            raise InputError(
                f"{name}: only decks stand on piers and only blocks are let go; leave its "
                "elevation away"
            )


def _check_contents(name: str, body: Debris) -> None:
    contents = body.contents
    assert contents is not None
    if body.kind is not DebrisKind.TANK:
        raise InputError(f"{name}: only tanks have contents")
    volume = 8 * math.prod(body.half_size)
    if not 0 <= contents.mass <= 2000.0 * volume:
        raise InputError(
            f"{name}: contents of {contents.mass:g} kg must lie in 0 to {2000 * volume:g} kg, "
            f"twice its fill of water"
        )
    if not 0 <= contents.tracer <= contents.mass:
        raise InputError(
            f"{name}: {contents.tracer:g} kg that dissolve must lie in 0 to {contents.mass:g} kg, "
            f"its contents"
        )


def _check_block(name: str, body: Debris, scene: Scene) -> None:
    """A block that is let go is above the ground."""
    if body.elevation is None:
        return
    along, across = math.cos(body.heading), math.sin(body.heading)
    dx = scene.domain.x[None, :] - body.position[0]
    dy = scene.domain.y[:, None] - body.position[1]
    # The ground slopes between centres of cells, so that those beside it count, too.
    beside = max(scene.domain.dx, scene.domain.dy)
    inside = (np.abs(dx * along + dy * across) <= body.half_size[0] + beside) & (
        np.abs(dy * along - dx * across) <= body.half_size[1] + beside
    )
    ground = float(np.max(scene.platform, where=inside, initial=-math.inf))
    if not ground <= body.elevation < 1e4:
        raise InputError(
            f"{name}: elevation={body.elevation:g} m of its underside must lie between the ground, "
            f"{ground:g} m, and 1e4 m"
        )


def _check_deck(name: str, body: Debris, scene: Scene) -> None:
    """A deck lies on two piers or more, at their height."""
    if body.elevation is None:
        raise InputError(f"{name}: give its elevation, that of its underside, and two piers")
    along, across = math.cos(body.heading), math.sin(body.heading)
    below = 0
    for work in scene.works:
        if not isinstance(work, Pier):
            continue
        x0, x1, y0, y1 = work.footprint
        dx, dy = (x0 + x1) / 2 - body.position[0], (y0 + y1) / 2 - body.position[1]
        inside = (
            abs(dx * along + dy * across) <= body.half_size[0]
            and abs(dy * along - dx * across) <= body.half_size[1]
        )
        below += inside and abs(work.top - body.elevation) < 1e-6
    if below < 2:
        raise InputError(
            f"{name} at {body.position} m has {below} piers that reach its underside at "
            f"{body.elevation:g} m; give two"
        )
