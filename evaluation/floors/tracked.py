"""Errors of tracks in one case of a scenario of rigid bodies."""

from __future__ import annotations

import numpy as np
import xarray as xr

from worldsim.camera.projection import Camera
from worldsim.instruments.matching import (
    Interest,
    event_errors,
    followed,
    matched,
    track_errors,
)
from worldsim.instruments.space import triangulated
from worldsim.simulator.mechanics.scene import STATES_PER_SECOND

SLOWEST = 0.1
"""px per frame: what never moves faster has no speed range to compare an error with."""

COUNTED = Interest(visible=0.5, extent=3.0)
"""Which parts have to be counted."""

WHOLE = 0.99
"""Visible share from which on sizes are compared."""


def errors_of(tracks: xr.Dataset, state: xr.Dataset, contacts: xr.Dataset) -> dict[str, np.ndarray]:
    """All that is compared, of a single case: arrays by name.

    Parameters
    ----------
    tracks, state, contacts : of `worldsim.instruments`; dims case and realization of length 1.

    Returns
    -------
    position : px at each instant of interest, infinite where no track is on the part.
    velocity : share of the part's speed range, parts slower than `SLOWEST` left out.
    area : share of the whole area, where all of it is seen. orientation : degree.
    event_time : frames, of the contacts found.
    tally : switches, passes; contacts, those found; kinks, those true; tracks, those of no part;
        instants, those missed.
    """
    errors = track_errors(tracks, state, contacts)
    events = event_errors(tracks, state, contacts)
    fps = tracks.attrs["fps"]
    instants = int(Interest().of(state).sum())
    missed = instants - len(errors.position)
    moving = errors.speed_range > SLOWEST * fps
    pairs = _paired(tracks, state)
    return {
        "position": np.concatenate([errors.position, np.full(missed, np.inf)]),
        "velocity": errors.velocity[moving] / errors.speed_range[moving],
        "area": pairs["area"], "orientation": pairs["orientation"],
        "event_time": events.time * fps,
        "tally": np.array([errors.switches, errors.passes, events.contacts, len(events.time),
                           events.kinks, events.true, errors.tracks, errors.strays, instants,
                           missed], dtype=float),
    }


TALLY = ("switches", "passes", "contacts", "found", "kinks", "true", "tracks", "strays", "instants",
         "missed")
"""What `tally` counts, in order."""


def _paired(tracks: xr.Dataset, state: xr.Dataset) -> dict[str, np.ndarray]:
    chosen = matched(tracks, state)[0, 0]
    area, angle = [np.zeros(0)], [np.zeros(0)]
    judged = Interest(visible=WHOLE).of(state)[0, 0]
    for part in np.flatnonzero(chosen >= 0):
        when = judged[:, part]
        size = state["area"].values[0, 0, when, part]
        area.append(np.abs(tracks["area"].values[0, 0, when, chosen[part]] / size - 1))
        off = (tracks["orientation"].values[0, 0, when, chosen[part]]
               - state["orientation"].values[0, 0, when, part])
        angle.append(np.degrees(np.abs((off + np.pi / 2) % np.pi - np.pi / 2)))
    return {name: np.concatenate(some)[np.isfinite(np.concatenate(some))]
            for name, some in (("area", area), ("orientation", angle))}


def count_errors(read: np.ndarray, state: xr.Dataset) -> np.ndarray:
    """Share by which fewer are seen than must be, or more than may be: what is small or mostly
    hidden may be seen or not.

    Parameters
    ----------
    read : (time,) objects counted.
    """
    must = COUNTED.of(state)[0, 0].sum(axis=-1)
    may = state["seen"].values[0, 0].sum(axis=-1)
    off = np.maximum(np.maximum(must - read, read - may), 0)
    return np.asarray(off[must > 0] / must[must > 0])


def places_of(tracks: xr.Dataset, state: xr.Dataset) -> np.ndarray:
    """(time, part, [row, column]) px where each part is seen to be, at instants of interest."""
    owner = followed(tracks, state)[0, 0]
    wanted = Interest().of(state)[0, 0] & (owner >= 0)
    places = np.full((*owner.shape, 2), np.nan)
    frame, part = np.nonzero(wanted)
    places[frame, part] = tracks["position"].values[0, 0, frame, owner[frame, part]]
    return places


def space_errors(truth: xr.DataTree, state: xr.Dataset, places: tuple[np.ndarray, np.ndarray],
                 cameras: tuple[Camera, Camera],
                 size: tuple[int, int]) -> np.ndarray:
    """m, distance between a part's middle and where two views together place it."""
    found, _ = triangulated(places[0], places[1], cameras, (size, size))
    off = np.linalg.norm(found - _middles(truth, state), axis=-1)
    return np.asarray(off[np.isfinite(off)])


def _middles(truth: xr.DataTree, state: xr.Dataset) -> np.ndarray:
    """(time, part, xyz) m, middles of the tracked parts."""
    part = state["part"].values[0]
    bodies, parts = truth["bodies"].dataset, truth["parts"].dataset
    at = np.round(state["time"].values * STATES_PER_SECOND).astype(int)
    body = parts["body"].values[0, part]
    centre = bodies["position"].values[0, 0][at][:, body].astype(float)
    turn = bodies["quaternion"].values[0, 0][at][:, body].astype(float)
    offset = parts["offset"].values[0, part].astype(float)
    axis = turn[..., 1:]
    twice = 2 * np.cross(axis, np.broadcast_to(offset, axis.shape))
    return np.asarray(centre + offset + turn[..., :1] * twice + np.cross(axis, twice))


def scale_of(camera: Camera, rows: int) -> float | None:
    """px per m of an orthographic camera; None of another."""
    return rows / camera.height_m if camera.projection == "orthographic" else None
