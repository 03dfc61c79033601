"""What contacts give to storeys and debris, from the books of their momentum.

MuJoCo's own `qfrc_constraint` is off where its solver stopped before it converged.
"""

from __future__ import annotations

import mujoco
import numpy as np

from worldsim.simulator.body_models import TIMESTEP

ROUNDING = 1e-6
"""Of the forces on a body: contact forces below this share of them are not told from rounding."""


class ContactImpulses:
    """Horizontal impulses of contacts so far.

    on_bodies : (member, body) N s, beyond what friction under a body can give.
    on_buildings : (member, building) N s, on storeys that stand.
    """

    def __init__(
        self, models: list[mujoco.MjModel], bodies: int, buildings: int, gravity: float
    ) -> None:
        boxes = slice(1, 1 + bodies)
        self.on_bodies = np.zeros((len(models), bodies))
        self.on_buildings = np.zeros((len(models), buildings))
        # MuJoCo: of two surfaces the rougher counts, unless one has priority.
        self._friction = np.stack(
            [
                np.where(
                    m.geom_priority[boxes] > 0,
                    m.geom_friction[boxes, 0],
                    np.maximum(m.geom_friction[boxes, 0], m.geom_friction[0, 0]),
                )
                for m in models
            ]
        )
        self._weight = np.stack(
            [
                gravity * m.body_mass[boxes] * (1.0 - m.body_gravcomp[boxes])
                for m in models
            ]
        )

    def add(
        self, change: np.ndarray, inertia: np.ndarray, applied: np.ndarray, attached: np.ndarray
    ) -> None:
        """Add those of one of MuJoCo's steps.

        Parameters
        ----------
        change : of the velocity, (member, body, 3) m/s. inertia : along x, y, z, (member, body, 3)
        kg. applied : forces but for weight and contacts, (member, body, 3) N; changed in place.
        attached : (member, building, storey), whether it stands; these are the first bodies, and
        touch neither the ground nor each other.
        """
        push = self._force(change, inertia, applied)
        size = np.sqrt(push[..., 0] ** 2 + push[..., 1] ** 2)
        storeys = attached[0].size
        on_storeys = size[:, :storeys].reshape(attached.shape)
        self.on_buildings += TIMESTEP * np.where(attached, on_storeys, 0.0).sum(-1)
        hit = size - self._friction * np.abs(push[..., 2])
        self.on_bodies += TIMESTEP * np.maximum(hit, 0.0)

    def _force(
        self, change: np.ndarray, inertia: np.ndarray, applied: np.ndarray
    ) -> np.ndarray:
        """(member, body, 3) N: what the applied forces do not explain of the change of momentum."""
        applied[..., 2] -= self._weight
        gained = inertia * change / TIMESTEP
        push = gained - applied
        rounding = ROUNDING * (np.abs(gained) + np.abs(applied))
        return np.where(np.abs(push) > rounding, push, 0.0)
