"""What may be said of a clip besides its pixels: the states of entities, frame by frame.

An entity has a name and nine numbers per frame, all of them with a unit and a typical size
(`Entity`), so that the network can dream them beside the patches, and be told or asked any of them:

=========  =========================================================================================
``body k`` position x, y, z [m], and the first and the third column of its rotation matrix [1]: the
           k-th object that instruments follow, in the scenario's order
``gauges`` depth of the water [m] at nine fixed places, three by three
``houses`` share that stands [1], the largest drifts of the first three storeys [m], and the shares
           in damage states 1 to 5 [1]
``people`` shares [1] of all people in each status, in the order of the simulator
=========  =========================================================================================

Numbers that an entity does not have, and entities that a case does not have, are NaN.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import numpy as np

from worldsim.errors import InputError
from worldsim.mechanics import Shape
from worldsim.query import KnownStates
from worldsim.scenario import scenario_class

if TYPE_CHECKING:
    import xarray as xr

    from worldsim.mechanics import Body, MechanicalScene

NUMBERS = 9
"""Per entity and frame."""

BODIES = 8
"""Objects that can be said of one clip."""

TOWN = ("gauges", "houses", "people")
"""What is said of a town."""

ENTITIES = (*(f"body {k + 1}" for k in range(BODIES)), *TOWN)
"""Names in the order of the network's numbering and of what clips keep."""

GAUGE_PLACES = (1 / 4, 1 / 2, 3 / 4)
"""Of the basin's length and width."""

BLOCK = 1
"""Code of a box in ``shape``; 0 is a sphere, 2 a cylinder, 3 a capsule, as in ``/parts``."""


@dataclasses.dataclass(frozen=True)
class Entity:
    """Something whose state is dreamed.

    name : see the table above. centre, scale : (9,) of its numbers; the network sees
    (number - centre) / scale.
    """

    name: str
    centre: tuple[float, ...]
    scale: tuple[float, ...]


def rotation_columns(quaternion: np.ndarray) -> np.ndarray:
    """First and third column of the rotation matrices of unit quaternions (…, wxyz): (…, 6)."""
    w, x, y, z = np.moveaxis(quaternion, -1, 0)
    return np.stack([
        1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y),
        2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)], axis=-1)


def followed_bodies(scene: MechanicalScene) -> list[Body]:
    """The body of every part that instruments follow, in the order of the states."""
    return [body for body in scene.bodies for part in body.parts
            if part.tracked and part.shape is not Shape.PLANE]


def record_states(truth: xr.DataTree) -> dict[str, np.ndarray]:
    """What clips keep of a simulated rollout's state, at the scenario's frame rate.

    Returns
    -------
    ``states`` (case, time, entity, 9) float32: `BODIES` bodies, then gauges, houses and people;
    ``solids`` (case, body, 4) float32: code of the shape and its three lengths as in ``/parts``.
    """
    at = _frames(truth, truth["bodies"]["time"].values)
    states = np.full((truth.sizes["case"], len(at), len(ENTITIES), NUMBERS), np.nan, np.float32)
    solids = np.full((truth.sizes["case"], BODIES, 4), np.nan, np.float32)
    if "parts" in truth:
        _parts(truth, at, states, solids)
    else:
        _floating(truth, at, states, solids)
        states[:, :, BODIES:] = _town(truth, at, 0)
    return {"states": states, "solids": solids}


def tells_town(truth: xr.DataTree) -> bool:
    """Whether a rollout's states hold all of a town that `record_town` keeps: those of an older
    simulator may not."""
    return ({"water", "structures"} <= set(truth.children)
            and {"standing", "drift", "damage_state"} <= set(truth["structures"].data_vars))


def record_town(truth: xr.DataTree) -> np.ndarray:
    """Gauges, houses and people of a simulated rollout (case, realization, time, 3, 9) float32, at
    the scenario's frame rate; the first of them is what `record_states` keeps of these."""
    at = _frames(truth, truth["water"]["time"].values)
    return np.stack([_town(truth, at, k) for k in range(truth.sizes["realization"])], axis=1)


def _frames(truth: xr.DataTree, stored: np.ndarray) -> np.ndarray:
    """Places among stored instants [s] of the frames of a video at the scenario's rate."""
    fps = scenario_class(json.loads(truth.attrs["scenario"])["name"]).fps
    count = int(np.floor(stored[-1] * fps + 1e-6)) + 1
    return np.asarray(np.rint(np.arange(count) / fps / (stored[1] - stored[0])).astype(int))


def known_states(truth: xr.DataTree, frames: int, fps: float) -> tuple[KnownStates, ...]:
    """States of a simulated rollout's bodies as a query can tell them, for realization 0.

    Raises
    ------
    InputError : another frame rate than the scenario's.
    """
    cls = scenario_class(json.loads(truth.attrs["scenario"])["name"])
    if fps != cls.fps:
        raise InputError(f"states are recorded at {cls.fps:g} frames/s, not at {fps:g}; ask at "
                         "the scenario's rate")
    kept = record_states(truth)
    states, solids = kept["states"][:, :frames], kept["solids"]
    told = []
    for slot in range(BODIES):
        if np.isfinite(states[:, :, slot]).all():
            told.append(KnownStates(ENTITIES[slot], states[:, :, slot].astype(float),
                                    half_size=half_sizes(solids[:, slot]).astype(float)))
    return tuple(told)


def half_sizes(solids: np.ndarray) -> np.ndarray:
    """Half extents [m] along a solid's own axes (…, 3) from its shape and lengths (…, 4)."""
    shape, a, b = solids[..., 0], solids[..., 1], solids[..., 2]
    sphere = np.stack([a, a, a], -1)
    cylinder = np.stack([a, a, b], -1)
    capsule = np.stack([a, a, a + b], -1)
    code = shape[..., None]
    round_ = np.where(code == 0, sphere, np.where(code == 2, cylinder, capsule))
    return np.where(code == 1, solids[..., 1:], round_)


def _parts(truth: xr.DataTree, at: np.ndarray, states: np.ndarray, solids: np.ndarray) -> None:
    """Poses of the tracked parts of rigid bodies."""
    parts, bodies = truth["parts"].dataset, truth["bodies"].dataset
    position = bodies["position"].values[:, 0, at].astype(float)
    turn = bodies["quaternion"].values[:, 0, at].astype(float)
    wanted = parts["present"].values & parts["tracked"].values
    for case, row in enumerate(wanted):
        for slot, part in enumerate(np.flatnonzero(row)[:BODIES]):
            body = int(parts["body"].values[case, part])
            q = turn[case, :, body]
            offset = parts["offset"].values[case, part]
            states[case, :, slot, :3] = position[case, :, body] + _turned(q, offset)
            states[case, :, slot, 3:] = rotation_columns(
                _product(q, parts["turn"].values[case, part]))
            solids[case, slot, 0] = parts["shape"].values[case, part]
            solids[case, slot, 1:] = parts["size"].values[case, part]


def _floating(truth: xr.DataTree, at: np.ndarray, states: np.ndarray, solids: np.ndarray) -> None:
    """Poses of what floats in water, where it is no more than a few bodies."""
    bodies = truth["bodies"].dataset
    loose = bodies["present"].values & (bodies["debris_kind"].values >= 0)
    if loose.sum(axis=1).max() > BODIES:
        return
    for case, row in enumerate(loose):
        for slot, body in enumerate(np.flatnonzero(row)):
            states[case, :, slot, :3] = bodies["position"].values[case, 0, at, body]
            states[case, :, slot, 3:] = rotation_columns(
                bodies["quaternion"].values[case, 0, at, body].astype(float))
            solids[case, slot, 0] = BLOCK
            solids[case, slot, 1:] = bodies["half_size"].values[case, 0, 0, body]


def _town(truth: xr.DataTree, at: np.ndarray, realization: int) -> np.ndarray:
    """Gauges, houses and people (case, frame, 3, 9) of one realization."""
    groups = {name: truth[name].dataset.isel(realization=realization)
              for name in ("water", "structures", "people") if name in truth}
    depth, structures = groups["water"]["depth"].values, groups["structures"]
    states = np.full((len(depth), len(at), len(TOWN), NUMBERS), np.nan, np.float32)
    rows, columns = ([round(place * (n - 1)) for place in GAUGE_PLACES] for n in depth.shape[2:])
    gauges = depth[:, at][:, :, rows][:, :, :, columns]
    states[:, :, 0] = gauges.reshape(*gauges.shape[:2], NUMBERS)
    houses = structures["present"].values
    for case in np.flatnonzero(houses.any(axis=1)):
        own, into = houses[case], states[case, :, 1]
        into[:, 0] = structures["standing"].values[case, at][:, own].mean(axis=1)
        drift = np.abs(np.nan_to_num(structures["drift"].values[case, at][:, own])).max(axis=1)
        into[:, 1:1 + min(3, drift.shape[1])] = drift[:, :3]
        damage = structures["damage_state"].values[case, at][:, own]
        into[:, 4:] = (damage[..., None] == np.arange(1, 6)).mean(axis=1)
    if "people" in groups:
        people = groups["people"]
        for member, own in enumerate(people["present"].values):
            if own.any():
                status = people["status"].values[member, at][:, own]
                states[member, :, 2] = (status[..., None] == np.arange(NUMBERS)).mean(axis=1)
    return states


def _turned(q: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Vectors (3,) turned by unit quaternions (…, wxyz)."""
    axis = q[..., 1:]
    twice = 2 * np.cross(axis, vector)
    return vector + q[..., :1] * twice + np.cross(axis, twice)


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Hamilton product of quaternions (…, wxyz) with one (wxyz,)."""
    w, v = a[..., :1], a[..., 1:]
    scalar = w * b[0] - v @ b[1:, None]
    return np.concatenate([scalar, w * b[1:] + b[0] * v + np.cross(v, b[1:])], axis=-1)
