"""Response curves of a what-if: how what a model dreams moves with a parameter.

Curves are (level,) or (case, level): one number of the world at every level of a swept parameter,
all else the same. A case without an answer at every level counts as one that does not respond at
all (a flat curve at its truth's mean): D, slope, direction and rank agreement of 0. Everything is
given with an interval over cases.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy.stats import kendalltau, spearmanr

from evaluation.bootstrap import (
    DEFAULT,
    Bootstrap,
    Estimate,
    Interval,
    mean_interval,
    ratio_interval,
)
from worldsim.errors import InputError

FARTHEST = 0.1
"""Of the swept range: levels farther apart are no neighbours, and say nothing of direction."""

_ROUNDING = 1e-9


def determination(dream: np.ndarray, truth: np.ndarray, settings: Bootstrap = DEFAULT) -> Estimate:
    """D = 1 - sum (dream - truth)^2 / sum (truth - mean over levels)^2.

    1 for the truth, 0 for its mean at every level, negative for worse. Sums over levels and cases;
    each case has its own mean, so that knowing which case it is counts for nothing.
    """
    dream, truth = _curves(dream, truth)
    wrong = ((dream - truth) ** 2).sum(axis=1)
    there = ((truth - truth.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    # As one ratio, so that truth has 1 exactly.
    return _ratio(there - wrong, there, settings, "the truth does not respond")


def slope(dream: np.ndarray, truth: np.ndarray, settings: Bootstrap = DEFAULT) -> Estimate:
    """Slope of the changes between neighbouring levels, dream on truth, through the origin.

    sum(d_dream d_truth) / sum(d_truth^2): 1 is right, 0 no response, negative the wrong way.
    Through the origin, for no change in truth calls for none. Noise in truth would draw it to 0:
    take truth from states.
    """
    dream, truth = _curves(dream, truth)
    ours, theirs = np.diff(dream, axis=1), np.diff(truth, axis=1)
    return _ratio((ours * theirs).sum(axis=1), (theirs**2).sum(axis=1), settings,
                  "the truth does not respond")


@dataclasses.dataclass(frozen=True)
class Direction:
    """Share of pairs of neighbouring levels between which a dream moves the way the truth does.

    pairs : counted. ties : left out because the truth moves no farther than the noise there.
    far : left out because the levels lie more than `FARTHEST` of the range apart.
    """

    accuracy: Estimate
    pairs: int
    ties: int
    far: int


def direction_accuracy(dream: np.ndarray, truth: np.ndarray, levels: np.ndarray,
                       noise: float = 0.0, span: float | None = None,
                       settings: Bootstrap = DEFAULT) -> Direction:
    """Direction between neighbouring levels.

    A pair of levels is left out as a tie where the truth changes by no more than noise, whatever
    the dream does: which way it goes is then not for a video to tell. A dream that does not move
    where the truth does is wrong. A coin has 0.5.

    Parameters
    ----------
    levels : (level,) of the parameter, rising.
    noise : in the unit of the curves; of `change_noise`, for one.
    span : width of the parameter's range that neighbours are measured against; that of the levels
        unless given.

    Raises
    ------
    InputError : levels that do not rise or do not match the curves, a negative noise.
    """
    dream, truth = _curves(dream, truth)
    levels = np.asarray(levels, dtype=np.float64)
    if levels.shape != truth.shape[1:] or not (np.diff(levels) > 0).all():
        raise InputError(f"levels of shape {levels.shape} for curves of {truth.shape[1]}: give "
                         "each curve's levels, rising")
    if not noise >= 0:
        raise InputError(f"noise={noise}: give 0 or more, in the unit of the curves")
    width = float(levels[-1] - levels[0]) if span is None else span
    near = np.diff(levels) <= FARTHEST * width * (1 + _ROUNDING)
    ours, theirs = np.diff(dream, axis=1)[:, near], np.diff(truth, axis=1)[:, near]
    told = np.abs(theirs) > noise
    right = told & (np.sign(ours) == np.sign(theirs))
    if not near.any():
        why = f"no levels lie within {FARTHEST:.0%} of the range of each other"
        accuracy = Estimate(None, Interval(None, None, why))
    else:
        accuracy = _ratio(right.sum(axis=1).astype(float), told.sum(axis=1).astype(float),
                          settings, "the truth moves nowhere farther than the noise")
    return Direction(accuracy, int(told.sum()), int((~told).sum()),
                     int((~near).sum()) * len(truth))


def change_noise(read: np.ndarray, truth: np.ndarray, deviations: float = 2.0) -> float:
    """How large a change between neighbouring levels instruments invent: a noise for
    `direction_accuracy`.

    deviations * root mean square over cases and pairs of the error of the change, which instruments
    make on the truth's own video.

    Parameters
    ----------
    read : (level,) or (case, level), what instruments read off the truth's own video.
    truth : the same from the states.
    """
    read, truth = _curves(read, truth)
    return deviations * float(np.sqrt((np.diff(read - truth, axis=1) ** 2).mean()))


@dataclasses.dataclass(frozen=True)
class RankAgreement:
    """Mean over cases of rank correlations between dream and truth over levels: 1 the same order,
    0 none (so counts a dream that does not respond), -1 reversed."""

    kendall: Estimate
    spearman: Estimate


def rank_agreement(dream: np.ndarray, truth: np.ndarray,
                   settings: Bootstrap = DEFAULT) -> RankAgreement:
    """Kendall's tau-b and Spearman's rho; cases whose truth does not respond are left out."""
    dream, truth = _curves(dream, truth)
    moves = np.ptp(truth, axis=1) > 0

    def mean_of(correlation: Callable[[np.ndarray, np.ndarray], float]) -> Estimate:
        if not moves.any():
            return Estimate(None, Interval(None, None, "the truth does not respond"))
        each = np.array([
            correlation(ours, theirs) if np.ptp(ours) > 0 else 0.0
            for ours, theirs in zip(dream[moves], truth[moves], strict=True)])
        return Estimate(float(each.mean()), mean_interval(each, settings))

    return RankAgreement(mean_of(lambda a, b: float(kendalltau(a, b).statistic)),
                         mean_of(lambda a, b: float(spearmanr(a, b).statistic)))


def null_ratio(dream: np.ndarray, floor: np.ndarray, settings: Bootstrap = DEFAULT) -> Estimate:
    """Response to a parameter that must change nothing, over the floor.

    Mean over cases of the standard deviation over levels (ddof 1), the dream's over the floor's: 1
    for a dream that responds no more than instruments (or hidden draws) make up, more for one that
    takes notice. Has no value if the dream lacks any, for no response would be a good answer here.

    Parameters
    ----------
    dream, floor : (level,) or (case, level). floor : what instruments read off the truth's own
        video; or a second ensemble of the simulator's, where hidden draws matter.
    """
    ours, theirs = np.atleast_2d(np.asarray(dream, float)), np.atleast_2d(np.asarray(floor, float))
    _check(ours, theirs)
    failed = int((~np.isfinite(ours).all(axis=1)).sum())
    if failed:
        why = f"the model has no answer in {failed} of {len(ours)} cases"
        return Estimate(None, Interval(None, None, why))
    return _ratio(ours.std(axis=1, ddof=1), theirs.std(axis=1, ddof=1), settings,
                  "the floor is zero")


def _ratio(top: np.ndarray, bottom: np.ndarray, settings: Bootstrap, why_not: str) -> Estimate:
    if bottom.mean() == 0:
        return Estimate(None, Interval(None, None, why_not))
    return Estimate(float(top.mean() / bottom.mean()), ratio_interval(top, bottom, settings))


def _curves(dream: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both (case, level), failed cases flat."""
    ours, theirs = np.atleast_2d(np.asarray(dream, float)), np.atleast_2d(np.asarray(truth, float))
    _check(ours, theirs)
    failed = ~np.isfinite(ours).all(axis=1, keepdims=True)
    return np.where(failed, theirs.mean(axis=1, keepdims=True), ours), theirs


def _check(ours: np.ndarray, theirs: np.ndarray) -> None:
    if ours.shape != theirs.shape or ours.ndim != 2 or ours.shape[1] < 2:
        raise InputError(f"curves of shapes {ours.shape} and {theirs.shape}: give (level,) or "
                         "(case, level) of both, two levels at least")
    if not np.isfinite(theirs).all():
        raise InputError("the truth has no answer somewhere: leave that case out of both curves")
