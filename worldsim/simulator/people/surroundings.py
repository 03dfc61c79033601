"""Where bodies can be put: clear of storeys, rubble and debris."""

from __future__ import annotations

import dataclasses

import numpy as np

from worldsim.simulator.bodies import Bodies
from worldsim.simulator.rotation import rotation_matrices

CLEARANCE = 0.05
"""m that are left between a body that is put somewhere and the boxes around it."""

OBSTACLE_POINTS = 9
"""Points along each side of a box by which it obstructs cells."""


@dataclasses.dataclass(frozen=True)
class Boxes:
    """The storeys and debris of one member as they are now.

    centre, half : (box, 3) m. rotation : (box, 3, 3), box to world.
    """

    centre: np.ndarray
    half: np.ndarray
    rotation: np.ndarray

    @classmethod
    def of(cls, bodies: Bodies, member: int) -> Boxes:
        """All boxes of a member; those of empty slots are far away."""
        return cls(
            bodies.position[member], bodies.half_size[member],
            rotation_matrices(bodies.quaternion[member]),
        )

    def gap(self, place: np.ndarray, low: float, high: float) -> tuple[float, np.ndarray]:
        """Horizontal gap in m from a place (x, y) to the nearest box that reaches between these
        heights, negative within it, and the direction (x, y) away from that box."""
        reach = np.abs(self.rotation[:, 2]) * self.half
        tall = reach.sum(-1)
        beside = (self.centre[:, 2] + tall > low) & (self.centre[:, 2] - tall < high)
        if not beside.any():
            return np.inf, np.zeros(2)
        turn = self.rotation[beside]
        off = place - self.centre[beside, :2]
        local = np.stack(
            [turn[:, 0, k] * off[:, 0] + turn[:, 1, k] * off[:, 1] for k in (0, 1)], axis=-1
        )
        outside = np.abs(local) - self.half[beside, :2]
        gap = np.where(
            (outside > 0).any(-1),
            np.sqrt((np.maximum(outside, 0.0) ** 2).sum(-1)),
            outside.max(-1),
        )
        nearest = int(np.argmin(gap))
        axis = int(np.argmax(outside[nearest]))
        sign = 1.0 if local[nearest, axis] >= 0 else -1.0
        away = sign * turn[nearest, :2, axis]
        return float(gap[nearest]), away / max(float(np.sqrt((away**2).sum())), 1e-9)

    def top(self, place: np.ndarray, radius: float) -> float:
        """Highest elevation in m of any box within `radius` of a place; -inf if none."""
        best = -np.inf
        for box in range(len(self.centre)):
            only = slice(box, box + 1)
            single = Boxes(self.centre[only], self.half[only], self.rotation[only])
            if single.gap(place, -np.inf, np.inf)[0] < radius:
                tall = float((np.abs(self.rotation[box, 2]) * self.half[box]).sum())
                best = max(best, float(self.centre[box, 2]) + tall)
        return best


def clear_place(
    boxes: Boxes, place: np.ndarray, radius: float, low: float, high: float
) -> np.ndarray | None:
    """The place (x, y) moved out of boxes that are nearer than `radius`; None if that fails."""
    at = place.copy()
    for _ in range(6):
        gap, away = boxes.gap(at, low, high)
        missing = radius + CLEARANCE - gap
        if missing <= 0:
            return at
        at = at + (missing + 1e-3) * away
    return None


def obstructed_cells(
    bodies: Bodies, member: int, shape: tuple[int, int], spacing: tuple[float, float]
) -> np.ndarray:
    """(ny, nx) bool, cells under loose storeys and debris; spacing (dx, dy) m."""
    loose = bodies.floaters.loose[member]
    under = np.zeros(shape, dtype=bool)
    if not loose.any():
        return under
    centre = bodies.position[member][loose]
    turn = rotation_matrices(bodies.quaternion[member][loose])
    half = bodies.half_size[member][loose]
    side = np.linspace(-1.0, 1.0, OBSTACLE_POINTS)
    a, b = np.meshgrid(side, side)
    x, y = (
        centre[:, k, None]
        + turn[:, k, 0, None] * half[:, 0, None] * a.ravel()
        + turn[:, k, 1, None] * half[:, 1, None] * b.ravel()
        for k in (0, 1)
    )
    inside = (x > 0) & (x < shape[1] * spacing[0]) & (y > 0) & (y < shape[0] * spacing[1])
    under[(y[inside] / spacing[1]).astype(np.int64), (x[inside] / spacing[0]).astype(np.int64)] = 1
    return under
