"""How long repairs take: lognormal around HAZUS's repair days."""

from __future__ import annotations

import numpy as np

from worldsim.sources import Coefficient

REPAIR_SCATTER = 0.6
"""Lognormal spread of a repair time: a factor of 1.8 either way covers two thirds. Assumed."""

_HAZUS_DAYS = {
    "home": (2, 30, 90, 180),
    "hospital": (10, 45, 180, 360),
    "shelter": (10, 30, 120, 240),
}
# Seismic restoration of lifelines, remembered from HAZUS's manual; salt water is worse.
_LIFELINE_DAYS = {"substation": (1, 3, 7, 30), "pumping_station": (0.9, 3.1, 13.5, 35)}
_STATES = ("slight", "moderate", "extensive", "complete")

REPAIR = {
    role: tuple(
        Coefficient(f"recovery.{role}.{state}", value, "d",
                    f"repair of a {role.replace('_', ' ')} in state {state}",
                    ("fema2024hazus",), "verified" if verified else "uncertain", "lognormal",
                    REPAIR_SCATTER if verified else 1.0)
        for state, value in zip(_STATES, values, strict=True)
    )
    for table, verified in ((_HAZUS_DAYS, True), (_LIFELINE_DAYS, False))
    for role, values in table.items()
}

SWITCHGEAR_DAYS = Coefficient(
    "recovery.switchgear", 30.0, "d", "replacing switchgear that stood in salt water",
    ("worldsimassumption",), "uncertain", "lognormal", 1.0)
GENERATOR_DAYS = Coefficient(
    "recovery.generator", 7.0, "d", "bringing in another generator", ("worldsimassumption",),
    "uncertain", "lognormal", 1.0)
EQUIPMENT_DAYS = Coefficient(
    "recovery.equipment", 30.0, "d", "cleaning and replacing a flooded hospital's equipment",
    ("worldsimassumption",), "uncertain", "lognormal", 1.0)
ROAD_DAYS = Coefficient(
    "recovery.road", 2.0, "d", "clearing a way after the water is gone", ("worldsimassumption",),
    "uncertain", "lognormal", 1.0)
STAFF_DAYS = Coefficient(
    "recovery.staff", 1.0, "d", "staff back after the town was flooded", ("worldsimassumption",),
    "uncertain", "lognormal", 1.0)

COEFFICIENTS = (
    *(c for row in REPAIR.values() for c in row),
    SWITCHGEAR_DAYS, GENERATOR_DAYS, EQUIPMENT_DAYS, ROAD_DAYS, STAFF_DAYS,
)


def repair_days(role: str, state: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Days until a building of this role serves again.

    Parameters
    ----------
    state : damage state code 0..5; NaN unknown. noise : standard normal draws; broadcast.

    Returns
    -------
    Days, 0 for an undamaged building, NaN where the state is unknown. A building that was washed
    away takes as long as a complete loss: HAZUS has no longer time.
    """
    row = REPAIR[role]
    code = np.clip(np.where(np.isnan(state), 0, state), 0, 4).astype(int)
    median = np.array([0.0, *(c.value for c in row)])[code]
    spread = np.array([0.0, *(c.spread for c in row)])[code]
    return np.where(np.isnan(state), np.nan, median * np.exp(spread * noise))
