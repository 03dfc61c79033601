"""Water, bodies and whole members per second: batches, threads, eager and compiled."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import torch

from evaluation.speed.in_turn import in_turn
from evaluation.speed.result import Benchmark, Row
from evaluation.speed.stopwatch import Stopwatch
from evaluation.speed.street import ReferenceStreet
from worldsim.simulator.bodies import Bodies
from worldsim.simulator.members import COUPLING_STEP, World
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
    "ShallowWater.advance. Whole: World.step, that is water, coupling and bodies; bodies: the "
    "time in it of Bodies.advance, 24 storeys and 6 boxes in MuJoCo. By one and two threads; eager "
    "and compiled (bodies are never compiled); warm; all run in turn, the best of the rounds."
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
        self._watch = Stopwatch()
        self.bodies_seconds: list[float] = []

    def water(self) -> None:
        """Only the water, from the flooded state."""
        torch.set_num_threads(self.threads)
        self._world.solver.advance(self._start, self._world.blocked, FLOODED, SPAN)

    def whole(self) -> None:
        """Water, coupling, bodies; what the bodies took is kept."""
        torch.set_num_threads(self.threads)
        self._world.water = self._start
        self._watch.seconds.clear()
        with self._watch.on({"bodies": (Bodies, "advance")}):
            for _ in range(round(SPAN / COUPLING_STEP)):
                self._world.step()
        self.bodies_seconds.append(self._watch.seconds["bodies"])


def measure(rounds: int = 3) -> Benchmark:
    """All combinations in turn."""
    threads_before = torch.get_num_threads()
    things: dict[str, Callable[[], object]] = {}
    combinations: dict[str, Timed] = {}
    try:
        for members, threads, compiled in itertools.product(BATCHES, THREADS, (False, True)):
            timed = Timed(members, threads, compiled)
            label = f"{members:>2}, {threads} thread{'s' * (threads > 1)}"
            name = f"{label}, {'compiled' if compiled else 'eager'}"
            things |= {f"water {name}": timed.water, f"whole {name}": timed.whole}
            combinations[name] = timed
        timings = in_turn(things, rounds)
    finally:
        torch.set_num_threads(threads_before)
    rows = [
        Row(f"{part} {name}", timed.members * SPAN / timings.best(f"{part} {name}"), "s/s")
        for part in ("water", "whole")
        for name, timed in combinations.items()
    ]
    rows += [
        Row(f"bodies {name.removesuffix(', eager')}",
            timed.members * SPAN / min(timed.bodies_seconds), "s/s")
        for name, timed in combinations.items()
        if name.endswith("eager")
    ]
    most = f"{BATCHES[-1]:>2}"
    for part in ("water", "whole"):
        one, two = f"{part} {most}, 1 thread", f"{part} {most}, 2 threads"
        rows += [
            Row(f"{part} {most}, 2 threads, compiled over eager",
                timings.ratio(f"{two}, eager", f"{two}, compiled")),
            Row(f"{part} {most}, compiled, 2 threads over 1",
                timings.ratio(f"{one}, compiled", f"{two}, compiled")),
        ]
    return Benchmark("throughput", "members of the street per second", COMPARED, tuple(rows),
                     details={"seconds": timings.seconds})
