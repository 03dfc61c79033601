"""Quaternions (w, x, y, z) to rotations.

Written out: a matrix product may sum in another order when the batch has another size.
"""

from __future__ import annotations

import numpy as np


def rotation_matrices(quaternion: np.ndarray) -> np.ndarray:
    """(…, 4) w, x, y, z unit quaternions to (…, 3, 3) body-to-world rotations."""
    w, x, y, z = np.moveaxis(quaternion, -1, 0)
    return np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
            np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
            np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
        ],
        -2,
    )


def turned(quaternion: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """A vector (…, 3) in the body's frame, in the world's."""
    rotation = rotation_matrices(quaternion)
    return np.asarray(sum(rotation[..., :, i] * vector[..., i : i + 1] for i in range(3)))
