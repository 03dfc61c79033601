"""Intervals over cases: the studentized bootstrap of means and of ratios of means.

Efron & Tibshirani (1993), "An Introduction to the Bootstrap", section 12.5. Studentizing makes
the interval follow the skewness that errors have; percentile intervals of ratios of means are
too short at a few tens of cases.
"""

from __future__ import annotations

import dataclasses

import numpy as np

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


def mean_interval(values: np.ndarray, settings: Bootstrap = DEFAULT) -> Interval:
    """Interval of the mean of values (case,); pass differences for a paired comparison."""
    return ratio_interval(values, np.ones_like(values, dtype=np.float64), settings)


def ratio_interval(numerator: np.ndarray, denominator: np.ndarray,
                   settings: Bootstrap = DEFAULT) -> Interval:
    """Interval of mean(numerator) / mean(denominator), both (case,), resampled together.

    The standard error of each resample is that of the linearised ratio (delta method).
    """
    top = np.asarray(numerator, dtype=np.float64)
    bottom = np.asarray(denominator, dtype=np.float64)
    cases = len(top)
    if cases < LEAST_CASES:
        return Interval(None, None, f"{cases} cases; an interval needs at least {LEAST_CASES}")
    if not (np.isfinite(top).all() and np.isfinite(bottom).all()):
        return Interval(None, None, "not all cases have a value")
    if bottom.mean() == 0:
        return Interval(None, None, "the denominator is zero")
    ratio = top.mean() / bottom.mean()
    error = _standard_error(top, bottom, ratio)
    if error == 0:
        return Interval(float(ratio), float(ratio))
    rng = np.random.default_rng(settings.seed)
    pick = rng.integers(cases, size=(settings.resamples, cases))
    tops, bottoms = top[pick], bottom[pick]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = tops.mean(axis=1) / bottoms.mean(axis=1)
        errors = _standard_error(tops, bottoms, ratios)
        student = (ratios - ratio) / errors
    student = student[np.isfinite(student)]
    if len(student) < settings.resamples / 2:
        return Interval(None, None, "too few cases differ")
    tail = (1 - settings.level) / 2
    high, low = np.quantile(student, [tail, 1 - tail])
    return Interval(float(ratio - low * error), float(ratio - high * error))


def _standard_error(top: np.ndarray, bottom: np.ndarray, ratio: np.ndarray | float) -> np.ndarray:
    residual = top - np.asarray(ratio)[..., None] * bottom
    residual = residual - residual.mean(axis=-1, keepdims=True)
    count = top.shape[-1]
    variance = (residual**2).sum(axis=-1) / (count - 1) / count
    return np.sqrt(variance) / np.abs(bottom.mean(axis=-1))
