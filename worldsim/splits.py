"""Splits: which values of a scenario's parameters training sees, and which are kept from it.

The training range of every parameter has a gap in its middle, and the joint space of two parameters
a corner, from which no training case is drawn. So there are cases in range, inside the hull but
unseen, outside it, and of an unseen combination. Seeds are divided among purposes (`Purpose`), so
that no training case can be met again in validation or test, whatever its number.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from worldsim.errors import InputError
from worldsim.scenario import Parameter, Scenario
from worldsim.seeding import SEEDS as SEEDS
from worldsim.seeding import VISIBLE, stream
from worldsim.seeding import Purpose as Purpose
from worldsim.seeding import purpose_of as purpose_of
from worldsim.seeding import seed_for as seed_for

GAP = 0.10
"""Share of a training range, in its middle, that training never sees, unless a parameter declares
its own gap."""

FEWEST_COUNTS = 5
"""A count has a gap, its middle value, if its training range has at least so many values."""

REACH = 0.5
"""How far outside draws go beyond either end of a training range, in its widths."""

CORNER = 0.30
"""Share of the training ranges of two parameters, at their upper ends, that make the unseen
combination, unless a scenario declares its own."""

TRIES = 10_000
"""Draws after which a split is taken to be empty."""


class Split(enum.StrEnum):
    """How a case lies to what training draws from."""

    IN_RANGE = "in_range"
    """As training draws, whatever its seed."""
    INSIDE = "inside"
    """In range but for one parameter, which lies in its gap."""
    OUTSIDE = "outside"
    """In range but for one parameter, which lies beyond an end of its training range."""
    OUTSIDE_ALL = "outside_all"
    """Every parameter lies beyond an end of its training range, if physics lets it."""
    COMBINATION = "combination"
    """Each parameter in range, two of them in a combination that training never sees."""


@dataclasses.dataclass(frozen=True)
class Span:
    """The values low to high of a quantity, or of a count if `whole`."""

    low: float
    high: float
    whole: bool = False

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def measure(self) -> float:
        """Its length, or the number of its whole numbers; 0 if it is empty."""
        if self.whole:
            return max(math.floor(self.high) - math.ceil(self.low) + 1, 0)
        return max(self.high - self.low, 0.0)

    def __str__(self) -> str:
        low, high = self.low, self.high
        if self.whole:
            low, high = math.ceil(low), math.floor(high)
        return f"{low:g}" if low == high else f"{low:g} to {high:g}"

    def draw(self, rng: np.random.Generator) -> float:
        """One of its values, all equally likely."""
        if self.whole:
            return float(rng.integers(math.ceil(self.low), math.floor(self.high) + 1))
        return float(rng.uniform(self.low, self.high))


def gap(cls: type[Scenario], name: str) -> Span | None:
    """The part of a parameter's training range that training never sees; None if there is none."""
    spec = cls.parameters()[name]
    if spec.choices or not spec.seen or not cls.held_out:
        return None
    low, high = spec.training
    if spec.gap is not None:
        if not low < spec.gap[0] <= spec.gap[1] < high:
            raise InputError(
                f"scenario {cls.name!r} declares gap={spec.gap} of {name}; give two values within "
                f"its training range, {low:g} to {high:g} {spec.unit}"
            )
        return Span(*spec.gap, whole=spec.whole)
    middle, width = (low + high) / 2, high - low
    if not spec.whole:
        return Span(middle - GAP / 2 * width, middle + GAP / 2 * width) if width > 0 else None
    counts = Span(low, high, whole=True).measure
    if counts < FEWEST_COUNTS:
        return None
    return Span(math.floor(middle), math.floor(middle), whole=True)


def combination(cls: type[Scenario]) -> Mapping[str, Span | tuple[str, ...]]:
    """The corner of the joint space that training never sees: all of the parameters given are
    within their spans, or one of their choices. Empty if there is none.

    Unless declared, the two first seen quantities are in the upper `CORNER` of their ranges; a
    scenario of one quantity takes a choice, in its last value, beside it.
    """
    if not cls.held_out:
        return {}
    known = cls.parameters()
    if cls.combination:
        return {
            name: region if known[name].choices else _span(cls, name, region)
            for name, region in cls.combination.items()
        }
    upper = {
        name: Span(spec.training[1] - CORNER * _width(spec), spec.training[1], spec.whole)
        for name, spec in known.items()
        if spec.seen and not spec.choices and _width(spec) > 0
    }
    # Of few counts, the upper end could be all of them but one.
    corner: dict[str, Any] = {
        name: span for name, span in upper.items()
        if span.measure > 0 and (not span.whole or _counts(known[name]) >= FEWEST_COUNTS)
    }
    for name, spec in known.items():
        if spec.seen and len(spec.choices) > 1:
            corner[name] = spec.choices[-1:]
    return dict(list(corner.items())[:2]) if len(corner) > 1 else {}


def beyond(spec: Parameter) -> tuple[Span, ...]:
    """The spans below and above a parameter's training range that outside draws are from: up to
    `REACH` of its width, or one for counts, as far as physics allows."""
    if spec.choices or not spec.seen:
        return ()
    low, high = spec.training
    reach = REACH * _width(spec)
    if spec.whole:
        reach = max(math.ceil(reach), 1)
        found = (
            Span(max(low - reach, spec.physical[0]), math.ceil(low) - 1, whole=True),
            Span(math.floor(high) + 1, min(high + reach, spec.physical[1]), whole=True),
        )
    else:
        found = (
            Span(max(low - reach, spec.physical[0]), low),
            Span(high, min(high + reach, spec.physical[1])),
        )
    return tuple(span for span in found if span.measure > 0)


def split_of(scenario: Scenario) -> Split:
    """Which split a scenario's parameters belong to.

    Who lies outside in one parameter and in a gap in another is outside. `Split.OUTSIDE_ALL` is
    told from `Split.OUTSIDE` where more than one parameter could lie outside. Only parameters that
    are seen and matter (`Scenario.matters`) count.
    """
    cls = type(scenario)
    known = {
        name: spec for name, spec in cls.parameters().items()
        if spec.seen and scenario.matters(name)
    }
    values = {name: getattr(scenario, name) for name in known}
    outside = [name for name, spec in known.items() if spec.extrapolates(values[name])]
    if outside:
        could = [name for name, spec in known.items() if beyond(spec)]
        whole = len(could) > 1 and set(could) <= set(outside)
        return Split.OUTSIDE_ALL if whole else Split.OUTSIDE
    corner = combination(cls)
    if corner and all(
        name in values and values[name] in region for name, region in corner.items()
    ):
        return Split.COMBINATION
    gaps = {name: gap(cls, name) for name in known}
    if any(span is not None and values[name] in span for name, span in gaps.items()):
        return Split.INSIDE
    return Split.IN_RANGE


def offered(cls: type[Scenario]) -> tuple[Split, ...]:
    """The splits that a scenario has."""
    known = cls.parameters()
    out = sum(bool(beyond(spec)) for spec in known.values())
    has = {
        Split.IN_RANGE: True,
        Split.INSIDE: any(gap(cls, name) is not None for name in known),
        Split.OUTSIDE: out > 0,
        Split.OUTSIDE_ALL: out > 1,
        Split.COMBINATION: bool(combination(cls)),
    }
    return tuple(split for split, there in has.items() if there)


def draw(cls: type[Scenario], split: Split, seed: int, case: int) -> Scenario:
    """A scenario of a split for case number `case` of a seed (see `seed_for`).

    In-range cases of a scenario without gaps are uniform draws from its training ranges.

    Raises
    ------
    InputError : the scenario does not offer the split, or declares it so that it is empty.
    """
    if split not in offered(cls):
        raise InputError(
            f"scenario {cls.name!r} has no split {split.value!r}; it has "
            f"{', '.join(offered(cls))}"
        )
    component = "training" if split is Split.IN_RANGE else split.value
    rng = stream(seed, case, VISIBLE, f"{component} parameters")
    known = cls.parameters()
    if split is Split.IN_RANGE:
        return _first(split, lambda: cls.sample(rng))

    def changed(fresh: dict[str, Any]) -> Scenario:
        base = _first(Split.IN_RANGE, lambda: cls.sample(rng))
        return cls(**{**base.values(), **fresh})

    if split is Split.INSIDE:
        gaps = [(name, span) for name in known if (span := gap(cls, name)) is not None]

        def unseen() -> Scenario:
            name, span = gaps[int(rng.integers(len(gaps)))]
            return changed({name: span.draw(rng)})

        return _first(split, unseen)
    if split is Split.COMBINATION:
        corner = combination(cls)
        return _first(split, lambda: changed(
            {
                name: region.draw(rng) if isinstance(region, Span)
                else region[int(rng.integers(len(region)))]
                for name, region in corner.items()
            }
        ))
    ends = [(name, beyond(spec)) for name, spec in known.items() if beyond(spec)]

    def extrapolated() -> Scenario:
        chosen = ends if split is Split.OUTSIDE_ALL else [ends[int(rng.integers(len(ends)))]]
        return changed({name: _one_of(spans, rng).draw(rng) for name, spans in chosen})

    return _first(split, extrapolated)


def describe(cls: type[Scenario]) -> dict[Split, str]:
    """What each offered split of a scenario is, in one line of ranges with units."""
    known = cls.parameters()

    def said(name: str, spans: tuple[Span, ...]) -> str:
        unit = "" if known[name].unit == "1" else f" {known[name].unit}"
        return f"{name.replace('_', ' ')} {' or '.join(map(str, spans))}{unit}"

    corner = ", ".join(
        said(name, (region,)) if isinstance(region, Span)
        else f"{name.replace('_', ' ')} {' or '.join(region)}"
        for name, region in combination(cls).items()
    )
    gaps = [(name, span) for name in known if (span := gap(cls, name)) is not None]
    inside = "; ".join(said(name, (span,)) for name, span in gaps)
    ends = "; ".join(said(name, beyond(spec)) for name, spec in known.items() if beyond(spec))
    full = "; ".join(
        said(name, (Span(*spec.training, whole=spec.whole),))
        for name, spec in known.items() if not spec.choices
    )
    kept = " without the gaps and the combination below" if gaps or corner else ""
    texts = {
        Split.IN_RANGE: f"{full}{kept}",
        Split.INSIDE: f"one of: {inside}",
        Split.OUTSIDE: f"one of: {ends}",
        Split.OUTSIDE_ALL: f"all of: {ends}",
        Split.COMBINATION: f"together: {corner}",
    }
    return {split: texts[split] for split in offered(cls)}


def _first(split: Split, propose: Callable[[], Scenario]) -> Scenario:
    """The first proposal that belongs to a split."""
    for _ in range(TRIES):
        scenario = propose()
        found = split_of(scenario)
        if found is split:
            return scenario
    raise InputError(
        f"no case of the split {split.value!r} in {TRIES} draws; leave it more room in the "
        "scenario's gaps and combination"
    )


def _one_of(spans: tuple[Span, ...], rng: np.random.Generator) -> Span:
    """One of some spans, by their measure."""
    weights = np.array([span.measure for span in spans])
    return spans[int(rng.choice(len(spans), p=weights / weights.sum()))]


def _span(cls: type[Scenario], name: str, region: Any) -> Span:
    spec, (low, high) = cls.parameters()[name], region
    if not spec.training[0] <= low <= high <= spec.training[1]:
        raise InputError(
            f"scenario {cls.name!r} declares {name} {low:g} to {high:g} in its combination; give "
            f"values within its training range, {spec.training[0]:g} to {spec.training[1]:g} "
            f"{spec.unit}"
        )
    return Span(low, high, spec.whole)


def _width(spec: Parameter) -> float:
    return spec.training[1] - spec.training[0]


def _counts(spec: Parameter) -> float:
    return Span(*spec.training, whole=True).measure
