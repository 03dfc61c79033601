"""A few members stepped together, each with its own time step.

Groups are small so that their fields stay in the processor's cache; since no member's numbers
depend on its group, the grouping changes nothing but the speed.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from worldsim.simulator.transport import Transport
from worldsim.simulator.water.accounts import Accounts, choose
from worldsim.simulator.water.boundary import Boundaries, Driven, Series, Wall
from worldsim.simulator.water.budget import Budget, Divergence, make_budget
from worldsim.simulator.water.flux import WALL_LEVEL
from worldsim.simulator.water.ground import Ground
from worldsim.simulator.water.layout import Layout
from worldsim.simulator.water.open_faces import Exterior, exterior, find_open_faces
from worldsim.simulator.water.solute import Solute, TracerKernels
from worldsim.simulator.water.state import Grid, WaterState
from worldsim.simulator.water.step import Kernels, runge_kutta_step, stable_boundary_step
from worldsim.simulator.water.tracer import TracerAccounts
from worldsim.simulator.water.wall import find_walls

CELLS_TOGETHER = 16384  # a field of so many cells takes 128 KiB; eagerly some 20 are in use
COMPILED_TOGETHER = 100_000  # cells; compiled, the calls' overhead weighs more than the cache


def groups(batch: int, cells: int, compiled: bool) -> Iterator[slice]:
    """Slices of members to step together; compiled, of one size if possible, else of two (each
    size is a compilation)."""
    size = max(1, (COMPILED_TOGETHER if compiled else CELLS_TOGETHER) // cells)
    if compiled and batch > size:
        even = max(n for n in range(1, size + 1) if batch % n == 0)
        size = even if 2 * even > size else math.ceil(batch / math.ceil(batch / size))
    for start in range(0, batch, size):
        yield slice(start, min(start + size, batch))


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
        transport: Transport | None,
        tracer_kernels: TracerKernels,
    ) -> None:
        self._bathymetry, self._boundaries, self._gravity = bathymetry, boundaries, gravity
        self._transport, self._tracer_kernels = transport, tracer_kernels
        self._vegetation: Tensor | None = None
        self._spacing = (grid.dx, grid.dy)
        self._layout = Layout(*bathymetry.shape)
        self._kernels = kernels
        west, east, south, north = (isinstance(c, Wall) for c in boundaries.sides())
        self._closed = (west, east, south, north)
        rough = bool((manning > 0).any())
        self._g_n_squared = gravity * (manning * manning) if rough else None
        self._blocked = torch.zeros_like(bathymetry, dtype=torch.bool)
        self._ground, self._still = self._prepare()

    def block(self, blocked: Tensor) -> None:
        """Look for the walls again if the blocked cells changed."""
        if not torch.equal(blocked, self._blocked):
            self._blocked = blocked.clone()
            self._ground, self._still = self._prepare()

    def set_bathymetry(self, bathymetry: Tensor) -> None:
        """Another bed (members, ny, nx) from now on."""
        if not torch.equal(bathymetry, self._bathymetry):
            self._bathymetry = bathymetry
            self._ground, self._still = self._prepare()

    def set_vegetation(self, vegetation: Tensor | None) -> None:
        """Drag [1/m] and height [m] (2, members, ny, nx) from now on; None, or no drag
        anywhere: bare ground."""
        self._vegetation = None
        if vegetation is not None and bool((vegetation[0] * vegetation[1] > 0).any()):
            lines = self._layout.window(self._layout.line(vegetation))
            self._vegetation = lines.contiguous()
        self._ground = self._ground._replace(vegetation=self._vegetation)

    def line(self, state: WaterState) -> Tensor:
        """The state as one tensor (3, size), or (4, size) with a tracer."""
        return self._layout.line(torch.stack(state.fields()))

    def _state(self, line: Tensor) -> WaterState:
        return WaterState(*self._layout.cells(line).unbind(0))

    def _solute(self, state: WaterState, source: Tensor | None) -> Solute | None:
        """What carries the tracer on; None where there is none and none comes."""
        if state.tracer is None or self._transport is None:
            return None
        if source is not None and not bool((source > 0).any()):
            source = None
        if source is not None:
            source = source / (self._spacing[0] * self._spacing[1])
            source = self._layout.window(self._layout.line(source.to(state.tracer.dtype)))
        elif not bool((state.tracer > 0).any()):
            return None
        return Solute(self._transport, source, self._tracer_kernels)

    def allowed(self, line: Tensor, time: Tensor, end: Tensor) -> Tensor:
        """Largest stable dt (members,) [s] at `time`, for waves that come until `end`."""
        return self._allowed(line, self._fields(line), time, end)

    def _fields(self, line: Tensor) -> Tensor:
        return torch.stack(self._kernels.primitive_fields(line[:3], self._ground.bed))

    def _allowed(self, line: Tensor, fields: Tensor, time: Tensor, end: Tensor) -> Tensor:
        layout, ground = self._layout, self._ground
        dt = self._kernels.stable_step(
            line[:3], fields, ground.bed, layout.batch, layout.row, self._spacing, self._gravity
        )
        if len(line) > 3:  # NaN where the tracer is not finite
            dt = dt + layout.per_member(0.0 * line[3]).amax(1)
        if len(ground.open_faces.cell):
            outside = self._outside(lambda series: series.peak(time, end))
            limit = stable_boundary_step(
                fields, ground.open_faces, outside, layout.batch, self._spacing, self._gravity
            )
            dt = torch.minimum(dt, limit)
        return dt.double()

    def step(
        self, state: WaterState, time: Tensor, dt: Tensor, source: Tensor | None
    ) -> tuple[WaterState, Budget]:
        """One step of each member by its own `dt` (members,) [s]; one that is not finite
        afterwards stays as it was."""
        tracer, solute = state.tracer, self._solute(state, source)
        if solute is None:
            state = replace(state, tracer=None)
        line, accounts = self.line(state), self._no_accounts(solute)
        new, booked = self._once(line, self._fields(line), time, dt, accounts, solute)
        good = self._finite(new)
        found: tuple[Divergence, ...] = ()
        if not bool(good.all()):
            found = self._divergences(~good, new, torch.zeros_like(dt).long(), time)
            new, booked = self._keep(good, (new, booked), (line, accounts))
        taken = torch.where(good, dt, 0.0)
        budget = self._budget(booked, taken, (taken > 0).long(), found, source)
        end = self._state(new)
        return (end if solute is not None else replace(end, tracer=tracer)), budget

    def advance(
        self,
        state: WaterState,
        start: float,
        duration: float,
        active: Tensor,
        source: Tensor | None,
    ) -> tuple[WaterState, Budget]:
        """Advance each `active` member (members,) by `duration` [s]; one that ceases to be
        finite stays at its last good state. `source` (members, ny, nx) [kg/s] of the tracer."""
        tracer, solute = state.tracer, self._solute(state, source)
        if solute is None:
            state = replace(state, tracer=None)
        span = torch.full(active.shape, duration, dtype=torch.float64, device=active.device)
        remaining = torch.where(active, span, 0.0)
        end = span + start
        steps = torch.zeros_like(remaining, dtype=torch.int64)
        line, accounts = self.line(state), self._no_accounts(solute)
        last = (line, accounts, steps, end - remaining)  # state before the latest step
        found: list[Divergence] = []
        taken = torch.where(active, span, 0.0)
        going = remaining > 0
        while bool(going.any()):
            time = end - remaining
            fields = self._fields(line)
            needed = torch.ceil(remaining / self._allowed(line, fields, time, end))
            bad = going & ~torch.isfinite(needed)
            if bool(bad.any()):
                found += self._divergences(bad, line, last[2], last[3])
                line, accounts = self._keep(~bad, (line, accounts), last[:2])
                steps = torch.where(bad, last[2], steps)
                taken = torch.where(bad, last[3] - start, taken)
                remaining = torch.where(bad, 0.0, remaining)
                going = remaining > 0
                continue
            final = needed <= 1
            dt = torch.where(final, remaining, remaining / needed)
            last = (line, accounts, steps, time)
            line, accounts = self._once(line, fields, time, dt, accounts, solute)
            steps = steps + going
            remaining = torch.where(final, 0.0, remaining - dt)
            going = remaining > 0
            if not bool(going.all()):
                bad = ~going & (dt > 0) & ~self._finite(line)  # those that have just arrived
                if bool(bad.any()):
                    found += self._divergences(bad, line, last[2], last[3])
                    line, accounts = self._keep(~bad, (line, accounts), last[:2])
                    steps = torch.where(bad, last[2], steps)
                    taken = torch.where(bad, last[3] - start, taken)
        budget = self._budget(accounts, taken, steps, tuple(found), source)
        new = self._state(line)
        return (new if solute is not None else replace(new, tracer=tracer)), budget

    def _finite(self, line: Tensor) -> Tensor:
        """Whether each member's state is finite, (members,)."""
        spoiled = 0.0 * (line[0] + (line[1] + line[2]))
        if len(line) > 3:
            spoiled = spoiled + 0.0 * line[3]
        return self._layout.per_member(spoiled).amax(1) == 0.0

    def _keep(
        self, good: Tensor, new: tuple[Tensor, Accounts], old: tuple[Tensor, Accounts]
    ) -> tuple[Tensor, Accounts]:
        """`new` state and accounts of the good members, `old` ones of the others."""
        line = torch.where(self._layout.each(good), new[0], old[0])
        return line, choose(good, self._ground, new[1], old[1])

    def _divergences(
        self, bad: Tensor, line: Tensor, steps: Tensor, time: Tensor
    ) -> tuple[Divergence, ...]:
        """Where the bad members' state is not finite, or else fastest."""
        state = self._state(line)
        found = []
        for member in torch.nonzero(bad)[:, 0].tolist():
            flow = state.momentum_x[member].abs() + state.momentum_y[member].abs()
            spoiled = torch.nan_to_num(state.depth[member] + flow, nan=math.inf)
            row, column = divmod(int(spoiled.argmax()), self._layout.nx)
            found.append(Divergence(member, int(steps[member]), float(time[member]), (row, column)))
        return tuple(found)

    def _prepare(self) -> tuple[Ground, Exterior | None]:
        """The ground, and what lies beyond its open faces if nothing drives them."""
        layout = self._layout
        level = torch.where(self._blocked, WALL_LEVEL, self._bathymetry)
        rough = self._g_n_squared
        if rough is not None and rough.ndim:
            rough = layout.window(layout.line(rough)).contiguous()
        ones = torch.ones_like(self._bathymetry)
        ground = Ground(
            layout=layout,
            bed=layout.line(level, WALL_LEVEL),
            inside=layout.window(layout.line(ones)).contiguous(),
            walls=find_walls(self._blocked, self._closed, self._bathymetry.dtype),
            open_faces=find_open_faces(self._boundaries, self._bathymetry, self._blocked),
            g_n_squared=rough,
            vegetation=self._vegetation,
        )
        if any(isinstance(condition, Driven) for condition in self._boundaries.sides()):
            return ground, None
        return ground, exterior(ground.open_faces, [None] * 4, self._gravity)

    def _outside(self, value: Callable[[Series], Tensor]) -> Exterior:
        """What lies beyond the open faces; always the same where nothing drives them."""
        if self._still is not None:
            return self._still
        return exterior(self._ground.open_faces, self._boundaries.targets(value), self._gravity)

    def _once(
        self,
        line: Tensor,
        fields: Tensor,
        time: Tensor,
        dt: Tensor,
        accounts: Accounts,
        solute: Solute | None,
    ) -> tuple[Tensor, Accounts]:
        return runge_kutta_step(
            line,
            fields,
            dt.to(line.dtype),
            self._ground,
            self._outside(lambda series: series.at(time)),
            self._outside(lambda series: series.at(time + dt)),
            accounts,
            self._spacing,
            self._gravity,
            self._kernels,
            solute,
        )

    def _no_accounts(self, solute: Solute | None) -> Accounts:
        ground, zeros = self._ground, self._bathymetry.new_zeros
        tracer = None
        if solute is not None:
            tracer = TracerAccounts(zeros(len(ground.open_faces.cell)), zeros(len(ground.inside)))
        return Accounts(
            tracer=tracer,
            cells=zeros(6, len(ground.inside)).unbind(0),
            sides=zeros(5, len(ground.open_faces.cell)),
            walls=zeros(3, len(ground.walls.cell)),
        )

    def _budget(
        self,
        accounts: Accounts,
        duration: Tensor,
        steps: Tensor,
        found: tuple[Divergence, ...],
        source: Tensor | None,
    ) -> Budget:
        return make_budget(accounts, self._ground, self._spacing, duration, steps, found, source)
