"""What stands on the coast, as the camera sees it: seawalls and piers as grey blocks, trees as one
crown for every few metres of belt. Broken trees are gone; a wall that failed is a heap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from worldsim.camera.height_field import Grid

CONCRETE = (178, 174, 166)
FOLIAGE = (78, 94, 58)
"""As dark as it is so that crowns stand out from grass, of whose hue they are."""

SEAWALL, QUAY, PIER = 0, 1, 2

CROWN_CELLS = 2
"""A crown for so many cells each way."""

CROWN_SHARE, CROWN_FROM = 0.5, 0.35
"""Width of a crown over that of its cells, so that what drifts among trees is seen, and part of the
tree's height where it begins."""


Block = tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, int, int]]
"""Centre and half size (frame, 3) in m, whether it is shown (frame,), colour."""


@dataclass(frozen=True)
class Works:
    """Blocks beside the bodies: centres and half sizes (frame, n, 3) in m, whether they are shown
    (frame, n), colour (n, 3).

    ground : (y, x) m without walls. bed : (frame, y, x) m, by how much the water's bed lies above
    that. covered : (frame, y, x), cells under standing walls.
    """

    position: np.ndarray
    half_size: np.ndarray
    shown: np.ndarray
    colour: np.ndarray
    ground: np.ndarray
    bed: np.ndarray
    covered: np.ndarray


def works_of(
    rollout: xr.DataTree, case: int, realization: int, before: np.ndarray, times: np.ndarray,
    grid: Grid, bathymetry: np.ndarray,
) -> Works:
    """The works and trees of a member.

    Parameters
    ----------
    before : (frame,) stored state shown in each frame. times : (frame,) s.
    bathymetry : (y, x) m as stored, walls included.
    """
    frames = len(times)
    ground = bathymetry.copy()
    bed = np.zeros((frames, *ground.shape), np.float32)
    covered = np.zeros(bed.shape, dtype=bool)
    blocks: list[Block] = []
    always = np.ones(frames, dtype=bool)
    if "works" in rollout.children:
        works = rollout["works"].dataset.isel(case=case, realization=realization)
        standing = works["standing"].values[before].astype(bool)
        for number, kind in enumerate(works["kind"].values):
            if kind not in (SEAWALL, PIER):
                continue
            x0, x1, y0, y1 = works["footprint"].values[number]
            foot = float(works["foot"][number])
            fallen = float(works["rubble"][number]) if kind == SEAWALL else foot
            top = np.where(standing[:, number], float(works["crest"][number]), fallen)
            ones = np.ones(frames)
            middle = np.stack(((x0 + x1) / 2 * ones, (y0 + y1) / 2 * ones, (top + foot) / 2), 1)
            half = np.stack(((x1 - x0) / 2 * ones, (y1 - y0) / 2 * ones, (top - foot) / 2), 1)
            blocks.append((middle, half, always, CONCRETE))
            if kind == SEAWALL:
                inside = _cells(grid, x0, x1, y0, y1)
                ground[inside] = np.minimum(ground[inside], foot)
                bed[:, *inside] = (top[:, None, None] - ground[inside]).astype(np.float32)
                covered[:, *inside] = standing[:, number, None, None]
    if "trees" in rollout.children:
        blocks += _crowns(rollout, case, realization, times, grid, bathymetry)
    count = len(blocks)
    return Works(
        position=np.array([b[0] for b in blocks]).reshape(count, frames, 3).swapaxes(0, 1),
        half_size=np.array([b[1] for b in blocks]).reshape(count, frames, 3).swapaxes(0, 1),
        shown=np.array([b[2] for b in blocks], dtype=bool).reshape(count, frames).T,
        colour=np.array([b[3] for b in blocks], dtype=np.float32).reshape(count, 3),
        ground=ground,
        bed=bed,
        covered=covered,
    )


def _cells(grid: Grid, x0: float, x1: float, y0: float, y1: float) -> tuple[slice, slice]:
    """Rows and columns of the cells whose centres lie within a rectangle [m]."""
    rows, columns = (
        slice(round((low - first) / size + 0.5), round((high - first) / size + 0.5))
        for low, high, first, size in (
            (y0, y1, grid.y_first, grid.dy), (x0, x1, grid.x_first, grid.dx)
        )
    )
    return rows, columns


def _crowns(
    rollout: xr.DataTree, case: int, realization: int, times: np.ndarray, grid: Grid,
    ground: np.ndarray,
) -> list[Block]:
    """One block for `CROWN_CELLS` x `CROWN_CELLS` cells; it goes when half of its trees have."""
    trees = rollout["trees"].dataset.isel(case=case, realization=realization)
    stems, height = trees["stems"].values, trees["height"].values
    gone = np.nan_to_num(trees["failure_time"].values.astype(np.float64), nan=np.inf)
    found = []
    for row in range(0, grid.ny, CROWN_CELLS):
        for column in range(0, grid.nx, CROWN_CELLS):
            own = slice(row, row + CROWN_CELLS), slice(column, column + CROWN_CELLS)
            planted = stems[own] > 0
            if planted.mean() < 0.5:
                continue
            tall, foot = float(height[own].max()), float(ground[own].mean())
            stands = times < np.median(gone[own][planted])
            low, high = foot + CROWN_FROM * tall, foot + tall
            centre = (
                grid.x_first + (column + (CROWN_CELLS - 1) / 2) * grid.dx,
                grid.y_first + (row + (CROWN_CELLS - 1) / 2) * grid.dy,
                (low + high) / 2,
            )
            half = (
                CROWN_SHARE * CROWN_CELLS * grid.dx / 2,
                CROWN_SHARE * CROWN_CELLS * grid.dy / 2,
                (high - low) / 2,
            )
            found.append(
                (
                    np.tile(centre, (len(times), 1)),
                    np.tile(half, (len(times), 1)),
                    stands,
                    FOLIAGE,
                )
            )
    return found
