"""People whom the water has reached, as bodies: on their feet, knocked over, up again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from worldsim.simulator.body_models import TIMESTEP
from worldsim.simulator.constants import COUPLING_STEP
from worldsim.simulator.floating import WaterFields
from worldsim.simulator.people.evacuees import Evacuees
from worldsim.simulator.people.feet import Stance
from worldsim.simulator.people.pace import wading
from worldsim.simulator.people.population import Population
from worldsim.simulator.people.record import Status
from worldsim.simulator.people.surroundings import Boxes, clear_place
from worldsim.simulator.people.walkers import cells, incline_of
from worldsim.simulator.people.water_loads import Segments, axis_of, body_loads
from worldsim.simulator.rotation import turned

if TYPE_CHECKING:
    from worldsim.simulator.members import World

IN_WATER, OUT_OF_WATER = 0.10, 0.05
"""m of water at the feet at which a person becomes a body, and is a walker again."""

FALLEN = math.cos(math.radians(45.0))
"""Cosine of the tilt beyond which nobody comes up again."""

SWEPT_OFF = 0.5
"""m/s by which the water moves people faster than they want to go, when they lose their footing:
steps cannot catch up any more. Declared; Abt's subjects fell when they could not manoeuvre."""

AFLOAT = 0.02
"""Load on the feet over the weight below which there is no footing."""

RISE_DEPTH, RISE_FLOW, RISE_SPEED, RISE_TIME = 0.5, 0.15, 0.3, 2.0
"""m, m2/s, m/s, s: who has lain in so shallow water, of so little depth times speed, moving so
slowly, for so long, stands up again. Declared."""

HELPLESS = 120.0
"""s under water after which nobody stands up again (EvacuationModel's lethal rule)."""

LYING_FRICTION = 0.5
"""Of a body that slides over the ground."""

GROUND_MARGIN = 0.05
"""Added to the coefficient of friction within which horizontal contact forces are taken as the
ground's: the terrain's facets are not exactly the slopes of its cells."""

INSET = 0.3
"""m from the terrain's edge within which nobody is put."""

ROLL_INERTIA = 0.5
"""Inertia about the body's own axis over that of falling, added to the capsule's: limbs that are
spread, and water that turns with them. A bare capsule would spin up without bound under loads that
are held over an exchange."""

UPRIGHT = np.array([1.0, 0.0, 0.0, 0.0])

LYING = np.array([math.sqrt(0.5), 0.0, math.sqrt(0.5), 0.0])
"""Along x, head to the east."""


class PeopleBodies:
    """The people of a batch who are bodies now. last_seen : (member, person, 3) m, centres."""

    def __init__(self, world: World, people: Population) -> None:
        self._world, self.people = world, people
        self._free = world.bodies.people
        self._segments = Segments.of(people.height, people.radius, people.mass, people.drag)
        self._free.add_roll_inertia(ROLL_INERTIA * people.mass * people.height**2 / 12)
        self.standing = np.zeros(people.status.shape, dtype=bool)
        self.last_seen = np.full((*people.status.shape, 3), np.nan)
        self._calm = np.zeros(people.status.shape)
        self.depth, self.speed = np.zeros(people.status.shape), np.zeros(people.status.shape)
        self.head_under = np.zeros(people.status.shape, dtype=bool)
        self._normal = np.zeros(people.status.shape)
        self._velocity_before = np.full((*people.status.shape, 3), np.nan)
        self._applied = np.zeros((*people.status.shape, 3))
        self._incline = incline_of(world.ground, world.domain)
        self._in: tuple[np.ndarray, ...] = (np.zeros(0, int), np.zeros(0, int))
        self._on = self._in
        self._stance: Stance | None = None

    @property
    def placed(self) -> np.ndarray:
        """Who is a body now, (member, person) bool."""
        return self._free.placed

    def load(self, water: WaterFields, evacuees: Evacuees) -> np.ndarray | None:
        """Push the bodies for one exchange; what the water gets in return."""
        world, free = self._world, self._free
        self._in = member, person = np.nonzero(free.placed & world.stops.active[:, None])
        self._stance = None
        if not len(member):
            return None
        change = np.zeros((2, *water.depth.shape))
        at = (member, person)
        position, quaternion = free.position[at], free.quaternion[at]
        axis, velocity = axis_of(quaternion), free.velocity[at]
        spin = turned(quaternion, free.local_spin[at])
        standing = self.standing[at]
        segments = self._segments.take(at)
        gravity = world.physics.gravity
        loads = body_loads(
            water, member, segments, standing, (position, axis, velocity, spin), change,
            world.domain, gravity, COUPLING_STEP,
        )
        free.water_force[at], free.water_torque[at] = loads.force, loads.torque
        free.own_force[at] = 0.0
        self.depth[at], self.speed[at] = loads.depth, loads.speed
        head = position + axis * (0.5 * segments.height - segments.radius)[:, None]
        self.head_under[at] = head[:, 2] + segments.radius < loads.surface
        on = np.flatnonzero(standing)
        if len(on):
            self._on = feet = (member[on], person[on])
            people = self.people
            pace = evacuees.speed(*feet) * wading(loads.depth[on])
            goes = people.status[feet] == Status.WADING
            wish = evacuees.wish(*feet, position[on, :2]) * (pace * goes)[:, None]
            ground = (
                evacuees.ground_at(feet[0], position[on, :2]),
                self._incline[(feet[0], *cells(position[on, :2], world.domain))],
            )
            self._stance = Stance.of(
                (people.height[feet], people.mass[feet], people.friction[feet]),
                wish, (loads.force[on], loads.torque[on], loads.upward[on]), ground, gravity,
            )
            self._normal[feet] = self._stance.normal
        return change

    def substep(self) -> None:
        """Feet and balance; and what contacts did in the step before."""
        free = self._free
        if not len(self._in[0]):
            return
        self._count_contact()
        if self._stance is not None:
            on = self._on
            free.own_force[on] = self._stance.forces(
                free.position[on], free.quaternion[on], free.velocity[on], free.local_spin[on]
            )
        applied = free.water_force[self._in] + free.own_force[self._in][:, :3]
        applied[:, 2] -= self.people.mass[self._in] * self._world.physics.gravity
        self._applied[self._in] = applied

    def _count_contact(self) -> None:
        """Add the horizontal impulse of contacts that the ground's friction and slope do not
        explain: the momentum that the applied forces did not give. (The solver's own contact forces
        are off where it stopped before it converged, between bodies of 60 kg and of 20 t.)"""
        at, free = self._in, self._free
        velocity, before = free.velocity[at], self._velocity_before[at]
        mass = self.people.mass[at]
        contact = mass[:, None] * (velocity - before) - TIMESTEP * self._applied[at]
        known = np.isfinite(before[:, 0])
        self._velocity_before[at] = velocity
        lean = self._incline[(at[0], *cells(free.position[at][:, :2], self._world.domain))]
        up = np.maximum(contact[:, 2], 0.0)
        push_x, push_y = contact[:, 0] + up * lean[:, 0], contact[:, 1] + up * lean[:, 1]
        friction = np.where(self.standing[at], 0.0, LYING_FRICTION) + GROUND_MARGIN
        excess = np.sqrt(push_x**2 + push_y**2) - friction * up
        self.people.contact_impulse[at] += np.where(known, np.maximum(excess, 0.0), 0.0)

    def settle(self, active: np.ndarray, evacuees: Evacuees, now: float) -> None:
        """After the bodies have moved: who falls, rises, arrives, leaves the water or the domain;
        and who is reached by it. `active` (member, person) bool."""
        member, person = np.nonzero(self._free.placed & active)
        if len(member):
            self._follow(member, person)
            self._lose_footing(member, person, now)
            self._regain_footing(member, person, evacuees)
            self._leave_domain(member, person)
            wading = active & self._free.placed & self.standing
            evacuees.arrive(wading & (self.people.status == Status.WADING), now)
            arrived = np.isin(self.people.status, (Status.SAFE, Status.SHELTERED))
            dry = wading & (self.depth < OUT_OF_WATER) & ~arrived
            for m, p in np.argwhere(wading & (arrived | dry)):
                self._step_out(int(m), int(p), evacuees)
        self._reach(active, evacuees, now)

    def _follow(self, member: np.ndarray, person: np.ndarray) -> None:
        at, people = (member, person), self.people
        place = self._free.position[at][:, :2]
        moved = np.sqrt(((place - people.place[at]) ** 2).sum(-1))
        loose = ~self.standing[at]
        people.carried_distance[at] += np.where(loose, moved, 0.0)
        people.place[at] = place
        self.last_seen[at] = self._free.position[at]

    def _lose_footing(self, member: np.ndarray, person: np.ndarray, now: float) -> None:
        at, people, free = (member, person), self.people, self._free
        wish = np.zeros((*self.standing.shape, 2))
        if self._stance is not None:
            wish[self._on] = self._stance.wish
        speed = np.sqrt((free.velocity[at][:, :2] ** 2).sum(-1))
        wanted = np.sqrt((wish[at] ** 2).sum(-1))
        weight = people.mass[at] * self._world.physics.gravity
        falls = self.standing[at] & (
            (axis_of(free.quaternion[at])[:, 2] < FALLEN)
            | (speed > wanted + SWEPT_OFF)
            | (self._normal[at] < AFLOAT * weight)
        )
        for m, p in zip(member[falls], person[falls], strict=True):
            self._fall(int(m), int(p))
            if np.isnan(people.knocked_over_time[m, p]):
                people.knocked_over_time[m, p] = now

    def _fall(self, member: int, person: int) -> None:
        self.standing[member, person] = False
        self._calm[member, person] = 0.0
        self.people.status[member, person] = Status.IN_WATER
        self._free.own_force[member, person] = 0.0
        self._free.set_friction(member, person, LYING_FRICTION)

    def _regain_footing(
        self, member: np.ndarray, person: np.ndarray, evacuees: Evacuees
    ) -> None:
        at, people, free = (member, person), self.people, self._free
        depth = self.depth[at]
        calm = ~self.standing[at] & (depth < RISE_DEPTH)
        calm &= depth < 0.5 * people.height[at]
        calm &= depth * self.speed[at] < RISE_FLOW
        calm &= (free.velocity[at] ** 2).sum(-1) < RISE_SPEED**2
        calm &= people.submerged_time[at] < HELPLESS
        self._calm[at] = np.where(calm, self._calm[at] + COUPLING_STEP, 0.0)
        for k in np.flatnonzero(self._calm[at] >= RISE_TIME):
            m, p = int(member[k]), int(person[k])
            self._stand(m, p, evacuees, np.zeros(2))

    def _leave_domain(self, member: np.ndarray, person: np.ndarray) -> None:
        """The terrain ends half a cell inside the domain's sides; who crosses that is lost to the
        water outside, and stays where last seen."""
        domain = self._world.domain
        x, y = self.people.place[member, person].T
        margin_x, margin_y = domain.dx / 2, domain.dy / 2
        out = (x < margin_x) | (x > domain.length - margin_x)
        out |= (y < margin_y) | (y > domain.width - margin_y)
        # Who wades over the edge of the land is past every safe edge.
        for m, p in zip(member[out], person[out], strict=True):
            if self.standing[m, p] and self.people.place[m, p, 0] > domain.length / 2:
                continue
            self.people.place[m, p] = np.clip(
                self.people.place[m, p], (margin_x, margin_y),
                (domain.length - margin_x, domain.width - margin_y),
            )
            self.last_seen[m, p, :2] = self.people.place[m, p]
            self.people.swept[m, p] = True
            self.people.status[m, p] = Status.IN_WATER
            if self.standing[m, p] and np.isnan(self.people.knocked_over_time[m, p]):
                self.people.knocked_over_time[m, p] = self._world.time + COUPLING_STEP
            self.standing[m, p] = False
            self._free.remove(int(m), int(p))

    def _step_out(self, member: int, person: int, evacuees: Evacuees) -> None:
        """Onto dry ground, or into safety: a walker again."""
        people = self.people
        self._free.remove(member, person)
        self.standing[member, person] = False
        self.depth[member, person] = self.speed[member, person] = 0.0
        self.head_under[member, person] = False
        if people.status[member, person] == Status.WADING:
            people.status[member, person] = Status.WALKING

    def _reach(self, active: np.ndarray, evacuees: Evacuees, now: float) -> None:
        """Walkers and those who wait become bodies where the water is at their feet."""
        people, world = self.people, self._world
        member, person = np.nonzero(
            active & ~self._free.placed
            & ((people.status == Status.WAITING) | (people.status == Status.WALKING))
        )
        if not len(member):
            return
        at = (member, *cells(people.place[member, person], world.domain))
        for k in np.flatnonzero(evacuees.water.depth[at] > IN_WATER):
            m, p = int(member[k]), int(person[k])
            if np.isnan(people.departure_time[m, p]):
                people.departure_time[m, p] = now
            people.alerted[m, p] = True
            heading = evacuees.wish(member[k : k + 1], person[k : k + 1], people.place[m, p][None])
            self._stand(m, p, evacuees, heading[0] * float(people.speed[m, p]))

    def _stand(
        self, member: int, person: int, evacuees: Evacuees, velocity: np.ndarray
    ) -> None:
        """Put somebody on the feet where it is, clear of what is there; stays as it is if it
        cannot."""
        people = self.people
        height, radius = people.height[member, person], people.radius[member, person]
        domain = self._world.domain
        edge = np.array([domain.dx, domain.dy]) / 2 + INSET
        here = np.clip(
            people.place[member, person], edge, (domain.length, domain.width) - edge
        )
        ground = float(evacuees.ground_at(np.array([member]), here[None])[0])
        boxes = Boxes.of(self._world.bodies, member)
        place = clear_place(boxes, here, radius, ground, ground + height)
        if place is None:
            return
        people.place[member, person] = place
        centre = np.array([*place, ground + 0.5 * height])
        self._free.place(member, person, centre, UPRIGHT, np.array([*velocity, 0.0]))
        self._velocity_before[member, person] = np.nan
        self._free.set_friction(member, person, 0.0)
        people.status[member, person] = Status.WADING
        self.standing[member, person] = True
        self._calm[member, person] = 0.0
        self.last_seen[member, person] = centre

    def bury(self, member: int, caught: np.ndarray, evacuees: Evacuees, now: float) -> None:
        """The storey that people (numbers) were in has come down on them."""
        self.people.collapse_time[member, caught] = now
        self.put_outside(member, caught, evacuees)

    def put_outside(self, member: int, caught: np.ndarray, evacuees: Evacuees) -> None:
        """People (numbers) come to lie beside their building, or on top of what lies there."""
        people = self.people
        boxes = Boxes.of(self._world.bodies, member)
        for building in np.unique(people.building[member, caught]):
            inside = caught[people.building[member, caught] == building]
            spots = evacuees.around(member, int(building))
            for order, person in enumerate(inside):
                self._lay(member, int(person), order, len(inside), spots, boxes, evacuees)

    def _lay(
        self,
        member: int,
        person: int,
        order: int,
        count: int,
        spots: np.ndarray,
        boxes: Boxes,
        evacuees: Evacuees,
    ) -> None:
        """Lay down the `order`-th of `count` at the next of `spots` (places, 2) that is clear."""
        people = self.people
        radius = float(people.radius[member, person])
        reach = 0.5 * float(people.height[member, person]) + radius
        grounds = evacuees.ground_at(np.full(len(spots), member), spots)
        start = (order * max(len(spots) // count, 1)) % len(spots)
        for k in (np.arange(len(spots)) + start) % len(spots):
            spot, bottom = spots[k], float(grounds[k])
            if boxes.gap(spot, bottom, bottom + 1.0)[0] > reach:
                break
        else:
            spot = spots[start]
            bottom = max(float(grounds[start]), boxes.top(spot, reach))
        # Each lies over the one before where there are more people than places.
        layer = order // len(spots)
        centre = np.array([*spot, bottom + radius * (1.1 + 2.1 * layer)])
        people.place[member, person] = spot
        people.building[member, person], people.storey[member, person] = -1, 0
        people.safe_time[member, person] = np.nan
        people.sheltered[member, person] = False
        people.alerted[member, person] = True
        self._free.place(member, person, centre, LYING, np.zeros(3))
        self._velocity_before[member, person] = np.nan
        self._fall(member, person)
        self.last_seen[member, person] = centre
