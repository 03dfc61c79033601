"""What a rollout's states say: how much water, which damage, who is caught by it and what follows.

A video does not show this. A world model that supplies its states as the simulator does
(``/water``, ``/structures``, ``/people``) is held to them; one that shows pictures alone says
nothing of it. Damage, casualties and symptoms come of the same functions for truth and dream.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import xarray as xr

from worldsim import outcomes
from worldsim.errors import InputError
from worldsim.instruments.state import WET_DEPTH
from worldsim.outcomes.exposure import STATIC_PEOPLE, WET, Exposures, codes
from worldsim.simulator.building_damage import DAMAGE_STATES

DRAWS = 200
"""Draws of the outcome model's coefficients, the same ones for every member: what differs between
two members then comes of the members, not of the draws."""

MEMBER = ("case", "realization")

SHARES = ("deaths", "injuries", "serious_injuries")
"""Expected numbers of people of `worldsim.outcomes.assess` that are told as shares of all."""

_STATES_OF = ("water", "structures", "people", "audit")
_RECORDED = {"type", "role", "damage_state", "failure_time", "drift"}


def consequences_of(rollout: xr.DataTree, time: np.ndarray,
                    cases: Sequence[int] | None = None) -> xr.Dataset | None:
    """What a rollout's states say, as far as it has any.

    Parameters
    ----------
    rollout : simulated, or a world model's with states as the simulator writes them.
    time : (time,) s, at which the volume of water is told. All else is of the whole record.
    cases : numbers of the cases wanted; all by default.

    Returns
    -------
    None without ``/water``. Else, by group, what is recorded:

    - water: ``volume`` (case, realization, time) m3; ``peak_depth`` (case, realization, y, x) m;
      ``dry_at_first`` (case, realization, y, x) bool, of less than `WET_DEPTH` m;
    - buildings: ``building_present`` (case, building); ``damage_state`` (code of `DAMAGE_STATES`),
      ``failure_time`` (s, NaN: never), ``drift`` (largest of any storey, 1), ``depth_at_building``
      (deepest at its walls, m), each (case, realization, building);
    - people: ``person_present`` (case, person); ``exposed`` (feet in more than `WET` m of water),
      ``knocked_over``, ``carried_off``: 1 or 0, each (case, realization, person);
    - what follows for people: ``deaths``, ``injuries``, ``serious_injuries`` (case, realization),
      expected shares of all; ``symptoms`` and ``symptoms_of_buildings`` (case, realization, month),
      expected shares of adults screening positive, from everything and from lost homes alone. NaN
      where there are too few people to tell, and in members that failed their audit.

    Attribute ``until``: the end of the record, s.

    Raises
    ------
    InputError : the states end before the video, or a case is missing.
    """
    if "water" not in rollout.children or "depth" not in rollout["water"].data_vars:
        return None
    states = _chosen(rollout, cases)
    water = states["water"].dataset
    stored = water["time"].values
    if time[-1] > stored[-1] + 1e-6:
        raise InputError(f"the states end at {stored[-1]:g} s, the video at {time[-1]:g} s; give "
                         "states for the whole video, or none")
    found = _water(water, time)
    exposures = _exposures(states)
    if exposures is not None:
        found |= _buildings(states["structures"].dataset, exposures)
        if exposures.people is not None:
            found |= _people(exposures) | _outcomes(exposures)
    coords = {name: states[name].values for name in MEMBER} | {"time": time}
    # Labels, so that a dream's buildings and people are held against those of the same number.
    for dim in ("building", "person"):
        size = {name: values.shape[-1] for name, (dims, values, *_) in found.items()
                if dims[-1] == dim}
        if size:
            coords[dim] = np.arange(next(iter(size.values())))
    return xr.Dataset(found, coords=coords | {d: water[d].values for d in ("y", "x")},
                      attrs={"until": float(stored[-1])})


def seen_outcomes_of_states(rollout: xr.DataTree, said: xr.Dataset | None) -> xr.DataTree | None:
    """What the outcome model makes of that part of the states which a video shows.

    Parameters
    ----------
    said : what `consequences_of` gave for the rollout.

    Returns
    -------
    ``symptoms`` (case, realization, month): expected share of adults screening positive by lost
    homes alone; and below it what has to be known beforehand to tell the same of a video: children
    ``structures`` and ``people`` with who lives where, and nothing of what happens. None where too
    few live to tell.
    """
    if said is None or "symptoms_of_buildings" not in said:
        return None
    if said["symptoms_of_buildings"].isnull().all():
        return None
    told = xr.Dataset({"symptoms": said["symptoms_of_buildings"]})
    known = {
        name: rollout[name].dataset[list(variables)].drop_vars(MEMBER, errors="ignore")
        for name, variables in (("structures", ("present", "type", "role", "footprint")),
                                ("people", STATIC_PEOPLE))
    }
    return xr.DataTree.from_dict({"/": told} | {f"/{name}": data for name, data in known.items()})


def seen_outcomes_of_video(observed: xr.DataTree, known: xr.DataTree) -> xr.Dataset:
    """The same from what the instruments read off a video.

    A building that the video's first frame does not show counts as standing: nothing says that it
    fell. What happened to people is not seen, so that casualties cannot be told.

    Parameters
    ----------
    observed : ``buildings`` and ``water`` of a video.
    known : what `seen_outcomes_of_states` gave for the truth.
    """
    exposures = outcomes.from_video(observed, known)
    buildings = exposures.buildings
    collapsed = np.where(buildings.present, np.nan_to_num(buildings.collapsed), np.nan)
    exposures = dataclasses.replace(
        exposures, buildings=dataclasses.replace(buildings, collapsed=collapsed)
    )
    return xr.Dataset({"symptoms": _of_adults(exposures, "symptoms_of_buildings")})


def _chosen(rollout: xr.DataTree, cases: Sequence[int] | None) -> xr.DataTree:
    """The groups of states of some cases, without the videos."""
    numbers = rollout["case"].values
    wanted = numbers if cases is None else np.asarray(cases)
    missing = np.setdiff1d(wanted, numbers)
    if missing.size:
        raise InputError(f"the rollout has no case {missing[0]}; it has {numbers.tolist()}")
    at = [int(np.flatnonzero(numbers == case)[0]) for case in wanted]
    groups = {
        f"/{name}": rollout[name].dataset.drop_vars(MEMBER, errors="ignore").isel(
            case=at, missing_dims="ignore")
        for name in _STATES_OF if name in rollout.children
    }
    root = xr.Dataset(coords={"case": wanted, "realization": rollout["realization"].values})
    return xr.DataTree.from_dict({"/": root, **groups})


_Found = dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, str]]]


def _water(water: xr.Dataset, time: np.ndarray) -> _Found:
    depth = water["depth"].transpose(*MEMBER, "time", "y", "x").values
    cell = float(abs(np.diff(water["x"].values[:2])[0] * np.diff(water["y"].values[:2])[0]))
    stored = water["time"].values
    sums = depth.sum(axis=(-2, -1), dtype=np.float64) * cell
    volume = np.array([[np.interp(time, stored, member) for member in case] for case in sums])
    grid = (*MEMBER, "y", "x")
    return {
        "volume": ((*MEMBER, "time"), volume, {"units": "m3"}),
        "peak_depth": (grid, depth.max(axis=2), {"units": "m"}),
        "dry_at_first": (grid, depth[:, :, 0] <= WET_DEPTH, {"units": "1"}),
    }


def _exposures(states: xr.DataTree) -> Exposures | None:
    """None where no buildings stand, or an older simulator did not record what they are."""
    if "structures" not in states.children or "momentum_x" not in states["water"].data_vars:
        return None
    group = states["structures"].dataset
    if not set(group.data_vars) >= _RECORDED or not group["present"].values.any():
        return None
    return outcomes.from_states(states)


def _buildings(group: xr.Dataset, exposures: Exposures) -> _Found:
    b = exposures.buildings
    state = codes(group["damage_state"].isel(time=-1), DAMAGE_STATES)
    per = (*MEMBER, "building")

    def of_present(values: np.ndarray) -> np.ndarray:
        return np.where(b.present, values, np.nan)

    return {
        "building_present": (("case", "building"), b.present[:, 0], {"units": "1"}),
        "damage_state": (per, of_present(np.where(state < 0, np.nan, state)), {"units": "1"}),
        "failure_time": (per, of_present(group["failure_time"].values), {"units": "s"}),
        "drift": (per, of_present(b.drift), {"units": "1"}),
        "depth_at_building": (per, of_present(b.depth), {"units": "m"}),
    }


def _people(exposures: Exposures) -> _Found:
    people = exposures.people
    assert people is not None
    per = (*MEMBER, "person")
    happened = {
        "exposed": people.max_depth > WET,
        "knocked_over": np.isfinite(people.knocked_over_time),
        "carried_off": people.carried() == 1,
    }
    return {
        "person_present": (("case", "person"), np.asarray(people.present.any(axis=1)),
                           {"units": "1"}),
        **{name: (per, np.where(people.present, values, np.nan), {"units": "1"})
           for name, values in happened.items()},
    }


def _outcomes(exposures: Exposures) -> _Found:
    told = outcomes.assess(exposures, seed=0, draws=DRAWS)
    people = told["people"].where(told["people"] > 0)
    shares = {name: (told[name] / people).transpose(*MEMBER).values for name in SHARES}
    adults = {
        name: told[of].sel(group="adults").transpose(*MEMBER, "month").values
        for name, of in (("symptoms", "symptoms_share"),
                         ("symptoms_of_buildings", "symptoms_of_buildings"))
    }
    return {
        **{name: (MEMBER, values, {"units": "1"}) for name, values in shares.items()},
        **{name: ((*MEMBER, "month"), values, {"units": "1"}) for name, values in adults.items()},
    }


def _of_adults(exposures: Exposures, name: str) -> xr.DataArray:
    """(case, realization, month) share of adults."""
    told = outcomes.assess(exposures, seed=0, draws=DRAWS)[name].sel(group="adults", drop=True)
    return told.transpose(*MEMBER, "month")
