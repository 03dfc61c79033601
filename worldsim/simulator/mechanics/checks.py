"""What is refused before a scene of rigid bodies is simulated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import mujoco
import numpy as np

from worldsim.errors import InputError
from worldsim.simulator.mechanics.audit import FARTHEST
from worldsim.simulator.mechanics.scene import MechanicalHidden, MechanicalScene

if TYPE_CHECKING:
    from worldsim.simulator.mechanics.models import SceneModel

FASTEST_JOINT = 0.25
"""Rad per step of a joint's spring, or part of the speed that its damper takes per step, at most.
"""

OVERLAP_AT_START = 0.01
"""Of the smaller solid's thickness: how far bodies may begin inside each other."""


def check_places(scene: MechanicalScene) -> None:
    """Everything has a direction and begins within reach."""
    for body in scene.bodies:
        turns = [body.quaternion, *(part.quaternion for part in body.parts)]
        if not all(0.1 < math.hypot(*turn) < 10 for turn in turns):
            raise InputError(f"body {body.name!r} has a quaternion that is far from length 1")
        if not all(abs(x) < FARTHEST for x in body.position):
            raise InputError(
                f"body {body.name!r} begins at {body.position} m; within {FARTHEST:g} m is allowed"
            )


def check_hidden(scene: MechanicalScene, hidden: MechanicalHidden) -> None:
    """There is a finite number for each body; factors are not negative, and masses stay."""
    count = len(scene.bodies)
    shapes = {"mass": (count,), "friction": (count,), "restitution": (count,),
              "velocity": (count, 3), "speed": (count,)}
    for name, shape in shapes.items():
        values = getattr(hidden, name)
        if values is None:
            continue
        if np.shape(values) != shape:
            raise InputError(
                f"hidden {name} of shape {np.shape(values)}: give {shape}, for each of the "
                f"scene's {count} bodies"
            )
        if not np.isfinite(values).all():
            raise InputError(f"hidden {name} is not finite everywhere; give finite numbers")
        if name in ("friction", "restitution") and np.min(values, initial=0) < 0:
            raise InputError(f"hidden {name}={np.min(values):g}: give factors of 0 or more")
        if name == "mass" and np.min(values, initial=1) <= 0:
            raise InputError(f"hidden mass={np.min(values):g}: give factors greater than 0")


def check_joints(built: SceneModel) -> None:
    """The step resolves every spring and damper."""
    model, step = built.model, built.scene.step
    for b, body in enumerate(built.scene.bodies):
        joint = body.joint
        if joint is None or not (joint.stiffness or joint.damping):
            continue
        inertia = 1 / model.dof_invweight0[model.body_dofadr[b + 1]]
        rate = max(math.sqrt(joint.stiffness / inertia), joint.damping / inertia)
        if rate * step > FASTEST_JOINT:
            raise InputError(
                f"the spring or damper of {body.name!r} acts within {1 / rate:.2g} s, too fast for "
                f"steps of {step:.2g} s: make it softer or lighter, or step at most "
                f"{FASTEST_JOINT / rate:.2g} s"
            )


def check_start(built: SceneModel) -> None:
    """No body begins inside another."""
    data = mujoco.MjData(built.model)
    mujoco.mj_forward(built.model, data)
    names = [body.name for body in built.scene.bodies]
    for contact in data.contact:
        first, second = contact.geom
        smaller = min(built.thickness[first], built.thickness[second])
        if -contact.dist > OVERLAP_AT_START * smaller:
            one, other = (names[built.owner[k]] for k in (first, second))
            raise InputError(
                f"bodies {one!r} and {other!r} begin {-contact.dist:.3g} m inside each other; at "
                f"most {OVERLAP_AT_START * smaller:.2g} m is allowed: move them apart"
            )
