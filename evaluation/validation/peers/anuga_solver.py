"""anuga on our problems, in a process of its own: ``python -m …peers.anuga_solver``.

anuga writes banners to the standard output from C and holds its own OpenMP threads: hence a
process. It says ``{"version": …}``, then answers each JSON line {"problem", "cells", "algorithm",
"mode"} by {"seconds", "processor", "error",
"triangles", "steps"}.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import numpy as np

from evaluation.validation.peers.problem import GRAVITY, PROBLEMS, Problem


def solve(problem: Problem, cells: int, algorithm: str, mode: str) -> dict[str, float]:
    """Evolve a problem on squares of four triangles each, `cells` of them along x.

    algorithm : "DE0" (anuga's default) or "DE1" (second order in time); mode : "legacy" or
    "unified" kernels. Seconds are those of `evolve` alone, with nothing stored.
    """
    import anuga

    assert anuga.g == GRAVITY, anuga.g
    rows = 1 if problem.channel else cells
    domain = anuga.rectangular_cross_domain(
        cells, rows, len1=problem.length, len2=problem.length * rows / cells
    )
    domain.set_store(False)
    domain.set_flow_algorithm(algorithm)
    domain.set_compute_mode(mode)
    x, y = domain.centroid_coordinates[:, 0], domain.centroid_coordinates[:, 1]
    bed = problem.bed(x, y)
    depth = problem.depth(x, y)
    for name, values in (
        ("elevation", bed),
        ("friction", np.zeros_like(x)),
        ("stage", bed + depth),
        ("xmomentum", problem.discharge_x(x, y)),
        ("ymomentum", problem.discharge_y(x, y)),
    ):
        domain.set_quantity(name, values, location="centroids")
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary({side: wall for side in ("left", "right", "top", "bottom")})
    begun, processor = time.perf_counter(), time.process_time()
    steps = 0
    for _ in domain.evolve(yieldstep=problem.time, finaltime=problem.time):
        steps += domain.number_of_steps
    seconds, processor = time.perf_counter() - begun, time.process_time() - processor
    stage = domain.quantities["stage"].centroid_values
    ground = domain.quantities["elevation"].centroid_values
    found = np.maximum(stage - ground, 0.0)
    return {
        "seconds": seconds,
        "processor": processor,
        "error": problem.error(x, y, domain.areas, found),
        "triangles": len(x),
        "steps": steps,
    }


def main() -> None:
    """Answer until the standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    import anuga

    anuga.set_omp_num_threads(int(sys.argv[1]), verbose=False)
    _say(answers, {"version": anuga.__version__})
    for line in sys.stdin:
        asked = json.loads(line)
        problem = PROBLEMS[asked.pop("problem")]
        _say(answers, solve(problem, **asked))


def _say(file: Any, answer: dict[str, Any]) -> None:
    print(json.dumps(answer), file=file, flush=True)


if __name__ == "__main__":
    main()
