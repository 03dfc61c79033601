"""Response curves: against loops and libraries, and what truth, no response and the reverse get."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.bootstrap import Bootstrap
from evaluation.statistics.response import (
    change_noise,
    determination,
    direction_accuracy,
    null_ratio,
    rank_agreement,
    slope,
)
from worldsim import InputError

FEW = Bootstrap(resamples=300)
LEVELS = np.linspace(6, 15, 11)


def curves(seed=0, cases=10):
    rng = np.random.default_rng(seed)
    truth = (1 + rng.random((cases, 1))) * LEVELS**1.5 + rng.normal(size=(cases, 1)) * 20
    dream = 0.6 * truth + rng.normal(size=truth.shape) * 4 + 10
    return dream, truth


def test_determination_equals_loops():
    dream, truth = curves()
    wrong = there = 0.0
    for ours, theirs in zip(dream, truth, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            wrong += (a - b) ** 2
            there += (b - sum(theirs) / len(theirs)) ** 2
    found = determination(dream, truth, FEW)
    assert found.value == pytest.approx(1 - wrong / there, abs=1e-12)
    assert found.interval.low < found.value < found.interval.high


def test_determination_of_one_curve_is_the_libraries():
    dream, truth = curves()
    # scores has 1 - MSE / variance under the name of Nash and Sutcliffe.
    import xarray as xr
    from scores.continuous import nse

    expected = float(nse(xr.DataArray(dream[0], dims="t"), xr.DataArray(truth[0], dims="t")))
    found = determination(dream[0], truth[0])
    assert found.value == pytest.approx(expected)
    assert found.interval.low is None and "1 cases" in found.interval.reason


def test_slope_is_least_squares_through_the_origin():
    dream, truth = curves()
    expected = np.linalg.lstsq(np.diff(truth, axis=1).reshape(-1, 1),
                               np.diff(dream, axis=1).ravel(), rcond=None)[0][0]
    assert slope(dream, truth, FEW).value == pytest.approx(expected)


@pytest.mark.parametrize("gain", [-1.0, 0.0, 0.5, 1.0, 2.0])
def test_slope_finds_the_gain_whatever_the_offset(gain):
    _, truth = curves()
    assert slope(gain * truth + 7, truth, FEW).value == pytest.approx(gain)


def test_truth_no_response_and_the_reverse():
    _, truth = curves()
    flat = np.repeat(truth.mean(axis=1, keepdims=True), len(LEVELS), axis=1)
    for dream, d, s, share, rank in ((truth, 1, 1, 1, 1), (flat, 0, 0, 0, 0),
                                     (2 * flat - truth, -3, -1, 0, -1)):
        agreement = rank_agreement(dream, truth, FEW)
        assert determination(dream, truth, FEW).value == pytest.approx(d)
        assert slope(dream, truth, FEW).value == pytest.approx(s)
        assert direction_accuracy(dream, truth, LEVELS, settings=FEW).accuracy.value == share
        assert agreement.kendall.value == pytest.approx(rank)
        assert agreement.spearman.value == pytest.approx(rank)
    assert determination(truth, truth).value == 1.0
    assert determination(truth, truth).interval.low == 1.0


def test_a_failed_case_is_one_that_does_not_respond():
    _, truth = curves()
    failed = truth.copy()
    failed[3, 5] = np.nan
    flat = truth.copy()
    flat[3] = truth[3].mean()
    for statistic in (determination, slope):
        assert statistic(failed, truth, FEW) == statistic(flat, truth, FEW)
        assert statistic(failed, truth, FEW).value < 1
    found = direction_accuracy(failed, truth, LEVELS, settings=FEW)
    assert found.accuracy.value == pytest.approx(0.9) and found.pairs == 100
    assert rank_agreement(failed, truth, FEW).kendall.value == pytest.approx(0.9)


def test_direction_by_loops_with_ties_and_far_levels():
    rng = np.random.default_rng(0)
    levels = np.array([0.0, 1.0, 2.0, 5.0, 6.0, 10.0])
    truth, dream = rng.normal(size=(2, 9, 6))
    noise = 0.5
    right = pairs = ties = far = 0
    for case in range(9):
        for k in range(5):
            if levels[k + 1] - levels[k] > 1.0:
                far += 1
            elif abs(truth[case, k + 1] - truth[case, k]) <= noise:
                ties += 1
            else:
                pairs += 1
                right += ((dream[case, k + 1] > dream[case, k])
                          == (truth[case, k + 1] > truth[case, k]))
    found = direction_accuracy(dream, truth, levels, noise, settings=FEW)
    assert (found.pairs, found.ties, found.far) == (pairs, ties, far)
    assert found.accuracy.value == pytest.approx(right / pairs)
    assert ties and far == 18


def test_eleven_even_levels_are_neighbours_and_eight_are_not():
    eleven, eight = np.linspace(0.1, 0.7, 11), np.linspace(0.1, 0.7, 8)
    rng = np.random.default_rng(0)
    assert direction_accuracy(*rng.normal(size=(2, 9, 11)), eleven, settings=FEW).far == 0
    found = direction_accuracy(*rng.normal(size=(2, 9, 8)), eight, settings=FEW)
    assert found.accuracy.value is None and "10%" in found.accuracy.interval.reason
    wide = direction_accuracy(*rng.normal(size=(2, 9, 8)), eight, span=2.0, settings=FEW)
    assert wide.far == 0 and wide.accuracy.value is not None


def test_noise_of_changes_is_what_instruments_invent():
    rng = np.random.default_rng(0)
    truth = np.cumsum(rng.random((2000, 11)), axis=1)
    read = truth + 0.1 * rng.normal(size=truth.shape) + rng.normal(size=(2000, 1))
    # Two independent errors per change; an offset of a case cancels.
    assert change_noise(read, truth) == pytest.approx(2 * 0.1 * np.sqrt(2), rel=0.02)


def test_rank_agreement_is_the_mean_of_the_librarys():
    dream, truth = curves(1)
    found = rank_agreement(dream, truth, FEW)
    tau = [scipy.stats.kendalltau(a, b).statistic for a, b in zip(dream, truth, strict=True)]
    ranks = [scipy.stats.rankdata(x, axis=1) for x in (dream, truth)]
    rho = [np.corrcoef(a, b)[0, 1] for a, b in zip(*ranks, strict=True)]
    assert found.kendall.value == pytest.approx(np.mean(tau))
    assert found.spearman.value == pytest.approx(np.mean(rho))
    assert found.kendall.interval.low < np.mean(tau) < found.kendall.interval.high


def test_null_ratio_is_one_for_the_floor_and_tells_a_response():
    rng = np.random.default_rng(0)
    floor, same = rng.normal(size=(2, 40, 8))
    one = null_ratio(same, floor)
    assert one.interval.low < 1 < one.interval.high
    responds = null_ratio(same + np.linspace(0, 4, 8), floor)
    assert responds.interval.low > 1
    by_loops = np.mean([np.std(c, ddof=1) for c in same]) / np.mean(
        [np.std(c, ddof=1) for c in floor])
    assert one.value == pytest.approx(by_loops)
    same[0, 0] = np.nan
    assert "1 of 40" in null_ratio(same, floor).interval.reason
    assert "floor is zero" in null_ratio(floor, 0 * floor).interval.reason


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.floats(0.01, 100), st.permutations(range(10)))
def test_units_offsets_and_order_of_cases_mean_nothing(seed, unit, order):
    dream, truth = curves(seed)
    ours, theirs = unit * dream[list(order)] - 3, unit * truth[list(order)] - 3
    for statistic in (determination, slope):
        assert statistic(ours, theirs, FEW).value == pytest.approx(
            statistic(dream, truth, FEW).value)
    assert direction_accuracy(ours, theirs, LEVELS, unit * 2.0, settings=FEW).accuracy.value == (
        pytest.approx(direction_accuracy(dream, truth, LEVELS, 2.0, settings=FEW).accuracy.value))
    assert rank_agreement(ours, theirs, FEW).kendall.value == pytest.approx(
        rank_agreement(dream, truth, FEW).kendall.value)
    assert null_ratio(ours, theirs, FEW).value == pytest.approx(null_ratio(dream, truth, FEW).value)


def test_a_truth_that_does_not_respond_has_no_numbers():
    dream, _ = curves()
    truth = np.ones_like(dream)
    for found in (determination(dream, truth), slope(dream, truth),
                  rank_agreement(dream, truth).kendall,
                  direction_accuracy(dream, truth, LEVELS).accuracy):
        assert found.value is None and found.interval.reason


def test_wrong_curves_are_named():
    dream, truth = curves()
    with pytest.raises(InputError, match="shapes"):
        determination(dream, truth[:, :5])
    with pytest.raises(InputError, match="truth has no answer"):
        slope(dream, truth * np.nan)
    with pytest.raises(InputError, match="rising"):
        direction_accuracy(dream, truth, LEVELS[::-1])
    with pytest.raises(InputError, match="noise=-1"):
        direction_accuracy(dream, truth, LEVELS, noise=-1)
