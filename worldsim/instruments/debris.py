"""Floating debris read from overhead video: where each piece is, to a fraction of a pixel.

Each slot of debris has its own colour. Pixels are weighted by how purely they show that colour,
blobs of such pixels are candidates, and the most plausible motion through the candidates of all
frames (Viterbi's algorithm) is the track, so that stray pixels cannot carry a piece away.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import xarray as xr
from scipy import ndimage

from worldsim.instruments.appearance import DEBRIS_COLOURS, DEBRIS_DIAMETER_PX, chroma
from worldsim.instruments.ground import GroundGrid


@dataclasses.dataclass(frozen=True)
class DebrisTracking:
    """How debris is found and followed.

    size : usual diameter of a piece, m; markers are never smaller than `DEBRIS_DIAMETER_PX`.
    candidates : blobs per frame and slot that are considered.
    noise : share of a pure colour that is taken off each pixel's weight; red brick and timber
        reach 0.36.
    sideways : how strongly a deviation of the colour's direction lowers the weight.
    least_mass : share of a marker's area that must be visible for a piece to be seen.
    speed : m/s, the standard deviation of a displacement per second.
    slack : pixels, the standard deviation of a displacement at rest.
    missing : cost of not being seen for one frame, in units of -log probability.
    """

    size: float = 3.0
    candidates: int = 3
    noise: float = 0.38
    sideways: float = 1.5
    least_mass: float = 0.08
    speed: float = 8.0
    slack: float = 0.5
    missing: float = 4.5


def colour_weights(rgb: np.ndarray, settings: DebrisTracking = DebrisTracking()) -> np.ndarray:
    """How purely each pixel shows the colour of each slot.

    Parameters
    ----------
    rgb : (…, row, column, 3) uint8.

    Returns
    -------
    (slot, …, row, column) float32 in 0..1.
    """
    weights = np.zeros((len(DEBRIS_COLOURS), *rgb.shape[:-1]), dtype=np.float32)
    coloured = _saturated(rgb)
    pixel = chroma(rgb[coloured])
    length2 = np.einsum("nc,nc->n", pixel, pixel)
    for slot, colour in enumerate(chroma(DEBRIS_COLOURS)):
        full = float(np.linalg.norm(colour))
        along = pixel @ (colour / full)
        aside = np.sqrt(np.maximum(length2 - along**2, 0.0))
        share = (along - settings.sideways * aside) / full
        weights[slot][coloured] = np.clip(
            (share - settings.noise) / (1.0 - settings.noise), 0.0, 1.0
        )
    return weights


def _saturated(rgb: np.ndarray) -> np.ndarray:
    """Pixels that can have a weight at all: few, so that the rest need not be looked at.

    A weight needs a chroma of 0.4 times the palest debris colour's, 52, and a chroma is at most
    0.82 times the difference of the largest and smallest channel. Of blue to cyan pixels (water)
    only those towards violet remain.
    """
    red, green, blue = (rgb[..., i].astype(np.int16) for i in range(3))
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    water = (blue > red) & (3 * (green - red) > blue - red)
    return (spread > 60) & ~water


def _blobs(weight_NHW: np.ndarray, reach: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The heaviest separate blobs: (N, count, [row, column]) and their masses (N, count)."""
    frames, rows, columns = weight_NHW.shape
    side = 2 * reach + 1
    rim = 3 * reach
    padding = ((0, 0), (rim, rim), (rim, rim))
    weight = np.pad(weight_NHW, padding)
    mass = ndimage.uniform_filter(weight, size=(0, side, side), mode="constant")
    inner = mass[:, rim:-rim, rim:-rim]
    offset = np.arange(-reach, reach + 1)
    near = np.arange(-2 * reach, 2 * reach + 1)
    each = np.arange(frames)
    place = np.empty((frames, count, 2))
    heavy = np.empty((frames, count))
    for k in range(count):
        row, column = np.divmod(inner.reshape(frames, -1).argmax(axis=1), columns)
        for _ in range(2):
            # The window follows its own centroid once, so that it holds the whole marker.
            r = row[:, None, None] + offset[:, None] + rim
            c = column[:, None, None] + offset + rim
            window = weight[each[:, None, None], r, c]
            total = window.sum(axis=(1, 2))
            safe = np.where(total > 0, total, 1.0)
            place[:, k, 0] = row + (window.sum(axis=2) * offset).sum(axis=1) / safe
            place[:, k, 1] = column + (window.sum(axis=1) * offset).sum(axis=1) / safe
            row = np.clip(np.rint(place[:, k, 0]).astype(int), 0, rows - 1)
            column = np.clip(np.rint(place[:, k, 1]).astype(int), 0, columns - 1)
        heavy[:, k] = total
        weight[each[:, None, None], r, c] = 0.0
        mass[each[:, None, None], row[:, None, None] + near[:, None] + rim,
             column[:, None, None] + near + rim] = 0.0
    return place, heavy


def _track(place: np.ndarray, cost: np.ndarray, sigma_px: float, slack_px: float,
           missing: float) -> np.ndarray:
    """The cheapest path through the candidates of all frames.

    Parameters
    ----------
    place : (series, time, candidate, 2) pixels.
    cost : (series, time, candidate), infinite for candidates that do not count.
    sigma_px : standard deviation of a displacement per frame, pixels.
    slack_px : the same at rest.
    missing : cost of choosing no candidate in a frame.

    Returns
    -------
    (series, time) int: index of the chosen candidate, or -1 when the piece is not seen.
    """
    series, times, count, _ = place.shape
    states = count + 1
    back = np.zeros((series, times, states), dtype=np.int64)
    total = np.concatenate([cost[:, 0], np.full((series, 1), missing)], axis=1)
    last = np.concatenate([place[:, 0], np.full((series, 1, 2), np.nan)], axis=1)
    since = np.ones((series, states))
    rows = np.arange(series)[:, None]
    for t in range(1, times):
        step = place[:, t, None, :, :] - last[:, :, None, :]
        variance = slack_px**2 + (sigma_px * since) ** 2
        jump = 0.5 * (step**2).sum(axis=-1) / variance[:, :, None]
        # Before a piece was ever seen, any place will do.
        jump = np.where(np.isnan(jump), 0.0, jump)
        to_seen = total[:, :, None] + jump + cost[:, t, None, :]
        origin = to_seen.argmin(axis=1)
        best_seen = np.take_along_axis(to_seen, origin[:, None, :], axis=1)[:, 0]
        from_missing = total.argmin(axis=1)
        best_missing = total[rows[:, 0], from_missing] + missing
        back[:, t, :count] = origin
        back[:, t, count] = from_missing
        last_missing = last[rows[:, 0], from_missing]
        since_missing = since[rows[:, 0], from_missing] + 1
        total = np.concatenate([best_seen, best_missing[:, None]], axis=1)
        last = np.concatenate([place[:, t], last_missing[:, None]], axis=1)
        since = np.concatenate([np.ones((series, count)), since_missing[:, None]], axis=1)
    path = np.empty((series, times), dtype=np.int64)
    path[:, -1] = total.argmin(axis=1)
    for t in range(times - 1, 0, -1):
        path[:, t - 1] = back[np.arange(series), t, path[:, t]]
    return np.where(path == count, -1, path)


def observe_debris(video: xr.Dataset, settings: DebrisTracking = DebrisTracking()) -> xr.Dataset:
    """Follow each piece of debris through an overhead video.

    Parameters
    ----------
    video : `/video/<camera>` with ``rgb (case, realization, time, row, column, channel)`` uint8
        of an orthographic camera.

    Returns
    -------
    ``position`` (case, realization, time, slot, xy) m, NaN where a piece is not seen;
    ``seen`` (case, realization, time, slot) bool.

    Raises
    ------
    InputError : not an orthographic RGB video.
    """
    grid = GroundGrid.of(video)
    rgb = video["rgb"].values
    cases, realizations, times, rows, columns = rgb.shape[:5]
    diameter = max(DEBRIS_DIAMETER_PX, settings.size / grid.pitch)
    reach = int(np.ceil(diameter / 2))
    slots = len(DEBRIS_COLOURS)
    time = video["time"].values
    dt = float(np.median(np.diff(time))) if times > 1 else 1.0

    place = np.zeros((slots, cases * realizations * times, settings.candidates, 2))
    mass = np.zeros(place.shape[:-1])
    for member, frames in enumerate(rgb.reshape(-1, times, rows, columns, 3)):
        span = slice(member * times, (member + 1) * times)
        for slot, weight in enumerate(colour_weights(frames, settings)):
            if weight.any():
                place[slot, span], mass[slot, span] = _blobs(weight, reach, settings.candidates)
    share = mass / (np.pi / 4 * diameter**2)
    cost = np.where(
        share >= settings.least_mass, -np.log(np.clip(share, 1e-6, 1.0)), np.inf
    )
    shape = (slots * cases * realizations, times, settings.candidates)
    chosen = _track(
        place.reshape(*shape, 2), cost.reshape(shape),
        settings.speed * dt / grid.pitch, settings.slack, settings.missing,
    )
    picked = np.take_along_axis(
        place.reshape(*shape, 2), np.maximum(chosen, 0)[..., None, None], axis=2
    )[:, :, 0]
    position = np.where((chosen >= 0)[..., None], grid.xy(picked[..., 0], picked[..., 1]), np.nan)
    position = position.reshape(slots, cases, realizations, times, 2)
    members = {name: (name, video[name].values) for name in ("case", "realization")
               if name in video.coords}
    dims = ("case", "realization", "time", "slot")
    return xr.Dataset(
        {
            "position": ((*dims, "xy"), np.moveaxis(position, 0, 3),
                         {"long_name": "debris position", "units": "m"}),
            "seen": (dims, np.moveaxis(np.isfinite(position[..., 0]), 0, 3), {"units": "1"}),
        },
        coords={
            **members,
            "time": ("time", time, {"units": "s", "standard_name": "time"}),
            "slot": np.arange(slots),
            "xy": ["x", "y"],
        },
    )
