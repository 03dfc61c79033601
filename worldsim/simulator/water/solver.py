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
from worldsim.simulator.constants import GRAVITY
from worldsim.simulator.transport import Transport
from worldsim.simulator.water.boundary import Boundaries
from worldsim.simulator.water.budget import Budget
from worldsim.simulator.water.compiled import compiled_kernels, compiled_tracer_kernels
from worldsim.simulator.water.members import Members, groups
from worldsim.simulator.water.solute import TracerKernels
from worldsim.simulator.water.state import (
    Grid,
    WaterState,
    check_ground,
    check_source,
    check_state,
    check_vegetation,
)
from worldsim.simulator.water.step import Kernels

MANNING = 0.025  # s m-1/3, firm soil, clean earth channel (Chow 1959, table 5-6)
ALL_WALLS = Boundaries()


def open_cells(state: WaterState, blocked: Tensor, cells: Tensor) -> tuple[WaterState, Tensor]:
    """Unblock `cells` (batch, ny, nx) bool: they become dry ground, the mass is unchanged.

    Returns the state and the new blocked cells. InputError if a cell was not blocked.
    """
    if bool((cells & ~blocked).any()):
        raise InputError("open_cells: some of the cells are not blocked; open only blocked ones")
    dry = [x.masked_fill(cells, 0.0) for x in state.fields()]
    return WaterState(*dry), blocked & ~cells


class ShallowWater:
    """Shallow water over one batch of grounds.

    Parameters: `bathymetry` (batch, ny, nx) [m] upward, float64 or float32, on any device: all
    else follows its type and device; `boundaries` a condition per side; `gravity` [m s-2];
    `manning` [s m-1/3], a number or a field broadcastable to (batch, ny, nx); `compiled` runs the
    kernels through torch.compile (needs a C++ compiler; the first step of each shape takes a
    while). `backend` is "eager" or "compiled". `transport`: how the state's `tracer`, if it has
    one, spreads and decays; it does not act on the water, whose numbers stay the same.

    Second order in space and time on smooth flow; see flux.py for the scheme. Bit for bit equal
    results, alone and in a batch, hold on the CPU; a GPU adds the budget's faces in any order.
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
        transport: Transport | None = None,
    ) -> None:
        check_ground(grid, bathymetry, boundaries, gravity, manning)
        self.transport, self._manning = transport, manning
        self.grid, self.boundaries, self.gravity = grid, boundaries, float(gravity)
        self.bathymetry = bathymetry.detach().clone().contiguous()
        self.backend = "compiled" if compiled else "eager"
        kernels = compiled_kernels() if compiled else Kernels()
        with_tracer = compiled and transport is not None
        tracer_kernels = compiled_tracer_kernels() if with_tracer else TracerKernels()
        n = torch.as_tensor(manning, dtype=bathymetry.dtype, device=bathymetry.device)
        if n.ndim:
            n = n.expand_as(bathymetry).contiguous()
        self._groups = [
            (
                part,
                Members(
                    grid,
                    self.bathymetry[part],
                    boundaries.of(part, self.batch, bathymetry.device),
                    self.gravity,
                    n[part] if n.ndim else n,
                    kernels,
                    transport,
                    tracer_kernels,
                ),
            )
            for part in groups(self.batch, grid.nx * grid.ny, compiled)
        ]

    @property
    def batch(self) -> int:
        """Number of members."""
        return self.bathymetry.shape[0]

    def set_bathymetry(self, bathymetry: Tensor) -> None:
        """Another bed (batch, ny, nx) [m] from now on: a seawall falls, a mound slides.

        States keep their depth and momentum, so that volume and momentum are conserved; their
        surface, and with it their potential energy, moves with the bed.
        Errors: InputError as for the first bed, or if the shape, type or device differs.
        """
        check_ground(self.grid, bathymetry, self.boundaries, self.gravity, self._manning)
        old = self.bathymetry
        if bathymetry.shape != old.shape or bathymetry.dtype != old.dtype:
            raise InputError(
                f"bathymetry is {bathymetry.dtype} {tuple(bathymetry.shape)}; give "
                f"{old.dtype} {tuple(old.shape)} like the one it replaces"
            )
        self.bathymetry = bathymetry.detach().clone().contiguous().to(old.device)
        for part, members in self._groups:
            members.set_bathymetry(self.bathymetry[part])

    def set_vegetation(self, drag: Tensor | None, height: Tensor | None = None) -> None:
        """Stems that stand in the water from now on, (batch, ny, nx) each; None: bare ground.

        `drag` [1/m] is C_D n d / 2 with n stems per m2 of diameter d [m]: water of speed u loses
        u^2 times it per time over the depth that they fill, min(1, height/h). `height` [m].
        What the stems take from the water's momentum is booked as friction.
        Errors: InputError for shapes that differ from the bathymetry's, negative or infinite
        values, or one of the two alone.
        """
        if (drag is None) != (height is None):
            raise InputError("vegetation: give both its drag and its height, or neither")
        plants = None
        if drag is not None and height is not None:
            check_vegetation(drag, height, self.bathymetry)
            plants = torch.stack((drag, height)).to(self.bathymetry)
        for part, members in self._groups:
            members.set_vegetation(None if plants is None else plants[:, part])

    def advance(
        self,
        state: WaterState,
        blocked: Tensor,
        start: float,
        duration: float,
        active: Tensor | None = None,
        source: Tensor | None = None,
    ) -> tuple[WaterState, Budget]:
        """Advance every member by exactly `duration` [s] from time `start` [s].

        Each member takes its own number of sub-steps: ceil(remaining / stable step), measured
        again before each. `blocked` (batch, ny, nx) bool: cells that hold no water and reflect.
        Members where `active` (batch,) bool is False stay bit for bit as they are. A member that
        ceases to be finite stays at its last good state and is marked in the budget's `diverged`
        and `divergences`; the others go on, with the bits that they would have without it.
        `source` (batch, ny, nx) [kg/s] is what flows into each cell of the tracer.

        Errors: InputError for unusable input.
        """
        if not (math.isfinite(start) and math.isfinite(duration) and duration > 0):
            raise InputError(f"advance from {start} s by {duration} s: give a duration above 0 s")
        if active is None:
            active = torch.ones(self.batch, dtype=torch.bool, device=self.bathymetry.device)
        if active.shape != (self.batch,) or active.dtype != torch.bool:
            raise InputError(
                f"active is {active.dtype} {tuple(active.shape)}; give bool ({self.batch},)"
            )
        return self._all(
            state,
            blocked,
            source,
            lambda members, part, s, flow: members.advance(s, start, duration, active[part], flow),
        )

    def step(
        self,
        state: WaterState,
        blocked: Tensor,
        time: Tensor,
        dt: Tensor,
        source: Tensor | None = None,
    ) -> tuple[WaterState, Budget]:
        """One second-order step of each member by its own `dt` (batch,) [s] from `time` (batch,).

        dt = 0 leaves a member bit for bit unchanged. A member that is not finite afterwards is
        treated as in `advance`.

        Errors: InputError for unusable input, also if dt is negative, not finite or above
        `stable_step`.
        """
        time, dt = (x.to(self.bathymetry.device, torch.float64) for x in (time, dt))
        if time.shape != (self.batch,) or dt.shape != (self.batch,):
            raise InputError(
                f"step: time {tuple(time.shape)} and dt {tuple(dt.shape)} must both be of shape "
                f"({self.batch},)"
            )
        if not bool((torch.isfinite(dt) & (dt >= 0) & torch.isfinite(time)).all()):
            raise InputError(f"step: dt of {dt.tolist()} s and time must be finite, dt >= 0 s")
        limit = self.stable_step(state, blocked, time, time + dt)
        if bool((dt > limit).any()):
            worst = int((dt / limit).argmax())
            raise InputError(
                f"step: dt of {float(dt[worst]):g} s for member {worst} exceeds the stable "
                f"{float(limit[worst]):g} s; use a smaller dt, or `advance`"
            )
        return self._all(
            state,
            blocked,
            source,
            lambda members, part, s, flow: members.step(s, time[part], dt[part], flow),
        )

    def stable_step(self, state: WaterState, blocked: Tensor, time: Tensor, end: Tensor) -> Tensor:
        """Largest stable dt (batch,) [s] for a step between `time` and `end` (batch,) [s]."""
        check_state(self.bathymetry, state, blocked)
        with torch.no_grad():
            found = []
            for part, members in self._groups:
                members.block(blocked[part])
                found.append(
                    members.allowed(members.line(state.members(part)), time[part], end[part])
                )
            return torch.cat(found)

    def _all(
        self,
        state: WaterState,
        blocked: Tensor,
        source: Tensor | None,
        work: Callable[[Members, slice, WaterState, Tensor | None], tuple[WaterState, Budget]],
    ) -> tuple[WaterState, Budget]:
        check_state(self.bathymetry, state, blocked)
        if state.tracer is not None and self.transport is None:
            raise InputError("the water state has a tracer; give ShallowWater a transport for it")
        if source is not None:
            if state.tracer is None:
                raise InputError("a source of tracer needs a state with a tracer, if only of zeros")
            check_source(source, self.bathymetry, blocked)
        states, budgets = [], []
        with torch.no_grad():
            for part, members in self._groups:
                members.block(blocked[part])
                flow = None if source is None else source[part]
                new, budget = work(members, part, state.members(part), flow)
                states.append(new)
                budgets.append(budget)
            return WaterState.join(states), Budget.join(budgets)
