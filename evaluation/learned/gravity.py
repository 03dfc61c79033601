"""Effective gravity of a model against the set value, as it is swept in free fall.

A parabola is fitted to where the ball is seen, and to where it is said to be, from the last known
frame until the true ball touches the floor; its second derivative is the effective gravity.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np

from evaluation.learned.asking import CONTEXT, examined
from evaluation.objects import objects_video
from evaluation.reading import reading_of
from worldsim.scenario import Scenario

LEVELS = (6.0, 7.0, 8.0, 10.0, 11.0, 12.0)
"""m/s2, within the training range and outside its gap."""

LEAST = 5
"""Frames of a fit."""


def fitted(height: np.ndarray, fps: float) -> float:
    """Downward acceleration [m/s2] of heights (time,) m by least squares; NaN of too few."""
    kept = np.isfinite(height)
    if kept.sum() < LEAST:
        return float("nan")
    time = np.arange(len(height))[kept] / fps
    return float(-2 * np.polyfit(time, height[kept], 2)[0])


def measure(model: Any, cases: int = 8) -> dict[str, Any]:
    """Seen and said effective gravities (level, case), and the slopes of their means."""
    seen = np.full((len(LEVELS), cases), np.nan)
    said, true = seen.copy(), seen.copy()
    for level, gravity in enumerate(LEVELS):
        def fall(_: int, scenario: Scenario, gravity: float = gravity) -> Scenario:
            return dataclasses.replace(scenario, gravity=gravity, count=1.0)  # type: ignore[call-arg]

        one = examined("free_fall", cases, seconds=2.0, change=fall)
        fps = one.question.fps
        answer = model.rollout(one.question)
        reading = reading_of("free_fall")
        video = answer[f"video/{reading.camera}"].dataset
        heights = objects_video(video, one.objects, CONTEXT,
                                reading.height_m)["objects"]["position"].values[:, 0, :, 0, 1]
        truth = one.objects["position"].values[:, 0, :, 0, 1]
        names = json.loads(answer["said"].attrs["names"]) if "said" in answer else []
        words = (answer["said"]["state"].values[:, 0, :, names.index("body 1"), 2]
                 if names else np.full_like(truth, np.nan))
        for case in range(cases):
            falls = np.diff(truth[case]) <= 1e-6
            last = int(np.argmin(falls)) if not falls.all() else len(truth[case]) - 1
            span = slice(CONTEXT - 1, max(CONTEXT, last))
            seen[level, case] = fitted(heights[case, span], fps)
            said[level, case] = fitted(words[case, span], fps)
            true[level, case] = fitted(truth[case, span], fps)
    return {"levels": list(LEVELS), **{
        name: {"by_level": np.nanmedian(values, axis=1).round(3).tolist(),
               "slope": _slope(values), "relative_error": _relative(values)}
        for name, values in (("seen", seen), ("said", said), ("true", true))}}


def _slope(values: np.ndarray) -> float:
    middle = np.nanmedian(values, axis=1)
    kept = np.isfinite(middle)
    return float(np.polyfit(np.array(LEVELS)[kept], middle[kept], 1)[0]) if kept.sum() > 1 else (
        float("nan"))


def _relative(values: np.ndarray) -> float:
    """Largest relative deviation of the median over cases from the set value."""
    return float(np.nanmax(np.abs(np.nanmedian(values, axis=1) / np.array(LEVELS) - 1)))
