"""An explanation as a picture: truth and dream in step, what was measured drawn in, and the error.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpecFromSubplotSpec
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from evaluation.benchmark.explain import TIMES, Curves, Explanation
from evaluation.benchmark.explain_objects import Followed, followed
from evaluation.benchmark.report.wording import BRIEF, unit_symbol
from evaluation.measure import MAIN
from evaluation.metrics.trajectory import placed
from evaluation.report.plots import BLUE, GREY, STYLES, VERMILLION, style_of
from worldsim.atomic import written_whole

COLUMNS = 8
"""Frames that are shown."""

DPI = 150

STYLE: dict[Any, Any] = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}

LINES = 6
"""Objects whose errors are drawn; of more the worst."""

MARKS = ("#FFFFFF", "#FFE44D", "#7CF2FF", "#FF9DDB", "#B6FF6B", "#FFB061")
"""Of objects, in turn; light, for scenes are mid-grey and darker, and edged in black."""

EDGE = "#111111"


def draw(found: Explanation, path: Path, title: str) -> None:
    """Write a PNG.

    Parameters
    ----------
    found : with curves and a sample. title : the answer, one sentence.
    """
    curves, sample = found.curves, found.sample
    assert curves is not None and sample is not None
    objects = followed(found)
    frames = chosen_frames(len(curves.time), sample.context, curves.departure)
    rows, columns = sample.video[MAIN].shape[3:5]
    wide = 1.5 if columns <= 1.2 * rows else 1.9
    tall = wide * rows / columns
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(len(frames) * wide + 0.6, 2 * tall + 4.0), dpi=DPI,
                        facecolor="white",
                        layout=ConstrainedLayoutEngine(h_pad=0.02, w_pad=0.02, hspace=0.01))
        FigureCanvasAgg(figure)
        width = int(19.5 * figure.get_figwidth() / 1.9)
        figure.suptitle("\n".join(textwrap.wrap(title.replace("$", r"\$"), width)), fontsize=10,
                        x=0.01, ha="left")
        halves = figure.add_gridspec(2, 1, height_ratios=[2 * tall + 0.5, 3.0])
        sheet = halves[0].subgridspec(2, len(frames), wspace=0.04, hspace=0.04)
        _sheet(figure, sheet, found, frames, objects)
        plots = halves[1].subgridspec(1, 2 if objects else 1)
        _errors(figure.add_subplot(plots[0]), found, curves)
        if objects:
            _each(figure.add_subplot(plots[1]), curves, objects, sample.context)
        with written_whole(path) as beside:
            figure.savefig(beside, format="png", metadata={"Software": None})


def chosen_frames(count: int, context: int, departure: int | None) -> list[int]:
    """Which frames are shown: the last known one, the one at which the error leaves, and others
    before and after it, evenly."""
    first = max(context - 1, 0)
    if departure is None:
        places = np.linspace(first, count - 1, min(COLUMNS, count - first))
    else:
        before = min(COLUMNS // 2 - 1, departure - first)
        after = min(COLUMNS - 1 - before, count - 1 - departure)
        before = min(COLUMNS - 1 - after, departure - first)
        places = np.concatenate([np.linspace(first, departure, before + 1)[:before],
                                 np.linspace(departure, count - 1, after + 1)])
    return sorted(set(np.round(places).astype(int).tolist()))


def _sheet(figure: Figure, grid: GridSpecFromSubplotSpec, found: Explanation, frames: list[int],
           objects: list[Followed]) -> None:
    sample, curves = found.sample, found.curves
    assert sample is not None and curves is not None
    films = (sample.truth_video[MAIN][0, 0].values, sample.video[MAIN][0, 0].values)
    for column, frame in enumerate(frames):
        leaves = frame == curves.departure
        for row, film in enumerate(films):
            ax = figure.add_subplot(grid[row, column])
            _frame(ax, film[frame], leaves)
            _marks(ax, found, frame, objects, dream=row == 1)
            _outline(ax, found, frame, dream=row == 1)
            if column == 0:
                ax.set_ylabel(("truth", "dream")[row])
            if row == 0:
                when = f"{curves.time[frame]:.2f} s"
                note = " leaves" if leaves else " known" if frame < sample.context else ""
                ax.set_title(when + note, fontsize=9, pad=3,
                             color=VERMILLION if leaves else "black",
                             fontweight="bold" if leaves else "normal")
    figure.legend(handles=_key(found, objects), loc="outside lower left", ncols=8, fontsize=8,
                  frameon=True, facecolor="#8d8f94", edgecolor="none", labelcolor="white")


def _frame(ax: Axes, picture: np.ndarray, leaves: bool) -> None:
    rows, columns = picture.shape[:2]
    ax.imshow(picture, interpolation="nearest", extent=(0, columns, rows, 0))
    ax.set(xticks=[], yticks=[], xlim=(0, columns), ylim=(rows, 0))
    for spine in ax.spines.values():
        spine.set(visible=True, color=VERMILLION if leaves else GREY,
                  linewidth=2.5 if leaves else 0.6)


def _marks(ax: Axes, found: Explanation, frame: int, objects: list[Followed], dream: bool) -> None:
    """True places as circles, dreamt ones as crosses, and what lies between them as lines."""
    sample = found.sample
    assert sample is not None
    if not objects:
        return
    state, seen = sample.state["objects"].dataset, sample.observed["objects"].dataset
    truth = _pixels(state["position"][0, 0, frame].values, found)
    places = _pixels(placed(sample)[0, 0, frame].values, found)
    for one in objects:
        colour = MARKS[one.number % len(MARKS)]
        at = truth[one.number]
        if np.isfinite(at).all():
            ax.plot(*at, marker="o", markersize=7, markerfacecolor="none", markeredgecolor=EDGE,
                    markeredgewidth=2.2)
            ax.plot(*at, marker="o", markersize=7, markerfacecolor="none", markeredgecolor=colour,
                    markeredgewidth=1.2)
        own = places[one.number]
        if not dream or not np.isfinite(own).all():
            continue
        if np.isfinite(at).all():
            ax.plot(*zip(at, own, strict=True), color=colour, linewidth=0.9)
        there = bool(seen["seen"][0, 0, frame, one.number])
        ax.plot(*own, marker="x" if there else "1", markersize=6, markeredgecolor=EDGE,
                markeredgewidth=2.8)
        ax.plot(*own, marker="x" if there else "1", markersize=6, markeredgecolor=colour,
                markeredgewidth=1.5)


def _pixels(position: np.ndarray, found: Explanation) -> np.ndarray:
    """(…, [x, y]) m of the picture's plane to (…, [column, row]) px."""
    sample = found.sample
    assert sample is not None
    rows, columns = sample.video[MAIN].shape[3:5]
    pitch = sample.state["objects"].attrs["height"] / rows
    return np.stack([columns / 2 + position[..., 0] / pitch, rows / 2 - position[..., 1] / pitch],
                    axis=-1)


def _outline(ax: Axes, found: Explanation, frame: int, dream: bool) -> None:
    """Outlines of the wet area: of the truth solid, of the dream dashed."""
    sample = found.sample
    assert sample is not None
    if "water" not in sample.state.children:
        return
    grid = sample.observed["water"].dataset
    styles = STYLES["simulated"], STYLES["generated"]
    shown = [(sample.state["water"].dataset, styles[0])] + ([(grid, styles[1])] if dream else [])
    for water, style in shown:
        wet = water["wet"][0, 0, frame].values.astype(float)
        if wet.min() == wet.max():
            continue
        x, y = _cells(water, grid)
        ax.contour(x, y, wet, levels=[0.5], colors="white", linewidths=2.4)
        ax.contour(x, y, wet, levels=[0.5], colors=style.colour, linewidths=1.3,
                   linestyles=[style.dashes])


def _cells(water: xr.Dataset, grid: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Middles of cells (x,), (y,) in pixels (column, row) of the picture that `grid` was read from.
    """
    x, y = grid["x"].values, grid["y"].values
    pitch = x[1] - x[0]
    return ((water["x"].values - x[0]) / pitch + 0.5, (y[-1] - water["y"].values) / pitch + 0.5)


def _key(found: Explanation, objects: list[Followed]) -> list[Line2D]:
    sample = found.sample
    assert sample is not None
    handles = []
    if objects:
        plain: dict[str, Any] = {"linestyle": "none", "color": "white"}
        handles += [Line2D([], [], marker="o", markerfacecolor="none", label="truly", **plain),
                    Line2D([], [], marker="x", label="in the dream", **plain)]
        if any(one.lost.any() for one in objects):
            handles.append(Line2D([], [], marker="1", label="lost: last seen", **plain))
        handles += [Line2D([], [], color=MARKS[one.number % len(MARKS)], label=one.name,
                           linewidth=3) for one in objects[:LINES]]
    if "water" in sample.state.children:
        shown = ((STYLES["simulated"], "truly wet"), (STYLES["generated"], "wet in the dream"))
        for style, text in shown:
            dashes: Any = style.dashes
            handles.append(Line2D([], [], color=style.colour, linestyle=dashes, label=text))
    return handles


def _errors(ax: Axes, found: Explanation, curves: Curves) -> None:
    unit = unit_symbol(found.metric.unit)
    for name, error in curves.baselines.items():
        style = style_of(name)
        ax.plot(curves.time, error, color=style.colour, linestyle=style.dashes, linewidth=1.0,
                alpha=0.8, label=BRIEF.get(name, name))
    floor, own = STYLES["floor"], STYLES["generated"]
    ax.plot(curves.time, curves.floor, color=floor.colour, linestyle=floor.dashes,
            linewidth=floor.width, label="floor")
    ax.plot(curves.time, curves.limit, color=GREY, linewidth=0.9, label=f"{TIMES:g} floors")
    ax.plot(curves.time, curves.error, color=own.colour, linewidth=own.width, label="this model",
            zorder=5)
    assert found.sample is not None
    _time_axis(ax, curves, found.sample.context)
    known = np.concatenate([curves.error, *curves.baselines.values()])
    _scale(ax, known, curves.limit)
    ax.set_ylabel(f"error [{unit}]" if unit else "error")
    ax.set_title(found.metric.name, fontsize=9, loc="left")
    ax.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.02))


def _each(ax: Axes, curves: Curves, objects: list[Followed], context: int) -> None:
    """Errors of place, object by object."""
    worst = sorted(objects, key=lambda one: -np.nanmax(one.error[context:], initial=0.0))[:LINES]
    colours = (BLUE, VERMILLION, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
    for one, colour in zip(sorted(worst, key=lambda o: o.number), colours, strict=False):
        ax.plot(curves.time, one.error, color=colour, linewidth=1.6, label=one.name)
        if one.departure is not None:
            ax.plot(curves.time[one.departure], one.error[one.departure], marker="v", color=colour,
                    markersize=6)
    ax.plot(curves.time, np.nanmean([one.floor for one in objects], axis=0), color=GREY,
            linestyle=STYLES["floor"].dashes, linewidth=1.8, label="floor")
    _time_axis(ax, curves, context)
    _scale(ax, np.concatenate([one.error for one in worst]), curves.floor)
    left = f" (the worst {LINES} of {len(objects)})" if len(objects) > LINES else ""
    ax.set_title(f"place of each object{left}", fontsize=9, loc="left")
    ax.set_ylabel("error [m]")
    ax.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.02))


def _time_axis(ax: Axes, curves: Curves, context: int) -> None:
    if context:
        ax.axvspan(curves.time[0], curves.time[min(context, len(curves.time) - 1)], color="#eeeeee",
                   zorder=0)
    if curves.departure is not None:
        ax.axvline(curves.time[curves.departure], color=VERMILLION, linewidth=1.2, zorder=2)
    ax.set_xlim(curves.time[0], curves.time[-1])
    ax.set_xlabel("time [s] (grey: known frames)")


def _scale(ax: Axes, errors: np.ndarray, limit: np.ndarray) -> None:
    """Floors and errors lie decades apart: logarithmic, but for what is zero."""
    least = np.nanmedian(limit[limit > 0]) if (limit > 0).any() else 1e-3
    ax.set_yscale("symlog", linthresh=float(least), linscale=0.6)
    top = np.nanmax(errors) if np.isfinite(errors).any() else least
    ax.set_ylim(0, 1.4 * float(max(top, least)))
