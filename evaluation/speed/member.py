"""Where a tsunami member's time goes: the reference street from scene to both cameras' videos."""

from __future__ import annotations

import dataclasses
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import torch

from evaluation.speed.result import Benchmark, Row
from evaluation.speed.stopwatch import Stopwatch
from evaluation.speed.street import CAMERAS, FPS, MEMBERS, SECONDS, SIZE, ReferenceStreet
from worldsim.camera import render
from worldsim.simulator.bodies import Bodies
from worldsim.simulator.members import World
from worldsim.simulator.recording import Recording
from worldsim.simulator.water import ShallowWater
from worldsim.simulator.world import simulate

GOAL = 2.5
"""s of wall time a member on two cores, in a batch of 32."""

PROCESSES = 2

COMPARED = (
    "The reference street (96 x 64 cells, 12 houses, 6 boxes, 20 s, states at 10/s) and both "
    "cameras at 64 x 96 pixels and 10 frames/s. In a batch of {members}: wall time of two "
    "processes of one thread, {half} members each, from scene to videos, over {members}; starting "
    "the processes and compiling are left out. The split is that of the slower process."
)


@dataclasses.dataclass(frozen=True)
class Split:
    """Wall time [s] of `members` together and of its parts, as one process spent it, and the
    processor's time for it."""

    members: int
    wall: float
    processor: float
    parts: dict[str, float]


def make_members(members: int, first: int, duration: float, compiled: bool) -> Split:
    """Simulate and film members of the street in this process, by one thread."""
    torch.set_num_threads(1)
    watch = Stopwatch()
    begun, processor = time.perf_counter(), time.process_time()
    with watch.on(
        {
            "water": (ShallowWater, "advance"),
            "bodies": (Bodies, "advance"),
            "exchange": (World, "step"),
            "recording": (Recording, "store"),
        }
    ):
        truth = simulate(
            ReferenceStreet(),
            realizations=members,
            first_realization=first,
            duration=duration,
            threads=1,
            compiled=compiled,
        )
    simulated = time.perf_counter() - begun
    for camera in CAMERAS:
        watch.timed(f"camera {camera}", render)(truth, camera, SIZE, FPS)
    wall = time.perf_counter() - begun
    processor = time.process_time() - processor
    parts = watch.seconds
    exchange = parts.pop("exchange")
    parts["coupling"] = exchange - parts["water"] - parts["bodies"]
    parts["set-up"] = simulated - exchange - parts["recording"]
    return Split(members, wall, processor, parts)


def measure(
    members: int = MEMBERS, duration: float = SECONDS, compiled: bool = True
) -> Benchmark:
    """Two processes, half of the members each."""
    half = members // PROCESSES
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:

        def run(length: float) -> list[Split]:
            jobs = [
                pool.submit(make_members, half, n * half, length, compiled)
                for n in range(PROCESSES)
            ]
            return [job.result() for job in jobs]

        begun = time.perf_counter()
        run(0.1)  # imports, compilation, first touch
        started = time.perf_counter() - begun
        begun = time.perf_counter()
        splits = run(duration)
        wall = time.perf_counter() - begun
    slowest = max(splits, key=lambda split: split.wall)
    each = wall / members * SECONDS / duration
    backend = "compiled" if compiled else "eager"
    rows = [Row(f"one member of {members}, {backend}", each, "s", GOAL)]
    cameras = (f"camera {name}" for name in CAMERAS)
    order = ("water", "coupling", "bodies", "recording", "set-up", *cameras)
    for name in order:
        share = slowest.parts[name] / slowest.wall
        rows.append(Row(f"  {name} ({share:.0%})", share * each, "s"))
    spent = sum(split.processor for split in splits) / members * SECONDS / duration
    rows.append(Row("  processor time of one member", spent, "core s"))
    rows.append(Row("  start of the processes, once", started, "s"))
    return Benchmark(
        "member",
        "a tsunami member of 20 s, scene to videos",
        COMPARED.format(members=members, half=half),
        tuple(rows),
        details={"wall": wall, "splits": [dataclasses.asdict(split) for split in splits]},
    )


if __name__ == "__main__":
    for row in measure(members=4, duration=4.0, compiled=False).rows:
        print(f"{row.what:<40}{row.value:10.3f} {row.unit}")
