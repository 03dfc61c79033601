"""A judged run in words."""

from __future__ import annotations

from evaluation.benchmark.judged import Judged
from evaluation.bootstrap import Estimate
from evaluation.statistics.power import power_in_words


def words(judged: Judged) -> list[str]:
    """The answer, a sentence each, what cannot be told first."""
    said = []
    unsupported = [one.result.block.scenario for one in judged.blocks if not one.result.supported]
    if unsupported:
        these = ", ".join(dict.fromkeys(unsupported))
        said.append(f"{judged.model} cannot be asked about {these}; the skill below is of the "
                    "others only.")
    failed = sum(len(one.result.failures.get(judged.model, {})) for one in judged.blocks)
    if failed:
        said.append(f"{failed} cases failed; each counts as the worst baseline's answer.")
    mute = [one.result.block.scenario for one in judged.blocks
            if one.result.supported and one.skill.value is None]
    if mute:
        said.append(f"Not resolvable: {', '.join(dict.fromkeys(mute))} (frozen frames err too "
                    "little there for the instruments).")
    if judged.skill.value is None:
        return [*said, "There is no overall skill."]
    said.append(f"Skill {_shown(judged.skill)}, where 1 is the simulator and 0 a frozen picture.")
    for sort, text in (("better", "Better than"), ("worse", "Worse than"),
                       ("cannot be told", "Not told from")):
        names = [f"{_plain(name)} ({_shown(one.skill, brief=True)})"
                 for name, one in judged.others.items() if one.verdict == sort]
        if names:
            said.append(f"{text} {_listed(names)}.")
    for one in judged.equivalents:
        said.append(f"On {_listed(list(one.scenarios))}: {one.text}.")
    return said


def power(judged: Judged) -> list[str]:
    """How many cases it would take to tell the model from each other one."""
    scenarios = sum(one.skill.value is not None for one in judged.blocks)
    said = []
    for name, one in judged.others.items():
        text = power_in_words(judged.model, _plain(name), one.needed, scenarios)
        said.append(f"{text[0].upper()}{text[1:]}.")
    return said


def _plain(name: str) -> str:
    return {"mujoco": "the simulator with other hidden draws"}.get(
        name, name.removeprefix("baseline:").replace("-", " "))


def _shown(one: Estimate, brief: bool = False) -> str:
    if one.value is None:
        return "unknown"
    if brief or one.interval.low is None or one.interval.high is None:
        note = "" if brief else f" (no interval: {one.interval.reason})"
        return f"{one.value:.2f}{note}"
    return f"{one.value:.2f} [{one.interval.low:.2f}, {one.interval.high:.2f}]"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
