"""The record of a held-out evaluation: JSON for machines, a table and a plot for people."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from evaluation.bootstrap import DEFAULT, Interval, mean_interval
from evaluation.holdout_cases import MEASURED, Holdout
from evaluation.measure import FLOOR, REFERENCE, stack
from evaluation.metrics import HEADLINE
from evaluation.scores import Scores, summarise
from worldsim.rollout import software_versions

SHOWN = (*HEADLINE, "water.front_position", "water.arrival_time", "structures.standing_brier",
         "debris.lost")
"""Metrics of the table."""


def write_record(out: Path, holdout: Holdout, measured: Mapping[str, xr.Dataset],
                 models: Sequence[str], baselines: Sequence[str], ceiling: str,
                 command: str) -> list[Path]:
    """Write ``holdout.json``, ``holdout.md`` and ``holdout.png``; returns their paths.

    Parameters
    ----------
    measured : ``value`` (metric, case) and ``series`` of every model and of the floor, by name.
    models : the models that are scored; the first is compared with all others.
    ceiling : name of the simulator with other hidden draws, which counts as perfect.
    """
    everything = stack({**measured, REFERENCE: measured[ceiling]})
    about = {"reference": f"{ceiling}: the simulator with other hidden draws"}
    others = [name for name in measured if name not in (FLOOR, models[0])]
    scores = {
        name: summarise(everything, name, [o for o in measured if o not in (FLOOR, name)], about,
                        metrics=MEASURED)
        for name in (*models, *[b for b in baselines if b not in models])
    }
    out.mkdir(parents=True, exist_ok=True)
    record = _record(holdout, measured, scores[models[0]], others, command)
    paths = [out / "holdout.json", out / "holdout.md", out / "holdout.png"]
    paths[0].write_text(json.dumps(record, indent=1, allow_nan=False) + "\n")
    paths[1].write_text(_table(holdout, measured, scores[models[0]], baselines, ceiling, command))
    _plot(measured, models, baselines, ceiling, paths[2])
    return paths


def _values(measured: Mapping[str, xr.Dataset], name: str, metric: str) -> np.ndarray:
    values: np.ndarray = measured[name]["value"].sel(metric=metric).values
    return values


def _estimate(values: np.ndarray) -> dict[str, Any]:
    interval = mean_interval(values)
    finite = bool(len(values) and np.isfinite(values).all())
    return {
        "value": round(float(values.mean()), 9) if finite else None,
        "interval": None if interval.low is None or interval.high is None
        else [round(interval.low, 9), round(interval.high, 9)],
        "reason": interval.reason,
    }


def _record(holdout: Holdout, measured: Mapping[str, xr.Dataset], scores: Scores,
            others: Sequence[str], command: str) -> dict[str, Any]:
    return {
        "command": command,
        "holdout": dataclasses.asdict(holdout),
        "interval": dataclasses.asdict(DEFAULT),
        "versions": software_versions(),
        "model": scores.model,
        "headline": list(HEADLINE),
        "values": {
            metric.name: {"unit": metric.unit, "direction": metric.direction} | {
                name: _estimate(_values(measured, name, metric.name)) for name in measured
            } for metric in MEASURED
        },
        "differences": {
            metric.name: {
                name: _estimate(
                    _values(measured, scores.model, metric.name)
                    - _values(measured, name, metric.name)
                ) for name in others
            } for metric in MEASURED
        },
        "skill": {
            entry.metric.name: {
                b.baseline: {"value": b.skill.value,
                             "interval": _pair(b.skill.interval), "reason": b.reason}
                for b in entry.baselines
            } for entry in scores.table if entry.metric.skilled
        },
    }


def _pair(interval: Interval) -> list[float] | None:
    if interval.low is None or interval.high is None:
        return None
    return [interval.low, interval.high]


def _text(value: float | None, interval: Interval) -> str:
    if value is None:
        return "–"
    if interval.low is None or interval.high is None:
        return f"{value:.3g}"
    return f"{value:.3g} [{interval.low:.3g}, {interval.high:.3g}]"


def _table(holdout: Holdout, measured: Mapping[str, xr.Dataset], scores: Scores,
           baselines: Sequence[str], ceiling: str, command: str) -> str:
    metrics = [entry.metric for entry in scores.table if entry.metric.name in SHOWN]
    lines = [
        f"# {holdout.cases} held-out cases, {holdout.realizations} realizations each",
        "",
        f"`{command}`",
        "",
        f"Cases 0 to {holdout.cases - 1} of seed {holdout.seed}, parameters drawn from the "
        f"training ranges; {holdout.duration:g} s at {holdout.fps:g} frames/s, the first "
        f"{holdout.context} frames of realization 0 are known. Means over cases with "
        f"{DEFAULT.level:.0%} intervals (studentized bootstrap over cases). Lower is better "
        "everywhere. Both headline metrics are averaged over the last half. "
        f"`{ceiling}` is the simulator with other hidden draws, the "
        "best that can be done; the floor is what the instruments read from the truth's own video.",
        "",
        "## Errors",
        "",
        "| model | " + " | ".join(f"{m.name} ({m.unit})" for m in metrics) + " |",
        "|---|" + "---|" * len(metrics),
    ]
    for name in measured:
        cells = []
        for metric in metrics:
            values = _values(measured, name, metric.name)
            value = float(values.mean()) if np.isfinite(values).all() else None
            cells.append(_text(value, mean_interval(values)))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += [
        "", f"## {scores.model} minus each other, case by case", "",
        "Negative: the model is better. Skill is 1 for the simulator and 0 for the baseline.", "",
    ]
    for metric_name in HEADLINE:
        entry = scores[metric_name]
        lines += [f"### {metric_name} ({entry.metric.unit})", "",
                  "| against | difference | better beyond doubt | skill |", "|---|---|---|---|"]
        for other in entry.baselines:
            interval = other.difference.interval
            beyond = "yes" if interval.high is not None and interval.high < 0 else "no"
            skill = (
                "" if other.baseline not in baselines else other.reason
                or _text(other.skill.value, other.skill.interval)
            )
            lines.append(f"| {other.baseline} | {_text(other.difference.value, interval)} | "
                         f"{beyond} | {skill} |")
        lines.append("")
    lines += ["![Errors over time](holdout.png)", ""]
    return "\n".join(lines)


def _plot(measured: Mapping[str, xr.Dataset], models: Sequence[str], baselines: Sequence[str],
          ceiling: str, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    # Okabe & Ito's colours, told apart by the colour-blind; line styles tell kinds apart.
    colours = ("#D55E00", "#CC79A7", "#000000")
    style = {name: (colours[i % 3], "-", 2.2) for i, name in enumerate(models)}
    for colour, name in zip(("#999999", "#E69F00", "#56B4E9", "#009E73"), baselines, strict=False):
        style.setdefault(name, (colour, "--", 1.4))
    style |= {ceiling: ("#0072B2", "-.", 1.8), FLOOR: ("#000000", ":", 1.2)}
    figure, axes = plt.subplots(1, len(HEADLINE), figsize=(11, 4), constrained_layout=True)
    for axis, metric in zip(axes, HEADLINE, strict=True):
        for name, dataset in measured.items():
            series = dataset["series"].sel(metric=metric).mean("case")
            colour, line, width = style.get(name, ("#666666", "-", 1.0))
            axis.plot(series["time"], series, line, color=colour, lw=width, label=name)
        unit = str(next(iter(measured.values()))["unit"].sel(metric=metric).values)
        half = float(series["time"][len(series) // 2])
        axis.axvspan(half, float(series["time"][-1]), color="#000000", alpha=0.04, lw=0)
        axis.set(xlabel="time (s)", ylabel=metric if unit == "1" else f"{metric} ({unit})")
        axis.set_ylim(bottom=min(0.0, axis.get_ylim()[0]))
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1].legend(frameon=False, fontsize=8)
    figure.suptitle("Mean error over cases; the shaded last half is what is averaged", fontsize=10)
    figure.savefig(path, dpi=120)
    plt.close(figure)
