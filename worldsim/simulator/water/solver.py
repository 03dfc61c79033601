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
from worldsim.simulator.water.boundary import Boundaries
from worldsim.simulator.water.budget import Budget
from worldsim.simulator.water.compiled import compiled_kernels
from worldsim.simulator.water.members import Members, groups
from worldsim.simulator.water.state import Grid, WaterState, check_ground, check_state
from worldsim.simulator.water.step import Kernels

MANNING = 0.025  # s m-1/3, firm soil, clean earth channel (Chow 1959, table 5-6)
ALL_WALLS = Boundaries()


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

    Parameters: `bathymetry` (batch, ny, nx) [m] upward, float64 or float32, on any device: all
    else follows its type and device; `boundaries` a condition per side; `gravity` [m s-2];
    `manning` [s m-1/3], a number or a field broadcastable to (batch, ny, nx); `compiled` runs the
    kernels through torch.compile (needs a C++ compiler; the first step of each shape takes a
    while). `backend` is "eager" or "compiled".

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
    ) -> None:
        check_ground(grid, bathymetry, boundaries, gravity, manning)
        self.grid, self.boundaries, self.gravity = grid, boundaries, float(gravity)
        self.bathymetry = bathymetry.detach().clone().contiguous()
        self.backend = "compiled" if compiled else "eager"
        kernels = compiled_kernels() if compiled else Kernels()
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
                ),
            )
            for part in groups(self.batch, grid.nx * grid.ny, compiled)
        ]

    @property
    def batch(self) -> int:
        """Number of members."""
        return self.bathymetry.shape[0]

    def advance(
        self,
        state: WaterState,
        blocked: Tensor,
        start: float,
        duration: float,
        active: Tensor | None = None,
    ) -> tuple[WaterState, Budget]:
        """Advance every member by exactly `duration` [s] from time `start` [s].

        Each member takes its own number of sub-steps: ceil(remaining / stable step), measured
        again before each. `blocked` (batch, ny, nx) bool: cells that hold no water and reflect.
        Members where `active` (batch,) bool is False stay bit for bit as they are. A member that
        ceases to be finite stays at its last good state and is marked in the budget's `diverged`
        and `divergences`; the others go on, with the bits that they would have without it.

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
            lambda members, part, s: members.advance(s, start, duration, active[part]),
        )

    def step(
        self, state: WaterState, blocked: Tensor, time: Tensor, dt: Tensor
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
            state, blocked, lambda members, part, s: members.step(s, time[part], dt[part])
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
        work: Callable[[Members, slice, WaterState], tuple[WaterState, Budget]],
    ) -> tuple[WaterState, Budget]:
        check_state(self.bathymetry, state, blocked)
        states, budgets = [], []
        with torch.no_grad():
            for part, members in self._groups:
                members.block(blocked[part])
                new, budget = work(members, part, state.members(part))
                states.append(new)
                budgets.append(budget)
            return WaterState.join(states), Budget.join(budgets)
