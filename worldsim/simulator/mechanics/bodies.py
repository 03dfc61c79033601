"""Rigid bodies as a scenario declares them: solids, paint, surfaces and joints.

Sizes follow MuJoCo: half sizes, radii and half lengths in m; quaternions (w, x, y, z); z is up.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Sequence

from worldsim.errors import InputError

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
Colour = tuple[int, int, int]

UPRIGHT: Quaternion = (1.0, 0.0, 0.0, 0.0)


class Shape(enum.StrEnum):
    """A convex solid; its code in a rollout is its place in this list."""

    SPHERE = "sphere"
    BOX = "box"
    CYLINDER = "cylinder"
    CAPSULE = "capsule"
    PLANE = "plane"

    @property
    def lengths(self) -> int:
        """How many lengths give its size."""
        return {"sphere": 1, "box": 3, "cylinder": 2, "capsule": 2, "plane": 0}[self.value]


class Pattern(enum.StrEnum):
    """What is painted on a solid, in its own axes, so that turning shows."""

    PLAIN = "plain"
    HALVES = "halves"
    """The other colour where the solid's own x is negative."""
    STRIPES = "stripes"
    """Bands across the solid's own z; across x on planes."""
    CHECKER = "checker"
    """Squares (boxes, planes), or fields of longitude and latitude (others)."""


class Role(enum.StrEnum):
    """What a body is there for."""

    OBJECT = "object"
    DISTRACTOR = "distractor"
    """Takes no part in what the scenario asks about."""
    FIXTURE = "fixture"
    """Never moves: floors, walls, ramps, screens."""


class Freedom(enum.StrEnum):
    """How a body may move against its parent, or against the world."""

    FREE = "free"
    HINGE = "hinge"
    SLIDE = "slide"
    BALL = "ball"


def check_colour(colour: Colour) -> None:
    """Raise `InputError` unless it is one."""
    if len(colour) != 3 or not all(value == int(value) and 0 <= value <= 255 for value in colour):
        raise InputError(f"colour {colour}: give three whole numbers from 0 to 255")


@dataclasses.dataclass(frozen=True)
class Look:
    """Paint: colours 0..255, and the size [m] of a pattern's fields."""

    colour: Colour = (200, 60, 40)
    second: Colour = (240, 240, 240)
    pattern: Pattern = Pattern.PLAIN
    field: float = 0.1

    def __post_init__(self) -> None:
        for colour in (self.colour, self.second):
            check_colour(colour)
        if not (math.isfinite(self.field) and self.field > 0):
            raise InputError(f"field={self.field:g} m of a pattern: give a positive length")


@dataclasses.dataclass(frozen=True)
class Material:
    """How a body's surface meets others.

    friction : sliding friction coefficient; of two bodies the greater counts.
    torsional, rolling : m; of two bodies the greater counts.
    restitution : ratio of the normal speeds after and before a collision; of two bodies the lesser
        counts.
    """

    friction: float = 0.5
    torsional: float = 0.0
    rolling: float = 0.0
    restitution: float = 0.0

    def __post_init__(self) -> None:
        for name in ("friction", "torsional", "rolling"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise InputError(f"{name}={value:g}: give 0 or more")
        if not 0 <= self.restitution <= 1:
            raise InputError(f"restitution={self.restitution:g}: give 0 to 1")


@dataclasses.dataclass(frozen=True)
class Part:
    """One solid of a body.

    size : radius (sphere); half sizes (box); radius and half length along z (cylinder, capsule).
    position, quaternion : in the body's axes, m.
    collides : whether it touches anything, or is only seen.
    tracked : whether instruments are asked to follow it (rods and springs are not).
    """

    shape: Shape
    size: tuple[float, ...] = ()
    look: Look = Look()
    position: Vector = (0.0, 0.0, 0.0)
    quaternion: Quaternion = UPRIGHT
    collides: bool = True
    tracked: bool = True

    def __post_init__(self) -> None:
        if len(self.size) != self.shape.lengths or not all(0 < x < 1e4 for x in self.size):
            raise InputError(
                f"size={self.size} of a {self.shape}: give {self.shape.lengths} lengths "
                "between 0 and 1e4 m"
            )


@dataclasses.dataclass(frozen=True)
class Joint:
    """How a body may move.

    axis, anchor : of a hinge or slide, in the body's axes, m.
    position, speed : at t=0: rad and rad/s of a hinge, m and m/s of a slide.
    stiffness, damping : of a spring at rest where `position` is `rest`: N/m and N s/m, or N m/rad
        and N m s/rad.
    limits : least and greatest position; none by default.
    """

    freedom: Freedom = Freedom.FREE
    axis: Vector = (0.0, 0.0, 1.0)
    anchor: Vector = (0.0, 0.0, 0.0)
    position: float = 0.0
    speed: float = 0.0
    stiffness: float = 0.0
    damping: float = 0.0
    rest: float = 0.0
    limits: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name in ("position", "speed", "rest", "stiffness", "damping"):
            if not math.isfinite(getattr(self, name)):
                raise InputError(f"{name}={getattr(self, name):g} of a joint: give a finite number")
        if self.stiffness < 0:
            raise InputError(f"stiffness={self.stiffness:g} of a joint: give 0 or more")
        if self.limits is not None and not self.limits[0] < self.limits[1]:
            raise InputError(f"limits={self.limits} of a joint: give the lower one first")


@dataclasses.dataclass(frozen=True)
class Body:
    """A rigid body.

    name : by which the scenario's own checks and its links find it; different for each.
    position, quaternion : of its axes at t=0, in its parent's axes, m.
    mass : kg, shared among the colliding parts by volume (all parts where none collides).
    joint : None for what cannot move against its parent.
    velocity : m/s of its axes' origin at t=0, in world axes; of a free body only.
    spin : rad/s at t=0, in world axes; of a free body, or of one on a ball joint (against its
        parent, in its parent's axes).
    parent : name of a body declared before.
    """

    name: str
    parts: tuple[Part, ...]
    position: Vector = (0.0, 0.0, 0.0)
    quaternion: Quaternion = UPRIGHT
    mass: float = 1.0
    material: Material = Material()
    joint: Joint | None = Joint()
    velocity: Vector = (0.0, 0.0, 0.0)
    spin: Vector = (0.0, 0.0, 0.0)
    parent: str | None = None
    role: Role = Role.OBJECT

    def __post_init__(self) -> None:
        if not self.parts:
            raise InputError(f"body {self.name!r} has no parts; give it at least one")
        if not (math.isfinite(self.mass) and self.mass > 0):
            raise InputError(f"body {self.name!r}: mass={self.mass:g} kg; give a positive number")
        if self.role is Role.FIXTURE and self.joint is not None:
            raise InputError(f"body {self.name!r} is a fixture; give it joint=None")
        free = self.joint is not None and self.joint.freedom is Freedom.FREE
        turns = free or (self.joint is not None and self.joint.freedom is Freedom.BALL)
        if (any(self.velocity) and not free) or (any(self.spin) and not turns):
            raise InputError(f"body {self.name!r} is not free; set its joint's speed instead")
        if free and self.parent is not None:
            raise InputError(f"body {self.name!r} is free and cannot have a parent")
        if not all(map(math.isfinite, (*self.velocity, *self.spin))):
            raise InputError(
                f"body {self.name!r}: velocity={self.velocity} m/s, spin={self.spin} rad/s; give "
                "finite numbers"
            )


def ball(name: str, radius: float, position: Vector, look: Look | None = None,
         **body: object) -> Body:
    """A free sphere."""
    part = Part(Shape.SPHERE, (radius,), look or Look())
    return Body(name, (part,), position, **body)  # type: ignore[arg-type]


def block(name: str, half_size: Vector, position: Vector, look: Look | None = None,
          **body: object) -> Body:
    """A free box."""
    part = Part(Shape.BOX, half_size, look or Look())
    return Body(name, (part,), position, **body)  # type: ignore[arg-type]


def fixture(name: str, parts: Sequence[Part], position: Vector = (0.0, 0.0, 0.0),
            **body: object) -> Body:
    """A body that never moves."""
    return Body(name, tuple(parts), position, joint=None, role=Role.FIXTURE,
                **body)  # type: ignore[arg-type]


def floor(look: Look | None = None, material: Material = Material(), height: float = 0.0) -> Body:
    """An infinite horizontal plane."""
    part = Part(Shape.PLANE, (), look or Look((168, 160, 148)))
    return fixture("floor", [part], (0.0, 0.0, height), material=material)
