"""The page of a benchmark result: what cannot be told, what can, and the evidence for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from worldsim.atomic import written_whole

if TYPE_CHECKING:
    from evaluation.benchmark.report.films import Truths

__all__ = ["write_report"]


def write_report(folder: str | os.PathLike[str], truths: Truths | None = None) -> Path:
    """Write ``report.html`` beside a result, one self-contained file, whole or not at all.

    Parameters
    ----------
    folder : of a finished ``worldsim bench run``, with ``result.json``, ``result.nc``, ``dreams``.
    truths : gives a case's simulated frames, by default those of the result's suite.

    Raises
    ------
    worldsim.InputError : the result is missing or of another form.
    """
    from evaluation.benchmark.report.page import page
    from evaluation.benchmark.report.stored import read_run

    run = read_run(Path(folder))
    text = page(run, truths)
    target = run.folder / "report.html"
    with written_whole(target) as beside:
        beside.write_text(text, encoding="utf-8")
    return target
