"""The record of what a mask-based score misses: JSON, a table and a plot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STYLE = (("#0072B2", "o"), ("#E69F00", "s"), ("#009E73", "^"))
"""Okabe & Ito's colours, told apart by the colour-blind; the marks differ as well."""

SCORES = 110
"""End of the axes of scores: intervals of means of cases can go beyond."""


def write_record(out: Path, found: Mapping[str, Any]) -> list[Path]:
    """Write ``blindness.json``, ``.md`` and ``.png``; returns their paths.

    Parameters
    ----------
    found : as `evaluation.physics_iq.blindness.main` puts it together.
    """
    out.mkdir(parents=True, exist_ok=True)
    paths = [out / f"blindness.{kind}" for kind in ("json", "md", "png")]
    paths[0].write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
    paths[1].write_text(_table(found))
    _plot(found, paths[2])
    return paths


def _cell(estimate: Mapping[str, Any], digits: int) -> str:
    value = f"{estimate['value']:.{digits}f}"
    ends = estimate["interval"]
    return value if ends is None else f"{value} [{ends[0]:.{digits}f}, {ends[1]:.{digits}f}]"


def _table(found: Mapping[str, Any]) -> str:
    settings, measures = found["settings"], found["measures"]
    digits = {"motion": 0, "exact": 0, "position": 3, "acceleration": 3}
    lines = [
        "# What a mask-based score misses of a falling ball", "",
        f"`{found['command']}`", "",
        f"{settings['cases']} cases of `{settings['scenario']}`, parameters drawn as for training "
        f"from seeds kept for tests, {settings['duration']:g} s of film. The truth's two "
        "realizations differ by the balls' mass and 1 % of their restitution and stand for "
        "Physics-IQ's two real takes; the score is the original one, by motion masks as published "
        "(frames at their own size) and by the pixels that the balls truly cover. Means over cases "
        f"with {found['interval']['level']:.0%} intervals (studentized bootstrap); scores of cases "
        "are averaged before they are clipped, so that they can exceed 100; the data set's is the "
        "one number that the benchmark would publish. Where balls do not bounce, both realizations "
        "show the same. Position: distance of where the dream shows a ball from where the state "
        "has it. Acceleration: `effective_gravity` of the tracks, as a "
        "share of the case's gravity; 0 where nothing is seen to fall.", "",
    ]
    for scene, measured in found["scenes"].items():
        dreams = measured["dreams"]
        heads = [f"{one['what']} ({one['unit']})" for one in measures.values()]
        lines += [
            f"## {scene[0].upper()}{scene[1:]}", "",
            "| dream | what is wrong | " + " | ".join(heads) + " | data set's score |",
            "|---|---|" + "---:|" * (len(heads) + 1),
        ]
        for name, dream in dreams.items():
            cells = [_cell(dream[key], digits[key]) for key in measures]
            lines.append(f"| `{name}` | {dream['what']} | " + " | ".join(cells)
                         + f" | {dream['data_set']:.0f} |")
        halved = dreams["mujoco:gravity=-50%"]
        lines += ["", f"At half the gravity {_cell(halved['motion'], 0)} of 100 are left by motion "
                  f"masks and {_cell(halved['exact'], 0)} by exact ones, and "
                  f"{_cell(halved['acceleration'], 3)} of the acceleration is read."]
        if measured["without_mask"]:
            lines += [f"In {measured['without_mask']} of {settings['cases']} cases the truth "
                      "itself has no motion mask, although the ball falls more than a metre: there "
                      "a film in which nothing moves scores 100."]
        lines.append("")
    return "\n".join([*lines, "![Scores beside errors](blindness.png)", ""])


def _plot(found: Mapping[str, Any], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    scenes, measures = found["scenes"], found["measures"]
    figure = Figure(figsize=(3.4 * len(measures), 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    dreams = next(iter(scenes.values()))["dreams"]
    for place, (key, measure) in enumerate(measures.items()):
        axes = figure.add_subplot(1, len(measures), place + 1)
        for number, (scene, rows) in enumerate(scenes.items()):
            colour, mark = STYLE[number % len(STYLE)]
            for line, dream in enumerate(rows["dreams"].values()):
                value, ends = dream[key]["value"], dream[key]["interval"]
                y = -line + 0.22 * (1 - number)
                if ends is not None:
                    axes.plot(ends, [y, y], color=colour, lw=1.5)
                axes.plot([value], [y], mark, color=colour, ms=6,
                          label=scene if line == 0 else None)
        names = [dream["what"] for dream in dreams.values()]
        axes.set_yticks([-n for n in range(len(names))], names if place == 0 else [])
        axes.set_ylim(-len(names) + 0.5, 0.5)
        axes.set_xlabel(f"{measure['what']}\n({measure['unit']})", fontsize=9)
        axes.set_xlim(0, SCORES if measure["unit"] == "of 100" else None)
        axes.grid(axis="x", alpha=0.3)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    figure.savefig(path, dpi=90)
