"""Baselines that answer from the training summary that ships with a checkpoint: no simulation."""

from __future__ import annotations

import dataclasses

import numpy as np
import xarray as xr

from worldsim.answer import generated_rollout
from worldsim.errors import InputError
from worldsim.instruments.ground import GroundGrid
from worldsim.models.likeness import most_alike, parameter_distance
from worldsim.models.painting import paint
from worldsim.models.summary import CAMERA, TrainingSummary
from worldsim.query import Query
from worldsim.rollout import video_dataset
from worldsim.scenario import scenario_class
from worldsim.world_model import Capabilities, WholeRolloutStream, WorldModel, check_capabilities

_FROM_SUMMARY = Capabilities(cameras=(CAMERA,), any_size=False, any_fps=False, streaming=True)


def _answer(model: WorldModel, summary: TrainingSummary, query: Query,
            video: np.ndarray) -> xr.DataTree:
    return generated_rollout(
        query, model.name, {CAMERA: video}, backend="numpy", checkpoint=summary.sha256
    )


def _check_summary(model: WorldModel, summary: TrainingSummary, query: Query) -> None:
    check_capabilities(model, query)
    cls = scenario_class(query.scenario)
    if (summary.scenario, summary.version) != (cls.name, cls.version):
        raise InputError(
            f"{model.name} knows {summary.scenario!r} version {summary.version}, the query is "
            f"about {cls.name!r} version {cls.version}; use a checkpoint of that version"
        )
    size = summary.first.shape[1:3]
    if tuple(query.size) != size or query.fps != summary.fps:
        raise InputError(
            f"{model.name} shows {size[0]}x{size[1]} at {summary.fps:g} frames/s; ask for that"
        )
    if query.frames > summary.wet.shape[1]:
        raise InputError(
            f"{model.name} knows {summary.duration:g} s, the query asks for {query.duration:g} s; "
            "ask for less"
        )


def _painted(summary: TrainingSummary, index: int, query: Query) -> np.ndarray:
    """(time, row, column, 3): one training rollout."""
    first = summary.first[index]
    blank = video_dataset(first[None, None, None], summary.fps, summary.camera)
    frames = slice(0, query.frames)
    return paint(first, summary.wet[index, frames], summary.debris[index, frames],
                 GroundGrid.of(blank))


class Climatology:
    """What happened in the training rollouts whose parameters are nearest, in their own layouts."""

    name = "baseline:climatology"

    def __init__(self, summary: TrainingSummary) -> None:
        self.summary = summary
        self.capabilities = dataclasses.replace(
            _FROM_SUMMARY, context=False, seeded=False, scenario=summary.scenario)
        self.sha256 = summary.sha256

    def rollout(self, query: Query) -> xr.DataTree:
        """As many different training rollouts as the query wants realizations."""
        _check_summary(self, self.summary, query)
        if query.realizations > len(self.summary.case):
            raise InputError(
                f"{self.name} knows {len(self.summary.case)} training rollouts, the query wants "
                f"{query.realizations}; ask for fewer realizations"
            )
        video = np.stack([
            np.stack([_painted(self.summary, int(i), query) for i in np.argsort(
                parameter_distance(
                    self.summary.parameters, len(self.summary.case), query, case), kind="stable"
            )[:query.realizations]])
            for case in range(query.cases)
        ])
        return _answer(self, self.summary, query, video)

    def start(self, query: Query) -> WholeRolloutStream:
        """The same, frame by frame."""
        return WholeRolloutStream(self.rollout(query))


class Nearest:
    """The one training rollout whose parameters and first frame are most alike; see
    `worldsim.models.likeness`."""

    name = "baseline:nearest"

    def __init__(self, summary: TrainingSummary) -> None:
        self.summary = summary
        self.capabilities = dataclasses.replace(
            _FROM_SUMMARY, continues=False, stochastic=False, scenario=summary.scenario)
        self.sha256 = summary.sha256

    def rollout(self, query: Query) -> xr.DataTree:
        """The same training rollout for all realizations."""
        _check_summary(self, self.summary, query)
        chosen = most_alike(self.summary.parameters, {CAMERA: self.summary.first}, query)
        return _answer(self, self.summary, query, np.stack([
            _painted(self.summary, index, query) for index in chosen
        ]))

    def start(self, query: Query) -> WholeRolloutStream:
        """The same, frame by frame."""
        return WholeRolloutStream(self.rollout(query))
