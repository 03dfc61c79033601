"""Frames per second of every scenario of rigid bodies: simulated and rendered, 32 at a time."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context

import torch

from evaluation.speed.result import Benchmark, Row
from worldsim.camera import render
from worldsim.errors import MembersFailed
from worldsim.mechanics import MechanicalScene
from worldsim.scenario import list_scenarios, scenario_class
from worldsim.simulator.world import simulate
from worldsim.splits import Purpose, Split, draw, seed_for

GOAL = 300.0
"""frames/s on two cores, of a batch of 32."""

MEMBERS, PROCESSES = 32, 2
SIZE, FPS = (64, 64), 10.0
SEED = seed_for(Purpose.TEST, 64)

COMPARED = (
    "Every scenario whose scenes are rigid bodies, 32 cases as training draws them, each for its "
    "whole duration: two processes of one thread simulate and render half of them each, by one "
    "camera (`side`) at 64 x 64 pixels and 10 frames/s. A frame counts once it is rendered; "
    "starting the processes is left out. The rate is that of two cores for as long as the "
    "processes kept them busy, by the processor's time, so that it can be repeated on a machine "
    "with other work; the share is the camera's. The wall clock is in the details."
)


@dataclasses.dataclass(frozen=True)
class Spent:
    """What some members cost: frames, and s of simulation and of the camera."""

    frames: int
    simulated: float
    rendered: float


def make_members(name: str, cases: Sequence[int], duration: float | None) -> Spent:
    """Simulate and render cases in this process, by one thread; processor time."""
    torch.set_num_threads(1)
    cls = scenario_class(name)
    scenarios = [draw(cls, Split.IN_RANGE, SEED, case) for case in cases]
    begun = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MembersFailed)  # they cost what others do
        truth = simulate(scenarios, seed=SEED, case_numbers=cases, duration=duration, threads=1)
    simulated = time.process_time() - begun
    video = render(truth, cls.film_cameras[0], SIZE, FPS)
    rendered = time.process_time() - begun - simulated
    return Spent(len(cases) * video.sizes["time"], simulated, rendered)


def rigid_scenarios() -> list[str]:
    """Names of the installed scenarios whose scenes are rigid bodies."""
    return [name for name in list_scenarios()
            if isinstance(scenario_class(name)().scene(SEED, 0), MechanicalScene)]


def measure(names: Sequence[str] = (), members: int = MEMBERS,
            duration: float | None = None) -> Benchmark:
    """All of them by default."""
    rows, details = [], {}
    chosen = list(names) or rigid_scenarios()
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        _share(pool, chosen[0], PROCESSES, 0.1)  # imports, first touch
        for name in chosen:
            begun = time.perf_counter()
            spent = _share(pool, name, members, duration)
            wall = time.perf_counter() - begun
            frames = sum(part.frames for part in spent)
            camera = sum(part.rendered for part in spent)
            processor = sum(part.simulated for part in spent) + camera
            rate = PROCESSES * frames / processor
            rows.append(Row(f"{name} ({camera / processor:.0%})", rate, "frames/s", GOAL,
                            at_most=False))
            details[name] = {"frames": frames, "wall s": wall, "processor s": processor,
                             "camera s": camera, "frames/s by the wall clock": frames / wall}
    return Benchmark("family", "Scenarios of rigid bodies", COMPARED, tuple(rows), details=details)


def _share(pool: Executor, name: str, members: int, duration: float | None) -> list[Spent]:
    """The cases 0 to `members`, by two processes."""
    half = members // PROCESSES
    jobs = [pool.submit(make_members, name, range(n * half, (n + 1) * half), duration)
            for n in range(PROCESSES)]
    return [job.result() for job in jobs]
