"""Skill and comparisons against loops over cases and metrics, and by what must not change them."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.bootstrap import Bootstrap, Estimate, Interval, ratio_interval
from evaluation.statistics.comparison import compare, verdict
from evaluation.statistics.skill import (
    Errors,
    case_mean_skill,
    overall_skill,
    skill_per_case,
)
from worldsim import InputError

FEW = Bootstrap(resamples=400)
CASES = 12


def errors(rng, *, own=0.4, scale=1.0, cases=CASES, missing=0.0, failed=0.0):
    base = scale * (0.5 + rng.exponential(size=cases))
    ref = 0.1 * scale * rng.random(cases)
    floor = 0.05 * scale * rng.random(cases)
    mine = own * scale * rng.exponential(size=cases)
    gone = rng.random(cases) < missing
    for row in (base, ref, floor, mine):
        row[gone] = np.nan
    mine[rng.random(cases) < failed] = np.nan
    return Errors(mine, ref, base, floor, fallback=2 * base)


def skill_by_loops(metrics):
    """(case,) of case_mean_skill."""
    scales = {}
    for name, one in metrics.items():
        gaps = [b - r for b, r in zip(one.base, one.ref, strict=True) if not np.isnan(b)]
        floors = [f for f in one.floor if not np.isnan(f)]
        if sum(gaps) / len(gaps) >= 3 * sum(floors) / len(floors):
            scales[name] = sum(gaps) / len(gaps)
    found = []
    for case in range(len(next(iter(metrics.values())).own)):
        skills = []
        for name, scale in scales.items():
            one = metrics[name]
            if np.isnan(one.base[case]):
                continue
            e = one.fallback[case] if np.isnan(one.own[case]) else one.own[case]
            skills.append(1 - (e - one.ref[case]) / scale)
        found.append(sum(skills) / len(skills) if skills else np.nan)
    return np.array(found)


def test_cases_add_up_to_the_ratio_of_means():
    rng = np.random.default_rng(0)
    e, ref, base = rng.exponential(size=(3, 9)) * [[0.5], [0.1], [2.0]]
    expected = 1 - (e.mean() - ref.mean()) / (base.mean() - ref.mean())
    assert skill_per_case(e, ref, base).mean() == pytest.approx(expected)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_case_mean_skill_equals_loops_with_metrics_that_miss_and_cases_that_fail(seed):
    rng = np.random.default_rng(seed)
    metrics = {"a": errors(rng), "b": errors(rng, scale=30, missing=0.4),
               "c": errors(rng, missing=0.2, failed=0.3)}
    found = case_mean_skill(metrics, FEW)
    expected = skill_by_loops(metrics)
    np.testing.assert_allclose(found.cases, expected, atol=1e-12)
    assert found.skill.value == pytest.approx(np.nanmean(expected), abs=1e-12)


def test_one_metric_has_the_interval_of_its_ratio():
    one = errors(np.random.default_rng(0))
    interval = case_mean_skill({"a": one}, FEW).skill.interval
    ratio = ratio_interval(one.own - one.ref, one.base - one.ref, FEW)
    assert (interval.low, interval.high) == pytest.approx((1 - ratio.high, 1 - ratio.low))


def test_perfect_has_skill_one_in_every_case_and_the_baseline_zero():
    rng = np.random.default_rng(0)
    metrics = {"a": errors(rng, missing=0.3), "b": errors(rng)}
    perfect = {name: dataclasses.replace(one, own=one.ref) for name, one in metrics.items()}
    found = case_mean_skill(perfect, FEW)
    assert (found.cases == 1).all() and found.skill == Estimate(1.0, Interval(1.0, 1.0))
    base = {name: dataclasses.replace(one, own=one.base) for name, one in metrics.items()}
    assert case_mean_skill({"b": base["b"]}, FEW).skill.value == pytest.approx(0)


def test_failures_count_as_the_worst_baseline():
    rng = np.random.default_rng(0)
    one = errors(rng)
    failed = one.own.copy()
    hard = int(np.argmax(one.fallback - one.own))
    failed[hard] = np.nan
    told = one.own.copy()
    told[hard] = one.fallback[hard]
    a, b = (case_mean_skill({"a": dataclasses.replace(one, own=own)}, FEW)
            for own in (failed, told))
    assert a.skill == b.skill
    assert a.skill.value < case_mean_skill({"a": one}, FEW).skill.value
    with pytest.raises(InputError, match="fallback"):
        dataclasses.replace(one, own=failed, fallback=None)


def test_what_cannot_be_resolved_takes_no_part_and_says_why():
    rng = np.random.default_rng(0)
    good = errors(rng)
    gap = (good.base - good.ref).mean()
    for share, used in ((0.32, True), (0.34, False)):
        weak = dataclasses.replace(good, floor=np.full(CASES, share * gap))
        found = case_mean_skill({"good": good, "weak": weak}, FEW)
        assert ("weak" in found.metrics) is used
        assert ("not resolvable" in found.left_out.get("weak", "")) is not used
    nothing = case_mean_skill({"weak": weak}, FEW)
    assert nothing.skill.value is None and np.isnan(nothing.cases).all()
    no_better = dataclasses.replace(good, ref=good.base, floor=np.zeros(CASES))
    assert "no more than perfect" in no_better.unresolvable


def test_scenarios_weigh_the_same():
    rng = np.random.default_rng(0)
    small, large = {"a": errors(rng, cases=8)}, {"a": errors(rng, own=0.1, cases=40)}
    both = overall_skill([small, large], FEW)
    alone = [case_mean_skill(one, FEW).skill.value for one in (small, large)]
    assert both.value == pytest.approx(np.mean(alone))
    assert both.interval.low < both.value < both.interval.high


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3), st.permutations(range(CASES)))
def test_units_and_order_of_cases_mean_nothing(seed, unit, order):
    rng = np.random.default_rng(seed)
    metrics = {"a": errors(rng, missing=0.2), "b": errors(rng)}
    def changed(one):
        return Errors(*(unit * row[list(order)] for row in
                        (one.own, one.ref, one.base, one.floor, one.fallback)))
    found = case_mean_skill(metrics, FEW)
    again = case_mean_skill({name: changed(one) for name, one in metrics.items()}, FEW)
    assert again.skill.value == pytest.approx(found.skill.value, rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(again.cases, found.cases[list(order)], rtol=1e-9, atol=1e-9)
    scaled = {name: Errors(*(unit * row for row in (
        one.own, one.ref, one.base, one.floor, one.fallback))) for name, one in metrics.items()}
    same = case_mean_skill(scaled, FEW).skill.interval
    assert same.low == pytest.approx(found.skill.interval.low, rel=1e-6, abs=1e-6)


def pair(rng, gain, cases=CASES):
    """Errors of a model and of another that errs by gain more, on hard and easy cases."""
    one = errors(rng, cases=cases)
    noise = 0.02 * rng.normal(size=cases)
    return one, dataclasses.replace(one, own=one.own + gain * one.base.mean() + noise)


def test_a_difference_of_skills_is_that_of_the_skills():
    rng = np.random.default_rng(0)
    a, b = pair(rng, 0.2)
    c, d = pair(rng, -0.1)
    found = compare({"x": {"m": a}, "y": {"m": c}}, {"x": {"m": b}, "y": {"m": d}}, FEW)
    each = {name: case_mean_skill({"m": one}, FEW).skill.value - case_mean_skill(
        {"m": two}, FEW).skill.value for name, one, two in (("x", a, b), ("y", c, d))}
    for name, difference in each.items():
        assert found.scenarios[name].difference.value == pytest.approx(difference)
    assert found.overall.difference.value == pytest.approx(np.mean(list(each.values())))
    assert found.scenarios["x"].verdict == "better" and found.scenarios["y"].verdict == "worse"


def test_pairing_tells_what_separate_intervals_do_not():
    one, other = pair(np.random.default_rng(0), 0.05, cases=16)
    mine, theirs = (case_mean_skill({"m": x}, FEW).skill.interval for x in (one, other))
    assert theirs.high > mine.low
    assert compare({"x": {"m": one}}, {"x": {"m": other}}, FEW).overall.verdict == "better"


def test_verdicts():
    assert verdict(Estimate(0.1, Interval(0.02, 0.2))) == "better"
    assert verdict(Estimate(-0.1, Interval(-0.2, -0.02))) == "worse"
    assert verdict(Estimate(0.1, Interval(-0.01, 0.2))) == "cannot be told"
    assert verdict(Estimate(0.1, Interval(None, None, "7 cases"))) == "cannot be told"
    one = errors(np.random.default_rng(0))
    rounded = dataclasses.replace(one, own=one.own * (1 + 2e-16))
    for other in (one, rounded):
        assert compare({"x": {"m": one}}, {"x": {"m": other}}, FEW).overall.verdict == (
            "cannot be told")


def test_other_cases_cannot_be_compared():
    rng = np.random.default_rng(0)
    one, other = errors(rng, cases=8), errors(rng, cases=9)
    with pytest.raises(InputError, match="other cases"):
        compare({"x": {"m": one}}, {"x": {"m": other}}, FEW)
    with pytest.raises(InputError, match="other scenarios"):
        compare({"x": {"m": one}}, {"y": {"m": one}}, FEW)
    with pytest.raises(InputError, match="other metrics"):
        compare({"x": {"m": one}}, {"x": {"n": one}}, FEW)
    with pytest.raises(InputError, match="numbers of cases"):
        Errors(one.own, other.ref, one.base, one.floor)
