"""Fair scores against brute force, against another implementation, and by what makes them fair."""

import itertools

import numpy as np
import pytest
import scores.probability
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evaluation.ensemble import fair_brier, fair_crps

NUMBERS = st.floats(-50, 50, allow_subnormal=False)


def brute_crps(members: np.ndarray, truth: float) -> float:
    spread = sum(abs(a - b) for a, b in itertools.permutations(members, 2))
    m = len(members)
    return np.mean(np.abs(members - truth)) - spread / (2 * m * (m - 1))


@settings(deadline=None)
@given(arrays(float, st.integers(2, 7), elements=NUMBERS), arrays(float, 3, elements=NUMBERS))
def test_crps_equals_the_double_sum(members, truths):
    forecast = xr.DataArray(members, dims="realization")
    truth = xr.DataArray(truths, dims="observation")
    expected = np.mean([brute_crps(members, t) for t in truths])
    assert float(fair_crps(forecast, truth)) == pytest.approx(expected, abs=1e-9)


def test_crps_equals_the_library_over_named_dims():
    rng = np.random.default_rng(0)
    forecast = xr.DataArray(rng.normal(size=(8, 3, 5)), dims=("realization", "case", "time"))
    truth = xr.DataArray(rng.normal(size=(3, 5)), dims=("case", "time"))
    theirs = scores.probability.crps_for_ensemble(
        forecast, truth, ensemble_member_dim="realization", method="fair", preserve_dims="all"
    )
    ours = fair_crps(forecast, truth.expand_dims("observation"))
    np.testing.assert_allclose(ours.transpose("case", "time"), theirs, atol=1e-12)


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=7),
       st.lists(st.booleans(), min_size=1, max_size=4))
def test_brier_equals_brute_force(members, truths):
    p, m = np.mean(members), len(members)
    correction = p * (1 - p) / (m - 1) if m > 1 else 0.0
    expected = np.mean([(p - t) ** 2 - correction for t in truths])
    ours = fair_brier(xr.DataArray(members, dims="realization"),
                      xr.DataArray(truths, dims="observation"))
    assert float(ours) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("function", [fair_crps, fair_brier])
def test_an_ensemble_of_equal_members_is_one_member(function):
    one = xr.DataArray([[True], [False]], dims=("case", "realization"))
    truth = xr.DataArray([[True, False, False], [True, True, True]], dims=("case", "observation"))
    if function is fair_crps:
        one, truth = one.astype(float), truth.astype(float)
    eight = one.isel(realization=[0] * 8)
    np.testing.assert_allclose(function(eight, truth), function(one, truth), atol=1e-12)


@pytest.mark.parametrize("function", [fair_crps, fair_brier])
def test_the_expected_score_does_not_depend_on_the_ensemble_size(function):
    rng = np.random.default_rng(1)
    draws = rng.normal(size=(40_000, 9))
    if function is fair_brier:
        draws = draws > 0.4
    forecast = xr.DataArray(draws[:, :8], dims=("case", "realization"))
    truth = xr.DataArray(draws[:, 8:], dims=("case", "observation"))
    means = [
        float(function(forecast.isel(realization=slice(0, m)), truth).mean()) for m in (2, 4, 8)
    ]
    assert np.ptp(means) < 0.012
    # Of independent standard normal draws: E|x - y| / 2 = 1 / sqrt(pi); of events: q (1 - q).
    q = 0.3445783
    expected = 1 / np.sqrt(np.pi) if function is fair_crps else q * (1 - q)
    assert means[-1] == pytest.approx(expected, abs=0.012)


def test_missing_numbers_stay_missing():
    forecast = xr.DataArray([[1.0, np.nan], [1.0, 2.0]], dims=("case", "realization"))
    truth = xr.DataArray([[1.0], [2.0]], dims=("case", "observation"))
    assert np.isnan(fair_crps(forecast, truth)).values.tolist() == [True, False]
