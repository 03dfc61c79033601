"""Water read from overhead video: what is wet, how far the front has come, when it arrives.

The functions below `wet_mask` take a wet mask, wherever it comes from, so that the same
definitions apply to video and to the simulator's state.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import xarray as xr
from scipy import ndimage

from worldsim.instruments.ground import GroundGrid


@dataclasses.dataclass(frozen=True)
class WaterColour:
    """By which colour a pixel counts as wet.

    blueness : least (blue - red) / (red + green + blue); sand and grass are negative, asphalt and
        concrete near zero, water well above.
    least_green, most_green : range of (green - red) / (blue - red), the position between blue
        and cyan (hues 240 to 180 degrees); violet and magenta objects are below it.
    greenness : least (2 green - red - blue) / (red + green + blue) of grass; roofs and sand have
        less.
    foam : least value of the darkest channel of white water, 0..255.
    debris_spread : least difference between a pixel's largest and smallest channel, 0..255, of
        anything else that counts as debris.
    """

    blueness: float = 0.05
    least_green: float = 0.12
    most_green: float = 1.15
    greenness: float = 0.08
    foam: int = 220
    debris_spread: int = 90


def wet_mask(rgb: np.ndarray, colour: WaterColour = WaterColour(),
             first: np.ndarray | None = None) -> np.ndarray:
    """Which pixels show water.

    Floating debris hides the water below it, so its pixels take the majority of what surrounds
    them. With the first frame given, so do roofs where there was none: they are afloat.

    Parameters
    ----------
    rgb : (…, row, column, 3) uint8.
    first : (…, row, column, 3) uint8, broadcastable to `rgb`; what the same view showed at first.

    Returns
    -------
    (…, row, column) bool.
    """
    red, green, blue = (rgb[..., i].astype(np.int16) for i in range(3))
    total = red + green + blue
    wet, blue_red = _water_coloured(red, green, blue, total, colour)
    darkest = np.minimum(np.minimum(red, green), blue)
    # Breaking crests are clipped to white; no dry ground or roof is as bright without being warm.
    wet |= (darkest > colour.foam) & (blue_red >= -3)
    # Fully saturated, and not blue to cyan: debris.
    hue_spread = np.maximum(np.maximum(red, green), blue) - darkest
    hidden = (hue_spread > colour.debris_spread) & ~wet
    if first is not None:
        grass = 3 * green - total >= colour.greenness * total
        red, green, blue = (first[..., i].astype(np.int16) for i in range(3))
        total = red + green + blue
        was_open = 3 * green - total >= colour.greenness * total
        was_open |= _water_coloured(red, green, blue, total, colour)[0]
        hidden |= was_open & ~grass & ~wet
    return _fill_hidden(wet, hidden)


def _water_coloured(red: np.ndarray, green: np.ndarray, blue: np.ndarray, total: np.ndarray,
                    colour: WaterColour) -> tuple[np.ndarray, np.ndarray]:
    blue_red = blue - red
    green_red = green - red
    wet = (
        (blue_red > colour.blueness * total)
        & (green_red > colour.least_green * blue_red)
        & (green_red < colour.most_green * blue_red)
    )
    return wet, blue_red


def _fill_hidden(wet: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Give hidden pixels the majority of the visible ones within 3 pixels, else within 7."""
    if not hidden.any():
        return wet
    shape = wet.shape
    wet_NHW = wet.reshape(-1, *shape[-2:]).copy()
    hidden_NHW = ndimage.binary_dilation(
        hidden.reshape(wet_NHW.shape), structure=np.ones((1, 3, 3), dtype=bool)
    )
    frames = np.flatnonzero(hidden_NHW.any(axis=(1, 2)))
    some, covered = wet_NHW[frames], hidden_NHW[frames]
    visible = (~covered).astype(np.float32)
    for side in (7, 15):
        around = ndimage.uniform_filter(some * visible, size=(0, side, side), mode="nearest")
        weight = ndimage.uniform_filter(visible, size=(0, side, side), mode="nearest")
        # Rounding of the running sums is far below one pixel's share.
        known = covered & (weight > 0.5 / side**2)
        some = np.where(known, around > 0.5 * weight, some)
        covered = covered & ~known
        if not covered.any():
            break
    wet_NHW[frames] = some
    return wet_NHW.reshape(shape)


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


def observe_water(video: xr.Dataset, colour: WaterColour = WaterColour()) -> xr.Dataset:
    """Read the water from an overhead video.

    Parameters
    ----------
    video : `/video/<camera>` with ``rgb (case, realization, time, row, column, channel)`` uint8
        of an orthographic camera.

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
    wet = wet_mask(rgb, colour, first=rgb[:, :, :1])[..., ::-1, :]
    members = {name: video[name].values for name in ("case", "realization") if name in video.coords}
    return water_dataset(wet, video["time"].values, grid.y[::-1], grid.x,
                         {name: (name, values) for name, values in members.items()})
