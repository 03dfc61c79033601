"""Water that goes on as its front moved, seen from straight above."""

from __future__ import annotations

import numpy as np
import xarray as xr

from worldsim.instruments import observe_buildings, observe_debris, observe_water
from worldsim.instruments.ground import GroundGrid
from worldsim.instruments.water import front
from worldsim.instruments.wetness import wet_mask
from worldsim.models.moving import MovingPicture, slope
from worldsim.models.painting import paint


def coast_continued(known: xr.Dataset, ahead: np.ndarray) -> np.ndarray:
    """What follows on known frames of a coast: water, buildings, debris.

    The front goes on row by row, never recedes and flows around standing buildings; each piece of
    debris has a velocity of its own.

    Parameters
    ----------
    known : overhead `/video/<camera>`, of one realization. ahead : (time,) s after its last frame.

    Returns
    -------
    (case, time, row, column, 3) uint8.
    """
    grid = GroundGrid.of(known)
    time = known["time"].values
    water, debris = observe_water(known), observe_debris(known)
    roofs = observe_buildings(known)["footprint"].values[:, 0]
    result = []
    for case, frames in enumerate(known["rgb"].values[:, 0]):
        # Rows as in the picture: the instruments' rows ascend in y.
        front_m = water["front"].values[case, 0, :, ::-1]
        wet = water["wet"].values[case, 0, -1, ::-1]
        flooded = wet | (_reach(front_m, time, ahead, grid) & ~_inside(roofs[case], grid))
        position = debris["position"].values[case, 0]
        seen = np.isfinite(position[..., 0])
        last = position.shape[0] - 1 - np.argmax(seen[::-1], axis=0)
        places = (
            position[last, np.arange(position.shape[1])]
            + slope(position, time) * ahead[:, None, None]
        )
        result.append(paint(frames[-1], flooded, places, grid))
    return np.stack(result)


def pool_continued(known: xr.Dataset, pictures: list[MovingPicture],
                   ahead: np.ndarray) -> np.ndarray:
    """What follows on known frames of water without buildings, and of the objects in it.

    The front goes on row by row, around objects that stand still; where it passes, the picture
    takes the usual colour of the water. Nothing else of the water changes.

    Parameters
    ----------
    known, ahead : as of `coast_continued`. pictures : of each case, taken apart.

    Returns
    -------
    (case, time, row, column, 3) uint8.
    """
    grid = GroundGrid.of(known)
    time = known["time"].values
    result = []
    for frames, picture in zip(known["rgb"].values[:, 0], pictures, strict=True):
        # By colour alone: dry floor is not to be taken for a roof, as on a coast.
        wet = wet_mask(frames)
        reached = _reach(front(wet, grid.x, grid.pitch), time, ahead, grid)
        flooded = reached & ~wet[-1] & ~picture.still
        background = None
        if flooded.any():
            ground = picture.background
            usual = np.median(ground[wet[-1]], axis=0).astype(np.uint8)
            background = np.where(flooded[..., None], usual, ground)
        result.append(picture.after(len(ahead), background))
    return np.stack(result)


def _reach(front_m: np.ndarray, time: np.ndarray, ahead: np.ndarray,
           grid: GroundGrid) -> np.ndarray:
    """(time, row, column) bool: what fronts (time, row) m pass in the seconds `ahead`."""
    reach = front_m[-1] + np.maximum(slope(front_m, time), 0.0) * ahead[:, None]
    # Half a pixel beyond its centre, a cell is passed.
    return (grid.x[None, None, :] < reach[:, :, None]) & (grid.x > front_m[-1][:, None])


def _inside(footprints: np.ndarray, grid: GroundGrid) -> np.ndarray:
    """(row, column) bool: the pixels within any of the rectangles (building, bound) m."""
    covered = np.zeros((len(grid.y), len(grid.x)), dtype=bool)
    for x0, x1, y0, y1 in footprints[np.isfinite(footprints[:, 0])]:
        covered |= ((grid.x > x0) & (grid.x < x1))[None] & ((grid.y > y0) & (grid.y < y1))[:, None]
    return covered
