"""What buildings and people went through: the one input of all outcomes, whoever saw it.

Every array leads with (case, realization); NaN means unknown. `from_states` reads the states of a
simulated rollout, `worldsim.outcomes.observed.from_video` what a video can show. Outcomes take
either, so that a dream is judged by the same functions as the truth.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import xarray as xr

from worldsim.errors import InputError
from worldsim.outcomes.damage import TYPES, worst_drift
from worldsim.outcomes.passage import beside

ROLES = ("home", "shop", "hospital", "shelter", "substation", "pumping_station")
"""Roles of buildings by code, as in ``/structures`` ``role``."""

STATUS = ("indoors", "waiting", "walking", "sheltered", "safe", "wading", "in_water")
"""What a person is doing, by code, as in ``/people`` ``status``."""

WET = 0.05
"""m; water deeper than this at a building or on a street counts as flooding."""

CARRIED = 2.0
"""m; whom the water moves farther than about a body's length is carried off."""


@dataclasses.dataclass(frozen=True)
class Buildings:
    """Arrays (case, realization, building).

    present : bool. kind : index in `TYPES`, -1 none. role : index in `ROLES`, -1 none.
    drift : largest drift ratio of any storey. collapsed, washed_away, walls_broken : 1, 0.
    wet : whether water reached the walls, 1, 0. depth : deepest water there, m. flux : largest
    momentum flux there, m3 s-2. footprint : (…, building, x0 x1 y0 y1) m.
    """

    present: np.ndarray
    kind: np.ndarray
    role: np.ndarray
    footprint: np.ndarray
    drift: np.ndarray
    collapsed: np.ndarray
    washed_away: np.ndarray
    walls_broken: np.ndarray
    wet: np.ndarray
    depth: np.ndarray
    flux: np.ndarray


@dataclasses.dataclass(frozen=True)
class People:
    """Arrays (case, realization, person).

    present : bool. age : years. female : 1, 0. height m, mass kg. home : building or -1.
    building : where the person was at the start, -1 outside. The rest is exposure: departure_time,
    safe_time, knocked_over_time, collapse_time s (NaN also for "never", see `known`); sheltered,
    still_in_water 1, 0; carried_distance m; max_depth m; max_depth_velocity m2/s; wet_time,
    water_time, submerged_time s; contact_impulse N s; tracer_dose kg s m-3.

    known : (case, realization, person) bool: whether this person's exposure was seen at all.
    """

    known: np.ndarray
    present: np.ndarray
    age: np.ndarray
    female: np.ndarray
    height: np.ndarray
    mass: np.ndarray
    home: np.ndarray
    building: np.ndarray
    departure_time: np.ndarray
    safe_time: np.ndarray
    sheltered: np.ndarray
    knocked_over_time: np.ndarray
    carried_distance: np.ndarray
    max_depth: np.ndarray
    max_depth_velocity: np.ndarray
    wet_time: np.ndarray
    water_time: np.ndarray
    submerged_time: np.ndarray
    contact_impulse: np.ndarray
    collapse_time: np.ndarray
    tracer_dose: np.ndarray
    still_in_water: np.ndarray

    def if_known(self, values: np.ndarray) -> np.ndarray:
        """Values as float, NaN where the person's exposure was not seen."""
        return np.where(self.known, np.asarray(values, dtype=float), np.nan)

    def carried(self) -> np.ndarray:
        """1 where the water carried a person off, farther than `CARRIED`."""
        return self.if_known((self.water_time > 0) & (self.carried_distance > CARRIED))


STATIC_PEOPLE = ("present", "age", "female", "height", "mass", "home", "building")
EXPOSED_PEOPLE = tuple(
    f.name for f in dataclasses.fields(People)
    if f.name not in (*STATIC_PEOPLE, "known", "still_in_water")
)


@dataclasses.dataclass(frozen=True)
class Ground:
    """The water on the ground as the record ends.

    depth, flux : (case, realization, y, x) m and m2/s (depth times speed). x, y : m.
    """

    depth: np.ndarray
    flux: np.ndarray
    x: np.ndarray
    y: np.ndarray


@dataclasses.dataclass(frozen=True)
class Exposures:
    """All exposures of some members.

    case, realization : their numbers. valid : (case, realization) bool; what failed to simulate is
    not, and has unknown outcomes. people : None where the town has none. seen_by : ``"states"`` or
    ``"video"``.
    """

    case: np.ndarray
    realization: np.ndarray
    valid: np.ndarray
    buildings: Buildings
    people: People | None
    ground: Ground
    seen_by: str


def spread(values: np.ndarray, realizations: int) -> np.ndarray:
    """(case, …) repeated to (case, realization, …), without a copy."""
    values = np.asarray(values)[:, None]
    return np.broadcast_to(values, (values.shape[0], realizations, *values.shape[2:]))


def codes(variable: xr.DataArray, names: tuple[str, ...]) -> np.ndarray:
    """A variable's codes as indices into `names`, by its ``flag_meanings`` where it has them.

    Returns
    -------
    int; -1 for codes that mean none of the names.
    """
    values = variable.values
    meanings = variable.attrs.get("flag_meanings")
    if meanings is None:
        known = np.isfinite(values) & (values >= 0) & (values < len(names))
        return np.where(known, values, -1).astype(int)
    words = meanings.split()
    flags = np.asarray(variable.attrs.get("flag_values", range(len(words))))
    found = np.full(values.shape, -1)
    for flag, word in zip(flags, words, strict=True):
        if word in names:
            found[values == flag] = names.index(word)
    return found


def from_states(rollout: xr.DataTree) -> Exposures:
    """Exposures of a simulated rollout, from its states.

    Reads ``/structures``, ``/water`` and, if there, ``/people``. The deepest water at a building is
    the recorded ``max_depth``; without it, the deepest stored state next to the walls.

    Raises
    ------
    InputError : a group or variable is missing.
    """
    for group in ("structures", "water"):
        if group not in rollout:
            raise InputError(f"the rollout has no /{group}; give a simulated rollout with states, "
                             "or the exposures read off a video")
    case, realization = rollout["case"].values, rollout["realization"].values
    members = (len(case), len(realization))
    people = _people(rollout["people"].dataset, members) if "people" in rollout else None
    valid = ~rollout["audit/failed"].values if "audit" in rollout else np.ones(members, bool)
    return Exposures(case, realization, valid, _buildings(rollout, members), people,
                     _ground(rollout), "states")


def _need(group: xr.Dataset, name: str, where: str) -> xr.DataArray:
    if name not in group:
        raise InputError(f"/{where} has no {name!r}; simulate it again with this version")
    return group[name]


def known_buildings(group: xr.Dataset, realizations: int) -> dict[str, np.ndarray]:
    """What is known of the buildings beforehand: present, kind, role, footprint."""
    fixed = {
        "present": _need(group, "present", "structures").values.astype(bool),
        "kind": codes(_need(group, "type", "structures"), TYPES),
        "role": codes(_need(group, "role", "structures"), ROLES),
        "footprint": _need(group, "footprint", "structures").values.astype(float),
    }
    return {name: spread(values, realizations) for name, values in fixed.items()}


def _buildings(rollout: xr.DataTree, members: tuple[int, int]) -> Buildings:
    group = rollout["structures"].dataset
    fixed = known_buildings(group, members[1])
    last = group.isel(time=-1)
    collapsed = ~last["standing"].values | np.isfinite(group["failure_time"].values)
    away = (np.isfinite(group["washed_away_time"].values) if "washed_away_time" in group
            else np.full(collapsed.shape, np.nan))
    # Rollouts whose walls cannot break have no time at which they broke.
    walls = (np.isfinite(group["walls_time"].values) if "walls_time" in group
             else np.zeros(collapsed.shape))
    depth = (group["max_depth"].values.astype(float) if "max_depth" in group
             else _deepest(rollout["water"].dataset, fixed["footprint"]))
    flux = (group["max_momentum_flux"].values.astype(float) if "max_momentum_flux" in group
            else np.full(collapsed.shape, np.nan))
    hide = ~fixed["present"]
    return Buildings(
        **fixed, drift=_hidden(worst_drift(last["drift"].values), hide),
        collapsed=_hidden(collapsed, hide), washed_away=_hidden(away, hide),
        walls_broken=_hidden(walls, hide),
        wet=_hidden(np.where(np.isnan(depth), np.nan, depth > WET), hide),
        depth=_hidden(depth, hide), flux=_hidden(flux, hide))


def _hidden(values: np.ndarray, hide: np.ndarray) -> np.ndarray:
    return np.where(hide, np.nan, np.asarray(values, dtype=float))


def _deepest(water: xr.Dataset, footprint: np.ndarray) -> np.ndarray:
    """(case, realization, building) m: deepest stored water within one cell of the footprint."""
    x, y = water["x"].values, water["y"].values
    within = 1.01 * max(x[1] - x[0], y[1] - y[0])
    peak = water["depth"].values.max(axis=2)
    result = np.full(footprint.shape[:3], np.nan)
    for c, b in np.ndindex(footprint.shape[0], footprint.shape[2]):
        if np.isfinite(footprint[c, 0, b]).all():
            near = beside(tuple(footprint[c, 0, b]), x, y, within)
            result[c, :, b] = peak[c][:, near].max(axis=-1)
    return result


def _ground(rollout: xr.DataTree) -> Ground:
    last = rollout["water"].dataset.isel(time=-1)
    flux = np.hypot(last["momentum_x"].values, last["momentum_y"].values)
    return Ground(last["depth"].values.astype(float), flux.astype(float), last["x"].values,
                  last["y"].values)


def known_people(group: xr.Dataset, realizations: int) -> dict[str, np.ndarray]:
    """What is known of the people beforehand: who they are, where they live and start."""
    fixed = {}
    for name in STATIC_PEOPLE:
        values = _need(group, name, "people").values
        # Ages and homes belong to the case; a simulator may also draw them per realization.
        fixed[name] = values if "realization" in group[name].dims else spread(values, realizations)
    fixed["present"] = fixed["present"].astype(bool)
    return fixed


def _people(group: xr.Dataset, members: tuple[int, int]) -> People:
    exposed = {name: _need(group, name, "people").values.astype(float)
               for name in EXPOSED_PEOPLE if name != "tracer_dose"}
    shape = exposed["max_depth"].shape
    exposed["tracer_dose"] = (group["tracer_dose"].values.astype(float) if "tracer_dose" in group
                              else np.full(shape, np.nan))
    status = codes(_need(group, "status", "people").isel(time=-1), STATUS)
    fixed = known_people(group, members[1])
    return People(known=fixed["present"], **fixed, **exposed,
                  still_in_water=(status == STATUS.index("in_water")).astype(float))
