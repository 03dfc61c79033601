"""Something passes behind a screen, and comes out again, or does not."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from scenarios.staging import object_looks, prop_look, stage_cameras, surroundings
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
from worldsim.simulator.constants import GRAVITY

STAGE = 4.0
"""m: width of the side picture."""
LANE = 0.75
"""m: from the lane at y=0 to that of a second object that crosses."""


@dataclasses.dataclass(frozen=True)
class _Ball:
    """A ball in a lane `y` that rolls without slipping."""

    name: str
    x: float
    y: float
    speed: float

    def rolling(self, radius: float, look: Look, pattern: Pattern, material: Material) -> Body:
        return ball(
            self.name, radius, (self.x, self.y, radius),
            dataclasses.replace(look, pattern=pattern, field=radius), material=material,
            velocity=(self.speed, 0.0, 0.0), spin=(0.0, self.speed / radius, 0.0),
        )


@dataclasses.dataclass(frozen=True)
class Occlusion(Scenario):
    """A screen hides the middle of the stage from the ``side`` camera, less from ``corner``.

    ``passing``: a ball rolls through. ``crossing``: a second ball comes from the other side in a
    lane further away; they pass each other behind the screen. ``bouncing``: both have one lane,
    meet head-on behind the screen and roll back, at 3/7 of their speed when they roll again.
    ``stopping``: a block slides in and comes to rest behind the screen.

    Visible, varying with the case: from which side, where behind the screen things meet or stop,
    the screen's place and paint, colours, surroundings. Hidden, varying with the realization: the
    friction (2%) in ``stopping``; physics has nothing hidden in the others.
    """

    name: ClassVar[str] = "occlusion"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "something passes behind a screen"
    duration: ClassVar[float] = 3.0
    size: ClassVar[tuple[int, int]] = (64, 64)
    fps: ClassVar[float] = 20.0
    film_cameras: ClassVar[tuple[str, ...]] = ("side", "corner")
    leaves_out: ClassVar[str] = "Rolling has no resistance, and there is no air."
    phrasings: ClassVar[tuple[str, ...]] = (
        "an object at {speed:.2g} m/s disappears behind a screen {screen:.2g} m wide; {passage}",
        "behind the screen, {passage}: something goes in at {speed:.2g} m/s",
        "a screen of {screen:.2g} m hides the middle of the stage from view; {passage}",
    )
    observables: ClassVar[tuple[Observable, ...]] = (
        Observable("hidden_time", "s", "when an object is first wholly hidden"),
        Observable("reappearance_time", "s", "when any of it is first seen again"),
        Observable("reappears", "1", "whether it is seen again"),
        Observable("side", "1", "on which side of the screen it reappears"),
    )
    checks: ClassVar[tuple[ClosedForm, ...]] = (
        ClosedForm(
            "reappearance", "t = (distance to the far edge - radius) / speed", 0.01,
            "uniform motion of a ball that rolls without slipping",
        ),
        ClosedForm(
            "meeting", "both are behind the screen's middle at the same time", 0.01,
            "uniform motion",
        ),
        ClosedForm(
            "bounce", "each rolls back at (5 e - 2) / 7 of its speed, within a share of it", 0.01,
            "momentum, restitution e and Coulomb friction of a homogeneous sphere: Goldsmith "
            "1960, Impact, with I = 2/5 m r2",
        ),
        ClosedForm(
            "stop", "v(t) = v - mu g t, at rest after v2 / (2 mu g)", 0.02, "Coulomb friction",
        ),
    )

    passage: str = choice(
        "passing", ("passing", "crossing", "bouncing", "stopping"),
        meaning="what happens behind the screen",
    )
    speed: float = parameter(
        1.9, unit="m/s", training=(1.5, 2.3), physical=(1.0, 3.2),
        meaning="speed of the (first) object on entering the stage",
    )
    ratio: float = parameter(
        1.0, unit="1", training=(0.7, 1.0), physical=(0.5, 1.2),
        meaning="speed of a second ball that crosses over that of the first",
    )
    radius: float = parameter(
        0.22, unit="m", training=(0.18, 0.26), physical=(0.13, 0.3),
        meaning="radius of a ball, half the edge of a block",
    )
    screen: float = parameter(
        1.2, unit="m", training=(0.9, 1.5), physical=(0.6, 1.9), meaning="width of the screen",
    )
    restitution: float = parameter(
        0.9, unit="1", training=(0.8, 1.0), physical=(0.6, 1.0),
        meaning="ratio of the balls' speeds after and before they bounce off each other",
    )

    def matters(self, name: str) -> bool:
        """Some do for one kind of passage only."""
        return self.passage == {"ratio": "crossing", "restitution": "bouncing"}.get(
            name, self.passage
        )

    def scene(self, seed: int, case: int) -> MechanicalScene:
        """All that can be seen at t=0 of one case."""
        layout = stream(seed, case, VISIBLE, "occlusion")
        paint = stream(seed, case, VISIBLE, "colours")
        facing = 1.0 if layout.random() < 0.5 else -1.0
        centre = float(layout.uniform(-0.15, 0.15))
        # Where things meet or stop: wholly behind the screen.
        spare = max(self.screen / 2 - self.radius, 0.0)
        aim = centre + float(layout.uniform(-0.5, 0.5)) * spare
        first, second = object_looks(paint, 2)
        turning = Pattern.HALVES if layout.random() < 0.5 else Pattern.STRIPES
        edge = STAGE / 2 - self.radius - 0.05
        slides = self.passage == "stopping"
        around, backdrop = surroundings(
            seed, case, STAGE, 2.0, behind=LANE + self.radius + 0.1,
            material=Material(friction=0.0 if slides else 0.5),
        )
        bodies: list[Body] = []
        if slides:
            way = edge + facing * aim
            friction = self.speed**2 / (2 * GRAVITY * way)
            bodies.append(
                block(
                    "first", (self.radius,) * 3, (aim - facing * way, 0.0, self.radius), first,
                    material=Material(friction=friction), velocity=(facing * self.speed, 0.0, 0.0),
                )
            )
        else:
            surface = Material(friction=0.5, restitution=self.restitution)
            for ball_ in self._balls(aim, edge, facing):
                look = first if ball_.name == "first" else second
                bodies.append(ball_.rolling(self.radius, look, turning, surface))
        bodies.append(self._screen(centre, prop_look(paint)))
        return MechanicalScene(
            (*around, *bodies), stage_cameras(STAGE, 1.6, depth=LANE), backdrop=backdrop,
            step=1 / 480,
        )

    def _balls(self, aim: float, edge: float, facing: float) -> list[_Ball]:
        """The balls; of two, both are at `aim` at once, from as far out as the stage allows."""
        if self.passage == "passing":
            return [_Ball("first", -facing * edge, 0.0, facing * self.speed)]
        bounces = self.passage == "bouncing"
        apart = self.radius if bounces else 0.0  # from `aim` to a ball's centre when they meet
        other = self.speed * (1.0 if bounces else self.ratio)
        until = min(
            (edge + facing * aim - apart) / self.speed, (edge - facing * aim - apart) / other
        )
        return [
            _Ball("first", aim - facing * (self.speed * until + apart), 0.0, facing * self.speed),
            _Ball(
                "second", aim + facing * (other * until + apart), 0.0 if bounces else LANE,
                -facing * other,
            ),
        ]

    def _screen(self, centre: float, look: Look) -> Body:
        """A board in front of the lanes, higher than what passes."""
        tall = 2 * self.radius + 0.25
        board = Part(
            Shape.BOX, (self.screen / 2, 0.02, tall / 2), look, collides=False,
            tracked=False,
        )
        return fixture("screen", [board], (centre, -self.radius - 0.1, tall / 2))

    def hidden(
        self, scene: MechanicalScene, seed: int, case: int, realization: int
    ) -> MechanicalHidden:
        """The block's friction, which varies from take to take; nothing else."""
        if self.passage != "stopping":
            return MechanicalHidden()
        factor = float(stream(seed, case, realization, "friction").lognormal(0.0, 0.02))
        return MechanicalHidden(friction=np.full(len(scene.bodies), factor))
