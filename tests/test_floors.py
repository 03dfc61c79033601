"""Floors: their statistics, codecs, errors, records, and one measured through."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from evaluation.floors import measuring, stored
from evaluation.floors.codecs import bottleneck, h264
from evaluation.floors.intervals import quantile, ratio
from evaluation.floors.measuring import Measured, Setting, measure
from evaluation.floors.quantities import QUANTITIES, floors_of
from evaluation.floors.record import as_data, from_data, page
from evaluation.floors.tracked import TALLY, count_errors, space_errors
from worldsim.camera.projection import Camera
from worldsim.instruments.matching import track_errors
from worldsim.scenario import list_scenarios

pytestmark = pytest.mark.usefixtures("one_thread")


def test_quantiles_are_of_all_values_together_and_infinity_is_one() -> None:
    found = quantile([np.arange(1.0, 51), np.arange(51.0, 100), np.array([math.inf])], 0.5)
    assert found is not None
    assert (found.value, found.count, found.cases, found.low) == (50.0, 100, 3, None)
    last = quantile([np.arange(1.0, 51), np.arange(51.0, 100), np.array([math.inf])], 0.995)
    assert last is not None and math.isinf(last.value)
    assert quantile([np.zeros(0)], 0.5) is None


def test_intervals_resample_cases_not_instants() -> None:
    # Cases that differ, of instants that do not: more instants tell nothing more.
    values = np.random.default_rng(0).normal(1, 0.2, 40)
    short = quantile([np.full(3, one) for one in values], 0.5)
    long = quantile([np.full(300, one) for one in values], 0.5)
    assert short is not None and long is not None
    assert (short.low, short.high) == (long.low, long.high)
    assert short.low is not None and short.high is not None
    assert 0.02 < short.high - short.low < 0.3 and short.low < 1.0 < short.high


def test_ratios_add_up_and_need_something_to_count() -> None:
    found = ratio([1, 0, 2], [10, 10, 10])
    assert found is not None and found.value == pytest.approx(0.1) and found.count == 30
    assert ratio([0, 0], [0, 0]) is None


def film(frames: int, seed: int) -> np.ndarray:
    """A disc on a slope of grey."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:32, :32] + 0.5
    start, speed = rng.uniform(8, 24, 2), rng.uniform(-0.8, 0.8, 2)
    shown = np.empty((frames, 32, 32, 3), dtype=np.uint8)
    for number in range(frames):
        place = start + number * speed
        away = np.hypot(rows - place[0], columns - place[1])
        share = np.clip(4.5 - away, 0, 1)[..., None]
        shown[number] = (1 - share) * (120 + 2 * rows[..., None]) + share * [214, 40, 40]
    return shown


def test_h264_keeps_the_shape_and_loses_the_more_the_coarser_it_is() -> None:
    frames = film(12, 0)[:, :31, :29]  # odd sizes come back as they were
    error = []
    for crf in (18, 28, 40):
        read = h264(20.0, crf)(frames)
        assert read.shape == frames.shape and read.dtype == np.uint8
        error.append(np.abs(read.astype(float) - frames).mean())
    assert 0 < error[0] < error[1] < error[2] < 20


def test_the_bottleneck_returns_what_it_was_fitted_to_better_than_what_it_never_saw() -> None:
    through = bottleneck([film(10, seed) for seed in range(6)])

    def error(frames: np.ndarray) -> float:
        read = through(frames)
        assert read.shape == frames.shape and read.dtype == np.uint8
        return float(np.sqrt(((read.astype(float) - frames) ** 2).mean()))

    like, noise = film(7, 9), np.random.default_rng(0).integers(0, 255, (7, 32, 32, 3), np.uint8)
    assert error(like) < 12.0 < 40.0 < error(noise)


DIMS = ("case", "realization", "time", "object")


def crossing(colours: list[tuple[int, int, int]]) -> tuple[xr.Dataset, xr.Dataset]:
    """Two parts that meet and part; tracks that exchange them where they meet."""
    time = np.arange(21)
    across = np.stack([np.abs(time - 10) * -2.0 + 40, np.abs(time - 10) * 2.0 + 46], axis=1)
    place = np.stack([np.full_like(across, 32.0), across], axis=-1)[None, None]
    state = xr.Dataset({
        "position": ((*DIMS, "rc"), place), "velocity": ((*DIMS, "rc"), np.ones_like(place)),
        "visible": (DIMS, np.ones(place.shape[:-1])),
        "seen": (DIMS, np.ones(place.shape[:-1], dtype=bool)),
        "extent": ((*DIMS, "rc"), np.full(place.shape, 6.0)),
        "colour": (("case", "object", "rgb"), np.array([colours], dtype=float)),
    }, coords={"time": time / 20.0})
    swapped = place.copy()
    swapped[:, :, 11:] = place[:, :, 11:, ::-1]
    tracks = state.assign(position=((*DIMS, "rc"), swapped),
                          found=(("case", "realization", "object"), np.ones((1, 1, 2), bool)))
    return tracks, state


def test_who_looks_alike_may_be_exchanged_where_they_touch_and_others_not() -> None:
    red, blue = (214, 40, 40), (36, 84, 214)
    alike, apart = (track_errors(*crossing(some)) for some in ([red, red], [red, blue]))
    assert (alike.switches, apart.switches) == (0, 2)
    assert alike.passes == apart.passes == 1
    assert np.median(apart.position) == 0 and apart.missed == 0


def test_counts_may_miss_what_is_small_or_hidden_but_nothing_else() -> None:
    _, state = crossing([(1, 2, 3), (4, 5, 6)])
    state["extent"].values[0, 0, :5, 0] = 2.0  # too small to have to be seen
    read = np.array([1] * 5 + [2] * 10 + [1] * 3 + [4] * 3)
    off = count_errors(read, state)
    assert off.tolist() == [0.0] * 15 + [0.5] * 3 + [1.0] * 3


def test_two_views_give_back_the_middle_of_a_part_that_turns_with_its_body() -> None:
    views = (Camera("a", "orthographic", (0, -5, 0), (0, 0, 0), (0, 0, 1), height_m=4.0),
             Camera("b", "perspective", (4, -4, 2), (0, 0, 0), (0, 0, 1), fov_y_deg=40.0))
    half = math.sqrt(0.5)  # a quarter turn about z takes x to y
    truth = xr.DataTree.from_dict({
        "bodies": xr.Dataset({
            "position": (("c", "r", "time", "body", "xyz"), np.array([[[[[0.1, 0.2, 0.3]]]]])),
            "quaternion": (("c", "r", "time", "body", "wxyz"),
                           np.array([[[[[half, 0.0, 0.0, half]]]]]))}),
        "parts": xr.Dataset({"body": (("c", "part"), np.array([[0]])),
                             "offset": (("c", "part", "xyz"), np.array([[[0.5, 0.0, 0.0]]]))}),
    })
    state = xr.Dataset({"part": (("case", "object"), np.array([[0]]))}, coords={"time": [0.0]})
    middle = np.array([[0.1, 0.7, 0.3]])
    seen = [np.stack(view.project(middle, (64, 64))[:2], axis=-1)[:, None] for view in views]
    off = space_errors(truth, state, (seen[0], seen[1]), views, (64, 64))
    assert off.shape == (1,) and off[0] < 1e-6


ONE = (Setting(64, 0, ("raw", "crf 18"), 1),)


def test_a_scenario_is_measured_once_and_meets_its_goals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = list(measure("free_fall", tmp_path, ONE))
    assert [one.codec for one in first] == ["raw", "crf 18"]
    found = {(row.codec, row.quantity): row.value for row in floors_of(first)}
    assert found["raw", "tracks.position"] < 0.1 < 1.0 > found["raw", "tracks.position_p99"]
    assert found["raw", "gravity.effective"] < 0.01
    assert found["raw", "tracks.position"] < found["crf 18", "tracks.position"] < 0.25

    def never(*_: object, **__: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(measuring, "track", never)
    again = list(measure("free_fall", tmp_path, ONE))
    assert floors_of(again) == floors_of(first)
    monkeypatch.setattr(measuring, "INSTRUMENTS", "others")
    with pytest.raises(AssertionError, match="measured again"):
        list(measure("free_fall", tmp_path, ONE))


def test_records_read_back_and_say_what_was_never_seen() -> None:
    position = np.array([0.1] * 50 + [math.inf] * 50)
    tally = np.zeros(len(TALLY))
    one = Measured("free_fall", 1, "side", 64, "raw", "abc",
                   ({"position": position, "tally": tally},))
    rows = floors_of([one])
    assert [row.quantity for row in rows] == ["tracks.position", "tracks.position_p99"]
    assert [row.met for row in rows] == [True, False]
    assert from_data(as_data(rows, "command")) == rows
    assert "∞" in page(rows, "command")


def test_the_stored_floors_are_of_installed_scenarios_and_known_quantities() -> None:
    rows = stored()
    assert {row.scenario for row in rows} <= set(list_scenarios())
    assert {row.quantity for row in rows} <= {quantity.name for quantity in QUANTITIES}
    chosen = stored(scenario="free_fall", quantity="tracks.position", rows=64, codec="raw")
    assert {row.camera for row in chosen} == {"side", "corner"}
    assert all(row.value < 0.25 and row.met for row in chosen)
