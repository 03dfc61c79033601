"""The report: one self-contained page that shows a run to people.

`gather` reads a run directory into plain `contents`, `html` sets them as a page; `plots` draws
arrays on matplotlib Axes and serves papers and notebooks as well.
"""

from __future__ import annotations

import os
from pathlib import Path

from worldsim.atomic import written_whole


def write_report(run: str | os.PathLike[str], path: str | os.PathLike[str] | None = None) -> Path:
    """Write a run's report as one self-contained HTML file, whole or not at all.

    Parameters
    ----------
    run : directory of a run with its truth, dream, scores and films.
    path : the file to write, by default ``report.html`` in the run directory.

    Raises
    ------
    InputError : something of the run is missing or cannot be read.
    """
    from evaluation.report.gather import gather
    from evaluation.report.html import page

    folder = Path(run)
    target = folder / "report.html" if path is None else Path(path)
    text = page(gather(folder))
    with written_whole(target) as beside:
        beside.write_text(text, encoding="utf-8")
    return target
