"""A leaderboard on the terminal, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evaluation.benchmark.as_json import estimate, number
from evaluation.benchmark.leaderboard import Board, Entry
from evaluation.benchmark.report.wording import listed, skill
from evaluation.benchmark.terminal import WIDTH
from evaluation.bootstrap import Estimate

SCHEMA = "worldsim-bench-leaderboard/1"

SHOWN = 3
"""Mismatches of a run that are told; more are counted."""

HEADINGS = ("rank", "model", "skill", "95 % interval", "reported", "checked")


def _row(one: Entry) -> tuple[str, ...]:
    return ("" if one.rank is None else str(one.rank), one.run.model, skill(one.skill.value),
            _between(one.skill), skill(one.reported), checked(one))


def _between(one: Estimate) -> str:
    low, high = one.interval.low, one.interval.high
    return "none" if low is None or high is None else f"[{skill(low)}, {skill(high)}]"


def checked(one: Entry) -> str:
    """What came of the check, in a few words."""
    if one.mismatches:
        count = len(one.mismatches)
        return f"{count} mismatch{'es' if count > 1 else ''}"
    if one.sampled.cases:
        return f"{len(one.sampled.cases)} dreams"
    return "tables"


def notes(board: Board) -> list[str]:
    """What has to be said to single runs."""
    told = list(board.notes)
    unread: dict[str, list[str]] = {}
    for one in (*board.ranked, *board.apart):
        who = f"{one.run.model} ({one.run.folder})"
        shown = [str(mismatch) for mismatch in one.mismatches[:SHOWN]]
        if shown:
            more = len(one.mismatches) - len(shown)
            told.append(f"{who} does not come out again: {'; '.join(shown)}"
                        f"{f'; and {more} more' if more else ''}.")
        if one.sampled.reason:
            unread.setdefault(one.sampled.reason, []).append(one.run.model)
    return told + [f"Only the tables of {listed(names)} were checked: {reason}."
                   for reason, names in unread.items()]


RULE = ("A rank is 1 more than the number of runs told to be better (paired by case, 95 %); runs "
        "that cannot be told apart may share one. Skills are recomputed from the runs' tables; of "
        "kept dreams the first case of every block is measured again.")


def print_board(board: Board, file: IO[str] | None = None) -> None:
    """Print it; to standard output by default."""
    console = Console(file=file, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDTH
    if board.ranked:
        console.print(_table(f"Ranked on {board.suite}", board.ranked, ranked=True))
    else:
        console.print(Text(f"No run can be ranked on {board.suite}."))
    if board.apart:
        console.print(_table("Listed apart", board.apart, ranked=False))
        for one in board.apart:
            console.print(_item(f"{one.run.model} ({one.run.folder}): {'; '.join(one.apart)}."))
    for text in [*notes(board), RULE]:
        console.print(_item(text))


def _item(text: str) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_row(Text("-"), Text(text))
    return grid


def _table(title: str, entries: Sequence[Entry], *, ranked: bool) -> Table:
    table = Table(title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD,
                  padding=(0, 1, 0, 0))
    for name in HEADINGS if ranked else HEADINGS[1:]:
        right = name in ("rank", "skill", "reported")
        table.add_column(name, justify="right" if right else "left", no_wrap=name != "model",
                         overflow="fold")
    for one in entries:
        cells = _row(one) if ranked else _row(one)[1:]
        table.add_row(*map(Text, cells), style="red" if one.mismatches else "")
    return table


def as_markdown(board: Board) -> str:
    """As a document."""
    lines = [f"# {board.suite}", ""]
    if board.ranked:
        lines += _markdown(HEADINGS, [_row(one) for one in board.ranked])
    else:
        lines.append("No run can be ranked.")
    if board.apart:
        lines += ["", "## Listed apart", ""]
        lines += _markdown((*HEADINGS[1:], "why"),
                           [(*_row(one)[1:], "; ".join(one.apart)) for one in board.apart])
    lines += ["", *[f"- {text}" for text in [*notes(board), RULE]]]
    return "\n".join(lines) + "\n"


def _markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"

    return [line(headings), "|" + "---|" * len(headings), *map(line, rows)]


def board_data(board: Board) -> dict[str, Any]:
    """As JSON."""
    return {"schema": SCHEMA, "suite": board.suite,
            "ranked": [_entry(one) for one in board.ranked],
            "apart": [_entry(one) for one in board.apart], "notes": notes(board), "rule": RULE}


def _entry(one: Entry) -> dict[str, Any]:
    return {
        "rank": one.rank, "folder": str(one.run.folder), **one.run.result["model"],
        "suite": one.run.result["suite"]["id"], "reported": number(one.reported),
        "skill": estimate(one.skill), "apart": list(one.apart),
        "mismatches": [{"what": m.what, "reported": number(m.reported),
                        "recomputed": number(m.again)} for m in one.mismatches],
        "measured_again": list(one.sampled.cases), "not_measured_again": one.sampled.reason,
    }
