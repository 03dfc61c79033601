"""Physics-IQ: masks as OpenCV makes them, measures and scores computed a second way."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from physics_iq_films import FPS, FRAMES, noise, slow_masks, square

from evaluation.physics_iq.agreement import (
    WORST,
    Agreement,
    agreement,
    frame_mse,
    mean_agreement,
    spatial_iou,
    spatiotemporal_iou,
    weighted_spatial_iou,
)
from evaluation.physics_iq.blindness import (
    DREAMS,
    MEASURES,
    ONCE,
    Demonstration,
    Scene,
    measure,
    record,
)
from evaluation.physics_iq.blindness_record import write_record
from evaluation.physics_iq.masks import motion_masks
from evaluation.physics_iq.score import original, original_rounded, verified
from evaluation.physics_iq.style import physics_iq_style, physics_iq_style_exact
from evaluation.physics_iq.takes import _masked
from worldsim.errors import InputError

# Masks

def by_opencv(video: np.ndarray) -> np.ndarray:
    return np.array([mask > 0 for _, mask in _masked(iter(video[..., ::-1].copy()))])


@pytest.mark.parametrize("smooth", [0.0, 2.0])
@pytest.mark.parametrize("size", [(64, 64), (61, 97), (37, 5), (3, 3), (3, 40)])
def test_masks_are_opencvs_pixel_for_pixel(size: tuple[int, int], smooth: float) -> None:
    video = noise(1, (30, *size), smooth)
    ours = motion_masks(video)
    assert ours.any() and not ours.all()
    np.testing.assert_array_equal(ours, by_opencv(video))


def test_masks_are_those_of_the_description() -> None:
    video = noise(2, (12, 40, 56), 2.0)
    np.testing.assert_array_equal(motion_masks(video), slow_masks(video))


def test_the_average_is_updated_before_the_difference() -> None:
    """Of a step of s grey levels 0.7 s is left: 14 (9.8, rounded to 10) is not above 10, 15 is."""
    for step, seen in ((14, False), (15, True), (20, True)):
        video = np.full((2, 32, 32, 3), 100, np.uint8)
        video[1] += np.uint8(step)
        assert motion_masks(video)[1].all() == seen == motion_masks(video)[1].any()


def test_a_step_fades_from_the_masks() -> None:
    """After k frames 0.7^k of a step of 100 is left: above 10 for six frames (0.7^6 = 0.118)."""
    video = np.full((12, 16, 16, 3), 50, np.uint8)
    video[1:] = 150
    seen = motion_masks(video)[:, 8, 8]
    np.testing.assert_array_equal(seen, [False] + [True] * 6 + [False] * 5)


def test_specks_are_opened_away_and_gaps_closed() -> None:
    video = np.full((2, 48, 48, 3), 60, np.uint8)
    video[1, 5:7, 5:7] = 255  # blurred to less than 5 x 5
    assert not motion_masks(video).any()
    video[1, 20:40, 10:22] = video[1, 20:40, 24:40] = 255
    assert motion_masks(video)[1, 22:38, 12:38].all()


def test_many_videos_at_once_are_each_as_alone() -> None:
    videos = np.stack([noise(n, (6, 20, 24), 1.0) for n in range(4)]).reshape(2, 2, 6, 20, 24, 3)
    together = motion_masks(videos)
    for place in itertools.product(range(2), range(2)):
        np.testing.assert_array_equal(together[place], motion_masks(videos[place]))


@pytest.mark.parametrize("video", [
    np.zeros((4, 8, 8, 3)), np.zeros((4, 8, 8), np.uint8), np.zeros((0, 8, 8, 3), np.uint8),
    np.zeros((4, 2, 8, 3), np.uint8), np.zeros((4, 8, 8, 4), np.uint8)])
def test_what_is_no_video_is_refused(video: np.ndarray) -> None:
    with pytest.raises(InputError, match="give \\(time, row, column, 3\\) uint8"):
        motion_masks(video)


# Measures

def test_measures_of_an_example_by_hand() -> None:
    first = np.zeros((2, 2, 2), bool)
    second = np.zeros((2, 2, 2), bool)
    first[0, 0] = True           # two pixels of the first frame
    second[0, 0, 0] = second[1, 0, 0] = second[1, 1, 0] = True
    assert spatial_iou(first, second) == pytest.approx(1 / 3)         # {a, b} and {a, c}
    np.testing.assert_allclose(spatiotemporal_iou(first, second), [1 / 2, 0])
    # Frames with motion: 1 1 0 0 and 2 0 1 0.
    assert weighted_spatial_iou(first, second) == pytest.approx(1 / (2 + 1 + 1))
    black, grey = np.zeros((2, 2, 2, 3), np.uint8), np.zeros((2, 2, 2, 3), np.uint8)
    grey[1] = 51
    np.testing.assert_allclose(frame_mse(black, grey), [0, 0.04])
    found = agreement(black, grey, first, second)
    assert found == Agreement(pytest.approx(1 / 3), pytest.approx(0.25), pytest.approx(0.25),
                              pytest.approx(0.02))


def test_empty_masks_agree() -> None:
    nothing = np.zeros((3, 4, 5), bool)
    something = nothing.copy()
    something[1, 2, 3] = True
    assert spatial_iou(nothing, nothing) == weighted_spatial_iou(nothing, nothing) == 1
    np.testing.assert_array_equal(spatiotemporal_iou(nothing, something), [1, 0, 1])
    assert spatial_iou(nothing, something) == weighted_spatial_iou(nothing, something) == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 0.6), st.floats(0, 0.6))
def test_measures_are_those_of_loops(seed: int, dense: float, other: float) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.random((4, 3, 5)) < dense, rng.random((4, 3, 5)) < other
    pixels = list(itertools.product(range(3), range(5)))
    inside = outside = low = high = 0.0
    for place in pixels:
        a, b = first[:, *place], second[:, *place]
        inside += any(a) and any(b)
        outside += any(a) or any(b)
        low += min(sum(a) / 4, sum(b) / 4)
        high += max(sum(a) / 4, sum(b) / 4)
    assert spatial_iou(first, second) == pytest.approx(inside / outside if outside else 1)
    assert weighted_spatial_iou(first, second) == pytest.approx(low / high if high else 1)
    for a, b, found in zip(first, second, spatiotemporal_iou(first, second), strict=True):
        union = sum(bool(a[p] or b[p]) for p in pixels)
        common = sum(bool(a[p] and b[p]) for p in pixels)
        assert found == pytest.approx(common / union if union else 1)
    x, y = (rng.integers(0, 256, (4, 3, 5, 3)).astype(np.uint8) for _ in range(2))
    # The published program's own way: single precision of values from 0 to 1.
    published = [np.mean(((a / 255.0).astype(np.float32) - (b / 255.0).astype(np.float32)) ** 2)
                 for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(frame_mse(x, y), published, atol=1e-6)


def test_values_per_frame_are_rounded_before_they_are_averaged() -> None:
    black = np.zeros((2, 10, 10, 3), np.uint8)
    faint = black.copy()
    faint[0, 0, :3, :] = 10    # 9 values of 10 / 255 among 300: 4.6e-5, rounded to 0
    faint[1, 0, :5, :] = 10    # 15: 7.7e-5, rounded to 1e-4
    masks = np.zeros((2, 10, 10), bool)
    assert agreement(black, faint, masks, masks).mse == pytest.approx(5e-5)


@pytest.mark.parametrize("change", [
    lambda m: m[:-1], lambda m: m[:, :-1], lambda m: m.astype(np.uint8), lambda m: m[:0]])
def test_masks_that_do_not_fit_are_refused(change) -> None:
    masks = np.ones((3, 4, 5), bool)
    with pytest.raises(InputError):
        spatiotemporal_iou(masks if len(change(masks)) else masks[:0], change(masks))


# Scores

EXAMPLE = Agreement(spatial=0.3, spatiotemporal=0.2, weighted_spatial=0.25, mse=0.02)
VARIANCE = Agreement(spatial=0.6, spatiotemporal=0.5, weighted_spatial=0.5, mse=0.01)


def test_scores_of_an_example_by_hand() -> None:
    # (0.2 / 0.5 + 0.3 / 0.6 + 0.25 / 0.5) / 3 - (0.02 - 0.01) = 1.4 / 3 - 0.01
    assert original(EXAMPLE, VARIANCE) == pytest.approx(100 * (1.4 / 3 - 0.01))
    parts = verified(EXAMPLE, VARIANCE)
    assert dataclasses.astuple(parts) == pytest.approx((0.5, 0.4, 0.5, 0.5), abs=1e-5)
    assert parts.score == pytest.approx(100 * 1.9 / 4, abs=1e-3)


def test_a_second_take_as_dream_scores_100() -> None:
    assert original(VARIANCE, VARIANCE) == pytest.approx(100)
    assert verified(VARIANCE, VARIANCE).score == pytest.approx(100, abs=1e-3)


def test_scores_are_clipped() -> None:
    better = Agreement(1.0, 1.0, 1.0, 0.0)
    assert original(better, VARIANCE) == 100
    assert verified(better, VARIANCE).score == 100
    assert original(WORST, VARIANCE) == 0
    assert verified(WORST, VARIANCE).score == pytest.approx(0.25, abs=1e-3)  # of MSE 0.01 / 1


def test_where_takes_never_meet() -> None:
    apart = Agreement(0.0, 0.0, 0.0, 0.0)
    assert math.isnan(original(apart, apart))
    assert original(dataclasses.replace(apart, spatial=0.1, spatiotemporal=0.1,
                                        weighted_spatial=0.1), apart) == 100
    assert dataclasses.astuple(verified(apart, apart)) == (0, 0, 0, 1)
    assert verified(EXAMPLE, apart).mse == pytest.approx(1e-8 / 0.02)


def test_the_first_programs_roundings() -> None:
    fine = Agreement(0.333336, 0.33336, 0.33336, 0.00004)
    by_hand = (0.2 / 0.3334 + 0.3 / 0.33334 + 0.25 / 0.3334) / 3 - (0.02 - 0.0)
    assert original_rounded(EXAMPLE, fine) == round(100 * by_hand, 2)
    assert original_rounded(EXAMPLE, fine) != round(original(EXAMPLE, fine), 2)


def test_means_are_taken_before_the_originals_ratio_and_after_verifieds() -> None:
    dreams = [Agreement(0.1, 0.1, 0.1, 0.0), Agreement(0.9, 0.9, 0.9, 0.0)]
    takes = [Agreement(0.1, 0.1, 0.1, 0.0), Agreement(0.5, 0.5, 0.5, 0.0)]
    assert original(mean_agreement(dreams), mean_agreement(takes)) == 100
    harder = [Agreement(0.5, 0.5, 0.5, 0.0), Agreement(0.1, 0.1, 0.1, 0.0)]
    # Original: 0.3 / 0.3 hides that one of both is bad; Verified: (1 + 0.2) / 2 of each IoU.
    assert original(mean_agreement(harder), mean_agreement(takes)) == pytest.approx(100)
    mean = np.mean([verified(d, t).score for d, t in zip(harder, takes, strict=True)])
    assert mean == pytest.approx(100 * (3 * 0.6 + 1) / 4, abs=1e-3)


# On scenes of ours

def test_identical_videos_score_100() -> None:
    truth, other = square(4, 3), square(6, 3)
    found = physics_iq_style(truth, truth, other, FPS)
    assert (found["SP"], found["ST"], found["WS"], found["MSE"]) == (1, 1, 1, 0)
    assert found["original"] == found["verified"] == 100
    assert found["SP_variance"] < 1 and found["MSE_variance"] > 0
    assert physics_iq_style(other, truth, other, FPS)["original"] == pytest.approx(100)


def test_style_is_the_published_arithmetic() -> None:
    dream, a, b = square(4, 2), square(4, 3), square(5, 3)
    found = physics_iq_style(dream, a, b, FPS)
    masks = [by_opencv(film) for film in (dream, a, b)]
    exact = physics_iq_style_exact(dream, a, b, *masks, FPS)
    assert found == exact
    mine, theirs = agreement(a, dream, masks[1], masks[0]), agreement(a, b, masks[1], masks[2])
    assert found["original"] == original(mine, theirs)
    assert found["verified"] == verified(mine, theirs).score
    assert 0 < found["original"] < 100


def test_only_five_seconds_count() -> None:
    dream, a, b = square(4, 2, frames=30), square(4, 3, frames=30), square(5, 3, frames=30)
    wrong = dream.copy()
    wrong[FRAMES:] = 255
    assert physics_iq_style(wrong, a, b, FPS) == physics_iq_style(dream, a, b, FPS)
    assert physics_iq_style(wrong, a, b, 6) != physics_iq_style(dream, a, b, 6)


def test_a_frozen_dream_has_no_motion() -> None:
    truth = square(4, 3)
    frozen = np.repeat(truth[:1], len(truth), axis=0)
    found = physics_iq_style(frozen, truth, truth, FPS)
    assert (found["SP"], found["WS"]) == (0, 0)
    assert 0 < found["ST"] < 0.3  # of frames in which nothing moves anywhere
    assert found["original"] < 10


def test_exact_masks_see_what_motion_masks_do_not() -> None:
    """A square that stands still has no motion mask, wherever it stands."""
    truth, dream = square(10, 0), square(60, 0)
    assert physics_iq_style(dream, truth, truth, FPS)["SP"] == 1
    covered = [(film == 220).all(axis=-1) for film in (dream, truth, truth)]
    found = physics_iq_style_exact(dream, truth, truth, *covered, FPS)
    assert (found["SP"], found["ST"], found["WS"]) == (0, 0, 0)


def test_films_and_masks_must_fit() -> None:
    film = square(4, 3)
    with pytest.raises(InputError, match="one shape"):
        physics_iq_style(film[:, :-2], film, film, FPS)
    with pytest.raises(InputError, match=r"at least 0\.2"):
        physics_iq_style(film, film, film, 0)
    mask = np.zeros(film.shape[:-1], bool)
    with pytest.raises(InputError, match="bool"):
        physics_iq_style_exact(film, film, film, mask, mask, mask.astype(int), FPS)


# What it misses

def test_what_masks_miss_instruments_read(tmp_path: Path) -> None:
    """Of a ball at half gravity: half the acceleration is read, most of the score is kept."""
    found = measure(Demonstration(cases=1, duration=1.2), Scene("falls", ONCE))
    means = {name: {key: values[key].mean() for key in MEASURES}
             for name, values in found.items()}
    for name, share in (("frozen", 0), ("mujoco:gravity=1.81", 1.81 / 9.80665),
                        ("mujoco:gravity=-50%", 0.5), ("mujoco", 1)):
        assert means[name]["acceleration"] == pytest.approx(share, abs=0.02)
    scores = [means[name]["exact"] for name in DREAMS]
    assert scores == sorted(scores) and scores[-1] == pytest.approx(100, abs=0.5)
    assert means["mujoco:gravity=-50%"]["exact"] > 60
    # A tenth of a pixel is 0.005 m.
    off = [means[name]["position"] for name in DREAMS]
    assert off == sorted(off, reverse=True) and off[2] > 0.1 and off[-1] < 0.005
    one = found["frozen"]
    assert (one["SP"] == 0).all() and (one["WS"] == 0).all()
    scene = record(found)
    assert scene["without_mask"] == 0
    assert scene["dreams"]["frozen"]["acceleration"]["interval"] is None  # one case gives none
    paths = write_record(tmp_path, {
        "command": "x", "settings": {"cases": 1, "scenario": "free_fall", "duration": 1.2},
        "interval": {"level": 0.95}, "scenes": {"one ball": scene},
        "measures": {key: {"what": what, "unit": unit} for key, (what, unit) in MEASURES.items()},
    })
    assert [path.suffix for path in paths] == [".json", ".md", ".png"]
    assert "| `mujoco:gravity=-50%` | gravity halved |" in paths[1].read_text()
    stored = json.loads(paths[0].read_text())["scenes"]["one ball"]
    assert stored["dreams"]["mujoco"]["data_set"] > 99
