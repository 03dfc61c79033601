"""Ensemble statistics against loops, libraries and what honest ensembles must get."""

import itertools

import numpy as np
import pytest
import scipy.stats
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evaluation.bootstrap import Bootstrap
from evaluation.ensemble import fair_crps
from evaluation.statistics.diebold_mariano import diebold_mariano
from evaluation.statistics.ensemble import (
    energy_distance,
    energy_score,
    flatness,
    rank_histogram,
    spread_skill,
    spread_skill_estimates,
)
from worldsim import InputError

NUMBERS = st.floats(-50, 50, allow_subnormal=False)


def brute_within(members):
    pairs = list(itertools.permutations(members, 2))
    return sum(np.linalg.norm(a - b) for a, b in pairs) / len(pairs)


def brute_across(one, other):
    return sum(np.linalg.norm(a - b) for a in one for b in other) / (len(one) * len(other))


def test_spread_skill_equals_loops():
    rng = np.random.default_rng(0)
    forecast, truth = rng.normal(size=(6, 5, 3)), rng.normal(size=(6, 3))
    for time in range(3):
        variance = square = 0.0
        for case in range(6):
            members = forecast[case, :, time]
            mean = sum(members) / 5
            variance += sum((m - mean) ** 2 for m in members) / 4 / 6
            square += (mean - truth[case, time]) ** 2 / 6
        expected = np.sqrt(1 + 1 / 5) * np.sqrt(variance) / np.sqrt(square)
        assert spread_skill(forecast, truth)[time] == pytest.approx(expected)


@pytest.mark.parametrize("members", [2, 8])
def test_an_honest_ensemble_of_any_size_has_one_and_a_narrow_one_less(members):
    rng = np.random.default_rng(0)
    centre = 5 * rng.normal(size=(3000, 1, 2))
    forecast = centre + rng.normal(size=(3000, members, 2))
    truth = (centre + rng.normal(size=(3000, 1, 2)))[:, 0]
    np.testing.assert_allclose(spread_skill(forecast, truth), 1, atol=0.04)
    narrow = centre + 0.5 * rng.normal(size=(3000, members, 2))
    found = spread_skill_estimates(narrow, truth, Bootstrap(resamples=200))
    np.testing.assert_allclose([e.value for e in found], spread_skill(narrow, truth))
    assert all(e.interval.low < e.value < e.interval.high < 0.8 for e in found)


def test_no_error_has_no_ratio():
    forecast = np.array([[[1.0], [3.0]]] * 8)
    found, = spread_skill_estimates(forecast, np.full((8, 1), 2.0))
    assert found.value is None and "no error" in found.interval.reason
    assert np.isinf(spread_skill(forecast, np.full((8, 1), 2.0)))


def test_ranks_are_counted():
    forecast = np.array([[1.0, 2, 3]] * 4)
    counts = rank_histogram(forecast, np.array([0.0, 2.5, 2.6, 9]))
    assert counts.tolist() == [1, 0, 2, 1]


def test_ranks_among_equals_are_spread_evenly():
    counts = rank_histogram(np.zeros((8000, 3)), np.zeros(8000))
    assert flatness(counts).probability > 0.001
    half = rank_histogram(np.tile([0.0, 0, 1], (8000, 1)), np.zeros(8000))
    assert half[3] == 0 and flatness(half[:3]).probability > 0.001


def test_flatness_is_the_librarys_chi_square_and_tells_honest_from_narrow():
    rng = np.random.default_rng(0)
    forecast, truth = rng.normal(size=(900, 8)), rng.normal(size=900)
    counts = rank_histogram(forecast, truth)
    theirs = scipy.stats.chisquare(counts)
    found = flatness(counts)
    assert (found.chi_square, found.probability) == pytest.approx(tuple(theirs))
    assert found.freedom == 8 and found.probability > 0.001
    assert flatness(rank_histogram(0.5 * forecast, truth)).probability < 1e-6


def test_honest_ensembles_of_few_members_are_called_uneven_as_often_as_they_should():
    rng = np.random.default_rng(0)
    called = [flatness(rank_histogram(rng.normal(size=(40, 3)), rng.normal(size=40),
                                      seed)).probability < 0.05 for seed in range(600)]
    assert 0.025 <= np.mean(called) <= 0.085


def test_too_few_cases_for_the_law_say_how_many_it_takes():
    found = flatness(rank_histogram(np.random.default_rng(0).normal(size=(44, 8)), np.zeros(44)))
    assert found.probability is None and found.reason == "44 cases on 9 ranks; it takes 45"


@settings(deadline=None, max_examples=40)
@given(arrays(float, st.tuples(st.integers(2, 5), st.just(2)), elements=NUMBERS),
       arrays(float, st.tuples(st.integers(1, 3), st.just(2)), elements=NUMBERS))
def test_energy_score_equals_the_double_sum(members, truths):
    expected = brute_across(members, truths) - brute_within(members) / 2
    assert float(energy_score(members, truths)) == pytest.approx(expected, abs=1e-9)


def test_energy_score_of_one_component_is_the_fair_crps():
    rng = np.random.default_rng(0)
    forecast, truth = rng.normal(size=(4, 6)), rng.normal(size=(4, 3))
    theirs = fair_crps(xr.DataArray(forecast, dims=("case", "realization")),
                       xr.DataArray(truth, dims=("case", "observation")))
    np.testing.assert_allclose(energy_score(forecast[..., None], truth[..., None]), theirs)


def test_energy_score_of_one_member_is_its_distance():
    assert float(energy_score(np.array([[3.0, 4.0]]), np.zeros((1, 2)))) == 5


@settings(deadline=None, max_examples=40)
@given(arrays(float, st.tuples(st.integers(2, 5), st.just(2)), elements=NUMBERS),
       arrays(float, st.tuples(st.integers(2, 4), st.just(2)), elements=NUMBERS),
       st.randoms(use_true_random=False))
def test_energy_distance_equals_all_pairs_in_any_order(one, other, random):
    expected = 2 * brute_across(one, other) - brute_within(one) - brute_within(other)
    assert float(energy_distance(one, other)) == pytest.approx(expected, abs=1e-9)
    order = random.sample(range(len(one)), len(one))
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = energy_distance(3 * one[order] @ turn + 1, 3 * other @ turn + 1)
    assert float(moved) == pytest.approx(3 * expected, abs=1e-7)
    assert float(energy_distance(other, one)) == pytest.approx(expected, abs=1e-9)


def test_energy_distance_is_unbiased_whatever_the_sizes_and_right_for_normals():
    rng = np.random.default_rng(0)
    for members in (2, 8):
        same = energy_distance(rng.normal(size=(6000, members, 3)),
                               rng.normal(size=(6000, 5, 3)))
        assert abs(same.mean()) < 4 * same.std() / np.sqrt(6000)
    # scipy has its root, in one dimension.
    one, other = rng.normal(size=3000), 1 + rng.normal(size=3000)
    theirs = scipy.stats.energy_distance(one, other) ** 2
    assert float(energy_distance(one[:, None], other[:, None])) == pytest.approx(theirs, rel=0.02)


def test_wrong_shapes_are_named():
    ones = np.ones((4, 3, 2))
    for call in (
        lambda: spread_skill(ones, np.ones((4, 3))), lambda: spread_skill(ones[:, :1], ones[:, 0]),
        lambda: energy_distance(ones[:, :1], ones), lambda: energy_score(ones, ones[..., :1]),
        lambda: rank_histogram(ones, np.ones(4)), lambda: flatness(np.zeros(4)),
        lambda: rank_histogram(np.full((4, 2), np.nan), np.ones(4)),
        lambda: diebold_mariano(ones[0], ones[1][:2]), lambda: diebold_mariano(ones[0, :1],
                                                                             ones[1, :1]),
        lambda: diebold_mariano(ones[0] * np.nan, ones[1]),
    ):
        with pytest.raises(InputError):
            call()


def test_diebold_mariano_over_independent_cases_is_the_paired_t_test():
    rng = np.random.default_rng(0)
    one, other = rng.exponential(size=(2, 12, 5))
    found = diebold_mariano(one, other)
    theirs = scipy.stats.ttest_rel(one, other)
    np.testing.assert_allclose(found.statistic, theirs.statistic)
    interval = theirs.confidence_interval(0.95)
    np.testing.assert_allclose(found.low, interval.low)
    np.testing.assert_allclose(found.high, interval.high)


def test_diebold_mariano_of_equal_differences_is_a_point():
    other = np.random.default_rng(0).exponential(size=(10, 2))
    one = other + np.array([0.5, 0.0])
    found = diebold_mariano(one, other)
    assert np.isnan(found.statistic).all()
    np.testing.assert_allclose([found.low, found.high], [[0.5, 0.0]] * 2)
