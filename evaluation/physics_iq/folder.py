"""Physics-IQ on its own kind of input: a folder of real takes, a folder of generated videos.

What is done is what the published program does (repository google-deepmind/physics-IQ-benchmark:
`code/` of April 2026 for the original score, `physiq/` of September 2026 for the Verified one), but
for four things. It stops at the first bad video; here that video counts as the worst possible one
and the rest is scored. It refuses videos longer than 5 s; here their first 5 s count, with a
warning. It renames the user's files; here they stay. Takes at a rate that the data set lacks are
interpolated as there, but not stored in between.
"""

from __future__ import annotations

import collections
import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from evaluation.benchmark.problem import Problem, error, warning
from evaluation.physics_iq.agreement import WORST, Agreement, agreement, mean_agreement
from evaluation.physics_iq.layout import Case, find_generated, find_takes
from evaluation.physics_iq.score import Parts, original, original_rounded, verified
from evaluation.physics_iq.style import SECONDS
from evaluation.physics_iq.takes import (
    Header,
    Shrunk,
    comparison_size,
    header_of,
    opencv,
    read_shrunk,
)
from worldsim.errors import InputError
from worldsim.ffmpeg import find_ffmpeg
from worldsim.video_reading import MOST_BYTES, read_video

FULL = 198
"""Cases of the published data set: 66 experiments from three sides."""

_NOTHING = Parts(0.0, 0.0, 0.0, 0.0)


@dataclasses.dataclass(frozen=True)
class CaseScore:
    """One case and view.

    dream : agreement of the generated video with take 1; `WORST` if it failed. variance : of take 2
    with take 1. parts : Verified ratios, 0 if it failed. failed : why, or nothing.
    """

    number: str
    scenario: str
    view: str
    dream: Agreement
    variance: Agreement
    parts: Parts
    failed: str = ""


@dataclasses.dataclass(frozen=True)
class FolderScore:
    """All cases, and the scores of the data set, 0 to 100.

    fps : frames per second of the generated videos. cases : in the order of their numbers.
    problems : what is wrong with the generated videos. notes : what was done to the real takes.
    """

    fps: int
    cases: tuple[CaseScore, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]

    @property
    def dream(self) -> Agreement:
        """Of the dreams, mean over cases."""
        return mean_agreement(case.dream for case in self.cases)

    @property
    def variance(self) -> Agreement:
        """Of the second takes, mean over cases."""
        return mean_agreement(case.variance for case in self.cases)

    @property
    def original(self) -> float:
        """The original score, not rounded."""
        return original(self.dream, self.variance)

    @property
    def original_rounded(self) -> float:
        """The original score with the roundings of the first published program."""
        return original_rounded(self.dream, self.variance)

    @property
    def parts(self) -> Parts:
        """Verified ratios, mean over cases."""
        each = np.array([dataclasses.astuple(case.parts) for case in self.cases])
        return Parts(*(float(mean) for mean in each.mean(axis=0)))

    @property
    def verified(self) -> float:
        """The Verified score."""
        return self.parts.score

    @property
    def failed(self) -> int:
        """Number of cases without a usable video."""
        return sum(bool(case.failed) for case in self.cases)

    def to_json(self) -> str:
        """Everything, for machines."""
        everything = {
            "benchmark": "Physics-IQ", "fps": self.fps, "cases": len(self.cases),
            "failed": self.failed, "original": _number(self.original),
            "original_rounded": _number(self.original_rounded), "verified": self.verified,
            "dream": dataclasses.asdict(self.dream),
            "variance": dataclasses.asdict(self.variance),
            "verified_parts": dataclasses.asdict(self.parts),
            "problems": [str(problem) for problem in self.problems], "notes": list(self.notes),
            "table": [dataclasses.asdict(case) for case in self.cases],
        }
        return json.dumps(everything, indent=1, allow_nan=False) + "\n"


def _number(score: float) -> float | None:
    """JSON knows no NaN."""
    return score if np.isfinite(score) else None


def evaluate_folder(real: Path, generated: Path,
                    tell: Callable[[str], None] = lambda line: None) -> FolderScore:
    """Score a folder of generated videos against the real takes.

    A generated video that is missing, short, damaged, of another rate than most or that cannot be
    read counts in full: IoUs of 0, an MSE of 1, a Verified score of 0.

    Parameters
    ----------
    real, generated : folders, see `evaluation.physics_iq.layout`.
    tell : is told a line after every case.

    Raises
    ------
    InputError : the folders cannot be used, real takes are incomplete or unreadable, no generated
        video can be read, or OpenCV or ffmpeg is missing.
    """
    opencv()
    find_ffmpeg()
    videos, problems = find_generated(generated)
    headers, unreadable = _headers(videos)
    fps = _common_rate(headers)
    takes = find_takes(real, fps)
    unreadable |= _wrong_rates(headers, fps)
    known = {case.number for case in takes.cases}
    problems += [warning(path.name, f"there is no real take {number}; it is left out")
                 for number, path in videos.items() if number not in known]
    scores = []
    for case in takes.cases:
        path = videos.get(case.number)
        dream: Path | str
        if path is None:
            dream = f"there is no usable video {case.number}_….mp4"
            problems.append(error(case.number, f"{dream}; make one of {case.scenario}, "
                                  f"{case.view}"))
        elif case.number in unreadable:
            dream = unreadable[case.number]
            problems.append(error(path.name, dream))
        else:
            dream = path
        score, found = _scored(case, dream, fps, takes.fps)
        scores.append(score)
        problems += found
        tell(f"{case.number} {case.scenario} {case.view}: "
             f"{score.failed or f'Verified {score.parts.score:.1f}'}")
    return FolderScore(fps, tuple(scores), tuple(problems),
                       _notes(takes.cases, fps, takes.fps))


def _headers(videos: dict[str, Path]) -> tuple[dict[str, Header], dict[str, str]]:
    """Headers by number, and why others have none."""
    headers, unreadable = {}, {}
    for number, path in videos.items():
        try:
            headers[number] = header_of(path)
        except InputError as problem:
            unreadable[number] = str(problem).removeprefix(f"{path} ")
    return headers, unreadable


def _common_rate(headers: dict[str, Header]) -> int:
    rates = collections.Counter(
        header.whole_fps for header in headers.values() if header.whole_fps)
    if not rates:
        raise InputError("no generated video can be read at a whole number of frames/s; make them "
                         "so, for example `ffmpeg -i in.mp4 -t 5 -r 24 out.mp4`")
    return rates.most_common(1)[0][0]


def _wrong_rates(headers: dict[str, Header], fps: int) -> dict[str, str]:
    return {
        number: f"has {header.fps:g} frames/s, most others {fps}; make it so, for example "
        f"`ffmpeg -i in.mp4 -t 5 -r {fps} out.mp4`"
        for number, header in headers.items() if header.whole_fps != fps
    }


def _scored(case: Case, dream: Path | str, fps: int,
            real_fps: int) -> tuple[CaseScore, list[Problem]]:
    """One case; `dream` is a file, or says why there is none."""
    count, have = int(SECONDS) * fps, int(SECONDS) * real_fps
    size = comparison_size(header_of(case.take_1.path))
    first, second = (
        read_shrunk(take.path, size, count, fps, take.masks if real_fps == fps else None, have)
        for take in (case.take_1, case.take_2))
    variance = agreement(first.frames, second.frames, first.masks, second.masks)
    del second
    problems: list[Problem] = []
    if isinstance(dream, Path):
        try:
            problems += _remarks(dream, count, fps, size)
            shown = _read_dream(dream, size, count, fps)
        except InputError as failure:
            why = str(failure).removeprefix(f"{dream} ")
            problems.append(error(dream.name, why))
            dream = why
        else:
            mine = agreement(first.frames, shown.frames, first.masks, shown.masks)
            return CaseScore(case.number, case.scenario, case.view, mine, variance,
                             verified(mine, variance)), problems
    return CaseScore(case.number, case.scenario, case.view, WORST, variance, _NOTHING,
                     dream), problems


def _read_dream(path: Path, size: tuple[int, int], count: int, fps: int) -> Shrunk:
    header = header_of(path)
    if 3 * header.frames * header.size[0] * header.size[1] <= MOST_BYTES:
        read_video(path)  # OpenCV is silent about damage and variable rates
    return read_shrunk(path, size, count, fps)


def _remarks(path: Path, count: int, fps: int, size: tuple[int, int]) -> list[Problem]:
    """What is scored, perhaps not as intended."""
    header = header_of(path)
    found = []
    if header.frames > count:
        found.append(warning(path.name, f"lasts {header.frames / fps:.3g} s; only its first "
                             f"{SECONDS:g} s count: cut off what it was conditioned on"))
    wide, own = size[1] / size[0], header.size[1] / header.size[0]
    if abs(own / wide - 1) > 0.02:
        found.append(warning(path.name, f"has the aspect {own:.2f}, the real take {wide:.2f}; it "
                             "is stretched"))
    return found


def _notes(cases: Sequence[Case], fps: int, real_fps: int) -> tuple[str, ...]:
    notes = []
    if len(cases) != FULL:
        notes.append(f"{len(cases)} cases, not the {FULL} of the published data set: the scores "
                     "are not those of a leaderboard")
    if fps != real_fps:
        notes.append(f"the real takes were interpolated from {real_fps} to {fps} frames/s")
    takes = [take for case in cases for take in (case.take_1, case.take_2)]
    own = sum(take.masks is not None for take in takes) if fps == real_fps else 0
    notes.append(f"masks of {own} of {len(takes)} real takes are the data set's own, the others "
                 "were made")
    return tuple(notes)
