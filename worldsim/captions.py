"""Reading captions: from an English sentence to a scenario and what it says of its parameters.

This is a grammar, not a learned reader, and says so where it does not understand. It understands

- every phrasing that a scenario declares (`Scenario.phrasings`), with any numbers in it;
- a scenario's name or its summary, and after or before it any number of statements
  ``<parameter> [of|is|=|:] <value> [unit]`` or ``<value> <unit> <parameter>``, where a parameter is
  called by its name (``wave height``) and a choice by one of its values (``concrete``).

What is not said is not told: a world model then marginalises over it.
"""

from __future__ import annotations

import dataclasses
import re
import string
from collections.abc import Iterable

from worldsim.errors import InputError
from worldsim.scenario import Parameter, Scenario, list_scenarios, scenario_class

NUMBER = r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
LINK = r"(?:\s+(?:of|is|=|:|equals|about)\s+|\s*[=:]\s*|\s+)"


@dataclasses.dataclass(frozen=True)
class Reading:
    """What a caption says: the scenario, and values of some of its parameters (choices by name)."""

    scenario: str
    values: dict[str, float | str]

    def codes(self) -> dict[str, float]:
        """The values as a `worldsim.query.Query` takes them: choices as codes."""
        known = scenario_class(self.scenario).parameters()
        return {name: float(known[name].choices.index(str(value))) if known[name].choices
                else float(value) for name, value in self.values.items()}


def read_caption(text: str, scenarios: Iterable[str] | None = None) -> Reading:
    """What a caption says.

    Parameters
    ----------
    scenarios : those that may be meant; all installed ones by default.

    Raises
    ------
    InputError : no scenario, or several alike, is meant; a value is impossible.
    """
    plain = " ".join(text.lower().split())
    if not plain:
        raise InputError("the caption is empty; say what happens, e.g. 'a ball of radius 0.2 m "
                         "falls 1.5 m'")
    names = list(list_scenarios() if scenarios is None else scenarios)
    found = [(score, name, values) for name in names
             for score, values in [_understood(plain, scenario_class(name))] if score]
    if not found:
        raise InputError(
            f"the caption {text!r} names no scenario that is known; begin with one of "
            f"{', '.join(name.replace('_', ' ') for name in names)}")
    best = max(score for score, _, _ in found)
    meant = [(name, values) for score, name, values in found if score == best]
    if len(meant) > 1:
        raise InputError(f"the caption {text!r} may mean {' or '.join(n for n, _ in meant)}; "
                         "name one of them")
    name, values = meant[0]
    for parameter, value in values.items():
        scenario_class(name).parameters()[parameter].check(parameter, value)
    return Reading(name, values)


def _understood(plain: str, cls: type[Scenario]) -> tuple[int, dict[str, float | str]]:
    """How much of a caption speaks of a scenario (0: nothing), and what it says."""
    known = cls.parameters()
    values: dict[str, float | str] = {}
    score = 0
    for phrasing in cls.phrasings:
        match = re.search(_pattern(phrasing, known), plain)
        if match:
            score = max(score, len(match.group(0)))
            values |= {name: _value(known[name], text)
                       for name, text in match.groupdict().items()}
    if cls.summary.lower() in plain:
        score = max(score, len(cls.summary))
    if re.search(rf"\b{re.escape(cls.name.replace('_', ' '))}\b", plain) or cls.name in plain:
        score = max(score, len(cls.name))
    if score:
        values = _stated(plain, known) | values
    return score, values


def _pattern(phrasing: str, known: dict[str, Parameter]) -> str:
    """A phrasing as a regular expression, each parameter a named group."""
    parts, told = [], set()
    for literal, name, _, _ in string.Formatter().parse(phrasing.lower()):
        parts.append(re.escape(literal).replace(r"\ ", r"\s+"))
        if name is None:
            continue
        value = "|".join(map(re.escape, known[name].choices)) or NUMBER
        parts.append(f"(?:{value})" if name in told else f"(?P<{name}>{value})")
        told.add(name)
    return "".join(parts)


def _stated(plain: str, known: dict[str, Parameter]) -> dict[str, float | str]:
    """What is stated of parameters by name."""
    values: dict[str, float | str] = {}
    for name, spec in known.items():
        called = re.escape(name.replace("_", " ")).replace(r"\ ", r"[\s_]+")
        if spec.choices:
            value = "|".join(map(re.escape, spec.choices))
            match = re.search(rf"\b{called}{LINK}(?P<v>{value})\b", plain)
            alone = [c for c in spec.choices if re.search(rf"\b{re.escape(c)}\b", plain)]
            if match:
                values[name] = match["v"]
            elif len(alone) == 1 and sum(alone[0] in s.choices for s in known.values()) == 1:
                values[name] = alone[0]
            continue
        after = re.search(rf"\b{called}{LINK}(?P<v>{NUMBER})", plain)
        unit = re.escape(spec.unit.lower())
        before = re.search(rf"(?P<v>{NUMBER})\s*{unit}\s+{called}\b", plain)
        match = after or before
        if match:
            values[name] = float(match["v"])
    return values


def _value(spec: Parameter, text: str) -> float | str:
    return text if spec.choices else float(text)
