"""Physics-IQ-style scores of scenes of ours: the published arithmetic on videos in memory.

"-style", because the benchmark of that name is its 198 real cases (`evaluation.physics_iq.folder`).
Here two realizations of a simulated case stand for the two real takes, and frames are taken as they
are, not at a quarter of their size, since ours have tens of pixels where real takes have thousands.
"""

from __future__ import annotations

import numpy as np

from evaluation.physics_iq.agreement import Agreement, agreement
from evaluation.physics_iq.masks import checked, motion_masks
from evaluation.physics_iq.score import original, unclipped, verified
from worldsim.errors import InputError

SECONDS = 5.0
"""s: only so much of a video counts, from its start."""


def frames_that_count(fps: float) -> int:
    """Number of frames in the first 5 s.

    Raises
    ------
    InputError : the rate is not above 0, or below one frame in 5 s.
    """
    if not (np.isfinite(fps) and fps * SECONDS >= 1):
        raise InputError(f"fps={fps}: give the frames per second, at least {1 / SECONDS:g}")
    return int(fps * SECONDS + 1e-9)


def physics_iq_style(dream: np.ndarray, truth_a: np.ndarray, truth_b: np.ndarray,
                     fps: float) -> dict[str, float]:
    """Score a dream of one case by motion masks.

    Parameters
    ----------
    dream, truth_a, truth_b : (time, row, column, 3) uint8, of one shape; truth_a and truth_b are
        two realizations of the case, the dream is compared with the first.
    fps : frames per second; what comes after 5 s does not count.

    Returns
    -------
    SP, ST, WS : spatial, spatiotemporal and weighted spatial IoU, 0 to 1; MSE : of values from 0 to
    1; SP_variance, ST_variance, WS_variance, MSE_variance : the same of truth_b; original,
    verified : the scores that a data set of this one case would have, 0 to 100, NaN where the
    original is 0/0; unclipped : the original before it is clipped, which can be averaged over
    cases.

    Raises
    ------
    InputError : shapes differ or are none of a video, or an impossible rate.
    """
    count = frames_that_count(fps)
    films = [checked(film)[:count] for film in (dream, truth_a, truth_b)]
    _check_one_shape(films)
    return _scored(films, list(motion_masks(np.stack(films))))


def physics_iq_style_exact(dream: np.ndarray, truth_a: np.ndarray, truth_b: np.ndarray,
                           dream_masks: np.ndarray, masks_a: np.ndarray, masks_b: np.ndarray,
                           fps: float) -> dict[str, float]:
    """`physics_iq_style` with given masks (time, row, column) bool, e.g. the pixels that moving
    objects cover in the renderer's segmentation, in the place of motion masks."""
    count = frames_that_count(fps)
    films = [checked(film)[:count] for film in (dream, truth_a, truth_b)]
    _check_one_shape(films)
    masks = [np.asarray(one)[:count] for one in (dream_masks, masks_a, masks_b)]
    for one in masks:
        if one.shape != films[0].shape[:-1] or one.dtype != bool:
            raise InputError(f"a mask has shape {one.shape} and dtype {one.dtype}; give "
                             f"(time, row, column) = {films[0].shape[:-1]} bool")
    return _scored(films, masks)


def as_numbers(dream: Agreement, variance: Agreement) -> dict[str, float]:
    """Both agreements and both scores, by the names of `physics_iq_style`."""
    names = {"SP": "spatial", "ST": "spatiotemporal", "WS": "weighted_spatial", "MSE": "mse"}
    return {
        **{short: getattr(dream, name) for short, name in names.items()},
        **{f"{short}_variance": getattr(variance, name) for short, name in names.items()},
        "original": original(dream, variance), "unclipped": unclipped(dream, variance),
        "verified": verified(dream, variance).score,
    }


def _scored(films: list[np.ndarray], masks: list[np.ndarray]) -> dict[str, float]:
    return as_numbers(agreement(films[1], films[0], masks[1], masks[0]),
                      agreement(films[1], films[2], masks[1], masks[2]))


def _check_one_shape(films: list[np.ndarray]) -> None:
    shapes = {film.shape for film in films}
    if len(shapes) > 1 or films[0].ndim != 4:
        raise InputError(f"videos have shapes {sorted(shapes)}; give three of one shape, "
                         "(time, row, column, 3)")
