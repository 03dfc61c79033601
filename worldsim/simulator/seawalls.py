"""Seawalls that the water overtops, undermines, slides and overturns; recorded with all works.

Each segment is a block by itself (see gravity_wall.py). Once its balance is lost it moves; it has
failed when it has slid or tilted too far, and falls to a heap of rubble: the ground drops there.
What bodies do to a wall is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import xarray as xr

from worldsim.simulator.coast import Piece, Seawall, WorkKind
from worldsim.simulator.coast_draw import typical
from worldsim.simulator.constants import COUPLING_STEP
from worldsim.simulator.gravity_wall import Wall, excess, scour_depth
from worldsim.simulator.process import Declaration, Process, Variable
from worldsim.simulator.resting import work_foot

if TYPE_CHECKING:
    from worldsim.simulator.floating import WaterFields
    from worldsim.simulator.members import World
    from worldsim.simulator.scene import Hidden, Scene

SLIDE_LIMIT = 0.3
"""m that a wall may slide; the displacement that designs of breakwaters usually allow."""

TILT_LIMIT = 0.1
"""rad; about an eighth of the way to where a block as wide as high would stand on its edge, which
nothing stops while the water presses."""

SCOUR_TIME = 120.0
"""s in which toe scour grows to 63% of its final depth; jets scour soil within minutes. `CoastDraw`
multiplies the rate by a factor that differs by a factor of 3 or more."""

MOST_SCOUR = 0.5
"""Of the base's width that scour may undermine: beyond its middle nothing would hold the wall."""

WET = 0.02
"""m; shallower water beside a wall does not press on it."""

CAUSES = ("none", "slid", "overturned")


class Works(Process):
    """All seawalls, quays and piers of a batch; only seawalls change."""

    group: ClassVar[str] = "works"

    @classmethod
    def present(cls, scenes: list[Scene]) -> bool:
        return scenes[0].slots.works > 0

    @classmethod
    def declare(cls, scenes: list[Scene]) -> Declaration:
        slots = scenes[0].slots.works
        work = ("work",)
        return Declaration(
            sizes={"work": slots},
            series={"standing": Variable(work, "1", "has not failed", bool)},
            totals={
                "failure_time": Variable(work, "s", "when it failed; NaN: never", np.float64),
                "cause": Variable(work, "1", "why it failed", np.int64, CAUSES),
                "max_overflow_depth": Variable(work, "m", "deepest water on the crest"),
                "toe_scour": Variable(work, "m", "width undermined at the landward toe"),
                "rubble": Variable(work, "m", "elevation to which it falls, if it fails"),
            },
            static=_static(scenes),
        )

    def __init__(self, world: World, scenes: list[Scene], hidden: list[Hidden]) -> None:
        self._world = world
        shape = (len(scenes), scenes[0].slots.works)
        self.standing = np.zeros(shape, dtype=bool)
        self.failure_time = np.full(shape, np.nan)
        self.cause = np.zeros(shape, dtype=np.int64)
        self.overflow = np.zeros(shape)
        self.rubble = np.full(shape, np.nan)
        walls: list[list[float]] = []
        at: list[tuple[int, int]] = []
        cells = _Cells()
        for member, (scene, draw) in enumerate(zip(scenes, hidden, strict=True)):
            coast = draw.coast or typical(scene)
            for number, piece in enumerate(scene.pieces):
                self.standing[member, number] = True
                if not isinstance(piece.work, Seawall):
                    continue
                foot, wall = work_foot(scene, piece), piece.work
                height = piece.top - foot
                share = float(coast.rubble[number])
                self.rubble[member, number] = foot + share * height
                walls.append(
                    [
                        foot, height, wall.width, wall.density * height * wall.width,
                        float(coast.friction[number]), float(coast.scour[number]),
                    ]
                )
                cells.add(len(at), member, scene, piece)
                at.append((member, number))
        columns = np.array(walls, dtype=np.float64).reshape(-1, 6).T
        self._foot, self._scour_rate = columns[0], columns[5] / SCOUR_TIME
        self._wall = Wall(*columns[1:5])
        self._at = tuple(np.array(at, dtype=np.int64).reshape(-1, 2).T)
        self._cells = cells.ready(len(at))
        # Towards the far and towards the near side (landward, seaward on an eastern shore).
        self.scour = np.zeros((2, len(at)))
        self._slide, self._slide_rate = np.zeros((2, len(at))), np.zeros((2, len(at)))
        self._tilt, self._tilt_rate = np.zeros((2, len(at))), np.zeros((2, len(at)))
        self._failing = np.zeros(len(at), dtype=bool)

    def load(self, water: WaterFields) -> None:
        """Move the segments whose balance is lost; nothing is given to the water, whose bed they
        are."""
        if not len(self._foot):
            return
        near, far, crest, through = self._cells.of(water, self._foot)
        standing = self.standing[self._at] & self._world.stops.active[self._at[0]]
        top = self._foot + self._wall.height
        self.overflow[self._at] = np.maximum(
            self.overflow[self._at], np.where(standing, crest, 0.0)
        )
        for side, (head, tail, flow) in enumerate(
            ((near, far, through), (far, near, -through))
        ):
            final = scour_depth(top + crest - (self._foot + tail), np.where(standing, flow, 0.0))
            final = np.minimum(np.maximum(final - tail, 0.0), MOST_SCOUR * self._wall.width)
            growth = 1 - np.exp(-self._scour_rate * COUPLING_STEP)
            self.scour[side] += np.maximum(final - self.scour[side], 0.0) * growth
            lost = excess(
                self._wall, head, tail, crest, self.scour[side], self._world.physics.gravity
            )
            self._move(side, lost.force / self._wall.mass, lost.moment / self._wall.inertia)
        slid, tilted = self._slide.max(0) > SLIDE_LIMIT, self._tilt.max(0) > TILT_LIMIT
        self._failing = standing & (slid | tilted)
        cause = np.where(tilted, CAUSES.index("overturned"), CAUSES.index("slid"))
        now = self._failing
        self.cause[self._at[0][now], self._at[1][now]] = cause[now]

    def _move(self, side: int, slide: np.ndarray, tilt: np.ndarray) -> None:
        """One exchange of a sliding and of a turning block under accelerations in m/s2, rad/s2."""
        dt = COUPLING_STEP
        rate = np.maximum(self._slide_rate[side] + dt * slide, 0.0)
        self._slide_rate[side], self._slide[side] = rate, self._slide[side] + dt * rate
        turning = self._tilt_rate[side] + dt * tilt
        angle = np.maximum(self._tilt[side] + dt * turning, 0.0)
        self._tilt_rate[side] = np.where(angle > 0, turning, 0.0)
        self._tilt[side] = angle

    def after(self, failed: list[tuple[int, int, int]]) -> None:
        """Failed segments become rubble."""
        fallen = np.flatnonzero(self._failing & self._world.stops.active[self._at[0]])
        if not len(fallen):
            return
        for wall in fallen.tolist():
            member, number = int(self._at[0][wall]), int(self._at[1][wall])
            top = float(self.rubble[member, number])
            self.standing[member, number] = False
            self.failure_time[member, number] = self._world.time + COUPLING_STEP
            self._world.bodies.lower_work(member, number, top, float(self._foot[wall]))
            where = self._cells.crest_of(wall)
            self._world.lower_bed(where, np.minimum(self._world.ground[where], top))
        self._failing[:] = False

    def now(self) -> dict[str, np.ndarray]:
        return {"standing": self.standing}

    def end(self) -> dict[str, np.ndarray]:
        scour = np.zeros(self.standing.shape)
        scour[self._at] = self.scour[0]
        return {
            "failure_time": self.failure_time, "cause": self.cause,
            "max_overflow_depth": self.overflow, "toe_scour": scour, "rubble": self.rubble,
        }


class _Cells:
    """The water's cells on the near side, on the far side and on the crest of each segment."""

    def __init__(self) -> None:
        self._lists: list[list[np.ndarray]] = [[], [], []]
        self._axis: list[np.ndarray] = []

    def add(self, wall: int, member: int, scene: Scene, piece: Piece) -> None:
        rows, columns = scene.cells_within(piece.footprint)
        row, column = np.mgrid[rows, columns].reshape(2, -1)
        if piece.across == 0:
            near = np.arange(rows.start, rows.stop), np.full(rows.stop - rows.start, columns.start)
            sides = [(near[0], near[1] - 1), (near[0], np.full_like(near[1], columns.stop))]
        else:
            near = np.full(columns.stop - columns.start, rows.start), np.arange(
                columns.start, columns.stop
            )
            sides = [(near[0] - 1, near[1]), (np.full_like(near[0], rows.stop), near[1])]
        for kept, (r, c) in zip(self._lists, [*sides, (row, column)], strict=True):
            kept.append(np.stack([np.full_like(r, wall), np.full_like(r, member), r, c]))
        self._axis.append(np.full_like(row, piece.across))

    def ready(self, walls: int) -> _Cells:
        """After the last was added."""
        self._walls = walls
        empty = np.zeros((4, 0), dtype=np.int64)
        self._sides = [np.concatenate([empty, *kept], 1) for kept in self._lists]
        self._across = np.concatenate([np.zeros(0, dtype=np.int64), *self._axis])
        return self

    def crest_of(self, wall: int) -> tuple[np.ndarray, ...]:
        """Members, rows and columns of a segment's cells."""
        own = self._sides[2][:, self._sides[2][0] == wall]
        return tuple(own[1:])

    def of(
        self, water: WaterFields, foot: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Mean depth over the base's level on the near and the far side, on the crest, m, and
        discharge over the crest from near to far, m2/s; (walls,) each."""
        means = []
        for part in self._sides[:2]:
            at = tuple(part[1:])
            above = np.maximum(water.surface[at] - foot[part[0]], 0.0)
            means.append(self._mean(part[0], np.where(water.depth[at] > WET, above, 0.0)))
        crest = self._sides[2]
        at = tuple(crest[1:])
        depth = water.depth[at]
        through = depth * np.where(self._across == 0, water.u[at], water.v[at])
        return means[0], means[1], self._mean(crest[0], depth), self._mean(crest[0], through)

    def _mean(self, wall: np.ndarray, values: np.ndarray) -> np.ndarray:
        count = np.bincount(wall, minlength=self._walls)
        return np.bincount(wall, values, minlength=self._walls) / np.maximum(count, 1)


def _static(scenes: list[Scene]) -> xr.Dataset:
    slots = scenes[0].slots.works
    kinds = list(WorkKind)
    kind = np.full((len(scenes), slots), -1)
    footprint = np.full((len(scenes), slots, 4), np.nan)
    crest, foot = np.full((2, len(scenes), slots), np.nan)
    for case, scene in enumerate(scenes):
        for number, piece in enumerate(scene.pieces):
            kind[case, number] = kinds.index(piece.kind)
            footprint[case, number] = piece.footprint
            crest[case, number] = piece.top
            foot[case, number] = work_foot(scene, piece)
    codes = {"flag_values": list(range(len(kinds))), "flag_meanings": " ".join(kinds)}
    return xr.Dataset(
        {
            "kind": (("case", "work"), kind, codes | {"long_name": "-1: empty slot"}),
            "footprint": (
                ("case", "work", "bound"), footprint, {"units": "m", "long_name": "x0, x1, y0, y1"}
            ),
            "crest": (("case", "work"), crest, {"units": "m", "long_name": "elevation of the top"}),
            "foot": (
                ("case", "work"), foot, {"units": "m", "long_name": "lowest ground under it"}
            ),
        },
        coords={"work": np.arange(slots)},
    )
