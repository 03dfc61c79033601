"""Skill on one scale for all scenarios and models, with intervals that resample cases in scenarios.

Of one metric in one scenario, skill is 1 - mean(e - r) / mean(b - r): e the model's errors, r those
that count as perfect (an independent ensemble of the simulator; the truth's own video for paired
metrics), b those of the frozen first frames. A scenario's skill is the mean over its headline
metrics, the overall skill the mean over scenarios: none weighs more for having more cases. Every
case has a share in it that adds up (`case_skill`), so that models can be compared case by case.

A metric takes no part in a scenario where the frozen frames err by less than three floors more than
the floor: there it cannot tell.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from evaluation.benchmark.results import BlockResult
from evaluation.benchmark.subjects import FLOOR
from evaluation.bootstrap import DEFAULT, LEAST_CASES, Bootstrap, Interval
from evaluation.metrics.metric import Metric
from evaluation.summary import RESOLUTION, Estimate

ZERO = "baseline:frozen"
"""Whose skill is 0: nothing moves on."""

NONE = Estimate(None, Interval(None, None, "no value"))


@dataclasses.dataclass(frozen=True)
class Shares:
    """What one scenario brings to a skill or a difference of skills.

    top, bottom : (case, metric); the scenario's number is the mean over metrics of
    offset - mean(top) / mean(bottom).
    """

    top: np.ndarray
    bottom: np.ndarray


def resolved(result: BlockResult) -> list[Metric]:
    """The headline metrics that can tell anything in a scenario."""
    found = []
    for metric in result.metrics:
        if not metric.headline or not metric.skilled or ZERO not in result.value["model"].values:
            continue
        base, floor = result.errors(ZERO, metric), result.errors(FLOOR, metric)
        reference = result.errors(result.perfect(metric), metric)
        if not (np.isfinite(base).all() and np.isfinite(floor).all()
                and np.isfinite(reference).all() and len(base)):
            continue
        worse = base.mean() - floor.mean() >= RESOLUTION * floor.mean()
        if worse and base.mean() > reference.mean():
            found.append(metric)
    return found


def skill_shares(result: BlockResult, model: str) -> Shares | None:
    """Of a model's skill in one scenario; None where it has no value or nothing can be told."""
    return _shares(result, model, None)


def difference_shares(result: BlockResult, model: str, other: str) -> Shares | None:
    """Of a model's skill less another's."""
    return _shares(result, model, other)


def _shares(result: BlockResult, model: str, other: str | None) -> Shares | None:
    there = result.value["model"].values
    if model not in there or (other is not None and other not in there):
        return None
    tops, bottoms = [], []
    for metric in resolved(result):
        perfect = result.errors(result.perfect(metric), metric)
        own = result.errors(model, metric)
        against = perfect if other is None else result.errors(other, metric)
        if not (np.isfinite(own).all() and np.isfinite(against).all()):
            continue
        tops.append(own - against)
        bottoms.append(result.errors(ZERO, metric) - perfect)
    if not tops:
        return None
    return Shares(np.stack(tops, axis=1), np.stack(bottoms, axis=1))


def case_skill(shares: Shares) -> np.ndarray:
    """(case,) each case's skill; their mean is the scenario's."""
    return 1 - (shares.top / shares.bottom.mean(axis=0)).mean(axis=1)


def pooled(shares: Sequence[Shares], *, offset: float, settings: Bootstrap = DEFAULT) -> Estimate:
    """Mean over scenarios, with a studentized bootstrap interval (Efron & Tibshirani 1993, sections
    12.5 and, for strata, 8.3).

    Parameters
    ----------
    offset : 1 for skills, 0 for differences of skills.
    """
    if not shares:
        return NONE
    value = offset - float(np.mean([_number(s.top, s.bottom) for s in shares]))
    fewest = min(len(s.top) for s in shares)
    if fewest < LEAST_CASES:
        return Estimate(value, Interval(
            None, None, f"{fewest} cases; an interval needs at least {LEAST_CASES}"))
    error = np.sqrt(sum(_variance(s.top, s.bottom) for s in shares)) / len(shares)
    if error < 1e-12:
        return Estimate(value, Interval(value, value))
    rng = np.random.default_rng(settings.seed)
    numbers = np.zeros(settings.resamples)
    variances = np.zeros(settings.resamples)
    for one in shares:
        pick = rng.integers(len(one.top), size=(settings.resamples, len(one.top)))
        top, bottom = one.top[pick], one.bottom[pick]
        numbers += _number(top, bottom)
        variances += _variance(top, bottom)
    again = offset - numbers / len(shares)
    with np.errstate(divide="ignore", invalid="ignore"):
        student = (again - value) / (np.sqrt(variances) / len(shares))
    student = student[np.isfinite(student)]
    if len(student) < settings.resamples / 2:
        return Estimate(value, Interval(None, None, "too few cases differ"))
    tail = (1 - settings.level) / 2
    high, low = np.quantile(student, [tail, 1 - tail])
    return Estimate(value, Interval(float(value - low * error), float(value - high * error)))


def _number(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Mean over metrics of the ratio of means; (…, case, metric) to (…)."""
    return (top.mean(axis=-2) / bottom.mean(axis=-2)).mean(axis=-1)


def _variance(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Of `_number`, by the delta method."""
    count = top.shape[-2]
    below = bottom.mean(axis=-2, keepdims=True)
    ratio = top.mean(axis=-2, keepdims=True) / below
    part = ((top - ratio * bottom) / below).mean(axis=-1)
    part = part - part.mean(axis=-1, keepdims=True)
    return (part**2).sum(axis=-1) / (count - 1) / count


def verdict(difference: Estimate) -> str:
    """Whether a model is told from another: its skill less the other's."""
    if not difference.interval.excludes_zero or difference.value is None:
        return "cannot be told"
    return "better" if difference.value > 0 else "worse"
