"""Shadows that solids cast on each other.

Planes cast none: they are the ground and walls that shadows fall on.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np

from worldsim.camera.solids_lens import Lens
from worldsim.camera.solids_shapes import Triple, dot, hidden
from worldsim.camera.solids_solid import Scenery, Solid
from worldsim.camera.solids_states import Solids
from worldsim.simulator.mechanics.bodies import Shape

SOFTNESS = np.float32(0.03)
"""Width of a shadow's border by its distance from what casts it: that of a lamp 1.7 degrees wide.
The real sun's 0.5 degrees would look harder than what films of experiments show."""

LOWEST_SUN = 0.1
"""Sine of the sun's elevation from which on shadows grow no longer."""

BEHIND, UNSEEN = -2, -3
"""Numbers of what casts a shadow and receives none: what does not move, and what is outside the
picture."""

PAIRS_TOGETHER = 2_000_000
"""Pairs of a solid and a place compared at once: bounds memory."""


@dataclasses.dataclass(frozen=True)
class Receivers:
    """Places (…, m) that light may fall on, by ``frame`` (m,), which never falls.

    ``point`` [m] in the camera's axes; number ``who`` of the solid that is there, -1 if it is
    behind; ``width`` [m] of a pixel there; ``sunny`` is False where no light of the sun falls
    anyway.
    """

    frame: np.ndarray
    point: Triple
    who: np.ndarray
    width: np.ndarray
    sunny: np.ndarray

    @classmethod
    def along(cls, lens: Lens, frame: np.ndarray, row: np.ndarray, column: np.ndarray,
              distance: np.ndarray, who: np.ndarray, left: np.ndarray) -> Receivers:
        """At distances [m] along the rays through pixel coordinates, where a share ``left`` of
        the colour remains in a shadow."""
        sunny = np.isfinite(distance) & (left < 1)
        away = np.where(sunny, distance, np.float32(0))
        origin, direction = lens.rays(row, column)
        point = tuple(np.broadcast_to(o + d * away, away.shape)
                      for o, d in zip(origin, direction, strict=True))
        width = lens.pixel * (away if lens.perspective else np.ones_like(away))
        return cls(frame, point, who, width, sunny)


@dataclasses.dataclass(frozen=True)
class Caster:
    """A solid that casts a shadow, and its ``number`` as a receiver: `BEHIND`, `UNSEEN`, or of
    those that move."""

    solid: Solid
    number: int


class Shadows:
    """All shadows in some frames.

    Parameters
    ----------
    moving : what casts in every frame. still : what casts the same in all, on what moves.
    """

    def __init__(self, scenery: Scenery, moving: list[Caster], still: list[Caster],
                 frames: int) -> None:
        self._scenery = scenery
        self.casters = [*moving, *still]
        # Axes across the sun's light and along it.
        sun = scenery.sun
        across = np.eye(3, dtype=np.float32)[np.argmin(np.abs(sun))]
        first = np.cross(sun, across)
        first /= np.sqrt(dot(tuple(first), tuple(first)))
        self._axes: tuple[Triple, ...] = (
            tuple(first), tuple(np.cross(sun, first)), tuple(sun))
        places, reach = [], []
        for caster in self.casters:
            centre = tuple(np.broadcast_to(part, frames) for part in caster.solid.centre)
            places.append([dot(axis, centre) for axis in self._axes])
            casts = caster.solid.shape is not Shape.PLANE
            reach.append(np.broadcast_to(caster.solid.reach, frames) if casts
                         else np.full(frames, -np.inf))
        shape = (len(self.casters), frames)
        self._place = np.array(places, dtype=np.float32).reshape(shape[0], 3, frames)
        self._reach = np.array(reach, dtype=np.float32).reshape(shape)
        self._number = np.array([caster.number for caster in self.casters])

    def lit(self, receivers: Receivers) -> np.ndarray:
        """Share of the sun that reaches the receivers (…, m), besides shadows that are there
        already."""
        lit = np.ones(receivers.sunny.shape, dtype=np.float32)
        if not len(self.casters):
            return lit
        pairs = list(self._near(receivers))
        if not pairs:
            return lit
        caster = np.concatenate([pair[0] for pair in pairs])
        at = np.concatenate([pair[1] for pair in pairs])
        order = np.argsort(caster, kind="stable")
        ends = np.searchsorted(caster[order], np.arange(len(self.casters) + 1))
        flat, columns = lit.reshape(-1), receivers.frame.size
        for number, one in enumerate(self.casters):
            mine = at[order[ends[number] : ends[number + 1]]]
            if len(mine):
                flat[mine] *= 1 - self._covered(one, receivers, mine, mine % columns)
        return lit

    def lit_alike(self, receivers: Receivers, seen: np.ndarray) -> np.ndarray:
        """As `lit`, of samples (sample, m) of pixels; those of a pixel that see the same solid
        have the light of the first of them. Borders of shadows are wider than a pixel."""
        kind = np.where(receivers.sunny, seen, np.int16(np.iinfo(np.int16).min))
        first = np.zeros(kind.shape, dtype=np.int8)
        for sample in range(1, len(kind)):
            first[sample] = sample
            for before in range(sample - 1, -1, -1):
                first[sample] = np.where(kind[before] == kind[sample], first[before],
                                         first[sample])
        alone = first == np.arange(len(kind), dtype=np.int8)[:, None]
        lit = self.lit(dataclasses.replace(receivers, sunny=receivers.sunny & alone))
        return np.take_along_axis(lit, first.astype(np.int64), axis=0)

    def may_reach(self, number: int, frame: np.ndarray, receivers: Receivers,
                  at: np.ndarray) -> np.ndarray:
        """Whether what moves, of a number, may darken the receivers (pixel,) of places `at` (m,)
        in frames (m,)."""
        place = tuple(part[at] for part in receivers.point)
        mine = self._place[number][:, frame]
        across, along, above = (
            own - dot(axis, place) for own, axis in zip(mine, self._axes, strict=True))
        reach = self._reach[number, frame] + (
            receivers.width[at] + SOFTNESS * np.maximum(above, 0)) / 2
        return (receivers.sunny[at] & (reach > 0) & (above > -reach)
                & (across * across + along * along < reach * reach))

    def _covered(self, caster: Caster, receivers: Receivers, at: np.ndarray,
                 column: np.ndarray) -> np.ndarray:
        frame = receivers.frame[column]
        if caster.number == BEHIND:
            frame = np.zeros_like(frame)
        point = tuple(part.reshape(-1)[at] for part in receivers.point)
        sight = caster.solid.along(frame, point, tuple(self._scenery.sun), np.float32(0))
        width = receivers.width.reshape(-1)[at] + SOFTNESS * np.maximum(sight.passes, 0)
        return hidden(caster.solid.shape, sight.size, sight.ray, width)

    def _near(self, receivers: Receivers) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Numbers of casters and flat places of receivers (p,), pairs in which the one may darken
        the other."""
        count = receivers.sunny.shape[-1]
        bounds = np.searchsorted(receivers.frame, np.arange(self._place.shape[2] + 1))
        together = max(1, PAIRS_TOGETHER // (len(self.casters) * (receivers.sunny.size // count)
                                             if count else 1))
        for frame, (first, last) in enumerate(itertools.pairwise(bounds)):
            for start in range(first, last, together):
                some = np.s_[..., start : min(start + together, last)]
                exposed = np.nonzero(receivers.sunny[some])
                place = tuple(part[some][exposed] for part in receivers.point)
                across, along, up = (dot(axis, place) for axis in self._axes)
                who, width = receivers.who[some][exposed], receivers.width[some][exposed]
                mine = self._place[:, :, frame, None]
                above = mine[:, 2] - up
                reach = self._reach[:, frame, None] + (
                    width + SOFTNESS * np.maximum(above, 0)) / 2
                number = self._number[:, None]
                near = (mine[:, 0] - across) ** 2 + (mine[:, 1] - along) ** 2 < reach * reach
                near &= (reach > 0) & (above > -reach)
                near &= np.where(number == BEHIND, who >= 0, who != number)
                caster, which = np.nonzero(near)
                flat = exposed[-1][which] + start
                if len(exposed) > 1:
                    flat = flat + exposed[0][which] * count
                yield caster, flat


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
