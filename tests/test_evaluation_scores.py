"""Scores of drawn rollouts: perfect, late, frozen, too few, and in files."""

import json

import jsonschema
import numpy as np
import pytest
import xarray as xr
from evaluation_scenes import CAMERA, ROWS, Member, rollout
from skimage.color import rgb2gray
from skimage.metrics import structural_similarity as skimage_ssim

from evaluation.measure import FLOOR, REFERENCE
from evaluation.metrics import METRICS, Sample
from evaluation.metrics.debris import standing_in
from evaluation.metrics.pixel import structural_similarity
from evaluation.metrics.water import wet_on
from evaluation.observe import observe_state, observe_video
from evaluation.scores import SCHEMA_FILE, Scores, evaluate
from worldsim.errors import InputError

CASES, MEMBERS, DURATION = 2, 3, 8.0
ENSEMBLE = [m.name for m in METRICS if m.ensemble and m.skilled]


def members(seed: int, **fixed) -> list[list[Member]]:
    """Cases whose front and debris speeds differ between hidden draws."""
    rng = np.random.default_rng(seed)

    def draw() -> Member:
        drift = np.array(Member.drift) * rng.uniform(0.6, 1.4, size=(3, 1))
        values = {"speed": rng.uniform(10, 12), "drift": tuple(map(tuple, drift)),
                  "falls": (rng.uniform(4, 6), np.inf)}
        return Member(**(values | fixed))

    return [[draw() for _ in range(MEMBERS)] for _ in range(CASES)]


STILL = {"speed": 0.0, "drift": ((0.0, 0.0),) * 3, "falls": (np.inf, np.inf)}


@pytest.fixture(scope="module")
def truth() -> xr.DataTree:
    return rollout(members(0), duration=DURATION)


@pytest.fixture(scope="module")
def frozen() -> xr.DataTree:
    still = [[Member(**STILL)] * MEMBERS] * CASES
    return rollout(still, duration=DURATION, kind="generated", model="baseline:frozen")


@pytest.fixture(scope="module")
def late() -> xr.DataTree:
    return rollout(members(7, start=3.0), duration=DURATION, kind="generated", model="late")


@pytest.fixture(scope="module")
def scored(truth, frozen, late) -> Scores:
    return evaluate(late, truth, {"baseline:frozen": frozen})


def test_truth_against_itself_is_perfect(truth, frozen):
    copy = truth.copy()
    copy.attrs = truth.attrs | {"model": "the truth"}
    scores = evaluate(copy, truth, {"baseline:frozen": frozen})
    for name in ("water.wet_area_iou", "pixel.mse", "pixel.ssim"):
        assert scores[name].against("baseline:frozen").skill.value == 1.0, name
    for name in ENSEMBLE:
        against = scores[name].against("baseline:frozen")
        assert against.skill.value == pytest.approx(1.0, abs=0.15), name
        assert scores[name].floor <= scores[name].value.value + 1e-9


def test_another_draw_of_the_simulator_has_skill_near_one(truth, frozen):
    other = rollout(members(11), duration=DURATION, kind="generated", model="mujoco")
    scores = evaluate(other, truth, {"baseline:frozen": frozen})
    for name in ("water.wet_area_brier", "debris.position_crps", "water.front_position"):
        assert scores[name].against("baseline:frozen").skill.value == pytest.approx(1.0, abs=0.15)


def test_an_ensemble_given_as_reference_is_skill_one(truth, frozen, late):
    scores = evaluate(late, truth, {"baseline:frozen": frozen}, reference=late)
    for name in ENSEMBLE:
        against = scores[name].against("baseline:frozen")
        if against.resolvable:
            assert against.skill.value == pytest.approx(1.0, abs=1e-12)
    assert scores.about["reference"] == "simulator ensemble"


def test_lateness_is_signed_and_worse_than_on_time(scored, truth, frozen):
    assert scored["water.lateness"].value.value == pytest.approx(1.0, abs=0.25)
    assert "late" in scored.in_words() and "1." in scored.in_words()
    skill = scored["water.front_position"].against("baseline:frozen").skill.value
    assert 0.2 < skill < 0.9
    early = rollout(members(7, start=1.0), duration=DURATION, kind="generated", model="early")
    scores = evaluate(early, truth, {"baseline:frozen": frozen})
    assert scores["water.lateness"].value.value == pytest.approx(-1.0, abs=0.25)
    assert "early" in scores.in_words()


def test_a_frozen_dream_has_no_skill_over_itself(truth, frozen):
    copy = frozen.copy()
    copy.attrs = frozen.attrs | {"model": "still"}
    scores = evaluate(copy, truth, {"baseline:frozen": frozen})
    for name in (*ENSEMBLE, "pixel.mse"):
        against = scores[name].against("baseline:frozen")
        assert against.difference.value == 0.0
        assert not against.resolvable or against.skill.value == 0.0
    assert scores["water.lateness"].value.value > 0.8


def test_what_the_instruments_cannot_see_is_not_resolvable(truth, frozen):
    almost = rollout(members(0), duration=DURATION, kind="generated", model="almost")
    scores = evaluate(frozen, truth, {"baseline:almost": almost})
    entry = scores["pixel.mse"].against("baseline:almost")
    assert not entry.resolvable and "not resolvable" in entry.reason
    assert "Not resolvable" in scores.in_words()


def test_no_interval_below_eight_cases_and_the_words_say_so(scored):
    for entry in scored.table:
        assert entry.value.interval.low is None
    assert "without intervals" in scored.in_words()


def test_eight_cases_have_intervals():
    rng = np.random.default_rng(2)
    cases = [[Member(speed=rng.uniform(9, 13))] for _ in range(8)]
    dreams = [[Member(speed=rng.uniform(9, 13))] for _ in range(8)]
    still = [[Member(**STILL)] for _ in range(8)]
    chosen = [m for m in METRICS if m.name.startswith(("water", "debris", "structures"))]
    scores = evaluate(
        rollout(dreams, duration=6.0, kind="generated", model="dreamer"),
        rollout(cases, duration=6.0),
        {"baseline:frozen": rollout(still, duration=6.0, kind="generated")}, metrics=chosen,
    )
    against = scores["debris.position_crps"].against("baseline:frozen")
    assert against.difference.interval.high < 0
    assert against.skill.interval.low < against.skill.value < against.skill.interval.high
    assert scores.about["reference"] == "floor"
    assert "[" in scores.in_words()


def test_lost_debris_counts_where_it_was_last_seen():
    position = xr.DataArray(
        np.array([[np.nan, 1.0, 2.0, np.nan], [np.nan] * 4])[None, None, ..., None]
        * np.ones(2), dims=("case", "realization", "slot", "time", "xy"),
    ).transpose("case", "realization", "time", "slot", "xy")
    context = xr.DataArray(np.array([[[7.0, 7.0], [8.0, 8.0]]]), dims=("case", "slot", "xy"))
    held = standing_in(position, context).isel(case=0, realization=0, xy=0)
    assert held.sel(slot=0).values.tolist() == [7.0, 1.0, 2.0, 2.0]
    assert held.sel(slot=1).values.tolist() == [8.0] * 4


def test_lost_debris_is_counted(truth, frozen):
    fewer = [[Member(debris=Member.debris[:2], drift=Member.drift[:2])] * MEMBERS] * CASES
    dream = rollout(fewer, duration=DURATION, kind="generated", model="forgetful")
    scores = evaluate(dream, truth, {"baseline:frozen": frozen})
    assert scores["debris.lost"].value.value == pytest.approx(1 / 3)
    assert np.isfinite(scores["debris.position_crps"].value.value)


def test_masks_of_other_sizes_are_compared_on_the_states_cells(truth):
    fine = xr.DataArray(
        np.arange(192)[None, :].repeat(128, 0) < 100, dims=("y", "x"),
        coords={"y": np.arange(128) + 0.5, "x": np.arange(192) + 0.5},
    )
    like = truth["water"]["depth"].isel(case=0, realization=0, time=0)
    coarse = wet_on(fine, like)
    assert coarse.shape == (ROWS, 96)
    assert (coarse.sum("x") == 50).all()


def test_ssim_equals_scikit_image(truth, frozen):
    a = truth["video/overhead"]["rgb"].values[0, 0, ::10]
    b = frozen["video/overhead"]["rgb"].values[0, 0, ::10]
    ours = structural_similarity(a, b)
    theirs = [skimage_ssim(255 * rgb2gray(x), 255 * rgb2gray(y), data_range=255)
              for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert ours[0] > ours[-1]


def test_pixel_mse_and_psnr_are_their_definitions(scored, truth, late):
    a = late["video/overhead"]["rgb"].values.astype(float) / 255
    b = truth["video/overhead"]["rgb"].values.astype(float) / 255
    error = ((a - b) ** 2).mean(axis=(1, 3, 4, 5))[:, 20:].mean(axis=1)
    np.testing.assert_allclose(
        scored.measured["value"].sel(model="late", metric="pixel.mse"), error, rtol=1e-9
    )
    assert scored["pixel.psnr"].value.value > scored["pixel.psnr"].baselines[0].value.value


def test_metrics_do_not_depend_on_the_order_of_members(truth, late):
    time = truth["video/overhead"]["time"].values
    coords = {n: truth[n] for n in ("case", "realization")}
    observed = observe_video(late["video/overhead"].dataset.assign_coords(coords))
    sample = Sample(observed, observe_state(truth, time))
    turned = sample.pick([2, 0, 1], [1, 2, 0])
    for metric in METRICS:
        if metric.ensemble:
            xr.testing.assert_allclose(
                metric.compute(sample), metric.compute(turned), atol=1e-12, check_dim_order=False
            )


def test_files_are_deterministic_and_follow_the_schema(scored, truth, frozen, late, tmp_path):
    first, dataset = scored.save(tmp_path / "a")
    again, _ = evaluate(late, truth, {"baseline:frozen": frozen}).save(tmp_path / "b")
    assert first.read_bytes() == again.read_bytes()
    content = json.loads(first.read_text(), parse_constant=lambda text: pytest.fail(text))
    jsonschema.validate(content, json.loads(SCHEMA_FILE.read_text()))
    assert {s["metric"] for s in content["scores"]} == {m.name for m in METRICS}
    street = next(s for s in content["scores"] if s["metric"] == "pixel.mse_street")
    assert street["value"] is None
    with xr.open_dataset(dataset) as stored:
        assert set(stored["model"].values) == {"late", "baseline:frozen", FLOOR, REFERENCE}
        assert stored["series"].dims == ("model", "metric", "case", "time")
        np.testing.assert_allclose(stored["value"], scored.measured["value"])
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["scores.json", "scores.nc"]


def test_what_does_not_fit_is_refused(truth, late, frozen):
    with pytest.raises(InputError, match="arguments may be swapped"):
        evaluate(truth, late)
    elsewhere = rollout(members(7), duration=1.0, kind="generated", case_numbers=[5, 6])
    with pytest.raises(InputError, match="lacks case 5"):
        evaluate(elsewhere, truth)
    short = rollout(members(7), duration=4.0, kind="generated", model="short")
    with pytest.raises(InputError, match="20 frames, 40 are scored"):
        evaluate(late, truth, {"short": short})
    slow = rollout(members(7), duration=DURATION, fps=2.5, kind="generated", model="slow")
    with pytest.raises(InputError, match=r"2\.5 frames/s"):
        evaluate(late, truth, {"slow": slow})
    blind = xr.DataTree.from_dict({"/": late.to_dataset()})
    with pytest.raises(InputError, match="no 'overhead' video"):
        evaluate(blind, truth)
    with pytest.raises(InputError, match="another name"):
        evaluate(late, truth, {"floor": frozen})


def test_a_dream_of_some_of_the_cases_is_scored_on_those(truth, late, scored):
    scores = evaluate(late.isel(case=[1]), truth)
    assert scores.about["cases"] == [1]
    np.testing.assert_allclose(
        scores.measured["value"].sel(model="late", metric=ENSEMBLE).values[:, 0],
        scored.measured["value"].sel(model="late", metric=ENSEMBLE).values[:, 1],
    )


def test_a_case_whose_truth_failed_its_audit_is_left_out_and_named(truth, late):
    failed = np.zeros((CASES, MEMBERS), bool)
    failed[0, 1] = True

    def audited(values):
        copy = truth.copy()
        copy["audit"] = xr.Dataset({"failed": (("case", "realization"), values)})
        return copy

    scores = evaluate(late, audited(failed))
    assert scores.about["failed_cases"] == [0] and scores.about["cases"] == [1]
    assert "1 case failed its audit" in scores.in_words()
    alone = evaluate(late.isel(case=[1]), truth.isel(case=[1]))
    assert scores["water.wet_area_brier"].value == alone["water.wet_area_brier"].value
    assert evaluate(late, audited(np.zeros_like(failed))).about["failed_cases"] == []
    with pytest.raises(InputError, match="failed its audit"):
        evaluate(late, audited(np.ones_like(failed)))


def test_the_drawn_camera_is_the_shipped_one():
    from scenarios.tsunami import Tsunami

    assert json.loads(Tsunami().scene(0, 0).cameras["overhead"].to_json()) == CAMERA
