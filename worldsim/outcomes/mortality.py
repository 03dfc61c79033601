"""Simulated mortality beside a survey's: by house destruction, age, sex and whereabouts."""

from __future__ import annotations

import numpy as np

from worldsim.outcomes.fragility import wilson
from worldsim.sources import Coefficient

# Nishikiori et al. 2006: 3,533 people of camps in Sri Lanka, 12.9% died.
_SURVEY = {
    "all": 0.129,
    "house: less destroyed": 0.046,
    "house: partly destroyed": 0.055,
    "house: wholly destroyed": 0.142,
    "female": 0.175,
    "male": 0.082,
    "age 0-4": 0.318,
    "age 5-9": 0.237,
    "age 20-29": 0.074,
    "age 51 and over": 0.153,
    "indoors": 0.138,
    "outdoors": 0.059,
}

SURVEY = {
    group: Coefficient(f"mortality.{group.replace(': ', '_').replace(' ', '_')}", share, "1",
                       f"share who died, Sri Lankan camps: {group}", ("nishikiori2006who",),
                       "verified")
    for group, share in _SURVEY.items()
}
AT_RISK = Coefficient("mortality.at_risk_aceh", 0.237, "1",
                      "share who died of the population at risk in Aceh, by demographic models",
                      ("doocy2007tsunami",), "verified")
INJURIES_PER_DEATH = Coefficient(
    "mortality.injuries_per_death", 0.19, "1",
    "recorded injuries per death, 1900 to 2009; under-reported", ("doocy2013human",), "derived")

COEFFICIENTS = (*SURVEY.values(), AT_RISK, INJURIES_PER_DEATH)

ROWS = tuple(_SURVEY)


def groups(age: np.ndarray, female: np.ndarray, home_state: np.ndarray,
           indoors: np.ndarray) -> dict[str, np.ndarray]:
    """Membership of each person in each of the survey's groups.

    Parameters
    ----------
    age : years. female, indoors : 1, 0 or NaN. home_state : damage state of the home, NaN unknown
        or no home. States none and slight count as less, moderate and extensive as partly, complete
        and washed away as wholly destroyed.
    """
    return {
        "all": np.ones(np.shape(age), dtype=bool),
        "house: less destroyed": home_state <= 1,
        "house: partly destroyed": (home_state >= 2) & (home_state <= 3),
        "house: wholly destroyed": home_state >= 4,
        "female": female == 1,
        "male": female == 0,
        "age 0-4": age < 5,
        "age 5-9": (age >= 5) & (age < 10),
        "age 20-29": (age >= 20) & (age < 30),
        "age 51 and over": age >= 51,
        "indoors": indoors == 1,
        "outdoors": indoors == 0,
    }


def table(death: np.ndarray, present: np.ndarray, age: np.ndarray, female: np.ndarray,
          home_state: np.ndarray, indoors: np.ndarray) -> dict[str, dict[str, float]]:
    """Simulated mortality of each group beside the survey's.

    Parameters
    ----------
    death : chance of death, (person,) or anything that flattens with the other arguments; NaN
        unknown, left out.

    Returns
    -------
    By group: ``people``, ``simulated`` (NaN without people), ``lower``, ``upper`` (95% Wilson band
    for so many people), ``survey``. Simulated people stand in the reach of one wave; the survey's
    were all residents of camps, so levels differ and the ratios between groups are what compares.
    """
    member = groups(np.asarray(age, float), np.asarray(female, float),
                    np.asarray(home_state, float), np.asarray(indoors, float))
    known = np.isfinite(death) & np.asarray(present, dtype=bool)
    result = {}
    for name, inside in member.items():
        chosen = known & inside
        people = int(chosen.sum())
        share = float(np.mean(death[chosen])) if people else float("nan")
        lower, upper = wilson(np.array(share), np.array(people))
        result[name] = {"people": people, "simulated": share, "lower": float(lower),
                        "upper": float(upper), "survey": _SURVEY[name]}
    return result
