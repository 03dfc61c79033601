"""Where and when something can be planted so that a careful eye could see it.

The object is followed in the true video, wholly seen, at least `LEAST_PX` wide and moving, for some
frames before and after; nothing touches it then, and nothing that moves is near it in the picture.
What is planted elsewhere (in what lies at
rest behind a screen, say) asks for what no video shows.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import xarray as xr

from worldsim.camera import Camera
from worldsim.camera.rendering import camera_of
from worldsim.mechanics import STATES_PER_SECOND, Role

LEAST_PX = 6.0
"""Diameter of the object."""

BEFORE, AFTER = 5, 5
"""Frames for which the object has to be seen whole, and untouched."""

SEEN = 0.85
"""Visible share from which an object is wholly seen."""

CLEAR = 3.0
"""px between its outline and those of others."""


ON_IT = 1.5
"""px between where the body is and where the track of it is."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Something to spoil.

    body : place along that dim. time : s, between two frames, a multiple of 1/120 s.
    object : number in the tracks of the true video. diameter : px.
    across : ([x, y, z]) m, a frame's width to the side of the picture that is further away.
    """

    body: int
    time: float
    object: int
    diameter: float
    across: np.ndarray


def place(truth: xr.DataTree, tracks: xr.Dataset, case: int, camera: str,
          rng: np.random.Generator, least_way: float, jump: float = 0.0,
          flying: bool = False) -> Place | None:
    """A place to plant something in a case, or None where there is none.

    Parameters
    ----------
    truth : rollout. tracks : of its videos, dims as there.
    least_way : px per frame, least speed of the object.
    jump : frame's widths that it is to go aside, to where nothing else is.
    flying : whether nothing may bear it, either.
    """
    size = (int(tracks.attrs["rows"]), int(tracks.attrs["columns"]))
    fps = float(tracks.attrs["fps"])
    view = camera_of(truth, camera)
    bodies = truth["bodies"].dataset.isel(case=case, realization=0, missing_dims="ignore")
    one = tracks.isel(case=case, realization=0)
    position = one["position"].values
    whole = (one["visible"].values >= SEEN) & one["seen"].values
    diameter = 2 * np.sqrt(one["area"].values / np.pi)
    per_frame = round(STATES_PER_SECOND / fps)
    where, reach = _pictures(truth, bodies, view, case, size, per_frame, len(position))
    options = []
    for body in range(bodies.sizes["body"]):
        if not bool(bodies["present"][body]) or int(bodies["role"][body]) != list(Role).index(
                Role.OBJECT):
            continue
        away = np.linalg.norm(where - where[:, [body]], axis=-1) - reach - reach[body]
        away[:, body] = np.inf
        alone = away.min(axis=1) >= CLEAR
        for number in range(position.shape[1]):
            on = np.linalg.norm(position[:, number] - where[:, body], axis=-1) < ON_IT
            good = on & alone & whole[:, number] & (diameter[:, number] >= LEAST_PX)
            for frame in range(BEFORE, len(position) - AFTER):
                span = slice(frame - BEFORE + 1, frame + AFTER + 1)
                way = np.linalg.norm(where[frame + 1, body] - where[frame, body])
                if not good[span].all() or way < least_way or not _free(
                        where[span], reach, body, jump * size[1], size):
                    continue
                start, end = (frame - BEFORE + 1) / fps, (frame + AFTER) / fps
                if not _touched(truth, case, body, start, end, flying):
                    options.append((body, frame, number, where[frame, body, 1]))
    if not options:
        return None
    body, frame, number, column = options[int(rng.integers(len(options)))]
    state = frame * per_frame + 1 + int(rng.integers(per_frame - 1))
    right = view.basis[0] * _aside(column, size)
    width = size[1] / float(view.pixels_per_metre(
        bodies["position"].values[frame * per_frame, body], size))
    return Place(body, state / STATES_PER_SECOND, number, float(diameter[frame, number]),
                 right * width)


def _aside(column: float, size: tuple[int, int]) -> float:
    """1 if there is more room to the right, else -1."""
    return 1.0 if column < size[1] / 2 else -1.0


def _free(where: np.ndarray, reach: np.ndarray, body: int, jump: float, size: tuple[int, int]
          ) -> bool:
    """Whether a body that has gone `jump` px aside is in the picture, and beside all others."""
    if jump == 0:
        return True
    gone = where[:, body].copy()
    gone[:, 1] += _aside(float(gone[BEFORE - 1, 1]), size) * jump
    away = np.linalg.norm(where - gone[:, None], axis=-1) - reach - reach[body]
    away[:, body] = np.inf
    inside = np.all((gone > reach[body]) & (gone < np.array(size) - reach[body]))
    return bool(inside and away.min() >= CLEAR)


def _pictures(truth: xr.DataTree, bodies: xr.Dataset, view: Camera, case: int,
              size: tuple[int, int], per_frame: int, frames: int
              ) -> tuple[np.ndarray, np.ndarray]:
    """Where bodies appear, (time, body, [row, column]) px, those that stand still infinitely far
    away; and how far each reaches, (body,) px."""
    states = bodies["position"].values[::per_frame][:frames]
    row, column, _ = view.project(states, size)
    where = np.stack([row, column], axis=-1)
    fixed = bodies["role"].values != list(Role).index(Role.OBJECT)
    where[:, fixed | ~bodies["present"].values] = np.inf
    parts = truth["parts"].dataset.isel(case=case)
    metres = np.zeros(bodies.sizes["body"])
    for part in np.flatnonzero(parts["present"].values):
        longest = np.nanmax(parts["size"].values[part])
        body = int(parts["body"][part])
        metres[body] = max(metres[body], longest)
    scale = np.nanmax(view.pixels_per_metre(states[0], size))
    return where, metres * float(scale)


def _touched(truth: xr.DataTree, case: int, body: int, start: float, end: float,
             lasting: bool) -> bool:
    """Whether something touches it anew, or (`lasting`) touches it at all."""
    contacts = truth["contacts"].dataset.isel(case=case, realization=0)
    time = contacts["time"].values
    own = (contacts["body_a"].values == body) | (contacts["body_b"].values == body)
    until = time + contacts["duration"].values if lasting else time
    return bool((own & (until >= start) & (time <= end)).any())
