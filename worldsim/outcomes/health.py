"""Screened mental-health symptoms of adults over time, as shares of groups, never of a person.

    logit p = b0 + u + Σ β x − δ (1 − exp(−(t − 2)/9)),    t ≥ 2 months

x are exposures (severely hit district, home destroyed or displaced, own injury, close bereavement),
u is what differs between studies and instruments, δ the common recovery. The β do not fade: home
loss still shows nine years on. Every coefficient is drawn, so that intervals are prediction
intervals; two worlds are compared with the same draws, u included.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.special import expit

from worldsim.errors import InputError
from worldsim.sources import Coefficient

MONTHS = (2.0, 12.0, 36.0)
"""Times in months at which symptoms are reported."""

FIRST_MONTH = 2.0
"""The earliest survey the model rests on; nothing is said about the weeks before."""

RECOVERY_TIME = 9.0
"""Months; time scale of the common recovery (chosen with δ to match the surveys' changes)."""

SMALLEST_GROUP = 50
"""Groups below this number of people get counts and exposures but no prevalence."""

ADULT_AGE = 18.0
"""Years. Children are screened with other instruments; the model says nothing of them."""

TERMS = ("district", "home", "injury", "bereavement")
"""The exposures x, in this order wherever an axis ``term`` appears."""

INTERCEPT = Coefficient(
    "health.intercept", -3.476, "1", "logit of 3%: less-affected districts at two months",
    ("vangriensven2006mental",), "derived")
EFFECTS = (
    Coefficient("health.district", 0.89, "1", "logit shift: severely hit district (7% vs 3%)",
                ("vangriensven2006mental",), "derived", "normal", 0.38),
    Coefficient("health.home", 0.59, "1", "logit shift: home destroyed or displaced, one term",
                ("vangriensven2006mental", "adams2023meta"), "derived", "normal", 0.27),
    Coefficient("health.injury", 0.78, "1",
                "logit shift: own injury, ln 2.97 over 1.4 for the extreme-group design",
                ("pyari2012risk",), "derived", "normal", 0.24),
    Coefficient("health.bereavement", 0.96, "1",
                "logit shift: death of a close relative, ln 3.83 over 1.4",
                ("pyari2012risk",), "derived", "normal", 0.25),
)
STUDY = Coefficient(
    "health.study", 0.8, "1", "u: logit shift between studies and instruments",
    ("panyayong2014ptsd", "thavichachart2009posttraumatic", "dai2016incidence"), "derived",
    "normal", 1.2)
RECOVERY = Coefficient(
    "health.recovery", 1.2, "1", "δ: common fall of the logit in the long run, not negative",
    ("vangriensven2006mental", "panyayong2014ptsd", "thavichachart2009posttraumatic"), "derived",
    "normal", 0.5, low=0.0)

COEFFICIENTS = (INTERCEPT, *EFFECTS, STUDY, RECOVERY)


@dataclasses.dataclass(frozen=True)
class Draws:
    """Joint draws of the coefficients: (draw,) each, effects (draw, term)."""

    intercept: np.ndarray
    effects: np.ndarray
    study: np.ndarray
    recovery: np.ndarray

    @classmethod
    def of(cls, seed: int, draws: int) -> Draws:
        """The draws of a seed; two worlds given the same seed share every one of them."""
        if draws < 1:
            raise InputError(f"draws={draws}: give 1 or more")
        return cls(
            intercept=INTERCEPT.draw(seed, draws),
            effects=np.stack([effect.draw(seed, draws) for effect in EFFECTS], axis=1),
            study=STUDY.draw(seed, draws),
            recovery=RECOVERY.draw(seed, draws),
        )

    @classmethod
    def central(cls) -> Draws:
        """One draw with every coefficient at its central value."""
        return cls(np.array([INTERCEPT.value]), np.array([[e.value for e in EFFECTS]]),
                   np.array([STUDY.value]), np.array([RECOVERY.value]))

    def in_other_studies(self, study: np.ndarray) -> Draws:
        """The same population seen by other studies: another u, (draw,)."""
        return dataclasses.replace(self, study=study)


def probability(exposed: np.ndarray, months: float, draws: Draws) -> np.ndarray:
    """Probability of screening positive.

    Parameters
    ----------
    exposed : (…, draw or 1, term) 0 or 1 (bool or float; NaN where unknown).
    months : since the event, 2 or more.

    Returns
    -------
    (…, draw). NaN where any exposure is unknown.
    """
    if not months >= FIRST_MONTH:
        raise InputError(f"months={months:g}: no survey earlier than 2 months supports the model; "
                         "give 2 months or more")
    exposed = np.asarray(exposed, dtype=float)
    if exposed.shape[-1] != len(TERMS):
        raise InputError(f"exposures have {exposed.shape[-1]} terms; give {', '.join(TERMS)}")
    recovered = draws.recovery * (1.0 - np.exp(-(months - FIRST_MONTH) / RECOVERY_TIME))
    logit = draws.intercept + draws.study - recovered
    for term in range(len(TERMS)):
        logit = logit + exposed[..., term] * draws.effects[:, term]
    return expit(logit)


def symptomatic(counts: np.ndarray, exposed: np.ndarray, months: float,
                draws: Draws) -> np.ndarray:
    """Expected number of adults screening positive among groups of like exposure.

    Parameters
    ----------
    counts : (group,) adults. exposed : (group, term).

    Returns
    -------
    (draw,)
    """
    counts = np.asarray(counts, dtype=float)
    if (counts < 0).any():
        raise InputError(f"a group of {counts.min():g} people; give 0 or more")
    total = np.zeros(draws.study.shape)
    for count, terms in zip(counts, np.asarray(exposed, dtype=float), strict=True):
        total += count * probability(terms[None, :], months, draws)
    return total


def excess(counts: np.ndarray, exposed: np.ndarray, months: float, draws: Draws) -> np.ndarray:
    """`symptomatic` minus that of the same adults unexposed, with the same draws: (draw,)."""
    unexposed = np.zeros_like(np.asarray(exposed, dtype=float))
    return (symptomatic(counts, exposed, months, draws)
            - symptomatic(counts, unexposed, months, draws))


def prevalence(people_positive: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Share screening positive; NaN for groups below `SMALLEST_GROUP`.

    Parameters
    ----------
    people_positive : expected number. people : size of the group; both broadcast.
    """
    people = np.asarray(people, dtype=float)
    enough = people >= SMALLEST_GROUP
    return np.where(enough, people_positive / np.where(enough, people, 1.0), np.nan)


def interval(values: np.ndarray, axis: int = -1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Median and 95% prediction interval over the draws."""
    median, lower, upper = np.percentile(values, (50.0, 2.5, 97.5), axis=axis)
    return median, lower, upper
