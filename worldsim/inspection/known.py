"""What a scenario tells an inspection: the scale, the gravity, what stands where, and whether all
motion is in one plane.

Only views straight on the plane of motion, by a parallel projection, have one scale for all that
moves; of other views nothing is claimed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from worldsim.camera.projection import Camera
from worldsim.errors import InputError
from worldsim.inspection.finding import Candidate, Kind, Rule
from worldsim.inspection.fixtures import distance_to_fixtures, poses_of, same_fixtures
from worldsim.inspection.jolts import ANY, STEADY, Curves, jolts
from worldsim.inspection.rules import SLOW, WHOLE, Course, in_the_air
from worldsim.inspection.surroundings import Surroundings
from worldsim.mechanics import Body, Freedom, MechanicalScene, Role
from worldsim.scenario import Scenario

LEAST_FALL = 4
"""Frames of a flight from which its acceleration is measured."""

SYSTEMATIC = 0.01
"""Share of the acceleration by which measured falls are off when noise is not; the goal for the
instruments."""


@dataclasses.dataclass(frozen=True)
class Known:
    """What is known of a video's scene.

    gravity : m/s2. fall : ([row, column]) px/s2, the acceleration between contacts; None where
    nothing moves freely, or where the view has no one scale.
    planar : whether all that moves is tracked, in one plane that the camera looks straight at, and
    gets energy from gravity and each other alone.
    curves : how objects move between events.
    water : whether there may be any.
    to_fixture : (row, column) px, distance to what stands still; None if that is not the same in
    all cases. swings : whether each object hangs on an axle of its own, free of springs.
    down : ([row, column]) px/s2, gravity in the picture; None without one scale.
    """

    gravity: float
    fall: np.ndarray | None = None
    planar: bool = False
    curves: Curves = ANY
    water: bool = False
    to_fixture: np.ndarray | None = None
    swings: bool = False
    down: np.ndarray | None = None


def knowledge(scenario: Scenario, camera: str, size: tuple[int, int]) -> Known:
    """What a scenario tells of a video by one of its cameras, (rows, columns) of `size`.

    Raises
    ------
    InputError : the scenario has no such camera.
    """
    scene = scenario.scene(0, 0)
    if camera not in scene.cameras:
        raise InputError(
            f"{scenario.name!r} has no camera {camera!r}; it has {', '.join(scene.cameras)}")
    if not isinstance(scene, MechanicalScene):
        return Known(float("nan"), water=True)
    view: Camera = scene.cameras[camera]
    if view.projection != "orthographic" or not _level_or_plumb(view):
        return Known(scene.gravity)
    down = view.basis[:2] @ np.array([0.0, 0.0, -scene.gravity])  # along right and up
    acceleration = np.array([-down[1], down[0]]) * size[0] / view.height_m
    movers = [body for body in scene.bodies if body.role is Role.OBJECT]
    free = all(_freedom(body) is Freedom.FREE for body in movers)
    followed = all(part.tracked or not part.collides for body in movers for part in body.parts)
    poses = poses_of(scene)
    depth = [float(view.basis[2] @ poses[body.name][0]) for body in movers]
    steady = all(_freedom(body) in (Freedom.FREE, Freedom.SLIDE) and not _sprung(body)
                 for body in movers)
    smooth = all(body.material.friction == 0 for body in scene.bodies if _touches(body))
    planar = followed and steady and bool(np.ptp(depth) < 1e-6)
    glide = smooth and not np.any(acceleration) and all(
        _glides(body) for body in scene.bodies if body.joint is not None)
    flies = followed and scene.air == (0.0, 0.0) and (glide or (free and np.any(acceleration)))
    others = [scenario.scene(0, case) for case in (1, 2, 3)]
    return Known(
        gravity=scene.gravity,
        fall=acceleration if flies else None,
        planar=planar,
        curves=STEADY if steady else ANY,
        to_fixture=distance_to_fixtures(scene, view, size)
        if all(same_fixtures(scene, other) for other in others) else None,
        swings=len(movers) == 1 and _freedom(movers[0]) is Freedom.HINGE
        and not _sprung(movers[0]),
        down=acceleration,
    )


def _level_or_plumb(view: Camera) -> bool:
    """Whether the camera looks along the ground, or straight down."""
    down = abs(float(view.basis[2][2]))
    return down < 1e-6 or down > 1 - 1e-6


def _freedom(body: Body) -> Freedom | None:
    return body.joint.freedom if body.joint is not None else None


def _glides(body: Body) -> bool:
    """Whether nothing but contacts, and gravity, changes its velocity."""
    free = _freedom(body) is Freedom.FREE
    slides = _freedom(body) is Freedom.SLIDE and not _sprung(body)
    return free or (slides and body.joint is not None and body.joint.damping == 0)


def _touches(body: Body) -> bool:
    return any(part.collides for part in body.parts)


def _sprung(body: Body) -> bool:
    return body.joint is not None and body.joint.stiffness > 0


def wrong_gravity(courses: list[Course], around: Surroundings, known: Known, fps: float
                  ) -> list[Candidate]:
    """Objects that fly, with nothing near, by another acceleration than the scenario's: one
    candidate, since all flights of a video tell of one gravity, or none.
    """
    if known.fall is None or not known.fall.any():
        return []
    expected = known.fall / fps**2
    size = float(np.linalg.norm(expected))
    found, weights, flights = [], [], []
    for course in courses:
        for first, last in _flights(course, around):
            time = np.arange(last - first + 1) - (last - first) / 2
            powers = time[:, None] ** np.arange(3)
            inverse = np.linalg.pinv(powers)
            points = course.position[first : last + 1]
            found.append(2 * float(inverse[2] @ points @ expected) / size**2)
            error = 2 * course.jitter * float(np.linalg.norm(inverse[2])) / size
            weights.append(1 / (error**2 + SYSTEMATIC**2))
            flights.append((course, first, last))
    if not found:
        return []
    factor = _middle(np.array(found), np.array(weights))
    course, first, last = flights[int(np.argmax(weights))]
    middle = (first + last) // 2
    return [Candidate(
        Rule.FALL, Kind.WRONG_GRAVITY, float(middle), course.number, _pair(course.position[middle]),
        known.gravity * factor, "m/s2", abs(factor - 1) * float(np.sum(weights)) ** 0.5,
    )]


def _middle(values: np.ndarray, weights: np.ndarray) -> float:
    """The weighted median: a flight with a kick in it says nothing of gravity."""
    order = np.argsort(values)
    below = np.cumsum(weights[order]) - weights[order] / 2
    return float(np.interp(weights.sum() / 2, below, values[order]))


def _flights(course: Course, around: Surroundings) -> Iterator[tuple[int, int]]:
    """First and last frames of smooth motion in the air, `LEAST_FALL` or more."""
    usable = in_the_air(course, around) & (course.visible >= WHOLE)
    cuts = {int(one.frame) for one in jolts(course.position, usable, course.jitter, STEADY)}
    for piece in course.pieces:
        run: list[int] = []
        for frame in range(piece.first, piece.last + 2):
            if frame <= piece.last and usable[frame]:
                run.append(frame)
            if run and (run[-1] != frame or frame in cuts):
                if len(run) >= LEAST_FALL:
                    yield run[0], run[-1]
                run = []


SPEED_SIDE = 2
"""Frames on each side from which a speed is formed."""

SWING_FRAMES = 10
"""Frames before, and after, that are held against each other."""


def swings_up(courses: list[Course], known: Known, fps: float) -> Iterator[Candidate]:
    """Pendulums that gain energy: of what hangs on an axle, ``v^2 / 2 + g h`` falls with the way
    that drag acts over, ``de = -c v^2 dt``, and never jumps up.
    """
    if not known.swings or known.down is None:
        return
    for course in courses:
        found: list[Candidate] = []
        energy, motion = _energy(course, known.down / fps**2)
        energy = energy + _drag(energy, motion) * np.nancumsum(motion)
        for frame in range(SWING_FRAMES, len(energy) - SWING_FRAMES + 1):
            # The kick is between two frames; speeds next to it have both sides in them.
            before = energy[frame - SWING_FRAMES : frame - SPEED_SIDE]
            after = energy[frame + SPEED_SIDE : frame + SWING_FRAMES]
            moving = float((motion[frame - SPEED_SIDE - 1] + motion[frame + SPEED_SIDE]) / 2)
            jump = float(after.mean() - before.mean())
            if not (np.isfinite(jump) and jump > 0 and np.sqrt(2 * moving) > SLOW):
                continue
            # Speeds of neighbouring frames share positions: fewer of them are independent.
            spread = np.sqrt((before.var() + after.var()) / 2)
            error = max(spread, course.jitter * np.sqrt(2 * moving)) * np.sqrt(
                2 * (2 * SPEED_SIDE + 1) / len(before))
            found.append(Candidate(
                Rule.SWING_GAIN, Kind.ENERGY_GAIN, frame - 0.5, course.number,
                _pair(course.position[frame]), 100 * jump / moving, "%", jump / error))
        yield from (one for one in found if one.score == max(
            other.score for other in found if abs(other.frame - one.frame) <= SWING_FRAMES))


def _drag(energy: np.ndarray, motion: np.ndarray) -> float:
    """The c of ``de = -c m dt``, 0 or more, from all stretches of a track: their median, since few
    have a kick in them."""
    way = np.nancumsum(motion)
    fall = energy[:-SWING_FRAMES] - energy[SWING_FRAMES:]
    over = way[SWING_FRAMES:] - way[:-SWING_FRAMES]
    told = np.isfinite(fall) & (over > 0)
    return max(float(np.median(fall[told] / over[told])), 0.0) if told.any() else 0.0


def _energy(course: Course, down: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(time,) px2 per frame squared: energy over mass, and its kinetic part; NaN where not seen
    whole."""
    time = np.arange(-SPEED_SIDE, SPEED_SIDE + 1)
    slope = np.linalg.pinv(time[:, None] ** np.arange(4.0))[1]  # a cubic's: swings turn quickly
    position = np.where(course.visible[:, None] >= WHOLE, course.position, np.nan)
    velocity = np.full_like(position, np.nan)
    for frame in range(SPEED_SIDE, len(position) - SPEED_SIDE):
        velocity[frame] = slope @ position[frame - SPEED_SIDE : frame + SPEED_SIDE + 1]
    motion = (velocity**2).sum(axis=1) / 2
    return motion - position @ down, motion


def overlaps(courses: list[Course], around: Surroundings, known: Known, round_: np.ndarray
             ) -> Iterator[Candidate]:
    """Round objects of one plane that are deeper in each other than measuring explains.

    round_ : (object,) bool, which objects are discs.
    """
    if not known.planar:
        return
    for i, one in enumerate(courses):
        for other in courses[i + 1 :]:
            if not (round_[one.number] and round_[other.number]):
                continue
            away = np.linalg.norm(one.position - other.position, axis=1)
            radii = [np.nanmedian(around.radius[:, c.number]) for c in (one, other)]
            depth = sum(radii) - away
            if not np.isfinite(depth).any():
                continue
            at = int(np.nanargmax(depth))
            deepest = float(depth[at])
            if deepest > 0:
                middle = (one.position[at] + other.position[at]) / 2
                yield Candidate(
                    Rule.OVERLAP, Kind.INTERPENETRATION, float(at), one.number,
                    _pair(middle), deepest, "px",
                    deepest / (0.5 + 0.15 * min(radii)),
                )


def _pair(place: np.ndarray) -> tuple[float, float]:
    return float(place[0]), float(place[1])
