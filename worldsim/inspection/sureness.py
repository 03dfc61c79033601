"""How sure a finding is: from the scores that true videos reach.

The table beside this file is made by ``python -m evaluation.inspection``.
"""

from __future__ import annotations

import dataclasses
import json
from functools import lru_cache
from pathlib import Path

import numpy as np

from worldsim.inspection.finding import Candidate

TABLE = Path(__file__).with_name("sureness.json")


@dataclasses.dataclass(frozen=True)
class Sureness:
    """Of each rule the greatest score in every true video that was looked at.

    threshold : by rule, the score from which a candidate is a finding. scores : by rule, ascending;
    0 for a video without a candidate.
    """

    threshold: dict[str, float]
    scores: dict[str, np.ndarray]

    def of(self, candidate: Candidate) -> float | None:
        """Share of true videos that reach no such score, never quite 1; None below the
        threshold."""
        rule = str(candidate.rule)
        if candidate.score < self.threshold[rule]:
            return None
        true = self.scores[rule]
        below = int(np.searchsorted(true, candidate.score, side="left"))
        return below / (len(true) + 1)


@lru_cache(maxsize=1)
def stored() -> Sureness:
    """The packaged table."""
    table = json.loads(TABLE.read_text())
    return Sureness(
        {rule: float(row["threshold"]) for rule, row in table["rules"].items()},
        {rule: np.array(row["scores"], dtype=float) for rule, row in table["rules"].items()},
    )
