"""Where and when something can be planted so that a careful eye could see it.

The object is followed in the true video, wholly seen, at least `LEAST_PX` wide and moving, for some
frames before and after; nothing else touches it then. What is planted elsewhere (in what lies at
rest behind a screen, say) asks for what no video shows.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import xarray as xr

from worldsim.camera.rendering import camera_of
from worldsim.mechanics import Role

LEAST_PX = 6.0
"""Diameter of the object."""

BEFORE, AFTER = 5, 5
"""Frames for which the object has to be seen whole, and untouched."""

SEEN = 0.85
"""Visible share from which an object is wholly seen."""

LEAST_WAY = 1.0
"""px per frame; what is slower hardly moves."""

ON_IT = 1.5
"""px between where the body is and where the track of it is."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Something to spoil.

    body : place along that dim. time : s, between two frames, a multiple of 1/120 s.
    object : number in the tracks of the true video. diameter : px. shift : m, across the picture,
    by a frame's width: towards the side where there is more room. up : ([x, y, z]) of that.
    """

    body: int
    time: float
    object: int
    diameter: float
    across: np.ndarray
    width: float


def place(truth: xr.DataTree, tracks: xr.Dataset, case: int, camera: str,
          rng: np.random.Generator) -> Place | None:
    """A place to plant something in a case, or None where there is none.

    Parameters
    ----------
    truth : rollout. tracks : of its videos, dims as there.
    """
    size = (int(tracks.attrs["rows"]), int(tracks.attrs["columns"]))
    fps = float(tracks.attrs["fps"])
    view = camera_of(truth, camera)
    bodies = truth["bodies"].dataset.isel(case=case, realization=0, missing_dims="ignore")
    one = tracks.isel(case=case, realization=0)
    position = one["position"].values
    whole = (one["visible"].values >= SEEN) & one["seen"].values
    diameter = 2 * np.sqrt(one["area"].values / np.pi)
    per_frame = round(1 / fps * 120)
    options = []
    for body in range(bodies.sizes["body"]):
        if not bool(bodies["present"][body]) or int(bodies["role"][body]) != list(Role).index(
                Role.OBJECT):
            continue
        states = bodies["position"].values[::per_frame, body][: len(position)]
        row, column, _ = view.project(states, size)
        where = np.stack([row, column], axis=-1)
        for number in range(position.shape[1]):
            on = np.linalg.norm(position[:, number] - where[: len(position)], axis=-1) < ON_IT
            good = on & whole[:, number] & (diameter[:, number] >= LEAST_PX)
            for frame in range(BEFORE, len(position) - AFTER):
                span = slice(frame - BEFORE + 1, frame + AFTER + 1)
                way = np.linalg.norm(where[frame + 1] - where[frame])
                if good[span].all() and way >= LEAST_WAY and not _touched(
                        truth, case, body, (frame - 2) / fps, (frame + 3) / fps):
                    options.append((body, frame, number, column[frame]))
    if not options:
        return None
    body, frame, number, column = options[int(rng.integers(len(options)))]
    states = frame * per_frame + 1 + int(rng.integers(per_frame - 1))
    right = view.basis[0] * (1.0 if column < size[1] / 2 else -1.0)
    width = size[1] / float(view.pixels_per_metre(
        bodies["position"].values[frame * per_frame, body], size))
    return Place(body, states / 120, number, float(diameter[frame, number]), right, width)


def _touched(truth: xr.DataTree, case: int, body: int, start: float, end: float) -> bool:
    contacts = truth["contacts"].dataset.isel(case=case, realization=0)
    time = contacts["time"].values
    own = (contacts["body_a"].values == body) | (contacts["body_b"].values == body)
    return bool((own & (time >= start) & (time <= end)).any())
