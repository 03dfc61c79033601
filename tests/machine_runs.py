"""Single members of mechanical scenarios, simulated for tests: as they are, mirrored, refined."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from worldsim.mechanics import (
    Body,
    Freedom,
    Joint,
    MechanicalHidden,
    MechanicalScene,
    Quaternion,
    Vector,
)
from worldsim.scenario import Scenario
from worldsim.simulator.mechanics.run import mechanical_states
from worldsim.simulator.scene import Physics


@dataclasses.dataclass(frozen=True)
class Run:
    """The states of one member, of which `number` tells bodies apart."""

    groups: dict[str, Any]
    scene: MechanicalScene

    def of(self, name: str, quantity: str) -> np.ndarray:
        """(time, …): a quantity of `/bodies` of the body of that name."""
        return self.groups["/bodies"][quantity].values[:, self.scene.numbers()[name]]

    def energy(self, kind: str = "total") -> np.ndarray:
        """(time,) J."""
        return self.groups["/energy"][kind].values

    @property
    def time(self) -> np.ndarray:
        """(time,) s."""
        return np.arange(len(self.energy())) / 120


def run(
    scene: MechanicalScene, duration: float, hidden: MechanicalHidden | None = None
) -> Run:
    """One member for `duration` s, with nothing hidden unless told."""
    groups = mechanical_states(
        [scene], [[hidden or MechanicalHidden()]], round(120 * duration), Physics(),
        threads=1, workers=1, progress=None,
    )
    first = {name: group.isel(case=0) for name, group in groups.items()}
    return Run(
        {
            name: group.isel(realization=0) if "realization" in group.dims else group
            for name, group in first.items()
        },
        scene,
    )


def refined(scene: MechanicalScene) -> MechanicalScene:
    """The same scene in steps of half the size."""
    return dataclasses.replace(scene, step=scene.step / 2)


def mirrored(scene: MechanicalScene) -> MechanicalScene:
    """The scene in a mirror at x=0."""
    return dataclasses.replace(scene, bodies=tuple(_mirrored(body) for body in scene.bodies))


def _mirrored(body: Body) -> Body:
    return dataclasses.replace(
        body,
        parts=tuple(
            dataclasses.replace(
                part, position=_vector(part.position), quaternion=_turn(part.quaternion)
            )
            for part in body.parts
        ),
        position=_vector(body.position),
        quaternion=_turn(body.quaternion),
        velocity=_vector(body.velocity),
        spin=_axial(body.spin),
        joint=None if body.joint is None else _joint(body.joint),
    )


def _joint(joint: Joint) -> Joint:
    slides = joint.freedom is Freedom.SLIDE
    return dataclasses.replace(
        joint,
        axis=_vector(joint.axis) if slides else _axial(joint.axis),
        anchor=_vector(joint.anchor),
    )


def _vector(v: Vector) -> Vector:
    return -v[0], v[1], v[2]


def _axial(v: Vector) -> Vector:
    """Angular velocities and axes of turning keep what lies along the mirror's normal."""
    return v[0], -v[1], -v[2]


def _turn(q: Quaternion) -> Quaternion:
    return q[0], q[1], -q[2], -q[3]


def allowed(scenario: type[Scenario], check: str) -> float:
    """The tolerance that the scenario declares for one of its closed forms."""
    (form,) = (form for form in scenario.checks if form.name == check)
    return form.tolerance


def crossings(values: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Times at which values change sign, between states by a straight line."""
    before = np.flatnonzero(np.diff(np.sign(values)) != 0)
    a, b = values[before], values[before + 1]
    return time[before] + a / (a - b) * (time[before + 1] - time[before])
