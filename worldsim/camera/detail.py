"""Detail for people's eyes, drawn only where pixels are small enough to show it.

Below 1.5 pixels a metre, as in the model's videos, none of it appears, so that small pictures do
not flicker with what they cannot resolve. All of it is even in y about the domain's middle.
"""

from __future__ import annotations

import numpy as np

WINDOW_SPACING = 2.6
"""Distance between windows [m], about one a room."""

# Wave numbers along x and y [1/m] and phases of the ground's mottling: incommensurate lengths of
# 4 to 30 m, so that no pattern is seen.
MOTTLING = ((0.21, 0.13, 0.4), (0.37, 0.71, 2.1), (0.93, 0.29, 4.0), (1.31, 1.07, 1.2),
            (0.57, 1.49, 5.3))


def visibility(pixels_per_metre: np.ndarray) -> np.ndarray:
    """0 where a metre covers up to 1.5 pixels, 1 from 3 on."""
    return np.clip((pixels_per_metre - 1.5) / 1.5, 0.0, 1.0).astype(np.float32)


def mottling(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Relative brightness (n,) of ground at x, y [m] (n,), y counted from the middle."""
    waves = np.zeros_like(x)
    for kx, ky, phase in MOTTLING:
        waves += np.cos(kx * x + phase) * np.cos(ky * y)
    return (1.0 + 0.022 * waves).astype(np.float32)


def facade(local: np.ndarray, half_size: np.ndarray, local_normal: np.ndarray) -> np.ndarray:
    """Relative brightness (n,) of points on the faces of storeys: windows, the roof's rim.

    Parameters
    ----------
    local, half_size, local_normal : (n, 3), in the frames of the boxes [m].
    """
    roof = local_normal[:, 2] > 0.5
    wall = np.abs(local_normal[:, 2]) < 0.5
    along = np.where(np.abs(local_normal[:, 0]) > 0.5, local[:, 1], local[:, 0])
    half_along = np.where(np.abs(local_normal[:, 0]) > 0.5, half_size[:, 1], half_size[:, 0])
    count = np.maximum(1.0, np.floor(2 * half_along / WINDOW_SPACING))
    place = (0.5 + 0.5 * along / np.maximum(half_along, 1e-3)) * count
    height = local[:, 2] / np.maximum(half_size[:, 2], 1e-3)
    window = wall & (np.abs(place - np.floor(place) - 0.5) < 0.21)
    window &= (height > -0.25) & (height < 0.55)
    to_rim = np.min(half_size[:, :2] - np.abs(local[:, :2]), axis=1)
    return np.where(window, 0.5, np.where(roof & (to_rim < 0.4), 0.88, 1.0)).astype(np.float32)
