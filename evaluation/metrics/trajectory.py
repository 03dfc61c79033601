"""Metrics of trajectories: where objects are and how fast they move, in metres and seconds."""

from __future__ import annotations

import xarray as xr

from evaluation.ensemble import fair_crps
from evaluation.metrics.debris import standing_in
from evaluation.metrics.metric import Metric, Sample, observation

MECHANICS = ("gravity", "restitution", "friction", "mass", "drag", "overlap", "energy_loss",
             "energy_gain", "teleport", "vanish", "merge", "frozen", "backwards")
"""Ladders along which everything that moves has to go wrong."""


def judged(sample: Sample) -> xr.DataArray:
    """(case, time, object) bool: instants at which every member of the truth shows the object
    large and visible enough, so that not seeing it is the dream's fault."""
    return sample.state["objects"]["judged"].all("realization")


def placed(sample: Sample) -> xr.DataArray:
    """(case, realization, time, object, xy) m: where the video shows each object; one that is lost
    counts as where it was last seen, before it is first seen as where it truly was at the start."""
    start = sample.state["objects"]["position"].isel(time=0, realization=0, drop=True)
    return standing_in(sample.observed["objects"]["position"], start)


def moving(sample: Sample) -> xr.DataArray:
    """(case, realization, time, object, xy) m/s; what is lost counts as standing still."""
    return sample.observed["objects"]["velocity"].fillna(0.0)


def _over_objects(score: xr.DataArray, sample: Sample) -> xr.DataArray:
    """(case, time): mean over the objects judged; NaN where none is."""
    both = score.sum("xy", skipna=False)
    return both.where(judged(sample)).mean("object")


def _position_crps(sample: Sample) -> xr.DataArray:
    truth = observation(sample.state["objects"]["position"])
    return _over_objects(fair_crps(placed(sample), truth), sample)


def _velocity_crps(sample: Sample) -> xr.DataArray:
    truth = observation(sample.state["objects"]["velocity"])
    return _over_objects(fair_crps(moving(sample), truth), sample)


METRICS = (
    Metric("trajectory.position_crps", "m", "fair CRPS of position, x and y added, mean over the "
           "objects in view; a lost object counts as where it was last seen", _position_crps,
           ensemble=True, window="dreamt", needs=("objects",), headline=True, concerns=MECHANICS),
    Metric("trajectory.velocity_crps", "m s-1", "fair CRPS of velocity, x and y added; a lost "
           "object counts as standing still", _velocity_crps, ensemble=True, window="dreamt",
           needs=("objects",), headline=True, concerns=MECHANICS),
)
