"""Intervals cover what they should, and are refused where they would mean nothing."""

import numpy as np
import pytest

from evaluation.bootstrap import Bootstrap, mean_interval, ratio_interval


def test_fewer_than_eight_cases_give_no_interval():
    interval = mean_interval(np.arange(7.0))
    assert interval.low is None and interval.high is None and "7 cases" in interval.reason
    assert mean_interval(np.arange(8.0)).low is not None


def test_missing_values_and_a_zero_denominator_give_no_interval():
    values = np.arange(10.0)
    values[3] = np.nan
    assert "not all cases" in mean_interval(values).reason
    assert "zero" in ratio_interval(np.arange(10.0), np.zeros(10)).reason


def test_equal_cases_give_a_point():
    interval = mean_interval(np.full(10, 2.5))
    assert (interval.low, interval.high) == (2.5, 2.5)
    assert interval.excludes_zero


def test_the_interval_is_the_same_on_every_run_and_scales_with_its_values():
    values = np.random.default_rng(0).exponential(size=20)
    first, second = mean_interval(values), mean_interval(values)
    assert first == second
    tripled = mean_interval(3 * values + 1)
    assert tripled.low == pytest.approx(3 * first.low + 1)
    assert tripled.high == pytest.approx(3 * first.high + 1)


def test_a_longer_level_gives_a_wider_interval():
    values = np.random.default_rng(0).normal(size=20)
    narrow, wide = (mean_interval(values, Bootstrap(level=level)) for level in (0.8, 0.99))
    assert wide.low < narrow.low < values.mean() < narrow.high < wide.high


@pytest.mark.parametrize("ratio", [False, True])
def test_coverage_with_skewed_errors_at_32_cases(ratio):
    rng = np.random.default_rng(5)
    settings = Bootstrap(resamples=500)
    covered = 0
    runs = 400
    for _ in range(runs):
        top, bottom = rng.exponential(size=32), 2 + rng.exponential(size=32)
        if ratio:
            interval, true = ratio_interval(top, bottom, settings), 1 / 3
        else:
            interval, true = mean_interval(top, settings), 1.0
        covered += interval.low <= true <= interval.high
    # 95% +- 3 standard errors of 400 runs, less what exponential errors are known to cost.
    assert 0.905 <= covered / runs <= 0.985
