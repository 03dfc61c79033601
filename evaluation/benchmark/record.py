"""``python -m evaluation.benchmark.record RUN ... --out DIR``: several results as one record.

Writes ``README.md``: skill over all scenarios and in each, with intervals, what can be told from
the simulator, and equivalent perturbations of every run; and ``results.json``, the numbers behind.
"""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.benchmark.api import BenchResult
from evaluation.benchmark.report.wording import answer, estimate, named
from worldsim.atomic import written_whole
from worldsim.errors import InputError, run_program

KEPT = ("suite", "model", "official", "unofficial_because", "cases", "failed", "unsupported",
        "overall", "equivalents", "what_if", "sensitivity", "words", "power", "command", "versions",
        "seconds")


def main(args: Sequence[str]) -> int:
    """Write the record."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.benchmark.record",
                                     description="Write several benchmark results as one record.")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--title", default="Benchmark")
    options = parser.parse_args(args)
    results = [BenchResult.load(run).data for run in options.runs]
    suites = {one["suite"]["id"] for one in results}
    if len(suites) > 1:
        raise InputError(f"results of {', '.join(sorted(suites))}; give those of one suite")
    options.out.mkdir(parents=True, exist_ok=True)
    command = shlex.join(("python", "-m", "evaluation.benchmark.record", *args))
    with written_whole(options.out / "README.md") as beside:
        beside.write_text(text(results, options.title, command), encoding="utf-8")
    with written_whole(options.out / "results.json") as beside:
        short = [{k: one[k] for k in KEPT} | {"blocks": [_short(b) for b in one["blocks"]]}
                 | {"suite": {k: one["suite"][k] for k in ("id", "seed", "meaning")}}
                 for one in results]
        beside.write_text(json.dumps(short, indent=1) + "\n", encoding="utf-8")
    print(options.out / "README.md")
    return 0


def _short(block: Mapping[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in block.items() if k != "metrics"}
    kept["metrics"] = [
        {k: m[k] for k in ("metric", "unit", "value", "interval", "floor", "reference", "headline")}
        for m in block["metrics"]
    ]
    return kept


def text(results: Sequence[Mapping[str, Any]], title: str, command: str) -> str:
    """The record as Markdown."""
    first = results[0]
    rows = {one["model"]["name"]: one for one in results}
    lines = [
        f"# {title}", "", f"`{command}`", "",
        f"{first['suite']['id']}: {first['suite']['meaning']}; {first['cases']} cases. Skill is 1 "
        "for the simulator with other hidden draws (paired metrics: for the truth's own video) and "
        "0 for a frozen picture, a mean over the headline metrics of each scenario "
        f"({', '.join(first['overall']['headline'])}) and over scenarios; 95% intervals by a "
        "studentized bootstrap over cases within scenarios.", "",
        "## Over all scenarios", "",
        "Seconds are of the whole command; the first run of a machine also makes what all others "
        "share.", "",
        "| model | skill | less the simulator's | told from it | cases | failed | seconds |",
        "|---|---|---|---|---:|---:|---:|",
    ]
    for name, one in rows.items():
        simulator = one["overall"]["others"].get("mujoco")
        lines.append(
            f"| {name} | {estimate(one['overall']['skill'])} | "
            f"{estimate(simulator['difference'], '+') if simulator else ''} | "
            f"{simulator['verdict'] if simulator else ''} | {one['cases']} | {one['failed']} | "
            f"{one['seconds']:g} |")
    for name, other in first["overall"]["others"].items():
        if name not in rows:
            lines.append(
                f"| {named(name)} | {estimate(other['skill'])} | | | {first['cases']} | | |")
    lines += ["", "## By scenario", ""]
    others = [name for name in first["overall"]["others"] if name not in rows]
    lines += [f"| scenario | {' | '.join([*rows, *map(named, others)])} |",
              f"|---|{'---|' * (len(rows) + len(others))}"]
    for number, block in enumerate(first["blocks"]):
        cells = [estimate(one["blocks"][number]["skill"]) for one in rows.values()]
        cells += [estimate(block["others"][name]["skill"]) if name in block["others"] else "–"
                  for name in others]
        split = "" if block["split"] == "in_range" else f" ({block['split']})"
        lines.append(f"| {block['scenario']}{split} | {' | '.join(cells)} |")
    ladders = [one["ladder"] for one in first["equivalents"]]
    if ladders:
        lines += ["", "## Equivalent perturbations", "",
                  "How wrong a simulator would have to be to err as much, on the ladder's "
                  "scenarios (`ladders/`).", "",
                  f"| ladder | {' | '.join(rows)} |", f"|---|{'---|' * len(rows)}"]
        for number, ladder in enumerate(ladders):
            cells = []
            for one in rows.values():
                found = one["equivalents"][number]
                cells.append(found["text"].removeprefix(f"as wrong as {found['words']} "))
            scenarios = ", ".join(first["equivalents"][number]["scenarios"])
            lines.append(f"| {ladder} ({scenarios}) | {' | '.join(cells)} |")
    for name, one in rows.items():
        lines += _what_ifs(name, one["what_if"])
    lines += ["", "## In words", ""]
    for name, one in rows.items():
        lines += [f"- **{name}**: {' '.join(answer(one))}", f"  `{one['command']}`"]
    return "\n".join(lines) + "\n"


def _what_ifs(name: str, sweeps: Sequence[Mapping[str, Any]]) -> list[str]:
    """The response curves of one model: its statistics, the simulator's and climatology's."""
    if not sweeps:
        return []
    lines = ["", f"## What if: {name}", "",
             "| what is swept | D | slope | direction | rank | response to nothing / floor |",
             "|---|---|---|---|---|---|"]
    for one in sweeps:
        found = one["statistics"]
        for who, statistics in ((name, found), ("the simulator", found["ceiling"]),
                                ("climatology, interpolated", found["interpolated"])):
            if statistics is not None:
                cells = [_statistic(statistics.get(key)) for key in STATISTICS]
                lines.append(f"| {one['name']}: {who} | {' | '.join(cells)} |")
    return lines


STATISTICS = ("determination", "slope", "direction", "rank", "null_ratio")


def _statistic(found: Mapping[str, Any] | None) -> str:
    return "" if found is None else estimate(found)


if __name__ == "__main__":
    run_program(main)
