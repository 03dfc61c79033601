"""Exposures as far as a video shows them.

An overhead video shows which buildings still stand and where it is wet. It does not show how deep
the water is, how far a standing building leaned, or what happened to people: all of that is NaN,
and outcomes that hang on it are NaN as well.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import xarray as xr

from worldsim.errors import InputError
from worldsim.outcomes.exposure import (
    STATIC_PEOPLE,
    Buildings,
    Exposures,
    Ground,
    People,
    known_buildings,
    known_people,
)
from worldsim.outcomes.passage import beside

FARTHEST_MATCH = 6.0
"""m; a roof belongs to the known building whose centre is nearest, up to this distance."""


def from_video(observed: xr.DataTree, known: xr.DataTree) -> Exposures:
    """Exposures that the instruments read off a video.

    Parameters
    ----------
    observed : ``buildings`` and ``water`` of a video, as `evaluation.observe.observe_video` gives
        them, with the coordinates ``case`` and ``realization``.
    known : a rollout whose ``/structures`` and ``/people`` say what was there beforehand: the
        buildings' places, types and roles, and who lives where. Nothing that happened is taken
        from it.

    Raises
    ------
    InputError : a group is missing, or the video shows a case that is not known.
    """
    for group in ("buildings", "water"):
        if group not in observed:
            raise InputError(f"the observation has no /{group}; give what observe_video returns")
    if "structures" not in known:
        raise InputError("the known rollout has no /structures; give the truth with its states")
    seen = observed["buildings"].dataset
    case, realization = (seen[name].values for name in ("case", "realization"))
    missing = sorted(set(case.tolist()) - set(known["case"].values.tolist()))
    if missing:
        raise InputError(f"case {missing[0]} of the video is not in the known rollout")
    known = known.sel(case=case)
    fixed = known_buildings(known["structures"].dataset, len(realization))
    standing = _matched(seen, fixed["footprint"])
    collapsed = np.where(fixed["present"], 1.0 - standing, np.nan)
    unknown = np.full(collapsed.shape, np.nan)
    water = observed["water"].dataset
    wet = water["wet"].values
    x, y = water["x"].values, water["y"].values
    touched = _touched(wet.any(axis=2), fixed, x, y)
    buildings = Buildings(
        **fixed, drift=unknown, collapsed=collapsed, washed_away=unknown,
        walls_broken=unknown, wet=touched,
        # Dry is known to be dry; wet is of unknown depth.
        depth=np.where(touched == 0, 0.0, np.nan), flux=np.where(touched == 0, 0.0, np.nan))
    last = np.where(wet[:, :, -1], np.nan, 0.0)
    people = None
    if "people" in known:
        people = _unseen(known_people(known["people"].dataset, len(realization)))
    valid = np.ones((len(case), len(realization)), dtype=bool)
    return Exposures(case, realization, valid, buildings, people, Ground(last, last, x, y), "video")


def _matched(seen: xr.Dataset, footprint: np.ndarray) -> np.ndarray:
    """(case, realization, building): 1 standing, 0 not, NaN if not recognised at the start."""
    last = seen["standing"].isel(time=-1)
    standing = last.transpose("case", "realization", "building").values
    found = seen["footprint"].transpose("case", "realization", "building", "bound").values
    centre = np.stack([footprint[..., :2].mean(-1), footprint[..., 2:].mean(-1)], axis=-1)
    seen_at = np.stack([found[..., :2].mean(-1), found[..., 2:].mean(-1)], axis=-1)
    away = np.linalg.norm(centre[:, :, :, None] - seen_at[:, :, None], axis=-1)
    away = np.where(np.isfinite(away), away, np.inf)
    nearest = away.argmin(axis=-1)
    stands = np.take_along_axis(standing, nearest, axis=-1).astype(float)
    return np.where(away.min(axis=-1) <= FARTHEST_MATCH, stands, np.nan)


def _touched(wet: np.ndarray, fixed: dict[str, np.ndarray], x: np.ndarray,
             y: np.ndarray) -> np.ndarray:
    """(case, realization, building): 1 if water reached the walls at any time, 0 if not."""
    within = 1.01 * max(abs(x[1] - x[0]), abs(y[1] - y[0]))
    result = np.full(fixed["present"].shape, np.nan)
    for c, r, b in np.ndindex(result.shape):
        if fixed["present"][c, r, b]:
            near = beside(tuple(fixed["footprint"][c, r, b]), x, y, within)
            result[c, r, b] = wet[c, r][near].any()
    return result


def _unseen(fixed: dict[str, np.ndarray]) -> People:
    nothing = np.full(fixed["present"].shape, np.nan)
    exposure = {f.name: nothing for f in dataclasses.fields(People)
                if f.name not in (*STATIC_PEOPLE, "known")}
    return People(known=np.zeros(nothing.shape, dtype=bool), **fixed, **exposure)
