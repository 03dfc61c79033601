"""Collision of many: one ball or disc runs into a group of them on an air table."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import numpy as np

from scenarios.collision import AIR_TABLE, pushed, slider
from scenarios.places import scatter
from scenarios.staging import (
    object_looks,
    overhead_camera,
    stage_cameras,
    step_for,
    surroundings,
)
from worldsim.mechanics import (
    Material,
    MechanicalHidden,
    MechanicalScene,
)
from worldsim.scenario import ClosedForm, Observable, Scenario, choice, parameter
from worldsim.seeding import VISIBLE, stream

SIDE = 4.4
"""Of the square of the table that the overhead view shows, m."""

START = -1.85
"""Where the first one starts, m."""

MOST = 8
"""In the largest group."""

MASS_SCATTER = 0.01
"""Standard deviation of a body's mass, as a share of it: what one buys as equal is not quite. A
choice."""


@dataclasses.dataclass(frozen=True)
class Collisions(Scenario):
    """One of many equal balls or discs slides into the others, which rest in a rack, a row or at
    random.

    Visible, drawn per case: the group's place and turn, where each is if at random, colours,
    surroundings. Hidden, drawn per realization: 1 % of each mass and 0.1 % of the speed; a group
    that is hit amplifies both.
    """

    name: ClassVar[str] = "collisions"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "one body runs into many on an air table"
    duration: ClassVar[float] = 2.5
    leaves_out: ClassVar[str] = (
        "Truth here is a simulation: no friction between the bodies or with the table, no air, a "
        "restitution that does not depend on the speed of the impact."
    )
    phrasings: ClassVar[tuple[str, ...]] = (
        "one of the {shape} hits {count:.0f} others, arranged as a {arrangement}, at {speed:.1f} "
        "m/s",
        "a break shot on an air table: {count:.0f} {shape} at rest, {arrangement}, restitution "
        "{restitution:.2f}",
        "seen from above, a moving body scatters a group of {count:.0f}",
        "many-body collision, v = {speed:.2f} m/s, e = {restitution:.2f}, gaps of {gap:.2f} m",
    )
    observables: ClassVar[tuple[Observable, ...]] = (
        Observable("position", "m", "of every centre on the table"),
        Observable("momentum", "kg m s-1", "of all together"),
        Observable("kinetic_energy", "J", "of all together"),
        Observable("centre_of_mass", "m", "of all together"),
        Observable("collisions", "1", "number of contacts, and when"),
        Observable("moved", "1", "how many of those at rest have been set in motion"),
    )
    checks: ClassVar[tuple[ClosedForm, ...]] = (
        ClosedForm("momentum", "sum of m v is constant", 1e-6, "Newton 1687, corollary 3"),
        ClosedForm(
            "centre of mass", "moves uniformly, whatever collides", 1e-6, "Newton 1687, corollary 4"
        ),
        ClosedForm(
            "row", "the last of n in a row leaves with v ((1 + e) / 2)^n", 0.02,
            "Herrmann & Seitz 1982, Am. J. Phys. 50, 977, for separate collisions",
        ),
        ClosedForm("energy", "constant for e = 1, never rises for less", 0.01, "Huygens 1703"),
    )
    size: ClassVar[tuple[int, int]] = (64, 64)
    fps: ClassVar[float] = 20.0
    film_cameras: ClassVar[tuple[str, ...]] = ("overhead", "corner")

    count: float = parameter(
        5, unit="1", training=(3, 6), physical=(1, MOST),
        meaning="number of those at rest", whole=True,
    )
    speed: float = parameter(
        2.5, unit="m/s", training=(1.8, 3.0), physical=(1.0, 4.0),
        meaning="of the first one before it meets the others",
    )
    restitution: float = parameter(
        0.95, unit="1", training=(0.6, 1.0), physical=(0.0, 1.0),
        meaning="ratio of the normal speeds after and before a collision",
    )
    gap: float = parameter(
        0.03, unit="m", training=(0.02, 0.06), physical=(0.005, 0.08),
        meaning="between neighbours in a rack or a row, and the least at random",
    )
    radius: float = parameter(
        0.2, unit="m", training=(0.19, 0.22), physical=(0.17, 0.24), meaning="of every one"
    )
    aim: float = parameter(
        0.0, unit="1", training=(-0.4, 0.4), physical=(-0.9, 0.9),
        meaning="how far off the group's middle the first one is aimed, in sums of two radii",
    )
    arrangement: str = choice(
        "rack", ("rack", "row", "scatter"), meaning="how those at rest lie"
    )
    shape: str = choice("balls", ("balls", "discs"), meaning="what collides")
    looks: str = choice(
        "distinct", ("distinct", "alike"),
        meaning="whether each has its own colour, or all those at rest have one",
    )

    def scene(self, seed: int, case: int) -> MechanicalScene:
        """All that can be seen at t=0 of one case."""
        number = round(self.count)
        lateral = float(stream(seed, case, VISIBLE, "lateral").uniform(-0.2, 0.2))
        places = self._places(seed, case, number)
        places[:, 1] += lateral
        cue = (START, lateral + self.aim * 2 * self.radius)
        looks = object_looks(stream(seed, case, VISIBLE, "looks"), number + 1)
        if self.looks == "alike":
            looks = (looks[0], *[looks[1]] * number)
        material = Material(friction=0.0, restitution=self.restitution)
        bodies = [
            *slider("first", self.shape, self.radius, cue, self.speed, looks[0], 1.0, material)
        ]
        for n, (x, y) in enumerate(places):
            bodies += slider(
                f"at rest {n + 1}", self.shape, self.radius, (float(x), float(y)), 0.0,
                looks[n + 1], 1.0, material,
            )
        still, backdrop = surroundings(
            seed, case, SIDE, SIDE / 2, behind=SIDE / 2, material=AIR_TABLE
        )
        cameras = {
            "overhead": overhead_camera(SIDE),
            **stage_cameras(0.85 * SIDE, SIDE / 8, depth=0.6 * SIDE, rim=0.03, elevation=35.0),
        }
        step = step_for(self.speed, self.radius / 6)
        return MechanicalScene(
            (*bodies, *still), cameras, backdrop=backdrop, gravity=0.0, step=step
        )

    def _places(self, seed: int, case: int, number: int) -> np.ndarray:
        """(number, 2) m: of those at rest; the first of them is met first."""
        pitch = 2 * self.radius + self.gap
        if self.arrangement == "row":
            # The longest row ends where the picture does; the shorter begin at the same place.
            return np.stack([-1.3 + pitch * np.arange(number), np.zeros(number)], axis=-1)
        if self.arrangement == "rack":
            rows = [(row, place) for row in range(MOST) for place in range(row + 1)][:number]
            along = -0.5 + pitch * math.sqrt(3) / 2 * np.array([row for row, _ in rows])
            return np.stack([along, [pitch * (place - row / 2) for row, place in rows]], axis=-1)
        return scatter(
            stream(seed, case, VISIBLE, "places"), [self.radius] * number, (-0.9, -1.3),
            (1.3, 1.3), gap=self.gap,
        )

    def hidden(
        self, scene: MechanicalScene, seed: int, case: int, realization: int
    ) -> MechanicalHidden:
        """Masses that scatter by 1 %; the first velocity by 0.1 %."""
        most = len(scene.bodies)
        mass = stream(seed, case, realization, "mass").normal(size=most)
        scatter_m_s = stream(seed, case, realization, "velocity").normal(size=(1, 2))
        return MechanicalHidden(
            mass=1 + MASS_SCATTER * np.clip(mass, -3, 3),
            **pushed(scene, ("first",), 1e-3 * self.speed * scatter_m_s),
        )
