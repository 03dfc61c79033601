"""What people are exposed to: depth, flow, time in and under the water, what it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from worldsim.simulator.constants import COUPLING_STEP
from worldsim.simulator.floating import WaterFields
from worldsim.simulator.people.bodies import PeopleBodies
from worldsim.simulator.people.evacuees import LOOK
from worldsim.simulator.people.population import Population
from worldsim.simulator.people.record import Status
from worldsim.simulator.people.walkers import cells

if TYPE_CHECKING:
    from worldsim.simulator.members import World

WET_FEET = 0.05
"""m."""

TAKE = 4
"""Exchanges between looks at the tracer's concentration: a fifth of a second."""


class Exposure:
    """Adds up people's exposures."""

    def __init__(self, world: World, people: Population) -> None:
        self._world, self.people = world, people

    def add(
        self, active: np.ndarray, water: WaterFields, bodies: PeopleBodies, exchange: int
    ) -> None:
        """One exchange's; `active` (member, person) bool."""
        people = self.people
        member, person = np.nonzero(bodies.placed & active)
        if len(member):
            at = (member, person)
            depth, speed = bodies.depth[at], bodies.speed[at]
            self._meet(at, depth, depth * speed, COUPLING_STEP)
            loose = people.status[at] == Status.IN_WATER
            people.submerged_time[at] += COUPLING_STEP * bodies.head_under[at]
            people.water_time[at] += COUPLING_STEP * (loose & (depth > 0))
            if exchange % TAKE == 0:
                self._take_in_tracer(at)
        people.water_time[active & people.swept] += COUPLING_STEP
        if exchange % LOOK == 0:
            self._indoors(active)
            self._on_foot(active, water)

    def _meet(
        self, at: tuple[np.ndarray, ...], depth: np.ndarray, flow: np.ndarray, duration: float
    ) -> None:
        people = self.people
        people.max_depth[at] = np.maximum(people.max_depth[at], depth)
        people.max_depth_velocity[at] = np.maximum(people.max_depth_velocity[at], flow)
        people.wet_time[at] += duration * (depth > WET_FEET)

    def _take_in_tracer(self, at: tuple[np.ndarray, ...]) -> None:
        concentration = self._world.tracer_concentration()
        if concentration is None:
            return
        cell = cells(np.nan_to_num(self.people.place[at]), self._world.domain)
        self.people.tracer_dose[at] += TAKE * COUPLING_STEP * concentration[(at[0], *cell)]

    def _indoors(self, active: np.ndarray) -> None:
        """Who is on a ground floor, where the water that came in stands."""
        people = self.people
        at = np.nonzero(active & (people.building >= 0) & (people.storey == 0))
        depth = self._world.buildings.inside[at[0], people.building[at]]
        duration = LOOK * COUPLING_STEP
        self._meet(at, depth, np.zeros_like(depth), duration)
        people.submerged_time[at] += duration * (depth > people.height[at])

    def _on_foot(self, active: np.ndarray, water: WaterFields) -> None:
        """Who walks or waits in water too shallow to be a body."""
        people = self.people
        on_foot = np.isin(people.status, (Status.WAITING, Status.WALKING))
        at = np.nonzero(active & on_foot)
        if len(at[0]):
            cell = (at[0], *cells(people.place[at], self._world.domain))
            depth = water.depth[cell]
            speed = np.sqrt(water.u[cell] ** 2 + water.v[cell] ** 2)
            self._meet(at, depth, depth * speed, LOOK * COUPLING_STEP)
