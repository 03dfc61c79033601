"""The mental-health model against its worked example, its limits, and its words."""

import numpy as np
import pytest
from scipy.special import expit

from worldsim.errors import InputError
from worldsim.outcomes import health, tracer, wording
from worldsim.outcomes.health import Draws

COUNTS = np.array([400, 400, 150, 40, 10])
EXPOSED = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]])
"""1,000 adults: unexposed; hit district; also home; also injured; also bereaved."""

DRAWS = 2_000_000


@pytest.fixture(scope="module")
def draws():
    return Draws.of(seed=0, draws=DRAWS)


def near(value, printed, digits):
    """Within 1% of a printed number, which is itself only known to half its last digit."""
    return abs(value - printed) <= 0.01 * abs(printed) + 0.5 * 10.0**-digits


def test_central_shares_of_the_worked_example():
    printed = {2: "6.4 14 23 40 63", 12: "3.0 7 12 23 44", 36: "2.1 5 9 17 35"}
    for months, shares in printed.items():
        got = [100 * health.probability(row[None], months, Draws.central())[0] for row in EXPOSED]
        print(months, "months:", " ".join(f"{value:.2f}%" for value in got))
        for value, share in zip(got, shares.split(), strict=True):
            assert f"{value:.{1 if '.' in share else 0}f}" == share


def test_totals_of_the_worked_example(draws):
    total = health.interval(health.symptomatic(COUNTS, EXPOSED, 2, draws))
    extra = health.interval(health.excess(COUNTS, EXPOSED, 2, draws))
    later = health.interval(health.excess(COUNTS, EXPOSED, 12, draws))
    for name, got in (("total, 2 months", total), ("excess, 2", extra), ("excess, 12", later)):
        print(name, " ".join(f"{float(value):.2f}" for value in got))
    for got, printed in ((total, (142, 16, 589)), (extra, (72, 7, 219)), (later, (40, 3, 190))):
        for value, number in zip(got, printed, strict=True):
            assert near(value, number, 0)
            # All but the lower ends (one or two digits are printed) agree to 1% outright.
            assert number < 20 or abs(value / number - 1) < 0.01


def test_saving_a_home_paired_and_across_studies(draws):
    home, none = EXPOSED[2][None], EXPOSED[1][None]
    with_home_lost = 100 * health.probability(home, 2, draws)
    paired = health.interval(with_home_lost - 100 * health.probability(none, 2, draws))
    elsewhere = draws.in_other_studies(health.STUDY.draw(1, DRAWS))
    across = health.interval(with_home_lost - 100 * health.probability(none, 2, elsewhere))
    print("paired", np.round(paired, 2), "across studies", np.round(across, 2))
    for value, number, digits in zip(paired, (7.5, 0.3, 23), (1, 1, 0), strict=True):
        assert near(value, number, digits)
    # Printed: 7 (-46 to 66). Another u alone gives 6.8 (-45 to 64); another district effect as
    # well gives 6.9 (-48 to 66). The printed ends lie between the two readings.
    assert round(float(across[0])) == 7
    other = Draws.of(1, DRAWS)
    everything = health.interval(with_home_lost - 100 * health.probability(none, 2, other))
    print("all coefficients redrawn", np.round(everything, 2))
    assert everything[1] < -46 < across[1] + 1 and across[2] < 66 < everything[2] + 0.5
    assert abs(across[1] + 46) < 1.2 and abs(across[2] - 66) < 2.0


def test_the_second_way_to_the_same_number():
    """One group, no exposure: the logit is normal, so quantiles follow in closed form."""
    got = health.interval(health.probability(np.zeros((1, 4)), 2, Draws.of(3, 400_000)))
    for value, z in zip(got, (0.0, -1.959964, 1.959964), strict=True):
        assert value == pytest.approx(expit(-3.476 + 0.8 + 1.2 * z), rel=0.012)


def test_recovery_never_worsens_and_exposure_never_helps_in_the_middle(draws):
    earlier, later = (health.probability(np.zeros((1, 4)), m, draws) for m in (2, 12))
    assert (later <= earlier).all() and (later < earlier).any()
    for term in range(4):
        exposed = np.eye(4)[term][None]
        difference = health.probability(exposed, 2, draws) - earlier
        assert np.median(difference) > 0


def test_small_groups_get_no_share():
    assert np.isnan(health.prevalence(np.array([10.0]), np.array([49]))).all()
    assert health.prevalence(np.array([10.0]), np.array([50]))[0] == pytest.approx(0.2)


def test_bad_input_is_named():
    with pytest.raises(InputError, match="2 months or more"):
        health.probability(np.zeros((1, 4)), 1.0, Draws.central())
    with pytest.raises(InputError, match="give 0 or more"):
        health.symptomatic(np.array([-1]), np.zeros((1, 4)), 2, Draws.central())
    with pytest.raises(InputError, match="district, home"):
        health.probability(np.zeros((1, 3)), 2, Draws.central())


def test_unknown_exposure_gives_an_unknown_share():
    assert np.isnan(health.probability(np.array([[1.0, np.nan, 0, 0]]), 2, Draws.central())).all()


def test_words_keep_their_own_rules():
    for text in (*wording.HEALTH_NOTES, wording.CONTEXT, wording.CASUALTY_NOTE,
                 wording.TRACER_NOTE, wording.SMALL_GROUP_NOTE):
        assert wording.checked(text) == text
    sentence = wording.share_sentence(12, "adults of the town", 80, 0.12, 0.01, 0.6)
    for needed in ("screening positive", "12 months", "80 adults", "HTQ", "1.0 to 60%"):
        assert needed in sentence
    assert "too few" in wording.share_sentence(12, "adults of the street", 20, 0.1, 0, 1)
    with pytest.raises(InputError, match="traumatised"):
        wording.checked("10 people were Traumatised")


def test_dose_in_practitioners_units():
    # 2 mg/L for half an hour: 0.002 kg m-3 times 1800 s.
    assert tracer.dose(np.array([0.002 * 1800]))[0] == pytest.approx(1.0)
    got = tracer.summary(np.array([[0.0, 3.6, 7.2], [0.0, 0.0, 0.0], [np.nan] * 3]))
    assert got["exposed"][:2].tolist() == [2, 0] and np.isnan(got["exposed"][2])
    assert got["median"][0] == pytest.approx(1.5) and got["largest"][0] == pytest.approx(2.0)
    assert got["largest"][1] == 0 and np.isnan(got["largest"][2])
    # One minute in half a microgram per litre: 0.5e-6 kg m-3 times 60 s.
    trace = tracer.summary(np.array([0.99, 1.01]) * 0.5e-6 * 60)
    assert trace["exposed"] == 1
