"""Plots of a town: maps, people, services. Arrays in, matplotlib Axes out; as `plots`.

Nothing depends on colour vision: what a building is stands on it as a letter, damage grows
darker, statuses are hatched, and every plot has its legend.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from evaluation.report.plots import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PLOT_INCHES,
    PURPLE,
    SKY,
    STYLES,
    VERMILLION,
    new_axes,
)

DAMAGE_COLOURS = ("#ffffff", "#fde0b2", "#f9b26a", "#e0702f", "#962d10", "#1b1b1b")
"""None to washed away: lightness falls all the way, so it survives grey printing."""

LETTERS = {"hospital": "H", "shelter": "S", "substation": "E", "pumping station": "W"}
"""What is written on a building; homes and shops carry nothing."""

MAP_WIDTH, AROUND_MAP, LEGEND_ROW = 2.8, 1.48, 0.165
"""Inches: about the width of a map's frame in a plot, the height of all around it (title, axis,
colour bar), and of each row of its legend."""

STATUS_STYLES: dict[str, tuple[str, str]] = {
    "safe": (GREEN, ""),
    "sheltered": (BLUE, "..."),
    "indoors": ("#cfd4d8", ""),
    "waiting": (SKY, "///"),
    "walking": (ORANGE, ""),
    "wading": (PURPLE, "\\\\\\"),
    "in water": (VERMILLION, "xxx"),
}
"""Colour and hatching of what people are doing, in the order of a stack from below."""

_DARK, _LIGHT = "#101418", "#ffffff"


def ground_map(x: ArrayLike, y: ArrayLike, field: ArrayLike, *, label: str, land: ArrayLike,
               most: float | None = None, source: str = "simulated", title: str = "",
               ax: Axes | None = None) -> Axes:
    """A quantity over the land, white where it is 0; the sea is plain grey.

    Parameters
    ----------
    x, y : (x,), (y,) evenly spaced, ascending cell centres, m. field : (y, x). land : (y, x) bool.
    most : value of the darkest colour; the largest on land by default.
    source : "simulated" or "generated"; a generated map has a dashed frame.
    """
    x, y, land = np.asarray(x, float), np.asarray(y, float), np.asarray(land, bool)
    ax = ax or new_axes((PLOT_INCHES[0], AROUND_MAP + MAP_WIDTH * np.ptp(y) / np.ptp(x)))
    field = np.where(land, np.asarray(field, float), np.nan)
    half_x, half_y = (x[1] - x[0]) / 2, (y[1] - y[0]) / 2
    extent = (x[0] - half_x, x[-1] + half_x, y[0] - half_y, y[-1] + half_y)
    # Lighter than all of the map, so that walls, buildings and paths are seen on deep water too.
    colours = ListedColormap(colormaps["Blues"](np.linspace(0.0, 0.72, 256))).with_extremes(
        bad="#b9c0c6")
    if most is None:
        most = float(np.nanmax(field)) if np.isfinite(field).any() else 0.0
    mesh = ax.imshow(field, extent=extent, origin="lower", interpolation="none", cmap=colours,
                     vmin=0.0, vmax=most or 1.0)
    ax.set(xlabel="x, from the sea [m]", ylabel="y, along the shore [m]", aspect="equal",
           xlim=extent[:2], ylim=extent[2:])
    ax.set_title(title or source.upper(), fontsize=9, fontweight="bold")
    style = STYLES[source]
    for spine in ax.spines.values():
        spine.set(edgecolor=style.colour, linewidth=2.0, linestyle=style.dashes, visible=True)
    beyond = np.isfinite(field).any() and float(np.nanmax(field)) > most
    bar = ax.figure.colorbar(mesh, ax=ax, orientation="horizontal", shrink=0.9, aspect=30,
                             extend="max" if beyond else "neither")
    bar.locator = MaxNLocator(5)
    bar.set_label(label, fontsize=8)
    return ax


def damaged_buildings(ax: Axes, footprints: ArrayLike, damage: ArrayLike, roles: Sequence[str],
                      names: Sequence[str]) -> None:
    """Buildings shaded by damage state, with their letters, and a legend of both.

    Parameters
    ----------
    footprints : (building, [x0, x1, y0, y1]) m. damage : (building,) index into `names`.
    """
    damage = np.asarray(damage, int)
    for bounds, state, role in zip(np.asarray(footprints), damage, roles, strict=True):
        _building(ax, bounds, DAMAGE_COLOURS[state], role, dark=state >= 3)
    shown = [Patch(facecolor=DAMAGE_COLOURS[s], edgecolor=_DARK, linewidth=0.7, label=names[s])
             for s in sorted(set(damage.tolist()) | {0, 4})]
    _legend(ax, shown, roles)


def fallen_buildings(ax: Axes, footprints: ArrayLike, down: ArrayLike,
                     roles: Sequence[str]) -> None:
    """Buildings shaded by the share (building,) of outcomes in which they came down; crossed out
    where nothing is known (NaN)."""
    down = np.asarray(down, float)
    shades = colormaps["Oranges"]
    for bounds, share, role in zip(np.asarray(footprints), down, roles, strict=True):
        if np.isnan(share):
            _building(ax, bounds, "none", role, dark=False, hatch="xxxx")
        else:
            _building(ax, bounds, shades(0.9 * share) if share else _LIGHT, role,
                      dark=share > 0.6)
    shown = [Patch(facecolor=shades(0.9 * s) if s else _LIGHT, edgecolor=_DARK, linewidth=0.7,
                   label=words) for s, words in ((0.0, "stands in all"), (0.5, "down in half"),
                                                 (1.0, "down in all"))]
    if np.isnan(down).any():
        shown.append(Patch(facecolor="none", edgecolor=_DARK, linewidth=0.7, hatch="xxxx",
                           label="not seen"))
    _legend(ax, shown, roles)


def outlines(ax: Axes, footprints: ArrayLike, roles: Sequence[str]) -> None:
    """Buildings as empty outlines with their letters."""
    for bounds, role in zip(np.asarray(footprints), roles, strict=True):
        _building(ax, bounds, "#e8eaec", role, dark=False)


def _building(ax: Axes, bounds: np.ndarray, colour: object, role: str, *, dark: bool,
              hatch: str = "") -> None:
    x0, x1, y0, y1 = bounds
    ax.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, facecolor=colour, edgecolor=_DARK,
                           linewidth=0.8, hatch=hatch or None, zorder=4))
    if role in LETTERS:
        ax.text((x0 + x1) / 2, (y0 + y1) / 2, LETTERS[role], ha="center", va="center", zorder=5,
                fontsize=7, fontweight="bold", color=_LIGHT if dark else _DARK)


def _legend(ax: Axes, shown: list[Patch], roles: Sequence[str]) -> None:
    letters = [Line2D([], [], linestyle="", marker=f"${letter}$", markersize=6, color=GREY,
                      label=role) for role, letter in LETTERS.items() if role in roles]
    _map_legend(ax, [*shown, *letters], 3)


def _map_legend(ax: Axes, handles: Sequence[Artist], columns: int) -> None:
    """A legend below a map, for which the figure grows."""
    figure = ax.get_figure(root=True)
    assert figure is not None, "the axes have been removed from their figure"
    figure.set_figheight(figure.get_figheight() + LEGEND_ROW * math.ceil(len(handles) / columns))
    figure.legend(handles=handles, loc="outside lower left", ncols=columns, fontsize=7,
                  frameon=False, handlelength=1.4, columnspacing=1.2)


def coastal_works(ax: Axes, footprints: ArrayLike, failed: ArrayLike) -> None:
    """Segments of walls: full lines where they stand, dotted where they fail in half or more of
    the outcomes."""
    for (x0, x1, y0, y1), share in zip(np.asarray(footprints), np.asarray(failed), strict=True):
        lost = share >= 0.5
        ax.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, zorder=3, edgecolor=_DARK,
                               facecolor=_LIGHT if lost else "#4a5058", linewidth=0.6,
                               linestyle=":" if lost else "-"))


def trees(ax: Axes, planted: ArrayLike, broken: ArrayLike) -> None:
    """Cells with trees on a map: green; brown where they break in half or more of the outcomes.

    Parameters
    ----------
    planted : (y, x) bool, on the map's own cells. broken : (y, x) share of outcomes.
    """
    planted, lost = np.asarray(planted, bool), np.asarray(broken, float) >= 0.5
    picture = np.zeros((*planted.shape, 4))
    picture[planted & ~lost] = to_rgba(GREEN, 0.85)
    picture[planted & lost] = to_rgba("#8a6d3b", 0.85)
    ax.imshow(picture, extent=ax.get_images()[0].get_extent(), origin="lower",
              interpolation="none", zorder=2)


def paths(ax: Axes, path: ArrayLike, caught: ArrayLike, most_points: int = 40) -> None:
    """Where people went: a thin line each, a dot where each began; those `caught` by the water
    dashed, with a cross where they end.

    Parameters
    ----------
    path : (person, time, xy) m, NaN where a person is nowhere. caught : (person,) bool.
    """
    path, caught = np.asarray(path, float), np.asarray(caught, bool)
    step = max(1, path.shape[1] // most_points)
    coarse = np.concatenate([path[:, ::step], path[:, -1:]], axis=1)
    for chosen, colour, dashes, words in ((~caught, GREEN, "-", "stayed on their feet"),
                                          (caught, VERMILLION, (0, (2, 1)), "off their feet")):
        if not chosen.any():
            continue
        ax.add_collection(LineCollection(list(coarse[chosen]), colors=colour, linestyles=[dashes],
                                         linewidths=1.1, zorder=6))
        ax.plot(*path[chosen, 0].T, linestyle="", marker="o", markersize=2.2, color=colour,
                label=words, zorder=7)
        if colour == VERMILLION:
            ax.plot(*path[chosen, -1].T, linestyle="", marker="x", markersize=5, color=colour,
                    zorder=7)
    _map_legend(ax, ax.get_legend_handles_labels()[0], 2)


def standing_over_time(time: ArrayLike, simulated: ArrayLike, *,
                       generated_time: ArrayLike | None = None,
                       generated: ArrayLike | None = None, context: float = 0.0,
                       ax: Axes | None = None) -> Axes:
    """Share of buildings that stand; arguments as those of `bands_over_time`."""
    ax = bands_over_time(time, simulated, generated_time=generated_time, generated=generated,
                         context=context, ax=ax)
    ax.set(ylabel="share of buildings standing [1]", ylim=(0, 1.03))
    return ax


def bands_over_time(time: ArrayLike, simulated: ArrayLike, *,
                    generated_time: ArrayLike | None = None, generated: ArrayLike | None = None,
                    context: float = 0.0, ax: Axes | None = None) -> Axes:
    """Mean and range of a quantity over outcomes, truth against dream.

    Parameters
    ----------
    simulated, generated : (member, time), the latter at `generated_time`.
    context : seconds that the world model was given.
    """
    ax = ax or new_axes()
    sources = [("simulated", np.asarray(time, float), np.asarray(simulated, float))]
    if generated is not None:
        times = sources[0][1] if generated_time is None else np.asarray(generated_time, float)
        sources.append(("generated", times, np.asarray(generated, float)))
    for name, times, values in sources:
        style = STYLES[name]
        ax.fill_between(times, values.min(axis=0), values.max(axis=0), color=style.colour,
                        alpha=0.13, linewidth=0, hatch="////" if name == "generated" else None)
        ax.plot(times, values.mean(axis=0), color=style.colour, linestyle=style.dashes,
                linewidth=style.width, label=f"{name}: mean of {len(values)}")
    if context and generated is not None:
        ax.axvspan(0, context, color=GREY, alpha=0.18, linewidth=0)
    ax.set(xlabel="time [s]")
    ax.set_xlim(float(np.min(time)), float(np.max(time)))
    ax.figure.legend(loc="outside lower left", ncols=2, fontsize=7, frameon=False,
                     handlelength=3.2)
    return ax


def people_over_time(time: ArrayLike, counts: Mapping[str, ArrayLike],
                     ax: Axes | None = None) -> Axes:
    """What people are doing, stacked.

    Parameters
    ----------
    counts : status -> (time,) people; in the order of `STATUS_STYLES`, unknown ones on top.
    """
    ax = ax or new_axes((PLOT_INCHES[0], 3.3))
    order = [*(s for s in STATUS_STYLES if s in counts), *(s for s in counts
                                                           if s not in STATUS_STYLES)]
    used = [s for s in order if np.any(np.asarray(counts[s]) > 0)]
    styles = [STATUS_STYLES.get(s, (GREY, "++")) for s in used]
    layers = ax.stackplot(np.asarray(time, float), np.array([counts[s] for s in used], float),
                          labels=used,
                          colors=[colour for colour, _ in styles], edgecolor=_LIGHT, linewidth=0.4)
    for layer, (_, hatch) in zip(layers, styles, strict=True):
        layer.set_hatch(hatch)
    ax.set(xlabel="time [s]", ylabel="people, mean over outcomes")
    ax.set_xlim(float(np.min(time)), float(np.max(time)))
    ax.set_ylim(0, None)
    ax.figure.legend(loc="outside lower left", ncols=3, fontsize=7, frameon=False)
    return ax


def service_over_time(days: ArrayLike, level: Mapping[str, ArrayLike], *, title: str = "",
                      ax: Axes | None = None) -> Axes:
    """The chance that each service works in the year after.

    Parameters
    ----------
    days : (time,) after the event. level : service -> (time,) in 0..1.
    """
    ax = ax or new_axes()
    looks = ((BLUE, "-"), (VERMILLION, "--"), (GREEN, "-."), (PURPLE, ":"), (ORANGE, (0, (5, 1))))
    days = np.asarray(days, float)
    for (name, chance), (colour, dashes) in zip(level.items(), looks, strict=False):
        ax.plot(days, chance, color=colour, linestyle=dashes, linewidth=1.8, label=name)
    ax.set_xscale("symlog", linthresh=1.0)
    ticks = [d for d in (0, 1, 7, 30, 90, 365) if d <= days.max()]
    ax.set_xticks(ticks, [f"{d}" for d in ticks])
    ax.set_xlim(0, float(days.max()))
    ax.set(xlabel="time after the wave [d]", ylabel="chance that it works [1]", ylim=(0, 1.03))
    ax.set_title(title, fontsize=9, fontweight="bold")
    ax.figure.legend(loc="outside lower left", ncols=2, fontsize=7, frameon=False,
                     handlelength=3.2)
    return ax
