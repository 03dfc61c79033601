"""Free fall and bounce: balls are let go above a floor."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import numpy as np

from scenarios.places import apart
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

WIDTH, HEIGHT = 3.0, 3.1
"""Of the stage, m: a ball of the greatest size fits under its ceiling from the greatest height."""

RESTITUTION_SCATTER = 0.01
"""Standard deviation of a ball's restitution from the set one, as a share of it. A choice: enough
to matter after some bounces, too little to be seen in the first."""


@dataclasses.dataclass(frozen=True)
class FreeFall(Scenario):
    """Up to four balls fall from rest onto a floor and bounce; the first from the given height.

    Visible, drawn per case: places, the other balls' heights, colours, pattern, surroundings.
    Hidden, drawn per realization: each ball's mass, which changes nothing, and by 1 % its
    restitution.
    """

    name: ClassVar[str] = "free_fall"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "balls fall and bounce"
    duration: ClassVar[float] = 3.0
    leaves_out: ClassVar[str] = (
        "Truth here is a simulation: no air, balls that do not deform, a restitution that does not "
        "depend on the speed of the impact."
    )
    phrasings: ClassVar[tuple[str, ...]] = (
        "{count:.0f} ball(s) dropped from {height:.2f} m onto a hard floor where gravity is "
        "{gravity:.1f} m/s2",
        "a ball of radius {radius:.2f} m falls {height:.2f} m and rebounds with a coefficient of "
        "restitution of {restitution:.2f}",
        "free fall from rest, g = {gravity:.2f} m/s2, h = {height:.2f} m, e = {restitution:.2f}",
        "someone lets go of a ball {height:.1f} m above the ground and it bounces",
    )
    observables: ClassVar[tuple[Observable, ...]] = (
        Observable("position", "m", "height of each ball's centre over time"),
        Observable("fall_time", "s", "from release to the first contact with the floor"),
        Observable("gravity", "m s-2", "acceleration between contacts"),
        Observable("restitution", "1", "ratio of the speeds after and before a contact"),
        Observable("bounces", "1", "number of contacts with the floor"),
    )
    checks: ClassVar[tuple[ClosedForm, ...]] = (
        ClosedForm("fall time", "t = sqrt(2 h / g)", 0.002, "Galilei 1638, Discorsi, day 3"),
        ClosedForm(
            "bounce heights", "h_n = e^(2n) h", 0.02,
            "Newton 1687, Principia, scholium to the laws of motion",
        ),
        ClosedForm(
            "flight times", "t_(n+1) = e t_n between contacts", 0.02,
            "Bernstein 1977, Am. J. Phys. 45, 41",
        ),
        ClosedForm("mass", "the path does not depend on the mass", 1e-9, "Galilei 1638"),
    )
    size: ClassVar[tuple[int, int]] = (64, 64)
    fps: ClassVar[float] = 20.0
    film_cameras: ClassVar[tuple[str, ...]] = ("side", "corner")

    height: float = parameter(
        1.6, unit="m", training=(1.0, 2.0), physical=(0.3, 2.5),
        meaning="of the first ball's lowest point above the floor when it is let go",
    )
    gravity: float = parameter(
        9.8, unit="m/s2", training=(6.0, 12.0), physical=(1.5, 25.0),
        meaning="acceleration of gravity",
    )
    restitution: float = parameter(
        0.75, unit="1", training=(0.5, 0.9), physical=(0.0, 1.0),
        meaning="ratio of the speeds after and before a contact with the floor",
    )
    radius: float = parameter(
        0.2, unit="m", training=(0.18, 0.24), physical=(0.15, 0.28),
        meaning="of every ball",
    )
    count: float = parameter(
        1, unit="1", training=(1, 3), physical=(1, 4), meaning="number of balls", whole=True
    )
    colour: str = choice(ANY, (ANY, *COLOURS), meaning="of the first ball; any: the case's draw")

    def scene(self, seed: int, case: int) -> MechanicalScene:
        """All that can be seen at t=0 of one case."""
        number = round(self.count)
        places = stream(seed, case, VISIBLE, "places")
        # Four of the largest would always fit side by side, so that balls never touch.
        across = apart(places, number, -WIDTH / 2 + 0.3, WIDTH / 2 - 0.3, 2.1 * self.radius)
        share = stream(seed, case, VISIBLE, "heights").uniform(0.5, 1.0, 4)
        share[0] = 1.0
        looks = object_looks(
            stream(seed, case, VISIBLE, "looks"), number, colour=self.colour,
            patterns=(Pattern.PLAIN, Pattern.PLAIN, Pattern.STRIPES, Pattern.HALVES),
            field=self.radius / 2,
        )
        still, backdrop = surroundings(seed, case, WIDTH, HEIGHT, behind=0.4)
        balls = [
            ball(
                f"ball {n + 1}", self.radius,
                (across[n], 0.0, self.radius + float(share[n]) * self.height), looks[n],
                material=Material(friction=0.3, restitution=self.restitution),
            )
            for n in range(number)
        ]
        return MechanicalScene(
            (*balls, *still), stage_cameras(WIDTH, HEIGHT, depth=0.6), backdrop=backdrop,
            gravity=self.gravity,
            step=step_for(math.sqrt(2 * self.gravity * self.height), self.radius),
        )

    def hidden(
        self, scene: MechanicalScene, seed: int, case: int, realization: int
    ) -> MechanicalHidden:
        """Masses from a third to three times the mean, and restitutions that scatter by 1 %."""
        most = len(scene.bodies)
        mass = stream(seed, case, realization, "mass").uniform(-1, 1, most)
        skin = stream(seed, case, realization, "restitution").normal(0, RESTITUTION_SCATTER, most)
        return MechanicalHidden(
            mass=3.0**mass, restitution=1 + np.clip(skin, -0.03, 0.03)
        )
