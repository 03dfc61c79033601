"""Hospital, power, water and road access over the year after the wave.

A service is the logical AND of its components (as in IN-CORE's building functionality), each down
from the wave until it is repaired. A component fails when its building does or when water reaches
the height at which it stands; that height is seldom known and is drawn. Values are 1, 0 or NaN
(unknown), one per draw; averaged over draws they are probabilities.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from worldsim.outcomes import recovery
from worldsim.seeding import stream
from worldsim.sources import Coefficient

DAYS = np.array([0.0, 0.25, 1, 2, 3, 5, 7, 14, 21, 30, 45, 60, 90, 120, 180, 240, 300, 365])
"""Days after the wave at which services are told; 0 is just after it."""

SERVICES = ("power", "water", "access", "hospital")

_ELEVATIONS = {
    "substation.switchgear": (0.3, 1.8, "control house and switchgear of a substation; HAZUS's "
                              "flood model is remembered to take about 1.2 m"),
    "pumping_station.switchgear": (0.15, 1.2, "motor controls of a pumping station; HAZUS's "
                                   "control vaults are hit at once, plants above grade from 1 ft"),
    "hospital.switchgear": (0.15, 1.5, "main switchboard of a hospital, ground floor"),
    "hospital.generator": (-0.5, 4.0, "emergency generator of a hospital, from a low yard to a "
                           "first floor"),
    "hospital.equipment": (0.15, 1.0, "ground-floor medical equipment; HAZUS's repair cost starts "
                           "between 2 and 3 ft"),
}

ELEVATIONS = {
    name: Coefficient(f"services.{name}", (low + high) / 2, "m",
                      f"height above ground: {words}", ("fema2009flood", "worldsimassumption"),
                      "uncertain", "uniform", low=low, high=high)
    for name, (low, high, words) in _ELEVATIONS.items()
}

COEFFICIENTS = tuple(ELEVATIONS.values())


def all_of(*parts: np.ndarray) -> np.ndarray:
    """Logical AND of 1, 0 and NaN: 0 if any is 0, else NaN if any is NaN, else 1."""
    stacked = np.stack(np.broadcast_arrays(*parts))
    return np.where((stacked == 0).any(0), 0.0, np.where(np.isnan(stacked).any(0), np.nan, 1.0))


def any_of(*parts: np.ndarray) -> np.ndarray:
    """Logical OR of 1, 0 and NaN."""
    stacked = np.stack(np.broadcast_arrays(*parts))
    return np.where((stacked == 1).any(0), 1.0, np.where(np.isnan(stacked).any(0), np.nan, 0.0))


def back_by(days_down: np.ndarray, days: np.ndarray = DAYS) -> np.ndarray:
    """(…, day): 1 once the repair is done. Up at once where `days_down` is 0."""
    down = np.asarray(days_down, dtype=float)[..., None]
    return np.where(np.isnan(down), np.nan, days >= down)


@dataclasses.dataclass(frozen=True)
class Facility:
    """One lifeline building as it came through: damage state 0..5 and the deepest water at it (m);
    either may be NaN, unknown."""

    state: float
    depth: float


@dataclasses.dataclass(frozen=True)
class Lifelines:
    """What a member's services rest on.

    hospital, substation, pumping_station : None where the town has none; it is then taken to be
        served from outside.
    access : 1 if the hospital can be reached once the wave is through, 0 if not, NaN unknown.
    flooded : whether streets were under water (1, 0, NaN): staff and clearing depend on it.
    """

    hospital: Facility | None
    substation: Facility | None
    pumping_station: Facility | None
    access: float
    flooded: float


class _Draws:
    """Standard normals and elevations of one member, each keyed by what it is for."""

    def __init__(self, seed: int, case: int, realization: int, draws: int) -> None:
        self._key, self.draws = (seed, case, realization), draws

    def _stream(self, what: str) -> np.random.Generator:
        return stream(*self._key, f"service {what}")

    def structure(self, role: str, facility: Facility) -> np.ndarray:
        noise = self._stream(f"{role} repair").standard_normal(self.draws)
        return recovery.repair_days(role, np.full(self.draws, facility.state), noise)

    def time(self, coefficient: Coefficient, what: str) -> np.ndarray:
        rng = self._stream(f"{what} {coefficient.name}")
        if coefficient.law == "uniform":
            return rng.uniform(coefficient.low, coefficient.high, self.draws)
        return coefficient.value * np.exp(coefficient.spread * rng.standard_normal(self.draws))

    def component(self, name: str, facility: Facility, repair: Coefficient) -> np.ndarray:
        """Days a component is down: 0 if the water stayed below it."""
        height = self.time(ELEVATIONS[name], name)
        reached = np.where(np.isnan(facility.depth), np.nan,
                           (facility.depth > 0) & (facility.depth > height))
        return np.where(reached == 0, 0.0, np.where(np.isnan(reached), np.nan,
                                                    self.time(repair, name)))


def service(lifelines: Lifelines, seed: int, case: int, realization: int, draws: int,
            days: np.ndarray = DAYS) -> np.ndarray:
    """Services of one member over time.

    Returns
    -------
    (service, draw, day) 1, 0 or NaN, in the order of `SERVICES`. ``hospital`` is beds that can be
    reached, with power, water and staff: reachable × powered, not capacity. NaN throughout where
    the town has no hospital.
    """
    drawn = _Draws(seed, case, realization, draws)
    always = np.ones((draws, len(days)))
    power = water = always
    if lifelines.substation is not None:
        power = all_of(
            back_by(drawn.structure("substation", lifelines.substation), days),
            back_by(drawn.component("substation.switchgear", lifelines.substation,
                                    recovery.SWITCHGEAR_DAYS), days))
    if lifelines.pumping_station is not None:
        water = all_of(
            power,
            back_by(drawn.structure("pumping_station", lifelines.pumping_station), days),
            back_by(drawn.component("pumping_station.switchgear", lifelines.pumping_station,
                                    recovery.SWITCHGEAR_DAYS), days))

    cleared = drawn.time(recovery.ROAD_DAYS, "road")
    access = back_by(np.where(np.isnan(lifelines.access), np.nan,
                              np.where(lifelines.access == 1, 0.0, cleared)), days)
    if lifelines.hospital is None:
        return np.stack([power, water, access, np.full_like(always, np.nan)])
    return np.stack([power, water, access,
                     _hospital(lifelines, drawn, power, water, access, days)])


def _hospital(lifelines: Lifelines, drawn: _Draws, power: np.ndarray, water: np.ndarray,
              access: np.ndarray, days: np.ndarray) -> np.ndarray:
    hospital = lifelines.hospital
    assert hospital is not None
    board = back_by(drawn.component("hospital.switchgear", hospital, recovery.SWITCHGEAR_DAYS),
                    days)
    generator = drawn.component("hospital.generator", hospital, recovery.GENERATOR_DAYS)
    # The generator's fuel is no component of its own: without access nobody reaches the beds
    # anyway, and with access fuel does.
    powered = all_of(board, any_of(power, back_by(generator, days)))
    away = drawn.time(recovery.STAFF_DAYS, "staff")
    staff = back_by(np.where(np.isnan(lifelines.flooded), np.nan,
                             np.where(lifelines.flooded == 1, away, 0.0)), days)
    return all_of(
        back_by(drawn.structure("hospital", hospital), days),
        back_by(drawn.component("hospital.equipment", hospital, recovery.EQUIPMENT_DAYS), days),
        powered, water, access, staff)


def days_lost(working: np.ndarray, days: np.ndarray = DAYS) -> np.ndarray:
    """Days without service in the year, (…); trapezoidal over `days`, NaN where unknown."""
    down = 1.0 - working
    return (0.5 * (down[..., 1:] + down[..., :-1]) * np.diff(days)).sum(axis=-1)
