"""The end of a run on the terminal: a short table and the answer in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROWS = ("water.wet_area_brier", "debris.position_crps", "structures.standing_brier",
        "water.lateness")
"""The metrics of the table; the report has all of them."""


def print_answer(run: Path) -> None:
    """Print the table and the words of a finished run's ``scores.json``."""
    scores = json.loads((run / "scores.json").read_text())
    table = Table(title=f"{scores['model']}: error over {scores['duration']:g} s, "
                        f"{len(scores['cases'])} case(s)", title_justify="left")
    for heading in ("metric", "unit", "dream", "floor", "best baseline", "skill"):
        table.add_column(heading, justify="left" if heading in ("metric", "unit") else "right")
    for score in scores["scores"]:
        if score["metric"] in ROWS:
            table.add_row(*row(score))
    Console(highlight=False).print(table)
    print(scores["words"])


def row(score: dict[str, Any]) -> tuple[str, ...]:
    """One metric as the cells of the table."""
    best = score["best_baseline"]
    against = score["baselines"].get(best) if best else None
    if against is None:
        compared, skill = "–", "–"
    else:
        compared = f"{_number(against['value'])} ({best})"
        skill = (_number(against["skill"]["value"]) if against["skill"]["resolvable"]
                 else "not resolvable")
    unit = "" if score["unit"] == "1" else score["unit"]
    return (score["metric"], unit, _number(score["value"]), _number(score["floor"]), compared,
            skill)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"
