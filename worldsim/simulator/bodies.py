"""The MuJoCo side: one model per member, all members stepped by one `mujoco.batch.Batch`."""

from __future__ import annotations

import dataclasses
import math

import mujoco
import numpy as np
from mujoco.batch import Batch

from worldsim.simulator.coupling import ADDED_MASS, WATER_DENSITY, Floaters, FloatingLoads
from worldsim.simulator.scene import Building, Debris, Hidden, Physics, Scene
from worldsim.simulator.structures import (
    CRUSHED_HEIGHT,
    STOREY_HEIGHT,
    FrameProperties,
    Frames,
    frame_properties,
)

TIMESTEP = 0.01
"""s; resolves the stiffest support spring (see `structures.SUPPORT_FREQUENCY`)."""

GAP = 0.05
"""m left between a storey and what is below it, so that standing storeys never touch."""

LEAKY_BUOYANCY = 0.25
"""Part of an intact but loose storey's bulk volume that displaces water: walls and floors, some
trapped air; doors and windows let the rest in."""

NOMINAL_DEBRIS_DENSITY = 250.0
"""kg/m3; boxes start afloat at the draught of this density, whatever their hidden one."""

PARKED = 1.0e4
"""m; where the bodies of empty slots rest, out of everybody's way."""


class Bodies:
    """All bodies of a batch of members, storeys first (building by building), then debris."""

    def __init__(
        self, scenes: list[Scene], hidden: list[Hidden], physics: Physics, threads: int
    ) -> None:
        slots = scenes[0].slots
        self.slots = slots
        self.storey_bodies = slots.buildings * slots.storeys
        self._models = [
            _model(scene, draw, physics) for scene, draw in zip(scenes, hidden, strict=True)
        ]
        self._batch = Batch(self._models[0], len(scenes), threads)
        self._batch.set_models(self._models)
        self._batch.reset(stage=mujoco.mjtStage.mjSTAGE_NONE.value)
        self._qpos, self._qvel = self._batch.bind("qpos"), self._batch.bind("qvel")
        self._xfrc, self._qfrc = self._batch.bind("xfrc_applied"), self._batch.bind("qfrc_applied")
        for member, model in enumerate(self._models):
            self._qpos[member] = model.qpos0
        self._rest = np.stack(
            [model.body_pos[1 : 1 + self.storey_bodies] for model in self._models]
        )
        self.half_size = np.stack([model.geom_size[1 : 1 + slots.bodies] for model in self._models])
        self.frames = Frames(_frames(scenes, hidden, physics))
        self.floaters = _floaters(scenes, hidden, physics, self.half_size)
        self.impulse = np.zeros((len(scenes), 2))  # N s received from the water so far
        self.work = np.zeros(len(scenes))  # J, horizontal
        self.base = np.zeros((len(scenes), slots.buildings))
        self._rubble_buoyancy = np.zeros((len(scenes), slots.buildings))
        for member, scene in enumerate(scenes):
            for b, building in enumerate(scene.buildings):
                self.base[member, b] = _base(scene, building)
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
        rotation = rotation_matrices(self._free_qpos[..., 3:])
        local = self._free_qvel[..., 3:]  # MuJoCo: free joints turn in the body's frame
        world = sum(rotation[..., :, i] * local[..., i : i + 1] for i in range(3))
        return np.concatenate([storeys, np.asarray(world)], axis=1)

    @property
    def standing(self) -> np.ndarray:
        """(member, building): whether the lowest storey still stands."""
        return self.frames.attached[:, :, 0]

    @property
    def peak_drift(self) -> np.ndarray:
        """(member, building, storey): largest drift ratio so far, while attached."""
        return self.frames.peak_drift

    def advance(
        self, storey_load: np.ndarray, floating: FloatingLoads, duration: float
    ) -> list[tuple[int, int, int]]:
        """Step all members under held loads.

        Parameters
        ----------
        storey_load : (member, building, storey, 2) N on the floor above each storey.
        floating : loads on loose bodies.
        duration : s, a multiple of `TIMESTEP`.

        Returns
        -------
        The (member, building, storey) that failed, each crushed at once. A load goes on to its
        body to the end of `duration`, attached or not: the water has already given it.
        """
        steps = round(duration / TIMESTEP)
        assert abs(steps * TIMESTEP - duration) < 1e-12, duration
        n = self.storey_bodies
        self._xfrc[:, 1:, :3], self._xfrc[:, 1:, 3:] = floating.force, floating.torque
        self._xfrc[:, 1 : 1 + n, :2] += storey_load.reshape(len(self._models), n, 2)
        failures: list[tuple[int, int, int]] = []
        before = self._horizontal_motion()
        height, rise = self._heave()
        for _ in range(steps):
            now, rising = self._heave()
            self._xfrc[:, 1:, 2] = (
                floating.force[..., 2]
                - floating.heave_stiffness * (now - height)
                - floating.heave_damping * (rising - rise)
            )
            shape = self._storey_shape
            displacement = self._qpos[:, : 4 * n].reshape(shape)
            rate = self._qvel[:, : 4 * n].reshape(shape)
            frame_force = self.frames.forces(displacement, rate)
            self._qfrc[:, : 4 * n] = frame_force.reshape(len(self._models), -1)
            self._batch.step()
            before = self._account(before)
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
        """Velocity in x, y and rate of turn about z, (member, body, 3)."""
        return np.concatenate([self.velocity[..., :2], self.spin[..., 2:]], axis=-1)

    def _account(self, before: np.ndarray) -> np.ndarray:
        """Add one MuJoCo step's impulse and work of the applied forces; the motion after it."""
        after = self._horizontal_motion()
        applied = self._xfrc[:, 1:][..., [0, 1, 5]]
        self.impulse += TIMESTEP * applied[..., :2].sum(1)
        self.work += TIMESTEP * (applied * (0.5 * (before + after))).sum((1, 2))
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
        return self._qpos[:, 4 * self.storey_bodies :].reshape(
            len(self._models), self.slots.debris, 7
        )

    @property
    def _free_qvel(self) -> np.ndarray:
        return self._qvel[:, 4 * self.storey_bodies :].reshape(
            len(self._models), self.slots.debris, 6
        )

    def _crush(self, failed: np.ndarray) -> None:
        """Failed storeys become flat rubble; all that was released may float from now on."""
        for member, building, storey in failed:
            model = self._models[member]
            body = building * self.slots.storeys + storey
            model.geom_size[1 + body, 2] = CRUSHED_HEIGHT / 2
            model.geom_rbound[1 + body] = float(np.linalg.norm(model.geom_size[1 + body]))
            model.geom_aabb[1 + body, 5] = CRUSHED_HEIGHT / 2
            self.half_size[member, body, 2] = CRUSHED_HEIGHT / 2
            self.floaters.buoyant[member, body] = self._rubble_buoyancy[member, building]
            for above in range(storey, self.slots.storeys):
                loose = building * self.slots.storeys + above
                if self.frames.properties.present[member, building, above]:
                    self.floaters.loose[member, loose] = True
                    model.dof_armature[4 * loose : 4 * loose + 2] = (
                        ADDED_MASS * self.floaters.mass[member, loose]
                    )
        self.floaters.half_size[...] = self.half_size
        self._batch.set_models(self._models)


def rotation_matrices(quaternion: np.ndarray) -> np.ndarray:
    """(…, 4) w, x, y, z unit quaternions to (…, 3, 3) body-to-world rotations."""
    w, x, y, z = np.moveaxis(quaternion, -1, 0)
    return np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
            np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
            np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
        ],
        -2,
    )


def _base(scene: Scene, building: Building) -> float:
    """Elevation of a building's base, m: the highest ground under it, plus the gap."""
    return float(scene.bathymetry[scene.cells_of(building)].max()) + GAP


def _rest_position(scene: Scene, building: Building, storey: int) -> tuple[float, float, float]:
    x0, x1, y0, y1 = building.footprint
    return (x0 + x1) / 2, (y0 + y1) / 2, _base(scene, building) + (storey + 0.5) * STOREY_HEIGHT


def _debris_rest(scene: Scene, box: Debris) -> float:
    """Elevation of the centre at t=0, m: on the ground, or afloat. It can be seen, so it does not
    depend on the hidden density: boxes afloat settle to their own draught in the first second."""
    domain = scene.domain
    row = min(int(box.position[1] / domain.dy), domain.ny - 1)
    column = min(int(box.position[0] / domain.dx), domain.nx - 1)
    half_height = box.half_size[2]
    aground = float(scene.bathymetry[row, column]) + half_height
    afloat = half_height - 2 * half_height * NOMINAL_DEBRIS_DENSITY / WATER_DENSITY
    return max(aground, afloat)


def _debris_mass(box: Debris, density: float) -> float:
    return density * 8 * math.prod(box.half_size)


def _model(scene: Scene, hidden: Hidden, physics: Physics) -> mujoco.MjModel:
    """The MuJoCo model of one member: terrain, storeys, debris; every slot filled or parked."""
    slots, domain = scene.slots, scene.domain
    bodies: list[_Box] = []
    for b in range(slots.buildings):
        building = scene.buildings[b] if b < len(scene.buildings) else None
        for s in range(slots.storeys):
            exists = building is not None and s < building.storeys
            if building is not None and exists:
                x0, x1, y0, y1 = building.footprint
                half = ((x1 - x0) / 2, (y1 - y0) / 2, STOREY_HEIGHT / 2 - GAP)
                place = _rest_position(scene, building, s)
                mass = building.type.floor_mass * building.area
            else:
                half, mass = (0.5, 0.5, 0.5), 1.0
                place = (PARKED + 10.0 * (b * slots.storeys + s), 0.0, 0.0)
            bodies.append(_Box(place, 0.0, half, mass, exists, _STOREY_JOINTS))
    for k in range(slots.debris):
        if k < len(scene.debris):
            box, density = scene.debris[k], float(hidden.debris_density[k])
            place = (*box.position, _debris_rest(scene, box))
            mass = _debris_mass(box, density)
            bodies.append(_Box(place, box.heading, box.half_size, mass, True, "<freejoint/>"))
        else:
            place = (PARKED, 10.0 * (k + 1), 0.0)
            bodies.append(_Box(place, 0.0, (0.5, 0.5, 0.5), 1.0, False, "<freejoint/>"))
    low, high = float(scene.bathymetry.min()), float(scene.bathymetry.max())
    relief = max(high - low, 1e-3)
    reach = ((domain.nx - 1) * domain.dx / 2, (domain.ny - 1) * domain.dy / 2)
    # Dense Jacobians: MuJoCo 4.0.0 is reported to have a defect in its sparse factorisation.
    # No automatic reset: bodies that break the integrator must be seen to have done so.
    model = mujoco.MjModel.from_xml_string(f"""
<mujoco>
  <option timestep="{TIMESTEP}" gravity="0 0 {-physics.gravity!r}" jacobian="dense">
    <flag autoreset="disable"/></option>
  <size memory="8M"/>
  <asset><hfield name="ground" nrow="{domain.ny}" ncol="{domain.nx}"
    size="{reach[0]!r} {reach[1]!r} {relief!r} 5"/></asset>
  <worldbody>
    <geom type="hfield" hfield="ground" pos="{domain.length / 2!r} {domain.width / 2!r} {low!r}"/>
    {"".join(body.xml() for body in bodies)}
  </worldbody>
</mujoco>""")
    # The batch wants models of one layout, so all bodies are compiled as colliding and as
    # weightless; then the parked ones lose their collisions and the others get their weight.
    real = np.array([body.exists for body in bodies])
    model.body_gravcomp[1:] = np.where(real, 0.0, 1.0)
    model.geom_contype[1:] = real
    model.geom_conaffinity[1:] = real
    model.hfield_data[:] = ((scene.bathymetry - low) / relief).ravel()
    first = 4 * slots.buildings * slots.storeys
    for k in range(len(scene.debris)):
        body = 1 + slots.buildings * slots.storeys + k
        dof = first + 6 * k
        model.dof_armature[dof : dof + 2] = ADDED_MASS * model.body_mass[body]
    return model


_STOREY_JOINTS = (
    '<joint type="slide" axis="1 0 0"/><joint type="slide" axis="0 1 0"/>'
    '<joint type="slide" axis="0 0 1"/><joint type="hinge" axis="0 0 1"/>'
)


@dataclasses.dataclass(frozen=True)
class _Box:
    """A body slot: place in m, heading in rad, half sizes in m, mass in kg."""

    place: tuple[float, ...]
    heading: float
    half: tuple[float, float, float]
    mass: float
    exists: bool
    joints: str

    def xml(self) -> str:
        at = " ".join(repr(float(value)) for value in self.place)
        size = " ".join(repr(float(value)) for value in self.half)
        turned = f"{math.cos(self.heading / 2)!r} 0 0 {math.sin(self.heading / 2)!r}"
        return (
            f'<body pos="{at}" quat="{turned}" gravcomp="1">{self.joints}'
            f'<geom type="box" size="{size}" mass="{float(self.mass)!r}" friction="0.5"/></body>'
        )


def _frames(scenes: list[Scene], hidden: list[Hidden], physics: Physics) -> FrameProperties:
    slots = scenes[0].slots
    shape = (len(scenes), slots.buildings, slots.storeys)
    ones = (
        "mass",
        "stiffness",
        "damping",
        "yield_force",
        "ultimate_force",
        "hardening",
        "weight_above",
        "drift_limit",
    )
    values = {name: np.ones(shape) for name in ones}
    present = np.zeros(shape, dtype=bool)
    for member, (scene, draw) in enumerate(zip(scenes, hidden, strict=True)):
        for b, building in enumerate(scene.buildings):
            n = building.storeys
            present[member, b, :n] = True
            computed = frame_properties(
                building.type,
                building.area,
                n,
                draw.strength[b, :n] * physics.strength,
                draw.drift_limit[b, :n],
                physics.gravity,
            )
            for name, array in computed.items():
                values[name][member, b, :n] = array
    return FrameProperties(present=present, **values)


def _floaters(
    scenes: list[Scene], hidden: list[Hidden], physics: Physics, half_size: np.ndarray
) -> Floaters:
    slots = scenes[0].slots
    storeys = slots.buildings * slots.storeys
    shape = (len(scenes), slots.bodies)
    mass, drag = np.ones(shape), np.ones(shape)
    buoyant, loose = np.ones(shape), np.zeros(shape, dtype=bool)
    for member, (scene, draw) in enumerate(zip(scenes, hidden, strict=True)):
        for b, building in enumerate(scene.buildings):
            for s in range(building.storeys):
                body = b * slots.storeys + s
                mass[member, body] = building.type.floor_mass * building.area
                drag[member, body] = BOX_DRAG * physics.debris_drag
                buoyant[member, body] = LEAKY_BUOYANCY
        for k, box in enumerate(scene.debris):
            mass[member, storeys + k] = _debris_mass(box, float(draw.debris_density[k]))
            drag[member, storeys + k] = float(draw.debris_drag[k]) * physics.debris_drag
            loose[member, storeys + k] = True
    return Floaters(half_size.copy(), mass, drag, buoyant, loose)


BOX_DRAG = 2.0
"""Drag coefficient of a surface-piercing box (FEMA P-646 §6.5.3 uses 2.0 for square sections)."""
