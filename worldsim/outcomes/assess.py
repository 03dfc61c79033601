"""Outcomes of a rollout with prediction intervals, and paired comparison of two what-ifs."""

from __future__ import annotations

import numpy as np
import xarray as xr

from worldsim.errors import InputError
from worldsim.outcomes import health, services, symptoms, wording
from worldsim.outcomes.damage import STATES
from worldsim.outcomes.exposure import Exposures, from_states
from worldsim.outcomes.members import COUNTED, DRAWN, of_member

DRAWS = 400
"""Draws of the coefficients for an interval; 95% limits then scatter by a few per cent of it."""

LEVELS = (2.5, 97.5)

UNITS = {"service_days_lost": "d", "largest_contact_impulse": "N s", "dose_median": "mg h L-1",
         "dose_largest": "mg h L-1"}

MEANINGS = {
    "service_working": "chance that a service works; hospital: beds reachable, powered, staffed",
    "service_days_lost": "days without the service in the year after the wave",
    "deaths": "expected deaths",
    "injuries": "expected injured survivors",
    "serious_injuries": "expected survivors in need of a hospital",
    "symptoms_share": "estimated share of adults screening positive",
    "symptoms_excess": "share screening positive beyond that of the same adults unexposed",
    "symptoms_of_buildings": "share screening positive, by district and home alone",
    "buildings_in_state": "buildings per damage state",
    "buildings_down": "buildings that came down or were washed away",
    "buildings_unknown": "buildings whose fate is not known",
    "homes": "homes", "homes_lost": "homes that came down or were washed away",
    "people": "people", "people_departed": "people who set out",
    "people_safe": "people who reached safety", "people_sheltered": "people in a shelter",
    "people_knocked_over": "people knocked over by the water",
    "people_carried_off": "people the water carried off",
    "people_in_collapsed_buildings": "people in a storey that came down",
    "people_in_water_at_end": "people still in the water as the record ends",
    "people_hit": "people hit by something floating",
    "largest_contact_impulse": "largest contact impulse on a person",
    "dose_exposed": "people in contaminated water",
    "dose_median": "median dose among them", "dose_largest": "largest dose among them",
    "adults": "adults the fate of whose home is known",
}

COORDS = {
    "state": list(range(len(STATES))),
    # Text as objects: Zarr has a settled type for strings of any length, none for fixed ones.
    "service": np.array(services.SERVICES, dtype=object),
    "day": services.DAYS,
    "group": np.array(symptoms.GROUPS, dtype=object),
    "month": list(health.MONTHS),
}


def assess(source: xr.DataTree | Exposures, *, seed: int = 0, draws: int = DRAWS,
           temperature: float | None = None, over: tuple[str, ...] = ()) -> xr.Dataset:
    """Consequences of what buildings and people went through, with 95% prediction intervals.

    Parameters
    ----------
    source : a simulated rollout with its states, or exposures from anywhere
        (`worldsim.outcomes.from_states`, `worldsim.outcomes.from_video`).
    seed : of the coefficients' draws. Two worlds assessed with one seed share every draw.
    draws : of the coefficients.
    temperature : of the water, degC; drawn from a wide law if not given.
    over : dimensions besides the draws over which outcomes are summed up, so that intervals cover
        what is hidden too: ``("realization",)`` for each case, ``("case", "realization")`` for all.

    Returns
    -------
    For ``/outcomes``, dims (case, realization) and, where they apply, ``state``, ``service``,
    ``day``, ``group``, ``month``: the variables of `MEANINGS`; those that hang on coefficients are
    means over the draws (medians for shares) with ``_lower`` and ``_upper``. Unknown is NaN, and so
    is everything of members that failed; those are left out where members are summed up.

    Raises
    ------
    InputError : a rollout without states, too few draws, or an unknown dimension in `over`.
    """
    _check_over(over)
    exposures = _exposures(source)
    drawn = _drawn(exposures, seed, draws, temperature)
    variables: dict[str, xr.DataArray] = {}
    for name in (*COUNTED, *DRAWN):
        values = drawn[name]
        pooled = (*over, "draw") if "draw" in values.dims else over
        variables |= (_summed(name, values, pooled, exposures.valid) if pooled
                      else {name: values.where(_valid(values, exposures.valid))})
    return _dataset(variables, {"seed": seed, "draws": draws, "seen_by": exposures.seen_by,
                                "notes": " ".join((*wording.HEALTH_NOTES, wording.CASUALTY_NOTE,
                                                   wording.TRACER_NOTE))})


def compare(a: xr.DataTree | Exposures, b: xr.DataTree | Exposures, *, seed: int = 0,
            draws: int = DRAWS, temperature: float | None = None,
            over: tuple[str, ...] = ("realization",)) -> xr.Dataset:
    """What a second what-if changes: b minus a, member by member and draw by draw.

    Parameters
    ----------
    a, b : two worlds of the same cases and realizations, simulated with the same seed.
    over : dimensions besides the draws over which the difference is summed up.

    Returns
    -------
    Each variable of `assess` as the mean (shares: median) of the paired difference over `over` and
    the draws, with ``_lower`` and ``_upper`` (95% of single members), and for shares
    ``_unpaired_lower`` and ``_unpaired_upper``: as wide as if two studies looked at the two worlds.

    Raises
    ------
    InputError : the two do not hold the same members.
    """
    first, second = _exposures(a), _exposures(b)
    for name in ("case", "realization"):
        one, two = getattr(first, name), getattr(second, name)
        if not np.array_equal(one, two):
            raise InputError(f"the two worlds hold {name}s {one.tolist()} and {two.tolist()}; "
                             "simulate both with the same seed, cases and realizations")
    _check_over(over)
    valid = first.valid & second.valid
    before, after = (_drawn(e, seed, draws, temperature) for e in (first, second))
    elsewhere = _drawn(first, seed + 1, draws, temperature)
    variables: dict[str, xr.DataArray] = {}
    for name in (*COUNTED, *DRAWN):
        difference = after[name] - before[name]
        pooled = (*over, "draw") if "draw" in difference.dims else over
        variables |= _summed(name, difference, pooled, valid)
        if name.startswith("symptoms"):
            apart = _summed(name, after[name] - elsewhere[name], pooled, valid)
            for end in ("lower", "upper"):
                variables[f"{name}_unpaired_{end}"] = apart[f"{name}_{end}"]
    return _dataset(variables, {"seed": seed, "draws": draws, "difference": "second minus first"})


def _check_over(over: tuple[str, ...]) -> None:
    unknown = sorted(set(over) - {"case", "realization"})
    if unknown:
        raise InputError(f"over={unknown[0]!r}; give 'realization', 'case' or both")


def _exposures(source: xr.DataTree | Exposures) -> Exposures:
    return source if isinstance(source, Exposures) else from_states(source)


def _drawn(exposures: Exposures, seed: int, draws: int, temperature: float | None) -> xr.Dataset:
    """Everything before it is summed up: (case, realization[, draw], …)."""
    if draws < 40:
        raise InputError(f"draws={draws}: give 40 or more for 95% limits")
    shape = (len(exposures.case), len(exposures.realization))
    members = [[of_member(exposures, c, r, seed, draws, temperature=temperature)
                for r in range(shape[1])] for c in range(shape[0])]
    variables = {}
    for names, lead in ((COUNTED, ()), (DRAWN, ("draw",))):
        for name, dims in names.items():
            values = np.array([[member[name] for member in row] for row in members])
            variables[name] = (("case", "realization", *lead, *dims), values)
    return xr.Dataset(variables, coords={
        "case": exposures.case, "realization": exposures.realization,
        **{name: (name, values) for name, values in COORDS.items()}})


def _valid(values: xr.DataArray, valid: np.ndarray) -> xr.DataArray:
    coords = {name: values[name] for name in ("case", "realization")}
    return xr.DataArray(valid, dims=("case", "realization"), coords=coords)


def _summed(name: str, values: xr.DataArray, over: tuple[str, ...],
            valid: np.ndarray) -> dict[str, xr.DataArray]:
    """Centre and 95% limits over the members that did not fail; NaN where any of those is NaN."""
    kept = _valid(values, valid)
    values = values.where(kept)
    among = tuple(dim for dim in over if dim in kept.dims)
    unknown = (values.isnull() & kept).any(over) | ~kept.any(among)
    # Without a failed member nothing is left out, and sums need not look for what is missing.
    skip = not valid.all()
    if skip:
        # Numpy warns of sums over nothing; these end as NaN below.
        values = values.where(~unknown, 0.0)
    if name == "service_working":
        # 1 or 0 in each draw: its mean is the chance, and has no limits of its own.
        return {name: values.mean(over, skipna=skip).where(~unknown)}
    centre = (values.median(over, skipna=skip) if name.startswith("symptoms")
              else values.mean(over, skipna=skip))
    found = {name: centre}
    for end, level, method in zip(("lower", "upper"), LEVELS, ("lower", "higher"), strict=True):
        # Values that occur, so that the range of few members is that of all of them.
        limit = values.quantile(level / 100, over, skipna=skip, method=method)
        limit = limit.drop_vars("quantile")
        found[f"{name}_{end}"] = limit
    return {key: value.where(~unknown) for key, value in found.items()}


def _dataset(variables: dict[str, xr.DataArray], attrs: dict[str, object]) -> xr.Dataset:
    dataset = xr.Dataset(variables, attrs=attrs)
    for name, variable in dataset.data_vars.items():
        base = next((m for m in sorted(MEANINGS, key=len, reverse=True)
                     if str(name) == m or str(name).startswith((f"{m}_lower", f"{m}_upper",
                                                                f"{m}_unpaired"))), None)
        assert base is not None, name
        variable.attrs |= {"units": UNITS.get(base, "1"), "long_name": MEANINGS[base]}
    dataset["state"].attrs = {"flag_values": COORDS["state"],
                              "flag_meanings": " ".join(s.replace(" ", "_") for s in STATES)}
    dataset["day"].attrs = {"units": "d", "long_name": "days after the wave"}
    dataset["month"].attrs = {"units": "month", "long_name": "months after the event"}
    return dataset
