"""Buildings in the water: their walls hold it off until they break, leaks let it in, and a
building that it lifts or pushes off its foundation floats away.

While a building's outer walls hold, its cells are walls to the water. Then its cells open and the
water runs through: what is left in the way drags on the frame, which may stand on. The little
water that leaks into a closed building is not taken from the water outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from worldsim.simulator.body_models import BOX_DRAG, LEAKY_BUOYANCY
from worldsim.simulator.building_damage import Cause, damage_state
from worldsim.simulator.building_values import building_values
from worldsim.simulator.constants import SEAWATER_DENSITY
from worldsim.simulator.structures import CRUSHED_HEIGHT, STOREY_HEIGHT
from worldsim.simulator.wall_loads import Surroundings, WallFaces

if TYPE_CHECKING:
    from worldsim.simulator.bodies import Bodies
    from worldsim.simulator.floating import FloatingLoads, WaterFields
    from worldsim.simulator.scene import Hidden, Physics, Scene

ORIFICE = 0.6
"""Discharge coefficient of an opening in a wall (sharp-edged orifice; any hydraulics textbook)."""

FOUNDATION_FRICTION = 0.5
"""Of a building on its foundation (0.5 to 0.6 is customary for timber and concrete on concrete)."""

MEMORY = 0.5
"""s over which water and debris are weighed against each other as the cause of a failure: about a
building's period."""


FIXED = 1.0e12
"""kg, in the place of a standing frame's mass where the drag of a loose body is limited to what
makes it go with the water: the ground holds the frame."""


class Buildings:
    """The buildings of a batch as obstacles to the water; arrays are (member, building).

    owner : (member, ny, nx) building whose walls stand there, -1 where there is none.
    porous : whether it stands without the walls of its lowest storey. inside : m, level over the
    base of the water that leaked in. floated : torn off its foundation as a whole.
    failure_time, walls_time, washed_away_time : s, NaN until then. cause : `Cause`.
    max_depth m, max_momentum_flux m3 s-2 : of the water at the walls' places, so far.
    impulse : (…, 2) N s that the water gave to its walls and its frame.
    """

    def __init__(
        self, scenes: list[Scene], hidden: list[Hidden], physics: Physics, bodies: Bodies
    ) -> None:
        self._bodies, self._gravity = bodies, physics.gravity
        slots, domain = scenes[0].slots, scenes[0].domain
        self._domain = domain
        self.owner = np.full((len(scenes), domain.ny, domain.nx), -1)
        for member, scene in enumerate(scenes):
            for b, building in enumerate(scene.buildings):
                self.owner[member][scene.cells_of(building)] = b
        self._plan = self.owner.copy()
        self.values = building_values(scenes, hidden)
        self.faces = WallFaces.of(self.owner)
        shape = self._shape = (len(scenes), slots.buildings)
        self._around = Surroundings(self.faces, shape)
        self._through: tuple[np.ndarray, ...] = tuple(np.zeros((4, 0), dtype=np.int64))
        self.inside = np.zeros(shape)
        self.porous, self.floated = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
        self._open = np.zeros((*shape, slots.storeys), dtype=bool)
        self.failure_time, self.walls_time = np.full(shape, np.nan), np.full(shape, np.nan)
        self.washed_away_time = np.full(shape, np.nan)
        self.cause = np.zeros(shape, dtype=np.int8)
        self.max_depth, self.max_momentum_flux = np.zeros(shape), np.zeros(shape)
        self.impulse = np.zeros((*shape, 2))
        self._head = np.zeros(shape)
        self._level = np.full(shape, -np.inf)
        self._on_frame = np.zeros((*shape, 2))
        self._recent = np.zeros((2, *shape))  # N s, by water and by debris
        self._hit = np.zeros(shape)
        self._ground_force = np.zeros((*shape, 2))

    def wall_loads(
        self, impulses: np.ndarray, star_depth: np.ndarray, ground: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What the water did to the walls in one exchange.

        Parameters
        ----------
        impulses, star_depth : (4, member, ny, nx) N s and m, by direction; see `WallFaces.load`.
        ground : (member, ny, nx) m.

        Returns
        -------
        N s into the ground (member, building, 2), and on the floors above attached storeys
        (member, building, storey, 2).
        """
        faces, bodies = self.faces, self._bodies
        shape = (*self._shape, bodies.slots.storeys)
        loads = faces.load(impulses, star_depth, ground, bodies.base, shape, STOREY_HEIGHT)
        at = (faces.member, faces.row, faces.column)
        base = bodies.base[faces.member, faces.building]
        head = np.maximum(star_depth[(faces.direction, *at)] + ground[at] - base, 0.0)
        self._head = faces.means(head, self._shape)[0].max(-1)
        # Where there is no floor (any more), the wall's load is nobody's but the ground's.
        floors = np.where(bodies.frames.attached[..., None], loads[:, :, 1:], 0.0)
        return loads.sum(2) - floors.sum(2), floors

    def frame_loads(self, water: WaterFields, floating: FloatingLoads) -> np.ndarray:
        """Divide the drag on frames without walls between the floors: `floating.force` keeps what
        the floors above each storey get.

        Returns
        -------
        (member, building, 2) N that goes into the ground.
        """
        self._on_frame = np.zeros((*self._shape, 2))
        if not self.porous.any():
            return np.zeros((*self._shape, 2))
        self._level = self._level_within(water)
        bodies = self._bodies
        storeys = bodies.slots.storeys
        over = self._level - bodies.base
        reach = np.clip(over[..., None] - STOREY_HEIGHT * np.arange(storeys), 0.0, STOREY_HEIGHT)
        # Drag is even over the wet height, so it loads the upper floor by half of that height.
        upper = reach / (2 * STOREY_HEIGHT)
        count = bodies.storey_bodies
        force = floating.force[:, :count, :2].reshape(*self._shape, storeys, 2)
        framed = (self.porous[..., None] & bodies.frames.attached)[..., None]
        down = np.where(framed, force * (1 - upper)[..., None], 0.0)
        left = force - down
        left[:, :, :-1] += down[:, :, 1:]
        floating.force[:, :count, :2] = left.reshape(len(force), count, 2)
        self._on_frame = np.where(framed, force, 0.0).sum(2)
        return down[:, :, 0]

    def book(self, ground: np.ndarray, floors: np.ndarray, duration: float) -> None:
        """Add one exchange's impulses, N s; those of stopped members are zero."""
        on_frame = self._on_frame * duration
        self.impulse += ground + floors.sum(2) + on_frame
        self._ground_force = ground / duration
        pushed = floors.sum(2) + on_frame
        hit = self._bodies.debris_impulse
        fresh = np.stack([np.sqrt((pushed**2).sum(-1)), hit - self._hit])
        self._recent = self._recent * np.exp(-duration / MEMORY) + fresh
        self._hit = hit.copy()

    def after(
        self,
        failed: list[tuple[int, int, int]],
        water: WaterFields,
        time: float,
        duration: float,
        active: np.ndarray,
    ) -> bool:
        """Let walls break and buildings go once the bodies have moved; whether any cells opened.

        failed : storeys that just came down. time : s, now. active : (member,) not stopped.
        """
        on = active[:, None]
        depth, flux = self._around.greatest(water)
        self.max_depth = np.where(on, np.maximum(self.max_depth, depth), self.max_depth)
        self.max_momentum_flux = np.where(
            on, np.maximum(self.max_momentum_flux, flux), self.max_momentum_flux
        )
        outside = self._outside(water)
        self._leak(outside, duration)
        fallen = np.zeros(self._shape, dtype=bool)
        for member, building, storey in failed:
            fallen[member, building] |= storey == 0
        frames = self._bodies.frames
        stands = frames.attached[:, :, 0] & on
        loose = stands & self._lets_go(outside)
        broken = stands & ~loose & ~self.porous
        broken &= self._head - self.inside > self.values.wall_head
        for member, building in np.argwhere(loose):
            self._bodies.tear_off(int(member), int(building))
        self.floated |= loose
        by_debris = self._recent[1] > self._recent[0]
        self.cause[fallen] = np.where(by_debris, Cause.DEBRIS, Cause.WATER)[fallen]
        self.cause[loose] = Cause.FLOATED
        self.cause[broken] = Cause.OUT_OF_PLANE_WALLS
        self.failure_time[fallen | loose] = time
        self.walls_time[broken] = time
        self._open_storeys(broken)
        self._note_washed_away(time, on)
        opened = fallen | loose | broken
        if opened.any():
            self._open_cells(opened)
        return bool(opened.any())

    def damage_state(self, peak_drift: np.ndarray, standing: np.ndarray) -> np.ndarray:
        """(member, building) code of `DAMAGE_STATES` now, from the peak drift (…, storey)."""
        return damage_state(
            self.values, peak_drift, standing, np.isfinite(self.walls_time),
            np.isfinite(self.washed_away_time),
        )

    def _outside(self, water: WaterFields) -> np.ndarray:
        """Mean level of the water at the walls over the base, or over the underside of a building
        that is afloat, (member, building) m."""
        faces, bodies = self.faces, self._bodies
        at = (faces.member, faces.row, faces.column)
        base = bodies.base[faces.member, faces.building]
        over = np.where(water.wet[at], np.maximum(water.surface[at] - base, 0.0), 0.0)
        _, level = faces.means(over, self._shape)
        if self.floated.any():
            level[self.floated] = self._draught(water)
        return level

    def _draught(self, water: WaterFields) -> np.ndarray:
        """Depth of the undersides of the lowest storeys of buildings that are afloat, where their
        centres are, (floated,) m."""
        bodies, domain = self._bodies, self._domain
        member, building = np.nonzero(self.floated)
        body = building * bodies.slots.storeys
        x, y, z = bodies.storey_position(member, body).T
        row = np.clip(y / domain.dy, 0, domain.ny - 1).astype(np.int64)
        column = np.clip(x / domain.dx, 0, domain.nx - 1).astype(np.int64)
        half = bodies.half_size[member, body, 2]
        draught = water.surface[member, row, column] - (z - half)
        wet = water.wet[member, row, column]
        return np.where(wet, np.clip(draught, 0.0, 2 * half), 0.0)

    def _leak(self, outside: np.ndarray, duration: float) -> None:
        """Water runs in or out through the openings: Torricelli's law over the wet area."""
        values = self.values
        difference = outside - self.inside
        opening = values.leakage * values.perimeter * np.maximum(outside, self.inside)
        speed = np.sqrt(2 * self._gravity * np.abs(difference))
        rise = np.minimum(ORIFICE * opening * speed * duration / values.area, np.abs(difference))
        filled = self.inside + np.sign(difference) * rise
        from_below = self.floated & ~values.hull
        self.inside = np.where(self.porous | from_below, outside, filled)
        self._load_floats(outside)

    def _load_floats(self, outside: np.ndarray) -> None:
        """The part of a floating building's bulk that still displaces water."""
        bodies = self._bodies
        body = np.arange(bodies.slots.buildings) * bodies.slots.storeys
        whole = bodies.half_size[:, body, 2] > CRUSHED_HEIGHT
        member, building = np.nonzero(self.floated & whole)
        wet, filled = outside[member, building], self.inside[member, building]
        dry = np.where(wet > 0, 1 - filled / np.where(wet > 0, wet, 1.0), 1.0)
        dry = np.where(self.values.hull[member, building], dry, 0.0)
        bodies.floaters.buoyant[member, body[building]] = np.clip(dry, LEAKY_BUOYANCY, 1.0)

    def _lets_go(self, outside: np.ndarray) -> np.ndarray:
        """Whether uplift and push exceed weight, friction and anchorage."""
        frames = self._bodies.frames
        held = frames.attached
        weight = self._gravity * np.where(held, frames.properties.mass, 0.0).sum(-1)
        uplift = np.where(
            self.porous,
            0.0,
            SEAWATER_DENSITY
            * self._gravity
            * self.values.area
            * np.maximum(outside - self.inside, 0.0),
        )
        pressed = weight - uplift
        resistance = (
            FOUNDATION_FRICTION * np.maximum(pressed, 0.0)
            + self.values.anchorage
            + np.minimum(pressed, 0.0)
        )
        push = np.sqrt(((frames.base_shear + self._ground_force) ** 2).sum(-1))
        return push > resistance

    def _open_storeys(self, broken: np.ndarray) -> None:
        """Let the water run through storeys whose walls broke; what is left drags on the frame."""
        bodies, storeys = self._bodies, self._bodies.slots.storeys
        self.porous |= broken
        self.porous &= bodies.frames.attached[:, :, 0]
        if not self.porous.any():
            return
        new = np.zeros_like(self._open)
        new[..., 0] = broken
        over = (self._level - bodies.base - self.values.wall_head)[..., None]
        new |= self.porous[..., None] & (over > STOREY_HEIGHT * np.arange(storeys))
        new &= ~self._open & bodies.frames.attached
        self._open |= new
        for member, b in np.argwhere(broken):
            first = b * storeys
            held = np.flatnonzero(bodies.frames.attached[member, b]) + first
            bodies.floaters.loose[member, held] = True
            bodies.floaters.buoyant[member, held] = 0.0
            bodies.floaters.drag[member, held] = BOX_DRAG
            bodies.floaters.mass[member, held] = FIXED
        for member, b, s in np.argwhere(new):
            closure = self.values.closure[member, b]
            bodies.floaters.drag[member, b * storeys + s] = BOX_DRAG * closure

    def _open_cells(self, opened: np.ndarray) -> None:
        """Take the walls of the `opened` (member, building) out of the water's way."""
        for member in np.flatnonzero(opened.any(1)):
            gone = np.flatnonzero(opened[member])
            owner = self.owner[member]
            owner[np.isin(owner, gone)] = -1
            self.faces = self.faces.renewed(int(member), owner)
        inside = np.where(self._plan >= 0, self._plan, 0)
        members = np.arange(len(inside))[:, None, None]
        cells = np.nonzero((self._plan >= 0) & self.porous[members, inside])
        self._through = (*cells, cells[0] * self._shape[1] + self._plan[cells])

    def _level_within(self, water: WaterFields) -> np.ndarray:
        """Mean level of the water where the walls are gone, (member, building) m; -inf if dry."""
        member, row, column, slot = self._through
        at = (member, row, column)
        size = self._shape[0] * self._shape[1]
        wet = water.wet[at].astype(float)
        count = np.bincount(slot, wet, size)
        total = np.bincount(slot, wet * water.surface[at], size)
        level = np.where(count > 0, total / np.maximum(count, 1.0), -np.inf)
        return level.reshape(self._shape)

    def _note_washed_away(self, time: float, on: np.ndarray) -> None:
        """When all storeys of a building had left its plan."""
        present = self._bodies.frames.properties.present
        away = (np.abs(self._bodies.displacement) > self.values.extent[:, :, None]).any(-1)
        gone = (away | ~present).all(-1) & self.values.present & on
        new = gone & np.isnan(self.washed_away_time)
        self.washed_away_time[new] = time
