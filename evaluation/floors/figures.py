"""Plots of the floors: every scenario a row, every codec a mark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.floors.codecs import CODECS
from evaluation.floors.quantities import QUANTITIES, Floor

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito's colours, told apart by the colour-blind; the marks differ as well.
STYLE = dict(zip(CODECS, (("#0072B2", "o"), ("#009E73", "s"), ("#E69F00", "^"),
                          ("#CC79A7", "D")), strict=True))

POSITION = ("tracks.position", "tracks.position_p99")
OTHERS = ("tracks.velocity", "tracks.switches", "counts.objects", "events.time", "events.found",
          "gravity.effective")


def draw(floors: Sequence[Floor], folder: Path) -> list[Path]:
    """Write ``position.png`` and ``others.png``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    written = []
    for name, quantities, columns in (("position", POSITION, 2), ("others", OTHERS, 3)):
        shown = [q for q in quantities if any(row.quantity == q for row in floors)]
        scenarios = len({row.scenario for row in floors if row.quantity in shown})
        rows = -(-len(shown) // columns)
        figure = Figure(figsize=(5.2 * columns, rows * (0.34 * max(scenarios, 4) + 1.6)),
                        layout="constrained")
        FigureCanvasAgg(figure)
        for place, quantity in enumerate(shown):
            axes = figure.add_subplot(rows, columns, place + 1)
            _panel(axes, [r for r in floors if r.quantity == quantity], quantity)
        handles, labels = figure.axes[0].get_legend_handles_labels() if figure.axes else ([], [])
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=90)
        written.append(path)
    return written


def _panel(axes: Axes, rows: Sequence[Floor], name: str) -> None:
    """One quantity: the first view at 64 rows filled, the others and 256 rows open."""
    quantity = next(q for q in QUANTITIES if q.name == name)
    scenarios = list(dict.fromkeys(row.scenario for row in rows))[::-1]
    finite = [row.value for row in rows if math.isfinite(row.value) and row.value > 0]
    linear = name in ("events.found",)
    least = min(finite, default=1e-3) / 1.5
    most = max(finite, default=1.0) * 1.5
    for codec, (colour, mark) in STYLE.items():
        mine = [row for row in rows if row.codec == codec]
        for large in (False, True):
            some = [row for row in mine if (row.rows > 64) == large]
            if not some:
                continue
            offset = 0.24 * (CODECS.index(codec) - 1.5) / 1.5
            x = [min(max(row.value, 0.0 if linear else least), 1 if linear else most)
                 for row in some]
            y = [scenarios.index(row.scenario) - offset for row in some]
            axes.plot(x, y, mark, color=colour, ms=4.5, mew=1.0, ls="",
                      mfc="none" if large else colour,
                      label=f"{codec}, {'256' if large else '64'} px")
    if quantity.goal is not None:
        axes.axvline(quantity.goal, color="#000000", lw=1, ls="--")
    axes.set_yticks(range(len(scenarios)), [name.replace("_", " ") for name in scenarios])
    axes.set_ylim(-0.6, len(scenarios) - 0.4)
    if not linear:
        axes.set_xscale("log")
    unit = "" if quantity.unit == "1" else f" ({quantity.unit})"
    axes.set_title(f"{name}{unit}", fontsize=10)
    axes.grid(alpha=0.3)
