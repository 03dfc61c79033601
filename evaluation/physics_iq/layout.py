"""Where the files of the Physics-IQ data set are, and how they are called.

::

    physics-IQ-benchmark/                       or physics-IQ-benchmark-verified/
      split-videos/testing/30FPS/               (or testing-videos/; likewise 24FPS, 16FPS, 8FPS)
        0001_testing-videos_30FPS_perspective-left_take-1_trimmed-ball-and-block-fall.mp4
        0199_testing-videos_30FPS_perspective-left_take-2_trimmed-ball-and-block-fall.mp4
      video-masks/real/30FPS/
        0001_video-masks_30FPS_perspective-left_take-1_trimmed-ball-and-block-fall.mp4
    MODEL/0001_anything.mp4                     generated: only the number of take 1 counts
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path

from evaluation.benchmark.problem import Problem, error, warning
from worldsim.errors import InputError

RECORDED = 30
"""Frames per second at which real takes were recorded, and from which other rates are made."""

_REAL = re.compile(r"(\d{4})_testing-videos_(\d+)FPS_([^_]+)_take-([12])_([^_]+)\.mp4")
_GENERATED = re.compile(r"(\d{4})_.*\.mp4")
_ABOVE = ("split-videos/testing", "split-videos/testing-videos", "testing", "testing-videos", ".")


@dataclasses.dataclass(frozen=True)
class Take:
    """One real video. masks : the data set's own masks of it, None where it has none."""

    path: Path
    masks: Path | None


@dataclasses.dataclass(frozen=True)
class Case:
    """One experiment seen from one side: two takes of it.

    number : of its first take, ``0001``, by which generated videos are called.
    scenario : e.g. ``trimmed-ball-and-block-fall``. view : e.g. ``perspective-left``.
    """

    number: str
    scenario: str
    view: str
    take_1: Take
    take_2: Take


@dataclasses.dataclass(frozen=True)
class Takes:
    """All cases of a data set, and the rate of their files, frames per second."""

    cases: tuple[Case, ...]
    fps: int


def find_takes(real: Path, fps: int) -> Takes:
    """The real takes at a rate; at 30 frames/s where there are none at that rate.

    Parameters
    ----------
    real : the data set's folder, or any folder between it and the takes, or that of the takes.
    fps : frames per second of the generated videos.

    Raises
    ------
    InputError : no such folder, no takes in it, two files for one take, or a case that lacks one.
    """
    if not real.is_dir():
        raise InputError(f"{real} is not a folder; give the one of the Physics-IQ data set")
    for rate in dict.fromkeys((fps, RECORDED)):
        for above in _ABOVE:
            for folder in (real / above / f"{rate}FPS", real / above):
                found = list(_matching(folder, rate))
                if found:
                    return Takes(_paired(found, folder, _masks_beside(folder, rate)), rate)
    raise InputError(
        f"{real} holds no real takes at {fps} or {RECORDED} frames/s; give the folder with "
        f"split-videos/testing/{RECORDED}FPS/0001_testing-videos_{RECORDED}FPS_…_take-1_….mp4")


def _matching(folder: Path, fps: int) -> Iterable[tuple[re.Match[str], Path]]:
    for path in sorted(folder.glob("*.mp4")):
        match = _REAL.fullmatch(path.name)
        if match and int(match[2]) == fps:
            yield match, path


def _masks_beside(folder: Path, fps: int) -> Path | None:
    """The data set's folder of masks, if the takes lie in a data set that has one."""
    for above in folder.resolve().parents:
        if (above / "split-videos").is_dir():
            masks = above / "video-masks" / "real" / f"{fps}FPS"
            return masks if masks.is_dir() else None
    return None


def _paired(found: Iterable[tuple[re.Match[str], Path]], folder: Path,
            masks: Path | None) -> tuple[Case, ...]:
    takes: dict[tuple[str, str], dict[str, tuple[str, Take]]] = {}
    for match, path in found:
        number, _, view, take, scenario = match.groups()
        both = takes.setdefault((scenario, view), {})
        if take in both:
            raise InputError(f"{both[take][1].path} and {path.name} are both take {take} of "
                             f"{scenario}, {view}; keep one")
        own = masks / path.name.replace("testing-videos", "video-masks") if masks else None
        both[take] = (number, Take(path, own if own and own.is_file() else None))
    lacking = [(scenario, view, take) for (scenario, view), both in takes.items()
               for take in "12" if take not in both]
    if lacking:
        scenario, view, take = lacking[0]
        more = f" (and {len(lacking) - 1} more takes)" if len(lacking) > 1 else ""
        raise InputError(f"{folder} lacks take {take} of {scenario}, {view}{more}; every case "
                         "needs two takes: download the data set again")
    cases = (Case(both["1"][0], scenario, view, both["1"][1], both["2"][1])
             for (scenario, view), both in takes.items())
    return tuple(sorted(cases, key=lambda case: case.number))


def find_generated(generated: Path) -> tuple[dict[str, Path], list[Problem]]:
    """Generated videos by number; those that are there twice or have no number are problems.

    Raises
    ------
    InputError : no such folder, or no numbered mp4 in it.
    """
    if not generated.is_dir():
        raise InputError(f"{generated} is not a folder; give the one with the generated videos")
    videos: dict[str, Path] = {}
    twice: set[str] = set()
    problems = []
    for path in sorted(generated.glob("*.mp4")):
        match = _GENERATED.fullmatch(path.name)
        if match is None:
            problems.append(warning(path.name, "does not begin with a number like 0001_; it is "
                                    "left out"))
        elif match[1] in videos:
            twice.add(match[1])
            problems.append(error(path.name, f"{videos[match[1]].name} has the number {match[1]} "
                                  "too; keep one"))
        else:
            videos[match[1]] = path
    if not videos:
        raise InputError(f"{generated} holds no generated videos; call them 0001_anything.mp4 by "
                         "the number of the first take")
    return {number: path for number, path in videos.items() if number not in twice}, problems
