"""A block of bodies that move freely once they are placed in the world: people."""

from __future__ import annotations

import mujoco
import numpy as np

from worldsim.simulator.body_models import set_added_inertia
from worldsim.simulator.rotation import turned


class FreeBodies:
    """Views of the free joints of one block of a batch; arrays are (member, body, ...).

    A body that has not been placed rests weightless far away.

    position m, quaternion (w, x, y, z), velocity m/s, local_spin rad/s (in the body's frame):
    live, may be written. water_force N, water_torque N m about the centre (world frame): what the
    water does, held over an exchange and booked against it. own_force (..., 6): all other applied
    forces, N in the world frame and N m in the body's frame.
    """

    def __init__(
        self,
        models: list[mujoco.MjModel],
        arrays: dict[str, np.ndarray],
        first: tuple[int, int, int],
        count: int,
    ) -> None:
        """`first` body, position coordinate and velocity coordinate of the block."""
        body, coordinate, dof = first
        members = len(models)
        self._models, self._first_body, self.count = models, body, count
        self._dofs = slice(dof, dof + 6 * count)
        place = arrays["qpos"][:, coordinate : coordinate + 7 * count].reshape(members, count, 7)
        speed = arrays["qvel"][:, dof : dof + 6 * count].reshape(members, count, 6)
        self.position, self.quaternion = place[..., :3], place[..., 3:]
        self.velocity, self.local_spin = speed[..., :3], speed[..., 3:]
        pushed = arrays["xfrc_applied"][:, body : body + count]
        self.water_force, self.water_torque = pushed[..., :3], pushed[..., 3:]
        self.own_force = arrays["qfrc_applied"][:, dof : dof + 6 * count].reshape(
            members, count, 6
        )
        self.placed = np.zeros((members, count), dtype=bool)

    @property
    def spin(self) -> np.ndarray:
        """Angular velocity in the world frame, (member, body, 3) rad/s."""
        return turned(self.quaternion, self.local_spin)

    @property
    def turn(self) -> np.ndarray:
        """Rate of turn about the vertical, (member, body) rad/s."""
        w, x, y, z = (self.quaternion[..., k] for k in range(4))
        spin = self.local_spin
        return np.asarray(
            2 * (x * z - w * y) * spin[..., 0]
            + 2 * (y * z + w * x) * spin[..., 1]
            + (1 - 2 * (x * x + y * y)) * spin[..., 2]
        )

    def place(
        self, member: int, body: int, position: np.ndarray, quaternion: np.ndarray,
        velocity: np.ndarray,
    ) -> None:
        """Put a body into the world, with weight, at rest but for `velocity` (3,) m/s."""
        self.position[member, body], self.quaternion[member, body] = position, quaternion
        self.velocity[member, body], self.local_spin[member, body] = velocity, 0.0
        self._models[member].body_gravcomp[self._first_body + body] = 0.0
        self.placed[member, body] = True

    def set_friction(self, member: int, body: int, friction: float) -> None:
        """Coefficient of friction of a body's contacts, whatever it touches; 0 for none."""
        model = self._models[member]
        geom = model.body_geomadr[self._first_body + body]
        model.geom_friction[geom, 0] = friction
        # A friction cone that is almost closed makes the contact's equations ill-conditioned.
        model.geom_condim[geom] = 3 if friction > 0 else 1
        model.geom_priority[geom] = 1

    def add_roll_inertia(self, inertia: np.ndarray) -> None:
        """Add inertia, (member, body) kg m2, to turns about the bodies' own z axes."""
        for member, model in enumerate(self._models):
            rolls = slice(self._dofs.start + 5, self._dofs.stop, 6)
            set_added_inertia(model, rolls, inertia[member])

    def remove(self, member: int, body: int) -> None:
        """Take a body out of the world again: it rests, weightless, where it was kept before."""
        model = self._models[member]
        first = model.jnt_qposadr[model.body_jntadr[self._first_body + body]]
        kept = model.qpos0[first : first + 7]
        self.position[member, body], self.quaternion[member, body] = kept[:3], kept[3:]
        self.velocity[member, body], self.local_spin[member, body] = 0.0, 0.0
        self.water_force[member, body], self.water_torque[member, body] = 0.0, 0.0
        self.own_force[member, body] = 0.0
        model.body_gravcomp[self._first_body + body] = 1.0
        self.placed[member, body] = False
