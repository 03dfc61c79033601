"""Outcomes of one member, draw by draw, before they are summed up."""

from __future__ import annotations

import dataclasses

import numpy as np

from worldsim.outcomes import casualties, health, services, symptoms, tracer
from worldsim.outcomes.damage import COMPLETE, counts, damage_state
from worldsim.outcomes.exposure import ROLES, Buildings, Exposures, Ground, People
from worldsim.outcomes.passage import beside, passable, reachable

ACCESS_VEHICLE = "four-wheel drive"
"""What has to get through for a hospital to count as reachable."""

DRAWN = {
    "service_working": ("service", "day"),
    "service_days_lost": ("service",),
    "deaths": (),
    "injuries": (),
    "serious_injuries": (),
    "symptoms_share": ("group", "month"),
    "symptoms_excess": ("group", "month"),
    "symptoms_of_buildings": ("group", "month"),
}
"""Variables with an axis of draws, and their further dimensions."""

COUNTED = {
    "buildings_in_state": ("state",),
    "buildings_down": (),
    "buildings_unknown": (),
    "homes": (),
    "homes_lost": (),
    "people": (),
    "people_departed": (),
    "people_safe": (),
    "people_sheltered": (),
    "people_knocked_over": (),
    "people_carried_off": (),
    "people_in_collapsed_buildings": (),
    "people_in_water_at_end": (),
    "people_hit": (),
    "largest_contact_impulse": (),
    "dose_exposed": (),
    "dose_median": (),
    "dose_largest": (),
    "adults": ("group",),
}
"""Variables that hang on no draw."""


def of_member(exposures: Exposures, c: int, r: int, seed: int, draws: int, *,
              temperature: float | None, vehicle: str = ACCESS_VEHICLE) -> dict[str, np.ndarray]:
    """All of `DRAWN` and `COUNTED` for member (c, r) by position; draws lead the drawn ones."""
    buildings = _at(exposures.buildings, c, r)
    lost = _lost(buildings)
    state = damage_state(buildings.kind, buildings.drift, buildings.collapsed,
                         buildings.washed_away, buildings.walls_broken)
    homes = buildings.present & (buildings.role == ROLES.index("home"))
    number = counts(state, buildings.present)
    result: dict[str, np.ndarray] = {
        "buildings_in_state": number,
        "buildings_down": np.asarray((lost[buildings.present] == 1).sum(), float),
        "buildings_unknown": np.asarray(np.isnan(lost[buildings.present]).sum(), float),
        "homes": np.asarray(homes.sum(), float),
        "homes_lost": np.asarray((lost[homes] == 1).sum(), float),
    }
    ground = Ground(exposures.ground.depth[c, r], exposures.ground.flux[c, r], exposures.ground.x,
                    exposures.ground.y)
    key = (int(exposures.case[c]), int(exposures.realization[r]))
    working = services.service(_lifelines(buildings, state, ground, vehicle), seed, *key, draws)
    result["service_working"] = np.moveaxis(working, 1, 0)
    result["service_days_lost"] = services.days_lost(working).T
    people = None if exposures.people is None else _at(exposures.people, c, r)
    return {**result, **_people(people, buildings, state, lost, homes, seed, draws, temperature)}


def chances_of_member(exposures: Exposures, c: int, r: int, seed: int, draws: int, *,
                      temperature: float | None = None) -> dict[str, np.ndarray]:
    """As `casualties.chances` for the people of member (c, r), by position: (draw, person)."""
    assert exposures.people is not None
    buildings = _at(exposures.buildings, c, r)
    state = damage_state(buildings.kind, buildings.drift, buildings.collapsed,
                         buildings.washed_away, buildings.walls_broken)
    hurt = _hurt(_at(exposures.people, c, r), buildings, state)
    return casualties.chances(hurt, seed, draws, temperature)


def _at(group: Buildings | People, c: int, r: int):  # type: ignore[no-untyped-def]
    """One member's arrays, of the same class."""
    return type(group)(**{f.name: getattr(group, f.name)[c, r] for f in dataclasses.fields(group)})


def _lost(buildings: Buildings) -> np.ndarray:
    """(building,) 1 if it came down or was washed away, 0 if not, NaN unknown."""
    gone = (buildings.collapsed == 1) | (buildings.washed_away == 1)
    return np.where(gone, 1.0, np.where(np.isnan(buildings.collapsed), np.nan, 0.0))


def _lifelines(buildings: Buildings, state: np.ndarray, ground: Ground,
               vehicle: str) -> services.Lifelines:
    """The member's lifelines; of several buildings of one role, the first stands for the town."""

    def first(role: str) -> services.Facility | None:
        found = np.flatnonzero(buildings.present & (buildings.role == ROLES.index(role)))
        if not found.size:
            return None
        return services.Facility(float(state[found[0]]), float(buildings.depth[found[0]]))

    wet = buildings.wet[buildings.present]
    flooded = 1.0 if (wet == 1).any() else float("nan") if np.isnan(wet).any() else 0.0
    return services.Lifelines(first("hospital"), first("substation"), first("pumping_station"),
                              _access(buildings, ground, vehicle), flooded)


def _access(buildings: Buildings, ground: Ground, vehicle: str) -> float:
    """1 if a vehicle gets from the landward edge to the hospital (or else to any building's street)
    over ground as wet as the record leaves it; NaN if that hangs on unknown depths."""
    wanted = buildings.present & (buildings.role == ROLES.index("hospital"))
    if not wanted.any():
        wanted = buildings.present
    within = 1.5 * max(abs(ground.x[1] - ground.x[0]), abs(ground.y[1] - ground.y[0]))
    goal = np.zeros(ground.depth.shape, dtype=bool)
    standing_on = np.zeros(ground.depth.shape, dtype=bool)
    for building in np.flatnonzero(buildings.present):
        footprint = tuple(buildings.footprint[building])
        x0, x1, y0, y1 = footprint
        standing_on |= (((ground.x > x0) & (ground.x < x1))[None, :]
                        & ((ground.y > y0) & (ground.y < y1))[:, None])
        if wanted[building]:
            goal |= beside(footprint, ground.x, ground.y, within)
    origin = np.zeros(goal.shape, dtype=bool)
    origin[:, int(np.argmax(ground.x))] = True
    ways = np.where(standing_on, 0.0, passable(ground.depth, ground.flux, vehicle))
    return reachable(ways, goal, origin)


def _people(people: People | None, buildings: Buildings, state: np.ndarray, lost: np.ndarray,
            homes: np.ndarray, seed: int, draws: int,
            temperature: float | None) -> dict[str, np.ndarray]:
    if people is None:
        return _nobody(draws)
    here = people.present

    def count(values: np.ndarray) -> np.ndarray:
        known = here & people.known
        number = (np.asarray(values, float) == 1)[known].sum()
        return np.asarray(number if known.any() or not here.any() else np.nan, float)

    hurt = _hurt(people, buildings, state)
    # Empty slots are nobody's kin, whatever their home number says.
    chance = {name: np.where(here, values, 0.0) for name, values in casualties.chances(
        hurt, seed, draws, temperature).items()}
    total = {name: values.sum(axis=1) for name, values in chance.items()}
    shares = symptoms.shares(
        state, lost, homes, here & (people.age >= health.ADULT_AGE), people.home.astype(int),
        chance["death"], chance["injury"], health.Draws.of(seed, draws),
        symptoms.SEVERE_DISTRICT.draw(seed, draws))
    impulse = np.where(here, people.contact_impulse, np.nan)
    dose = tracer.summary(np.where(here, people.tracer_dose, np.nan))
    return {
        "people": np.asarray(here.sum(), float),
        "people_departed": count(np.isfinite(people.departure_time)),
        "people_safe": count(np.isfinite(people.safe_time)),
        "people_sheltered": count(people.sheltered),
        "people_knocked_over": count(np.isfinite(people.knocked_over_time)),
        "people_carried_off": count(people.carried()),
        "people_in_collapsed_buildings": count(np.isfinite(people.collapse_time)),
        "people_in_water_at_end": count(people.still_in_water),
        "people_hit": count(impulse > 0),
        "largest_contact_impulse": np.asarray(
            np.nanmax(impulse) if np.isfinite(impulse).any() else np.nan),
        **{f"dose_{name}": values for name, values in dose.items()},
        "deaths": total["death"], "injuries": total["injury"],
        "serious_injuries": total["serious"],
        "symptoms_share": _draws_first(shares["share"]),
        "symptoms_excess": _draws_first(shares["excess"]),
        "symptoms_of_buildings": _draws_first(shares["of_buildings"]),
        "adults": shares["people"],
    }


def _hurt(people: People, buildings: Buildings, state: np.ndarray) -> casualties.Hurt:
    start = people.building.astype(int)
    inside = start >= 0
    place = np.clip(start, 0, None)
    left = np.isfinite(people.departure_time)
    complete = (state[place] >= COMPLETE) & (buildings.collapsed[place] == 0) & inside & ~left
    came_down = np.isfinite(people.collapse_time)
    return casualties.Hurt(
        in_collapse=people.if_known(came_down),
        in_complete=people.if_known(complete & ~came_down),
        kind=np.where(inside, buildings.kind[place], -1),
        carried=people.carried(),
        water_time=people.if_known(people.water_time),
        submerged_time=people.if_known(people.submerged_time),
        still_in_water=people.if_known(people.still_in_water),
    )


def _nobody(draws: int) -> dict[str, np.ndarray]:
    """A place without people: nobody is counted, nobody hurt; shares have no meaning."""
    size = {"group": len(symptoms.GROUPS), "month": len(health.MONTHS)}
    result: dict[str, np.ndarray] = {}
    for name, dims in COUNTED.items():
        if name.startswith(("people", "dose", "adults", "largest")):
            result[name] = np.zeros([size[d] for d in dims])
    for name in ("deaths", "injuries", "serious_injuries"):
        result[name] = np.zeros(draws)
    for name, dims in DRAWN.items():
        if name.startswith("symptoms"):
            result[name] = np.full((draws, *(size[d] for d in dims)), np.nan)
    return result


def _draws_first(values: np.ndarray) -> np.ndarray:
    return np.moveaxis(values, -1, 0)
