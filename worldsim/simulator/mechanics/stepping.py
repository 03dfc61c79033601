"""One member of a simulation of rigid bodies, step by step.

While nothing touches, MuJoCo's fourth-order Runge-Kutta scheme moves it; in a step that begins with
contacts, a first-order step whose contacts follow Newton's law of impact (see `models`).
"""

from __future__ import annotations

import mujoco

from worldsim.simulator.mechanics.contacts import ContactLog
from worldsim.simulator.mechanics.models import SceneModel
from worldsim.simulator.mechanics.scene import MechanicalHidden

NO_CONTACT = int(mujoco.mjtDisableBit.mjDSBL_CONTACT)

STAGES = 4
"""Of the Runge-Kutta scheme."""


class Member:
    """A scene with one draw of what is hidden; `evaluate` and `advance` in turn."""

    def __init__(self, built: SceneModel, hidden: MechanicalHidden) -> None:
        self.model = built.member(hidden)
        self.data = built.start(self.model, hidden)
        self.contacts = ContactLog(built, self.model)
        self.depth = 0.0
        """Deepest penetration so far over the smaller solid's size."""

    def evaluate(self) -> None:
        """Work out positions, contacts and accelerations of the present state."""
        mujoco.mj_forward(self.model, self.data)

    def advance(self) -> None:
        """Move on by one step from the state that was evaluated."""
        model, data = self.model, self.data
        if data.ncon and (data.contact.efc_address >= 0).any():
            self.contacts.look(data)
            mujoco.mj_implicit(model, data)
        else:
            # Contacts are judged at whole steps only: in the stages between, their forces, made
            # to act over a whole step, would be out of place.
            model.opt.disableflags |= NO_CONTACT
            mujoco.mj_RungeKutta(model, data, STAGES)
            model.opt.disableflags &= ~NO_CONTACT
