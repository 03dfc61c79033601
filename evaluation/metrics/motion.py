"""The Physics-IQ family on scenes of ours: how alike the moving parts of two videos are.

Masks and numbers are those that were published (`evaluation.physics_iq`); two realizations of a
case stand for the two real takes, hence "-style". They describe; nobody is judged by them first,
since gross errors of physics hardly move them (`python -m evaluation.physics_iq.blindness`).
"""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from evaluation.metrics.metric import Metric, Sample
from evaluation.physics_iq.agreement import agreement
from evaluation.physics_iq.masks import motion_masks
from evaluation.physics_iq.style import frames_that_count, physics_iq_style

MAIN = "main"


def _films(sample: Sample) -> tuple[np.ndarray, np.ndarray, float]:
    """Videos (case, realization, time, row, column, 3) of dream and truth, and their rate."""
    dream, truth = sample.video[MAIN], sample.truth_video[MAIN]
    times = truth["time"].values
    return dream.values, truth.values, float(1.0 / (times[1] - times[0]))


def _agreement(sample: Sample, name: str) -> xr.DataArray:
    if "agreements" not in sample.shared:
        dreams, truths, fps = _films(sample)
        count = frames_that_count(fps)
        masks = motion_masks(np.concatenate([dreams[:, 0, :count], truths[:, 0, :count]]))
        sample.shared["agreements"] = [
            agreement(truth, dream, mask_of_truth, mask_of_dream)
            for truth, dream, mask_of_dream, mask_of_truth in zip(
                truths[:, 0, :count], dreams[:, 0, :count], *np.split(masks, 2), strict=True)
        ]
    return _by_case(sample, [getattr(one, name) for one in sample.shared["agreements"]])


def _score(sample: Sample) -> xr.DataArray:
    """The first dream against the first truth, with the second for the physical variance."""
    dreams, truths, fps = _films(sample)
    if truths.shape[1] < 2:
        return _by_case(sample, [np.nan] * len(dreams))
    return _by_case(sample, [
        physics_iq_style(dream[0], truth[0], truth[1], fps)["verified"]
        for dream, truth in zip(dreams, truths, strict=True)
    ])


def _by_case(sample: Sample, values: list[float]) -> xr.DataArray:
    return xr.DataArray(np.asarray(values, dtype=float), dims="case",
                        coords={"case": sample.truth_video[MAIN]["case"]})


def _overlap(name: str, meaning: str) -> Metric:
    return Metric(f"physics_iq.{name}_iou", "1", f"{meaning} of motion masks, as Physics-IQ has it",
                  functools.partial(_agreement, name=name), direction="higher", perfect=1.0,
                  window="whole", cameras=(MAIN,))


METRICS = (
    _overlap("spatial", "overlap over union of where anything ever moves,"),
    _overlap("spatiotemporal", "mean overlap over union in each frame"),
    _overlap("weighted_spatial", "overlap over union of how much moves where,"),
    Metric("physics_iq.style", "1", "Physics-IQ-style score (Verified), 0 to 100, two realizations "
           "for the two takes", _score, direction="higher", perfect=100.0, ensemble=True,
           window="whole", skilled=False, cameras=(MAIN,)),
)
