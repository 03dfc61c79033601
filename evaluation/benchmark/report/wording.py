"""Words of a result that the page and the terminal share: limits first, then the answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evaluation.benchmark.report.stored import block_title
from evaluation.report.html import number

NAMES = {
    "mujoco": "the simulator with other hidden draws",
    "baseline:frozen": "the frozen picture",
    "baseline:constant-velocity": "constant velocity",
    "baseline:climatology": "climatology",
    "baseline:nearest": "the nearest training rollout",
}
"""Of what stands beside every model."""

BRIEF = NAMES | {
    "mujoco": "simulator, other draws", "baseline:frozen": "frozen picture",
    "baseline:nearest": "nearest rollout", "floor": "floor",
}
"""The same in legends and narrow tables."""

SEVERAL = 6
"""Names that are listed; more are counted."""

EQUIVALENTS = 4
"""Equivalent perturbations that stand in the answer; the page has all."""


def named(model: str) -> str:
    """A reference or baseline in words; any other model by its own name."""
    return NAMES.get(model, model)


def listed(names: Iterable[str], last: str = "and", most: int = SEVERAL) -> str:
    """``a, b and c``; with more than `most` names ``a, b and 7 more``."""
    found = list(dict.fromkeys(names))
    if len(found) > most:
        found = [*found[:most - 1], f"{len(found) - most + 1} more"]
        last = "and"
    return f" {last} ".join([", ".join(found[:-1]), found[-1]]) if len(found) > 1 else found[0]


def skill(value: float | None, sign: str = "") -> str:
    """A skill to two decimals, fewer where it is large; a dash where there is none.

    sign : ``+`` for differences.
    """
    if value is None:
        return "–"
    if abs(value) >= 9.995:
        return number(value)
    rounded = round(value, 2) or 0.0
    return f"{rounded:{sign if rounded else ''}.2f}".replace("-", "−")


def between(interval: Sequence[float | None] | None, sign: str = "") -> str:
    """An interval of skills, ``[0.38, 0.48]``; empty where there is none."""
    if interval is None:
        return ""
    return f"[{skill(interval[0], sign)}, {skill(interval[1], sign)}]"


def estimate(found: Mapping[str, Any], sign: str = "") -> str:
    """A skill with its interval."""
    return f"{skill(found['value'], sign)} {between(found['interval'], sign)}".rstrip()


def counted(count: int, thing: str) -> str:
    """``1 case``, ``3 cases``."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def by_reason(reasons: Mapping[str, str]) -> dict[str, list[str]]:
    """{reason: [what]}, in order of appearance."""
    found: dict[str, list[str]] = {}
    for what, reason in reasons.items():
        found.setdefault(reason, []).append(what)
    return found


def limits(result: Mapping[str, Any]) -> list[str]:
    """What a result cannot tell, the gravest first."""
    told = []
    if not result["official"]:
        because = "; ".join(result["unofficial_because"]) or "no reason is recorded"
        told.append("Where this model ranks: the result is unofficial and must not stand on a "
                    f"leaderboard: {because}.")
    for reason, scenarios in by_reason(result["unsupported"]).items():
        told.append(f"How it does in {_plain(scenarios)}, where it cannot be asked: "
                    f"{_sentence(reason)}")
    told += _untold_blocks(result)
    told += _unresolvable(result)
    told += _failures(result)
    told += _few(result)
    told += _ties(result)
    if not result["equivalents"]:
        told.append("How wrong a simulator would have to be to err as much: no ladder of wrong "
                    "simulators was climbed on these cases with this version of data and metrics.")
    told.append("Anything but the scenes of this suite: they are small pictures of few bodies, "
                "made by one simulator.")
    return told


def _plain(names: Iterable[str]) -> str:
    return listed(name.replace("_", " ") for name in names)


def _sentence(text: str) -> str:
    return text.rstrip(".!? ") + "."


def _untold_blocks(result: Mapping[str, Any]) -> list[str]:
    """Blocks that were asked and yet have no skill."""
    names = [block_title(b) for b in result["blocks"]
             if b["skill"]["value"] is None and b["scenario"] not in result["unsupported"]]
    if not names:
        return []
    return [f"How skilful it is in {listed(names)}: no headline metric has a value that can be "
            "told from a frozen picture's there, so these take no part in the overall skill."]


def unresolvable(metric: Mapping[str, Any]) -> bool:
    """Whether no baseline errs enough for a skill."""
    against = [b["skill"] for b in metric["baselines"].values()]
    return bool(against) and all(not skill["resolvable"] for skill in against)


def _unresolvable(result: Mapping[str, Any]) -> list[str]:
    where: dict[str, list[str]] = {}
    for block in result["blocks"]:
        for metric in block["metrics"]:
            if metric["headline"] and not metric["unsupported"] and unresolvable(metric):
                where.setdefault(metric["metric"], []).append(block_title(block))
    if not where:
        return []
    places = "; ".join(f"{name} in {listed(titles, most=4)}" for name, titles in where.items())
    return [f"Skill in {places}: no baseline errs enough there to be told from the instruments’ "
            "own error (not resolvable)."]


def _failures(result: Mapping[str, Any]) -> list[str]:
    told = []
    if result["failed"]:
        told.append(f"What the model would have made of {result['failed']} of "
                    f"{counted(result['cases'], 'case')}: it failed there. They count as the worst "
                    "baseline; the reasons stand below.")
    if result["excluded"]:
        told.append(f"Anything of {counted(len(result['excluded']), 'case')} whose truth failed "
                    "the simulator’s audit: left out for every model.")
    return told


def _few(result: Mapping[str, Any]) -> list[str]:
    """Where there are no intervals, and why."""
    overall = result["overall"]["skill"]
    if overall["value"] is not None and overall["interval"] is None:
        why = overall["interval_reason"] or "no reason is recorded"
        return [f"Whether differences are chance: there is no interval: {_sentence(why)}"]
    without = [b for b in result["blocks"]
               if b["skill"]["value"] is not None and b["skill"]["interval"] is None]
    if not without:
        return []
    why = listed((b["skill"]["interval_reason"] for b in without), "or", most=2)
    return [f"How sure the skill is in {listed(map(block_title, without))}: {_sentence(why)}"]


def _ties(result: Mapping[str, Any]) -> list[str]:
    told = []
    for name, other in result["overall"]["others"].items():
        if other["verdict"] != "cannot be told" or other["difference"]["interval"] is None:
            continue
        needed = other["cases_needed"]
        more = f"; about {needed} cases a scenario would tell" if needed else ""
        told.append(f"Whether it is better or worse than {named(name)}: the difference in skill is "
                    f"{estimate(other['difference'], '+')}{more}.")
    return told


def skill_sentence(result: Mapping[str, Any]) -> str:
    """The overall skill, in one sentence."""
    overall, name = result["overall"], result["model"]["name"]
    if overall["skill"]["value"] is None:
        why = overall["skill"]["interval_reason"] or "nothing was scored"
        return f"No skill can be given for {name}: {_sentence(why)}"
    sure = between(overall["skill"]["interval"])
    return (f"{name} has a skill of {skill(overall['skill']['value'])}"
            f"{f' {sure}' if sure else ''} over {counted(overall['scenarios'], 'scenario')}: "
            f"0 is {named(overall['zero'])}, 1 {NAMES['mujoco']}.")


def rivals_sentence(result: Mapping[str, Any]) -> str:
    """Whom the model beats, and who beats it."""
    found: dict[str, list[str]] = {}
    for name, other in result["overall"]["others"].items():
        sort = other["verdict"] if other["difference"]["interval"] is not None else "no interval"
        found.setdefault(sort, []).append(named(name))
    parts = [f"{verb} {listed(found[sort], last)}" for sort, verb, last in (
        ("better", "it beats", "and"), ("worse", "it is beaten by", "and"),
        ("cannot be told", "it cannot be told from", "or"),
        ("no interval", "without intervals nothing is said beside", "or")) if sort in found]
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if parts else ""


def equivalents_sentence(result: Mapping[str, Any], most: int = EQUIVALENTS) -> str:
    """How wrong a simulator would have to be to err as much; those that have a place first."""
    placed = sorted(result["equivalents"], key=lambda one: one["strength"] is None)
    if not placed:
        return ""
    texts = [one["text"].removeprefix("as wrong as ") for one in placed]
    more = "" if len(texts) <= most else f"; {len(texts) - most} more ladders stand below"
    return f"It is as wrong as {'; as '.join(texts[:most])}{more}."


def agreement_sentence(result: Mapping[str, Any]) -> str:
    """How far what the model shows is from what it says of the same bodies, where it says any."""
    found = {block_title(b): b["shows_against_says"]["value"] for b in result["blocks"]
             if b.get("shows_against_says")}
    if not found:
        return ""
    worst = max(found, key=lambda title: found[title])
    mean = sum(found.values()) / len(found)
    return (f"Bodies are shown {number(mean)} m from where it says they are"
            f"{f', in {worst} {number(found[worst])} m' if len(found) > 1 else ''}.")


def answer(result: Mapping[str, Any]) -> list[str]:
    """The answer, in at most four sentences."""
    sentences = (skill_sentence(result), rivals_sentence(result), equivalents_sentence(result),
                 agreement_sentence(result))
    return [sentence for sentence in sentences if sentence]


def unit_symbol(unit: str) -> str:
    """A unit with its powers raised, ``m s⁻²``; nothing for none."""
    if unit in ("1", ""):
        return ""
    return re.sub(r"(?<=[A-Za-z])-?[0-9]", lambda power: power[0].translate(_RAISED), unit)


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def amount(value: float | None, unit: str) -> str:
    """A number with its unit."""
    return f"{number(value)} {unit_symbol(unit)}".rstrip()
