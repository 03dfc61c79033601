"""Positions in space: points are projected and found again."""

import numpy as np
import pytest

from worldsim.camera import Camera
from worldsim.camera.projection import corner, side
from worldsim.errors import InputError
from worldsim.instruments.outlines import outline, polygon
from worldsim.instruments.space import by_size, on_plane, triangulated
from worldsim.simulator.mechanics.scene import Shape

FLAT = side((0.0, 0.0, 1.0), 3.0, 40.0)
ROUND = corner((0.0, 0.0, 1.0), 6.0, 35.0, 18.0, 40.0)
SIZE = (64, 96)
POINTS = np.random.default_rng(0).uniform(-0.8, 0.8, (20, 3)) + np.array([0.0, 0.0, 1.0])


def seen(camera: Camera, points: np.ndarray) -> np.ndarray:
    return np.stack(camera.project(points, SIZE)[:2], axis=-1)


def test_two_cameras_find_points():
    found, apart = triangulated(seen(FLAT, POINTS), seen(ROUND, POINTS), (FLAT, ROUND),
                                (SIZE, SIZE))
    np.testing.assert_allclose(found, POINTS, atol=1e-6)
    assert apart.max() < 1e-6
    off = seen(FLAT, POINTS) + np.array([1.0, 0.0])
    _, apart = triangulated(off, seen(ROUND, POINTS), (FLAT, ROUND), (SIZE, SIZE))
    assert apart.min() > 0.01


def test_one_camera_finds_points_of_a_plane():
    flat = POINTS * [1.0, 0.0, 1.0]
    for camera in (FLAT, ROUND):
        found = on_plane(seen(camera, flat), camera, SIZE, (0.0, 0.0, 0.0), (0.0, 2.0, 0.0))
        np.testing.assert_allclose(found, flat, atol=1e-9)
    along = on_plane(seen(FLAT, flat), FLAT, SIZE, (0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    assert np.isnan(along).all()


def test_the_size_of_a_ball_tells_how_far_it_is():
    for point in POINTS:
        ball = outline(Shape.SPHERE, np.array([0.2, 0, 0]), point, np.eye(3), ROUND, SIZE)
        found = by_size(ball.centre, np.array(ball.area), 0.2, ROUND, SIZE)
        away = np.linalg.norm(point - ROUND.position)
        assert np.linalg.norm(found - point) < 0.01 * away
    with pytest.raises(InputError, match="perspective"):
        by_size(np.zeros(2), np.ones(()), 0.2, FLAT, SIZE)


def test_what_is_not_seen_is_nowhere():
    nowhere = np.full((3, 2), np.nan)
    assert np.isnan(on_plane(nowhere, ROUND, SIZE, (0, 0, 0), (0, 1, 0))).all()
    found, apart = triangulated(nowhere, seen(ROUND, POINTS[:3]), (FLAT, ROUND), (SIZE, SIZE))
    assert np.isnan(found).all() and np.isnan(apart).all()


def test_outlines_of_solids_from_straight_ahead():
    metre = SIZE[0] / 3.0  # px
    ball = outline(Shape.SPHERE, np.array([0.3, 0, 0]), np.zeros(3), np.eye(3), FLAT, SIZE)
    assert ball.area == pytest.approx(np.pi * (0.3 * metre) ** 2, rel=0.005)
    box = outline(Shape.BOX, np.array([0.3, 0.1, 0.2]), np.zeros(3), np.eye(3), FLAT, SIZE)
    assert box.area == pytest.approx(0.6 * 0.4 * metre**2)
    np.testing.assert_allclose(np.diag(box.moments), [(0.4 * metre) ** 2 / 12,
                                                      (0.6 * metre) ** 2 / 12])
    capsule = outline(Shape.CAPSULE, np.array([0.1, 0.3, 0]), np.zeros(3), np.eye(3), FLAT, SIZE)
    assert capsule.area == pytest.approx((np.pi * 0.01 + 0.2 * 0.6) * metre**2, rel=0.005)
    for one in (ball, box, capsule):
        np.testing.assert_allclose(one.centre, seen(FLAT, np.zeros(3)), atol=1e-6)
    np.testing.assert_allclose(box.reach(np.array([0.0, np.pi / 2])), [0.3 * metre, 0.2 * metre])


def test_the_outline_of_a_ball_in_perspective_is_the_ellipse_of_its_tangent_cone():
    point = np.array([0.7, 0.2, 1.6])
    found = outline(Shape.SPHERE, np.array([0.25, 0, 0]), point, np.eye(3), ROUND, SIZE)
    # The ends of its long axis lie in the plane of the lines of sight to ball and picture centre.
    away = point - ROUND.position
    forward = ROUND.basis[2]
    off = np.arccos(away @ forward / np.linalg.norm(away))
    half = np.arcsin(0.25 / np.linalg.norm(away))
    focal = SIZE[0] / (2 * np.tan(np.radians(ROUND.fov_y_deg) / 2))
    far = focal * (np.tan(off + half) + np.tan(off - half)) / 2
    middle = np.array(SIZE) / 2
    assert np.linalg.norm(found.centre - middle) == pytest.approx(far, rel=1e-4)


def test_moments_of_a_polygon_by_sampling():
    corners = np.array([[0.0, 0.0], [1.0, 4.0], [3.0, 5.0], [4.0, 1.0]])
    one = polygon(corners)
    at = np.stack(np.meshgrid(np.arange(0, 4, 0.01), np.arange(0, 5, 0.01), indexing="ij"),
                  -1).reshape(-1, 2) + 0.005
    edge = np.roll(corners, -1, axis=0) - corners
    cross = [e[0] * (at - c)[:, 1] - e[1] * (at - c)[:, 0] for c, e in zip(corners, edge,
                                                                            strict=True)]
    inside = at[np.all(np.array(cross) <= 0, axis=0)]
    np.testing.assert_allclose(one.centre, inside.mean(axis=0), atol=0.01)
    np.testing.assert_allclose(one.moments, np.cov(inside.T), atol=0.01)
    assert one.area == pytest.approx(len(inside) * 1e-4, rel=0.01)
