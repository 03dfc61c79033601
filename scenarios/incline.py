"""Slide and roll: a ball, cylinder, wheel or box on an inclined plane."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import numpy as np

from scenarios.staging import (
    ANY,
    COLOURS,
    object_looks,
    prop_look,
    stage_cameras,
    step_for,
    surroundings,
)
from worldsim.mechanics import (
    Body,
    Look,
    Material,
    MechanicalHidden,
    MechanicalScene,
    Part,
    Pattern,
    Shape,
    ball,
    block,
    fixture,
)
from worldsim.scenario import ClosedForm, Observable, Scenario, choice, parameter
from worldsim.seeding import VISIBLE, stream

WIDTH, HEIGHT = 4.4, 3.4
"""Of the stage, m."""

LENGTH = 4.6
"""Of the slope, m."""

THICK = 0.12
"""Of the plank, m."""

BROAD = 0.5
"""Half breadth of the plank, m."""

RADIUS = 0.24
"""Of what rolls, and half the side of the box, m."""

RIM = 0.82
"""Distance of a wheel's weights from its axle, as a share of its radius."""

WEIGHTS, WEIGHT_RADIUS = 8, 0.16
"""Number of a wheel's weights; radius of each as a share of the wheel's."""

WEIGHT_SHARE = 0.92
"""Of a wheel's mass that is in its weights."""

FRICTION_SCATTER = 0.03
"""Standard deviation of the friction coefficient, as a share of it: that of repeated runs on one
surface is a few per cent. A choice."""

MOMENTS = {
    "ball": 2 / 5,
    "cylinder": 1 / 2,
    "wheel": (1 - WEIGHT_SHARE) / 2 + WEIGHT_SHARE * (RIM**2 + WEIGHT_RADIUS**2 / 2),
    "box": 0.0,
}
"""Moment of inertia about the axle over m r^2."""


@dataclasses.dataclass(frozen=True)
class Incline(Scenario):
    """A body is let go at rest on a plank, rolls or slides down, and stops at a buffer.

    A wheel's mass is near its rim. A box stands still where friction holds it. Visible, drawn per
    case: where on the plank it starts, which way the plank falls, colours, surroundings. Hidden,
    drawn per realization: by 3 % the friction; and the mass, which changes nothing.
    """

    name: ClassVar[str] = "incline"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "a body rolls or slides down an inclined plane"
    duration: ClassVar[float] = 2.5
    leaves_out: ClassVar[str] = (
        "Truth here is a simulation: Coulomb's friction with one coefficient for rest and motion, "
        "no rolling resistance, no air."
    )
    phrasings: ClassVar[tuple[str, ...]] = (
        "a {shape} let go on a plane inclined at {angle:.0f} degrees with friction {friction:.2f}",
        "roll or slide: {shape}, slope {angle:.1f} deg, friction coefficient {friction:.2f}, g = "
        "{gravity:.1f} m/s2",
        "a {shape} at rest on a ramp is released",
        "Galileo's inclined plane with a {shape}",
    )
    observables: ClassVar[tuple[Observable, ...]] = (
        Observable("distance", "m", "along the slope from where it started"),
        Observable("acceleration", "m s-2", "along the slope"),
        Observable("rotation", "rad", "about the axle"),
        Observable("slip", "m s-1", "speed of the point of contact over the slope"),
        Observable("moves", "1", "whether it moves at all"),
    )
    checks: ClassVar[tuple[ClosedForm, ...]] = (
        ClosedForm(
            "rolling", "a = g sin(t) / (1 + I / (m r^2)) while tan(t) <= f (1 + m r^2 / I)", 0.01,
            "Goldstein, Classical Mechanics, section 1.6; 5/7 g sin(t) for a ball",
        ),
        ClosedForm(
            "sliding", "a = g (sin(t) - f cos(t)), where it slips", 0.01, "Coulomb 1785",
        ),
        ClosedForm("critical angle", "a box stays while tan(t) <= f", 0.02, "Amontons 1699"),
        ClosedForm("mass", "the path does not depend on the mass", 0.01, "Galilei 1638"),
    )
    size: ClassVar[tuple[int, int]] = (64, 64)
    fps: ClassVar[float] = 20.0
    film_cameras: ClassVar[tuple[str, ...]] = ("side", "corner")

    angle: float = parameter(
        22.0, unit="degree", training=(14.0, 28.0), physical=(3.0, 38.0),
        meaning="of the slope above the horizontal",
    )
    friction: float = parameter(
        0.3, unit="1", training=(0.1, 0.5), physical=(0.0, 1.0),
        meaning="coefficient of friction between body and plank",
    )
    gravity: float = parameter(
        9.8, unit="m/s2", training=(6.0, 12.0), physical=(1.5, 25.0),
        meaning="acceleration of gravity",
    )
    run_up: float = parameter(
        2.6, unit="m", training=(2.0, 3.0), physical=(1.0, 3.5),
        meaning="way along the slope from the start to the buffer",
    )
    shape: str = choice(
        "ball", ("ball", "cylinder", "wheel", "box"), meaning="what is let go"
    )
    colour: str = choice(ANY, (ANY, *COLOURS), meaning="of the body; any: the case's draw")

    @property
    def acceleration(self) -> float:
        """Closed form, m/s2 along the slope (see `checks`)."""
        slope = math.radians(self.angle)
        pull, grip = math.sin(slope), self.friction * math.cos(slope)
        moment = MOMENTS[self.shape]
        if self.shape == "box":
            return self.gravity * max(pull - grip, 0.0)
        if grip >= pull * moment / (1 + moment):
            return self.gravity * pull / (1 + moment)
        return self.gravity * (pull - grip)

    def scene(self, seed: int, case: int) -> MechanicalScene:
        """All that can be seen at t=0 of one case."""
        slope = math.radians(self.angle)
        way = 1.0 if stream(seed, case, VISIBLE, "way").random() < 0.5 else -1.0
        # Along the slope downwards, across it (y), and out of it.
        down = (way * math.cos(slope), 0.0, -math.sin(slope))
        out = (way * math.sin(slope), 0.0, math.cos(slope))
        foot = way * (WIDTH / 2 - 0.15)

        def at(up_slope: float, above: float) -> tuple[float, float, float]:
            return (
                foot - up_slope * down[0] + above * out[0], 0.0,
                -up_slope * down[2] + above * out[2],
            )

        turned = (math.cos(slope / 2), 0.0, way * math.sin(slope / 2), 0.0)
        drawn = stream(seed, case, VISIBLE, "looks")
        look = object_looks(
            drawn, 1, colour=self.colour, patterns=(Pattern.HALVES, Pattern.CHECKER),
            field=RADIUS / 2,
        )[0]
        wood = prop_look(drawn)
        buffer = 0.3
        board = Part(Shape.BOX, (LENGTH / 2, BROAD, THICK / 2), wood, tracked=False)
        stop = Part(Shape.BOX, (THICK / 2, BROAD, RADIUS), wood, tracked=False)
        # Of two bodies the greater friction counts: the plank has it all, so that the buffer is
        # smooth and what arrives spinning does not climb it.
        plank = fixture(
            "plank", [board], at(LENGTH / 2, -THICK / 2), quaternion=turned,
            material=Material(friction=self.friction),
        )
        end = fixture(
            "buffer", [stop], at(buffer - THICK / 2, RADIUS), quaternion=turned,
            material=Material(friction=0.0),
        )
        rest = at(0.9 * LENGTH, -THICK)
        post = Part(
            Shape.BOX, (0.06, 0.7 * BROAD, rest[2] / 2), wood, (rest[0], 0.0, rest[2] / 2),
            collides=False, tracked=False,
        )
        start = at(buffer + RADIUS + self.run_up, RADIUS)
        still, backdrop = surroundings(seed, case, WIDTH, HEIGHT, behind=BROAD + 0.2)
        return MechanicalScene(
            (*self._body(start, turned, look), plank, end, fixture("post", [post]), *still),
            stage_cameras(WIDTH, HEIGHT, depth=2 * BROAD), backdrop=backdrop, gravity=self.gravity,
            step=step_for(math.sqrt(2 * self.acceleration * self.run_up), THICK / 2),
        )

    def _body(
        self, place: tuple[float, float, float], turned: tuple[float, float, float, float],
        look: Look,
    ) -> tuple[Body, ...]:
        """What is let go; its pattern begins with the plank's axes."""
        material = Material(friction=0.0)
        if self.shape == "ball":
            return (ball("body", RADIUS, place, look, quaternion=turned, material=material),)
        if self.shape == "box":
            half = (RADIUS, RADIUS, RADIUS)
            return (block("body", half, place, look, quaternion=turned, material=material),)
        half_length = 0.7 * RADIUS
        lying = (math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0)
        drum = Part(Shape.CYLINDER, (RADIUS, half_length), look, quaternion=lying)
        if self.shape == "cylinder":
            return (Body("body", (drum,), place, turned, material=material),)
        # The weights are seen as studs on the drum's faces.
        stud = Look(look.second, look.colour)
        weights = tuple(
            Part(
                Shape.CYLINDER, (WEIGHT_RADIUS * RADIUS, half_length + 0.01), stud,
                (
                    RIM * RADIUS * math.cos(2 * math.pi * n / WEIGHTS), 0.0,
                    RIM * RADIUS * math.sin(2 * math.pi * n / WEIGHTS),
                ),
                lying, collides=False, tracked=False,
            )
            for n in range(WEIGHTS)
        )
        return (
            Body("body", (drum,), place, turned, mass=1 - WEIGHT_SHARE, material=material),
            Body("weights", weights, mass=WEIGHT_SHARE, joint=None, parent="body"),
        )

    def hidden(
        self, scene: MechanicalScene, seed: int, case: int, realization: int
    ) -> MechanicalHidden:
        """One factor of mass, from a third to three; friction that scatters by 3 %."""
        most = len(scene.bodies)
        mass = float(stream(seed, case, realization, "mass").uniform(-1, 1))
        grip = float(stream(seed, case, realization, "friction").normal())
        grip = 1 + FRICTION_SCATTER * min(max(grip, -3.0), 3.0)
        return MechanicalHidden(
            mass=np.full(most, 3.0**mass), friction=np.full(most, grip)
        )
