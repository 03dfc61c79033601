"""One member's video: solids before a backdrop.

What never moves is cast once; of every frame only the pixels in which something else can appear
are cast again. Each pixel is first looked at along the ray through its centre; where an edge of a
solid crosses it, along `SAMPLES` rays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from worldsim.camera.crew import Crew
from worldsim.camera.projection import Camera
from worldsim.camera.solids_lens import SAMPLES, Lens
from worldsim.camera.solids_paint import CUT, FADING, daylight, share_of_second, skylight
from worldsim.camera.solids_shapes import Ray, Triple, brink, dot, entry, normal, point_at
from worldsim.camera.solids_states import SHAPES, Backdrop, Solids, Stage
from worldsim.simulator.mechanics.scene import Pattern, Shape

PATTERNS = tuple(Pattern)

NOTHING = np.int16(-1)
"""Value of the segmentation layer where only the backdrop is seen."""

MARGIN = np.float32(0.75)
"""Pixels from the centre of a pixel to its corners, with something to spare."""

FAR = np.float32(np.inf)


@dataclass(frozen=True)
class Look:
    """Pixels (m,) of some frames: ``flat`` number among all of the frames, ``frame``, picture
    ``row`` and ``column``."""

    flat: np.ndarray
    frame: np.ndarray
    row: np.ndarray
    column: np.ndarray

    def some(self, which: np.ndarray) -> Look:
        """Those of the places `which`."""
        return Look(self.flat[which], self.frame[which], self.row[which], self.column[which])


class Scenery:
    """Where light comes from and what is behind everything."""

    def __init__(self, lens: Lens, backdrop: Backdrop) -> None:
        self.lens = lens
        rows = lens.size[0]
        self._low, self._high = backdrop.low, backdrop.high
        self._rows = np.float32(rows)
        self.sun = lens.turned(backdrop.sun).astype(np.float32)
        self.zenith = lens.turned(np.array([0.0, 0.0, 1.0])).astype(np.float32)

    def backdrop(self, row: Any) -> list[np.ndarray]:
        """Colour (3, …) of the backdrop at continuous rows."""
        share = row / self._rows
        return [high + (low - high) * share
                for low, high in zip(self._low, self._high, strict=True)]


class Solid:
    """One solid in some frames, in the camera's axes."""

    def __init__(self, solids: Solids, number: int, scenery: Scenery) -> None:
        self.shape = SHAPES[solids.shape[number]]
        self.pattern = PATTERNS[solids.pattern[number]]
        self.label = solids.label[number]
        self._field = float(solids.field[number])
        self._colour, self._second = solids.colour[number], solids.second[number]
        self._position = solids.position[:, number].T.astype(np.float32)
        self._size = solids.size[:, number].T.astype(np.float32)
        self._own_size = self._size[:, :1] if np.all(self._size == self._size[:, :1]) else None
        self._rotation = solids.rotation[:, number].astype(np.float32)
        self._scenery = scenery
        self._turns = self.shape is not Shape.SPHERE or self.pattern is not Pattern.PLAIN

    def ray(self, look: Look, row: np.ndarray, column: np.ndarray) -> tuple[Ray, Triple, Any]:
        """Rays at pixel coordinates (…, m) of the frames of `look` in the solid's axes, its size
        there, and the distance at which each passes its centre."""
        frame = look.frame
        origin, direction = self._scenery.lens.rays(row, column)
        to = tuple(o - np.take(c, frame) for o, c in zip(origin, self._position, strict=True))
        passes = -dot(to, direction)
        foot = tuple(t + d * passes for t, d in zip(to, direction, strict=True))
        if self._turns:
            axes = self._axes(frame)
            foot = tuple(dot(axis, foot) for axis in axes)
            direction = tuple(dot(axis, direction) for axis in axes)
        size = (tuple(self._own_size[:, 0]) if self._own_size is not None
                else tuple(np.take(part, frame) for part in self._size))
        return Ray(foot, direction, self._scenery.lens.begin - passes), size, passes

    def _axes(self, frame: np.ndarray) -> list[Triple]:
        return [tuple(np.take(self._rotation[:, i, axis], frame) for i in range(3))
                for axis in range(3)]

    def _inside(self, vector: np.ndarray, frame: np.ndarray) -> Triple:
        """A vector (3,) of the camera's axes, in the solid's, in frames (m,)."""
        if not self._turns:
            return tuple(vector)
        return tuple(
            np.take(self._rotation[:, 0, axis] * vector[0] + self._rotation[:, 1, axis] * vector[1]
                    + self._rotation[:, 2, axis] * vector[2], frame)
            for axis in range(3)
        )

    def paint(self, frame: np.ndarray, ray: Ray, size: Triple, passes: Any, distance: np.ndarray,
              row: np.ndarray) -> list[np.ndarray]:
        """Colour (3, m) of what rays (m,) see at `distance` from their feet."""
        point = point_at(ray, distance)
        outward = normal(self.shape, size, point)
        scenery = self._scenery
        light = skylight(dot(outward, self._inside(scenery.zenith, frame))) + daylight(
            dot(outward, self._inside(scenery.sun, frame)))
        share: Any = np.float32(0)
        if self.pattern is not Pattern.PLAIN:
            share = share_of_second(
                self.pattern, self.shape, size, self._field, point, outward,
                self._footprint(frame, ray, outward, passes + distance),
            )
        if self.shape is Shape.PLANE:
            cut = ray.foot[2] + ray.direction[2] * ray.begin < 0
            light = np.where(cut, CUT, light)
            share = np.where(cut, np.float32(0.5), share) if np.ndim(share) else share
        colour = [(first + (second - first) * share) * light
                  for first, second in zip(self._colour, self._second, strict=True)]
        if self.shape is Shape.PLANE and scenery.lens.perspective:
            low, high = FADING
            clear = np.clip((np.abs(ray.direction[2]) - np.float32(low)) * np.float32(
                1 / (high - low)), 0, 1)
            clear = clear * clear * (3 - 2 * clear)
            colour = [behind + (own - behind) * clear
                      for own, behind in zip(colour, scenery.backdrop(row), strict=True)]
        return colour

    def _footprint(self, frame: np.ndarray, ray: Ray, outward: Triple,
                   distance: Any) -> tuple[Triple, Triple]:
        """By how much the place seen on the surface moves to the next pixel, across and down."""
        lens = self._scenery.lens
        pixel = lens.pixel * distance if lens.perspective else lens.pixel
        facing = dot(outward, ray.direction)
        facing = np.where(np.abs(facing) < 1e-4, np.float32(-1e-4), facing)
        steps = []
        for axis in (np.eye(3, dtype=np.float32)[0], np.eye(3, dtype=np.float32)[1]):
            aside = self._inside(axis, frame)
            back = dot(outward, aside) / facing
            steps.append(tuple((a - d * back) * pixel
                               for a, d in zip(aside, ray.direction, strict=True)))
        return steps[0], steps[1]


class Picture:
    """Some rows of some frames, as far as they are seen.

    Pixels are numbered by frame, row and column. ``distance``, ``label``: what the rays through
    the centres see. ``whole``: the nearest solid that covers all of a pixel. ``edge``: the nearest
    edge that crosses it. ``colour`` (3, pixel).
    """

    def __init__(self, distance: np.ndarray, label: np.ndarray, whole: np.ndarray,
                 edge: np.ndarray, colour: np.ndarray) -> None:
        self.distance, self.label, self.whole, self.edge = distance, label, whole, edge
        self.colour = colour


class Shot:
    """Solids in some frames of a band of rows, in front of what is behind them."""

    def __init__(self, scenery: Scenery, solids: Solids, rows: tuple[int, int],
                 behind: Behind) -> None:
        self._scenery, self._rows, self._behind = scenery, rows, behind
        self._frames = solids.position.shape[0]
        self._columns = scenery.lens.size[1]
        bounds = scenery.lens.bounds(solids, rows)
        here = scenery.lens.seen_from_here(solids)
        self._solids: list[Solid] = []
        self._looks: list[Look] = []
        self._found: list[tuple[np.ndarray, Ray, np.ndarray, np.ndarray]] = []
        for number in range(len(solids)):
            look = self._look(bounds[:, :, number])
            if len(look.flat):
                self._solids.append(Solid(here, number, scenery))
                self._looks.append(look)

    @property
    def pixels(self) -> int:
        return (self._rows[1] - self._rows[0]) * self._columns

    def _look(self, bounds: np.ndarray) -> Look:
        """The pixels within bounds (4, frame)."""
        row0, row1, column0, column1 = bounds
        width = column1 - column0
        count = np.maximum(row1 - row0, 0) * np.maximum(width, 0)
        frame = np.repeat(np.arange(self._frames), count)
        number = np.arange(len(frame)) - np.repeat(np.cumsum(count) - count, count)
        down, across = np.divmod(number, np.maximum(width, 1)[frame])
        row, column = row0[frame] + down, column0[frame] + across
        flat = frame * self.pixels + (row - self._rows[0]) * self._columns + column
        return Look(flat, frame, row.astype(np.float32), column.astype(np.float32))

    def expose(self) -> Picture:
        """The picture."""
        picture = self._behind.picture(self._frames)
        half = np.float32(0.5)
        touched = np.zeros(picture.distance.shape, dtype=bool)
        for number, (solid, look) in enumerate(zip(self._solids, self._looks, strict=True)):
            ray, size, passes = solid.ray(look, look.row + half, look.column + half)
            ray = _spread(ray, len(look.flat))
            passes = np.broadcast_to(passes, look.flat.shape)
            met = entry(solid.shape, size, ray)
            reach = np.maximum(passes + _extent(solid.shape, size), 0)
            pixel = self._scenery.lens.pixel
            margin = MARGIN * pixel * (reach if self._scenery.lens.perspective
                                       else np.ones_like(reach))
            at_brink, near = brink(solid.shape, size, ray, met, margin)
            away, near = met + passes, near + passes
            which = np.flatnonzero((np.isfinite(met) | at_brink)
                                   & (near < picture.whole[look.flat]))
            at, at_brink = look.flat[which], at_brink[which]
            touched[at] = True
            crossed, covered = at[at_brink], at[~at_brink]
            picture.edge[crossed] = np.minimum(picture.edge[crossed], near[which][at_brink])
            picture.whole[covered] = np.minimum(picture.whole[covered], near[which][~at_brink])
            nearest = away[which] < picture.distance[at]
            picture.distance[at[nearest]] = away[which][nearest]
            picture.label[at[nearest]] = number
            self._found.append((which, _some(ray, which), met[which], passes[which]))
        changed = np.flatnonzero(touched)
        crossed = changed[picture.edge[changed] < picture.whole[changed]]
        place = np.full(len(touched), -1, dtype=np.int32)
        place[crossed] = np.arange(len(crossed), dtype=np.int32)
        self._paint_whole(picture, place)
        if len(crossed):
            _, samples = self._through(crossed, place)
            total = samples[:, 0].copy()
            for sample in range(1, SAMPLES):
                total += samples[:, sample]
            picture.colour[:, crossed] = total * np.float32(1 / SAMPLES)
        own = np.array([solid.label for solid in self._solids], dtype=np.int16)
        picture.label = self._behind.labels(picture.label, own)
        return picture

    def _paint_whole(self, picture: Picture, place: np.ndarray) -> None:
        for number, (solid, look) in enumerate(zip(self._solids, self._looks, strict=True)):
            which, ray, met, passes = self._found[number]
            at = look.flat[which]
            mine = np.flatnonzero((picture.label[at] == number) & (place[at] < 0))
            part = look.some(which[mine])
            _, size, _ = solid.ray(part, part.row, part.column)
            colour = solid.paint(part.frame, _some(ray, mine), size, passes[mine], met[mine],
                                 part.row + np.float32(0.5))
            for channel, values in zip(picture.colour, colour, strict=True):
                channel[part.flat] = values

    def through(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distances (sample, m) and colours (3, sample, m) along the rays through pixels (m,),
        all different."""
        place = np.full(self._frames * self.pixels, -1, dtype=np.int32)
        place[pixels] = np.arange(len(pixels), dtype=np.int32)
        return self._through(pixels, place)

    def _through(self, pixels: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        distance, colour = self._behind.samples(pixels % self.pixels)
        for number, (solid, look) in enumerate(zip(self._solids, self._looks, strict=True)):
            which = self._found[number][0]
            at = place[look.flat[which]]
            mine = np.flatnonzero(at >= 0)
            part, at = look.some(which[mine]), at[mine]
            row, column = self._scenery.lens.through_pixel(part.row, part.column)
            ray, size, passes = solid.ray(part, row, column)
            met = entry(solid.shape, size, ray)
            away = met + passes
            nearer = np.flatnonzero(away < distance[:, at])
            sample, pixel = np.divmod(nearer, max(len(at), 1))
            shape = away.shape
            flat = [np.broadcast_to(value, shape).reshape(-1)[nearer] if np.ndim(value) else value
                    for value in (*ray.foot, *ray.direction, ray.begin, *size, passes, met, row)]
            chosen = Ray(tuple(flat[:3]), tuple(flat[3:6]), flat[6])
            painted = solid.paint(part.frame[pixel], chosen, tuple(flat[7:10]), flat[10],
                                  flat[11], flat[12])
            distance[sample, at[pixel]] = away.reshape(-1)[nearer]
            for channel, values in zip(colour, painted, strict=True):
                channel[sample, at[pixel]] = values
        return distance, colour


class Behind:
    """What `Shot` has behind it: the backdrop alone, or still solids in front of it."""

    def __init__(self, scenery: Scenery, rows: tuple[int, int], still: Solids | None) -> None:
        self._scenery, self._rows = scenery, rows
        columns = scenery.lens.size[1]
        pixels = (rows[1] - rows[0]) * columns
        row = np.repeat(np.arange(*rows, dtype=np.float32), columns)
        self._picture = Picture(
            np.full(pixels, FAR), np.full(pixels, NOTHING), np.full(pixels, FAR),
            np.full(pixels, FAR),
            np.stack([np.broadcast_to(part, (pixels,)) for part in
                      scenery.backdrop(row + np.float32(0.5))]).astype(np.float32),
        )
        self._shot = None
        if still is not None:
            self._shot = Shot(scenery, still, rows, Behind(scenery, rows, None))
            self._picture = self._shot.expose()

    def picture(self, frames: int) -> Picture:
        """What is behind in every one of some frames."""
        own = self._picture
        return Picture(
            np.tile(own.distance, frames), np.full(len(own.label) * frames, NOTHING),
            np.tile(own.whole, frames), np.tile(own.edge, frames), np.tile(own.colour, frames),
        )

    def labels(self, number: np.ndarray, own: np.ndarray) -> np.ndarray:
        """Labels of pixels that see the solid of a number, -1 if what is behind."""
        frames = len(number) // len(self._picture.label)
        behind = np.tile(self._picture.label, frames)
        return np.where(number >= 0, own[number], behind) if len(own) else behind

    def samples(self, pixel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distances (sample, m) and colours (3, sample, m) along the rays through pixels (m,)."""
        if self._shot is None:
            columns = self._scenery.lens.size[1]
            row = (pixel // columns + self._rows[0]).astype(np.float32)
            row, _ = self._scenery.lens.through_pixel(row, (pixel % columns).astype(np.float32))
            shape = (SAMPLES, len(pixel))
            return np.full(shape, FAR), np.stack([
                np.broadcast_to(part, shape) for part in self._scenery.backdrop(row)
            ]).astype(np.float32)
        which, again = np.unique(pixel, return_inverse=True)
        distance, colour = self._shot.through(which)
        return distance[:, again], colour[:, :, again]


def _extent(shape: Shape, size: Triple) -> Any:
    """No point of a solid is farther from its centre."""
    if shape is Shape.BOX:
        return np.sqrt(dot(size, size))
    if shape is Shape.PLANE:
        return np.float32(0)
    return size[0] + (size[1] if shape is not Shape.SPHERE else 0)


def _spread(ray: Ray, count: int) -> Ray:
    """All parts of a ray as arrays (count,)."""
    def wide(part: Any) -> np.ndarray:
        return np.broadcast_to(np.asarray(part, dtype=np.float32), (count,))

    return Ray(tuple(map(wide, ray.foot)), tuple(map(wide, ray.direction)), wide(ray.begin))


def _some(ray: Ray, which: np.ndarray) -> Ray:
    return Ray(tuple(part[which] for part in ray.foot),
               tuple(part[which] for part in ray.direction), ray.begin[which])


PIXELS_TOGETHER = 400_000
"""Pixels that are worked on at once, of some rows of some frames: bounds memory."""


class SolidsFilm:
    """One member's video."""

    def __init__(self, stage: Stage, camera: Camera, size: tuple[int, int]) -> None:
        self._stage, self._size = stage, size
        self._scenery = Scenery(Lens(camera, size), stage.backdrop)

    def expose(self, layers: dict[str, np.ndarray], crew: Crew,
               advance: Callable[[float], None]) -> None:
        """Fill rgb (frame, row, column, 3) and, where given, depth and segmentation.

        The work is shared out among the `crew`: each pixel is the work of one, so that their
        number does not change it.
        """
        frames = len(layers["rgb"])
        bands = self._bands()
        for done, rows in enumerate(bands):
            behind = Behind(self._scenery, rows, self._stage.still.during(slice(0, 1)))
            together = max(1, PIXELS_TOGETHER // ((rows[1] - rows[0]) * self._size[1]))
            takes = [slice(first, min(first + together, frames))
                     for first in range(0, frames, together)]

            def shoot(take: slice, rows: tuple[int, int] = rows, behind: Behind = behind) -> slice:
                moving = self._stage.moving.during(take)
                picture = Shot(self._scenery, moving, rows, behind).expose()
                _develop(picture, {name: layer[take, slice(*rows)]
                                   for name, layer in layers.items()})
                return take

            for take in crew(shoot, takes):
                advance((done + take.stop / frames) / len(bands) * frames)

    def _bands(self) -> list[tuple[int, int]]:
        height = max(1, PIXELS_TOGETHER // self._size[1])
        return [(row, min(row + height, self._size[0]))
                for row in range(0, self._size[0], height)]


def _develop(picture: Picture, layers: dict[str, np.ndarray]) -> None:
    """Fill the layers (frame, row, column) with a picture."""
    shape = layers["rgb"].shape[:-1]
    pixels = np.clip(picture.colour + np.float32(0.5), 0, 255).astype(np.uint8)
    layers["rgb"][:] = np.moveaxis(pixels, 0, -1).reshape(*shape, 3)
    if "depth" in layers:
        layers["depth"][:] = picture.distance.reshape(shape)
    if "segmentation" in layers:
        layers["segmentation"][:] = picture.label.reshape(shape)
