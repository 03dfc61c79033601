"""Plots of the cases: one file a case, its panels side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.validation.case import Curve, Panel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The palette of Okabe & Ito 2008 (Color Universal Design), told apart by people who are colour
# blind: black, blue, vermilion, bluish green, orange, sky blue, reddish purple, yellow.
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#F0E442")
COLUMNS = 3


def draw(panels: Sequence[Panel], title: str, path: Path) -> None:
    """Draw the panels into a PNG file."""
    figure(panels, title).savefig(path, dpi=100)


def figure(panels: Sequence[Panel], title: str) -> Figure:
    """The panels side by side; in a notebook, a cell that ends with this shows them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    drawn = Figure(figsize=(4.6 * columns, 3.4 * rows + 0.4), layout="constrained")
    FigureCanvasAgg(drawn)
    drawn.suptitle(title)
    for place, panel in enumerate(panels):
        axes = drawn.add_subplot(rows, columns, place + 1)
        for number, curve in enumerate(panel.curves):
            axes.plot(curve.x, curve.y, color=COLOURS[number % len(COLOURS)], label=curve.label,
                      **_look(curve, number))
        axes.set(title=panel.title, xlabel=panel.x_label, ylabel=panel.y_label)
        if panel.loglog:
            axes.set(xscale="log", yscale="log")
            points = [curve for curve in panel.curves if curve.style == "points"]
            ticks = sorted({float(x) for curve in points for x in curve.x})
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.xaxis.minorticks_off()
        axes.grid(alpha=0.3)
        if len(panel.curves) > 1:
            axes.legend(fontsize="small")
    return drawn


def _look(curve: Curve, number: int) -> dict:
    if curve.style == "points":
        return {"linestyle": "", "marker": "o", "markersize": 2.5 if len(curve.x) > 20 else 5}
    return {"linestyle": "--" if curve.style == "dashed" else "-",
            "linewidth": 2.0 if number == 0 else 1.4}
