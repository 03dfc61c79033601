"""What is kept of a run of the water alone, and how it is labelled (CF 1.11 names and units)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from worldsim.simulator.constants import SEAWATER_DENSITY
from worldsim.simulator.water.budget import Budget, Divergence, energy, total
from worldsim.simulator.water.solver import ShallowWater
from worldsim.simulator.water.state import WaterState
from worldsim.simulator.water.tracer_records import TRACER_ATTRIBUTES, TracerRecords

ARRIVAL = 0.01  # m, change of the surface, or depth on dry ground, that counts as arrival
WET = 1e-3  # m, shallower cells are written as dry: no surface

# Audit limits, relative: (mass, momentum over the sum of absolute terms)
LIMITS = {torch.float64: (1e-10, 1e-8), torch.float32: (1e-4, 1e-3)}

ATTRIBUTES = {
    "bathymetry": ("m", "surface_altitude", "bed elevation"),
    "depth": ("m", "flood_water_thickness", "water depth"),
    "surface": ("m", "water_surface_height_above_reference_datum", "water surface, NaN where dry"),
    "velocity_x": ("m s-1", "sea_water_x_velocity", "depth-averaged velocity along x"),
    "velocity_y": ("m s-1", "sea_water_y_velocity", "depth-averaged velocity along y"),
    "gauge_surface": ("m", "water_surface_height_above_reference_datum", "surface, NaN where dry"),
    "gauge_depth": ("m", "flood_water_thickness", "water depth"),
    "gauge_velocity_x": ("m s-1", "sea_water_x_velocity", "velocity along x"),
    "gauge_velocity_y": ("m s-1", "sea_water_y_velocity", "velocity along y"),
    "maximum_depth": ("m", "flood_water_thickness", "largest depth"),
    "maximum_speed": ("m s-1", "flood_water_speed", "largest speed"),
    "maximum_momentum_flux": ("m3 s-2", None, "largest depth times squared speed"),
    "arrival_time": ("s", None, f"when the surface first changed by {ARRIVAL} m, NaN: never"),
    "energy": ("J", None, "mechanical energy, potential from z = 0"),
    "energy_in": ("J", None, "energy carried in through the sides since the start"),
    "volume": ("m3", None, "water volume"),
    "volume_in": ("m3", None, "volume that entered through the sides since the start"),
    "mass_error": ("1", None, "unexplained volume over all that there was or came through"),
    "momentum_error": ("1", None, "unexplained momentum over the sum of all terms' sizes"),
    "failed": ("1", None, "whether the water diverged or the books do not close"),
    "failure": (None, None, "why"),
    "failure_time": ("s", None, "time of the last good state of diverged water"),
}


class Records:
    """Snapshots, gauges, maxima and books of all members of a run."""

    def __init__(
        self,
        solver: ShallowWater,
        state: WaterState,
        terrain: xr.DataArray,
        gauges: list[tuple[int, int]],
        several: bool,
    ) -> None:
        self._solver, self._terrain, self._gauges, self._several = solver, terrain, gauges, several
        self._start = state
        self._snapshots: list[tuple[float, list[Tensor]]] = []
        self._samples: list[tuple[float, list[Tensor]]] = []
        zero = torch.zeros_like(state.depth)
        self._maxima = [zero, zero, zero]
        self._arrival = torch.full_like(zero, float("nan"))
        batch = solver.batch
        self._volume_in = zero.new_zeros(batch).double()
        self._through, self._energy_in = self._volume_in.clone(), self._volume_in.clone()
        self._momentum = zero.new_zeros((batch, 2)).double()
        self._terms = self._momentum.clone()
        self._energies: list[tuple[Tensor, Tensor]] = []
        self._divergences: dict[int, Divergence] = {}
        self._now = state
        self._tracer: TracerRecords | None = None
        if state.tracer is not None:
            self._tracer = TracerRecords(state, solver.grid, gauges)
        self._note(0.0, state)

    def snapshot(self, time: float, state: WaterState) -> None:
        """Keep the whole state."""
        u, v = state.velocity()
        self._snapshots.append((time, [state.depth, u, v]))
        if self._tracer is not None:
            self._tracer.snapshot(state)
        stored = energy(state, self._solver.bathymetry, self._solver.grid, self._solver.gravity)
        self._energies.append((stored, self._energy_in.clone()))

    def sample(self, time: float, state: WaterState, budget: Budget) -> None:
        """Keep what is kept often: gauges, maxima and the books."""
        self._note(time, state)
        self._volume_in += budget.volume_in
        self._through += budget.boundary_volume.abs().sum(1)
        self._energy_in += budget.boundary_energy.sum(1)
        self._momentum += budget.impulse()
        terms = (
            budget.boundary_impulse.abs().sum(1),
            budget.bed_impulse.abs(),
            budget.friction_impulse.abs(),
            budget.cleanup_impulse.abs(),
            budget.block_impulse.abs(),
        )
        self._terms += torch.stack(terms).sum(0)
        for found in budget.divergences:
            self._divergences[found.member] = found
        self._now = state
        if self._tracer is not None:
            self._tracer.sample(state, budget)

    def _note(self, time: float, state: WaterState) -> None:
        u, v = state.velocity()
        square = u * u + v * v
        new = (state.depth, torch.sqrt(square), state.depth * square)
        self._maxima = [torch.maximum(a, b) for a, b in zip(self._maxima, new, strict=True)]
        changed = (state.depth - self._start.depth).abs() > ARRIVAL
        first = changed & torch.isnan(self._arrival)
        self._arrival = torch.where(first, time, self._arrival)
        rows, columns = (
            (list(index) for index in zip(*self._gauges, strict=True))
            if (self._gauges)
            else ([], [])
        )
        self._samples.append((time, [f[:, rows, columns] for f in (state.depth, u, v)]))

    def audit(self) -> tuple[Tensor, Tensor]:
        """Relative errors of mass (batch,) and momentum (batch, 2)."""
        grid = self._solver.grid
        area = grid.dx * grid.dy

        def change(name: str) -> Tensor:
            return area * total(getattr(self._now, name).double() - getattr(self._start, name))

        there = area * total(self._start.depth.double()) + self._through
        mass = (change("depth") - self._volume_in).abs() / there.clamp(min=1e-300)
        gained = SEAWATER_DENSITY * torch.stack((change("momentum_x"), change("momentum_y")), 1)
        # a lake at rest has terms that cancel to the last bit: compare with 1 N s at least
        return mass, (gained - self._momentum).abs() / self._terms.clamp(min=1.0)

    def dataset(self) -> xr.Dataset:
        """All of it, labelled; `member` only if there are several."""
        z, gauges = self._terrain, self._gauges
        coords: dict[str, Any] = {
            "x": ("x", z.x.values, {"units": "m", "standard_name": "projection_x_coordinate"}),
            "y": ("y", z.y.values, {"units": "m", "standard_name": "projection_y_coordinate"}),
            "time": ("time", [t for t, _ in self._snapshots], {"units": "s"}),
            "sample": ("sample", [t for t, _ in self._samples], {"units": "s"}),
            "gauge_x": ("gauge", [float(z.x[c]) for _, c in gauges], {"units": "m"}),
            "gauge_y": ("gauge", [float(z.y[r]) for r, _ in gauges], {"units": "m"}),
            "axis": ("axis", ["x", "y"]),
        }
        plane = ("member", "y", "x")
        bed = self._solver.bathymetry.cpu().numpy()
        values: dict[str, Any] = {"bathymetry": (plane, bed)}
        named = ("depth", "velocity_x", "velocity_y")
        for k, name in enumerate(named):
            snapshots = torch.stack([kept[k] for _, kept in self._snapshots], 1)
            series = torch.stack([kept[k] for _, kept in self._samples], 1)
            values[name] = (("member", "time", "y", "x"), snapshots.cpu().numpy())
            values[f"gauge_{name}"] = (("member", "sample", "gauge"), series.cpu().numpy())
        depth = values["depth"][1]
        values["surface"] = (
            values["depth"][0],
            np.where(depth > WET, depth + bed[:, None], np.nan),
        )
        depth = values["gauge_depth"][1]
        ground = bed[:, [r for r, _ in gauges], [c for _, c in gauges]][:, None]
        values["gauge_surface"] = (
            values["gauge_depth"][0],
            np.where(depth > WET, depth + ground, np.nan),
        )
        for name, field in zip(("depth", "speed", "momentum_flux"), self._maxima, strict=True):
            values[f"maximum_{name}"] = (plane, field.cpu().numpy())
        values["arrival_time"] = (plane, self._arrival.cpu().numpy())
        stored, fed = (torch.stack(kept, 1) for kept in zip(*self._energies, strict=True))
        values["energy"] = (("member", "time"), stored.cpu().numpy())
        values["energy_in"] = (("member", "time"), fed.cpu().numpy())
        grid = self._solver.grid
        volume = total(self._now.depth.double()) * grid.dx * grid.dy
        values["volume"] = (("member",), volume.cpu().numpy())
        values["volume_in"] = (("member",), self._volume_in.cpu().numpy())
        mass, momentum = (error.cpu().numpy() for error in self.audit())
        values["mass_error"] = (("member",), mass)
        values["momentum_error"] = (("member", "axis"), momentum)
        tracer = np.zeros(len(mass))
        if self._tracer is not None:
            values |= self._tracer.values()
            tracer = values["tracer_error"][1]
        messages = [
            self._failure(m, mass[m], momentum[m].max(), tracer[m]) for m in range(len(mass))
        ]
        values["failed"] = (("member",), np.array([bool(text) for text in messages]))
        values["failure"] = (("member",), np.array(messages, dtype=str))
        times = [
            self._divergences[m].time if m in self._divergences else np.nan
            for m in range(len(mass))
        ]
        values["failure_time"] = (("member",), np.array(times))
        limits = LIMITS[self._solver.bathymetry.dtype]
        data = xr.Dataset(
            values,
            coords,
            {
                "Conventions": "CF-1.11",
                "title": "shallow-water run",
                "backend": f"{self._solver.backend}, {self._solver.bathymetry.device}, "
                f"{str(self._solver.bathymetry.dtype).removeprefix('torch.')}",
                "mass_error_limit": limits[0],
                "momentum_error_limit": limits[1],
                "members_failed": int(sum(bool(text) for text in messages)),
            },
        )
        labels = ATTRIBUTES if self._tracer is None else ATTRIBUTES | TRACER_ATTRIBUTES
        for name, (units, standard, long) in labels.items():
            attributes = {"units": units, "standard_name": standard, "long_name": long}
            data[name].attrs = {k: v for k, v in attributes.items() if v is not None}
        return data if self._several else data.isel(member=0)

    def _failure(self, member: int, mass: float, momentum: float, tracer: float) -> str:
        """What is wrong with a member, empty if nothing is."""
        if member in self._divergences:
            return str(self._divergences[member])
        limits = LIMITS[self._solver.bathymetry.dtype]
        if not mass <= limits[0]:
            return f"mass does not close: relative error {mass:.2g} exceeds {limits[0]:g}"
        if not momentum <= limits[1]:
            return f"momentum does not close: relative error {momentum:.2g} exceeds {limits[1]:g}"
        if not tracer <= limits[0]:
            return f"tracer does not close: relative error {tracer:.2g} exceeds {limits[0]:g}"
        return ""
