"""How sure a finding is: from the scores that true videos reach.

The table beside this file is made by ``python -m evaluation.inspection``.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from worldsim.inspection.finding import Candidate, Rule

TABLE = Path(__file__).with_name("sureness.json")

MARGIN = 1.25
"""How far above the greatest score of all true videos a threshold is: other videos reach further
than those few hundred."""

LEAST: dict[Rule, float] = {
    Rule.JUMP: 2.0, Rule.LOSS: 5.0, Rule.JOLT: 6.0, Rule.STEADY_JOLT: 6.0, Rule.FLIGHT_JOLT: 6.0,
    Rule.CONTACT_GAIN: 6.0, Rule.SWING_GAIN: 2.0, Rule.OVERLAP: 2.0, Rule.FALL: 4.0,
}
"""Thresholds are at least this, where true videos hardly have a candidate: errors of measuring,
and for losses 5 px of diameter."""


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
        """Share of true videos that reach no such score, never quite 1; None below the
        threshold."""
        rule = str(candidate.rule)
        if candidate.score < self.threshold[rule]:
            return None
        above = int((self.scores[rule] >= candidate.score).sum())
        return (self.videos - above) / (self.videos + 1)


def calibrated(videos: Sequence[dict[str, float]]) -> Sureness:
    """From the greatest scores by rule of true videos."""
    scores = {str(rule): np.sort([video[rule] for video in videos if rule in video])
              for rule in map(str, Rule)}
    threshold = {
        str(rule): max(LEAST[rule], MARGIN * float(scores[str(rule)].max(initial=0.0)))
        for rule in Rule
    }
    return Sureness(threshold, scores, len(videos))


def write(measure: Sureness, made_by: str, path: Path) -> None:
    """Store the table."""
    table = {
        "made_by": made_by, "videos": measure.videos,
        "rules": {rule: {"threshold": round(measure.threshold[rule], 2),
                         "scores": [round(float(score), 2) for score in scores]}
                  for rule, scores in measure.scores.items()},
    }
    path.write_text(json.dumps(table, indent=1) + "\n")


@lru_cache(maxsize=1)
def stored() -> Sureness:
    """The packaged table."""
    table = json.loads(TABLE.read_text())
    return Sureness(
        {rule: float(row["threshold"]) for rule, row in table["rules"].items()},
        {rule: np.array(row["scores"], dtype=float) for rule, row in table["rules"].items()},
        int(table["videos"]),
    )
