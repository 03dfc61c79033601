"""How the water's cost grows from 256 x 256 to 512 x 512 cells."""

from __future__ import annotations

import dataclasses

import torch

from evaluation.speed.in_turn import in_turn
from evaluation.speed.result import Benchmark, Row
from evaluation.validation.peers.problem import oblique_dam
from evaluation.validation.peers.worldsim_solver import Solved

CELLS = (256, 512)
GOAL = 8.5
"""Eight times the work: four times the cells, twice the steps; the rest is for the caches."""

SPAN = 0.1
"""s of the dam break."""

THREADS = 2
COMPARED = (
    "The oblique dam break in a square of 4 m, its first 0.1 s, on 512 x 512 cells over 256 x 256 "
    "cells: four times the cells in twice the steps. The compiled solver, float64, one member, two "
    "threads, warm, `advance` alone."
)


def measure(rounds: int = 5) -> Benchmark:
    """Both grids in turn."""
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    problem = dataclasses.replace(oblique_dam(), time=SPAN)
    try:
        coarse, fine = (Solved(problem, cells, compiled=True) for cells in CELLS)
        timings = in_turn({"256": coarse.run, "512": fine.run}, rounds)
    finally:
        torch.set_num_threads(threads)
    ratios = timings.ratios("512", "256")
    rows = (
        Row("512^2 over 256^2 cells", timings.ratio("512", "256"), goal=GOAL, worst=max(ratios)),
        Row("  time of 256^2", timings.best("256"), "s"),
        Row("  time of 512^2", timings.best("512"), "s"),
    )
    details = {"seconds": timings.seconds, "steps": {"256": coarse.steps, "512": fine.steps}}
    return Benchmark("scaling", "water's cost over cells", COMPARED, rows, details=details)
