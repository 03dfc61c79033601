"""Kinks of large and of swinging tracks, and gravity read off flights."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from worldsim.errors import InputError
from worldsim.instruments import track
from worldsim.instruments.gravity import effective_gravity
from worldsim.instruments.kinks import kinks

pytestmark = pytest.mark.usefixtures("one_thread")


def bouncing(scale: float, acceleration: float = 0.4, frames: int = 24) -> tuple[np.ndarray, float]:
    """Rows and columns (time, 1, 2) px of a ball that falls, and when it bounces, in frames."""
    time = np.arange(frames, dtype=float)
    bounce = 10.37
    speed = acceleration * bounce
    after = np.maximum(time - bounce, 0)
    fall = acceleration * np.minimum(time, bounce) ** 2 / 2
    row = fall - 0.8 * speed * after + acceleration * after**2 / 2
    return scale * np.stack([row, 0.3 * time], axis=-1)[:, None], bounce


@pytest.mark.parametrize("scale", [1.0, 4.0, 20.0])
def test_an_instant_is_as_sharp_in_a_large_picture_as_in_a_small_one(scale: float) -> None:
    place, bounce = bouncing(scale)
    found = kinks(place)[:, 0]
    assert np.isfinite(found).sum() == 1
    assert found[np.isfinite(found)][0] == pytest.approx(bounce, abs=1e-6)


def test_noise_moves_the_instant_by_its_share_of_the_jump() -> None:
    place, bounce = bouncing(4.0)
    rng = np.random.default_rng(0)
    off = []
    for _ in range(20):
        found = kinks(place + rng.normal(0, 0.05, place.shape))[:, 0]
        assert np.isfinite(found).sum() == 1
        off.append(found[np.isfinite(found)][0] - bounce)
    jump = 4.0 * 1.8 * 0.4 * bounce  # px per frame
    assert np.std(off) < 3 * 0.05 / jump


@pytest.mark.parametrize("period", [7.0, 9.0, 12.5, 18.0])
def test_what_swings_and_dies_away_has_no_kinks(period: float) -> None:
    time = np.arange(80, dtype=float)
    swing = 6.0 * np.exp(-time / 20) * np.cos(2 * np.pi * time / period)
    place = np.stack([32 + swing, np.full(80, 20.0)], axis=-1)[:, None]
    place += np.random.default_rng(1).normal(0, 0.03, place.shape)
    assert np.isfinite(kinks(place)).sum() == 0


def tracks_of(place: np.ndarray, fps: float) -> xr.Dataset:
    dims = ("case", "realization", "time", "object")
    return xr.Dataset({"position": ((*dims, "rc"), place[None, None]),
                       "kink": (dims, kinks(place)[None, None] / fps)}, attrs={"fps": fps})


def test_gravity_is_read_to_rounding_off_exact_flights_and_to_a_percent_off_noisy_ones() -> None:
    fps, scale = 20.0, 20.0  # px/m
    metres = 9.81 * scale / fps**2
    exact, _ = bouncing(1.0, metres)
    assert effective_gravity(tracks_of(exact, fps), scale).item() == pytest.approx(9.81, rel=1e-6)
    noise = np.random.default_rng(2).normal(0, 0.05, (16, *exact.shape))
    read = [effective_gravity(tracks_of(exact + one, fps), scale).item() for one in noise]
    assert np.median(np.abs(np.array(read) / 9.81 - 1)) < 0.01


def test_what_lies_or_is_hardly_seen_has_no_gravity() -> None:
    still = np.full((30, 1, 2), 10.0)
    short = np.full((30, 1, 2), np.nan)
    short[:5] = bouncing(1.0)[0][:5]
    for place in (still, short):
        assert np.isnan(effective_gravity(tracks_of(place, 20.0), 20.0)).all()
    with pytest.raises(InputError, match="scale=0"):
        effective_gravity(tracks_of(still, 20.0), 0.0)


def test_a_plate_that_turns_its_edge_to_the_camera_stays_seen() -> None:
    rows, columns = np.mgrid[:64, :64] + 0.5
    film = np.full((24, 64, 64, 3), 200, dtype=np.uint8)
    for frame in range(24):
        half = 1.2 + 9 * abs(np.cos(np.pi * frame / 23))
        plate = (abs(rows - 32) < half) & (abs(columns - 30) < 16)
        film[frame][plate] = (36, 84, 214)
    tracks = track(film, fps=20.0)
    assert tracks.sizes["object"] == 1
    assert bool(tracks["seen"].all())
    assert np.abs(tracks["position"].values[0, 0, :, 0] - [32, 30]).max() < 0.3
