"""Baselines that continue the known frames: as they are, or as they moved."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from worldsim.answer import camera_json, generated_rollout
from worldsim.errors import InputError
from worldsim.mechanics import MechanicalScene
from worldsim.models.fronts import coast_continued, pool_continued
from worldsim.models.moving import take_apart
from worldsim.models.summary import CAMERA
from worldsim.query import Known, Query
from worldsim.rollout import video_dataset
from worldsim.scenario import scenario_class
from worldsim.world_model import Capabilities, WholeRolloutStream, WorldModel, check_capabilities


def _last_known(model: WorldModel, query: Query, camera: str) -> Known:
    pieces = [piece for piece in query.known if piece.camera == camera and piece.mask is None]
    if not pieces:
        raise InputError(
            f"{model.name} continues known frames, and the query has none of camera {camera!r}; "
            "give context frames"
        )
    return max(pieces, key=lambda piece: piece.start)


def _held(model: WorldModel, query: Query, camera: str) -> np.ndarray:
    """(case, time, row, column, 3): the known frames, then the last of them for ever."""
    piece = _last_known(model, query, camera)
    first = round(piece.start * query.fps)
    frame = np.clip(np.arange(query.frames) - first, 0, piece.video.shape[1] - 1)
    return piece.video[:, frame]


_CONTINUES = Capabilities(
    parameters=False, stochastic=False, any_size=True, any_fps=True, streaming=True
)


def _answer(model: WorldModel, query: Query, videos: dict[str, np.ndarray]) -> xr.DataTree:
    return generated_rollout(query, model.name, videos, backend="numpy", checkpoint="")


class Frozen:
    """Repeats the last known frame."""

    name = "baseline:frozen"
    capabilities = _CONTINUES

    def rollout(self, query: Query) -> xr.DataTree:
        """Answer a query that has known frames of every camera it asks for."""
        check_capabilities(self, query)
        return _answer(self, query, {c: _held(self, query, c) for c in query.cameras})

    def start(self, query: Query) -> WholeRolloutStream:
        """The same, frame by frame."""
        return WholeRolloutStream(self.rollout(query))


class ConstantVelocity:
    """What moved in the known frames goes on at the same velocity.

    Objects (of rigid scenes, and blocks in water) go on with their own pixels, in every view; see
    `worldsim.models.moving`. Water goes on in the overhead view only, by its front, row by row (it
    never recedes, and flows around what stands); elsewhere it is held. Of a coast with buildings,
    debris goes on by its own velocity and is painted; its other views hold the last known frame.
    """

    name = "baseline:constant-velocity"
    capabilities = _CONTINUES

    def rollout(self, query: Query) -> xr.DataTree:
        """Answer a query that has known frames of every camera it asks for."""
        check_capabilities(self, query)
        videos = {}
        for camera in query.cameras:
            video = _held(self, query, camera)
            piece = _last_known(self, query, camera)
            after = round(piece.start * query.fps) + piece.video.shape[1]
            if after < query.frames:
                fresh = _continued(query, piece, query.frames - after)
                if fresh is not None:
                    video[:, after:] = fresh
            videos[camera] = video
        return _answer(self, query, videos)

    def start(self, query: Query) -> WholeRolloutStream:
        """The same, frame by frame."""
        return WholeRolloutStream(self.rollout(query))


def _continued(query: Query, piece: Known, frames: int) -> np.ndarray | None:
    """(case, time, row, column, 3): what follows on a known piece; None if it is held."""
    rigid, coast = _kind(query.scenario)
    known = video_dataset(
        piece.video[:, None], query.fps, camera_json(query.scenario, piece.camera)
    )
    ahead = np.arange(1, frames + 1) / query.fps
    if coast:
        return coast_continued(known, ahead) if piece.camera == CAMERA else None
    pictures = [take_apart(video, water=not rigid) for video in piece.video]
    if not rigid and piece.camera == CAMERA:
        return pool_continued(known, pictures, ahead)
    return np.stack([picture.after(frames) for picture in pictures])


@functools.cache
def _kind(scenario: str) -> tuple[bool, bool]:
    """Whether a scenario is of rigid bodies alone, and whether it is of a coast with buildings."""
    scene = scenario_class(scenario)().scene(0, 0)
    rigid = isinstance(scene, MechanicalScene)
    return rigid, not rigid and bool(scene.buildings)
