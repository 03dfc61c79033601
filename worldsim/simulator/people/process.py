"""People as a process: points until the water reaches them, bodies in it after that."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from worldsim.simulator.constants import COUPLING_STEP
from worldsim.simulator.floating import WaterFields
from worldsim.simulator.people.bodies import PeopleBodies
from worldsim.simulator.people.checks import check_people
from worldsim.simulator.people.evacuees import Evacuees
from worldsim.simulator.people.exposure import Exposure
from worldsim.simulator.people.population import Population
from worldsim.simulator.people.record import TOTALS, declaration
from worldsim.simulator.process import Declaration, Process
from worldsim.simulator.scene import Hidden, Scene
from worldsim.simulator.structures import STOREY_HEIGHT

if TYPE_CHECKING:
    from worldsim.simulator.members import World


class People(Process):
    """The people of a batch: they notice, decide, walk, wade, float, and are counted."""

    group: ClassVar[str] = "people"

    @classmethod
    def present(cls, scenes: list[Scene]) -> bool:
        return any(scene.people for scene in scenes)

    @classmethod
    def declare(cls, scenes: list[Scene]) -> Declaration:
        """What is recorded of people; refuses people who cannot be.

        Raises
        ------
        InputError : of a person, or of a way to safety.
        """
        for scene in {id(scene): scene for scene in scenes}.values():
            check_people(scene)
        return declaration(scenes)

    def __init__(self, world: World, scenes: list[Scene], hidden: list[Hidden]) -> None:
        self._world = world
        self._rest = world.bodies.position[:, : world.bodies.storey_bodies].copy()
        self.people = Population.of(scenes, hidden)
        self.evacuees = Evacuees(world, scenes, self.people)
        self.bodies = PeopleBodies(world, self.people)
        self.exposure = Exposure(world, self.people)

    def load(self, water: WaterFields) -> np.ndarray | None:
        """The water pushes bodies, and they it."""
        self.evacuees.look(water)
        return self.bodies.load(water, self.evacuees)

    def substep(self) -> None:
        """Feet and balance."""
        self.bodies.substep()

    def after(self, failed: list[tuple[int, int, int]]) -> None:
        """Everybody has moved, or moves now."""
        world, people = self._world, self.people
        now = world.time + COUPLING_STEP
        exchange = round(now / COUPLING_STEP)
        active = world.stops.active[:, None] & people.exists
        for member, building, storey in failed:
            caught = active[member] & (people.building[member] == building)
            caught &= people.storey[member] >= storey
            self.evacuees.close(member, building)
            self.bodies.bury(member, np.flatnonzero(caught), self.evacuees, now)
        for member, washed_out in self.evacuees.flooded_out(active, exchange):
            self.bodies.put_outside(member, washed_out, self.evacuees)
        self.evacuees.move(active, now, exchange)
        self.bodies.settle(active, self.evacuees, now)
        self.exposure.add(active, self.evacuees.water, self.bodies, exchange)

    def now(self) -> dict[str, np.ndarray]:
        """Centres of the bodies, and what people do."""
        people, bodies = self.people, self._world.bodies.people
        position = np.where(
            (people.building >= 0)[..., None], self._indoors(), self._on_the_ground()
        )
        position = np.where(bodies.placed[..., None], bodies.position, position)
        position[people.swept] = self.bodies.last_seen[people.swept]
        position[~people.exists] = np.nan
        return {"position": position, "status": people.status}

    def _on_the_ground(self) -> np.ndarray:
        people = self.people
        member = np.arange(len(people.status))[:, None]
        ground = self.evacuees.ground_at(member, np.nan_to_num(people.place))
        return np.concatenate([people.place, (ground + 0.5 * people.height)[..., None]], axis=-1)

    def _indoors(self) -> np.ndarray:
        """Where people would be who go with the storey that they are on."""
        people, world = self.people, self._world
        if not world.bodies.storey_bodies:
            return np.full((*people.status.shape, 3), np.nan)
        member = np.arange(len(people.status))[:, None]
        storey = np.maximum(people.building, 0) * world.bodies.slots.storeys + people.storey
        moved = (world.bodies.position[:, : world.bodies.storey_bodies] - self._rest)[
            member, storey
        ]
        floor = world.bodies.base[member, np.maximum(people.building, 0)]
        height = floor + STOREY_HEIGHT * people.storey + 0.5 * people.height
        return np.concatenate([people.place, height[..., None]], axis=-1) + moved

    def end(self) -> dict[str, np.ndarray]:
        """What has happened to everybody."""
        return {name: getattr(self.people, name) for name in TOTALS}
