"""Scenario declaration, seeding, query: one declaration feeds them all, bad input is named."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import worldsim.scenario as declared
from scenarios.town_plan import DEBRIS_COLOURS, LIFELINES
from scenarios.tsunami import Tsunami
from worldsim.errors import InputError
from worldsim.query import Known, Query, query
from worldsim.seeding import VISIBLE, stream
from worldsim.simulator.loose_bodies import DebrisKind
from worldsim.simulator.scene import Building, Physics
from worldsim.simulator.structures import TYPES


def test_make_names_the_nearest_when_it_does_not_know():
    assert declared.make("tsunami", wave_height=6.0) == Tsunami(wave_height=6.0)
    with pytest.raises(InputError, match="did you mean 'tsunami'"):
        declared.make("tsunamy")
    with pytest.raises(InputError, match="did you mean 'wave_height'"):
        declared.make("tsunami", wave_hight=6.0)
    with pytest.raises(InputError, match="did you mean 'timber'"):
        declared.make("tsunami", building="timbr")


@pytest.mark.parametrize("value", [0.0, 100.0, float("nan"), float("inf"), "six", True])
def test_values_that_mean_nothing_are_refused_with_the_range(value):
    with pytest.raises(InputError, match=r"0\.5 to 12 m"):
        Tsunami(wave_height=value)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32), case=st.integers(0, 10**6))
def test_sampled_scenarios_lie_in_the_training_range_and_survive_codes(seed, case):
    scenario = Tsunami.sample(stream(seed, case, VISIBLE, "parameters"))
    for name, spec in Tsunami.parameters().items():
        assert not spec.extrapolates(getattr(scenario, name))
    assert Tsunami.from_codes(scenario.codes()) == scenario
    assert all(name.replace("_", " ") in scenario.caption() for name in Tsunami.parameters())


def test_streams_are_keyed_by_meaning_not_by_order():
    first = stream(1, 2, 3, "strength").normal(size=4)
    stream(1, 2, 3, "drag").normal(size=100)
    assert np.array_equal(first, stream(1, 2, 3, "strength").normal(size=4))
    others = [
        (2, 2, 3, "strength"),
        (1, 3, 3, "strength"),
        (1, 2, 4, "strength"),
        (1, 2, 3, "drag"),
    ]
    assert all(not np.array_equal(first, stream(*key).normal(size=4)) for key in others)
    with pytest.raises(InputError):
        stream(-1, 0, 0, "x")


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 10**6), case=st.integers(0, 10**4))
def test_every_case_is_a_town_that_stands_clear(seed, case):
    scene = Tsunami().scene(seed, case)  # overlaps and places outside are refused by Scene itself
    assert 8 <= len(scene.buildings) <= 12
    roles = [building.role for building in scene.buildings]
    assert all(roles.count(role) == 1 for role, _, _ in LIFELINES)
    *loose, tank = scene.debris
    assert 3 <= len(loose) <= 6 and tank.kind is DebrisKind.TANK
    assert [box.colour for box in loose] == list(DEBRIS_COLOURS[: len(loose)])
    assert tank.colour not in DEBRIS_COLOURS, "instruments must not take it for what drifts"
    assert len(scene.people) == 100
    for building in scene.buildings:
        assert scene.bathymetry[scene.cells_of(building)].min() > 1.0, "houses stand on dry land"
    assert (np.diff(scene.bathymetry, axis=1) >= -1e-12).all(), "the ground never falls landwards"
    again = Tsunami().scene(seed, case)
    assert np.array_equal(again.bathymetry, scene.bathymetry) and again.buildings == scene.buildings
    # repr, since who has not left departed at NaN
    assert repr(again.people) == repr(scene.people) and again.debris == scene.debris


def test_what_is_seen_does_not_depend_on_the_other_parameters():
    low = Tsunami(wave_height=2.0).scene(0, 1)
    for other in (
        Tsunami(wave_height=8.0),
        Tsunami(seawall_height=3.0, green_belt=8.0),
        Tsunami(warning_time=0.0, participation=0.5, milling=10.0, shelter_capacity=5.0),
        Tsunami(population=20.0, occupancy="night"),
    ):
        high = other.scene(0, 1)
        assert low.buildings == high.buildings and low.debris == high.debris
        assert np.array_equal(low.bathymetry, high.bathymetry)
    odd = Tsunami(warning_time=100.3, milling=30.0).scene(0, 1).people
    assert all(not p.arrived > 0 for p in odd), "what happens before t=0 ends at t=0"
    early, late = (Tsunami(warning_time=w).scene(0, 1).people for w in (600.0, 0.0))
    for one, same in zip(early, late, strict=True):
        assert (one.age, one.mass, one.home) == (same.age, same.mass, same.home)
    assert sum(p.arrived <= 0 for p in early) > 50 > sum(p.arrived <= 0 for p in late)


def test_scenes_that_cannot_be_built_are_named():
    scene = Tsunami().scene(0, 0)

    def with_buildings(*footprints):
        houses = tuple(Building(TYPES["timber"], f, 1, (1, 2, 3)) for f in footprints)
        return dataclasses.replace(scene, buildings=houses)

    with pytest.raises(InputError, match="overlaps"):
        with_buildings((80, 88, 40, 48), (86, 94, 40, 48))
    with pytest.raises(InputError, match="leaves the domain"):
        with_buildings((186, 196, 40, 48))
    with pytest.raises(InputError, match="whole cells"):
        with_buildings((81, 89, 40, 48))
    with pytest.raises(InputError, match="finite"):
        dataclasses.replace(scene, bathymetry=np.full_like(scene.bathymetry, np.nan))
    with pytest.raises(InputError, match="gravity"):
        Physics(gravity=-9.81)


def test_queries_check_what_they_are_asked():
    asked = query(Tsunami(wave_height=6.0), cameras=("overhead",))
    assert asked.frames == 60 and float(asked.parameters["wave_height"][0]) == 6.0
    assert query(Tsunami(), tell=()).parameters == {}
    with pytest.raises(InputError, match="no parameter 'colour'"):
        query(Tsunami(), tell=("colour",))
    with pytest.raises(InputError, match="one value per case"):
        Query("tsunami", {"wave_height": np.ones(3)}, cases=2)
    with pytest.raises(InputError, match="physical range"):
        Query("tsunami", {"wave_height": np.array([99.0])})
    video = np.zeros((1, 5, 64, 96, 3), np.uint8)
    with pytest.raises(InputError, match="add it to cameras"):
        Query("tsunami", {}, known=(Known("street", video),))
    with pytest.raises(InputError, match=r"\(case, row, column\)"):
        Query("tsunami", {}, known=(Known("overhead", video[:, :, :32]),))
    with pytest.raises(InputError, match="uint8"):
        Known("overhead", video.astype(float))
