"""Small scenes with people, and a prescribed uniform flow past them, for the tests."""

from __future__ import annotations

import numpy as np

from worldsim.simulator.constants import COUPLING_STEP
from worldsim.simulator.evacuation import Evacuation, PeopleDraw
from worldsim.simulator.floating import WaterFields
from worldsim.simulator.members import World
from worldsim.simulator.people.process import People
from worldsim.simulator.scene import Building, Domain, Hidden, Person, Physics, Scene, Slots
from worldsim.simulator.structures import TYPES

DOMAIN = Domain(32, 24, 2.0, 2.0)


def house(x0: float, y0: float, storeys: int = 2, side: float = 8.0) -> Building:
    """A timber house of `side` x `side` m."""
    return Building(TYPES["timber"], (x0, x0 + side, y0, y0 + side), storeys, (200, 200, 200))


def scene(
    people: tuple[Person, ...],
    *,
    buildings: tuple[Building, ...] = (),
    evacuation: Evacuation | None = None,
    ground: np.ndarray | None = None,
    surface: np.ndarray | None = None,
    domain: Domain = DOMAIN,
) -> Scene:
    """A closed basin, dry unless `surface` says otherwise."""
    shape = (domain.ny, domain.nx)
    flat = np.full(shape, 1.0) if ground is None else ground
    return Scene(
        domain=domain, bathymetry=flat, buildings=buildings, debris=(),
        slots=Slots(len(buildings), 3, 0, max(len(people), 1)), wave_times=np.array([0.0, 1.0]),
        wave_elevation=np.zeros(2), manning=0.025, cameras={}, surface=surface, closed=True,
        people=people, evacuation=evacuation,
    )


def hidden(count: int, buildings: int = 0, strength: float = 1.0, **changes: float) -> Hidden:
    """Everybody alike: never warned, 30 m, 3 s, friction 0.45, drag 1.1, unless changed."""
    draws = {"delay": np.inf, "notice_distance": 30.0, "reaction": 3.0, "foot_friction": 0.45,
             "drag": 1.1} | changes
    frames = np.ones((buildings, 3))
    return Hidden(
        strength * frames, frames, np.zeros(0), np.zeros(0),
        people=PeopleDraw(**{name: np.full(count, value) for name, value in draws.items()}),
    )


def world_of(scenes: list[Scene], draws: list[Hidden]) -> tuple[World, People]:
    """A world, and its people."""
    world = World(scenes, draws, Physics(), threads=1, compiled=False)
    return world, next(p for p in world.processes if isinstance(p, People))


def exchange(world: World, people: People, depth: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """One exchange of people with prescribed water (depth, velocity along x: (member, ny, nx));
    returns what it was given, (2, member, ny, nx) m2/s. Houses are left out."""
    fields = WaterFields.of(depth, depth * velocity, 0 * depth, world.ground, world.domain)
    given = people.load(fields)
    none = np.zeros((len(depth), 0, world.bodies.slots.storeys, 2))
    still = world._floating_forces(world._water_fields())
    world.bodies.advance(none, still, COUPLING_STEP, world._substep)
    people.after([])
    world.time += COUPLING_STEP
    return np.zeros((2, *depth.shape)) if given is None else given
