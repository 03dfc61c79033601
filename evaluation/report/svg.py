"""matplotlib plots as SVG elements that belong to the page around them."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from io import StringIO
from typing import Any

import matplotlib
from matplotlib.axes import Axes

from evaluation.report.contents import Plot

# matplotlib draws ink and frames in this colour, which the page replaces by its own ink, so that
# plots stay legible in dark mode.
_INK_IN_SVG = "#123456"
_SVG_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "worldsim",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
} | dict.fromkeys(
    (
        "text.color",
        "axes.labelcolor",
        "axes.edgecolor",
        "axes.titlecolor",
        "xtick.color",
        "ytick.color",
    ),
    _INK_IN_SVG,
)


def plot_style() -> AbstractContextManager[None]:
    """The matplotlib settings under which plots for the page are made."""
    return matplotlib.rc_context(_SVG_STYLE)


def inline_svg(ax: Axes, name: str) -> str:
    """The figure of `ax` as an SVG element for an HTML page.

    `name` is put before every id, so that several plots on one page do not share clip paths.
    The same plot is the same text on every run: no date, fixed ids.
    """
    figure = ax.get_figure(root=True)
    assert figure is not None, "the axes have been removed from their figure"
    buffer = StringIO()
    with plot_style():
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    return svg.replace(_INK_IN_SVG, "var(--ink)").strip()


def plot(ax: Axes, name: str, caption: str, alternative: str) -> Plot:
    """A finished plot with its caption and its alternative text."""
    return Plot(inline_svg(ax, name), caption, alternative)
