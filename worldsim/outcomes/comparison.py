"""A rollout's damage, falls and deaths beside observations; nothing is tuned to them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from worldsim.errors import InputError
from worldsim.outcomes import fragility, mortality, stability
from worldsim.outcomes.assess import DRAWS
from worldsim.outcomes.damage import TYPES, damage_state
from worldsim.outcomes.exposure import Exposures, from_states
from worldsim.outcomes.members import chances_of_member

DEPTH_EDGES = np.array([0.05, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0])
"""m, edges of the bins of inundation depth."""


def _exposures(source: xr.DataTree | Exposures) -> Exposures:
    return source if isinstance(source, Exposures) else from_states(source)


def damage_by_depth(source: xr.DataTree | Exposures,
                    edges: np.ndarray = DEPTH_EDGES) -> xr.Dataset:
    """Shares of buildings that came down and were washed away, beside Suppasri's curves.

    Parameters
    ----------
    source : a simulated rollout or exposures; all their valid members count.
    edges : (bin + 1,) m.

    Returns
    -------
    By ``type`` and ``bin``: ``count``; by ``curve`` (DS5 collapsed, DS6 washed away) too:
    ``share`` with ``lower`` and ``upper`` (90% Wilson band) and ``survey``, the curve at the bin's
    own depths; NaN in empty bins.
    """
    exposures = _exposures(source)
    b = exposures.buildings
    state = damage_state(b.kind, b.drift, b.collapsed, b.washed_away, b.walls_broken)
    seen = b.present & exposures.valid[..., None]
    kind = np.where(seen, b.kind, -1)
    found = [fragility.comparison(state, kind, b.depth, name, edges, TYPES) for name in TYPES]
    share = np.stack([np.stack([f["collapsed"], f["washed_away"]], axis=-1) for f in found])
    dims = ("type", "bin", "curve")
    return xr.Dataset(
        {
            "count": (dims[:2], np.stack([f["count"] for f in found])),
            "share": (dims, share),
            "lower": (dims, np.stack([f["lower"] for f in found])),
            "upper": (dims, np.stack([f["upper"] for f in found])),
            "survey": (dims, np.stack([f["curve"] for f in found])),
        },
        coords={"type": np.array(TYPES, dtype=object), "curve": np.array(["DS5", "DS6"], object),
                "depth_from": ("bin", edges[:-1], {"units": "m"}),
                "depth_to": ("bin", edges[1:], {"units": "m"})},
    )


def collapse_by_flow(source: xr.DataTree | Exposures) -> dict[str, np.ndarray]:
    """Each building's fate beside HAZUS's flood-velocity rule and FEMA's momentum-flux curve.

    The speed of HAZUS's rule is √(hu²/h) of the greatest flux and depth, which need not coincide:
    it is the speed of a flow that has both.

    Returns
    -------
    Flat arrays over valid buildings: ``type`` (code), ``came_down`` (1, 0), ``depth`` m, ``flux``
    m3 s-2, ``hazus`` (1, 0, NaN outside its law, for buildings of one storey), ``fema`` (chance of
    complete damage, concrete only: the curve is of RC frames of 4 to 7 storeys; NaN otherwise).
    """
    exposures = _exposures(source)
    b = exposures.buildings
    seen = (b.present & exposures.valid[..., None] & np.isfinite(b.collapsed)
            & np.isfinite(b.depth) & np.isfinite(b.flux))
    kind, depth, flux = b.kind[seen], b.depth[seen], b.flux[seen]
    speed = np.sqrt(flux / np.where(depth > 0, depth, np.inf))
    hazus = np.full(depth.shape, np.nan)
    for code, name in enumerate(TYPES):
        mine = kind == code
        hazus[mine] = fragility.velocity_collapse(depth[mine], speed[mine], name, 1)
    fema = np.where(kind == TYPES.index("concrete"), fragility.momentum_flux(flux)[:, 2], np.nan)
    gone = (b.collapsed[seen] == 1) | (b.washed_away[seen] == 1)
    return {"type": kind, "came_down": gone.astype(float), "depth": depth, "flux": flux,
            "hazus": hazus, "fema": fema}


def falls_by_flow(source: xr.DataTree | Exposures) -> dict[str, np.ndarray]:
    """Who was knocked over, beside Abt, TUNAMI-EVAC, hazard regimes and classes.

    Only people who stood in water are listed. The speed is the greatest depth times speed over the
    greatest depth, a lower bound of the greatest speed.

    Returns
    -------
    Flat arrays over such people: ``fell`` (1, 0), ``height_mass`` m kg, ``depth`` m, ``flux`` m2/s,
    ``abt`` (critical flux, NaN outside 62 to 173 m kg), ``evac`` (chance of a fall),
    ``hazard_class`` (1 to 6), ``regime`` (Cox's, 0 low to 3 extreme), ``rating`` (Defra's hazard
    rating).
    """
    exposures = _exposures(source)
    people = exposures.people
    if people is None:
        raise InputError("nobody lives here; give a rollout with people")
    seen = (people.present & people.known & exposures.valid[..., None]
            & (people.max_depth > 0) & np.isfinite(people.max_depth_velocity))
    depth, flux = people.max_depth[seen], people.max_depth_velocity[seen]
    speed = flux / depth
    height, mass = (np.broadcast_to(a, seen.shape)[seen] for a in (people.height, people.mass))
    return {
        "fell": np.isfinite(people.knocked_over_time[seen]).astype(float),
        "height_mass": height * mass, "depth": depth, "flux": flux,
        "abt": stability.abt(height, mass), "evac": stability.evac_fall(depth, speed),
        "hazard_class": stability.hazard_class(depth, speed),
        "regime": stability.regime(depth, speed, height, mass),
        "rating": stability.hazard_rating(depth, speed),
    }


def mortality_table(source: xr.DataTree | Exposures, *, seed: int = 0, draws: int = DRAWS,
                    temperature: float | None = None) -> dict[str, dict[str, float]]:
    """Simulated mortality beside Nishikiori's survey, all valid members together.

    Returns
    -------
    As `worldsim.outcomes.mortality.table`, with ``simulated`` the mean chance of death over draws
    and ``likely_lower``, ``likely_upper`` its 95% limits over the draws of the coefficients.
    """
    exposures = _exposures(source)
    death = _deaths(exposures, seed, draws, temperature)
    flat = [np.broadcast_to(a, death.shape[1:]).ravel() for a in _who(exposures)]
    result = mortality.table(death.mean(axis=0).ravel(), *flat)
    by_draw = death.reshape(draws, -1)
    for name, inside in mortality.groups(*flat[1:]).items():
        chosen = inside & flat[0] & np.isfinite(by_draw[0])
        shares = by_draw[:, chosen].mean(axis=1) if chosen.any() else np.full(draws, np.nan)
        lower, upper = np.percentile(shares, (2.5, 97.5))
        result[name] |= {"likely_lower": float(lower), "likely_upper": float(upper)}
    return result


def deaths_by_group(source: xr.DataTree | Exposures, *, seed: int = 0, draws: int = DRAWS,
                    temperature: float | None = None) -> xr.Dataset:
    """People and expected deaths in each of the survey's groups, member by member.

    Returns
    -------
    ``people`` (case, realization, group) and ``deaths`` (draw, case, realization, group), over
    those whose fate is known; 0 of both in members that failed.
    """
    exposures = _exposures(source)
    death = _deaths(exposures, seed, draws, temperature)
    present, *traits = _who(exposures)
    known = present & np.isfinite(death[0])
    inside = {name: known & group for name, group in mortality.groups(*traits).items()}
    dims = ("case", "realization", "group")
    return xr.Dataset(
        {
            "people": (dims, np.stack([g.sum(-1) for g in inside.values()], axis=-1)),
            "deaths": (("draw", *dims), np.stack(
                [np.where(g, death, 0.0).sum(-1) for g in inside.values()], axis=-1)),
        },
        coords={"case": exposures.case, "realization": exposures.realization,
                "group": np.array(list(inside), dtype=object)},
    )


def _deaths(exposures: Exposures, seed: int, draws: int, temperature: float | None) -> np.ndarray:
    """(draw, case, realization, person) chance of death; NaN unknown."""
    people = exposures.people
    if people is None:
        raise InputError("nobody lives here; give a rollout with people")
    death = np.full((draws, *people.present.shape), np.nan)
    for c, r in np.argwhere(exposures.valid):
        death[:, c, r] = chances_of_member(exposures, c, r, seed, draws,
                                           temperature=temperature)["death"]
    return death


def _who(exposures: Exposures) -> tuple[np.ndarray, ...]:
    """What `mortality.table` asks of people after their deaths, (case, realization, person)."""
    people, b = exposures.people, exposures.buildings
    assert people is not None
    state = damage_state(b.kind, b.drift, b.collapsed, b.washed_away, b.walls_broken)
    home = people.home.astype(int)
    own = np.take_along_axis(state, np.clip(home, 0, None), axis=-1)
    own = np.where(home >= 0, own, np.nan)
    # Indoors as the water came: began in a building and never set out.
    indoors = ((people.building >= 0) & ~np.isfinite(people.departure_time)).astype(float)
    present = people.present & exposures.valid[..., None]
    return present, people.age, people.female, own, indoors
