"""Elastic balls in a box: they never come to rest."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import numpy as np

from scenarios.places import scatter
from scenarios.staging import (
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
    Shape,
    ball,
    fixture,
)
from worldsim.scenario import ClosedForm, Observable, Scenario, choice, parameter
from worldsim.seeding import VISIBLE, stream

INSIDE = 2.0
"""Width and height of the inside of the box, m."""

WALL = 0.16
"""Thickness of its walls, m."""

ELASTIC = Material(friction=0.0, restitution=1.0)

DENSITY = 60.0
"""kg/m3, of all balls alike, so that the larger are the heavier: light plastic. Only the ratio of
masses matters."""

MOST = 12
"""Balls in the most crowded box."""

SPREAD = 0.15
"""By which mixed balls are smaller or larger than the mean, as a share of it."""


@dataclasses.dataclass(frozen=True)
class BallsInBox(Scenario):
    """Balls move in a plane inside a flat box that is open to the viewer; no energy is ever lost.

    Visible, drawn per case: places, directions, sizes if they are mixed, colours, surroundings.
    Hidden, drawn per realization: 0.1 % of the velocities. With more than one ball the motion is
    chaotic, so that this decides where they are after some collisions.
    """

    name: ClassVar[str] = "balls_in_box"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "elastic balls bounce in a box for ever"
    duration: ClassVar[float] = 4.0
    leaves_out: ClassVar[str] = (
        "Truth here is a simulation: no friction, no air, nothing lost in a collision, balls that "
        "stay in a plane."
    )
    phrasings: ClassVar[tuple[str, ...]] = (
        "{count:.0f} perfectly elastic ball(s) bounce in a closed box at {speed:.1f} m/s",
        "a two-dimensional gas of {count:.0f} ball(s) of radius {radius:.2f} m, gravity "
        "{gravity:.1f} m/s2",
        "balls of {sizes} size ricochet between four walls and never come to rest",
        "elastic billiard in a vertical box, {count:.0f} ball(s), v = {speed:.2f} m/s, g = "
        "{gravity:.2f} m/s2",
    )
    observables: ClassVar[tuple[Observable, ...]] = (
        Observable("position", "m", "of every centre in the plane"),
        Observable("speed", "m s-1", "of every ball, and its distribution"),
        Observable("energy", "J", "kinetic and potential, of all together"),
        Observable("collisions", "s-1", "per second, between balls and with walls"),
        Observable("count", "1", "of balls"),
    )
    checks: ClassVar[tuple[ClosedForm, ...]] = (
        ClosedForm("energy", "kinetic + potential is constant", 0.01, "Huygens 1703"),
        ClosedForm(
            "lone ball", "crosses the box in (L - 2 r) / v, for ever, in x and in z", 0.005,
            "method of images",
        ),
        ClosedForm(
            "bouncing ball", "with gravity, it rises to its first height again and again", 0.01,
            "conservation of energy",
        ),
        ClosedForm(
            "pressure", "mean force on a wall = m v_x^2 / (L - 2 r), one ball", 0.01,
            "Bernoulli 1738, Hydrodynamica, section 10",
        ),
    )
    size: ClassVar[tuple[int, int]] = (64, 64)
    fps: ClassVar[float] = 20.0
    film_cameras: ClassVar[tuple[str, ...]] = ("side", "corner")

    count: float = parameter(
        5, unit="1", training=(3, 7), physical=(1, MOST), meaning="number of balls", whole=True
    )
    speed: float = parameter(
        1.2, unit="m/s", training=(0.8, 1.8), physical=(0.3, 2.5), meaning="of every ball at t=0"
    )
    gravity: float = parameter(
        0.0, unit="m/s2", training=(0.0, 6.0), physical=(0.0, 12.0),
        meaning="acceleration of gravity; 0 for none",
    )
    radius: float = parameter(
        0.15, unit="m", training=(0.12, 0.17), physical=(0.1, 0.2), meaning="mean, of the balls"
    )
    sizes: str = choice("equal", ("equal", "mixed"), meaning="whether all have one radius")
    looks: str = choice(
        "distinct", ("distinct", "alike"), meaning="whether each has its own colour, or all one"
    )

    def scene(self, seed: int, case: int) -> MechanicalScene:
        """All that can be seen at t=0 of one case."""
        number = round(self.count)
        share = stream(seed, case, VISIBLE, "radii").uniform(1 - SPREAD, 1 + SPREAD, MOST)
        radii = self.radius * (share if self.sizes == "mixed" else np.ones(MOST))[:number]
        middle = WALL + INSIDE / 2
        half = INSIDE / 2
        places = scatter(
            stream(seed, case, VISIBLE, "places"), radii, (-half, middle - half),
            (half, middle + half), gap=0.01,
        )
        headings = stream(seed, case, VISIBLE, "headings").uniform(0, 2 * math.pi, MOST)
        looks = object_looks(
            stream(seed, case, VISIBLE, "looks"), number, alike=self.looks == "alike"
        )
        balls = [
            ball(
                f"ball {n + 1}", float(radii[n]), (float(places[n, 0]), 0.0, float(places[n, 1])),
                looks[n], mass=DENSITY * 4 / 3 * math.pi * float(radii[n]) ** 3, material=ELASTIC,
                velocity=(
                    self.speed * math.cos(headings[n]), 0.0, self.speed * math.sin(headings[n])
                ),
            )
            for n in range(number)
        ]
        deep = 1.2 * (1 + SPREAD) * self.radius
        still, backdrop = surroundings(
            seed, case, INSIDE, INSIDE, behind=deep + 0.3, material=ELASTIC
        )
        frame = _box(prop_look(stream(seed, case, VISIBLE, "box")), deep, middle)
        cameras = stage_cameras(INSIDE + 2 * WALL, INSIDE + 2 * WALL, depth=0.5)
        # What falls from ceiling to floor; a lighter ball may for moments be faster.
        fastest = math.hypot(1.5 * self.speed, math.sqrt(2 * self.gravity * INSIDE))
        return MechanicalScene(
            (*balls, frame, *still), cameras, backdrop=backdrop, gravity=self.gravity,
            step=step_for(fastest, float(radii.min())),
        )

    def hidden(
        self, scene: MechanicalScene, seed: int, case: int, realization: int
    ) -> MechanicalHidden:
        """Velocities in the plane that scatter by 0.1 % of the speed."""
        scatter_m_s = stream(seed, case, realization, "velocity").normal(
            size=(len(scene.bodies), 3)
        )
        return MechanicalHidden(velocity=1e-3 * self.speed * scatter_m_s * [1.0, 0.0, 1.0])


def _box(look: Look, deep: float, middle: float) -> Body:
    """Four walls, and a paler board behind them that is only seen."""
    half, thick = INSIDE / 2, WALL / 2
    reach = half + thick
    board = Look(tuple(round(0.5 * channel + 100) for channel in look.colour))  # type: ignore[arg-type]
    across = (half + WALL, deep, thick)
    upright = (thick, deep, half)
    parts = [
        Part(Shape.BOX, across, look, (0.0, 0.0, -reach), tracked=False),
        Part(Shape.BOX, across, look, (0.0, 0.0, reach), tracked=False),
        Part(Shape.BOX, upright, look, (-reach, 0.0, 0.0), tracked=False),
        Part(Shape.BOX, upright, look, (reach, 0.0, 0.0), tracked=False),
        Part(
            Shape.BOX, (half + WALL, thick / 4, half + WALL), board, (0.0, deep, 0.0),
            collides=False, tracked=False,
        ),
    ]
    return fixture("box", parts, (0.0, 0.0, middle), material=ELASTIC)
