"""A small town's rollout with known exposures, for the tests of outcomes."""

from __future__ import annotations

import numpy as np
import xarray as xr

from worldsim.outcomes.damage import TYPES
from worldsim.outcomes.exposure import EXPOSED_PEOPLE, ROLES, STATUS
from worldsim.rollout import SCHEMA_VERSION

TIME = np.array([0.0, 20.0, 60.0])
X, Y = (np.arange(48) + 0.5) * 2.0, (np.arange(40) + 0.5) * 2.0
PLACES = np.array([(20 + 20 * (i % 3), 28 + 20 * (i % 3), 8 + 24 * (i // 3), 16 + 24 * (i // 3))
                   for i in range(9)], dtype=float)
ROLE = ["home"] * 5 + ["shelter", "hospital", "substation", "pumping_station"]
TYPE = ["timber", "timber", "masonry", "concrete", "timber", "concrete", "concrete", "masonry",
        "concrete"]
PEOPLE = 120


def town(cases: int = 1, realizations: int = 2, *, down: tuple[int, ...] = (), depth: float = 0.0,
         carried: int = 0, in_collapse: bool = True) -> xr.DataTree:
    """Buildings in `down` fall, water of `depth` m stands everywhere, the first `carried` people
    are carried off. 120 people, 24 to each of five homes, one in six a child."""
    members = (cases, realizations)
    count = len(PLACES)
    standing = np.ones((*members, len(TIME), count), bool)
    standing[:, :, 1:, list(down)] = False
    fell = np.full((*members, count), np.nan)
    fell[..., list(down)] = 15.0
    case_building = ("case", "building")
    end = ("case", "realization", "building")
    structures = xr.Dataset({
        "standing": (("case", "realization", "time", "building"), standing),
        "drift": (("case", "realization", "time", "building", "storey"),
                  np.full((*members, len(TIME), count, 2), 0.001)),
        "failure_time": (end, fell),
        "washed_away_time": (end, np.full((*members, count), np.nan)),
        "max_depth": (end, np.full((*members, count), depth)),
        "max_momentum_flux": (end, np.full((*members, count), depth**3)),
        "footprint": (("case", "building", "bound"), np.broadcast_to(PLACES, (cases, count, 4))),
        "present": (case_building, np.ones((cases, count), bool)),
        "type": (case_building, np.tile([TYPES.index(t) for t in TYPE], (cases, 1))),
        "role": (case_building, np.tile([ROLES.index(r) for r in ROLE], (cases, 1)),
                 {"flag_meanings": " ".join(ROLES)}),
    }, coords={"time": TIME})
    grid = ("case", "realization", "time", "y", "x")
    water = np.zeros((*members, len(TIME), len(Y), len(X)))
    water[:, :, 1:] = depth
    wet = xr.Dataset({"depth": (grid, water), "momentum_x": (grid, 0.1 * water),
                      "momentum_y": (grid, 0.0 * water)}, coords={"time": TIME, "x": X, "y": Y})
    return xr.DataTree.from_dict({
        "/": xr.Dataset(coords={"case": np.arange(cases), "realization": np.arange(realizations)},
                        attrs={"schema_version": SCHEMA_VERSION, "kind": "simulated"}),
        "/structures": structures, "/water": wet,
        "/people": _people(members, down if in_collapse else (), carried),
    })


def _people(members: tuple[int, int], down: tuple[int, ...], carried: int) -> xr.Dataset:
    home = np.arange(PEOPLE) % 5
    swept = np.arange(PEOPLE) < carried
    values = {name: np.zeros(PEOPLE) for name in EXPOSED_PEOPLE}
    for name in ("departure_time", "safe_time", "knocked_over_time", "collapse_time"):
        values[name] = np.full(PEOPLE, np.nan)
    values["knocked_over_time"][swept] = 20.0
    values["water_time"][swept], values["carried_distance"][swept] = 30.0, 40.0
    values["collapse_time"][np.isin(home, down)] = 15.0
    end = {name: (("case", "realization", "person"), np.broadcast_to(v, (*members, PEOPLE)))
           for name, v in values.items()}
    fixed = {"present": np.ones(PEOPLE, bool), "female": np.arange(PEOPLE) % 2 == 0,
             "age": np.where(np.arange(PEOPLE) % 6 == 0, 10.0, 40.0),
             "height": np.full(PEOPLE, 1.7), "mass": np.full(PEOPLE, 70.0),
             "home": home, "building": home}
    static = {name: (("case", "person"), np.broadcast_to(v, (members[0], PEOPLE)))
              for name, v in fixed.items()}
    status = (("case", "realization", "time", "person"),
              np.zeros((*members, len(TIME), PEOPLE), int), {"flag_meanings": " ".join(STATUS)})
    return xr.Dataset({**end, **static, "status": status}, coords={"time": TIME})


def seen(rollout: xr.DataTree, down: tuple[int, ...], unseen: tuple[int, ...] = (),
         shift: float = 1.0) -> xr.DataTree:
    """What a video of the town would give: roofs in another order, a little off their places."""
    members = (rollout.sizes["case"], rollout.sizes["realization"])
    order = [i for i in reversed(range(len(PLACES))) if i not in unseen]
    standing = np.ones((*members, len(TIME), len(order)), bool)
    for slot, building in enumerate(order):
        standing[:, :, 1:, slot] = building not in down
    coords = {name: rollout[name].values for name in ("case", "realization")} | {"time": TIME}
    buildings = xr.Dataset({
        "standing": (("case", "realization", "time", "building"), standing),
        "footprint": (("case", "realization", "building", "bound"),
                      np.broadcast_to(PLACES[order] + shift, (*members, len(order), 4))),
    }, coords=coords)
    wet = xr.Dataset({"wet": rollout["water/depth"] > 0.02}).assign_coords(coords)
    return xr.DataTree.from_dict({"buildings": buildings, "water": wet})
