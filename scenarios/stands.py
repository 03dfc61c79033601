"""What machines hang on and stand on: dull fixtures that nothing touches."""

from __future__ import annotations

import math

from worldsim.mechanics import UPRIGHT, Body, Look, Part, Quaternion, Shape, Vector, fixture

STEP = 1 / 480
"""s; machines that touch nothing are moved by a scheme of fourth order, for which that is short:
halving it moves nothing by more than a millionth of the stage, chaos apart."""

ALONG_Y: Quaternion = (math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0)
"""Turns a solid's own z to -y."""

SWING: Vector = (0.0, -1.0, 0.0)
"""Axis about which what hangs turns to the right of the side view."""


def turned(axis: Vector, angle: float) -> Quaternion:
    """Rotation by `angle` [rad] about a unit vector."""
    x, y, z = (math.sin(angle / 2) * part for part in axis)
    return math.cos(angle / 2), x, y, z


def seen_only(shape: Shape, size: tuple[float, ...], look: Look, position: Vector,
              quaternion: Quaternion = UPRIGHT) -> Part:
    """A solid that neither touches anything nor is followed."""
    return Part(shape, size, look, position, quaternion, collides=False, tracked=False)


def bearing(height: float, behind: float, look: Look) -> Body:
    """A post `behind` m behind the plane of motion that bears an axle `height` m up."""
    radius = 0.035
    post = seen_only(
        Shape.BOX, (radius, radius / 2, (height + radius) / 2), look,
        (0.0, behind, (height + radius) / 2),
    )
    axle = seen_only(
        Shape.CYLINDER, (radius, behind / 2 + radius), look, (0.0, behind / 2, height), ALONG_Y
    )
    return fixture("stand", [post, axle])
