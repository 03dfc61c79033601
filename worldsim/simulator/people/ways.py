"""The ways to safety on foot: distances on the grid around buildings, and where to step next."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from worldsim.simulator.people.pace import on_slope, wading
from worldsim.simulator.scene import Scene

MOVES = ((0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (1, -2), (2, -1))
"""Rows and columns of half of the sixteen steps; a path of them is at most 2.8% too long."""

WADEABLE = 0.8
"""m; deeper water is avoided. Wading is dangerous to adults in still water beyond 1.2 m (Cox, Yee &
Ball 2004); moving water leaves a margin."""

OBSTRUCTED = 20.0
"""Cost of a cell that is under deep water, rubble or debris over that of an open one: people go
round it if there is any other way."""

EDGE = -1
"""Goal code of the safe edge; others are the shelters' numbers."""


@dataclasses.dataclass
class Field:
    """The way from every cell of one member: arrays are (ny, nx).

    cost : s at 1 m/s on level dry ground; inf where there is no way. direction : (ny, nx, 2) unit
    vector (x, y) of the next step, 0 at a goal. goal : where that leads, `EDGE` or a building.
    """

    cost: np.ndarray
    direction: np.ndarray
    goal: np.ndarray


class Ways:
    """All steps of one scene that do not cut through buildings.

    walls : (ny, nx) bool, cells of buildings. Nobody walks there, not even over their rubble.
    """

    def __init__(self, scene: Scene) -> None:
        domain = scene.domain
        self._shape = (domain.ny, domain.nx)
        self.walls = np.zeros(self._shape, dtype=bool)
        self.doors: dict[int, np.ndarray] = {}
        for building in scene.buildings:
            self.walls[scene.cells_of(building)] = True
        for number, building in enumerate(scene.buildings):
            self.doors[number] = _ring(scene.cells_of(building), self.walls)
        self._edge = np.zeros(self._shape, dtype=bool)
        if scene.evacuation is not None:
            self._edge[:, domain.x >= scene.evacuation.safe_edge] = True
            self._edge &= ~self.walls
        steps = [_steps(move, self.walls) for move in MOVES]
        source, target = (np.concatenate([step[k] for step in steps]) for k in (0, 1))
        spacing = np.array([domain.dy, domain.dx])
        length = np.concatenate([
            np.full(len(step[0]), np.hypot(*(spacing * move)))
            for step, move in zip(steps, MOVES, strict=True)
        ])
        ground = scene.bathymetry.ravel()
        rise = (ground[target] - ground[source]) / length
        self._source = np.concatenate([source, target])
        self._target = np.concatenate([target, source])
        # Searched from the goals backwards: the cost of source -> target is that of the walk
        # from target to source.
        self._length = np.concatenate([length / on_slope(-rise), length / on_slope(rise)])
        size = domain.nx * domain.ny
        order = csr_matrix(
            (np.arange(len(self._source)) + 1.0, (self._source, self._target)), (size, size)
        )
        self._order = order.data.astype(np.int64) - 1
        self._indices, self._indptr = order.indices, order.indptr
        self._spacing = spacing

    def field(self, slowness: np.ndarray, shelters: tuple[int, ...]) -> Field:
        """The quickest way from everywhere to the safe edge or one of these shelters.

        slowness : (ny, nx) cost of each cell over that of open dry ground.
        """
        sources = [np.flatnonzero(self._edge)]
        owner = np.full(self._edge.size, EDGE)
        for number in shelters:
            sources.append(self.doors[number])
            owner[self.doors[number][~self._edge.ravel()[self.doors[number]]]] = number
        indices = np.unique(np.concatenate(sources))
        size = self._edge.size
        if not len(indices):
            nothing = np.full(self._shape, np.inf)
            return Field(nothing, np.zeros((*self._shape, 2)), np.full(self._shape, EDGE))
        flat = slowness.ravel()
        weight = self._length * (0.5 * (flat[self._source] + flat[self._target]))
        graph = csr_matrix((weight[self._order], self._indices, self._indptr), (size, size))
        cost, previous, goal = dijkstra(
            graph, indices=indices, min_only=True, return_predecessors=True
        )
        cell = np.arange(size)
        towards = np.where(previous >= 0, previous, cell)
        rows, columns = np.divmod(towards, self._shape[1])
        here_rows, here_columns = np.divmod(cell, self._shape[1])
        step = np.stack([
            (columns - here_columns) * self._spacing[1], (rows - here_rows) * self._spacing[0]
        ], axis=-1)
        norm = np.sqrt((step**2).sum(-1, keepdims=True))
        direction = step / np.where(norm > 0, norm, 1.0)
        owned = np.where(goal >= 0, owner[np.maximum(goal, 0)], EDGE)
        return Field(
            cost.reshape(self._shape),
            direction.reshape(*self._shape, 2),
            owned.reshape(self._shape),
        )

    def beside(self, building: int) -> np.ndarray:
        """Places (x, y) of the open cells beside a building, (places, 2) m, by direction."""
        rows, columns = np.divmod(self.doors[building], self._shape[1])
        places = np.stack([(columns + 0.5) * self._spacing[1], (rows + 0.5) * self._spacing[0]], -1)
        off = places - places.mean(0)
        return np.asarray(places[np.argsort(np.arctan2(off[:, 1], off[:, 0]), kind="stable")])

    def outside(self, building: int, field: Field) -> tuple[float, float]:
        """Place (x, y) in m beside a building from which it is quickest to safety."""
        cells = self.doors[building]
        assert len(cells), "checked before the first step"
        best = int(cells[int(np.argmin(field.cost.ravel()[cells]))])
        row, column = divmod(best, self._shape[1])
        return (column + 0.5) * float(self._spacing[1]), (row + 0.5) * float(self._spacing[0])


def slowness(depth: np.ndarray, obstructed: np.ndarray) -> np.ndarray:
    """Cost of each cell under so deep water, over that of open dry ground."""
    through = 1.0 / wading(depth)
    return np.where((depth > WADEABLE) | obstructed, OBSTRUCTED, through)


def _ring(cells: tuple[slice, slice], walls: np.ndarray) -> np.ndarray:
    """Flat indices of the open cells with a side in common with a footprint."""
    rows, columns = cells
    beside = np.zeros_like(walls)
    beside[max(rows.start - 1, 0) : rows.stop + 1, columns] = True
    beside[rows, max(columns.start - 1, 0) : columns.stop + 1] = True
    return np.flatnonzero(beside & ~walls)


def _steps(move: tuple[int, int], walls: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flat indices of source and target of one kind of step, wherever the whole block of cells
    between them is open: then every path parallel to it, from anywhere in the first cell, is."""
    ny, nx = walls.shape
    down, across = move
    rows, columns = np.mgrid[0 : ny - down, max(0, -across) : nx - max(0, across)]
    open_ = np.ones(rows.shape, dtype=bool)
    for j in range(down + 1):
        for i in range(min(0, across), max(0, across) + 1):
            open_ &= ~walls[rows + j, columns + i]
    source = (rows * nx + columns)[open_]
    return source, source + down * nx + across
