"""The end of a run on the terminal: a short table and the answer in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

ROWS = {
    "water.wet_area_brier": "wet area, Brier",
    "debris.position_crps": "debris position, CRPS",
    "structures.standing_brier": "houses standing, Brier",
    "water.lateness": "water is late by",
}
"""The metrics of the table in plain words; the report has all of them."""


def print_answer(run: Path) -> None:
    """Print the table and the words of a finished run's ``scores.json``."""
    scores = json.loads((run / "scores.json").read_text())
    table = Table(title=f"{scores['model']}, {scores['duration']:g} s, "
                        f"{len(scores['cases'])} case(s)", title_justify="left",
                  box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("error in")
    for heading in ("dream", "floor", "best baseline", "skill"):
        table.add_column(heading, justify="right")
    for score in scores["scores"]:
        if score["metric"] in ROWS:
            table.add_row(*row(score))
    Console(highlight=False).print(table)
    print(scores["words"])


def row(score: dict[str, Any]) -> tuple[Text | str, ...]:
    """One metric as the cells of the table."""
    best = score["best_baseline"]
    against = score["baselines"].get(best) if best else None
    if against is None:
        compared, skill = "–", "–"
    else:
        compared = f"{_number(against['value'])} {best}"
        skill = (_number(against["skill"]["value"]) if against["skill"]["resolvable"]
                 else "not resolvable")
    unit = "" if score["unit"] == "1" else f" [{score['unit']}]"
    return (Text(ROWS[score["metric"]] + unit), _number(score["value"]), _number(score["floor"]),
            compared, skill)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"
