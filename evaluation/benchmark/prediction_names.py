"""What the names in a folder of predictions say: what is missing, unknown, there twice or not used.
"""

from __future__ import annotations

import collections
import dataclasses
import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from evaluation.benchmark.manifest import ExportedCase
from evaluation.benchmark.problem import Problem, error, warning
from worldsim.models.prediction_files import VIDEO_SUFFIXES, PredictionFile, parse_name
from worldsim.scenario import scenario_class

OTHER_VIDEOS = (
    ".m4v", ".mpg", ".mpeg", ".wmv", ".flv", ".ts", ".m2ts", ".ogv", ".3gp", ".webp", ".apng",
    ".h264", ".npy", ".npz",
)
"""Suffixes of videos that other programs write and `VideoFolder` does not look for."""

_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Place:
    """What a file answers: one camera and realization of a case."""

    case: ExportedCase
    camera: str
    realization: int


def check_names(
    cases: Sequence[ExportedCase], files: Sequence[PredictionFile], others: Sequence[Path]
) -> tuple[dict[Place, list[PredictionFile]], list[Problem]]:
    """The files by what they answer, and every problem of their names."""
    known = {case.id: case for case in cases}
    places: dict[Place, list[PredictionFile]] = {}
    problems = _strays(others)
    for file in files:
        case = known.get(file.case)
        if case is None:
            near = _nearest(file.case, known)
            problems.append(warning(file.path.name, (
                f"the suite has no case {file.case!r}"
                + (f"; did you mean {near!r}?" if near else "; it is not used"))))
            continue
        camera = file.camera or scenario_class(case.scenario).film_cameras[0]
        if camera not in case.cameras:
            problems.append(warning(file.path.name, (
                f"{'its' if file.camera else 'without a name its'} camera is {camera!r}, the case "
                f"is asked from {', '.join(case.cameras)}; it is not used")))
            continue
        places.setdefault(Place(case, camera, file.number), []).append(file)
    for place, same in places.items():
        if len(same) > 1:
            problems.append(error(place.case.id, (
                f"{', '.join(file.path.name for file in same)} are all of camera "
                f"{place.camera!r}, realization {place.realization}; keep one")))
    unused = [f.path.name for f in files if f.case not in known] + [path.name for path in others]
    numbers = _numbers(cases, places)
    for case in cases:
        problems += _missing(case, numbers[case.id], unused)
    return places, problems + _realizations(cases, numbers)


def _strays(others: Sequence[Path]) -> list[Problem]:
    problems, strays = [], []
    for path in others:
        if path.suffix.lower() in VIDEO_SUFFIXES:
            assert parse_name(path) is None
            problems.append(warning(
                path.name, "is not named <case id>[.<camera>][.r<k>].mp4; it is not used"))
        elif path.suffix.lower() in OTHER_VIDEOS:
            problems.append(warning(path.name, (
                f"files {path.suffix} are not read; convert it, for example "
                f"`ffmpeg -i {path.name} -crf 12 {path.stem}.mp4`")))
        else:
            strays.append(path.name)
    if strays:
        more = f" and {len(strays) - _SHOWN} more" if len(strays) > _SHOWN else ""
        problems.append(warning("folder", (
            f"holds other files, which are not used: {', '.join(strays[:_SHOWN])}{more}")))
    return problems


def _numbers(
    cases: Sequence[ExportedCase], places: Iterable[Place]
) -> dict[str, dict[str, set[int]]]:
    """{case id: {camera: realizations that there are}}."""
    found: dict[str, dict[str, set[int]]] = {
        case.id: {camera: set() for camera in case.cameras} for case in cases
    }
    for place in places:
        found[place.case.id][place.camera].add(place.realization)
    return found


def _missing(
    case: ExportedCase, found: Mapping[str, set[int]], unused: Sequence[str]
) -> list[Problem]:
    if not any(found.values()):
        stems = {Path(name).stem: name for name in unused}
        near = _nearest(case.id, stems)
        wanted = f"{case.id}.{case.cameras[0]}.mp4"
        return [error(case.id, (
            f"has no video; add {wanted}"
            + (f", or is it {stems[near]}?" if near else "")))]
    every = set[int]().union(*found.values())
    problems = []
    for camera, numbers in found.items():
        if not numbers:
            problems.append(error(case.id, (
                f"has no video of camera {camera!r}; add {case.id}.{camera}.mp4")))
        elif numbers != every:
            lacks = ", ".join(f"r{n}" for n in sorted(every - numbers))
            problems.append(error(case.id, (
                f"camera {camera!r} lacks {lacks}, which another camera has; a realization is seen "
                "from every side")))
    return problems


def _realizations(
    cases: Sequence[ExportedCase], found: Mapping[str, Mapping[str, set[int]]]
) -> list[Problem]:
    """Holes, numbers that differ from case to case, more or fewer than are asked for."""
    united = {name: set[int]().union(*views.values()) for name, views in found.items()}
    there = {name: numbers for name, numbers in united.items() if numbers}
    problems = []
    for name, numbers in there.items():
        holes = sorted(set(range(max(numbers) + 1)) - numbers)
        if holes:
            problems.append(warning(name, (
                f"has realizations {_listed(numbers)} but not {_listed(holes)}; number them from "
                "r0 on, or add what is lost")))
    counts = collections.Counter(len(numbers) for numbers in there.values())
    if not counts:
        return problems
    usual = max(counts, key=lambda count: (counts[count], count))
    for case in cases:
        count = len(there.get(case.id, ()))
        if count and count != usual:
            problems.append(warning(case.id, (
                f"has {count} realization{'s' * (count > 1)}, most cases have {usual}; give every "
                "case as many")))
        if count > case.realizations:
            problems.append(warning(case.id, (
                f"has {count} realizations, the first {case.realizations} are used")))
    asked = min(case.realizations for case in cases)
    if 1 < usual < asked:
        problems.append(warning("folder", (
            f"has {usual} realizations of most cases, the suite asks for {asked}; intervals of "
            "ensemble scores will be wider")))
    return problems


def _listed(numbers: Sequence[int] | set[int]) -> str:
    return ", ".join(f"r{number}" for number in sorted(numbers))


def _nearest(name: str, among: Mapping[str, object]) -> str | None:
    found = difflib.get_close_matches(name.lower(), [other.lower() for other in among], n=1)
    return next((other for other in among if other.lower() == found[0]), None) if found else None
