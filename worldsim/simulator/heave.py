"""How blocks that are let go above or in water heave: added mass, entry, radiation, drag.

Blocks that stand on the ground, and all else that floats, heave as `worldsim.simulator.floating`
has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from worldsim.simulator.constants import SEAWATER_DENSITY

if TYPE_CHECKING:
    from worldsim.simulator.floating import Floaters

ADDED = 0.35
"""Heave added mass of a box that pierces the surface over ρ A^(3/2), A its plan area: half that of
the box with its mirror image, a square prism of height 2T, C_A(2T/a) ρ a² T with C_A = 0.68, 0.36
and 0.24 for 2T/a = 1, 2 and 3 (DNV-RP-H103, table A-2): 0.34 to 0.36, whatever its draught T."""

ENTRY = 0.05
"""Depth, in √A, over which a box gets its added mass when it enters. The momentum that this water
needs is taken from the box (von Kármán 1929, NACA TN 321)."""

BISECTIONS = 12
"""By which it is found how far a box enters within an exchange, to 1/4000 of its way."""

RADIATION = 0.10
"""Damping in heave, fraction of critical: by Haskind's relation b = k ω |X|² / (2 ρ g²), with the
exciting force X = ρ g A exp(-k T), 0.11 for a cube of 1 m afloat at half its height."""


def added_mass(half_size: tuple[float, float, float]) -> float:
    """Of a box of those half sizes [m], kg."""
    return ADDED * SEAWATER_DENSITY * float(4 * half_size[0] * half_size[1]) ** 1.5


class HeaveLoads(NamedTuple):
    """force (member, body, column) N; stiffness N/m and damping N s/m (member, body), by which the
    force follows the body within the exchange."""

    force: np.ndarray
    stiffness: np.ndarray
    damping: np.ndarray


def heave(
    boxes: Floaters,
    immersion: np.ndarray,
    touched: np.ndarray,
    restoring: np.ndarray,
    rise: np.ndarray,
    roll: np.ndarray,
    gravity: float,
    dt: float,
) -> HeaveLoads:
    """Vertical forces on bodies whose added mass is part of their inertia in MuJoCo.

    Of (M + a(s)) dw/dt = -M g + B - c w - w da/dt the right side is handed to MuJoCo, whose inertia
    is M + a(∞), times (M + a(∞)) / (M + a(s)): in the air, a(s) = 0, that makes a free fall.

    Parameters
    ----------
    immersion : (member, body, column) m of the underside below the surface; negative in the air.
    touched : (member, body, column) share of wet cells under a column.
    restoring : (member, body, column) N/m of a column that pierces the surface.
    rise : (member, body) m/s of the centre.
    roll : (member, body, column) N by which turning against the centre is damped.
    dt : s; for how long the forces will be held.
    """
    columns = immersion.shape[-1]
    area = 4 * boxes.half_size[..., 0] * boxes.half_size[..., 1]
    height = 2 * boxes.half_size[..., 2:3]
    mass, full = boxes.mass[..., None], boxes.heave_added[..., None]
    depth = ENTRY * np.sqrt(area)[..., None]
    def added(level: np.ndarray) -> np.ndarray:
        """Per column, kg."""
        return full / columns * np.clip(level / depth, 0.0, 1.0) * touched

    # A fall of some m/s goes through the surface within one exchange, so that it is looked ahead.
    fall = -rise[..., None] * dt
    fall = fall + np.where((immersion < 0).all(-1, keepdims=True), gravity * dt**2 / 2, 0.0)
    begun = added(immersion)
    soon = immersion + fall
    entering = (added(soon) > begun).any(-1, keepdims=True)
    if entering.any():
        before = mass + begun.sum(-1, keepdims=True)
        # How far it gets depends on how much water it sets in motion there: by bisection.
        least, most = np.zeros_like(fall), np.ones_like(fall)
        for _ in range(BISECTIONS):
            part = (least + most) / 2
            slowed = before / (mass + added(immersion + part * fall).sum(-1, keepdims=True))
            least = np.where(part < (1 + slowed) / 2, part, least)
            most = np.where(part < (1 + slowed) / 2, most, part)
        soon = np.where(entering, immersion + (least + most) / 2 * fall, soon)
    met = added(soon)
    wet, piercing = _on_the_way(immersion, soon, height)
    under = np.where(immersion + soon > height, 1.0 - piercing, 0.0) * touched
    moving = mass + 0.5 * (begun + met).sum(-1, keepdims=True)
    ratio = (mass + full) / moving
    buoyancy = restoring * wet * touched
    radiation = 2 * RADIATION * np.sqrt(restoring * (mass + full) / columns) * piercing * touched
    form = 0.5 * SEAWATER_DENSITY * boxes.drag * area * np.abs(rise)
    entry = np.maximum(met - begun, 0.0) / dt
    resistance = ratio * (radiation + form[..., None] / columns * under + entry)
    weight = gravity * mass / columns
    force = ratio * (buoyancy + roll) - resistance * rise[..., None] - (ratio - 1) * weight
    stiffness = ratio * restoring * (piercing == 1) * touched
    return HeaveLoads(force, stiffness.sum(-1), resistance.sum(-1))


def _on_the_way(
    now: np.ndarray, soon: np.ndarray, height: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What of a box's height is wet [m], and for what share of the time it pierces the surface,
    while its underside goes at constant speed from a depth `now` to `soon` [m].

    Where it pierces it all the time, the wet height is that of now: its spring does the rest.
    """
    path = soon - now
    crossing = (path != 0) & ~((now > 0) & (now < height) & (soon > 0) & (soon < height))
    safe = np.where(crossing, path, 1.0)

    def integral(level: np.ndarray) -> np.ndarray:
        """Of the wet height over the depth, m2."""
        inside = np.clip(level, 0.0, height)
        return inside**2 / 2 + height * np.maximum(level - height, 0.0)

    wet = np.clip(now, 0.0, height)
    share = np.where((now > 0) & (now < height), 1.0, 0.0)
    mean = (integral(soon) - integral(now)) / safe
    part = (np.clip(soon, 0.0, height) - wet) / safe
    return np.where(crossing, mean, wet), np.where(crossing, part, share)
