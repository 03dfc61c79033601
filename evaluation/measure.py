"""Errors of videos against the simulator's state, per model, metric, case and instant."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import xarray as xr

from evaluation.metrics import METRICS, Metric, Sample
from evaluation.observe import CAMERA, has_video, video_of
from evaluation.reading import Reading, reading_of
from worldsim.errors import InputError

FLOOR = "floor"
"""The truth's own video, each member against its own state: what the instruments cannot see."""

MAIN = "main"
"""In `Sample.video`, the view that instruments read, whatever its name."""

REFERENCE = "reference"
"""An independent ensemble of the simulator: what cannot be known for hidden randomness."""


@dataclasses.dataclass(frozen=True)
class Truth:
    """A simulated rollout made ready for scoring.

    state : its observables from the state; observed : from its own video.
    video : {camera: rgb}.
    fps, size : of the videos.
    scenario : its name, which says how videos are read.
    context : number of frames that models are given.
    """

    state: xr.DataTree
    observed: xr.DataTree
    video: Mapping[str, xr.DataArray]
    fps: float
    size: tuple[int, int]
    scenario: str = "tsunami"
    context: int = 0

    @property
    def reading(self) -> Reading:
        """How its videos are read."""
        return reading_of(self.scenario)

    @property
    def cases(self) -> np.ndarray:
        """(case,) the case numbers."""
        return self.video[self.reading.camera]["case"].values

    @property
    def time(self) -> np.ndarray:
        """(time,) s, of the video's frames."""
        return self.video[self.reading.camera]["time"].values


def prepare_truth(truth: xr.DataTree, *, size: tuple[int, int], fps: float,
                  cameras: Sequence[str] = (CAMERA, "street"), frames: int | None = None,
                  context: int = 0) -> Truth:
    """Render what is missing and run all instruments on a simulated rollout.

    Parameters
    ----------
    truth : a simulated rollout with its states; its videos are used where they fit.
    cameras : the views that are compared, among them the one that instruments read.
    frames : score only this many frames; all by default.
    context : number of frames that models are given.
    """
    if truth.attrs.get("kind") != "simulated":
        raise InputError("the truth must be a simulated rollout; the arguments may be swapped")
    scenario = json.loads(truth.attrs["scenario"])["name"]
    reading = reading_of(scenario)
    video = {
        camera: video_of(truth, camera, size, fps).isel(time=slice(0, frames)) for camera in cameras
    }
    read = video[reading.camera]
    state = reading.of_state(truth, size, read["time"].values)
    return Truth(
        state, reading.of_video(read, state, context, truth),
        {camera: dataset["rgb"].load() for camera, dataset in video.items()},
        float(fps), size, scenario, context,
    )


Results = dict[str, xr.DataArray]


def _compute(metrics: Sequence[Metric], sample: Sample) -> Results:
    results = {}
    for metric in metrics:
        result = metric.compute(sample)
        results[metric.name] = result.transpose("case", "time") if "time" in result.dims else result
    return results


def _averaged(metrics: Sequence[Metric], samples: Iterable[Sample]) -> Results:
    """Each metric's mean over several samples, those apart in which it has nothing to judge."""
    if not metrics:
        return {}
    each = [_compute(metrics, sample) for sample in samples]
    return {m.name: _known_mean([results[m.name] for results in each]) for m in metrics}


def _known_mean(values: Sequence[xr.DataArray]) -> xr.DataArray:
    """Mean of several arrays of a shape where they are not NaN."""
    count = sum(one.notnull() for one in values)
    return sum(one.fillna(0.0) for one in values) / xr.where(count > 0, count, np.nan)


def _paired(metrics: Sequence[Metric], sample: Sample, truth: Truth, same: bool = False) -> Results:
    """Each metric's mean over pairs of members: r of the video with r of the truth; with `same`,
    the one member with all. Pairs in which a metric has nothing to judge do not count."""
    if not metrics:
        return {}
    members, truths = _count(sample.observed), _count(sample.state)
    count = truths if same else min(members, truths)
    both = sample.paired([0] * count if same else list(range(count)), list(range(count)))
    found = {}
    for name, result in _compute(metrics, both).items():
        values = result.values.reshape(len(truth.cases), count, *result.shape[1:])
        known = ~np.isnan(values)
        total = np.where(known, values, 0.0).sum(axis=1)
        number = known.sum(axis=1)
        coords = {"case": truth.cases} | ({"time": truth.time} if "time" in result.dims else {})
        found[name] = xr.DataArray(
            total / np.where(number > 0, number, np.nan), dims=result.dims, coords=coords)
    return found


def _others(sample: Sample) -> Iterator[Sample]:
    """Each member of the truth with the video of all its others."""
    count = _count(sample.state)
    for r in range(count):
        yield sample.pick([m for m in range(count) if m != r], [r])


def _count(tree: xr.DataTree) -> int:
    """Number of members of a tree of observables."""
    return int(next(iter(tree.children.values())).sizes["realization"])


def _sample(truth: Truth, observed: xr.DataTree, video: Mapping[str, xr.DataArray]) -> Sample:
    main = truth.reading.camera
    shown = {MAIN: video[main], **video} if main in video else dict(video)
    return Sample(observed, truth.state, shown, {MAIN: truth.video[main], **truth.video},
                  truth.context)


def _possible(metrics: Sequence[Metric], truth: Truth, video: Mapping[str, xr.DataArray],
              observed: xr.DataTree) -> list[Metric]:
    """The metrics whose views and observables are all there."""
    views = set(video) & {MAIN, *truth.video}
    return [
        m for m in metrics
        if views.issuperset(m.cameras) and set(m.needs) <= set(observed.children)
        and set(m.needs) <= set(truth.state.children)
        and (not m.scenarios or truth.scenario in m.scenarios)
    ]


def _dataset(results: Mapping[str, xr.DataArray], metrics: Sequence[Metric],
             truth: Truth) -> xr.Dataset:
    cases, time = truth.cases, truth.time
    value = np.full((len(metrics), len(cases)), np.nan)
    series = np.full((len(metrics), len(cases), len(time)), np.nan)
    for index, metric in enumerate(metrics):
        if metric.name not in results:
            continue
        result = results[metric.name]
        value[index] = metric.over_window(result, truth.context).values
        if "time" in result.dims:
            series[index] = result.values
    return xr.Dataset(
        {
            "value": (("metric", "case"), value, {"long_name": "value over the metric's window"}),
            "series": (("metric", "case", "time"), series, {"long_name": "value at each instant"}),
        },
        coords={
            "metric": [metric.name for metric in metrics],
            "unit": ("metric", [metric.unit for metric in metrics]),
            "case": cases,
            "time": ("time", time, {"units": "s"}),
        },
    )


def measure_floor(truth: Truth, metrics: Sequence[Metric] = METRICS) -> xr.Dataset:
    """The truth's video against its own state."""
    sample = _sample(truth, truth.observed, truth.video)
    possible = _possible(metrics, truth, sample.video, truth.observed)
    return _dataset(_paired(possible, sample, truth), metrics, truth)


def measure_reference(truth: Truth, reference: xr.DataTree | None = None,
                      metrics: Sequence[Metric] = METRICS) -> tuple[xr.Dataset, str]:
    """The error that remains when only what is hidden is unknown, and where it comes from.

    `reference` is an independent ensemble of the simulator. Without one, each member of the
    truth is held against all others (exchangeable draws, so this is such an ensemble too); with
    a single member the floor stands in, as if nothing were hidden.
    """
    ensemble = [m for m in metrics if m.ensemble]
    if reference is not None:
        measured = measure_model(reference, truth, ensemble).reindex(
            metric=[m.name for m in metrics]
        )
        return measured.drop_vars("unit").assign_coords(
            unit=("metric", [m.unit for m in metrics])), "simulator ensemble"
    if _count(truth.state) < 2:
        return measure_floor(truth, metrics), "floor"
    sample = _sample(truth, truth.observed, {})
    results = _averaged(_possible(ensemble, truth, {}, truth.observed), _others(sample))
    return _dataset(results, metrics, truth), "truth, each member left out once"


def measure_model(rollout: xr.DataTree, truth: Truth,
                  metrics: Sequence[Metric] = METRICS) -> xr.Dataset:
    """A world model's rollout against the truth's state.

    Returns
    -------
    ``value`` (metric, case), ``series`` (metric, case, time); NaN where the rollout lacks the
    camera that a metric needs.

    Raises
    ------
    InputError : other cases, size, rate or length than the truth's.
    """
    heard = any("consequences" in metric.needs for metric in metrics)
    sample, same = observe_model(rollout, truth, states=heard)
    possible = _possible(metrics, truth, sample.video, sample.observed)
    results = _compute([m for m in possible if m.ensemble], sample)
    results |= _paired([m for m in possible if not m.ensemble], sample, truth, same)
    return _dataset(results, metrics, truth)


def observe_model(rollout: xr.DataTree, truth: Truth,
                  states: bool = False) -> tuple[Sample, bool]:
    """What the instruments read off a rollout, beside the truth; and whether all members were
    alike, so that only one was read. With `states`, what its states say is heard too, if any.

    Raises
    ------
    InputError : other cases, size, rate or length than the truth's.
    """
    main = truth.reading.camera
    videos = {
        name: _fitting(rollout, name, truth).load()
        for name in dict.fromkeys((main, *truth.video))
        if name == main or has_video(rollout, name)
    }
    states = states and "water" in rollout.children
    # With states, members of equal pictures may differ.
    same = not states and all(_all_members_equal(v["rgb"].values) for v in videos.values())
    if same:
        # Fair scores of equal members are those of one; deterministic models are scored quicker.
        videos = {name: video.isel(realization=[0]) for name, video in videos.items()}
    observed = truth.reading.of_video(videos[main], truth.state, truth.context,
                                      rollout if states else None)
    return _sample(truth, observed, {n: video["rgb"] for n, video in videos.items()}), same


def _all_members_equal(rgb: np.ndarray) -> bool:
    return all(np.array_equal(rgb[:, 0], rgb[:, r]) for r in range(1, rgb.shape[1]))


def _fitting(rollout: xr.DataTree, camera: str, truth: Truth) -> xr.Dataset:
    """The rollout's video, checked against the truth's and cut to its length."""
    name = rollout.attrs.get("model") or "the rollout"
    if not has_video(rollout, camera):
        raise InputError(f"{name} has no {camera!r} video; ask the model for that camera")
    video = rollout[f"video/{camera}"].dataset
    missing = [int(c) for c in truth.cases if c not in rollout["case"].values]
    if missing:
        there = rollout["case"].values.tolist()
        raise InputError(f"{name} lacks case {missing[0]}; it has {there}")
    video = video.assign_coords({d: rollout[d] for d in ("case", "realization")})
    video = video.sel(case=truth.cases)
    shape = video["rgb"].shape[3:5]
    if shape != truth.size or video.attrs["fps"] != truth.fps:
        raise InputError(
            f"{name} shows {shape[0]}x{shape[1]} at {video.attrs['fps']:g} frames/s, the truth is "
            f"{truth.size[0]}x{truth.size[1]} at {truth.fps:g}; make both alike"
        )
    frames = len(truth.time)
    if video.sizes["time"] < frames:
        raise InputError(f"{name} has {video.sizes['time']} frames, {frames} are scored")
    return video.isel(time=slice(0, frames))


def stack(measured: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Measurements of several models along a new dimension ``model``."""
    return xr.concat(
        list(measured.values()), dim=xr.Variable("model", list(measured)), join="exact"
    )
