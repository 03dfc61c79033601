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
from worldsim.simulator.people.ways import Ways
from worldsim.simulator.scene import Scene

if TYPE_CHECKING:
    from worldsim.simulator.members import World

WET_FEET = 0.05
"""m."""


class Exposure:
    """Adds up people's exposures. Houses leak: on the ground floor the water stands as high as
    outside at the walls, at rest."""

    def __init__(self, world: World, scenes: list[Scene], people: Population) -> None:
        self._world, self.people = world, people
        rings: dict[int, Ways] = {id(scene): Ways(scene) for scene in scenes}
        self._rings = [rings[id(scene)].doors for scene in scenes]

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
            self._breathe(at)
        people.water_time[active & people.swept] += COUPLING_STEP
        if exchange % LOOK == 0:
            self._indoors(active, water)
            self._on_foot(active, water)

    def _meet(
        self, at: tuple[np.ndarray, ...], depth: np.ndarray, flow: np.ndarray, duration: float
    ) -> None:
        people = self.people
        people.max_depth[at] = np.maximum(people.max_depth[at], depth)
        people.max_depth_velocity[at] = np.maximum(people.max_depth_velocity[at], flow)
        people.wet_time[at] += duration * (depth > WET_FEET)

    def _breathe(self, at: tuple[np.ndarray, ...]) -> None:
        measure = getattr(self._world, "tracer_concentration", None)
        concentration = None if measure is None else measure()
        if concentration is None:
            return
        cell = cells(np.nan_to_num(self.people.place[at]), self._world.domain)
        self.people.tracer_dose[at] += COUPLING_STEP * concentration[(at[0], *cell)]

    def _indoors(self, active: np.ndarray, water: WaterFields) -> None:
        people = self.people
        on_ground = np.asarray(active & (people.building >= 0) & (people.storey == 0))
        for member in np.flatnonzero(on_ground.any(1)):
            who = np.flatnonzero(on_ground[member])
            for building in np.unique(people.building[member, who]):
                ring = self._rings[member][int(building)]
                floor = self._world.bodies.base[member, building]
                level = water.surface[member].ravel()[ring] - floor
                wet = water.wet[member].ravel()[ring]
                depth = float(np.where(wet, np.maximum(level, 0.0), 0.0).mean())
                if depth <= 0:
                    continue
                inside = who[people.building[member, who] == building]
                at = (np.full(len(inside), member), inside)
                self._meet(at, np.full(len(inside), depth), np.zeros(len(inside)),
                           LOOK * COUPLING_STEP)
                under = depth > people.height[at]
                people.submerged_time[at] += LOOK * COUPLING_STEP * under

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
