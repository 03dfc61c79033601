"""A few members stepped together, each with its own time step.

Groups are small so that their fields stay in the processor's cache; since no member's numbers
depend on its group, the grouping changes nothing but the speed.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from worldsim.simulator.water.boundary import (
    Boundaries,
    Boundary,
    Exterior,
    IncomingWave,
    Wall,
    exterior,
    find_open_faces,
)
from worldsim.simulator.water.budget import Budget, make_budget
from worldsim.simulator.water.flux import WALL_LEVEL
from worldsim.simulator.water.layout import Layout
from worldsim.simulator.water.state import Grid, WaterState
from worldsim.simulator.water.step import (
    Accounts,
    Ground,
    Kernels,
    runge_kutta_step,
    stable_boundary_step,
)
from worldsim.simulator.water.wall import find_walls

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
        self._layout = Layout(*bathymetry.shape)
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

    def line(self, state: WaterState) -> Tensor:
        """The state as one tensor (3, size)."""
        fields = torch.stack((state.depth, state.momentum_x, state.momentum_y))
        return self._layout.line(fields)

    def _state(self, line: Tensor) -> WaterState:
        return WaterState(*self._layout.cells(line).unbind(0))

    def allowed(self, line: Tensor, time: Tensor, end: Tensor) -> Tensor:
        """Largest stable dt (members,) [s] at `time`, for waves that come until `end`."""
        layout, ground = self._layout, self._ground
        dt = self._kernels.stable_step(
            line, ground.bed, layout.batch, layout.row, self._spacing, self._gravity
        )
        if len(ground.open_faces.cell):
            outside = self._outside(lambda wave: wave.peak(time, end))
            fields = self._kernels.primitive_fields(line, ground.bed)
            limit = stable_boundary_step(
                fields, ground.open_faces, outside, layout.batch, self._spacing, self._gravity
            )
            dt = torch.minimum(dt, limit)
        return dt

    def step(self, state: WaterState, time: Tensor, dt: Tensor) -> tuple[WaterState, Budget]:
        """One step of each member by its own `dt` (members,) [s]."""
        line, accounts = self._once(self.line(state), time, dt, self._no_accounts())
        return self._state(line), self._budget(accounts, dt, (dt > 0).to(torch.int64))

    def advance(
        self, state: WaterState, start: float, duration: float
    ) -> tuple[WaterState, Budget]:
        """Advance each member by `duration` [s]; WaterDiverged if one ceases to be finite."""
        remaining = torch.full((self._layout.batch,), duration, dtype=torch.float64)
        end = torch.full_like(remaining, start + duration)
        steps = torch.zeros_like(remaining, dtype=torch.int64)
        line, accounts = self.line(state), self._no_accounts()
        while bool((remaining > 0).any()):
            time = end - remaining
            needed = torch.ceil(remaining / self.allowed(line, time, end))
            if not bool(torch.isfinite(needed).all()):
                raise _diverged(self._state(line), time)
            last = needed <= 1
            dt = torch.where(last, remaining, remaining / needed)
            line, accounts = self._once(line, time, dt, accounts)
            steps += remaining > 0
            remaining = torch.where(last, 0.0, remaining - dt)
        if not bool(torch.isfinite(line).all()):
            raise _diverged(self._state(line), end)
        budget = self._budget(accounts, torch.full_like(end, duration), steps)
        return self._state(line), budget

    def _prepare(self) -> Ground:
        layout = self._layout
        level = torch.where(self._blocked, WALL_LEVEL, self._bathymetry)
        rough = self._g_n_squared
        if rough is not None and rough.ndim:
            rough = layout.window(layout.line(rough)).contiguous()
        ones = torch.ones_like(self._bathymetry)
        return Ground(
            layout=layout,
            bed=layout.line(level, WALL_LEVEL),
            inside=layout.window(layout.line(ones)).contiguous(),
            walls=find_walls(self._blocked, self._closed),
            open_faces=find_open_faces(self._boundaries, self._bathymetry, self._blocked),
            g_n_squared=rough,
        )

    def _outside(self, elevation: Callable[[IncomingWave], Tensor]) -> Exterior:
        """What lies beyond the open faces."""
        faces = self._ground.open_faces
        parts, start = [], 0
        for condition, count in zip(self._boundaries.sides(), faces.counts, strict=True):
            if isinstance(condition, IncomingWave):
                members = faces.member[start : start + count]
                parts.append(torch.take(elevation(condition), members))
            else:
                parts.append(torch.zeros(count, dtype=torch.float64))
            start += count
        return exterior(faces, torch.cat(parts), self._gravity)

    def _once(
        self, line: Tensor, time: Tensor, dt: Tensor, accounts: Accounts
    ) -> tuple[Tensor, Accounts]:
        return runge_kutta_step(
            line,
            dt,
            self._ground,
            self._outside(lambda wave: wave.at(time)),
            self._outside(lambda wave: wave.at(time + dt)),
            accounts,
            self._spacing,
            self._gravity,
            self._kernels,
        )

    def _no_accounts(self) -> Accounts:
        def zeros(rows: int, columns: int) -> Tensor:
            return torch.zeros((rows, columns), dtype=torch.float64)

        return Accounts(
            cells=list(zeros(6, len(self._ground.inside))),
            sides=zeros(4, len(self._ground.open_faces.cell)),
            walls=zeros(3, len(self._ground.walls.cell)),
        )

    def _budget(self, accounts: Accounts, duration: Tensor, steps: Tensor) -> Budget:
        return make_budget(accounts, self._ground, self._spacing, duration, steps)


def _diverged(state: WaterState, time: Tensor) -> WaterDiverged:
    finite = torch.isfinite(state.depth + (state.momentum_x + state.momentum_y))
    member, row, column = torch.nonzero(~finite)[0].tolist()
    return WaterDiverged(float(time[member]), member, (row, column))
