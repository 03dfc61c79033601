"""Metrics of structures: which buildings stand."""

from __future__ import annotations

import numpy as np
import xarray as xr

from evaluation.ensemble import fair_brier
from evaluation.metrics.metric import Metric, Sample, observation

FARTHEST_MATCH = 6.0
"""m; a building seen in the video belongs to the true one whose centre is nearest, up to this."""


def _centres(footprint: xr.DataArray) -> np.ndarray:
    bounds = footprint.transpose("case", "building", "bound").values
    return np.stack([bounds[..., :2].mean(axis=-1), bounds[..., 2:].mean(axis=-1)], axis=-1)


def matched_standing(sample: Sample) -> tuple[xr.DataArray, xr.DataArray]:
    """Standing in the video, in the truth's order of buildings, and which ones were found.

    Returns
    -------
    (case, realization, time, building) float, 1 for a true building that the video's first frame
    does not show (nothing says that it fell), and (case, realization, building) bool.
    """
    seen = sample.observed["buildings"]
    truth = sample.state["buildings"]
    wanted = _centres(truth["footprint"])
    standing = seen["standing"].transpose("case", "realization", "time", "building").values
    footprint = seen["footprint"].transpose("case", "realization", "building", "bound").values
    cases, realizations, times = standing.shape[:3]
    result = np.ones((cases, realizations, times, wanted.shape[1]))
    found = np.zeros((cases, realizations, wanted.shape[1]), dtype=bool)
    for case in range(cases):
        for member in range(realizations):
            bounds = footprint[case, member]
            centre = np.stack([bounds[:, :2].mean(axis=1), bounds[:, 2:].mean(axis=1)], axis=1)
            distance = np.linalg.norm(wanted[case][:, None] - centre[None], axis=-1)
            distance = np.where(np.isfinite(distance), distance, np.inf)
            for building in np.flatnonzero(np.isfinite(wanted[case, :, 0])):
                if distance.shape[1] and distance[building].min() <= FARTHEST_MATCH:
                    nearest = int(distance[building].argmin())
                    result[case, member, :, building] = standing[case, member, :, nearest]
                    found[case, member, building] = True
    dims = ("case", "realization", "time", "building")
    coords = {"case": seen["case"], "time": seen["time"]}
    return (
        xr.DataArray(result, dims=dims, coords=coords),
        xr.DataArray(found, dims=(dims[0], dims[1], dims[3]), coords={"case": seen["case"]}),
    )


def _present(sample: Sample) -> xr.DataArray:
    return sample.state["buildings"]["footprint"].isel(bound=0, drop=True).notnull()


def _standing_brier(sample: Sample) -> xr.DataArray:
    standing, _ = matched_standing(sample)
    truth = observation(sample.state["buildings"]["standing"])
    return fair_brier(standing, truth).where(_present(sample)).mean("building")


def _not_found(sample: Sample) -> xr.DataArray:
    _, found = matched_standing(sample)
    return (~found).where(_present(sample)).mean(["building", "realization"])


METRICS = (
    Metric("structures.standing_brier", "1", "fair Brier score of each building standing",
           _standing_brier, ensemble=True, needs=("buildings",),
           concerns=("gravity", "frozen")),
    Metric("structures.not_found", "1", "share of the buildings that are not recognised in the "
           "first frame", _not_found, skilled=False, needs=("buildings",)),
)
