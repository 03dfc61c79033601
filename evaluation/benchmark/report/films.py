"""The best and the worst case of every block: truth and dream as films in the page itself."""

from __future__ import annotations

import base64
import dataclasses
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.benchmark.report.stored import StoredRun, block_name
from evaluation.benchmark.store import SUFFIX, load_entry
from worldsim.errors import InputError
from worldsim.video_file import write_mp4

Truths = Callable[[str], np.ndarray]
"""From a case id to its simulated frames (realization, time, row, column, 3) uint8."""

SCALE = 2
"""Every pixel becomes so many squared: H.264 keeps colour at half the size of brightness."""

CRF = 23

BEST, WORST = "best", "worst"


@dataclasses.dataclass(frozen=True)
class Pair:
    """Truth and dream of one case.

    which : `BEST` or `WORST`. dream : None where there is none, and `reason` says why.
    size : rows, columns. draws : members of either ensemble, of which the first is shown.
    """

    which: str
    case: str
    truth: str
    dream: str | None
    size: tuple[int, int]
    frames: int
    fps: float
    given: int
    draws: tuple[int, int]
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class Films:
    """pairs : by block name, worst first. left_out : pairs for which there was no room.
    reason : why there are none at all."""

    pairs: Mapping[str, Sequence[Pair]]
    left_out: int = 0
    reason: str = ""


def suite_truths(run: StoredRun) -> Truths:
    """The truths of a result's suite: from the cache, or simulated again.

    Raises
    ------
    worldsim.InputError : this version of the package has another suite of that name, or none.
    """
    from evaluation.benchmark.cases import case_by_id
    from evaluation.benchmark.suites import FRESH, suite_named

    stored = run.result["suite"]
    fresh = str(stored["id"]).startswith(f"{FRESH}-")
    suite = suite_named(FRESH if fresh else stored["id"], stored["seed"] if fresh else None)
    now = suite.digests()
    changed = [part for part in ("definition", "data") if stored["digests"][part] != now[part]]
    if changed:
        raise InputError(f"the {' and '.join(changed)} of {suite.id} changed since this result was "
                         "made; repeat its command for films")

    def frames(case_id: str) -> np.ndarray:
        case = case_by_id(suite, case_id)
        found: np.ndarray = case.truth().ready.video[case.block.camera].values[0]
        return found

    return frames


def films(run: StoredRun, truths: Truths | None, room: int) -> Films:
    """The films of a result, the worst cases of all blocks before the best ones, until `room`
    characters are used up."""
    wanted = [(which, block) for which in (WORST, BEST) for block in run.result["blocks"]
              if block[f"{which}_case"] and not _same(which, block)]
    if truths is None and wanted:
        try:
            truths = suite_truths(run)
        except InputError as error:
            return Films({}, reason=str(error))
    pairs: dict[str, list[Pair]] = {}
    used = 0
    with tempfile.TemporaryDirectory() as scratch:
        for done, (which, block) in enumerate(wanted):
            assert truths is not None
            pair = _pair(run, truths, which, block, Path(scratch) / "film.mp4")
            used += len(pair.truth) + len(pair.dream or "")
            if used > room:
                return Films(pairs, left_out=len(wanted) - done)
            pairs.setdefault(block_name(block), []).append(pair)
    return Films(pairs)


def _same(which: str, block: Mapping[str, Any]) -> bool:
    """Of a single case, which is the worst and the best, one pair is enough."""
    return which == BEST and block["best_case"] == block["worst_case"]


def _pair(run: StoredRun, truths: Truths, which: str, block: Mapping[str, Any],
          scratch: Path) -> Pair:
    case, fps = block[f"{which}_case"], float(block["fps"])
    truth = truths(case)
    entry = load_entry(run.folder / "dreams" / f"{case}{SUFFIX}")
    dream, draws, reason = None, 0, ""
    if entry is None:
        reason = run.result["failures"].get(case, "no dream of this case was kept")
    else:
        members = entry["video"]["rgb"].values[0]
        draws = len(members)
        dream = _address(members[0], fps, scratch)
    return Pair(which, case, _address(truth[0], fps, scratch), dream, truth.shape[2:4],
                truth.shape[1], fps, int(block["context"]), (len(truth), draws), reason)


def _address(frames: np.ndarray, fps: float, scratch: Path) -> str:
    content = write_mp4(scratch, frames, fps, crf=CRF, scale=SCALE).read_bytes()
    return f"data:video/mp4;base64,{base64.b64encode(content).decode('ascii')}"
