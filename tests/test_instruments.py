"""Instruments on drawn scenes with known answers, noisy, blurred and sparse."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from evaluation_scenes import (
    CAMERA,
    COLUMNS,
    PITCH,
    ROOFS,
    ROWS,
    WATER,
    Member,
    draw,
    rollout,
    within,
    x_centres,
)
from scipy import ndimage

from worldsim.errors import InputError
from worldsim.instruments import observe_buildings, observe_debris, observe_water
from worldsim.instruments.state import buildings_state, debris_state, water_state
from worldsim.instruments.water import arrival, front
from worldsim.instruments.wetness import wet_mask
from worldsim.rollout import video_dataset
from worldsim.video_file import write_mp4
from worldsim.video_reading import read_mp4

FPS = 5.0


def film(frames: np.ndarray, fps: float = FPS) -> xr.Dataset:
    return video_dataset(frames[None, None], fps, json.dumps(CAMERA))


@pytest.fixture(scope="module")
def member() -> Member:
    return Member(speed=9.0, falls=(5.1, np.inf))


@pytest.fixture(scope="module")
def time() -> np.ndarray:
    return np.arange(45) / FPS


@pytest.fixture(scope="module")
def frames(member: Member, time: np.ndarray) -> np.ndarray:
    return draw(member, time)


def spoiled(frames: np.ndarray, kind: str) -> np.ndarray:
    """The same frames as a codec or a dream would show them."""
    rng = np.random.default_rng(3)
    if kind == "noise":
        noisy = frames + rng.normal(0.0, 6.0, frames.shape)
    elif kind == "blur":
        noisy = ndimage.gaussian_filter(frames.astype(float), (0, 0.7, 0.7, 0))
    elif kind == "mp4":
        with tempfile.TemporaryDirectory() as folder:
            write_mp4(Path(folder, "film.mp4"), frames, FPS, crf=18)
            noisy, _ = read_mp4(Path(folder, "film.mp4"))
    else:
        noisy = frames
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", ["clean", "noise", "blur", "mp4"])
def test_debris_is_found_to_a_quarter_pixel(frames, member, time, kind):
    seen = observe_debris(film(spoiled(frames, kind)))
    error = np.linalg.norm(
        seen["position"].values[0, 0, :, :3] - member.places(time), axis=-1
    ) / PITCH
    assert np.isfinite(error).mean() > 0.99
    assert np.nanmedian(error) <= 0.25
    assert np.nanpercentile(error, 99) <= 1.0
    # Colours that are not in the picture are not seen in it.
    assert not seen["seen"].values[0, 0, :, 3:].any()
    assert np.isnan(seen["position"].values[0, 0, :, 3:]).all()


def test_stray_pixels_do_not_carry_debris_away(frames, member, time):
    frames = frames.copy()
    for k in (10, 20, 30):
        frames[k, 5:7, 80:83] = (225, 30, 30)
    seen = observe_debris(film(frames))["position"].values[0, 0, :, 0]
    assert np.linalg.norm(seen - member.places(time)[:, 0], axis=-1).max() < PITCH


def test_vanished_debris_is_not_seen(member, time):
    hidden = draw(Member(debris=member.debris[:1], drift=member.drift[:1]), time)
    frames = draw(Member(debris=((500.0, 500.0),), drift=((0.0, 0.0),)), time)
    frames[:20] = hidden[:20]
    seen = observe_debris(film(frames))["seen"].values[0, 0, :, 0]
    assert seen[:20].all() and not seen[20:].any()


@pytest.mark.parametrize("kind", ["clean", "noise", "blur", "mp4"])
def test_water_is_found_to_the_pixel(frames, member, time, kind):
    seen = observe_water(film(spoiled(frames, kind)))
    state = rollout([[member]], duration=len(time) / FPS, video=frames[None, None])
    true = water_state(state, time)
    assert (seen["wet"].values != true["wet"].values).mean() < 0.012
    assert abs(seen["front_position"] - true["front_position"]).max() <= PITCH


def test_front_and_arrival_follow_the_front(member, time):
    wet = (x_centres < member.front(time)[:, None])[:, None, :].repeat(ROWS, axis=1)
    front_m = front(wet, x_centres, PITCH)
    assert np.abs(front_m - member.front(time)[:, None]).max() <= PITCH / 2 + 1e-9
    # Reached at start + (x - shore) / speed, up to the time a pixel takes to be crossed.
    when = arrival(front_m, time, np.array([60.0, 80.0, 500.0]))
    expected = member.start + (np.array([60.0, 80.0]) - member.shore) / member.speed
    assert np.abs(when[:2] - expected).max() <= (PITCH / 2) / member.speed + 0.5 / FPS
    assert np.isnan(when[2])


def test_front_ignores_specks_and_passes_buildings():
    wet = np.zeros((10, 20), dtype=bool)
    wet[:, :8] = True
    wet[4:7, 3:6] = False
    wet[2, 15] = True
    assert (front(wet, np.arange(20) + 0.5, 1.0) == 8.0).all()


def test_water_below_debris_is_wet():
    frame = np.full((ROWS, COLUMNS, 3), WATER, dtype=np.uint8)
    clean = wet_mask(frame)
    frame[10:14, 10:14] = (225, 30, 30)
    assert clean.all() and wet_mask(frame).all()


def test_a_floating_roof_is_wet_and_a_standing_one_is_dry(frames, time):
    moved = frames.copy()
    last = moved[-1]
    last[30:35, 8:14] = (168, 138, 104)
    seen = observe_water(film(moved))["wet"].values[0, 0, -1, ::-1]
    assert seen[30:35, 8:14].all()
    assert not seen[within(ROOFS[1])[::-1]].any()


def test_buildings_are_found_and_seen_to_fall(frames, time):
    seen = observe_buildings(film(frames))
    np.testing.assert_allclose(seen["footprint"].values[0, 0, :2], ROOFS)
    assert np.isnan(seen["footprint"].values[0, 0, 2:]).all()
    standing = seen["standing"].values[0, 0]
    assert abs(time[np.argmin(standing[:, 0])] - 5.1) <= 2 / FPS
    assert standing[:, 1].all()
    assert seen["count"].values[0, 0].tolist() == standing.sum(axis=1).tolist()


def test_debris_on_a_roof_is_no_collapse(time):
    member = Member(speed=0.0, debris=((85.0, 35.0),), drift=((2.5, 0.0),))
    standing = observe_buildings(film(draw(member, time)))["standing"].values[0, 0]
    assert standing[:, :2].all()


def test_a_member_alone_reads_as_in_a_batch(frames):
    other = np.ascontiguousarray(frames[:, ::-1])
    both = video_dataset(np.stack([frames, other])[None], FPS, json.dumps(CAMERA))
    for observe in (observe_water, observe_debris, observe_buildings):
        together = observe(both).isel(realization=1)
        alone = observe(film(other)).isel(realization=0)
        xr.testing.assert_identical(together.drop_vars("realization", errors="ignore"), alone)


def test_state_is_interpolated_to_the_video():
    member = Member(falls=(3.0, np.inf))
    truth = rollout([[member]], duration=4.0, video=np.zeros((1, 1, 20, 8, 8, 3), dtype=np.uint8))
    between = np.array([0.0, 1.25, 2.95, 3.05])
    np.testing.assert_allclose(
        debris_state(truth, between)["position"].values[0, 0, :, :3], member.places(between),
        atol=1e-4,
    )
    assert np.isnan(debris_state(truth, between)["position"].values[0, 0, :, 3:]).all()
    assert buildings_state(truth, between)["standing"].values[0, 0, :, 0].tolist() == [1, 1, 1, 0]
    with pytest.raises(InputError, match="stored from 0 to 4 s"):
        water_state(truth, np.array([4.5]))


def test_what_cannot_be_read_is_refused(frames):
    tilted = json.dumps(CAMERA | {"projection": "perspective"})
    street = film(frames[:2]).assign_attrs(camera=tilted)
    with pytest.raises(InputError, match="orthographic"):
        observe_water(street)
    grey = film(frames[:2]).isel(channel=slice(0, 1))
    with pytest.raises(InputError, match="RGB"):
        observe_debris(grey)
    with pytest.raises(InputError, match="no pixel"):
        observe_buildings(film(frames[:0]))


def test_one_frame_is_enough(frames):
    single = film(frames[:1])
    assert observe_debris(single)["seen"].values[0, 0, 0, :3].all()
    assert observe_water(single)["wet_area"].values[0, 0, 0] > 0
    assert observe_buildings(single)["count"].values[0, 0, 0] == 2
