"""Velocities from positions: a local quadratic by least squares (Savitzky and Golay, 1964)."""

from __future__ import annotations

import numpy as np

STENCIL = 2
"""Frames on each side of a frame whose positions give its velocity, as far as they are seen."""


def velocities(position: np.ndarray, fps: float, breaks: np.ndarray | None = None,
               reach: int = STENCIL) -> np.ndarray:
    """Velocity at every frame: slope of the quadratic that fits the frames around it best.

    Three to five frames are used, those that are seen in one run around the frame and on the same
    side of every event; a straight line through two where there are no more.

    Parameters
    ----------
    position : (time, …) NaN where not seen.
    fps : frames per second.
    breaks : (time, …) bool; between a frame so marked and the one before it is an event.
    reach : frames on each side.

    Returns
    -------
    (time, …) per second; NaN where fewer than two frames can be used.
    """
    frames = len(position)
    flat = position.reshape(frames, -1)
    cut = np.zeros(flat.shape, dtype=bool) if breaks is None else breaks.reshape(frames, -1)
    side = np.arange(-reach, reach + 1)
    at = np.arange(frames)[:, None] + side
    inside = (at >= 0) & (at < frames)
    values = flat[np.clip(at, 0, frames - 1)]  # (time, side, …)
    # The number of cuts up to a frame says on which side of an event it is.
    piece = np.cumsum(cut | ~np.isfinite(flat) | np.roll(~np.isfinite(flat), 1, axis=0), axis=0)
    same = piece[np.clip(at, 0, frames - 1)] == piece[:, None]
    weight = (inside[..., None] & same & np.isfinite(values)).astype(float)
    x = side[None, :, None].astype(float)
    y = np.where(weight > 0, np.nan_to_num(values), 0.0)
    s0, s1, s2, s3, s4 = ((weight * x**k).sum(1) for k in range(5))
    t0, t1, t2 = ((weight * x**k * y).sum(1) for k in range(3))
    # Cramer's rule for the slope of y = c0 + c1 x + c2 x2 at x = 0.
    det = s0 * (s2 * s4 - s3 * s3) - s1 * (s1 * s4 - s2 * s3) + s2 * (s1 * s3 - s2 * s2)
    quadratic = s0 * (t1 * s4 - s3 * t2) - t0 * (s1 * s4 - s3 * s2) + s2 * (s1 * t2 - t1 * s2)
    line = s0 * s2 - s1 * s1
    slope = np.where(s0 >= 3, quadratic / np.where(np.abs(det) > 1e-9, det, np.nan),
                     (s0 * t1 - s1 * t0) / np.where(line > 1e-9, line, np.nan))
    slope = np.where((s0 >= 2) & np.isfinite(flat), slope, np.nan)
    return (slope * fps).reshape(position.shape)
