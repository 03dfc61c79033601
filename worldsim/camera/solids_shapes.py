"""Where rays meet convex solids, in the solids' own axes.

Vectors are tuples of three arrays (or numbers) that broadcast. A ray is given by its point nearest
to the solid's centre, `foot`, and its unit `direction`, which is at right angles to it; distances
[m] along it count from the foot, which keeps them exact in single precision.

A margin [m] decides which solids a pixel sees whole: rays within it of an edge, be they just
inside or just outside, are at the `brink`. Those pixels are looked at more closely.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from worldsim.simulator.mechanics.bodies import Shape

Triple = tuple[Any, ...]

TINY = np.float32(1e-12)

ALONG = np.float32(1e-10)
"""Square of the sine of the angle below which a ray counts as along an axis: in float32 the places
of two rays so close to it differ by less than rounding over any length that is seen."""

LEVEL = np.float32(1e-5)
"""Sine of the angle to a plane [rad] below which a ray is parallel to it: what rounding leaves."""

SLANT = np.float32(0.05)
"""Cosine below which a face is seen so flatly that a pixel reaches no farther on it."""


@dataclass(frozen=True)
class Ray:
    """``begin`` is the distance, from the foot, at which the ray begins to see."""

    foot: Triple
    direction: Triple
    begin: Any


def dot(first: Triple, second: Triple) -> Any:
    """Scalar product."""
    return first[0] * second[0] + first[1] * second[1] + first[2] * second[2]


def point_at(ray: Ray, distance: Any) -> Triple:
    """The point of the ray at a distance from its foot."""
    foot, direction = ray.foot, ray.direction
    return (foot[0] + direction[0] * distance, foot[1] + direction[1] * distance,
            foot[2] + direction[2] * distance)


def entry(shape: Shape, size: Triple, ray: Ray) -> np.ndarray:
    """Distance from the foot at which the ray enters the solid; infinite where it does not, or
    begins inside."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        distance = _ENTRIES[shape](size, ray)
        return np.where(distance >= ray.begin, distance, np.float32(np.inf))


def normal(shape: Shape, size: Triple, point: Triple) -> Triple:
    """Outward unit normal at a point of the surface."""
    x, y, z = point
    if shape is Shape.SPHERE:
        return x / size[0], y / size[0], z / size[0]
    if shape is Shape.BOX:
        over = [np.abs(p) - half for p, half in zip(point, size, strict=True)]
        on_x = (over[0] >= over[1]) & (over[0] >= over[2])
        on_z = ~on_x & (over[2] > over[1])
        on_y = ~on_x & ~on_z
        return np.sign(x) * on_x, np.sign(y) * on_y, np.sign(z) * on_z
    if shape is Shape.CYLINDER:
        around = np.sqrt(x * x + y * y)
        on_end = np.abs(z) - size[1] > around - size[0]
        wall = np.where(on_end, np.float32(0), 1 / np.maximum(around, TINY))
        return x * wall, y * wall, np.sign(z) * on_end
    if shape is Shape.CAPSULE:
        beyond = z - np.clip(z, -size[1], size[1])
        return x / size[0], y / size[0], beyond / size[0]
    flat = np.zeros_like(z)
    return flat, flat, np.ones_like(z)


def extent(shape: Shape, size: Triple) -> Any:
    """No point of a solid is farther [m] from its centre; 0 of a plane, which is met anywhere."""
    if shape is Shape.BOX:
        return np.sqrt(dot(size, size))
    if shape is Shape.PLANE:
        return np.float32(0)
    return size[0] + (size[1] if shape is not Shape.SPHERE else 0)


def brink(shape: Shape, size: Triple, ray: Ray, distance: np.ndarray,
          margin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which rays (n,) are at the brink, and from what distance on they may meet the solid.

    Parameters
    ----------
    distance : (n,) as `entry` gives it. margin : (n,) [m].
    """
    met = np.isfinite(distance)
    near = np.where(met, distance, np.float32(np.inf))
    if shape is Shape.PLANE:
        start = _start_over_plane(ray)
        cut = np.broadcast_to((np.abs(ray.direction[2]) <= LEVEL) & (np.abs(start) < margin),
                              met.shape)
        return cut, np.where(cut, ray.begin, near)
    if shape in (Shape.SPHERE, Shape.CAPSULE):
        off = _distance_from_core(shape, size, ray)
        at_brink = np.abs(off - size[0]) < margin
    else:
        at_brink = np.zeros(met.shape, dtype=bool)
        inside = np.flatnonzero(met)
        part = _rays(ray, inside)
        at_brink[inside] = _near_edge(shape, size, part, distance[inside], margin[inside])
        at_brink |= ~met
    missing = np.flatnonzero(at_brink & ~met)
    part = _rays(ray, missing)
    # A link's length differs from frame to frame, and so from ray to ray.
    wider = tuple(np.broadcast_to(length, met.shape)[missing] + margin[missing] for length in size)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        reached = _ENTRIES[shape](wider, part)
        # Farther out than where the ray begins it may still begin within the margin.
        reached = np.where(np.isfinite(reached), np.maximum(reached, part.begin), reached)
        leaves = -_ENTRIES[shape](wider, _reversed(part))
    reached = np.where(leaves >= part.begin, reached, np.float32(np.inf))
    near[missing] = reached
    at_brink[missing] = np.isfinite(reached)
    return at_brink, near


STEPS = (-0.4, -0.2, 0.0, 0.2, 0.4)
"""Widths by which a solid is made larger to find how far from its border a ray passes."""


def hidden(shape: Shape, size: Triple, ray: Ray, width: np.ndarray) -> np.ndarray:
    """What share (…) of a bundle of rays the solid stops that is `width` [m] wide where it
    passes; rays begin outside."""
    # What is thinner than the bundle cannot stop all of it.
    most = np.minimum(2 * _across(shape, size) / width, 1)
    if shape in (Shape.SPHERE, Shape.CAPSULE):
        off = _distance_from_core(shape, size, ray)
        share = np.clip(np.float32(0.5) + (size[0] - off) / width, 0, 1)
        ahead = ray.begin < (0 if shape is Shape.SPHERE else _along_core(size, ray))
        return np.where(ahead, share * most * most, np.float32(0))
    stopped = np.zeros(np.shape(width), dtype=np.float32)
    back = _reversed(ray)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for step in STEPS:
            wider = tuple(np.maximum(length + np.float32(step) * width, 0) for length in size)
            meets = np.isfinite(_ENTRIES[shape](wider, ray))
            stopped += meets & (-_ENTRIES[shape](wider, back) > ray.begin)
    past = _leaving(shape, size, ray)
    return np.where(past, np.float32(0), stopped * np.float32(1 / len(STEPS)) * most * most)


def _leaving(shape: Shape, size: Triple, ray: Ray) -> np.ndarray:
    """Whether rays begin beyond a face of a box or cylinder and lead on away from it."""
    x, y, z = point_at(ray, ray.begin)
    dx, dy, dz = ray.direction
    if shape is Shape.BOX:
        return ((x * np.sign(dx) >= size[0]) | (y * np.sign(dy) >= size[1])
                | (z * np.sign(dz) >= size[2]))
    outside = (x * x + y * y >= size[0] * size[0]) & (x * dx + y * dy >= 0)
    return outside | (z * np.sign(dz) >= size[1])


def _across(shape: Shape, size: Triple) -> Any:
    """Half of what a bundle of rays meets of a solid across, at most: its second length."""
    if shape is Shape.BOX:
        low, high = np.minimum(size[0], size[1]), np.maximum(size[0], size[1])
        return np.maximum(low, np.minimum(high, size[2]))
    return size[0]


def _rays(ray: Ray, at: np.ndarray) -> Ray:
    def some(part: Any) -> Any:
        return part[at] if np.ndim(part) else part

    return Ray(tuple(map(some, ray.foot)), tuple(map(some, ray.direction)), some(ray.begin))


def _reversed(ray: Ray) -> Ray:
    x, y, z = ray.direction
    return Ray(ray.foot, (-x, -y, -z), ray.begin)


def _sphere(size: Triple, ray: Ray) -> np.ndarray:
    return -np.sqrt(size[0] * size[0] - dot(ray.foot, ray.foot))


def _slab(half: Any, foot: Any, direction: Any) -> tuple[Any, Any]:
    """Between which distances the ray is within `half` of the plane through the centre."""
    steep = np.where(np.abs(direction) < TINY, TINY, direction)
    middle, reach = -foot / steep, np.abs(half / steep)
    return middle - reach, middle + reach


def _box(size: Triple, ray: Ray) -> np.ndarray:
    first, last = _slab(size[0], ray.foot[0], ray.direction[0])
    for axis in (1, 2):
        start, end = _slab(size[axis], ray.foot[axis], ray.direction[axis])
        first, last = np.maximum(first, start), np.minimum(last, end)
    return np.where(first <= last, first, np.float32(np.inf))


def _tube(radius: Any, ray: Ray) -> tuple[Any, Any]:
    """Between which distances the ray is within `radius` of the z axis; NaN if nowhere."""
    (x, y, _), (dx, dy, _) = ray.foot, ray.direction
    across = np.maximum(dx * dx + dy * dy, TINY)
    middle = -(x * dx + y * dy) / across
    off = (x * dy - y * dx) * (1 / np.sqrt(across))
    reach = np.sqrt((radius * radius - off * off) / across)
    # A ray along the axis is inside all along or nowhere; its `off` is noise.
    along = np.where(x * x + y * y <= radius * radius, np.float32(np.inf), np.float32(np.nan))
    reach = np.where(across <= ALONG, along, reach)
    middle = np.where(across <= ALONG, np.float32(0), middle)
    return middle - reach, middle + reach


def _cylinder(size: Triple, ray: Ray) -> np.ndarray:
    first, last = _tube(size[0], ray)
    start, end = _slab(size[1], ray.foot[2], ray.direction[2])
    first, last = np.maximum(first, start), np.minimum(last, end)
    return np.where(first <= last, first, np.float32(np.inf))


def _capsule(size: Triple, ray: Ray) -> np.ndarray:
    radius, half = size[0], size[1]
    first, _ = _tube(radius, ray)
    at = ray.foot[2] + ray.direction[2] * first
    best = np.where(np.abs(at) <= half, first, np.float32(np.inf))
    x, y, z = ray.foot
    for end in (half, -half):
        to = (x, y, z - end)
        along = dot(to, ray.direction)
        found = -along - np.sqrt(radius * radius - dot(to, to) + along * along)
        best = np.fmin(best, found)
    return best


def _start_over_plane(ray: Ray) -> Any:
    return ray.foot[2] + ray.direction[2] * ray.begin


def _plane(size: Triple, ray: Ray) -> np.ndarray:
    """A half space: rays that begin below and do not come out see its inside at once; those that
    come out do not see it."""
    start, slope = _start_over_plane(ray), ray.direction[2]
    down = np.where(slope < -LEVEL, ray.begin - start / np.minimum(slope, -LEVEL),
                    np.float32(np.inf))
    return np.where(start >= 0, down,
                    np.where(slope <= LEVEL, ray.begin, np.float32(np.inf)))


_ENTRIES: dict[Shape, Callable[[Triple, Ray], np.ndarray]] = {
    Shape.SPHERE: _sphere, Shape.BOX: _box, Shape.CYLINDER: _cylinder, Shape.CAPSULE: _capsule,
    Shape.PLANE: _plane,
}


def _distance_from_core(shape: Shape, size: Triple, ray: Ray) -> np.ndarray:
    """How far the ray passes from the sphere's centre or the capsule's axis."""
    if shape is Shape.SPHERE:
        return np.sqrt(dot(ray.foot, ray.foot))
    (x, y, z), dz = ray.foot, ray.direction[2]
    nearest = _nearest_on_axis(size, ray)
    square = x * x + y * y + (z - nearest) ** 2 - (nearest * dz) ** 2
    return np.sqrt(np.maximum(square, 0))


def _nearest_on_axis(size: Triple, ray: Ray) -> np.ndarray:
    """Height on a capsule's axis that the ray passes nearest to."""
    dz = ray.direction[2]
    return np.clip(ray.foot[2] / np.maximum(1 - dz * dz, TINY), -size[1], size[1])


def _along_core(size: Triple, ray: Ray) -> np.ndarray:
    """Distance from the foot at which the ray passes a capsule's axis."""
    return _nearest_on_axis(size, ray) * ray.direction[2]


def _near_edge(shape: Shape, size: Triple, ray: Ray, distance: np.ndarray,
               margin: np.ndarray) -> np.ndarray:
    """Which rays that meet a box or cylinder do so within a pixel of an edge of it."""
    point = point_at(ray, distance)
    outward = normal(shape, size, point)
    stretched = margin / np.maximum(np.abs(dot(outward, ray.direction)), SLANT)
    if shape is Shape.BOX:
        inside = [half - np.abs(p) for p, half in zip(point, size, strict=True)]
        # The face itself is at 0; the edges are next.
        low = np.minimum(inside[0], inside[1])
        high = np.maximum(inside[0], inside[1])
        return np.maximum(low, np.minimum(high, inside[2])) < stretched
    around = np.sqrt(point[0] * point[0] + point[1] * point[1])
    to_rim = np.maximum(size[0] - around, size[1] - np.abs(point[2]))
    (x, y, _), (dx, dy, _) = ray.foot, ray.direction
    off = np.abs(x * dy - y * dx) / np.sqrt(np.maximum(dx * dx + dy * dy, TINY))
    on_wall = outward[2] == 0
    return (to_rim < stretched) | (on_wall & (size[0] - off < margin))
