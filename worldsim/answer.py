"""From the videos that a world model made to the rollout that answers a query."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from worldsim.errors import InputError
from worldsim.query import Query
from worldsim.rollout import parameters_dataset, root_dataset, video_dataset
from worldsim.scenario import scenario_class


def generated_rollout(
    query: Query, model: str, videos: Mapping[str, np.ndarray], **attributes: Any
) -> xr.DataTree:
    """The generated rollout that answers `query`.

    Parameters
    ----------
    model : the world model's name.
    videos : by camera, uint8: (case, realization, time, row, column, 3), or (case, time, row,
        column, 3) where all realizations are alike.
    attributes : further attributes of the rollout, e.g. ``checkpoint``.

    Raises
    ------
    InputError : a video of another shape than the query asks for, or an unknown camera.
    """
    cls = scenario_class(query.scenario)
    described = {camera: camera_json(query.scenario, camera) for camera in videos}
    groups: dict[str, xr.Dataset] = {
        "/": root_dataset(
            kind="generated",
            scenario=cls,
            cases=range(query.cases) if query.origin is None else query.origin.cases,
            realizations=range(query.realizations),
            seed=query.seed,
            model=model,
            cameras=json.dumps({name: json.loads(text) for name, text in described.items()}),
            **attributes,
        ),
        "/parameters": parameters_dataset(cls, query.parameters),
    }
    for camera, given in videos.items():
        alike = given.ndim == 5
        video = np.repeat(given[:, None], query.realizations, axis=1) if alike else given
        asked = (query.cases, query.realizations, query.frames, *query.size, 3)
        if video.shape != asked:
            raise InputError(
                f"{model} made a {camera!r} video of shape {given.shape}; the query asks for "
                f"{asked}"
            )
        groups[f"/video/{camera}"] = video_dataset(video, query.fps, described[camera])
    return xr.DataTree.from_dict(groups)


@functools.cache
def camera_json(scenario: str, camera: str) -> str:
    """A scenario's camera as JSON; cameras do not depend on the case.

    Raises
    ------
    InputError : the scenario has no such camera.
    """
    cameras = scenario_class(scenario)().scene(0, 0).cameras
    if camera not in cameras:
        raise InputError(f"{scenario!r} has no camera {camera!r}; it has {', '.join(cameras)}")
    return cameras[camera].to_json()
