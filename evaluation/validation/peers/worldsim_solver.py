"""Our solver on the same problems."""

from __future__ import annotations

import time

import numpy as np
import torch

from evaluation.validation.flow import WIDE, centres
from evaluation.validation.peers.problem import GRAVITY, Problem
from worldsim.simulator.water import Boundaries, Grid, ShallowWater, WaterState


class Solved:
    """A problem for `batch` equal members, ready to be advanced; `cells` squares along x."""

    def __init__(
        self, problem: Problem, cells: int, batch: int = 1, compiled: bool = False
    ) -> None:
        self._problem = problem
        size = problem.length / cells
        rows = 1 if problem.channel else cells
        x, y = centres(cells, problem.length), centres(rows, rows * size)
        self._y, self._x = (part.ravel() for part in np.meshgrid(y, x, indexing="ij"))

        def members(values: np.ndarray) -> torch.Tensor:
            field = torch.as_tensor(values.reshape(1, rows, cells), dtype=torch.float64)
            return field.expand(batch, -1, -1).contiguous()

        bed = members(problem.bed(self._x, self._y))
        self._blocked = torch.zeros_like(bed, dtype=torch.bool)
        self._start = WaterState(
            *(
                members(start(self._x, self._y))
                for start in (problem.depth, problem.discharge_x, problem.discharge_y)
            )
        )
        self._solver = ShallowWater(
            Grid(cells, rows, size, WIDE if problem.channel else size),
            bed,
            Boundaries(),
            gravity=GRAVITY,
            manning=0.0,
            compiled=compiled,
        )
        self._end: WaterState | None = None
        self.steps = 0
        self.processor: list[float] = []
        """Processor time of each run, s."""

    def compile(self) -> None:
        """One short step, so that `run` finds its kernels compiled."""
        short = torch.full((len(self._blocked),), 1e-6, dtype=torch.float64)
        self._solver.step(self._start, self._blocked, torch.zeros_like(short), short)
        self._solver.stable_step(self._start, self._blocked, torch.zeros_like(short), short)

    def run(self) -> None:
        """Advance from the start to the problem's time."""
        begun = time.process_time()
        self._end, budget = self._solver.advance(
            self._start, self._blocked, 0.0, self._problem.time
        )
        self.processor.append(time.process_time() - begun)
        self.steps = int(budget.steps[0])

    @property
    def error(self) -> float:
        """The problem's error of the first member after `run`."""
        assert self._end is not None, "run first"
        depth = self._end.depth[0].numpy().ravel()
        return self._problem.error(self._x, self._y, np.ones_like(depth), depth)
