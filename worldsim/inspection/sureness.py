"""How sure a finding is: from the scores that true videos reach.

The table beside this file is made by ``python -m evaluation.inspection``.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from worldsim.inspection.finding import Candidate, Rule

TABLE = Path(__file__).with_name("sureness.json")

SPARE = 0.005
"""Share of true videos whose scores a rule's threshold may leave above it."""

MARGIN = 1.25
"""How far above the greatest score of all other true videos a threshold is: videos that were not
looked at reach further than those few hundred."""

LEAST: dict[Rule, float] = {
    Rule.JUMP: 2.0, Rule.LOSS: 5.0, Rule.JOLT: 6.0, Rule.STEADY_JOLT: 6.0, Rule.FLIGHT_JOLT: 6.0,
    Rule.CONTACT_GAIN: 6.0, Rule.SWING_GAIN: 2.0, Rule.OVERLAP: 2.0, Rule.FALL: 4.0,
}
"""Thresholds are at least this, where true videos hardly have a candidate: errors of measuring,
and for losses 5 px of diameter."""


TAIL = 10
"""Largest scores from which their tail is extrapolated."""

GENTLE, STEEPEST = 1.0, 4.0
"""Exponents of tails: where fewer scores are known, and the most that a few hundred videos can
say."""


@dataclasses.dataclass(frozen=True)
class Sureness:
    """Of each rule the greatest score in every true video that was looked at.

    threshold : by rule, the score from which a candidate is a finding. scores : by rule, those
    above 0, ascending. videos : how many were looked at.
    """

    threshold: dict[str, float]
    scores: dict[str, np.ndarray]
    videos: int

    def of(self, candidate: Candidate) -> float | None:
        """Share of true videos that reach no such score, never quite 1; None below the threshold.

        Among the scores that were seen it is counted; beyond the greatest, extrapolated by the
        power law that the largest of them follow (Hill 1975, Annals of Statistics 3, 1163).
        """
        rule = str(candidate.rule)
        if candidate.score < self.threshold[rule]:
            return None
        seen = self.scores[rule]
        above = int((seen >= candidate.score).sum())
        if above:
            return 1 - (above + 1) / (self.videos + 1)
        greatest = float(seen[-1]) if len(seen) and seen[-1] > 0 else self.threshold[rule]
        beyond = (candidate.score / greatest) ** -_tail(seen)
        return 1 - min(beyond, 1.0) / (self.videos + 1)


def _tail(scores: np.ndarray) -> float:
    """Exponent of the power law of the largest `TAIL` of ascending scores, at most `STEEPEST`."""
    largest = scores[scores > 0][-TAIL:]
    if len(largest) < TAIL:
        return GENTLE
    mean = float(np.mean(np.log(largest[1:] / largest[0])))
    return min(1 / mean, STEEPEST) if mean > 0 else STEEPEST


def calibrated(videos: Sequence[dict[str, float]]) -> Sureness:
    """From the greatest scores by rule of true videos."""
    scores = {str(rule): np.sort([video[rule] for video in videos if rule in video])
              for rule in map(str, Rule)}
    spared = int(SPARE * len(videos))
    threshold = {}
    for rule in Rule:
        kept = scores[str(rule)][: len(scores[str(rule)]) - spared]
        threshold[str(rule)] = max(LEAST[rule], MARGIN * float(kept.max(initial=0.0)))
    return Sureness(threshold, scores, len(videos))


def write(measures: Mapping[bool, Sureness], made_by: str, path: Path) -> None:
    """Store what is known of inspections with, and without, the scenario told."""
    table: dict[str, Any] = {"made_by": made_by}
    for told, measure in measures.items():
        table["told" if told else "untold"] = {
            "videos": measure.videos,
            "rules": {rule: {"threshold": round(measure.threshold[rule], 2),
                             "scores": [round(float(score), 2) for score in scores]}
                      for rule, scores in measure.scores.items()},
        }
    path.write_text(json.dumps(table, indent=1) + "\n")


@lru_cache(maxsize=2)
def stored(told: bool) -> Sureness:
    """The packaged table of inspections with (`told`), or without, the scenario."""
    table = json.loads(TABLE.read_text())["told" if told else "untold"]
    return Sureness(
        {rule: float(row["threshold"]) for rule, row in table["rules"].items()},
        {rule: np.array(row["scores"], dtype=float) for rule, row in table["rules"].items()},
        int(table["videos"]),
    )
