"""How many do not get away in time, by walking speed, beside a published model's sensitivity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.validation.case import Case, Check, Curve, Panel
from worldsim.simulator.evacuation import Evacuation
from worldsim.simulator.people import before_start, walking_speeds
from worldsim.simulator.scene import Domain, Person, Scene, Slots

DOMAIN = Domain(160, 60, 10.0, 10.0)
EDGE = 1500.0  # m, where it is safe
PEOPLE = 400
TIME = 1500.0  # s from the warning to the wave
MILLING = 480.0  # s, mean delay of departure: 1% still there after 19 minutes
FEET = 0.3048  # m
SPEEDS = np.array([2.0, 3.0, 4.0, 5.0, 6.0]) * FEET  # m/s, means
PUBLISHED = {3.0: (0.105, 0.638), 4.0: (0.016, 0.308), 5.0: (0.002, 0.062)}
"""Mortality at mean speeds in ft/s, lowest and highest over the places of one shelter, which all
use: Seaside, Oregon (X. Chen, Wang, Cox, Mostafizi & Dong 2016, slides, "mortality rate vs. walking
speed"; the model of Mostafizi et al. 2019, Int. J. Disaster Risk Reduct. 34:467)."""
FARTHEST = 1400.0  # m from safety, so that people live evenly 0 to 1.4 km from it


def left_behind(mean: float) -> float:
    """Share of people who are not safe when the wave comes; everybody draws the same again."""
    rng = np.random.default_rng(0)
    place = np.stack([rng.uniform(EDGE - FARTHEST, EDGE, PEOPLE),
                      rng.uniform(5.0, DOMAIN.width - 5.0, PEOPLE)], axis=-1)
    speed = walking_speeds(np.full(PEOPLE, 30.0), np.zeros(PEOPLE, bool), rng, mean)
    people = tuple(Person((float(x), float(y)), 30.0, False, 1.7, 65.0, walking_speed=float(own))
                   for (x, y), own in zip(place, speed, strict=True))
    scene = Scene(domain=DOMAIN, bathymetry=np.zeros((DOMAIN.ny, DOMAIN.nx)), buildings=(),
                  debris=(), slots=Slots(0, 1, 0, PEOPLE), wave_times=np.array([0.0, 1.0]),
                  wave_elevation=np.zeros(2), manning=0.025, cameras={}, people=people,
                  evacuation=Evacuation(EDGE, warning_time=TIME, milling=MILLING))
    walked = before_start(scene, np.random.default_rng(1))
    return float(np.mean([not np.isfinite(person.arrived) for person in walked]))


def expected(mean: float) -> float:
    """The same from a double integral: delay of departure plus distance over speed beyond `TIME`,
    by Rayleigh's distribution of delays, without crowding."""
    distance = (np.arange(400) + 0.5) / 400 * FARTHEST
    rng = np.random.default_rng(2)
    speed = walking_speeds(np.full(400, 30.0), np.zeros(400, bool), rng, mean)
    scale = Evacuation(EDGE, milling=MILLING).delay_scale
    spare = np.maximum(TIME - distance[:, None] / speed, 0.0)
    return float(np.exp(-0.5 * (spare / scale) ** 2).mean())


def check() -> Sequence[Check]:
    """Share left behind against mean walking speed."""
    found = np.array([left_behind(mean) for mean in SPEEDS])
    exact = np.array([expected(mean) for mean in SPEEDS])
    error = np.abs(found - exact).max()
    rise = float(np.diff(found).max())
    feet = np.array(list(PUBLISHED)) * FEET
    low, high = np.array(list(PUBLISHED.values())).T
    fall = (np.log(found[1]) - np.log(found[3])) / (np.log(SPEEDS[3]) - np.log(SPEEDS[1]))
    theirs = [(np.log(a[0]) - np.log(a[2])) / np.log(5 / 3) for a in (high, low)]
    panel = Panel("not safe when the wave comes", "mean walking speed [m/s]", "share", (
        Curve(SPEEDS, exact, "delay plus distance over speed"),
        Curve(SPEEDS, found, "worldsim", "points"),
        Curve(feet, high, "Seaside model, worst shelter", "dashed"),
        Curve(feet, low, "Seaside model, best shelter", "dashed")))
    return [
        Check("share left behind against the double integral, largest error", "1", float(error),
              0.05, panels=(panel,), note=f"{PEOPLE} people 0 to {FARTHEST:g} m from safety, "
              f"{TIME:g} s from warning to wave, mean delay {MILLING:g} s"),
        Check("largest rise of the share with speed", "1", rise, 0.0,
              note="faster walkers are never worse off: everybody draws the same"),
        Check("elasticity of the share to speed, 0.91 to 1.52 m/s", "1", float(fall),
              note=f"published model: {theirs[0]:.1f} (worst shelter) to {theirs[1]:.1f} (best); "
                   "another town, another delay: the steepness may be compared, not the level"),
    ]


CASES = (
    Case("evacuation_sensitivity", "People left behind, by walking speed",
         "Mostafizi et al. 2019, Int. J. Disaster Risk Reduct. 34:467, and Chen et al. 2016 "
         "(slides); Chen et al. 2023, NHESS 23:733, also find mortality most sensitive to walking "
         "speed, delay and participation", check),
)
