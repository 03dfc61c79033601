"""Reads what a map or a timeline of one case shows from the states of a simulated rollout."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import xarray as xr

from worldsim.instruments.state import WET_DEPTH


@dataclasses.dataclass(frozen=True)
class Buildings:
    """The buildings of one case, those that are there.

    footprint : (building, [x0, x1, y0, y1]) m. roles, types : (building,) names, "" if not known.
    down : (building,) share of realizations in which it does not stand at the end.
    damage : (building,) the middle one of the realizations' final damage states, an index of
        `worldsim.outcomes.damage.STATES`; None in rollouts that do not record it.
    """

    footprint: np.ndarray
    roles: tuple[str, ...]
    types: tuple[str, ...]
    down: np.ndarray
    damage: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class Works:
    """Coastal works of one case: footprint (work, 4) m, kinds, share of realizations failed."""

    footprint: np.ndarray
    kinds: tuple[str, ...]
    failed: np.ndarray


@dataclasses.dataclass(frozen=True)
class Trees:
    """Trees of one case: planted (y, x) bool, and the share (y, x) of realizations in which the
    flow breaks them."""

    planted: np.ndarray
    broken: np.ndarray


@dataclasses.dataclass(frozen=True)
class Ground:
    """Water on the land of one case, means over realizations.

    x, y : cell centres, m. land : (y, x) bool, above still water at the start.
    depth : (y, x) m, deepest. flux : (y, x) m2/s, largest depth times speed; None where the
        rollout holds no momentum. flooded : (y, x) share of realizations that were ever wet.
    tracer : (y, x) kg m-3, largest concentration; None without one.
    """

    x: np.ndarray
    y: np.ndarray
    land: np.ndarray
    depth: np.ndarray
    flux: np.ndarray | None
    flooded: np.ndarray
    tracer: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class People:
    """The people of one member: paths (person, time, xy) m, status (person, time) codes."""

    time: np.ndarray
    path: np.ndarray
    status: np.ndarray
    names: tuple[str, ...]


def ground(truth: xr.DataTree, case: int) -> Ground:
    """Extremes of the water of one case (its place in the rollout), read member by member."""
    group = truth["water"].dataset
    members = group.sizes["realization"]
    deepest, largest, strongest = [], [], []
    for r in range(members):
        one = group.isel(case=case, realization=r)
        deepest.append(one["depth"].values.max(axis=0))
        if "momentum_x" in group:
            largest.append(np.hypot(one["momentum_x"].values, one["momentum_y"].values).max(axis=0))
        if "tracer" in group:
            strongest.append(one["tracer"].values.max(axis=0))
    depth = np.stack(deepest)
    shape = depth.shape[1:]
    land = (group["bathymetry"].isel(case=case).values > 0 if "bathymetry" in group
            else np.ones(shape, bool))
    return Ground(
        group["x"].values, group["y"].values, land, depth.mean(axis=0),
        np.stack(largest).mean(axis=0) if largest else None,
        (depth > WET_DEPTH).mean(axis=0),
        np.stack(strongest).mean(axis=0) if strongest else None,
    )


def buildings(truth: xr.DataTree, case: int) -> Buildings:
    """The buildings of one case, from the last stored state."""
    group = truth["structures"].dataset.isel(case=case)
    there = group["present"].values
    damage = None
    if "damage_state" in group:
        last = group["damage_state"].isel(time=-1).values[:, there]
        damage = np.floor(np.median(last, axis=0)).astype(int)
    return Buildings(
        group["footprint"].values[there], _named(group, "role", there),
        _named(group, "type", there),
        1.0 - group["standing"].isel(time=-1).values[:, there].mean(axis=0), damage,
    )


def works(truth: xr.DataTree, case: int) -> Works | None:
    """Coastal works of one case; None in rollouts without any."""
    if "works" not in truth.children:
        return None
    group = truth["works"].dataset.isel(case=case)
    there = np.isfinite(group["footprint"].values).all(axis=-1)
    if "present" in group:
        there &= group["present"].values.astype(bool)
    if not there.any():
        return None
    standing = group["standing"].isel(time=-1).values[:, there]
    return Works(group["footprint"].values[there], _named(group, "kind", there),
                 1.0 - standing.mean(axis=0))


def trees(truth: xr.DataTree, case: int) -> Trees | None:
    """Trees of one case; None in rollouts without any."""
    if "trees" not in truth.children:
        return None
    group = truth["trees"].dataset.isel(case=case)
    planted = group["stems"].values > 0
    broken = np.isfinite(group["failure_time"].values).mean(axis=0)
    return Trees(planted, broken) if planted.any() else None


def people(truth: xr.DataTree, case: int, realization: int = 0) -> People | None:
    """The people of one member; None in rollouts without any."""
    if "people" not in truth.children:
        return None
    group = truth["people"].dataset.isel(case=case)
    there = group["present"].values
    if not there.any():
        return None
    one = group.isel(realization=realization)
    return People(
        group["time"].values, one["position"].values[:, there, :2].swapaxes(0, 1),
        one["status"].values[:, there].T, flags(group["status"]),
    )


def status_counts(truth: xr.DataTree) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]] | None:
    """Time (time,) s, people by status (member, time, status), and the statuses' names."""
    if "people" not in truth.children:
        return None
    group = truth["people"].dataset
    names = flags(group["status"])
    counts = []
    for case in range(group.sizes["case"]):
        there = group["present"].values[case]
        status = group["status"].isel(case=case).values[..., there]
        counts.append((status[..., None] == np.arange(len(names))).sum(axis=-2))
    every = np.concatenate(counts)
    return (group["time"].values, every, names) if every.any() else None


def flags(variable: xr.DataArray) -> tuple[str, ...]:
    """The names of a code's values, with spaces."""
    return tuple(name.replace("_", " ") for name in variable.attrs["flag_meanings"].split())


def _named(group: xr.Dataset, name: str, there: np.ndarray) -> tuple[str, ...]:
    codes = np.asarray(group[name].values)[there] if name in group else None
    if codes is None:
        return ("",) * int(there.sum())
    return tuple(_names_of(codes, flags(group[name])))


def _names_of(codes: np.ndarray, names: tuple[str, ...]) -> Iterator[str]:
    return (names[int(code)] if 0 <= code < len(names) else "" for code in codes)
