"""Motion masks of a video, as Physics-IQ makes them: where a frame differs from what went before.

Motamed et al. (2025), "Do generative video models understand physical principles?",
arXiv:2501.09038; details are those of its published program, which calls OpenCV. Reproduced here in
numpy, so that scenes of ours need no OpenCV; the tests hold both together, pixel for pixel.

The kernels have 5 pixels whatever the size of the picture: masks of one film at two sizes are not
the same masks.
"""

from __future__ import annotations

import numpy as np

from worldsim.errors import InputError

ALPHA = 0.3
"""Weight of the new frame in the running average."""

THRESHOLD = 10
"""Grey levels (of 255): a greater difference is motion."""

SIDE = 5
"""px, of the Gaussian and of the square that opens and closes a mask."""

_GREY = (9798, 19235, 3735)
"""0.299, 0.587 and 0.114 (ITU-R BT.601) in units of 2^-15: OpenCV's fixed point."""


def motion_masks(video: np.ndarray) -> np.ndarray:
    """Where something moves.

    Grey, blurred by a 5 x 5 Gaussian; the running average takes up 0.3 of the frame *before* the
    frame is compared with it, so that of a step 0.7 is seen; a difference above 10 of 255 grey
    levels is motion; opened, then closed, by a square of 5 x 5 pixels. The first frame has no
    motion.

    Parameters
    ----------
    video : (..., time, row, column, 3) uint8, RGB, at least 3 x 3 pixels. Leading dimensions are
        so many videos.

    Returns
    -------
    (..., time, row, column) bool.

    Raises
    ------
    InputError : another shape or dtype.
    """
    blurred = _blurred(_grey(checked(video)))
    average = blurred.astype(np.float64)
    average[..., 1:, :, :] *= ALPHA
    for frame in range(1, blurred.shape[-3]):
        average[..., frame, :, :] += (1 - ALPHA) * average[..., frame - 1, :, :]
    # OpenCV rounds in single precision. That matters: the averages of the first frames are tenths
    # and hundredths of grey levels, many of them halfway between two.
    apart = np.rint(average.astype(np.float32))
    apart -= blurred
    moving = np.abs(apart) > THRESHOLD
    opened = _dilated(_eroded(moving))
    return _eroded(_dilated(opened))


def checked(video: np.ndarray) -> np.ndarray:
    """The video itself, if it is one.

    Raises
    ------
    InputError : it is not (..., time, row, column, 3) uint8 of at least 3 x 3 pixels.
    """
    shape = np.shape(video)
    if (getattr(video, "dtype", None) != np.uint8 or len(shape) < 4 or shape[-1] != 3
            or shape[-4] < 1 or min(shape[-3:-1]) < 3):
        raise InputError(
            f"a video has shape {shape} and dtype {getattr(video, 'dtype', type(video).__name__)}; "
            "give (time, row, column, 3) uint8 of at least 3 x 3 pixels")
    return video


def _grey(video: np.ndarray) -> np.ndarray:
    """(..., row, column) uint8 luma."""
    wide = video[..., 0].astype(np.uint32) * _GREY[0]
    for channel in (1, 2):
        wide += video[..., channel].astype(np.uint32) * _GREY[channel]
    wide += 1 << 14
    wide >>= 15
    return wide.astype(np.uint8)


def _blurred(grey: np.ndarray) -> np.ndarray:
    """(..., row, column) int16: 1 4 6 4 1 along columns and rows, rounded once at the end; the
    picture is mirrored at its margin without repeating the marginal pixel."""
    around = [(0, 0)] * (grey.ndim - 2)
    wide = np.pad(grey, [*around, (2, 2), (2, 2)], mode="reflect").astype(np.uint16)
    rows, columns = grey.shape[-2:]
    wide = _weighted([wide[..., n:n + columns] for n in range(5)])
    wide = _weighted([wide[..., n:n + rows, :] for n in range(5)])
    wide += 1 << 7
    wide >>= 8
    return wide.astype(np.int16)


def _weighted(beside: list[np.ndarray]) -> np.ndarray:
    """1 4 6 4 1 times five neighbours uint16; twice in a row stays below 2^16 of uint8."""
    total = beside[1] + beside[3]
    total += beside[2]
    total *= 4
    for neighbour in (beside[0], beside[4], beside[2], beside[2]):
        total += neighbour
    return total


def _eroded(mask: np.ndarray) -> np.ndarray:
    """True where the whole square is, as far as it lies in the picture."""
    return ~_dilated(~mask)


def _dilated(mask: np.ndarray) -> np.ndarray:
    """True where any pixel of the square is."""
    for _ in range(SIDE // 2):  # a square of 3, then another one
        wide = mask.copy()
        wide[..., 1:] |= mask[..., :-1]
        wide[..., :-1] |= mask[..., 1:]
        mask = wide.copy()
        mask[..., 1:, :] |= wide[..., :-1, :]
        mask[..., :-1, :] |= wide[..., 1:, :]
    return mask
