"""Where a town member's time goes: a minute of 24 buildings and 100 people, scene to video."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import torch

from evaluation.speed.member import PROCESSES, Split
from evaluation.speed.result import Benchmark, Row
from evaluation.speed.stopwatch import Stopwatch
from worldsim.camera import render
from worldsim.scenario import Scenario, make
from worldsim.simulator.bodies import Bodies
from worldsim.simulator.buildings import Buildings
from worldsim.simulator.members import World
from worldsim.simulator.people.process import People
from worldsim.simulator.processes import PROCESSES as LIVING
from worldsim.simulator.recording import Recording
from worldsim.simulator.water import ShallowWater
from worldsim.simulator.world import simulate

GOAL = 15.0
"""s of wall time a member on two cores, in a batch of 16."""

MEMBERS = 16
SECONDS = 60.0
SIZE, FPS = (64, 96), 5.0
SEED = 60

MOST = (24, 12, 100)
"""Buildings, loose bodies, people."""

COMPARED = (
    "The scenario town (version {version}: 128 x 96 cells, 24 buildings, 12 loose bodies, 100 "
    "people, a seawall, trees, a bridge, 60 s, states at 10/s) under a wave of 5 m, and the "
    "overhead camera at 64 x 96 pixels and 5 frames/s. In a batch of {members}, realizations of "
    "one case: wall time of two processes of one thread, {half} members each, from scene to video, "
    "over {members}; starting the processes and compiling are left out. The split is that of the "
    "slower process."
)


def town() -> Scenario:
    """A wave that overtops the wall and brings some houses down; all else as by default."""
    return make("town", wave_height=5.0, building="mixed", seawall_height=2.0, green_belt=4.0)


def town_case() -> int:
    """The first case with all 24 buildings, 12 loose bodies and 100 people."""
    for case in range(1000):
        scene = town().scene(SEED, case)
        if (len(scene.buildings), len(scene.debris), len(scene.people)) == MOST:
            return case
    raise AssertionError("no such town among a thousand")


def _methods() -> dict[str, tuple[type, str]]:
    """What is timed, by name; what begins with the same word counts as one part."""
    watched: dict[str, tuple[type, str]] = {
        "water": (ShallowWater, "advance"),
        "bodies": (Bodies, "advance"),
        "substeps": (World, "_substep"),
        "exchange": (World, "step"),
        "recording": (Recording, "store"),
        "buildings loads": (Buildings, "wall_loads"),
        "buildings frames": (Buildings, "frame_loads"),
        "buildings after": (Buildings, "after"),
    }
    for process in LIVING:
        part = "people" if process is People else "works"
        for method in ("load", "substep", "after"):
            watched[f"{part} {method} {process.__name__}"] = (process, method)
    return watched


def make_members(
    members: int, first: int, duration: float, compiled: bool, case: int
) -> Split:
    """Simulate and film members of the town in this process, by one thread."""
    torch.set_num_threads(1)
    watch = Stopwatch()
    begun, processor = time.perf_counter(), time.process_time()
    with watch.on(_methods()):
        truth = simulate(
            town(), seed=SEED, case_numbers=[case], realizations=members, first_realization=first,
            duration=duration, threads=1, compiled=compiled,
        )
    simulated = time.perf_counter() - begun
    watch.timed("camera", render)(truth, "overhead", SIZE, FPS)
    wall = time.perf_counter() - begun
    return Split(members, wall, time.process_time() - processor, parts_of(watch.seconds, simulated))


def parts_of(seconds: dict[str, float], simulated: float) -> dict[str, float]:
    """Parts that add up to the whole, from times of which some hold others.

    seconds : by the names of `_methods`, and "camera". simulated : s, of the whole simulation.
    """

    def of(word: str) -> float:
        return sum(spent for name, spent in seconds.items() if name.split()[0] == word)

    people, works, buildings = of("people"), of("works"), of("buildings")
    bodies = seconds["bodies"] - seconds["substeps"]
    known = seconds["water"] + bodies + people + works + buildings
    return {
        "water": seconds["water"],
        "coupling": seconds["exchange"] - known,
        "buildings": buildings,
        "bodies": bodies,
        "people": people,
        "works": works,
        "recording": seconds["recording"],
        "set-up": simulated - seconds["exchange"] - seconds["recording"],
        "camera": seconds["camera"],
    }


def measure(
    members: int = MEMBERS, duration: float = SECONDS, compiled: bool = True
) -> Benchmark:
    """Two processes, half of the members each."""
    half, case = members // PROCESSES, town_case()
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:

        def run(length: float) -> list[Split]:
            jobs = [
                pool.submit(make_members, half, n * half, length, compiled, case)
                for n in range(PROCESSES)
            ]
            return [job.result() for job in jobs]

        started, _ = _timed(lambda: run(0.3))  # imports, compilation, first touch
        wall, splits = _timed(lambda: run(duration))
    slowest = max(splits, key=lambda split: split.wall)
    each = wall / members * SECONDS / duration
    backend = "compiled" if compiled else "eager"
    rows = [Row(f"one member of {members}, {backend}", each, "s", GOAL)]
    for name, spent in slowest.parts.items():
        share = spent / slowest.wall
        rows.append(Row(f"  {name} ({share:.0%})", share * each, "s"))
    processor = sum(split.processor for split in splits) / members * SECONDS / duration
    rows.append(Row("  processor time of one member", processor, "core s"))
    rows.append(Row("  start of the processes, once", started, "s"))
    return Benchmark(
        "town",
        "a member of the town of 60 s, scene to video",
        COMPARED.format(version=town().version, members=members, half=half),
        tuple(rows),
        details={
            "case": case,
            "wall": wall,
            "splits": [dataclasses.asdict(split) for split in splits],
        },
    )


def _timed(work: Callable[[], list[Split]]) -> tuple[float, list[Split]]:
    begun = time.perf_counter()
    done = work()
    return time.perf_counter() - begun, done


if __name__ == "__main__":
    for row in measure(members=4, duration=4.0, compiled=False).rows:
        print(f"{row.what:<40}{row.value:10.3f} {row.unit}")
