"""A block's errors on the benchmark's one scale of skill.

1 is the simulator (an independent ensemble of it; the truth's own video for paired metrics), 0 the
frozen first frames. `evaluation.statistics.skill` says how errors become skill: a mean over the
headline metrics of ratios of means, every scenario weighing the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.benchmark.results import BlockResult
from evaluation.benchmark.subjects import BASELINES, FLOOR
from evaluation.bootstrap import DEFAULT, Bootstrap, Estimate
from evaluation.metrics.metric import Metric
from evaluation.statistics.comparison import verdict
from evaluation.statistics.skill import Errors, estimate_of, skill_loss
from evaluation.statistics.studentized import Stratum

ZERO = "baseline:frozen"
"""Whose skill is 0: nothing moves on."""


def errors_of(result: BlockResult, model: str) -> dict[str, Errors]:
    """A model's errors in the headline metrics of one block, by metric; metrics that it lacks the
    view or the states for are left out."""
    there = result.value["model"].values
    if model not in there or ZERO not in there:
        return {}
    found = {}
    for metric in result.metrics:
        if not (metric.headline and metric.skilled):
            continue
        perfect = result.perfect(metric)
        if perfect not in there:
            continue
        base, ref = result.errors(ZERO, metric), result.errors(perfect, metric)
        floor, own = result.errors(FLOOR, metric), result.errors(model, metric)
        exists = np.isfinite(base) & np.isfinite(ref) & np.isfinite(floor)
        if not exists.any() or not np.isfinite(own[exists]).any():
            continue
        own, ref, base, floor = (np.where(exists, row, np.nan) for row in (own, ref, base, floor))
        worst = np.stack([result.errors(name, metric) for name in BASELINES if name in there])
        found[metric.name] = Errors(own, ref, base, floor, np.nanmax(worst, axis=0))
    return found


def resolved(result: BlockResult) -> list[Metric]:
    """The headline metrics that can tell anything in a block."""
    told = errors_of(result, FLOOR)
    return [m for m in result.metrics if m.name in told and not told[m.name].unresolvable]


def skill_shares(result: BlockResult, model: str) -> Stratum | None:
    """What a block adds to 1 - a model's skill; None where nothing can be told of it."""
    mine = errors_of(result, model)
    return skill_loss(mine) if mine else None


def difference_shares(result: BlockResult, model: str, other: str) -> Stratum | None:
    """What a block adds to another's skill less a model's, in the metrics that both have."""
    mine, theirs = errors_of(result, model), errors_of(result, other)
    both = [name for name in mine if name in theirs]
    if not both:
        return None
    return skill_loss({name: mine[name] for name in both}, {name: theirs[name] for name in both})


def case_differences(shares: Stratum) -> np.ndarray:
    """(case,) what each case with any value adds to a block's difference of skills."""
    weight = 1 / shares.top.shape[1] if shares.weight is None else shares.weight.mean(axis=0)
    return -(shares.top * weight / shares.bottom.mean(axis=0)).sum(axis=1)


def pooled(shares: Sequence[Stratum], *, offset: float, settings: Bootstrap = DEFAULT) -> Estimate:
    """Offset less the mean over blocks, with its interval.

    Parameters
    ----------
    offset : 1 for skills, 0 for differences of skills.
    """
    return estimate_of(shares, settings, offset=offset)


__all__ = ["ZERO", "case_differences", "difference_shares", "errors_of", "pooled", "resolved",
           "skill_shares", "verdict"]
