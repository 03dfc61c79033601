"""Where a known scene has things that stand still and can be touched, or can hide what moves."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.transform import Rotation

from worldsim.camera.projection import Camera
from worldsim.mechanics import MechanicalScene, Part, Role, Shape

FACING = 1e-3
"""Cosine between a plane's normal and the line of sight below which the plane is a line."""

ROUND_POINTS = 24
"""Points of a circle that stand for it."""


def distance_to_fixtures(scene: MechanicalScene, view: Camera, size: tuple[int, int]
                         ) -> np.ndarray:
    """(row, column) px from each pixel to the nearest fixture that is in the plane of motion or in
    front of it, 0 upon it, for a parallel projection.

    What lies wholly behind all that moves can neither stop it nor hide it.
    """
    poses = poses_of(scene)
    back = max((_depths(poses[body.name], part, view)[1] for body in scene.bodies
                if body.role is Role.OBJECT for part in body.parts), default=np.inf)
    covered = np.zeros(size, dtype=bool)
    for body in scene.bodies:
        if body.role is not Role.FIXTURE:
            continue
        for part in body.parts:
            covered |= _footprint(poses[body.name], part, view, size, back)
    if not covered.any():
        return np.full(size, np.inf)
    return np.asarray(ndimage.distance_transform_edt(~covered))


def same_fixtures(one: MechanicalScene, other: MechanicalScene) -> bool:
    """Whether all that stands still is at the same places, whatever it looks like."""
    return _solids(one) == _solids(other)


def _solids(scene: MechanicalScene) -> list[tuple[object, ...]]:
    return [
        (body.position, body.quaternion, part.shape, part.size, part.position, part.quaternion)
        for body in scene.bodies if body.role is Role.FIXTURE for part in body.parts
    ]


Pose = tuple[np.ndarray, Rotation]


def poses_of(scene: MechanicalScene) -> dict[str, Pose]:
    """Where each body's axes are at t=0, in the world, by name; joints as declared at 0."""
    poses: dict[str, Pose] = {}
    for body in scene.bodies:
        place, turn = np.asarray(body.position, dtype=float), _rotation(body.quaternion)
        if body.parent is not None:
            base, whole = poses[body.parent]
            place, turn = base + whole.apply(place), whole * turn
        poses[body.name] = place, turn
    return poses


def _footprint(pose: Pose, part: Part, view: Camera, size: tuple[int, int], back: float
               ) -> np.ndarray:
    """(row, column) bool, the pixels that a part covers."""
    place, turn = pose
    rows, columns = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5, indexing="ij")
    if part.shape is Shape.PLANE:
        whole = turn * _rotation(part.quaternion)
        normal = view.basis @ whole.apply([0.0, 0.0, 1.0])
        if abs(normal[2]) > FACING:
            return np.zeros(size, dtype=bool)
        unit = view.height_m / size[0]
        point = view.basis @ (place + turn.apply(part.position) - view.position)
        across, upward = (columns - size[1] / 2) * unit, (size[0] / 2 - rows) * unit
        below: np.ndarray = (across - point[0]) * normal[0] + (upward - point[1]) * normal[1] <= 0
        return below
    near, _ = _depths(pose, part, view)
    if near > back:
        return np.zeros(size, dtype=bool)
    row, column, _ = view.project(_points(pose, part), size)
    try:
        hull = ConvexHull(np.stack([row, column], axis=-1))
    except QhullError:  # seen edge on: it covers no pixel
        return np.zeros(size, dtype=bool)
    inside = np.einsum("ek,krc->erc", hull.equations[:, :2], np.stack([rows, columns]))
    covered: np.ndarray = (inside + hull.equations[:, 2, None, None] <= 1e-9).all(axis=0)
    return covered


def _depths(pose: Pose, part: Part, view: Camera) -> tuple[float, float]:
    """Least and greatest distance [m] from the camera's plane."""
    if part.shape is Shape.PLANE:
        return -np.inf, np.inf
    depth = (_points(pose, part) - view.position) @ view.basis[2]
    return float(depth.min()), float(depth.max())


def _points(pose: Pose, part: Part) -> np.ndarray:
    """(n, 3) m; points of a part's surface whose hull is the part, at t=0."""
    angle = np.linspace(0.0, 2 * np.pi, ROUND_POINTS, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=-1)
    if part.shape is Shape.BOX:
        signs = np.stack(np.meshgrid(*[[-1.0, 1.0]] * 3), axis=-1).reshape(-1, 3)
        own = signs * part.size
    elif part.shape is Shape.CYLINDER:
        radius, half = part.size
        own = np.concatenate([radius * circle + [0, 0, s * half] for s in (-1, 1)])
    else:
        radius = part.size[0]
        half = part.size[1] if part.shape is Shape.CAPSULE else 0.0
        globe = np.concatenate([circle[:, order] for order in ((0, 1, 2), (0, 2, 1), (2, 0, 1))])
        own = np.concatenate([radius * globe + [0, 0, s * half] for s in (-1, 1)])
    placed = _rotation(part.quaternion).apply(own) + part.position
    return np.asarray(pose[1].apply(placed) + pose[0])


def _rotation(wxyz: tuple[float, float, float, float]) -> Rotation:
    return Rotation.from_quat(np.roll(wxyz, -1))
