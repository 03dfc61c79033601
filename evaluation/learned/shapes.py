"""Other rates and aspect ratios than those of the training: errors of the second after what is
known.

Each is asked about the same cases; errors are over those of the last known frame held, at the same
instants and in the same pictures, of what is to be seen there.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from evaluation.agreement import shows_against_says
from evaluation.learned.asking import CONTEXT, examined, frozen, position_errors, ratio

SCENARIOS = ("free_fall", "collision", "pendulum", "incline")

RATES = (10.0, 20.0, 40.0)
"""Frames per second; that of the training is 20."""

SIZES = {"1:1": (64, 64), "16:9": (64, 114), "9:16": (114, 64)}
"""Rows and columns; those of the training are 64 and 64."""


def measure(model: Any, cases: int = 8) -> dict[str, Any]:
    """Errors over those of the frozen picture, and of what is shown against what is said [m], by
    rate and aspect ratio, over the scenarios."""
    found = {}
    for rate in RATES:
        for name, size in SIZES.items():
            errors: list[np.ndarray] = []
            still: list[np.ndarray] = []
            apart: list[np.ndarray] = []
            for scenario in SCENARIOS:
                one = examined(scenario, cases, fps=rate, size=size,
                               seconds=CONTEXT / rate + 1.0)
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", message=".*it extrapolates")
                    answer = model.rollout(one.question)
                held = frozen(one)
                # Scenarios weigh alike, however far things go in them.
                errors.append(position_errors(answer, one) / np.nanmean(held))
                still.append(held / np.nanmean(held))
                if "said" in answer:
                    apart.append(shows_against_says(answer, CONTEXT)[:, 0])
            found[f"{rate:g} frames/s, {name}"] = {
                "of_frozen": ratio(np.concatenate(errors), np.concatenate(still)),
                "shows_against_says_m": (
                    float(np.nanmean(np.concatenate(apart))) if apart else None)}
    return found
