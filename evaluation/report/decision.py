"""The half page for deciding: what happens in a town, how sure that is, what it cannot tell."""

from __future__ import annotations

import numpy as np
import xarray as xr

from evaluation.bootstrap import LEAST_CASES
from evaluation.report import coast, outcome_rows
from evaluation.report.contents import Amount
from evaluation.report.outcome_rows import Wanted
from worldsim.outcomes import wording
from worldsim.outcomes.services import SERVICES

MANY = 40
"""Outcomes from which a 95 % range is more than the smallest and the largest of them."""


def limits(truth: xr.DataTree) -> tuple[str, ...]:
    """What the report cannot tell of a town, the gravest first."""
    length = float(truth["structures"]["time"].values[-1])
    peopled = "people" in truth.children
    walking = "who is still walking or in the water and " if peopled else ""
    told = [f"What comes after the {length:g} s simulated: {walking}what still stands or floats is "
            "counted as it is then."]
    if peopled:
        told.append("Who in particular is hurt or falls ill: numbers are of groups; deaths and "
                    "injuries rest on declared, mostly unvalidated probabilities.")
    return tuple(told)


def happened(outcomes: xr.Dataset, truth: xr.DataTree) -> tuple[str, ...]:
    """What happens to buildings, people and services, in numbers with their ranges."""
    told = [_water_and_buildings(outcomes, truth)]
    if outcomes.data_vars:
        told += [*_people(outcomes, truth), *_services(outcomes), *_health(outcomes)]
    return tuple(told)


def sure(outcomes: xr.Dataset, truth: xr.DataTree) -> tuple[str, ...]:
    """What the ranges cover."""
    if not outcomes.data_vars:
        return ("The states were made by an older simulator, which did not record what the "
                "buildings are: consequences are not assessed.",)
    cases, realizations = truth.sizes["case"], truth.sizes["realization"]
    towns = f"{cases} town{'s' if cases > 1 else ''}"
    draws = f"{realizations} draw{'s' if realizations > 1 else ''} of what is hidden"
    words = (f"Ranges hold 95 % of {cases * realizations} simulated outcomes ({towns}, {draws} "
             "each) and, for deaths, services and symptoms, of the coefficients’ declared "
             "uncertainty; `worldsim cite` lists every coefficient with its source.")
    words += few(cases * realizations, "outcomes")
    failed = int(outcomes.attrs["failed"])
    if failed:
        words += f" Left out, for they failed the simulator’s audit: {failed}."
    return (words,)


def few(count: int, what: str) -> str:
    """A warning, with a leading space, where `count` of `what` make no distribution yet."""
    if count < LEAST_CASES:
        return f" With so few {what}, take them as examples: more could look otherwise."
    if count < MANY:
        return f" So few {what} show what is usual; what is rare may be missing."
    return ""


def say(amount: Amount | None) -> str:
    """A number with its range, e.g. ``7 (5.5 to 9)``."""
    if amount is None:
        return "an unknown number"
    if amount.low is None or amount.high is None:
        return _short(amount.value)
    return f"{_short(amount.value)} ({_short(amount.low)} to {_short(amount.high)})"


def _short(value: float) -> str:
    """At most one decimal, and none that says nothing."""
    words = f"{value:.0f}" if abs(value) >= 20 else f"{value:.1f}".removesuffix(".0")
    return words.replace("-", "−")


def _water_and_buildings(outcomes: xr.Dataset, truth: xr.DataTree) -> str:
    there = truth["structures"]["present"].values.sum(axis=1)
    count = f"{there.mean():.0f}" if np.ptp(there) == 0 else f"{there.min()} to {there.max()}"
    if not outcomes.data_vars:
        standing = truth["structures"]["standing"].isel(time=-1).values
        present = truth["structures"]["present"].values[:, None]
        down = (present & ~standing).sum(axis=-1).mean()
        return f"On average {down:.1f} of {count} buildings come down."
    down, lost, homes = (
        outcome_rows.amount(outcomes, Wanted(name))
        for name in ("buildings_down", "homes_lost", "homes"))
    assert homes is not None
    return (f"{_deepest(truth)}Of {count} buildings {say(down)} come down; of {say(homes)} homes "
            f"{say(lost)} are lost.")


def _deepest(truth: xr.DataTree) -> str:
    group = truth["structures"].dataset
    if "max_depth" not in group:
        return ""
    there = group["present"].values[:, None]
    deepest = coast.of_sound_members(
        truth, np.where(there, group["max_depth"].values, 0.0).max(axis=-1))
    return f"The water is up to {say(coast.amount(deepest))} m deep at the buildings. "


def _people(outcomes: xr.Dataset, truth: xr.DataTree) -> list[str]:
    everybody = float(outcomes["people"])
    if not everybody:
        return []
    length = float(truth["structures"]["time"].values[-1])
    safe, knocked, carried, buried, deaths = (
        outcome_rows.amount(outcomes, Wanted(name))
        for name in ("people_safe", "people_knocked_over", "people_carried_off",
                     "people_in_collapsed_buildings", "deaths"))
    return [
        f"Of {everybody:.0f} people {say(safe)} are safe within the {length:g} s; the water knocks "
        f"over {say(knocked)} and carries off {say(carried)}; {say(buried)} are in a storey that "
        f"comes down. Expected deaths: {say(deaths)}."
    ]


def _services(outcomes: xr.Dataset) -> list[str]:
    lost = {name: outcome_rows.amount(outcomes, Wanted("service_days_lost", at={"service": name}))
            for name in SERVICES}
    out = [f"{name} {say(days)}" for name, days in lost.items()
           if days is not None and days.value >= 0.5]
    known = [name for name, days in lost.items() if days is not None]
    if not known:
        return []
    if not out:
        return [f"No service is out for long ({', '.join(known)})."]
    return [f"Days without service in the year after: {', '.join(out)}."]


def _health(outcomes: xr.Dataset) -> list[str]:
    if not float(outcomes["people"]):
        return []
    at = {"group": "adults", "month": 2.0}
    median, lower, upper = (float(outcomes[f"symptoms_share{end}"].sel(at))
                            for end in ("", "_lower", "_upper"))
    adults = int(float(outcomes["adults"].sel(group="adults")))
    return [wording.share_sentence(2.0, "adults of the town", adults, median, lower, upper)]
