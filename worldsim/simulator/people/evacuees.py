"""People on dry ground or indoors: when they leave, where they go, how they get there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from worldsim.simulator.constants import COUPLING_STEP
from worldsim.simulator.floating import WaterFields
from worldsim.simulator.people.pace import RUNNING
from worldsim.simulator.people.population import Population
from worldsim.simulator.people.record import Status
from worldsim.simulator.people.surroundings import obstructed_cells
from worldsim.simulator.people.walkers import cells, density, incline_of, walk
from worldsim.simulator.people.ways import EDGE, Field, Ways, slowness
from worldsim.simulator.sampling import Bilinear
from worldsim.simulator.scene import Scene

if TYPE_CHECKING:
    from worldsim.simulator.members import World

LOOK = 10
"""Exchanges between looks around: half a second."""

STRIDE = 2
"""Exchanges between steps of those who walk: a tenth of a second."""

PLAN = 100
"""Exchanges between new plans of the way, where water or rubble has moved: five seconds."""

FLOOD = 0.3
"""m by which water must have risen to be noticed."""

BLOCK = 8.0
"""m; the flood is noticed by squares of this side."""

DOORSTEP = 0.3
"""m of water at the door beyond which nobody goes out: it can hardly be opened, nor kept shut."""


class Evacuees:
    """Decisions and ways of a batch of people.

    water : the water as last seen. cost, direction, goal : the ways' fields, leading (member).
    """

    water: WaterFields

    def __init__(self, world: World, scenes: list[Scene], people: Population) -> None:
        self._world, self._scenes, self.people = world, scenes, people
        ways: dict[int, Ways] = {}
        for scene in scenes:
            if id(scene) not in ways:
                ways[id(scene)] = Ways(scene)
        self._ways = [ways[id(scene)] for scene in scenes]
        self.walls = np.stack([way.walls for way in self._ways])
        self._incline = incline_of(world.ground, world.domain)
        members, buildings = len(scenes), scenes[0].slots.buildings
        self.safe_edge = np.array(
            [np.inf if s.evacuation is None else s.evacuation.safe_edge for s in scenes]
        )
        self._room = np.zeros((members, max(buildings, 1)), np.int64)
        self._storeys = np.ones((members, max(buildings, 1)), np.int64)
        for member, scene in enumerate(scenes):
            for number, building in enumerate(scene.buildings):
                self._storeys[member, number] = building.storeys
            if scene.evacuation is not None:
                for shelter in scene.evacuation.shelters:
                    inside = people.sheltered[member] & (people.building[member] == shelter)
                    room = scene.evacuation.shelter_capacity - int(inside.sum())
                    self._room[member, shelter] = max(room, 0)
        shape = world.ground.shape
        self.cost, self.goal = np.full(shape, np.inf), np.full(shape, EDGE)
        self.direction = np.zeros((*shape, 2))
        self._everywhere = np.ones(shape, dtype=bool)
        self._slowness = np.ones(shape)
        planned: dict[tuple[int, tuple[int, ...]], Field] = {}
        for member, scene in enumerate(scenes):
            key = (id(scene), self._open(member))
            if key not in planned:
                planned[key] = self._ways[member].field(self._slowness[member], key[1])
            self._follow(member, planned[key])
        self._still_level: np.ndarray | None = None
        self._crowd = np.zeros(people.status.shape)

    def look(self, water: WaterFields) -> None:
        """Take in the water of this exchange."""
        if self._still_level is None:
            self._still_level = water.surface.copy()
        self.water = water

    def ground_at(self, member: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Elevation of the ground in m at places (…, 2) m of members (…)."""
        members = np.broadcast_to(member, place.shape[:-1])
        x, y = place[..., 0], place[..., 1]
        sample = Bilinear(members, x, y, self._everywhere, self._world.domain)
        return np.asarray(sample(self._world.ground))

    def around(self, member: int, building: int) -> np.ndarray:
        """Places (x, y) of the open cells beside a building, (places, 2) m, counter-clockwise."""
        return self._ways[member].beside(building)

    def wish(self, member: np.ndarray, person: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Direction (people, 2) in which people at these places want to go."""
        return np.asarray(self.direction[(member, *cells(place, self._world.domain))])

    def speed(self, member: np.ndarray, person: np.ndarray) -> np.ndarray:
        """m/s at which people go on dry level ground: they run from a flood that they notice."""
        people = self.people
        return people.speed[member, person] * np.where(people.alerted[member, person], RUNNING, 1.0)

    def close(self, member: int, building: int) -> None:
        """A building has lost a storey: it shelters nobody any more."""
        if self._room[member, building] > 0:
            self._room[member, building] = 0
            self._plan(member)

    def move(self, active: np.ndarray, now: float, exchange: int) -> None:
        """Notice, leave, walk, arrive; `active` (member, person) bool."""
        if exchange % LOOK == 0:
            for member, building in np.argwhere((self._room > 0) & ~self._stands()):
                self.close(int(member), int(building))
            self._notice(active, now)
            self._see_crowds(active)
        if exchange % PLAN == 0:
            self._plan_again(active)
        if exchange % STRIDE:
            return
        self._leave(active & (self.people.leave_at <= now), now)
        self._walk(active)
        self.arrive(active & (self.people.status == Status.WALKING), now)

    def flooded_out(self, active: np.ndarray, exchange: int) -> list[tuple[int, np.ndarray]]:
        """Who is on a ground floor with water in it goes upstairs; where there is no upstairs and
        the walls have broken out, the water takes them along: those, by member and numbers."""
        if exchange % LOOK:
            return []
        people, buildings = self.people, self._world.buildings
        member, person = np.nonzero(active & (people.building >= 0) & (people.storey == 0))
        house = people.building[member, person]
        wet = buildings.inside[member, house] > DOORSTEP
        upstairs = wet & (self._storeys[member, house] > 1)
        climbs = (member[upstairs], person[upstairs])
        people.storey[climbs] = self._storeys[member, house][upstairs] - 1
        taken = wet & ~upstairs & buildings.porous[member, house]
        return [
            (int(m), person[taken & (member == m)]) for m in np.unique(member[taken])
        ]

    def _stands(self) -> np.ndarray:
        """(member, building) bool, whether the lowest storey is where it was."""
        standing = np.asarray(self._world.bodies.standing)
        return standing if standing.shape[1] else np.zeros(self._room.shape, dtype=bool)

    def arrive(self, who: np.ndarray, now: float) -> None:
        """Those of `who` (member, person) who have come to a goal are safe, unless it is full."""
        people, domain = self.people, self._world.domain
        member, person = np.nonzero(who)
        place = people.place[member, person]
        at = (member, *cells(place, domain))
        safe = place[:, 0] >= self.safe_edge[member]
        goals = self.goal[at].copy()
        for k in np.flatnonzero(safe | (self.cost[at] == 0)):
            m, p, goal = int(member[k]), int(person[k]), int(goals[k])
            if safe[k] or goal == EDGE:
                people.status[m, p] = Status.SAFE
            elif not self._take_in(m, p, goal):
                continue
            people.safe_time[m, p] = now

    def _take_in(self, member: int, person: int, shelter: int) -> bool:
        if self._room[member, shelter] <= 0:
            return False
        people, scene = self.people, self._scenes[member]
        self._room[member, shelter] -= 1
        people.status[member, person] = Status.SHELTERED
        people.sheltered[member, person] = True
        people.building[member, person] = shelter
        people.storey[member, person] = self._storeys[member, shelter] - 1
        x0, x1, y0, y1 = scene.buildings[shelter].footprint
        people.place[member, person] = (x0 + x1) / 2, (y0 + y1) / 2
        if self._room[member, shelter] == 0:
            self._plan(member)
        return True

    def _open(self, member: int) -> tuple[int, ...]:
        return tuple(int(n) for n in np.flatnonzero(self._room[member] > 0))

    def _plan(self, member: int) -> None:
        shelters = self._open(member)
        self._follow(member, self._ways[member].field(self._slowness[member], shelters))

    def _follow(self, member: int, field: Field) -> None:
        self.cost[member], self.goal[member] = field.cost, field.goal
        self.direction[member] = field.direction

    def _plan_again(self, active: np.ndarray) -> None:
        """New ways where the water or loose boxes have changed them and somebody is out there."""
        out = np.isin(self.people.status, (Status.WALKING, Status.WADING)) & active
        domain = self._world.domain
        for member in np.flatnonzero(out.any(1)):
            if not np.isfinite(self.safe_edge[member]):
                continue
            shape, spacing = (domain.ny, domain.nx), (domain.dx, domain.dy)
            blocked = obstructed_cells(self._world.bodies, int(member), shape, spacing)
            now = slowness(self.water.depth[member], blocked)
            if not np.array_equal(now, self._slowness[member]):
                self._slowness[member] = now
                self._plan(int(member))

    def _see_crowds(self, active: np.ndarray) -> None:
        self._crowd[:] = 0.0
        outside = active & np.isin(
            self.people.status, (Status.WAITING, Status.WALKING, Status.WADING)
        )
        member, person = np.nonzero(outside)
        if len(member):
            place = self.people.place[member, person]
            self._crowd[member, person] = density(member, place, self._world.domain)

    def _notice(self, active: np.ndarray, now: float) -> None:
        """People notice water that has risen near them, and leave after their reaction time."""
        people, domain = self.people, self._world.domain
        unaware = active & ~people.alerted & np.isin(
            people.status, (Status.INDOORS, Status.WAITING, Status.WALKING)
        )
        assert self._still_level is not None
        for member in np.flatnonzero(unaware.any(1)):
            risen = self.water.wet[member] & (
                self.water.surface[member] - self._still_level[member] > FLOOD
            )
            row, column = np.nonzero(risen)
            if not len(row):
                continue
            across = int(domain.length // BLOCK) + 1
            number = (domain.y[row] // BLOCK).astype(int) * across
            number += (domain.x[column] // BLOCK).astype(int)
            block = np.stack(np.divmod(np.flatnonzero(np.bincount(number)), across)[::-1], -1)
            block = (block + 0.5) * BLOCK
            who = np.flatnonzero(unaware[member])
            off = people.place[member, who][:, None, :] - block[None]
            near = np.sqrt((off**2).sum(-1).min(1)) < people.notice_distance[member, who]
            seen = who[near]
            people.alerted[member, seen] = True
            people.leave_at[member, seen] = np.minimum(
                people.leave_at[member, seen], now + people.reaction[member, seen]
            )

    def _leave(self, due: np.ndarray, now: float) -> None:
        people = self.people
        waiting = due & (people.status == Status.WAITING)
        people.status[waiting] = Status.WALKING
        people.departure_time[waiting] = now
        for member, person in np.argwhere(due & (people.status == Status.INDOORS)):
            self._go_out(int(member), int(person), now)

    def _go_out(self, member: int, person: int, now: float) -> None:
        """Out of the door; or upstairs, when the flood is there or at the door already."""
        people = self.people
        people.leave_at[member, person] = np.inf
        building = int(people.building[member, person])
        if not self._world.bodies.standing[member, building]:
            return
        if self._room[member, building] > 0:
            people.departure_time[member, person] = people.safe_time[member, person] = now
            self._take_in(member, person, building)
            return
        field = Field(self.cost[member], self.direction[member], self.goal[member])
        door = np.array(self._ways[member].outside(building, field))
        row, column = cells(door, self._world.domain)
        flooded = self.water.depth[member, row, column] > DOORSTEP
        if flooded or (people.alerted[member, person] and self._storeys[member, building] > 1):
            people.storey[member, person] = self._storeys[member, building] - 1
            return
        people.status[member, person] = Status.WALKING
        people.departure_time[member, person] = now
        people.building[member, person], people.storey[member, person] = -1, 0
        people.place[member, person] = door

    def _walk(self, active: np.ndarray) -> None:
        people = self.people
        member, person = np.nonzero(active & (people.status == Status.WALKING))
        if not len(member):
            return
        people.place[member, person] = walk(
            member, people.place[member, person], self.speed(member, person),
            self._crowd[member, person], self.direction, self._incline, self.walls,
            self._world.domain, STRIDE * COUPLING_STEP,
        )
