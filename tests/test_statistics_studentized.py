"""The studentized bootstrap against a loop over resamples, and by how often it holds the truth."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.bootstrap import (
    Bootstrap,
    Interval,
    mean_interval,
    pooled_interval,
    ratio_interval,
)
from evaluation.statistics import coverage
from evaluation.statistics.studentized import (
    Stratum,
    pooled,
    resampling,
    standard_error,
    studentized,
)

FEW = Bootstrap(resamples=200)


def number(strata):
    """Of pooled, by loops."""
    total = 0.0
    for top, bottom, weight in strata:
        for metric in range(top.shape[1]):
            total += (weight[:, metric].mean() * top[:, metric].mean()
                      / bottom[:, metric].mean()) if weight[:, metric].any() else 0.0
    return total / len(strata)


def spread(strata):
    """Standard error of number, by numerical derivatives in the weight of each case."""
    variance, step = 0.0, 1e-5
    for at, (top, _, _) in enumerate(strata):
        cases = len(top)
        moved = []
        for case in range(cases):
            ends = []
            for sign in (1, -1):
                share = np.full(cases, (1 - sign * step) / cases)
                share[case] += sign * step
                heavier = [tuple(x * share[:, None] * cases for x in one) if k == at else one
                           for k, one in enumerate(strata)]
                ends.append(number(heavier))
            moved.append((ends[0] - ends[1]) / (2 * step))
        variance += np.var(moved, ddof=1) / cases
    return np.sqrt(variance)


def random_strata(rng, *, missing):
    strata = []
    for cases in (9, 12):
        top, bottom = rng.exponential(size=(cases, 3)), 1 + rng.exponential(size=(cases, 3))
        weight = np.full((cases, 3), 1 / 3)
        if missing:
            there = rng.random((cases, 3)) < 0.7
            there[:, 0] = True
            top, bottom, weight = top * there, bottom * there, there.astype(float)
        strata.append((top, bottom, weight))
    return strata


@pytest.mark.parametrize("missing", [False, True])
def test_value_error_and_ends_equal_a_loop_over_resamples(missing):
    plain = random_strata(np.random.default_rng(3), missing=missing)
    strata = [Stratum(top, bottom, weight if missing else None) for top, bottom, weight in plain]
    value, error = number(plain), spread(plain)
    assert float(pooled(strata)) == pytest.approx(value, abs=1e-12)
    assert float(standard_error(strata)) == pytest.approx(error, rel=1e-6)

    student = []
    weights = [np.concatenate([w for _, w in resampling(len(one[0]), 60, 7, k)])
               for k, one in enumerate(plain)]
    for resample in range(60):
        again = [
            tuple(np.repeat(x, np.rint(weights[k][resample] * len(x)).astype(int), axis=0)
                  for x in one)
            for k, one in enumerate(plain)]
        student.append((number(again) - value) / spread(again))
    high, low = np.quantile(student, [0.1, 0.9])
    limits = studentized(strata, level=0.8, resamples=60, seed=7)
    assert float(limits.low) == pytest.approx(value - low * error, rel=1e-5)
    assert float(limits.high) == pytest.approx(value - high * error, rel=1e-5)


def test_many_data_sets_at_once_are_each_as_alone():
    rng = np.random.default_rng(0)
    top, bottom = rng.exponential(size=(5, 10)), rng.exponential(size=(5, 10)) + 0.5
    together = studentized([Stratum(top[..., None], bottom[..., None])], level=FEW.level,
                           resamples=FEW.resamples, seed=FEW.seed)
    alone = [ratio_interval(a, b, FEW) for a, b in zip(top, bottom, strict=True)]
    np.testing.assert_allclose(together.low, [i.low for i in alone], rtol=1e-10)
    np.testing.assert_allclose(together.high, [i.high for i in alone], rtol=1e-10)


def test_resamples_are_whole_cases_and_streams_of_strata_differ():
    (_, first), = resampling(9, 50, seed=0)
    (_, second), = resampling(9, 50, seed=0, stratum=1)
    np.testing.assert_allclose(first.sum(axis=1), 1)
    np.testing.assert_allclose(9 * first, np.rint(9 * first))
    assert (first != second).any()


def test_many_cases_are_resampled_in_parts_that_cover_every_resample():
    parts = list(resampling(3000, 1000, seed=0))
    assert len(parts) > 1
    covered = np.concatenate([np.arange(1000)[at] for at, _ in parts])
    assert covered.tolist() == list(range(1000))
    values = np.random.default_rng(0).normal(size=3000)
    interval = mean_interval(values, Bootstrap(resamples=1000))
    half = 1.96 * values.std(ddof=1) / np.sqrt(3000)
    assert interval.high - interval.low == pytest.approx(2 * half, rel=0.1)


def test_one_stratum_is_no_stratum():
    values = np.random.default_rng(0).exponential(size=12)
    assert mean_interval(values, FEW, np.full(12, "all")) == mean_interval(values, FEW)


def test_each_stratum_weighs_the_same():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0, 1, 8), rng.normal(10, 1, 80)])
    strata = np.repeat(["few", "many"], [8, 80])
    interval = mean_interval(values, strata=strata)
    middle = (values[:8].mean() + values[8:].mean()) / 2
    assert interval.low < middle < interval.high < values.mean()


def test_resampling_within_strata_leaves_out_what_differs_between_them():
    rng = np.random.default_rng(0)
    strata = np.repeat(np.arange(4), 10)
    values = 100.0 * strata + rng.normal(size=40)
    within, without = mean_interval(values, strata=strata), mean_interval(values)
    assert within.high - within.low < 0.05 * (without.high - without.low)


def test_a_stratum_of_few_cases_gives_no_interval():
    values = np.random.default_rng(0).normal(size=20)
    strata = np.repeat(["few", "many"], [7, 13])
    assert "7 cases of a scenario" in mean_interval(values, FEW, strata).reason


def test_rare_events_give_no_interval_rather_than_a_short_one():
    values = np.zeros(10)
    values[3] = 1.0
    # A third of the resamples holds no event, and says nothing of how rare it is.
    assert mean_interval(values) == Interval(None, None, "too few cases differ")
    assert mean_interval(np.repeat([0.0, 1.0], [20, 20])).low is not None


def test_a_denominator_that_may_vanish_gives_no_interval():
    bottom = np.zeros(10)
    bottom[0] = 1.0
    assert "too few" in ratio_interval(np.arange(10.0), bottom).reason


def test_rounding_gives_a_point():
    top = np.full(10, 1.0)
    top[::2] += 2e-16
    interval = mean_interval(top, FEW)
    assert interval.low == interval.high == pytest.approx(1)
    # Of a difference, rounding is of the size of what cancelled: only its user knows that.
    top = np.where(np.arange(10) % 2, 5e-17, 0.0)
    strata = [Stratum(top[:, None], np.ones((10, 1)))]
    interval = pooled_interval(strata, FEW, tolerance=1e-12)
    assert interval.low == interval.high == pytest.approx(0, abs=1e-16)
    assert mean_interval(top, FEW).low < mean_interval(top, FEW).high


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.floats(0.01, 100), st.floats(0.01, 100))
def test_ratios_scale_with_their_units(seed, up, down):
    rng = np.random.default_rng(seed)
    top, bottom = rng.normal(size=10), 1 + rng.exponential(size=10)
    one, other = ratio_interval(top, bottom, FEW), ratio_interval(up * top, down * bottom, FEW)
    np.testing.assert_allclose([other.low, other.high],
                               np.array([one.low, one.high]) * up / down, rtol=1e-7)


@settings(deadline=None, max_examples=15)
@given(st.randoms(use_true_random=False))
def test_the_order_of_cases_means_nothing(random):
    rng = np.random.default_rng(0)
    values = rng.exponential(size=20)
    order = list(range(20))
    random.shuffle(order)
    one, other = mean_interval(values), mean_interval(values[order])
    width = one.high - one.low
    # What 4000 resamples leave open.
    np.testing.assert_allclose([other.low, other.high], [one.low, one.high], atol=0.12 * width)


@pytest.mark.parametrize("situation", coverage.SITUATIONS[:3] + coverage.SITUATIONS[-1:],
                         ids=lambda s: s.name)
def test_coverage_at_32_cases(situation):
    found = coverage.measure(situation, 32, 400, seed=2, settings=Bootstrap(resamples=500))
    # 95% within three standard errors of 400 data sets, and what few resamples cost.
    assert 0.91 <= found.covered <= 0.98
    assert found.none == 0
    assert found.covered + found.below + found.above == pytest.approx(1)


def test_the_simulated_laws_have_the_truths_they_claim():
    for situation in coverage.SITUATIONS:
        strata = situation.draw(np.random.default_rng(1), 1, 200_000)
        assert float(pooled(strata)[0]) == pytest.approx(situation.truth, rel=0.02), situation.name


def test_the_coverage_program_writes_what_it_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(coverage, "SITUATIONS", coverage.SITUATIONS[:1])
    monkeypatch.setattr(coverage, "CASES", (8, 32))
    status = coverage.main(["--out", str(tmp_path), "--data-sets", "50"])
    rows = json.loads((tmp_path / "coverage.json").read_text())["rows"]
    assert [row["cases"] for row in rows] == [8, 32]
    assert rows[1]["goal"] and not rows[0]["goal"]
    assert status == (0 if 0.93 <= rows[1]["covered"] <= 0.97 else 1)
    text = (tmp_path / "coverage.md").read_text()
    assert f"| {rows[1]['covered']:.1%} " in text and "--data-sets 50" in text
    assert "wrote" in capsys.readouterr().out
