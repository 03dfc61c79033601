"""What states say of water, damage and people, and how it enters a measurement."""

import numpy as np
import pytest
import xarray as xr
from evaluation_scenes import Member, draw, rollout
from synthetic_town import town_states

from evaluation.consequences import (
    DRAWS,
    consequences_of,
    seen_outcomes_of_states,
    seen_outcomes_of_video,
)
from evaluation.measure import measure_floor, measure_model, prepare_truth
from evaluation.metrics import METRICS, damage, flooding, people
from evaluation.observe import observe_video
from worldsim import outcomes
from worldsim.errors import InputError

TIME = np.arange(25) / 5
CHOSEN = (*flooding.METRICS, *damage.METRICS, *people.METRICS)
CASES = [[Member(falls=(3.0, np.inf)), Member(speed=12.0), Member(falls=(np.inf, 4.0))],
         [Member(speed=9.0), Member(falls=(2.5, 4.5)), Member(falls=(4.0, np.inf))]]
OTHERS = [[Member(speed=8.0, falls=(np.inf, 3.5))] * 3] * 2


def town(cases=CASES, kind: str = "simulated", people: int = 110, seed: int = 0) -> xr.DataTree:
    """A rollout with video and states of a made-up town."""
    tree = rollout(cases, duration=5.0, case_numbers=[4, 7])
    full = town_states(tree["water"].to_dataset(), tree["structures"].to_dataset(),
                       people=people, seed=seed)
    tree = tree.assign({name.strip("/"): xr.DataTree(group) for name, group in full.items()})
    tree.attrs |= {"kind": kind, "model": "" if kind == "simulated" else "with states"}
    return tree


@pytest.fixture(scope="module")
def truth() -> xr.DataTree:
    return town()


@pytest.fixture(scope="module")
def ready(truth):
    return prepare_truth(truth, size=(64, 96), fps=5.0, cameras=("overhead",), frames=25,
                         context=3)


def measured(tree: xr.DataTree, ready) -> dict[str, np.ndarray]:
    found = measure_model(tree, ready, CHOSEN)
    return {str(name): found["value"].sel(metric=name).values for name in found["metric"].values}


def test_water_is_added_up(truth):
    said = consequences_of(truth, TIME)
    depth = truth["water"]["depth"].values
    for case, member, k in np.ndindex(2, 3, len(TIME)):
        water = depth[case, member, 2 * k].astype(float).sum() * 4.0  # cells of 2 m by 2 m
        assert said["volume"].values[case, member, k] == pytest.approx(water, rel=1e-9)
    assert (said["peak_depth"].values == depth.max(axis=2)).all()
    assert (said["dry_at_first"].values == (depth[:, :, 0] <= 0.02)).all()
    assert said.attrs["until"] == 5.0
    between = consequences_of(truth, np.array([0.0, 2.05]))["volume"].values[..., 1]
    assert between == pytest.approx(depth[:, :, 20:22].sum(axis=(-1, -2)).mean(axis=-1) * 4.0)


def test_buildings_and_people_are_counted_one_by_one(truth):
    said = consequences_of(truth, TIME)
    group, crowd = truth["structures"], truth["people"]
    present = group["present"].values
    assert present.any() and not present.all()
    state = group["damage_state"].values[:, :, -1]
    for case, member, b in np.ndindex(state.shape):
        if not present[case, b]:
            assert np.isnan(said["damage_state"].values[case, member, b])
            continue
        falls = CASES[case][member].falls[b]
        assert said["damage_state"].values[case, member, b] == state[case, member, b]
        np.testing.assert_allclose(said["failure_time"].values[case, member, b],
                                   falls if np.isfinite(falls) else np.nan, atol=0.11)
        assert said["drift"].values[case, member, b] == pytest.approx(
            group["drift"].values[case, member, -1, b].max())
    for case, member, p in np.ndindex(crowd["max_depth"].shape):
        at = case, member, p
        if not crowd["present"].values[case, p]:
            assert np.isnan(said["exposed"].values[at])
            continue
        assert said["exposed"].values[at] == (crowd["max_depth"].values[at] > 0.05)
        assert said["knocked_over"].values[at] == (not np.isnan(
            crowd["knocked_over_time"].values[at]))
        assert said["carried_off"].values[at] == (
            crowd["water_time"].values[at] > 0 and crowd["carried_distance"].values[at] > 2.0)


def test_what_follows_is_what_the_outcome_model_says(truth):
    said = consequences_of(truth, TIME)
    told = outcomes.assess(truth, seed=0, draws=DRAWS)
    assert float(told["people"].min()) == 110
    for name in ("deaths", "injuries", "serious_injuries"):
        np.testing.assert_allclose(said[name], told[name] / 110, rtol=1e-12)
    np.testing.assert_allclose(said["symptoms"], told["symptoms_share"].sel(group="adults"))
    assert said["symptoms"].notnull().all()
    # The deaths are those that are set beside surveys.
    deaths = outcomes.deaths_by_group(truth, seed=0, draws=DRAWS)["deaths"].sel(group="all")
    np.testing.assert_allclose(said["deaths"], deaths.mean("draw") / 110, rtol=1e-12)


def test_cases_are_taken_by_number(truth):
    both, one = consequences_of(truth, TIME), consequences_of(truth, TIME, [7])
    xr.testing.assert_identical(one, both.sel(case=[7]))
    turned = consequences_of(truth, TIME, [7, 4])
    xr.testing.assert_allclose(turned, both.sel(case=[7, 4]))
    with pytest.raises(InputError, match="no case 5"):
        consequences_of(truth, TIME, [5])


def test_only_what_is_recorded_is_said(truth):
    assert consequences_of(truth.filter(lambda node: node.name != "water"), TIME) is None
    alone = consequences_of(xr.DataTree.from_dict({
        "/": truth.to_dataset(), "/water": truth["water"].to_dataset()}), TIME)
    assert set(alone.data_vars) == {"volume", "peak_depth", "dry_at_first"}
    empty = consequences_of(town(people=0), TIME)
    assert "damage_state" in empty and "exposed" not in empty
    with pytest.raises(InputError, match="the states end at 5 s"):
        consequences_of(truth, np.arange(40) / 5)


def test_video_is_assessed_by_the_same_model(truth):
    said = consequences_of(truth, TIME)
    seen = seen_outcomes_of_states(truth, said)
    video = truth["video/overhead"].dataset.assign_coords(
        {name: truth[name] for name in ("case", "realization")})
    found = seen_outcomes_of_video(observe_video(video), seen)
    np.testing.assert_allclose(found["symptoms"], seen["symptoms"], atol=1e-12)
    spread = np.ptp(seen["symptoms"].values, axis=1)
    assert spread.max() > 0.01  # lost homes tell in it
    happened = {"standing", "drift", "failure_time", "status", "knocked_over_time", "max_depth"}
    assert not happened & {*seen["structures"].data_vars, *seen["people"].data_vars}


def test_a_roof_that_is_not_recognised_counts_as_standing(truth):
    said = consequences_of(truth, TIME)
    seen = seen_outcomes_of_states(truth, said)
    video = truth["video/overhead"].dataset.assign_coords(
        {name: truth[name] for name in ("case", "realization")})
    observed = observe_video(video)
    blind = observed["buildings"].to_dataset()
    blind["footprint"] = blind["footprint"] * np.nan
    observed = observed.assign({"buildings": xr.DataTree(blind)})
    found = seen_outcomes_of_video(observed, seen)["symptoms"]
    standing = seen["symptoms"].isel(case=0, realization=1)  # there, all stand
    assert CASES[0][1].falls == (np.inf, np.inf)
    np.testing.assert_allclose(found, standing.broadcast_like(found), atol=1e-12)


def test_the_truth_has_no_error_of_what_it_says(ready):
    floor = measure_floor(ready, CHOSEN)["value"]
    for metric in CHOSEN:
        if "water" not in metric.needs:
            np.testing.assert_allclose(floor.sel(metric=metric.name), metric.perfect, atol=1e-9)


def test_a_dream_with_states_is_held_to_them(truth, ready):
    same = measured(town(kind="generated"), ready)
    other = measured(town(OTHERS, kind="generated", seed=3), ready)
    for metric in CHOSEN:
        assert np.isfinite(same[metric.name]).all() and np.isfinite(other[metric.name]).all()
    for name in ("structures.damage_rps", "structures.failure_time", "water.volume_drift",
                 "water.max_depth", "people.symptoms"):
        assert (other[name] > same[name]).all(), name


def test_a_dream_of_pictures_alone_says_nothing_of_states(ready):
    video = town(OTHERS)["video/overhead"]
    pictures = xr.DataTree.from_dict({
        "/": town(OTHERS).to_dataset().assign_attrs(kind="generated", model="pictures"),
        "/video/overhead": video.to_dataset()})
    found = measured(pictures, ready)
    for metric in CHOSEN:
        told = "consequences" not in metric.needs
        assert np.isfinite(found[metric.name]).all() == told, metric.name


def test_members_of_equal_pictures_may_differ_in_what_they_say(ready):
    alike = town(kind="generated")
    film = np.stack([np.stack([draw(CASES[0][0], np.arange(25) / 5)] * 3)] * 2)
    alike["video/overhead"] = xr.DataTree(
        alike["video/overhead"].to_dataset().assign(rgb=(
            ("case", "realization", "time", "row", "column", "channel"), film)))
    told, own = measured(alike, ready), measured(town(kind="generated"), ready)
    for name in ("structures.damage_rps", "people.exposed", "water.max_depth"):
        np.testing.assert_array_equal(told[name], own[name])


def test_states_of_another_length_are_refused_where_they_count(ready):
    long = rollout(CASES, duration=7.0, case_numbers=[4, 7])
    full = town_states(long["water"].to_dataset(), long["structures"].to_dataset(), people=110)
    long = long.assign({name.strip("/"): xr.DataTree(group) for name, group in full.items()})
    with pytest.raises(InputError, match="end at 7 s, the truth's at 5 s"):
        measure_model(long, ready, CHOSEN)
    by_video = measure_model(long, ready, [m for m in METRICS if not m.cameras])
    assert by_video["value"].notnull().any("case").all()


