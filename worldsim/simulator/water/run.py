"""Shallow water over any bathymetry, from the first check to a labelled result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from worldsim.errors import InputError
from worldsim.simulator.constants import GRAVITY
from worldsim.simulator.transport import Transport
from worldsim.simulator.water.boundary import Boundaries
from worldsim.simulator.water.records import Records
from worldsim.simulator.water.solver import MANNING, ShallowWater
from worldsim.simulator.water.state import Grid, WaterState, check_source, check_state
from worldsim.simulator.water.supply import check_supply
from worldsim.simulator.water.terrain import (
    cell_size_of,
    checked_terrain,
    read_bathymetry,
    resample,
    terrain_of,
)

Field: TypeAlias = float | np.ndarray | xr.DataArray

SAMPLES_PER_OUTPUT = 10


def simulate_water(
    bathymetry: np.ndarray | xr.DataArray | str | Path,
    duration: float,
    *,
    output_interval: float | None = None,
    sample_interval: float | None = None,
    cell_size: float | tuple[float, float] | None = None,
    elevation: Field | None = None,
    depth: Field | None = None,
    velocity: tuple[Field, Field] = (0.0, 0.0),
    blocked: np.ndarray | xr.DataArray | None = None,
    boundaries: Boundaries | None = None,
    manning: Field = MANNING,
    gauges: Sequence[tuple[float, float]] = (),
    gravity: float = GRAVITY,
    dtype: torch.dtype = torch.float64,
    device: str = "cpu",
    compiled: bool = False,
    concentration: Field | None = None,
    release: Field | None = None,
    transport: Transport | None = None,
) -> xr.Dataset:
    """Simulate shallow water and return its record; everything is checked before the first step.

    Parameters
    ----------
    bathymetry : bed elevation [m], upward: a file for `read_bathymetry`, an xarray with
        coordinates x and y [m], or an array (y, x) with rows northward and a `cell_size`. A
        leading dim "member" (first axis) runs several grounds at once; so does one of any field.
    duration : s. output_interval : s between snapshots, by default a tenth of `duration`.
    sample_interval : s between samples of gauges and of the maximum fields, by default a tenth
        of `output_interval`.
    cell_size : m, a number or (dx, dy): resamples a file or an xarray, see `resample`.
    elevation or depth : the water at the start, m: surface above z = 0 (a number or a field; where
        the bed is higher it is dry), by default 0, or depth. velocity : u, v [m/s] where wet.
    blocked : bool (y, x), cells that hold no water: buildings, walls.
    boundaries : `worldsim.simulator.water.Boundaries`, by default walls on all sides.
    manning : s m-1/3, a number or a field. gauges : places (x, y) [m]; the cell that holds each
        is recorded. dtype : torch.float64, or torch.float32 for half the memory.
    compiled : run through torch.compile (needs a C++ compiler; pays for long or large runs).
    concentration : of a dissolved tracer at the start, kg m-3 where wet; release : of the same,
        kg/s in each cell throughout; transport : how it spreads and decays, by default
        `Transport()`. One of the first two makes the record hold a tracer.

    Returns
    -------
    Dataset with dims time, y, x, gauge, sample (and member, if there are several): snapshots,
    gauge series, maxima, arrival times, audit, and `failed` with `failure`, the message. A member
    whose water ceases to be finite, or whose books do not close, is marked failed; the first
    stays at its last good state, of time `failure_time`, while the others go on.

    Errors: InputError for anything that cannot be used.
    """
    z = _terrain(bathymetry, cell_size)
    output_interval = duration / 10 if output_interval is None else output_interval
    if sample_interval is None:
        sample_interval = output_interval / SAMPLES_PER_OUTPUT
    outputs = _pieces("duration", duration, "output_interval", output_interval)
    samples = _pieces("output_interval", output_interval, "sample_interval", sample_interval)
    dx, dy = cell_size_of(z)
    grid = Grid(z.sizes["x"], z.sizes["y"], dx, dy)
    if depth is not None and elevation is not None:
        raise InputError("give the water's elevation or its depth at the start, not both")
    given: dict[str, Field | None] = {
        "bathymetry": z,
        "elevation": elevation if elevation is not None or depth is not None else 0.0,
        "depth": depth,
        "velocity_x": velocity[0],
        "velocity_y": velocity[1],
        "manning": manning,
        "blocked": blocked if blocked is not None else 0.0,
        "concentration": concentration,
        "release": release,
    }
    carried = concentration is not None or release is not None
    if transport is not None and not carried:
        raise InputError("a transport without a tracer: give a concentration or a release, too")
    fields = _broadcast(given, grid)
    several = any(np.ndim(field) == 3 for field in given.values() if field is not None)

    def tensor(name: str) -> Tensor:
        return torch.as_tensor(np.array(fields[name]), dtype=dtype, device=device)

    bed, walls = tensor("bathymetry"), tensor("blocked") > 0
    boundaries = boundaries or Boundaries()
    solver = ShallowWater(
        grid,
        bed,
        boundaries,
        gravity=gravity,
        manning=tensor("manning"),
        compiled=compiled,
        transport=(transport or Transport()) if carried else None,
    )
    h = tensor("depth") if depth is not None else (tensor("elevation") - bed).clamp(min=0.0)
    h = torch.where(walls, 0.0, h)
    tracer = source = None
    if carried:
        tracer = h * tensor("concentration") if concentration is not None else torch.zeros_like(h)
    state = WaterState(h, h * tensor("velocity_x"), h * tensor("velocity_y"), tracer)
    check_state(solver.bathymetry, state, walls)
    if release is not None:
        source = tensor("release")
        check_source(source, solver.bathymetry, walls)
    check_supply(boundaries, state, grid, 0.0, duration, solver.gravity)
    records = Records(solver, state, z, _cells(gauges, z), several)
    active = torch.ones(solver.batch, dtype=torch.bool, device=device)
    records.snapshot(0.0, state)
    for k in range(outputs * samples):
        now = k * duration / (outputs * samples)
        span = duration / (outputs * samples)
        state, budget = solver.advance(state, walls, now, span, active, source)
        active = active & ~budget.diverged
        records.sample(now + span, state, budget)
        if (k + 1) % samples == 0:
            records.snapshot(now + span, state)
    return records.dataset()


def _terrain(
    bathymetry: np.ndarray | xr.DataArray | str | Path,
    cell_size: float | tuple[float, float] | None,
) -> xr.DataArray:
    if isinstance(bathymetry, (str, Path)):
        bathymetry = read_bathymetry(bathymetry)
    if not isinstance(bathymetry, xr.DataArray):
        if cell_size is None:
            raise InputError("bathymetry is a bare array: give its cell_size [m], too")
        return checked_terrain(terrain_of(np.asarray(bathymetry, dtype=float), cell_size))
    z = checked_terrain(bathymetry)
    return z if cell_size is None else resample(z, cell_size)


def _pieces(whole: str, length: float, part: str, piece: float) -> int:
    """How many times `piece` fits into `length`; InputError if it does not."""
    for name, value in ((whole, length), (part, piece)):
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{name} {value} s must be finite and above 0 s")
    count = round(length / piece)
    if count < 1 or abs(count * piece - length) > 1e-6 * length:
        raise InputError(f"{part} {piece:g} s must fit into {whole} {length:g} s without rest")
    return count


def _broadcast(given: dict[str, Field | None], grid: Grid) -> dict[str, np.ndarray]:
    """All fields as (member, ny, nx); InputError where a shape does not fit."""
    plain = {name: np.asarray(field) for name, field in given.items() if field is not None}
    members = {field.shape[0] for field in plain.values() if field.ndim == 3} - {1}
    if len(members) > 1:
        raise InputError(f"fields have {sorted(members)} members; give one number of members")
    shape = (*(members or {1}), grid.ny, grid.nx)
    for name, field in plain.items():
        if field.ndim not in (0, 2, 3) or (field.ndim and field.shape[-2:] != shape[1:]):
            raise InputError(
                f"{name} of shape {field.shape} does not fit the grid; give a number, "
                f"{shape[1:]} or {shape}"
            )
        if field.dtype.kind not in "biuf":
            raise InputError(f"{name} is {field.dtype}; give real numbers")
        if not np.isfinite(field).all():
            raise InputError(f"{name} holds NaN or infinite values; fill them")
    for name, unit in (("depth", "m"), ("concentration", "kg/m3"), ("release", "kg/s")):
        if name in plain and plain[name].min() < 0:
            least = plain[name].min()
            raise InputError(f"{name} {least:g} {unit} is negative; give 0 {unit} or more")
    return {name: np.broadcast_to(field, shape) for name, field in plain.items()}


def _cells(gauges: Sequence[tuple[float, float]], z: xr.DataArray) -> list[tuple[int, int]]:
    """Row and column of the cells that hold the gauges."""
    dx, dy = cell_size_of(z)
    found = []
    for k, place in enumerate(gauges):
        if len(place) != 2:
            raise InputError(f"gauge {k}: {place} must be (x, y) in m")
        column = math.floor((place[0] - float(z.x[0])) / dx + 0.5)
        row = math.floor((place[1] - float(z.y[0])) / dy + 0.5)
        if not (0 <= column < z.sizes["x"] and 0 <= row < z.sizes["y"]):
            raise InputError(f"gauge {k} at ({place[0]:g}, {place[1]:g}) m lies outside the grid")
        found.append((row, column))
    return found
