"""A comparison in words, on the terminal and as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import IO, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evaluation.benchmark.as_json import estimate as estimate_data
from evaluation.benchmark.as_json import number
from evaluation.benchmark.compare import Comparison, Difference, Instruments
from evaluation.benchmark.report.stored import StoredRun
from evaluation.benchmark.report.wording import counted, listed, skill
from evaluation.benchmark.terminal import WIDTH
from evaluation.bootstrap import Estimate
from evaluation.statistics.power import power_in_words

SCHEMA = "worldsim-bench-compare/1"


def verdict_words(one: Difference) -> list[str]:
    """The answer, and how many cases it takes."""
    if one.difference.value is None:
        return ["Nothing can be said: no headline metric can tell anything in the cases of both."]
    both = f"A has a skill of {skill(one.own.value)}, B of {skill(one.other.value)}"
    by = f"{skill(one.difference.value, '+')}{_between(one.difference)}"
    if one.verdict == "cannot be told":
        reason = one.difference.interval.reason
        return [f"{both}: the difference of {by} cannot be told from chance"
                f"{f' ({reason})' if reason else ''}.",
                _sentence(power_in_words("A", "B", one.needed, one.blocks))]
    enough = [f"About {one.needed} cases a scenario would do to tell it."] if one.needed else []
    return [f"{both}: A is {one.verdict} than B, by {by}.", *enough]


def cause_words(found: Comparison) -> list[str]:
    """What the difference is made of, a cause each."""
    causes = found.causes
    a, b = found.a.result, found.b.result
    told = [_models(found)]
    if found.mixed is None:
        told.append("Suite, data, instruments and metrics: the same in both, so 0.")
    else:
        told.append(_instruments(found.mixed))
    if causes.failures:
        who = [f"{sum(name in one for one in causes.failures.values())} of {name}"
               for name in ("A", "B")]
        told.append(f"Failures: {skill(causes.failures_part, '+')}, from "
                    f"{counted(len(causes.failures), 'case')} ({', '.join(who)}); a failure counts "
                    f"as the worst baseline.{_without(causes.without_failures)}")
    else:
        told.append("Failures: none, so 0.")
    if causes.fitted:
        first = next(iter(causes.fitted.items()))
        told.append(f"Alignment: {skill(causes.fitted_part, '+')} comes from "
                    f"{counted(len(causes.fitted), 'case')} whose video files did not fit and were "
                    f"made to ({first[0]}: {first[1]}). What of it is the models' own cannot be "
                    f"told; {_receipts(a, b)}.")
    else:
        told.append("Alignment: no file had to be made to fit, so 0.")
    told += [f"Besides: {note}." for note in found.notes]
    told += [f"Not compared: {name} ({why})." for name, why in found.left_out.items()]
    return told


def _models(found: Comparison) -> str:
    a, b = (run.result["model"] for run in (found.a, found.b))
    part = skill(found.causes.rest, "+")
    if a["identity"] == b["identity"] and a["name"] == b["name"]:
        return f"Models: the same model and weights in both; {part} comes of it nonetheless."
    if a["name"] == b["name"]:
        return (f"Models: {part}, of the same name with other code, weights or files "
                f"({a['identity']} and {b['identity']}).")
    return f"Models: {part}, {a['name']} against {b['name']}."


def _instruments(mixed: Instruments) -> str:
    parts = []
    for name, old, new, again, part in zip("AB", mixed.reported, mixed.recomputed, mixed.of,
                                           mixed.parts, strict=True):
        if again:
            parts.append(f"{name} was reported with {_full(old)} and has {_full(new)} by today's "
                         f"code, which brings {skill(part, '+')}")
        else:
            parts.append(f"{name} was scored by today's code already")
    reported, _ = mixed.reported, mixed.recomputed
    whole = None if reported[0].value is None or reported[1].value is None else (
        reported[0].value - reported[1].value)
    return (f"Instruments and metrics: the difference as reported is {skill(whole, '+')}; "
            f"{'; '.join(parts)}. All else here is on equal footing.")


def _without(rest: Difference | None) -> str:
    if rest is None or rest.difference.value is None:
        return " No case was answered by both."
    return (f" Over the {rest.cases} cases that neither failed the difference is "
            f"{skill(rest.difference.value, '+')}{_between(rest.difference)} ({rest.verdict}).")


def _receipts(a: Mapping[str, Any], b: Mapping[str, Any]) -> str:
    """What the receipts say that such handling does to a score."""
    parts = []
    for name, result in (("A", a), ("B", b)):
        moves = [f"{one['change']} {skill(one['difference']['value'], '+')}"
                 for one in result["sensitivity"] if one["difference"]["value"] is not None]
        if moves:
            parts.append(f"{name}'s dreams gain by {listed(moves)}")
    return "; ".join(parts) or "neither run has a receipt of what such changes do"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _between(one: Estimate) -> str:
    low, high = one.interval.low, one.interval.high
    return "" if low is None or high is None else f" [{skill(low, '+')}, {skill(high, '+')}]"


def _full(one: Estimate) -> str:
    low, high = one.interval.low, one.interval.high
    ends = "" if low is None or high is None else f" [{skill(low)}, {skill(high)}]"
    return skill(one.value) + ends


def print_comparison(found: Comparison, file: IO[str] | None = None) -> None:
    """Print it; to standard output by default."""
    console = Console(file=file, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDTH
    for name, run in (("A", found.a), ("B", found.b)):
        console.print(Text(f"{name}  {run.folder}: {run.model}"))
    console.print(Text(f"on {found.a.result['suite']['id']}"))
    console.print(_table("scenario", [*found.blocks, found.overall]))
    if len(found.metrics) > 1:
        console.print(_table("headline metric", found.metrics))
    for heading, sentences in (("The answer", verdict_words(found.overall)),
                               ("Where the difference comes from", cause_words(found))):
        console.print(Text(f"\n{heading}", style="bold"))
        for sentence in sentences:
            grid = Table.grid(padding=(0, 1, 0, 0))
            grid.add_row(Text("-"), Text(sentence))
            console.print(grid)


def _table(what: str, rows: Any) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(what, overflow="fold")
    counts = what == "scenario"  # of a metric they are those of its scenarios
    for title in (*(("cases",) if counts else ()), "A", "B", "A less B"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("95 % interval", no_wrap=True)
    table.add_column("A is", no_wrap=True)
    for one in rows:
        title = one.name.replace("_", " ").removesuffix("-in range") if what == "scenario" else (
            one.name)
        verdict = "not told" if one.verdict == "cannot be told" else one.verdict
        table.add_row(*map(Text, (
            title, *((str(one.cases),) if counts else ()), skill(one.own.value),
            skill(one.other.value), skill(one.difference.value, "+"),
            _between(one.difference).strip() or "none", verdict)),
            style="bold" if one.name == "all" else "")
    return table


def comparison_data(found: Comparison) -> dict[str, Any]:
    """As JSON."""
    causes, mixed = found.causes, found.mixed
    return {
        "schema": SCHEMA, "suite": found.a.result["suite"]["id"],
        "a": _run(found.a), "b": _run(found.b), "overall": _difference(found.overall),
        "blocks": [_difference(one) for one in found.blocks],
        "metrics": [_difference(one) for one in found.metrics],
        "causes": {
            "models": {"part": number(causes.rest),
                       "same": found.a.result["model"] == found.b.result["model"]},
            "failures": {"part": number(causes.failures_part), "cases": causes.failures,
                         "without": None if causes.without_failures is None
                         else _difference(causes.without_failures)},
            "alignment": {"part": number(causes.fitted_part), "cases": causes.fitted},
            "instruments": None if mixed is None else {
                "reported": [estimate_data(one) for one in mixed.reported],
                "recomputed": [estimate_data(one) for one in mixed.recomputed],
                "scored_again": list(mixed.of), "parts": [number(p) for p in mixed.parts]},
        },
        "left_out": found.left_out, "notes": list(found.notes),
        "words": [*verdict_words(found.overall), *cause_words(found)],
    }


def _run(run: StoredRun) -> dict[str, Any]:
    return {"folder": str(run.folder), **run.result["model"]}


def _difference(one: Difference) -> dict[str, Any]:
    plain = {field.name: getattr(one, field.name) for field in dataclasses.fields(one)}
    return {name: estimate_data(value) if isinstance(value, Estimate) else value
            for name, value in plain.items()} | {"verdict": one.verdict}
