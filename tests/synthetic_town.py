"""States of a made-up town: buildings, seawall, people and water that obey no law but are told
apart easily, for the tests of what is said and shown of them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from worldsim.simulator.scene import Role

STATUS = ("indoors", "waiting", "walking", "sheltered", "safe", "wading", "in_water")
CAUSES = ("none", "water", "debris", "floated", "out_of_plane_walls")
TYPES = ("timber", "masonry", "steel", "concrete")
ROLES = tuple(role.value for role in Role)
MEMBER = ("case", "realization")


def _code(names):
    return {"flag_values": list(range(len(names))), "flag_meanings": " ".join(names),
            "units": "1"}


def town_states(water: xr.Dataset, structures: xr.Dataset, *, people: int = 60,
                seawall: float = 2.0, tracer: bool = True, seed: int = 0) -> dict[str, xr.Dataset]:
    """`/water`, `/structures`, `/people`, `/works` in full, over states that hold the first two.

    Parameters
    ----------
    water : with ``depth`` 0 or 1. structures : with ``standing``, ``footprint``, ``present``.
    seawall : crest in m; the higher, the shallower the water; 0 for none.
    """
    rng = np.random.default_rng(seed)
    time = water["time"].values
    depth = water["depth"].values * np.float32(3.0 - 0.5 * seawall)
    full = water.assign(depth=(water["depth"].dims, depth))
    dims = water["depth"].dims
    full["momentum_x"] = (dims, depth * 2.5)
    full["momentum_y"] = (dims, depth * 0.5)
    cases, members = depth.shape[:2]
    bed = np.where(water["x"].values < 40, -2.0, 1.5) + np.zeros(depth.shape[-2:])
    full["bathymetry"] = (("case", "y", "x"), np.stack([bed] * cases).astype(np.float32))
    if tracer:
        full["tracer"] = (dims, depth * np.float32(1e-4))
    groups = {"/water": full, "/structures": _structures(structures, depth, rng)}
    if people:
        groups["/people"] = _people(time, cases, members, people, depth, rng)
    if seawall:
        groups["/works"] = _seawall(time, cases, members, seawall, rng)
    return groups


def _structures(base: xr.Dataset, depth: np.ndarray, rng: np.random.Generator) -> xr.Dataset:
    standing = base["standing"].values
    cases, members, _, slots = standing.shape
    present = base["present"].values
    down = ~standing & present[:, None, None]
    state = np.where(down, 4, np.minimum(3, depth.max(axis=(-1, -2))[..., None]).astype(int))
    state = np.where(present[:, None, None], state, 0).astype(np.int8)
    fallen = down[:, :, -1]
    when = np.where(fallen, np.argmax(down, axis=2) / 10.0, np.nan)
    per = (*MEMBER, "building")
    roles = np.resize(np.array([0, 2, 3, 4, 5, 1]), (cases, slots))
    return base.assign(
        damage_state=((*MEMBER, "time", "building"), state, _code(
            ("none", "slight", "moderate", "extensive", "complete", "washed_away"))),
        drift=((*MEMBER, "time", "building", "storey"),
               (0.02 * state[..., None] * np.ones(2)).astype(np.float32), {"units": "1"}),
        residual_drift=((*per, "storey"), np.zeros((cases, members, slots, 2), np.float32)),
        failure_time=(per, when, {"units": "s"}),
        washed_away_time=(per, np.full(when.shape, np.nan), {"units": "s"}),
        cause=(per, np.where(fallen, 1, 0), _code(CAUSES)),
        max_depth=(per, np.broadcast_to(depth.max(axis=(2, 3, 4))[..., None], when.shape),
                   {"units": "m"}),
        max_momentum_flux=(per, rng.uniform(1, 20, when.shape), {"units": "m3 s-2"}),
        debris_impulse=(per, rng.uniform(0, 900, when.shape), {"units": "N s"}),
        type=(("case", "building"), np.resize(np.arange(4), (cases, slots)), _code(TYPES)),
        role=(("case", "building"), roles, _code(ROLES)),
        storeys=(("case", "building"), np.full((cases, slots), 2)),
        base=(("case", "building"), np.full((cases, slots), 1.5), {"units": "m"}),
    )


def _people(time: np.ndarray, cases: int, members: int, count: int, depth: np.ndarray,
            rng: np.random.Generator) -> xr.Dataset:
    """Everybody walks east at 4 m/s; every tenth is caught by the water, every fifth stays in."""
    slots = count + 3
    shape = (cases, members, len(time), slots)
    start = rng.uniform((60, 10), (150, 118), (cases, 1, 1, slots, 2))
    position = np.zeros((*shape, 3), np.float32)
    who = np.arange(slots)
    inside, caught = who % 5 == 0, who % 10 == 3
    leave = rng.uniform(0, 4, (cases, members, 1, slots))
    walked = 4.0 * np.clip(time[:, None] - leave, 0, None) * ~inside
    position[..., :2] = start
    position[..., 0] = np.minimum(position[..., 0] + walked, 188.0)
    safe = position[..., 0] > 186.0
    status = np.select([safe, inside + np.zeros(shape, bool), walked <= 0], [4, 0, 1], 2)
    flooded = caught & (time[:, None] > 8.0) & ~safe
    status = np.where(flooded, 6, status)
    present = np.zeros((cases, slots), bool)
    present[:, :count] = True
    per, one = (*MEMBER, "person"), (cases, members, slots)
    wet = (flooded[0, 0] if flooded.ndim > 3 else flooded).sum(axis=0) / 10.0

    def total(values, units="s"):
        return per, np.broadcast_to(values, one).astype(np.float64), {"units": units}

    nan = np.full(slots, np.nan)
    hit = depth.max(axis=(2, 3, 4))[..., None]
    return xr.Dataset(
        {
            "present": (("case", "person"), present),
            "age": (("case", "person"), rng.uniform(3, 90, (cases, slots)), {"units": "year"}),
            "female": (("case", "person"), rng.uniform(size=(cases, slots)) < 0.5),
            "height": (("case", "person"), np.full((cases, slots), 1.65), {"units": "m"}),
            "mass": (("case", "person"), np.full((cases, slots), 62.0), {"units": "kg"}),
            "home": (("case", "person"), np.resize(np.array([0, 1, 0]), (cases, slots))),
            "building": (("case", "person"), np.where(inside, 0, -1) + np.zeros((cases, 1), int)),
            "storey": (("case", "person"), np.zeros((cases, slots), int)),
            "position": ((*MEMBER, "time", "person", "xyz"), position, {"units": "m"}),
            "status": ((*MEMBER, "time", "person"), status.astype(np.int8), _code(STATUS)),
            "departure_time": total(np.where(inside, np.nan, leave[:, :, 0])),
            "safe_time": total(np.where(safe.any(axis=2), np.argmax(safe, axis=2) / 10.0, np.nan)),
            "sheltered": (per, np.zeros(one, bool)),
            "knocked_over_time": total(np.where(caught, 8.5, nan)),
            "carried_distance": total(np.where(caught, 12.0, 0.0), "m"),
            "max_depth": total(np.where(caught, hit, 0.0), "m"),
            "max_depth_velocity": total(np.where(caught, 2.5 * hit, 0.0), "m2 s-1"),
            "wet_time": total(wet),
            "water_time": total(wet),
            "submerged_time": total(0.2 * wet),
            "contact_impulse": total(np.where(caught, 40.0, 0.0), "N s"),
            "collapse_time": total(nan),
            "tracer_dose": total(np.where(caught, 3e-4, 0.0), "kg s m-3"),
        },
        coords={"time": time},
    )


def _seawall(time: np.ndarray, cases: int, members: int, crest: float,
             rng: np.random.Generator) -> xr.Dataset:
    edges = np.arange(0.0, 128.0, 16.0)
    footprint = np.stack([np.full(8, 44.0), np.full(8, 46.0), edges, edges + 16.0], axis=1)
    fails = np.where(rng.uniform(size=(cases, members, 8)) < 0.3, 6.0, np.nan)
    return xr.Dataset(
        {
            "kind": (("case", "work"), np.zeros((cases, 8), int), _code(("seawall", "quay"))),
            "footprint": (("case", "work", "bound"), np.stack([footprint] * cases),
                          {"units": "m"}),
            "crest": (("case", "work"), np.full((cases, 8), crest), {"units": "m"}),
            "standing": ((*MEMBER, "time", "work"), ~(time[:, None] >= fails[:, :, None])),
            "failure_time": ((*MEMBER, "work"), fails, {"units": "s"}),
            "cause": ((*MEMBER, "work"), np.where(np.isnan(fails), 0, 1),
                      _code(("none", "slid", "overturned"))),
            "max_overflow_depth": ((*MEMBER, "work"), np.full(fails.shape, 0.8), {"units": "m"}),
        },
        coords={"time": time},
    )
