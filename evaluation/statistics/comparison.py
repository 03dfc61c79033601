"""Two models on the same cases: the difference of their skills, and whether it can be told.

Paired by case, so that what makes a case hard for both cancels. A verdict is an interval's, not a
p-value's: better or worse where it excludes zero.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

import numpy as np

from evaluation.bootstrap import DEFAULT, Bootstrap, Estimate
from evaluation.statistics.skill import Errors, estimate_of, skill_loss
from evaluation.statistics.studentized import NOISE
from worldsim.errors import InputError

Verdict = Literal["better", "worse", "cannot be told"]

Scenarios = Mapping[str, Mapping[str, Errors]]
"""By scenario and metric."""


def verdict(difference: Estimate) -> Verdict:
    """Of a model whose skill less another's is given; what is left of rounding is no difference."""
    if (difference.value is None or not difference.interval.excludes_zero
            or abs(difference.value) <= NOISE):
        return "cannot be told"
    return "better" if difference.value > 0 else "worse"


@dataclasses.dataclass(frozen=True)
class Compared:
    """A model's skill less another's, in one scenario or over all."""

    difference: Estimate

    @property
    def verdict(self) -> Verdict:
        """Whether the model is better."""
        return verdict(self.difference)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Two models. scenarios : by name. overall : mean over scenarios, each weighing the same."""

    scenarios: dict[str, Compared]
    overall: Compared


def compare(model: Scenarios, other: Scenarios, settings: Bootstrap = DEFAULT) -> Comparison:
    """A model's skill less another's, per scenario and overall.

    Parameters
    ----------
    model, other : errors on the same cases in the same order; ref, base and floor are the same.

    Raises
    ------
    InputError : scenarios, metrics or cases differ.
    """
    if set(model) != set(other):
        raise InputError(f"compared on other scenarios: {sorted(set(model) ^ set(other))}")
    losses = {}
    for scenario, metrics in model.items():
        theirs = other[scenario]
        if set(metrics) != set(theirs):
            raise InputError(f"{scenario}: compared by other metrics: "
                             f"{sorted(set(metrics) ^ set(theirs))}")
        for name, one in metrics.items():
            same = theirs[name]
            if not all(np.array_equal(x, y, equal_nan=True) for x, y in (
                    (one.ref, same.ref), (one.base, same.base), (one.floor, same.floor))):
                raise InputError(f"{scenario}, {name}: compared on other cases or against another "
                                 "baseline")
        losses[scenario] = skill_loss(metrics, theirs)
    each = {name: Compared(estimate_of([] if loss is None else [loss], settings, offset=0.0))
            for name, loss in losses.items()}
    told = [loss for loss in losses.values() if loss is not None]
    return Comparison(each, Compared(estimate_of(told, settings, offset=0.0)))
