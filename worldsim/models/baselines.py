"""Baselines: world models that a learned one must beat to have learned anything."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import xarray as xr

from worldsim.answer import camera_json, generated_rollout
from worldsim.errors import InputError
from worldsim.instruments import observe_buildings, observe_debris, observe_water
from worldsim.instruments.ground import GroundGrid
from worldsim.models.painting import paint
from worldsim.models.summary import CAMERA, TrainingSummary, packaged
from worldsim.query import Known, Query
from worldsim.rollout import video_dataset
from worldsim.scenario import scenario_class
from worldsim.world_model import Capabilities, WholeRolloutStream, WorldModel, check_capabilities


def load_baseline(name: str) -> WorldModel:
    """The baseline ``frozen``, ``constant-velocity``, ``climatology`` or ``nearest``.

    Raises
    ------
    InputError : unknown name, or a training summary that is missing or damaged.
    """
    if name == "frozen":
        return Frozen()
    if name == "constant-velocity":
        return ConstantVelocity()
    if name in ("climatology", "nearest"):
        summary = _packaged_summary()
        return Climatology(summary) if name == "climatology" else Nearest(summary)
    raise InputError(
        f"unknown baseline {name!r}; there are frozen, constant-velocity, climatology, nearest"
    )


@functools.cache
def _packaged_summary() -> TrainingSummary:
    return TrainingSummary.load(packaged())


def _answer(model: WorldModel, query: Query, videos: dict[str, np.ndarray]) -> xr.DataTree:
    checkpoint = getattr(model, "sha256", "")
    return generated_rollout(query, model.name, videos, backend="numpy", checkpoint=checkpoint)


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
_FROM_SUMMARY = Capabilities(cameras=(CAMERA,), any_size=False, any_fps=False, streaming=True)


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

    Debris by its own velocity, the water front row by row (it never recedes, and flows around
    standing buildings); what the instruments read off the known overhead frames is extrapolated
    and painted. Other cameras hold the last known frame.
    """

    name = "baseline:constant-velocity"
    capabilities = _CONTINUES

    def rollout(self, query: Query) -> xr.DataTree:
        """Answer a query that has known frames of every camera it asks for."""
        check_capabilities(self, query)
        videos = {c: _held(self, query, c) for c in query.cameras}
        if CAMERA in videos:
            piece = _last_known(self, query, CAMERA)
            videos[CAMERA] = videos[CAMERA].copy()
            after = round(piece.start * query.fps) + piece.video.shape[1]
            steps = np.arange(1, max(query.frames - after, 0) + 1)
            known = video_dataset(
                piece.video[:, None], query.fps, camera_json(query.scenario, CAMERA)
            )
            videos[CAMERA][:, after:] = _extrapolate(known, steps / query.fps)
        return _answer(self, query, videos)

    def start(self, query: Query) -> WholeRolloutStream:
        """The same, frame by frame."""
        return WholeRolloutStream(self.rollout(query))


def _velocity(values: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Least-squares slope along axis 0; zero where fewer than two values are known."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    t = time.reshape(-1, *(1,) * (values.ndim - 1)) * known
    filled = np.where(known, values, 0.0)
    safe = np.maximum(count, 1)
    t_mean, v_mean = t.sum(axis=0) / safe, filled.sum(axis=0) / safe
    top = ((t - t_mean * known) * (filled - v_mean * known)).sum(axis=0)
    bottom = ((t - t_mean * known) ** 2).sum(axis=0)
    return np.where((count >= 2) & (bottom > 0), top / np.where(bottom > 0, bottom, 1.0), 0.0)


def _extrapolate(known: xr.Dataset, ahead: np.ndarray) -> np.ndarray:
    """(case, time, row, column, 3): `ahead` (time,) seconds after the last known frame."""
    grid = GroundGrid.of(known)
    time = known["time"].values
    water, debris = observe_water(known), observe_debris(known)
    roofs = observe_buildings(known)["footprint"].values[:, 0]
    result = []
    for case, frames in enumerate(known["rgb"].values[:, 0]):
        # Rows as in the picture: the instruments' rows ascend in y.
        front = water["front"].values[case, 0, :, ::-1]
        wet = water["wet"].values[case, 0, -1, ::-1]
        reach = front[-1] + np.maximum(_velocity(front, time), 0.0) * ahead[:, None]
        # Half a pixel beyond its centre, a cell is passed.
        flooded = grid.x[None, None, :] < reach[:, :, None]
        flooded = wet | (flooded & (grid.x > front[-1][:, None]) & ~_inside(roofs[case], grid))
        position = debris["position"].values[case, 0]
        seen = np.isfinite(position[..., 0])
        last = position.shape[0] - 1 - np.argmax(seen[::-1], axis=0)
        places = (
            position[last, np.arange(position.shape[1])]
            + _velocity(position, time) * ahead[:, None, None]
        )
        result.append(paint(frames[-1], flooded, places, grid))
    return np.stack(result)


def _inside(footprints: np.ndarray, grid: GroundGrid) -> np.ndarray:
    """(row, column) bool: the pixels within any of the rectangles (building, bound) m."""
    covered = np.zeros((len(grid.y), len(grid.x)), dtype=bool)
    for x0, x1, y0, y1 in footprints[np.isfinite(footprints[:, 0])]:
        covered |= ((grid.x > x0) & (grid.x < x1))[None] & ((grid.y > y0) & (grid.y < y1))[:, None]
    return covered


def _parameter_distance(summary: TrainingSummary, query: Query, case: int) -> np.ndarray:
    """(training case,) root of the summed squared differences in units of the training range.

    A different choice counts as farther than any difference of the continuous parameters, and
    what no video shows (`Parameter.seen`) does not count.
    """
    declared = scenario_class(query.scenario).parameters()
    squared = np.zeros(len(summary.case))
    for name, values in query.parameters.items():
        spec, theirs = declared[name], summary.parameters[name]
        if not spec.seen:
            continue
        if spec.choices:
            squared += np.where(theirs == values[case], 0.0, 100.0)
        else:
            low, high = spec.training
            squared += ((theirs - float(values[case])) / (high - low)) ** 2
    return np.sqrt(squared)


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
            _FROM_SUMMARY, context=False, scenario=summary.scenario)
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
                _parameter_distance(self.summary, query, case), kind="stable"
            )[:query.realizations]])
            for case in range(query.cases)
        ])
        return _answer(self, query, {CAMERA: video})

    def start(self, query: Query) -> WholeRolloutStream:
        """The same, frame by frame."""
        return WholeRolloutStream(self.rollout(query))


APPEARANCE_WEIGHT = 0.03
"""Chosen on training rollouts, each answered by the others (60 of 360): more weight finds the
debris better and the water worse. Errors of wet area / debris over the last half: 0.020 / 53 m
without appearance, 0.023 / 51 m with this weight, 0.032 / 48 m with ten times it."""


class Nearest:
    """The one training rollout whose parameters and first frame are most alike.

    Squared differences add: parameters in units of the training range, and, with
    `APPEARANCE_WEIGHT`, the first frame in units of the median difference in the training set.
    """

    name = "baseline:nearest"

    def __init__(self, summary: TrainingSummary) -> None:
        self.summary = summary
        self.capabilities = dataclasses.replace(
            _FROM_SUMMARY, stochastic=False, scenario=summary.scenario)
        self.sha256 = summary.sha256

    @functools.cached_property
    def _scale(self) -> float:
        frames = self.summary.first.astype(np.float32)
        others = np.roll(frames, 1, axis=0)
        between = np.sqrt(((frames - others) ** 2).mean(axis=(1, 2, 3)))
        return float(np.median(between)) or 1.0

    def rollout(self, query: Query) -> xr.DataTree:
        """The same training rollout for all realizations."""
        _check_summary(self, self.summary, query)
        pieces = [p for p in query.known if p.camera == CAMERA and p.start == 0 and p.mask is None]
        frames = self.summary.first.astype(np.float32)
        chosen = []
        for case in range(query.cases):
            distance = _parameter_distance(self.summary, query, case) ** 2
            if pieces:
                difference = frames - pieces[0].video[case, 0].astype(np.float32)
                unlike = (difference**2).mean(axis=(1, 2, 3)) / self._scale**2
                distance += APPEARANCE_WEIGHT * unlike
            chosen.append(int(distance.argmin()))
        return _answer(self, query, {
            CAMERA: np.stack([_painted(self.summary, index, query) for index in chosen])
        })

    def start(self, query: Query) -> WholeRolloutStream:
        """The same, frame by frame."""
        return WholeRolloutStream(self.rollout(query))
