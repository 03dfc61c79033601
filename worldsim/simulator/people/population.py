"""The people of a batch of members: what they are, where they are, what has happened to them."""

from __future__ import annotations

import dataclasses

import numpy as np

from worldsim.simulator.body_models import person_radius
from worldsim.simulator.people.before import median_draw
from worldsim.simulator.people.record import Status
from worldsim.simulator.scene import Hidden, Scene

NEVER = np.nan


@dataclasses.dataclass
class Population:
    """Arrays are (member, person, …).

    What they are: exists; height, radius m; mass kg; speed m/s; leave_at s (because of a warning);
    notice_distance m; reaction s; friction, drag 1.
    Where they are: status; place (…, 2) m; building (-1 out of doors), storey; alerted: the flood
    has been noticed; swept: carried out of the domain.
    What has happened: the totals of `record.TOTALS`, by their names.
    """

    exists: np.ndarray
    height: np.ndarray
    radius: np.ndarray
    mass: np.ndarray
    speed: np.ndarray
    leave_at: np.ndarray
    notice_distance: np.ndarray
    reaction: np.ndarray
    friction: np.ndarray
    drag: np.ndarray
    status: np.ndarray
    place: np.ndarray
    building: np.ndarray
    storey: np.ndarray
    alerted: np.ndarray
    swept: np.ndarray
    departure_time: np.ndarray
    safe_time: np.ndarray
    sheltered: np.ndarray
    knocked_over_time: np.ndarray
    carried_distance: np.ndarray
    max_depth: np.ndarray
    max_depth_velocity: np.ndarray
    wet_time: np.ndarray
    water_time: np.ndarray
    submerged_time: np.ndarray
    contact_impulse: np.ndarray
    collapse_time: np.ndarray
    tracer_dose: np.ndarray

    @classmethod
    def of(cls, scenes: list[Scene], hidden: list[Hidden]) -> Population:
        """As the scenes have them at t=0."""
        shape = (len(scenes), scenes[0].slots.people)
        one, zero = np.ones(shape), np.zeros(shape)
        people = cls(
            exists=np.zeros(shape, dtype=bool), height=1.7 * one, radius=0.12 * one,
            mass=70.0 * one, speed=zero.copy(), leave_at=np.full(shape, np.inf),
            notice_distance=zero.copy(), reaction=zero.copy(), friction=zero.copy(),
            drag=one.copy(), status=np.full(shape, int(Status.INDOORS), np.int8),
            place=np.full((*shape, 2), np.nan), building=np.full(shape, -1),
            storey=np.zeros(shape, np.int64), alerted=np.zeros(shape, bool),
            swept=np.zeros(shape, bool), departure_time=NEVER * one, safe_time=NEVER * one,
            sheltered=np.zeros(shape, bool), knocked_over_time=NEVER * one,
            carried_distance=zero.copy(), max_depth=zero.copy(), max_depth_velocity=zero.copy(),
            wet_time=zero.copy(), water_time=zero.copy(), submerged_time=zero.copy(),
            contact_impulse=zero.copy(), collapse_time=NEVER * one, tracer_dose=zero.copy(),
        )
        for member, (scene, draw) in enumerate(zip(scenes, hidden, strict=True)):
            people._fill(member, scene, draw)
        return people

    def _fill(self, member: int, scene: Scene, hidden: Hidden) -> None:
        count = len(scene.people)
        draw = hidden.people or median_draw(count)
        for name, values in (
            ("leave_at", draw.delay), ("notice_distance", draw.notice_distance),
            ("reaction", draw.reaction), ("friction", draw.foot_friction), ("drag", draw.drag),
        ):
            assert len(values) == count, f"{name} of {len(values)} people, not of {count}"
            getattr(self, name)[member, :count] = values
        for number, person in enumerate(scene.people):
            at = (member, number)
            self.exists[at] = True
            self.height[at], self.mass[at] = person.height, person.mass
            self.radius[at] = person_radius(person.height, person.mass)
            self.speed[at], self.place[at] = person.walking_speed, person.position
            self.building[at], self.storey[at] = person.building, person.storey
            self.departure_time[at], self.safe_time[at] = person.departed, person.arrived
            self.status[at] = _status(person.building, person.departed, person.arrived)
            self.sheltered[at] = self.status[at] == Status.SHELTERED


def _status(building: int, departed: float, arrived: float) -> Status:
    if np.isfinite(arrived):
        return Status.SHELTERED if building >= 0 else Status.SAFE
    if building >= 0:
        return Status.INDOORS
    return Status.WALKING if np.isfinite(departed) else Status.WAITING
