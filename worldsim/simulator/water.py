"""The water: two-dimensional shallow-water flow over a dry or flooded, built-up ground.

Many independent members share one grid and one tensor (batch, ny, nx), each with its own bed,
blocked cells, incoming wave and time step, so that a member's numbers are the same, bit for bit,
alone and in any batch. Rows are y (north = +y = last row), columns are x (east = last column).

Left out by shallow water: dispersion, vertical acceleration, overtopping jets, air, scour.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from worldsim.errors import InputError
from worldsim.simulator.water_boundary import (
    Boundaries,
    Boundary,
    Exterior,
    IncomingWave,
    Open,
    Wall,
    edge,
    exterior,
)
from worldsim.simulator.water_budget import SEAWATER_DENSITY, Budget, make_budget, total
from worldsim.simulator.water_compile import EAGER, compiled_functions
from worldsim.simulator.water_flux import DRY_DEPTH, WALL_LEVEL
from worldsim.simulator.water_state import Grid, WaterState, check_ground, check_state, lake_at_rest
from worldsim.simulator.water_step import Accounts, Ground, Outside
from worldsim.simulator.water_wall import find_walls

__all__ = [
    "DRY_DEPTH",
    "GRAVITY",
    "SEAWATER_DENSITY",
    "Boundaries",
    "Boundary",
    "Budget",
    "Grid",
    "IncomingWave",
    "Open",
    "ShallowWater",
    "Wall",
    "WaterDiverged",
    "WaterState",
    "lake_at_rest",
    "open_cells",
    "total",
]

GRAVITY = 9.80665  # m s-2, standard gravity (3rd CGPM, 1901)
ALL_WALLS = Boundaries()
MANNING = 0.025  # s m-1/3, firm soil, clean earth channel (Chow 1959, table 5-6)


class WaterDiverged(RuntimeError):
    """The water's state is no longer finite: the solver, not the input, is at fault."""


def open_cells(state: WaterState, blocked: Tensor, cells: Tensor) -> tuple[WaterState, Tensor]:
    """Unblock `cells` (batch, ny, nx) bool: they become dry ground, the mass is unchanged.

    Returns the state and the new blocked cells. InputError if a cell was not blocked.
    """
    if bool((cells & ~blocked).any()):
        raise InputError("open_cells: some of the cells are not blocked; open only blocked ones")
    dry = [x.masked_fill(cells, 0.0) for x in (state.depth, state.momentum_x, state.momentum_y)]
    return WaterState(*dry), blocked & ~cells


class ShallowWater:
    """Shallow water over one batch of grounds.

    Parameters: `bathymetry` (batch, ny, nx) [m] upward, float64; `boundaries` a condition per
    side; `gravity` [m s-2]; `manning` [s m-1/3], a number or a field broadcastable to
    (batch, ny, nx); `compiled` runs the step through torch.compile (needs a C++ compiler; the
    first step of each shape takes a while). `backend` is "eager" or "compiled".

    Second order in space and time on smooth flow; see water_flux.py for the scheme.
    Errors: InputError for values that cannot be used.
    """

    def __init__(
        self,
        grid: Grid,
        bathymetry: Tensor,
        boundaries: Boundaries = ALL_WALLS,
        *,
        gravity: float = GRAVITY,
        manning: float | Tensor = MANNING,
        compiled: bool = False,
    ) -> None:
        check_ground(grid, bathymetry, boundaries, gravity, manning)
        self.grid, self.boundaries, self.gravity = grid, boundaries, float(gravity)
        self.bathymetry = bathymetry.detach().clone().contiguous()
        self.backend = "compiled" if compiled else "eager"
        n = torch.as_tensor(manning, dtype=torch.float64)
        self._g_n_squared = self.gravity * n * n if bool((n > 0).any()) else None
        self._closed = [isinstance(side, Wall) for side in boundaries.sides()]
        self._step, self._stable_step = compiled_functions() if compiled else EAGER
        self._blocked = torch.zeros_like(bathymetry, dtype=torch.bool)
        self._ground = self._prepare(self._blocked)

    @property
    def batch(self) -> int:
        """Number of members."""
        return self.bathymetry.shape[0]

    def step(
        self, state: WaterState, blocked: Tensor, time: Tensor, dt: Tensor
    ) -> tuple[WaterState, Budget]:
        """One second-order step of each member by its own `dt` (batch,) [s] from `time` (batch,).

        dt = 0 leaves a member bit for bit unchanged. dt must not exceed `stable_step`.
        """
        with torch.no_grad():
            self._use(state, blocked)
            state, accounts = self._once(state, time, dt, self._no_accounts())
            return state, self._budget(accounts, dt, (dt > 0).to(torch.int64))

    def stable_step(self, state: WaterState, blocked: Tensor, time: Tensor, end: Tensor) -> Tensor:
        """Largest stable dt (batch,) [s] for a step between `time` and `end` (batch,) [s]."""
        with torch.no_grad():
            self._use(state, blocked)
            return self._allowed(state, time, end)

    def advance(
        self, state: WaterState, blocked: Tensor, start: float, duration: float
    ) -> tuple[WaterState, Budget]:
        """Advance every member by exactly `duration` [s] from time `start` [s].

        Each member takes its own number of sub-steps: ceil(remaining / stable step), measured
        again before each. `blocked` (batch, ny, nx) bool: cells that hold no water and reflect.

        Errors: InputError for unusable input; WaterDiverged if a member ceases to be finite.
        """
        if not (math.isfinite(start) and math.isfinite(duration) and duration > 0):
            raise InputError(f"advance from {start} s by {duration} s: give a duration above 0 s")
        with torch.no_grad():
            self._use(state, blocked)
            end = torch.full((self.batch,), start + duration, dtype=torch.float64)
            remaining = torch.full_like(end, duration)
            steps = torch.zeros(self.batch, dtype=torch.int64)
            accounts = self._no_accounts()
            while bool((remaining > 0).any()):
                time = end - remaining
                needed = torch.ceil(remaining / self._allowed(state, time, end))
                if not bool(torch.isfinite(needed).all()):
                    raise _diverged(state, time)
                last = needed <= 1
                dt = torch.where(last, remaining, remaining / needed)
                state, accounts = self._once(state, time, dt, accounts)
                steps += remaining > 0
                remaining = torch.where(last, 0.0, remaining - dt)
            if not bool(torch.isfinite(state.depth + state.momentum_x + state.momentum_y).all()):
                raise _diverged(state, end)
            return state, self._budget(accounts, torch.full_like(end, duration), steps)

    def _use(self, state: WaterState, blocked: Tensor) -> None:
        """Check the state; look for the walls again if the blocked cells changed."""
        check_state(self.bathymetry, state, blocked)
        if not torch.equal(blocked, self._blocked):
            self._blocked = blocked.clone()
            self._ground = self._prepare(self._blocked)

    def _prepare(self, blocked: Tensor) -> Ground:
        pad = 512 if self.backend == "compiled" else 1
        return Ground(
            bed=torch.where(blocked, WALL_LEVEL, self.bathymetry),
            walls_x=find_walls(blocked, -1, (self._closed[0], self._closed[1]), pad),
            walls_y=find_walls(blocked, -2, (self._closed[2], self._closed[3]), pad),
            g_n_squared=self._g_n_squared,
        )

    def _outside(self, elevation: Callable[[IncomingWave], Tensor]) -> Outside:
        """The exterior of each side that is not a wall."""
        states: list[Exterior | None] = []
        for side, condition in enumerate(self.boundaries.sides()):
            if isinstance(condition, Wall):
                states.append(None)
                continue
            wave = elevation(condition) if isinstance(condition, IncomingWave) else None
            states.append(exterior(condition, edge(self._ground.bed, side), wave, self.gravity))
        return (states[0], states[1], states[2], states[3])

    def _spacing(self) -> tuple[float, float]:
        return (self.grid.dx, self.grid.dy)

    def _allowed(self, state: WaterState, time: Tensor, end: Tensor) -> Tensor:
        return self._stable_step(
            state.depth, state.momentum_x, state.momentum_y, self._ground,
            self._outside(lambda wave: wave.peak(time, end)), self._spacing(), self.gravity,
        )  # fmt: skip

    def _once(
        self, state: WaterState, time: Tensor, dt: Tensor, accounts: Accounts
    ) -> tuple[WaterState, Accounts]:
        depth, momentum_x, momentum_y, accounts = self._step(
            state.depth, state.momentum_x, state.momentum_y, dt, self._ground,
            self._outside(lambda wave: wave.at(time)),
            self._outside(lambda wave: wave.at(time + dt)),
            accounts, self._spacing(), self.gravity,
        )  # fmt: skip
        return WaterState(depth, momentum_x, momentum_y), accounts

    def _no_accounts(self) -> Accounts:
        batch, ny, nx = self.bathymetry.shape

        def zeros(*shape: int) -> Tensor:
            return torch.zeros(shape, dtype=torch.float64)

        cells, column, row = (2, batch, ny, nx), (3, batch, ny, 1), (3, batch, 1, nx)
        return Accounts(
            bed=zeros(*cells), friction=zeros(*cells), cleanup=zeros(*cells),
            west=zeros(*column), east=zeros(*column), south=zeros(*row), north=zeros(*row),
            walls_x=zeros(2, 2, self._ground.walls_x.cell.numel()),
            walls_y=zeros(2, 2, self._ground.walls_y.cell.numel()),
        )  # fmt: skip

    def _budget(self, accounts: Accounts, duration: Tensor, steps: Tensor) -> Budget:
        walls = (self._ground.walls_x, self._ground.walls_y)
        return make_budget(accounts, walls, self._spacing(), duration, steps)


def _diverged(state: WaterState, time: Tensor) -> WaterDiverged:
    finite = torch.isfinite(state.depth + state.momentum_x + state.momentum_y)
    member, row, column = torch.nonzero(~finite)[0].tolist()
    return WaterDiverged(
        f"water is not finite at time {float(time[member]):.6g} s, member {member}, "
        f"cell row {row}, column {column}"
    )
