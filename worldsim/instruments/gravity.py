"""Effective gravity: the acceleration of what flies freely, from its track.

A flight is a run of frames in which an object is seen, from kink to kink (a bounce, a collision);
its downward acceleration is twice the quadratic coefficient of the parabola that fits its rows
best. Flights of one object are averaged by the inverse variance of that coefficient, which for n
evenly spaced positions of equal error goes as n^-5.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from worldsim.errors import InputError

LEAST_FRAMES = 6
"""Of a flight: fewer give no acceleration worth having."""

LEAST_RISE = 4.0
"""px between the highest and the lowest place of a flight: what moves less may lie or roll."""


def effective_gravity(tracks: xr.Dataset, scale: float) -> xr.DataArray:
    """Downward acceleration of every object while it flies.

    Parameters
    ----------
    tracks : as `worldsim.instruments.track` gives them, of a level camera whose rows point down.
    scale : px per m in the objects' plane, above 0.

    Returns
    -------
    (case, realization, object) m/s2; NaN of what is never seen to fly.

    Raises
    ------
    InputError : an impossible scale.
    """
    if not (np.isfinite(scale) and scale > 0):
        raise InputError(f"scale={scale} px/m: give the pixels per metre, above 0")
    row = tracks["position"].values[..., 0]
    cut = np.isfinite(tracks["kink"].values)
    found = np.full((*row.shape[:2], row.shape[3]), np.nan)
    for case, member, number in np.ndindex(found.shape):
        flights = [_acceleration(row[case, member, first:last, number])
                   for first, last in _runs(row[case, member, :, number],
                                            cut[case, member, :, number])]
        known = [(value, weight) for value, weight in flights if weight > 0]
        if known:
            values, weights = zip(*known, strict=True)
            found[case, member, number] = np.average(values, weights=weights)
    return xr.DataArray(
        found * tracks.attrs["fps"] ** 2 / scale, dims=("case", "realization", "object"),
        attrs={"units": "m s-2", "long_name": "downward acceleration in flight"},
    )


def _runs(row: np.ndarray, cut: np.ndarray) -> list[tuple[int, int]]:
    """First frame and last + 1 of every run that is seen, from kink to kink."""
    seen = np.isfinite(row)
    begins = seen & (cut | ~np.concatenate([[False], seen[:-1]]))
    ends = seen & np.concatenate([cut[1:] | ~seen[1:], [True]])
    return [(int(a), int(b) + 1) for a, b in
            zip(np.flatnonzero(begins), np.flatnonzero(ends), strict=True)]


def _acceleration(row: np.ndarray) -> tuple[float, float]:
    """px per frame2 of a flight, and its weight: 0 where it is none."""
    count = len(row)
    if count < LEAST_FRAMES or np.ptp(row) < LEAST_RISE:
        return np.nan, 0.0
    frame = np.arange(count) - (count - 1) / 2
    return float(2 * np.polynomial.polynomial.polyfit(frame, row, 2)[2]), float(count) ** 5
