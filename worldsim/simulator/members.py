"""A batch of members in mid-simulation: one exchange between water and bodies at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from worldsim.errors import InputError
from worldsim.simulator.audit import Audit, Failure, Holdings, Impulses, limits_of
from worldsim.simulator.bodies import Bodies
from worldsim.simulator.buildings import Buildings
from worldsim.simulator.constants import COUPLING_STEP, SEAWATER_DENSITY
from worldsim.simulator.floating import FloatingLoads, WaterFields, floating_forces
from worldsim.simulator.obstacles import rearrange
from worldsim.simulator.processes import processes_of
from worldsim.simulator.rotation import rotation_matrices
from worldsim.simulator.scene import Hidden, Physics, Scene
from worldsim.simulator.stops import Stops
from worldsim.simulator.tracer_books import TracerBooks
from worldsim.simulator.transport import Transport
from worldsim.simulator.water import (
    Boundaries,
    Budget,
    Grid,
    IncomingWave,
    Open,
    ShallowWater,
    Wall,
    WaterState,
    lake_at_rest,
    total,
)

STATES_PER_SECOND = 10
"""Rate at which states are stored."""

BODY_STATE = (
    "position", "quaternion", "velocity", "half_size", "standing", "peak_drift", "contact_impulse"
)
"""What is kept of the bodies, by name."""

DIRECTIONS = ("east", "west", "north", "south")
"""Of walls as seen from the water, in the order of `WallFaces.direction`."""


class World:
    """A batch of members in mid-simulation.

    `dtype` is the water's; the bodies and the coupling are always in double precision.
    A member whose numbers cease to be finite is stopped at its last good state; the others go on
    and do not notice.
    """

    def __init__(
        self,
        scenes: list[Scene],
        hidden: list[Hidden],
        physics: Physics,
        threads: int,
        compiled: bool,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        domain = scenes[0].domain
        self.domain, self.physics = domain, physics
        self.bodies = Bodies(scenes, hidden, physics, threads)
        self.buildings = Buildings(scenes, hidden, physics, self.bodies)
        self.ground = np.stack([scene.ground for scene in scenes])
        self._datum = np.minimum(self.ground, 0.0) ** 2
        self.solver = ShallowWater(
            Grid(domain.nx, domain.ny, domain.dx, domain.dy),
            torch.as_tensor(self.ground, dtype=dtype),
            _sides(scenes),
            manning=scenes[0].manning,
            gravity=physics.gravity,
            compiled=compiled,
            transport=_transport(scenes),
        )
        self.blocked = torch.as_tensor(self.buildings.owner >= 0)
        self.water = _initial_water(scenes, self.solver.bathymetry, self.blocked)
        self.tracer = TracerBooks(len(scenes))
        self.tracer_source: Tensor | None = None  # (member, ny, nx) kg/s
        if self.solver.transport is not None:
            zeros = torch.zeros_like(self.water.depth)
            self.water = dataclasses.replace(self.water, tracer=zeros)
        self.time = 0.0
        self.stops = Stops(len(scenes))
        self.processes = [process(self, scenes, hidden) for process in processes_of(scenes)]
        self._good = {name: np.array(getattr(self.bodies, name)) for name in BODY_STATE}
        self.audit = Audit(self._holdings())

    def frames(self, count: int) -> Iterator[int]:
        """Yield 0, 1, … `count` with the world at the time of that stored state."""
        yield 0
        exchanges = round(1 / STATES_PER_SECOND / COUPLING_STEP)
        for frame in range(1, count + 1):
            for exchange in range(exchanges):
                self.time = ((frame - 1) * exchanges + exchange) * COUPLING_STEP
                self.step()
            self.time = frame * exchanges * COUPLING_STEP
            yield frame

    def body_state(self) -> dict[str, np.ndarray]:
        """The bodies' last good `BODY_STATE`, (member, …) each."""
        return self._good

    def lower_bed(self, where: tuple[np.ndarray, ...], elevation: np.ndarray) -> None:
        """Let the ground at the cells `where` (members, rows, columns) fall to `elevation` [m]; the
        water there goes down with it."""
        self.ground[where] = elevation
        self.solver.set_bathymetry(
            torch.as_tensor(self.ground, dtype=self.solver.bathymetry.dtype)
        )

    def tracer_concentration(self) -> np.ndarray | None:
        """(member, ny, nx) kg/m3 of what tanks released; None where no scene has any."""
        if self.water.tracer is None:
            return None
        return self.water.concentration().numpy().astype(np.float64, copy=False)

    @property
    def tracer_error(self) -> np.ndarray:
        """Mass of tracer that the books cannot explain over all that came, (member,)."""
        return self.tracer.error(self.water, self.domain.dx * self.domain.dy)

    def failures(self) -> np.ndarray:
        """A `Failure` code per member: why it stopped, else the first book that does not close."""
        limits = limits_of(self.solver.bathymetry.dtype)
        books = self.audit.failures(limits)
        lost = (books == int(Failure.NONE)) & ~(self.tracer_error <= limits.mass)
        books = np.where(lost, int(Failure.TRACER), books)
        return np.where(self.stops.active, books, self.stops.cause)

    def step(self) -> None:
        """One exchange: the water moves, loads what it touches, and everything moves on."""
        self.water, budget = self.solver.advance(
            self.water,
            self.blocked,
            self.time,
            COUPLING_STEP,
            torch.as_tensor(self.stops.active.copy()),
            self.tracer_source,
        )
        self.tracer.book(budget)
        for lost in budget.divergences:
            self.stops.stop(lost.member, Failure.WATER_DIVERGED, lost.time, lost.step, lost.cell)
        ground, storeys = self._wall_loads(budget)
        fields = self._water_fields()
        floating = self._floating_forces(fields)
        ground = ground + self.buildings.frame_loads(fields, floating) * COUPLING_STEP
        change = floating.change
        for process in self.processes:
            given = process.load(fields)
            if given is not None:
                change = change + given
        sound = np.isfinite((floating.force + floating.torque).sum((1, 2)) + change.sum((0, 2, 3)))
        for member in np.flatnonzero(self.stops.active & ~sound):
            self.stops.stop(int(member), Failure.BODIES_DIVERGED, self.time)
        active = self.stops.active
        people = self.bodies.people
        for load in (
            ground, storeys, floating.force, floating.torque, people.water_force,
            people.water_torque,
        ):
            load[~active] = 0.0
        floating.heave_stiffness[~active], floating.heave_damping[~active] = 0.0, 0.0
        change[:, ~active] = 0.0
        self.water = dataclasses.replace(
            self.water,
            momentum_x=self.water.momentum_x
            + torch.as_tensor(change[0], dtype=self.water.depth.dtype),
            momentum_y=self.water.momentum_y
            + torch.as_tensor(change[1], dtype=self.water.depth.dtype),
        )
        received, worked = self.bodies.impulse.copy(), self.bodies.work.copy()
        failed = self.bodies.advance(
            storeys / COUPLING_STEP, floating, COUPLING_STEP, self._substep
        )
        for member in np.flatnonzero(active & ~self.bodies.finite):
            self.stops.stop(int(member), Failure.BODIES_DIVERGED, self.time + COUPLING_STEP)
        for member in np.flatnonzero(~self.bodies.finite):
            self.bodies.rest(int(member))
        active = self.stops.active
        self.buildings.book(ground, storeys, COUPLING_STEP)
        failed = [which for which in failed if active[which[0]]]
        now = self.time + COUPLING_STEP
        if self.buildings.after(failed, fields, now, COUPLING_STEP, active):
            standing = torch.as_tensor(self.buildings.owner >= 0)
            self.water = rearrange(self.water, self.blocked, standing)
            self.blocked = standing
        for process in self.processes:
            process.after(failed)
        self._keep_good()
        on_bodies = ground.sum(1) + (self.bodies.impulse - received)
        work = self.bodies.work - worked
        self.audit.book(
            _impulses(budget, change * self._cell_mass, on_bodies, work), self._holdings(), active
        )

    def _substep(self) -> None:
        for process in self.processes:
            process.substep()

    def _keep_good(self) -> None:
        for name in BODY_STATE:
            now = getattr(self.bodies, name)
            active = self.stops.active.reshape(-1, *(1,) * (now.ndim - 1))
            self._good[name] = np.where(active, now, self._good[name])

    @property
    def _cell_mass(self) -> float:
        """Mass of water per metre of depth in a cell, kg/m."""
        return SEAWATER_DENSITY * self.domain.dx * self.domain.dy

    def _holdings(self) -> Holdings:
        """What the water holds; energy is 0 for still water at level 0."""
        h, qx, qy = (
            field.to(torch.float64)
            for field in (self.water.depth, self.water.momentum_x, self.water.momentum_y)
        )
        u, v = self.water.velocity()
        bed = self.solver.bathymetry.to(torch.float64)
        # Still water over the bed of the start has none, so that a bed that falls gives none.
        potential = h * (h + 2 * bed) + torch.as_tensor(self._datum)
        energy = 0.5 * ((qx * u + qy * v) + self.physics.gravity * potential)
        sums = total(torch.stack((h, qx, qy, energy)).flatten(0, 1)).reshape(4, -1)
        volume, along_x, along_y, joule = (sums * self._cell_mass).numpy()
        return Holdings(volume / SEAWATER_DENSITY, np.stack((along_x, along_y), -1), joule)

    def _wall_loads(self, budget: Budget) -> tuple[np.ndarray, np.ndarray]:
        """Impulses of the water on walls, N s: into the ground (member, building, 2), and on the
        floors above attached storeys (member, building, storey, 2)."""
        impulses = np.stack(
            [getattr(budget, f"wall_{side}").numpy() for side in DIRECTIONS], dtype=np.float64
        )
        depths = np.stack(
            [getattr(budget, f"star_{side}").numpy() for side in DIRECTIONS], dtype=np.float64
        )
        return self.buildings.wall_loads(impulses, depths, self.ground)

    def _water_fields(self) -> WaterFields:
        return WaterFields.of(
            self.water.depth.numpy().astype(np.float64, copy=False),
            self.water.momentum_x.numpy().astype(np.float64, copy=False),
            self.water.momentum_y.numpy().astype(np.float64, copy=False),
            self.ground,
            self.domain,
        )

    def _floating_forces(self, fields: WaterFields) -> FloatingLoads:
        bodies = self.bodies
        return floating_forces(
            fields,
            bodies.floaters,
            bodies.position,
            rotation_matrices(bodies.quaternion),
            bodies.velocity,
            bodies.spin,
            self.domain,
            self.physics.gravity,
            COUPLING_STEP,
        )


def _sides(scenes: list[Scene]) -> Boundaries:
    """Walls along the shore's ends; a wave from the sea and open land, or walls there, too."""
    closed = scenes[0].closed
    assert all(scene.closed == closed for scene in scenes), "closed and open basins do not mix"
    if closed:
        return Boundaries()
    wave = IncomingWave(
        torch.as_tensor(scenes[0].wave_times),
        torch.as_tensor(np.stack([scene.wave_elevation for scene in scenes])),
    )
    return Boundaries(west=wave, east=Open(), south=Wall(), north=Wall())


def _transport(scenes: list[Scene]) -> Transport | None:
    """How what tanks hold would spread; None where no tank holds anything."""
    found = {s.transport for s in scenes if any(d.contents is not None for d in s.debris)}
    if len(found) > 1:
        raise InputError("the cases' tracers spread differently; simulate them one by one")
    return next(iter(found), None)


def _initial_water(scenes: list[Scene], bathymetry: Tensor, blocked: Tensor) -> WaterState:
    """Water at rest under each scene's surface."""
    if all(scene.surface is None for scene in scenes):
        return lake_at_rest(bathymetry, blocked)
    shape = scenes[0].bathymetry.shape
    surface = np.stack([np.zeros(shape) if s.surface is None else s.surface for s in scenes])
    level = torch.as_tensor(surface, dtype=bathymetry.dtype)
    depth = torch.where(blocked, 0.0, (level - bathymetry).clamp(min=0.0))
    return WaterState(depth, torch.zeros_like(depth), torch.zeros_like(depth))


def _impulses(
    budget: Budget, change: np.ndarray, on_bodies: np.ndarray, work: np.ndarray
) -> Impulses:
    """The books of one exchange; `change` (2, member, ny, nx) N s given to the water by floats."""
    on_water = np.concatenate(
        [
            budget.boundary_impulse.numpy(),
            *(
                term.numpy()[:, None]
                for term in (budget.bed_impulse, budget.friction_impulse, budget.cleanup_impulse)
            ),
        ],
        axis=1,
    )
    by_bodies = np.stack([budget.block_impulse.numpy(), change.sum((2, 3)).T], axis=1)
    return Impulses(
        volume_in=budget.boundary_volume.numpy(),
        energy_in=budget.boundary_energy.numpy(),
        on_water=on_water,
        by_bodies=by_bodies,
        absolute=np.abs(on_water).sum((1, 2)) + np.abs(by_bodies).sum((1, 2)),
        on_bodies=on_bodies,
        work=work,
    )
