"""People who walk on dry ground: points that follow the ways, slower in crowds and on slopes."""

from __future__ import annotations

import numpy as np

from worldsim.simulator.people.pace import crowding, on_slope
from worldsim.simulator.scene import Domain

CROWD_CELL = 2.0
"""m; people within one square of this side count as around each other."""

MARGIN = 0.05
"""m that people stay inside the domain's sides."""


def density(member: np.ndarray, place: np.ndarray, domain: Domain) -> np.ndarray:
    """Number of other people per m2 around each, (walkers,), of places (walkers, 2) m."""
    across = int(np.ceil(domain.length / CROWD_CELL)) + 1
    up = int(np.ceil(domain.width / CROWD_CELL)) + 1
    column, row = (place[:, k] // CROWD_CELL for k in (0, 1))
    square = (member * up + row.astype(np.int64)) * across + column.astype(np.int64)
    _, which, count = np.unique(square, return_inverse=True, return_counts=True)
    return np.asarray((count[which] - 1) / CROWD_CELL**2)


def cells(place: np.ndarray, domain: Domain) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the cells in which places (…, 2) m lie."""
    row = np.clip((place[..., 1] / domain.dy).astype(np.int64), 0, domain.ny - 1)
    column = np.clip((place[..., 0] / domain.dx).astype(np.int64), 0, domain.nx - 1)
    return row, column


def incline_of(ground: np.ndarray, domain: Domain) -> np.ndarray:
    """Gradient (x, y) of the ground (…, ny, nx) in m at each cell, (…, ny, nx, 2)."""
    along_y, along_x = np.gradient(ground, domain.dy, domain.dx, axis=(-2, -1))
    return np.stack([along_x, along_y], axis=-1)


def walk(
    member: np.ndarray,
    place: np.ndarray,
    speed: np.ndarray,
    crowd: np.ndarray,
    direction: np.ndarray,
    incline: np.ndarray,
    walls: np.ndarray,
    domain: Domain,
    dt: float,
) -> np.ndarray:
    """Places of walkers (walkers, 2) m after `dt` s.

    member : (walkers,). speed : own free speed, m/s. crowd : others per m2 around them.
    direction : (member, ny, nx, 2) of the ways. incline : (member, ny, nx, 2) gradient of the
    ground. walls : (member, ny, nx) bool, cells that nobody enters.
    """
    row, column = cells(place, domain)
    heading = direction[member, row, column]
    slope = (incline[member, row, column] * heading).sum(-1)
    step = (speed * crowding(crowd) * on_slope(slope) * dt)[:, None] * heading
    low = MARGIN
    high = np.array([domain.length - MARGIN, domain.width - MARGIN])
    wanted = np.clip(place + step, low, high)
    inside_wall = walls[member, row, column]
    # Along a wall: what is left of the step when the part into the wall is taken away.
    options = [
        wanted,
        np.stack([wanted[:, 0], place[:, 1]], axis=-1),
        np.stack([place[:, 0], wanted[:, 1]], axis=-1),
    ]
    moved, settled = place.copy(), np.zeros(len(place), dtype=bool)
    for option in options:
        into = walls[(member, *cells(option, domain))]
        take = ~settled & (~into | inside_wall)
        moved[take] = option[take]
        settled |= take
    return moved
