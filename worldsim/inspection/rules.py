"""The rules: what no video of the real world shows, as candidates with a score each.

None knows what the video is of; `worldsim.inspection.known` adds what a scenario tells.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from worldsim.inspection.finding import Candidate, Kind
from worldsim.inspection.pieces import Heading, Piece, heading
from worldsim.inspection.surroundings import NEAR, Surroundings

BRIEF = 3
"""Frames that an object may be unseen between two pieces that are held against each other."""

LEAST = 3
"""Frames of a piece from which a heading is known."""

LEAST_FLIGHT = 4
"""Frames of a piece from which an acceleration is known."""

WHOLE = 0.85
"""Visible share from which an object counts as wholly seen."""

STEPS = np.linspace(0.0, 1.0, 21)


class Course:
    """One object's track with its pieces.

    position : (time, 2) px. visible : (time,) share.
    """

    def __init__(self, number: int, position: np.ndarray, visible: np.ndarray, noise: float,
                 pieces: list[Piece]) -> None:
        self.number, self.position, self.visible = number, position, visible
        self.noise, self.pieces = noise, pieces

    def breaks(self) -> Iterator[tuple[Heading, Heading, Piece, Piece]]:
        """Consecutive pieces: where the first was heading, and where the second came from."""
        for before, after in zip(self.pieces, self.pieces[1:], strict=False):
            if after.first - before.last <= BRIEF and len(before) >= LEAST and len(after) >= 2:
                yield (
                    heading(self.position, before, True, self.noise),
                    heading(self.position, after, False, self.noise),
                    before,
                    after,
                )


def meeting(before: Heading, after: Heading) -> tuple[float, float]:
    """When two headings come nearest to each other between their pieces, and how near, px."""
    frames = before.origin + STEPS * (after.origin - before.origin)
    gap = np.linalg.norm(before.place(frames) - after.place(frames), axis=-1)
    at = int(gap.argmin())
    return float(frames[at]), float(gap[at])


def teleports(course: Course, around: Surroundings) -> Iterator[Candidate]:
    """Jumps that no contact explains.

    A bounce changes the velocity, not the place: the headings before and after meet. Two contacts
    between two frames leave a gap of half a frame's way at most, which is allowed for.
    """
    for before, after, old, new in course.breaks():
        frame, gap = meeting(before, after)
        frames = after.origin - before.origin
        way = frames * max(np.linalg.norm(before.speed(before.origin)),
                           np.linalg.norm(after.speed(after.origin)))
        error = np.hypot(before.place_error(frame), after.place_error(frame))
        hidden = 1.0 - min(course.visible[old.last], course.visible[new.first], 1.0)
        radius = np.nanmax(around.radius[:, course.number])
        if _confusable(course, around, old.last) or _confusable(course, around, new.first):
            continue
        excess = gap - 0.5 * way - hidden * radius
        if excess > 0:
            yield Candidate(
                Kind.TELEPORT, frame, course.number, _pair(after.place(after.origin)), gap, "px",
                excess / (0.5 + 3 * error),
            )


def losses(course: Course, around: Surroundings, backwards: bool = False) -> Iterator[Candidate]:
    """Objects that are seen whole, and not at all in the next two frames, or the reverse."""
    frames = len(course.position)
    for piece in course.pieces:
        last, step = (piece.first, -1) if backwards else (piece.last, 1)
        first_missing, second = last + step, last + 2 * step
        if not (0 <= first_missing < frames and 0 <= second < frames) or len(piece) < LEAST:
            continue
        gone = np.isnan(course.position[[first_missing, second], 0]).all()
        if not gone or course.visible[last] < WHOLE:
            continue
        if _hidden_soon(course, around, last, step):
            continue
        towards = heading(course.position, piece, not backwards, course.noise)
        place = towards.place(float(first_missing))
        radius = float(around.radius[last, course.number])
        half = float(around.half[last, course.number])
        error = towards.place_error(float(first_missing))
        way = float(np.linalg.norm(towards.speed(float(last))))
        if not around.inside(place, half + error + 0.5 * way):
            continue
        if around.hidden_by_others(course.number, first_missing, place, half, error):
            continue
        if around.over_water(place, half):
            continue
        # What moves slowly cannot slip behind a thing within one frame without being seen to.
        if way > 0.5 * radius and not around.clear_of_things(place, half + error + NEAR + way):
            continue
        kind = Kind.APPEARING if backwards else Kind.VANISHING
        yield Candidate(kind, float(first_missing), course.number, _pair(place), 2 * radius, "px",
                        2 * radius)


def _hidden_soon(course: Course, around: Surroundings, last: int, step: int) -> bool:
    """Whether the object was getting smaller to the eye on its way out."""
    area = around.radius[:, course.number] ** 2
    earlier = [last - step * k for k in (1, 2) if 0 <= last - step * k < len(area)]
    usual = np.nanmedian(area)
    return bool(area[last] < 0.7 * usual or any(area[k] < 0.7 * usual for k in earlier))


def kinks(course: Course, around: Surroundings) -> Iterator[Candidate]:
    """Velocities that change within a frame while nothing is near enough to touch."""
    for before, after, old, new in course.breaks():
        if len(old) < LEAST_FLIGHT or len(new) < LEAST_FLIGHT:
            continue
        frame, gap = meeting(before, after)
        error = np.hypot(before.place_error(frame), after.place_error(frame))
        seen = min(course.visible[old.last], course.visible[new.first])
        if gap > 1.0 + 3 * error or seen < WHOLE:
            continue
        if not _same_acceleration(before, after):
            continue
        place = (before.place(frame) + after.place(frame)) / 2
        half = float(np.nanmax(around.half[[old.last, new.first], course.number]))
        if not (around.inside(place, half + NEAR)
                and around.clear_of_others(course.number, frame, place, half + 2 * NEAR)
                and around.clear_of_things(place, half + 2 * NEAR)):
            continue
        was, now = before.speed(frame), after.speed(frame)
        if _might_be_a_floor(was, now, before, after):
            continue
        change = float(np.linalg.norm(now - was))
        doubt = np.hypot(before.speed_error(frame), after.speed_error(frame))
        scale = max(float(np.linalg.norm(was)), float(np.linalg.norm(now)))
        score = change / (0.05 * scale + 0.05 + 3 * doubt)
        gain = float(now @ now) / max(float(was @ was), 1e-9) - 1
        if gain > 0.1:
            yield Candidate(Kind.ENERGY_GAIN, frame, course.number, _pair(place),
                            100 * gain, "%", score)
        else:
            yield Candidate(Kind.IMPOSSIBLE_ACCELERATION, frame, course.number, _pair(place),
                            100 * change / max(scale, 1e-9), "% of speed", score)


def _confusable(course: Course, around: Surroundings, frame: int) -> bool:
    """Whether another object of the same look is next to this one: either may then be taken for the
    other, and neither's place is well known."""
    place, half = course.position[frame], float(around.half[frame, course.number])
    return around.alike_nearby(course.number, frame, place, half + 2 * NEAR)


def _might_be_a_floor(
    was: np.ndarray, now: np.ndarray, before: Heading, after: Heading
) -> bool:
    """Whether it fell and is thrown back up: a floor seen from above need not show where it is."""
    down = before.acceleration + after.acceleration
    down = down / max(float(np.linalg.norm(down)), 1e-9)
    change = now - was
    return bool(was @ down > 0 and change @ down < -0.7 * np.linalg.norm(change))


def _same_acceleration(before: Heading, after: Heading) -> bool:
    """Whether both pieces could be one free flight's: what is steered or hangs turns its
    acceleration."""
    doubt = np.hypot(before.acceleration_error, after.acceleration_error)
    apart = np.linalg.norm(before.acceleration - after.acceleration)
    return bool(np.isfinite(apart) and apart < 0.1 + 4 * doubt)


def _pair(place: np.ndarray) -> tuple[float, float]:
    return float(place[0]), float(place[1])
