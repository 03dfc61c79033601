"""What a scenario of rigid bodies hands to the simulator: bodies, what they look like, cameras.

Sizes follow MuJoCo: half sizes, radii and half lengths in m; quaternions (w, x, y, z); z is up.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from worldsim.errors import InputError
from worldsim.simulator.constants import GRAVITY

if TYPE_CHECKING:
    from worldsim.camera import Camera

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


@dataclasses.dataclass(frozen=True)
class Look:
    """Paint: colours 0..255, and the size [m] of a pattern's fields."""

    colour: Colour = (200, 60, 40)
    second: Colour = (240, 240, 240)
    pattern: Pattern = Pattern.PLAIN
    field: float = 0.1


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


@dataclasses.dataclass(frozen=True)
class Link:
    """A bar that is only seen, between points of two bodies (in their axes, m): a spring, a thread.

    body : None for a point of the world.
    """

    bodies: tuple[str | None, str | None]
    points: tuple[Vector, Vector]
    radius: float
    look: Look = Look((90, 90, 90))


@dataclasses.dataclass(frozen=True)
class Kick:
    """A body's motion changed at once, by nothing in the scene: an intervention.

    time : s, a multiple of 1/120 s. body : name. factor : on all its speeds.
    velocity : m/s added to that of a free body, after `factor`.
    """

    time: float
    body: str
    factor: float = 1.0
    velocity: Vector = (0.0, 0.0, 0.0)


@dataclasses.dataclass(frozen=True)
class Backdrop:
    """What is seen where nothing is: colours 0..255 at the lower and the upper edge of the sky.

    shadows : whether the sun casts any. sun : direction towards it.
    """

    low: Colour = (196, 204, 214)
    high: Colour = (150, 168, 190)
    shadows: bool = False
    sun: Vector = (0.4, -0.5, 0.77)


@dataclasses.dataclass(frozen=True)
class MechanicalScene:
    """All that can be seen at t=0 of a scene of rigid bodies.

    cameras : by name. links : bars that are only seen.
    step : s; the simulator's, a whole part of 1/120 s.
    air : kg/m3 and Pa s, density and viscosity of what fills the space; none by default.
    gravity : m/s2, downwards, where a scenario has it as a parameter; 0 for none. A deliberately
        wrong simulator multiplies it by `Physics.gravity` over the standard value.
    many_contacts : whether many contacts that last hang together (rows, heaps), with no restitution
        near 1. They are then solved in half the time, and give way by 0.2 mm/s under weight.
    kicks : interventions.

    Raises
    ------
    InputError : names that are not unique, a parent that is not declared before, an unusable step,
        a kick that cannot be given.
    """

    bodies: tuple[Body, ...]
    cameras: dict[str, Camera]
    links: tuple[Link, ...] = ()
    backdrop: Backdrop = Backdrop()
    step: float = 1 / 960
    air: tuple[float, float] = (0.0, 0.0)
    gravity: float = GRAVITY
    many_contacts: bool = False
    kicks: tuple[Kick, ...] = ()

    def __post_init__(self) -> None:
        if not (math.isfinite(self.gravity) and self.gravity >= 0):
            raise InputError(f"gravity={self.gravity:g} m/s2: give 0 or more")
        known: set[str] = set()
        for body in self.bodies:
            if body.name in known:
                raise InputError(f"two bodies are named {body.name!r}; give each its own name")
            if body.parent is not None and body.parent not in known:
                raise InputError(
                    f"body {body.name!r} hangs on {body.parent!r}, which is not declared before it"
                )
            known.add(body.name)
        for link in self.links:
            for name in link.bodies:
                if name is not None and name not in known:
                    raise InputError(f"a link ends at {name!r}, which is no body of the scene")
        self._check_kicks()
        steps = 1 / (STATES_PER_SECOND * self.step) if self.step > 0 else 0.0
        if steps < 1 - 1e-9 or abs(steps - round(steps)) > 1e-6:
            raise InputError(
                f"step={self.step:g} s: give a whole part of 1/{STATES_PER_SECOND} s, "
                f"such as 1/{8 * STATES_PER_SECOND}"
            )

    def _check_kicks(self) -> None:
        for kick in self.kicks:
            body = next((body for body in self.bodies if body.name == kick.body), None)
            if body is None or body.joint is None:
                raise InputError(f"a kick of {kick.body!r}: give the name of a body that can move")
            if any(kick.velocity) and body.joint.freedom is not Freedom.FREE:
                raise InputError(f"a kick of {kick.body!r}, which is not free: give a factor only")
            states = kick.time * STATES_PER_SECOND
            if kick.time < 0 or abs(states - round(states)) > 1e-6:
                raise InputError(
                    f"a kick at {kick.time:g} s: give a multiple of 1/{STATES_PER_SECOND} s"
                )

    def numbers(self) -> dict[str, int]:
        """Place of each body in the rollout, by name."""
        return {body.name: number for number, body in enumerate(self.bodies)}


STATES_PER_SECOND = 120
"""Stored states: a multiple of 10, 12, 15, 20, 24, 30, 40 and 60 frames per second."""


@dataclasses.dataclass(frozen=True)
class MechanicalHidden:
    """One draw of what cannot be seen; nothing is hidden by default.

    mass, friction, restitution : (bodies,) factors; restitution stays within 0 to 1.
    velocity : (bodies, 3) m/s added to that of free bodies at t=0.
    speed : (bodies,) rad/s or m/s added to that of hinges and slides at t=0.
    """

    mass: np.ndarray | None = None
    friction: np.ndarray | None = None
    restitution: np.ndarray | None = None
    velocity: np.ndarray | None = None
    speed: np.ndarray | None = None


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
