"""Run all instruments: on a rollout's video, or on a simulated rollout's state."""

from __future__ import annotations

import numpy as np
import xarray as xr

from worldsim.errors import InputError
from worldsim.instruments import observe_buildings, observe_debris, observe_water, state
from worldsim.simulator.scene import Scene

CAMERA = "overhead"
"""The view that the instruments read."""


def has_town(scene: object) -> bool:
    """Whether a scenario's scene holds what scores and outcomes are about: water and buildings."""
    return isinstance(scene, Scene) and bool(scene.buildings)


def observe_video(video: xr.Dataset) -> xr.DataTree:
    """All observables of one overhead video.

    Returns
    -------
    Children ``water``, ``debris``, ``buildings``; see `worldsim.instruments`.
    """
    return xr.DataTree.from_dict({
        "water": observe_water(video),
        "debris": observe_debris(video),
        "buildings": observe_buildings(video),
    })


def observe_state(truth: xr.DataTree, time: np.ndarray) -> xr.DataTree:
    """The same observables from the state of a simulated rollout, at the given times (s)."""
    missing = [group for group in ("water", "bodies", "structures") if group not in truth]
    if missing:
        raise InputError(
            f"the truth has no /{missing[0]}; give a simulated rollout with its states"
        )
    return xr.DataTree.from_dict({
        "water": state.water_state(truth, time),
        "debris": state.debris_state(truth, time),
        "buildings": state.buildings_state(truth, time),
    })


def has_video(rollout: xr.DataTree, camera: str) -> bool:
    """Whether a rollout holds a video of this camera."""
    return "video" in rollout.children and camera in rollout["video"].children


def video_of(rollout: xr.DataTree, camera: str, size: tuple[int, int], fps: float) -> xr.Dataset:
    """A rollout's video at this size and rate: the stored one, or rendered from its states.

    Raises
    ------
    InputError : no such video and no states to render it from.
    """
    if has_video(rollout, camera):
        stored = rollout[f"video/{camera}"].dataset
        if stored["rgb"].shape[3:5] == tuple(size) and stored.attrs["fps"] == fps:
            return stored.assign_coords(
                {name: rollout[name] for name in ("case", "realization")}
            )
    if not {"water", "bodies"} & set(rollout.children):
        raise InputError(
            f"no {camera!r} video of {size[0]}x{size[1]} at {fps:g} frames/s and no states to "
            "render one from; give the rollout with its states, or videos of that size and rate"
        )
    from worldsim.camera import render

    rendered = render(rollout, camera, size=size, fps=fps)
    return rendered.assign_coords({name: rollout[name] for name in ("case", "realization")})
