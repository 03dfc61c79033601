"""The record: false alarms, what was found, and how the one trades for the other."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from evaluation.inspection.films import RAW
from evaluation.inspection.trial import GOALS, LADDERS, SEEDS, TRUE, WAY, Trial
from worldsim.atomic import written_whole
from worldsim.inspection.sureness import MARGIN, SPARE, Sureness

Measures = Mapping[bool, Sureness]
"""Thresholds of inspections with, and without, the scenario told."""

FALSE_ALARMS, FOUND = 0.02, 0.95
"""The goals: most false alarms, and least that is found of what `GOALS` names."""

FACTORS = np.geomspace(0.1, 10.0, 61)
"""On all thresholds at once, for the trade of one for the other."""

UNIT = {"teleport": "of the frame's width", "energy": "more energy of motion",
        "gravity": "of gravity", "vanishing": ""}


@dataclasses.dataclass(frozen=True)
class Count:
    """How many of how many videos."""

    hits: int
    videos: int

    @property
    def share(self) -> float:
        """Of all videos."""
        return self.hits / self.videos if self.videos else float("nan")

    def interval(self) -> tuple[float, float]:
        """Wilson's 95% interval of the share (Wilson 1927, J. Am. Stat. Assoc. 22:209)."""
        z, n, p = 1.96, self.videos, self.share
        middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        return max(middle - half, 0.0), min(middle + half, 1.0)

    def __str__(self) -> str:
        if not self.videos:
            return "-"
        low, high = self.interval()
        return (f"{100 * self.share:.1f}% ({100 * low:.1f} to {100 * high:.1f}), "
                f"{self.hits} of {self.videos}")


def alarmed(trial: Trial, measures: Measures, factor: float = 1.0) -> bool:
    """Whether any score reaches `factor` times its rule's threshold."""
    threshold = measures[trial.known].threshold
    return any(score >= factor * threshold[rule] for rule, score in trial.scores.items())


def count(trials: Iterable[Trial], measures: Measures, factor: float = 1.0) -> Count:
    """Videos in which something is said."""
    said = [alarmed(one, measures, factor) for one in trials]
    return Count(sum(said), len(said))


def write_record(out: Path, trials: Sequence[Trial], measures: Measures) -> None:
    """Write ``inspection.md``, ``inspection.json`` and ``roc.png``."""
    out.mkdir(parents=True, exist_ok=True)
    with written_whole(out / "inspection.md") as path:
        path.write_text(_page(trials, measures))
    with written_whole(out / "inspection.json") as path:
        path.write_text(json.dumps(_table(trials, measures), indent=1) + "\n")
    _figure(trials, measures, out / "roc.png")


def _true(trials: Iterable[Trial]) -> list[Trial]:
    return [one for one in trials if one.what == TRUE]


def _page(trials: Sequence[Trial], measures: Measures) -> str:
    true = _true(trials)
    planted = [one for one in trials if one.what != TRUE]
    names = sorted({one.scenario for one in trials})
    lines = [
        "# What inspections find, and what they cry wolf about", "",
        "Made by `python -m evaluation.inspection --out records/inspection --thresholds`. "
        f"Thresholds are from {measures[True].videos} true videos of seed {SEEDS['calibration']}: "
        f"{MARGIN:g} times the greatest score of each rule, but for {100 * SPARE:g}% of the "
        "videos; apart for inspections that are told the scenario, and that are not; "
        f"all numbers below are of cases of seed {SEEDS['test']}. "
        "Shares with Wilson's 95% intervals, and counts of videos.", "",
        "## False alarms per true video", "",
        f"Goal: at most {100 * FALSE_ALARMS:g}%. {len(names)} scenarios, by their first camera; 64 "
        "and 128 px; as rendered, and as H.264 at two qualities.", "",
        "| videos | scenario told | scenario not told |", "|---|---|---|",
        _row("all", true, measures),
    ]
    for encoding in dict.fromkeys(one.encoding for one in true):
        lines.append(_row(encoding, [one for one in true if one.encoding == encoding], measures))
    for rows in sorted({one.rows for one in true}):
        lines.append(_row(f"{rows} px", [one for one in true if one.rows == rows], measures))
    for name in names:
        lines.append(_row(name, [one for one in true if one.scenario == name], measures))
    lines += [
        "", "## What is found", "",
        f"Goal: at least {100 * FOUND:g}% of those marked *, with `--scenario`. One violation a "
        "video, planted in an object that is followed and seen whole, at least 6 px wide (at 64 "
        "px), clear of others by 3 px, touched by nothing anew for 5 frames before and after, and "
        "moving by at least "
        + ", ".join(f"{WAY[what]:g} px a frame ({what})" for what in LADDERS)
        + ". A body that lies still behind a screen can vanish, and no video shows it; kicks of "
        "slow bodies drown in what pixels do to places. "
        "Found means: said within 2.5 frames of it (of gravity: said at all).", "",
        "| planted | video | scenario told | scenario not told |", "|---|---|---|---|",
    ]
    for what, size, encoding in _kinds(planted):
        some = [one for one in planted if (one.what, one.size, one.encoding) == (
            what, size, encoding)]
        told, untold = (str(count([one for one in some if one.known is known], measures))
                        for known in (True, False))
        lines.append(f"| {_said(what, size)} | {encoding} | {told} | {untold} |")
    lines += ["", "As rendered, by scenario (a dash: no place to plant it), scenario told:", "",
              "| scenario | " + " | ".join(_said(what, size) for what in GOALS
                                           for size in GOALS[what]) + " |",
              "|---" * (1 + sum(map(len, GOALS.values()))) + "|"]
    for name in names:
        cells = []
        for what in GOALS:
            for size in GOALS[what]:
                here = count([one for one in planted if one.known and one.encoding == RAW and (
                    one.scenario, one.what, one.size) == (name, what, size)], measures)
                cells.append(f"{here.hits} of {here.videos}" if here.videos else "-")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", "![Share found against share of false alarms](roc.png)", ""]
    return "\n".join(lines)


def _row(title: str, trials: Sequence[Trial], measures: Measures) -> str:
    told, untold = (count([one for one in trials if one.known is known], measures)
                    for known in (True, False))
    return f"| {title} | {told} | {untold} |"


def _kinds(planted: Iterable[Trial]) -> list[tuple[str, float, str]]:
    return list(dict.fromkeys((what, size, one.encoding) for what in LADDERS for size in LADDERS[
        what] for one in planted if (one.what, one.size) == (what, size)))


def _said(what: str, size: float) -> str:
    star = "*" if size in GOALS[what] else ""
    if what == "vanishing":
        return f"vanishing{star}"
    return f"{what} {100 * size:+.3g}%{star}" if what == "gravity" else (
        f"{what} {100 * size:.3g}% {UNIT[what]}{star}")


def _table(trials: Sequence[Trial], measures: Measures) -> dict[str, object]:
    true = _true(trials)
    found = []
    for what, size, encoding in _kinds([one for one in trials if one.what != TRUE]):
        for known in (True, False):
            one = count([one for one in trials if (one.what, one.size, one.encoding, one.known) == (
                what, size, encoding, known)], measures)
            found.append({"what": what, "size": size, "encoding": encoding, "told": known,
                          "found": one.hits, "videos": one.videos})
    alarms = {str(known): dataclasses.asdict(count(
        [one for one in true if one.known is known], measures)) for known in (True, False)}
    return {"thresholds": {"told": measures[True].threshold, "untold": measures[False].threshold},
            "false_alarms": alarms, "found": found,
            "false": [dataclasses.asdict(one) for one in true if alarmed(one, measures)]}


def _figure(trials: Sequence[Trial], measures: Measures, path: Path) -> None:
    """A panel for each violation, a curve for each size, scenario told."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    told = [one for one in trials if one.known and one.encoding == RAW]
    false = [count(_true(told), measures, factor).share for factor in FACTORS]
    drawn = Figure(figsize=(13, 3.6), layout="constrained")
    FigureCanvasAgg(drawn)
    for place, what in enumerate(LADDERS):
        axes = drawn.add_subplot(1, len(LADDERS), place + 1)
        sizes = sorted(LADDERS[what], key=abs)
        for number, size in enumerate(sizes):
            some = [one for one in told if (one.what, one.size) == (what, size)]
            if some:
                axes.plot(100 * np.array(false),
                          [100 * count(some, measures, factor).share for factor in FACTORS],
                          color=str(0.8 * (1 - (number + 1) / len(sizes))),
                          marker="os^D"[number % 4], markersize=3, linewidth=1,
                          label=_said(what, size))
        axes.axvline(100 * FALSE_ALARMS, color="#D55E00", linewidth=1)
        axes.axhline(100 * FOUND, color="#0072B2", linewidth=1)
        axes.set(title=what, xlabel="false alarms, % of true videos", ylabel="found, %",
                 xlim=(-1, 40), ylim=(-2, 102))
        if axes.lines[2:]:
            axes.legend(fontsize="x-small", loc="lower right")
        axes.grid(alpha=0.3)
    with written_whole(path) as beside:
        drawn.savefig(beside, dpi=100, format="png")
