"""What a scenario of rigid bodies hands to the simulator: bodies, what they look like, cameras."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from worldsim.errors import InputError
from worldsim.simulator.constants import GRAVITY
from worldsim.simulator.mechanics.bodies import (
    Body,
    Colour,
    Freedom,
    Look,
    Vector,
    check_colour,
)
from worldsim.simulator.mechanics.bodies import Shape as Shape

if TYPE_CHECKING:
    from worldsim.camera import Camera

STATES_PER_SECOND = 120
"""Stored states: a multiple of 10, 12, 15, 20, 24, 30, 40 and 60 frames per second."""


@dataclasses.dataclass(frozen=True)
class Link:
    """A bar that is only seen, between points of two bodies (in their axes, m): a spring, a thread.

    body : None for a point of the world.
    """

    bodies: tuple[str | None, str | None]
    points: tuple[Vector, Vector]
    radius: float
    look: Look = Look((90, 90, 90))

    def __post_init__(self) -> None:
        if not (math.isfinite(self.radius) and self.radius > 0):
            raise InputError(f"radius={self.radius:g} m of a link: give a positive length")
        if not all(math.isfinite(x) for point in self.points for x in point):
            raise InputError(f"points={self.points} m of a link: give finite numbers")


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

    def __post_init__(self) -> None:
        for colour in (self.low, self.high):
            check_colour(colour)
        if not (all(map(math.isfinite, self.sun)) and any(self.sun)):
            raise InputError(f"sun={self.sun}: give a direction")


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
        if not all(math.isfinite(x) and x >= 0 for x in self.air):
            raise InputError(f"air={self.air} kg/m3, Pa s: give 0 or more")
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
            if not all(map(math.isfinite, (kick.time, kick.factor, *kick.velocity))):
                raise InputError(f"a kick of {kick.body!r}: give finite numbers")
            states = kick.time * STATES_PER_SECOND
            if kick.time < 0 or abs(states - round(states)) > 1e-6:
                raise InputError(
                    f"a kick at {kick.time:g} s: give a multiple of 1/{STATES_PER_SECOND} s"
                )

    def numbers(self) -> dict[str, int]:
        """Place of each body in the rollout, by name."""
        return {body.name: number for number, body in enumerate(self.bodies)}


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
