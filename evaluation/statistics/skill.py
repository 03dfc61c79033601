"""Skill: 1 for perfect, 0 for a baseline; per case, per scenario and overall.

Of one metric in one scenario it is 1 - mean(e - ref) / mean(base - ref), a ratio of means over
cases: e the model's errors, ref those that count as perfect, base the baseline's. Each case has a
share in it that adds up, so that models can be compared case by case. Over several metrics a case
has the mean over those that exist for it, a scenario the mean over its cases, and all scenarios
weigh the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from evaluation.bootstrap import DEFAULT, Bootstrap, Estimate, Interval, pooled_interval
from evaluation.statistics.studentized import NOISE, Stratum, pooled
from worldsim.errors import InputError

RESOLUTION = 3.0
"""A metric can tell something where the baseline errs by at least this many floors more than what
counts as perfect."""


@dataclasses.dataclass(frozen=True)
class Errors:
    """Errors in one metric on the cases of one scenario, each (case,), 0 for perfect.

    own : the model's; NaN where it failed. ref : of what counts as perfect. base : the baseline's.
    floor : the instruments' on the truth's own video. ref, base and floor are NaN where the metric
    does not exist for a case. fallback : what a failure counts as: the worst baseline's error of
    that case; None: there are no failures.

    Raises
    ------
    InputError : lengths differ; a metric exists in part only; a failure without a fallback.
    """

    own: np.ndarray
    ref: np.ndarray
    base: np.ndarray
    floor: np.ndarray
    fallback: np.ndarray | None = None

    def __post_init__(self) -> None:
        rows = {"own": self.own, "ref": self.ref, "base": self.base, "floor": self.floor}
        lengths = {name: len(row) for name, row in rows.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"errors of different numbers of cases: {lengths}")
        known = [np.isfinite(rows[name]) for name in ("ref", "base", "floor")]
        if (np.any(known, axis=0) != np.all(known, axis=0)).any():
            raise InputError("ref, base and floor must have a value in the same cases")
        if np.isnan(self.filled[self.exists]).any():
            raise InputError("a failed case without a fallback: give the worst baseline's error")

    @property
    def exists(self) -> np.ndarray:
        """(case,) bool: where there is something to judge."""
        return np.isfinite(self.base)

    @property
    def filled(self) -> np.ndarray:
        """(case,) the model's errors, failures filled: they stay in the denominator."""
        if self.fallback is None:
            return np.asarray(self.own, dtype=np.float64)
        return np.where(np.isfinite(self.own), self.own, self.fallback)

    @property
    def unresolvable(self) -> str:
        """Why the metric can tell nothing here; empty if it can."""
        there = self.exists
        if not there.any():
            return "no case has a value"
        gap = float((self.base - self.ref)[there].mean())
        floor = float(self.floor[there].mean())
        if gap < RESOLUTION * floor:
            return (f"not resolvable: the baseline errs by {gap:.3g} more than perfect, the "
                    f"instruments by {floor:.3g}")
        if gap <= NOISE * float(np.abs(self.base[there]).mean()):
            return "not resolvable: the baseline errs no more than perfect"
        return ""


def skill_per_case(e: np.ndarray, ref: np.ndarray, base: np.ndarray) -> np.ndarray:
    """(case,) 1 - (e_c - ref_c) / mean(base - ref); their mean is the skill.

    Against its own reference in every case, so that the truth has exactly 1 in each.

    Parameters
    ----------
    e, ref, base : (case,) errors; NaN in all three where the metric does not exist.
    """
    return 1 - (e - ref) / np.nanmean(base - ref)


@dataclasses.dataclass(frozen=True)
class CaseMeanSkill:
    """Skill over the metrics of one scenario.

    cases : (case,) means over the metrics that exist for the case; NaN where none does.
    skill : their mean, with an interval that resamples errors and scales together.
    metrics : that took part. left_out : {metric: why it can tell nothing}.
    """

    cases: np.ndarray
    skill: Estimate
    metrics: tuple[str, ...]
    left_out: dict[str, str]


NOTHING = Estimate(None, Interval(None, None, "no metric can tell anything"))


def case_mean_skill(metrics: Mapping[str, Errors],
                    settings: Bootstrap = DEFAULT) -> CaseMeanSkill:
    """Skill of a model in one scenario over its (headline) metrics."""
    left_out = {name: why for name, one in metrics.items() if (why := one.unresolvable)}
    used = [one for name, one in metrics.items() if name not in left_out]
    names = tuple(name for name in metrics if name not in left_out)
    if not used:
        count = max((len(one.own) for one in metrics.values()), default=0)
        return CaseMeanSkill(np.full(count, np.nan), NOTHING, (), left_out)
    table = np.stack([skill_per_case(one.filled, one.ref, one.base) for one in used], axis=1)
    exists = np.stack([one.exists for one in used], axis=1)
    count = exists.sum(axis=1)
    with np.errstate(invalid="ignore"):
        cases = np.where(exists, table, 0.0).sum(axis=1) / count
    return CaseMeanSkill(cases, overall_skill([metrics], settings), names, left_out)


def overall_skill(scenarios: Sequence[Mapping[str, Errors]],
                  settings: Bootstrap = DEFAULT) -> Estimate:
    """Mean over scenarios of their case-mean skill: cases are resampled within their scenario.

    Scenarios in which no metric can tell anything take no part.
    """
    losses = [loss for metrics in scenarios if (loss := skill_loss(metrics)) is not None]
    return estimate_of(losses, settings, offset=1.0)


def skill_loss(metrics: Mapping[str, Errors],
               other: Mapping[str, Errors] | None = None) -> Stratum | None:
    """What one scenario adds to 1 - skill, or to the skill of another model less this one's.

    Parameters
    ----------
    other : the other model's errors in the same metrics and cases.

    Returns
    -------
    None where no metric can tell anything.
    """
    names = [name for name, one in metrics.items() if not one.unresolvable]
    if not names:
        return None
    exists = np.stack([metrics[name].exists for name in names], axis=1)
    kept = exists.any(axis=1)
    count = np.maximum(exists.sum(axis=1, keepdims=True), 1)
    tops, bottoms = [], []
    for name in names:
        one = metrics[name]
        tops.append(one.filled - (one.ref if other is None else other[name].filled))
        bottoms.append(one.base - one.ref)
    top = np.where(exists, np.stack(tops, axis=1), 0.0)[kept]
    bottom = np.where(exists, np.stack(bottoms, axis=1), 0.0)[kept]
    if exists[kept].all():
        return Stratum(top, bottom)
    return Stratum(top / count[kept], bottom, exists[kept].astype(np.float64))


def estimate_of(losses: Sequence[Stratum], settings: Bootstrap = DEFAULT, *,
                offset: float) -> Estimate:
    """offset less the mean over scenarios, with its interval.

    Parameters
    ----------
    offset : 1 for skills, 0 for differences of skills.
    """
    if not losses:
        return NOTHING
    interval = pooled_interval(losses, settings, tolerance=NOISE)
    if interval.low is not None and interval.high is not None:
        interval = Interval(offset - interval.high, offset - interval.low)
    return Estimate(offset - float(pooled(losses)), interval)
