"""What a metric is: a small declared object over named dims."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import xarray as xr

Window = Literal["last half", "whole", "dreamt"]


@dataclasses.dataclass(frozen=True)
class Sample:
    """What a metric compares.

    observed : observables of a video (children as in `evaluation.reading`), members along
        ``realization``.
    state : the same observables of the simulator's state, members along ``realization``.
    video, truth_video : {camera: (case, realization, time, row, column, channel) uint8}.
    context : number of known frames at the start.
    """

    observed: xr.DataTree
    state: xr.DataTree
    video: Mapping[str, xr.DataArray] = dataclasses.field(default_factory=dict)
    truth_video: Mapping[str, xr.DataArray] = dataclasses.field(default_factory=dict)
    context: int = 0
    shared: dict[str, Any] = dataclasses.field(default_factory=dict, compare=False, repr=False)
    """What several metrics of one sample have in common, by name; worked out by the first."""

    def pick(self, members: list[int], truths: list[int]) -> Sample:
        """The sample with only these members of the video and of the truth (by position)."""
        return Sample(
            _members(self.observed, members),
            _members(self.state, truths),
            {name: rgb.isel(realization=members) for name, rgb in self.video.items()},
            {name: rgb.isel(realization=truths) for name, rgb in self.truth_video.items()},
            self.context,
        )


    def paired(self, members: list[int], truths: list[int]) -> Sample:
        """Member of the video beside member of the truth, pair by pair (by position): each pair as
        a case of its own, the pairs of the first case first. All pairs are then compared at once.
        """
        return Sample(
            _as_cases(self.observed, members),
            _as_cases(self.state, truths),
            {name: _array_as_cases(rgb, members) for name, rgb in self.video.items()},
            {name: _array_as_cases(rgb, truths) for name, rgb in self.truth_video.items()},
            self.context,
        )


def _members(tree: xr.DataTree, chosen: list[int]) -> xr.DataTree:
    """The tree with some members only; what belongs to whole cases stays as it is."""
    return tree.isel(realization=chosen, missing_dims="ignore")


def _as_cases(tree: xr.DataTree, chosen: list[int]) -> xr.DataTree:
    """The tree with each chosen member of each case as a case of one realization."""
    return xr.DataTree.from_dict({
        node.path: _dataset_as_cases(node.to_dataset(inherit=False), chosen)
        for node in tree.subtree
    })


def _dataset_as_cases(dataset: xr.Dataset, chosen: list[int]) -> xr.Dataset:
    variables = {
        name: _variable_as_cases(variable, chosen) for name, variable in dataset.variables.items()
        if name not in ("case", "realization")
    }
    coords = {name: variable for name, variable in variables.items() if name in dataset.coords}
    data = {name: variable for name, variable in variables.items() if name not in coords}
    count = next((v.sizes["case"] for v in data.values() if "case" in v.dims), None)
    if count is not None:
        coords["case"] = xr.Variable("case", np.arange(count))
    return xr.Dataset(data, coords=coords, attrs=dataset.attrs)


def _array_as_cases(array: xr.DataArray, chosen: list[int]) -> xr.DataArray:
    variable = _variable_as_cases(array.variable, chosen)
    coords = {name: array.coords[name].variable for name in ("time",) if name in array.coords}
    coords["case"] = xr.Variable("case", np.arange(variable.sizes["case"]))
    return xr.DataArray(variable, coords=coords)


def _variable_as_cases(variable: xr.Variable, chosen: list[int]) -> xr.Variable:
    if "case" not in variable.dims:
        return variable
    if "realization" not in variable.dims:
        axis = variable.get_axis_num("case")
        values = np.repeat(variable.values, len(chosen), axis=axis)
        return xr.Variable(variable.dims, values, variable.attrs)
    moved = variable.transpose("case", "realization", ...)
    values = moved.values[:, chosen]
    values = values.reshape(len(values) * len(chosen), 1, *values.shape[2:])
    return xr.Variable(moved.dims, values, variable.attrs)


def observation(state: xr.DataArray) -> xr.DataArray:
    """The truth's members as observations, to be held against every member of a video."""
    return state.rename(realization="observation").drop_vars("observation", errors="ignore")


@dataclasses.dataclass(frozen=True)
class Metric:
    """A score's definition.

    name : ``group.metric``.
    unit : unit of its values.
    meaning : one line.
    compute : sample to (case, time), or to (case,) where time has no place; averages over all
        pairs of video and truth members.
    direction : ``lower`` or ``higher`` is better; ``none`` where it only describes.
    ensemble : scored over all members together, and perfect is an independent simulator
        ensemble; otherwise member r of the video is held against member r of the truth, and
        perfect is the truth's own video.
    window : which times are averaged: the last half, all, or all that was not known (``dreamt``).
    perfect : the value of a perfect instrument on a perfect video.
    skilled : whether skill against baselines means anything.
    cameras : views whose pixels it needs; ``main`` is the one that instruments read.
    needs : children of `Sample.observed` and `Sample.state` that it needs.
    scenarios : the only ones that it means something for; empty means any that has what it needs.
    headline : whether models are judged by it first.
    concerns : names of the ladders (`evaluation.benchmark.ladders`) along which it has to rise.
    """

    name: str
    unit: str
    meaning: str
    compute: Callable[[Sample], xr.DataArray]
    direction: Literal["lower", "higher", "none"] = "lower"
    ensemble: bool = False
    window: Window = "last half"
    perfect: float = 0.0
    skilled: bool = True
    cameras: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    headline: bool = False
    concerns: tuple[str, ...] = ()

    def over_window(self, series: xr.DataArray, context: int = 0) -> xr.DataArray:
        """(case,) mean over the metric's window of times (the last half starts at its middle);
        instants without a value do not count."""
        if "time" not in series.dims:
            return series
        if self.window == "dreamt":
            series = series.isel(time=slice(context, None))
        if self.window == "last half":
            series = series.isel(time=slice(math.ceil(series.sizes["time"] / 2), None))
        return series.mean("time")
