"""Instruments move bodies to where they are seen, and leave alone what they do not see."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
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
        turns = clips.states[case][:, bodies, 3:].astype(float)
        half = np.full((len(bodies), 3), 0.2)
        found, turned = sharpened(true + off, turns, half, clips.video[case, 0].numpy(), view, 20.0)
        np.testing.assert_allclose(turned, turns, atol=1e-6, err_msg="balls point nowhere")
        if far:
            np.testing.assert_allclose(found, true + off)
        else:
            pixel = view.height_m / 64
            np.testing.assert_allclose(found[..., [0, 2]], true[..., [0, 2]], atol=0.35 * pixel)
            np.testing.assert_allclose(found[..., 1], true[..., 1] + 0.3, err_msg="depth is unseen")


def test_an_empty_picture_changes_nothing():
    view = Camera.from_json(next(iter(ball_clips().cameras.values())))
    places, turns = np.zeros((5, 2, 3)), np.ones((5, 2, 6))
    found, turned = sharpened(places, turns, np.ones((2, 3)),
                              np.full((5, 64, 64, 3), 140, np.uint8), view, 20.0)
    assert np.array_equal(found, places) and np.array_equal(turned, turns)


VIEW = Camera.from_json(next(iter(ball_clips().cameras.values())))
HALF = np.array([0.12, 0.3, 0.5])


def columns_of(rotation: Rotation) -> np.ndarray:
    """First and third column, (…, 6)."""
    matrix = rotation.as_matrix()
    return np.concatenate([matrix[..., 0], matrix[..., 2]], -1)


def film_of(rotations: Rotation, place: np.ndarray) -> np.ndarray:
    """A red box of half sizes HALF, turned about the line of sight, on grey, 64 x 64 px."""
    fine = 8
    rows, columns = np.meshgrid(*[(np.arange(64 * fine) + 0.5) / fine] * 2, indexing="ij")
    across, upward, _ = VIEW.basis
    row, column, _ = VIEW.project(place[None], (64, 64))
    pitch = VIEW.height_m / 64
    offset = ((columns - column) * pitch)[..., None] * across - (
        (rows - row) * pitch)[..., None] * upward
    frames = []
    for matrix in rotations.as_matrix():
        own = offset @ matrix
        inside = (np.abs(own[..., [0, 2]]) < HALF[[0, 2]]).all(-1)
        share = inside.reshape(64, fine, 64, fine).mean((1, 3))[..., None]
        frames.append(share * np.array([200, 20, 20]) + (1 - share) * 140)
    return np.round(frames).astype(np.uint8)


@pytest.mark.parametrize("angle", [-0.6, 0.0, 0.9, 1.5])
def test_long_bodies_are_turned_within_the_picture_to_where_they_point(angle):
    ahead = VIEW.basis[2]
    true = Rotation.from_rotvec((angle + 0.05 * np.arange(5))[:, None] * ahead)
    place = np.array(VIEW.target) + 0.2 * VIEW.basis[0]
    film = film_of(true, place)
    tilt = Rotation.from_rotvec(0.15 * VIEW.basis[1])  # out of the plane
    read = tilt * Rotation.from_rotvec(0.25 * ahead) * true
    places = np.broadcast_to(place, (5, 1, 3))
    _, turned = sharpened(places, columns_of(read)[:, None], HALF[None], film, VIEW, 20.0)
    np.testing.assert_allclose(turned[:, 0], columns_of(true), atol=0.04)
    _, known = sharpened(places, columns_of(read)[:, None], HALF[None] * np.nan, film, VIEW, 20.0)
    wrong = columns_of(Rotation.from_rotvec(0.25 * ahead) * true)
    np.testing.assert_allclose(known[:, 0], wrong, atol=0.06,
                               err_msg="of unknown size it lies in the plane, and points as read")


def test_what_is_tilted_far_out_of_the_picture_is_left_so():
    ahead = VIEW.basis[2]
    tilted = Rotation.from_rotvec(0.7 * VIEW.basis[1]) * Rotation.from_rotvec(0.7 * VIEW.basis[0])
    place = np.array(VIEW.target)
    film = film_of(Rotation.from_rotvec(np.zeros((5, 1)) * ahead), place)
    read = columns_of(tilted)[None, None].repeat(5, 0)
    _, turned = sharpened(np.broadcast_to(place, (5, 1, 3)), read, np.full((1, 3), np.nan), film,
                          VIEW, 20.0)
    np.testing.assert_allclose(turned, read, atol=1e-9)
