"""How mechanical scenes look and are filmed: palettes, floors, backdrops, props, cameras.

A stage is ``width`` m wide (x, to the right) and ``height`` m high (z, upwards) around x=0 above a
floor at z=0; what happens in a plane happens at y=0, and y points away from the side camera.
Objects have distinct saturated colours; all else is dull, so that it cannot be taken for one.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence

import numpy as np

from scenarios.places import apart
from worldsim.camera import Camera
from worldsim.camera.projection import corner, side
from worldsim.mechanics import (
    STATES_PER_SECOND,
    Backdrop,
    Body,
    Colour,
    Look,
    Material,
    Part,
    Pattern,
    Role,
    Shape,
    fixture,
)
from worldsim.seeding import VISIBLE, stream

COLOURS: dict[str, Colour] = {
    "red": (214, 40, 40),
    "blue": (36, 84, 214),
    "green": (34, 160, 60),
    "yellow": (240, 200, 20),
    "magenta": (206, 40, 168),
    "cyan": (20, 178, 200),
    "orange": (242, 124, 20),
    "violet": (112, 56, 190),
}
"""What objects are painted in, by the name that captions use; any two are far apart, the first of
them furthest."""

ANY = "any"
"""A scenario's colour parameter: whatever each case draws."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """A dull surrounding: the floor's paint and what is behind it.

    The fields of the floor's pattern are in widths of the stage until `setting` draws it.
    """

    name: str
    floor: Look
    backdrop: Backdrop


SETTINGS: tuple[Setting, ...] = (
    Setting("studio", Look((150, 146, 140)), Backdrop((206, 210, 214), (168, 176, 186))),
    Setting("dusk", Look((98, 100, 106)), Backdrop((150, 154, 164), (92, 98, 112))),
    Setting("paper", Look((186, 180, 168)), Backdrop((232, 230, 224), (212, 210, 206))),
    Setting("slate", Look((72, 78, 84)), Backdrop((120, 128, 136), (74, 82, 92))),
    Setting(
        "tiles",
        Look((160, 158, 152), (140, 138, 134), Pattern.CHECKER, 0.2),
        Backdrop((200, 206, 208), (164, 172, 176)),
    ),
    Setting(
        "daylight",
        Look((166, 160, 146)),
        Backdrop((214, 218, 220), (176, 188, 200), shadows=True),
    ),
    Setting(
        "laboratory",
        Look((128, 132, 130), (114, 118, 116), Pattern.CHECKER, 0.35),
        Backdrop((186, 190, 188), (140, 148, 148), shadows=True),
    ),
)

PROP_COLOURS: tuple[Colour, ...] = (
    (120, 112, 104),
    (136, 138, 132),
    (104, 110, 116),
    (146, 136, 124),
    (92, 94, 92),
)
"""Dull paint of distractors and of fixtures that stand in the picture."""

CORNER_AZIMUTH, CORNER_FOV = 35.0, 32.0
"""degree: where the corner camera stands, and its angle of view."""


def setting(rng: np.random.Generator, width: float) -> Setting:
    """One of the surroundings, for a stage of that width."""
    drawn = SETTINGS[int(rng.integers(len(SETTINGS)))]
    look = dataclasses.replace(drawn.floor, field=drawn.floor.field * width)
    return dataclasses.replace(drawn, floor=look)


def prop_look(rng: np.random.Generator) -> Look:
    """Dull paint."""
    return Look(PROP_COLOURS[int(rng.integers(len(PROP_COLOURS)))])


def toned(colour: Colour, share: float = 0.45) -> Colour:
    """The same hue, darker: the second colour of a pattern that shows turning."""
    red, green, blue = (round(share * channel) for channel in colour)
    return red, green, blue


def object_looks(
    rng: np.random.Generator,
    count: int,
    *,
    colour: str = ANY,
    alike: bool = False,
    patterns: Sequence[Pattern] = (Pattern.PLAIN,),
    field: float = 0.1,
) -> tuple[Look, ...]:
    """Paint of `count` objects, each with a colour of its own as far as there are colours.

    Parameters
    ----------
    colour : name of the first one's colour, or `ANY`.
    alike : whether all share one look.
    patterns : one of these is drawn, for all of them.
    field : size of the pattern's fields, m.
    """
    names = [list(COLOURS)[int(place)] for place in rng.permutation(len(COLOURS))]
    pattern = patterns[int(rng.integers(len(patterns)))]
    if colour != ANY:
        names.remove(colour)
        names.insert(0, colour)
    chosen = [names[0 if alike else number % len(names)] for number in range(count)]
    return tuple(
        Look(COLOURS[name], toned(COLOURS[name]), pattern, field) for name in chosen
    )


def ground(
    width: float, look: Look, material: Material = Material(), *, below: float = 1.0
) -> Body:
    """The floor: an endless plane at z=0 that bears, and a slab that a level view shows under it.

    below : how far down the slab goes, m. A view along the plane would else look through it.
    """
    thick = below / 2
    slab = Part(
        Shape.BOX,
        (50 * width, 10 * width, thick),  # side cameras stand at least 20 widths away
        dataclasses.replace(look, pattern=Pattern.PLAIN),
        (0.0, 0.0, -thick - 1e-3 * width),
        collides=False,
        tracked=False,
    )
    return fixture("floor", [Part(Shape.PLANE, (), look, tracked=False), slab], material=material)


def distractors(
    rng: np.random.Generator, count: int, width: float, height: float, *, behind: float
) -> tuple[Body, ...]:
    """Dull things that stand still on the floor and that nothing touches.

    behind : all of each is further away than this y, m; choose it beyond where anything moves.
    """
    bodies: list[Body] = []
    for number, x in enumerate(apart(rng, count, -0.45 * width, 0.45 * width, 0.2 * width)):
        shape = (Shape.BOX, Shape.CYLINDER, Shape.SPHERE)[int(rng.integers(3))]
        half = float(rng.uniform(0.05, 0.09)) * width
        tall = float(rng.uniform(0.06, 0.18)) * height
        size: tuple[float, ...] = {
            Shape.BOX: (half, half, tall), Shape.CYLINDER: (half, tall), Shape.SPHERE: (half,),
        }[shape]
        up = half if shape is Shape.SPHERE else tall
        part = Part(shape, size, prop_look(rng), collides=False, tracked=False)
        y = behind + half + float(rng.uniform(0.02, 0.3)) * width
        bodies.append(
            Body(f"distractor {number + 1}", (part,), (x, y, up), joint=None, role=Role.DISTRACTOR)
        )
    return tuple(bodies)


def surroundings(
    seed: int,
    case: int,
    width: float,
    height: float,
    *,
    behind: float,
    material: Material = Material(restitution=1.0),
    most: int = 2,
) -> tuple[tuple[Body, ...], Backdrop]:
    """Floor and up to `most` distractors of a stage, and the backdrop, as the case draws them.

    material : of the floor; by default a collision's restitution is that of what falls on it.
    behind : as for `distractors`.
    """
    drawn = setting(stream(seed, case, VISIBLE, "setting"), width)
    rng = stream(seed, case, VISIBLE, "distractors")
    props = distractors(rng, int(rng.integers(most + 1)), width, height, behind=behind)
    return (ground(width, drawn.floor, material), *props), drawn.backdrop


def stage_cameras(
    width: float,
    height: float,
    *,
    depth: float = 0.0,
    rim: float = 0.06,
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0),
    elevation: float = 12.0,
) -> dict[str, Camera]:
    """The two views that all mechanical scenarios have: ``side`` and ``corner``.

    A square side picture shows x from -width/2 to width/2 and z from the floor to `height` and,
    around it, a rim; wider pictures show more to the left and right.

    depth : extent in y that the corner view has to show, m. Cameras are one for all cases of a
        scenario, so that nothing here may depend on its parameters.
    rim : share of the side picture on each side of the stage, under the floor too.
    centre : where on the floor the middle of the stage is, m.
    elevation : by how much the corner view looks down, degree; more for what happens on a table.
    """
    x, y, z = centre
    tall = max(width, height) / (1 - 2 * rim)
    middle = np.array([x, y, z + height / 2])
    view = corner(tuple(middle), 1.0, CORNER_AZIMUTH, elevation, CORNER_FOV)
    edges = np.array(list(itertools.product(*([-s / 2, s / 2] for s in (width, depth, height)))))
    right, up, ahead = view.basis @ edges.T
    # As near as all of the stage's edges, and a rim, stay in a square picture.
    half = math.tan(math.radians(CORNER_FOV) / 2) * (1 - 2 * rim)
    distance = float(np.max(np.maximum(np.abs(right), np.abs(up)) / half - ahead))
    return {
        "side": side((x, y, z + tall * (0.5 - rim)), tall, 20 * tall),
        "corner": corner(tuple(middle), distance, CORNER_AZIMUTH, elevation, CORNER_FOV),
    }


def step_for(speed: float, size: float) -> float:
    """Time step [s] in which what moves at `speed` [m/s] goes on by no more than a 12th of the
    smaller's `size` (radius or half thickness, m), so that where two touch is found well; 1/480 s
    at most. The tests hold the scenarios to their closed forms at these steps, and at half of
    them."""
    parts = max(4, math.ceil(speed / (size / 12 * STATES_PER_SECOND)))
    return 1 / (STATES_PER_SECOND * parts)


def overhead_camera(height_m: float, centre: tuple[float, float] = (0.0, 0.0)) -> Camera:
    """Straight down on a table at z=0; up in the picture is +y."""
    x, y = centre
    return Camera(
        "overhead", "orthographic", (x, y, 20 * height_m), (x, y, 0.0), (0.0, 1.0, 0.0),
        height_m=height_m,
    )
