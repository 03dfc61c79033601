"""Dose of a dissolved contaminant: concentration times time on people, reported and no more."""

from __future__ import annotations

import numpy as np

from worldsim.sources import Coefficient

MILLIGRAM_HOURS_PER_LITRE = 1000.0 / 3600.0
"""mg h/L in one kg s m-3: 1 kg/m3 is 1000 mg/L, and an hour has 3600 s."""

DRINKING_LIMIT = Coefficient(
    "tracer.drinking_limit", 0.005, "mg L-1",
    "benzene, US limit in drinking water; context only, does not concern wading",
    ("epabenzene",), "verified")
CHILD_ADVISORY = Coefficient(
    "tracer.child_advisory", 0.2, "mg L-1",
    "benzene, US 1 to 10 day advisory for a child drinking; context only",
    ("epabenzene",), "verified")

DETECTABLE = Coefficient(
    "tracer.detectable", 0.0005 / 60, "mg h L-1",
    "dose from which a person counts as exposed: one minute in 0.5 ug/L, about what laboratories "
    "detect; smaller traces are arithmetic", ("worldsimassumption",), "uncertain")

COEFFICIENTS = (DRINKING_LIMIT, CHILD_ADVISORY, DETECTABLE)


def dose(recorded: np.ndarray) -> np.ndarray:
    """Recorded dose in kg s m-3 as mg h/L; NaN stays unknown."""
    return np.asarray(recorded, dtype=float) * MILLIGRAM_HOURS_PER_LITRE


def summary(recorded: np.ndarray, axis: int = -1) -> dict[str, np.ndarray]:
    """People with a detectable dose, and the median and largest among them (mg h/L).

    Returns
    -------
    ``exposed`` (count; NaN where no dose is known), ``median``, ``largest`` (0 where nobody is
    exposed, NaN where no dose is known).
    """
    values = dose(recorded)
    known = np.isfinite(values).any(axis=axis)
    touched = np.where(values >= DETECTABLE.value, values, np.nan)
    count = np.isfinite(touched).sum(axis=axis)
    filled = np.where((count == 0) if np.ndim(count) == 0 else np.expand_dims(count == 0, axis),
                      0.0, touched)
    return {
        "exposed": np.where(known, count, np.nan),
        "median": np.where(known, np.nanmedian(filled, axis=axis), np.nan),
        "largest": np.where(known, np.nanmax(filled, axis=axis), np.nan),
    }
