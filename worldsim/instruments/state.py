"""What the instruments should read: the same observables from the simulator's state.

Water comes from ``/water``, debris from ``/bodies``, buildings from ``/structures``, each
interpolated to the times of the video.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from worldsim.errors import InputError
from worldsim.instruments.appearance import DEBRIS_COLOURS
from worldsim.instruments.water import water_dataset

WET_DEPTH = 0.02
"""m; water deeper than this counts as wet, as the renderer draws it."""

DEBRIS_KIND = 1
"""The code of floating debris in ``/bodies`` ``kind``."""


def _bracket(stored: np.ndarray, wanted: np.ndarray, what: str) -> tuple[np.ndarray, np.ndarray,
                                                                         np.ndarray]:
    """Indices before and after each wanted time, and the fraction of the way between them."""
    if wanted[0] < stored[0] - 1e-6 or wanted[-1] > stored[-1] + 1e-6:
        raise InputError(
            f"{what} is stored from {stored[0]:g} to {stored[-1]:g} s, the video runs from "
            f"{wanted[0]:g} to {wanted[-1]:g} s; render it within the stored times"
        )
    before = np.clip(np.searchsorted(stored, wanted + 1e-9, side="right") - 1, 0, len(stored) - 1)
    after = np.minimum(before + 1, len(stored) - 1)
    span = stored[after] - stored[before]
    part = np.clip((wanted - stored[before]) / np.where(span > 0, span, 1.0), 0.0, 1.0)
    return before, after, part


def _members(tree: xr.DataTree) -> dict[str, tuple[str, np.ndarray]]:
    return {name: (name, tree[name].values) for name in ("case", "realization")}


def water_state(truth: xr.DataTree, time: np.ndarray) -> xr.Dataset:
    """The water observables of a simulated rollout at the given times (s), as seen from above.

    Under a roof that stands no water is seen, though it may run through the house.

    Returns
    -------
    As `worldsim.instruments.observe_water`, on the simulator's own cells.
    """
    group = truth["water"].dataset
    before, after, part = _bracket(group["time"].values, time, "/water")
    depth = group["depth"].values
    weight = part.astype(np.float32)[:, None, None]
    wet = depth[:, :, before] * (1 - weight) + depth[:, :, after] * weight > WET_DEPTH
    x, y = group["x"].values, group["y"].values
    wet &= ~roofed(buildings_state(truth, time), x, y)
    return water_dataset(wet, time, y, x, _members(truth))


def roofed(buildings: xr.Dataset, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which cells lie under a building that stands.

    Parameters
    ----------
    buildings : as `buildings_state` gives them. x, y : cell centres, m.

    Returns
    -------
    (case, realization, time, y, x) bool.
    """
    standing, footprint = buildings["standing"].values, buildings["footprint"].values
    covered = np.zeros((*standing.shape[:3], len(y), len(x)), dtype=bool)
    for case, building in np.argwhere(np.isfinite(footprint[..., 0])):
        x0, x1, y0, y1 = footprint[case, building]
        place = ((x > x0) & (x < x1))[None] & ((y > y0) & (y < y1))[:, None]
        covered[case] |= standing[case, :, :, building, None, None] & place
    return covered


def debris_state(truth: xr.DataTree, time: np.ndarray) -> xr.Dataset:
    """Where the debris of each colour is, (case, realization, time, slot, xy) m; NaN where none is.

    Loose bodies of no debris colour (a tank, say) cannot be followed in video and have no slot.
    """
    group = truth["bodies"].dataset
    before, after, part = _bracket(group["time"].values, time, "/bodies")
    body = _bodies_by_colour(group)
    weight = part[:, None, None]
    position = np.full((*group["position"].shape[:2], len(time), body.shape[1], 2), np.nan)
    for case, slot in np.argwhere(body >= 0):
        stored = group["position"].values[case, :, :, body[case, slot], :2].astype(np.float64)
        moved = stored[:, before] * (1 - weight[:, 0]) + stored[:, after] * weight[:, 0]
        position[case, :, :, slot] = moved
    return xr.Dataset(
        {"position": (("case", "realization", "time", "slot", "xy"), position,
                      {"long_name": "debris position", "units": "m"})},
        coords={**_members(truth), "time": ("time", time, {"units": "s"}),
                "slot": np.arange(body.shape[1]), "xy": ["x", "y"]},
    )


def _bodies_by_colour(bodies: xr.Dataset) -> np.ndarray:
    """(case, slot) int: the loose body that wears a slot's colour; -1 where there is none."""
    loose = bodies["present"].values & (bodies["kind"].values == DEBRIS_KIND)
    same = (bodies["colour"].values[:, :, None] == DEBRIS_COLOURS).all(-1) & loose[..., None]
    return np.where(same.any(1), same.argmax(1), -1)


def buildings_state(truth: xr.DataTree, time: np.ndarray) -> xr.Dataset:
    """Which buildings stand at the given times (s).

    Returns
    -------
    ``standing`` (case, realization, time, building) bool, the last stored state before each
    time; ``footprint`` (case, building, bound) m, NaN for slots without a building.
    """
    group = truth["structures"].dataset
    before, _, _ = _bracket(group["time"].values, time, "/structures")
    footprint = np.where(
        group["present"].values[..., None], group["footprint"].values.astype(np.float64), np.nan
    )
    return xr.Dataset(
        {
            "standing": (("case", "realization", "time", "building"),
                         group["standing"].values[:, :, before], {"units": "1"}),
            "footprint": (("case", "building", "bound"), footprint, {"units": "m"}),
        },
        coords={**_members(truth), "time": ("time", time, {"units": "s"}),
                "bound": ["x0", "x1", "y0", "y1"]},
    )
