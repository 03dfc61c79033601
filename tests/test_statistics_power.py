"""The power planner against simulation and textbook numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nct
from scipy.stats import t as student

from evaluation.bootstrap import LEAST_CASES, Bootstrap
from evaluation.statistics.power import cases_needed, power_in_words
from evaluation.statistics.studentized import Stratum, studentized
from worldsim import InputError


def known(mean, deviation, cases=10):
    """Differences of exactly this mean and standard deviation (ddof 1)."""
    values = np.linspace(-1, 1, cases)
    return mean + deviation * values / values.std(ddof=1)


@pytest.mark.parametrize("effect", [0.25, 0.5, 0.8])
def test_it_is_what_the_t_test_needs(effect):
    needed = cases_needed(known(effect, 1.0))
    def power(n):
        bound = student.ppf(0.975, n - 1)
        return nct.sf(bound, n - 1, effect * np.sqrt(n))
    exact = next(n for n in range(2, 1000) if power(n) >= 0.8)
    assert abs(needed - exact) <= 1


def test_simulated_data_sets_of_that_size_are_told_apart_at_that_rate():
    settings = Bootstrap(resamples=400)
    needed = cases_needed(known(0.5, 1.0))
    rng = np.random.default_rng(0)
    told = {}
    for cases in (needed, needed // 2):
        values = rng.normal(0.5, 1.0, size=(500, cases, 1))
        limits = studentized([Stratum(values, np.ones_like(values))], level=0.95,
                             resamples=settings.resamples, seed=0)
        told[cases] = (limits.low > 0).mean()
    # 0.8 within three standard errors of 500 data sets, and half the cases clearly fail.
    assert 0.745 <= told[needed] <= 0.87
    assert told[needed // 2] < 0.6


def test_scenarios_share_the_work_and_noise_between_them_costs_nothing():
    one = known(0.3, 1.0, cases=20)
    alone = cases_needed(one)
    four = cases_needed([one] * 4)
    assert four == pytest.approx(alone / 4, abs=1)
    apart = cases_needed([one + shift for shift in (-0.2, 0.2)])
    assert apart == cases_needed([one, one])

    # A simulation: four scenarios with that many cases each.
    rng = np.random.default_rng(1)
    strata = [Stratum(x := rng.normal(0.3, 1.0, size=(500, four, 1)), np.ones_like(x))
              for _ in range(4)]
    told = (studentized(strata, level=0.95, resamples=400, seed=0).low > 0).mean()
    assert 0.74 <= told <= 0.87


@given(st.floats(0.05, 2), st.floats(1e-3, 1e3))
def test_neither_unit_nor_sign_matters_and_noise_asks_for_more(effect, unit):
    needed = cases_needed(known(effect, 1.0))
    assert cases_needed(-unit * known(effect, 1.0)) == needed
    assert cases_needed(known(effect, 2.0)) >= needed
    assert cases_needed(known(effect, 1.0), power=0.9) >= needed
    assert cases_needed(known(effect, 1.0), level=0.99) >= needed


def test_no_difference_needs_no_number_of_cases_and_a_sure_one_the_least():
    assert cases_needed(known(0.0, 1.0)) is None
    assert cases_needed(np.zeros(10)) is None
    assert cases_needed(known(1e-4, 1.0)) is None
    assert cases_needed(np.full(10, 0.1)) == LEAST_CASES


@pytest.mark.parametrize("wrong, match", [
    (dict(differences=np.ones(1)), "at least 2"),
    (dict(differences=[]), "at least 2"),
    (dict(differences=np.array([1.0, np.nan])), "missing"),
    (dict(differences=np.arange(5.0), power=1.0), "power=1.0"),
    (dict(differences=np.arange(5.0), level=95), "level=95"),
])
def test_wrong_input_is_named(wrong, match):
    with pytest.raises(InputError, match=match):
        cases_needed(**wrong)


def test_in_words():
    assert power_in_words("A", "B", 137) == "to tell A from B you need about 140 cases"
    assert power_in_words("A", "B", 8) == "to tell A from B you need about 8 cases"
    assert power_in_words("A", "B", 1201, 3) == (
        "to tell A from B you need about 1300 cases in each of 3 scenarios")
    assert "no number of cases" in power_in_words("A", "B", None)
