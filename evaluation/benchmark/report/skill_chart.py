"""The chart of skills: one row a scenario, drawn in percent of the width so that it fits any."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.benchmark.report.stored import block_name, block_title
from evaluation.benchmark.report.wording import estimate, named

LOWEST, HIGHEST = -1.0, 1.1
"""The widest scale; what lies beyond is drawn at its end and given in numbers."""

MODEL = "model"


@dataclasses.dataclass(frozen=True)
class Mark:
    """One skill on the scale.

    shape : which symbol. place : percent of the width. beyond : whether its value lies outside the
    scale. label : name and number in words.
    """

    shape: str
    place: float
    beyond: bool
    label: str


@dataclasses.dataclass(frozen=True)
class Row:
    """A scenario, or all of them.

    anchor : of the place where the evidence is, or empty. text : the model's skill in numbers.
    low, high : percent, of the interval's ends; None without one. note : why there is no skill.
    """

    title: str
    anchor: str
    text: str
    marks: tuple[Mark, ...]
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Chart:
    """rows : overall first. ticks : (percent, label). legend : (shape, name)."""

    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]
    legend: tuple[tuple[str, str], ...]


def shape_of(model: str) -> str:
    """The symbol of a reference or baseline."""
    return model.removeprefix("baseline:")


def skill_chart(result: Mapping[str, Any]) -> Chart:
    """The skills of a result."""
    scale = _Scale.of(result)
    model = str(result["model"]["name"])
    overall = result["overall"]
    rows = [_row("All scenarios", "", overall["skill"], overall["others"], model, scale)]
    for block in result["blocks"]:
        reason = result["unsupported"].get(block["scenario"], "")
        rows.append(_row(block_title(block), f"block-{block_name(block)}", block["skill"],
                         block["others"], model, scale, reason))
    there = {name for holder in (overall, *result["blocks"]) for name in holder["others"]}
    legend = [(MODEL, f"{model}, with its 95 % interval")]
    legend += [(shape_of(name), named(name)) for name in sorted(there, key=_order)]
    return Chart(tuple(rows), scale.ticks(), tuple(legend))


def _order(name: str) -> tuple[bool, str]:
    return name.startswith("baseline:"), name


@dataclasses.dataclass(frozen=True)
class _Scale:
    low: float
    high: float

    @classmethod
    def of(cls, result: Mapping[str, Any]) -> _Scale:
        found = [0.0, 1.0]
        for holder in (result["overall"], *result["blocks"]):
            shown = [holder["skill"]["value"], *(holder["skill"]["interval"] or ()),
                     *(other["skill"]["value"] for other in holder["others"].values())]
            found += [value for value in shown if value is not None]
        low = max(LOWEST, min(found)) - 0.05
        return cls(math.floor(low * 10) / 10, min(HIGHEST, max(found) + 0.08))

    def place(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(1.0, max(0.0, share)), 2)

    def beyond(self, value: float) -> bool:
        return not self.low <= value <= self.high

    def ticks(self) -> tuple[tuple[float, str], ...]:
        step = 0.5 if self.high - self.low > 0.8 else 0.25
        values = [k * step for k in range(math.ceil(self.low / step), int(self.high / step) + 1)]
        return tuple((self.place(v), f"{v:g}".replace("-", "−")) for v in values)


def _row(title: str, anchor: str, skill: Mapping[str, Any], others: Mapping[str, Any], model: str,
         scale: _Scale, reason: str = "") -> Row:
    marks = [_mark(shape_of(name), named(name), other["skill"], scale)
             for name, other in others.items() if other["skill"]["value"] is not None]
    if skill["value"] is None:
        note = reason or skill["interval_reason"] or "no metric can tell"
        return Row(title, anchor, "–", tuple(marks), note=note)
    marks.append(_mark(MODEL, model, skill, scale))
    low, high = _ends(skill["interval"], scale)
    return Row(title, anchor, estimate(skill), tuple(marks), low, high)


def _mark(shape: str, name: str, skill: Mapping[str, Any], scale: _Scale) -> Mark:
    value = skill["value"]
    return Mark(shape, scale.place(value), scale.beyond(value), f"{name}: {estimate(skill)}")


def _ends(interval: Sequence[float] | None,
          scale: _Scale) -> tuple[float, float] | tuple[None, None]:
    if interval is None:
        return None, None
    return scale.place(interval[0]), scale.place(interval[1])
