"""A watertight house without anchors in still water: from which depth it floats; how a house fills
through its leaks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.validation.case import Case, Check, Curve, Panel
from worldsim.simulator.body_models import GAP
from worldsim.simulator.buildings import ORIFICE
from worldsim.simulator.constants import GRAVITY, SEAWATER_DENSITY
from worldsim.simulator.members import COUPLING_STEP, World
from worldsim.simulator.scene import Building, Domain, Hidden, Physics, Scene, Slots
from worldsim.simulator.structures import TYPES, BuildingDraw

DOMAIN = Domain(18, 16, 2.0, 2.0)
LENGTH, WIDTH = 10.0, 8.0  # m
AREA, PERIMETER = LENGTH * WIDTH, 2 * (LENGTH + WIDTH)
STEP = 0.005  # of the threshold, between the depths that are tried
FILLING = 4.0  # s
DEEP = 0.8  # m of water around a house that fills


def lake(depths: np.ndarray, storeys: int, anchorage: float, leakage: float) -> World:
    """Members with still water of these depths [m] over a timber house's base, its walls too
    strong to break; factors on its anchorage and leakage."""
    house = Building(TYPES["timber"], (12.0, 12.0 + LENGTH, 12.0, 12.0 + WIDTH), storeys,
                     (200, 200, 200))
    flat = np.zeros((DOMAIN.ny, DOMAIN.nx))
    scenes = [Scene(domain=DOMAIN, bathymetry=flat, buildings=(house,), debris=(),
                    slots=Slots(1, 2, 0), wave_times=np.array([0.0, 1.0]),
                    wave_elevation=np.zeros(2), manning=0.025, cameras={},
                    surface=flat + depth + GAP, closed=True) for depth in depths]
    ones, frames = np.ones(1), np.ones((1, 2))
    draw = BuildingDraw(1e6 * ones, anchorage * ones, leakage * ones, ones)
    hidden = [Hidden(1e3 * frames, 1e3 * frames, np.zeros(0), np.zeros(0), buildings=draw)
              for _ in scenes]
    return World(scenes, hidden, Physics(), threads=1, compiled=False)


def threshold(storeys: int, anchorage: float) -> float:
    """Depth in m over the base at which uplift is weight and anchorage:
    rho g A h = m g + the anchors' force."""
    timber = TYPES["timber"]
    held = anchorage * timber.anchorage * PERIMETER / (SEAWATER_DENSITY * GRAVITY * AREA)
    return timber.floor_mass * storeys / SEAWATER_DENSITY + held


def found(storeys: int, anchorage: float) -> tuple[float, np.ndarray, np.ndarray]:
    """The depth at which houses begin to float, the depths tried, and which floated."""
    exact = threshold(storeys, anchorage)
    depths = exact * (1 + STEP * (np.arange(-10, 10) + 0.5))
    world = lake(depths, storeys, anchorage, 0.0)
    for _ in range(3):
        world.step()
    floated = world.buildings.floated[:, 0]
    assert (np.diff(floated.astype(int)) >= 0).all() and floated[-1] and not floated[0]
    first = int(np.argmax(floated))
    return float(depths[first - 1 : first + 1].mean()), depths, floated


def check_threshold() -> Sequence[Check]:
    """Relative error of the depth from which houses float."""
    checks = []
    for storeys, anchorage, words in ((2, 0.0, "two storeys, no anchors"),
                                      (1, 0.0, "one storey, no anchors"),
                                      (2, 1.0, "two storeys, median anchors")):
        depth, depths, floated = found(storeys, anchorage)
        exact = threshold(storeys, anchorage)
        panel = Panel(words, "depth over the base [m]", "afloat", (
            Curve(depths, (depths > exact).astype(float), "closed form"),
            Curve(depths, floated.astype(float), "worldsim", "points")))
        checks.append(Check(f"threshold depth, {words}, relative error", "1",
                            abs(depth / exact - 1), 0.02, panels=(panel,),
                            note=f"timber, {LENGTH:g} m x {WIDTH:g} m, watertight: {exact:.3f} m; "
                                 f"depths {100 * STEP:g}% apart"))
    return checks


def check_filling() -> Sequence[Check]:
    """Largest error of the level inside a leaking house, over the depth outside."""
    leakage = 10.0  # times the median
    world = lake(np.array([DEEP]), 2, 1e3, leakage)
    levels = []
    for _ in range(round(FILLING / COUPLING_STEP)):
        world.step()
        levels.append(float(world.buildings.inside[0, 0]))
    time = (np.arange(len(levels)) + 1) * COUPLING_STEP
    opening = TYPES["timber"].leakage * leakage * PERIMETER * DEEP
    rate = ORIFICE * opening * np.sqrt(2 * GRAVITY) / AREA
    exact = DEEP - np.maximum(np.sqrt(DEEP) - rate * time / 2, 0.0) ** 2
    panel = Panel("a leaking house fills", "time [s]", "level inside [m]", (
        Curve(time, exact, "closed form"), Curve(time, np.array(levels), "worldsim", "dashed")))
    return [Check("level inside a leaking house, largest error / depth outside", "1",
                  float(np.abs(np.array(levels) - exact).max() / DEEP), 0.02, panels=(panel,),
                  note=f"{DEEP:g} m outside, {100 * opening / (PERIMETER * DEEP):g}% of the wet "
                       "wall open")]


CASES = (
    Case("floating_house", "A watertight house floats from the depth at which it displaces its "
         "weight", "Archimedes; m = rho A h", check_threshold),
    Case("leaking_house", "A house fills through its leaks",
         "Torricelli's law with a discharge coefficient of 0.6, integrated", check_filling),
)
