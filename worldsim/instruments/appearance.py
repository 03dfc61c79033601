"""What things look like: the colours by which the instruments tell them apart.

The values are the renderer's palette contract; a test holds the two against each other.
"""

from __future__ import annotations

import numpy as np

DEBRIS_COLOURS = np.array(
    [
        [225, 30, 30],  # red
        [250, 225, 20],  # yellow
        [140, 60, 245],  # violet
        [240, 30, 190],  # magenta
        [110, 235, 30],  # lime
        [250, 135, 15],  # orange
    ],
    dtype=np.uint8,
)
"""(slot, rgb): every slot of floating debris has its own saturated colour."""

DEBRIS_DIAMETER_PX = 3.5
"""Least diameter of a debris marker in the overhead view, pixels."""

_GREY = np.ones(3, dtype=np.float32) / np.sqrt(3.0)


def chroma(colour: np.ndarray) -> np.ndarray:
    """The part of RGB colours (…, 3) that is not grey, on the scale of 0..255 (float32).

    White light, shading towards black and foam add grey only, so that this part is what remains
    of an object's own colour.
    """
    values = np.asarray(colour, dtype=np.float32)
    return values - (values @ _GREY)[..., None] * _GREY
