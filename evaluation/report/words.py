"""The report's words for deciding: the question, and what the report cannot tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.bootstrap import LEAST_CASES
from evaluation.report.contents import ParameterRow, ScoreRow
from worldsim.scenario import Parameter, Scenario


def question(scenario: Scenario) -> str:
    """The what-if as a question: the first parameter, and what else is not as by default."""
    usual = type(scenario)().values()
    settings = [
        setting(name, value, spec) for number, (name, spec, value) in enumerate(zip(
            scenario.parameters(), scenario.parameters().values(), scenario.values().values(),
            strict=True))
        if number == 0 or value != usual[name]
    ]
    return f"What if {scenario.summary}: {', '.join(settings)}?"


def setting(name: str, value: object, spec: Parameter) -> str:
    """A parameter's value in words, e.g. ``wave height 6 m``."""
    words = value if spec.choices else f"{value:g} {'' if spec.unit == '1' else spec.unit}"
    return f"{name.replace('_', ' ')} {words}".strip()


def limits(scenario: Scenario, scores: Mapping[str, Any], rows: Sequence[ScoreRow],
           parameters: Sequence[ParameterRow], pitch: float,
           of_town: Sequence[str] = ()) -> tuple[str, ...]:
    """What this report cannot tell, the gravest first.

    pitch : metres per pixel of the view that the instruments read.
    of_town : what cannot be told of the town and its people.
    """
    cases = len(scores["cases"])
    fps = float(scores["fps"])
    told = [
        *_few_cases(cases),
        *_extrapolation(parameters),
        *of_town,
        *_unresolvable(rows),
        scenario.leaves_out,
        f"Nothing smaller than {pitch:g} m (one pixel of the overhead view) or briefer than "
        f"{1 / fps:g} s (one frame) is measured; the street view is compared by its pixels only.",
    ]
    return tuple(told)


def _few_cases(cases: int) -> list[str]:
    if cases >= LEAST_CASES:
        return [f"How it goes on one particular street: this is an average over {cases} made-up "
                "ones, as sure as the intervals say."]
    streets = "one street" if cases == 1 else f"{cases} streets"
    return [f"Whether the differences are chance: {streets} cannot say how much they would vary, "
            f"so there are no intervals ({LEAST_CASES} cases give some: --cases {LEAST_CASES})."]


def _extrapolation(parameters: Sequence[ParameterRow]) -> list[str]:
    return [
        f"How the model does where it was trained: {row.name} {row.value} {row.unit} lies outside "
        f"its training range ({row.training}), so this is extrapolation."
        for row in parameters if row.extrapolates
    ]


def _unresolvable(rows: Sequence[ScoreRow]) -> list[str]:
    """Metrics of physical quantities on which no baseline can be told from the instrument."""
    names = [
        row.metric for row in rows
        if row.against and not row.metric.startswith("pixel.")
        and all(a.skill is None and a.reason.startswith("not resolvable") for a in row.against)
    ]
    if not names:
        return []
    return [f"Skill in {', '.join(names)}: no baseline errs enough to be told from perfection."]
