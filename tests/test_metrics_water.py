"""Metrics of water, debris, damage and people against loops and libraries, one oracle each."""

import dataclasses
import json

import numpy as np
import pytest
import xarray as xr
from evaluation_scenes import CAMERA, COLUMNS, GRASS, ROWS, TIMBER, WATER, within, x_centres
from flood_scenes import BUILDINGS, CASES, CONTEXT, PEOPLED, PRESENT, TIMES, UNTIL, sample
from scores.categorical import BinaryContingencyManager
from scores.probability import brier_score_for_ensemble, crps_for_ensemble
from scores.spatial import fss_2d_single_field

from evaluation.metrics import damage, debris, flooding, people, structures, water
from evaluation.metrics.metric import Sample
from worldsim.instruments import observe_water
from worldsim.rollout import video_dataset

METRICS = {m.name: m for module in (water, debris, structures, flooding, damage, people)
           for m in module.METRICS}


def arrays(s: Sample, group: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(case, member, …) of the dream and of the truth."""
    return tuple(tree[group][name].transpose("case", "realization", ...).values.astype(float)
                 for tree in (s.observed, s.state))


def over_truths(score, dream: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Mean over the truth's members of a library's score of the ensemble against each."""
    forecast = xr.DataArray(dream, dims=("c", "member", *(f"d{i}" for i in range(dream.ndim - 2))))
    return np.mean([
        score(forecast, forecast.isel(member=0, drop=True).copy(data=truth[:, r])).values
        for r in range(truth.shape[1])
    ], axis=0)


def crps(dream: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return over_truths(lambda f, o: crps_for_ensemble(f, o, "member", method="fair",
                                                      preserve_dims=list(o.dims)), dream, truth)


def brier(dream: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return over_truths(lambda f, o: brier_score_for_ensemble(
        f, o, "member", 0.5, preserve_dims=list(o.dims), fair_correction=True
    ).isel(threshold=0), dream, truth)


def mean_of(values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """(case, …) mean over the last axis where present, NaN without any."""
    return np.array([row[..., here].mean(axis=-1) if here.any() else
                     np.full(row.shape[:-1], np.nan)
                     for row, here in zip(values, present, strict=True)])


def pairs(s: Sample, score) -> np.ndarray:
    """Mean of score(case, dream member, truth member) over all pairs."""
    members, truths = (tree["water"].sizes["realization"] for tree in (s.observed, s.state))
    return np.array([np.mean([score(c, m, r) for m in range(members) for r in range(truths)],
                             axis=0) for c in range(CASES)])


def wet(s: Sample) -> tuple[np.ndarray, np.ndarray]:
    return arrays(s, "water", "wet")


def iou(s: Sample) -> np.ndarray:
    d, t = (v.astype(bool) for v in wet(s))
    return pairs(s, lambda c, m, r: [
        (d[c, m, k] & t[c, r, k]).sum() / (d[c, m, k] | t[c, r, k]).sum() for k in range(TIMES)])


def fss(side: int):
    def oracle(s: Sample) -> np.ndarray:
        d, t = wet(s)
        return pairs(s, lambda c, m, r: [
            fss_2d_single_field(d[c, m, k], t[c, r, k], event_threshold=0.5,
                                window_size=(side, side)) for k in range(TIMES)])
    return oracle


def contingency(score: str):
    def oracle(s: Sample) -> np.ndarray:
        d, t = wet(s)

        def one(c: int, m: int, r: int) -> float:
            land = t[c, :, 0].max(axis=0) == 0
            table = BinaryContingencyManager(*(
                xr.DataArray(v[CONTEXT:][:, land], dims=("time", "cell"))
                for v in (d[c, m], t[c, r]))).transform()
            return float(getattr(table, score)())

        nothing = {"false_alarm_ratio": 0.0, "threat_score": 1.0}
        with np.errstate(invalid="ignore"):
            value = pairs(s, lambda c, m, r: np.nan_to_num(
                one(c, m, r), nan=nothing.get(score, np.nan)))
        return value
    return oracle


def arrivals(front: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(case, member) s, frame by frame."""
    time = np.arange(TIMES) / 5
    when = np.full(front.shape[:2], np.nan)
    for c, m in np.ndindex(when.shape):
        if np.isnan(places[c]):
            continue
        when[c, m] = time[-1]
        before = 0.0
        for k in range(TIMES):
            share = (front[c, m, k] > places[c]).mean()
            if share >= 0.5:
                when[c, m] = time[k] if k == 0 else time[k - 1] + 0.2 * (0.5 - before) / (
                    share - before)
                break
            before = share
    return when


def both_arrivals(s: Sample) -> tuple[np.ndarray, np.ndarray]:
    place = np.array([f[~np.isnan(f[:, 0]), 0].min() if (~np.isnan(f[:, 0])).any() else np.nan
                      for f in s.state["buildings"]["footprint"].values])
    return tuple(arrivals(front, place) for front in arrays(s, "water", "front"))


def debris_position(s: Sample) -> np.ndarray:
    seen, true = arrays(s, "debris", "position")
    held = seen.copy()
    for c, m, slot, axis in np.ndindex(*seen.shape[:2], *seen.shape[3:]):
        last = true[c, 0, 0, slot, axis]
        for k in range(TIMES):
            if not np.isnan(seen[c, m, k, slot, axis]):
                last = seen[c, m, k, slot, axis]
            held[c, m, k, slot, axis] = last
    return crps(held[:, :, :, :2], true[:, :, :, :2]).sum(axis=-1).mean(axis=-1)


def seen_buildings(s: Sample) -> tuple[np.ndarray, np.ndarray]:
    """(case, member, time, building) standing, in the order of the truth, and which are found."""
    seen, footprint = s.observed["buildings"], s.state["buildings"]["footprint"].values
    boxes, stands = seen["footprint"].values, seen["standing"].values
    shape = (*stands.shape[:3], BUILDINGS)
    result, found = np.ones(shape), np.zeros((*shape[:2], BUILDINGS), bool)
    for c, m, b in np.ndindex(found.shape):
        for slot, box in enumerate(boxes[c, m]):
            apart = np.hypot(*(box[i:i + 2].mean() - footprint[c, b, i:i + 2].mean()
                               for i in (0, 2)))
            if apart < 2.0:  # the made-up ones are less than that off, and farther from others
                result[c, m, :, b], found[c, m, b] = stands[c, m, :, slot], True
    return result, found


def of_buildings(name: str, unknown: float = 0.0, latest: float = np.inf):
    def oracle(s: Sample) -> np.ndarray:
        dream, truth = (np.minimum(np.nan_to_num(v, nan=unknown), latest)
                        for v in arrays(s, "consequences", name))
        return mean_of(crps(dream, truth), PRESENT)
    return oracle


def damage_rps(s: Sample) -> np.ndarray:
    dream, truth = (np.nan_to_num(v) for v in arrays(s, "consequences", "damage_state"))
    each = [brier((dream >= k).astype(float), (truth >= k).astype(float)) for k in range(1, 6)]
    return mean_of(np.mean(each, axis=0), PRESENT)


def state_right(s: Sample) -> np.ndarray:
    dream, truth = (np.nan_to_num(v) for v in arrays(s, "consequences", "damage_state"))
    return mean_of(np.mean([dream[:, m] == truth[:, r] for m in range(dream.shape[1])
                            for r in range(truth.shape[1])], axis=0), PRESENT)


def of_people(name: str):
    def oracle(s: Sample) -> np.ndarray:
        dream, truth = (np.nan_to_num(v) for v in arrays(s, "consequences", name))
        return mean_of(brier(dream, truth), PEOPLED)
    return oracle


def share(name: str, group: str = "consequences", error: bool = False):
    def oracle(s: Sample) -> np.ndarray:
        dream, truth = arrays(s, group, name)
        dream = np.nan_to_num(dream)
        score = abs(dream.mean(axis=1) - truth.mean(axis=1)) if error else crps(dream, truth)
        return score.mean(axis=-1) if score.ndim > 1 else score
    return oracle


def front_speed(s: Sample) -> np.ndarray:
    speeds = []
    for front in arrays(s, "water", "front_position"):
        speed = np.empty_like(front)
        for k in range(TIMES):
            before, after = max(k - 1, 0), min(k + 1, TIMES - 1)
            speed[:, :, k] = (front[:, :, after] - front[:, :, before]) / (0.2 * (after - before))
        speeds.append(speed)
    return crps(*speeds)


def volume_drift(s: Sample) -> np.ndarray:
    dream, truth = arrays(s, "consequences", "volume")
    return crps(dream, truth) / truth[:, :, 0].mean(axis=1)[:, None]


def max_depth(s: Sample) -> np.ndarray:
    return crps(*arrays(s, "consequences", "peak_depth"))[..., 2:].mean(axis=(-2, -1))


def lost(s: Sample) -> np.ndarray:
    seen = s.observed["debris"]["seen"].values
    return 1 - seen[..., :2].mean(axis=(1, 3))


SHARES = ("deaths", "injuries", "serious_injuries", "symptoms")
ORACLES = {
    "water.wet_area_brier": lambda s: brier(*wet(s)).mean(axis=(-2, -1)),
    "water.wet_area_iou": iou,
    "water.front_position": lambda s: crps(*arrays(s, "water", "front_position")),
    "water.arrival_time": lambda s: crps(*both_arrivals(s)),
    "water.lateness": lambda s: np.subtract(*(np.median(w, axis=1) for w in both_arrivals(s))),
    "debris.position_crps": debris_position,
    "debris.lost": lost,
    "structures.standing_brier": lambda s: mean_of(
        brier(seen_buildings(s)[0], arrays(s, "buildings", "standing")[1]), PRESENT),
    "structures.not_found": lambda s: mean_of(
        (~seen_buildings(s)[1]).mean(axis=1), PRESENT),
    "water.fss_3": fss(3),
    "water.fss_9": fss(9),
    "water.threat": contingency("threat_score"),
    "water.detection": contingency("probability_of_detection"),
    "water.false_alarms": contingency("false_alarm_ratio"),
    "water.front_speed": front_speed,
    "water.volume_drift": volume_drift,
    "water.max_depth": max_depth,
    "structures.state_right": state_right,
    "structures.damage_rps": damage_rps,
    "structures.drift_error": of_buildings("drift"),
    "structures.failure_time": of_buildings("failure_time", UNTIL, UNTIL),
    "structures.max_depth": of_buildings("depth_at_building"),
    **{f"people.{name}": of_people(name) for name in ("exposed", "knocked_over", "carried_off")},
    **{f"people.{name}": share(name) for name in SHARES},
    **{f"people.{name}_error": share(name, error=True) for name in SHARES},
    "people.symptoms_seen": share("symptoms", "outcomes"),
    "people.symptoms_seen_error": share("symptoms", "outcomes", error=True),
}


def value(name: str, s: Sample) -> xr.DataArray:
    result = METRICS[name].compute(s)
    return result.transpose("case", "time") if "time" in result.dims else result


def test_every_metric_has_an_oracle():
    assert set(ORACLES) == set(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_oracle(name):
    for seed, members, truths in ((0, 3, 2), (1, 2, 1)):
        drawn = sample(seed, members, truths)
        expected = np.asarray(ORACLES[name](drawn))
        found = value(name, drawn)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
        assert np.isfinite(found[0]).all()
        assert abs(found - METRICS[name].perfect).max() > 0.01


def unsure(s: Sample) -> Sample:
    """The same with a dream that has lost everything that it can lose."""
    hidden = s.observed.map_over_datasets(lambda d: d.assign({
        name: v.where(False) for name, v in d.data_vars.items()
        if v.dtype.kind == "f" and not str(name).startswith("front")}))
    debris_lost = {"debris": hidden["debris"].dataset.assign(
        seen=hidden["debris"]["seen"] & False)}
    return dataclasses.replace(s, observed=hidden.assign(
        {name: xr.DataTree(d) for name, d in debris_lost.items()}))


@pytest.mark.parametrize("name", METRICS)
def test_what_a_dream_loses_is_an_error_and_never_without_value(name):
    drawn = sample(3)
    judged = np.isfinite(value(name, drawn))
    found = value(name, unsure(drawn))
    assert (np.isfinite(found) == judged).all()
    worse_than_perfect = abs(found - METRICS[name].perfect)
    assert float(worse_than_perfect.max()) > 0


@pytest.mark.parametrize("name", [n for n, m in METRICS.items() if not m.ensemble
                                  and m.needs == ("water",)])
def test_a_perfect_dream_is_perfect(name):
    drawn = sample(4, truths=1)
    same = Sample(drawn.state, drawn.state, context=CONTEXT)
    found = value(name, same).values
    assert np.allclose(found[np.isfinite(found)], METRICS[name].perfect, atol=1e-12)
    assert np.isfinite(found[0]).all()


@pytest.mark.parametrize("name", [n for n, m in METRICS.items()
                                  if "consequences" in m.needs or "outcomes" in m.needs])
def test_what_the_truth_says_itself_is_perfect(name):
    drawn = sample(5, truths=1)
    found = value(name, Sample(drawn.state, drawn.state, context=CONTEXT)).values
    assert np.allclose(found[np.isfinite(found)], METRICS[name].perfect, atol=1e-12)
    assert np.isfinite(found[0]).all()


def test_states_without_people_have_no_value_for_people():
    drawn = sample(6)
    names = [n for n in drawn.observed["consequences"].data_vars
             if "person" in drawn.observed["consequences"][n].dims]
    dumb = drawn.observed.assign({"consequences": xr.DataTree(
        drawn.observed["consequences"].to_dataset().drop_vars(names))})
    dumb = dataclasses.replace(drawn, observed=dumb)
    assert value("people.exposed", dumb).isnull().all()
    assert value("people.exposed", dumb).shape == (CASES,)
    assert np.isfinite(value("structures.damage_rps", dumb)[0])


def test_buildings_are_matched_by_number():
    drawn = sample(7)
    said = drawn.observed["consequences"].to_dataset()
    turned = drawn.observed.assign({"consequences": xr.DataTree(said.isel(
        building=slice(None, None, -1), person=slice(None, None, -1)))})
    turned = dataclasses.replace(drawn, observed=turned)
    for name in ("structures.damage_rps", "structures.failure_time", "people.exposed"):
        np.testing.assert_array_equal(value(name, drawn), value(name, turned))


def test_confusion_counts_pairs():
    drawn = sample(8)
    table = damage.confusion(drawn)
    dream, truth = (np.nan_to_num(v) for v in arrays(drawn, "consequences", "damage_state"))
    expected = np.zeros((6, 6))
    for m, r, b in np.ndindex(dream.shape[1], truth.shape[1], 3):
        expected[int(truth[0, r, b]), int(dream[0, m, b])] += 1
    np.testing.assert_allclose(table[0], expected / expected.sum(), atol=1e-12)
    assert table[2].isnull().all()


def test_twice_the_water_drifts_by_one():
    drawn = sample(9, members=1, truths=1)
    said = drawn.state["consequences"].to_dataset()
    said["volume"] = xr.full_like(said["volume"], 70.0)
    double = said.assign(volume=2 * said["volume"])
    both = Sample(*(xr.DataTree.from_dict({"consequences": d, "water": drawn.state["water"]})
                    for d in (double, said)))
    np.testing.assert_allclose(value("water.volume_drift", both), 1.0, atol=1e-12)


def test_depth_on_coarser_cells_is_compared_in_metres():
    drawn = sample(10, members=1, truths=1)
    said = drawn.state["consequences"].to_dataset()
    said["peak_depth"] = xr.full_like(said["peak_depth"], 1.5)
    coarse = said.isel(y=slice(0, None, 2), x=slice(0, None, 2)).assign_coords(
        y=said["y"].values[::2] + 1.0, x=said["x"].values[::2] + 1.0)
    coarse["peak_depth"] = coarse["peak_depth"] - 0.4
    both = Sample(*(xr.DataTree.from_dict({"consequences": d}) for d in (coarse, said)))
    np.testing.assert_allclose(value("water.max_depth", both), 0.4, atol=1e-6)


def test_fractions_forgive_what_is_near():
    drawn = sample(11, members=1, truths=1)
    truth = drawn.state["water"].to_dataset()
    truth["wet"] = xr.zeros_like(truth["wet"]) | (truth["x"] < 12)
    scores = []
    for metres in (2, 6):
        dream = truth.assign(wet=xr.zeros_like(truth["wet"]) | (truth["x"] < 12 + metres))
        moved = Sample(*(xr.DataTree.from_dict({"water": d}) for d in (dream, truth)))
        near, far = (float(value(f"water.fss_{side}", moved).mean()) for side in (3, 9))
        assert near < far < 1.0
        scores.append(near)
    assert scores[0] > scores[1]


def test_ground_that_looks_like_a_roof_hides_no_water_where_nothing_is_built():
    """A front runs over a dry floor of a roof's size; no pixel beyond it is taken for wet."""
    time = np.arange(6) / 5
    frames = np.empty((6, ROWS, COLUMNS, 3), np.uint8)
    frames[:] = GRASS
    floor = within((80.0, 96.0, 50.0, 64.0))[::-1]
    frames[:, floor] = TIMBER
    ahead = x_centres > 78.0 + 10.0 * time[:, None]
    flooded = floor & ~ahead[:, None]
    frames[flooded] = WATER
    video = video_dataset(frames[None, None], 5.0, json.dumps(CAMERA))
    seen = observe_water(video, buildings=False)["wet"].values[0, 0]
    np.testing.assert_array_equal(seen, flooded[:, ::-1])
    assert (observe_water(video)["wet"].values[0, 0] & ~flooded[:, ::-1]).any()
