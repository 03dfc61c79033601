"""One member's stored states at the instants of a video's frames."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from worldsim.camera.between import Between
from worldsim.camera.height_field import Grid
from worldsim.camera.people import NOBODY, People, people_of
from worldsim.camera.projection import Domain
from worldsim.camera.works import works_of
from worldsim.errors import InputError

STOREY, DEBRIS, WORK = 0, 1, 2

DRY = 0.02
"""m of water on a wall below which the wall itself is seen."""

NEEDED = {
    "water": ("depth", "momentum_x", "momentum_y", "blocked", "bathymetry"),
    "bodies": ("position", "quaternion", "half_size", "colour", "present", "kind"),
}


@dataclass(frozen=True)
class MemberStates:
    """States of one realization of one case at `time` (frame,).

    ``depth``, ``speed`` (frame, y, x) in m and m/s, ``blocked`` (frame, y, x), ``bathymetry``
    (y, x) in m, without seawalls, ``bed`` (frame, y, x) in m, by how much the water's bed lies
    above that; ``position``, ``half_size`` (frame, body, 3) in m, ``quaternion`` (frame, body, 4),
    ``colour`` (body, 3) 0..255, ``shown`` (frame, body), ``kind`` (body,): the rollout's bodies,
    then walls and trees; ``people``, who are no bodies.
    """

    time: np.ndarray
    grid: Grid
    depth: np.ndarray
    speed: np.ndarray
    blocked: np.ndarray
    bathymetry: np.ndarray
    bed: np.ndarray
    position: np.ndarray
    quaternion: np.ndarray
    half_size: np.ndarray
    colour: np.ndarray
    shown: np.ndarray
    kind: np.ndarray
    people: People


def check_groups(rollout: xr.DataTree) -> None:
    """Raise InputError unless the rollout holds the states that a picture is made from."""
    for dim in ("case", "realization"):
        if dim not in rollout.coords:
            raise InputError(f"the rollout has no coordinate {dim!r}, so that it is none")
    for group, names in NEEDED.items():
        held = set(rollout[group].data_vars) if group in rollout.children else set()
        missing = [name for name in names if name not in held]
        if missing:
            raise InputError(
                f"the rollout has no /{group}/{missing[0]}; only simulated rollouts, which store "
                "states, can be rendered (a generated one carries its /video)"
            )


def stored_times(rollout: xr.DataTree) -> np.ndarray:
    """Instants [s] whose states are stored: of the water, where there is any."""
    group = "water" if "water" in rollout.children else "bodies"
    return np.asarray(rollout[group]["time"].values, dtype=np.float64)


def frame_times(rollout: xr.DataTree, fps: float) -> np.ndarray:
    """Instants [s] of the frames: k / fps from the first stored state on."""
    if not (np.isfinite(fps) and 0 < fps <= 1000):
        raise InputError(f"fps={fps}: give between 0 and 1000 frames per second")
    stored = stored_times(rollout)
    count = int(np.round((stored[-1] - stored[0]) * fps))
    if count < 1:
        raise InputError(
            f"fps={fps}: the rollout lasts {stored[-1] - stored[0]:.3g} s, less than one frame"
        )
    return stored[0] + np.arange(count) / fps


def grid_of(rollout: xr.DataTree) -> Grid:
    """The water's grid."""
    water = rollout["water"]
    x, y = (np.asarray(water[name].values, dtype=np.float64) for name in ("x", "y"))
    return Grid.of_centres(x, y)


def domain_of(grid: Grid) -> Domain:
    """The area that the grid's cells cover."""
    return Domain(
        grid.x_first - grid.dx / 2, grid.x_first + (grid.nx - 0.5) * grid.dx,
        grid.y_first - grid.dy / 2, grid.y_first + (grid.ny - 0.5) * grid.dy,
    )


def positions_of(labels: np.ndarray, wanted: int | Sequence[int] | None, dim: str) -> list[int]:
    """Positions of the coordinate values `wanted` (all, if None) among `labels`."""
    if wanted is None:
        return list(range(len(labels)))
    found = []
    for label in np.atleast_1d(np.asarray(wanted)):
        at = np.flatnonzero(labels == label)
        if not len(at):
            raise InputError(f"{dim}={label}: the rollout has {dim} {labels.tolist()}")
        found.append(int(at[0]))
    return found


def read_member(
    rollout: xr.DataTree, case: int, realization: int, times: np.ndarray
) -> MemberStates:
    """States of the member at positions `case`, `realization`, interpolated to `times` [s].

    Water and positions are linear in time, orientations turn at constant rate; `blocked` is as
    last stored.
    """
    member = {"case": case, "realization": realization}
    water, bodies = rollout["water"].dataset, rollout["bodies"].dataset

    def stored(variable: xr.DataArray) -> np.ndarray:
        return np.asarray(
            variable.isel({dim: i for dim, i in member.items() if dim in variable.dims}).values
        )

    between = Between(np.asarray(water["time"].values, dtype=np.float64), times)
    depth = between.linear(stored(water["depth"]))
    along = between.linear(stored(water["momentum_x"]))
    across = between.linear(stored(water["momentum_y"]))
    # 5 cm: thinner films would turn rounding into speed.
    speed = np.sqrt(along * along + across * across) / np.maximum(depth, np.float32(0.05))

    moving = Between(np.asarray(bodies["time"].values, dtype=np.float64), times)
    works = works_of(
        rollout, case, realization, between.before, times, grid_of(rollout),
        stored(water["bathymetry"]).astype(np.float32),
    )
    upright = np.zeros((*works.position.shape[:2], 4))
    upright[..., 0] = 1.0
    present = stored(bodies["present"]).astype(bool)
    # Under a wall that stands dry there is no water, as under a building.
    under = works.covered & (depth < DRY)
    return MemberStates(
        time=times, grid=grid_of(rollout), depth=depth, speed=speed,
        blocked=stored(water["blocked"])[between.before].astype(bool) | under,
        bathymetry=works.ground, bed=works.bed,
        position=_beside(moving.linear(stored(bodies["position"]).astype(np.float64)),
                         works.position),
        quaternion=_beside(moving.turned(stored(bodies["quaternion"]).astype(np.float64)),
                           upright),
        half_size=_beside(moving.linear(stored(bodies["half_size"]).astype(np.float64)),
                          works.half_size),
        colour=np.concatenate([stored(bodies["colour"]).astype(np.float32), works.colour]),
        shown=_beside(np.tile(present, (len(times), 1)), works.shown),
        kind=np.concatenate([
            stored(bodies["kind"]).astype(int), np.full(len(works.colour), WORK),
        ]),
        people=_people(rollout, case, realization, times, works.ground + works.bed + depth),
    )


def _people(
    rollout: xr.DataTree, case: int, realization: int, times: np.ndarray, surface: np.ndarray
) -> People:
    if "people" not in rollout.children:
        return NOBODY
    people = rollout["people"].dataset
    between = Between(np.asarray(people["time"].values, dtype=np.float64), times)
    return people_of(
        people.isel(case=case, realization=realization), between, surface, grid_of(rollout)
    )


def _beside(bodies: np.ndarray, works: np.ndarray) -> np.ndarray:
    return np.concatenate([bodies, works], axis=1)


def stored_cameras(rollout: xr.DataTree) -> dict[str, dict]:
    """The cameras that the rollout's attributes describe, by name."""
    return json.loads(rollout.attrs.get("cameras", "{}") or "{}")
