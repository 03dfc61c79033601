"""How well two videos and their masks agree: the four measures of Physics-IQ."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from worldsim.errors import InputError

DECIMALS = 4
"""Values per frame are rounded to so many decimals, as the published program does when it reads the
table that it wrote."""


@dataclasses.dataclass(frozen=True)
class Agreement:
    """The four measures, of two videos or averaged over pairs of videos.

    spatial : IoU of where there is motion at any time.
    spatiotemporal : IoU frame by frame, averaged.
    weighted_spatial : IoU of how long there is motion, pixel by pixel.
    mse : mean squared difference of the frames, of values from 0 to 1.
    """

    spatial: float
    spatiotemporal: float
    weighted_spatial: float
    mse: float


WORST = Agreement(spatial=0.0, spatiotemporal=0.0, weighted_spatial=0.0, mse=1.0)
"""What a video counts as that is missing or cannot be read: nothing could agree less."""


def agreement(first: np.ndarray, second: np.ndarray, first_masks: np.ndarray,
              second_masks: np.ndarray) -> Agreement:
    """The four measures of two videos.

    Parameters
    ----------
    first, second : (time, row, column, 3) uint8.
    first_masks, second_masks : (time, row, column) bool, or with further dims.

    Raises
    ------
    InputError : shapes differ, or there is no frame.
    """
    return Agreement(
        spatial=spatial_iou(first_masks, second_masks),
        spatiotemporal=_mean(spatiotemporal_iou(first_masks, second_masks)),
        weighted_spatial=weighted_spatial_iou(first_masks, second_masks),
        mse=_mean(frame_mse(first, second)),
    )


def mean_agreement(each: Iterable[Agreement]) -> Agreement:
    """Measure by measure, the mean over several pairs of videos."""
    rows = np.array([dataclasses.astuple(one) for one in each])
    return Agreement(*(float(mean) for mean in rows.mean(axis=0)))


def spatial_iou(first: np.ndarray, second: np.ndarray) -> float:
    """IoU of two videos' masks (time, ...) bool, each united over time; 1 if both are empty."""
    _check_alike(first, second, "masks")
    first_ever, second_ever = (np.any(masks, axis=0, keepdims=True) for masks in (first, second))
    return float(_iou(first_ever, second_ever)[0])


def spatiotemporal_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(time,) IoU of the masks (time, ...) bool of each frame; 1 where both are empty."""
    _check_alike(first, second, "masks")
    return _iou(first, second)


def weighted_spatial_iou(first: np.ndarray, second: np.ndarray) -> float:
    """Sum of the lesser over sum of the greater of two videos' masks averaged over time; 1 if both
    are empty. Masks (time, ...) bool."""
    _check_alike(first, second, "masks")
    # Counts of frames instead of shares: their number cancels, and sums of integers are exact.
    long, short = (masks.sum(axis=0, dtype=np.int64) for masks in (first, second))
    either = np.maximum(long, short).sum()
    return float(np.minimum(long, short).sum() / either) if either else 1.0


def frame_mse(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(time,) mean squared difference of frames (time, row, column, 3) uint8, in units of 255^2."""
    _check_alike(first, second, "videos")
    squares = np.empty(len(first))
    for frame, (a, b) in enumerate(zip(first, second, strict=True)):
        off = np.subtract(a, b, dtype=np.int32).ravel()
        # Of 255^2 at most, so that the sum in integers is exact up to 10^14 pixels.
        squares[frame] = np.dot(off.astype(np.float64), off)
    return squares / (first[0].size * 255.0**2)


def _iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    within = tuple(range(1, first.ndim))
    both = np.count_nonzero(first & second, axis=within)
    either = np.count_nonzero(first | second, axis=within)
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)


def _mean(frames: np.ndarray) -> float:
    return float(np.round(frames, DECIMALS).mean())


def _check_alike(first: np.ndarray, second: np.ndarray, what: str) -> None:
    if first.shape != second.shape or not first.size:
        raise InputError(
            f"{what} have shapes {first.shape} and {second.shape}; give two of one shape with at "
            "least one frame")
    wanted = np.dtype(bool if what == "masks" else np.uint8)
    for one in (first, second):
        if one.dtype != wanted:
            raise InputError(f"{what} have dtype {one.dtype}; give {wanted}")
