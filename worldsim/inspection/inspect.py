"""From a video to what is wrong in it.

>>> found = inspect(frames, fps=20)                                   # (time, row, column, 3) uint8
>>> found = inspect(frames, fps=20, scenario=worldsim.make("free_fall"), camera="side")
>>> print(*(one.in_words() for one in found.findings), sep="\\n")
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
import xarray as xr

from worldsim.errors import InputError
from worldsim.inspection.finding import Candidate, Finding, Kind, Rule
from worldsim.inspection.jolts import ANY
from worldsim.inspection.known import (
    Known,
    knowledge,
    overlaps,
    swings_up,
    wrong_gravity,
)
from worldsim.inspection.rules import Course, losses, teleports, unmoved
from worldsim.inspection.sureness import LEAST, Sureness, stored
from worldsim.inspection.surroundings import Surroundings, surroundings
from worldsim.instruments import track
from worldsim.instruments.mattes import mattes
from worldsim.scenario import Scenario

SMALLEST = 4.0
"""px; least diameter of an object that is judged: the instruments know places of larger ones."""

BACKDROP_FRAMES = 240
"""Frames, evenly spread, that tell what is behind all that moves."""

FEWEST_FRAMES = 5
"""Frames of a video from which anything can be said of motion."""


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What an inspection found.

    findings : what breaks physics, by time. objects : number of objects followed.
    untold : what could not be looked for, and why.
    """

    findings: tuple[Finding, ...]
    objects: int
    untold: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Followed:
    """One video's objects, cut into pieces, what is around them, and which are discs."""

    courses: list[Course]
    around: Surroundings
    round: np.ndarray
    fps: float


def inspect(video: np.ndarray, fps: float, scenario: Scenario | None = None,
            camera: str | None = None, sureness: Sureness | None = None) -> Inspection:
    """List what in a video breaks physics.

    Parameters
    ----------
    video : (time, row, column, 3) uint8. fps : frames per second.
    scenario, camera : what the video is of, and the view, if known: then falls are held against the
        scenario's gravity, and bounces and overlaps against each other.
    sureness : how scores of true videos are distributed; the packaged one by default.

    Raises
    ------
    InputError : not a video, no frame rate, or a camera that the scenario does not have.
    """
    frames = np.array(video)  # torch wants memory of its own, in order
    if frames.ndim != 4:
        raise InputError(f"video has shape {frames.shape}; give (time, row, column, 3)")
    tracks = track(frames, fps=fps).isel(case=0, realization=0)
    known = None
    untold = []
    if scenario is not None:
        chosen = camera or scenario.film_cameras[0]
        known = knowledge(scenario, chosen, (frames.shape[1], frames.shape[2]))
        if known.fall is None or not known.fall.any():
            untold.append(
                f"gravity: in the view {chosen!r} of {scenario.name!r} nothing falls freely at "
                "one scale")
    else:
        untold.append("gravity, gains at bounces and overlaps need --scenario, which gives the "
                      "scale of the picture")
    if len(frames) < FEWEST_FRAMES:
        return Inspection((), 0, (f"motion: {len(frames)} frames; {FEWEST_FRAMES} are needed",))
    if not bool(tracks["found"].any()):
        return Inspection((), 0, ("anything: no object of a colour of its own could be followed",))
    some = frames[:: -(-len(frames) // BACKDROP_FRAMES)]
    backdrop = mattes(torch.from_numpy(some.copy()).float()).backdrop.numpy()
    followed = follow(tracks, backdrop)
    small = int(tracks["found"].sum()) - len(followed.courses)
    if small:
        untold.append(f"{small} objects of less than {SMALLEST:g} px: their places are not known "
                      "well enough")
    measure = sureness or stored(told=known is not None)
    found = []
    for one in _said_once(candidates(followed, known), measure):
        sure = measure.of(one)
        if sure is not None:
            found.append(Finding(
                one.kind, one.frame / fps, one.frame, one.object,
                colour_name(tracks["colour"].values[one.object]), one.place, one.amount, one.unit,
                sure))
    return Inspection(tuple(found), len(followed.courses), tuple(untold))


HUES = ((15, "red"), (45, "orange"), (70, "yellow"), (165, "green"), (200, "cyan"), (260, "blue"),
        (290, "violet"), (345, "magenta"), (361, "red"))
"""Greatest hue, degree, of each name."""


def colour_name(colour: np.ndarray) -> str:
    """An English word for a colour (3,) 0..255."""
    red, green, blue = (float(x) for x in colour)
    hue = np.degrees(np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue)) % 360
    return next(name for most, name in HUES if hue < most)


def follow(tracks: xr.Dataset, backdrop: np.ndarray) -> Followed:
    """Cut the tracks (time, object, …) of one video into pieces."""
    position = tracks["position"].transpose("time", "object", "rc").values
    area, visible = (tracks[name].transpose("time", "object").values
                     for name in ("area", "visible"))
    extent = tracks["extent"].transpose("time", "object", "rc").values
    courses = []
    for number in range(position.shape[1]):
        seen = area[np.isfinite(position[:, number, 0]), number]
        if not len(seen) or np.median(seen) < np.pi * SMALLEST**2 / 4:
            continue
        courses.append(Course(number, position[:, number], visible[:, number]))
    around = surroundings(position, area, extent, tracks["colour"].values, backdrop)
    oriented = np.isfinite(tracks["orientation"].transpose("time", "object").values)
    round_ = oriented.mean(axis=0) < 0.2
    return Followed(courses, around, round_, float(tracks.attrs["fps"]))


def candidates(followed: Followed, known: Known | None = None) -> list[Candidate]:
    """All that might break physics."""
    found: list[Candidate] = []
    around = followed.around
    fall, curves, planar = None, ANY, False
    if known is not None:
        if known.to_fixture is not None:
            around = dataclasses.replace(around, to_edge=known.to_fixture)
        if not known.water:
            around = dataclasses.replace(around, wet=np.zeros_like(around.wet))
        fall = None if known.fall is None else known.fall / followed.fps**2
        curves, planar = known.curves, known.planar
        gravity = wrong_gravity(followed.courses, around, known, followed.fps)
        found += gravity
        if fall is not None and gravity and gravity[0].score >= LEAST[Rule.FALL]:
            # Said once: in a wrong gravity, flight is not a jolt as well.
            fall = fall * (gravity[0].amount / known.gravity)
    water = known is not None and known.water
    for course in followed.courses:
        if not water:  # which hides what is under it, so that places are not well known
            found += teleports(course, around)
        found += unmoved(course, around, fall, curves, planar)
        found += losses(course, around)
        found += losses(course, around, backwards=True)
    if known is not None:
        found += swings_up(followed.courses, known, followed.fps)
        found += overlaps(followed.courses, around, known, followed.round)
    return _without_echoes(found)


ONE_EVENT = 3.0
"""Frames within which two jolts of an object are one, found by two rules."""

JOLTS = (Kind.ENERGY_GAIN, Kind.IMPOSSIBLE_ACCELERATION)


def _said_once(found: list[Candidate], measure: Sureness) -> list[Candidate]:
    """Of jolts that are one event, the one furthest beyond its rule's threshold."""
    def marked(one: Candidate) -> float:
        return one.score / measure.threshold[one.rule]

    kept: list[Candidate] = []
    for one in sorted(found, key=marked, reverse=True):
        if not any(one.kind in JOLTS and other.kind in JOLTS and one.object == other.object
                   and abs(one.frame - other.frame) <= ONE_EVENT for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda one: one.frame)


def _without_echoes(found: list[Candidate]) -> list[Candidate]:
    """What vanishes here and appears there in the next frames has jumped: said once."""
    appeared = [c for c in found if c.kind is Kind.APPEARING]
    kept = []
    for one in found:
        if one.kind is Kind.VANISHING:
            near = [c for c in appeared if 0 <= c.frame - one.frame <= 3]
            if near:
                other = min(near, key=lambda c: c.frame)
                appeared.remove(other)
                way = float(np.hypot(*np.subtract(other.place, one.place)))
                kept.append(dataclasses.replace(one, kind=Kind.TELEPORT, amount=way,
                                                score=min(one.score, other.score)))
                continue
        if one.kind is not Kind.APPEARING:
            kept.append(one)
    return sorted([*kept, *appeared], key=lambda c: c.frame)
