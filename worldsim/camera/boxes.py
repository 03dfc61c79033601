"""Where rays meet boxes: the bodies of a frame as the camera and the sun see them.

Rays from one point go to MuJoCo (`mj_multiRay`, exact distance and normal, no OpenGL). Parallel
rays, which `mj_multiRay` cannot cast because each has its own origin, are intersected with the
slabs of each box (Kay & Kajiya 1986, "Ray tracing complex scenes"): those of an orthographic
camera and those towards the sun.
"""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

CORNERS = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)], dtype=float)

NO_HIT = np.float32(np.inf)


@dataclass(frozen=True)
class Boxes:
    """Boxes of one instant: centres (n, 3) [m], rotations (n, 3, 3), half sizes (n, 3) [m]."""

    position: np.ndarray
    rotation: np.ndarray
    half_size: np.ndarray

    def corners(self) -> np.ndarray:
        """(n, 8, 3) [m]."""
        local = CORNERS[None] * self.half_size[:, None]
        return self.position[:, None] + local @ np.swapaxes(self.rotation, -1, -2)

    def shadow_hulls(self, towards_sun: np.ndarray, z_floor: float) -> np.ndarray:
        """(n, 16, 3): points whose hull holds each box and its shadow down to `z_floor` [m]."""
        corners = self.corners()
        fall = np.maximum(corners[..., 2:] - z_floor, 0.0) / towards_sun[2]
        return np.concatenate([corners, corners - fall * towards_sun], axis=1)


def parallel_hit(
    points: np.ndarray, direction: np.ndarray, boxes: Boxes, index: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Entry and exit distances (n,) of the rays ``points + t * direction`` through one box, and
    the local axis 0, 1, 2 (n,) of the face where they enter; `points` are (3, n) [m].

    The ray misses the box where the entry lies beyond the exit.
    """
    rotation = boxes.rotation[index].astype(np.float32)
    half = boxes.half_size[index].astype(np.float32)
    local_direction = direction.astype(np.float32) @ rotation
    x, y, z = points - boxes.position[index].astype(np.float32)[:, None]
    entry = np.full(len(x), -NO_HIT, dtype=np.float32)
    leave = np.full(len(x), NO_HIT, dtype=np.float32)
    axis = np.zeros(len(x), dtype=np.int8)
    for k in range(3):
        start = x * rotation[0, k] + y * rotation[1, k] + z * rotation[2, k]
        slope = local_direction[k]
        slope = slope if abs(slope) > 1e-7 else np.float32(1e-7)
        reach = abs(half[k] / slope)
        middle = start * (np.float32(-1.0) / slope)
        near, far = middle - reach, middle + reach
        axis[near > entry] = k
        np.maximum(entry, near, out=entry)
        np.minimum(leave, far, out=leave)
    return entry, leave, axis


def face_normal(boxes: Boxes, index: int, axis: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Outward normals (n, 3) of the faces `axis` (n,) that rays along `direction` enter."""
    against = -np.sign(direction @ boxes.rotation[index])
    return (boxes.rotation[index] * against).T[axis].astype(np.float32)


class MujocoBoxes:
    """The boxes of one member as a MuJoCo model of mocap bodies, posed anew for every frame.

    MuJoCo culls rays by bounding volumes that it computes when it compiles a model, so that the
    model is compiled with the largest size each box ever has.
    """

    def __init__(self, largest_half_size: np.ndarray) -> None:
        spec = mujoco.MjSpec()
        for half_size in np.maximum(largest_half_size, 1e-3):
            body = spec.worldbody.add_body(mocap=True)
            body.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=half_size.astype(float))
        self._model = spec.compile()
        self._data = mujoco.MjData(self._model)
        self._visible = np.array([1, 0, 0, 0, 0, 0], dtype=np.uint8)

    def pose(self, position: np.ndarray, quaternion: np.ndarray, half_size: np.ndarray,
             drawn: np.ndarray) -> None:
        """Place all boxes; only those in the mask `drawn` (n,) are seen by `cast`."""
        self._data.mocap_pos[:] = position
        self._data.mocap_quat[:] = quaternion
        self._model.geom_size[:] = np.maximum(half_size, 1e-4)
        self._model.geom_group[:] = np.where(drawn, 0, 1)
        mujoco.mj_kinematics(self._model, self._data)

    def cast(
        self, origin: np.ndarray, directions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cast unit `directions` (n, 3) from one point.

        Returns
        -------
        distance (n,) float32 [m], infinite where nothing is hit; body (n,) int16 (-1: none);
        outward normal (n, 3) float32.
        """
        count = len(directions)
        body = np.full(count, -1, dtype=np.int32)
        distance, normal = np.zeros(count), np.zeros(3 * count)
        if count:
            mujoco.mj_multiRay(
                self._model, self._data, np.asarray(origin, float),
                np.ascontiguousarray(directions, dtype=float).ravel(), self._visible, True, -1,
                body, distance, normal, count, 1e6,
            )
        distance = np.where(body >= 0, distance, NO_HIT).astype(np.float32)
        return distance, body.astype(np.int16), normal.reshape(-1, 3).astype(np.float32)
