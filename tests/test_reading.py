"""Instruments move bodies to where they are seen, and leave alone what they do not see."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_clips import ball_clips

from worldsim.camera.projection import Camera
from worldsim.diffusion.reading import matched, sharpened


def test_bodies_are_recognised_by_where_they_were():
    rng = np.random.default_rng(0)
    before = rng.uniform(-1, 1, (5, 3))
    order = rng.permutation(5)
    here = before[order] + rng.normal(0, 0.02, (5, 3))
    assert (order[matched(here, before)] == np.arange(5)).all()


@pytest.mark.parametrize("far", [False, True])
def test_places_are_corrected_within_the_picture_where_something_is_near(far):
    clips = ball_clips(size=(64, 64), frames=5)
    view = Camera.from_json(next(iter(clips.cameras.values())))
    assert view.projection == "orthographic"
    for case in range(3):
        bodies = [k for k in range(8) if np.isfinite(clips.states[case, 0, k, 0])]
        true = clips.states[case][:, bodies, :3].astype(float)
        off = np.array([0.6 * view.height_m, 0.0, 0.0]) if far else np.array([0.12, 0.3, -0.1])
        found = sharpened(true + off, clips.video[case, 0].numpy(), view, 20.0)
        if far:
            np.testing.assert_allclose(found, true + off)
        else:
            pixel = view.height_m / 64
            np.testing.assert_allclose(found[..., [0, 2]], true[..., [0, 2]], atol=0.35 * pixel)
            np.testing.assert_allclose(found[..., 1], true[..., 1] + 0.3, err_msg="depth is unseen")


def test_an_empty_picture_changes_nothing():
    view = Camera.from_json(next(iter(ball_clips().cameras.values())))
    places = np.zeros((5, 2, 3))
    assert np.array_equal(sharpened(places, np.full((5, 64, 64, 3), 140, np.uint8), view, 20.0),
                          places)
