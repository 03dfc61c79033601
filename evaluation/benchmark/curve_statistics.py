"""How alike two families of response curves are; ratios of sums over cases, with intervals.

f are the true responses and g those of a model, (case, level), levels ascending and equally spaced.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import kendalltau

from evaluation.bootstrap import DEFAULT, Bootstrap, Interval, mean_interval, ratio_interval
from evaluation.summary import Estimate

NOISE = 2.0
"""Times the floor's root mean square, above which a true difference has a direction to be told."""

NONE = Estimate(None, Interval(None, None, "no value"))


def determination(f: np.ndarray, g: np.ndarray, settings: Bootstrap = DEFAULT) -> Estimate:
    """D = 1 - sum (g - f)^2 / sum (f - mean f)^2, the mean over each case's levels: 1 for the true
    curves, 0 for their means, less for worse."""
    top = ((g - f) ** 2).sum(axis=1)
    bottom = ((f - f.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return _less(1.0, _ratio(top, bottom, settings))


def slope(f: np.ndarray, g: np.ndarray, settings: Bootstrap = DEFAULT) -> Estimate:
    """Least-squares slope through the origin of the model's differences between neighbouring levels
    on the true ones: 1 is ideal, 0 a model that does not respond."""
    df, dg = np.diff(f, axis=1), np.diff(g, axis=1)
    return _ratio((df * dg).sum(axis=1), (df**2).sum(axis=1), settings)


def direction(f: np.ndarray, g: np.ndarray, floor: np.ndarray,
              settings: Bootstrap = DEFAULT) -> Estimate:
    """Share of neighbouring levels between which a model's response changes the right way, of those
    between which the truth changes by more than `NOISE` times the floor's root mean square error.

    Parameters
    ----------
    floor : (case, level) responses read off the truth's own video.
    """
    df, dg = np.diff(f, axis=1), np.diff(g, axis=1)
    noise = NOISE * np.sqrt(2 * np.mean((floor - f) ** 2))
    told = np.abs(df) > noise
    if not told.any():
        return Estimate(None, Interval(None, None, "the truth changes less than the instruments"))
    right = (np.sign(df) == np.sign(dg)) & told
    return _ratio(right.sum(axis=1).astype(float), told.sum(axis=1).astype(float), settings)


def rank(f: np.ndarray, g: np.ndarray, settings: Bootstrap = DEFAULT) -> Estimate:
    """Mean over cases of Kendall's tau-b between the true and the model's order of levels; a model
    that does not respond at all has tau 0."""
    each = np.array([_tau(one, other) for one, other in zip(f, g, strict=True)])
    return Estimate(float(each.mean()), mean_interval(each, settings))


def _tau(one: np.ndarray, other: np.ndarray) -> float:
    found = float(kendalltau(one, other).statistic)
    return 0.0 if np.isnan(found) else found


def null_ratio(g: np.ndarray, f: np.ndarray, floor: np.ndarray,
               settings: Bootstrap = DEFAULT) -> Estimate:
    """How much a model responds to what must change nothing, over the instruments' own scatter: the
    root mean square over levels of its response about their mean, over that of what is read off the
    truth's video about the truth. About 1 or less: nothing beyond the floor."""
    top = (g - g.mean(axis=1, keepdims=True)).std(axis=1)
    bottom = np.sqrt(np.mean((floor - f) ** 2, axis=1))
    return _ratio(top, bottom, settings)


def _ratio(top: np.ndarray, bottom: np.ndarray, settings: Bootstrap) -> Estimate:
    if not len(top) or bottom.mean() == 0:
        return Estimate(None, Interval(None, None, "the truth does not respond"))
    return Estimate(float(top.mean() / bottom.mean()), ratio_interval(top, bottom, settings))


def _less(whole: float, one: Estimate) -> Estimate:
    """whole - x, with the interval turned."""
    assert one.value is not None or one.interval.low is None
    if one.value is None:
        return one
    if one.interval.low is None or one.interval.high is None:
        return Estimate(whole - one.value, one.interval)
    return Estimate(whole - one.value,
                    Interval(whole - one.interval.high, whole - one.interval.low))
