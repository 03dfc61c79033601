"""``truth_outcomes.nc`` and ``dream_outcomes.nc``: what follows from a run, member by member and
for all members together."""

from __future__ import annotations

import os
from pathlib import Path

import xarray as xr

from evaluation.observe import CAMERA, observe_video, video_of
from worldsim import outcomes
from worldsim.errors import InputError

TRUTH, DREAM = "truth_outcomes.nc", "dream_outcomes.nc"

ALL_MEMBERS = ("case", "realization")


def assessable(truth: xr.DataTree) -> bool:
    """Whether a rollout's states say what outcomes need: an older simulator did not record types
    and roles of buildings, and other scenarios may have none."""
    if not {"water", "structures"} <= set(truth.children):
        return False
    return {"type", "role"} <= set(truth["structures"].data_vars)


def assess_truth(truth: xr.DataTree) -> xr.DataTree:
    """Outcomes of a simulated rollout, from its states.

    Returns
    -------
    Groups ``members`` (case, realization, …) and ``pooled`` (…), as `worldsim.outcomes.assess`
    gives them; members that failed their audit are left out of the latter. Both empty where there
    is nothing to assess.
    """
    if not assessable(truth):
        return _both(None)
    return _both(outcomes.from_states(truth), int(truth.attrs["seed"]))


def assess_dream(dream: xr.DataTree, truth: xr.DataTree) -> xr.DataTree:
    """The same of a dream, as far as its overhead video shows; NaN is what it does not show.

    truth : what was there beforehand is read from it, nothing of what happened.
    """
    if not assessable(truth):
        return _both(None)
    stored = dream[f"video/{CAMERA}"].dataset
    video = video_of(dream, CAMERA, stored["rgb"].shape[3:5], float(stored.attrs["fps"]))
    return _both(outcomes.from_video(observe_video(video), truth), int(truth.attrs["seed"]))


def _both(exposures: outcomes.Exposures | None, seed: int = 0) -> xr.DataTree:
    if exposures is None:
        return xr.DataTree.from_dict({"/members": xr.Dataset(), "/pooled": xr.Dataset()})
    pooled = outcomes.assess(exposures, seed=seed, over=ALL_MEMBERS)
    counted = {"members": exposures.valid.size, "failed": int((~exposures.valid).sum())}
    return xr.DataTree.from_dict({
        "/members": outcomes.assess(exposures, seed=seed),
        "/pooled": pooled.assign_attrs(counted),
    })


def save_outcomes(assessed: xr.DataTree, path: str | os.PathLike[str]) -> None:
    """Write the result of `assess_truth` or `assess_dream` as netCDF."""
    assessed.to_netcdf(path, engine="netcdf4")


def read_outcomes(path: str | os.PathLike[str]) -> xr.DataTree:
    """Read it back into memory.

    Raises
    ------
    InputError : it is missing or cannot be read.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{file} is not there; repeat the run's command to assess what follows")
    try:
        with xr.open_datatree(file, engine="netcdf4") as stored:
            return stored.load()
    except (ValueError, OSError) as error:
        raise InputError(f"{file} cannot be read ({error}); remove it and repeat the run's "
                         "command") from error
