"""A few members stepped together, each with its own time step.

Groups are small so that their fields stay in the processor's cache; since no member's numbers
depend on its group, the grouping changes nothing but the speed.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from worldsim.simulator.water_boundary import (
    Boundaries,
    Boundary,
    Exterior,
    IncomingWave,
    Wall,
    edge,
    exterior,
)
from worldsim.simulator.water_budget import Budget, make_budget
from worldsim.simulator.water_flux import PAD, WALL_LEVEL
from worldsim.simulator.water_state import Grid, WaterState
from worldsim.simulator.water_step import Accounts, Ground, Kernels, Outside, runge_kutta_step
from worldsim.simulator.water_wall import find_walls

CELLS_TOGETHER = 16384  # a field of so many cells takes 128 KiB; eagerly some 20 are in use
COMPILED_TOGETHER = 8  # members; a compiled kernel keeps its temporaries in registers


class WaterDiverged(RuntimeError):
    """The water's state is no longer finite: the solver, not the input, is at fault.

    `time` [s] at which it was found, `member`, `cell` (row, column).
    """

    def __init__(self, time: float, member: int, cell: tuple[int, int]) -> None:
        self.time, self.member, self.cell = time, member, cell
        super().__init__(
            f"water is not finite at time {time:.6g} s, member {member}, "
            f"cell row {cell[0]}, column {cell[1]}"
        )


def groups(batch: int, cells: int, compiled: bool) -> Iterator[slice]:
    """Slices of members to step together; compiled, all of one size (one compilation)."""
    size = max(1, CELLS_TOGETHER // cells)
    if compiled:
        size = max(n for n in range(1, COMPILED_TOGETHER + 1) if batch % n == 0)
    for start in range(0, batch, size):
        yield slice(start, min(start + size, batch))


def boundaries_of(boundaries: Boundaries, members: slice) -> Boundaries:
    """The boundaries with only those members' waves."""

    def part(condition: Boundary) -> Boundary:
        if not isinstance(condition, IncomingWave):
            return condition
        return IncomingWave(condition.times, condition.elevation[members], condition.level)

    west, east, south, north = (part(condition) for condition in boundaries.sides())
    return Boundaries(west, east, south, north)


class Members:
    """Shallow water over a group's grounds; inputs have been checked."""

    def __init__(
        self,
        grid: Grid,
        bathymetry: Tensor,
        boundaries: Boundaries,
        gravity: float,
        manning: Tensor,
        kernels: Kernels,
    ) -> None:
        self._bathymetry, self._boundaries, self._gravity = bathymetry, boundaries, gravity
        self._spacing = (grid.dx, grid.dy)
        self._kernels = kernels
        west, east, south, north = (isinstance(c, Wall) for c in boundaries.sides())
        self._closed = (west, east, south, north)
        rough = bool((manning > 0).any())
        self._g_n_squared = gravity * (manning * manning) if rough else None
        self._blocked = torch.zeros_like(bathymetry, dtype=torch.bool)
        self._ground = self._prepare()

    def block(self, blocked: Tensor) -> None:
        """Look for the walls again if the blocked cells changed."""
        if not torch.equal(blocked, self._blocked):
            self._blocked = blocked.clone()
            self._ground = self._prepare()

    def allowed(self, state: WaterState, time: Tensor, end: Tensor) -> Tensor:
        """Largest stable dt (members,) [s] at `time`, for waves that come until `end`."""
        return self._kernels.stable_step(
            (state.depth, state.momentum_x, state.momentum_y),
            self._ground.bed,
            self._outside(lambda wave: wave.peak(time, end)),
            self._spacing,
            self._gravity,
        )

    def step(self, state: WaterState, time: Tensor, dt: Tensor) -> tuple[WaterState, Budget]:
        """One step of each member by its own `dt` (members,) [s]."""
        state, accounts = self._once(state, time, dt, self._no_accounts())
        return state, self._budget(accounts, dt, (dt > 0).to(torch.int64))

    def advance(
        self, state: WaterState, start: float, duration: float
    ) -> tuple[WaterState, Budget]:
        """Advance each member by `duration` [s]; WaterDiverged if one ceases to be finite."""
        remaining = torch.full((len(self._bathymetry),), duration, dtype=torch.float64)
        end = torch.full_like(remaining, start + duration)
        steps = torch.zeros_like(remaining, dtype=torch.int64)
        accounts = self._no_accounts()
        while bool((remaining > 0).any()):
            time = end - remaining
            needed = torch.ceil(remaining / self.allowed(state, time, end))
            if not bool(torch.isfinite(needed).all()):
                raise _diverged(state, time)
            last = needed <= 1
            dt = torch.where(last, remaining, remaining / needed)
            state, accounts = self._once(state, time, dt, accounts)
            steps += remaining > 0
            remaining = torch.where(last, 0.0, remaining - dt)
        if not bool(torch.isfinite(state.depth + (state.momentum_x + state.momentum_y)).all()):
            raise _diverged(state, end)
        return state, self._budget(accounts, torch.full_like(end, duration), steps)

    def _prepare(self) -> Ground:
        level = torch.where(self._blocked, WALL_LEVEL, self._bathymetry)
        return Ground(
            bed=torch.nn.functional.pad(level, (PAD, PAD, PAD, PAD), value=WALL_LEVEL),
            walls=find_walls(self._blocked, self._closed),
            g_n_squared=self._g_n_squared,
        )

    def _outside(self, elevation: Callable[[IncomingWave], Tensor]) -> Outside:
        """The exterior of each side that is not a wall."""
        bed = self._ground.bed[:, PAD:-PAD, PAD:-PAD]
        states: list[Exterior | None] = []
        for side, condition in enumerate(self._boundaries.sides()):
            if isinstance(condition, Wall):
                states.append(None)
                continue
            wave = elevation(condition) if isinstance(condition, IncomingWave) else None
            states.append(exterior(condition, edge(bed, side), wave, self._gravity))
        return (states[0], states[1], states[2], states[3])

    def _once(
        self, state: WaterState, time: Tensor, dt: Tensor, accounts: Accounts
    ) -> tuple[WaterState, Accounts]:
        new, accounts = runge_kutta_step(
            (state.depth, state.momentum_x, state.momentum_y),
            dt,
            self._ground,
            self._outside(lambda wave: wave.at(time)),
            self._outside(lambda wave: wave.at(time + dt)),
            accounts,
            self._spacing,
            self._gravity,
            self._kernels,
        )
        return WaterState(*new), accounts

    def _no_accounts(self) -> Accounts:
        batch, ny, nx = self._bathymetry.shape
        edges = ((4, batch, ny, 1), (4, batch, ny, 1), (4, batch, 1, nx), (4, batch, 1, nx))
        return Accounts(
            cells=torch.zeros((6, batch, ny, nx), dtype=torch.float64),
            sides=[
                None if wall else torch.zeros(shape, dtype=torch.float64)
                for wall, shape in zip(self._closed, edges, strict=True)
            ],
            walls=torch.zeros((3, self._ground.walls.cell.numel()), dtype=torch.float64),
        )

    def _budget(self, accounts: Accounts, duration: Tensor, steps: Tensor) -> Budget:
        return make_budget(accounts, self._ground.walls, self._spacing, duration, steps)


def _diverged(state: WaterState, time: Tensor) -> WaterDiverged:
    finite = torch.isfinite(state.depth + (state.momentum_x + state.momentum_y))
    member, row, column = torch.nonzero(~finite)[0].tolist()
    return WaterDiverged(float(time[member]), member, (row, column))
