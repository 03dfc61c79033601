"""The record of the ladders: errors along each, Kendall's tau, plots."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullFormatter, NullLocator

from evaluation.benchmark.ladders import LADDERS, Climbed, as_data
from evaluation.benchmark.suites import Suite
from evaluation.metrics.catalogue import metric_named
from evaluation.metrics.metric import Metric
from evaluation.statistics.ladder import is_monotone, kendall_tau
from worldsim.atomic import written_whole

STYLES = ("-", "--", "-.", ":")
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's, which all can tell apart."""


def mean_errors(climbed: Climbed, metric: Metric) -> np.ndarray:
    """(rung,) mean over the cases that have a value, as a distance from perfect."""
    values = climbed.errors[metric.name]
    if metric.perfect and np.isfinite(metric.perfect):
        values = np.abs(metric.perfect - values)
    elif metric.direction == "higher":
        values = -values
    known = values[:, np.isfinite(values).all(axis=0)]
    return np.asarray(known.mean(axis=1)) if known.size else np.full(len(values), np.nan)


def concerned(climbed: Climbed, headline: bool) -> list[Metric]:
    """The metrics that must rise along a ladder."""
    found = [metric_named(name) for name in climbed.errors]
    return [m for m in found if climbed.ladder in m.concerns and m.headline is headline]


def taus(climbed: Climbed) -> dict[str, float]:
    """Kendall's tau of every metric that the ladder concerns."""
    strengths = np.array(climbed.strengths)
    return {
        m.name: kendall_tau(strengths, errors)
        for m in (*concerned(climbed, True), *concerned(climbed, False))
        if np.isfinite(errors := mean_errors(climbed, m)).all()
    }


def write_record(suite: Suite, climbed: Sequence[Climbed], out: Path, command: str) -> list[str]:
    """Write ``ladders.json``, ``README.md`` and a plot of each ladder; returns what fails."""
    out.mkdir(parents=True, exist_ok=True)
    failed = []
    rows, others = [], []
    for one in climbed:
        for name, tau in taus(one).items():
            line = f"| {one.ladder} | {one.scenario} | {name} | {tau:.2f} |"
            if metric_named(name).headline:
                errors = mean_errors(one, metric_named(name))
                good = is_monotone(np.array(one.strengths), errors)
                rows.append(f"{line} {'yes' if good else '**no**'} |")
                if not good:
                    failed.append(f"{name} along {one.ladder} in {one.scenario} ({tau:.2f})")
            else:
                others.append(line)
    for ladder in {one.ladder for one in climbed}:
        _plot([one for one in climbed if one.ladder == ladder], out / f"{ladder}.png")
    strengths = climbed[0].strengths
    cases = max(values.shape[1] for one in climbed for values in one.errors.values())
    text = (
        f"# Ladders\n\n`{command}`\n\nSimulators that are wrong in one thing by "
        f"{100 * strengths[0]:g}% to {100 * strengths[-1]:g}%, {len(strengths)} rungs, on {cases} "
        f"cases of every scenario of {suite.id}. Errors are means over cases; Kendall's tau is "
        "between them and the strengths.\n\n## Headline metrics\n\n"
        "| ladder | scenario | metric | tau | rises (0.95) |\n|---|---|---|---:|---|\n"
        + "\n".join(rows) + "\n\n## Other metrics that name the ladder\n\n"
        "| ladder | scenario | metric | tau |\n|---|---|---|---:|\n" + "\n".join(others) + "\n\n"
        + "\n".join(f"![{name}]({name}.png)" for name in LADDERS
                    if any(one.ladder == name for one in climbed)) + "\n")
    with written_whole(out / "README.md") as beside:
        beside.write_text(text, encoding="utf-8")
    with written_whole(out / "ladders.json") as beside:
        beside.write_text(json.dumps(as_data(suite, climbed), allow_nan=False) + "\n",
                          encoding="utf-8")
    return failed


def _plot(rows: Sequence[Climbed], path: Path) -> None:
    metrics = list(dict.fromkeys(m.name for one in rows for m in concerned(one, True)))
    figure, axes = plt.subplots(1, max(len(metrics), 1), figsize=(3.4 * max(len(metrics), 1), 2.8),
                                layout="constrained", squeeze=False)
    for ax, name in zip(axes[0], metrics, strict=False):
        metric = metric_named(name)
        for number, one in enumerate(rows):
            if metric in concerned(one, True):
                ax.plot([100 * s for s in one.strengths], mean_errors(one, metric),
                        STYLES[number % len(STYLES)], color=COLOURS[number % len(COLOURS)],
                        marker="o", markersize=3, label=one.scenario.replace("_", " "))
        unit = "" if metric.unit == "1" else f" [{metric.unit}]"
        ax.set(xscale="log", yscale="log", xlabel=f"{rows[0].ladder.replace('_', ' ')} [%]",
               title=name.rpartition(".")[2].replace("_", " "), ylabel=f"error{unit}")
        ticks = [2, 5, 10, 20, 50]
        ax.set_xticks(ticks, [str(tick) for tick in ticks])
        ax.xaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.title.set_fontsize(9)
        ax.legend(fontsize=7, frameon=False)
    with written_whole(path) as beside:
        figure.savefig(beside, dpi=90, format="png")
    plt.close(figure)
