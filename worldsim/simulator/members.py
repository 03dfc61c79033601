"""A batch of members in mid-simulation: one exchange between water and bodies at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from worldsim.simulator.bodies import Bodies, rotation_matrices
from worldsim.simulator.coupling import WallFaces, WaterFields, floating_forces
from worldsim.simulator.scene import Hidden, Physics, Scene
from worldsim.simulator.structures import STOREY_HEIGHT
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

COUPLING_STEP = 0.05
"""s between exchanges of water and bodies: a bore moves about a quarter of a cell in it."""

STATES_PER_SECOND = 10
"""Rate at which states are stored."""


class World:
    """A batch of members in mid-simulation."""

    def __init__(
        self,
        scenes: list[Scene],
        hidden: list[Hidden],
        physics: Physics,
        threads: int,
        compiled: bool,
    ) -> None:
        domain = scenes[0].domain
        self.domain, self.physics = domain, physics
        self.bodies = Bodies(scenes, hidden, physics, threads)
        self.owner = np.full((len(scenes), domain.ny, domain.nx), -1)
        for member, scene in enumerate(scenes):
            for b, building in enumerate(scene.buildings):
                self.owner[member][scene.cells_of(building)] = b
        self.faces = WallFaces.of(self.owner)
        self.ground = np.stack([scene.bathymetry for scene in scenes])
        wave = IncomingWave(
            torch.as_tensor(scenes[0].wave_times),
            torch.as_tensor(np.stack([scene.wave_elevation for scene in scenes])),
        )
        self.solver = ShallowWater(
            Grid(domain.nx, domain.ny, domain.dx, domain.dy),
            torch.as_tensor(self.ground),
            Boundaries(west=wave, east=Open(), south=Wall(), north=Wall()),
            manning=scenes[0].manning,
            gravity=physics.gravity,
            compiled=compiled,
        )
        self.blocked = torch.as_tensor(self.owner >= 0)
        self.water = lake_at_rest(torch.as_tensor(self.ground), self.blocked)
        self.time = 0.0
        self.failure_time = np.full((len(scenes), scenes[0].slots.buildings), np.nan)
        self.impulse = np.zeros((len(scenes), scenes[0].slots.buildings, 2))
        self.audit = Audit(self)

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

    def step(self) -> None:
        """One exchange: the water moves, loads what it touches, and everything moves on."""
        self.water, budget = self.solver.advance(self.water, self.blocked, self.time, COUPLING_STEP)
        walls = self._wall_loads(budget)
        force, torque, change = self._floating_forces()
        self.audit.book(budget, change)
        self.water = WaterState(
            self.water.depth,
            self.water.momentum_x + torch.as_tensor(change[0]),
            self.water.momentum_y + torch.as_tensor(change[1]),
        )
        failed = self.bodies.advance(walls[:, :, :-1] / COUPLING_STEP, force, torque, COUPLING_STEP)
        self.impulse += walls[:, :, -1]
        for member, building, storey in failed:
            if storey == 0:
                self.failure_time[member, building] = self.time + COUPLING_STEP
                self.blocked[member] &= torch.as_tensor(self.owner[member] != building)

    def _wall_loads(self, budget: Budget) -> np.ndarray:
        """(member, building, storeys + 1, 2) N s; see `WallFaces.load`."""
        impulses = np.stack(
            [
                face.numpy()
                for face in (
                    budget.wall_east,
                    budget.wall_west,
                    budget.wall_north,
                    budget.wall_south,
                )
            ]
        )
        depths = np.stack(
            [
                face.numpy()
                for face in (
                    budget.star_east,
                    budget.star_west,
                    budget.star_north,
                    budget.star_south,
                )
            ]
        )
        slots = self.bodies.slots
        return self.faces.load(
            impulses,
            depths,
            self.ground,
            self.bodies.base,
            (len(self.ground), slots.buildings, slots.storeys),
            STOREY_HEIGHT,
        )

    def _floating_forces(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        fields = WaterFields.of(
            self.water.depth.numpy(),
            self.water.momentum_x.numpy(),
            self.water.momentum_y.numpy(),
            self.ground,
            self.domain,
        )
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


class Audit:
    """The bookkeeping of every member: what the water lost and where it went."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._volume_at_start = self._volume()
        self._inflow = np.zeros(len(world.ground))
        self._throughput = np.zeros(len(world.ground))
        self.body_impulse = np.zeros((len(world.ground), 2))

    def _volume(self) -> np.ndarray:
        cell = self._world.domain.dx * self._world.domain.dy
        return total(self._world.water.depth).numpy() * cell

    def book(self, budget: Budget, change: np.ndarray) -> None:
        """Add one exchange."""
        through = budget.boundary_volume.numpy()
        self._inflow += through.sum(1)
        self._throughput += np.abs(through).sum(1)
        cell = self._world.domain.dx * self._world.domain.dy
        self.body_impulse -= change.sum((2, 3)).T * cell

    @property
    def mass_error(self) -> np.ndarray:
        """Volume that the books cannot explain over all volume there was or came, (member,)."""
        unexplained = self._volume() - self._volume_at_start - self._inflow
        return np.abs(unexplained) / (self._volume_at_start + self._throughput)
