"""One solid as a camera sees it: rays in the solid's own axes, and its paint along them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from worldsim.camera.solids_lens import Lens
from worldsim.camera.solids_paint import CUT, FADING, daylight, share_of_second, skylight
from worldsim.camera.solids_shapes import TINY, Ray, Triple, dot, extent, normal, point_at
from worldsim.camera.solids_states import SHAPES, Backdrop, Solids
from worldsim.simulator.mechanics.bodies import Pattern, Shape

PATTERNS = tuple(Pattern)

ACROSS, UP = np.eye(3, dtype=np.float32)[:2]
"""The camera's own first axes."""

SMALL = 1.0
"""Pixels of radius below which a sphere's edge is not taken to be straight within a pixel."""


class Scenery:
    """Where light comes from and what is behind everything."""

    def __init__(self, lens: Lens, backdrop: Backdrop) -> None:
        self.lens = lens
        self.shadows = backdrop.shadows
        self._low, self._high = backdrop.low, backdrop.high
        self._rows = np.float32(lens.size[0])
        self.towards_sun = backdrop.sun
        self.sun = lens.turned(backdrop.sun).astype(np.float32)
        self.zenith = lens.turned(np.array([0.0, 0.0, 1.0])).astype(np.float32)

    def backdrop(self, row: Any) -> list[np.ndarray]:
        """Colour (3, …) of the backdrop at continuous rows."""
        share = row / self._rows
        return [high + (low - high) * share
                for low, high in zip(self._low, self._high, strict=True)]


@dataclass(frozen=True)
class Sight:
    """Rays (…, m) in frames (m,), in the axes of a solid of some ``size``; ``passes`` is the
    distance at which they pass its centre."""

    frame: np.ndarray
    ray: Ray
    size: Triple
    passes: Any

    def some(self, which: np.ndarray) -> Sight:
        """Those rays (m,) of the places `which`."""
        ray = self.ray
        return Sight(
            self.frame[which],
            Ray(_each(ray.foot, which), _each(ray.direction, which), _one(ray.begin, which)),
            _each(self.size, which), _one(self.passes, which),
        )

    def chosen(self, shape: tuple[int, int], which: np.ndarray) -> Sight:
        """Those rays of a shape (sample, m) at flat places `which`."""
        def flat(part: Any) -> Any:
            return np.broadcast_to(part, shape).reshape(-1)[which] if np.ndim(part) else part

        ray = self.ray
        return Sight(
            self.frame[which % shape[1]],
            Ray(tuple(map(flat, ray.foot)), tuple(map(flat, ray.direction)), flat(ray.begin)),
            tuple(map(flat, self.size)), flat(self.passes),
        )


def _one(part: Any, which: np.ndarray) -> Any:
    return part[which] if np.ndim(part) else part


def _each(parts: Triple, which: np.ndarray) -> Triple:
    return tuple(_one(part, which) for part in parts)


class Solid:
    """One solid in some frames. Parameters: solids in the camera's axes, and which of them."""

    def __init__(self, solids: Solids, number: int, scenery: Scenery) -> None:
        self.shape = SHAPES[solids.shape[number]]
        self.pattern = PATTERNS[solids.pattern[number]]
        self.label = solids.label[number]
        self._field = float(solids.field[number])
        self._colour, self._second = solids.colour[number], solids.second[number]
        self._position = np.ascontiguousarray(solids.position[:, number].T, dtype=np.float32)
        self._size = np.ascontiguousarray(solids.size[:, number].T, dtype=np.float32)
        self._constant = bool(np.all(self._size == self._size[:, :1]))
        self._rotation = solids.rotation[:, number].astype(np.float32)
        self._scenery = scenery
        self._turns = self.shape is not Shape.SPHERE or self.pattern is not Pattern.PLAIN

    @property
    def centre(self) -> np.ndarray:
        """(3, frame) [m] in the camera's axes."""
        return self._position

    @property
    def reach(self) -> np.ndarray:
        """(frame,) No point of it is farther [m] from its centre."""
        return np.asarray(extent(self.shape, tuple(self._size)))

    def seen(self, frame: np.ndarray, row: np.ndarray, column: np.ndarray) -> Sight:
        """Rays through pixel coordinates (…, m) in frames (m,)."""
        origin, direction = self._scenery.lens.rays(row, column)
        return self.along(frame, origin, direction, self._scenery.lens.begin)

    def along(self, frame: np.ndarray, origin: Triple, direction: Triple, begin: Any) -> Sight:
        """Rays (…, m) in frames (m,) from origins in unit directions in the camera's axes."""
        to = tuple(o - np.take(c, frame) for o, c in zip(origin, self._position, strict=True))
        passes = -dot(to, direction)
        foot = tuple(t + d * passes for t, d in zip(to, direction, strict=True))
        if self._turns:
            axes = self._axes(frame)
            foot = tuple(dot(axis, foot) for axis in axes)
            direction = tuple(dot(axis, direction) for axis in axes)
        size = tuple(part[0] if self._constant else np.take(part, frame) for part in self._size)
        return Sight(frame, Ray(foot, direction, begin - passes), size, passes)

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

    def margin(self, sight: Sight, pixels: np.float32) -> np.ndarray:
        """So many pixels [m] where the rays (m,) may meet the solid."""
        lens = self._scenery.lens
        width = pixels * lens.pixel
        if not lens.perspective:
            return np.full(sight.frame.shape, width)
        reach = np.maximum(sight.passes + extent(self.shape, sight.size), 0)
        return np.broadcast_to(width * reach, sight.frame.shape)

    def paint(self, sight: Sight, distance: np.ndarray,
              row: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Colour (3, m) in the sun of what rays (m,) see at `distance` from their feet, and what
        share of it is left in a shadow."""
        ray, scenery = sight.ray, self._scenery
        point = point_at(ray, distance)
        outward = normal(self.shape, sight.size, point)
        sky = skylight(dot(outward, self._inside(scenery.zenith, sight.frame)))
        light = sky + daylight(dot(outward, self._inside(scenery.sun, sight.frame)))
        share: Any = np.float32(0)
        if self.pattern is not Pattern.PLAIN:
            share = share_of_second(
                self.pattern, self.shape, sight.size, self._field, point, outward,
                self._footprint(sight, outward, distance),
            )
        if self.shape is Shape.PLANE:
            cut = ray.foot[2] + ray.direction[2] * ray.begin < 0
            light, sky = np.where(cut, CUT, light), np.where(cut, CUT, sky)
            share = np.where(cut, np.float32(0.5), share) if np.ndim(share) else share
        left = sky / light
        colour = [(first + (second - first) * share) * light
                  for first, second in zip(self._colour, self._second, strict=True)]
        if self.shape is Shape.PLANE and scenery.lens.perspective:
            low, high = FADING
            clear = np.clip((np.abs(ray.direction[2]) - np.float32(low)) * np.float32(
                1 / (high - low)), 0, 1)
            clear = clear * clear * (3 - 2 * clear)
            colour = [behind + (own - behind) * clear
                      for own, behind in zip(colour, scenery.backdrop(row), strict=True)]
            left = 1 - (1 - left) * clear
        return colour, left

    def _footprint(self, sight: Sight, outward: Triple,
                   distance: np.ndarray) -> tuple[Triple, Triple]:
        """By how much the place seen on the surface moves to the next pixel, across and down."""
        lens, direction = self._scenery.lens, sight.ray.direction
        pixel = lens.pixel * (sight.passes + distance) if lens.perspective else lens.pixel
        facing = dot(outward, direction)
        facing = np.where(np.abs(facing) < 1e-4, np.float32(-1e-4), facing)
        steps = []
        for axis in (ACROSS, UP):
            aside = self._inside(axis, sight.frame)
            back = dot(outward, aside) / facing
            steps.append(tuple((a - d * back) * pixel
                               for a, d in zip(aside, direction, strict=True)))
        return steps[0], steps[1]

    @property
    def round(self) -> bool:
        """Whether its silhouette in a pixel is known in closed form."""
        return self.shape is Shape.SPHERE

    def large(self, sight: Sight) -> np.ndarray:
        """Whether a pixel at rays (m,) sees little enough of it for its edge to be straight."""
        return sight.size[0] > self.margin(sight, np.float32(SMALL))

    def silhouette(self, frame: np.ndarray, row: np.ndarray,
                   column: np.ndarray) -> tuple[np.ndarray, Sight, np.ndarray]:
        """Of a sphere: the share (m,) of pixels that it covers, the rays through their centres,
        or through its edge next to them, and how far from their feet these meet it.

        Its edge is taken to be straight within the pixel, but as far in as the circle is on
        average.
        """
        assert self.round
        lens = self._scenery.lens
        origin, direction = lens.rays(row, column)
        x, y, z = (o - np.take(c, frame) for o, c in zip(origin, self._position, strict=True))
        passes = -dot((x, y, z), direction)
        x, y, z = (t + d * passes for t, d in zip((x, y, z), direction, strict=True))
        off = np.maximum(np.sqrt(x * x + y * y + z * z), TINY)
        # How fast the ray's distance from the centre grows from pixel to pixel.
        scale = lens.pixel * (passes * direction[2] if lens.perspective else np.float32(1)) / off
        across, upward = x * scale, y * scale
        steep = np.maximum(np.sqrt(across * across + upward * upward), TINY)
        radius = self._size[0, 0] if self._constant else np.take(self._size[0], frame)
        inwards = (radius - off) / steep - steep / (24 * radius)
        first, second = np.abs(across) / steep, np.abs(upward) / steep
        covered = _share_of_square(inwards, np.maximum(first, second), np.minimum(first, second))
        sight = self.seen(frame, row, column)
        onto = np.minimum(radius / off, 1)
        foot = tuple(part * onto for part in sight.ray.foot)
        return (covered, Sight(frame, Ray(foot, sight.ray.direction, sight.ray.begin), sight.size,
                               sight.passes),
                -np.sqrt(np.maximum(radius * radius - off * off, 0)))


def _share_of_square(inwards: np.ndarray, most: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Area of a unit square within a half plane whose edge is `inwards` from its centre, where
    the normal's components are `most` and `least`."""
    away = np.abs(inwards)
    corner = np.maximum((most + least) / 2 - away, 0)
    inside = np.where(
        away <= (most - least) / 2, np.float32(0.5) + away / most,
        1 - corner * corner / (2 * most * np.maximum(least, TINY)),
    )
    return np.where(inwards >= 0, inside, 1 - inside)
