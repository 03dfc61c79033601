"""A benchmark result on the terminal: a line a scenario, and the answer in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evaluation.benchmark.report.stored import block_title, read_result
from evaluation.benchmark.report.wording import BRIEF, answer, between, limits, skill

WIDTH = 80
"""Columns, where the terminal does not say."""

BAR = 14
"""Columns of the bar from skill 0 to 1."""


def print_result(path: Path, file: IO[str] | None = None) -> None:
    """Print a ``result.json``.

    Parameters
    ----------
    file : where to; standard output by default.

    Raises
    ------
    worldsim.InputError : there is no such file, or it is of another form.
    """
    result = read_result(path)
    console = Console(file=file, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDTH
    console.print(_table(result))
    for heading, sentences in (("Cannot be told", limits(result)), ("The answer", answer(result))):
        console.print(Text(f"\n{heading}", style="bold"))
        for sentence in sentences:
            console.print(_item(sentence))


def _item(sentence: str) -> Table:
    """A sentence that hangs from its dash."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_row(Text("-"), Text(sentence))
    return grid


def _table(result: Mapping[str, Any]) -> Table:
    official = "" if result["official"] else ", unofficial"
    title = f"{result['model']['name']} on {result['suite']['id']}{official}"
    table = Table(title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD,
                  padding=(0, 1, 0, 0))
    table.add_column("scenario", overflow="fold")
    table.add_column("cases", justify="right", no_wrap=True)
    table.add_column("skill", justify="right", no_wrap=True)
    table.add_column("95 % interval", no_wrap=True)
    table.add_column("0" + "1".rjust(BAR - 1), no_wrap=True)
    table.add_column("best baseline", overflow="fold")
    for block in result["blocks"]:
        failed = f" ({block['failed']} failed)" if block["failed"] else ""
        reason = "cannot be asked" if block["scenario"] in result["unsupported"] else ""
        table.add_row(*_row(block_title(block), f"{block['cases']}{failed}", block, reason))
    table.add_section()
    table.add_row(*_row("all", str(result["cases"]), result["overall"], ""), style="bold")
    return table


def _row(title: str, cases: str, found: Mapping[str, Any], reason: str) -> tuple[Text, ...]:
    own = found["skill"]
    middle = between(own["interval"]) or (
        reason or "no skill" if own["value"] is None else "none")
    return tuple(map(Text, (title, cases, skill(own["value"]), middle, bar(own["value"]),
                            _best_baseline(found["others"]))))


def bar(value: float | None) -> str:
    """A skill as a bar from 0 to 1, `BAR` columns long."""
    return "" if value is None else "█" * round(BAR * min(1.0, max(0.0, value)))


def _best_baseline(others: Mapping[str, Any]) -> str:
    """The baseline with the most skill, with it."""
    there = [(other["skill"]["value"], name) for name, other in others.items()
             if name.startswith("baseline:") and other["skill"]["value"] is not None]
    if not there:
        return ""
    value, name = max(there)
    return f"{skill(value)} {BRIEF.get(name, name)}"
