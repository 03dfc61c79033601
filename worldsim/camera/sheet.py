"""Many frames on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from worldsim.errors import InputError


def frame_grid(frames: Sequence[np.ndarray] | np.ndarray, columns: int = 4,
               gap: int = 2, scale: int = 1) -> np.ndarray:
    """Frames (row, column, 3) uint8 of one size side by side, as one picture.

    Parameters
    ----------
    columns : frames per line. gap : white pixels between them. scale : every pixel becomes a
        square of this many.

    Raises
    ------
    InputError : no frames, or frames of different sizes.
    """
    pictures = [np.asarray(frame) for frame in frames]
    if not pictures or any(picture.shape != pictures[0].shape for picture in pictures):
        raise InputError("frame_grid needs one or more frames of one size")
    height, width, channels = pictures[0].shape
    height, width = height * scale, width * scale
    lines = -(-len(pictures) // columns)
    sheet = np.full((lines * (height + gap) - gap, columns * (width + gap) - gap, channels),
                    255, dtype=np.uint8)
    for i, picture in enumerate(pictures):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = picture.repeat(scale, 0).repeat(scale, 1)
    return sheet
