"""Wall time to equal error: our solver against anuga, on the same two cores."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Callable, Sequence

import torch

from evaluation.speed.in_turn import in_turn
from evaluation.speed.result import Benchmark, Row
from evaluation.validation.case import NotAvailable
from evaluation.validation.peers.anuga_process import Anuga, AnugaRun, anuga
from evaluation.validation.peers.problem import PROBLEMS, Problem
from evaluation.validation.peers.worldsim_solver import Solved

THREADS = (2, 1)
OURS = (64, 128)
THEIRS = (32, 64, 96)
"""Cells along a side; anuga's squares have four triangles each, hence about 1.5 times fewer."""

BATCH = 32
ALONE_GOAL, BATCH_GOAL = 1 / 3, 1 / 10
ROUNDS = 2
MEASURED = ("stoker", "thacker")
ALGORITHM = "DE1"
MODES = ("legacy", "unified")

COMPARED = (
    "Both solve the same problem in a walled square of 4 m without friction (Stoker's dam break "
    "along a line at 30 degrees; Thacker's plane surface circling in a parabolic bowl, half a "
    "turn). Error: relative L1 of the depth, weighted by the cells' areas, against the exact depth "
    "at the cells' centroids, in the same region. anuga: DE1 (second order in space and time), "
    "rectangular cross mesh, {threads} OpenMP "
    "threads, the quicker of its two sets of kernels, time of `evolve` alone, nothing stored. "
    "worldsim: the compiled solver, float64, {threads} threads, time of `advance` alone, its "
    "budget of mass and momentum included. Ratio: our time on a grid over anuga's time to the "
    "error of that grid, between anuga's resolutions by a straight line in the logarithms; in "
    "each round both run in turn, the median of the rounds stands. A batch is {batch} equal "
    "members advanced together, its time divided by {batch}. The rows of one thread are the same "
    "in processor time, run once, which other programs on the machine hardly touch."
)


@dataclasses.dataclass(frozen=True)
class Cost:
    """What one resolution costs: relative error, and wall time [s]."""

    error: float
    seconds: float


def seconds_to(error: float, costs: Sequence[Cost]) -> float:
    """Time [s] to reach `error`: log time over log error, piecewise linear; at the ends the line
    goes on for at most a third in the error.

    Raises
    ------
    ValueError : `error` lies further outside what was run.
    """
    ordered = sorted(costs, key=lambda cost: cost.error)
    lowest, highest = ordered[0].error, ordered[-1].error
    if not lowest / 1.33 <= error <= highest * 1.33:
        raise ValueError(
            f"error {error:.3g} is outside the {lowest:.3g} to {highest:.3g} that were run; "
            "choose other resolutions"
        )
    position = 1
    while position < len(ordered) - 1 and ordered[position].error < error:
        position += 1
    low, high = ordered[position - 1], ordered[position]
    share = math.log(error / low.error) / math.log(high.error / low.error)
    return low.seconds * (high.seconds / low.seconds) ** share


def quickest_mode(peer: Anuga, problem: Problem) -> str:
    """The set of anuga's kernels that is quicker here, each tried twice after a first run."""
    cells = THEIRS[1]

    def trial(mode: str) -> Callable[[], object]:
        return lambda: peer.solve(problem.name, cells, ALGORITHM, mode)

    timings = in_turn({mode: trial(mode) for mode in MODES}, rounds=2)
    return min(MODES, key=timings.best)


def compare(
    peer: Anuga, problem: Problem, mode: str, threads: int, rounds: int
) -> tuple[list[Row], dict[str, object]]:
    """Rows of one problem, and all that was measured.

    By several threads in wall time, with goals; by one in processor time, which other programs
    on the machine hardly touch.
    """
    solved = {
        (cells, batch): Solved(problem, cells, batch, compiled=True)
        for cells in OURS
        for batch in (1, BATCH)
    }
    for run in solved.values():
        run.compile()
    theirs: dict[int, list[AnugaRun]] = {cells: [] for cells in THEIRS}

    def run_anuga(cells: int) -> Callable[[], object]:
        return lambda: theirs[cells].append(peer.solve(problem.name, cells, ALGORITHM, mode))

    things: dict[str, Callable[[], object]] = {f"anuga {n}": run_anuga(n) for n in THEIRS}
    things |= {f"worldsim {n}, batch {b}": run.run for (n, b), run in solved.items()}
    timings = in_turn(things, rounds, warm_up=False)  # anuga was by the choice of its kernels
    own = {
        (n, b): timings.seconds[f"worldsim {n}, batch {b}"] if threads > 1
        else tuple(run.processor)
        for (n, b), run in solved.items()
    }
    rows = []
    for (cells, batch), run in solved.items():
        ratios = []
        for n, seconds in enumerate(own[cells, batch]):
            costs = [
                Cost(runs[n].error, runs[n].seconds if threads > 1 else runs[n].processor)
                for runs in theirs.values()
            ]
            ratios.append(seconds / batch / seconds_to(run.error, costs))
        goal = None if threads == 1 else ALONE_GOAL if batch == 1 else BATCH_GOAL
        name = "alone" if batch == 1 else f"a member of {batch}"
        name += "" if threads > 1 else ", 1 thread"
        rows.append(Row(f"{problem.name} {cells}^2, {name}", statistics.median(ratios), goal=goal,
                        worst=max(ratios)))
        rows.append(Row("  ours a member", min(own[cells, batch]) / batch, "s"))
    details: dict[str, object] = {
        "anuga's kernels": mode,
        "seconds": timings.seconds,
        "ours": {f"{n}, batch {b}": values for (n, b), values in own.items()},
        "errors": {cells: solved[cells, 1].error for cells in OURS},
        "steps": {cells: solved[cells, 1].steps for cells in OURS},
        "anuga": {n: [dataclasses.asdict(run) for run in runs] for n, runs in theirs.items()},
    }
    return rows, details


def measure(rounds: int = ROUNDS) -> Benchmark:
    """Both problems, by two threads and by one."""
    title = "wall time to equal L1 error against anuga"
    compared = COMPARED.format(threads=THREADS[0], batch=BATCH)
    before = torch.get_num_threads()
    rows: list[Row] = []
    details: dict[str, object] = {}
    try:
        modes: dict[str, str] = {}
        for threads in THREADS:
            torch.set_num_threads(threads)
            with anuga(threads) as peer:
                details["version"] = peer.version
                for problem in (PROBLEMS[name] for name in MEASURED):
                    if problem.name not in modes:
                        modes[problem.name] = quickest_mode(peer, problem)
                    mode = modes[problem.name]
                    turns = rounds if threads > 1 else 1
                    found, all_of_it = compare(peer, problem, mode, threads, turns)
                    rows += found
                    details[f"{problem.name}, {threads} threads"] = all_of_it
    except NotAvailable as reason:
        return Benchmark("anuga", title, compared, (), missing=str(reason))
    finally:
        torch.set_num_threads(before)
    return Benchmark("anuga", title, compared, tuple(rows), details=details)
