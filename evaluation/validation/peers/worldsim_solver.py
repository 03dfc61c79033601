"""Our solver on the same problems."""

from __future__ import annotations

import numpy as np
import torch

from evaluation.validation.peers.problem import GRAVITY, SIDE, Problem
from worldsim.simulator.water import Boundaries, Grid, ShallowWater, WaterState


class Solved:
    """A problem on cells x cells squares, for `batch` equal members, ready to be advanced."""

    def __init__(
        self, problem: Problem, cells: int, batch: int = 1, compiled: bool = False
    ) -> None:
        self._problem = problem
        size = SIDE / cells
        centre = (np.arange(cells) + 0.5) * size
        self._y, self._x = (part.ravel() for part in np.meshgrid(centre, centre, indexing="ij"))

        def members(values: np.ndarray) -> torch.Tensor:
            field = torch.as_tensor(values.reshape(1, cells, cells), dtype=torch.float64)
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
            Grid(cells, cells, size, size),
            bed,
            Boundaries(),
            gravity=GRAVITY,
            manning=0.0,
            compiled=compiled,
        )
        self._end: WaterState | None = None
        self.steps = 0

    def run(self) -> None:
        """Advance from the start to the problem's time."""
        self._end, budget = self._solver.advance(
            self._start, self._blocked, 0.0, self._problem.time
        )
        self.steps = int(budget.steps[0])

    @property
    def error(self) -> float:
        """Relative L1 error of the first member's depth after `run`."""
        assert self._end is not None, "run first"
        depth = self._end.depth[0].numpy().ravel()
        return self._problem.error(self._x, self._y, np.ones_like(depth), depth)
