"""What the pixels of some frames see.

Each pixel is first looked at along the ray through its centre. Where the edge of one sphere and
nothing else crosses it, the area on either side is known in closed form; where other edges do, it
is looked at along `SAMPLES` rays.
"""

from __future__ import annotations

import numpy as np

from worldsim.camera.solids_frames import (
    HALF,
    NOTHING,
    Empty,
    Frames,
    Look,
    Picture,
    Samples,
)
from worldsim.camera.solids_lens import SAMPLES
from worldsim.camera.solids_shadows import (
    BEHIND,
    UNSEEN,
    Caster,
    Receivers,
    Shadows,
    lowest,
    shadow_bounds,
)
from worldsim.camera.solids_shapes import brink, entry
from worldsim.camera.solids_solid import Scenery, Sight, Solid
from worldsim.camera.solids_states import Solids

MARGIN = np.float32(0.75)
"""Pixels from the centre of a pixel to its corners, with something to spare."""

class Shot:
    """Solids in some frames of a band of rows, in front of what is behind them."""

    def __init__(self, scenery: Scenery, solids: Solids, frames: Frames,
                 behind: Empty | Still) -> None:
        self._scenery, self._frames, self._behind = scenery, frames, behind
        bounds = scenery.lens.bounds(solids, frames.rows)
        here = scenery.lens.seen_from_here(solids)
        every = [Solid(here, number, scenery) for number in range(len(solids))]
        seen = [number for number in range(len(solids))
                if np.any((bounds[1, :, number] > bounds[0, :, number])
                          & (bounds[3, :, number] > bounds[2, :, number]))]
        self.solids = [every[number] for number in seen]
        self._looks = [frames.within(bounds[:, :, number]) for number in seen]
        self._shadows = None
        self.casters = every
        if scenery.shadows:
            moving = [Caster(solid, seen.index(number) if number in seen else UNSEEN)
                      for number, solid in enumerate(every)]
            still = [Caster(solid, BEHIND) for solid in behind.casters]
            self._shadows = Shadows(scenery, moving, still, frames.count)
            ground = min(lowest(solids), behind.lowest)
            self._shades = shadow_bounds(scenery, solids, frames.rows, ground)
        self._met: list[tuple[Look, Sight, np.ndarray]] = []
        self._start()
        for number in range(len(self.solids)):
            self._meet(number)
        self._finish()

    @property
    def borders(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """``whole``, ``edge`` and ``other_edge`` of a `Picture`."""
        return self._whole, self._edge, self._other_edge

    def _start(self) -> None:
        behind, count = self._behind.picture, self._frames.count
        self.distance, self._whole = np.tile(behind.distance, count), np.tile(behind.whole, count)
        self._edge, self._other_edge = np.tile(behind.edge, count), np.tile(
            behind.other_edge, count)
        size = len(self._frames)
        self._nearest, self._cover, self._crosser = (
            np.full(size, NOTHING, dtype=np.int16) for _ in range(3)
        )
        self._touched = np.zeros(size, dtype=bool)

    def _meet(self, number: int) -> None:
        """Let one solid be the nearest of those before it, where it is."""
        solid, look = self.solids[number], self._looks[number]
        sight = solid.seen(look.frame, look.row + HALF, look.column + HALF)
        met = entry(solid.shape, sight.size, sight.ray)
        met = np.broadcast_to(met, look.flat.shape)
        at_brink, near = brink(solid.shape, sight.size, sight.ray, met,
                               solid.margin(sight, MARGIN))
        near = near + sight.passes
        which = np.flatnonzero((np.isfinite(met) | at_brink) & (near < self._whole[look.flat]))
        look, sight, met = look.some(which), sight.some(which), met[which]
        self._met.append((look, sight, met))
        at, near, at_brink = look.flat, near[which], at_brink[which]
        self._touched[at] = True
        covered, near_covered = at[~at_brink], near[~at_brink]
        self._whole[covered] = near_covered
        self._cover[covered] = number
        at, near = at[at_brink], near[at_brink]
        before = self._edge[at]
        self._other_edge[at] = np.minimum(self._other_edge[at], np.maximum(before, near))
        first = near < before
        self._edge[at[first]] = near[first]
        # Too small a sphere is looked at closely, as if something else crossed it too.
        self._crosser[at[first]] = number
        away = met + sight.passes
        nearest = away < self.distance[look.flat]
        self.distance[look.flat[nearest]] = away[nearest]
        self._nearest[look.flat[nearest]] = number

    def _finish(self) -> None:
        labels = np.array([NOTHING] + [solid.label for solid in self.solids], dtype=np.int16)
        behind = np.tile(self._behind.picture.label, self._frames.count)
        self.label = np.where(self._nearest >= 0, labels[self._nearest + 1], behind)
        if self._shadows is not None:
            self._touch_shaded(self._shadows)
        self.changed = np.flatnonzero(self._touched)
        at = self.changed
        crossed = self._edge[at] < self._whole[at]
        rounds = np.array([False] + [solid.round for solid in self.solids])
        simple = (crossed & (self._other_edge[at] >= self._whole[at])
                  & rounds[self._crosser[at] + 1])
        place = self._places(at)
        simple = self._only_large(simple, place)
        close = np.flatnonzero(crossed & ~simple)
        pixel = at % self._frames.pixels
        self.colour: np.ndarray = self._behind.picture.colour[:, pixel]
        self.left = self._behind.picture.left[pixel]
        self._paint_whole(place, crossed & ~simple)
        self._paint_edges(simple)
        if len(close):
            colour, left = self._look_closely(at[close])
            self.colour[:, close], self.left[close] = colour, left

    def _touch_shaded(self, shadows: Shadows) -> None:
        """Also look at pixels in which what is behind may be in the shadow of what moves."""
        behind, lens = self._behind.picture, self._scenery.lens
        look = self._frames.at(np.arange(self._frames.pixels))
        receivers = Receivers.along(
            lens, look.frame, look.row + HALF, look.column + HALF, behind.whole,
            np.full(behind.label.shape, NOTHING), behind.left)
        # Where edges cross a pixel, what is at its centre does not tell.
        crossed = behind.edge < behind.whole
        for number in range(self._shades.shape[2]):
            look = self._frames.within(self._shades[:, :, number])
            pixel = look.flat % self._frames.pixels
            may = crossed[pixel] | shadows.may_reach(number, look.frame, receivers, pixel)
            self._touched[look.flat[may]] = True

    def _only_large(self, simple: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Without pixels that a sphere crosses which is small there."""
        simple = simple.copy()
        for number, solid in enumerate(self.solids):
            if solid.round:
                look, sight, _ = self._met[number]
                mine = np.flatnonzero(self._crosser[look.flat] == number)
                small = mine[~solid.large(sight.some(mine))]
                simple[place[look.flat[small]]] = False
        return simple

    def _paint_whole(self, place: np.ndarray, close: np.ndarray) -> None:
        """What covers pixels, behind spheres' edges too, but in those looked at closely."""
        for number, solid in enumerate(self.solids):
            look, sight, met = self._met[number]
            mine = np.flatnonzero((self._cover[look.flat] == number) & ~close[place[look.flat]])
            part = look.some(mine)
            colour, left = solid.paint(sight.some(mine), met[mine], part.row + HALF)
            at = place[part.flat]
            for channel, values in zip(self.colour, colour, strict=True):
                channel[at] = values
            self.left[at] = left
        if self._shadows is not None:
            at = np.flatnonzero(~close)
            flat = self.changed[at]
            self.colour[:, at], self.left[at] = self._in_shadow(
                self._frames.at(flat), self._whole[flat], self._cover[flat], self.colour[:, at],
                self.left[at])

    def _paint_edges(self, simple: np.ndarray) -> None:
        """Spheres, before what is behind their edges."""
        at = np.flatnonzero(simple)
        flat = self.changed[at]
        own = self._places(flat)
        distance, covered = np.zeros((2, len(at)), dtype=np.float32)
        colour, left = self.colour[:, at], self.left[at]
        for number, solid in enumerate(self.solids):
            if not solid.round:
                continue
            look, _, _ = self._met[number]
            mine = np.flatnonzero((self._crosser[look.flat] == number) & (own[look.flat] >= 0))
            part = look.some(mine)
            row = part.row + HALF
            where = own[part.flat]
            covered[where], sight, met = solid.silhouette(part.frame, row, part.column + HALF)
            distance[where] = sight.passes + met
            painted, left[where] = solid.paint(sight, met, row)
            for channel, values in zip(colour, painted, strict=True):
                channel[where] = values
        if self._shadows is not None:
            colour, left = self._in_shadow(self._frames.at(flat), distance, self._crosser[flat],
                                           colour, left)
        self.colour[:, at] += (colour - self.colour[:, at]) * covered
        self.left[at] += (left - self.left[at]) * covered

    def _in_shadow(self, look: Look, distance: np.ndarray, who: np.ndarray, colour: np.ndarray,
                   left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Colours (3, m) of what the rays through the centres of pixels see, and their shares
        left in a further shadow, once shadows have fallen on it."""
        assert self._shadows is not None
        receivers = Receivers.along(self._scenery.lens, look.frame, look.row + HALF,
                                    look.column + HALF, distance, who, left)
        lit = self._shadows.lit(receivers)
        return colour * (left + (1 - left) * lit), _left(left, lit)

    def _places(self, flat: np.ndarray) -> np.ndarray:
        """Place of each pixel among those of numbers `flat`; -1 of the others."""
        place = np.full(len(self._frames), -1, dtype=np.int32)
        place[flat] = np.arange(len(flat), dtype=np.int32)
        return place

    def _look_closely(self, flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean colour (3, m) of all samples of pixels, and its share left in a shadow."""
        _, colour, left, _ = self.samples(flat, self._places(flat))
        return np.stack([_mean(channel) for channel in colour]), _mean(left)

    def samples(self, flat: np.ndarray, place: np.ndarray) -> Samples:
        """Distances (sample, m), colours (3, sample, m), their shares left in a shadow and numbers
        of what is seen (-1 backdrop, -2 and less what else is behind), along the rays through
        pixels of numbers `flat` (m,); `place` has those of all pixels."""
        distance, colour, left, seen = self._behind.samples(flat % self._frames.pixels)
        lens = self._scenery.lens
        for number, solid in enumerate(self.solids):
            look, _, _ = self._met[number]
            at = place[look.flat]
            mine = np.flatnonzero(at >= 0)
            look, at = look.some(mine), at[mine]
            row, column = lens.through_pixel(look.row, look.column)
            sight = solid.seen(look.frame, row, column)
            met = entry(solid.shape, sight.size, sight.ray)
            away = met + sight.passes
            nearer = np.flatnonzero(away < distance[:, at])
            painted, shade = solid.paint(sight.chosen(away.shape, nearer), met.reshape(-1)[nearer],
                                         row.reshape(-1)[nearer])
            sample, pixel = np.divmod(nearer, max(len(at), 1))
            where = sample, at[pixel]
            distance[where] = away.reshape(-1)[nearer]
            for channel, values in zip(colour, painted, strict=True):
                channel[where] = values
            left[where], seen[where] = shade, number
        if self._shadows is not None:
            look = self._frames.at(flat)
            row, column = lens.through_pixel(look.row, look.column)
            receivers = Receivers.along(lens, look.frame, row, column, distance,
                                        np.maximum(seen, NOTHING), left)
            lit = self._shadows.lit_alike(receivers, seen)
            colour *= left + (1 - left) * lit
            left = _left(left, lit)
        return distance, colour, left, seen


def _left(left: np.ndarray, lit: np.ndarray) -> np.ndarray:
    """Share of a colour, seen in light `lit`, that is left in a shadow."""
    return left / (left + (1 - left) * lit)


def _mean(samples: np.ndarray) -> np.ndarray:
    """Mean (m,) over samples (sample, m), summed in one order whatever their number."""
    total = samples[0].copy()
    for sample in samples[1:]:
        total += sample
    return total * np.float32(1 / SAMPLES)


class Still:
    """Solids that never move, before the backdrop."""

    picture: Picture

    def __init__(self, scenery: Scenery, solids: Solids, frames: Frames) -> None:
        assert frames.count == 1
        empty = Empty(scenery, frames)
        self._shot = shot = Shot(scenery, solids, frames, empty)
        self.casters, self.lowest = shot.casters, lowest(solids)
        colour, left = empty.picture.colour.copy(), empty.picture.left.copy()
        colour[:, shot.changed], left[shot.changed] = shot.colour, shot.left
        self.picture = Picture(shot.distance, shot.label, *shot.borders, colour, left)
        self._size = len(frames)

    def samples(self, pixels: np.ndarray) -> Samples:
        """As of `Empty`; still solids have numbers below `NOTHING`."""
        which, again = np.unique(pixels, return_inverse=True)
        place = np.full(self._size, -1, dtype=np.int32)
        place[which] = np.arange(len(which), dtype=np.int32)
        distance, colour, left, seen = self._shot.samples(which, place)
        seen = np.where(seen >= 0, NOTHING - 1 - seen, NOTHING)
        return distance[:, again], colour[:, :, again], left[:, again], seen[:, again]
