"""Two what-ifs held against each other on the same draws: what the second one changes."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import worldsim.rollout
from evaluation.report import coast, consequences, decision, evidence, html, outcome_rows, town
from evaluation.report.comparable import check_comparable, differences, read_definition
from evaluation.report.contents import Amount, Comparison, OutcomeTable, Plot
from evaluation.report.outcome_rows import Wanted
from evaluation.report.outcomes_file import ALL_MEMBERS, assessable
from worldsim import outcomes
from worldsim.atomic import written_whole
from worldsim.errors import InputError
from worldsim.outcomes import health, wording
from worldsim.outcomes.services import SERVICES
from worldsim.scenario import scenario_class

NAMED = {
    "buildings_down": "buildings that come down",
    "homes_lost": "homes lost",
    "people_safe": "people safe",
    "people_knocked_over": "people knocked over",
    "people_carried_off": "people carried off",
    "deaths": "expected deaths",
}
"""What the half page for deciding tells, in this order."""

ORDER = ("first", "second")

CAPTION = ("First and second: means over all outcomes (medians for shares of adults). Difference: "
           "second minus first, of the same towns and the same draws of everything hidden and of "
           "every coefficient, with the range that holds 95 % of these pairs; a range on one side "
           "of 0 means that hardly any pair goes the other way.")


def write_comparison(first: Path, second: Path, path: str | os.PathLike[str],
                     command: str = "") -> Path:
    """Write the page that compares the truths of two runs, whole or not at all.

    Raises
    ------
    InputError : one is not a finished truth, or they differ in more than their parameters.
    """
    runs = (Path(first), Path(second))
    target = Path(path)
    definitions = (read_definition(runs[0]), read_definition(runs[1]))
    check_comparable(runs, definitions)
    if not target.parent.is_dir():
        raise InputError(f"--out {target}: there is no directory {target.parent}; make it first")
    with (
        worldsim.rollout.open(runs[0] / "truth.zarr") as a,
        worldsim.rollout.open(runs[1] / "truth.zarr") as b,
    ):
        for run, truth in zip(runs, (a, b), strict=True):
            if not (evidence.has_town(truth) and assessable(truth)):
                raise InputError(f"{run} holds no town whose outcomes could be assessed; give runs "
                                 "of a scenario with buildings, made by this version")
        text = html.comparison_page(gather(runs, definitions, (a, b), command))
    with written_whole(target) as beside:
        beside.write_text(text, encoding="utf-8")
    return target


def gather(runs: tuple[Path, Path], definitions: tuple[dict[str, Any], dict[str, Any]],
           truths: tuple[xr.DataTree, xr.DataTree], command: str) -> Comparison:
    """The page's contents."""
    d = definitions[0]
    seed = int(d["seed"])
    changed = differences(*definitions)
    names = _headings(changed)
    seen = tuple(outcomes.from_states(truth) for truth in truths)
    failed = int((~(seen[0].valid & seen[1].valid)).sum())
    if failed == seen[0].valid.size:
        raise InputError(f"every member of {runs[0]} or {runs[1]} failed its audit in one of them; "
                         "`worldsim show` names them")
    difference = outcomes.compare(seen[0], seen[1], seed=seed, over=ALL_MEMBERS)
    columns = (*(outcomes.assess(one, seed=seed, over=ALL_MEMBERS) for one in seen), difference)
    made = consequences.tables(columns, (*names, "difference"), truths[0], CAPTION)
    states = tuple(coast.quantities(truth) for truth in truths)
    made += consequences.coast_table((*states, coast.difference(*states)), (*names, "difference"))
    return Comparison(
        scenario=d["scenario"]["name"],
        question=_question(changed, scenario_class(d["scenario"]["name"]).summary),
        limits=_limits(truths[0], failed),
        answer=_answer(difference, changed),
        sure=_sure(truths[0]),
        tables=tuple(_noted(table, difference) for table in made),
        map_pairs=_map_pairs(truths, names),
        time_pairs=_time_pairs(truths, names),
        provenance=(
            ("first", str(runs[0])), ("second", str(runs[1])),
            ("scenario", f"{d['scenario']['name']}, version {d['scenario']['version']}"),
            *((name, f"{a} in the first, {b} in the second") for name, (a, b) in changed.items()),
            ("seed", str(seed)), ("cases", str(d["cases"])),
            ("realizations", str(d["realizations"])), ("duration", f"{d['duration']:g} s"),
            ("worldsim", d["worldsim"]),
        ),
        command=command,
    )


def _headings(changed: dict[str, tuple[str, str]]) -> tuple[str, str]:
    """What the two worlds are called in headings: by what differs, if that is short."""
    first, second = (", ".join(f"{name} {values[k]}" for name, values in changed.items())
                     for k in (0, 1))
    return (first, second) if max(len(first), len(second)) <= 40 else (ORDER[0], ORDER[1])


def _question(changed: dict[str, tuple[str, str]], summary: str) -> str:
    told = " and ".join(f"{name} {b} instead of {a}" for name, (a, b) in changed.items())
    return f"When {summary}: what difference does {told} make?"


def _limits(truth: xr.DataTree, failed: int) -> tuple[str, ...]:
    told = list(decision.limits(truth))
    if failed:
        told.insert(0, f"What would have come of {failed} pair{'s' if failed > 1 else ''} of which "
                       "a member failed the simulator’s audit: left out.")
    return (*told, "Whether a dream would show the same: both what-ifs here are simulated.")


def _answer(difference: xr.Dataset, changed: dict[str, tuple[str, str]]) -> tuple[str, ...]:
    wanted = {words: Wanted(name) for name, words in NAMED.items()} | {
        f"days without {'road access' if service == 'access' else service}":
            Wanted("service_days_lost", at={"service": service}) for service in SERVICES}
    amounts = {words: outcome_rows.amount(difference, one) for words, one in wanted.items()}
    told = [f"{words} {_signed(amount)}" for words, amount in amounts.items()
            if amount is not None and not _same(amount)]
    same = [words for words, amount in amounts.items() if amount is not None and _same(amount)]
    second = " and ".join(f"{name} {b} instead of {a}" for name, (a, b) in changed.items())
    sentences = []
    if told:
        sentences.append(f"With {second} (mean, and the range of 95 % of the pairs): "
                         f"{'; '.join(told)}.")
    if same:
        sentences.append(f"The same in every pair: {', '.join(same)}.")
    return (*sentences, *_share(difference))


def _same(amount: Amount) -> bool:
    return amount.value == 0 and amount.low is None


def _signed(amount: Amount) -> str:
    def one(value: float) -> str:
        return _points(value).removesuffix(".0") if abs(value) < 20 else _points(round(value))[:-2]

    if amount.low is None or amount.high is None:
        return one(amount.value)
    return f"{one(amount.value)} ({one(amount.low)} to {one(amount.high)})"


def _share(difference: xr.Dataset) -> tuple[str, ...]:
    """The paired difference of the share of adults, with the unpaired one beside it."""
    at = {"group": "adults", "month": 2.0}
    value = 100.0 * float(difference["symptoms_share"].sel(at))
    if not np.isfinite(value):
        return ()
    low, high, apart_low, apart_high = (
        100.0 * float(difference[f"symptoms_share_{end}"].sel(at))
        for end in ("lower", "upper", "unpaired_lower", "unpaired_upper"))
    return (wording.checked(
        f"Estimated share of adults screening positive for post-traumatic stress symptoms "
        f"({wording.INSTRUMENT}) 2 months after, adults of the town: {_points(value)} points "
        f"({_points(low)} to {_points(high)}) as one study would see both worlds; two separate "
        f"studies could differ by {_points(apart_low)} to {_points(apart_high)} points for reasons "
        "of their own."),)


def _points(value: float) -> str:
    words = f"{value:+.1f}"
    return "0" if float(words) == 0 else words.replace("-", "−")


def _sure(truth: xr.DataTree) -> tuple[str, ...]:
    cases, realizations = truth.sizes["case"], truth.sizes["realization"]
    towns = f"{cases} towns" if cases > 1 else "town"
    draws = f"{realizations} draws" if realizations > 1 else "draw"
    return (f"Both what-ifs have the same {towns}, the same {draws} of what is hidden there and "
            "the same draws of every coefficient, so that what is common to both cancels."
            f"{decision.few(cases * realizations, 'pairs')}",)


def _noted(table: OutcomeTable, difference: xr.Dataset) -> OutcomeTable:
    if table.title != consequences.SYMPTOMS:
        return table
    return dataclasses.replace(
        table, notes=(*_unpaired(difference), *table.notes, *wording.HEALTH_NOTES))


def _unpaired(difference: xr.Dataset) -> tuple[str, ...]:
    """How much wider the differences of all adults are across studies."""
    told = []
    for month in health.MONTHS:
        low, high = (100.0 * float(difference[f"symptoms_share_unpaired_{end}"].sel(
            group="adults", month=month)) for end in ("lower", "upper"))
        if np.isfinite(low):
            told.append(f"{_points(low)} to {_points(high)} points at {month:g} months")
    if not told:
        return ()
    return ("The differences are as one study would see both worlds. Two separate studies, one in "
            f"each world, would differ by {', '.join(told)} (95 %, all adults).",)


def _map_pairs(truths: tuple[xr.DataTree, xr.DataTree],
               names: tuple[str, ...]) -> tuple[tuple[Plot, ...], ...]:
    lands = [town.ground(truth, 0) for truth in truths]
    each = [evidence.scales(land, town.buildings(truth, 0))
            for land, truth in zip(lands, truths, strict=True)]
    most = {name: max(one.get(name, 0.0) for one in each) for one in each for name in one}
    return _side_by_side(
        evidence.map_plots(truth, 0, land, name=f"{order}-", most=most, title=name)
        for truth, land, name, order in zip(truths, lands, names, ORDER, strict=True))


def _time_pairs(truths: tuple[xr.DataTree, xr.DataTree],
                names: tuple[str, ...]) -> tuple[tuple[Plot, ...], ...]:
    return _side_by_side(evidence.time_plots(truth, name=f"{order}-", title=name)
                         for truth, name, order in zip(truths, names, ORDER, strict=True))


def _side_by_side(drawn: Iterable[tuple[Plot, ...]]) -> tuple[tuple[Plot, ...], ...]:
    """The plots of both worlds in pairs; alone where only one world has such a plot."""
    pairs: dict[str, list[Plot]] = {}
    for plots in drawn:
        for one in plots:
            kind = re.search(r'id="(?:first|second)-(\w+(?:-\w+)?)-figure_1"', one.svg)
            assert kind is not None, "a plot without its name"
            pairs.setdefault(kind.group(1), []).append(one)
    return tuple(tuple(pair) for pair in pairs.values())
