"""Quantiles and ratios over cases, with intervals: percentile bootstrap that resamples cases.

The instants of one case are not independent, so that cases are drawn as a whole (Efron and
Tibshirani 1993, "An Introduction to the Bootstrap", section 8.5).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from evaluation.bootstrap import LEAST_CASES

LEVEL, RESAMPLES, SEED = 0.95, 400, 0


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A number with its interval (None where there are too few cases), from `count` values."""

    value: float
    low: float | None
    high: float | None
    count: int
    cases: int


def quantile(cases: Sequence[np.ndarray], share: float) -> Estimate | None:
    """The quantile of all values of all cases together (the least value that so large a share
    does not exceed); None where there are none. Infinite values are values."""
    filled = [np.asarray(one, dtype=float) for one in cases if len(one)]
    if not filled:
        return None
    values = np.concatenate(filled)
    owner = np.repeat(np.arange(len(filled)), [len(one) for one in filled])
    order = np.argsort(values)
    values, owner = values[order], owner[order]

    def of(weight: np.ndarray) -> float:
        total = np.cumsum(weight[owner])
        return float(values[np.searchsorted(total, share * total[-1] - 1e-9)])

    return _estimate(of, len(filled), len(values))


def ratio(tops: Sequence[float], bottoms: Sequence[float]) -> Estimate | None:
    """Sum of `tops` over sum of `bottoms`, one of each per case; None where nothing is counted."""
    top, bottom = np.asarray(tops, dtype=float), np.asarray(bottoms, dtype=float)
    if not bottom.sum() > 0:
        return None

    def of(weight: np.ndarray) -> float:
        below = float((weight * bottom).sum())
        return float((weight * top).sum()) / below if below > 0 else np.nan

    return _estimate(of, int((bottom > 0).sum()), int(bottom.sum()), len(top))


def _estimate(of: Callable[[np.ndarray], float], cases: int, count: int,
              drawn: int | None = None) -> Estimate:
    drawn = cases if drawn is None else drawn
    value = of(np.ones(drawn))
    if cases < LEAST_CASES:
        return Estimate(value, None, None, count, cases)
    rng = np.random.default_rng(SEED)
    resampled = np.array([
        of(np.bincount(rng.integers(drawn, size=drawn), minlength=drawn).astype(float))
        for _ in range(RESAMPLES)
    ])
    resampled = np.sort(resampled[~np.isnan(resampled)])
    ends = (len(resampled) - 1) * np.array([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    low, high = resampled[np.round(ends).astype(int)]
    return Estimate(value, float(low), float(high), count, cases)
