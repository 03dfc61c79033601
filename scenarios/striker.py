"""What pushes dominoes and towers in plain sight: a ball that rolls along a shelf against them."""

from __future__ import annotations

import dataclasses

from worldsim.mechanics import Body, Look, Material, Part, Shape, ball, fixture


@dataclasses.dataclass(frozen=True)
class Striker:
    """A shelf that ends short of a target, and a ball that rolls on it without slipping.

    target : x of the face that the ball is to meet, m. height : of the ball's centre, m.
    radius, mass : m, kg. speed : m/s, towards the target. runway : from ball to face at t=0, m.
    gap : between the shelf's end and the face, m.
    facing : 1 where the ball rolls to the right (the target lies right of it), or -1.
    """

    target: float
    height: float
    radius: float
    mass: float
    speed: float
    runway: float
    gap: float
    facing: float = 1.0

    @property
    def start(self) -> float:
        """x of the ball's centre at t=0, m."""
        return self.target - self.facing * (self.radius + self.runway)

    @property
    def end(self) -> float:
        """x of the shelf's further end, m."""
        return self.start - self.facing * 2 * self.radius

    def bodies(self, ball_look: Look, shelf_look: Look, material: Material) -> tuple[Body, Body]:
        """The shelf, and the ball named ``ball``."""
        near = self.target - self.facing * self.gap
        top = self.height - self.radius
        part = Part(
            Shape.BOX, (abs(near - self.end) / 2, 1.2 * self.radius, top / 2), shelf_look,
            tracked=False,
        )
        shelf = fixture("shelf", [part], ((near + self.end) / 2, 0.0, top / 2), material=material)
        velocity = self.facing * self.speed
        rolling = ball(
            "ball", self.radius, (self.start, 0.0, self.height), ball_look,
            mass=self.mass, material=material, velocity=(velocity, 0.0, 0.0),
            spin=(0.0, velocity / self.radius, 0.0),
        )
        return shelf, rolling
