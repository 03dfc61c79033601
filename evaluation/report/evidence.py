"""Plots of what happens to a town and its people: truth, and dream where a video can show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from evaluation.metrics import Sample
from evaluation.metrics.structures import matched_standing
from evaluation.observe import CAMERA, video_of
from evaluation.report import town, town_plots
from evaluation.report.contents import Plot
from evaluation.report.svg import plot, plot_style
from worldsim.instruments import observe_buildings, observe_water
from worldsim.instruments.state import buildings_state
from worldsim.outcomes.damage import STATES

SCALED = 95.0
"""Per cent of the cells that the colour scales of maps resolve; the rest has the last colour."""

TRACE = 0.01
"""Share of the largest value below which a cell does not count for the scale."""

OFF_THEIR_FEET = "in water"
"""The status of people whom the water carries."""


def has_town(truth: xr.DataTree) -> bool:
    """Whether a rollout's states hold water and buildings to draw."""
    if not {"water", "structures"} <= set(truth.children):
        return False
    return bool(truth["structures"]["present"].values.any())


def map_plots(truth: xr.DataTree, case: int, land: town.Ground, *, name: str = "",
              most: Mapping[str, float] | None = None, title: str = "") -> tuple[Plot, ...]:
    """Maps of one case of a simulated rollout: deepest water with damage, flow with people, tracer.

    Parameters
    ----------
    case : its place in the rollout. land : its water. name : put before the plots' ids.
    most : ends of the colour scales by name, see `scales`; its own largest values by default.
    """
    built = town.buildings(truth, case)
    most = scales(land, built) if most is None else most
    works, people = town.works(truth, case), town.people(truth, case)
    trees = town.trees(truth, case)
    members = truth.sizes["realization"]
    number = int(truth["case"].values[case])
    shown = f"case {number}, mean of {members} outcomes" if members > 1 else f"case {number}"
    with plot_style():
        ax = town_plots.ground_map(land.x, land.y, land.depth, label="deepest water [m]",
                                   land=land.land, most=most["depth"], title=title)
        _coast(ax, works, trees)
        if built.damage is None:
            town_plots.fallen_buildings(ax, built.footprint, built.down, built.roles)
        else:
            town_plots.damaged_buildings(ax, built.footprint, built.damage, built.roles, STATES)
    state = ("Buildings: share of outcomes in which they come down." if built.damage is None else
             "Buildings: the middle one of the outcomes’ damage states.")
    down = round(float(built.down.sum()), 1)
    plots = [plot(
        ax, f"{name}map-depth",
        f"Deepest water on land, {shown}. {state} Grey: sea.{_coast_words(works, trees)}",
        f"Map of the deepest water: up to {float(land.depth[land.land].max(initial=0.0)):.1f} m "
        f"on land; on average {down:g} of {len(built.down)} buildings come down.",
    )]
    if land.flux is not None:
        plots.append(_flux_map(land, built, lambda ax: _coast(ax, works, trees), people, shown,
                               name, title, most["flux"]))
    if land.tracer is not None:
        plots.append(_tracer_map(land, shown, name, title, most["tracer"]))
    return tuple(plots)


def scales(land: town.Ground, built: town.Buildings) -> dict[str, float]:
    """Ends of the colour scales of each mapped quantity that there is: nearly the largest value
    from the first building inland, so that the beach does not make the town look dry."""
    fields = {"depth": land.depth, "flux": land.flux, "tracer": land.tracer}
    inland = land.land & (land.x >= built.footprint[:, 0].min())[None, :]
    ends = {}
    for name, field in fields.items():
        if field is not None:
            told = field[inland & (field > TRACE * field.max())]
            ends[name] = float(np.percentile(told, SCALED)) if told.size else 0.0
    return ends


def _flux_map(land: town.Ground, built: town.Buildings, coast: Callable[[Axes], None],
              people: town.People | None, shown: str, name: str, title: str,
              most: float) -> Plot:
    assert land.flux is not None
    caption = f"Largest depth times speed on land, {shown}."
    alternative = ("Map of depth times speed: up to "
                   f"{float(land.flux[land.land].max(initial=0.0)):.1f} m²/s on land.")
    with plot_style():
        ax = town_plots.ground_map(land.x, land.y, land.flux, label="depth × speed [m²/s]",
                                   land=land.land, most=most, title=title)
        coast(ax)
        town_plots.outlines(ax, built.footprint, built.roles)
        if people is not None:
            caught = (people.status == people.names.index(OFF_THEIR_FEET)).any(axis=1)
            town_plots.paths(ax, people.path, caught)
            caption += (f" Lines: where {len(caught)} people went in the first outcome; a dot "
                        "marks where each began, a cross where those whom the water took ended.")
            alternative += (f" Paths of {len(caught)} people; the water took "
                            f"{int(caught.sum())} of them off their feet.")
    return plot(ax, f"{name}map-flux", caption, alternative)


def _tracer_map(land: town.Ground, shown: str, name: str, title: str, most: float) -> Plot:
    assert land.tracer is not None
    milligrams = 1000.0 * land.tracer  # 1 kg m-3 is 1000 mg/L
    highest = float(milligrams[land.land].max(initial=0.0))
    with plot_style():
        ax = town_plots.ground_map(land.x, land.y, milligrams, land=land.land, title=title,
                                   most=1000.0 * most, label="highest concentration [mg/L]")
    return plot(ax, f"{name}map-tracer",
                f"Highest concentration of what leaked from the tank, dissolved, {shown}.",
                f"Map of the tracer: up to {highest:.3g} mg/L on land.")


def _coast(ax: Axes, works: town.Works | None, trees: town.Trees | None) -> None:
    if trees is not None:
        town_plots.trees(ax, trees.planted, trees.broken)
    if works is not None:
        town_plots.coastal_works(ax, works.footprint, works.failed)


def _coast_words(works: town.Works | None, trees: town.Trees | None) -> str:
    words = _wall_words(works)
    if trees is None:
        return words
    lost = 100 * float((trees.broken[trees.planted] >= 0.5).mean())
    return words + (f" Green: trees, brown where they break in half of the outcomes or more "
                    f"({lost:.0f} %).")


def _wall_words(works: town.Works | None) -> str:
    if works is None:
        return ""
    kinds = " and ".join(sorted({kind for kind in works.kinds if kind})) or "works"
    lost = int((works.failed >= 0.5).sum())
    fate = (f", dotted where it fails in half of the outcomes or more ({lost} of "
            f"{len(works.failed)} segments)" if lost else "")
    return f" Dark bars: {kinds}{fate}."


def seen_standing(truth: xr.DataTree, dream: xr.DataTree) -> tuple[np.ndarray, np.ndarray]:
    """Buildings that stand in the dream's video, in the truth's order.

    Returns
    -------
    ``time`` (time,) s, and (case, realization, time, building) 1 or 0; NaN where the video's first
    frame does not show the building, or there is none.
    """
    stored = dream["video"][CAMERA]
    video = video_of(dream, CAMERA, stored["rgb"].shape[3:5], float(stored.attrs["fps"]))
    time = video["time"].values
    cases = dream["case"].values
    sample = Sample(
        xr.DataTree.from_dict({"buildings": observe_buildings(video)}),
        xr.DataTree.from_dict({"buildings": buildings_state(truth.sel(case=cases), time)}),
    )
    standing, found = matched_standing(sample)
    return time, np.where(found.values[:, :, None], standing.values, np.nan)


def pair_plots(truth: xr.DataTree, dream: xr.DataTree, land: town.Ground,
               standing: np.ndarray) -> tuple[Plot, ...]:
    """What is flooded and what comes down in the dream's first case, truth beside dream.

    Parameters
    ----------
    land : the truth's water of that case.
    standing : (case, realization, time, building) as `seen_standing` gives it.
    """
    number = int(dream["case"].values[0])
    case = int(np.flatnonzero(truth["case"].values == number)[0])
    built = town.buildings(truth, case)
    stored = dream["video"][CAMERA]
    video = video_of(dream.sel(case=[number]), CAMERA, stored["rgb"].shape[3:5],
                     float(stored.attrs["fps"]))
    water = observe_water(video)
    wet = water["wet"].any("time").mean(["case", "realization"]).transpose("y", "x").values
    there = truth["structures"]["present"].values[case]
    last = standing[0, :, -1][:, there]
    seen = 1.0 - last.mean(axis=0)
    dry_land = _on(land, water["x"].values, water["y"].values)
    drawn = (
        ("simulated", land.x, land.y, land.land, land.flooded, built.down,
         truth.sizes["realization"]),
        ("generated", water["x"].values, water["y"].values, dry_land, wet, seen,
         dream.sizes["realization"]),
    )
    return tuple(_pair(number, built, *one) for one in drawn)


def _pair(case: int, built: town.Buildings, source: str, x: np.ndarray, y: np.ndarray,
          land: np.ndarray, flooded: np.ndarray, down: np.ndarray, members: int) -> Plot:
    with plot_style():
        ax = town_plots.ground_map(x, y, flooded, label="share of outcomes ever wet [1]", land=land,
                                   most=1.0, source=source)
        town_plots.fallen_buildings(ax, built.footprint, down, built.roles)
    lost, known = float(np.nansum(down)), int(np.isfinite(down).sum())
    unseen = len(down) - known
    words = f" {unseen} of {len(down)} are not recognised in its first frame." if unseen else ""
    read = "from the state" if source == "simulated" else "read off the dream’s video"
    return plot(
        ax, f"town-{source}",
        f"Where water ever came and which buildings came down, {source}, {read}: share of "
        f"{members} outcome{'s' if members > 1 else ''}, case {case}.{words}",
        f"Map, {source}: {100 * float(flooded[land].mean()):.0f} % of the land is flooded; on "
        f"average {lost:.1f} of {known} buildings come down.",
    )


def _on(land: town.Ground, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which cells of another grid are land, by the nearest cell."""
    column = np.abs(land.x[None, :] - x[:, None]).argmin(axis=1)
    row = np.abs(land.y[None, :] - y[:, None]).argmin(axis=1)
    return land.land[np.ix_(row, column)]


def time_plots(truth: xr.DataTree, seen_time: np.ndarray | None = None,
               seen: np.ndarray | None = None, context: float = 0.0, *,
               name: str = "", title: str = "") -> tuple[Plot, ...]:
    """Timelines over all members: buildings standing, and what people are doing.

    Parameters
    ----------
    seen_time, seen : as `seen_standing` gives them; without them only the truth is drawn.
    context : seconds that the world model was given.
    """
    group = truth["structures"].dataset
    there = group["present"].values
    time = group["time"].values
    simulated = _shares(group["standing"].values.astype(float), there)
    generated = None if seen is None else _shares(seen, there)
    with plot_style():
        ax = town_plots.standing_over_time(time, simulated, generated_time=seen_time,
                                           generated=generated, context=context)
        ax.set_title(title, fontsize=9, fontweight="bold")
    words = f"{100 * simulated[:, -1].mean():.0f} % simulated"
    if generated is not None:
        words += f", {100 * np.nanmean(generated[:, -1]):.0f} % generated"
    drawn = [plot(
        ax, f"{name}standing", "Share of buildings that stand. Line: mean over all outcomes; "
        "shaded: from the least to the most of any outcome.",
        f"Line plot of the share of buildings standing; at the end {words}.",
    )]
    counted = town.status_counts(truth)
    if counted is not None:
        drawn.append(_people_plot(*counted, name, title))
    return tuple(drawn)


def _shares(standing: np.ndarray, present: np.ndarray) -> np.ndarray:
    """(member, time) share of the buildings that are there and known."""
    known = present[:, None, None] & np.isfinite(standing)
    count = known.sum(axis=-1)
    share = np.where(known, standing, 0.0).sum(axis=-1) / np.maximum(count, 1)
    share = np.where(count > 0, share, np.nan)
    return share.reshape(-1, share.shape[-1])


def _people_plot(time: np.ndarray, counts: np.ndarray, names: tuple[str, ...], name: str,
                 title: str) -> Plot:
    mean = counts.mean(axis=0)
    with plot_style():
        ax = town_plots.people_over_time(
            time, {status: mean[:, code] for code, status in enumerate(names)})
        ax.set_title(title, fontsize=9, fontweight="bold")
    ends = ", ".join(f"{mean[-1, code]:.0f} {status}" for code, status in enumerate(names)
                     if mean[-1, code] >= 0.5)
    return plot(ax, f"{name}people", "What people are doing, mean over all outcomes. A video at "
                "this size cannot show people, so none are read off the dream.",
                f"Stacked areas of people by what they are doing; at the end {ends}.")
