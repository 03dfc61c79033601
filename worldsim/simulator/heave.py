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

ENTRY = 0.25
"""Depth, in √A, over which a box gets its added mass when it enters. The momentum that this water
needs is taken from the box (von Kármán 1929, NACA TN 321)."""

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
    buoyancy: np.ndarray,
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
    buoyancy, restoring : (member, body, column) N, N/m.
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

    now, soon = added(immersion), added(immersion - rise[..., None] * dt)
    moving = mass + 0.5 * (now + soon).sum(-1, keepdims=True)
    ratio = (mass + full) / moving
    piercing = (immersion > 0) & (immersion < height)
    under = (immersion >= height) * touched
    radiation = 2 * RADIATION * np.sqrt(restoring * (mass + full) / columns) * piercing * touched
    form = 0.5 * SEAWATER_DENSITY * boxes.drag * area * np.abs(rise)
    entry = np.maximum(soon - now, 0.0) / dt
    resistance = ratio * (radiation + form[..., None] / columns * under + entry)
    weight = gravity * mass / columns
    force = ratio * (buoyancy + roll) - resistance * rise[..., None] - (ratio - 1) * weight
    stiffness = ratio * restoring * piercing * touched
    return HeaveLoads(force, stiffness.sum(-1), resistance.sum(-1))
