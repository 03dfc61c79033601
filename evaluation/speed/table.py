"""Benchmarks as a table of 80 columns, and as Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from evaluation.speed.result import Benchmark, Row

WIDTH = 80
HEAD = ("what", "value", "goal", "worst", "met")


def number(value: float) -> str:
    """Three figures, without an exponent between 0.001 and 9999."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if value >= 0.001 or value == 0 else f"{value:.1e}"


def cells(row: Row) -> tuple[str, str, str, str, str]:
    """The texts of one row."""
    goal = ""
    if row.goal is not None:
        goal = ("<= " if row.at_most else ">= ") + number(row.goal)
    worst = "" if row.worst is None else number(row.worst)
    met = {None: "", True: "yes", False: "no"}[row.met]
    if row.met is False:
        met = f"{row.distance:.2g}x off"
    return row.what, f"{number(row.value)} {row.unit}", goal, worst, met


def plain(benchmarks: Sequence[Benchmark]) -> str:
    """For a terminal; no line is longer than `WIDTH`."""
    lines: list[str] = []
    for benchmark in benchmarks:
        lines += [benchmark.title.upper(), *textwrap.wrap(benchmark.compared, WIDTH)]
        if benchmark.missing:
            lines += textwrap.wrap(f"NOT MEASURED: {benchmark.missing}", WIDTH)
        if benchmark.rows:
            lines += [_line(HEAD), "-" * WIDTH, *(_line(cells(row)) for row in benchmark.rows)]
        lines.append("")
    return "\n".join(lines)


def _line(texts: tuple[str, ...]) -> str:
    what, value, goal, worst, met = texts
    return f"{what:<40.40}{value:>13}{goal:>10}{worst:>8}{met:>9}".rstrip()


def markdown(benchmarks: Sequence[Benchmark], machine: dict[str, object]) -> str:
    """For the record."""
    lines = ["# Speed", ""]
    lines += [f"- {name}: {value}" for name, value in machine.items()]
    for benchmark in benchmarks:
        lines += ["", f"## {benchmark.title}", "", benchmark.compared, ""]
        if benchmark.missing:
            lines += [f"Not measured: {benchmark.missing}", ""]
        if benchmark.rows:
            lines += ["| " + " | ".join(HEAD) + " |", "|---|---:|---:|---:|---|"]
            lines += ["| " + " | ".join(cells(row)) + " |" for row in benchmark.rows]
    return "\n".join(lines) + "\n"
