"""The water's grid and state, and what makes a ground or a state unusable."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from worldsim.errors import InputError
from worldsim.simulator.water.boundary import (
    SIDES,
    Boundaries,
    Driven,
    Elevation,
    IncomingWave,
    edge_cells,
)
from worldsim.simulator.water.flux import DRY_DEPTH, WALL_LEVEL, inverse_depth
from worldsim.simulator.water.tracer import concentration


@dataclass(frozen=True)
class Grid:
    """A regular grid of ny rows and nx columns of cells, dx by dy [m]."""

    nx: int
    ny: int
    dx: float
    dy: float

    def __post_init__(self) -> None:
        if self.nx < 1 or self.ny < 1:
            raise InputError(f"grid of {self.nx} x {self.ny} cells: give at least 1 each way")
        for name, size in (("dx", self.dx), ("dy", self.dy)):
            if not (math.isfinite(size) and size > 0):
                raise InputError(f"cell size {name} = {size} m must be finite and above 0 m")


@dataclass(frozen=True, eq=False)
class WaterState:
    """Depth h [m] and momentum per area and density h u, h v [m2 s-1]; (batch, ny, nx), of the
    bathymetry's type and device. `tracer`: a dissolved tracer's mass per area h C [kg m-2], of
    the same kind, or None. Mass on dry ground stays there until water takes it up."""

    depth: Tensor
    momentum_x: Tensor
    momentum_y: Tensor
    tracer: Tensor | None = None

    def fields(self) -> tuple[Tensor, ...]:
        """Depth, momenta and, if there is one, the tracer."""
        water = (self.depth, self.momentum_x, self.momentum_y)
        return water if self.tracer is None else (*water, self.tracer)

    def members(self, part: slice) -> "WaterState":
        """Only those members (views)."""
        return WaterState(*(field[part] for field in self.fields()))

    @staticmethod
    def join(parts: "list[WaterState]") -> "WaterState":
        """One state of the members of several, in order."""
        together = zip(*(part.fields() for part in parts), strict=True)
        return WaterState(*(torch.cat(fields) for fields in together))

    def concentration(self) -> Tensor:
        """C [kg m-3] of the tracer as the solver sees it: 0 where dry."""
        assert self.tracer is not None, "this water has no tracer"
        return concentration(self.tracer, torch.where(self.depth > DRY_DEPTH, self.depth, 0.0))

    def velocity(self) -> tuple[Tensor, Tensor]:
        """u, v [m/s] as the solver sees them: 0 where dry, damped in films below 0.1 mm."""
        inverse = inverse_depth(torch.where(self.depth > DRY_DEPTH, self.depth, 0.0))
        return self.momentum_x * inverse, self.momentum_y * inverse


def lake_at_rest(bathymetry: Tensor, blocked: Tensor, level: float = 0.0) -> WaterState:
    """Still water up to `level` [m] wherever the ground is lower and not blocked."""
    depth = torch.where(blocked, 0.0, (level - bathymetry).clamp(min=0.0))
    return WaterState(depth, torch.zeros_like(depth), torch.zeros_like(depth))


def check_ground(
    grid: Grid,
    bathymetry: Tensor,
    boundaries: Boundaries,
    gravity: float,
    manning: float | Tensor,
) -> None:
    """InputError unless shapes fit and values are finite and in their physical range."""
    bed = bathymetry
    if bed.ndim != 3 or tuple(bed.shape[1:]) != (grid.ny, grid.nx) or bed.shape[0] < 1:
        raise InputError(
            f"bathymetry of shape {tuple(bed.shape)} does not fit the grid; "
            f"give (batch, {grid.ny}, {grid.nx})"
        )
    if bed.dtype not in (torch.float64, torch.float32):
        raise InputError(f"bathymetry is {bed.dtype}; give float64, or float32 for half the memory")
    if not bool(torch.isfinite(bed).all()):
        raise InputError("bathymetry [m] holds NaN or infinite values; fill them")
    if float(bed.abs().max()) > 0.01 * WALL_LEVEL:
        raise InputError(f"bathymetry must lie within +-{0.01 * WALL_LEVEL:g} m")
    if not (math.isfinite(gravity) and gravity > 0):
        raise InputError(f"gravity {gravity} m/s2 must be finite and above 0 m/s2")
    n = torch.as_tensor(manning, dtype=torch.float64, device=bed.device)
    if not bool((torch.isfinite(n) & (n >= 0)).all()):
        raise InputError("manning [s m-1/3] must be finite and not negative")
    fits = n.ndim <= 3 and all(
        a in (1, b) for a, b in zip(reversed(n.shape), reversed(bed.shape), strict=False)
    )
    if not fits:
        raise InputError(
            f"manning of shape {tuple(n.shape)} does not broadcast to {tuple(bed.shape)}"
        )
    for side, condition in enumerate(boundaries.sides()):
        at_edge = edge_cells(torch.ones_like(bed) > 0, side)
        if isinstance(condition, Driven):
            rows = condition.series.values.shape[0]
            if rows not in (1, bed.shape[0]):
                raise InputError(
                    f"the series in the {SIDES[side]} has {rows} rows of elevation or flux for "
                    f"{bed.shape[0]} members; give one each, or one for all"
                )
        if isinstance(condition, IncomingWave):
            _check_wave(SIDES[side], condition, bed, at_edge)
        if isinstance(condition, Elevation):
            _check_elevation(SIDES[side], condition, bed, at_edge)


def _check_elevation(name: str, condition: Elevation, bed: Tensor, at_edge: Tensor) -> None:
    lowest = torch.where(at_edge, bed, math.inf).amin((1, 2))
    drained = condition.elevation.amin(1).to(bed.device) <= lowest
    if bool(drained.any()):
        raise InputError(
            f"prescribed elevation in the {name}: {float(condition.elevation.min()):g} m lies "
            f"below the bed everywhere along that side, whose lowest point is "
            f"{float(lowest[drained].min()):g} m, and would drain the basin; prescribe more, or "
            "use an open side"
        )


def _check_wave(name: str, wave: IncomingWave, bed: Tensor, at_edge: Tensor) -> None:
    still = torch.where(at_edge, wave.level - bed, math.inf).amin((1, 2))
    if float(still.min()) <= 0:
        raise InputError(
            f"incoming wave in the {name}: the bed rises to the still water's level there; "
            "lower it below the level along that side"
        )
    trough = wave.elevation.amin(1).to(bed.device)
    if bool((still + trough <= 0).any()):
        raise InputError(
            f"incoming wave in the {name}: its trough of {float(trough.min()):g} m reaches the "
            f"bed, {float(still.min()):g} m below still water; use a shallower trough"
        )


def check_state(bathymetry: Tensor, state: WaterState, blocked: Tensor) -> None:
    """InputError unless the state and the blocked cells are usable over `bathymetry`."""
    names = ("depth", "momentum_x", "momentum_y", "tracer")
    for name, field in zip(names, state.fields(), strict=False):
        if field.shape != bathymetry.shape or field.dtype != bathymetry.dtype:
            raise InputError(
                f"water {name} is {field.dtype} {tuple(field.shape)}; "
                f"give {bathymetry.dtype} {tuple(bathymetry.shape)} like the bathymetry"
            )
        if field.device != bathymetry.device:
            raise InputError(
                f"water {name} is on {field.device}; move it to {bathymetry.device}, where the "
                "bathymetry is"
            )
    if blocked.shape != bathymetry.shape or blocked.dtype != torch.bool:
        raise InputError(
            f"blocked is {blocked.dtype} {tuple(blocked.shape)}; "
            f"give bool {tuple(bathymetry.shape)} like the bathymetry"
        )
    flow = state.momentum_x + state.momentum_y
    if not bool(torch.isfinite(state.depth + flow).all()):
        raise InputError("the water state holds NaN or infinite values")
    if float(state.depth.min()) < 0:
        raise InputError(
            f"water depth {float(state.depth.min()):g} m is negative; give 0 m or more"
        )
    wet = state.depth.abs() + (state.momentum_x.abs() + state.momentum_y.abs())
    if bool((blocked & (wet > 0)).any()):
        raise InputError("a blocked cell holds water; set its depth and momentum to 0")
    if state.tracer is not None:
        _check_amount("the tracer's mass per area", state.tracer, "kg/m2")
        if bool((blocked & (state.tracer > 0)).any()):
            raise InputError("a blocked cell holds tracer; set it to 0")


def check_source(source: Tensor, bathymetry: Tensor, blocked: Tensor) -> None:
    """InputError unless a tracer's source [kg/s] is usable in unblocked cells."""
    if source.shape != bathymetry.shape:
        raise InputError(
            f"the tracer's source has shape {tuple(source.shape)}; give kg/s in each cell, "
            f"{tuple(bathymetry.shape)} like the bathymetry"
        )
    _check_amount("the tracer's source", source, "kg/s")
    if bool((blocked & (source > 0)).any()):
        raise InputError("the tracer's source lies in a blocked cell; put it beside, in the open")


def check_vegetation(drag: Tensor, height: Tensor, bathymetry: Tensor) -> None:
    """InputError unless vegetation's drag [1/m] and height [m] are usable."""
    for name, field, unit in (("drag", drag, "1/m"), ("height", height, "m")):
        if field.shape != bathymetry.shape:
            raise InputError(
                f"vegetation's {name} has shape {tuple(field.shape)}; give "
                f"{tuple(bathymetry.shape)} like the bathymetry"
            )
        _check_amount(f"vegetation's {name}", field, unit)


def _check_amount(name: str, field: Tensor, unit: str) -> None:
    least = float(field.min())
    if not (least >= 0 and math.isfinite(float(field.max()))):
        raise InputError(f"{name}, from {least:g} {unit}, must be finite and not negative")
