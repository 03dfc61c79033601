"""Rays, boxes and height fields against second ways to the same numbers."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from worldsim.camera import Camera, Domain, overhead, street
from worldsim.camera.boxes import Boxes, Looks, face_normals, slabs
from worldsim.camera.height_field import Grid, RayPlanes
from worldsim.camera.marching import Heights, first_hits
from worldsim.errors import InputError
from worldsim.simulator.rotation import rotation_matrices

DOMAIN = Domain(0.0, 192.0, 0.0, 128.0)
CAMERAS = [overhead(DOMAIN), street(DOMAIN)]


@given(x=st.floats(1, 160), y=st.floats(1, 127), z=st.floats(-4, 12),
       size=st.sampled_from([(64, 96), (360, 640)]), camera=st.sampled_from(CAMERAS))
@settings(max_examples=60, deadline=None)
def test_project_and_unproject_are_inverse(x, y, z, size, camera):
    row, column, depth = camera.project(np.array([x, y, z]), size)
    point = camera.unproject_ground(row, column, size, z)
    assert np.allclose(point, [x, y, z], atol=1e-6)
    rays = camera.rays(size, np.array([row]), np.array([column]))
    assert np.allclose(rays.origin + depth * rays.direction, [x, y, z], atol=1e-6)


def test_overhead_pixels_are_the_cells_and_row_0_is_the_largest_y():
    row, column, depth = overhead(DOMAIN).project(np.array([[1.0, 127.0, 3.0]]), (64, 96))
    assert np.allclose([row, column, depth], [[0.5], [0.5], [97.0]])


def test_street_looks_seaward_with_y_to_the_right():
    row, column, _ = street(DOMAIN).project(
        np.array([[100.0, 64.0, 0.0], [100.0, 90.0, 0.0], [60.0, 64.0, 0.0]]), (64, 96))
    assert np.isclose(column[0], 48) and column[1] > 48 and row[2] < row[0]
    behind = street(DOMAIN).project(np.array([400.0, 64.0, 0.0]), (64, 96))
    assert np.isnan(behind[0]) and np.isnan(behind[1])


def test_unproject_has_no_answer_above_the_horizon():
    point = street(DOMAIN).unproject_ground(np.array(0.5), np.array(48.0), (64, 96), 0.0)
    assert np.all(np.isnan(point))


@pytest.mark.parametrize("camera", CAMERAS)
def test_camera_survives_json(camera):
    assert Camera.from_json(camera.to_json()) == camera


@pytest.mark.parametrize(("change", "message"), [
    ({"projection": "fisheye"}, "orthographic, perspective"),
    ({"fov_y_deg": 200.0}, "fov_y_deg=200"),
    ({"up": (-1.0, 0.0, 0.0), "target": (0.0, 64.0, 43.2)}, "parallel"),
    ({"position": (np.nan, 0, 0)}, "finite"),
    ({"zoom": 2}, "unknown"),
])
def test_impossible_cameras_are_refused(change, message):
    fields = {"name": "a", "projection": "perspective", "position": (228.0, 64.0, 43.2),
              "target": (67.0, 64.0, 0.0), "up": (0.0, 0.0, 1.0), "fov_y_deg": 36.0}
    with pytest.raises(InputError, match=message):
        Camera.from_json(fields | change)


def random_boxes(seed: int, count: int = 7) -> tuple[Boxes, np.ndarray]:
    """Boxes of one frame and their quaternions (count, 4)."""
    rng = np.random.default_rng(seed)
    quaternion = rng.normal(size=(count, 4))
    quaternion /= np.linalg.norm(quaternion, axis=1, keepdims=True)
    boxes = Boxes(rng.uniform(-10, 10, (1, count, 3)), rotation_matrices(quaternion)[None],
                  rng.uniform(0.5, 4.0, (1, count, 3)))
    return boxes, quaternion


def mujoco_world(boxes: Boxes, quaternion: np.ndarray) -> tuple[mujoco.MjModel, mujoco.MjData]:
    spec = mujoco.MjSpec()
    for position, turned, half in zip(
        boxes.position[0], quaternion, boxes.half_size[0], strict=True
    ):
        spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, pos=position, quat=turned,
                                size=half)
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return model, data


def nearest(
    points: np.ndarray, directions: np.ndarray, boxes: Boxes
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance, body and normal (m, 3) of the first box that each ray meets; (m, 3) or (1, 3)."""
    count, rays = boxes.position.shape[1], max(len(points), len(directions))
    body, at = (part.ravel() for part in np.mgrid[:count, :rays])
    looks = Looks(np.zeros(count, int), np.arange(count), torch.from_numpy(body),
                  torch.from_numpy(at))

    def dealt(part: np.ndarray) -> torch.Tensor:
        part = part.T.astype(np.float32)
        return torch.from_numpy(part if part.shape[1] == 1 else part[:, at])

    entry, leave, axis = (
        part.numpy().reshape(count, rays)
        for part in slabs(dealt(points), dealt(directions), boxes, looks)
    )
    entry = np.where((entry <= leave) & (entry > 0), entry, np.inf)
    first = entry.argmin(axis=0)
    each = np.arange(rays)
    distance = entry[first, each]
    towards = np.broadcast_to(directions.T, (3, rays))
    normal = face_normals(boxes, np.zeros(rays, int), first, axis[first, each], towards)
    return distance, np.where(np.isinf(distance), -1, first), normal.T


@pytest.mark.parametrize("kind", ["from one point", "parallel", "any"])
@pytest.mark.parametrize("seed", range(3))
def test_rays_meet_boxes_where_mujoco_says(seed, kind):
    boxes, quaternion = random_boxes(seed)
    model, data = mujoco_world(boxes, quaternion)
    rng = np.random.default_rng(seed + 100)
    aims = rng.uniform(-12, 12, (300, 3))
    directions = rng.normal(size=(300, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    if kind == "from one point":
        points = np.array([[60.0, 5.0, 20.0]])
        directions = (aims - points) / np.linalg.norm(aims - points, axis=1, keepdims=True)
    elif kind == "parallel":
        directions = directions[:1]
        points = aims - 40 * directions
    else:
        points = aims - 40 * directions
    distance, body, normal = nearest(points, directions, boxes)
    geom = np.zeros(1, np.int32)
    facing = np.zeros(3)
    points, directions = (np.broadcast_to(part, (300, 3)) for part in (points, directions))
    for i in range(300):
        expected = mujoco.mj_ray(model, data, points[i], directions[i], None, 1, -1, geom, facing)
        assert body[i] == geom[0]
        if geom[0] >= 0:
            assert np.isclose(distance[i], expected, atol=1e-3)
            assert np.allclose(normal[i], facing, atol=1e-4)
    assert np.sum(body >= 0) > 50


def test_rays_meet_a_wavy_surface_where_a_fine_march_does():
    grid = Grid(1.0, 1.0, 2.0, 2.0, 96, 64)
    x, y = 1.0 + 2.0 * np.arange(96), 1.0 + 2.0 * np.arange(64)
    height = (2.5 * np.exp(-(((x[None] - 90 - 4 * np.sin(y[:, None] / 15)) / 9) ** 2))
              + 0.2 * np.cos(0.2 * y[:, None])).astype(np.float32)
    size = (24, 36)
    rays = street(DOMAIN).rays(size, np.arange(7, 24) + 0.5, np.arange(36) + 0.5)
    planes = RayPlanes(rays, grid)
    fields = torch.from_numpy(np.stack([height + 0.3, height]))
    z = first_hits(Heights.of(fields), planes, torch.full((17 * 36,), -1.0))[1]
    found = (planes.origin_z - z.numpy()) * planes.distance_per_drop

    direction = rays.direction.reshape(-1, 3)
    origin = rays.origin.reshape(3)
    steps = np.arange(40.0, 500.0, 0.05)
    for number in range(0, len(direction), 7):
        path = origin + steps[:, None] * direction[number]
        below = np.flatnonzero(path[:, 2] <= bilinear(height, grid, path[:, 0], path[:, 1]))
        assert abs(steps[below[0]] - found[number]) < 0.3, number


def bilinear(height: np.ndarray, grid: Grid, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    i = np.clip((y - grid.y_first) / grid.dy, 0, grid.ny - 1.0)
    j = np.clip((x - grid.x_first) / grid.dx, 0, grid.nx - 1.0)
    i0, j0 = np.minimum(i.astype(int), grid.ny - 2), np.minimum(j.astype(int), grid.nx - 2)
    u, v = i - i0, j - j0
    return ((1 - u) * ((1 - v) * height[i0, j0] + v * height[i0, j0 + 1])
            + u * ((1 - v) * height[i0 + 1, j0] + v * height[i0 + 1, j0 + 1]))


@given(seed=st.integers(0, 10**6), inside=st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_extent_of_a_hull_holds_all_of_it_that_is_in_front(seed, inside):
    rng = np.random.default_rng(seed)
    camera = street(DOMAIN)
    centre = np.array(camera.position if inside else (150.0, 64.0, 5.0)) + rng.normal(size=3)
    corners = centre + rng.uniform(-20, 20, (8, 3))
    size = (64, 96)
    row0, row1, column0, column1 = (float(part[0]) for part in camera.extent(corners[None], size))
    within = rng.dirichlet(np.full(8, 0.3), 500) @ corners
    ahead = (within - camera.position) @ camera.basis[2]
    row, column, _ = camera.project(within[ahead > 0.02], size)
    slack = 1e-6 * (1 + np.abs(row))
    assert np.all((row > row0 - slack) & (row < row1 + slack))
    slack = 1e-6 * (1 + np.abs(column))
    assert np.all((column > column0 - slack) & (column < column1 + slack))


@given(seed=st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_rays_are_above_everything_down_to_where_they_are_said_to_be(seed):
    rng = np.random.default_rng(seed)
    grid = Grid(1.0, 1.0, 4.0, 2.0, 24, 32)
    height = rng.uniform(-4, 1, (32, 24)).astype(np.float32)
    height += 8.0 * (rng.uniform(size=(1, 24)) < 0.1)
    x, y, turn = rng.uniform(-30, 120), rng.uniform(-30, 90), rng.uniform(0, 2 * np.pi)
    camera = Camera("any", "perspective", (x, y, rng.uniform(2, 40)),
                    (x + 60 * np.cos(turn), y + 60 * np.sin(turn), 0.0), (0, 0, 1), fov_y_deg=40)
    rays = camera.rays((12, 16), np.arange(12) + 0.5, np.arange(16) + 0.5)
    planes = RayPlanes(rays, grid)
    clear = planes.clear_above(torch.from_numpy(height)).numpy()
    direction, origin = rays.direction.reshape(-1, 3), rays.origin.reshape(3)
    for number in np.flatnonzero(planes.downward)[::5]:
        z = np.linspace(clear[number] + 1e-3, origin[2], 400)
        along = (z - origin[2]) / direction[number, 2]
        place = origin[:2] + along[:, None] * direction[number, :2]
        surface = bilinear(height, grid, place[:, 0], place[:, 1])
        assert np.all(z >= surface) or origin[2] < clear[number]
