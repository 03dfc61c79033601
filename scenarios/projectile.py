"""Projectile motion: balls are thrown and land in sand."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

from scenarios.staging import (
    ANY,
    COLOURS,
    object_looks,
    stage_cameras,
    step_for,
    surroundings,
)
from worldsim.mechanics import Material, MechanicalHidden, MechanicalScene, Pattern, ball
from worldsim.scenario import ClosedForm, Observable, Scenario, choice, parameter
from worldsim.seeding import VISIBLE, stream

WIDTH, HEIGHT = 5.0, 3.4
"""Of the stage, m."""

START = -0.42 * WIDTH
"""Where the first ball is let go, m; mirrored where the case throws to the left."""

SAND = Material(friction=0.8, rolling=0.08, restitution=1.0)
"""Of the ground: a rolling ball comes to rest within a metre or two, and does not leave the
picture. Its restitution leaves that of an impact to the ball."""

SPEED_SCATTER = 0.005
"""Standard deviation of a throw's velocity, as a share of its speed: what a good launcher does not
repeat. A choice."""


@dataclasses.dataclass(frozen=True)
class Projectile(Scenario):
    """Up to three balls fly at once, each in a plane of its own, the first as the parameters say.

    Visible, drawn per case: whether they fly to the right or to the left, the others' angles,
    colours, surroundings. Hidden, drawn per realization: 0.5 % of the velocity in each direction
    in the plane, and the masses, which change nothing.
    """

    name: ClassVar[str] = "projectile"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "balls are thrown and land in sand"
    duration: ClassVar[float] = 2.5
    leaves_out: ClassVar[str] = (
        "Truth here is a simulation: no air, and sand is a flat floor that resists rolling."
    )
    phrasings: ClassVar[tuple[str, ...]] = (
        "a ball thrown at {speed:.1f} m/s, {angle:.0f} degrees above the horizontal",
        "projectile motion with v = {speed:.2f} m/s, angle {angle:.0f} deg, g = {gravity:.1f} m/s2",
        "{count:.0f} ball(s) launched from {height:.2f} m above the sand at {angle:.0f} degrees, "
        "gravity {gravity:.1f} m/s2",
        "something round is thrown through the air and lands",
    )
    observables: ClassVar[tuple[Observable, ...]] = (
        Observable("position", "m", "of each ball's centre in the plane of its flight"),
        Observable("apex", "m", "greatest height above the point of release"),
        Observable("range", "m", "from release to the first contact with the ground"),
        Observable("time_of_flight", "s", "from release to the first contact with the ground"),
        Observable("gravity", "m s-2", "acceleration in flight"),
    )
    checks: ClassVar[tuple[ClosedForm, ...]] = (
        ClosedForm(
            "range",
            "x = v cos(a) (v sin(a) + sqrt(v^2 sin^2(a) + 2 g h)) / g", 0.005,
            "Galilei 1638, Discorsi, day 4",
        ),
        ClosedForm("apex", "H = v^2 sin^2(a) / (2 g)", 0.002, "Galilei 1638, Discorsi, day 4"),
        ClosedForm(
            "parabola", "z = x tan(a) - g x^2 / (2 v^2 cos^2(a))", 0.002,
            "Galilei 1638, Discorsi, day 4",
        ),
        ClosedForm(
            "horizontal velocity", "constant in flight", 1e-6, "Galilei 1638, Discorsi, day 4"
        ),
    )
    size: ClassVar[tuple[int, int]] = (64, 64)
    fps: ClassVar[float] = 20.0
    film_cameras: ClassVar[tuple[str, ...]] = ("side", "corner")

    speed: float = parameter(
        4.8, unit="m/s", training=(4.0, 5.5), physical=(2.5, 6.5),
        meaning="of the first ball when it is let go; the others have the same",
    )
    angle: float = parameter(
        50.0, unit="degree", training=(35.0, 65.0), physical=(10.0, 85.0),
        meaning="of the first ball's velocity above the horizontal",
    )
    gravity: float = parameter(
        9.8, unit="m/s2", training=(8.0, 12.0), physical=(5.5, 20.0),
        meaning="acceleration of gravity",
    )
    height: float = parameter(
        0.3, unit="m", training=(0.0, 0.5), physical=(0.0, 0.8),
        meaning="of the first ball's lowest point above the ground when it is let go",
    )
    restitution: float = parameter(
        0.3, unit="1", training=(0.0, 0.5), physical=(0.0, 0.9),
        meaning="ratio of the normal speeds after and before a contact with the ground",
    )
    radius: float = parameter(
        0.3, unit="m", training=(0.26, 0.34), physical=(0.2, 0.4), meaning="of every ball"
    )
    count: float = parameter(
        1, unit="1", training=(1, 2), physical=(1, 3), meaning="number of balls", whole=True
    )
    colour: str = choice(ANY, (ANY, *COLOURS), meaning="of the first ball; any: the case's draw")

    def scene(self, seed: int, case: int) -> MechanicalScene:
        """All that can be seen at t=0 of one case."""
        number = round(self.count)
        throws = stream(seed, case, VISIBLE, "throws")
        way = 1.0 if throws.random() < 0.5 else -1.0
        angles = [self.angle, *throws.uniform(30.0, 75.0, 2)]
        heights = [self.height, *throws.uniform(0.0, 0.5, 2)]
        looks = object_looks(
            stream(seed, case, VISIBLE, "looks"), number, colour=self.colour,
            patterns=(Pattern.PLAIN, Pattern.PLAIN, Pattern.HALVES), field=self.radius / 2,
        )
        lane = 2.2 * self.radius
        still, backdrop = surroundings(
            seed, case, WIDTH, HEIGHT, behind=2 * lane + 0.4, material=SAND
        )
        balls = [
            ball(
                f"ball {n + 1}", self.radius,
                (way * START, n * lane, self.radius + float(heights[n])), looks[n],
                material=Material(friction=0.3, restitution=self.restitution),
                velocity=(
                    way * self.speed * math.cos(math.radians(float(angles[n]))), 0.0,
                    self.speed * math.sin(math.radians(float(angles[n]))),
                ),
            )
            for n in range(number)
        ]
        return MechanicalScene(
            (*balls, *still), stage_cameras(WIDTH, HEIGHT, depth=1.2), backdrop=backdrop,
            gravity=self.gravity,
            step=step_for(math.hypot(self.speed, math.sqrt(2 * self.gravity)), self.radius),
        )

    def hidden(
        self, scene: MechanicalScene, seed: int, case: int, realization: int
    ) -> MechanicalHidden:
        """Masses from a third to three times the mean; throws that scatter by 0.5 %."""
        most = len(scene.bodies)
        mass = stream(seed, case, realization, "mass").uniform(-1, 1, most)
        velocity = stream(seed, case, realization, "velocity").normal(size=(most, 3))
        return MechanicalHidden(
            mass=3.0**mass, velocity=SPEED_SCATTER * self.speed * velocity * [1.0, 0.0, 1.0]
        )
