"""A bob on a rod swings: as far as it is pulled aside, to amplitudes at which the period grows."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

from scenarios.staging import object_looks, prop_look, stage_cameras, surroundings
from scenarios.stands import ALONG_Y, STEP, SWING, bearing, seen_only, turned
from worldsim.mechanics import (
    Body,
    Freedom,
    Joint,
    MechanicalHidden,
    MechanicalScene,
    Part,
    Pattern,
    Shape,
)
from worldsim.scenario import ClosedForm, Observable, Scenario, choice, parameter
from worldsim.seeding import VISIBLE, stream

STAGE = (2.8, 2.85)
"""m, width and height: the longest pendulum in any position."""
PIVOT_HEIGHT = 1.45
ROD_RADIUS = 0.02
BOB_RADIUS = (0.165, 0.2)
"""m; a cube's half size is 0.85 of it."""


@dataclasses.dataclass(frozen=True)
class Pendulum(Scenario):
    """A bob on a rod without mass, released at rest.

    Visible and drawn per case: the bob's size and paint, to which side it is pulled, the stand,
    the surroundings. Hidden: nothing; all realizations are alike.
    """

    name: ClassVar[str] = "pendulum"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "a pendulum swings"
    duration: ClassVar[float] = 4.0
    size: ClassVar[tuple[int, int]] = (64, 64)
    fps: ClassVar[float] = 20.0
    film_cameras: ClassVar[tuple[str, ...]] = ("side", "corner")
    leaves_out: ClassVar[str] = (
        "The rod is rigid and without mass, the pivot without play, and nothing resists but a "
        "torque in proportion to the angular velocity."
    )
    phrasings: ClassVar[tuple[str, ...]] = (
        "a {length:.2f} m long pendulum is released at {amplitude:.0f} degrees",
        "a {bob} on a rod of {length:.2f} m swings from {amplitude:.0f} degrees where gravity is "
        "{gravity:.1f} m/s2",
        "pendulum, pulled {amplitude:.0f} degrees aside and let go, {length:.2f} m from pivot to "
        "bob, losing {damping:.2f} of its amplitude per second",
    )
    observables: ClassVar[tuple[Observable, ...]] = (
        Observable("angle", "rad", "of the rod against the vertical, positive to the right"),
        Observable("period", "s", "between passages through the lowest point in one direction"),
        Observable("amplitude", "rad", "greatest angle of each swing"),
        Observable("energy", "J", "kinetic and potential"),
    )
    checks: ClassVar[tuple[ClosedForm, ...]] = (
        ClosedForm(
            "period", "T = 4 sqrt(l/g) K(sin(a/2)), l = L + i^2 / L the reduced length, i the "
            "bob's radius of gyration (sqrt 2/5 of a ball's radius, sqrt 1/2 of a disc's)",
            1e-4, "Landau & Lifshitz, Mechanics, section 11, problem 1 (period); 32 (length)",
        ),
        ClosedForm(
            "damping", "small angles: a(t) = a(0) exp(-d t), angular frequency sqrt(g/l - d^2)",
            1e-3, "Landau & Lifshitz, Mechanics, section 25",
        ),
        ClosedForm(
            "energy", "without damping (l/2) w^2 + g (1 - cos angle) stays g (1 - cos a)",
            1e-4, "Landau & Lifshitz, Mechanics, section 6",
        ),
        ClosedForm(
            "mass", "the motion does not depend on the bob's mass", 1e-6,
            "Newton, Principia, book III, proposition 6",
        ),
    )

    length: float = parameter(
        0.8, unit="m", training=(0.6, 1.0), physical=(0.4, 1.2),
        meaning="distance from the pivot to the bob's centre",
    )
    amplitude: float = parameter(
        45.0, unit="degree", training=(10.0, 110.0), physical=(1.0, 170.0),
        meaning="angle against the vertical at which the bob is released at rest",
    )
    gravity: float = parameter(
        9.81, unit="m/s2", training=(6.0, 12.0), physical=(1.0, 25.0),
        meaning="acceleration of gravity",
    )
    damping: float = parameter(
        0.0, unit="1/s", training=(0.0, 0.4), physical=(0.0, 2.0),
        meaning="rate at which a small amplitude decays",
    )
    bob_mass: float = parameter(
        1.0, unit="kg", training=(0.6, 1.4), physical=(0.05, 10.0),
        meaning="mass of the bob, which changes nothing", seen=False,
    )
    bob: str = choice("ball", ("ball", "disc", "cube"), meaning="shape of the bob")

    def scene(self, seed: int, case: int) -> MechanicalScene:
        """All that can be seen at t=0 of one case."""
        rng = stream(seed, case, VISIBLE, "pendulum")
        radius = float(rng.uniform(*BOB_RADIUS))
        to_the_right = 1.0 if rng.integers(2) else -1.0
        angle = to_the_right * math.radians(self.amplitude)
        (look,) = object_looks(
            rng, 1, patterns=(Pattern.PLAIN, Pattern.HALVES, Pattern.STRIPES), field=radius / 2
        )
        dull = prop_look(rng)
        solid, gyration = _bob(self.bob, radius)
        inertia = self.bob_mass * (self.length**2 + gyration**2)
        pendulum = Body(
            "pendulum",
            (
                dataclasses.replace(solid, look=look, position=(0.0, 0.0, -self.length)),
                seen_only(Shape.CAPSULE, (ROD_RADIUS, self.length / 2), dull,
                          (0.0, 0.0, -self.length / 2)),
            ),
            (0.0, 0.0, PIVOT_HEIGHT),
            turned(SWING, angle),
            mass=self.bob_mass,
            joint=Joint(
                Freedom.HINGE, SWING, position=angle, damping=2 * self.damping * inertia
            ),
        )
        around, backdrop = surroundings(seed, case, *STAGE, behind=0.5)
        return MechanicalScene(
            (*around, bearing(PIVOT_HEIGHT, 0.3, dull), pendulum),
            stage_cameras(*STAGE, depth=0.3, rim=0.03),
            backdrop=backdrop,
            step=STEP,
            gravity=self.gravity,
        )

    def hidden(
        self, scene: MechanicalScene, seed: int, case: int, realization: int
    ) -> MechanicalHidden:
        """Nothing is hidden."""
        return MechanicalHidden()


def _bob(name: str, radius: float) -> tuple[Part, float]:
    """The solid, and its radius of gyration [m] about the line of sight of the side view."""
    if name == "ball":
        return Part(Shape.SPHERE, (radius,)), math.sqrt(0.4) * radius
    if name == "disc":
        size = (radius, 0.4 * radius)
        return Part(Shape.CYLINDER, size, quaternion=ALONG_Y), math.sqrt(0.5) * radius
    half = 0.85 * radius
    return Part(Shape.BOX, (half, half, half)), math.sqrt(2 / 3) * half
