"""Blocks on springs: one on a track, one hanging, or two coupled ones."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

from scenarios.staging import object_looks, prop_look, stage_cameras, surroundings
from scenarios.stands import STEP, seen_only
from worldsim.mechanics import (
    Body,
    Freedom,
    Joint,
    Link,
    Look,
    MechanicalHidden,
    MechanicalScene,
    Part,
    Pattern,
    Shape,
    Vector,
    fixture,
)
from worldsim.scenario import ClosedForm, Observable, Scenario, choice, parameter
from worldsim.seeding import VISIBLE, stream
from worldsim.simulator.constants import GRAVITY

STAGE = (1.9, 1.75)
"""m, width and height: two blocks in a row; one that hangs, at the softest spring."""
SPRING_LENGTH = 0.4
"""m, of a spring that bears nothing; more than the largest amplitude, so that blocks never meet."""
BLOCK_HALF_SIZE, BLOCK_MASS = 0.11, 0.6
"""m, half size of a cube of that many kg; others are of the same stuff."""
TRACK_HEIGHT = 0.5
BEAM_HEIGHT = 1.7
WALL_HALF_SIZE = 0.03
SOFT_RADIUS, SOFT_STIFFNESS = 0.025, 60.0
"""m of the coil of a spring of that many N/m; a stiffer one is thicker."""


@dataclasses.dataclass(frozen=True)
class SpringMass(Scenario):
    """A block, or two, on springs without mass; released at rest.

    Coupled blocks are a chain: wall, spring, block, spring, block; the second one is displaced and
    the first held where it is at rest.

    Visible and drawn per case: cubes or cylinders, paint, on which side the wall is, whether the
    spring begins stretched or compressed, the surroundings; a block's size shows its mass, a
    spring's thickness its stiffness. Hidden: nothing; all realizations are alike.
    """

    name: ClassVar[str] = "spring_mass"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "blocks swing on springs"
    duration: ClassVar[float] = 4.0
    size: ClassVar[tuple[int, int]] = (64, 64)
    fps: ClassVar[float] = 20.0
    film_cameras: ClassVar[tuple[str, ...]] = ("side", "corner")
    leaves_out: ClassVar[str] = (
        "Springs are linear and without mass, blocks cannot turn, and the track is without "
        "friction; all losses are in proportion to the rate at which springs change their length."
    )
    phrasings: ClassVar[tuple[str, ...]] = (
        "spring and mass, {arrangement}: {mass:.2f} kg on {stiffness:.0f} N/m",
        "a block of {mass:.2f} kg oscillates on a spring of {stiffness:.0f} N/m with an amplitude "
        "of {amplitude:.2f} m ({arrangement})",
        "{arrangement} oscillator released {amplitude:.2f} m from rest, damping {damping:.2f} "
        "N s/m",
    )
    observables: ClassVar[tuple[Observable, ...]] = (
        Observable("displacement", "m", "of each block from where it would rest"),
        Observable("period", "s", "between passages through the place of rest in one direction"),
        Observable("amplitude", "m", "greatest displacement of each swing"),
        Observable("energy", "J", "kinetic, of the springs, and of height"),
    )
    checks: ClassVar[tuple[ClosedForm, ...]] = (
        ClosedForm(
            "period", "T = 2 pi / sqrt(k/m - (c/2m)^2)", 1e-3,
            "Landau & Lifshitz, Mechanics, section 25",
        ),
        ClosedForm(
            "decay", "amplitude exp(-c t / 2m)", 1e-3, "Landau & Lifshitz, Mechanics, section 25",
        ),
        ClosedForm(
            "sag", "a hanging block rests m g / k below the spring's own length", 1e-3,
            "Hooke, De potentia restitutiva (1678)",
        ),
        ClosedForm(
            "normal_modes", "coupled: w^2 = (3 -+ sqrt 5)/2 k/m", 1e-3,
            "Landau & Lifshitz, Mechanics, section 23",
        ),
        ClosedForm(
            "energy", "without damping it stays", 1e-4, "Landau & Lifshitz, Mechanics, section 6",
        ),
    )

    arrangement: str = choice(
        "horizontal", ("horizontal", "hanging", "coupled"),
        meaning="one block on a track, one that hangs, or two coupled ones on a track",
    )
    stiffness: float = parameter(
        60.0, unit="N/m", training=(40.0, 80.0), physical=(20.0, 120.0),
        meaning="force of a spring per change of its length",
    )
    mass: float = parameter(
        0.6, unit="kg", training=(0.4, 0.8), physical=(0.2, 1.0), meaning="mass of each block"
    )
    amplitude: float = parameter(
        0.2, unit="m", training=(0.1, 0.25), physical=(0.02, 0.34),
        meaning="displacement at which the last block is released at rest",
    )
    damping: float = parameter(
        0.0, unit="N s/m", training=(0.0, 0.8), physical=(0.0, 4.0),
        meaning="resisting force per rate of change of a spring's length",
    )

    def scene(self, seed: int, case: int) -> MechanicalScene:
        """All that can be seen at t=0 of one case."""
        rng = stream(seed, case, VISIBLE, "springs")
        to_the_right = 1.0 if rng.integers(2) else -1.0
        stretched = 1.0 if rng.integers(2) else -1.0
        looks = object_looks(rng, 2, patterns=(Pattern.PLAIN, Pattern.HALVES))
        dull = prop_look(rng)
        hanging = self.arrangement == "hanging"
        count = 2 if self.arrangement == "coupled" else 1
        upright = bool(rng.integers(2))
        share = math.pi / 4 if upright else 1.0  # of the cube's volume that the cylinder in it has
        half = BLOCK_HALF_SIZE * (self.mass / (BLOCK_MASS * share)) ** (1 / 3)
        away: Vector = (0.0, 0.0, -1.0) if hanging else (to_the_right, 0.0, 0.0)
        wall: Vector = (
            (0.0, 0.0, BEAM_HEIGHT) if hanging
            else (-0.5 * STAGE[0] * to_the_right, 0.0, TRACK_HEIGHT + half)
        )
        sag = self.mass * GRAVITY / self.stiffness if hanging else 0.0
        stretch = [sag + stretched * self.amplitude * (n == count - 1) for n in range(count)]
        blocks = tuple(
            Body(
                f"block {number + 1}",
                (
                    Part(Shape.CYLINDER, (half, half), looks[number]) if upright
                    else Part(Shape.BOX, (half, half, half), looks[number]),
                ),
                _along(
                    away,
                    SPRING_LENGTH + stretch[number] + half + (half if number else WALL_HALF_SIZE),
                    (0.0, 0.0, 0.0) if number else wall,
                ),
                mass=self.mass,
                joint=Joint(
                    Freedom.SLIDE,
                    away,
                    position=stretch[number],
                    stiffness=self.stiffness,
                    damping=self.damping,
                ),
                parent=f"block {number}" if number else None,
            )
            for number in range(count)
        )
        around, backdrop = surroundings(seed, case, *STAGE, behind=0.5)
        return MechanicalScene(
            (*around, _beam(dull) if hanging else _bench(wall, half, dull), *blocks),
            stage_cameras(*STAGE, depth=0.4),
            links=tuple(self._spring(number, away, wall, half) for number in range(count)),
            backdrop=backdrop,
            step=STEP,
        )

    def hidden(
        self, scene: MechanicalScene, seed: int, case: int, realization: int
    ) -> MechanicalHidden:
        """Nothing is hidden."""
        return MechanicalHidden()

    def _spring(self, number: int, away: Vector, wall: Vector, half: float) -> Link:
        """What is seen of the spring before a block."""
        before = f"block {number}" if number else None
        start = _along(away, half) if number else _along(away, WALL_HALF_SIZE, wall)
        return Link(
            (before, f"block {number + 1}"),
            (start, _along(away, -half)),
            SOFT_RADIUS * math.sqrt(self.stiffness / SOFT_STIFFNESS),
            Look((84, 86, 90), (210, 212, 214), Pattern.STRIPES, 0.05),
        )


def _along(direction: Vector, distance: float, start: Vector = (0.0, 0.0, 0.0)) -> Vector:
    """The point `distance` m from `start` in a direction."""
    x, y, z = (s + distance * d for s, d in zip(start, direction, strict=True))
    return x, y, z


def _bench(wall: Vector, half: float, look: Look) -> Body:
    """A track with a wall at its end."""
    x, y, _ = wall
    track = seen_only(
        Shape.BOX, (0.5 * STAGE[0] + WALL_HALF_SIZE, 0.16, 0.03), look,
        (0.0, 0.0, TRACK_HEIGHT - 0.03),
    )
    end = seen_only(Shape.BOX, (WALL_HALF_SIZE, 0.16, 0.2), look, (x, y, TRACK_HEIGHT + 0.2))
    legs = [
        seen_only(Shape.BOX, (0.03, 0.12, TRACK_HEIGHT / 2 - 0.03), look,
                  (share * STAGE[0], 0.0, TRACK_HEIGHT / 2 - 0.03))
        for share in (-0.4, 0.4)
    ]
    return fixture("bench", [track, end, *legs])


def _beam(look: Look) -> Body:
    """A beam on two posts."""
    beam = seen_only(
        Shape.BOX, (0.5, 0.1, WALL_HALF_SIZE), look, (0.0, 0.0, BEAM_HEIGHT)
    )
    posts = [
        seen_only(Shape.BOX, (0.03, 0.1, BEAM_HEIGHT / 2), look, (x, 0.0, BEAM_HEIGHT / 2))
        for x in (-0.5, 0.5)
    ]
    return fixture("beam", [beam, *posts])
