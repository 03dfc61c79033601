"""Houses in the flow: the books where they fall, and the impulse on one as the grid is refined."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from evaluation.validation.case import Case, Check, Curve, Panel
from worldsim.simulator.members import STATES_PER_SECOND, World
from worldsim.simulator.scene import Building, Debris, Domain, Hidden, Physics, Scene, Slots
from worldsim.simulator.structures import TYPES, BuildingDraw

COLOUR = (200, 200, 200)
BASIN = Domain(48, 32, 2.0, 2.0)
HEAD = 9.0  # m of water behind the dam, over dry ground
DAM = 24.0  # m, its place
SECONDS = 12.0
BOOKS = (("mass", "mass_error", 1e-10), ("momentum", "momentum_error", 1e-8),
         ("third law, two integrations", "third_law_error", 1e-8),
         ("energy from nowhere", "energy_gain", 1e-9))

FLOOD = 96.0, 48.0  # m, length and width of the stretch on which one house stands
CELLS = (24, 48, 96)  # along it: cells of 4, 2 and 1 m
WAVE, DEEP = 3.0, 1.0  # m, height of the incident wave over so much still water
WATCHED = 10.0  # s
UNBREAKABLE = BuildingDraw(walls=np.full(1, 1e3), anchorage=np.full(1, 1e6), leakage=np.zeros(1),
                           closure=np.ones(1))
"""A house whose walls hold, and which stays where it is: what breaks, breaks at another moment on
another grid."""


def _hidden(buildings: int, debris: int, strength: float) -> Hidden:
    frames = (buildings, 2)
    return Hidden(np.full(frames, strength), np.ones(frames), np.full(debris, 300.0),
                  np.full(debris, 1.2))


def falling() -> World:
    """A dam breaks in a closed basin with four timber houses and two boxes."""
    houses = tuple(Building(TYPES["timber"], (x, x + 8.0, y, y + 8.0), storeys, COLOUR)
                   for x, y, storeys in ((40.0, 8.0, 1), (40.0, 16.0, 2), (60.0, 44.0, 2),
                                         (76.0, 24.0, 1)))
    boxes = tuple(Debris(at, turn, (2.5, 1.2, 1.0), COLOUR)
                  for at, turn in (((12.0, 40.0), 0.3), ((36.0, 34.0), 1.2)))
    surface = np.where(BASIN.x < DAM, HEAD, 0.0) * np.ones((BASIN.ny, 1))
    scene = Scene(domain=BASIN, bathymetry=np.zeros((BASIN.ny, BASIN.nx)), buildings=houses,
                  debris=boxes, slots=Slots(4, 2, 2), wave_times=np.array([0.0, 1.0]),
                  wave_elevation=np.zeros(2), manning=0.025, cameras={}, surface=surface,
                  closed=True)
    return World([scene], [_hidden(4, 2, 1.0)], Physics(), threads=1, compiled=False)


def check_books() -> Sequence[Check]:
    """What the audit of the whole run leaves open; two of the houses share a wall."""
    world = falling()
    standing, energy = [], []
    for _ in world.frames(round(SECONDS * STATES_PER_SECOND)):
        standing.append(int(world.bodies.standing.sum()))
        energy.append(float(world._holdings().energy[0]) / 1e6)
    assert world.stops.active.all() and standing[-1] < standing[0], "something must fall"
    time = np.arange(len(standing)) / STATES_PER_SECOND
    fallen = standing[0] - standing[-1]
    panels = (Panel("houses that stand", "time [s]", "number",
                    (Curve(time, np.array(standing), "houses"),)),
              Panel("energy of the water", "time [s]", "MJ",
                    (Curve(time, np.array(energy), "worldsim"),)))
    note = f"{fallen} of {standing[0]} houses fall within {SECONDS:g} s in a closed basin"
    return [Check(f"{name}, relative", "1", float(getattr(world.audit, book).max()), limit,
                  note=note, panels=panels if book == "mass_error" else ())
            for name, book, limit in BOOKS]


def check_impulse() -> Sequence[Check]:
    """Change of the impulse on a house that stands when the cells are halved."""
    length, width = FLOOD
    series = []
    for cells in CELLS:
        size = length / cells
        domain = Domain(cells, round(width / size), size, size)
        house = Building(TYPES["concrete"], (48.0, 60.0, 16.0, 32.0), 2, COLOUR)
        scene = Scene(domain=domain, bathymetry=np.full((domain.ny, domain.nx), -DEEP),
                      buildings=(house,), debris=(), slots=Slots(1, 2, 0),
                      wave_times=np.array([0.0, 1.5]), wave_elevation=np.array([0.0, WAVE]),
                      manning=0.025, cameras={})
        hidden = dataclasses.replace(_hidden(1, 0, 1e3), buildings=UNBREAKABLE)
        world = World([scene], [hidden], Physics(), threads=1, compiled=False)
        series.append([float(world.buildings.impulse[0, 0, 0]) / 1e6
                       for _ in world.frames(round(WATCHED * STATES_PER_SECOND))])
    last = np.array([impulse[-1] for impulse in series])
    change = np.abs(np.diff(last))
    force = [float(np.diff(impulse).max()) * STATES_PER_SECOND for impulse in series]
    time = np.arange(len(series[0])) / STATES_PER_SECOND
    panel = Panel("impulse on a house", "time [s]", "MN s", tuple(
        Curve(time, np.array(impulse), f"cells of {length / cells:g} m", style)
        for impulse, cells, style in zip(series, CELLS, ("dashed", "dashed", "line"), strict=True)))
    peaks = ", ".join(f"{value:.2f}" for value in force)
    return [Check("impulse, change at the last halving", "1", float(change[-1] / last[-1]), 0.01,
                  cells=CELLS, panels=(panel,),
                  note=f"peak forces over 0.1 s need not converge: {peaks} MN")]


CASES = (
    Case("falling_houses", "Mass, momentum, third law and energy while houses fall",
         "conservation laws; the water's loss against MuJoCo's applied forces, integrated apart",
         check_books),
    Case("house_impulse", "Impulse of a bore on a house under refinement",
         "self-convergence over cells of 4, 2 and 1 m", check_impulse),
)
