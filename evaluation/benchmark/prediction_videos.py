"""What the files of a folder of predictions contain: whether they can be read, fit and are new."""

from __future__ import annotations

import collections
import hashlib
from collections.abc import Iterable

import numpy as np

from evaluation.benchmark.export import ContextOf
from evaluation.benchmark.manifest import ExportedCase
from evaluation.benchmark.prediction_context import after_context_problem, context_problem
from evaluation.benchmark.prediction_names import Place
from evaluation.benchmark.problem import Problem, error, warning
from worldsim.errors import InputError
from worldsim.models.alignment import SHORTER, crop_box, fit_size, fit_time
from worldsim.models.prediction_files import PredictionFile, Starts
from worldsim.video_reading import Video, read_video


def check_video(
    place: Place, file: PredictionFile, starts: Starts, context_of: ContextOf | None
) -> tuple[list[Problem], str | None]:
    """Decode one file whole and hold it against its case.

    Returns
    -------
    (problems, sha256 of the decoded frames; None where they cannot be decoded).
    """
    name, case = file.path.name, place.case
    try:
        video = read_video(file.path)
    except InputError as failure:
        return [error(name, str(failure).removeprefix(f"{file.path}").lstrip(": "))], None
    problems = [*_time(name, case, video, starts), *_picture(name, case, video)]
    if context_of is not None and not any(p.severity == "error" for p in problems):
        problems += _beginning(name, place, video, starts, context_of)
    return problems, hashlib.sha256(video.frames.data).hexdigest()


def check_copies(contents: Iterable[tuple[Place, PredictionFile, str]]) -> list[Problem]:
    """Files whose pictures are all the same, by the digests that `check_video` returns."""
    alike = collections.defaultdict(list)
    claimed: collections.Counter[tuple[str, str]] = collections.Counter()
    for place, file, digest in contents:
        alike[digest].append((place, file))
        claimed[place.case.id, place.camera] += 1
    problems = []
    for same in alike.values():
        if len(same) < 2:
            continue
        names = ", ".join(file.path.name for _, file in same)
        sides = {(place.case.id, place.camera) for place, _ in same}
        if len(sides) > 1:
            problems.append(warning(same[0][0].case.id, (
                f"{names} show the same pictures, though they are of different cases or cameras")))
        elif len({place.realization for place, _ in same}) > 1:
            (side,) = sides
            of = "all" if len(same) == claimed[side] else f"{len(same)} of {claimed[side]}"
            problems.append(warning(side[0], (
                f"{of} realizations are identical ({names}); a model without chance gives one "
                "file, without .r<k>")))
    return problems


def _needed(case: ExportedCase, starts: Starts) -> int:
    """Frames of the case that the file itself has to show."""
    known = case.context_frames if starts is Starts.AFTER_CONTEXT else 0
    return case.frames - known


def _time(name: str, case: ExportedCase, video: Video, starts: Starts) -> list[Problem]:
    count, needed = len(video.frames), _needed(case, starts)
    mistaken = ""
    if count == needed and abs(video.fps / case.fps - 1) > 0.01:
        mistaken = (
            f"; it has just the {needed} frames asked for: if they are {1 / case.fps:.3g} s apart, "
            f"write the file at {case.fps:g} frames/s"
        )
    try:
        fit = fit_time(count, video.fps, needed, case.fps)
    except InputError as failure:
        hint = mistaken
        rest = (case.frames - case.context_frames) / case.fps
        if starts is Starts.WITH_CONTEXT and abs(count / video.fps - rest) < 1.5 / case.fps:
            hint = (
                "; if it begins after the known frames, put a manifest.json with "
                f'{{"starts": "{Starts.AFTER_CONTEXT}"}} beside it'
            )
        return [error(name, f"{failure}{hint}")]
    lasts, asked = count / video.fps, needed / case.fps
    problems = []
    if fit.held:
        problems.append(warning(name, (
            f"lasts {lasts:.3g} s, {asked:.3g} s are needed; its last frame is shown for "
            f"{fit.held} more")))
    if fit.cut > max(1 / case.fps, SHORTER * asked):
        problems.append(warning(name, (
            f"lasts {lasts:.3g} s, only the first {asked:.3g} s are used{mistaken}")))
    elif mistaken:
        problems.append(warning(name, f"has {video.fps:.4g} frames/s{mistaken}"))
    if video.fps < 0.99 * case.fps:
        problems.append(warning(name, (
            f"has {video.fps:.3g} frames/s, the suite looks {case.fps:g} times a second; frames "
            f"are off by up to {fit.largest_offset:.3g} s, which counts as the model's error")))
    return problems


def _picture(name: str, case: ExportedCase, video: Video) -> list[Problem]:
    _, rows, columns, _ = video.frames.shape
    problems = [warning(name, note) for note in video.notes]
    left, top, right, bottom = crop_box((rows, columns), case.size)
    kept = min((right - left) / columns, (bottom - top) / rows)
    if kept < 1:
        problems.append(warning(name, (
            f"its picture of {rows} rows, {columns} columns has another aspect than "
            f"{case.size[0]} rows, {case.size[1]} columns; {1 - kept:.0%} of it are cut off at the "
            "sides, and what is left is taken for the whole view")))
    if rows < case.size[0] or columns < case.size[1]:
        problems.append(warning(name, (
            f"its picture of {rows} rows, {columns} columns is smaller than the suite's "
            f"{case.size[0]} rows, {case.size[1]} columns; it is enlarged, and loses what small "
            "things do")))
    return problems


def _beginning(
    name: str, place: Place, video: Video, starts: Starts, context_of: ContextOf
) -> list[Problem]:
    """How the first frames lie to the context."""
    case = place.case
    context = context_of(case, place.camera)
    fit = fit_time(len(video.frames), video.fps, _needed(case, starts), case.fps)
    first = video.frames[fit.index[: case.context_frames]]
    shown, _, _ = fit_size(np.ascontiguousarray(first), case.size)
    if starts is Starts.AFTER_CONTEXT:
        text = after_context_problem(shown, context[: len(shown)])
    else:
        text = context_problem(shown, context)
    return [warning(name, text)] if text else []
