"""Matching: which track is which part of the truth, and how far off the tracks are."""

from __future__ import annotations

import dataclasses

import numpy as np
import xarray as xr
from scipy.optimize import linear_sum_assignment

NEAR = 3.0
"""px, plus half the object's extent: farther than this from a part, a track is not on it."""


@dataclasses.dataclass(frozen=True)
class Errors:
    """Errors of tracks against a state, over all members.

    position : (n,) px, wherever a part that is `of_interest` is followed.
    velocity : (m,) px/s, likewise; speed_range : (m,) px/s of the part it belongs to.
    missed : share of instants of interest in which no track is on the part.
    stray : share of track instants that are on no part that is visible at all.
    switches : changes of the track that follows a part. exchanges : those of them between parts of
        one colour. crossings : times that two parts of different colours came into contact or
        overlap.
    """

    position: np.ndarray
    velocity: np.ndarray
    speed_range: np.ndarray
    missed: float
    stray: float
    switches: int
    exchanges: int
    crossings: int


def matched(tracks: xr.Dataset, state: xr.Dataset) -> np.ndarray:
    """Which object of `tracks` follows each part.

    One for one, such that the mean distance over the instants at which the part is visible, where
    not being seen counts as `NEAR`, is least (Kuhn 1955); colour does not enter.

    Returns
    -------
    (case, realization, part) int; -1 where none is near.
    """
    cases, realizations, _, slots = state["visible"].shape
    chosen = np.full((cases, realizations, slots), -1)
    for case in range(cases):
        for member in range(realizations):
            cost, limit = _costs(tracks, state, case, member)
            for part, track in zip(*linear_sum_assignment(cost), strict=True):
                if cost[part, track] < limit[part]:
                    chosen[case, member, part] = track
    return chosen


def _costs(tracks: xr.Dataset, state: xr.Dataset, case: int,
           member: int) -> tuple[np.ndarray, np.ndarray]:
    """(part, track) mean distance px, with the worst that counts; and that worst (part,)."""
    there = state["position"].values[case, member]
    read = tracks["position"].values[case, member]
    visible = state["visible"].values[case, member] > 0.25
    near = NEAR + 0.5 * np.nanmean(
        np.where(np.isfinite(there), state["extent"].values[case, member], np.nan), axis=(0, -1)
    ) if there.size else np.zeros(there.shape[1])
    gap = np.linalg.norm(there[:, :, None] - read[:, None], axis=-1)
    gap = np.where(np.isnan(gap), np.inf, gap)
    gap = np.minimum(gap, near[None, :, None])
    weight = visible[:, :, None].astype(float)
    count = weight.sum(axis=0)
    mean = (gap * weight).sum(axis=0) / np.maximum(count, 1)
    return np.where(count > 0, mean, near[:, None]), 0.999 * near
