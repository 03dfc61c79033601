"""Water advanced by the solver under test, in NumPy terms, and always checked to be finite."""

from __future__ import annotations

import numpy as np
import torch

from evaluation.validation.case import Diverged
from worldsim.simulator.water import (
    GRAVITY,
    Boundaries,
    Budget,
    Grid,
    ShallowWater,
    WaterState,
)

WIDE = 1e3
"""m; the width of a channel's single row of cells, so wide that only x limits the time step."""


class Flow:
    """Members of shallow water that go from one time to the next.

    bed, depth, momentum_x, momentum_y : (batch, ny, nx), or (nx,) for a channel one cell wide.
    blocked : cells that are walls, of the same shape.
    """

    def __init__(
        self,
        size: float | tuple[float, float],
        bed: np.ndarray,
        depth: np.ndarray,
        momentum_x: np.ndarray | None = None,
        momentum_y: np.ndarray | None = None,
        *,
        boundaries: Boundaries,
        manning: float | np.ndarray = 0.0,
        gravity: float = GRAVITY,
        blocked: np.ndarray | None = None,
    ) -> None:
        channel = np.ndim(bed) == 1
        dx, dy = size if isinstance(size, tuple) else (size, WIDE if channel else size)

        def tensor(values: np.ndarray | None, dtype: torch.dtype = torch.float64) -> torch.Tensor:
            given = np.zeros(np.shape(bed)) if values is None else values
            held = torch.as_tensor(np.array(given), dtype=dtype)
            return held[None, None] if channel else held

        self.bed = tensor(bed)
        batch, ny, nx = self.bed.shape
        assert batch >= 1
        self.grid = Grid(nx, ny, dx, dy)
        self.solver = ShallowWater(
            self.grid,
            self.bed,
            boundaries,
            gravity=gravity,
            manning=torch.as_tensor(manning, dtype=torch.float64),
        )
        self.blocked = tensor(blocked, torch.bool)
        self.state = WaterState(tensor(depth), tensor(momentum_x), tensor(momentum_y))
        self.time = 0.0

    def to(self, time: float) -> Budget:
        """Advance to `time` [s]; what acted on the water meanwhile.

        Raises
        ------
        Diverged : a member's water ceased to be finite.
        """
        self.state, budget = self.solver.advance(
            self.state, self.blocked, self.time, time - self.time
        )
        if budget.divergences:
            found = budget.divergences[0]
            raise Diverged(f"the water diverged after {found.time:g} s, member {found.member}, "
                           f"cell row {found.cell[0]}, column {found.cell[1]}")
        self.time = time
        return budget

    @property
    def depth(self) -> np.ndarray:
        """(batch, ny, nx) [m]."""
        return self.state.depth.numpy()

    @property
    def line(self) -> np.ndarray:
        """Depth along the single channel, (nx,) [m]."""
        return self.state.depth[0, 0].numpy()

    @property
    def velocity(self) -> tuple[np.ndarray, np.ndarray]:
        """u, v (batch, ny, nx) [m/s] as the solver sees them."""
        u, v = self.state.velocity()
        return u.numpy(), v.numpy()


def centres(cells: int, length: float, start: float = 0.0) -> np.ndarray:
    """Cell centres (cells,) [m] of [start, start + length]."""
    return start + (np.arange(cells) + 0.5) * (length / cells)
