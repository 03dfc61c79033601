"""What a scenario tells an inspection: the scale, the gravity, and that motion is in one plane.

Only views straight on the plane of motion, by a parallel projection, have one scale for all that
moves; of other views nothing is claimed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from worldsim.camera.projection import Camera
from worldsim.errors import InputError
from worldsim.inspection.finding import Candidate, Kind
from worldsim.inspection.pieces import heading
from worldsim.inspection.rules import LEAST_FLIGHT, Course, meeting
from worldsim.inspection.surroundings import NEAR, Surroundings
from worldsim.mechanics import Freedom, MechanicalScene, Role
from worldsim.scenario import Scenario

LEAST_FALL = 5
"""Frames of a piece from which a fall's acceleration is measured."""


@dataclasses.dataclass(frozen=True)
class Known:
    """What is known of a video's scene.

    fall : ([row, column]) px/s2, the acceleration of free flight; None where bodies hang, or where
        the view has no one scale. gravity : m/s2. planar : whether what moves is in one plane that
        the camera looks straight at.
    """

    fall: np.ndarray | None
    gravity: float
    planar: bool


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
        return Known(None, float("nan"), False)
    view: Camera = scene.cameras[camera]
    objects = [body for body in scene.bodies if body.role is Role.OBJECT]
    free = all(body.joint is not None and body.joint.freedom is Freedom.FREE for body in objects)
    parallel = view.projection == "orthographic"
    across = abs(float(view.basis[2] @ (0.0, 0.0, 1.0)))
    if not (parallel and across < 1e-6):
        return Known(None, scene.gravity, False)
    down = view.basis[:2] @ np.array([0.0, 0.0, -scene.gravity])  # along right and up
    scale = size[0] / view.height_m
    fall = np.array([-down[1], down[0]]) * scale
    depth = [float(view.basis[2] @ np.asarray(body.position)) for body in objects]
    planar = bool(np.ptp(depth) < 1e-6) if depth else False
    return Known(fall if free else None, scene.gravity, planar)


def wrong_gravity(courses: list[Course], around: Surroundings, known: Known, fps: float
                  ) -> Iterator[Candidate]:
    """Objects that fall, with nothing near, by another acceleration than the scenario's."""
    if known.fall is None:
        return
    expected = known.fall / fps**2
    size = float(np.linalg.norm(expected))
    if size == 0:
        return
    for course in courses:
        found, weights, frames = [], [], []
        for piece in course.pieces:
            # The frames next to an event may have part of it in them.
            if len(piece) < LEAST_FALL or not _in_the_air(course, around, piece.first, piece.last):
                continue
            fit = heading(course.position, piece, True, course.noise, most=len(piece))
            found.append(float(fit.acceleration @ expected) / size)
            weights.append(fit.acceleration_error**-2)
            frames.append((piece.first + piece.last) / 2)
        if not found:
            continue
        mean = float(np.average(found, weights=weights))
        error = float(np.sum(weights)) ** -0.5
        at = int(np.argmax(weights))
        place = course.position[round(frames[at])]
        yield Candidate(
            Kind.WRONG_GRAVITY, frames[at], course.number, (float(place[0]), float(place[1])),
            known.gravity * mean / size, "m/s2", abs(mean / size - 1) / (0.02 + 3 * error / size),
        )


def _in_the_air(course: Course, around: Surroundings, first: int, last: int) -> bool:
    """Whether nothing is near enough to touch from frame `first` to `last`."""
    for frame in range(first, last + 1):
        place, half = course.position[frame], float(around.half[frame, course.number])
        if not (around.clear_of_things(place, half + NEAR)
                and around.inside(place, half + NEAR)
                and around.clear_of_others(course.number, frame, place, half + NEAR)):
            return False
    return True


def bounces_up(courses: list[Course], around: Surroundings, known: Known) -> Iterator[Candidate]:
    """Objects that leave what stands still faster than they came: no restitution is above 1.

    In one plane, straight on, no speed is hidden from the camera.
    """
    if known.fall is None or not known.planar:
        return
    for course in courses:
        for before, after, old, new in course.breaks():
            if len(old) < LEAST_FLIGHT or len(new) < LEAST_FLIGHT:
                continue
            frame, gap = meeting(before, after)
            place = (before.place(frame) + after.place(frame)) / 2
            half = float(np.nanmax(around.half[[old.last, new.first], course.number]))
            if gap > 1.0 or not around.clear_of_others(
                course.number, frame, place, half + 2 * NEAR
            ):
                continue
            was, now = (float(np.linalg.norm(one.speed(frame))) for one in (before, after))
            error = float(np.hypot(before.speed_error(frame), after.speed_error(frame)))
            gain = (now / max(was, 1e-6)) ** 2 - 1
            if gain > 0:
                yield Candidate(
                    Kind.ENERGY_GAIN, frame, course.number, (float(place[0]), float(place[1])),
                    100 * gain, "%", (now - was) / (0.03 * was + 0.05 + 3 * error),
                )


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
                    Kind.INTERPENETRATION, float(at), one.number,
                    (float(middle[0]), float(middle[1])), deepest, "px",
                    deepest / (0.5 + 0.15 * min(radii)),
                )
