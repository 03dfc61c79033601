"""Whether an error rises along a ladder of ever stronger perturbations."""

from __future__ import annotations

import numpy as np
from scipy.stats import kendalltau

from worldsim.errors import InputError

LEAST_TAU = 0.95
"""Of a metric that may be a headline."""

LEAST_RUNGS = 3


def kendall_tau(strengths: np.ndarray, errors: np.ndarray) -> float:
    """Kendall's tau-b between strengths (rung,) and mean errors (rung,); NaN if all errors are
    equal.

    Raises
    ------
    InputError : fewer than three rungs, different lengths, missing values.
    """
    strengths, errors = np.asarray(strengths, float), np.asarray(errors, float)
    if strengths.shape != errors.shape or strengths.ndim != 1:
        raise InputError(f"{strengths.shape} strengths and {errors.shape} errors: give one mean "
                         "error a rung")
    if len(strengths) < LEAST_RUNGS:
        raise InputError(f"{len(strengths)} rungs: give at least {LEAST_RUNGS}")
    if not (np.isfinite(strengths).all() and np.isfinite(errors).all()):
        raise InputError("a rung without an error: every rung needs one")
    return float(kendalltau(strengths, errors).statistic)


def is_monotone(strengths: np.ndarray, errors: np.ndarray) -> bool:
    """Whether mean errors (rung,) rise along the ladder: tau of at least `LEAST_TAU`."""
    return kendall_tau(strengths, errors) >= LEAST_TAU
