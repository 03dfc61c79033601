"""From measurements per case to scores: means, skill, intervals, and what cannot be resolved.

skill = 1 - (e - e_ref) / (e_base - e_ref), a ratio of means over cases, with e_ref the floor for
paired metrics and an independent simulator ensemble for ensemble metrics. Errors e are distances
from the metric's perfect value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import xarray as xr

from evaluation.bootstrap import (
    DEFAULT,
    Bootstrap,
    Estimate,
    Interval,
    mean_interval,
    ratio_interval,
)
from evaluation.measure import FLOOR, REFERENCE
from evaluation.metrics.metric import Metric

RESOLUTION = 3.0
"""A metric resolves a baseline only when its error exceeds the floor by this many floors."""


@dataclasses.dataclass(frozen=True)
class AgainstBaseline:
    """One metric against one baseline.

    value : the baseline's own mean.
    difference : model minus baseline, paired by case.
    skill : 1 for perfect, 0 for the baseline; its value is None where it is not resolvable.
    reason : why there is no skill.
    """

    baseline: str
    value: Estimate
    difference: Estimate
    skill: Estimate
    reason: str = ""

    @property
    def resolvable(self) -> bool:
        """Whether a skill can be given."""
        return self.skill.value is not None


@dataclasses.dataclass(frozen=True)
class Score:
    """One metric of one model.

    value : mean over cases; floor, reference : what the instruments and hidden randomness leave.
    best_baseline : name of the baseline with the least error.
    failed : cases in which the truth has a value and the model none.
    """

    metric: Metric
    value: Estimate
    floor: float | None
    reference: float | None
    baselines: tuple[AgainstBaseline, ...]
    best_baseline: str | None
    cases: int
    failed: int

    def against(self, baseline: str | None) -> AgainstBaseline | None:
        """The comparison with one baseline."""
        return next((b for b in self.baselines if b.baseline == baseline), None)


NO_INTERVAL = Interval(None, None, "no value")


def _estimate(values: np.ndarray, settings: Bootstrap) -> Estimate:
    if not len(values) or not np.isfinite(values).all():
        return Estimate(None, NO_INTERVAL)
    return Estimate(float(values.mean()), mean_interval(values, settings))


def score(metric: Metric, measured: xr.Dataset, model: str, baselines: Sequence[str],
          settings: Bootstrap = DEFAULT) -> Score:
    """The score of one model.

    Parameters
    ----------
    measured : ``value`` (model, metric, case) with the models ``floor`` and ``reference`` too.
    """
    table = {
        str(name): measured["value"].sel(model=name, metric=metric.name).values
        for name in measured["model"].values
    }
    # A case counts where the truth itself has a value (a gauge needs a building, for instance).
    counts = ~np.isnan(table[FLOOR])
    own = table[model][counts]
    failed = int(np.isnan(own).sum())
    floor = table[FLOOR][counts]
    reference = table[REFERENCE][counts] if metric.ensemble else floor
    compared = tuple(
        _against(metric, name, own, table[name][counts], floor, reference, settings)
        for name in baselines
    )
    sign = {"lower": 1.0, "higher": -1.0, "none": np.nan}[metric.direction]
    ranked = sorted(
        (sign * b.value.value, b.baseline) for b in compared if b.value.value is not None
    )
    best = ranked[0][1] if ranked and metric.direction != "none" else None
    return Score(
        metric, _estimate(own, settings), _mean(floor), _mean(reference), compared, best,
        int(counts.sum()), failed,
    )


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) and np.isfinite(values).all() else None


def _against(metric: Metric, name: str, own: np.ndarray, base: np.ndarray, floor: np.ndarray,
             reference: np.ndarray, settings: Bootstrap) -> AgainstBaseline:
    value = _estimate(base, settings)
    difference = _estimate(own - base, settings)
    nothing = Estimate(None, NO_INTERVAL)

    def without(reason: str) -> AgainstBaseline:
        return AgainstBaseline(name, value, difference, nothing, reason)

    if not metric.skilled:
        return without("this metric only describes")
    if value.value is None:
        return without(f"{name} has no value")
    if not len(own) or not np.isfinite(own).all():
        return without("the model has no value in some cases")
    if not np.isfinite(reference).all():
        return without("the reference has no value")
    errors = {
        key: np.abs(metric.perfect - values) if metric.perfect else values
        for key, values in
        {"own": own, "base": base, "floor": floor, "reference": reference}.items()
    }
    mean = {key: float(values.mean()) for key, values in errors.items()}
    if mean["base"] - mean["floor"] < RESOLUTION * mean["floor"]:
        return without(
            f"not resolvable: {name} errs by {mean['base']:.3g} {metric.unit}, the instruments "
            f"by {mean['floor']:.3g}"
        )
    if mean["base"] <= mean["reference"]:
        return without(
            f"not resolvable: {name} errs by {mean['base']:.3g} {metric.unit}, an ensemble of the "
            f"simulator by {mean['reference']:.3g}"
        )
    gained, possible = errors["base"] - errors["own"], errors["base"] - errors["reference"]
    skill = float(gained.mean() / possible.mean())
    return AgainstBaseline(
        name, value, difference, Estimate(skill, ratio_interval(gained, possible, settings))
    )
