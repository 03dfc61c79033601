"""Does the model heed what it is told? Parameters and pushes swapped among cases must hurt.

What a shuffle costs a model is held against what it costs the simulator: the same known frames, but
the law, or the push, of another case from then on.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from evaluation.learned.asking import (
    SECONDS,
    Examined,
    examined,
    position_errors,
    simulated_answer,
    truth_of,
)
from worldsim.mechanics import Kick
from worldsim.scenario import Scenario

LAWS = {
    "free_fall": ("gravity", "restitution"),
    "projectile": ("gravity",),
    "collision": ("mass_ratio", "restitution"),
    "incline": ("friction", "gravity"),
    "pendulum": ("gravity", "damping"),
}
"""Parameters that cannot be seen in the first frame and act later."""

PUSH = Kick(0.5, "ball 1")
PUSHES = ((1.2, 0.0, 0.0), (-1.2, 0.0, 0.0), (0.0, 0.0, 1.5), (0.8, 0.0, 1.0))
"""m/s"""


@dataclasses.dataclass(frozen=True)
class Cost:
    """Errors [m] by case, told rightly and wrongly, of the model and of the simulator."""

    right: np.ndarray
    wrong: np.ndarray
    simulated: np.ndarray

    @property
    def share(self) -> float:
        """Rise of the model's error over the rise of the simulator's."""
        return float(np.nanmean(self.wrong - self.right) / np.nanmean(self.simulated))


def shuffled(scenarios: tuple[Scenario, ...], names: tuple[str, ...]) -> list[Scenario]:
    """Every case with the named parameters of the next."""
    after = [*scenarios[1:], scenarios[0]]
    return [dataclasses.replace(own, **{name: getattr(other, name) for name in names})
            for own, other in zip(scenarios, after, strict=True)]


def parameters(model: Any, scenario: str, cases: int = 16) -> Cost:
    """Tell every case the laws of another."""
    names = LAWS[scenario]
    one = examined(scenario, cases)
    wrong = shuffled(one.scenarios, names)
    told = {name: np.array([s.codes()[name] for s in wrong]) for name in one.question.parameters}
    other = dataclasses.replace(one.question, parameters=told)
    simulated = simulated_answer(truth_of(wrong), one)
    return Cost(position_errors(model.rollout(one.question), one),
                position_errors(model.rollout(other), one), position_errors(simulated, one))


def pushes(model: Any, cases: int = 8) -> Cost:
    """Tell every push as another."""
    right, wrong, simulated = [], [], []
    for number, velocity in enumerate(PUSHES):
        true = dataclasses.replace(PUSH, velocity=velocity)
        false = dataclasses.replace(PUSH, velocity=PUSHES[(number + 1) % len(PUSHES)])
        one: Examined = examined("free_fall", cases, kicks=(true,), seconds=SECONDS,
                                 told=True)
        right.append(position_errors(model.rollout(one.question), one))
        other = dataclasses.replace(one.question, actions=(false,))
        wrong.append(position_errors(model.rollout(other), one))
        answer = simulated_answer(truth_of(one.scenarios, (false,)), one)
        simulated.append(position_errors(answer, one))
    return Cost(*(np.concatenate(part) for part in (right, wrong, simulated)))
