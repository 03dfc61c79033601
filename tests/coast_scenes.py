"""Small scenes with works, trees and loose bodies."""

from __future__ import annotations

import dataclasses

import numpy as np

from worldsim.simulator.coast import Seawall
from worldsim.simulator.coast_draw import coast_draw
from worldsim.simulator.loose_bodies import debris_draw, typical
from worldsim.simulator.members import World
from worldsim.simulator.scene import Debris, DebrisKind, Domain, Hidden, Physics, Scene, Slots

DOMAIN = Domain(32, 16, 2.0, 2.0)
GROUND = np.where(DOMAIN.x < 20, -4.0, 1.0) * np.ones((DOMAIN.ny, 1))
"""Sea in the west, then a terrace 1 m above still water."""

WALL = Seawall((24.0, 28.0, 0.0, 32.0), crest=3.0, width=2.0)
RED = (225, 30, 30)
SLOTS = Slots(buildings=1, storeys=1, debris=0, works=6)


def coast(height: float, works=(WALL,), debris=(), **changes) -> Scene:
    """A bore of `height` [m] runs onto the terrace."""
    slots = dataclasses.replace(SLOTS, debris=len(debris))
    return Scene(
        **{
            "domain": DOMAIN, "bathymetry": GROUND, "buildings": (), "debris": tuple(debris),
            "slots": slots, "wave_times": np.array([0.0, 0.5, 1.0, 1.5, 1e4]),
            "wave_elevation": np.array([0.0, 0.3, 0.7, 1.0, 1.0]) * height, "manning": 0.025,
            "cameras": {}, "works": tuple(works), **changes,
        }
    )


def pool(depth: float, *debris: Debris, **changes) -> Scene:
    """Still water of `depth` [m] on level ground between walls."""
    domain = Domain(16, 12, 2.0, 2.0)
    level = np.ones((12, 16))
    return coast(
        0.0, (), debris, domain=domain, bathymetry=level, surface=level + depth, closed=True,
        **changes,
    )


def draw(scene: Scene, seed: int = 0, density: float = 200.0) -> Hidden:
    """Everything drawn but the mass and drag of loose bodies."""
    debris = scene.slots.debris
    one = np.ones((scene.slots.buildings, scene.slots.storeys))
    return Hidden(
        one, one, np.full(debris, density), np.full(debris, 1.2),
        debris=debris_draw(scene, seed, 0, 0) if seed else typical(scene),
        coast=coast_draw(scene, seed, 0, 0),
    )


def world(*scenes: Scene, hidden: list[Hidden] | None = None) -> World:
    """All of one seed."""
    draws = [draw(scene) for scene in scenes] if hidden is None else hidden
    return World(list(scenes), draws, Physics(), threads=1, compiled=False)


def run(running: World, seconds: float) -> World:
    """To its end."""
    for _ in running.frames(round(10 * seconds)):
        pass
    return running


def body(kind: DebrisKind, half_size, at=(16.0, 12.0), heading=0.0, **more) -> Debris:
    """A red one."""
    return Debris(at, heading, half_size, RED, kind, **more)
