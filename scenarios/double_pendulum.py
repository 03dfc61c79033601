"""Two balls on two rods, one hanging on the other: regular for small angles, chaotic for large."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import numpy as np

from scenarios.staging import object_looks, prop_look, stage_cameras, surroundings
from scenarios.stands import STEP, SWING, bearing, seen_only, turned
from worldsim.mechanics import (
    Body,
    Freedom,
    Joint,
    MechanicalHidden,
    MechanicalScene,
    Part,
    Shape,
)
from worldsim.scenario import ClosedForm, Observable, Scenario, parameter
from worldsim.seeding import VISIBLE, stream

STAGE = (2.7, 2.7)
"""m, width and height: the longest rods in any position."""
PIVOT_HEIGHT = 1.38
ROD_RADIUS = 0.02
UPPER_RADIUS, UPPER_MASS = 0.135, 1.0
"""m and kg of the upper ball; the lower one is of the same stuff."""
RELEASE_SPEED = 2e-3
"""rad/s, standard deviation: how still a hand holds each ball at release."""


@dataclasses.dataclass(frozen=True)
class DoublePendulum(Scenario):
    """A ball on a rod that hangs on another ball on a rod; both without friction.

    Visible and drawn per case: paint, to which side the angles count, the surroundings; the balls
    are of one stuff, so that the mass ratio shows. Hidden and drawn per realization: angular
    velocities of about 0.002 rad/s at release, which chaos makes visible after some swings.
    """

    name: ClassVar[str] = "double_pendulum"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "a double pendulum swings"
    duration: ClassVar[float] = 4.0
    size: ClassVar[tuple[int, int]] = (64, 64)
    fps: ClassVar[float] = 20.0
    film_cameras: ClassVar[tuple[str, ...]] = ("side", "corner")
    leaves_out: ClassVar[str] = (
        "Rods are rigid and without mass, pivots without play or friction; there is no air."
    )
    phrasings: ClassVar[tuple[str, ...]] = (
        "a double pendulum is released at {upper_angle:.0f} and {lower_angle:.0f} degrees",
        "two rods of {upper_length:.2f} m and {lower_length:.2f} m, each with a ball, swing one "
        "from the other where gravity is {gravity:.1f} m/s2",
        "chaotic double pendulum whose lower ball weighs {mass_ratio:.2f} times the upper one",
    )
    observables: ClassVar[tuple[Observable, ...]] = (
        Observable("upper_angle", "rad", "of the upper rod against the vertical"),
        Observable("lower_angle", "rad", "of the lower rod against the vertical"),
        Observable("energy", "J", "kinetic and potential, which stays"),
        Observable("flips", "1", "how often the lower rod goes over the top"),
        Observable("divergence", "1/s", "rate at which realizations of one case part"),
    )
    checks: ClassVar[tuple[ClosedForm, ...]] = (
        ClosedForm(
            "normal_modes", "small angles: det(K - w^2 M) = 0, M and K of the linearised equations",
            1e-3, "Landau & Lifshitz, Mechanics, section 23; section 5, problem 1",
        ),
        ClosedForm(
            "energy", "kinetic and potential energy together stay", 1e-4,
            "Landau & Lifshitz, Mechanics, section 6",
        ),
        ClosedForm(
            "equations_of_motion", "Lagrange's equations, integrated a second way, before chaos",
            1e-3, "Landau & Lifshitz, Mechanics, section 5, problem 1",
        ),
    )

    upper_angle: float = parameter(
        90.0, unit="degree", training=(40.0, 120.0), physical=(-180.0, 180.0),
        meaning="angle of the upper rod against the vertical at release",
    )
    lower_angle: float = parameter(
        0.0, unit="degree", training=(-90.0, 90.0), physical=(-180.0, 180.0),
        meaning="angle of the lower rod against the vertical at release, to the same side",
    )
    upper_length: float = parameter(
        0.45, unit="m", training=(0.4, 0.5), physical=(0.32, 0.58),
        meaning="distance from the pivot to the upper ball's centre",
    )
    lower_length: float = parameter(
        0.45, unit="m", training=(0.4, 0.5), physical=(0.32, 0.58),
        meaning="distance between the two balls' centres",
    )
    mass_ratio: float = parameter(
        1.0, unit="1", training=(0.6, 1.4), physical=(0.2, 1.8),
        meaning="mass of the lower ball over that of the upper one",
    )
    gravity: float = parameter(
        9.81, unit="m/s2", training=(6.0, 12.0), physical=(2.0, 20.0),
        meaning="acceleration of gravity",
    )

    def scene(self, seed: int, case: int) -> MechanicalScene:
        """All that can be seen at t=0 of one case."""
        rng = stream(seed, case, VISIBLE, "double pendulum")
        to_the_right = 1.0 if rng.integers(2) else -1.0
        looks = object_looks(rng, 2)
        dull = prop_look(rng)
        upper_angle, lower_angle = (
            to_the_right * math.radians(angle) for angle in (self.upper_angle, self.lower_angle)
        )
        upper = Body(
            "upper",
            (
                Part(Shape.SPHERE, (UPPER_RADIUS,), looks[0], (0.0, 0.0, -self.upper_length)),
                seen_only(Shape.CAPSULE, (ROD_RADIUS, self.upper_length / 2), dull,
                          (0.0, 0.0, -self.upper_length / 2)),
            ),
            (0.0, 0.0, PIVOT_HEIGHT),
            turned(SWING, upper_angle),
            mass=UPPER_MASS,
            joint=Joint(Freedom.HINGE, SWING, position=upper_angle),
        )
        lower = Body(
            "lower",
            (
                Part(Shape.SPHERE, (UPPER_RADIUS * self.mass_ratio ** (1 / 3),), looks[1],
                     (0.0, 0.0, -self.lower_length)),
                seen_only(Shape.CAPSULE, (ROD_RADIUS, self.lower_length / 2), dull,
                          (0.0, 0.0, -self.lower_length / 2)),
            ),
            (0.0, 0.0, -self.upper_length),
            turned(SWING, lower_angle - upper_angle),
            mass=UPPER_MASS * self.mass_ratio,
            joint=Joint(Freedom.HINGE, SWING, position=lower_angle - upper_angle),
            parent="upper",
        )
        around, backdrop = surroundings(seed, case, *STAGE, behind=0.5)
        return MechanicalScene(
            (*around, bearing(PIVOT_HEIGHT, 0.3, dull), upper, lower),
            stage_cameras(*STAGE, depth=0.3, rim=0.03),
            backdrop=backdrop,
            step=STEP,
            gravity=self.gravity,
        )

    def hidden(
        self, scene: MechanicalScene, seed: int, case: int, realization: int
    ) -> MechanicalHidden:
        """How still the balls were held at release."""
        speed = np.zeros(len(scene.bodies))
        numbers = scene.numbers()
        draws = stream(seed, case, realization, "release").normal(0.0, RELEASE_SPEED, 2)
        speed[[numbers["upper"], numbers["lower"]]] = draws
        return MechanicalHidden(speed=speed)
