"""Mortality beside a survey: what is pooled, what the intervals cover, what is not done twice."""

import dataclasses

import numpy as np
import pytest
import xarray as xr
from town_rollout import town

from evaluation.comparison import mortality
from worldsim.outcomes.mortality import ROWS
from worldsim.rollout import SCHEMA_VERSION

CHANCE = {"house: wholly destroyed": 0.30, "house: less destroyed": 0.03}


def pooled(cases: int = 30, by_case: float = 0.0, by_draw: float = 0.0) -> xr.Dataset:
    """Each group has 20 people a case; the chance of death is that of `CHANCE` or 0.1, scattered
    lognormally by case and by draw, for all groups alike."""
    rng = np.random.default_rng(1)
    chance = np.array([CHANCE.get(name, 0.1) for name in ROWS])
    people = np.full((cases, 2, len(ROWS)), 10)
    scatter = np.exp(by_case * rng.normal(size=(cases, 1, 1)))
    draws = np.exp(by_draw * rng.normal(size=(400, 1, 1, 1)))
    return xr.Dataset(
        {"people": (("case", "realization", "group"), people),
         "deaths": (("draw", "case", "realization", "group"), draws * scatter * people * chance)},
        coords={"group": list(ROWS)},
    )


def row(found, name):
    return next(r for r in found["shares"] if r["group"] == name)


def test_shares_and_ratios_are_those_of_all_people_together():
    found = mortality.summary(pooled())
    assert row(found, "house: wholly destroyed")["simulated"] == pytest.approx(0.30)
    assert row(found, "all")["people"] == 600 and row(found, "all")["survey"] == 0.129
    ratio = found["ratios"][0]
    assert ratio["simulated"] == pytest.approx(10.0)
    assert ratio["survey"] == pytest.approx(0.142 / 0.046)
    assert ratio["lower"] == pytest.approx(10.0) == ratio["upper"], "nothing scatters here"


@pytest.mark.parametrize("scatter, spread", [({"by_case": 0.5}, 0.5 / 200**0.5),
                                             ({"by_draw": 0.5}, 0.5)])
def test_intervals_of_shares_cover_cases_and_coefficients_and_ratios_shed_what_is_common(
    scatter, spread
):
    found = mortality.summary(pooled(200, **scatter))
    share = row(found, "male")
    half = np.log(share["upper"] / share["lower"]) / 2
    assert half == pytest.approx(1.96 * spread, rel=0.3)
    ratio = found["ratios"][0]
    assert ratio["upper"] / ratio["lower"] == pytest.approx(1.0)


def test_groups_of_nobody_have_no_share():
    empty = pooled()
    empty = empty.where(empty["group"] != "age 0-4", 0.0)
    found = mortality.summary(empty)
    assert row(found, "age 0-4")["simulated"] is None
    text = mortality.report(found, {"scenario": "tsunami", "version": 4, "cases": 30,
                                    "realizations": 2, "duration": 30.0, "seed": 1})
    assert "| age 0-4 | 0 | nobody |" in text and "| age 0-4 / age 20-29 | nobody |" in text


def test_the_report_says_on_which_side_the_survey_lies(tmp_path):
    found = mortality.summary(pooled())
    about = {"scenario": "tsunami", "version": 4, "cases": 30, "realizations": 2, "duration": 30.0,
             "seed": 1}
    text = mortality.report(found, about)
    assert "wholly destroyed / house: less destroyed | 10 [10, 10] | 3.09 | the survey's is below" \
        in text
    mortality.draw(found, tmp_path / "mortality.png")
    assert (tmp_path / "mortality.png").stat().st_size > 5000


def test_towns_that_were_simulated_are_not_simulated_again(tmp_path, monkeypatch):
    asked = []

    def simulated(towns, **options):
        asked.append((len(towns), len({dataclasses.astuple(t) for t in towns})))
        world = town(cases=len(towns), realizations=2, down=(0,), carried=3)
        world.attrs["schema_version"] = SCHEMA_VERSION
        world["parameters"] = xr.Dataset()
        world["audit"] = xr.Dataset({"failed": (("case", "realization"), np.zeros((3, 2), bool))})
        world["bodies"] = xr.Dataset({"position": ("time", np.zeros(1))})
        return world

    monkeypatch.setattr(mortality, "simulate", simulated)
    first = mortality.ends(tmp_path, range(0, 3))
    again = mortality.ends(tmp_path, range(0, 3))
    assert asked == [(3, 3)], "three towns with parameters of their own, once"
    assert first["structures"].sizes["time"] == 1 and "bodies" not in first
    mine, kept = (mortality.deaths_by_group(t, draws=40) for t in (first, again))
    assert mine.identical(kept) and float(mine["deaths"].sum()) > 0
