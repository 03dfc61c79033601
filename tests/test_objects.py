"""Objects in metres: whose track is whose, and what state and video say of the same thing."""

import hypothesis.strategies as st
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from object_scenes import HEIGHT, PITCH, dataset
from painted_discs import COLOURS, painted

from evaluation.metrics import trajectory
from evaluation.metrics.metric import Sample
from evaluation.metrics.pairs import pairs_of
from evaluation.objects import objects_state, objects_video
from evaluation.ownership import owners
from worldsim.scenario import scenario_class
from worldsim.simulator.world import simulate

ROWS = round(HEIGHT / PITCH)
RED, BLUE, GREEN, YELLOW = (np.array(c, float) for c in COLOURS)
FRAMES, CONTEXT = 12, 3


def tracks(paths: list[tuple[np.ndarray, np.ndarray]]) -> xr.Dataset:
    """Tracks of one member: (places (time, 2) px or NaN, colour) of each."""
    place = (np.stack([p for p, _ in paths], axis=1) if paths
             else np.zeros((FRAMES, 0, 2)))[None, None]
    dims = ("case", "realization", "time", "object")
    return xr.Dataset(
        {"position": ((*dims, "rc"), place), "seen": (dims, np.isfinite(place).all(-1)),
         "colour": (("case", "realization", "object", "rgb"),
                    np.array([c for _, c in paths], float).reshape(1, 1, -1, 3))},
        attrs={"rows": ROWS, "columns": ROWS})


def state(paths: list[tuple[np.ndarray, np.ndarray]]) -> xr.Dataset:
    """The same as objects of the truth; places that are NaN are not shown."""
    rc = np.stack([p for p, _ in paths], axis=1)[None, None]
    place = np.stack([(rc[..., 1] - ROWS / 2) * PITCH, (ROWS / 2 - rc[..., 0]) * PITCH], axis=-1)
    return dataset(place, np.zeros_like(place), colour=(
        ("case", "object", "rgb"), np.array([c for _, c in paths], float)[None]))


def path(row: float, column: float, frames: range = range(FRAMES), speed: float = 0.0):
    """(time, 2) px, seen in some frames only."""
    place = np.full((FRAMES, 2), np.nan)
    for k in frames:
        place[k] = row, column + speed * k
    return place


def given_to(dream: list, truth: list) -> tuple[list[list[int]], list[int]]:
    """Which track each object has in each frame, and how often it changed."""
    owner, breaks = owners(tracks(dream), state(truth), CONTEXT, PITCH)
    return owner[0, 0].T.tolist(), breaks[0, 0].tolist()


TWO = [(path(20, 20), RED), (path(40, 40), BLUE)]


def test_tracks_in_another_order_are_told_by_place_and_colour():
    assert given_to(TWO[::-1], TWO) == ([[1] * FRAMES, [0] * FRAMES], [0, 0])


def test_a_dream_in_other_colours_is_told_by_place():
    dream = [(path(40, 41), YELLOW), (path(20, 21), GREEN)]
    assert given_to(dream, TWO)[0] == [[1] * FRAMES, [0] * FRAMES]


def test_a_dream_in_other_places_is_told_by_colour():
    dream = [(path(50, 50), RED), (path(5, 55), BLUE)]
    assert given_to(dream, TWO)[0] == [[0] * FRAMES, [1] * FRAMES]


def test_objects_that_begin_exchanged_keep_their_colours():
    near = [(path(30, 28), RED), (path(30, 36), BLUE)]
    exchanged = [(path(30, 36), RED), (path(30, 28), BLUE)]
    assert given_to(exchanged, near)[0] == [[0] * FRAMES, [1] * FRAMES]


def test_what_is_lost_and_found_again_is_the_same_object_and_a_break():
    dream = [(path(20, 20, range(5)), RED), (path(40, 40), BLUE), (path(22, 24, range(8, 12)), RED)]
    own, breaks = given_to(dream, TWO)
    assert own[0] == [0] * 5 + [-1] * 3 + [2] * 4 and breaks == [1, 0]
    other = [*dream[:2], (dream[2][0], GREEN)]
    own, breaks = given_to(other, TWO)
    assert own[0] == [0] * 5 + [-1] * 7 and breaks == [0, 0]


def test_of_two_that_are_lost_each_gets_the_nearer_heir():
    truth = [(path(20, 20), RED), (path(40, 40), RED)]
    dream = [(path(20, 20, range(5)), RED), (path(40, 40, range(5)), RED),
             (path(40, 42, range(7, 12)), RED), (path(20, 22, range(7, 12)), RED)]
    own, breaks = given_to(dream, truth)
    assert [row[-1] for row in own] == [3, 2] and breaks == [1, 1]


def test_what_comes_into_view_later_gets_the_track_that_does():
    truth = [*TWO, (path(10, 60, range(6, 12)), GREEN)]
    late = (path(11, 58, range(8, 12)), GREEN)
    own, breaks = given_to([late, *TWO], truth)
    assert own == [[1] * FRAMES, [2] * FRAMES, [-1] * 8 + [0] * 4] and breaks == [0, 0, 0]
    # One that is not shown yet takes no track of the known frames from another.
    hidden = [(path(20, 20, range(6, 12)), BLUE), TWO[0]]
    assert given_to([TWO[0]], hidden)[0] == [[-1] * FRAMES, [0] * FRAMES]


def test_empty_slots_and_missing_tracks():
    nothing = (np.full((FRAMES, 2), np.nan), np.full(3, np.nan))
    own, breaks = given_to([TWO[1]], [nothing, *TWO])
    assert own == [[-1] * FRAMES, [-1] * FRAMES, [0] * FRAMES] and breaks == [0, 0, 0]
    assert given_to([], [nothing, *TWO]) == ([[-1] * FRAMES] * 3, [0] * 3)
    assert given_to(TWO, [nothing]) == ([[-1] * FRAMES], [0])


def some_paths(rng: np.random.Generator, count: int) -> list:
    """Seen from some frame to some other, three colours, no two places alike."""
    drawn = []
    for _ in range(count):
        first = int(rng.integers(0, 7))
        span = range(first, int(rng.integers(first + 1, FRAMES + 1)))
        drawn.append((path(*rng.uniform(2, 60, 2), span, 0.1), (RED, BLUE, GREEN)[rng.integers(3)]))
    return drawn


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 5), st.integers(1, 5))
def test_order_of_objects_and_tracks_only_renames(seed, seen, shown):
    rng = np.random.default_rng(seed)
    dream, truth = some_paths(rng, seen), some_paths(rng, shown)
    own, breaks = owners(tracks(dream), state(truth), CONTEXT, PITCH)
    objects, numbers = rng.permutation(shown), rng.permutation(seen)
    turned, turned_breaks = owners(tracks([dream[n] for n in numbers]),
                                   state([truth[n] for n in objects]), CONTEXT, PITCH)
    renamed = np.append(numbers, -1)[turned]
    np.testing.assert_array_equal(renamed, own[..., objects])
    np.testing.assert_array_equal(turned_breaks, breaks[..., objects])
    # A track is nobody else's at the same time, and is seen where it is somebody's.
    for k in range(FRAMES):
        held = [n for n in own[0, 0, k] if n >= 0]
        assert len(held) == len(set(held))
        assert all(np.isfinite(dream[n][0][k]).all() for n in held)


def video(frames: np.ndarray, fps: float = 20.0) -> xr.Dataset:
    """(time, row, column, 3) as a member."""
    return xr.Dataset(
        {"rgb": (("case", "realization", "time", "row", "column", "channel"), frames[None, None])},
        coords={"case": [10], "realization": [0], "time": np.arange(len(frames)) / fps},
        attrs={"fps": fps})


@pytest.fixture(scope="module")
def bounce() -> tuple[xr.Dataset, dict[str, xr.Dataset]]:
    """A red disc that bounces off nothing at 0.525 s, and a blue one that goes by; the truth has
    the blue one first, and an empty slot. A yellow one is there besides from frame 8 on."""
    at = np.arange(20) / 20
    red = np.stack([44 - 30 * np.abs(at - 0.525), np.full(20, 20.0)], axis=-1)
    blue = np.stack([np.full(20, 12.0), 30 + 24 * at], axis=-1)
    yellow = np.where(np.arange(20)[:, None] >= 8, [50.0, 50.0], np.nan)
    frames = painted(np.stack([red, blue, yellow], axis=1), 4.0, ROWS,
                     colours=(COLOURS[0], COLOURS[1], COLOURS[3]))
    nothing = np.full((20, 2), np.nan)
    truth = state([(blue, BLUE), (nothing, np.full(3, np.nan)), (red, RED)])
    return truth, objects_video(video(frames), truth, CONTEXT, HEIGHT)


def test_a_video_is_read_in_metres(bounce):
    truth, read = bounce
    seen = read["objects"]
    assert seen.attrs == truth.attrs == {"pitch": PITCH, "height": HEIGHT}
    assert seen["seen"].isel(case=0, realization=0).all("time").values.tolist() == [
        True, False, True]
    off = seen["position"] - truth["position"]
    assert abs(off).isel(object=[0, 2]).max() < 0.1 * PITCH
    assert seen["position"].isel(object=1).isnull().all()
    # Blue goes to the right at 24 px/s; red comes down the rows, which is up, and back.
    speed = seen["velocity"].isel(case=0, realization=0)
    np.testing.assert_allclose(speed.isel(time=4, object=0), [24 * PITCH, 0.0], atol=0.02)
    np.testing.assert_allclose(speed.isel(time=4, object=2), [0.0, -30 * PITCH], atol=0.05)
    np.testing.assert_allclose(speed.isel(time=16, object=2), [0.0, 30 * PITCH], atol=0.05)
    np.testing.assert_allclose(
        seen["area"].isel(object=[0, 2]), np.pi * 16 * PITCH**2, rtol=0.05)


def test_strays_have_places(bounce):
    seen = bounce[1]["objects"].isel(case=0, realization=0)
    assert seen["strays"].values.tolist() == [0] * 8 + [1] * 12
    assert seen["count"].values.tolist() == [2] * 8 + [3] * 12
    place = seen["astray"].isel(stray=0).values
    assert np.isnan(place[:8]).all()
    np.testing.assert_allclose(place[8:], (np.array([50, 14]) - 32) * PITCH * np.ones((12, 2)),
                               atol=0.1 * PITCH)


def test_contacts_carry_the_numbers_of_the_truth(bounce):
    hits = bounce[1]["contacts"].isel(case=0, realization=0).dropna("event")
    assert hits["time"].values == pytest.approx([0.525], abs=0.01)
    assert hits["object_a"].values.tolist() == [2] and hits["object_b"].values.tolist() == [-1]
    assert hits["jump"].values == pytest.approx([60 * PITCH], rel=0.05)


def test_a_video_of_nothing_has_objects_that_are_never_seen(bounce):
    truth = bounce[0]
    blank = painted(np.full((20, 1, 2), np.nan), 4.0, ROWS)
    read = objects_video(video(blank), truth, CONTEXT, HEIGHT)
    seen = read["objects"]
    assert not seen["seen"].any() and (seen["count"] == 0).all() and (seen["strays"] == 0).all()
    assert seen.sizes["object"] == 3 and seen.sizes["stray"] == 0
    assert read["contacts"]["time"].isnull().all()
    judged = truth.assign(judged=truth["seen"], mass=truth["area"].isel(time=0))
    s = Sample(xr.DataTree.from_dict(read), xr.DataTree.from_dict({"objects": judged}),
               context=CONTEXT)
    pair = pairs_of(s)[0][0]
    np.testing.assert_array_equal(pair.placed[:, 0], judged["position"].values[0, 0, :1, 0] * (
        np.ones((20, 1))))  # where it was at the start
    ade = {m.name: m for m in trajectory.METRICS}["trajectory.ade"].compute(s)
    assert np.isfinite(ade).all() and ade.isel(time=-1) > 0.4


def test_states_are_in_metres_of_the_picture():
    cls = scenario_class("free_fall")
    truth = simulate([cls(count=2, height=1.0, gravity=8.0)], realizations=1, seed=1,
                     case_numbers=[0], duration=0.8)
    at = np.arange(16) / 20
    read = objects_state(truth, "side", (64, 64), at)
    objects = read["objects"].isel(case=0, realization=0, object=0)
    fall = objects["position"].sel(xy="y") - objects["position"].sel(xy="y").isel(time=0)
    np.testing.assert_allclose(fall[:10], -4.0 * at[:10] ** 2, atol=2e-3)
    np.testing.assert_allclose(objects["velocity"].sel(xy="y")[:10], -8.0 * at[:10], atol=2e-2)
    np.testing.assert_allclose(objects["velocity"].sel(xy="x"), 0.0, atol=1e-3)
    np.testing.assert_allclose(objects["area"], np.pi * 0.2**2, rtol=2e-2)
    assert np.isnan(objects["orientation"]).all()
    body = int(objects["body"])
    assert objects["mass"] == pytest.approx(float(truth["bodies"]["mass"].values[0, 0, body]))
    hits = read["contacts"].isel(case=0, realization=0)
    first = hits.isel(event=np.flatnonzero(hits["object_a"] == 0)[0]) if (
        (hits["object_a"] == 0).any()) else hits.isel(event=np.flatnonzero(
            hits["object_b"] == 0)[0])
    assert float(first["time"]) == pytest.approx(0.5, abs=2e-3)
    assert float(first["jump"]) == pytest.approx(1.75 * 4.0, rel=0.05)


def test_what_is_long_has_an_axis():
    cls = scenario_class("dominoes")
    truth = simulate([cls()], realizations=1, seed=1, case_numbers=[0], duration=0.1)
    read = objects_state(truth, "side", (64, 64), np.array([0.0]))["objects"]
    upright = read["orientation"].values[np.isfinite(read["orientation"].values)]
    assert len(upright) >= 3
    assert np.median(upright) == pytest.approx(np.pi / 2, abs=0.05)
