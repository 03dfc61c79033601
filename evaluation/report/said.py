"""What a dream says beside its video, of water, houses and people, against the truth."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import xarray as xr

from evaluation.report import town_plots
from evaluation.report.contents import Plot
from evaluation.report.svg import plot, plot_style
from worldsim.diffusion.observables import TOWN, record_town, tells_town
from worldsim.simulator.people.record import Status


@dataclasses.dataclass(frozen=True)
class Said:
    """A number that is drawn over time.

    entity, number : which one (`worldsim.diffusion.observables`). axis, caption : in words.
    most : upper end of the axis; None for that of what is drawn.
    """

    name: str
    entity: str
    number: int
    axis: str
    caption: str
    most: float | None = 1.03


DRAWN = (
    Said("gauge", "gauges", 4, "depth in the middle [m]",
         "Depth of the water in the middle of the town", None),
    Said("standing", "houses", 0, "share of houses standing [1]", "Share of houses that stand"),
    Said("caught", "people", Status.IN_WATER, "share of people in the water [1]",
         "Share of people whom the water carries"),
)


def said_plots(truth: xr.DataTree, dream: xr.DataTree, context: float) -> tuple[Plot, ...]:
    """Timelines of what the dream says, against the truth; none of what it says nothing of.

    Parameters
    ----------
    context : seconds that the world model was given.
    """
    if "said" not in dream.children or not tells_town(truth):
        return ()
    names = json.loads(dream["said"].attrs["names"])
    wanted = [one for one in DRAWN if one.entity in names]
    if not wanted:
        return ()
    true = record_town(truth.sel(case=dream["case"].values))
    time = dream["said"]["time"].values
    fps = 1 / float(time[1] - time[0])
    drawn = []
    for one in wanted:
        real = true[:, :, :, TOWN.index(one.entity), one.number]
        words = dream["said"]["state"].values[:, :, :, names.index(one.entity), one.number]
        real, words = (np.concatenate(list(part)) for part in (real, words))
        if not np.isfinite(real).any():  # nobody lives there
            continue
        with plot_style():
            ax = town_plots.bands_over_time(np.arange(real.shape[1]) / fps, real,
                                            generated_time=time, generated=words, context=context)
            ax.set(ylabel=one.axis, ylim=(0, one.most))
        drawn.append(plot(
            ax, f"said-{one.name}",
            f"{one.caption}: simulated, and as the dream says. Line: mean over all outcomes; "
            "shaded: from the least to the most of any outcome.",
            f"Line plot, {one.axis}; at the end {real[:, -1].mean():.2f} simulated, "
            f"{words[:, -1].mean():.2f} said."))
    return tuple(drawn)
