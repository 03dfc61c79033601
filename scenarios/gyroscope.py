"""Spin and precession: a fast top on a pivot, or a spindle that wobbles in free fall."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

from scenarios.staging import object_looks, prop_look, setting, stage_cameras, surroundings
from scenarios.stands import STEP, seen_only, turned
from worldsim.mechanics import (
    Body,
    Freedom,
    Joint,
    MechanicalHidden,
    MechanicalScene,
    Part,
    Pattern,
    Quaternion,
    Shape,
    Vector,
    fixture,
)
from worldsim.scenario import ClosedForm, Observable, Scenario, choice, parameter
from worldsim.seeding import VISIBLE, stream

STAGE = (1.5, 1.4)
"""m, width and height."""
PIVOT_HEIGHT = 0.65
MASS = 1.0
DISC_RADIUS, DISC_HALF_THICKNESS = 0.45, (0.03, 0.06)
SPINDLE_RADIUS, SPINDLE_SLENDERNESS = 0.17, (2.4, 3.0)
ROD_RADIUS = 0.02
FREE_HEIGHT = 0.7


@dataclasses.dataclass(frozen=True)
class Gyroscope(Scenario):
    """A symmetric body spins about an axis that moves round a vertical cone.

    On a pivot it is a disc on a rod, and its weight makes the axis precess: slowly, the more so the
    faster it spins. Free, it is a spindle seen from a camera that falls with it, so that neither
    gravity nor `arm` matters, and its axis goes round its angular momentum. Both begin in the
    steady motion.

    Visible and drawn per case: paint, which way the axis points, the disc's thickness or the
    spindle's slenderness, the surroundings. Hidden: nothing; all realizations are alike.
    """

    name: ClassVar[str] = "gyroscope"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "a spinning body precesses"
    duration: ClassVar[float] = 4.0
    size: ClassVar[tuple[int, int]] = (64, 64)
    fps: ClassVar[float] = 20.0
    film_cameras: ClassVar[tuple[str, ...]] = ("side", "corner")
    leaves_out: ClassVar[str] = (
        "The pivot is a point without friction, the rod without mass; there is no air."
    )
    phrasings: ClassVar[tuple[str, ...]] = (
        "a {mount} body spins at {spin:.0f} rad/s about an axis {tilt:.0f} degrees from the "
        "vertical",
        "gyroscope ({mount}), {spin:.0f} rad/s, its axis {tilt:.0f} degrees from upright, goes "
        "round",
        "precession: spin {spin:.0f} rad/s, tilt {tilt:.0f} degrees, {mount}, gravity "
        "{gravity:.1f} m/s2",
    )
    observables: ClassVar[tuple[Observable, ...]] = (
        Observable("azimuth", "rad", "of the axis about the vertical"),
        Observable("precession", "rad/s", "rate of change of the azimuth"),
        Observable("tilt", "rad", "of the axis against the vertical, which stays"),
        Observable("energy", "J", "kinetic and potential, which stays"),
    )
    checks: ClassVar[tuple[ClosedForm, ...]] = (
        ClosedForm(
            "precession",
            "pivot: I1 cos(tilt) W^2 - I3 w W + m g r = 0, the slower root; about m g r / (I3 w)",
            1e-3, "Goldstein, Classical Mechanics, 3rd ed., section 5.7, equation (5.76)",
        ),
        ClosedForm(
            "wobble", "free: W = I3 w / (I1 cos(tilt)) in space, (I3 - I1) w / I1 in the body",
            1e-3, "Landau & Lifshitz, Mechanics, sections 33 and 36, problem 1",
        ),
        ClosedForm(
            "angular_momentum", "free: I1 W stays, along the vertical", 1e-4,
            "Landau & Lifshitz, Mechanics, section 33",
        ),
        ClosedForm(
            "energy", "kinetic and potential energy together stay", 1e-4,
            "Landau & Lifshitz, Mechanics, section 6",
        ),
    )

    mount: str = choice(
        "pivot", ("pivot", "free"), meaning="disc on a rod on a pivot, or free spindle"
    )
    spin: float = parameter(
        18.0, unit="rad/s", training=(14.0, 22.0), physical=(10.0, 26.0),
        meaning="component of the angular velocity along the body's axis",
    )
    tilt: float = parameter(
        40.0, unit="degree", training=(25.0, 55.0), physical=(10.0, 70.0),
        meaning="angle of the axis against the vertical",
    )
    arm: float = parameter(
        0.1, unit="m", training=(0.07, 0.13), physical=(0.04, 0.16),
        meaning="distance from the pivot to the disc's centre",
    )
    gravity: float = parameter(
        9.81, unit="m/s2", training=(7.0, 11.0), physical=(5.0, 13.0),
        meaning="acceleration of gravity",
    )

    def matters(self, name: str) -> bool:
        """What is free feels neither."""
        return name not in ("arm", "gravity") or self.mount == "pivot"

    def scene(self, seed: int, case: int) -> MechanicalScene:
        """All that can be seen at t=0 of one case."""
        return self._on_pivot(seed, case) if self.mount == "pivot" else self._free(seed, case)

    def hidden(
        self, scene: MechanicalScene, seed: int, case: int, realization: int
    ) -> MechanicalHidden:
        """Nothing is hidden."""
        return MechanicalHidden()

    def _on_pivot(self, seed: int, case: int) -> MechanicalScene:
        rng = stream(seed, case, VISIBLE, "top")
        thickness = float(rng.uniform(*DISC_HALF_THICKNESS))
        attitude, axis = self._attitude(float(rng.uniform(-math.pi, math.pi)))
        (look,) = object_looks(rng, 1, patterns=(Pattern.HALVES,))
        dull = prop_look(rng)
        disc = Shape.CYLINDER, (DISC_RADIUS, thickness)
        along, across = symmetric_inertia(DISC_RADIUS, thickness)
        precession = slow_precession(
            along, across + MASS * self.arm**2, MASS * self.gravity * self.arm, self.spin,
            math.radians(self.tilt),
        )
        rod = self.arm + thickness + 0.12
        top = Body(
            "top",
            (
                Part(*disc, look, (0.0, 0.0, self.arm)),
                seen_only(Shape.CAPSULE, (ROD_RADIUS, rod / 2), dull, (0.0, 0.0, rod / 2)),
            ),
            (0.0, 0.0, PIVOT_HEIGHT),
            attitude,
            MASS,
            joint=Joint(Freedom.BALL),
            spin=self._angular_velocity(axis, precession),
        )
        post = seen_only(
            Shape.CAPSULE, (ROD_RADIUS, PIVOT_HEIGHT / 2), dull, (0.0, 0.0, PIVOT_HEIGHT / 2 - 0.01)
        )
        around, backdrop = surroundings(seed, case, *STAGE, behind=0.7)
        return MechanicalScene(
            (*around, fixture("stand", [post]), top),
            stage_cameras(*STAGE, depth=0.5),
            backdrop=backdrop,
            step=STEP,
            gravity=self.gravity,
        )

    def _free(self, seed: int, case: int) -> MechanicalScene:
        rng = stream(seed, case, VISIBLE, "spindle")
        half_length = SPINDLE_RADIUS * float(rng.uniform(*SPINDLE_SLENDERNESS))
        attitude, axis = self._attitude(float(rng.uniform(-math.pi, math.pi)))
        (look,) = object_looks(rng, 1, patterns=(Pattern.HALVES,))
        along, across = symmetric_inertia(SPINDLE_RADIUS, half_length)
        spindle = Body(
            "spindle",
            (Part(Shape.CYLINDER, (SPINDLE_RADIUS, half_length), look),),
            (0.0, 0.0, FREE_HEIGHT),
            attitude,
            MASS,
            spin=self._angular_velocity(
                axis, free_precession(along, across, self.spin, math.radians(self.tilt))
            ),
        )
        backdrop = setting(stream(seed, case, VISIBLE, "setting"), STAGE[0]).backdrop
        return MechanicalScene(
            (spindle,),
            stage_cameras(*STAGE, depth=0.5),
            backdrop=backdrop,
            step=STEP,
            gravity=0.0,
        )

    def _attitude(self, azimuth: float) -> tuple[Quaternion, Vector]:
        """Of a body whose own z is tilted towards `azimuth`; and that axis."""
        tilt = math.radians(self.tilt)
        towards = (-math.sin(azimuth), math.cos(azimuth), 0.0)
        axis = (
            math.sin(tilt) * math.cos(azimuth), math.sin(tilt) * math.sin(azimuth), math.cos(tilt)
        )
        return turned(towards, tilt), axis

    def _angular_velocity(self, axis: Vector, precession: float) -> Vector:
        """`spin` along the axis, and what turns the axis about the vertical, rad/s."""
        along = self.spin - precession * axis[2]
        x, y, z = (along * part for part in axis)
        return x, y, z + precession


def symmetric_inertia(radius: float, half_length: float) -> tuple[float, float]:
    """Moments of inertia of a cylinder of `MASS` about its axis and across it, kg m2."""
    return 0.5 * MASS * radius**2, MASS * (0.25 * radius**2 + half_length**2 / 3)


def slow_precession(
    along: float, across: float, moment: float, spin: float, tilt: float
) -> float:
    """Rate of steady precession of a top, rad/s (Goldstein, equation 5.76; the slower root).

    along, across : moments of inertia about the axis and about the pivot across it, kg m2.
    moment : weight times distance from the pivot, N m. spin : rad/s. tilt : rad.
    """
    share = 4 * across * math.cos(tilt) * moment / (along * spin) ** 2
    assert share < 1, "a top this slow falls; the physical ranges must leave none"
    return 2 * moment / (along * spin) / (1 + math.sqrt(1 - share))


def free_precession(along: float, across: float, spin: float, tilt: float) -> float:
    """Rate at which a free body's axis goes round its angular momentum, rad/s (Landau & Lifshitz,
    Mechanics, section 33)."""
    return along * spin / (across * math.cos(tilt))
