"""The visible surface of ground and water: one continuous height field per frame.

Its height is bathymetry plus depth, so that water meets the ground where it ends and no two
surfaces fight for a pixel; whether a place is water is a field of its own.
"""

from __future__ import annotations

import numpy as np
import torch

from worldsim.camera.height_field import Grid, Heights
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
        # Under a building there is no water; carrying the surface on for two cells keeps the
        # bilinear surface from dipping along the walls. The building itself hides it.
        if blocked.any():
            height, wet, depth = _carried_under(blocked, height, wet, depth)
        slope_y, slope_x = _slopes(height, self.grid)
        steep = np.clip((np.sqrt(slope_x**2 + slope_y**2) - 0.12) / 0.5, 0.0, 1.0)
        speed = _pad_edge(states.speed[frames])
        fast = np.clip((speed - 3.0) / 5.0, 0.0, 1.0) * np.clip(1.5 - depth / 2.0, 0.0, 1.0)
        foam = np.clip(0.9 * steep + 0.6 * fast, 0.0, 1.0)
        # Coloured by cell, not by pixel: the colour is as smooth as the slope that it shows.
        colour = water_colour(depth, slope_x, slope_y, foam)
        self.heights = Heights.of(torch.from_numpy(height.astype(np.float32)))
        self.blocked = torch.from_numpy(blocked)
        self.looks = torch.from_numpy(np.stack([wet, *colour], axis=1).astype(np.float32))
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


def _carried_under(blocked: np.ndarray, *stored: np.ndarray) -> list[np.ndarray]:
    """Fields (frame, y, x) in which blocked cells next to open ones take the mean of those."""
    fields = list(stored)
    open_ = (1.0 - blocked).astype(np.float32)
    for _ in range(2):
        weight = _sum_of_3x3(open_)
        ring = (open_ == 0) & (weight > 0)
        for i, field in enumerate(fields):
            mean = _sum_of_3x3(field * open_) / np.maximum(weight, 1.0)
            fields[i] = np.where(ring, mean, field)
        open_ = np.where(ring, np.float32(1.0), open_)
    return fields


def _sum_of_3x3(field: np.ndarray) -> np.ndarray:
    # The two neighbours are added first: the sum is then the same bits for a mirrored field.
    padded = np.pad(field, [(0, 0)] * (field.ndim - 2) + [(1, 1), (1, 1)])
    along_y = (padded[..., :-2, :] + padded[..., 2:, :]) + padded[..., 1:-1, :]
    return (along_y[..., :-2] + along_y[..., 2:]) + along_y[..., 1:-1]


def _slopes(height: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Central differences dz/dy, dz/dx of heights (frame, y, x)."""
    padded = np.pad(height, [(0, 0), (1, 1), (1, 1)], mode="edge")
    return ((padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / np.float32(2 * grid.dy),
            (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / np.float32(2 * grid.dx))
