"""Overhead video painted from what is known of it: wet cells and debris on a first frame.

World models that predict observables instead of pixels answer with such videos, so that they are
measured by the same instruments as everybody else.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from worldsim.instruments.appearance import DEBRIS_COLOURS, DEBRIS_DIAMETER_PX
from worldsim.instruments.debris import colour_weights
from worldsim.instruments.ground import GroundGrid
from worldsim.instruments.wetness import wet_mask

SOME_WATER, SOME_GROUND = (60, 140, 175), (180, 170, 140)
"""Colours for a first frame that shows no water, or nothing else."""


def without_debris(frame: np.ndarray) -> np.ndarray:
    """A frame (row, column, 3) uint8 with debris painted over by what is nearest around it."""
    covered = (colour_weights(frame) > 0).any(axis=0)
    covered = ndimage.binary_dilation(covered, structure=np.ones((3, 3), dtype=bool))
    if not covered.any() or covered.all():
        return frame.copy()
    row, column = ndimage.distance_transform_edt(
        covered, return_distances=False, return_indices=True
    )
    return frame[row, column]


def _fill(frame: np.ndarray, keep: np.ndarray, otherwise: tuple[int, int, int]) -> np.ndarray:
    """The frame where `keep`; elsewhere its usual colour, or `otherwise` if that is none."""
    colour = np.median(frame[keep], axis=0) if keep.any() else np.array(otherwise)
    return np.where(keep[..., None], frame, colour.astype(np.uint8))


def paint(first: np.ndarray, wet: np.ndarray, position: np.ndarray, grid: GroundGrid) -> np.ndarray:
    """Paint a video.

    Parameters
    ----------
    first : (row, column, 3) uint8, the frame that shows ground, buildings and water at the start.
    wet : (time, row, column) bool, rows as in the picture.
    position : (time, slot, [x, y]) m of the debris, NaN where none is.
    grid : of the pixels.

    Returns
    -------
    (time, row, column, 3) uint8. Cells that become wet take the typical colour of the first
    frame's water, cells that fall dry that of its ground.
    """
    background = without_debris(first)
    was_wet = wet_mask(background)
    if_wet = _fill(background, was_wet, SOME_WATER)
    if_dry = _fill(background, ~was_wet, SOME_GROUND)
    video = np.where(wet[..., None], if_wet, if_dry)
    for frame, places in zip(video, position, strict=True):
        for slot, (x, y) in enumerate(places):
            if np.isfinite(x) and np.isfinite(y):
                _disc(frame, (grid.y[0] - y) / grid.pitch, (x - grid.x[0]) / grid.pitch,
                      DEBRIS_COLOURS[slot])
    return video


def _disc(frame: np.ndarray, row: float, column: float, colour: np.ndarray) -> None:
    """Draw an antialiased disc at fractional pixel indices, in place."""
    radius = DEBRIS_DIAMETER_PX / 2
    reach = int(np.ceil(radius + 0.5))
    r0, c0 = int(np.rint(row)) - reach, int(np.rint(column)) - reach
    rows = np.arange(max(r0, 0), min(r0 + 2 * reach + 1, frame.shape[0]))
    columns = np.arange(max(c0, 0), min(c0 + 2 * reach + 1, frame.shape[1]))
    if not len(rows) or not len(columns):
        return
    away = np.hypot(rows[:, None] - row, columns[None] - column)
    share = np.clip(radius + 0.5 - away, 0.0, 1.0)[..., None]
    block = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    frame[block] = np.rint(frame[block] * (1 - share) + colour * share).astype(np.uint8)
