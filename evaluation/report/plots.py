"""Plots of truth against dream: arrays in, matplotlib Axes out; knows nothing of worldsim.

Simulated is always a solid line (or plain frame), generated always a dashed one (or hatched
frame), and both words stand in every legend, so that no plot depends on colour vision.
Colours: Okabe & Ito (2008), "Color Universal Design".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

BLUE, VERMILLION, SKY, ORANGE = "#0072B2", "#D55E00", "#56B4E9", "#E69F00"
GREEN, PURPLE, GREY = "#009E73", "#CC79A7", "#888888"
HATCH = "////"
# One plot is as wide as a phone (360 px less margins at 96 px per inch): it is shown unscaled
# there, and in columns on a wide screen, so its lettering is never shrunk below its set size.
PLOT_INCHES = (3.55, 3.1)


@dataclass(frozen=True)
class LineStyle:
    """How one source is drawn: a colour, a dash pattern and a marker that all differ."""

    colour: str
    dashes: str | tuple[int, tuple[float, ...]]
    marker: str = ""
    width: float = 1.4


STYLES: dict[str, LineStyle] = {
    "simulated": LineStyle(BLUE, "-", width=1.8),
    "generated": LineStyle(VERMILLION, "--", width=2.2),
    "floor": LineStyle(GREY, (0, (1, 1.2)), width=1.8),
    "perfect": LineStyle(SKY, "-", "D"),
    "frozen": LineStyle(ORANGE, ":", "s"),
    "constant-velocity": LineStyle(PURPLE, "-.", "^"),
    "climatology": LineStyle(GREEN, (0, (6, 1.5, 1, 1.5, 1, 1.5)), "o"),
    "nearest": LineStyle("#7A5195", (0, (3, 1)), "v"),
}


def new_axes(inches: tuple[float, float] = PLOT_INCHES) -> Axes:
    """One Axes on its own figure, outside pyplot's global state."""
    return Figure(figsize=inches, layout="constrained").add_subplot()


def style_of(name: str) -> LineStyle:
    """The style of a source; "baseline:frozen" finds "frozen", unknown names a plain grey line."""
    return STYLES.get(name.removeprefix("baseline:"), LineStyle(GREY, "-", "x"))


def error_over_time(
    time: ArrayLike,
    errors: Mapping[str, ArrayLike],
    unit: str,
    *,
    labels: Mapping[str, str] | None = None,
    interval: tuple[ArrayLike, ArrayLike] | None = None,
    context: float = 0.0,
    scored_from: float | None = None,
    quantity: str = "error",
    higher_is_better: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Error of the dream, the floor and the baselines against lead time.

    Parameters
    ----------
    time : (time,) seconds.
    errors : name -> (time,) in `unit`; known names are the keys of `STYLES`. NaN is a gap.
    interval : lower and upper (time,) of the dream's error, shaded.
    context : seconds at the start that the world model was given, greyed and lettered.
    scored_from : second from which the score counts, drawn as a line.
    higher_is_better : the axis then need not start at zero.
    """
    ax = ax or new_axes()
    time = np.asarray(time, float)
    labels = labels or {}
    for name, error in errors.items():
        style = style_of(name)
        ax.plot(
            time,
            np.asarray(error, float),
            color=style.colour,
            linestyle=style.dashes,
            linewidth=style.width,
            marker=style.marker or None,
            markevery=max(1, time.size // 6),
            markersize=4,
            label=labels.get(name, name),
            zorder=4 if name == "generated" else 3,
        )
    if interval is not None:
        low, high = (np.asarray(bound, float) for bound in interval)
        ax.fill_between(time, low, high, color=VERMILLION, alpha=0.15, linewidth=0)
    _shade_context(ax, context)
    ax.set(xlabel="time [s]", ylabel=f"{quantity} [{unit}]")
    if not higher_is_better:
        ax.set_ylim(0, None)
    ax.set_xlim(float(time.min()), float(time.max()))
    if scored_from is not None:
        ax.axvline(scored_from, color=GREY, linewidth=0.8)
        ax.annotate(
            "scored \N{RIGHTWARDS ARROW}",
            (scored_from, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 2),
            textcoords="offset points",
            fontsize=7,
            va="bottom",
        )
    _legend_below(ax)
    return ax


def front_over_time(
    time: ArrayLike,
    simulated: ArrayLike,
    generated: ArrayLike,
    *,
    generated_time: ArrayLike | None = None,
    context: float = 0.0,
    ax: Axes | None = None,
) -> Axes:
    """Water front position of every realization and their median, truth against dream.

    Parameters
    ----------
    time : (time,) seconds; `generated_time` where the dream has other times.
    simulated, generated : (realization, time) metres from the offshore edge. NaN is a gap.
    """
    ax = ax or new_axes()
    sources = (
        ("simulated", time, simulated),
        ("generated", time if generated_time is None else generated_time, generated),
    )
    for name, times, front in sources:
        front = np.atleast_2d(np.asarray(front, float))
        times = np.asarray(times, float)
        style = STYLES[name]
        ax.plot(
            times, front.T, color=style.colour, linestyle=style.dashes, linewidth=0.7, alpha=0.45
        )
        ax.plot(
            times,
            _median(front),
            color=style.colour,
            linestyle=style.dashes,
            linewidth=style.width + 0.6,
            label=f"{name}: median of {front.shape[0]}",
        )
    _shade_context(ax, context)
    ax.set(xlabel="time [s]", ylabel="water front, x [m]")
    ax.set_xlim(float(np.min(time)), float(np.max(time)))
    _legend_below(ax)
    return ax


def wet_map(
    x: ArrayLike,
    y: ArrayLike,
    fraction: ArrayLike,
    *,
    source: str,
    time: float,
    ax: Axes | None = None,
) -> Axes:
    """Map of how many realizations are wet in each cell: 0 (none) to 1 (all).

    Parameters
    ----------
    x, y : (x,), (y,) evenly spaced, ascending cell centres in metres.
    fraction : (y, x) in 0..1.
    source : "simulated" or "generated"; a generated map has a hatched, dashed frame.
    time : seconds, for the title.
    """
    ax = ax or new_axes((PLOT_INCHES[0], 2.9))
    x, y = np.asarray(x, float), np.asarray(y, float)
    half_x, half_y = (x[1] - x[0]) / 2, (y[1] - y[0]) / 2
    mesh = ax.imshow(
        np.asarray(fraction, float),
        extent=(x[0] - half_x, x[-1] + half_x, y[0] - half_y, y[-1] + half_y),
        origin="lower",
        interpolation="none",
        cmap=_water_colours(),
        vmin=0,
        vmax=1,
    )
    ax.set(xlabel="x, from the sea [m]", ylabel="y, along the shore [m]", aspect="equal")
    ax.set_title(f"{source.upper()}, t = {time:.1f} s", fontsize=9, fontweight="bold")
    style = STYLES[source]
    for spine in ax.spines.values():
        spine.set(edgecolor=style.colour, linewidth=2.2, linestyle=style.dashes, visible=True)
    if source == "generated":
        margin = Rectangle(
            (0, 1.0), 1, 0.04, transform=ax.transAxes, clip_on=False, hatch=HATCH, fill=False
        )
        margin.set(edgecolor=VERMILLION, linewidth=0)
        ax.add_patch(margin)
        ax.title.set_position((0.5, 1.05))
        ax.set_title(ax.get_title(), fontsize=9, fontweight="bold", pad=10)
    bar = ax.figure.colorbar(mesh, ax=ax, orientation="horizontal", shrink=0.9, aspect=30)
    bar.set_label("fraction of realizations wet [1]", fontsize=8)
    return ax


def _water_colours() -> ListedColormap:
    """White (dry) to deep blue: lightness falls all the way, so it survives grey printing."""
    return ListedColormap(colormaps["Blues"](np.linspace(0.0, 0.95, 256)), name="wet")


def _median(front: np.ndarray) -> np.ndarray:
    """Median over realizations of (realization, time); all-NaN times stay NaN without a warning."""
    result = np.full(front.shape[1], np.nan)
    seen = ~np.isnan(front).all(axis=0)
    result[seen] = np.nanmedian(front[:, seen], axis=0)
    return result


def _shade_context(ax: Axes, context: float) -> None:
    if context <= 0:
        return
    ax.axvspan(0, context, color=GREY, alpha=0.18, linewidth=0)
    ax.annotate(
        "given",
        (context / 2, 0.5),
        xycoords=("data", "axes fraction"),
        rotation=90,
        fontsize=7,
        ha="center",
        va="center",
    )


def _legend_below(ax: Axes) -> None:
    ax.figure.legend(loc="outside lower left", ncols=2, fontsize=7, frameon=False, handlelength=3.2)
