"""The rules: what no video of the real world shows, as candidates with a score each.

None knows what the video is of; `worldsim.inspection.known` adds what a scenario tells.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from worldsim.inspection.finding import Candidate, Kind, Rule
from worldsim.inspection.jolts import ANY, FLIGHT, STEADY, Curves, Jolt, jolts
from worldsim.inspection.pieces import Heading, Piece, heading, noise_of, pieces_of
from worldsim.inspection.surroundings import NEAR, Surroundings

BRIEF = 3
"""Frames that an object may be unseen between two pieces that are held against each other."""

LEAST = 3
"""Frames of a piece from which a heading is known."""

LEAST_GAIN = 0.1
"""Share of the kinetic energy from which a jolt is called a gain of energy."""

LEAST_JITTER = 0.03
"""px; what a track's noise is at least."""

SLOW = 0.3
"""px per frame; speeds below this are not told from rest when shares are formed."""

WHOLE = 0.85
"""Visible share from which an object counts as wholly seen."""

STEPS = np.linspace(0.0, 1.0, 21)


class Course:
    """One object's track with its pieces.

    position : (time, 2) px. visible : (time,) share. noise : px, with what pixels do to places.
    jitter : px, the track's own noise.
    """

    def __init__(self, number: int, position: np.ndarray, visible: np.ndarray) -> None:
        self.number, self.position, self.visible = number, position, visible
        self.noise = noise_of(position)
        self.jitter = noise_of(position, LEAST_JITTER)
        self.pieces = pieces_of(position, self.noise)

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
                Rule.JUMP, Kind.TELEPORT, frame, course.number, _pair(after.place(after.origin)),
                gap, "px", excess / (0.5 + 3 * error),
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
        # What goes on by less than its radius cannot slip behind a thing within one frame.
        if way > radius and not around.clear_of_things(place, half + error + NEAR + way):
            continue
        kind = Kind.APPEARING if backwards else Kind.VANISHING
        yield Candidate(Rule.LOSS, kind, float(first_missing), course.number, _pair(place),
                        2 * radius, "px", 2 * radius)


def _hidden_soon(course: Course, around: Surroundings, last: int, step: int) -> bool:
    """Whether the object was getting smaller to the eye on its way out."""
    area = around.radius[:, course.number] ** 2
    earlier = [last - step * k for k in (1, 2) if 0 <= last - step * k < len(area)]
    usual = np.nanmedian(area)
    return bool(area[last] < 0.7 * usual or any(area[k] < 0.7 * usual for k in earlier))


def unmoved(course: Course, around: Surroundings, fall: np.ndarray | None = None,
            curves: Curves = ANY, planar: bool = False) -> Iterator[Candidate]:
    """Velocities that jump with nothing that could have done it.

    Nothing is near enough to touch; or, where all motion is in one plane that is looked at straight
    (`planar`), what is near stands still, and the object leaves faster than it came.

    Parameters
    ----------
    fall : ([row, column]) px per frame squared, the acceleration of free flight, if known: then
        what flies freely is held against it. curves : how else objects move between events.
    """
    usable = course.visible >= WHOLE
    time = np.arange(len(course.position))[:, None]
    for free in (False, True):
        if free and fall is None:
            continue
        position, may, off = course.position, usable, np.zeros(2)
        if free and fall is not None:
            off = fall
            position = position - 0.5 * off * time**2
            may = usable & in_the_air(course, around)
        for one in jolts(position, may, course.jitter, FLIGHT if free else curves):
            own = off * one.frame
            place = one.place + own * one.frame / 2
            rule = (Rule.FLIGHT_JOLT if free else Rule.STEADY_JOLT if curves == STEADY
                    else Rule.JOLT)
            found = _judged(rule, course, around, one, place, one.before + own, one.after + own,
                            planar, fall is not None)
            if found is not None:
                yield found


def _judged(rule: Rule, course: Course, around: Surroundings, jolt: Jolt, place: np.ndarray,
            was: np.ndarray, now: np.ndarray, planar: bool, floors_known: bool
            ) -> Candidate | None:
    near = slice(max(int(jolt.frame) - 1, 0), int(jolt.frame) + 3)
    half = float(np.nanmax(around.half[near, course.number]))
    if not (around.inside(place, half + NEAR)
            and around.clear_of_others(course.number, jolt.frame, place, half + 2 * NEAR)):
        return None
    speeds = float(np.linalg.norm(was)), float(np.linalg.norm(now))
    change = float(np.linalg.norm(now - was))
    gain = (speeds[1] ** 2 - speeds[0] ** 2) / max(speeds[0] ** 2, SLOW**2)
    clear = around.clear_of_things(place, half + 2 * NEAR)
    if clear and not floors_known and _might_be_a_floor(was, now):
        clear = False
    if gain > LEAST_GAIN and (clear or planar):
        # Of a bounce only the gain is strange, not that there is a jolt.
        share = 1.0 if clear else min((speeds[1] - speeds[0]) / change, 1.0)
        return Candidate(rule if clear else Rule.CONTACT_GAIN, Kind.ENERGY_GAIN, jolt.frame,
                         course.number, _pair(place), 100 * gain, "%", jolt.strength * share)
    if clear:
        return Candidate(rule, Kind.IMPOSSIBLE_ACCELERATION, jolt.frame, course.number,
                         _pair(place), 100 * change / max(*speeds, SLOW), "%", jolt.strength)
    return None


def in_the_air(course: Course, around: Surroundings) -> np.ndarray:
    """(time,) bool: wholly in the picture, and nothing near enough to touch."""
    air = np.zeros(len(course.position), dtype=bool)
    for frame in np.flatnonzero(np.isfinite(course.position[:, 0])):
        place, half = course.position[frame], float(around.half[frame, course.number])
        air[frame] = (around.clear_of_things(place, half + NEAR)
                      and around.inside(place, half + NEAR)
                      and around.clear_of_others(course.number, int(frame), place, half + NEAR))
    return air


def _confusable(course: Course, around: Surroundings, frame: int) -> bool:
    """Whether another object of the same look is next to this one: either may then be taken for the
    other, and neither's place is well known."""
    place, half = course.position[frame], float(around.half[frame, course.number])
    return around.alike_nearby(course.number, frame, place, half + 2 * NEAR)


def _might_be_a_floor(was: np.ndarray, now: np.ndarray) -> bool:
    """Whether it went down and is thrown up: a floor seen from above need not show where it is."""
    change = now - was
    return bool(was[0] > 0 and -change[0] > 0.7 * np.linalg.norm(change))


def _pair(place: np.ndarray) -> tuple[float, float]:
    return float(place[0]), float(place[1])
