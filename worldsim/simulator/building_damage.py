"""How badly a building is damaged, and by what."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from worldsim.simulator.building_values import BuildingValues

DAMAGE_STATES = ("none", "slight", "moderate", "extensive", "complete", "washed_away")
"""HAZUS' states by drift, and what the water took away."""


class Cause(enum.IntEnum):
    """Why a building came down, left its place, or, if it still stands, lost its walls."""

    NONE = 0
    WATER = 1
    DEBRIS = 2
    FLOATED = 3
    OUT_OF_PLANE_WALLS = 4


def damage_state(
    values: BuildingValues,
    peak_drift: np.ndarray,
    standing: np.ndarray,
    walls_broken: np.ndarray,
    washed_away: np.ndarray,
) -> np.ndarray:
    """Code of `DAMAGE_STATES` from the peak drift (member, building, storey); others are
    (member, building) bool.

    Broken outer walls are at least extensive damage (level 3 of the Japanese survey, Suppasri et
    al. 2013, has heavy damage to several walls); what came down or left its place is complete.
    """
    ratio = peak_drift.max(-1)
    state = (ratio[..., None] >= values.drifts).sum(-1)
    state = np.where(walls_broken, np.maximum(state, 3), state)
    state = np.where(standing, state, 4)
    state = np.where(washed_away, 5, state)
    return np.where(values.present, state, 0).astype(np.int8)
