"""Objects that jump, vanish or merge: states edited before the camera sees them."""

from __future__ import annotations

import dataclasses

import numpy as np
import xarray as xr

from worldsim.camera.projection import Camera
from worldsim.camera.states import DEBRIS
from worldsim.models.flaws import Flaws, befallen
from worldsim.rollout import scenarios_of
from worldsim.simulator.mechanics.bodies import Role
from worldsim.simulator.mechanics.scene import MechanicalScene

JUMP = 0.2
"""Length of a jump over the width of the picture."""

WAYS = 16
"""Directions that are tried for a jump to stay within the picture."""

INSTANT = 1e-9
"""s; instants nearer to each other are the same."""


@dataclasses.dataclass(frozen=True)
class Object:
    """A body that something may befall, with all the bodies that this takes along, itself too."""

    body: int
    together: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Picture:
    """Where jumps are measured: a camera's picture of `size` (rows, columns)."""

    camera: Camera
    size: tuple[int, int]


def objects_of(states: xr.DataTree) -> list[list[Object]]:
    """The objects of each case: with rigid bodies alone those that instruments follow, elsewhere
    loose debris."""
    if "parts" not in states.children:
        bodies = states["bodies"].dataset
        loose = bodies["present"].values & (bodies["kind"].values == DEBRIS)
        return [[Object(int(b), (int(b),)) for b in np.flatnonzero(row)] for row in loose]
    seed = int(states.attrs["seed"])
    return [
        _objects_in(scenario.scene(seed, int(case)))
        for scenario, case in zip(scenarios_of(states), states["case"].values, strict=True)
    ]


def _objects_in(scene: MechanicalScene) -> list[Object]:
    """Each takes along what hangs on it, and what only carries it."""
    numbers = scene.numbers()
    above = [-1 if body.parent is None else numbers[body.parent] for body in scene.bodies]
    followed = [
        b for b, body in enumerate(scene.bodies)
        if body.role is Role.OBJECT and any(part.tracked for part in body.parts)
    ]
    hanging: list[set[int]] = [{b} for b in range(len(above))]
    for b in reversed(range(len(above))):  # parents come before what hangs on them
        if above[b] >= 0:
            hanging[above[b]] |= hanging[b]
    objects = []
    for body in followed:
        top, parent = body, above[body]
        while parent >= 0 and scene.bodies[parent].joint is not None and not (
            set(followed) & (hanging[parent] - hanging[body])
        ):
            top, parent = parent, above[parent]
        objects.append(Object(body, tuple(sorted(hanging[top]))))
    return objects


def with_flawed_objects(
    states: xr.DataTree, flaws: Flaws, picture: Picture, known_until: float, last: float
) -> xr.DataTree:
    """The rollout with edited ``/bodies``; the same one, where the flaws are not of objects.

    What vanishes has no position (NaN) from then on. All other groups stay as they were simulated.

    Parameters
    ----------
    known_until : s, instant of the last known frame; -inf if none is.
    last : s, instant of the last frame.
    """
    if not flaws.of_objects:
        return states
    bodies = states["bodies"].to_dataset(inherit=False)
    time = np.asarray(bodies["time"].values, dtype=np.float64)
    # Between stored states positions are interpolated: the one before must be known already.
    first = 1 + int(np.searchsorted(time, known_until - INSTANT))
    possible = range(first, int(np.searchsorted(time, last + INSTANT, side="right")))
    position, velocity = (bodies[name].values.copy() for name in ("position", "velocity"))
    seed = int(states.attrs["seed"])
    for i, objects in enumerate(objects_of(states)):
        for j, realization in enumerate(states["realization"].values):
            member = seed, int(states["case"].values[i]), int(realization)
            paths = _Paths(position[i, j], velocity[i, j], objects, picture)
            paths.befall(flaws, member, possible)
    edited = states.copy()
    edited["bodies"] = xr.DataTree(bodies.assign(
        position=bodies["position"].copy(data=position),
        velocity=bodies["velocity"].copy(data=velocity),
    ))
    return edited


class _Paths:
    """Positions (state, body, xyz) m and velocities of one member, edited in place."""

    def __init__(self, position: np.ndarray, velocity: np.ndarray, objects: list[Object],
                 picture: Picture) -> None:
        self._position, self._velocity = position, velocity
        self._before = position.astype(np.float64)
        self._objects, self._picture = objects, picture

    def befall(self, flaws: Flaws, member: tuple[int, int, int], states: range) -> None:
        """First all jumps, then all mergers, then all that vanishes; each is decided by the states
        as they were simulated, so that none depends on whom else something befalls."""
        for one in self._objects:
            found = befallen("teleport", flaws.teleport, member, one.body, states)
            if found is not None:
                jump = self._jump(one, range(found.state, states.stop), found.angle)
                self._position[found.state :, one.together] += jump.astype(self._position.dtype)
        mergers = []
        for one in self._objects:
            found = befallen("merge", flaws.merge, member, one.body, states)
            other = None if found is None else self._nearest(one, found.state)
            if found is not None and other is not None:
                mergers.append((found.state, one.body, one, other))
        # The last first: who has merged stays with the other whatever place that takes later.
        for state, _, one, other in sorted(mergers, key=lambda merger: merger[:2], reverse=True):
            self._merge(one, other, state)
        for one in self._objects:
            found = befallen("vanish", flaws.vanish, member, one.body, states)
            if found is not None:
                self._position[found.state :, one.together] = np.nan

    def _jump(self, one: Object, states: range, angle: float) -> np.ndarray:
        """(3,) m: of `WAYS` directions in the picture's plane, from that at `angle` on, the first
        along which the object stays within the picture for the longest time."""
        camera, size = self._picture.camera, self._picture.size
        path = self._before[states.start : states.stop, one.body]
        length = JUMP * size[1] / float(camera.pixels_per_metre(path[0], size))
        turns = 2 * np.pi * (angle + np.arange(WAYS) / WAYS)
        right, up, _ = camera.basis
        across, along = np.cos(turns), np.sin(turns)
        if up[2] > 0:  # seen from the side: nothing jumps into the ground
            along = np.abs(along)
        jumps = length * (across[:, None] * right + along[:, None] * up)
        row, column, _ = camera.project(path + jumps[:, None], size)
        inside = (row >= 0) & (row <= size[0]) & (column >= 0) & (column <= size[1])
        return jumps[int(np.argmax(inside.sum(axis=1)))]

    def _nearest(self, one: Object, state: int) -> Object | None:
        """The nearest other object that is not taken along with it."""
        others = [other for other in self._objects if other.body not in one.together]
        if not others:
            return None
        place = self._before[state]
        away = [float(np.linalg.norm(place[other.body] - place[one.body])) for other in others]
        return others[int(np.argmin(away))]

    def _merge(self, one: Object, other: Object, state: int) -> None:
        for values in (self._position[state:], self._velocity[state:]):
            target = values[:, other.body]
            values[:, one.together] += (target - values[:, one.body])[:, None]
            values[:, one.body] = target  # exactly, so that of equal solids only one is seen
