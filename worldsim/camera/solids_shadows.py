"""Shadows that solids cast on each other.

Planes cast none: they are the ground and walls that shadows fall on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from worldsim.camera.solids_lens import Lens
from worldsim.camera.solids_shapes import Triple, hidden
from worldsim.camera.solids_solid import Scenery, Solid
from worldsim.camera.solids_states import Solids
from worldsim.simulator.mechanics.scene import Shape

if TYPE_CHECKING:
    from worldsim.camera.solids_shot import Empty, Frames, Look, Still

SOFTNESS = np.float32(0.03)
"""Width of a shadow's border by its distance from what casts it: that of a lamp 1.7 degrees wide.
The real sun's 0.5 degrees would look harder than what films of experiments show."""

LOWEST_SUN = 0.1
"""Sine of the sun's elevation from which on shadows grow no longer."""

BEHIND, UNSEEN = -2, -3
"""Numbers of what casts a shadow and receives none: what does not move, and what is outside the
picture."""


@dataclass(frozen=True)
class Receivers:
    """Places (…, m) that light may fall on: which ``frame`` (m,), ``point`` [m] in the camera's
    axes, number ``who`` of the solid that is there (-1: what is behind), ``width`` [m] of a pixel
    there. ``there`` is False where nothing is."""

    frame: np.ndarray
    point: Triple
    who: np.ndarray
    width: np.ndarray
    there: np.ndarray

    @classmethod
    def along(cls, lens: Lens, frame: np.ndarray, row: np.ndarray, column: np.ndarray,
              distance: np.ndarray, who: np.ndarray) -> Receivers:
        """At distances [m] along the rays through pixel coordinates."""
        there = np.isfinite(distance)
        away = np.where(there, distance, np.float32(0))
        origin, direction = lens.rays(row, column)
        point = tuple(o + d * away for o, d in zip(origin, direction, strict=True))
        width = lens.pixel * (away if lens.perspective else np.ones_like(away))
        return cls(frame, point, who, width, there)


class Caster:
    """A solid that casts a shadow within the pixels of a `Look`.

    number : of it as a receiver; or one of the above.
    """

    def __init__(self, solid: Solid, look: Look, number: int) -> None:
        self.solid, self.look, self.number = solid, look, number

    def darken(self, lit: np.ndarray, receivers: Receivers, place: np.ndarray,
               scenery: Scenery) -> None:
        """Take its shadow from the light `lit` (…, m) of the receivers."""
        at = place[self.look.flat]
        mine = np.flatnonzero(at >= 0)
        at = at[mine]
        if not len(at):
            return
        who = receivers.who[..., at]
        exposed = receivers.there[..., at] & (
            who >= 0 if self.number == BEHIND else who != self.number)
        frame = self.look.frame[mine] if self.number != BEHIND else np.zeros_like(at)
        point = tuple(np.broadcast_to(part, lit.shape)[..., at] for part in receivers.point)
        sight = self.solid.along(frame, point, tuple(scenery.sun), np.float32(0))
        width = receivers.width[..., at] + SOFTNESS * np.maximum(sight.passes, 0)
        covered = hidden(self.solid.shape, sight.size, sight.ray, width)
        lit[..., at] *= np.where(exposed, 1 - covered, np.float32(1))


class Shadows:
    """All shadows in some frames.

    Parameters
    ----------
    solids, every : what moves, in the world's and the camera's axes. numbers : of each of them as
        a receiver. behind : what does not move.

    ``flat``: the numbers of the pixels that those of what moves may reach.
    """

    def __init__(self, scenery: Scenery, solids: Solids, every: list[Solid], numbers: list[int],
                 frames: Frames, behind: Empty | Still) -> None:
        self._scenery = scenery
        self.casters = []
        ground = min(lowest(solids), behind.lowest)
        bounds = shadow_bounds(scenery, solids, frames.rows, ground)
        self._own = [(solid, bounds[:, :, number]) for number, solid in enumerate(every)
                     if solid.shape is not Shape.PLANE]
        for number, solid in enumerate(every):
            if solid.shape is not Shape.PLANE:
                look = frames.within(bounds[:, :, number])
                self.casters.append(Caster(solid, look, numbers[number]))
        self.flat = np.concatenate(
            [caster.look.flat for caster in self.casters] or [np.zeros(0, dtype=np.int64)])
        self._still = []
        for solid, bound in behind.casters:
            look = frames.within(np.repeat(bound, frames.count, axis=1))
            self._still.append(Caster(solid, look, BEHIND))

    def of_own(self) -> list[tuple[Solid, np.ndarray]]:
        """What moves, and the bounds (4, frame) of its shadows."""
        return self._own

    def lit(self, receivers: Receivers, place: np.ndarray) -> np.ndarray:
        """Share of the sun that reaches the receivers (…, m), besides shadows that are there
        already; `place` has their numbers by pixel."""
        lit = np.ones(receivers.there.shape, dtype=np.float32)
        moved = bool(np.any(receivers.who >= 0))
        for caster in [*self.casters, *(self._still if moved else [])]:
            caster.darken(lit, receivers, place, self._scenery)
        return lit


def lowest(solids: Solids) -> float:
    """Least height [m] of solids, and of level planes."""
    height = solids.position[..., 2]
    plane = solids.shape == list(Shape).index(Shape.PLANE)
    level = np.abs(solids.rotation[..., 2, 2]) > 0.99
    reach = np.where(plane, 0.0, np.sum(solids.size, axis=-1))
    found = (height - reach)[np.isfinite(height) & (~plane | level)]
    return float(found.min()) if found.size else np.inf


def shadow_bounds(scenery: Scenery, solids: Solids, rows: tuple[int, int],
                  ground: float) -> np.ndarray:
    """As `Lens.bounds`, of the solids and of all that is in their shadow above `ground` [m]."""
    top = solids.position[..., 2] + np.sum(solids.size, axis=-1)
    length = np.maximum(top - ground, 0.0) / max(scenery.towards_sun[2], LOWEST_SUN)
    return scenery.lens.bounds(solids, rows, -length[..., None] * scenery.towards_sun)
