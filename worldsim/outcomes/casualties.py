"""Chances of injury and death from what a person went through.

Three ways to be hurt, taken as independent given the exposure: the building comes down on its
occupants (HAZUS's table), the water carries one off, the head is under water. None of them is a
validated model of tsunamis; every probability is drawn from a wide declared law, and the emergent
mortality is compared with surveys (`worldsim.outcomes.mortality`), not fitted to them. Contact
impulse is reported and enters nothing: no threshold of harm is known.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from scipy.special import expit, logit, ndtr

from worldsim.errors import InputError
from worldsim.outcomes.damage import TYPES
from worldsim.sources import Coefficient

SEVERITIES = ("minor", "hospital", "life-threatening", "death")
"""HAZUS severities 1 to 4; 1 needs basic aid, 2 hospital care, 3 is life-threatening."""

_COLLAPSE = {"timber": (0.40, 0.20, 0.03, 0.05), "masonry": (0.40, 0.20, 0.05, 0.10),
             "steel": (0.40, 0.20, 0.05, 0.10), "concrete": (0.40, 0.20, 0.05, 0.10)}
_STANDING = {"timber": (0.05, 0.01, 1e-4, 1e-4), "masonry": (0.10, 0.02, 2e-4, 2e-4),
             "steel": (0.05, 0.01, 1e-4, 1e-4), "concrete": (0.05, 0.01, 1e-4, 1e-4)}


def _table(what: str, words: str,
           table: Mapping[str, tuple[float, ...]]) -> tuple[Coefficient, ...]:
    return tuple(
        Coefficient(f"casualties.{what}.{type_}.{severity}", share, "1",
                    f"occupants of {type_} {words}: severity {severity} (seismic)",
                    ("fema2024hazus",), "verified")
        for type_, shares in table.items()
        for severity, share in zip(SEVERITIES, shares, strict=True)
    )


COLLAPSE_ODDS = Coefficient(
    "casualties.collapse_odds", 1.0, "1",
    "factor on the odds of HAZUS's seismic occupant table when water brings the building down",
    ("worldsimassumption",), "uncertain", "lognormal", 0.7)
CARRIED_DEATH = Coefficient(
    "casualties.carried_death", 0.45, "1",
    "chance of dying once carried off by debris-laden flow, beside cold and submersion",
    ("worldsimassumption", "doocy2013human"), "uncertain", "uniform", low=0.05, high=0.85)
CARRIED_INJURY = Coefficient(
    "casualties.carried_injury", 0.55, "1", "chance of injury of those carried off who survive",
    ("worldsimassumption",), "uncertain", "uniform", low=0.15, high=0.95)
CARRIED_SERIOUS = Coefficient(
    "casualties.carried_serious", 0.3, "1", "share of those injuries that need a hospital",
    ("worldsimassumption",), "uncertain", "uniform", low=0.05, high=0.55)
SUBMERSION = Coefficient(
    "casualties.submersion", 300.0, "s",
    "submersion survived by half: good outcomes below 5 to 6 min, none beyond 25",
    ("quan2016predicting",), "uncertain", "lognormal", 0.5, low=60.0, high=900.0)
SUBMERSION_SPREAD = Coefficient(
    "casualties.submersion_spread", 0.6, "1", "spread of ln submersion survived between people",
    ("quan2016predicting",), "uncertain", "uniform", low=0.4, high=0.8)
RESCUE = Coefficient(
    "casualties.rescue", 1800.0, "s", "further time in the water of those still in it at the end",
    ("worldsimassumption",), "uncertain", "lognormal", 1.0)
WATER_TEMPERATURE = Coefficient(
    "casualties.water_temperature", 13.0, "degC", "sea temperature where none is given",
    ("worldsimassumption",), "uncertain", "uniform", low=4.0, high=21.0)

COLD_EDGES = np.array([0.0, 4.0, 10.0, 16.0, 21.0, 27.0])
"""degC, edges of the rescue table's classes."""
_COLD_HOURS = ((0.5, 1.5), (1.0, 3.0), (1.0, 6.0), (2.0, 40.0), (3.0, 100.0))
COLD = tuple(
    tuple(
        Coefficient(f"casualties.cold.{low:g}_{high:g}.{end}", hours, "h",
                    f"{end} survival in water of {low:g} to {high:g} degC"
                    + ("; the table says indefinite" if hours == 100.0 else ""),
                    ("ussartf",), "uncertain" if hours == 100.0 else "verified")
        for end, hours in zip(("shortest", "longest"), row, strict=True)
    )
    for low, high, row in zip(COLD_EDGES[:-1], COLD_EDGES[1:], _COLD_HOURS, strict=True)
)

COEFFICIENTS = (
    *_table("collapsed", "that came down", _COLLAPSE),
    *_table("complete", "in state complete, standing", _STANDING),
    COLLAPSE_ODDS, CARRIED_DEATH, CARRIED_INJURY, CARRIED_SERIOUS, SUBMERSION, SUBMERSION_SPREAD,
    RESCUE, WATER_TEMPERATURE, *(c for row in COLD for c in row),
)

DRAWN = (COLLAPSE_ODDS, CARRIED_DEATH, CARRIED_INJURY, CARRIED_SERIOUS, SUBMERSION,
         SUBMERSION_SPREAD, RESCUE, WATER_TEMPERATURE)


@dataclasses.dataclass(frozen=True)
class Hurt:
    """What bears on a person's body; arrays (person,), NaN unknown.

    in_collapse : 1 if the storey the person was in came down. in_complete : 1 if the building
    reached "complete" and stands. kind : its type code, -1 if in none. carried : 1 if carried off.
    water_time, submerged_time : s. still_in_water : 1 if not out of the water at the end.
    """

    in_collapse: np.ndarray
    in_complete: np.ndarray
    kind: np.ndarray
    carried: np.ndarray
    water_time: np.ndarray
    submerged_time: np.ndarray
    still_in_water: np.ndarray


def cold_death(seconds: np.ndarray, temperature: np.ndarray) -> np.ndarray:
    """P(death of cold | time in water): lognormal whose central 80% is the table's range.

    temperature : degC, taken at 27 above it (survival is then called indefinite) and 0 below.
    """
    if np.any(np.asarray(temperature) < -2.0) or np.any(np.asarray(temperature) > 40.0):
        raise InputError("water temperature is outside -2 to 40 degC; give it in degC")
    row = np.clip(np.digitize(temperature, COLD_EDGES) - 1, 0, len(COLD) - 1)
    log_hours = np.log([[c.value for c in pair] for pair in COLD])[row]
    middle, half = log_hours.mean(axis=-1), np.diff(log_hours)[..., 0] / 2
    with np.errstate(divide="ignore"):
        return ndtr(1.2816 * (np.log(np.asarray(seconds) / 3600.0) - middle) / half)


def submersion_death(seconds: np.ndarray, median: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """P(death | head under water for so long): lognormal; 0 for no submersion."""
    with np.errstate(divide="ignore"):
        return ndtr(np.log(np.asarray(seconds) / median) / spread)


def _odds(share: np.ndarray, factor: np.ndarray) -> np.ndarray:
    return expit(logit(share) + np.log(factor))


def chances(hurt: Hurt, seed: int, draws: int,
            temperature: float | None = None) -> dict[str, np.ndarray]:
    """Chances of each person.

    Parameters
    ----------
    temperature : of the water, degC; drawn from its wide law if not given.

    Returns
    -------
    ``death``, ``injury`` (any, survivors), ``serious`` (hospital or worse, survivors): each
    (draw, person), NaN where an exposure that matters is unknown.
    """
    value = {c.name.rsplit(".", 1)[1]: c.draw(seed, draws)[:, None] for c in DRAWN}
    if temperature is not None:
        value["water_temperature"] = np.full((draws, 1), float(temperature))
    kind = np.where(hurt.kind >= 0, hurt.kind, 0).astype(int)
    down = np.array([_COLLAPSE[t] for t in TYPES])[kind]
    shaken = np.array([_STANDING[t] for t in TYPES])[kind]

    # At or above a severity, so that one factor on the odds keeps them in order.
    at_least = {name: np.flip(np.cumsum(np.flip(table, -1), -1), -1)
                for name, table in (("down", down), ("shaken", shaken))}
    crushed = {
        severity: np.where(
            hurt.in_collapse == 1, _odds(at_least["down"][:, severity], value["collapse_odds"]),
            np.where(hurt.in_complete == 1,
                     _odds(at_least["shaken"][:, severity], value["collapse_odds"]), 0.0))
        for severity in (0, 1, 3)
    }
    unknown_building = np.isnan(hurt.in_collapse) | np.isnan(hurt.in_complete)

    carried = hurt.carried == 1
    in_water = hurt.water_time + np.where(hurt.still_in_water == 1, value["rescue"], 0.0)
    drowned = 1.0 - (
        (1.0 - np.where(carried, value["carried_death"], 0.0))
        * (1.0 - submersion_death(hurt.submerged_time, value["submersion"],
                                  value["submersion_spread"]))
        * (1.0 - cold_death(in_water, value["water_temperature"]))
    )
    death = 1.0 - (1.0 - crushed[3]) * (1.0 - drowned)
    # Injuries count survivors only: the severities below death, or a rough ride.
    crushed_any, crushed_serious = (
        np.clip((crushed[s] - crushed[3]) / (1.0 - crushed[3]), 0.0, 1.0) for s in (0, 1))
    rough = np.where(carried, value["carried_injury"], 0.0)
    any_injury = 1.0 - (1.0 - crushed_any) * (1.0 - rough)
    serious = 1.0 - (1.0 - crushed_serious) * (1.0 - rough * value["carried_serious"])
    unknown = (unknown_building | np.isnan(hurt.carried) | np.isnan(hurt.water_time)
               | np.isnan(hurt.submerged_time) | np.isnan(hurt.still_in_water))
    return {
        "death": np.where(unknown, np.nan, death),
        "injury": np.where(unknown, np.nan, any_injury * (1.0 - death)),
        "serious": np.where(unknown, np.nan, serious * (1.0 - death)),
    }
