"""Observables of made-up moving objects, for the tests of what is measured of objects.

Balls bounce on a floor along exact parabolas, in three slots of which the second case fills two.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from evaluation.metrics.metric import Sample

CASES, FRAMES, SLOTS, FPS, CONTEXT = 2, 40, 3, 20.0, 5
PITCH, HEIGHT, FLOOR, RADIUS = 0.05, 3.2, -1.3, 0.2
PRESENT = np.array([[True, True, True], [True, True, False]])
time = np.arange(FRAMES) / FPS
MEMBERS, SERIES = ("case", "realization"), ("case", "realization", "time", "object")
XY = (*SERIES, "xy")


def bouncing(height: float, gravity: float, restitution: float, speed: float, x: float,
             at: np.ndarray = time) -> tuple[np.ndarray, np.ndarray, list[tuple[float, float]]]:
    """Place, velocity (time, 2) and contacts (s, m/s) of a ball let go above the floor, exactly."""
    place, velocity = np.zeros((len(at), 2)), np.zeros((len(at), 2))
    place[:, 0], velocity[:, 0] = x + speed * at, speed
    begin, up, level, hits = 0.0, 0.0, FLOOR + height, []
    while begin < at[-1] and len(hits) < 40:
        lands = begin + (up + np.sqrt(up**2 + 2 * gravity * (level - FLOOR))) / gravity
        here = (at >= begin) & (at <= lands)
        since = at[here] - begin
        place[here, 1] = level + up * since - gravity * since**2 / 2
        velocity[here, 1] = up - gravity * since
        impact = gravity * (lands - begin) - up
        if lands < at[-1]:
            hits.append((lands, impact * (1 + restitution)))
        begin, up, level = lands, restitution * impact, FLOOR
    return place, velocity, hits


def dataset(position: np.ndarray, velocity: np.ndarray, **extra: object) -> xr.Dataset:
    """``objects`` of places (case, realization, time, object, 2) that are all seen, of discs."""
    shape = position.shape[:4]
    filled = np.isfinite(position).all(axis=-1)
    values = {
        "position": (XY, position), "velocity": (XY, velocity),
        "area": (SERIES, np.where(filled, np.pi * RADIUS**2, np.nan)),
        "visible": (SERIES, np.where(filled, 1.0, np.nan)),
        "orientation": (SERIES, np.full(shape, np.nan)), "seen": (SERIES, filled),
    }
    return xr.Dataset(
        values | extra,  # type: ignore[operator]
        coords={"case": 10 + np.arange(shape[0]), "realization": np.arange(shape[1]),
                "time": np.arange(shape[2]) / FPS, "object": np.arange(shape[3]),
                "xy": ["x", "y"]},
        attrs={"pitch": PITCH, "height": HEIGHT})


def contacts(rows: dict[tuple[int, int], list[tuple[float, int, int, float]]],
             shape: tuple[int, int]) -> xr.Dataset:
    """``contacts`` of rows (time, object, object, jump) by case and member."""
    most = max((len(some) for some in rows.values()), default=0)
    table = np.full((*shape, most, 4), np.nan)
    table[..., 1:3] = -1
    for at, some in rows.items():
        if some:
            table[at][: len(some)] = some
    event = (*MEMBERS, "event")
    return xr.Dataset(
        {"time": (event, table[..., 0]), "object_a": (event, table[..., 1].astype(int)),
         "object_b": (event, table[..., 2].astype(int)), "jump": (event, table[..., 3])},
        coords={"case": 10 + np.arange(shape[0]), "realization": np.arange(shape[1])})


def motion(rng: np.random.Generator, members: int, gravity: float, scatter: float,
           plain: bool = False) -> tuple[np.ndarray, np.ndarray, dict]:
    """Places, velocities and contacts of members that differ a little from one another."""
    shape = (CASES, members, FRAMES, SLOTS, 2)
    position, velocity = np.full(shape, np.nan), np.full(shape, np.nan)
    rows: dict[tuple[int, int], list] = {}
    for case, member, slot in np.ndindex(CASES, members, SLOTS):
        if not PRESENT[case, slot]:
            continue
        near = 1 + scatter * rng.standard_normal(3)
        height = (1.0 + 0.5 * slot + 0.2 * case) * near[0]
        place, moved, hits = bouncing(height, gravity, min(0.7 * near[1], 0.95),
                                      (0.4 - 0.3 * slot) * near[2], -0.3 + 0.3 * slot)
        position[case, member, :, slot], velocity[case, member, :, slot] = place, moved
        rows.setdefault((case, member), []).extend((at, slot, -1, jump) for at, jump in hits)
    for row in rows.values() if not plain else ():  # two of them touch now and then, hard or hardly
        row += [(float(rng.uniform(0, 2)), 1, 0, jump) for jump in (0.1, 1.5)]
    return position, velocity, rows


def sample(seed: int = 0, members: int = 2, truths: int = 2, *, plain: bool = False) -> Sample:
    """A dream with weaker gravity and noise, which loses objects at times and sees some that are
    not there; of the truth one is hidden for a while. A `plain` truth has no contacts but those
    that bend paths, and what it shows is judged."""
    rng = np.random.default_rng(seed)
    position, velocity, rows = motion(rng, truths, 9.8, 0.02, plain)
    shape = position.shape[:4]
    filled = np.isfinite(position).all(axis=-1)
    visible = np.where(filled, rng.uniform(0.76, 1.0, shape), np.nan)
    visible[:, :, 8:14, 0] = 0.0
    visible[:, :, 14, 0] = 0.3
    visible[0, 0, 25:28, 1] = 0.01
    judged = (visible > 0.75) & (plain | (rng.random(shape) < 0.97))
    state = dataset(
        position, velocity, visible=(SERIES, visible), judged=(SERIES, judged),
        seen=(SERIES, visible > 0), orientation=(SERIES, _axes(rng, shape, filled, 0.8)),
        area=(SERIES, np.where(filled, rng.uniform(0.1, 0.15, shape), np.nan)),
        colour=(("case", "object", "rgb"), rng.uniform(0, 255, (CASES, SLOTS, 3))),
        mass=((*MEMBERS, "object"), np.where(PRESENT[:, None], rng.uniform(
            1, 3, (CASES, truths, SLOTS)), np.nan)),
        body=(("case", "object"), np.where(PRESENT, np.arange(SLOTS), -1)))
    dreamt, moved, dream_rows = motion(rng, members, 9.0, 0.05)
    shape = dreamt.shape[:4]
    seen = np.isfinite(dreamt).all(axis=-1) & (rng.random(shape) < 0.99)
    seen[0, 0, 20:, 1] = False
    seen[1, :, :3, 0] = False
    dreamt += 0.003 * rng.standard_normal(dreamt.shape)
    dreamt, moved = (np.where(seen[..., None], some, np.nan) for some in (dreamt, moved))
    stray = rng.random((*shape[:3], 2)) < 0.2
    astray = np.where(stray[..., None], rng.uniform(-1.5, 1.5, (*shape[:3], 2, 2)), np.nan)
    nothing = np.where(seen, 1.0, np.nan)
    observed = dataset(
        dreamt, moved, seen=(SERIES, seen), visible=(SERIES, nothing * rng.uniform(0.5, 1, shape)),
        area=(SERIES, nothing * rng.uniform(0.05, 0.15, shape)),
        orientation=(SERIES, _axes(rng, shape, seen, 0.5)),
        count=(SERIES[:3], seen.sum(axis=3) + stray.sum(axis=3)),
        strays=(SERIES[:3], stray.sum(axis=3)),
        astray=((*SERIES[:3], "stray", "xy"), astray),
        breaks=((*MEMBERS, "object"), rng.integers(0, 9, (CASES, members, SLOTS))))
    return Sample(
        xr.DataTree.from_dict({"objects": observed,
                               "contacts": contacts(dream_rows, shape[:2])}),
        xr.DataTree.from_dict({"objects": state,
                               "contacts": contacts(rows, position.shape[:2])}),
        context=CONTEXT)


def _axes(rng: np.random.Generator, shape: tuple[int, ...], where: np.ndarray,
          share: float) -> np.ndarray:
    """Orientations of some."""
    return np.where(where & (rng.random(shape) < share), rng.uniform(0, np.pi, shape), np.nan)


def as_seen(state: xr.DataTree) -> Sample:
    """The truth as its own dream, seen perfectly and throughout."""
    objects = state["objects"].to_dataset()
    shape = tuple(objects["seen"].sizes[d] for d in SERIES)
    observed = objects.drop_vars(["judged", "mass", "body", "colour"]).assign(
        seen=objects["position"].notnull().all("xy"),
        visible=xr.where(objects["area"].notnull(), 1.0, np.nan),
        count=(SERIES[:3], objects["seen"].sum("object").values),
        strays=(SERIES[:3], np.zeros(shape[:3], int)),
        astray=((*SERIES[:3], "stray", "xy"), np.full((*shape[:3], 0, 2), np.nan)),
        breaks=((*MEMBERS, "object"), np.zeros((*shape[:2], shape[3]), int)))
    return Sample(xr.DataTree.from_dict({"objects": observed, "contacts": state["contacts"]}),
                  state, context=CONTEXT)


def without_objects(given: Sample) -> Sample:
    """The sample with a dream in which nothing is ever seen."""
    objects = given.observed["objects"].to_dataset()
    empty = objects.assign({
        name: xr.full_like(objects[name], np.nan)
        for name in ("position", "velocity", "area", "visible", "orientation", "astray")
    } | {name: xr.zeros_like(objects[name]) for name in ("seen", "count", "strays", "breaks")})
    shape = (empty.sizes["case"], empty.sizes["realization"])
    return Sample(xr.DataTree.from_dict({"objects": empty, "contacts": contacts({}, shape)}),
                  given.state, context=given.context)
