"""Studentized bootstrap of ratios of means, averaged over metrics and over strata.

Efron & Tibshirani (1993), "An Introduction to the Bootstrap", section 12.5 (bootstrap-t) with the
standard error of the linearised statistic (delta method, section 21.9); cases are resampled within
their stratum (section 8.3). Studentizing makes the interval follow the skewness that errors have;
percentile intervals of ratios of means are too short at a few tens of cases.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

NOISE = 1e-12
"""Spread below this share of a size is rounding."""

_ENTRIES = 2**20
"""Resampled cases worked on at a time, so that many cases fit into memory."""


@dataclasses.dataclass(frozen=True)
class Stratum:
    """What one stratum (a scenario) adds to a mean over strata.

    Its number is the sum over metrics of mean(weight) * mean(top) / mean(bottom), means over cases.

    top, bottom : (…, case, metric).
    weight : (…, case, metric). None: 1 over the number of metrics, so that the number is the mean
        over metrics of ratios of means. With metrics that do not exist in all cases it says where
        they do (1) and do not (0; top and bottom are 0 there, too): bottom's mean over all cases
        over weight's is its mean over the cases that have it.
    """

    top: np.ndarray
    bottom: np.ndarray
    weight: np.ndarray | None = None

    @property
    def cases(self) -> int:
        """How many it has."""
        return int(self.top.shape[-2])


@dataclasses.dataclass(frozen=True)
class Limits:
    """Values and ends of intervals, each (…): the leading axes of the strata.

    low, high : NaN where so few cases differ that an end lies at infinity. point : whether all
    cases agree up to rounding; both ends are the value then.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    point: np.ndarray


def pooled(strata: Sequence[Stratum]) -> np.ndarray:
    """(…) mean over strata of their numbers."""
    return np.mean([_Linear.of(stratum).value for stratum in strata], axis=0)


def standard_error(strata: Sequence[Stratum]) -> np.ndarray:
    """(…) of `pooled`, by the delta method; cases are independent within and between strata."""
    return np.sqrt(sum(_Linear.of(stratum).variance for stratum in strata)) / len(strata)


def studentized(strata: Sequence[Stratum], *, level: float, resamples: int, seed: int,
                tolerance: float = 0.0) -> Limits:
    """Intervals of `pooled`.

    A resample in which no two cases differ has no standard error: its deviation counts as
    infinitely many. Where these are more than a tail holds there is no interval.

    Parameters
    ----------
    strata : at least two cases each.
    tolerance : a standard error below this, in the unit of the value, is rounding.
    """
    linear = [_Linear.of(stratum) for stratum in strata]
    value = np.mean([one.value for one in linear], axis=0)
    variance = sum(one.variance for one in linear)
    error = np.sqrt(variance) / len(strata)
    size = np.mean([one.size for one in linear], axis=0)
    deviation = np.zeros((*value.shape, resamples))
    spread = np.zeros((*value.shape, resamples))
    for number, one in enumerate(linear):
        for at, weights in resampling(one.cases, resamples, seed, number):
            moved, square = one.resampled(weights)
            deviation[..., at] += moved
            spread[..., at] += square
    # Where a resample's spread is rounding, it is none.
    spread[spread <= (NOISE**2) * (np.asarray(variance)[..., None] + deviation**2)] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        student = deviation / np.sqrt(spread)
    student[(deviation == 0) & (spread == 0)] = 0.0
    tail = (1 - level) / 2
    undefined = np.isnan(student)
    student[undefined] = np.inf
    with np.errstate(invalid="ignore"):
        low, high = np.quantile(student, [tail, 1 - tail], axis=-1)
    # Undefined ones (a denominator of zero) might lie at either end.
    open_ended = (~np.isfinite(low) | ~np.isfinite(high)
                  | (undefined.sum(axis=-1) > tail * resamples))
    point = error <= np.maximum(NOISE * size, tolerance)
    ends = [np.where(point, value, np.where(open_ended, np.nan, value - end * error))
            for end in (high, low)]
    return Limits(value, ends[0], ends[1], np.asarray(point))


@dataclasses.dataclass(frozen=True)
class _Linear:
    """A stratum made ready: its number, and what each case does to it.

    columns : (…, column, case), centred: residuals top - ratio * bottom, bottoms, and weights if
    they differ between cases. below, ratio, share : (…, metric) means of bottom, ratio, weight.
    """

    columns: np.ndarray
    below: np.ndarray
    ratio: np.ndarray
    share: np.ndarray
    size: np.ndarray
    """(…) of the terms that cancel in the number."""

    @classmethod
    def of(cls, stratum: Stratum) -> _Linear:
        top = np.swapaxes(np.asarray(stratum.top, dtype=np.float64), -1, -2)
        bottom = np.swapaxes(np.asarray(stratum.bottom, dtype=np.float64), -1, -2)
        metrics = top.shape[-2]
        if stratum.weight is None:
            share, extra = np.full((*top.shape[:-2], metrics), 1 / metrics), []
        else:
            weight = np.swapaxes(np.asarray(stratum.weight, dtype=np.float64), -1, -2)
            share = weight.mean(axis=-1)
            extra = [weight - share[..., None]]
        below = bottom.mean(axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = top.mean(axis=-1) / below
            size = (share * np.abs(top).mean(axis=-1) / np.abs(below)).sum(axis=-1)
        residual = top - ratio[..., None] * bottom
        columns = [residual - residual.mean(axis=-1, keepdims=True),
                   bottom - below[..., None], *extra]
        return cls(np.concatenate(columns, axis=-2), below, ratio, share, size)

    @property
    def cases(self) -> int:
        return int(self.columns.shape[-1])

    @property
    def value(self) -> np.ndarray:
        return (self.share * self.ratio).sum(axis=-1)

    @property
    def variance(self) -> np.ndarray:
        """Of the number."""
        slope = (self.share / self.below)[..., None, :]
        each = self._each(self.ratio[..., None, :], slope, np.zeros_like(slope))[..., 0, :]
        return (each**2).sum(axis=-1) / (self.cases - 1) / self.cases

    def resampled(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """By how much the number moves in every resample, and the variance that it then has.

        Parameters
        ----------
        weights : (resample, case), the share of each case.
        """
        mean = np.einsum("bn,...kn->...bk", weights, self.columns)
        metrics = self.below.shape[-1]
        residual, bottom = mean[..., :metrics], mean[..., metrics : 2 * metrics]
        heavier = mean[..., 2 * metrics :]
        weighted = heavier.shape[-1] > 0
        share, ratio = self.share[..., None, :], self.ratio[..., None, :]
        if weighted:
            share = share + heavier
        with np.errstate(divide="ignore", invalid="ignore"):
            below = self.below[..., None, :] + bottom
            moved, slope = residual / below, share / below
        if weighted:
            # No case of this resample has the metric: it takes no part.
            absent = share <= NOISE
            moved, slope = np.where(absent, 0.0, moved), np.where(absent, 0.0, slope)
        change = share * moved
        if weighted:
            change = change + heavier * ratio
        with np.errstate(invalid="ignore"):
            each = self._each(ratio + moved, slope, -slope * moved)
            centre = np.einsum("bn,...bn->...b", weights, each)
            each -= centre[..., None]
            variance = np.einsum("bn,...bn,...bn->...b", weights, each, each) / (self.cases - 1)
        return change.sum(axis=-1), variance

    def _each(self, of_weight: np.ndarray, of_residual: np.ndarray,
              of_bottom: np.ndarray) -> np.ndarray:
        """(…, resample, case) what each case does to the number, given slopes of the means
        (…, resample, metric)."""
        weighted = self.columns.shape[-2] > 2 * self.below.shape[-1]
        slopes = [of_residual, of_bottom, *([of_weight] if weighted else [])]
        return np.matmul(np.concatenate(slopes, axis=-1), self.columns)


def resampling(cases: int, resamples: int, seed: int,
               stratum: int = 0) -> Iterator[tuple[slice, np.ndarray]]:
    """Shares of the cases in resamples drawn with replacement: (at, (resample, case)) by and by.

    Parameters
    ----------
    stratum : its number; every stratum draws from a stream of its own.
    """
    if cases * resamples <= _ENTRIES:
        yield slice(0, resamples), _all_weights(cases, resamples, seed, stratum)
        return
    rng = _stream(seed, stratum)
    step = max(1, _ENTRIES // cases)
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        yield slice(start, start + count), _weights(rng, cases, count)


def _stream(seed: int, stratum: int) -> np.random.Generator:
    key = (stratum,) if stratum else ()
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


@lru_cache(maxsize=16)
def _all_weights(cases: int, resamples: int, seed: int, stratum: int) -> np.ndarray:
    weights = _weights(_stream(seed, stratum), cases, resamples)
    weights.flags.writeable = False
    return weights


def _weights(rng: np.random.Generator, cases: int, count: int) -> np.ndarray:
    pick = rng.integers(cases, size=(count, cases))
    rows = np.arange(count)[:, None] * cases
    return np.bincount((pick + rows).ravel(), minlength=count * cases).reshape(
        count, cases) / cases
