"""Diebold-Mariano: a second opinion on the paired errors of two models, lead time by lead time.

The test was made for one long series of forecasts whose errors overlap in time. Along the frames of
one dream it says nothing: errors there grow with lead time, and its series must be stationary. At a
given lead time, though, the cases are such a series, and an independent one (h = 1), for which the
test with the correction of Harvey, Leybourne & Newbold (1997, Int. J. Forecasting 13, 281-291) is
the paired t-test. It knows no skewness; verdicts are those of `evaluation.statistics.comparison`.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from evaluation.statistics.studentized import NOISE
from worldsim.errors import InputError


@dataclasses.dataclass(frozen=True)
class DieboldMariano:
    """Per lead time, each (time,).

    mean : of model - other. statistic : of the test, Student's t with cases - 1 degrees of freedom;
    NaN where all differences are equal. low, high : of the interval of the mean.
    """

    mean: np.ndarray
    statistic: np.ndarray
    low: np.ndarray
    high: np.ndarray


def diebold_mariano(model: np.ndarray, other: np.ndarray, level: float = 0.95) -> DieboldMariano:
    """The test at every lead time, by the library `scores`.

    Parameters
    ----------
    model, other : (case, time) errors on the same cases. level : of the interval.

    Raises
    ------
    InputError : shapes differ, fewer than two cases, missing values.
    """
    import xarray as xr
    from scores.stats.statistical_tests import diebold_mariano as test

    model, other = np.asarray(model, float), np.asarray(other, float)
    if model.shape != other.shape or model.ndim != 2 or len(model) < 2:
        raise InputError(f"errors of shapes {model.shape} and {other.shape}: give (case, time) of "
                         "both, two cases at least")
    difference = model - other
    if not np.isfinite(difference).all():
        raise InputError("an error is missing: leave out such cases or fill them")
    size = (np.abs(model) + np.abs(other)).max(axis=0)
    differ = np.ptp(difference, axis=0) > NOISE * size
    mean = difference.mean(axis=0)
    statistic, low, high = (np.where(differ, np.nan, value) for value in (np.nan, mean, mean))
    if differ.any():
        series = xr.DataArray(difference.T[differ], dims=("time", "case"),
                              coords={"h": ("time", np.ones(int(differ.sum()), int))})
        found = test(series, "time", "h", method="HLN", confidence_level=level,
                     statistic_distribution="t")
        statistic[differ] = found["dm_test_stat"]
        low[differ], high[differ] = found["ci_lower"], found["ci_upper"]
    return DieboldMariano(mean, statistic, low, high)
