"""Equivalent perturbation: how wrong a simulator would have to be to err as much as a model.

The rungs' mean errors are made monotone in their order by isotonic regression (pool adjacent
violators; Barlow et al. 1972, "Statistical Inference under Order Restrictions") and the model's
mean error is looked up between them, linearly in the logarithm of the strength.

The interval holds the strengths that cannot be told from the model: those at which the studentized
interval of the paired difference model - rung, both on the same resampled cases, holds zero. Its
ends are looked up between rungs in the same way. A percentile bootstrap of the strength itself is
too short at 8 to 32 cases.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.optimize import isotonic_regression

from evaluation.bootstrap import DEFAULT, LEAST_CASES, Bootstrap
from evaluation.statistics.studentized import NOISE, Stratum, studentized
from worldsim.errors import InputError


@dataclasses.dataclass(frozen=True)
class Equivalent:
    """A model's place on a ladder.

    strength : None beyond the ends. end : ``below`` the first rung, ``above`` the last, or empty.
    low, high : of the interval; 0 where it is open below the first rung, infinity above the last;
    None if there is none, and `reason` why. least, most : strengths of the ends of the ladder.
    """

    strength: float | None
    end: str
    low: float | None
    high: float | None
    least: float
    most: float
    reason: str = ""

    @property
    def text(self) -> str:
        """``12% [9, 15]``, ``less than 2% [below 2, 3.1]``, ``more than 50% [41, above 50]``."""
        if self.end:
            size = (f"less than {_percent(self.least)}%" if self.end == "below"
                    else f"more than {_percent(self.most)}%")
        else:
            assert self.strength is not None
            size = f"{_percent(self.strength)}%"
        if self.low is None or self.high is None:
            return size
        return f"{size} [{self._bound(self.low)}, {self._bound(self.high)}]"

    def _bound(self, share: float) -> str:
        if share < self.least:
            return f"below {_percent(self.least)}"
        return f"above {_percent(self.most)}" if share > self.most else _percent(share)


def _percent(share: float) -> str:
    return f"{100 * share:.2g}"


def equivalent_perturbation(strengths: np.ndarray, errors: np.ndarray, model: np.ndarray,
                            strata: np.ndarray | None = None,
                            settings: Bootstrap = DEFAULT) -> Equivalent:
    """A model's place on a ladder.

    Parameters
    ----------
    strengths : (rung,) shares, positive and rising. errors : (rung, case) of the perturbed
    simulators. model : (case,) on the same cases.
    strata : (case,) names of scenarios: means are over scenarios then, each weighing the same, so
        bring errors of different scenarios to one scale before.

    Raises
    ------
    InputError : fewer than two rungs, strengths that do not rise, shapes that do not match,
        missing values.
    """
    strengths, errors, model = (np.asarray(x, dtype=np.float64)
                                for x in (strengths, errors, model))
    _check(strengths, errors, model)
    groups = [np.ones(len(model), bool)] if strata is None else [
        np.asarray(strata) == name for name in np.unique(strata)]
    along = np.mean([errors[:, group].mean(axis=1) for group in groups], axis=0)
    own = float(np.mean([model[group].mean() for group in groups]))
    strength = strength_at(own, along, strengths)
    end = "below" if strength == 0 else "above" if np.isinf(strength) else ""
    found = Equivalent(None if end else strength, end, None, None, float(strengths[0]),
                       float(strengths[-1]))
    fewest = min(int(group.sum()) for group in groups)
    if fewest < LEAST_CASES:
        return dataclasses.replace(
            found, reason=f"{fewest} cases; an interval needs at least {LEAST_CASES}")
    differences = [(model - errors)[:, group, None] for group in groups]
    limits = studentized(
        [Stratum(one, np.ones_like(one)) for one in differences], level=settings.level,
        resamples=settings.resamples, seed=settings.seed, tolerance=NOISE * abs(own))
    # Where too few cases differ a rung cannot be told from the model.
    low = _first_below(np.where(np.isnan(limits.low), -np.inf, limits.low), strengths)
    high = _last_above(np.where(np.isnan(limits.high), np.inf, limits.high), strengths)
    return dataclasses.replace(found, low=min(low, strength), high=max(high, strength))


def _check(strengths: np.ndarray, errors: np.ndarray, model: np.ndarray) -> None:
    if strengths.ndim != 1 or len(strengths) < 2:
        raise InputError(f"strengths of shape {strengths.shape}: give at least two rungs")
    if not ((strengths > 0).all() and (np.diff(strengths) > 0).all()):
        raise InputError("strengths must be positive and rise from rung to rung")
    if model.ndim != 1 or errors.shape != (len(strengths), len(model)):
        raise InputError(f"errors of shape {errors.shape} for {len(strengths)} rungs and a model "
                         f"of shape {model.shape}: give (rung, case) and (case,)")
    if not (len(model) and np.isfinite(errors).all() and np.isfinite(model).all()):
        raise InputError("an error is missing: leave the case out or fill it first")


def strength_at(error: float, along: np.ndarray, strengths: np.ndarray) -> float:
    """The strength at which mean errors along a ladder (rung,) reach an error: 0 below the first
    rung, infinity above the last."""
    rising = np.asarray(isotonic_regression(along).x)
    if error < rising[0]:
        return 0.0
    if error > rising[-1]:
        return float("inf")
    logs = np.log(strengths)
    level = rising == error
    if level.any():
        # A flat stretch has no one place; its middle is as good as any.
        return float(np.exp((logs[level][0] + logs[level][-1]) / 2))
    return float(np.exp(np.interp(error, rising, logs)))


def _first_below(low: np.ndarray, strengths: np.ndarray) -> float:
    """Where the lower limit of model - rung first reaches 0 from above."""
    reached = np.flatnonzero(low <= 0)
    if not len(reached):
        return float("inf")
    at = int(reached[0])
    return 0.0 if at == 0 else _between(low[at - 1], low[at], strengths[at - 1 : at + 1])


def _last_above(high: np.ndarray, strengths: np.ndarray) -> float:
    """Where the upper limit of model - rung last leaves 0."""
    holding = np.flatnonzero(high >= 0)
    if not len(holding):
        return 0.0
    at = int(holding[-1])
    if at == len(high) - 1:
        return float("inf")
    return _between(high[at], high[at + 1], strengths[at : at + 2])


def _between(first: float, second: float, strengths: np.ndarray) -> float:
    """Where a limit is 0 between two rungs; at the rung that is known if the other's is open."""
    if np.isinf(first):
        return float(strengths[1])
    share = 0.0 if np.isinf(second) else first / (first - second)
    return float(np.exp(np.log(strengths[0]) + share * np.log(strengths[1] / strengths[0])))
