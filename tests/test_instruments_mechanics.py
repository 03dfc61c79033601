"""The state's counterpart of tracks against the camera's own pictures, and errors against it."""

import numpy as np
import pytest
import xarray as xr

import worldsim
from worldsim.camera.rendering import camera_of
from worldsim.instruments import events, track
from worldsim.instruments.contact_state import contact_state
from worldsim.instruments.matching import Interest, event_errors, matched, track_errors
from worldsim.instruments.mechanics_state import mechanics_state

SIZE, FINE = (64, 64), 4


@pytest.fixture(scope="module")
def passing():
    return worldsim.simulate(worldsim.make("occlusion", passage="crossing"), cases=1,
                             realizations=1, seed=3)


@pytest.fixture(scope="module")
def bouncing():
    return worldsim.simulate(worldsim.make("balls_in_box", count=4), cases=1, realizations=1,
                             seed=1)


@pytest.mark.parametrize("camera", ["side", "corner"])
def test_outlines_and_what_is_seen_of_them_agree_with_the_camera(passing, camera):
    times = np.arange(0.0, 2.9, 0.2)
    state = mechanics_state(passing, camera_of(passing, camera), SIZE, times)
    large = (SIZE[0] * FINE, SIZE[1] * FINE)
    picture = worldsim.render(passing, camera, size=large, times=times, segmentation=True)
    label = picture["segmentation"].values[0, 0]
    seen_all = 0
    for slot, part in enumerate(state["part"].values[0]):
        shown = (label == part).sum(axis=(1, 2)) / FINE**2
        area = state["area"].values[0, 0, :, slot]
        visible = state["visible"].values[0, 0, :, slot]
        np.testing.assert_allclose(visible * area, shown, atol=0.04 * area.max())
        for frame in np.flatnonzero(visible > 0.999):
            centre = (np.argwhere(label[frame] == part) + 0.5).mean(axis=0) / FINE
            np.testing.assert_allclose(centre, state["position"].values[0, 0, frame, slot],
                                       atol=0.06)
            extent = np.ptp(np.argwhere(label[frame] == part), axis=0) / FINE
            np.testing.assert_allclose(state["extent"].values[0, 0, frame, slot], extent, atol=0.6)
            seen_all += 1
    assert seen_all > 5 and (state["visible"].values == 0).any()


@pytest.mark.parametrize("camera", ["side", "corner"])
def test_velocities_are_those_of_the_positions(passing, camera):
    view, step = camera_of(passing, camera), 1 / 120
    times = 0.5 + step * np.arange(-1, 2)
    state = mechanics_state(passing, view, SIZE, times)
    position = state["position"].values[0, 0]
    np.testing.assert_allclose(state["velocity"].values[0, 0, 1],
                               (position[2] - position[0]) / (2 * step), rtol=0.01, atol=0.1)


def as_tracks(state: xr.Dataset, fps: float) -> xr.Dataset:
    """Tracks that read exactly what they should."""
    shape = state["visible"].shape
    found = state["part"].values[:, None] >= 0
    return state.assign(
        found=(("case", "realization", "object"), np.broadcast_to(found, (*shape[:2], shape[3]))),
        kink=(("case", "realization", "time", "object"), np.full(shape, np.nan)),
    ).assign_attrs(fps=fps)


@pytest.fixture(scope="module")
def exact(bouncing):
    view = camera_of(bouncing, "side")
    times = np.arange(0, 4, 0.05)
    state = mechanics_state(bouncing, view, SIZE, times)
    return state, as_tracks(state, 20.0), contact_state(bouncing, state, view, SIZE)


def test_exact_tracks_have_no_errors_and_planted_ones_are_found(exact):
    state, tracks, contacts = exact
    perfect = track_errors(tracks, state, contacts)
    assert perfect.position.max() == 0 and perfect.velocity.max() == 0
    assert (perfect.missed, perfect.strays, perfect.switches) == (0, 0, 0)
    np.testing.assert_array_equal(matched(tracks, state)[0, 0], np.arange(4))

    moved = tracks.assign(position=tracks["position"] + 0.5)
    np.testing.assert_allclose(track_errors(moved, state).position, np.sqrt(0.5))

    order = xr.where(tracks["time"] < 2, xr.DataArray([0, 1, 2, 3], dims="object"),
                     xr.DataArray([1, 0, 2, 3], dims="object"))
    taken = np.take_along_axis(tracks["position"].values, order.values[None, None, ..., None],
                               axis=3)
    swapped = tracks.assign(position=(tracks["position"].dims, taken))
    assert track_errors(swapped, state).switches == 2

    gone = tracks.copy(deep=True)
    gone["position"].values[:, :, :40, 2] = np.nan
    missed = track_errors(gone, state).missed
    assert missed == pytest.approx(40 / (4 * 80))
    none = tracks.isel(object=[0, 1, 2])
    assert track_errors(none, state).missed == pytest.approx(0.25)
    assert track_errors(tracks, state, interest=Interest(extent=1e3)).position.size == 0


def test_contacts_are_as_large_in_the_picture_as_velocities_change(exact):
    state, _, contacts = exact
    when, jump = contacts["time"].values[0, 0], contacts["jump_a"].values[0, 0]
    own = contacts["object_a"].values[0, 0]
    assert (own >= 0).sum() > 5
    velocity, times = state["velocity"].values[0, 0], state["time"].values
    alone = 0
    for time, size, ball in zip(when, jump, own, strict=True):
        mine = (own == ball) | (contacts["object_b"].values[0, 0] == ball)
        frame = int(np.floor(time * 20)) if np.isfinite(time) else -1
        if ball < 0 or not 0 <= frame < len(times) - 1:
            continue
        near = np.abs(when[mine] - time) < 0.1
        if near.sum() == 1:
            change = np.linalg.norm(velocity[frame + 1, ball] - velocity[frame, ball])
            assert size == pytest.approx(change, rel=0.05, abs=1.0)
            alone += 1
    assert alone > 3


def test_balls_in_a_box_are_followed_and_their_contacts_timed(bouncing, exact):
    state, _, contacts = exact
    video = worldsim.render(bouncing, "side", size=SIZE, times=state["time"].values)
    tracks = track(video)
    errors = track_errors(tracks, state, contacts)
    assert np.median(errors.position) < 0.25 and np.quantile(errors.position, 0.99) < 1.0
    assert np.median(errors.velocity / errors.speed_range) < 0.01
    assert (errors.missed, errors.strays, errors.switches) == (0, 0, 0) and errors.passes > 0
    found = event_errors(tracks, state, contacts)
    assert len(found.time) >= 0.8 * found.contacts > 4
    assert found.true >= 0.95 * found.kinks
    assert np.median(found.time) * 20 < 0.5
    assert events(tracks)["count"].item() >= 0.7 * found.kinks
