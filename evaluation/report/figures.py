"""The report's plots of one run: errors over time from its scores, water from its rollouts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from evaluation.bootstrap import mean_interval
from evaluation.measure import FLOOR, REFERENCE
from evaluation.observe import CAMERA, video_of
from evaluation.report import plots
from evaluation.report.contents import Plot, ScoreRow
from evaluation.report.html import number
from evaluation.report.svg import plot, plot_style
from worldsim.instruments import observe_water
from worldsim.instruments.state import water_state

MAP_INSTANTS = (0.4, 0.75)
"""Shares of the rollout's length at which wet-area maps are drawn: on the way, and late."""


def error_plots(scores: Mapping[str, Any], measured: xr.Dataset, rows: Sequence[ScoreRow],
                context: float) -> tuple[Plot, ...]:
    """One plot for each metric that has a value at every instant.

    Parameters
    ----------
    measured : ``series`` (model, metric, case, time).
    context : seconds that the world model was given.
    """
    drawn = []
    for row in rows:
        series = measured["series"].sel(metric=row.metric)
        if np.isfinite(series.sel(model=scores["model"])).any():
            drawn.append(_error_plot(series, row, scores, context))
    return tuple(drawn)


def _error_plot(series: xr.DataArray, row: ScoreRow, scores: Mapping[str, Any],
                context: float) -> Plot:
    model = scores["model"]
    names = {model: "generated", FLOOR: "floor", REFERENCE: "perfect"}
    labels = {
        "generated": f"generated: {model}",
        "floor": "simulated: floor",
        "perfect": "simulated: other draws",
    }
    order = [model, REFERENCE, FLOOR, *(a.baseline for a in row.against)]
    # An infinite value (PSNR of equal frames) has no place on an axis.
    mean = series.where(np.isfinite(series)).mean("case")
    curves = {
        names.get(name, name): mean.sel(model=name).values
        for name in order if np.isfinite(mean.sel(model=name)).any()
    }
    time = series["time"].values
    with plot_style():
        ax = plots.error_over_time(
            time, curves, row.unit, labels=labels, context=context,
            interval=_interval(series.sel(model=model)),
            scored_from=time[math.ceil(time.size / 2)] if row.window == "last half" else None,
            quantity=row.metric, higher_is_better=row.direction == "higher",
        )
    ends = {labels.get(name, name): _last(curve) for name, curve in curves.items()}
    in_words = ", ".join(f"{name} {number(value)} {row.unit}" for name, value in ends.items())
    better = {"higher": "Higher is better.", "lower": "Lower is better.", "none": ""}[row.direction]
    sentence = row.meaning[0].upper() + row.meaning[1:]
    return plot(
        ax, row.metric.replace(".", "-"), f"{sentence}. {better}",
        f"Line plot of {row.metric} against time. At the end: {in_words}.",
    )


def _last(curve: np.ndarray) -> float:
    return float(curve[np.isfinite(curve)][-1])


def _interval(series: xr.DataArray) -> tuple[np.ndarray, np.ndarray] | None:
    """95 % interval of the mean over cases at each instant; None where there is none."""
    bounds = [mean_interval(values) for values in series.transpose("time", "case").values]
    if any(b.low is None or b.high is None for b in bounds):
        return None
    return np.array([b.low for b in bounds]), np.array([b.high for b in bounds])


def water_plots(truth: xr.DataTree, dream: xr.DataTree,
                context: float) -> tuple[tuple[Plot, ...], tuple[Plot, ...]]:
    """Of the first case, the water front's plot, and wet-area maps in pairs.

    Simulated water is read from the simulator's state, generated water from the dream's video.

    Parameters
    ----------
    context : seconds that the world model was given.
    """
    case = int(dream["case"].values[0])
    stored = dream["video"][CAMERA]
    size, fps = stored["rgb"].shape[3:5], float(stored.attrs["fps"])
    seen = observe_water(video_of(dream.sel(case=[case]), CAMERA, size, fps))
    state = water_state(truth.sel(case=[case]), seen["time"].values)
    return (_front(state, seen, case, context),), _maps(state, seen, case)


def _front(state: xr.Dataset, seen: xr.Dataset, case: int, context: float) -> Plot:
    front = {"simulated": state["front_position"].values[0],
             "generated": seen["front_position"].values[0]}
    with plot_style():
        ax = plots.front_over_time(
            seen["time"].values, front["simulated"], front["generated"], context=context
        )
    ends = ", ".join(f"{kind} {np.median(f[:, -1]):.0f} m" for kind, f in front.items())
    return plot(
        ax, "water-front",
        f"How far inland the water stands, averaged over the street’s width, case {case}. Thin: "
        "every realization. Simulated from the state, generated from the video.",
        f"Line plot of the water front against time; at the end: {ends}.",
    )


def _maps(state: xr.Dataset, seen: xr.Dataset, case: int) -> tuple[Plot, ...]:
    time = seen["time"].values
    return tuple(
        _map(kind, wet.isel(case=0, time=index), case, float(time[index]))
        for index in (round(share * (len(time) - 1)) for share in MAP_INSTANTS)
        for kind, wet in (("simulated", state["wet"]), ("generated", seen["wet"]))
    )


def _map(kind: str, wet: xr.DataArray, case: int, time: float) -> Plot:
    fraction = wet.mean("realization")
    with plot_style():
        ax = plots.wet_map(
            wet["x"], wet["y"], fraction.transpose("y", "x"), source=kind, time=time
        )
    return plot(
        ax, f"map-{kind}-{time:.1f}".replace(".", "_"),
        f"Share of {wet.sizes['realization']} {kind} realizations that are wet at {time:.1f} s, "
        f"case {case}.",
        f"Map, {kind}: {100 * float(fraction.mean()):.0f} % of the area is wet at {time:.1f} s.",
    )
