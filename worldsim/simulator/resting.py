"""Where loose bodies and works are at the start."""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import map_coordinates

from worldsim.simulator.coast import Piece
from worldsim.simulator.constants import SEAWATER_DENSITY
from worldsim.simulator.loose_bodies import KINDS
from worldsim.simulator.scene import Debris, Scene


def debris_rest(scene: Scene, box: Debris) -> float:
    """Elevation of the centre at t=0, m: on its piers, on the ground, or afloat. It can be seen, so
    it does not depend on the hidden density: boxes afloat settle to their own draught in the first
    second."""
    half_height = box.half_size[2]
    if box.elevation is not None:
        return box.elevation + half_height
    mass = debris_mass(box, KINDS[box.kind].density)
    draught = mass / (SEAWATER_DENSITY * 4 * box.half_size[0] * box.half_size[1])
    return max(_ground_under(scene, box), -draught) + half_height


def _ground_under(scene: Scene, box: Debris) -> float:
    """Highest ground under a box, m, between cell centres as MuJoCo has it."""
    domain, points = scene.domain, np.linspace(-1.0, 1.0, 5)
    along, across = np.meshgrid(points * box.half_size[0], points * box.half_size[1])
    cosine, sine = math.cos(box.heading), math.sin(box.heading)
    x = box.position[0] + along * cosine - across * sine
    y = box.position[1] + along * sine + across * cosine
    place = [np.clip(y / domain.dy - 0.5, 0, domain.ny - 1),
             np.clip(x / domain.dx - 0.5, 0, domain.nx - 1)]
    return float(map_coordinates(scene.platform, place, order=1).max())


def debris_mass(box: Debris, density: float) -> float:
    """Mass in kg of a loose body of that bulk density [kg/m3], contents included."""
    contents = 0.0 if box.contents is None else box.contents.mass
    return density * 8 * math.prod(box.half_size) + contents


def work_height(top: float, foot: float) -> tuple[float, float]:
    """Elevation of the centre and half height, m, of a work's body that rises from `EMBEDDED` below
    its `foot` to its `top`."""
    return (top + foot - EMBEDDED) / 2, (top - foot + EMBEDDED) / 2


def work_foot(scene: Scene, piece: Piece) -> float:
    """Elevation of the lowest ground under a work, m."""
    x0, x1, y0, y1 = piece.footprint
    rows = slice(int(y0 / scene.domain.dy), math.ceil(y1 / scene.domain.dy))
    columns = slice(int(x0 / scene.domain.dx), math.ceil(x1 / scene.domain.dx))
    return float(scene.platform[rows, columns].min())


EMBEDDED = 1.0
"""m by which works reach into the ground, so that nothing gets under them."""
