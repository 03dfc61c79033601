"""The visible surface of ground and water: one continuous height field per frame.

Its height is bathymetry plus depth, so that water meets the ground where it ends and no two
surfaces fight for a pixel; whether a place is water is a field of its own.
"""

from __future__ import annotations

import numpy as np
import torch

from worldsim.camera.height_field import Grid
from worldsim.camera.marching import Heights
from worldsim.camera.shading import water_colour
from worldsim.camera.states import MemberStates

WET_DEPTH = 0.02
"""Depth [m] from which a cell shows water."""

OFFSHORE_CELLS = 40
"""Cells of sea in front of the domain, in which the incoming wave fades to still water."""


class Surface:
    """The surface fields of some frames of one member.

    ``heights`` (frame, y, x) in m, ``blocked`` (frame, y, x) 0 or 1, ``looks`` (frame, channel,
    y, x) with the channels wet 0..1 and the water's red, green, blue 0..255, all float32, and
    ``ground`` (y, x), the bathymetry [m], on ``grid``, which extends the water's grid offshore.
    """

    def __init__(self, states: MemberStates, frames: slice = slice(None)) -> None:
        self.grid: Grid = states.grid.padded(OFFSHORE_CELLS)
        ground = _pad_ground(states.bathymetry)
        depth = _pad_water(states.depth[frames], states.bathymetry)
        blocked = _pad_edge(states.blocked[frames].astype(np.float32))
        wet = np.clip(depth / np.float32(2 * WET_DEPTH), 0.0, 1.0)
        height = ground + depth
        if states.bed.any():
            height = height + _pad_edge(states.bed[frames])
        # Under a building there is no water; carrying the surface on for two cells keeps the
        # bilinear surface from dipping along the walls. The building itself hides it.
        if blocked.any():
            _carry_under(blocked > 0, height, wet, depth)
        slope_y, slope_x = _slopes(height, self.grid)
        steep = np.clip((np.sqrt(slope_x**2 + slope_y**2) - 0.12) / 0.5, 0.0, 1.0)
        speed = _pad_edge(states.speed[frames])
        fast = np.clip((speed - 3.0) / 5.0, 0.0, 1.0) * np.clip(1.5 - depth / 2.0, 0.0, 1.0)
        foam = np.clip(0.9 * steep + 0.6 * fast, 0.0, 1.0)
        # Coloured by cell, not by pixel: the colour is as smooth as the slope that it shows.
        colour = water_colour(depth, slope_x, slope_y, foam)
        self.heights = Heights.of(torch.from_numpy(height))
        self.blocked = torch.from_numpy(blocked)
        looks = np.empty((len(depth), 4, *ground.shape), dtype=np.float32)
        looks[:, 0] = wet
        for channel, values in enumerate(colour, start=1):
            looks[:, channel] = values
        self.looks = torch.from_numpy(looks)
        self.ground = torch.from_numpy(ground.astype(np.float32))


def _pad_edge(field: np.ndarray) -> np.ndarray:
    return np.concatenate(
        [np.repeat(field[..., :1], OFFSHORE_CELLS, axis=-1), field], axis=-1
    ).astype(np.float32)


def _pad_ground(bathymetry: np.ndarray) -> np.ndarray:
    return _pad_edge(bathymetry)


def _pad_water(depth: np.ndarray, bathymetry: np.ndarray) -> np.ndarray:
    """Depth (frame, y, x) with sea in front of it that calms down to z = 0."""
    still = np.maximum(-bathymetry[:, :1], 0.0)
    nearness = (np.arange(OFFSHORE_CELLS, dtype=np.float32) / OFFSHORE_CELLS)[None, None]
    sea = still + (depth[..., :1] - still) * nearness
    return np.concatenate([sea, depth], axis=-1).astype(np.float32)


def _carry_under(blocked: np.ndarray, *fields: np.ndarray) -> None:
    """Let blocked cells next to open ones take the mean of those, in `fields` (frame, y, x)."""
    blocked = blocked.copy()
    for _ in range(2):
        ring = np.nonzero(blocked & _beside(~blocked))
        around, inside = _around(ring, blocked.shape)
        open_ = (inside & ~blocked.take(around)).astype(np.float32)
        count = np.maximum(_sum(open_), np.float32(1.0))
        for field in fields:
            field[ring] = _sum(field.take(around) * open_) / count
        blocked[ring] = False


def _beside(mask: np.ndarray) -> np.ndarray:
    """Cells of which one of the 3 x 3 around is in a mask (frame, y, x)."""
    found = mask.copy()
    found[:, 1:] |= mask[:, :-1]
    found[:, :-1] |= mask[:, 1:]
    along_x = found.copy()
    found[:, :, 1:] |= along_x[:, :, :-1]
    found[:, :, :-1] |= along_x[:, :, 1:]
    return found


def _around(cells: tuple[np.ndarray, ...],
            shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Indices (3, 3, m) of the cells before, after and at each of `cells` along y and x in the
    flattened (frame, y, x), and which of them lie in the field; the others are some cell."""
    steps = np.array([-1, 1, 0])
    frame, y, x = cells
    i, j = y + steps[:, None, None], x + steps[None, :, None]
    inside = (i >= 0) & (i < shape[1]) & (j >= 0) & (j < shape[2])
    i, j = np.clip(i, 0, shape[1] - 1), np.clip(j, 0, shape[2] - 1)
    return (frame * shape[1] + i) * shape[2] + j, inside


def _sum(values: np.ndarray) -> np.ndarray:
    """Sum (m,) over cells around as `_around` gives them, (3, 3, m)."""
    # The two neighbours are added first: the sum is then the same bits for a mirrored field.
    along_y = (values[0] + values[1]) + values[2]
    return (along_y[0] + along_y[1]) + along_y[2]


def _slopes(height: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Central differences dz/dy, dz/dx of heights (frame, y, x)."""
    padded = np.pad(height, [(0, 0), (1, 1), (1, 1)], mode="edge")
    return ((padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / np.float32(2 * grid.dy),
            (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / np.float32(2 * grid.dx))
