"""Scenarios of bodies in motion, run as closed forms need them: with nothing hidden, in float64."""

import dataclasses

import numpy as np

from worldsim.mechanics import MechanicalHidden
from worldsim.scenario import Scenario
from worldsim.simulator.world import simulate


def exact(scenario: Scenario, refine: int = 1, **changes) -> Scenario:
    """The same scenario with nothing hidden and steps `refine` times as short; `changes` replace
    fields of its scene."""
    cls = type(scenario)

    def scene(self, seed, case):
        drawn = cls.scene(self, seed, case)
        return dataclasses.replace(drawn, step=drawn.step / refine, **changes)

    def hidden(self, scene, seed, case, realization):
        return MechanicalHidden()

    return type(cls.__name__, (cls,), {"scene": scene, "hidden": hidden})(**scenario.values())


class Run:
    """One member's states: positions (time, body, 3), of bodies in the scene's order."""

    def __init__(self, scenario: Scenario, *, seed=0, case=0, duration=None, **options):
        self.rollout = simulate(
            scenario, seed=seed, case_numbers=[case], duration=duration, threads=1, **options
        )
        self.scene = scenario.scene(seed, case)
        bodies = self.rollout["bodies"].isel(case=0, realization=0)
        self.time = bodies["time"].values
        self.position = bodies["position"].values.astype(float)
        self.velocity = bodies["velocity"].values.astype(float)
        self.spin = bodies["angular_velocity"].values.astype(float)
        self.mass = bodies["mass"].values
        self.energy = self.rollout["energy"]["total"].values[0, 0]
        self.kinetic = self.rollout["energy"]["kinetic"].values[0, 0]
        self.failed = bool(self.rollout["audit"]["failed"].values[0, 0])
        contacts = self.rollout["contacts"].isel(case=0, realization=0)
        self.contacts = {
            name: contacts[name].values[: int(contacts["count"])]
            for name in ("time", "body_a", "body_b", "impulse", "approach")
        }

    def met(self, one: str, other: str) -> np.ndarray:
        """Times at which two bodies began to touch, s."""
        numbers = self.scene.numbers()
        pair = sorted((numbers[one], numbers[other]))
        seen = (self.contacts["body_a"] == pair[0]) & (self.contacts["body_b"] == pair[1])
        return self.contacts["time"][seen]

    def numbers(self, *names: str) -> list[int]:
        """Places of bodies in the states."""
        return [self.scene.numbers()[name] for name in names]

    def moving(self) -> np.ndarray:
        """Numbers of the bodies that can move."""
        return np.array([n for n, body in enumerate(self.scene.bodies) if body.joint is not None])
