"""Damage states of buildings from what they went through.

The states are HAZUS's, by the drift ratio a storey reached; a building whose storey came down is
"complete", one that left its place is "washed away". Empirical curves to compare with are in
`worldsim.outcomes.fragility`; they never decide a state.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from worldsim.sources import Coefficient

TYPES = ("timber", "masonry", "steel", "concrete")
"""Building types by code, as in ``/structures`` ``type``."""

STATES = ("none", "slight", "moderate", "extensive", "complete", "washed away")
"""Damage states by code."""

EXTENSIVE, COMPLETE, WASHED_AWAY = 3, 4, 5

_HAZUS_CLASS = ("W1 moderate", "URM low", "S3 moderate", "C1 moderate")
_DRIFTS = (
    (0.004, 0.0099, 0.0306, 0.075),
    (0.003, 0.006, 0.015, 0.035),
    (0.004, 0.007, 0.0187, 0.0525),
    (0.005, 0.0087, 0.0233, 0.06),
)

DRIFT_COEFFICIENTS = tuple(
    tuple(
        Coefficient(
            f"damage.drift.{type_}.{state}", value, "1",
            f"median drift ratio at which {type_} ({hazus}) reaches state {state}",
            ("fema2024hazus",), "verified", "lognormal", 0.4)
        for state, value in zip(STATES[1:5], values, strict=True)
    )
    for type_, hazus, values in zip(TYPES, _HAZUS_CLASS, _DRIFTS, strict=True)
)
"""By type, then state. The lognormal spread 0.4 is that of drift given state in the v6.1 file (the
older 0.8 to 1.1 includes seismic demand)."""

DRIFT_THRESHOLDS = np.array([[c.value for c in row] for row in DRIFT_COEFFICIENTS])
"""(type, state slight..complete) drift ratios."""

DRIFT_SCATTER = 0.4

COEFFICIENTS = tuple(c for row in DRIFT_COEFFICIENTS for c in row)


def worst_drift(drift: np.ndarray) -> np.ndarray:
    """Largest known drift ratio over the last axis (storeys); NaN where none is known."""
    drift = np.asarray(drift, dtype=float)
    largest = np.where(np.isnan(drift), -np.inf, drift).max(axis=-1)
    return np.where(np.isfinite(largest), largest, np.nan)


def damage_state(kind: np.ndarray, drift: np.ndarray, collapsed: np.ndarray,
                 washed_away: np.ndarray, walls_broken: np.ndarray | float = 0.0) -> np.ndarray:
    """Damage state by median thresholds.

    Parameters
    ----------
    kind : type code, -1 where there is no building or its type is unknown.
    drift : largest drift ratio of any storey; NaN unknown.
    collapsed, washed_away, walls_broken : 1, 0 or NaN. All broadcast against each other. Broken
        outer walls are at least extensive damage (heavy damage to several walls is level 3 of the
        Japanese survey, Suppasri et al. 2013).

    Returns
    -------
    Code of `STATES` as float; NaN where it cannot be known. A standing building of unknown drift is
    NaN: a video shows that it stands, not how far it leaned.
    """
    kind, drift, collapsed, washed_away, walls_broken = np.broadcast_arrays(
        *(np.asarray(a, dtype=float)
          for a in (kind, drift, collapsed, washed_away, walls_broken)))
    index = np.where(kind >= 0, kind, 0).astype(int)
    reached = drift[..., None] >= DRIFT_THRESHOLDS[index]
    state = np.where(np.isnan(drift) | (kind < 0), np.nan, reached.sum(axis=-1))
    state = np.where(walls_broken == 1, np.fmax(state, EXTENSIVE), state)
    state = np.where(np.isnan(walls_broken) & (state < EXTENSIVE), np.nan, state)
    state = np.where(collapsed == 1, COMPLETE, state)
    state = np.where(washed_away == 1, WASHED_AWAY, state)
    # What was not seen to stand cannot be called undamaged.
    return np.where(np.isnan(collapsed) & ~(washed_away == 1), np.nan, state)


def state_probabilities(kind: np.ndarray, drift: np.ndarray) -> np.ndarray:
    """P(at least slight, moderate, extensive, complete | drift), thresholds scattered by 0.4.

    Returns
    -------
    (…, 4); NaN where drift or type is unknown. HAZUS: Φ(ln(drift / median) / 0.4).
    """
    kind, drift = np.broadcast_arrays(np.asarray(kind), np.asarray(drift, dtype=float))
    index = np.where(kind >= 0, kind, 0).astype(int)
    with np.errstate(divide="ignore"):
        z = np.log(drift[..., None] / DRIFT_THRESHOLDS[index]) / DRIFT_SCATTER
    return np.where((kind >= 0)[..., None], ndtr(z), np.nan)


def counts(state: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Buildings per damage state along the last axis, (…, state).

    States none to extensive are NaN where a present building's state is unknown, for it may be any
    of them; collapsed and washed-away buildings are counted as far as they are known.
    """
    present = np.broadcast_to(np.asarray(present, dtype=bool), np.shape(state))
    number = np.stack([((state == code) & present).sum(axis=-1) for code in range(len(STATES))],
                      axis=-1).astype(float)
    unknown = (np.isnan(state) & present).any(axis=-1)
    number[..., :COMPLETE] = np.where(unknown[..., None], np.nan, number[..., :COMPLETE])
    return number
