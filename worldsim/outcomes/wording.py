"""How results about people are put into words; every report takes its sentences from here.

Rules: shares of groups, never a label on a person; instrument, month, population and interval in
the same sentence; distress is a common reaction; protective factors and support are named; not for
clinical use nor for allocating help.
"""

from __future__ import annotations

import re

import numpy as np

from worldsim.errors import InputError
from worldsim.outcomes.health import SMALLEST_GROUP
from worldsim.sources import Coefficient

INSTRUMENT = "short trauma questionnaires such as the HTQ and the IES-R"

FORBIDDEN = ("will develop", "traumatised", "traumatized", "victim", "sufferer", "mentally ill")
"""Words that no sentence about people's health may contain, in any case."""

COHESION = Coefficient(
    "wording.cohesion", 0.75, "1",
    "odds ratio of severe symptoms with community cohesion, 65 and over, 30 months (0.63 to 0.90)",
    ("hikichi2016can",), "verified", "lognormal", 0.091)
_WHO = tuple(
    Coefficient(f"wording.who.{name}", value, "1", f"WHO's projection of 2005: {words}",
                ("vanommeren2005aid",), "verified", "uniform" if high > low else "exact",
                low=low, high=high)
    for name, value, low, high, words in (
        ("mild_before", 0.10, 0.10, 0.10, "mild or moderate disorder before"),
        ("mild_after", 0.20, 0.20, 0.20, "the same after"),
        ("mild_later", 0.15, 0.15, 0.15, "the same after natural recovery"),
        ("severe_before", 0.025, 0.02, 0.03, "severe disorder before"),
        ("severe_after", 0.035, 0.03, 0.04, "severe disorder after"),
    )
)

COEFFICIENTS = (COHESION, *_WHO)

HEALTH_NOTES = (
    "Shares are of groups of at least 50 adults screening positive on questionnaires; they are not "
    "diagnoses and say nothing about any one person.",
    "Almost everybody affected by a disaster feels distress; it is a common reaction and for most "
    "people it eases with time.",
    "Intact communities, information, safety, income and family reunion protect: where neighbours "
    f"held together after 2011, fewer had severe symptoms (odds ratio {COHESION.value:g}, 0.63 to "
    "0.90).",
    "Children are left out: they are screened with other instruments.",
    "Anyone in distress can turn to a local health service or crisis line; community support and "
    "basic psychological support help.",
    "Not for clinical decisions, nor for deciding who receives help.",
)

CONTEXT = (
    "For comparison, WHO projected after the 2004 tsunami a 12-month prevalence of mild or "
    "moderate mental disorder of 20% (10% before), falling to 15% by natural recovery, and of "
    "severe disorder of 3 to 4% (2 to 3% before); these are disorders, not positive screens."
)

CASUALTY_NOTE = (
    "Deaths and injuries are expected numbers from declared, mostly unvalidated probabilities; the "
    "interval carries that. No threshold is known at which debris injures a body: contact impulse "
    "is reported as it is."
)

TRACER_NOTE = (
    "Dissolved benzene, concentration times time in the water; no illness is inferred: published "
    "limits concern drinking water, and none was found for wading. The floating slick and fire are "
    "left out."
)

SMALL_GROUP_NOTE = (
    f"Groups of fewer than {SMALLEST_GROUP} people: counts and exposures only, no prevalence."
)


def share_sentence(months: float, population: str, people: int, median: float, lower: float,
                   upper: float) -> str:
    """One sentence for one share, e.g. for a report.

    Parameters
    ----------
    months : since the event. population : who, e.g. ``"adults of the street"``.
    people : size of the group. median, lower, upper : shares (0..1), 95% prediction interval.
    """
    if people < SMALLEST_GROUP or not np.isfinite(median):
        return f"{population}: {people} adults, too few for a share ({SMALL_GROUP_NOTE})"
    return checked(
        f"Estimated share of adults screening positive for post-traumatic stress symptoms "
        f"({INSTRUMENT}) {months:g} months after the event, {population} ({people} adults): "
        f"{100 * median:.0f}% (95% prediction interval {100 * lower:.1f} to {100 * upper:.0f}%)."
    )


def checked(text: str) -> str:
    """The text itself, if it keeps the rules.

    Raises
    ------
    InputError : a forbidden word; the message names it.
    """
    for word in FORBIDDEN:
        if re.search(rf"\b{re.escape(word)}", text, flags=re.IGNORECASE):
            raise InputError(f"the text says {word!r}; write of the estimated share of adults "
                             "screening positive")
    return text
