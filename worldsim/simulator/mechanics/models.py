"""The MuJoCo model of a scene of rigid bodies.

Contacts. MuJoCo's contact is a spring and dashpot on the acceleration, -b v - k r; over one step h
of the stepper in `stepping`, the dashpot b = (1 + e)/h turns a normal speed v into -e v, Newton's
law of impact, and 1/h stops what slides, within the cone of Coulomb friction. Every pair of solids
has parameters of its own: the greater friction and the lesser restitution.
"""

from __future__ import annotations

import dataclasses
import math

import mujoco
import numpy as np

from worldsim.errors import InputError
from worldsim.simulator.constants import GRAVITY
from worldsim.simulator.mechanics.bodies import Body, Freedom, Joint, Part, Role, Shape
from worldsim.simulator.mechanics.checks import check_joints, check_places, check_start
from worldsim.simulator.mechanics.scene import MechanicalHidden, MechanicalScene
from worldsim.simulator.scene import Physics

HARDNESS = 0.9999
"""MuJoCo's impedance: part of the unforced acceleration that a contact takes away; its greatest."""

CORRECTION = 0.02
"""Part of what is left of a penetration that is undone per step: slow enough to add nothing to a
rebound, fast enough that nothing sinks."""

_GEOMS = {
    Shape.SPHERE: mujoco.mjtGeom.mjGEOM_SPHERE,
    Shape.BOX: mujoco.mjtGeom.mjGEOM_BOX,
    Shape.CYLINDER: mujoco.mjtGeom.mjGEOM_CYLINDER,
    Shape.CAPSULE: mujoco.mjtGeom.mjGEOM_CAPSULE,
    Shape.PLANE: mujoco.mjtGeom.mjGEOM_PLANE,
}

_JOINTS = {
    Freedom.FREE: mujoco.mjtJoint.mjJNT_FREE,
    Freedom.HINGE: mujoco.mjtJoint.mjJNT_HINGE,
    Freedom.SLIDE: mujoco.mjtJoint.mjJNT_SLIDE,
    Freedom.BALL: mujoco.mjtJoint.mjJNT_BALL,
}


@dataclasses.dataclass(frozen=True)
class SceneModel:
    """A scene's MuJoCo model, of which members with their own hidden values are made.

    MuJoCo's body `b + 1` is the scene's body `b`; its geoms are all parts of all bodies, in order.

    owner : (part,) body of each part. thickness : (part,) least, m; inf for planes.
    pairs : (pair, 2) parts that may touch.
    """

    scene: MechanicalScene
    physics: Physics
    model: mujoco.MjModel
    owner: np.ndarray
    thickness: np.ndarray
    pairs: np.ndarray

    def member(self, hidden: MechanicalHidden) -> mujoco.MjModel:
        """The model with the hidden factors applied."""
        model = self.model.__copy__()
        bodies = self.scene.bodies
        mass = np.ones(len(bodies)) if hidden.mass is None else np.asarray(hidden.mass, float)
        objects = [b for b, body in enumerate(bodies) if body.role is Role.OBJECT]
        mass = mass.copy()
        mass[objects[1::2]] *= self.physics.mass
        if (mass != 1).any():
            model.body_mass[1:] *= mass
            model.body_inertia[1:] *= mass[:, None]
            mujoco.mj_setConst(model, mujoco.MjData(model))
        friction, restitution = _surfaces(self.scene, hidden, self.physics)
        a, b = self.owner[self.pairs].T
        slide = np.maximum(friction[a], friction[b])
        model.pair_friction[:, :2] = slide[:, None]
        bounce = np.minimum(restitution[a], restitution[b])
        model.pair_solref[:, 1] = -(1 + bounce) / model.opt.timestep
        if self.physics.overlap:
            sunk = self.physics.overlap * self.thickness[self.pairs].min(axis=1)
            # Found as ever, since not all of MuJoCo's tests for collision know negative margins;
            # the gap only keeps what is found from acting.
            model.pair_margin[:], model.pair_gap[:] = -sunk, sunk
        return model

    @property
    def thinnest(self) -> np.ndarray:
        """(body,) least thickness of what meets in the contacts that a body may have, m."""
        least = np.full(len(self.scene.bodies), np.inf)
        thin = self.thickness[self.pairs].min(axis=1)
        for side in range(2):
            np.minimum.at(least, self.owner[self.pairs[:, side]], thin)
        return least

    @property
    def lift(self) -> float:
        """J that lift all that can move, each by its own least thickness."""
        moves = [b for b, body in enumerate(self.scene.bodies) if body.joint is not None]
        thin = np.array([self.thickness[self.owner == b].min() for b in moves])
        weight = -self.model.opt.gravity[2] * self.model.body_mass[1:][moves]
        return float(np.sum(weight * thin))

    def start(self, model: mujoco.MjModel, hidden: MechanicalHidden) -> mujoco.MjData:
        """Everything in its place and with its speed at t=0."""
        data = mujoco.MjData(model)
        for b, body in enumerate(self.scene.bodies):
            joint = body.joint
            if joint is None:
                continue
            dof = model.jnt_dofadr[model.body_jntadr[b + 1]]
            if joint.freedom is Freedom.FREE:
                speed = np.array(body.velocity, float)
                if hidden.velocity is not None:
                    speed += hidden.velocity[b]
                data.qvel[dof : dof + 3] = speed
                data.qvel[dof + 3 : dof + 6] = _spin_in_own_axes(body)
            elif joint.freedom is Freedom.BALL:
                data.qvel[dof : dof + 3] = _spin_in_own_axes(body)
            else:
                hidden_speed = 0.0 if hidden.speed is None else float(hidden.speed[b])
                data.qvel[dof] = joint.speed + hidden_speed
        return data


def scene_model(scene: MechanicalScene, physics: Physics) -> SceneModel:
    """Build the MuJoCo model of a scene.

    Raises
    ------
    InputError : MuJoCo cannot build it, a joint is too fast for the step, or bodies begin inside
        each other.
    """
    check_places(scene)
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    spec.compiler.autolimits = False
    option = spec.option
    option.timestep = scene.step
    option.gravity = [0.0, 0.0, -scene.gravity * physics.gravity / GRAVITY]
    option.density, option.viscosity = scene.air
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    option.tolerance, option.iterations = 1e-10, 100
    option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_AUTORESET)
    spec.memory = 1 << 24
    built: dict[str, mujoco.MjsBody] = {}
    parts: list[Part] = []
    owner: list[int] = []
    for b, body in enumerate(scene.bodies):
        parent = spec.worldbody if body.parent is None else built[body.parent]
        built[body.name] = _add_body(parent, body, len(parts))
        parts += body.parts
        owner += [b] * len(body.parts)
    pairs = _pairs(scene, parts, owner)
    for first, second in pairs:
        _add_pair(spec, scene, parts, owner, first, second)
    try:
        model = spec.compile()
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"MuJoCo cannot build the scene: {reason}") from None
    sizes = np.array([2 * min(part.size, default=math.inf) for part in parts])
    built_model = SceneModel(
        scene, physics, model, np.array(owner, int), sizes, np.array(pairs, int).reshape(-1, 2)
    )
    check_joints(built_model)
    check_start(built_model)
    return built_model


def _add_body(parent: mujoco.MjsBody, body: Body, first: int) -> mujoco.MjsBody:
    made = parent.add_body(name=f"body {body.name}", pos=body.position, quat=body.quaternion)
    if body.joint is not None:
        _add_joint(made, body.joint)
    heavy = [part for part in body.parts if part.collides] or list(body.parts)
    volume = sum(_volume(part) for part in heavy)
    for k, part in enumerate(body.parts):
        if part.shape is Shape.PLANE and not (body.joint is None and body.parent is None):
            raise InputError(f"body {body.name!r} has a plane and can move; give it a box instead")
        share = _volume(part) / volume if part in heavy and volume > 0 else 0.0
        size = (10.0, 10.0, 1.0) if part.shape is Shape.PLANE else part.size
        made.add_geom(
            name=f"p{first + k}",
            type=_GEOMS[part.shape],
            size=[*size, 0.0, 0.0][:3],
            pos=part.position,
            quat=part.quaternion,
            mass=0.0 if part.shape is Shape.PLANE else body.mass * share,
            contype=0,
            conaffinity=0,
        )
    return made


def _add_joint(made: mujoco.MjsBody, joint: Joint) -> None:
    if joint.freedom is Freedom.FREE:
        made.add_freejoint()
        return
    scalar = joint.freedom in (Freedom.HINGE, Freedom.SLIDE)
    made.add_joint(
        type=_JOINTS[joint.freedom],
        axis=joint.axis,
        pos=joint.anchor,
        # The body's place is that at t=0, where the joint's position is the one given.
        ref=joint.position if scalar else 0.0,
        springref=joint.rest if scalar else 0.0,
        stiffness=joint.stiffness,
        damping=joint.damping,
        limited=joint.limits is not None,
        range=joint.limits or (0.0, 0.0),
    )


def _add_pair(
    spec: mujoco.MjSpec, scene: MechanicalScene, parts: list[Part], owner: list[int],
    first: int, second: int,
) -> None:
    one, other = (scene.bodies[owner[k]].material for k in (first, second))
    friction = max(one.friction, other.friction)
    torsional = max(one.torsional, other.torsional)
    rolling = max(one.rolling, other.rolling)
    step = scene.step
    dimensions = 6 if rolling > 0 else 4 if torsional > 0 else 3 if friction > 0 else 1
    spec.add_pair(
        geomname1=f"p{first}",
        geomname2=f"p{second}",
        condim=dimensions,
        friction=[friction, friction, torsional, rolling, rolling],
        solref=[-CORRECTION / step**2, -1.0 / step],
        solreffriction=[-CORRECTION / step**2, -1.0 / step],
        solimp=[HARDNESS, HARDNESS, 1e-3, 0.5, 2.0],
    )


def _spin_in_own_axes(body: Body) -> np.ndarray:
    """(3,) rad/s at t=0: what MuJoCo's generalised velocities of free and ball joints hold."""
    back, spin = np.zeros(4), np.zeros(3)
    mujoco.mju_negQuat(back, np.array(body.quaternion) / math.hypot(*body.quaternion))
    mujoco.mju_rotVecQuat(spin, np.array(body.spin, float), back)
    return spin


def _surfaces(
    scene: MechanicalScene, hidden: MechanicalHidden, physics: Physics
) -> tuple[np.ndarray, np.ndarray]:
    """Friction and restitution of each body, (body,)."""
    friction = np.array([body.material.friction for body in scene.bodies]) * physics.friction
    restitution = np.array([body.material.restitution for body in scene.bodies])
    restitution = restitution * physics.restitution
    if hidden.friction is not None:
        friction = friction * hidden.friction
    if hidden.restitution is not None:
        restitution = restitution * hidden.restitution
    return friction, np.clip(restitution, 0.0, 1.0)


def _pairs(
    scene: MechanicalScene, parts: list[Part], owner: list[int]
) -> list[tuple[int, int]]:
    """Parts that can come to touch: of bodies that move against each other and share no joint."""
    numbers = scene.numbers()
    # What is fixed to what: the body that its joint moves, or -1 for the world.
    rigid: list[int] = []
    above: list[int] = []
    for b, body in enumerate(scene.bodies):
        parent = -1 if body.parent is None else numbers[body.parent]
        held = -1 if parent < 0 else rigid[parent]
        rigid.append(held if body.joint is None else b)
        above.append(held)
    solid = [k for k, part in enumerate(parts) if part.collides]
    pairs = []
    for place, first in enumerate(solid):
        one = owner[first]
        for second in solid[place + 1 :]:
            other = owner[second]
            a, b = rigid[one], rigid[other]
            if a == b:
                continue
            # Neighbours in a chain overlap at their joint; the world is nobody's neighbour.
            if (above[a] == b and b >= 0) or (above[b] == a and a >= 0):
                continue
            pairs.append((first, second))
    return pairs


def _volume(part: Part) -> float:
    size = part.size
    if part.shape is Shape.SPHERE:
        return 4 / 3 * math.pi * size[0] ** 3
    if part.shape is Shape.BOX:
        return 8 * size[0] * size[1] * size[2]
    if part.shape is Shape.CYLINDER:
        return 2 * math.pi * size[0] ** 2 * size[1]
    if part.shape is Shape.CAPSULE:
        return 2 * math.pi * size[0] ** 2 * size[1] + 4 / 3 * math.pi * size[0] ** 3
    return 0.0
