"""Observables of a made-up flood in random numbers, for the tests of its metrics."""

from __future__ import annotations

import numpy as np
import xarray as xr

from evaluation.metrics.metric import Sample

CASES, TIMES, ROWS, COLUMNS, BUILDINGS, PEOPLE, SLOTS = 3, 7, 10, 12, 4, 6, 3
UNTIL, CONTEXT = 1.4, 2
time = np.arange(TIMES) / 5
y, x = 2.0 * np.arange(ROWS) + 1.0, 2.0 * np.arange(COLUMNS) + 1.0
FOOTPRINT = np.full((CASES, BUILDINGS, 4), np.nan)
FOOTPRINT[:, :3] = [[8, 12, 2, 6], [14, 18, 12, 16], [10, 14, 9, 11]]
FOOTPRINT[2] = np.nan
"""Three buildings in the first two cases; none, and nobody, in the last."""
PRESENT = np.isfinite(FOOTPRINT[..., 0])
PEOPLED = np.zeros((CASES, PEOPLE), bool)
PEOPLED[:2, :5] = True


def _coords(members: int) -> dict[str, object]:
    return {"case": 10 + np.arange(CASES), "realization": np.arange(members), "time": time}


def water(rng: np.random.Generator, members: int, floods: bool) -> xr.Dataset:
    """The sea covers two columns; land is flooded here and there, in case 1 of a truth nowhere."""
    wet = rng.random((CASES, members, TIMES, ROWS, COLUMNS)) < rng.uniform(
        0.2, 0.9, (CASES, 1, TIMES, 1, 1))
    wet[:, :, 0] = False
    if not floods:
        wet[1] = False
    wet[..., :2] = True
    wet[1, 0, :, :, 2:] = False  # one member of a dream floods nothing there either
    front = rng.uniform(2, 22, (CASES, members, TIMES, ROWS)).cumsum(axis=2) / 4
    dims = ("case", "realization", "time")
    return xr.Dataset(
        {"wet": ((*dims, "y", "x"), wet), "front": ((*dims, "y"), front),
         "front_position": (dims, front.mean(axis=-1))},
        coords=_coords(members) | {"y": y, "x": x})


def debris(rng: np.random.Generator, members: int, seen_all: bool) -> xr.Dataset:
    """Two pieces in every case, in slot 2 none; a video loses some now and then."""
    position = rng.uniform(0, 20, (CASES, members, TIMES, SLOTS, 2))
    position[..., 2, :] = np.nan
    seen = np.ones(position.shape[:-1], bool)
    if not seen_all:
        seen = rng.random(position.shape[:-1]) < 0.6
        seen[0, 0, :, 1] = False
    seen[..., 2] = False
    position = np.where(seen[..., None], position, np.nan)
    dims = ("case", "realization", "time", "slot")
    return xr.Dataset({"position": ((*dims, "xy"), position), "seen": (dims, seen)},
                      coords=_coords(members) | {"slot": np.arange(SLOTS)})


def buildings_of_state(rng: np.random.Generator, members: int) -> xr.Dataset:
    """Which stand, in slots of the truth."""
    standing = rng.random((CASES, members, TIMES, BUILDINGS)) < 0.6
    standing &= PRESENT[:, None, None]
    return xr.Dataset(
        {"standing": (("case", "realization", "time", "building"), standing),
         "footprint": (("case", "building", "bound"), FOOTPRINT)}, coords=_coords(members))


def buildings_of_video(rng: np.random.Generator, members: int) -> xr.Dataset:
    """The same in another order, a little off, one unseen by the last member, in other slots."""
    slots = BUILDINGS + 1
    order = np.array([2, 0, 1, 3])
    footprint = np.full((CASES, members, slots, 4), np.nan)
    off = rng.uniform(-0.4, 0.4, (members, BUILDINGS, 1))
    footprint[:, :, 1:] = FOOTPRINT[:, None, order] + off
    footprint[:, -1, 2] = np.nan
    standing = rng.random((CASES, members, TIMES, slots)) < 0.5
    return xr.Dataset(
        {"standing": (("case", "realization", "time", "building"), standing),
         "footprint": (("case", "realization", "building", "bound"), footprint)},
        coords=_coords(members))


def consequences(rng: np.random.Generator, members: int, told: bool) -> xr.Dataset:
    """What states say; a dream (not `told`) leaves some of it unknown."""
    many = (CASES, members)

    def some(values: np.ndarray, present: np.ndarray) -> np.ndarray:
        there = present[:, None].reshape(CASES, 1, *present.shape[1:],
                                         *(1,) * (values.ndim - present.ndim - 1))
        known = there & (told | (rng.random(values.shape) < 0.8))
        return np.where(known, values, np.nan)

    def of_buildings(values: np.ndarray):
        return ("case", "realization", "building"), some(values, PRESENT)

    slots = (*many, BUILDINGS)
    fails = np.where(rng.random(slots) < 0.5, rng.uniform(0, 1.3 * UNTIL, slots), np.nan)
    dry = np.ones((*many, ROWS, COLUMNS), bool)
    dry[..., :2] = False
    return xr.Dataset(
        {
            "volume": (("case", "realization", "time"), rng.uniform(50, 200, (*many, TIMES))),
            "peak_depth": (("case", "realization", "y", "x"),
                           rng.uniform(0, 3, (*many, ROWS, COLUMNS))),
            "dry_at_first": (("case", "realization", "y", "x"), dry),
            "building_present": (("case", "building"), PRESENT),
            "damage_state": of_buildings(rng.integers(0, 6, slots).astype(float)),
            "failure_time": of_buildings(fails),
            "drift": of_buildings(rng.uniform(0, 0.1, slots)),
            "depth_at_building": of_buildings(rng.uniform(0, 4, slots)),
            "person_present": (("case", "person"), PEOPLED),
            **{name: (("case", "realization", "person"),
                      some((rng.random((*many, PEOPLE)) < 0.4).astype(float), PEOPLED))
               for name in ("exposed", "knocked_over", "carried_off")},
            **{name: (("case", "realization"), some(rng.random(many), PEOPLED.any(axis=1)))
               for name in ("deaths", "injuries", "serious_injuries")},
            "symptoms": (("case", "realization", "month"),
                         some(rng.random((*many, 2)), PEOPLED.any(axis=1))),
        },
        coords=_coords(members) | {"y": y, "x": x, "building": np.arange(BUILDINGS),
                                   "person": np.arange(PEOPLE)},
        attrs={"until": UNTIL})


def _tree(rng: np.random.Generator, members: int, true: bool) -> xr.DataTree:
    said = consequences(rng, members, true)
    return xr.DataTree.from_dict({
        "water": water(rng, members, floods=not true),
        "debris": debris(rng, members, seen_all=true),
        "buildings": (buildings_of_state if true else buildings_of_video)(rng, members),
        "consequences": said,
        "outcomes": said[["symptoms"]] * 0.5,
    })


def sample(seed: int = 0, members: int = 3, truths: int = 2) -> Sample:
    """A dream and a truth that have nothing to do with each other but their first sea."""
    rng = np.random.default_rng(seed)
    return Sample(_tree(rng, members, False), _tree(rng, truths, True), context=CONTEXT)
