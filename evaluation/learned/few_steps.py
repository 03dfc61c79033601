"""How much fewer evaluations cost: errors at 1, 2, 4, 8 and 32 on the same noise."""

from __future__ import annotations

from typing import Any

import numpy as np

from evaluation.learned.asking import examined, position_errors, ratio

STEPS = (1, 2, 4, 8, 32)
SCENARIOS = ("free_fall", "projectile", "collision", "pendulum")


def measure(model: Any, cases: int = 8) -> dict[str, Any]:
    """Errors [m] by evaluations, over the scenarios, each in units of its error at 32."""
    errors: dict[int, list[np.ndarray]] = {steps: [] for steps in STEPS}
    for name in SCENARIOS:
        one = examined(name, cases)
        found = {steps: position_errors(model.with_sampler(steps=steps).rollout(one.question), one)
                 for steps in STEPS}
        unit = np.nanmean(found[32])
        for steps, values in found.items():
            errors[steps].append(values / unit)
    joined = {steps: np.concatenate(values) for steps, values in errors.items()}
    return {str(steps): ratio(values, joined[32]) for steps, values in joined.items()}
