"""Metrics of floating debris: where it is, and how often it is lost."""

from __future__ import annotations

import numpy as np
import xarray as xr

from evaluation.ensemble import fair_crps
from evaluation.metrics.metric import Metric, Sample, observation


def _truth(sample: Sample) -> xr.DataArray:
    return sample.state["debris"]["position"]


def standing_in(position: xr.DataArray, context: xr.DataArray) -> xr.DataArray:
    """Positions without gaps: a lost piece counts as where it was last seen.

    Parameters
    ----------
    position : (case, realization, time, slot, xy) m, NaN where not seen.
    context : (case, slot, xy) m, where each piece was at the start; used until it is first seen.
    """
    known = position.transpose("time", ...).notnull()
    frame = np.arange(known.sizes["time"]).reshape(-1, *(1,) * (known.ndim - 1))
    last_seen = np.maximum.accumulate(np.where(known, frame, 0), axis=0)
    held = known.copy(
        data=np.take_along_axis(position.transpose("time", ...).values, last_seen, axis=0)
    )
    return held.transpose(*position.dims).fillna(context)


def _position_crps(sample: Sample) -> xr.DataArray:
    truth = _truth(sample)
    start = truth.isel(time=0, realization=0, drop=True)
    slots = truth["slot"].values
    seen = sample.observed["debris"]["position"].sel(slot=slots)
    score = fair_crps(standing_in(seen, start), observation(truth))
    # Both coordinates add; slots without debris in this case are NaN and take no part.
    return score.sum("xy", skipna=False).mean("slot")


def _lost(sample: Sample) -> xr.DataArray:
    truth = _truth(sample)
    present = truth.isel(time=0, realization=0, xy=0, drop=True).notnull()
    seen = sample.observed["debris"]["seen"].sel(slot=truth["slot"].values)
    return (~seen).where(present).mean(["slot", "realization"])


METRICS = (
    Metric("debris.position_crps", "m", "fair CRPS of debris position, x and y added, mean over "
           "pieces; a lost piece counts as where it was last seen", _position_crps,
           ensemble=True, needs=("debris",), headline=True,
           concerns=("gravity", "teleport", "vanish", "frozen", "backwards")),
    Metric("debris.lost", "1", "share of the pieces that are not seen", _lost, skilled=False,
           needs=("debris",), concerns=("vanish",)),
)
