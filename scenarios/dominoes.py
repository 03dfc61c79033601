"""A row of dominoes, the first of which a ball pushes over."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from scenarios.staging import object_looks, prop_look, stage_cameras, surroundings
from scenarios.striker import Striker
from worldsim.mechanics import (
    Body,
    Material,
    MechanicalHidden,
    MechanicalScene,
    Pattern,
    block,
)
from worldsim.scenario import ClosedForm, Observable, Scenario, parameter
from worldsim.seeding import VISIBLE, stream

WIDTH, HEIGHT = 5.2, 1.8
"""m: of the stage; the longest row of the training ranges lies in it when it has fallen."""
BALL_RADIUS, BALL_HEIGHT, BALL_MASS = 0.2, 0.7, 0.7
"""Of the ball and of where it strikes, as shares of a domino's height; of a domino's mass."""


@dataclasses.dataclass(frozen=True)
class Dominoes(Scenario):
    """A ball rolls along a shelf against the first of a row of equal dominoes of 1 kg.

    Visible, varying with the case: the dominoes' thickness and depth, small errors of placing,
    colours, which way the row runs, surroundings. Hidden, varying with the realization: masses
    (3%) and the common friction (5%).
    """

    name: ClassVar[str] = "dominoes"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "a row of dominoes is pushed over"
    duration: ClassVar[float] = 3.0
    size: ClassVar[tuple[int, int]] = (64, 64)
    fps: ClassVar[float] = 20.0
    film_cameras: ClassVar[tuple[str, ...]] = ("side", "corner")
    leaves_out: ClassVar[str] = (
        "Dominoes are rigid boxes with sharp edges, one friction coefficient holds for all "
        "surfaces, and there is no air."
    )
    phrasings: ClassVar[tuple[str, ...]] = (
        "a ball at {push:.2g} m/s knocks over a row of {count:.0f} dominoes, {height:.2g} m high",
        "{count:.0f} dominoes stand {spacing:.2g} m apart; a ball rolls off a shelf against the "
        "first of them",
        "a domino run: {count:.0f} blocks of {height:.2g} m in a row, gaps of {spacing:.2g} m, "
        "gravity {gravity:.3g} m/s2",
        "the first domino is struck and falls against the next; friction {friction:.2g}",
    )
    observables: ClassVar[tuple[Observable, ...]] = (
        Observable("fallen", "1", "number of dominoes that leaned more than 45 degrees"),
        Observable("fall_time", "s", "when each domino's lean first passes 45 degrees"),
        Observable("wave_speed", "m/s", "distance from one domino to the next over the time "
                   "between their falls"),
        Observable("strike_time", "s", "when the ball meets the first domino"),
    )
    checks: ClassVar[tuple[ClosedForm, ...]] = (
        ClosedForm("order", "domino n falls before domino n+1", 0.0, "they fall by contact"),
        ClosedForm("strike", "t = runway / push", 0.02, "uniform motion of a rolling ball"),
        ClosedForm(
            "toppling", "(h2+t2)/3 a'' = g/2 sqrt(h2+t2) sin(a - atan(t/h))", 0.02,
            "a rigid box about its lower edge; Stronge & Shu 1988, Proc. R. Soc. A 418, 155",
        ),
        ClosedForm(
            "gravity", "times scale with 1/sqrt(g) where push scales with sqrt(g)", 0.03,
            "dimensional analysis; wave speed ~ sqrt(g h): Stronge 1987, Proc. R. Soc. A 409, 199",
        ),
        ClosedForm(
            "reach", "nothing beyond the first falls where spacing > height", 0.0,
            "a falling box reaches its height beyond its lower edge",
        ),
        ClosedForm(
            "threshold", "w > sqrt(3 g (sqrt(h2+t2) - h) / (h2+t2)) for the first to fall", 0.15,
            "energy of a rocking block; Housner 1963, Bull. Seism. Soc. Am. 53, 403",
        ),
    )

    count: float = parameter(
        5, unit="1", training=(4, 6), physical=(2, 8), whole=True, meaning="number of dominoes",
    )
    spacing: float = parameter(
        0.3, unit="m", training=(0.2, 0.4), physical=(0.08, 1.6),
        meaning="clear gap between neighbouring dominoes",
    )
    height: float = parameter(
        1.0, unit="m", training=(0.9, 1.2), physical=(0.7, 1.4), meaning="height of a domino",
    )
    friction: float = parameter(
        0.5, unit="1", training=(0.3, 0.7), physical=(0.05, 1.2),
        meaning="friction coefficient of all surfaces",
    )
    push: float = parameter(
        2.8, unit="m/s", training=(2.2, 3.6), physical=(0.3, 6.0),
        meaning="speed of the ball that strikes the first domino",
    )
    gravity: float = parameter(
        9.81, unit="m/s2", training=(7.0, 12.0), physical=(1.6, 25.0),
        meaning="acceleration of free fall",
    )

    def scene(self, seed: int, case: int) -> MechanicalScene:
        """All that can be seen at t=0 of one case."""
        shape = stream(seed, case, VISIBLE, "dominoes")
        paint = stream(seed, case, VISIBLE, "colours")
        count = int(self.count)
        facing = 1.0 if shape.random() < 0.5 else -1.0
        thickness = float(shape.uniform(0.2, 0.25)) * self.height
        depth = float(shape.uniform(0.4, 0.6)) * self.height
        radius = BALL_RADIUS * self.height
        runway = 0.3 + float(shape.uniform(0.0, 0.15))
        errors = shape.normal(0.0, 0.02, 10)[:count].clip(-0.05, 0.05) * self.spacing
        pitch = self.spacing + thickness

        # From the ball's far side to the tip of the last domino when it has fallen.
        before = 2 * radius + runway
        length = before + thickness + (count - 1) * pitch + self.height
        left = -length / 2 + before  # the first domino's near face, for a row to the right
        material = Material(friction=self.friction, restitution=0.1)
        looks = object_looks(
            paint, count + 1, alike=False, patterns=(Pattern.PLAIN, Pattern.STRIPES),
            field=self.height / 2,
        )
        around, backdrop = surroundings(
            seed, case, WIDTH, HEIGHT, behind=1.5 * self.height,
            material=Material(friction=self.friction),
        )
        bodies: list[Body] = []
        striker = Striker(
            facing * (left + float(errors[0])), BALL_HEIGHT * self.height, radius, BALL_MASS,
            self.push, runway, 0.75 * radius, facing,
        )
        bodies += striker.bodies(
            dataclasses.replace(looks[count], pattern=Pattern.HALVES), prop_look(paint), material
        )
        for number in range(count):
            x = left + thickness / 2 + number * pitch + float(errors[number])
            bodies.append(
                block(
                    f"domino {number + 1}", (thickness / 2, depth / 2, self.height / 2),
                    (facing * x, 0.0, self.height / 2), looks[number], material=material,
                )
            )
        return MechanicalScene(
            (*around, *bodies), stage_cameras(WIDTH, HEIGHT, depth=0.5),
            backdrop=backdrop, gravity=self.gravity, step=1 / 240, many_contacts=True,
        )

    def hidden(
        self, scene: MechanicalScene, seed: int, case: int, realization: int
    ) -> MechanicalHidden:
        """Masses and friction, which vary from take to take of a real experiment."""
        rng = stream(seed, case, realization, "dominoes")
        friction = float(rng.lognormal(0.0, 0.05))
        mass = rng.lognormal(0.0, 0.03, len(scene.bodies))
        return MechanicalHidden(mass=mass, friction=np.full(len(mass), friction))
