"""Assessment of whole rollouts: counts, intervals, pairing, and the dream by the same functions."""

import numpy as np
import pytest
import xarray as xr
from town_rollout import PEOPLE, seen, town

from worldsim.errors import InputError
from worldsim.outcomes import assess, compare, from_states, from_video
from worldsim.rollout import open as open_rollout
from worldsim.rollout import save

QUICK = {"seed": 3, "draws": 200}


def test_a_quiet_day_has_no_consequences():
    found = assess(town(), **QUICK)
    assert found["buildings_in_state"].values[0, 0].tolist() == [9, 0, 0, 0, 0, 0]
    for name in ("homes_lost", "deaths", "deaths_upper", "injuries", "people_carried_off",
                 "people_in_collapsed_buildings", "dose_exposed", "buildings_unknown"):
        assert (found[name] == 0).all(), name
    assert (found["service_working"] == 1).all() and (found["service_days_lost_upper"] == 0).all()
    excess = found["symptoms_excess"].sel(group="adults")
    assert (excess == 0).all() and (found["people"] == PEOPLE).all()


def test_counts_after_two_homes_fell():
    found = assess(town(down=(0, 2), depth=2.0, carried=30), **QUICK).isel(case=0, realization=0)
    assert found["buildings_in_state"].values.tolist() == [7, 0, 0, 0, 2, 0]
    assert float(found["homes_lost"]) == 2 and float(found["homes"]) == 5
    assert float(found["people_carried_off"]) == 30 == float(found["people_knocked_over"])
    assert float(found["people_in_collapsed_buildings"]) == 48
    assert found["adults"].values.tolist() == [100, 40, 60]
    assert float(found["deaths_lower"]) < float(found["deaths"]) < float(found["deaths_upper"])
    # 48 occupants of timber and masonry at 5 and 10%, and 30 people carried off.
    assert 5 < float(found["deaths"]) < 30


def test_small_groups_get_counts_but_no_share():
    found = assess(town(down=(0, 2), depth=2.0), **QUICK)
    shares = found["symptoms_share"].isel(case=0, realization=0)
    assert shares.sel(group="home_lost").isnull().all()
    assert shares.sel(group="adults").notnull().all()
    assert float(found["adults"].sel(group="home_lost")[0, 0]) == 40
    falls = shares.sel(group="adults").diff("month")
    assert (falls < 0).all()


def test_deep_water_stops_the_services_and_time_brings_them_back():
    flooded = assess(town(depth=3.0), **QUICK)["service_working"].isel(case=0, realization=0)
    assert (flooded.sel(day=0) == 0).all()
    assert (flooded.diff("day").sel(service=["power", "water", "access"]) >= 0).all()
    assert (flooded.sel(day=365, service="power") > 0.9).all()
    assert float(flooded.sel(day=30, service="hospital")) < float(
        flooded.sel(day=30, service="power"))


def test_more_harm_in_expectation_with_more_exposure():
    worlds = [town(), town(down=(0,), depth=1.0, carried=10),
              town(down=(0, 1, 2), depth=2.5, carried=40)]
    found = [assess(world, **QUICK) for world in worlds]
    for name in ("deaths", "injuries", "serious_injuries", "homes_lost"):
        values = [float(f[name].mean()) for f in found]
        assert values[0] < values[1] < values[2], name
    shares = [float(f["symptoms_share"].sel(group="adults", month=2).mean()) for f in found]
    assert shares[0] < shares[1] < shares[2]


def test_a_world_compared_with_itself_differs_by_nothing():
    world = town(down=(1,), depth=2.0, carried=5)
    found = compare(world, world, **QUICK)
    for name, values in found.data_vars.items():
        if "unpaired" not in str(name):
            assert (values.fillna(0) == 0).all(), name
    apart = found["symptoms_share_unpaired_upper"].sel(group="adults")
    assert (apart > 0.1).all()


def test_pairing_shows_what_a_seawall_would_save():
    without, with_wall = town(down=(0, 1, 2), depth=2.5, carried=40), town(depth=0.0)
    found = compare(without, with_wall, **QUICK)
    assert float(found["homes_lost"][0]) == -3
    assert float(found["deaths_upper"][0]) < 0
    share = found["symptoms_share"].sel(group="adults", month=2)
    upper = found["symptoms_share_upper"].sel(group="adults", month=2)
    assert float(share[0]) < 0 and float(upper[0]) < 0
    unpaired = found["symptoms_share_unpaired_upper"].sel(group="adults", month=2)
    assert float(unpaired[0]) > 0.1
    pooled = compare(without, with_wall, over=("case", "realization"), **QUICK)
    assert pooled["deaths"].dims == ()


def test_worlds_with_other_members_are_refused():
    with pytest.raises(InputError, match="same seed"):
        compare(town(realizations=2), town(realizations=3))
    with pytest.raises(InputError, match="40 or more"):
        assess(town(), draws=10)


def test_seeds_and_members_decide_the_draws():
    world = town(cases=2, realizations=3, down=(0,), depth=1.0, carried=5)
    whole = assess(world, **QUICK)
    one = assess(world.isel(case=[1], realization=[2]), **QUICK)
    for name in whole.data_vars:
        np.testing.assert_array_equal(whole[name].isel(case=[1], realization=[2]), one[name])
    other = assess(world, seed=4, draws=200)
    assert not np.array_equal(whole["deaths"], other["deaths"])


def test_the_dream_is_judged_as_the_truth_where_a_video_shows_it():
    truth = town(down=(0, 3), depth=2.0, carried=10)
    from_truth = assess(truth, **QUICK)
    dream = assess(from_video(seen(truth, (0, 3)), truth), **QUICK)
    for name in ("homes", "homes_lost", "buildings_down", "adults", "people"):
        np.testing.assert_array_equal(dream[name], from_truth[name])
    np.testing.assert_array_equal(dream["symptoms_of_buildings"],
                                  from_truth["symptoms_of_buildings"])
    for name in ("deaths", "symptoms_share", "people_carried_off", "dose_largest"):
        assert dream[name].isnull().all(), name
    assert dream["buildings_in_state"].sel(state=3).isnull().all()
    assert dream.attrs["seen_by"] == "video"


def test_a_roof_that_is_not_found_is_unknown_not_standing():
    truth = town(down=(0, 3), depth=2.0)
    exposures = from_video(seen(truth, (0, 3), unseen=(3,)), truth)
    assert np.isnan(exposures.buildings.collapsed[0, 0, 3])
    found = assess(exposures, **QUICK).isel(case=0, realization=0)
    assert float(found["buildings_unknown"]) == 1 and float(found["homes_lost"]) == 1
    assert float(found["adults"].sel(group="adults")) == 80
    far = from_video(seen(truth, (), shift=9.0), truth)
    assert np.isnan(far.buildings.collapsed).all()


def test_dry_is_known_and_wet_is_of_unknown_depth():
    dry = from_video(seen(town(), ()), town())
    assert (dry.buildings.depth == 0).all() and (dry.ground.depth == 0).all()
    assert (assess(dry, **QUICK)["service_working"].sel(service="access") == 1).all()
    wet = from_video(seen(town(depth=1.0), ()), town())
    assert np.isnan(wet.buildings.depth).all() and (wet.buildings.wet == 1).all()
    assert assess(wet, **QUICK)["service_working"].isnull().any()


def test_states_without_recorded_depth_take_it_from_the_water():
    world = town(depth=1.5)
    world["structures"] = world["structures"].dataset.drop_vars("max_depth")
    assert (from_states(world).buildings.depth == 1.5).all()


def test_missing_groups_are_named():
    world = town()
    with pytest.raises(InputError, match="no /structures"):
        assess(world.filter(lambda node: node.name != "structures"))
    world["structures"] = world["structures"].dataset.drop_vars("role")
    with pytest.raises(InputError, match="role"):
        assess(world)


def test_a_town_without_people_has_buildings_and_services():
    world = town(down=(0,), depth=1.0)
    del world["people"]
    found = assess(world, **QUICK)
    assert (found["deaths"] == 0).all() and (found["people"] == 0).all()
    assert (found["homes_lost"] == 1).all() and found["symptoms_share"].isnull().all()


@pytest.mark.filterwarnings("ignore:All-NaN slice")
def test_failed_members_are_unknown_and_left_out_of_sums():
    world = town(realizations=3, down=(0,), depth=2.0, carried=10)
    world["structures/standing"][0, 2] = False
    failed = np.array([[False, False, True]])
    whole = assess(town(realizations=2, down=(0,), depth=2.0, carried=10),
                   over=("realization",), **QUICK)
    world["audit"] = xr.Dataset({"failed": (("case", "realization"), failed)})
    assert assess(world, **QUICK)["deaths"].isnull().values.tolist() == [[False, False, True]]
    pooled = assess(world, over=("realization",), **QUICK)
    for name in ("homes_lost", "deaths", "deaths_upper", "service_working", "symptoms_share"):
        np.testing.assert_allclose(pooled[name], whole[name], rtol=1e-12)
    world["audit"]["failed"][:] = True
    assert assess(world, over=("realization",), **QUICK)["homes_lost"].isnull().all()


@pytest.mark.filterwarnings("error")
def test_outcomes_can_be_stored_with_the_rollout(tmp_path):
    world = town(down=(0,), depth=1.0)
    found = assess(world, **QUICK)
    world["outcomes"] = found
    save(world, tmp_path / "town.zarr")
    again = open_rollout(tmp_path / "town.zarr")["outcomes"].dataset
    np.testing.assert_array_equal(again["deaths"], found["deaths"])
    assert again["service"].values.tolist() == found["service"].values.tolist()
