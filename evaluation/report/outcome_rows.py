"""Which consequences stand in the report's tables, in which order, for any number of columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import xarray as xr

from evaluation.report.contents import Amount, OutcomeRow
from worldsim.outcomes import health
from worldsim.outcomes.assess import MEANINGS
from worldsim.outcomes.damage import STATES
from worldsim.outcomes.services import SERVICES


@dataclass(frozen=True)
class Wanted:
    """One row: a variable of the outcomes, or one entry of it.

    at : entry along its dimensions. scale : factor to `unit`.
    """

    variable: str
    unit: str = "1"
    meaning: str = ""
    at: Mapping[str, object] = field(default_factory=dict)
    scale: float = 1.0

    def words(self) -> str:
        """What the row says it is."""
        return self.meaning or MEANINGS[self.variable]


BUILDINGS = (
    Wanted("buildings_down"),
    Wanted("homes_lost"),
    Wanted("homes", meaning="homes there are"),
    *(Wanted("buildings_in_state", meaning=f"buildings in damage state {name}", at={"state": code})
      for code, name in enumerate(STATES)),
    Wanted("buildings_unknown"),
)

PEOPLE = (
    Wanted("people", meaning="people there are"),
    *(Wanted(f"people_{what}") for what in (
        "departed", "safe", "sheltered", "knocked_over", "carried_off", "in_collapsed_buildings",
        "in_water_at_end", "hit")),
    Wanted("largest_contact_impulse", "N s"),
    Wanted("deaths"),
    Wanted("serious_injuries"),
    Wanted("injuries"),
)

CONTAMINANT = (
    Wanted("dose_exposed"),
    Wanted("dose_median", "mg h/L"),
    Wanted("dose_largest", "mg h/L"),
)

SERVICES_LOST = tuple(
    Wanted("service_days_lost", "d", f"{name}: {MEANINGS['service_days_lost']}", {"service": name})
    for name in SERVICES
)


def health_rows(group: str, who: str, kinds: Sequence[str] = ("share",)) -> tuple[Wanted, ...]:
    """Shares of one group of adults at all times; `kinds` of "share", "excess", "of_buildings"."""
    return tuple(
        Wanted(f"symptoms_{kind}", "%", f"{who}, {month:g} months after: "
               f"{MEANINGS[f'symptoms_{kind}']}", {"group": group, "month": month}, 100.0)
        for kind in kinds for month in health.MONTHS
    )


def rows(wanted: Sequence[Wanted], columns: Sequence[xr.Dataset]) -> tuple[OutcomeRow, ...]:
    """Those rows of which at least one column knows something."""
    made = [OutcomeRow(one.words(), one.unit, tuple(amount(c, one) for c in columns))
            for one in wanted]
    return tuple(row for row in made if any(a is not None for a in row.amounts))


def amount(outcomes: xr.Dataset, wanted: Wanted) -> Amount | None:
    """A pooled value with its 95 % limits; None where it is not known."""
    if wanted.variable not in outcomes:
        return None
    value, low, high = (
        float(outcomes[wanted.variable + end].sel(wanted.at)) * wanted.scale
        for end in ("", "_lower", "_upper")
    )
    if math.isnan(value):
        return None
    if low == high == value:
        return Amount(value)
    return Amount(value, low, high)
