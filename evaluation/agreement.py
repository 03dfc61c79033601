"""Shows against says: whether what a model shows agrees with the states that it dreams beside it.

No truth is needed: objects are followed in the dreamed video, and held against where the dreamed
states put them in the same picture. Nobody else has this check, because nobody else dreams both.
"""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from evaluation.reading import reading_of
from worldsim.camera.projection import Camera
from worldsim.instruments import track


def mean_agreement(answer: xr.DataTree, context: int = 0) -> float:
    """m, the mean of `shows_against_says`; NaN of an answer that says nothing of bodies, or of a
    scenario whose bodies instruments do not follow."""
    if not _speaks(answer):
        return float("nan")
    found = shows_against_says(answer, context)
    known = found[np.isfinite(found)]
    return float(known.mean()) if len(known) else float("nan")


def _speaks(answer: xr.DataTree) -> bool:
    if "said" not in answer.children:
        return False
    reading = reading_of(json.loads(answer.attrs["scenario"])["name"])
    names = json.loads(answer["said"].attrs["names"])
    return (reading.objects and any(entity.startswith("body") for entity in names)
            and reading.camera in answer["video"].children)


def shows_against_says(answer: xr.DataTree, context: int = 0) -> np.ndarray:
    """(case, realization) m: mean distance from every said body to the nearest object seen, over
    the frames after the first `context`. NaN where no body is said.

    answer : a rollout with ``/said`` and the video of the scenario's orthographic view.
    """
    name = json.loads(answer.attrs["scenario"])["name"]
    reading = reading_of(name)
    video = answer[f"video/{reading.camera}"].dataset
    view = Camera.from_json(video.attrs["camera"])
    rows, columns = video.sizes["row"], video.sizes["column"]
    names = json.loads(answer["said"].attrs["names"])
    bodies = [k for k, entity in enumerate(names) if entity.startswith("body")]
    said = answer["said"]["state"].values[:, :, context:, bodies, :3]
    row, column, _ = view.project(said, (rows, columns))
    words = np.stack([row, column], -1)
    tracks = track(video)
    shown = tracks["position"].values[:, :, context:]
    gap = np.linalg.norm(words[..., :, None, :] - shown[..., None, :, :], axis=-1)
    gap = np.where(np.isfinite(gap), gap, np.inf).min(axis=-1, initial=np.inf)
    inside = ((words > 0) & (words < np.array([rows, columns]))).all(-1)
    gap = np.where(inside & np.isfinite(gap), gap, np.nan)
    with np.errstate(invalid="ignore"):
        found = np.nanmean(gap, axis=(2, 3)) * reading.height_m / rows
    return np.asarray(found)
