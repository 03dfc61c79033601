"""Bodies are moved and turned to where and how they are seen; what is not seen is left alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import polar
from scipy.spatial.transform import Rotation
from synthetic_clips import ball_clips

from worldsim.camera.projection import Camera
from worldsim.diffusion.looking import SIDE, Looker, Looks, Seen, look, looks_loss, reach_of
from worldsim.diffusion.reading import looked_at, matched, moved, orthonormal


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
        found, seen = moved(true + off, clips.video[case, 0].numpy(), view, 20.0)
        assert seen.all() != far and seen.any() != far
        if far:
            np.testing.assert_allclose(found, true + off)
        else:
            pixel = view.height_m / 64
            np.testing.assert_allclose(found[..., [0, 2]], true[..., [0, 2]], atol=0.35 * pixel)
            np.testing.assert_allclose(found[..., 1], true[..., 1] + 0.3, err_msg="depth is unseen")


def test_an_empty_picture_changes_nothing():
    places = np.zeros((5, 2, 3))
    found, seen = moved(places, np.full((5, 64, 64, 3), 140, np.uint8), VIEW, 20.0)
    assert np.array_equal(found, places) and not seen.any()


VIEW = Camera.from_json(next(iter(ball_clips().cameras.values())))
HALF = np.array([0.25, 0.3, 0.4])
BASIS = np.array(VIEW.basis)


def columns_of(rotation: Rotation) -> np.ndarray:
    """First and third column, (…, 6)."""
    matrix = rotation.as_matrix()
    return np.concatenate([matrix[..., 0], matrix[..., 2]], -1)


def in_view(turns: np.ndarray) -> np.ndarray:
    """Turns (…, 6) of the world, in the view."""
    return (turns.reshape(*turns.shape[:-1], 2, 3) @ BASIS.T).reshape(turns.shape)


def film_of(rotations: Rotation, places: np.ndarray, size: int = 64) -> np.ndarray:
    """A box of half sizes HALF at places (time, 3), turned about the line of sight, on grey; half
    of it is darker."""
    fine = 4
    rows, columns = np.meshgrid(*[(np.arange(size * fine) + 0.5) / fine] * 2, indexing="ij")
    across, upward, _ = BASIS
    pitch = VIEW.height_m / size
    frames = []
    for matrix, place in zip(rotations.as_matrix(), places, strict=True):
        row, column, _ = VIEW.project(place, (size, size))
        own = ((columns - column) * pitch)[..., None] * across - (
            (rows - row) * pitch)[..., None] * upward
        own = own @ matrix
        inside = (np.abs(own[..., [0, 2]]) < HALF[[0, 2]]).all(-1)
        colour = np.where((own[..., :1] > 0), [200, 20, 20], [90, 10, 10])
        fine_film = np.where(inside[..., None], colour, 140)
        frames.append(fine_film.reshape(size, fine, size, fine, 3).mean((1, 3)))
    return np.round(frames).astype(np.uint8)


def looked(film: np.ndarray, places: np.ndarray, rough: np.ndarray) -> Looks:
    return look(film, places[:, None], np.broadcast_to(HALF, (len(film), 1, 3)),
                rough[:, None], VIEW, 0)


def test_bodies_look_the_same_wherever_they_are_and_however_large_the_picture_is():
    upright = Rotation.from_rotvec(np.zeros((3, 3)))
    middle = np.array(VIEW.target)
    places = middle + np.array([[0.0, 0.0, 0.0], [0.6, 0.0, 0.3], [-0.37, 0.2, -0.51]])
    rough = np.zeros((3, 6))
    small, large = (looked(film_of(upright, places, size), places, rough) for size in (64, 128))
    assert small.pictures.shape == (3, 3, SIDE, SIDE)
    for pictures in (small.pictures, large.pictures):
        for other in (1, 2):
            assert float((pictures[other] - pictures[0]).abs().mean()) < 0.03
    assert float((small.pictures - large.pictures).abs().mean()) < 0.06
    assert float(small.pictures.std()) > 0.1, "something is seen"


def test_a_fresh_looker_is_not_sure_and_nothing_is_changed():
    places = np.broadcast_to(VIEW.target, (5, 1, 3))
    turns = np.random.default_rng(0).normal(size=(5, 1, 6))
    film = film_of(Rotation.from_rotvec(np.zeros((5, 3))), places[:, 0])
    found, turned, half, sure = looked_at(places, turns, HALF[None], np.zeros(1, bool), film, VIEW,
                                          0, Looker(1))
    assert not sure.any()
    assert np.array_equal(turned, turns) and np.array_equal(found, places)
    assert np.array_equal(half, HALF[None])


@pytest.fixture(scope="module")
def looker() -> Looker:
    """Trained for some seconds on boxes that are turned about the line of sight."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    made, count = Looker(1), 1500
    optimiser = torch.optim.AdamW(made.parameters(), 1.5e-3)
    true = Rotation.from_rotvec(rng.uniform(-0.9, 0.9, count)[:, None] * BASIS[2])
    places = np.array(VIEW.target) + rng.uniform(-0.8, 0.8, (count, 3))
    turns = in_view(columns_of(true))
    off = rng.uniform(-0.2, 0.2, (count, 2))
    larger = rng.normal(0, 0.15, (count, 3)) * (rng.random((count, 1)) < 0.5)
    half = HALF * np.exp(-larger)
    rough = turns + rng.normal(size=turns.shape) * rng.uniform(0.05, 0.6, (count, 1))
    astray = places - off * reach_of(half, VIEW, 64)[:, None] @ BASIS[:2]
    looks = look(film_of(true, places), astray[:, None], half[:, None], rough[:, None], VIEW, 0)
    goal = torch.from_numpy(np.concatenate([off, turns, larger], -1)).float()
    for _ in range(800):
        some = torch.from_numpy(rng.integers(0, count, 128))
        one = Looks(looks.pictures[some], looks.scenario[some], looks.told[some], goal[some])
        looks_loss(made(one), one).backward()
        optimiser.step()
        optimiser.zero_grad()
    return made.eval()


@pytest.mark.parametrize("angle", [-0.6, 0.0, 0.4])
@pytest.mark.parametrize("seen", [False, True])
def test_a_trained_looker_sees_where_bodies_are_and_how_they_are_turned(looker, angle, seen):
    ahead = BASIS[2]
    true = Rotation.from_rotvec((angle + 0.05 * np.arange(5))[:, None] * ahead)
    read = Rotation.from_rotvec(0.3 * ahead) * true
    places = np.broadcast_to(np.array(VIEW.target) + 0.2 * BASIS[0], (5, 1, 3))
    film = film_of(true, places[:, 0])
    off = np.array([0.1, 0.5, -0.12]) if not seen else np.zeros(3)
    told = HALF * np.array([0.8, 1.0, 1.2])
    found, turned, half, _ = looked_at(places + off, columns_of(read)[:, None], told[None],
                                       np.array([seen]), film, VIEW, 0, looker)
    error, before = (np.abs(one - columns_of(true)).max() for one in (
        turned[:, 0], columns_of(read)))
    assert error < 0.6 * before
    assert np.abs(np.log(half[0] / HALF))[[0, 2]].max() < 0.12
    same = turned.reshape(5, 2, 3)
    np.testing.assert_allclose(same @ same.swapaxes(1, 2), np.broadcast_to(np.eye(2), (5, 2, 2)),
                               atol=1e-6)
    if seen:
        assert np.array_equal(found, places), "instruments know better"
    else:
        np.testing.assert_allclose(found[..., 1], places[..., 1] + 0.5, err_msg="depth is unseen")
        apart = np.linalg.norm((found - places) @ BASIS[:2].T, axis=-1)
        assert apart.max() < 0.5 * np.linalg.norm(off @ BASIS[:2].T)


def test_what_has_no_known_size_is_not_looked_at(looker):
    places = np.broadcast_to(VIEW.target, (5, 2, 3))
    turns = np.broadcast_to(columns_of(Rotation.from_rotvec(0.3 * BASIS[2])), (5, 2, 6))
    film = film_of(Rotation.from_rotvec(np.zeros((5, 3))), places[:, 0])
    found, turned, half, sure = looked_at(places, turns, np.stack([HALF, HALF * np.nan]),
                                          np.zeros(2, bool), film, VIEW, 0, looker)
    assert not sure[1]
    assert np.array_equal(turned[:, 1], turns[:, 1]) and np.array_equal(found[:, 1], places[:, 1])
    assert np.isnan(half[1]).all() and np.isfinite(half[0]).all()
    assert not np.allclose(turned[:, 0], turns[:, 0], atol=0.05)


@given(st.integers(0, 2**32 - 1), st.floats(0, 0.5))
def test_two_columns_become_those_of_the_nearest_rotation(seed, noise):
    rng = np.random.default_rng(seed)
    true = columns_of(Rotation.random(random_state=seed))
    found = orthonormal(true + noise * rng.normal(size=6))
    pair = found.reshape(2, 3)
    np.testing.assert_allclose(pair @ pair.T, np.eye(2), atol=1e-9)
    np.testing.assert_allclose(orthonormal(found), found, atol=1e-9)
    if not noise:
        np.testing.assert_allclose(found, true, atol=1e-9)
    near, _ = polar((true + 0.3 * np.ones(6)).reshape(2, 3).T)
    np.testing.assert_allclose(orthonormal(true + 0.3), near.T.reshape(6), atol=1e-7)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_the_loss_of_looks_is_least_at_the_error_that_there_is(which):
    """Without its weight the likelihood is least where the spread is the error's."""
    parts = [torch.zeros(4, count) for count in (2, 6, 3)]
    true = torch.cat([part + 0.2 * (number == which) for number, part in enumerate(parts)], 1)
    looks = Looks(parts[0], torch.zeros(4).long(), parts[0], true)

    def loss(log_spread: float) -> float:
        spread = torch.zeros(4, 3)
        spread[:, which] = log_spread
        return float(looks_loss(Seen(*parts, spread), looks))

    spreads = np.linspace(-4, 0, 81)
    rest = 2 * 5.0  # of what is exactly right and whose spread is 1
    each = [(loss(spread) - rest) / np.exp(spread) for spread in spreads]
    assert np.exp(spreads[int(np.argmin(each))]) == pytest.approx(0.2, rel=0.06)
