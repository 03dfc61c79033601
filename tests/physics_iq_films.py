"""Films for the tests of Physics-IQ, and its masks computed a second way."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

FPS = 4
FRAMES = 5 * FPS


def noise(seed: int, shape: tuple[int, ...], smooth: float = 0.0) -> np.ndarray:
    """A video (time, row, column, 3) uint8 of noise, over the full range of grey levels."""
    rng = np.random.default_rng(seed)
    if not smooth:
        return rng.integers(0, 256, (*shape, 3)).astype(np.uint8)
    field = ndimage.gaussian_filter(rng.normal(size=(*shape, 3)), (1, smooth, smooth, 0))
    return np.uint8((field - field.min()) / np.ptp(field) * 255)


def square(start: int, speed: float, *, frames: int = FRAMES, size: tuple[int, int] = (64, 96),
           row: int = 20, level: int = 220) -> np.ndarray:
    """A bright square of 16 pixels that moves to the right in front of grey."""
    film = np.full((frames, *size, 3), 90, np.uint8)
    for frame in range(frames):
        left = round(start + speed * frame)
        film[frame, row:row + 16, max(left, 0):max(left + 16, 0)] = level
    return film


def slow_masks(video: np.ndarray) -> np.ndarray:
    """As the paper's text has it, pixel by pixel and with other library functions."""
    grey = np.floor(video @ np.array([9798, 19235, 3735]) / 2**15 + 0.5)
    kernel = np.array([1, 4, 6, 4, 1]) / 16
    blurred = np.stack([
        np.floor(ndimage.correlate(frame, np.outer(kernel, kernel), mode="mirror") + 0.5)
        for frame in grey])
    average, found = blurred[0].copy(), [np.zeros(blurred[0].shape, bool)]
    for now in blurred[1:]:
        average = 0.7 * average + 0.3 * now
        moving = np.abs(now - np.rint(average.astype(np.float32))) > 10
        opened = ndimage.maximum_filter(ndimage.minimum_filter(moving, 5, mode="nearest"), 5,
                                        mode="nearest")
        found.append(ndimage.minimum_filter(ndimage.maximum_filter(opened, 5, mode="nearest"), 5,
                                            mode="nearest"))
    return np.array(found)
