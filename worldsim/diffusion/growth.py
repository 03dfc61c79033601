"""How much larger errors are outside the training's ranges, as measured, and told with answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Growth:
    """Errors of cases that lie between `above` and `upto` (None: any distance) outside the ranges
    (`VideoDiffusion.out_of_range`) are `times` those within, with a 95% interval `low` to `high`;
    both in units of what a frozen picture errs; measured on the scenarios of one expert."""

    above: float
    upto: float | None
    times: float
    low: float
    high: float
    expert: int = 0


WITHIN = (1.0, 1.0, 1.0)


def expected_growth(beyond: np.ndarray, table: Sequence[Growth]) -> np.ndarray:
    """(case, 3): times, low and high for cases that lie `beyond` (case,) outside the ranges; 1
    within them, NaN where nothing was measured."""
    found = np.full((len(beyond), 3), np.nan)
    for row in table:
        upto = np.inf if row.upto is None else row.upto
        found[(beyond > row.above) & (beyond <= upto)] = row.times, row.low, row.high
    found[beyond == 0] = WITHIN
    return found
