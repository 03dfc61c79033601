"""Grains pour from a hopper onto a heap, or over pegs into bins."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from scenarios.staging import object_looks, stage_cameras, surroundings
from worldsim.mechanics import (
    Body,
    Look,
    Material,
    MechanicalHidden,
    MechanicalScene,
    Part,
    Quaternion,
    Shape,
    ball,
    fixture,
)
from worldsim.scenario import ClosedForm, Observable, Scenario, choice, parameter
from worldsim.seeding import VISIBLE, stream

WIDTH, HEIGHT = 3.0, 3.05
"""m: of the stage; the width is that between the side walls, with their thickness."""
THICK = 0.05
"""m: half thickness of walls and boards."""
SLOPE = math.radians(50.0)
"""Of the hopper's sides against the horizontal: grains slide down it up to friction 1.2."""
PEG_RADIUS, PEG_PITCH, PEG_ROWS, PEG_RISE = 0.07, 0.66, 3, 0.36
"""m, m, 1, m. Between two pegs there is more than two grains' width: no arch can bear on them."""
BIN_HEIGHT = 0.45
"""m."""
ROLLING = 0.3
"""Resistance to rolling over friction and radius: as large as for seeds and gravel; balls without
it make no heap (Zhou et al. 2002)."""
ROUGHNESS = 2.8
"""Radii from one to the next of the fixed balls that keep a heap's lowest grains in place."""
OUTLET = {"heap": 1.25, "pegs": 1.7}
"""m: height of the hopper's outlet."""
BOARD = Look((150, 146, 138))
FACING_BACK: Quaternion = (math.sqrt(0.5), -math.sqrt(0.5), 0.0, 0.0)
"""Turns z to +y."""


@dataclasses.dataclass(frozen=True)
class GranularPour(Scenario):
    """Equal balls, one layer of them between a board and a pane, pour out of a hopper.

    Visible, varying with the case: how the grains lie in the hopper, whether they share one colour,
    surroundings. Hidden, varying with the realization: velocities of 1 mm/s at t=0, which a pour
    soon amplifies, and the common friction (5%).
    """

    name: ClassVar[str] = "granular_pour"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "grains pour from a hopper"
    duration: ClassVar[float] = 4.0
    size: ClassVar[tuple[int, int]] = (64, 64)
    fps: ClassVar[float] = 20.0
    film_cameras: ClassVar[tuple[str, ...]] = ("side", "corner")
    leaves_out: ClassVar[str] = (
        "Grains are equal rigid spheres in one layer, held by a board and a pane as smooth as air; "
        "rolling resistance grows with friction."
    )
    phrasings: ClassVar[tuple[str, ...]] = (
        "{count:.0f} grains pour from a hopper: {arrangement}",
        "a hopper with an outlet of {opening:.2g} m lets out {count:.0f} balls, friction "
        "{friction:.2g}",
        "{count:.0f} balls of {radius:.2g} m cascade down ({arrangement}), restitution "
        "{restitution:.2g}",
    )
    observables: ClassVar[tuple[Observable, ...]] = (
        Observable("count", "1", "number of grains in view"),
        Observable("poured", "1", "share of the grains below the outlet"),
        Observable("repose_angle", "degree", "slope of the heap's surface at rest"),
        Observable("bins", "1", "number of grains in each bin"),
        Observable("heap_width", "m", "standard deviation of the grains' places at the end"),
    )
    checks: ClassVar[tuple[ClosedForm, ...]] = (
        ClosedForm("number", "the number of grains is conserved", 0.0, "nothing leaves"),
        ClosedForm("energy", "the total never rises", 0.01, "passive bodies with dry friction"),
        ClosedForm("first", "t = sqrt(2 h / g) for a grain that nothing holds", 0.02,
                   "free fall"),
        ClosedForm("repose", "the angle of repose grows with friction", 0.0,
                   "Zhou et al. 2002, Powder Technology 125, 45: by experiment and simulation"),
        ClosedForm("spread", "over pegs: mean 0, variance rows pitch2 / 4 + opening2 / 12", 0.7,
                   "Galton 1889, Natural Inheritance: binomial, for grains that do not meet"),
    )

    arrangement: str = choice(
        "heap", ("heap", "pegs"), meaning="what the grains fall on: a floor, or pegs and bins",
    )
    count: float = parameter(
        40, unit="1", training=(30, 50), physical=(12, 80), whole=True, meaning="number of grains",
    )
    radius: float = parameter(
        0.085, unit="m", training=(0.08, 0.095), physical=(0.07, 0.105),
        meaning="radius of a grain",
    )
    friction: float = parameter(
        0.35, unit="1", training=(0.15, 0.5), physical=(0.0, 0.9),
        meaning="friction coefficient between grains and of all they meet",
    )
    restitution: float = parameter(
        0.3, unit="1", training=(0.1, 0.5), physical=(0.0, 0.8),
        meaning="ratio of the normal speeds after and before grains collide",
    )
    opening: float = parameter(
        1.0, unit="m", training=(0.85, 1.1), physical=(0.5, 1.3),
        meaning="width of the hopper's outlet",
    )

    def scene(self, seed: int, case: int) -> MechanicalScene:
        """All that can be seen at t=0 of one case."""
        layout = stream(seed, case, VISIBLE, "grains")
        paint = stream(seed, case, VISIBLE, "colours")
        count = int(self.count)
        alike = bool(layout.random() < 0.5)
        looks = object_looks(paint, count, alike=alike)
        # Of two bodies the lesser restitution counts: that of the grains.
        solid = Material(friction=self.friction, restitution=1.0)
        rolls = ROLLING if self.arrangement == "heap" else 0.0
        grain = Material(
            friction=self.friction, restitution=self.restitution,
            rolling=rolls * self.friction * self.radius,
        )
        places = self._places(layout)
        height = max(HEIGHT, max(z for _, z in places) + 2 * self.radius)
        around, backdrop = surroundings(
            seed, case, 2 * WIDTH, 1.0, behind=self.radius + 0.2, material=solid
        )
        bodies: list[Body] = [
            fixture("hopper", self._boards(height), material=solid),
            fixture("pane", [Part(Shape.PLANE, (), BOARD, tracked=False)],
                    (0.0, -1.02 * self.radius, 0.0), quaternion=FACING_BACK, material=solid),
        ]
        if self.arrangement == "pegs":
            bodies.append(fixture("pegs", list(self._pegs()), material=solid))
        else:
            bodies.append(fixture("rough floor", list(self._gravel()), material=solid))
        for number, (x, z) in enumerate(places):
            bodies.append(
                ball(f"grain {number + 1}", self.radius, (x, 0.0, z), looks[number],
                     material=grain, mass=0.1)
            )
        return MechanicalScene(
            (*around, *bodies), stage_cameras(WIDTH, HEIGHT, depth=0.2),
            backdrop=backdrop, step=1 / 720,
        )

    def _places(self, rng: np.random.Generator) -> list[tuple[float, float]]:
        """(x, z) of each grain at t=0: rows from the outlet up, shaken, none touching another."""
        pitch = 2.12 * self.radius
        rise = pitch * math.sqrt(0.75)
        places: list[tuple[float, float]] = []
        row = 0
        while len(places) < int(self.count):
            z = OUTLET[self.arrangement] + THICK + self.radius + row * rise
            # Horizontal room between the boards for centres, a radius away from either.
            half = min(
                self.opening / 2 + (z - OUTLET[self.arrangement]) / math.tan(SLOPE)
                - 1.1 * self.radius / math.sin(SLOPE),
                WIDTH / 2 - 2 * THICK - 1.1 * self.radius,
            )
            columns = int(2 * half / pitch) + 1
            columns -= (columns + row) % 2 == 0 and columns > 1
            for column in range(columns):
                if len(places) < int(self.count):
                    x = (column - (columns - 1) / 2) * pitch
                    shake = rng.uniform(-0.04, 0.04, 2) * self.radius
                    places.append((x + float(shake[0]), z + float(shake[1])))
            row += 1
        return places

    def _boards(self, height: float) -> list[Part]:
        """Back board, side walls and the two sides of the hopper."""
        def board(
            half_size: tuple[float, float, float], position: tuple[float, float, float],
            turn: float = 0.0, look: Look = BOARD,
        ) -> Part:
            quaternion = (math.cos(turn / 2), 0.0, math.sin(turn / 2), 0.0)
            return Part(Shape.BOX, half_size, look, position, quaternion, tracked=False)

        deep = 1.02 * self.radius
        back = Look((188, 184, 176))
        wall = WIDTH / 2 - THICK
        parts = [board((WIDTH / 2, THICK, height / 2), (0.0, deep + THICK, height / 2), look=back)]
        run = wall - THICK - self.opening / 2  # from the outlet's edge to the wall
        half = run / math.cos(SLOPE) / 2
        for way in (-1.0, 1.0):
            parts.append(board((THICK, deep, height / 2), (way * wall, 0.0, height / 2)))
            # The face that bears grains runs from the outlet's edge outwards and upwards.
            x = self.opening / 2 + run / 2 + THICK * math.sin(SLOPE)
            z = OUTLET[self.arrangement] + run * math.tan(SLOPE) / 2 - THICK * math.cos(SLOPE)
            parts.append(board((half, deep, THICK), (way * x, 0.0, z), -way * SLOPE))
        return parts

    def _gravel(self) -> Iterator[Part]:
        """Balls sunk by half into the floor."""
        for x in _centred(ROUGHNESS * self.radius, WIDTH / 2 - 2 * THICK):
            yield Part(
                Shape.SPHERE, (self.radius,), Look((112, 108, 100)), (x, 0.0, 0.0), tracked=False
            )

    def _pegs(self) -> Iterator[Part]:
        """Staggered rows of pegs across the layer, and the walls between bins below them."""
        deep = 1.02 * self.radius
        across: Quaternion = (math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0)
        low = BIN_HEIGHT + 0.15
        # Whatever rolls down a wall finds its way past the pegs.
        room = WIDTH / 2 - 2 * THICK - PEG_RADIUS - 2.4 * self.radius
        for row in range(PEG_ROWS):
            for x in _centred(PEG_PITCH, room, shifted=row % 2 == 1):
                yield Part(
                    Shape.CYLINDER, (PEG_RADIUS, deep), Look((88, 90, 92)),
                    (x, 0.0, low + row * PEG_RISE), across, tracked=False,
                )
        for x in _centred(PEG_PITCH, room):
            yield Part(
                Shape.BOX, (1.2 * THICK, deep, BIN_HEIGHT / 2), BOARD, (x, 0.0, BIN_HEIGHT / 2),
                tracked=False,
            )

    def hidden(
        self, scene: MechanicalScene, seed: int, case: int, realization: int
    ) -> MechanicalHidden:
        """What cannot be set exactly: the grains' rest at t=0, and their friction."""
        rng = stream(seed, case, realization, "grains")
        friction = float(rng.lognormal(0.0, 0.05))
        velocity = rng.normal(0.0, 1e-3, (len(scene.bodies), 3)) * [1.0, 0.0, 1.0]
        return MechanicalHidden(friction=np.full(len(scene.bodies), friction), velocity=velocity)


def _centred(pitch: float, room: float, *, shifted: bool = False) -> list[float]:
    """Places from -room to room, a pitch apart: one at 0, or half a pitch beside it."""
    rights = np.arange(pitch / 2 if shifted else 0.0, room, pitch)
    return sorted({float(x) for x in (*-rights, *rights)})
