"""What brakes or drives bodies in a deliberately wrong world alone."""

from __future__ import annotations

import math

import mujoco
import numpy as np

from worldsim.simulator.scene import Physics


class Forcing:
    """`Physics.drag` and `Physics.energy` on one member; nothing at all where both are 0.

    given : J that `energy` has brought so far, negative where it leaks.
    """

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData, physics: Physics) -> None:
        self._model, self._data = model, data
        self._drag = physics.drag
        self._step = float(model.opt.timestep)
        # Kinetic energy grows as the square of all speeds.
        self._growth = math.exp(physics.energy * self._step / 2)
        self.given = 0.0

    def push(self) -> None:
        """Before a step: let the air's drag, -drag m |v| v at each centre of mass, act during it.

        The force is lowered to what turns v into v / (1 + drag |v| h) over the step h, which is
        exact for a free body.
        """
        if not self._drag:
            return
        model, data = self._model, self._data
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_comVel(model, data)
        # MuJoCo's velocities are those at the centre of mass of all that hangs together.
        away = data.xipos - data.subtree_com[model.body_rootid]
        velocity = data.cvel[:, 3:] + np.cross(data.cvel[:, :3], away)
        rate = self._drag * np.linalg.norm(velocity, axis=1, keepdims=True)
        lost = rate / (1 + rate * self._step) * velocity
        data.xfrc_applied[:, :3] = -model.body_mass[:, None] * lost

    def feed(self) -> None:
        """After a step: let every body's kinetic energy grow."""
        if self._growth == 1:
            return
        model, data = self._model, self._data
        mujoco.mj_energyVel(model, data)
        data.qvel *= self._growth
        self.given += float(data.energy[1]) * (self._growth**2 - 1)
