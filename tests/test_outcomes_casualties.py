"""Chances of harm: limits, closed forms, order; and the criteria they are compared with."""

import dataclasses

import numpy as np
import pytest
import xarray as xr
from town_rollout import town

from worldsim.errors import InputError
from worldsim.outcomes import (
    assess,
    casualties,
    deaths_by_group,
    falls_by_flow,
    mortality,
    mortality_table,
    stability,
)
from worldsim.outcomes.casualties import Hurt

TIMBER, MASONRY = 0, 1
DRAWS = 2000


def someone(**changes):
    unhurt = Hurt(*(np.array([value]) for value in (0.0, 0.0, -1, 0.0, 0.0, 0.0, 0.0)))
    return dataclasses.replace(
        unhurt, **{name: np.array([float(value)]) for name, value in changes.items()})


def chances(**changes):
    found = casualties.chances(someone(**changes), 0, DRAWS, temperature=12.0)
    return {name: values[:, 0] for name, values in found.items()}


def test_nobody_is_hurt_by_nothing():
    assert all((values == 0).all() for values in chances().values())


def test_occupants_of_a_fallen_building_follow_the_hazus_table():
    for kind, death, serious in ((TIMBER, 0.05, 0.23), (MASONRY, 0.10, 0.25)):
        found = chances(in_collapse=1, kind=kind)
        # The factor on the odds has median 1: the median chance is the table's.
        assert np.median(found["death"]) == pytest.approx(death, rel=0.05)
        assert np.median(found["serious"]) == pytest.approx(serious, rel=0.05)
        assert np.quantile(found["death"], 0.975) > 2.5 * death
    standing = chances(in_complete=1, kind=TIMBER)
    assert np.median(standing["death"]) == pytest.approx(1e-4, rel=0.1)
    doubled = chances(in_complete=1, kind=MASONRY)
    assert np.median(doubled["death"] / standing["death"]) == pytest.approx(2.0, rel=0.01)


def test_chances_are_chances_and_their_parts_fit_together():
    found = chances(in_collapse=1, kind=MASONRY, carried=1, water_time=900, submerged_time=200,
                    still_in_water=1)
    for values in found.values():
        assert ((values >= 0) & (values <= 1)).all()
    assert (found["serious"] <= found["injury"]).all()
    assert (found["death"] + found["injury"] <= 1 + 1e-12).all()


def test_more_exposure_never_safer():
    mild = chances(carried=1, water_time=60, submerged_time=20)
    for worse in ({"water_time": 3600}, {"submerged_time": 400}, {"still_in_water": 1},
                  {"in_collapse": 1, "kind": TIMBER}):
        more = chances(**{"carried": 1, "water_time": 60, "submerged_time": 20, **worse})
        assert (more["death"] >= mild["death"]).all()
        assert more["death"].mean() > mild["death"].mean()


def test_submersion_is_survived_briefly_and_not_for_25_minutes():
    assert np.median(chances(submerged_time=30)["death"]) < 0.01
    assert chances(submerged_time=25 * 60)["death"].mean() > 0.95


def test_cold_water_reproduces_its_table():
    for temperature, shortest, longest in ((7, 1, 3), (13, 1, 6), (18, 2, 40)):
        early, late = casualties.cold_death(3600.0 * np.array([shortest, longest]),
                                            np.array([temperature, temperature]))
        assert early == pytest.approx(0.1, abs=1e-3) and late == pytest.approx(0.9, abs=1e-3)
    assert casualties.cold_death(np.array([3600.0]), np.array([2.0])) > casualties.cold_death(
        np.array([3600.0]), np.array([20.0]))
    with pytest.raises(InputError, match="degC"):
        casualties.cold_death(np.array([60.0]), np.array([290.0]))


def test_unknown_exposure_is_unknown_harm():
    assert all(np.isnan(values).all() for values in chances(water_time=np.nan).values())


def test_abt_is_the_published_value_and_nothing_outside_its_range():
    assert stability.abt(1.75, 75.0) == pytest.approx(1.36, abs=0.01)
    assert np.isnan(stability.abt(1.05, 16.0)) and np.isnan(stability.abt(2.0, 90.0))
    within = stability.abt(1.0, np.linspace(62, 173, 50))
    assert (np.diff(within) > 0).all()
    assert within.min() > stability.ABT_SCATTER[0].value
    assert within.max() < stability.ABT_SCATTER[1].value


def test_tunami_evac_half_chances_and_certainty():
    for speed, depth in ((1.0, 0.74), (1.5, 0.48), (2.0, 0.22)):
        assert stability.evac_fall(depth, speed) == pytest.approx(0.5, abs=0.03)
    assert stability.evac_fall(0.86, 0.0) == 1 and stability.evac_fall(0.0, 3.0) == 0


def test_hazard_rating_and_classes():
    assert stability.hazard_rating(0.2, 1.0) == pytest.approx(0.3)
    assert stability.hazard_rating(0.5, 1.0) == pytest.approx(1.75)
    assert stability.hazard_rating(0.1, 3.0) == pytest.approx(1.35)
    rated = stability.rating_class(np.array([0.1, 0.8, 1.3, 2.5, np.nan]))
    assert rated[:4].tolist() == [0, 1, 2, 3] and np.isnan(rated[4])
    depth = np.array([0.0, 0.2, 0.4, 1.0, 1.8, 3.0, 5.0, 0.1, np.nan])
    speed = np.array([0.0, 1.0, 1.0, 0.5, 0.5, 1.0, 0.1, 2.5, 1.0])
    found = stability.hazard_class(depth, speed)
    assert found[:8].tolist() == [0, 1, 2, 3, 4, 5, 6, 5] and np.isnan(found[8])


def test_hazard_regimes_of_adults_children_and_infants():
    def of(depth, speed, height, mass):
        return float(stability.regime(depth, speed, height, mass))

    adult, child, infant = (1.7, 70.0), (1.2, 25.0), (0.9, 13.0)
    assert [of(1.0, v, *adult) for v in (0.5, 0.7, 1.0, 1.3)] == [0, 1, 2, 3]
    assert [of(0.4, v, *child) for v in (0.9, 1.2, 1.6)] == [0, 2, 3]
    assert of(0.1, 0.1, *infant) == 3 and of(0.1, 3.1, *adult) == 3
    assert of(1.3, 0.1, *adult) == 3 and of(0.6, 0.1, *child) == 3
    assert np.isnan(of(0.0, 0.0, *adult)) and np.isnan(of(np.nan, 1.0, *adult))


def test_mortality_table_beside_the_survey():
    rng = np.random.default_rng(0)
    people = 4000
    age, female = rng.uniform(0, 90, people), rng.integers(0, 2, people)
    state, indoors = rng.integers(0, 6, people).astype(float), rng.integers(0, 2, people)
    death = np.where(female == 1, 0.2, 0.1)
    present = np.ones(people, bool)
    present[:100] = False
    death[100:110] = np.nan
    found = mortality.table(death, present, age, female, state, indoors)
    assert found["all"]["people"] == people - 110
    assert found["female"]["simulated"] == pytest.approx(0.2)
    assert found["male"]["simulated"] == pytest.approx(0.1)
    for row in found.values():
        assert row["lower"] <= row["simulated"] <= row["upper"]
    halves = [found[f"house: {degree} destroyed"]["people"] for degree in
              ("less", "partly", "wholly")]
    assert sum(halves) == found["all"]["people"]
    assert found["age 0-4"]["survey"] == 0.318
    nobody = mortality.table(death[:1], np.array([False]), age[:1], female[:1], state[:1],
                             indoors[:1])
    assert nobody["all"]["people"] == 0 and np.isnan(nobody["all"]["simulated"])


def test_a_rollouts_mortality_agrees_with_its_deaths():
    world = town(realizations=2, down=(0, 2), depth=2.0, carried=12)
    found = mortality_table(world, seed=1, draws=200)
    deaths = assess(world, seed=1, draws=200)["deaths"].sum()
    assert found["all"]["people"] == 240
    assert found["all"]["simulated"] * 240 == pytest.approx(float(deaths))
    assert found["house: wholly destroyed"]["people"] == 96
    assert found["house: wholly destroyed"]["simulated"] > found["all"]["simulated"]
    assert found["all"]["likely_lower"] < found["all"]["simulated"] < found["all"]["likely_upper"]
    assert found["indoors"]["people"] == 240 and found["outdoors"]["people"] == 0
    members = deaths_by_group(world, seed=1, draws=200)
    assert dict(members["people"].sizes) == {"case": 1, "realization": 2, "group": len(found)}
    total = members.sum(("case", "realization"))
    shares = total["deaths"].mean("draw") / total["people"]
    for name, row in found.items():
        assert int(total["people"].sel(group=name)) == row["people"]
        if row["people"]:
            assert float(shares.sel(group=name)) == pytest.approx(row["simulated"])
    del world["people"]
    with pytest.raises(InputError, match="nobody lives here"):
        mortality_table(world)


def test_falls_are_listed_beside_the_criteria_of_those_who_stood_in_water():
    world = town(depth=1.0, carried=3)
    people = world["people"].dataset
    wet = xr.DataArray(np.where(np.arange(people.sizes["person"]) < 5, 0.8, 0.0), dims="person")
    world["people"] = people.assign(max_depth=0 * people["max_depth"] + wet,
                                    max_depth_velocity=0 * people["max_depth"] + 1.2)
    found = falls_by_flow(world)
    assert found["fell"].tolist() == [1, 1, 1, 0, 0] * 2
    np.testing.assert_allclose(found["abt"], stability.abt(1.7, 70.0))
    assert (found["evac"] > 0.99).all() and (found["hazard_class"] == 5).all()
    np.testing.assert_allclose(found["rating"], 0.8 * 2.0 + 1.0)
