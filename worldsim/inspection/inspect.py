"""From a video to what is wrong in it."""

from __future__ import annotations

import dataclasses

import numpy as np
import xarray as xr

from worldsim.inspection.finding import Candidate, Kind
from worldsim.inspection.pieces import noise_of, pieces_of
from worldsim.inspection.rules import Course, kinks, losses, teleports
from worldsim.inspection.surroundings import Surroundings, surroundings


@dataclasses.dataclass(frozen=True)
class Followed:
    """One video's objects, cut into pieces, and what is around them."""

    courses: list[Course]
    around: Surroundings
    fps: float


def follow(tracks: xr.Dataset, backdrop: np.ndarray) -> Followed:
    """Cut the tracks (time, object, …) of one video into pieces."""
    position = tracks["position"].transpose("time", "object", "rc").values
    area, visible = (tracks[name].transpose("time", "object").values
                     for name in ("area", "visible"))
    extent = tracks["extent"].transpose("time", "object", "rc").values
    courses = []
    for number in range(position.shape[1]):
        if not np.isfinite(position[:, number, 0]).any():
            continue
        noise = noise_of(position[:, number])
        courses.append(Course(number, position[:, number], visible[:, number], noise,
                              pieces_of(position[:, number], noise)))
    around = surroundings(position, area, extent, tracks["colour"].values, backdrop)
    return Followed(courses, around, float(tracks.attrs["fps"]))


def candidates(followed: Followed) -> list[Candidate]:
    """All that might break physics, by rules that need to know nothing of the scene."""
    found: list[Candidate] = []
    for course in followed.courses:
        jumps = list(teleports(course, followed.around))
        found += jumps
        found += kinks(course, followed.around)
        lost = [*losses(course, followed.around), *losses(course, followed.around, True)]
        found += lost
    return _without_echoes(found)


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
