"""Two weights on a plank over a fulcrum: it tips to the side of the greater torque."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import numpy as np

from scenarios.staging import object_looks, prop_look, stage_cameras, surroundings
from scenarios.stands import seen_only, turned
from worldsim.mechanics import (
    STATES_PER_SECOND,
    Body,
    Freedom,
    Joint,
    Look,
    Material,
    MechanicalHidden,
    MechanicalScene,
    Part,
    Shape,
    fixture,
)
from worldsim.scenario import ClosedForm, Observable, Scenario, choice, parameter
from worldsim.seeding import VISIBLE, stream

STAGE = (2.5, 1.1)
"""m, width and height."""
PIVOT_HEIGHT = 0.4
PLANK_LENGTH, PLANK_THICKNESS = 1.2, 0.04
"""m, half sizes; weights reach 0.19 m to each side of where they are put."""
PLANK_WIDTH = 0.06
"""m per kg, half size: of a light wood, 43 kg/m3."""
WEIGHT_HALF_SIZE, WEIGHT_MASS = 0.13, 3.0
"""m of a cube of that many kg; others are of the same stuff."""
TOUCH = 1e-8
"""m that weights begin inside the plank, so that rounding cannot leave them above it."""
GRIP = Material(friction=0.8)
"""More than the slope of a plank whose end is on the floor, 0.35."""
WEIGHING_ERROR = 0.01
"""Standard deviation of the logarithm of a weight's mass about what it is said to be."""


@dataclasses.dataclass(frozen=True)
class Seesaw(Scenario):
    """Two weights stand on a level plank that is let go.

    They are not fixed: friction holds them on the plank, and what rises flies on when the other end
    hits the floor.

    Visible and drawn per case: paint, the surroundings; a weight's size shows its mass, the plank's
    width its own. Hidden and drawn per realization: masses differ by about 1% from what is
    said, which decides to which side a balanced plank tips.
    """

    name: ClassVar[str] = "seesaw"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "a see-saw with two weights is let go"
    duration: ClassVar[float] = 2.0
    size: ClassVar[tuple[int, int]] = (64, 64)
    fps: ClassVar[float] = 20.0
    film_cameras: ClassVar[tuple[str, ...]] = ("side", "corner")
    leaves_out: ClassVar[str] = (
        "The plank is rigid, its bearing without friction or play; nothing rebounds from the floor."
    )
    phrasings: ClassVar[tuple[str, ...]] = (
        "a see-saw with {left_mass:.1f} kg at {left_arm:.2f} m on the left and {right_mass:.1f} kg "
        "at {right_arm:.2f} m on the right",
        "two weights on a plank: {left_mass:.1f} kg against {right_mass:.1f} kg",
        "a level plank with a {weights} on each side, {left_arm:.2f} m left and {right_arm:.2f} m "
        "right of its pivot, is let go",
    )
    observables: ClassVar[tuple[Observable, ...]] = (
        Observable("angle", "rad", "of the plank against the level; positive: the right sinks"),
        Observable("side", "1", "which end touches the floor: -1 left, 1 right, 0 neither"),
        Observable("touchdown", "s", "when it does"),
        Observable("acceleration", "rad/s2", "of the plank's angle at release"),
    )
    checks: ClassVar[tuple[ClosedForm, ...]] = (
        ClosedForm(
            "acceleration",
            "at release g (m2 x2 - m1 x1) / (I + sum of m x^2 + m z^2 + own inertia)",
            5e-3, "Landau & Lifshitz, Mechanics, section 34 (moments), 32 (parallel axes)",
        ),
        ClosedForm(
            "side", "tips to the side of the greater m x", 0.0,
            "Archimedes, On the equilibrium of planes, book I, propositions 6 and 7",
        ),
        ClosedForm(
            "balance", "m1 x1 = m2 x2: stays level", 0.0,
            "Archimedes, On the equilibrium of planes, book I, propositions 6 and 7",
        ),
    )

    left_mass: float = parameter(
        3.0, unit="kg", training=(2.0, 4.0), physical=(1.0, 6.0), meaning="mass of the left weight"
    )
    right_mass: float = parameter(
        3.0, unit="kg", training=(2.0, 4.0), physical=(1.0, 6.0), meaning="mass of the right weight"
    )
    left_arm: float = parameter(
        0.5, unit="m", training=(0.4, 0.8), physical=(0.2, 1.0),
        meaning="distance of the left weight from the pivot",
    )
    right_arm: float = parameter(
        0.7, unit="m", training=(0.4, 0.8), physical=(0.2, 1.0),
        meaning="distance of the right weight from the pivot",
    )
    plank_mass: float = parameter(
        3.0, unit="kg", training=(2.0, 4.0), physical=(1.0, 6.0), meaning="mass of the plank"
    )
    gravity: float = parameter(
        9.81, unit="m/s2", training=(6.0, 12.0), physical=(1.0, 25.0),
        meaning="acceleration of gravity",
    )
    weights: str = choice("box", ("box", "cylinder"), meaning="shape of the weights")

    def scene(self, seed: int, case: int) -> MechanicalScene:
        """All that can be seen at t=0 of one case."""
        rng = stream(seed, case, VISIBLE, "seesaw")
        looks = object_looks(rng, 2)
        dull = prop_look(rng)
        plank_size = (PLANK_LENGTH, PLANK_WIDTH * self.plank_mass, PLANK_THICKNESS)
        plank = Body(
            "plank",
            (Part(Shape.BOX, plank_size, Look((132, 122, 108)), tracked=False),),
            (0.0, 0.0, PIVOT_HEIGHT),
            mass=self.plank_mass,
            material=GRIP,
            joint=Joint(Freedom.HINGE, (0.0, 1.0, 0.0)),
        )
        placed = (
            ("left", self.left_mass, -self.left_arm), ("right", self.right_mass, self.right_arm)
        )
        weights = [
            self._weight(name, mass, x, look)
            for (name, mass, x), look in zip(placed, looks, strict=True)
        ]
        around, backdrop = surroundings(
            seed, case, *STAGE, behind=0.5, material=Material(friction=0.8, restitution=0.0)
        )
        return MechanicalScene(
            (*around, _fulcrum(dull), plank, *weights),
            stage_cameras(*STAGE, depth=0.4),
            backdrop=backdrop,
            step=self._step(),
            gravity=self.gravity,
        )

    def hidden(
        self, scene: MechanicalScene, seed: int, case: int, realization: int
    ) -> MechanicalHidden:
        """By how much the weights' masses are not what they are said to be."""
        mass = np.ones(len(scene.bodies))
        numbers = scene.numbers()
        draws = stream(seed, case, realization, "weighing").normal(0.0, WEIGHING_ERROR, 2)
        mass[[numbers["left"], numbers["right"]]] = np.exp(draws)
        return MechanicalHidden(mass=mass)

    def _step(self) -> float:
        """s; 1/480 where the plank's end meets the floor at up to 2.4 m/s, and shorter in inverse
        proportion where faster: it sinks by an eighth of the plank's half thickness per step."""
        moment = self.right_mass * self.right_arm - self.left_mass * self.left_arm
        inertia = (
            self.plank_mass * PLANK_LENGTH**2 / 3
            + self.left_mass * self.left_arm**2 + self.right_mass * self.right_arm**2
        )
        work = self.gravity * abs(moment) * math.asin(PIVOT_HEIGHT / PLANK_LENGTH)
        speed = PLANK_LENGTH * math.sqrt(2 * work / inertia)
        parts = max(4, math.ceil(speed / (PLANK_THICKNESS / 8 * STATES_PER_SECOND)))
        return 1 / (STATES_PER_SECOND * parts)

    def _weight(self, name: str, mass: float, x: float, look: Look) -> Body:
        half = WEIGHT_HALF_SIZE * (mass / WEIGHT_MASS) ** (1 / 3)
        z = PIVOT_HEIGHT + PLANK_THICKNESS + half - TOUCH
        part = (
            Part(Shape.BOX, (half, half, half), look) if self.weights == "box"
            else Part(Shape.CYLINDER, (half * math.sqrt(4 / math.pi), half), look)
        )
        return Body(name, (part,), (x, 0.0, z), mass=mass, material=GRIP)


def _fulcrum(look: Look) -> Body:
    """A wedge, half of a square prism, with its edge under the plank's middle."""
    half = (PIVOT_HEIGHT - PLANK_THICKNESS) / math.sqrt(2)
    wedge = seen_only(
        Shape.BOX, (half, 0.15, half), look, (0.0, 0.0, 0.0),
        turned((0.0, 1.0, 0.0), math.pi / 4),
    )
    return fixture("fulcrum", [wedge])
