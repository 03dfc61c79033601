"""Tracks of painted discs: where they are is known from the painting."""

import numpy as np
import pytest

from worldsim.errors import InputError
from worldsim.instruments import track

COLOURS = ((214, 40, 40), (36, 84, 214), (34, 160, 60))


def painted(places: np.ndarray, radius: float, size: int, fine: int = 6) -> np.ndarray:
    """Frames of discs at places (time, disc, [row, column]), each pixel the mean of fine ones."""
    at = (np.arange(size * fine) + 0.5) / fine
    frames = []
    for centres in places:
        fields = np.broadcast_to(np.linspace(170, 205, size)[:, None, None], (size, size, 3)).copy()
        for centre, colour in zip(centres, COLOURS, strict=False):
            row, column = at[:, None] - centre[0], at[None] - centre[1]
            inside = (row**2 + column**2 < radius**2).astype(float)
            light = 0.6 + 0.4 * np.clip(-(row - column) / radius / 1.5, -1, 1)
            share = inside.reshape(size, fine, size, fine).mean((1, 3))[..., None]
            lit = (inside * light).reshape(size, fine, size, fine).mean((1, 3))[..., None]
            fields = fields * (1 - share) + lit * np.array(colour)
        frames.append(np.clip(np.round(fields), 0, 255).astype(np.uint8))
    return np.stack(frames)


@pytest.mark.parametrize("size", [64, 128])
def test_shaded_discs_are_found_to_a_fraction_of_a_pixel(size):
    start = np.array([[0.2, 0.2], [0.5, 0.75], [0.8, 0.3]]) * size
    speed = np.array([[0.004, 0.013], [0.0, -0.011], [-0.01, 0.009]]) * size
    places = start + speed * np.arange(20)[:, None, None]
    tracks = track(painted(places, 0.06 * size, size), fps=20)
    assert tracks.sizes["object"] == 3 and tracks["seen"].all()
    colour = tracks["colour"].values[0, 0]
    order = [int(np.argmin(np.abs(colour - one).sum(-1))) for one in COLOURS]
    error = np.linalg.norm(tracks["position"].values[0, 0][:, order] - places, axis=-1)
    assert error.max() < 0.15
    speed_error = np.abs(tracks["velocity"].values[0, 0][:, order] - speed * 20)
    assert np.median(speed_error) < 0.01 * 20 * np.ptp(speed)


def test_nothing_is_seen_where_nothing_is():
    empty = np.full((5, 32, 32, 3), 170, dtype=np.uint8)
    tracks = track(empty, fps=10)
    assert tracks.sizes["object"] == 0 and tracks.sizes["time"] == 5


def test_what_is_no_colour_video_is_refused():
    with pytest.raises(InputError, match="RGB"):
        track(np.zeros((5, 32, 32, 1), dtype=np.uint8), fps=10)
    with pytest.raises(InputError, match="fps"):
        track(np.zeros((5, 32, 32, 3), dtype=np.uint8))
