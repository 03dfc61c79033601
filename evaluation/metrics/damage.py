"""Metrics of damage to buildings, from what a dream's states say."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from evaluation.ensemble import fair_crps
from evaluation.metrics.metric import Metric, Sample
from evaluation.metrics.said import IN_TOWNS, both, untold
from worldsim.simulator.building_damage import DAMAGE_STATES


def _present(sample: Sample) -> xr.DataArray:
    return sample.state["consequences"]["building_present"]


def confusion(sample: Sample) -> xr.DataArray | None:
    """(case, true, dreamt) share of buildings in each pair of final damage states, by code of
    `DAMAGE_STATES`, over all pairs of members; sums to 1 where there are buildings.

    None where the dream's states say nothing of damage.
    """
    said = both(sample, "damage_state")
    if said is None:
        return None
    states = np.arange(len(DAMAGE_STATES))
    dream, truth = said
    dreamt = (dream == xr.DataArray(states, dims="dreamt")).mean("realization")
    true = (truth == xr.DataArray(states, dims="true")).mean("observation")
    here = _present(sample)
    return (true * dreamt).where(here).sum("building").transpose("case", "true", "dreamt") / (
        here.sum("building").where(here.any("building")))


def _right(sample: Sample) -> xr.DataArray:
    table = confusion(sample)
    if table is None:
        return untold(sample)
    same = xr.DataArray(np.eye(len(DAMAGE_STATES)), dims=("true", "dreamt"))
    return (table * same).sum(("true", "dreamt"), skipna=False)


def _over_buildings(sample: Sample, name: str) -> xr.DataArray:
    said = both(sample, name)
    if said is None:
        return untold(sample)
    return fair_crps(*said).where(_present(sample)).mean("building")


def _rps(sample: Sample) -> xr.DataArray:
    # Over whole numbers, the integral of CRPS is the sum of the thresholds' Brier scores.
    return _over_buildings(sample, "damage_state") / (len(DAMAGE_STATES) - 1)


def _failure_time(sample: Sample) -> xr.DataArray:
    """What does not fail in the record is scored as if it failed at its end."""
    end = sample.state["consequences"].attrs["until"]
    said = both(sample, "failure_time", unknown=end)
    if said is None:
        return untold(sample)
    dream, truth = (values.clip(max=end) for values in said)
    return fair_crps(dream, truth.fillna(end)).where(_present(sample)).mean("building")


METRICS = (
    Metric("structures.state_right", "1", "share of buildings that end in the right damage state, "
           "over all pairs of members", _right, direction="higher", ensemble=True, perfect=1.0,
           skilled=False, needs=IN_TOWNS),
    Metric("structures.damage_rps", "1", "fair ranked probability score of each building's final "
           f"damage state ({', '.join(s.replace('_', ' ') for s in DAMAGE_STATES)}), over the "
           "number of thresholds", _rps, ensemble=True, needs=IN_TOWNS, concerns=("gravity",)),
    Metric("structures.drift_error", "1", "fair CRPS of each building's largest drift ratio while "
           "it held", functools.partial(_over_buildings, name="drift"), ensemble=True,
           needs=IN_TOWNS),
    Metric("structures.failure_time", "s", "fair CRPS of when each building comes down or leaves "
           "its place; what holds counts as failing at the end of the record", _failure_time,
           ensemble=True, needs=IN_TOWNS, concerns=("gravity",)),
    Metric("structures.max_depth", "m", "fair CRPS of the deepest water at each building",
           functools.partial(_over_buildings, name="depth_at_building"), ensemble=True,
           needs=IN_TOWNS, concerns=("gravity",)),
)
