"""Metrics of water: where it is wet, how far the front has come, when it arrives."""

from __future__ import annotations

import numpy as np
import xarray as xr

from evaluation.ensemble import fair_brier, fair_crps
from evaluation.metrics.metric import Metric, Sample, observation
from worldsim.instruments.water import arrival

MOVES = ("gravity", "frozen", "backwards")
"""Ladders along which moving water has to go wrong."""


def _overlap(to: np.ndarray, of: np.ndarray) -> np.ndarray:
    """(to, of) share of each target cell that each source cell covers, both evenly spaced."""
    half_to, half_of = (to[1] - to[0]) / 2, (of[1] - of[0]) / 2
    low = np.maximum(to[:, None] - half_to, of[None] - half_of)
    high = np.minimum(to[:, None] + half_to, of[None] + half_of)
    share = np.maximum(high - low, 0.0)
    return share / np.maximum(share.sum(axis=1, keepdims=True), 1e-12)


def averaged_on(field: xr.DataArray, like: xr.DataArray) -> xr.DataArray:
    """A field (…, y, x) on the cells of another: its mean over each cell."""
    if field.sizes["x"] == like.sizes["x"] and field.sizes["y"] == like.sizes["y"]:
        return field.assign_coords(x=like["x"], y=like["y"])
    rows = _overlap(like["y"].values, field["y"].values)
    columns = _overlap(like["x"].values, field["x"].values)
    mean = rows @ field.transpose(..., "y", "x").values.astype(np.float64) @ columns.T
    kept = {name: field[name] for name in set(field.dims) - {"x", "y"} if name in field.coords}
    cells = {"x": like["x"], "y": like["y"]}
    dims = field.transpose(..., "y", "x").dims
    return xr.DataArray(mean, dims=dims, coords={**kept, **cells})


def wet_on(wet: xr.DataArray, like: xr.DataArray) -> xr.DataArray:
    """A wet mask on the cells of another: wet where at least half of the cell is."""
    share = averaged_on(wet, like)
    # Halves, which are common, are not lost to rounding.
    return share if share.dtype == bool else share >= 0.5 - 1e-9


def _wet(sample: Sample) -> tuple[xr.DataArray, xr.DataArray]:
    truth = sample.state["water"]["wet"]
    return wet_on(sample.observed["water"]["wet"], truth), observation(truth)


def _wet_area_brier(sample: Sample) -> xr.DataArray:
    wet, truth = _wet(sample)
    return fair_brier(wet, truth).mean(["x", "y"])


def _wet_area_iou(sample: Sample) -> xr.DataArray:
    wet, truth = _wet(sample)
    both = (wet & truth).sum(["x", "y"])
    either = (wet | truth).sum(["x", "y"])
    iou = xr.where(either > 0, both / either.where(either > 0, 1), 1.0)
    return iou.mean(["realization", "observation"])


def _front_position(sample: Sample) -> xr.DataArray:
    return fair_crps(
        sample.observed["water"]["front_position"],
        observation(sample.state["water"]["front_position"]),
    )


def gauge(sample: Sample) -> xr.DataArray:
    """(case,) m: the seaward face of the first building, NaN where there is none."""
    footprint = sample.state["buildings"]["footprint"]
    return footprint.isel(bound=0).min("building")


def _arrivals(sample: Sample, group: xr.DataTree) -> xr.DataArray:
    """(case, realization) s: arrival at the gauge; the end of the video where it never comes."""
    front = group["water"]["front"]
    time = front["time"].values
    place = gauge(sample).values
    front_m = front.transpose("case", "realization", "time", "y").values
    when = np.stack([
        arrival(front_m[case], time, np.array([x]))[..., 0] if np.isfinite(x)
        else np.full(front_m.shape[1], np.nan)
        for case, x in enumerate(place)
    ])
    never = np.isnan(when) & np.isfinite(place)[:, None]
    return xr.DataArray(np.where(never, time[-1], when), dims=("case", "realization"),
                        coords={"case": front["case"]})


def _arrival_time(sample: Sample) -> xr.DataArray:
    return fair_crps(
        _arrivals(sample, sample.observed), observation(_arrivals(sample, sample.state))
    )


def _lateness(sample: Sample) -> xr.DataArray:
    return (
        _arrivals(sample, sample.observed).median("realization")
        - _arrivals(sample, sample.state).median("realization")
    )


METRICS = (
    Metric("water.wet_area_brier", "1", "fair Brier score of being wet, per cell and instant",
           _wet_area_brier, ensemble=True, needs=("water",), headline=True, concerns=MOVES),
    Metric("water.wet_area_iou", "1", "overlap of dreamed and true wet area",
           _wet_area_iou, direction="higher", perfect=1.0, needs=("water",), concerns=MOVES),
    Metric("water.front_position", "m", "fair CRPS of the mean water front",
           _front_position, ensemble=True, window="whole", needs=("water",), concerns=MOVES),
    Metric("water.arrival_time", "s", "fair CRPS of the water's arrival at the first building "
           "(the video's end where it does not arrive)", _arrival_time, ensemble=True,
           window="whole", needs=("water", "buildings"), concerns=MOVES),
    Metric("water.lateness", "s", "how much later than in truth the water arrives at the first "
           "building (medians of members)", _lateness, direction="none", ensemble=True,
           window="whole", skilled=False, needs=("water", "buildings")),
)
