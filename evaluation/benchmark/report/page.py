"""Sets a result as one self-contained HTML page."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from evaluation.benchmark.report import wording
from evaluation.benchmark.report.figures import (
    Responses,
    error_plots,
    ladder_plot,
    response_plot,
)
from evaluation.benchmark.report.films import Films, Pair, Truths, films
from evaluation.benchmark.report.skill_chart import Chart, skill_chart
from evaluation.benchmark.report.stored import StoredRun, block_name, block_title, metric_title
from evaluation.report.contents import Plot
from evaluation.report.html import lines, number

WHOLE = 7_800_000
"""Characters of the whole page; films get what the rest leaves."""

OPEN = 3
"""Blocks up to which all stand open; of more only the first does."""


@dataclasses.dataclass(frozen=True)
class BlockSection:
    """The evidence of one block. opened : whether it stands open from the start."""

    name: str
    title: str
    data: Mapping[str, Any]
    plots: tuple[Plot, ...]
    pairs: Sequence[Pair]
    unsupported: str
    failures: Mapping[str, str]
    opened: bool


@dataclasses.dataclass(frozen=True)
class WhatIf:
    """One sweep. data : as stored. responses : its plot. levels : in words."""

    name: str
    title: str
    data: Mapping[str, Any]
    responses: Responses
    levels: tuple[str, ...]

    @property
    def steps(self) -> str:
        """For the slider: JSON, one entry a level."""
        one = self.data
        return json.dumps([
            {"level": level, "place": place, "inside": inside, "values": [
                [label, wording.amount(one[key][at], one["response_unit"])]
                for label, key in ROWS if one[key] is not None]}
            for at, (level, place, inside) in enumerate(zip(
                self.levels, self.responses.places, one["in_range"], strict=True))])


ROWS = (("simulated", "truth"), ("generated", "dream"), ("read off the simulated videos", "floor"),
        ("interpolated between training levels", "interpolated"))
"""What a what-if gives at every level: words, and where they are stored."""

STATISTICS = (
    ("determination", "D", "share of the truth's variation that the dream's curve follows; 1 all, "
                           "0 no better than a constant, below 0 worse"),
    ("slope", "slope", "of the dream's steps on the truth's; 1 is right"),
    ("direction", "direction", "share of neighbouring levels between which it moves the right way"),
    ("rank", "rank", "Kendall's τ with the truth; 1 is the same order"),
    ("null_ratio", "null ratio", "change where nothing may change, over the instruments' own"),
)
"""Statistics of a what-if: key, name, meaning."""


@dataclasses.dataclass(frozen=True)
class Contents:
    """The whole page. r : the result. ladders : (as stored, plot)."""

    question: str
    r: Mapping[str, Any]
    limits: Sequence[str]
    answer: Sequence[str]
    chart: Chart
    blocks: Sequence[BlockSection]
    ladders: Sequence[tuple[Mapping[str, Any], Plot | None]]
    what_ifs: Sequence[WhatIf]
    films: Films


def page(run: StoredRun, truths: Truths | None) -> str:
    """The page as one HTML document with nothing outside itself."""
    bare = _contents(run)
    room = WHOLE - len(_render(bare))
    found = films(run, truths, room)
    blocks = [dataclasses.replace(b, pairs=found.pairs.get(b.name, ())) for b in bare.blocks]
    return _render(dataclasses.replace(bare, blocks=blocks, films=found))


def _contents(run: StoredRun) -> Contents:
    result, model = run.result, run.model
    return Contents(
        question=f"How far is {model} from the simulator?",
        r=result,
        limits=wording.limits(result),
        answer=wording.answer(result),
        chart=skill_chart(result),
        blocks=[_block(run, block, place == 0 or len(result["blocks"]) <= OPEN)
                for place, block in enumerate(result["blocks"])],
        ladders=[(one, ladder_plot(one, model)) for one in result["equivalents"]],
        what_ifs=[_what_if(one, model, f"what-if-{place}")
                  for place, one in enumerate(result["what_if"])],
        films=Films({}),
    )


def _block(run: StoredRun, block: Mapping[str, Any], opened: bool) -> BlockSection:
    name = block_name(block)
    mine = {case: reason for case, reason in run.result["failures"].items()
            if case.startswith(f"{name}-")}
    return BlockSection(
        name, block_title(block), block, error_plots(block, run.tables.get(name), run.model), (),
        run.result["unsupported"].get(block["scenario"], ""), mine, opened)


def _what_if(one: Mapping[str, Any], model: str, name: str) -> WhatIf:
    symbol = wording.unit_symbol(one["unit"])
    levels = tuple(f"{level:g} {symbol}".strip() if isinstance(level, int | float) else str(level)
                   for level in one["levels"])
    title = f"{one['scenario']}: {one['parameter']}".replace("_", " ")
    return WhatIf(name, title, one, response_plot(one, model, name), levels)


def _render(contents: Contents) -> str:
    mine, theirs = files("evaluation.benchmark.report"), files("evaluation.report")
    style = (theirs.joinpath("style.css").read_text("utf-8")
             + mine.joinpath("bench.css").read_text("utf-8"))
    return _environment().get_template("bench.html").render(
        c=contents, r=contents.r, style=style, statistics=STATISTICS, rows=ROWS,
        script=mine.joinpath("bench.js").read_text("utf-8"),
    ).strip()


@functools.cache
def _environment() -> Environment:
    """Templates of the page over those of other reports, compiled once."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("evaluation.benchmark.report", "."),
                             PackageLoader("evaluation.report", ".")]),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )
    environment.filters.update(
        number=number, unit=wording.unit_symbol, lines=lines, skill=wording.skill,
        between=wording.between, named=wording.named, metric_title=metric_title,
        by_reason=wording.by_reason, counted=wording.counted, amounts=_amounts, plain=_plain,
    )
    return environment


def _amounts(interval: Sequence[float | None] | None) -> str:
    """An interval of quantities; empty where there is none."""
    return "" if interval is None else f"{number(interval[0])} to {number(interval[1])}"


def _plain(names: Iterable[str]) -> str:
    """Identifiers as words, in one line."""
    return ", ".join(name.replace("_", " ") for name in names)
