"""Damage states and the empirical curves they are compared with."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from town_rollout import TYPE, town

from worldsim.outcomes import collapse_by_flow, damage, damage_by_depth, fragility
from worldsim.simulator.buildings import Buildings as BuildingProcess
from worldsim.simulator.structures import TYPES


def test_thresholds_are_the_published_ones_and_inclusive():
    states = damage.damage_state(0, np.array([0.0039, 0.004, 0.0099, 0.0306, 0.075]), 0, 0)
    assert states.tolist() == [0, 1, 2, 3, 4]
    assert damage.damage_state(1, 0.035, 0, 0) == 4
    assert damage.damage_state(3, 0.0599, 0, 0) == 3


def test_collapse_and_wash_away_outrank_drift_and_the_unseen_is_unknown():
    assert damage.damage_state(0, 0.0, 1, 0) == damage.COMPLETE
    assert damage.damage_state(0, np.nan, 1, 1) == damage.WASHED_AWAY
    assert np.isnan(damage.damage_state(0, np.nan, 0, 0))
    assert np.isnan(damage.damage_state(0, 0.01, np.nan, np.nan))


def test_broken_walls_are_at_least_extensive():
    broken = damage.damage_state(0, np.array([0.0, 0.0306, 0.08, np.nan]), 0, 0, 1)
    assert broken.tolist() == [3, 3, 4, 3]
    unknown = damage.damage_state(0, np.array([0.0, 0.0306, 0.08]), 0, 0, np.nan)
    assert np.isnan(unknown[0]) and unknown[1:].tolist() == [3, 4]
    assert damage.damage_state(0, 0.0, 1, 0, 1) == damage.COMPLETE


@given(drift=st.floats(0, 0.2), fallen=st.booleans(), away=st.booleans(), walls=st.booleans(),
       name=st.sampled_from(damage.TYPES))
def test_the_simulator_records_the_same_states(drift, fallen, away, walls, name):
    def when(happened):
        return np.array([[5.0 if happened else np.nan]])

    building = SimpleNamespace(
        values=SimpleNamespace(drifts=np.array([[TYPES[name].drifts]]),
                               present=np.array([[True]])),
        walls_time=when(walls), washed_away_time=when(away))
    recorded = BuildingProcess.damage_state(building, np.array([[[drift, 0.0]]]),
                                            np.array([[not fallen]]))
    state = damage.damage_state(damage.TYPES.index(name), drift, fallen, away, walls)
    assert recorded[0, 0] == state


def test_worst_drift_is_over_known_storeys():
    assert damage.worst_drift(np.array([[0.01, np.nan], [np.nan, np.nan]]))[0] == 0.01
    assert np.isnan(damage.worst_drift(np.array([[np.nan, np.nan]]))[0])


@given(kind=st.integers(0, 3), drift=st.floats(0, 1), more=st.floats(0, 1))
def test_more_drift_never_less_damage(kind, drift, more):
    states = damage.damage_state(kind, np.array([drift, drift + more]), 0, 0)
    assert states[0] <= states[1]
    probabilities = damage.state_probabilities(kind, np.array([drift, drift + more]))
    assert (np.diff(probabilities, axis=0) >= 0).all() and (np.diff(probabilities) <= 0).all()


def test_counts_know_what_they_do_not_know():
    state = np.array([[0, 3, 4, 5, np.nan], [0, 0, 1, 4, 4]])
    present = np.array([True, True, True, True, True])
    number = damage.counts(state, present)
    assert np.isnan(number[0, :4]).all() and number[0, 4:].tolist() == [1, 1]
    assert number[1].tolist() == [2, 1, 0, 0, 2, 0]
    assert damage.counts(state, present & [1, 1, 1, 1, 0])[0].tolist() == [1, 0, 0, 1, 1, 1]


def test_suppasri_medians_and_order():
    # The median of ln h ~ N(mu, sigma) is exp(mu).
    assert fragility.suppasri(np.exp(1.2094), "timber")[2] == pytest.approx(0.5)
    assert fragility.suppasri(np.exp(1.9381), "concrete")[1] == pytest.approx(0.5)
    depth = np.linspace(0.01, 20, 400)
    for type_ in ("timber", "masonry", "steel", "concrete", "mixed"):
        curve = fragility.suppasri(depth, type_)
        assert (np.diff(curve, axis=-1) <= 0).all() and (np.diff(curve, axis=0) >= 0).all()
    assert fragility.suppasri(0.0, "timber").tolist() == [0, 0, 0]


def test_the_minimum_acts_only_where_the_printed_curves_cross():
    """Wood crosses at 0.75 m and masonry at 0.53 m: there the ordered curves part."""
    for type_, crossing in (("timber", 0.75), ("masonry", 0.53)):
        below, above = (fragility.suppasri(crossing * f, type_) for f in (0.98, 1.04))
        assert below[0] == below[1] and above[0] > above[1]


def test_momentum_flux_medians_from_feet():
    foot = 0.3048**3
    for index, feet in enumerate((1170, 3259, 5347)):
        assert fragility.momentum_flux(feet * foot)[index] == pytest.approx(0.5, abs=2e-3)


def test_velocity_collapse_against_the_laws_in_feet():
    # 7.93 m at 1 m/s in HAZUS's units: 268.38 ft (ft/s)^-1.9642 for wood.
    speed = 3.0
    feet = 268.38 * (speed / 0.3048) ** -1.9642
    limit = feet * 0.3048
    for h, wanted in ((0.99 * limit, 0), (1.01 * limit, 1)):
        assert fragility.velocity_collapse(h, speed, "timber", 1) == wanted
    assert fragility.velocity_collapse(3.0, 0.5, "timber", 1) == 0
    assert fragility.velocity_collapse(3.1, 0.5, "timber", 1) == 1
    assert np.isnan(fragility.velocity_collapse(3.0, 1.0, "masonry", 1))
    assert np.isnan(fragility.velocity_collapse(3.0, 3.0, "steel", 1))
    # Each law joins its still-water depth without a jump.
    for storeys, slowest, still in ((1, 1.63, 3.05), (2, 1.32, 4.57), (3, 1.14, 6.10)):
        assert fragility.velocity_collapse(1.01 * still, slowest, "timber", storeys) == 1
        assert fragility.velocity_collapse(0.98 * still, slowest, "timber", storeys) == 0


def test_comparison_recovers_the_curve_it_is_drawn_from():
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.5, 8.0, 40_000)
    chance = fragility.suppasri(depth, "timber")
    draw = rng.uniform(size=depth.shape)
    state = np.where(draw < chance[:, 2], 5, np.where(draw < chance[:, 1], 4, 0))
    found = fragility.comparison(state, np.zeros(depth.shape), depth, "timber",
                                 np.linspace(0.5, 8.0, 9), damage.TYPES)
    inside = (found["lower"] <= found["curve"]) & (found["curve"] <= found["upper"])
    assert inside.mean() >= 0.75 and found["count"].sum() == depth.size
    assert np.abs(found["collapsed"] - found["curve"][:, 0]).max() < 0.03
    none = fragility.comparison(state, np.zeros(depth.shape), depth, "steel",
                                np.array([0.0, 9.0]), damage.TYPES)
    assert none["count"][0] == 0 and np.isnan(none["collapsed"][0])


def test_a_rollouts_damage_beside_the_curves():
    world = town(realizations=3, down=(0, 1), depth=2.5)
    found = damage_by_depth(world)
    timber = found.sel(type="timber", curve="DS5").isel(bin=4)
    assert timber["depth_from"] == 2.0 and timber["count"] == 3 * TYPE.count("timber")
    assert float(timber["share"]) == pytest.approx(2 / 3)
    assert float(timber["survey"]) == pytest.approx(fragility.suppasri(2.5, "timber")[1])
    assert float(timber["lower"]) < 2 / 3 < float(timber["upper"])
    assert int(found["count"].sum()) == 27 and found["share"].isel(bin=0).isnull().all()
    flow = collapse_by_flow(world)
    # hu² = 15.6 at 2.5 m is 2.5 m/s: beyond HAZUS's limit of 7.93 / 2.5^1.964 = 1.3 m for wood.
    wood = flow["type"] == 0
    assert (flow["hazus"][wood] == 1).all() and flow["came_down"].sum() == 6
    concrete = flow["type"] == 3
    assert flow["fema"][concrete] == pytest.approx(fragility.momentum_flux(2.5**3)[2])
    assert np.isnan(flow["fema"][~concrete]).all()
