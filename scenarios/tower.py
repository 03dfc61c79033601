"""A tower of blocks that overhang: it stands or topples."""

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
    Part,
    Pattern,
    Shape,
)
from worldsim.scenario import ClosedForm, Observable, Scenario, choice, parameter
from worldsim.seeding import VISIBLE, stream

WIDTH, HEIGHT = 4.4, 3.0
"""m: of the stage. Towers stand beside its middle, so that there is room for what falls."""
BALL_RADIUS, BALL_MASS = 0.2, 0.7
"""m, kg."""


@dataclasses.dataclass(frozen=True)
class Tower(Scenario):
    """Equal blocks of 1 kg are stacked, each further to one side than the one beneath.

    A ``stair`` has the same step everywhere, a ``harmonic`` stack one of overhang/n below the nth
    block from the top: at width/2 all of its interfaces are about to give at once. A ball may roll
    off a shelf against it.

    Visible, varying with the case: the blocks' height and depth, colours, to which side the tower
    leans, surroundings. Hidden, varying with the realization: the blocks' masses (3%) and the
    common friction (5%): near the limit they decide.
    """

    name: ClassVar[str] = "tower"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "a tower of overhanging blocks stands or topples"
    duration: ClassVar[float] = 3.0
    size: ClassVar[tuple[int, int]] = (64, 64)
    fps: ClassVar[float] = 20.0
    film_cameras: ClassVar[tuple[str, ...]] = ("side", "corner")
    leaves_out: ClassVar[str] = (
        "Blocks are rigid with flat faces and sharp edges, of even density, and nobody's hand "
        "lets go of them: they begin at rest."
    )
    phrasings: ClassVar[tuple[str, ...]] = (
        "{count:.0f} blocks of {width:.2g} m are stacked as a {arrangement} stack that overhangs "
        "by {overhang:.2g} m",
        "a leaning tower of {count:.0f} blocks; does it stand or topple?",
        "a stack of {count:.0f} {shape} blocks, overhang {overhang:.2g} m; a ball strikes it: "
        "{struck}",
    )
    observables: ClassVar[tuple[Observable, ...]] = (
        Observable("toppled", "1", "whether any block fell by more than half its height"),
        Observable("topple_time", "s", "when the first block has fallen by half its height"),
        Observable("fallen", "1", "number of blocks that fell by more than half their height"),
        Observable("lean", "degree", "greatest tilt of a block"),
    )
    checks: ClassVar[tuple[ClosedForm, ...]] = (
        ClosedForm(
            "stair", "topples where overhang > width / count", 0.03,
            "statics: the centre of mass of what is above lies beyond the edge below",
        ),
        ClosedForm(
            "harmonic", "topples where overhang > width / 2, whatever the count", 0.03,
            "block stacking, a reach of width/2 (1 + 1/2 + 1/3 + ...): Hall 2005, "
            "Am. J. Phys. 73, 1107",
        ),
        ClosedForm(
            "rate", "a'' = g s / ((w2 + h2) / 12 + s2 + h2 / 4) at release of the upper of two "
            "blocks, s = overhang - w / 2", 0.05, "a rigid body about the edge that bears it",
        ),
        ClosedForm("energy", "the total never rises", 0.001, "passive bodies with dry friction"),
    )

    arrangement: str = choice(
        "stair", ("stair", "harmonic"), meaning="steps all equal, or ever smaller downwards",
    )
    shape: str = choice("box", ("box", "cylinder"), meaning="what the blocks are")
    count: float = parameter(
        4, unit="1", training=(3, 5), physical=(2, 7), whole=True, meaning="number of blocks",
    )
    overhang: float = parameter(
        0.12, unit="m", training=(0.05, 0.35), physical=(0.0, 0.55),
        meaning="from the centre of the top block to that of the one beneath",
    )
    width: float = parameter(
        0.6, unit="m", training=(0.5, 0.7), physical=(0.4, 0.9),
        meaning="width of a block, or its diameter",
    )
    struck: str = choice("no", ("no", "yes"), meaning="whether a ball strikes the tower")
    push: float = parameter(
        2.0, unit="m/s", training=(1.0, 3.0), physical=(0.0, 5.0),
        meaning="speed of that ball",
    )

    def matters(self, name: str) -> bool:
        """The ball's speed does where there is one."""
        return name != "push" or self.struck == "yes"

    def offsets(self) -> np.ndarray:
        """(count,) m: where the blocks' centres are, from the lowest up, the lowest at 0."""
        below = np.arange(1, int(self.count))  # blocks above each interface, from the top down
        steps = self.overhang / below if self.arrangement == "harmonic" else np.full(
            len(below), self.overhang
        )
        return np.concatenate([[0.0], np.cumsum(steps[::-1])])

    def margin(self) -> float:
        """m: how far the centre of mass above lies within the edge that bears it, at the interface
        where that is least; the tower topples of itself where this is negative."""
        centres = self.offsets()
        above = [float(centres[n + 1:].mean() - centres[n]) for n in range(len(centres) - 1)]
        return self.width / 2 - max(above)

    def scene(self, seed: int, case: int) -> MechanicalScene:
        """All that can be seen at t=0 of one case."""
        shape = stream(seed, case, VISIBLE, "tower")
        paint = stream(seed, case, VISIBLE, "colours")
        facing = 1.0 if shape.random() < 0.5 else -1.0
        tall = float(shape.uniform(0.38, 0.44))
        deep = float(shape.uniform(0.8, 1.0)) * self.width
        count = int(self.count)
        centres = self.offsets()
        runway = 0.35 + float(shape.uniform(0.0, 0.15))
        # A tower that topples falls to its leaning side.
        middle = -0.2 * WIDTH + float(shape.uniform(-0.1, 0.1))

        material = Material(friction=0.6, restitution=0.05)
        around, backdrop = surroundings(
            seed, case, WIDTH, HEIGHT, behind=1.2 * self.width, material=material
        )
        looks = object_looks(paint, count + 1, patterns=(Pattern.PLAIN, Pattern.HALVES))
        half = self.width / 2
        bodies: list[Body] = []
        for number in range(count):
            part = (
                Part(Shape.BOX, (half, deep / 2, tall / 2), looks[number])
                if self.shape == "box"
                else Part(Shape.CYLINDER, (half, tall / 2), looks[number])
            )
            x = middle + float(centres[number])
            bodies.append(
                Body(
                    f"block {number + 1}", (part,), (facing * x, 0.0, (number + 0.5) * tall),
                    material=material,
                )
            )
        if self.struck == "yes":
            target = max(1, round(0.6 * (count - 1)))
            striker = Striker(
                facing * (middle + float(centres[target]) - half), (target + 0.5) * tall,
                BALL_RADIUS, BALL_MASS, self.push, float(centres[target]) + runway,
                float(centres[target]) + 0.1, facing,
            )
            bodies += striker.bodies(looks[count], prop_look(paint), material)
        return MechanicalScene(
            (*around, *bodies), stage_cameras(WIDTH, HEIGHT, depth=0.6),
            backdrop=backdrop, step=1 / 480,
        )

    def hidden(
        self, scene: MechanicalScene, seed: int, case: int, realization: int
    ) -> MechanicalHidden:
        """Masses and friction, which vary from take to take of a real experiment."""
        rng = stream(seed, case, realization, "tower")
        friction = float(rng.lognormal(0.0, 0.05))
        mass = rng.lognormal(0.0, 0.03, len(scene.bodies))
        return MechanicalHidden(mass=mass, friction=np.full(len(mass), friction))
