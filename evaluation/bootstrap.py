"""Intervals over cases: the studentized bootstrap of means and of ratios of means.

How it is computed: `evaluation.statistics.studentized`. How often its intervals hold the truth:
`python -m evaluation.statistics.coverage`, kept in ``records/benchmark/coverage``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from evaluation.statistics.studentized import Stratum, studentized

LEAST_CASES = 8
"""With fewer cases no interval is given: the resamples would hardly differ."""


@dataclasses.dataclass(frozen=True)
class Bootstrap:
    """How intervals are made.

    level : coverage of the interval.
    resamples : number of resampled case sets.
    seed : seed of the resampling, so that a score is the same on every run.
    """

    level: float = 0.95
    resamples: int = 4000
    seed: int = 0


DEFAULT = Bootstrap()


@dataclasses.dataclass(frozen=True)
class Interval:
    """An interval, or the reason why there is none."""

    low: float | None
    high: float | None
    reason: str = ""

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A mean over cases with its interval; None where there is no number."""

    value: float | None
    interval: Interval


def mean_interval(values: np.ndarray, settings: Bootstrap = DEFAULT,
                  strata: np.ndarray | None = None) -> Interval:
    """Interval of the mean of values (case,); pass differences for a paired comparison.

    Parameters
    ----------
    strata : as of `ratio_interval`.
    """
    return ratio_interval(values, np.ones_like(values, dtype=np.float64), settings, strata)


def ratio_interval(numerator: np.ndarray, denominator: np.ndarray,
                   settings: Bootstrap = DEFAULT, strata: np.ndarray | None = None) -> Interval:
    """Interval of mean(numerator) / mean(denominator), both (case,), resampled together.

    Parameters
    ----------
    strata : (case,) names of the scenarios that the cases belong to. Cases are resampled within
        their stratum then, and the interval is that of the mean over strata of the ratios of
        means: each stratum weighs the same, whatever its number of cases.
    """
    top = np.asarray(numerator, dtype=np.float64)
    bottom = np.asarray(denominator, dtype=np.float64)
    groups = [np.ones(len(top), dtype=bool)] if strata is None else [
        np.asarray(strata) == name for name in np.unique(strata)]
    return pooled_interval(
        [Stratum(top[group, None], bottom[group, None]) for group in groups], settings)


def pooled_interval(strata: Sequence[Stratum], settings: Bootstrap = DEFAULT,
                    tolerance: float = 0.0) -> Interval:
    """Interval of the mean over strata of a mean over metrics of ratios of means.

    Parameters
    ----------
    strata : top and bottom (case, metric).
    tolerance : a standard error below this, in the unit of the number, is rounding.
    """
    fewest = min((stratum.cases for stratum in strata), default=0)
    if fewest < LEAST_CASES:
        where = " of a scenario" if len(strata) > 1 else ""
        return Interval(
            None, None, f"{fewest} cases{where}; an interval needs at least {LEAST_CASES}")
    if not all(np.isfinite(one.top).all() and np.isfinite(one.bottom).all() for one in strata):
        return Interval(None, None, "not all cases have a value")
    if any((one.bottom.mean(axis=0) == 0).any() for one in strata):
        return Interval(None, None, "the denominator is zero")
    limits = studentized(strata, level=settings.level, resamples=settings.resamples,
                         seed=settings.seed, tolerance=tolerance)
    if np.isnan(limits.low):
        return Interval(None, None, "too few cases differ")
    return Interval(float(limits.low), float(limits.high))
