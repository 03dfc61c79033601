"""Ladders and equivalent perturbations: found again where they were put, with their intervals."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.bootstrap import Bootstrap
from evaluation.statistics.equivalent import equivalent_perturbation, strength_at
from evaluation.statistics.ladder import is_monotone, kendall_tau
from worldsim import InputError

STRENGTHS = np.geomspace(0.02, 0.5, 11)
FEW = Bootstrap(resamples=400)


def brute_tau(x, y):
    pairs = list(itertools.combinations(range(len(x)), 2))
    signs = [np.sign((x[i] - x[j]) * (y[i] - y[j])) for i, j in pairs]
    untied = sum(y[i] != y[j] for i, j in pairs)
    return sum(signs) / np.sqrt(len(pairs) * untied)


@given(st.lists(st.integers(0, 5), min_size=4, max_size=11).filter(lambda v: len(set(v)) > 1))
def test_tau_equals_all_pairs(errors):
    strengths = np.arange(1.0, len(errors) + 1)
    assert kendall_tau(strengths, errors) == pytest.approx(brute_tau(strengths, errors))


def test_monotone_allows_one_swap_of_neighbours_in_eleven_rungs_and_no_more():
    errors = np.arange(11.0)
    assert is_monotone(STRENGTHS, errors)
    errors[[4, 5]] = errors[[5, 4]]
    assert is_monotone(STRENGTHS, errors)
    errors[[8, 9]] = errors[[9, 8]]
    assert not is_monotone(STRENGTHS, errors)
    assert not is_monotone(STRENGTHS, np.ones(11))
    assert not is_monotone(STRENGTHS, -np.arange(11.0))


def test_wrong_ladders_are_named():
    with pytest.raises(InputError, match="2 rungs"):
        kendall_tau([0.1, 0.2], [1, 2])
    with pytest.raises(InputError, match="every rung"):
        kendall_tau([0.1, 0.2, 0.3], [1, np.nan, 2])
    with pytest.raises(InputError, match="one mean"):
        kendall_tau([0.1, 0.2, 0.3], [1, 2])
    ones = np.ones((3, 8))
    for strengths, errors, model, match in (
        ([0.1, 0.1, 0.2], ones, ones[0], "rise"),
        ([0.0, 0.1, 0.2], ones, ones[0], "positive"),
        ([0.1, 0.2], ones, ones[0], "shape"),
        ([0.1, 0.2, 0.3], ones, ones[0, :4], "shape"),
        ([0.1], ones[:1], ones[0], "two rungs"),
        ([0.1, 0.2, 0.3], ones * np.nan, ones[0], "missing"),
    ):
        with pytest.raises(InputError, match=match):
            equivalent_perturbation(strengths, errors, model)


def ladder(rng, cases, noise=0.1, at=()):
    """Errors of rungs (rung, case), and of models at other strengths: proportional, cases differ in
    how hard they are."""
    hard = rng.lognormal(0, 0.7, size=cases)
    def errors(strength):
        return strength * hard * rng.lognormal(-noise**2 / 2, noise, size=cases)
    return np.array([errors(s) for s in STRENGTHS]), [errors(s) for s in at]


@pytest.mark.parametrize("strength", [0.03, 0.12, 0.4])
def test_a_perturbed_simulator_is_found_at_its_own_strength(strength):
    rungs, (model,) = ladder(np.random.default_rng(0), 32, at=[strength])
    found = equivalent_perturbation(STRENGTHS, rungs, model)
    assert found.strength == pytest.approx(strength, rel=0.08)
    assert found.low < strength < found.high and found.high / found.low < 1.5


def test_without_noise_a_rung_is_found_exactly_and_between_rungs_by_log_interpolation():
    rungs, _ = ladder(np.random.default_rng(0), 10, noise=0.0)
    found = equivalent_perturbation(STRENGTHS, rungs, rungs[4], settings=FEW)
    assert found.strength == pytest.approx(STRENGTHS[4])
    between = equivalent_perturbation(STRENGTHS, rungs, (rungs[4] + rungs[5]) / 2, settings=FEW)
    assert between.strength == pytest.approx(np.sqrt(STRENGTHS[4] * STRENGTHS[5]))


def test_ends_are_open():
    rungs, (less, more) = ladder(np.random.default_rng(0), 16, at=[0.002, 3.0])
    below = equivalent_perturbation(STRENGTHS, rungs, less)
    assert (below.strength, below.end, below.low) == (None, "below", 0.0)
    assert below.text == "less than 2% [below 2, below 2]"
    above = equivalent_perturbation(STRENGTHS, rungs, more)
    assert (above.strength, above.end) == (None, "above") and np.isinf(above.high)
    assert above.text == "more than 50% [above 50, above 50]"


def test_an_interval_may_be_open_at_one_end():
    rungs, (model,) = ladder(np.random.default_rng(2), 8, noise=0.8, at=[0.35])
    found = equivalent_perturbation(STRENGTHS, rungs, model)
    assert found.strength is not None and np.isinf(found.high) and found.low > 0.02
    assert found.text.endswith(", above 50]")


def test_few_cases_have_a_place_but_no_interval():
    rungs, (model,) = ladder(np.random.default_rng(0), 7, at=[0.1])
    found = equivalent_perturbation(STRENGTHS, rungs, model)
    assert found.strength and found.low is None and "7 cases" in found.reason
    assert "[" not in found.text


def violators_pooled(values):
    """Isotonic regression by its min-max formula."""
    n = len(values)
    return np.array([max(min(np.mean(values[a : b + 1]) for b in range(i, n))
                         for a in range(i + 1)) for i in range(n)])


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=11, max_size=11), st.floats(-0.2, 1.2))
def test_strengths_are_looked_up_on_the_isotonic_curve(along, error):
    rising = violators_pooled(np.array(along))
    found = strength_at(error, np.array(along), STRENGTHS)
    if error < rising[0] - 1e-9:
        assert found == 0
    elif error > rising[-1] + 1e-9:
        assert np.isinf(found)
    elif 0 < found < np.inf:
        at = np.interp(np.log(found), np.log(STRENGTHS), rising)
        assert at == pytest.approx(error, abs=1e-9)


def test_a_larger_error_is_never_a_smaller_strength():
    rungs, models = ladder(np.random.default_rng(0), 12, noise=0.5,
                           at=np.geomspace(0.01, 1, 15))
    means = np.array([m.mean() for m in models])
    along = rungs.mean(axis=1)
    found = [strength_at(m, along, STRENGTHS) for m in np.sort(means)]
    assert (np.diff([min(f, 9) for f in found]) >= 0).all()


def test_order_of_cases_and_unit_mean_nothing_for_the_strength():
    rng = np.random.default_rng(0)
    rungs, (model,) = ladder(rng, 16, at=[0.1])
    order = rng.permutation(16)
    one = equivalent_perturbation(STRENGTHS, rungs, model, settings=FEW)
    other = equivalent_perturbation(STRENGTHS, 7 * rungs[:, order], 7 * model[order], settings=FEW)
    assert other.strength == pytest.approx(one.strength)
    assert other.low == pytest.approx(one.low, rel=0.1)


def test_scenarios_weigh_the_same():
    rng = np.random.default_rng(0)
    few, (few_model,) = ladder(rng, 8, noise=0.0, at=[0.05])
    many, (many_model,) = ladder(rng, 64, noise=0.0, at=[0.2])
    few, few_model = few / few[-1].mean(), few_model / few[-1].mean()
    many, many_model = many / many[-1].mean(), many_model / many[-1].mean()
    found = equivalent_perturbation(
        STRENGTHS, np.concatenate([few, many], axis=1), np.concatenate([few_model, many_model]),
        strata=np.repeat(["few", "many"], [8, 64]), settings=FEW)
    # Errors are proportional to strength: the mean over scenarios is at the mean strength.
    assert found.strength == pytest.approx(0.125, rel=0.02)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        rungs, (model,) = ladder(rng, 16, noise=0.5, at=[0.12])
        found = equivalent_perturbation(STRENGTHS, rungs, model, settings=Bootstrap(resamples=300))
        held += found.low <= 0.12 <= found.high
    assert 0.90 <= held / 200 <= 0.995
