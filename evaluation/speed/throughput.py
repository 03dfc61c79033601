"""Water, bodies and whole members per second: batches, threads, eager and compiled."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import numpy as np
import torch

from evaluation.speed.in_turn import in_turn
from evaluation.speed.result import Benchmark, Row
from evaluation.speed.street import ReferenceStreet
from worldsim.simulator.bodies import Bodies
from worldsim.simulator.members import World
from worldsim.simulator.scene import Hidden, Physics, Scene
from worldsim.simulator.water import WaterState

BATCHES = (1, 8, 32)
THREADS = (1, 2)
FLOODED = 8.0
"""s after which the water stands among the houses: there all measurements start."""

SPAN = 0.1
"""s of physical time in each measurement: two exchanges of water and bodies."""

COMPARED = (
    "The reference street, its water as after 8 s, among the houses; seconds of physical time that "
    "all members of a batch together advance in a second of wall time. Water: "
    "ShallowWater.advance. Bodies: 24 storeys and 6 boxes under held loads, MuJoCo. Whole: "
    "World.step, that is water, coupling and bodies. By one and two threads; eager and compiled "
    "(bodies are never compiled); warm; all run in turn, the best of the rounds."
)


@functools.cache
def street() -> tuple[Scene, Hidden]:
    """The one member that the batches repeat."""
    scenario = ReferenceStreet()
    scene = scenario.scene(0, 0)
    return scene, scenario.hidden(scene, 0, 0, 0)


@functools.cache
def flooded() -> tuple[WaterState, torch.Tensor]:
    """The member's water and blocked cells at `FLOODED` s."""
    scene, hidden = street()
    world = World([scene], [hidden], Physics(), 1, False)
    for _ in world.frames(round(FLOODED * 10)):
        pass
    return world.water, world.blocked


def batch_of(members: int, threads: int, compiled: bool) -> World:
    """So many times the flooded member."""
    scene, hidden = street()
    world = World([scene] * members, [hidden] * members, Physics(), threads, compiled)
    water, blocked = flooded()
    world.water = WaterState.join([water] * members)
    world.blocked = torch.cat([blocked] * members)
    return world


class Timed:
    """One combination of batch, threads and backend, and what is timed of it."""

    def __init__(self, members: int, threads: int, compiled: bool) -> None:
        self.members, self.threads = members, threads
        self._world = batch_of(members, threads, compiled)
        self._start = self._world.water

    def water(self) -> None:
        """Only the water, from the flooded state."""
        torch.set_num_threads(self.threads)
        self._world.solver.advance(self._start, self._world.blocked, FLOODED, SPAN)

    def bodies(self) -> None:
        """Only the bodies, ten times as long."""
        bodies: Bodies = self._world.bodies
        storeys = np.zeros((self.members, bodies.slots.buildings, bodies.slots.storeys, 2))
        loose = np.zeros((self.members, bodies.slots.bodies, 3))
        bodies.advance(storeys, loose, loose, 10 * SPAN)

    def whole(self) -> None:
        """Water, coupling, bodies."""
        torch.set_num_threads(self.threads)
        self._world.water = self._start
        for _ in range(2):
            self._world.step()


def measure(rounds: int = 3) -> Benchmark:
    """All combinations in turn."""
    threads_before = torch.get_num_threads()
    things: dict[str, Callable[[], object]] = {}
    advanced: dict[str, float] = {}
    try:
        for members, threads, compiled in itertools.product(BATCHES, THREADS, (False, True)):
            timed = Timed(members, threads, compiled)
            label = f"{members:>2}, {threads} thread{'s' * (threads > 1)}"
            backend = "compiled" if compiled else "eager"
            named = {f"water {label}, {backend}": (timed.water, 1.0),
                     f"whole {label}, {backend}": (timed.whole, 1.0)}
            if not compiled:
                named[f"bodies {label}"] = (timed.bodies, 10.0)
            for name, (work, spans) in named.items():
                things[name] = work
                advanced[name] = members * spans * SPAN
        timings = in_turn(things, rounds)
    finally:
        torch.set_num_threads(threads_before)
    rows = [
        Row(name, advanced[name] / timings.best(name), "s/s")
        for part in ("water", "bodies", "whole")
        for name in things
        if name.startswith(part)
    ]
    for part in ("water", "whole"):
        rows += [
            Row(f"{part} 32, compiled over eager, 2 threads",
                timings.ratio(f"{part} 32, 2 threads, eager", f"{part} 32, 2 threads, compiled")),
            Row(f"{part} 32, compiled, 2 threads over 1",
                timings.ratio(f"{part} 32, 1 thread, compiled", f"{part} 32, 2 threads, compiled")),
        ]
    return Benchmark("throughput", "members of the street per second", COMPARED, tuple(rows),
                     details={"seconds": timings.seconds})
