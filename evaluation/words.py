"""Scores in words: how late the water is, how skilful the dream, what cannot be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation.bootstrap import Interval
from evaluation.metrics import HEADLINE
from evaluation.summary import Score

if TYPE_CHECKING:
    from evaluation.scores import Scores

_PLAIN = {
    "water.wet_area_brier": "wet area",
    "debris.position_crps": "debris positions",
    "structures.standing_brier": "standing buildings",
}


def in_words(scores: Scores) -> str:
    """One to four honest sentences."""
    sentences = [_lateness(scores["water.lateness"]), _skill(scores), _failed(scores)]
    return " ".join(sentence for sentence in sentences if sentence)


def _between(interval: Interval, unit: str = "") -> str:
    if interval.low is None or interval.high is None:
        return ""
    return f" [{interval.low:.2f}, {interval.high:.2f}]{unit}"


def _lateness(score: Score) -> str:
    late = score.value.value
    if late is None:
        return "The scenes have no building that water could reach."
    if abs(late) < 0.05:
        return "The dream's water reaches the first building on time (to 0.05 s)."
    side = "late" if late > 0 else "early"
    return (
        f"The dream's water reaches the first building {abs(late):.1f} s {side}"
        f"{_between(score.value.interval, ' s')}, averaged over {_cases(score.cases)}."
    )


def _failed(scores: Scores) -> str:
    failed = scores.about.get("failed_cases", [])
    if not failed:
        return ""
    return f"The truth of {_cases(len(failed))} failed its audit and was left out."


def _cases(count: int) -> str:
    return "1 case" if count == 1 else f"{count} cases"


def _skill(scores: Scores) -> str:
    if not scores.baselines:
        return "No baseline was run, so there is no skill to give."
    told, untold = [], []
    for name in (*HEADLINE, "structures.standing_brier"):
        score = scores[name]
        against = score.against(score.best_baseline)
        if against is None or against.skill.value is None:
            untold.append(_PLAIN[name])
            continue
        told.append(
            f"{against.skill.value:.2f}{_between(against.skill.interval)} for {_PLAIN[name]} "
            f"(against {against.baseline.removeprefix('baseline:')})"
        )
    sentence = ""
    if told:
        few = scores[HEADLINE[0]].value.interval.low is None
        note = ", without intervals for want of cases" if few else ""
        sentence = f"Skill over the best baseline{note}: {', '.join(told)}."
    if untold:
        sentence = f"{sentence} Not resolvable: {', '.join(untold)}.".strip()
    return sentence

