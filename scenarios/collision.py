"""Collision of two: balls or discs meet on an air table."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from scenarios.staging import (
    ANY,
    COLOURS,
    PROP_COLOURS,
    object_looks,
    overhead_camera,
    stage_cameras,
    step_for,
    surroundings,
)
from worldsim.mechanics import (
    Body,
    Freedom,
    Joint,
    Look,
    Material,
    MechanicalHidden,
    MechanicalScene,
    Part,
    Pattern,
    Role,
    Shape,
    ball,
)
from worldsim.scenario import ClosedForm, Observable, Scenario, choice, parameter
from worldsim.seeding import VISIBLE, stream

SIDE = 4.0
"""Of the square of the table that the overhead view shows, m."""

AIR_TABLE = Material(friction=0.0, restitution=0.0)
"""Nothing slows or turns what slides on it. Since it bears all weight the scene has no gravity."""

START = -1.3
"""Where the first one starts, m along the line on which it moves."""

MASS = 1.0
"""kg of the first one; nothing but the ratio of the two matters."""

DISC, FLOATS = 0.08, 0.002
"""Half height of a disc, and how high the air lifts it or a ball, m."""

CARRIAGE = 1e-6
"""Mass of what a disc hangs on, as a share of the disc's."""


@dataclasses.dataclass(frozen=True)
class Collision(Scenario):
    """One ball or disc slides into another, on the right of it, that stands or comes towards it.

    Surfaces are smooth: the impulse is along the line of centres, and nothing spins. Visible, drawn
    per case: radii (of discs; balls are equal), where along the table it happens, colours,
    surroundings. Hidden, drawn per realization: 0.2 % of the speed in each direction, as a launcher
    by hand or spring does not repeat better.
    """

    name: ClassVar[str] = "collision"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "two bodies collide on an air table"
    duration: ClassVar[float] = 2.0
    leaves_out: ClassVar[str] = (
        "Truth here is a simulation: no friction between the bodies or with the table, no air, a "
        "restitution that does not depend on the speed of the impact."
    )
    phrasings: ClassVar[tuple[str, ...]] = (
        "{shape} collide on an air table: one at {speed:.1f} m/s, the other {mass_ratio:.2f} times "
        "as heavy",
        "a collision with impact parameter {impact_parameter:.2f}, mass ratio {mass_ratio:.2f} and "
        "restitution {restitution:.2f}",
        "seen from above, two {shape} slide without friction and hit each other",
        "two smooth {shape}, closing at {speed:.2f} + {target_speed:.2f} m/s, e = "
        "{restitution:.2f}",
    )
    observables: ClassVar[tuple[Observable, ...]] = (
        Observable("position", "m", "of both centres on the table"),
        Observable("velocity", "m s-1", "before and after the collision"),
        Observable("collision_time", "s", "of the first contact"),
        Observable("momentum", "kg m s-1", "of both together"),
        Observable("kinetic_energy", "J", "of both together"),
        Observable("angle", "degree", "between the two velocities after the collision"),
    )
    checks: ClassVar[tuple[ClosedForm, ...]] = (
        ClosedForm("momentum", "m1 v1 + m2 v2 is constant", 1e-6, "Wallis, Wren, Huygens 1668-69"),
        ClosedForm(
            "velocities",
            "dv1 = -(1 + e) m2 / (m1 + m2) (u.n) n, u the approach, n the line of centres", 0.01,
            "Landau & Lifshitz, Mechanics, par. 17; Newton's restitution along n only",
        ),
        ClosedForm(
            "energy loss", "dE = -(1 - e^2) m1 m2 / (m1 + m2) (u.n)^2 / 2", 0.01,
            "Routh 1905, Dynamics of a System of Rigid Bodies, vol. 1",
        ),
        ClosedForm(
            "right angle", "equal masses, e = 1, target at rest: 90 degree between them", 0.01,
            "Huygens 1703, De motu corporum ex percussione",
        ),
        ClosedForm(
            "collision time", "when the distance of the centres is the sum of the radii", 0.002,
            "kinematics",
        ),
    )
    size: ClassVar[tuple[int, int]] = (64, 64)
    fps: ClassVar[float] = 20.0
    film_cameras: ClassVar[tuple[str, ...]] = ("overhead", "corner")

    speed: float = parameter(
        2.0, unit="m/s", training=(1.5, 2.5), physical=(0.8, 3.5),
        meaning="of the first one before the collision",
    )
    target_speed: float = parameter(
        0.0, unit="m/s", training=(0.0, 0.8), physical=(0.0, 1.6),
        meaning="of the second one before the collision, towards the first",
    )
    mass_ratio: float = parameter(
        1.0, unit="1", training=(0.5, 2.0), physical=(0.1, 4.0),
        meaning="mass of the second one over that of the first",
    )
    restitution: float = parameter(
        0.9, unit="1", training=(0.4, 1.0), physical=(0.0, 1.0),
        meaning="ratio of the normal speeds after and before the collision",
    )
    impact_parameter: float = parameter(
        0.3, unit="1", training=(-0.6, 0.6), physical=(-1.2, 1.2),
        meaning="distance of the two lines of motion over the sum of the radii; 0 is head-on, "
        "beyond 1 they miss",
    )
    shape: str = choice("balls", ("balls", "discs"), meaning="what collides")
    colour: str = choice(ANY, (ANY, *COLOURS), meaning="of the first one; any: the case's draw")

    def scene(self, seed: int, case: int) -> MechanicalScene:
        """All that can be seen at t=0 of one case."""
        places = stream(seed, case, VISIBLE, "places")
        shift, lateral = places.uniform(-0.15, 0.15, 2)
        radii = stream(seed, case, VISIBLE, "radii").uniform(0.19, 0.28, 2)
        if self.shape == "balls":  # unequal ones would push each other off or into the table
            radii[1] = radii[0]
        looks = object_looks(
            stream(seed, case, VISIBLE, "looks"), 2, colour=self.colour,
            patterns=(Pattern.PLAIN, Pattern.PLAIN, Pattern.HALVES), field=0.1,
        )
        offset = self.impact_parameter * float(radii.sum())
        # The second one stands further away the faster it comes, so that they meet near the middle.
        apart = min(1.4 * (1 + self.target_speed / self.speed), 2.8)
        material = Material(friction=0.0, restitution=self.restitution)
        x = START + shift
        bodies = (
            *slider(
                "first", self.shape, float(radii[0]), (x, lateral + offset / 2), self.speed,
                looks[0], MASS, material,
            ),
            *slider(
                "second", self.shape, float(radii[1]), (x + apart, lateral - offset / 2),
                -self.target_speed, looks[1], MASS * self.mass_ratio, material,
            ),
        )
        still, backdrop = surroundings(
            seed, case, SIDE, SIDE / 2, behind=SIDE / 2, material=AIR_TABLE
        )
        cameras = {
            "overhead": overhead_camera(SIDE),
            **stage_cameras(0.85 * SIDE, SIDE / 8, depth=0.6 * SIDE, rim=0.03, elevation=35.0),
        }
        # The line of centres turns while one goes on into the other: a sixth of the usual way.
        step = step_for(self.speed + self.target_speed, float(radii.min()) / 6)
        return MechanicalScene(
            (*bodies, *still), cameras, backdrop=backdrop, gravity=0.0, step=step
        )

    def hidden(
        self, scene: MechanicalScene, seed: int, case: int, realization: int
    ) -> MechanicalHidden:
        """Velocities that scatter by 0.2 % of the first one's speed."""
        scatter = stream(seed, case, realization, "velocity").normal(size=(2, 2))
        names = ("first", "second")
        return MechanicalHidden(**pushed(scene, names, 0.002 * self.speed * scatter))


def slider(
    name: str, shape: str, radius: float, place: tuple[float, float], speed: float, look: Look,
    mass: float, material: Material,
) -> tuple[Body, ...]:
    """A ball that slides on the table, or a disc that floats over it, with `speed` [m/s] along x.

    The air keeps a disc level: it hangs on a carriage, and both only slide. (Two upright cylinders
    touch along a line; the one point of it that a collision is worked out at would tilt them.)
    """
    if shape == "balls":
        centre = (*place, radius + FLOATS)
        return (
            ball(
                name, radius, centre, look, mass=mass, material=material,
                velocity=(speed, 0.0, 0.0),
            ),
        )
    unseen = Look(PROP_COLOURS[0])
    inside = Part(Shape.SPHERE, (DISC / 4,), unseen, collides=False, tracked=False)
    along, across = (
        Joint(Freedom.SLIDE, axis, speed=own)
        for axis, own in (((1.0, 0.0, 0.0), speed), ((0.0, 1.0, 0.0), 0.0))
    )
    carriage = Body(
        f"carriage of {name}", (inside,), (*place, DISC + FLOATS), mass=CARRIAGE * mass,
        joint=along, role=Role.DISTRACTOR,
    )
    disc = Part(Shape.CYLINDER, (radius, DISC), look)
    return carriage, Body(
        name, (disc,), mass=mass, material=material, joint=across, parent=carriage.name
    )


def pushed(
    scene: MechanicalScene, names: Sequence[str], velocities: np.ndarray
) -> dict[str, np.ndarray]:
    """What `MechanicalHidden` has to hold for `slider`s to move by (names, 2) m/s faster."""
    numbers = scene.numbers()
    velocity, speed = np.zeros((len(numbers), 3)), np.zeros(len(numbers))
    for name, more in zip(names, velocities, strict=True):
        carriage = numbers.get(f"carriage of {name}")
        if carriage is None:
            velocity[numbers[name], :2] = more
        else:
            speed[[carriage, numbers[name]]] = more
    return {"velocity": velocity, "speed": speed}
