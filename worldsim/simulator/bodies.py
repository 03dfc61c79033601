"""The MuJoCo side: one model per member, all members stepped by one `mujoco.batch.Batch`."""

from __future__ import annotations

from collections.abc import Callable

import mujoco
import numpy as np
from mujoco.batch import Batch

from worldsim.simulator.body_models import (
    TIMESTEP,
    base_elevation,
    floaters,
    frames,
    member_model,
    set_added_inertia,
)
from worldsim.simulator.contact_impulses import ContactImpulses
from worldsim.simulator.floating import ADDED_MASS, FloatingLoads
from worldsim.simulator.frames import Frames
from worldsim.simulator.free_bodies import FreeBodies
from worldsim.simulator.resting import work_height
from worldsim.simulator.rotation import turned
from worldsim.simulator.scene import Hidden, Physics, Scene
from worldsim.simulator.structures import CRUSHED_HEIGHT


class Bodies:
    """All bodies of a batch of members: storeys (building by building), then debris, which float
    as boxes, then people.

    people : the people's bodies, placed and pushed by their process.
    debris_force : (member, debris, 6) N, N m: forces on debris that are not the water's.
    """

    def __init__(
        self, scenes: list[Scene], hidden: list[Hidden], physics: Physics, threads: int
    ) -> None:
        slots = scenes[0].slots
        self.slots = slots
        self.storey_bodies = slots.buildings * slots.storeys
        self._models = [
            member_model(scene, draw, physics) for scene, draw in zip(scenes, hidden, strict=True)
        ]
        self._batch = Batch(self._models[0], len(scenes), threads)
        self._batch.set_models(self._models)
        self._batch.reset(stage=mujoco.mjtStage.mjSTAGE_NONE.value)
        self._qpos, self._qvel = self._batch.bind("qpos"), self._batch.bind("qvel")
        self._xfrc, self._qfrc = self._batch.bind("xfrc_applied"), self._batch.bind("qfrc_applied")
        for member, model in enumerate(self._models):
            self._qpos[member] = model.qpos0
        n = self.storey_bodies
        self.people = FreeBodies(
            self._models,
            {
                "qpos": self._qpos, "qvel": self._qvel, "xfrc_applied": self._xfrc,
                "qfrc_applied": self._qfrc,
            },
            (1 + slots.bodies, 4 * n + 7 * slots.debris, 4 * n + 6 * slots.debris),
            slots.people,
        )
        self._rest = np.stack(
            [model.body_pos[1 : 1 + self.storey_bodies] for model in self._models]
        )
        self.half_size = np.stack([model.geom_size[1 : 1 + slots.bodies] for model in self._models])
        self.frames = Frames(frames(scenes, hidden, physics))
        self.floaters = floaters(scenes, hidden, physics, self.half_size)
        self._whole = {
            name: getattr(self.floaters, name).copy() for name in ("mass", "drag", "buoyant")
        }
        self.impulse = np.zeros((len(scenes), 2))  # N s received from the water so far
        self.work = np.zeros(len(scenes))  # J, horizontal
        self._contacts = ContactImpulses(
            self._models, slots.bodies, slots.buildings, physics.gravity
        )
        self.debris_force = self._qfrc[:, 4 * n : 4 * n + 6 * slots.debris].reshape(
            len(scenes), slots.debris, 6
        )
        self._mass = self._inertia()
        self.base = np.zeros((len(scenes), slots.buildings))
        self._rubble_buoyancy = np.zeros((len(scenes), slots.buildings))
        for member, scene in enumerate(scenes):
            for b, building in enumerate(scene.buildings):
                self.base[member, b] = base_elevation(scene, building)
                self._rubble_buoyancy[member, b] = building.type.buoyant_fraction

    @property
    def _storey_shape(self) -> tuple[int, int, int, int]:
        return (len(self._models), self.slots.buildings, self.slots.storeys, 4)

    @property
    def position(self) -> np.ndarray:
        """(member, body, 3) m."""
        n = self.storey_bodies
        moved = self._rest + self._qpos[:, : 4 * n].reshape(len(self._models), n, 4)[..., :3]
        return np.concatenate([moved, self._free_qpos[..., :3]], axis=1)

    @property
    def displacement(self) -> np.ndarray:
        """Of storeys from their place in the intact building, (member, building, storey, 2) m."""
        n = self.storey_bodies
        return self._qpos[:, : 4 * n].reshape(self._storey_shape)[..., :2]

    def storey_position(self, member: np.ndarray, body: np.ndarray) -> np.ndarray:
        """Of storeys, (n, 3) m, given by member and body (n,)."""
        moved = self._qpos[:, : 4 * self.storey_bodies].reshape(len(self._models), -1, 4)
        return self._rest[member, body] + moved[member, body, :3]

    @property
    def quaternion(self) -> np.ndarray:
        """(member, body, 4) w, x, y, z."""
        n = self.storey_bodies
        heading = self._qpos[:, : 4 * n].reshape(len(self._models), n, 4)[..., 3] / 2
        zero = np.zeros_like(heading)
        turned = np.stack([np.cos(heading), zero, zero, np.sin(heading)], axis=-1)
        return np.concatenate([turned, self._free_qpos[..., 3:]], axis=1)

    @property
    def velocity(self) -> np.ndarray:
        """Of the centres, (member, body, 3) m/s."""
        n = self.storey_bodies
        storeys = self._qvel[:, : 4 * n].reshape(len(self._models), n, 4)[..., :3]
        return np.concatenate([storeys, self._free_qvel[..., :3]], axis=1)

    @property
    def spin(self) -> np.ndarray:
        """Angular velocity in the world frame, (member, body, 3) rad/s."""
        n = self.storey_bodies
        rate = self._qvel[:, : 4 * n].reshape(len(self._models), n, 4)[..., 3]
        zero = np.zeros_like(rate)
        storeys = np.stack([zero, zero, rate], axis=-1)
        # MuJoCo: free joints turn in the body's frame
        loose = turned(self._free_qpos[..., 3:], self._free_qvel[..., 3:])
        return np.concatenate([storeys, loose], axis=1)

    @property
    def standing(self) -> np.ndarray:
        """(member, building): whether the lowest storey still stands."""
        return self.frames.attached[:, :, 0]

    @property
    def contact_impulse(self) -> np.ndarray:
        """(member, body) N s, horizontal, of contacts so far, beyond what friction under them can
        give."""
        return self._contacts.on_bodies

    @property
    def debris_impulse(self) -> np.ndarray:
        """(member, building) N s, horizontal, of contacts on storeys that stand, so far."""
        return self._contacts.on_buildings

    @property
    def peak_drift(self) -> np.ndarray:
        """(member, building, storey): largest drift ratio so far, while attached."""
        return self.frames.peak_drift

    def advance(
        self,
        storey_load: np.ndarray,
        floating: FloatingLoads,
        duration: float,
        substep: Callable[[], None] = lambda: None,
    ) -> list[tuple[int, int, int]]:
        """Step all members under held loads.

        Parameters
        ----------
        storey_load : (member, building, storey, 2) N on the floor above each storey.
        floating : loads on loose bodies.
        duration : s, a multiple of `TIMESTEP`.
        substep : called before each of MuJoCo's steps, to apply forces that are not the water's.

        Returns
        -------
        The (member, building, storey) that failed, each crushed at once. A load goes on to its
        body to the end of `duration`, attached or not: the water has already given it.
        """
        steps = round(duration / TIMESTEP)
        velocity = self.velocity
        assert abs(steps * TIMESTEP - duration) < 1e-12, duration
        n, boxes = self.storey_bodies, slice(1, 1 + self.slots.bodies)
        self._xfrc[:, boxes, :3], self._xfrc[:, boxes, 3:] = floating.force, floating.torque
        self._xfrc[:, 1 : 1 + n, :2] += storey_load.reshape(len(self._models), n, 2)
        failures: list[tuple[int, int, int]] = []
        before = self._horizontal_motion()
        height, rise = self._heave()
        for _ in range(steps):
            now, rising = self._heave()
            self._xfrc[:, boxes, 2] = (
                floating.force[..., 2]
                - floating.heave_stiffness * (now - height)
                - floating.heave_damping * (rising - rise)
            )
            shape = self._storey_shape
            displacement = self._qpos[:, : 4 * n].reshape(shape)
            rate = self._qvel[:, : 4 * n].reshape(shape)
            frame_force = self.frames.forces(displacement, rate)
            self._qfrc[:, : 4 * n] = frame_force.reshape(len(self._models), -1)
            substep()
            self._batch.step()
            before = self._account(before)
            velocity = self._count_contacts(velocity)
            failed = np.argwhere(self.frames.release(self._qpos[:, : 4 * n].reshape(shape)))
            if len(failed):
                failures += [(int(m), int(b), int(s)) for m, b, s in failed]
                self._crush(failed)
        return failures

    def _heave(self) -> tuple[np.ndarray, np.ndarray]:
        """Height (storeys': over their rest) and its rate of all bodies, (member, body) m, m/s."""
        n = 4 * self.storey_bodies
        height = np.concatenate([self._qpos[:, 2:n:4], self._free_qpos[..., 2]], axis=1)
        return height, np.concatenate([self._qvel[:, 2:n:4], self._free_qvel[..., 2]], axis=1)

    def _horizontal_motion(self) -> np.ndarray:
        """Velocity in x, y and rate of turn about z of every body, (member, body, 3)."""
        boxes = np.concatenate([self.velocity[..., :2], self.spin[..., 2:]], axis=-1)
        if not self.slots.people:
            return boxes
        people = np.concatenate(
            [self.people.velocity[..., :2], self.people.turn[..., None]], axis=-1
        )
        return np.concatenate([boxes, people], axis=1)

    def _account(self, before: np.ndarray) -> np.ndarray:
        """Add one MuJoCo step's impulse and work of the applied forces; the motion after it."""
        after = self._horizontal_motion()
        applied = self._xfrc[:, 1 : 1 + self.slots.bodies + self.slots.people][..., [0, 1, 5]]
        self.impulse += TIMESTEP * applied[..., :2].sum(1)
        self.work += TIMESTEP * (applied * (0.5 * (before + after))).sum((1, 2))
        return after

    def _count_contacts(self, before: np.ndarray) -> np.ndarray:
        """Add what contacts gave to storeys and debris, which moved at `before` (member, body, 3)
        m/s; the velocity now."""
        after = self.velocity
        n, members = self.storey_bodies, len(self._models)
        held = self._qfrc[:, : 4 * n].reshape(members, n, 4)[..., :3]
        applied = self._xfrc[:, 1 : 1 + self.slots.bodies, :3] + np.concatenate(
            [held, self.debris_force[..., :3]], axis=1
        )
        self._contacts.add(after - before, self._mass, applied, self.frames.attached)
        return after

    @property
    def finite(self) -> np.ndarray:
        """Whether a member's bodies are all somewhere, (member,) bool."""
        return np.isfinite(self._qpos).all(1) & np.isfinite(self._qvel).all(1)

    def rest(self, member: int) -> None:
        """Put a member's bodies back to where they began, at rest: nobody looks at them again."""
        self._qpos[member] = self._models[member].qpos0
        self._qvel[member] = 0.0
        self.frames.forget(member)

    @property
    def _free_qpos(self) -> np.ndarray:
        first = 4 * self.storey_bodies
        return self._qpos[:, first : first + 7 * self.slots.debris].reshape(
            len(self._models), self.slots.debris, 7
        )

    @property
    def _free_qvel(self) -> np.ndarray:
        first = 4 * self.storey_bodies
        return self._qvel[:, first : first + 6 * self.slots.debris].reshape(
            len(self._models), self.slots.debris, 6
        )

    def _inertia(self) -> np.ndarray:
        """Mass and added mass along x, y, z of storeys and debris, (member, body, 3) kg."""
        n, members = 4 * self.storey_bodies, len(self._models)
        inertia = np.stack([model.dof_M0 for model in self._models])
        debris = inertia[:, n : n + 6 * self.slots.debris]
        return np.concatenate(
            [
                inertia[:, :n].reshape(members, -1, 4)[..., :3],
                debris.reshape(members, -1, 6)[..., :3],
            ],
            axis=1,
        )

    def lower_work(self, member: int, work: int, top: float, foot: float) -> None:
        """Let a work reach from its `foot` only up to `top`, m."""
        model = self._models[member]
        body = 1 + self.slots.bodies + self.slots.people + work
        middle, half_height = work_height(top, foot)
        model.body_pos[body, 2] = middle
        model.geom_size[body, 2] = model.geom_aabb[body, 5] = half_height
        model.geom_rbound[body] = float(np.linalg.norm(model.geom_size[body]))
        self._batch.set_models(self._models)

    def _crush(self, failed: np.ndarray) -> None:
        """Failed storeys become flat rubble; all that was released may float from now on."""
        for member, building, storey in failed:
            model = self._models[member]
            body = building * self.slots.storeys + storey
            model.geom_size[1 + body, 2] = CRUSHED_HEIGHT / 2
            model.geom_rbound[1 + body] = float(np.linalg.norm(model.geom_size[1 + body]))
            model.geom_aabb[1 + body, 5] = CRUSHED_HEIGHT / 2
            self.half_size[member, body, 2] = CRUSHED_HEIGHT / 2
            self._set_adrift(member, building, storey)
            self.floaters.buoyant[member, body] = self._rubble_buoyancy[member, building]
        self.floaters.half_size[...] = self.half_size
        self._batch.set_models(self._models)

    def tear_off(self, member: int, building: int) -> None:
        """Let a building float away as a whole."""
        self.frames.tear_off(member, building)
        self._set_adrift(member, building, 0)
        self._batch.set_models(self._models)

    def _set_adrift(self, member: int, building: int, lowest: int) -> None:
        """Let a building's storeys float from the `lowest` that came off upwards."""
        for above in range(lowest, self.slots.storeys):
            if self.frames.properties.present[member, building, above]:
                body = building * self.slots.storeys + above
                self.floaters.loose[member, body] = True
                for name, whole in self._whole.items():
                    getattr(self.floaters, name)[member, body] = whole[member, body]
                set_added_inertia(
                    self._models[member], slice(4 * body, 4 * body + 2),
                    ADDED_MASS * self.floaters.mass[member, body],
                )
        self._mass = self._inertia()
