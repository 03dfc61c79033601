"""The page's plots: ladders, responses and errors over time."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from evaluation.benchmark.report.stored import block_name, metric_title
from evaluation.benchmark.report.wording import BRIEF, amount, skill, unit_symbol
from evaluation.bootstrap import Bootstrap, mean_interval
from evaluation.report import plots
from evaluation.report.contents import Plot
from evaluation.report.svg import plot, plot_style

NAME_LENGTH = 22
"""Of a model's name in a legend; longer ones are cut there, not in the text."""

AXIS_WIDTH = 40
"""Characters of an axis label's line."""

BANDS = Bootstrap(resamples=500)
"""Of the bands around curves, one interval an instant; a picture shows no third digit."""

def short_name(model: str) -> str:
    """A model's name, cut to fit a legend."""
    return model if len(model) <= NAME_LENGTH else f"{model[:NAME_LENGTH - 1]}…"


def _legend(ax: Axes) -> None:
    ax.figure.legend(loc="outside lower left", ncols=1, fontsize=7, frameon=False, handlelength=3.2)


def _safe(text: str) -> str:
    """Text in which matplotlib finds no formulas."""
    return text.replace("$", r"\$")


# Ladders


def ladder_plot(one: Mapping[str, Any], model: str) -> Plot | None:
    """Skill of wrong simulators against how wrong they are, and the model's place among them; None
    where no rung has a skill."""
    strengths = 100 * _numbers(one["strengths"])
    rungs = _numbers(one["skills"])
    if not np.isfinite(rungs).any():
        return None
    with plot_style():
        ax = plots.new_axes()
        style, own = plots.STYLES["simulated"], plots.STYLES["generated"]
        ax.plot(strengths, rungs, color=style.colour, marker="o", markersize=4,
                linewidth=style.width, label="simulators, wrong by this much")
        if one["skill"] is not None:
            ax.axhline(one["skill"], color=own.colour, linestyle=own.dashes, linewidth=own.width,
                       label=_safe(short_name(model)))
        _crossing(ax, one, strengths)
        ax.set_xscale("log")
        words = textwrap.fill(f"{_axis_words(one['words'])} [%]", AXIS_WIDTH)
        ax.set(xlabel=_safe(words), ylabel="skill [1]")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_xticks([2, 5, 10, 20, 50])
        ax.set_xlim(strengths[0] / 1.15, strengths[-1] * 1.15)
        _legend(ax)
    text = one["text"][0].upper() + one["text"][1:]
    return plot(
        ax, f"ladder-{one['ladder']}",
        f"{text}. In {', '.join(str(s).replace('_', ' ') for s in one['scenarios'])}.",
        f"Line plot of skill against strength: from {skill(_first(rungs))} at {strengths[0]:g} % "
        f"to {skill(_first(rungs[::-1]))} at {strengths[-1]:g} %; the model has "
        f"{skill(one['skill'])}.",
    )


def _axis_words(words: str) -> str:
    return words.strip().rstrip(":,").removesuffix(" by").strip()


def _crossing(ax: Axes, one: Mapping[str, Any], strengths: np.ndarray) -> None:
    """The interval of the model's place as a band, the place itself as a mark."""
    if one["interval"] is not None:
        # An end that JSON cannot hold is beyond the ladder's end on which the model is.
        beyond = np.inf if one["end"] == "above" else 0.0
        low, high = (100 * (beyond if end is None else end) for end in one["interval"])
        left, right = max(low, strengths[0] / 1.15), min(high, strengths[-1] * 1.15)
        if left < right:
            ax.axvspan(left, right, color=plots.VERMILLION, alpha=0.15, linewidth=0,
                       label="95 % interval of the place")
    if one["strength"] is not None and one["skill"] is not None:
        ax.plot([100 * one["strength"]], [one["skill"]], "D", color=plots.VERMILLION, markersize=7,
                markeredgecolor="white", zorder=5)


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in values], dtype=float)


def _first(values: np.ndarray) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite[0]) if len(finite) else None


# What-ifs


@dataclasses.dataclass(frozen=True)
class Responses:
    """A what-if's curves.

    places : (level,) percent of the plot's width at which each level stands, for the slider's line.
    top, height : percent of the plot's height, of that line.
    """

    plot: Plot
    places: tuple[float, ...]
    top: float
    height: float


def response_plot(one: Mapping[str, Any], model: str, name: str) -> Responses:
    """Truth's and dream's response to one parameter; grey ground where nothing was trained."""
    levels = one["levels"]
    numeric = all(isinstance(level, int | float) for level in levels)
    x = np.array(levels, dtype=float) if numeric else np.arange(len(levels), dtype=float)
    curves = (("simulated", "simulated", one["truth"]),
              ("floor", "read off the simulated videos", one["floor"]),
              ("generated", short_name(model), one["dream"]),
              ("climatology", "interpolated between training levels", one["interpolated"]))
    with plot_style():
        ax = plots.new_axes()
        _shade_untrained(ax, x, one["in_range"])
        for kind, label, values in curves:
            if values is None or not np.isfinite(_numbers(values)).any():
                continue
            style = plots.style_of(kind)
            ax.plot(x, _numbers(values), color=style.colour, linestyle=style.dashes,
                    linewidth=style.width, marker=style.marker or "o", markersize=3.5,
                    label=_safe(label))
        ax.set(xlabel=_safe(_with_unit(str(one["parameter"]).replace("_", " "), one["unit"])),
               ylabel=_safe(_with_unit("response", one["response_unit"])))
        if one["null"]:
            _room_for_nothing(ax)
        if not numeric:
            ax.set_xticks(x, [_safe(str(level)) for level in levels])
            ax.margins(x=0.15)
        _legend(ax)
    drawn = plot(ax, name, _response_caption(one), _response_words(one, model))
    figure = ax.get_figure(root=True)
    assert figure is not None
    across = ax.transData.transform(np.column_stack([x, np.zeros_like(x)]))[:, 0]
    frame = ax.get_position()
    return Responses(drawn, tuple(round(100 * p / figure.bbox.width, 2) for p in across),
                     round(100 * (1 - frame.y1), 2), round(100 * frame.height, 2))


def _room_for_nothing(ax: Axes) -> None:
    """At least a fifth of the response on the axis, or the instruments' last digits fill it."""
    low, high = ax.get_ylim()
    middle = (low + high) / 2
    half = max((high - low) / 2, 0.1 * abs(middle))
    ax.set_ylim(middle - half, middle + half)


def _with_unit(words: str, unit: str) -> str:
    return f"{words} [{unit_symbol(unit)}]" if unit_symbol(unit) else words


def _response_caption(one: Mapping[str, Any]) -> str:
    parts = [one["meaning"][0].upper() + one["meaning"][1:] + "."]
    if one["null"]:
        parts.append("This parameter must change nothing.")
    if one["intervention"]:
        parts.append("An intervention at an instant; level 0 is the world without it.")
    if not all(one["in_range"]):
        parts.append("Grey ground: outside the training range.")
    return " ".join(parts)


def _response_words(one: Mapping[str, Any], model: str) -> str:
    ends = [f"simulated {amount(one['truth'][0], one['response_unit'])} to "
            f"{amount(one['truth'][-1], one['response_unit'])}"]
    if one["dream"] is not None:
        ends.append(f"{model} {amount(one['dream'][0], one['response_unit'])} to "
                    f"{amount(one['dream'][-1], one['response_unit'])}")
    return (f"Line plot of the response against {one['parameter']}; from the first to the last "
            f"level: {', '.join(ends)}.")


def _shade_untrained(ax: Axes, x: np.ndarray, in_range: Sequence[bool]) -> None:
    """Grey ground around levels outside the training range, half-way to the next inside."""
    edges = np.concatenate([x[:1], (x[1:] + x[:-1]) / 2, x[-1:]])
    for low, high, inside in zip(edges[:-1], edges[1:], in_range, strict=True):
        if not inside:
            ax.axvspan(low, high, color=plots.GREY, alpha=0.18, linewidth=0)


# Errors over time


def error_plots(block: Mapping[str, Any], table: xr.Dataset | None, model: str) -> tuple[Plot, ...]:
    """One plot for each headline metric that has a value at every instant.

    Parameters
    ----------
    table : the block's ``series`` (model, metric, case, time); None where the model was not asked.
    """
    if table is None:
        return ()
    drawn = []
    for metric in block["metrics"]:
        if metric["headline"] and metric["metric"] in table["metric"].values:
            series = table["series"].sel(metric=metric["metric"])
            series = series.where(np.isfinite(series))
            if model in series["model"].values and bool(series.sel(model=model).notnull().any()):
                drawn.append(_error_plot(block, metric, series, model))
    return tuple(drawn)


def _error_plot(block: Mapping[str, Any], metric: Mapping[str, Any], series: xr.DataArray,
                model: str) -> Plot:
    time = series["time"].values
    own = series.sel(model=model).transpose("time", "case").values
    curves, labels = {"generated": _means(own)}, {"generated": _safe(short_name(model))}
    for row in series["model"].values:
        values = _means(series.sel(model=row).transpose("time", "case").values)
        if row != model and np.isfinite(values).any():
            kind = "perfect" if row == "mujoco" else str(row)
            curves[kind] = values
            labels[kind] = _safe(short_name(BRIEF.get(str(row), str(row))))
    with plot_style():
        ax = plots.error_over_time(
            time, curves, unit_symbol(metric["unit"]) or "1", labels=labels, interval=_band(own),
            context=block["context"] / block["fps"],
            quantity=_safe(metric["metric"].rpartition(".")[2].replace("_", " ")),
            higher_is_better=metric["direction"] == "higher",
        )
    sentence = metric["meaning"][0].upper() + metric["meaning"][1:]
    better = {"higher": " Higher is better.", "lower": " Lower is better."}
    lost = "" if not block["failed"] else (
        f" Failed cases ({block['failed']}) have no curve; they count in the table.")
    ends = ", ".join(f"{labels[kind]} {amount(_first(values[::-1]), metric['unit'])}"
                     for kind, values in curves.items())
    return plot(
        ax, f"{block_name(block)}-{metric['metric']}".replace(".", "-"),
        f"{sentence}.{better.get(metric['direction'], '')}{lost}",
        f"Line plot of {metric_title(metric['metric'])} against time. At the end: {ends}.",
    )


def _means(values: np.ndarray) -> np.ndarray:
    """(time, case) to (time,), over the cases that have a value."""
    there = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(there, values, 0.0).sum(axis=1) / there.sum(axis=1)


def _band(values: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """95 % interval of the mean at each instant; None where there is none at any."""
    bounds = [mean_interval(row[np.isfinite(row)], BANDS) for row in values]
    low, high = (_numbers([getattr(b, end) for b in bounds]) for end in ("low", "high"))
    return (low, high) if np.isfinite(low).any() else None
