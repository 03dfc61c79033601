"""What happens to walls, trees, tanks and debris: read from the states alone, member by member."""

from __future__ import annotations

import numpy as np
import xarray as xr

from evaluation.report.contents import Amount, OutcomeRow

LEVELS = (2.5, 97.5)
"""Per cent, limits of the ranges."""


def quantities(truth: xr.DataTree) -> dict[tuple[str, str], np.ndarray]:
    """What the states of a rollout say of its coast, as far as they were recorded.

    Returns
    -------
    {(meaning, unit): (case, realization)}, NaN for members that failed their audit.
    """
    found = {**_debris(truth), **_works(truth), **_trees(truth)}
    return {name: of_sound_members(truth, values) for name, values in found.items()}


def of_sound_members(truth: xr.DataTree, values: np.ndarray) -> np.ndarray:
    """Values (case, realization), NaN for members that failed their audit."""
    if "audit" not in truth.children:
        return values
    return np.where(truth["audit"]["failed"].values, np.nan, values)


def _debris(truth: xr.DataTree) -> dict[tuple[str, str], np.ndarray]:
    found = {}
    structures = truth["structures"].dataset
    if "debris_impulse" in structures:
        there = structures["present"].values[:, None]
        impulse = np.where(there, structures["debris_impulse"].values, 0.0)
        found["buildings hit by something floating", "1"] = (impulse > 0).sum(axis=-1)
        found["largest impulse of debris on a building", "N s"] = impulse.max(axis=-1)
    if "debris" in truth.children:
        group = truth["debris"].dataset
        there = group["kind"].values[:, None] >= 0
        moved = there & np.isfinite(group["moved_time"].values)
        found["floating or parked objects that moved", "1"] = moved.sum(axis=-1)
        if (group["liquid"].values > 0).any():
            broke = there & np.isfinite(group["release_time"].values)
            contents = group["contents"].values
            found["tanks that broke open", "1"] = broke.sum(axis=-1)
            found["dissolved out of tanks", "kg"] = (contents[:, :, 0]
                                                     - contents[:, :, -1]).sum(axis=-1)
    return found


def _works(truth: xr.DataTree) -> dict[tuple[str, str], np.ndarray]:
    if "works" not in truth.children:
        return {}
    group = truth["works"].dataset
    kinds = group["kind"].attrs["flag_meanings"].split()
    if "seawall" not in kinds:
        return {}
    wall = group["kind"].values == kinds.index("seawall")
    if not wall.any():
        return {}
    lost = wall[:, None] & np.isfinite(group["failure_time"].values)
    over = np.where(wall[:, None], group["max_overflow_depth"].values, 0.0)
    segments = wall.sum(axis=-1)[:, None] + np.zeros(lost.shape[:2])
    return {
        ("segments of the seawall", "1"): segments,
        ("segments of the seawall that fail", "1"): lost.sum(axis=-1),
        ("deepest water over the seawall's crest", "m"): over.max(axis=-1),
    }


def _trees(truth: xr.DataTree) -> dict[tuple[str, str], np.ndarray]:
    if "trees" not in truth.children:
        return {}
    group = truth["trees"].dataset
    planted = group["stems"].values > 0
    if not planted.any():
        return {}
    broken = planted[:, None] & np.isfinite(group["failure_time"].values)
    area = np.maximum(planted.sum(axis=(-1, -2)), 1)[:, None]
    return {("share of the trees that break", "%"): 100.0 * broken.sum(axis=(-1, -2)) / area}


def rows(columns: tuple[dict[tuple[str, str], np.ndarray], ...]) -> tuple[OutcomeRow, ...]:
    """Rows for a table: mean and range of each quantity in each column; None where it is not."""
    names = dict.fromkeys(name for column in columns for name in column)
    return tuple(
        OutcomeRow(meaning, unit, tuple(amount(column.get((meaning, unit))) for column in columns))
        for meaning, unit in names
    )


def difference(first: dict[tuple[str, str], np.ndarray],
               second: dict[tuple[str, str], np.ndarray]) -> dict[tuple[str, str], np.ndarray]:
    """Second minus first, member by member, of what both have; what only one has has no pair."""
    return {name: second[name] - first[name] for name in first if name in second}


def amount(values: np.ndarray | None) -> Amount | None:
    """Mean and 95 % range over members that are known."""
    if values is None or not np.isfinite(values).any():
        return None
    known = np.asarray(values, float)[np.isfinite(values)]
    low = float(np.percentile(known, LEVELS[0], method="lower"))
    high = float(np.percentile(known, LEVELS[1], method="higher"))
    return (Amount(float(known[0])) if low == high == known.mean()
            else Amount(float(known.mean()), low, high))
