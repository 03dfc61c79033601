"""The record: floors as JSON and CSV for machines, a page of tables and plots for people."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluation.floors.codecs import CODECS, checkpoint_digest
from evaluation.floors.quantities import QUANTITIES, Floor
from worldsim.atomic import written_whole
from worldsim.rollout import software_versions

SCHEMA_VERSION = 1
INFINITE = "infinite"
"""In JSON and CSV: more than one less the quantile was not seen at all."""

VERDICTS = {True: "", False: " ✗", None: ""}


def as_data(floors: Sequence[Floor], command: str) -> dict[str, Any]:
    """All rows as plain data for JSON."""
    return {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "versions": software_versions() | {"checkpoint": checkpoint_digest()},
        "quantities": {q.name: {"unit": q.unit, "meaning": q.meaning, "goal": q.goal}
                       for q in QUANTITIES},
        "floors": [{name: _plain(value) for name, value in dataclasses.asdict(row).items()}
                   for row in floors],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else INFINITE
    return value


def from_data(data: dict[str, Any]) -> list[Floor]:
    """The inverse of `as_data`."""
    def whole(row: dict[str, Any]) -> dict[str, Any]:
        return {name: math.inf if value == INFINITE else value for name, value in row.items()}

    return [Floor(**whole(row)) for row in data["floors"]]


def keep(floors: Sequence[Floor], path: Path, command: str) -> None:
    """Write the JSON file that `evaluation.floors.stored` reads."""
    with written_whole(path) as partial:
        partial.write_text(_lines(as_data(floors, command)))


def write(floors: Sequence[Floor], folder: Path, command: str) -> list[Path]:
    """Write ``floors.csv``, ``README.md`` and the plots into `folder`."""
    from evaluation.floors.figures import draw

    folder.mkdir(parents=True, exist_ok=True)
    data = as_data(floors, command)
    table = io.StringIO()
    writer = csv.DictWriter(table, [field.name for field in dataclasses.fields(Floor)],
                            lineterminator="\n")
    writer.writeheader()
    writer.writerows(data["floors"])
    texts = {"floors.csv": table.getvalue(), "README.md": page(floors, command)}
    for name, text in texts.items():
        with written_whole(folder / name) as partial:
            partial.write_text(text)
    return [folder / name for name in texts] + draw(floors, folder)


def _lines(data: dict[str, Any]) -> str:
    """JSON with one row a line, so that changes can be read."""
    rows = data["floors"]
    head = json.dumps(data | {"floors": []}, indent=1, ensure_ascii=False)
    body = ",\n  ".join(json.dumps(row) for row in rows)
    return head.replace('"floors": []', f'"floors": [\n  {body}\n ]') + "\n"


def page(floors: Sequence[Floor], command: str) -> str:
    """The page: goals first, then a table for each quantity."""
    lines = [
        "# Floors of the instruments", "",
        f"Made by `{command}`.", "",
        "How far each instrument is off when it reads the truth's own video, against the "
        "simulator's state: as rendered (`raw`), after H.264 yuv420p at two qualities (`crf 18`, "
        "`crf 28`), and after the features by which the shipped network reads pixels (`model`: "
        "cells of 4 x 4 pixels and 5 frames as 64 features, decoded by least squares fitted to "
        "other cases; the network itself paints over known frames, so that this is the harder "
        "half). Cases are drawn as training draws them, from seeds that training cannot have. "
        "Intervals, 95% by bootstrap over cases, the versions of scenarios and instruments and all "
        "that is here are in `floors.csv`, and `evaluation.floors.stored()` returns them. "
        "An object that is not seen counts as infinitely far: ∞ at the 99th percentile says that "
        "more than 1% of the instants were missed. ✗: the goal is missed. Velocity: smoothed by "
        "penalised third differences between kinks, slope of the quartic through 5 frames "
        "(`worldsim/instruments/motion.py`).", "",
        "## Goals", "",
        "What the goals ask of position they ask after mp4 too; the other goals are for the video "
        "as rendered, and `crf 18` shows how far they hold beyond that.", "",
        "| quantity | goal | met, raw | met, crf 18 | missed by |", "|---|---:|---:|---:|---|",
    ]
    for quantity in QUANTITIES:
        rows = [row for row in floors if row.quantity == quantity.name and row.met is not None]
        if not rows:
            continue
        sign = "≥" if quantity.at_least else "≤"
        unit = "" if quantity.unit == "1" else f" {quantity.unit}"
        met = [f"{sum(bool(row.met) for row in some)} of {len(some)}"
               for some in ([row for row in rows if row.codec == codec]
                            for codec in ("raw", "crf 18"))]
        lines.append(f"| {quantity.name} | {sign} {quantity.goal:g}{unit} | {' | '.join(met)} | "
                     f"{_missed(rows)} |")
    lines += ["", "![Position](position.png)", "", "![The others](others.png)"]
    for quantity in QUANTITIES:
        lines += _table(quantity.name, [r for r in floors if r.quantity == quantity.name])
    return "\n".join(lines) + "\n"


def _missed(rows: Sequence[Floor]) -> str:
    short = [f"{r.scenario} {r.camera} {r.rows} {r.codec} ({number(r.value)})"
             for r in rows if not r.met]
    return "; ".join(short[:8]) + (f"; {len(short) - 8} more below" if len(short) > 8 else "")


def _table(name: str, rows: Sequence[Floor]) -> list[str]:
    if not rows:
        return []
    quantity = next(q for q in QUANTITIES if q.name == name)
    unit = "" if quantity.unit == "1" else f" ({quantity.unit})"
    goal = "" if quantity.goal is None else (
        f" Goal, raw and crf 18: {'≥' if quantity.at_least else '≤'} {quantity.goal:g}.")
    lines = ["", f"## {name}{unit}", "", f"{quantity.meaning[0].upper()}{quantity.meaning[1:]}."
             + goal, "",
             "| scenario | view | rows | cases | n | " + " | ".join(CODECS) + " |",
             "|---|---|---:|---:|---:|" + "---:|" * len(CODECS)]
    groups: dict[tuple[str, str, int], dict[str, Floor]] = {}
    for row in rows:
        groups.setdefault((row.scenario, row.camera, row.rows), {})[row.codec] = row
    for (scenario, camera, size), found in groups.items():
        first = next(iter(found.values()))
        cells = [f"{number(found[c].value)}{VERDICTS[found[c].met]}" if c in found else ""
                 for c in CODECS]
        lines.append(f"| {scenario} | {camera} | {size} | {first.cases} | {first.count} | "
                     + " | ".join(cells) + " |")
    return lines


def number(value: float) -> str:
    """A number of the table."""
    return "∞" if math.isinf(value) else "0" if value == 0 else f"{value:.2g}"
