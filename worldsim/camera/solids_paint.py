"""What solids look like: their patterns and the light on them.

Light multiplies a colour by one number, so that shade leaves hue and saturation alone and
instruments can classify by them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from worldsim.camera.solids_shapes import TINY, Triple, dot
from worldsim.simulator.mechanics.bodies import Pattern, Shape

AMBIENT = np.float32(0.60)
SUNLIGHT = np.float32(0.36)
FROM_ABOVE = np.float32(0.08)
"""Brightness of what faces nothing, and how much more of what faces the sun, or upwards."""

CUT = np.float32(0.86)
"""Brightness of the inside of the ground, where a camera looks along its surface."""

FADING = (0.015, 0.12)
"""Sines of the angle to a plane below which it has faded into the backdrop, and from which on it
is clear: a plane has no end, but a picture needs none of its horizon."""


def daylight(towards_sun: Any) -> Any:
    """Share of the sun's light (0..1) on a face whose normal makes that cosine with it."""
    return SUNLIGHT * np.maximum(towards_sun, np.float32(0))


def skylight(upward: Any) -> Any:
    """Brightness of a face in the shade, by the vertical component of its normal."""
    return AMBIENT + FROM_ABOVE * upward


def share_of_second(pattern: Pattern, shape: Shape, size: Triple, field: float, point: Triple,
                    normal: Triple, footprint: tuple[Triple, Triple]) -> np.ndarray:
    """Share (…) of the second colour in the pattern at points of a solid, in its own axes.

    It is the mean over the pixel, so that fields smaller than that fade instead of flickering.

    Parameters
    ----------
    field : m. footprint : by how much the place on the surface moves from one pixel to the next,
        across and down.
    """
    coordinates = _coordinates(pattern, shape, size, field, point, normal)
    product: Any = np.float32(1)
    for value, gradient in coordinates:
        width = np.abs(dot(gradient, footprint[0])) + np.abs(dot(gradient, footprint[1]))
        if pattern is Pattern.HALVES:
            product = np.clip(value / np.maximum(width, TINY) * 2, -1, 1)
        else:
            product = product * _square_wave(value, np.maximum(width, np.float32(1e-4)))
    return np.float32(0.5) - np.float32(0.5) * product


def _square_wave(value: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Mean over value ± width / 2 of the wave that is 1 from 0 to 1 and -1 from 1 to 2."""
    return (_rising(value + width / 2) - _rising(value - width / 2)) / width


def _rising(value: np.ndarray) -> np.ndarray:
    """Integral of the square wave from 0."""
    within = value - 2 * np.floor(value / 2)
    return np.float32(1) - np.abs(within - 1)


def _coordinates(pattern: Pattern, shape: Shape, size: Triple, field: float, point: Triple,
                 normal: Triple) -> list[tuple[Any, Triple]]:
    """Coordinates in which the pattern's fields have length 1, and their gradients [1/m]."""
    x, y, z = point
    none, per_m = np.float32(0), np.float32(1 / field)
    if pattern is Pattern.HALVES:
        return [(x, (np.float32(1), none, none))]
    if shape in (Shape.BOX, Shape.CYLINDER):
        # Ends that lie where fields meet have the colour of those within.
        end = size[2 if shape is Shape.BOX else 1] - np.float32(1e-3 * field)
        z = np.clip(z, -end, end)
    if pattern is Pattern.STRIPES:
        if shape is Shape.PLANE:
            return [(x * per_m, (per_m, none, none))]
        return [(z * per_m, (none, none, per_m))]
    if shape in (Shape.BOX, Shape.PLANE):
        return [
            (np.where(flat, p * per_m, np.float32(0.5)),
             tuple(np.where(flat, per_m, none) if i == axis else none for i in range(3)))
            for axis, (p, n) in enumerate(zip(point, normal, strict=True))
            for flat in [np.abs(n) < 0.5]
        ]
    # A whole number of pairs of fields goes around.
    pairs = max(1, round(np.pi * float(np.max(size[0])) / field))
    turns = np.float32(pairs / np.pi)
    square = np.maximum(x * x + y * y, TINY)
    around = (np.arctan2(y, x) * turns, (-y / square * turns, x / square * turns, none))
    if shape is Shape.SPHERE:
        rho = np.sqrt(square)
        bands = np.float32(2 * max(1, round(np.pi * float(np.max(size[0])) / (2 * field))) / np.pi)
        whole = np.maximum(square + z * z, TINY)
        up = (np.arctan2(z, rho) * bands,
              (-x * z / (rho * whole) * bands, -y * z / (rho * whole) * bands,
               rho / whole * bands))
    else:
        up = (z * per_m, (none, none, per_m))
    return [around, up]
