"""Films that blur, stand still or run backwards."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage, special

from worldsim.models.flaws import Flaws

GREATEST_BLUR = 0.1
"""Standard deviation of `Flaws.blur` = 1 over the picture's height."""

REACH = 5.0
"""Standard deviations that a blur's kernel reaches, and one pixel."""


def instants(flaws: Flaws, frames: int, known: int) -> np.ndarray:
    """(frames,): number of the frame, or place between two, that each frame of a film shows.

    A share of the clip is one of its length from the first to the last frame, so that any share
    changes the last frame. What is both shall first be played backwards, then stand still.

    Parameters
    ----------
    known : how many first frames stay as they are.
    """
    last = frames - 1.0
    number = np.arange(frames, dtype=np.float64)
    stop = max((1 - flaws.frozen) * last, known - 1.0, 0.0)
    number = np.minimum(number, stop)
    turn = max((1 - flaws.backwards) * last, known - 1.0, 0.0)
    return np.maximum(np.where(number > turn, 2 * turn - number, number), 0.0)


def blurred(rgb: np.ndarray, share: float) -> np.ndarray:
    """A film (…, row, column, 3) uint8 with a share of `GREATEST_BLUR` in each frame.

    By the discrete Gaussian exp(-t) I_n(t), whose variance is exactly t = sigma² px² however small
    (Lindeberg 1990, "Scale-space for discrete signals", IEEE PAMI 12, 234); beyond the picture's
    edge its outermost pixels go on.
    """
    sigma = share * GREATEST_BLUR * rgb.shape[-3]
    if sigma == 0:
        return rgb
    reach = math.ceil(REACH * sigma) + 1
    kernel = special.ive(np.arange(-reach, reach + 1), sigma**2)
    kernel /= kernel.sum()
    result = np.empty_like(rgb)
    for at in np.ndindex(rgb.shape[:-4]):
        film = rgb[at].astype(np.float32)
        for axis in (-3, -2):
            film = ndimage.correlate1d(film, kernel, axis=axis, mode="nearest")
        result[at] = np.rint(film).astype(np.uint8)
    return result
