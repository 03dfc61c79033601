"""Velocities and kinks of tracks whose motion is written down."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worldsim.instruments.kinks import kinks
from worldsim.instruments.motion import velocities

FPS = 20.0


def thrown(frames: np.ndarray, hit: float, kept: float = 0.8) -> np.ndarray:
    """(time, [row, column]) px of a ball that falls, bounces at frame `hit` and flies on."""
    speed = 0.12 * hit
    after = frames - hit
    row = np.where(after < 0, 50 - 0.06 * (hit**2 - frames**2), 50 - kept * speed * after
                   + 0.06 * after**2)
    return np.stack([row, 5 + 0.7 * frames], axis=-1)


@given(hit=st.floats(8.0, 24.0), kept=st.floats(0.5, 1.0), seed=st.integers(0, 50))
@settings(max_examples=40, deadline=None)
def test_a_bounce_is_timed_to_a_fraction_of_a_frame(hit, kept, seed):
    noise = np.random.default_rng(seed).normal(0, 0.03, (32, 2))
    found = kinks(thrown(np.arange(32.0), hit, kept) + noise)
    at = found[np.isfinite(found)]
    assert len(at) == 1 and abs(at[0] - hit) < 0.5


def test_bounces_close_together_are_told_apart():
    x = np.abs((np.arange(60) * 0.9 + 2.3) % 9.0 - 4.5)  # to and fro, a turn every five frames
    found = kinks(np.stack([np.full(60, 3.0), 5 * x], axis=-1))
    turns = (np.arange(0, 13) * 4.5 - 2.3) / 0.9
    inner = turns[(turns > 3) & (turns < 56)]
    at = found[np.isfinite(found)]
    assert np.abs(at[:, None] - inner).min(axis=0).max() < 0.5
    assert np.abs(at[:, None] - turns).min(axis=1).max() < 0.5


def test_smooth_motion_has_no_kinks():
    frames = np.arange(80.0)
    noise = np.random.default_rng(0).normal(0, 0.04, (80, 3, 2))
    swing = np.stack([10 * np.cos(0.25 * frames), 20 * np.sin(0.25 * frames)], axis=-1)
    flight = np.stack([0.05 * (frames - 30) ** 2, 0.8 * frames], axis=-1)
    rest = np.zeros((80, 2))
    assert np.isnan(kinks(np.stack([swing, flight, rest], axis=1) + noise)).all()


def test_the_velocity_of_a_parabola_is_exact_on_both_sides_of_a_kink():
    frames = np.arange(30.0)
    position = thrown(frames, 12.4)
    cut = np.full(30, np.nan)
    cut[13] = 12.4
    speed = velocities(position, FPS, cut)
    fall = np.where(frames < 12.4, 0.12 * frames, -0.8 * 0.12 * 12.4 + 0.12 * (frames - 12.4))
    np.testing.assert_allclose(speed[:, 0], FPS * fall, atol=1e-6)
    np.testing.assert_allclose(speed[:, 1], FPS * 0.7, atol=1e-6)
    with_noise = velocities(position + np.random.default_rng(0).normal(0, 0.05, (30, 2)), FPS, cut)
    assert np.median(np.abs(with_noise - speed)) < 0.01 * FPS * 1.5


def test_the_velocity_of_a_swing_follows_it():
    frames = np.arange(60.0)
    rng = np.random.default_rng(0)
    for omega in (0.1, 0.3):
        position = 10 * np.stack([np.cos(omega * frames), np.sin(omega * frames)], axis=-1)
        true = 10 * omega * FPS * np.stack([-np.sin(omega * frames), np.cos(omega * frames)], -1)
        noisy = velocities(position + rng.normal(0, 0.03, (60, 2)), FPS)
        assert np.median(np.linalg.norm(noisy - true, axis=-1)) < 0.02 * 10 * omega * FPS


def test_where_nothing_is_seen_there_is_no_velocity():
    position = np.full((12, 2, 2), np.nan)
    position[:5, 0] = np.arange(5)[:, None]
    position[9, 0] = 3.0  # a frame alone
    speed = velocities(position, FPS)
    np.testing.assert_allclose(speed[:5, 0], FPS, rtol=1e-9)
    assert np.isnan(speed[5:, 0]).all() and np.isnan(speed[:, 1]).all()
    assert np.isnan(kinks(position)).all()


@pytest.mark.parametrize("frames", [1, 2, 3, 6])
def test_short_videos(frames):
    position = np.arange(frames, dtype=float)[:, None, None] * np.ones((1, 2))
    speed = velocities(position, 10.0)
    assert np.isnan(speed).all() if frames == 1 else np.allclose(speed, 10.0)
    assert np.isnan(kinks(position)).all()
