"""Metrics of a flood: where it comes, how fast, how deep, and how much water there is.

Where several members are compared, each of the video is held against each of the truth.
"""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from evaluation.ensemble import fair_crps
from evaluation.metrics.metric import Metric, Sample, observation
from evaluation.metrics.said import FROM_STATES, both, untold
from evaluation.metrics.water import MOVES, averaged_on, wet_on

NEIGHBOURHOODS = (3, 9)
"""Sides, in cells of the simulator, of the squares over which fractions are compared."""


def _wet(sample: Sample) -> tuple[xr.DataArray, xr.DataArray]:
    truth = sample.state["water"]["wet"]
    dims = ("case", "realization", "time", "y", "x")
    wet = wet_on(sample.observed["water"]["wet"], truth)
    return wet.transpose(*dims), observation(truth.transpose(*dims))


def window_sums(field: np.ndarray, side: int) -> np.ndarray:
    """Sums over all squares of `side` cells that lie within the last two axes."""
    sums = np.zeros((*field.shape[:-2], field.shape[-2] + 1, field.shape[-1] + 1), np.int32)
    np.cumsum(np.cumsum(field, axis=-1, dtype=np.int32), axis=-2, out=sums[..., 1:, 1:])
    return (sums[..., side:, side:] - sums[..., :-side, side:]
            - sums[..., side:, :-side] + sums[..., :-side, :-side])


def _fractions_skill(sample: Sample, side: int) -> xr.DataArray:
    wet, truth = _wet(sample)
    seen, true = (window_sums(field.values, side).astype(np.float32) for field in (wet, truth))
    over = (-2, -1)
    own, its = ((field**2).sum(over, dtype=np.float64) for field in (seen, true))
    total = np.zeros(own[:, 0].shape)
    for member, observed in np.ndindex(own.shape[1], its.shape[1]):
        apart = ((seen[:, member] - true[:, observed])**2).sum(over, dtype=np.float64)
        either = own[:, member] + its[:, observed]
        total += 1.0 - apart / np.where(either > 0, either, 1.0)
    return xr.DataArray(total / (own.shape[1] * its.shape[1]), dims=("case", "time"),
                        coords={"case": wet["case"], "time": wet["time"]})


def _table(sample: Sample) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Hits, misses and false alarms (case, realization, observation), over all instants that were
    not known and all cells of land: those that are dry as the truth begins."""
    wet, truth = _wet(sample)
    land = ~truth.isel(time=0, drop=True).any("observation")
    dreamt = {"time": slice(sample.context, None)}
    wet, truth = (wet & land).isel(dreamt), (truth & land).isel(dreamt)
    over = ("time", "y", "x")
    # In double precision: counts stay whole.
    hits = xr.dot(wet.astype(np.float64), truth.astype(np.float64), dim=over)
    return hits, truth.sum(over) - hits, wet.sum(over) - hits


def _over_pairs(value: xr.DataArray) -> xr.DataArray:
    return value.mean(("realization", "observation"))


def _detection(sample: Sample) -> xr.DataArray:
    hits, misses, _ = _table(sample)
    flooded = hits + misses
    return _over_pairs(hits / flooded.where(flooded > 0))


def _false_alarms(sample: Sample) -> xr.DataArray:
    hits, _, alarms = _table(sample)
    claimed = hits + alarms
    return _over_pairs(alarms / claimed.where(claimed > 0, 1))


def _threat(sample: Sample) -> xr.DataArray:
    hits, misses, alarms = _table(sample)
    either = hits + misses + alarms
    return _over_pairs(xr.where(either > 0, hits / either.where(either > 0, 1), 1.0))


def _front_speed(sample: Sample) -> xr.DataArray:
    seen, true = (tree["water"]["front_position"].differentiate("time")
                  for tree in (sample.observed, sample.state))
    return fair_crps(seen, observation(true))


def _volume_drift(sample: Sample) -> xr.DataArray:
    said = both(sample, "volume")
    if said is None:
        return untold(sample)
    volume, truth = said
    first = truth.isel(time=0, drop=True).mean("observation")
    return fair_crps(volume, truth) / first.where(first > 0)


def _max_depth(sample: Sample) -> xr.DataArray:
    said = both(sample, "peak_depth")
    if said is None:
        return untold(sample)
    depth, truth = said
    dry = sample.state["consequences"]["dry_at_first"].all("realization")
    return fair_crps(averaged_on(depth, truth), truth).where(dry).mean(("x", "y"))


METRICS = (
    *(Metric(f"water.fss_{side}", "1", f"fractions skill score of the wet area, over {side} x "
             f"{side} cells of the simulator (Roberts & Lean 2008)",
             functools.partial(_fractions_skill, side=side), direction="higher", perfect=1.0,
             window="dreamt", needs=("water",), concerns=MOVES) for side in NEIGHBOURHOODS),
    Metric("water.threat", "1", "threat score of flooding: hits over hits, misses and false alarms "
           "on land that is dry at first; 1 where neither floods", _threat, direction="higher",
           perfect=1.0, needs=("water",), concerns=MOVES),
    Metric("water.detection", "1", "probability of detection: share of the flooded land that the "
           "dream floods too", _detection, direction="higher", perfect=1.0, skilled=False,
           needs=("water",)),
    Metric("water.false_alarms", "1", "false alarm ratio: share of the land flooded in the dream "
           "that stays dry in truth; 0 where the dream floods none", _false_alarms, skilled=False,
           needs=("water",)),
    Metric("water.front_speed", "m s-1", "fair CRPS of the mean front's speed (difference of the "
           "frames before and after)", _front_speed, ensemble=True, window="dreamt",
           needs=("water",), concerns=("gravity",)),
    Metric("water.volume_drift", "1", "fair CRPS of the volume of water, over the truth's at the "
           "start; needs states", _volume_drift, ensemble=True, window="dreamt",
           needs=FROM_STATES),
    Metric("water.max_depth", "m", "fair CRPS of the deepest water over time, mean over the land "
           "that is dry at first; needs states", _max_depth, ensemble=True, needs=FROM_STATES,
           concerns=("gravity",)),
)
