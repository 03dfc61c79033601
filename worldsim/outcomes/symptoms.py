"""Screened symptoms of one member's adults, from what happened to their homes, bodies and kin."""

from __future__ import annotations

import numpy as np

from worldsim.outcomes import health
from worldsim.outcomes.damage import EXTENSIVE
from worldsim.sources import Coefficient

SEVERE_DISTRICT = Coefficient(
    "symptoms.severe_district", 0.2, "1",
    "share of homes destroyed from which a district counts as severely hit",
    ("worldsimassumption",), "uncertain", "uniform", low=0.05, high=0.5)

COEFFICIENTS = (SEVERE_DISTRICT,)

GROUPS = ("adults", "home_lost", "home_kept")
"""Groups of adults whose shares are told; home lost: it came down or was washed away."""


def bereaved(death: np.ndarray, home: np.ndarray) -> np.ndarray:
    """Chance that somebody else of the same household dies, (draw, person).

    death : (draw, person). home : (person,), -1 for visitors, of whose kin nothing is known: 0.
    Relatives elsewhere are not simulated, so this is a lower bound of close bereavement.
    """
    result = np.zeros_like(death)
    for household in np.unique(home[home >= 0]):
        own = np.flatnonzero(home == household)
        survive = 1.0 - death[:, own]
        for position, person in enumerate(own):
            result[:, person] = 1.0 - np.delete(survive, position, axis=1).prod(axis=1)
    return result


def of_home(values: np.ndarray, home: np.ndarray) -> np.ndarray:
    """(person,) what holds of each person's home; NaN unknown, 0 for visitors, who lose none.

    values : (building,). home : (person,) building or -1.
    """
    return np.where(home >= 0, values[np.clip(home, 0, None)], 0.0)


def district_hit(lost: np.ndarray, homes: np.ndarray, threshold: np.ndarray) -> np.ndarray:
    """(draw,) 1 if the share of homes lost, of those whose fate is known, reaches the threshold.

    lost : (building,) 1, 0, NaN. homes : (building,) bool. NaN if no home's fate is known; 0
    without homes.
    """
    if not homes.any():
        return np.zeros(threshold.shape)
    fate = lost[homes]
    known = np.isfinite(fate)
    if not known.any():
        return np.full(threshold.shape, np.nan)
    return (fate[known].mean() >= threshold).astype(float)


def shares(state: np.ndarray, lost: np.ndarray, homes: np.ndarray, adult: np.ndarray,
           home: np.ndarray, death: np.ndarray, injury: np.ndarray, draws: health.Draws,
           threshold: np.ndarray) -> dict[str, np.ndarray]:
    """Expected shares of adults screening positive in one member.

    Parameters
    ----------
    state, lost, homes : (building,) damage state; 1 if it came down or was washed away, 0 if not,
        NaN unknown; whether it is a home. adult : (person,) bool, adults present. home : (person,)
        building or -1. death, injury : (draw, person) chances; injury of those who survive and
        including their survival.

    Returns
    -------
    ``share`` and ``excess`` (over no exposure, same draws) with all terms, a home of state
    "extensive" or worse counting as displaced; ``of_buildings`` with the district and home terms
    only, by what came down, which a video shows too: each (group, month, draw). ``people``
    (group,) adults the fate of whose home is known. Shares are NaN below 50 people.
    """
    damaged, gone = of_home(state, home), of_home(lost, home)
    known = adult & np.isfinite(gone)
    in_group = np.stack([known, known & (gone == 1), known & (gone == 0)])
    district = district_hit(lost, homes, threshold)[:, None]
    displaced = np.where(np.isnan(damaged), np.nan, damaged >= EXTENSIVE)
    kin = bereaved(death, home)
    alive = 1.0 - death
    hurt = np.clip(injury / np.where(alive > 0, alive, 1.0), 0.0, 1.0)

    size = (len(GROUPS), len(health.MONTHS), len(threshold))
    result = {name: np.full(size, np.nan) for name in ("share", "excess", "of_buildings")}
    for m, month in enumerate(health.MONTHS):
        full = _expected(month, draws, district, displaced, hurt, kin)
        none = _expected(month, draws, np.zeros((1, 1)), np.zeros(home.shape), 0.0, 0.0)
        seen = _expected(month, draws, district, gone, 0.0, 0.0)
        for g, mine in enumerate(in_group):
            result["share"][g, m] = _mean(full, alive, mine)
            result["excess"][g, m] = _mean(full - none, alive, mine)
            result["of_buildings"][g, m] = _mean(seen, np.ones_like(alive), mine)
    return {**result, "people": in_group.sum(axis=1).astype(float)}


def _expected(month: float, draws: health.Draws, district: np.ndarray, home: np.ndarray,
              injury: np.ndarray | float, bereavement: np.ndarray | float) -> np.ndarray:
    """(draw, person): the share averaged over whether one is injured and bereaved."""
    total: np.ndarray | float = 0.0
    for hurt in (0, 1):
        for lost in (0, 1):
            weight = ((injury if hurt else 1.0 - injury)
                      * (bereavement if lost else 1.0 - bereavement))
            if np.ndim(weight) == 0 and weight == 0.0:
                continue
            shape = np.broadcast_shapes(district.shape, home.shape)
            terms = np.stack(np.broadcast_arrays(
                np.broadcast_to(district, shape), home, float(hurt), float(lost)), axis=-1)
            # The model wants the draws last.
            chance = health.probability(np.swapaxes(terms, 0, 1), month, draws).T
            total = total + weight * chance
    return np.asarray(total)


def _mean(chance: np.ndarray, weight: np.ndarray, mine: np.ndarray) -> np.ndarray:
    """(draw,) average over survivors; NaN below `health.SMALLEST_GROUP` expected survivors."""
    people = weight[:, mine].sum(axis=1)
    positive = (chance * weight)[:, mine].sum(axis=1)
    if not people.mean() >= health.SMALLEST_GROUP:
        return np.full(people.shape, np.nan)
    return positive / people
