"""All that is wrong with a folder of predictions, before anything is scored."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from evaluation.benchmark.export import ContextOf
from evaluation.benchmark.manifest import cases_of
from evaluation.benchmark.prediction_names import check_names
from evaluation.benchmark.prediction_videos import check_copies, check_video
from evaluation.benchmark.problem import Problem as Problem
from evaluation.benchmark.problem import Severity as Severity
from evaluation.benchmark.problem import error
from worldsim.errors import InputError
from worldsim.models.prediction_files import DECLARATION, Starts, list_predictions, read_starts


def check_predictions(
    folder: str | os.PathLike[str],
    manifest: Mapping[str, Any],
    *,
    context_of: ContextOf | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Problem]:
    """Every problem of a folder at once, errors first; an empty list where there is none.

    Every file is decoded whole. Hidden files and folders within `folder` are ignored, and nothing
    is changed.

    Parameters
    ----------
    manifest : what an export of the suite has in ``manifest.json`` (see `read_manifest`).
    context_of : gives the known frames, to see whether the videos begin with them: that of an
        export (`exported_context`), or the suite's own. Without it that is not looked at.
    progress : told after each file how many are done, of how many.

    Raises
    ------
    InputError : no such folder, or not a manifest.
    """
    cases = cases_of(manifest)
    files, others = list_predictions(Path(folder))
    problems, starts = [], Starts.WITH_CONTEXT
    try:
        starts = read_starts(Path(folder))
    except InputError as failure:
        problems.append(error(DECLARATION, str(failure)))
    places, of_names = check_names(cases, files, others)
    problems += of_names
    contents = []
    jobs = [(place, file) for place, same in places.items() for file in same]
    for done, (place, file) in enumerate(jobs, start=1):
        found, digest = check_video(place, file, starts, context_of)
        problems += found
        if digest is not None:
            contents.append((place, file, digest))
        if progress is not None:
            progress(done, len(jobs))
    problems += check_copies(contents)
    return sorted(problems, key=lambda problem: problem.severity is not Severity.ERROR)
