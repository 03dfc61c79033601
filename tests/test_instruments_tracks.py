"""Tracks of painted discs: where they are is known from the painting."""

import numpy as np
import pytest
import xarray as xr
from painted_discs import COLOURS, painted

from worldsim.errors import InputError
from worldsim.instruments import Tracks, count_objects, events, observe, track
from worldsim.instruments.events import Event
from worldsim.rollout import video_dataset
from worldsim.video_file import write_mp4
from worldsim.video_reading import read_mp4

ALIKE = (COLOURS[0],) * 30


def of_colours(tracks: xr.Dataset, colours=COLOURS) -> np.ndarray:
    """Positions (time, disc, 2) in the order of the colours."""
    worn = tracks["colour"].values[0, 0]
    order = [int(np.nanargmin(np.abs(worn - one).sum(-1))) for one in colours]
    return tracks["position"].values[0, 0][:, order]


def straight(frames: int, start, speed) -> np.ndarray:
    return np.array(start, float) + np.array(speed, float) * np.arange(frames)[:, None, None]


@pytest.mark.parametrize("size", [64, 160])
def test_shaded_discs_are_found_to_a_fraction_of_a_pixel(size):
    places = size * straight(20, [[0.2, 0.2], [0.5, 0.75], [0.8, 0.3]],
                             [[0.004, 0.013], [0.0, -0.011], [-0.01, 0.009]])
    tracks = track(painted(places, 0.06 * size, size), fps=20)
    assert tracks.sizes["object"] == 3 and tracks["seen"].all()
    error = np.linalg.norm(of_colours(tracks, COLOURS[:3]) - places, axis=-1)
    assert np.median(error) < 0.06 and error.max() < 0.15
    true_area = np.pi * (0.06 * size) ** 2
    np.testing.assert_allclose(tracks["area"], true_area, rtol=0.05)
    np.testing.assert_allclose(tracks["extent"], 0.12 * size, rtol=0.05)
    assert np.isnan(tracks["orientation"]).all() and np.isnan(tracks["kink"]).all()
    off = of_colours(tracks.assign(position=tracks["velocity"]), COLOURS[:3]) / 20 / size
    speed = np.diff(places, axis=0)[:1] / size
    assert np.median(np.abs(off - speed)) < 0.01 * np.ptp(speed)


def test_h264_moves_discs_by_a_tenth_of_a_pixel(tmp_path):
    places = straight(24, [[10, 12], [40, 50]], [[0.4, 1.3], [0.5, -1.1]])
    path = write_mp4(tmp_path / "v.mp4", painted(places, 3.5, 64), 20, crf=18)
    frames, fps = read_mp4(path)
    error = np.linalg.norm(of_colours(track(frames, fps), COLOURS[:2]) - places, axis=-1)
    assert np.median(error) < 0.15 and np.quantile(error, 0.99) < 0.6


def test_a_disc_half_behind_a_screen_is_where_its_whole_is():
    places = straight(40, [[30.0, 8.0]], [[0.0, 1.2]])
    tracks = track(painted(places, 5.0, 64, screen=(28, 42)), fps=20)
    assert tracks.sizes["object"] == 1
    position, seen = tracks["position"].values[0, 0, :, 0], tracks["seen"].values[0, 0, :, 0]
    hidden = (places[:, 0, 1] > 33.2) & (places[:, 0, 1] < 36.8)
    assert hidden.any() and not seen[hidden].any() and np.isnan(position[hidden]).all()
    half = tracks["visible"].values[0, 0, :, 0] > 0.5
    cut = half & (tracks["visible"].values[0, 0, :, 0] < 0.93)
    error = np.linalg.norm(position - places[:, 0], axis=-1)
    assert cut.sum() >= 4 and error[cut].max() < 0.5 and error[half].max() < 0.5
    # The part that is seen alone would be more than that off.
    assert seen[-1] and seen[0]


def test_discs_of_one_look_keep_their_identities_through_a_collision():
    frames = np.arange(40)
    column = np.stack([12 + 1.0 * frames, 52 - 1.0 * frames], axis=-1)
    met = 28.5 - 12  # centres 7 px apart
    bounced = frames[:, None] > met
    column = np.where(bounced, np.stack([12 + 2 * met - frames, 52 - 2 * met + frames], -1), column)
    places = np.stack([np.full((40, 2), [30.0, 30.4]), column], axis=-1)
    tracks = track(painted(places, 3.5, 64, colours=ALIKE), fps=20)
    assert tracks.sizes["object"] == 2
    error = np.linalg.norm(tracks["position"].values[0, 0] - places, axis=-1)
    assert error.max() < 0.3
    found = events(tracks)
    assert found["count"].item() == 1
    assert int(found["kind"][0, 0, 0]) == list(Event).index(Event.COLLISION)
    assert abs(float(found["time"][0, 0, 0]) * 20 - met) < 0.5
    assert {int(found["object_a"][0, 0, 0]), int(found["object_b"][0, 0, 0])} == {0, 1}


def test_a_disc_in_front_of_another_does_not_take_its_place():
    places = straight(40, [[30.0, 8.0], [34.0, 55.0]], [[0.0, 1.2], [0.0, -1.2]])
    tracks = track(painted(places, 5.0, 64), fps=20)
    error = np.linalg.norm(of_colours(tracks, COLOURS[:2]) - places, axis=-1)
    whole = np.abs(places[:, 0, 1] - places[:, 1, 1]) > 6
    assert error[:, 1].max() < 0.3  # in front
    assert np.nanmax(error[whole, 0]) < 0.5


def test_what_never_moves_is_found_by_its_colour():
    places = straight(6, [[20.0, 20.0], [44.2, 40.7]], [[0.0, 0.0], [0.0, 0.0]])
    tracks = track(painted(places, 4.0, 64, square=True), fps=10)
    error = np.linalg.norm(of_colours(tracks, COLOURS[:2]) - places, axis=-1)
    assert error.max() < 0.2
    assert np.abs(tracks["velocity"]).max() < 1e-6
    assert events(tracks)["count"].item() == 0


def test_one_frame_has_places_but_no_velocities():
    tracks = track(painted(straight(1, [[20.3, 31.6]], [[0, 0]]), 4.0, 64), fps=10)
    assert tracks["seen"].all() and np.isnan(tracks["velocity"]).all()
    np.testing.assert_allclose(tracks["position"].values[0, 0, 0, 0], [20.3, 31.6], atol=0.1)
    assert events(tracks)["count"].item() == 0


@pytest.mark.parametrize("shape", [(5, 32, 32, 3), (1, 33, 17, 3)])
def test_nothing_is_seen_where_nothing_is(shape):
    rng = np.random.default_rng(0)
    for empty in (np.full(shape, 170, np.uint8), np.zeros(shape, np.uint8),
                  np.repeat(rng.integers(0, 256, (*shape[:3], 1), np.uint8), 3, axis=-1)):
        tracks = track(empty, fps=10)
        assert tracks.sizes["object"] == 0 and tracks.sizes["time"] == shape[0]
        assert not count_objects(empty, fps=10)["count"].any()
        assert events(tracks)["count"].item() == 0


def test_what_has_left_the_picture_is_not_seen():
    places = straight(30, [[30.0, 50.0]], [[0.0, 1.0]])
    tracks = track(painted(places, 4.0, 64), fps=10)
    gone = places[:, 0, 1] > 68.2
    assert gone.any() and not tracks["seen"].values[0, 0, gone].any()
    assert np.isnan(tracks["area"].values[0, 0, gone]).all()
    kinds = events(tracks)["kind"].values[0, 0]
    assert list(kinds) == [list(Event).index(Event.DISAPPEARANCE)]


def test_members_of_a_batch_are_tracked_as_alone():
    videos = [painted(straight(8, [[20 + k, 15.0], [40.0, 30 + 3 * k]], [[0.3, 1.0], [1.0, 0.2]]),
                      4.0, 64, colours=COLOURS[k:]) for k in range(2)]
    both = track(np.stack(videos)[:, None], fps=10)
    for case, video in enumerate(videos):
        alone = track(video, fps=10)
        for name in ("position", "velocity", "area", "visible"):
            np.testing.assert_array_equal(both[name].values[case, 0], alone[name].values[0, 0])


def test_grains_in_a_crowd_are_counted():
    rng = np.random.default_rng(1)
    lattice = np.stack(np.meshgrid(np.arange(6), np.arange(5), indexing="ij"), -1).reshape(-1, 2)
    heap = 20 + 3.7 * lattice + rng.uniform(-0.1, 0.1, lattice.shape)
    falling = straight(10, [[4.0, 8.0], [4.0, 30.0], [6.0, 50.0]], [[1.2, 0]] * 3)
    places = np.concatenate([np.broadcast_to(heap, (10, 30, 2)), falling], axis=1)
    count = count_objects(painted(places, 1.75, 64, colours=ALIKE * 2), fps=10)["count"].values
    assert np.abs(np.median(count) - 33) <= 0.05 * 33


def test_another_tracker_can_be_hooked_in():
    def still(rgb: np.ndarray, fps: float) -> Tracks:
        shape = (len(rgb), 1)
        return Tracks(np.full((*shape, 2), 7.0), np.ones(shape), np.ones(shape),
                      np.ones((*shape, 2)), np.full(shape, np.nan), np.zeros((1, 3)))

    seen = observe(np.zeros((6, 16, 16, 3), np.uint8), fps=4, tracker=still)
    tracks = seen["tracks"].dataset
    assert seen["events"]["count"].item() == 0
    assert (tracks["position"] == 7).all() and (tracks["velocity"] == 0).all()


def test_what_is_no_colour_video_is_refused():
    with pytest.raises(InputError, match="RGB"):
        track(np.zeros((5, 32, 32, 1), dtype=np.uint8), fps=10)
    with pytest.raises(InputError, match="RGB"):
        track(np.zeros((5, 32, 32, 4), dtype=np.uint8), fps=10)
    with pytest.raises(InputError, match="RGB"):
        track(np.zeros((5, 32, 32, 3)), fps=10)
    with pytest.raises(InputError, match="no pixel"):
        track(np.zeros((0, 32, 32, 3), dtype=np.uint8), fps=10)
    with pytest.raises(InputError, match="fps"):
        track(np.zeros((5, 32, 32, 3), dtype=np.uint8))


def test_frames_at_no_constant_rate_are_refused():
    rgb = np.full((1, 1, 4, 16, 16, 3), 120, np.uint8)
    even = video_dataset(rgb, 10.0, "{}")
    assert track(even).sizes["time"] == 4
    for times in ([0.0, 0.1, 0.2, 0.35], [0.0, 0.0, 0.0, 0.0], [0.3, 0.2, 0.1, 0.0]):
        with pytest.raises(InputError, match="constant rate"):
            track(even.assign_coords(time=times))
    assert track(even.isel(time=[0])).sizes["time"] == 1
