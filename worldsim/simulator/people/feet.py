"""How people stand and wade: feet that hold by friction, and balance within reach of the feet.

Feet push with at most μ(W − B): weight less buoyancy times the coefficient of friction. Balance is
a moment about the feet of at most (W − B)·ℓ: the ground reaction can be anywhere under the feet,
and the body's weight be leant against the flow. Both follow from equilibrium of a rigid body on a
rough ground (Abt et al. 1989; Jonkman & Penning-Rowsell 2008: friction and moment instability).
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from worldsim.simulator.people.water_loads import cross
from worldsim.simulator.rotation import rotation_matrices

FOOT = 0.152
"""Length of a foot over the body's height (Winter 2009, fig. 4.1)."""

LEAN = math.radians(15.0)
"""Furthest lean into the flow that can be held; declared (Abt's subjects leant visibly; no angle
was found)."""

CENTRE_OF_MASS = 0.55
"""Height of the centre of mass over the body's (Winter 2009: 0.53 to 0.57)."""

LEVER = 0.5 * FOOT + CENTRE_OF_MASS * math.sin(LEAN)
"""ℓ over the height: half a foot's length, and the shift of the centre of mass by leaning."""

GAIT = 0.3
"""s in which walkers take up another velocity: about half a step's duration."""

BALANCE = 6.0
"""rad/s, natural frequency of righting; two to three times that of falling, √(g/0.55 h) ≈ 3.2."""

DAMPING = 0.8
"""Fraction of critical, of righting."""

TWISTING = 0.5
"""Damping of turns about the body's own axis over that of falling, as is its inertia."""

CONTACT = 0.06
"""m; feet farther above the ground have lost it."""


@dataclasses.dataclass(frozen=True)
class Stance:
    """What those on their feet do during one exchange; arrays are (body, …).

    grip N : most that the feet can push. hold N m : largest moment of balance. normal N : load on
    the feet. wish m/s : (body, 2) velocity they want. water_force, water_torque : (body, 3), held.
    ground : m, under them.
    """

    height: np.ndarray
    mass: np.ndarray
    normal: np.ndarray
    grip: np.ndarray
    hold: np.ndarray
    wish: np.ndarray
    water_force: np.ndarray
    water_torque: np.ndarray
    ground: np.ndarray
    incline: np.ndarray

    @classmethod
    def of(
        cls,
        body: tuple[np.ndarray, np.ndarray, np.ndarray],
        wish: np.ndarray,
        loads: tuple[np.ndarray, np.ndarray, np.ndarray],
        ground: tuple[np.ndarray, np.ndarray],
        gravity: float,
    ) -> Stance:
        """`body`: height m, mass kg, foot friction. `loads`: water's force, torque, buoyancy.
        `ground`: elevation, gradient."""
        height, mass, friction = body
        force, torque, upward = loads
        normal = np.maximum(mass * gravity - upward, 0.0)
        return cls(
            height, mass, normal, friction * normal, LEVER * height * normal, wish, force, torque,
            *ground,
        )

    def forces(
        self,
        position: np.ndarray,
        quaternion: np.ndarray,
        velocity: np.ndarray,
        local_spin: np.ndarray,
    ) -> np.ndarray:
        """What muscles and ground do, (body, 6): N in the world, N m in the body's frame.

        `local_spin` in the body's frame, the others in the world's, (body, 3) or (body, 4).
        """
        rotation = rotation_matrices(quaternion)
        axis = rotation[:, :, 2]
        spin = sum(rotation[:, :, k] * local_spin[:, k : k + 1] for k in range(3))
        foot = axis * (-0.5 * self.height)[:, None]
        grounded = position[:, 2] + foot[:, 2] - self.ground < CONTACT
        push = self.mass[:, None] / GAIT * (self.wish - velocity[:, :2]) - self.water_force[:, :2]
        push += self.normal[:, None] * self.incline  # or the slope would drive them down
        push = push * _within(push, np.where(grounded, self.grip, 0.0))[:, None]
        ground_force = np.zeros_like(position)
        ground_force[:, :2] = push
        foot_moment = cross(foot, ground_force)

        inertia = self.mass * self.height**2 / 12
        righting = np.stack([axis[:, 1], -axis[:, 0], np.zeros(len(axis))], axis=-1)
        # What it takes to stay upright: against the water, the feet's push, and the weight that
        # falls over the feet; and what brings the body back.
        weight = (0.5 * self.height * self.normal)[:, None] * righting
        twist = _dot(spin, axis)[:, None] * axis
        wanted = (
            (inertia * BALANCE**2)[:, None] * righting
            - (2 * DAMPING * BALANCE * inertia)[:, None] * (spin - twist)
            - (TWISTING * BALANCE * inertia)[:, None] * twist
            - self.water_torque
            - foot_moment
            + weight
        )
        limit = np.where(grounded, self.hold, 0.0)
        moment = wanted * _within(wanted, limit)[:, None]
        torque = moment + foot_moment
        local = [_dot(rotation[:, :, k], torque) for k in range(3)]
        return np.concatenate([ground_force, np.stack(local, axis=-1)], axis=-1)


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Scalar products of vectors (body, 3), written out: a sum over three is slow."""
    return np.asarray(a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1] + a[:, 2] * b[:, 2])


def _within(vector: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Factor that brings vectors (body, …) down to lengths of at most `limit` (body,)."""
    size = np.sqrt(sum(vector[:, k] ** 2 for k in range(vector.shape[1])))
    return limit / np.maximum(np.maximum(size, limit), 1e-12)
