"""One member of a simulation of rigid bodies, step by step.

Where nothing touches, a step is MuJoCo's fourth-order Runge-Kutta scheme. A step in which bodies
touch drifts for half a step with the old velocity, works out all forces there, and drifts for the
other half with the new velocity: second order in time, symplectic, and contacts obey Newton's law
of impact within the step (see `models`).

A contact found in the middle of a step began a little earlier, depth over speed ago. What it did
to the velocity is therefore scaled to the speed of that moment, and has already moved the bodies
since then; so a bounce does not depend on where within a step it falls.
"""

from __future__ import annotations

import mujoco
import numpy as np

from worldsim.simulator.mechanics.contacts import ContactLog, Layout
from worldsim.simulator.mechanics.forcing import Forcing
from worldsim.simulator.mechanics.models import CORRECTION, SceneModel
from worldsim.simulator.mechanics.scene import Kick, MechanicalHidden

NO_CONTACT = int(mujoco.mjtDisableBit.mjDSBL_CONTACT)

STAGES = 4
"""Of the Runge-Kutta scheme."""

STEPS_OF_WEIGHT = 4
"""Speed of approach, over what weight adds per step, from which on a contact is an impact with a
moment of its own rather than the begin of resting."""

ROUNDS = 5
"""Fixed-point rounds for friction at most; one or two are the rule."""

AGREED = 0.05
"""Change of a contact's parting speed in the last round, over what weight adds per step."""

CROWD = 20
"""Free bodies from more than which on friction is solved in one round, and not to the last digit:
their many contacts are soon chaotic anyway, and the solver takes most of the time."""

CROWD_ITERATIONS = 20, 10
"""Of Newton's method, and of each line search."""

SOFTER, TOLERANCE = 0.99, 1e-8
"""As `models.HARDNESS` and the solver's tolerance where many contacts hang together: a hundredth of
a step's weight is left to creep, 0.2 mm/s, for half of the iterations."""

STOPPED = 3.5
"""Change of a sphere's slip over friction and change of its normal speed, while it slips: 1 + 5/2
by translation and rotation."""

WITHIN = 2.0
"""Steps ago that a contact began for it to count as an impact, not as a lasting one."""

ALIKE = 1e-9
"""Relative difference of a sphere's or cube's principal moments of inertia: rounding."""

TINY = 1e-300
"""N; keeps means finite where no force acts."""


class Member:
    """A scene with one draw of what is hidden, at `data.time` s."""

    def __init__(self, built: SceneModel, hidden: MechanicalHidden) -> None:
        self.model = built.member(hidden)
        self.data = built.start(self.model, hidden)
        self.log = ContactLog(built, self.model)
        self._numbers = built.scene.numbers()
        self._can_touch = len(built.pairs) > 0
        self._step = float(self.model.opt.timestep)
        self._damped = bool((self.model.dof_damping > 0).any())
        self._option = self.model.opt
        self._gravity = float(-self.model.opt.gravity[2])
        noticeable = max(self._gravity, 1.0) * self._step
        self._least, self._agreed = STEPS_OF_WEIGHT * noticeable, AGREED * noticeable
        self._rounds = ROUNDS
        self._even = _even(self.model)
        free = self.model.jnt_type == int(mujoco.mjtJoint.mjJNT_FREE)
        if free.sum() > CROWD:
            self._rounds = 1
            self._option.iterations, self._option.ls_iterations = CROWD_ITERATIONS
        if free.sum() > CROWD or built.scene.many_contacts:
            self._option.tolerance = TOLERANCE
            self.model.pair_solimp[:, :2] = SOFTER
        self._flags = int(self._option.disableflags)
        self._place, self._speed = self.data.qpos, self.data.qvel
        self._kept = self._place.copy()
        self._thin = built.thinnest
        self.forcing = Forcing(self.model, self.data, built.physics)

    def observe(self) -> None:
        """Work out what is recorded of the present state: poses, velocities, energies, depth."""
        self.log.depth = max(self.log.depth, self.log.now)
        model, data = self.model, self.data
        self._option.disableflags = self._flags | NO_CONTACT
        mujoco.mj_fwdPosition(model, data)
        mujoco.mj_fwdVelocity(model, data)
        self._option.disableflags = self._flags
        mujoco.mj_energyPos(model, data)
        mujoco.mj_energyVel(model, data)
        travel = self._step * np.linalg.norm(data.cvel[1:, 3:], axis=1) / self._thin
        self.log.plunge = max(self.log.plunge, float(travel.max(initial=0.0)))

    def kick(self, kick: Kick) -> float:
        """Change a body's motion at once; returns the energy that this gives it, J."""
        model, data = self.model, self.data
        mujoco.mj_energyVel(model, data)
        before = float(data.energy[1])
        body = 1 + self._numbers[kick.body]
        first = int(model.body_dofadr[body])
        self._speed[first : first + int(model.body_dofnum[body])] *= kick.factor
        if any(kick.velocity):
            self._speed[first : first + 3] += kick.velocity
        mujoco.mj_fwdVelocity(model, data)
        mujoco.mj_energyVel(model, data)
        return float(data.energy[1]) - before

    def advance(self) -> None:
        """Move on by one step."""
        self.forcing.push()
        self._move()
        self.forcing.feed()

    def _move(self) -> None:
        """One step under the forces of the present state."""
        model, data, step = self.model, self.data, self._step
        if self._can_touch:
            self._kept[:] = self._place
            mujoco.mj_integratePos(model, self._place, self._speed, step / 2)
            mujoco.mj_fwdPosition(model, data)
            if data.ncon:
                layout = self.log.layout(data)
                if len(layout.rows):
                    self._touching(layout)
                    return
            self.log.now = 0.0
            self.log.close()
            if self._even:
                mujoco.mj_fwdVelocity(model, data)
                mujoco.mj_fwdAcceleration(model, data)
                self._speed += step * data.qacc_smooth
                data.time += step
                mujoco.mj_integratePos(model, self._place, self._speed, step / 2)
                return
            self._place[:] = self._kept
        self._option.disableflags = self._flags | NO_CONTACT
        mujoco.mj_forward(model, data)
        mujoco.mj_RungeKutta(model, data, STAGES)
        self._option.disableflags = self._flags

    def _touching(self, layout: Layout) -> None:
        """Forces in the middle of the step, and its second half."""
        model, data, step = self.model, self.data, self._step
        mujoco.mj_fwdVelocity(model, data)
        mujoco.mj_fwdAcceleration(model, data)
        self._solve(layout)
        moved = self._impacts(layout)
        if self._damped:
            self._kept[:] = self._place
            mujoco.mj_Euler(model, data)
            self._place[:] = self._kept
        else:
            self._speed += step * data.qacc
            data.time += step
        if moved is not None:
            slower, further = moved
            self._speed += slower
            mujoco.mj_integratePos(model, self._place, further, 1.0)
        mujoco.mj_integratePos(model, self._place, self._speed, step / 2)

    def _solve(self, layout: Layout) -> None:
        """Contact forces.

        MuJoCo's solver minimises a convex function, at whose minimum what slides at the speed v
        also parts, at friction times v. The target of the normal speed is lowered by as much, until
        both agree: a fixed point that obeys Coulomb's law, without parting (De Saxcé and Feng 1998,
        Math. Comput. Modelling 28, 225; Cadoux 2009).
        """
        model, data, step = self.model, self.data, self._step
        if not layout.slides:
            mujoco.mj_fwdConstraint(model, data)
            return
        rows, across, friction = layout.rows, layout.across, layout.friction
        target, speed = data.efc_aref, data.efc_vel
        lowest = target[rows]
        before = np.sqrt(np.square(friction * speed[across]).sum(axis=1))
        if layout.guess is not None:
            slip = np.maximum(before + layout.guess, 0.0)
        else:
            # What an impact stops of it, if both are solid spheres; others have less to stop.
            impact = np.maximum(-speed[rows], 0.0) * (1 + layout.bounce)
            slip = np.maximum(before - STOPPED * friction[:, 0] ** 2 * impact, 0.0)
        along = np.zeros(data.nefc)
        for _ in range(self._rounds):
            target[rows] = lowest - slip / step
            mujoco.mj_fwdConstraint(model, data)
            mujoco.mj_mulJacVec(model, data, along, data.qacc)
            along -= target
            found = step * np.sqrt(np.square(friction * along[across]).sum(axis=1))
            change = np.abs(found - slip) * (data.efc_force[rows] > 0)
            if change.max() < self._agreed:
                break
            slip = found
        layout.guess = found - before

    def _impacts(self, layout: Layout) -> tuple[np.ndarray, np.ndarray] | None:
        """What the moments of new contacts change in the velocity and in the position.

        All that hangs together by contacts takes part in an impact at the same moment: the mean,
        by impulse, of its new contacts'. Only so do contacts that last stay as they are.
        """
        model, data, step, log = self.model, self.data, self._step, self.log
        approach = -data.efc_vel[layout.rows]
        contact = data.contact
        depth = contact.includemargin[layout.chosen] - contact.dist[layout.chosen]
        relative = depth / layout.thickness
        log.plunge = max(log.plunge, float(relative.max()))
        impulse = step * data.efc_force[layout.rows]
        since = np.zeros(len(approach))
        middle = data.time + step / 2
        if approach.max() <= self._least:
            log.now = float(relative.max())
            log.note(middle, layout, impulse, approach, since)
            return None
        impact = approach > self._least
        begun = impact & (depth < WITHIN * step * approach)
        log.now = float(relative[~begun].max(initial=0.0))
        chosen = np.flatnonzero(impact)
        rows, depth, speed = layout.rows[chosen], depth[chosen], approach[chosen]
        along = np.zeros(data.nefc)
        mujoco.mj_mulJacVec(model, data, along, data.qacc_smooth)
        pull = np.clip(-along[rows], -self._gravity, self._gravity)
        # Depth = v t - pull t²/2 back from the middle, where the speed is v + pull h/2.
        fast = speed + pull * step / 2
        ago = depth / fast
        ago = np.clip(depth / (fast - pull * ago / 2), 0.0, step)
        begin = fast - pull * ago
        bounce = 1 + layout.bounce[chosen]
        # The solver also carried the weight for a step and pushed the depth back a little.
        done = bounce * speed + pull * step + CORRECTION * depth / step
        # Who hardly bounces is carried from the impact on.
        carried = np.maximum(pull * (step / 2 + ago) - (bounce - 1) * begin, 0.0)
        scale = (bounce * begin + carried) / done
        approach[chosen], since[chosen] = begin, ago

        count = data.nisland
        island = data.efc_island[rows]
        force = impulse[chosen] + TINY
        weight = np.bincount(island, force, count)
        weight[weight == 0] = np.inf
        # The last entry is for what touches nothing.
        scales = np.append(1 + np.bincount(island, force * (scale - 1), count) / weight, 1.0)
        times = np.append(np.bincount(island, force * ago, count) / weight, 0.0)
        impulse *= scales[data.efc_island[layout.rows]]
        log.note(middle, layout, impulse, approach, since)
        jump = step * (data.qacc - data.qacc_smooth)
        own = data.dof_island
        return (scales[own] - 1) * jump, scales[own] * times[own] * jump


def _even(model: mujoco.MjModel) -> bool:
    """Whether all bodies are free, turn alike about all axes, and only weight acts on them: then
    the step of second order is exact as long as nothing touches."""
    movers = np.flatnonzero(model.body_jntnum > 0)
    free = model.jnt_type == int(mujoco.mjtJoint.mjJNT_FREE)
    inertia = model.body_inertia[movers]
    round_ = np.ptp(inertia, axis=1) <= ALIKE * inertia.max(axis=1)
    return bool(
        free.all()
        and round_.all()
        and (model.body_ipos[movers] == 0).all()
        and model.opt.density == 0
        and model.opt.viscosity == 0
    )
