"""Velocities from positions, between kinks.

A run of frames in which an object is seen, from kink to kink, is smoothed by penalised least
squares (Whittaker 1923; Eilers 2003, Anal. Chem. 75, 3631): the sum of squared residuals plus
`lambda` times that of third differences is least, so that a parabola is left as it is. Restricted
maximum likelihood (Patterson and Thompson, 1971) chooses `lambda` for each run, with row and
column together: how much third differences vary beside noise. The velocity is the slope, at each
frame, of the quartic through the five smoothed positions nearest in the run (of the polynomial
through all, where there are fewer).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

STENCIL = 5
"""Smoothed positions whose polynomial gives the velocity."""

PENALTIES = np.logspace(-2, 7, 28)
"""Values of lambda that are tried."""


def velocities(position: np.ndarray, fps: float, kink: np.ndarray | None = None) -> np.ndarray:
    """Velocity at every frame.

    Parameters
    ----------
    position : (time, …, [row, column]) px; NaN where not seen.
    fps : frames per second.
    kink : (time, …) not NaN where a kink lies between this frame and the one before.

    Returns
    -------
    (time, …, 2) px/s; NaN where fewer than two frames follow each other without a kink.
    """
    frames = len(position)
    series = position.reshape(frames, -1, 2)
    cut = np.zeros(series.shape[:2], dtype=bool)
    if kink is not None:
        cut = np.isfinite(kink).reshape(cut.shape)
    velocity = np.full(series.shape, np.nan)
    for number, first, last in _runs(series, cut):
        if last - first > 1:
            velocity[first:last, number] = _slopes(series[first:last, number]) * fps
    return velocity.reshape(position.shape)


def _runs(series: np.ndarray, cut: np.ndarray) -> list[tuple[int, int, int]]:
    """(series, first frame, last frame + 1) of each run."""
    seen = np.isfinite(series).all(axis=-1)
    runs = []
    for number in range(series.shape[1]):
        here = seen[:, number]
        starts = here & (cut[:, number] | ~np.concatenate([[False], here[:-1]]))
        ends = here & np.concatenate([cut[1:, number] | ~here[1:], [True]])
        runs += [(number, int(a), int(b) + 1) for a, b in
                 zip(np.flatnonzero(starts), np.flatnonzero(ends), strict=True)]
    return runs


def _slopes(run: np.ndarray) -> np.ndarray:
    """(n, 2) px per frame, of a run (n, 2)."""
    count = len(run)
    slope = _stencil(count)
    if count < 5:  # too short to tell noise from motion
        return slope @ run
    vectors, shrink, deviance = _penalised(count)
    middle = run.mean(axis=0)
    parts = vectors.T @ (run - middle)  # (n, 2)
    # Twice the negative logarithm of the restricted likelihood of each lambda.
    left = ((1 - shrink) @ (parts**2)).sum(axis=1)
    best = int(np.argmin(2 * (count - 3) * np.log(np.maximum(left, 1e-12)) + 2 * deviance))
    return slope @ (vectors @ (shrink[best][:, None] * parts))


@lru_cache(maxsize=512)
def _penalised(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eigenvectors (n, n) of the penalty, what is left of each (lambda, n), and the logarithm of
    the variance (lambda,) that motion and noise together have, over that of noise."""
    third = np.diff(np.eye(count), 3, axis=0)
    values, vectors = np.linalg.eigh(third.T @ third)
    values[:3] = 0.0  # parabolas
    stiff = PENALTIES[:, None] * values
    deviance = np.log1p(1 / stiff[:, 3:]).sum(axis=1)
    return vectors, 1 / (1 + stiff), deviance


@lru_cache(maxsize=512)
def _stencil(count: int) -> np.ndarray:
    """(n, n): from positions to slopes per frame."""
    width = min(STENCIL, count)
    slopes = np.zeros((count, count))
    for frame in range(count):
        first = int(np.clip(frame - width // 2, 0, count - width))
        x = np.arange(first, first + width) - frame
        weights = np.linalg.inv(np.vander(x.astype(float), increasing=True))[1]
        slopes[frame, first : first + width] = weights
    return slopes
