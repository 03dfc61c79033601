"""Water read from overhead video: what is wet, how far the front has come, when it arrives.

All but `observe_water` take a wet mask, wherever it comes from, so that the same definitions apply
to video and to the simulator's state.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from worldsim.instruments.buildings import observe_buildings
from worldsim.instruments.ground import GroundGrid
from worldsim.instruments.wetness import WaterColour, wet_mask


def front(wet: np.ndarray, x: np.ndarray, pitch: float) -> np.ndarray:
    """How far inland each row is wet.

    Single wet pixels without two wet neighbours do not count; dry islands (buildings) on the
    way do not stop the search.

    Parameters
    ----------
    wet : (…, row, column) bool.
    x : (column,) pixel centres, m, ascending; the water comes from small x.
    pitch : pixel side, m.

    Returns
    -------
    (…, row) float64, m: inland edge of the last wet pixel, or the seaward edge of the view where
    a row is dry.
    """
    padding = ((0, 0),) * (wet.ndim - 2) + ((1, 1), (1, 1))
    padded = np.pad(wet.view(np.uint8), padding, mode="edge")
    rows = padded[..., :-2, :] + padded[..., 1:-1, :] + padded[..., 2:, :]
    around = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    firm = wet & (around >= 3)
    last = firm.shape[-1] - np.argmax(firm[..., ::-1], axis=-1)
    last = np.where(firm.any(axis=-1), last, 0)
    return x[0] - pitch / 2 + last * pitch


def arrival(front_m: np.ndarray, time: np.ndarray, x: np.ndarray) -> np.ndarray:
    """When half of the rows have been reached at each x.

    The share of rows whose front has passed x is interpolated linearly between frames.

    Parameters
    ----------
    front_m : (…, time, row) m.
    time : (time,) s.
    x : (place,) m.

    Returns
    -------
    (…, place) s; NaN where the water does not arrive.
    """
    # Rows sorted by front: the share beyond a place is the count of those after it.
    share = np.stack([np.mean(front_m > place, axis=-1) for place in x], axis=-1)
    there = share >= 0.5
    first = np.argmax(there, axis=-2)
    before = np.maximum(first - 1, 0)
    at = np.take_along_axis(share, first[..., None, :], axis=-2)[..., 0, :]
    was = np.take_along_axis(share, before[..., None, :], axis=-2)[..., 0, :]
    part = np.where(first > 0, (0.5 - was) / np.where(at > was, at - was, 1.0), 0.0)
    when = time[before] + part * (time[first] - time[before])
    return np.where(there.any(axis=-2), when, np.nan)


def water_dataset(wet: np.ndarray, time: np.ndarray, y: np.ndarray, x: np.ndarray,
                  coords: dict[str, tuple[str, np.ndarray]]) -> xr.Dataset:
    """All water observables of a wet mask (case, realization, time, y, x) on square pixels."""
    pitch = float(x[1] - x[0])
    front_m = front(wet, x, pitch)
    dims = ("case", "realization", "time")
    return xr.Dataset(
        {
            "wet": ((*dims, "y", "x"), wet, {"long_name": "wet", "units": "1"}),
            "wet_area": (dims, wet.sum(axis=(-2, -1)) * pitch**2,
                         {"long_name": "wet area", "units": "m2"}),
            "front": ((*dims, "y"), front_m, {"long_name": "water front", "units": "m"}),
            "front_position": (dims, front_m.mean(axis=-1),
                               {"long_name": "mean water front", "units": "m"}),
            "arrival_time": ((*dims[:2], "x"), arrival(front_m, time, x),
                             {"long_name": "time at which half of the rows are reached",
                              "units": "s"}),
        },
        coords={
            **coords,
            "time": ("time", time, {"units": "s", "standard_name": "time"}),
            "y": ("y", y, {"units": "m"}),
            "x": ("x", x, {"units": "m"}),
        },
    )


def observe_water(video: xr.Dataset, colour: WaterColour = WaterColour(),
                  buildings: bool = True) -> xr.Dataset:
    """Read the water from an overhead video.

    Parameters
    ----------
    video : `/video/<camera>` with ``rgb (case, realization, time, row, column, channel)`` uint8
        of an orthographic camera.
    buildings : whether some may stand there, whose roofs and rubble hide water. Where none do, dry
        ground of a roof's size and colour is better not taken for one.

    Returns
    -------
    ``wet`` (case, realization, time, y, x), ``wet_area`` m2, ``front`` m per row,
    ``front_position`` m, ``arrival_time`` s per x. Rows are turned so that y ascends.

    Raises
    ------
    InputError : not an orthographic RGB video.
    """
    grid = GroundGrid.of(video)
    rgb = video["rgb"].values
    fallen = _fallen(video, grid) if buildings else None
    wet = wet_mask(rgb, colour, first=rgb[:, :, :1], fallen=fallen)[..., ::-1, :]
    members = {name: video[name].values for name in ("case", "realization") if name in video.coords}
    return water_dataset(wet, video["time"].values, grid.y[::-1], grid.x,
                         {name: (name, values) for name, values in members.items()})


def _fallen(video: xr.Dataset, grid: GroundGrid) -> np.ndarray:
    """(case, realization, time, row, column) bool: where buildings stood that stand no more."""
    seen = observe_buildings(video)
    x0, x1, y0, y1 = np.moveaxis(seen["footprint"].values, -1, 0)
    columns = (grid.x > x0[..., None]) & (grid.x < x1[..., None])
    rows = (grid.y > y0[..., None]) & (grid.y < y1[..., None])
    fallen = np.zeros(video["rgb"].shape[:5], dtype=bool)
    for building in range(rows.shape[2]):
        gone = ~seen["standing"].values[..., building]
        place = rows[:, :, building, :, None] & columns[:, :, building, None, :]
        fallen |= gone[..., None, None] & place[:, :, None]
    return fallen
