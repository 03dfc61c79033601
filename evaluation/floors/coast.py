"""Errors of the coast's instruments in one case: water, debris, buildings, blocks."""

from __future__ import annotations

import numpy as np
import xarray as xr

from evaluation.metrics.metric import Sample
from evaluation.metrics.structures import matched_standing
from evaluation.metrics.water import wet_on
from evaluation.observe import observe_state, observe_video
from worldsim.camera.projection import Camera
from worldsim.camera.rendering import render
from worldsim.instruments import track
from worldsim.instruments.matching import matched
from worldsim.instruments.state import DEBRIS_KIND

WHOLE = 0.75
"""Visible share from which on a block is judged."""

LEAST = 4.0
"""px; smaller blocks are not judged."""


def errors_of(truth: xr.DataTree, video: xr.Dataset, camera: Camera) -> dict[str, np.ndarray]:
    """All that is compared, of a single case, arrays by name; only what the scenario has.

    Parameters
    ----------
    truth : its rollout, dims case and realization of length 1. video : of its overhead view.

    Returns
    -------
    wet : share of the cells that are wet or dry only in the video. wet_area : share of the view.
    front : m, of the mean front. arrival : s, along x, where water arrives in both.
    debris : px, infinite where a piece is not seen. standing : share of the buildings, per frame.
    block : px, infinite where no track is on the block.
    """
    time = video["time"].values
    seen, state = observe_video(video), observe_state(truth, time)
    sample = Sample(seen, state)
    found = _water(seen, state)
    pitch = camera.height_m / video.sizes["row"]
    pieces = state["debris"]["position"].values[0, 0]
    if pieces.shape[1]:
        slots = state["debris"]["slot"].values
        read = seen["debris"]["position"].sel(slot=slots).values[0, 0]
        gap = np.linalg.norm(read - pieces, axis=-1) / pitch
        there = np.isfinite(pieces).all(axis=-1) & _inside(pieces, seen)
        found["debris"] = np.where(np.isfinite(gap), gap, np.inf)[there]
    buildings = state["buildings"]["footprint"].isel(bound=0).notnull().values[0]
    if buildings.any():
        standing, known = matched_standing(sample)
        true = state["buildings"]["standing"].values[0, 0]
        off = np.abs(standing.values[0, 0] - true)[:, buildings]
        found["standing"] = off.mean(axis=1)
        found["not_recognised"] = (~known.values[0, 0])[buildings].astype(float)
    return found


def _water(seen: xr.DataTree, state: xr.DataTree) -> dict[str, np.ndarray]:
    true, read = state["water"], seen["water"]
    wet = true["wet"].values[0, 0]
    other = wet_on(read["wet"], true["wet"]).transpose(*true["wet"].dims).values[0, 0]
    extent = wet.shape[1] * wet.shape[2]
    found = {
        "wet": (wet != other).sum(axis=(1, 2)) / extent,
        "wet_area": np.abs(wet.sum(axis=(1, 2)) - other.sum(axis=(1, 2))) / extent,
        "front": np.abs((true["front_position"] - read["front_position"]).values[0, 0]),
    }
    places = true["arrival_time"]
    when = read["arrival_time"].interp(x=places["x"]).values[0, 0]
    late = np.abs(when - places.values[0, 0])
    found["arrival"] = late[np.isfinite(late)]
    return found


def _inside(pieces: np.ndarray, seen: xr.DataTree) -> np.ndarray:
    """(time, slot) bool: within the picture, whole."""
    x, y = seen["water"]["x"].values, seen["water"]["y"].values
    low, high = np.array([x[0], y[0]]), np.array([x[-1], y[-1]])
    return np.asarray(((pieces >= low) & (pieces <= high)).all(axis=-1))


def blocks_of(truth: xr.DataTree, camera: Camera, size: tuple[int, int],
              times: np.ndarray) -> xr.Dataset:
    """What tracks of loose blocks should read, from above: in the layout of `mechanics_state`.

    The visible share is that of pixels which show the block, over the most that do so in any
    frame: a block is opaque, and what is under water is not seen.
    """
    bodies = truth["bodies"].dataset
    loose = np.flatnonzero(bodies["present"].values[0] & (bodies["kind"].values == DEBRIS_KIND))
    layers = render(truth, camera, size=size, times=list(times), segmentation=True)
    shown = layers["segmentation"].values[0, 0]
    stored = bodies["time"].values
    place = np.stack([
        np.stack([np.interp(times, stored, bodies["position"].values[0, 0, :, body, axis])
                  for axis in range(3)], axis=-1)
        for body in loose
    ], axis=1)
    position = np.stack(camera.project(place.reshape(-1, 3), size)[:2], axis=-1)
    position = position.reshape(len(times), len(loose), 2)
    pixels = np.stack([(shown == body).sum(axis=(1, 2)) for body in loose], axis=1)
    visible = pixels / np.maximum(pixels.max(axis=0), 1)
    inside = ((position >= 0) & (position < np.array(size))).all(axis=-1)
    extent = np.sqrt(np.broadcast_to(pixels.max(axis=0), pixels.shape).astype(float))
    dims = ("case", "realization", "time", "object")
    return xr.Dataset(
        {
            "position": ((*dims, "rc"), position[None, None]),
            "visible": (dims, np.where(inside, visible, 0.0)[None, None]),
            "extent": ((*dims, "rc"), np.repeat(extent[None, None, ..., None], 2, axis=-1)),
        },
        coords={"time": times},
    )


def block_errors(video: xr.Dataset, state: xr.Dataset) -> np.ndarray:
    """px at the instants at which a block is judged; infinite where no track is on it."""
    tracks = track(video)
    chosen = matched(tracks, state)[0, 0]
    errors = [np.zeros(0)]
    for block, number in enumerate(chosen):
        judged = (state["visible"].values[0, 0, :, block] >= WHOLE)
        judged &= state["extent"].values[0, 0, :, block, 0] >= LEAST
        there = state["position"].values[0, 0, judged, block]
        read = tracks["position"].values[0, 0, judged, number] if number >= 0 else there * np.nan
        gap = np.linalg.norm(read - there, axis=-1)
        errors.append(np.where(np.isfinite(gap), gap, np.inf))
    return np.concatenate(errors)
