"""How many cases it would take, in words."""

from __future__ import annotations

from evaluation.benchmark.judged import Judged
from evaluation.benchmark.report.wording import named
from evaluation.statistics.power import power_in_words


def power(judged: Judged) -> list[str]:
    """How many cases it would take to tell the model from each other one."""
    scenarios = sum(one.skill.value is not None for one in judged.blocks)
    said = []
    for name, one in judged.others.items():
        text = power_in_words(judged.model, named(name), one.needed, scenarios)
        said.append(f"{text[0].upper()}{text[1:]}.")
    return said
