"""``worldsim bench leaderboard``: results ranked by what their tables and dreams give."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from worldsim.cli.flags import parse

VERB = "worldsim bench leaderboard"


@dataclasses.dataclass(frozen=True)
class Options:
    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUN")]
    """Directories of finished `worldsim bench run`."""
    md: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write it as Markdown."""
    workers: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Processes for measuring again; as many as there are cores by default."""
    json: bool = False
    """Print everything as JSON."""


def main(args: Sequence[str]) -> int:
    """Rank; exit status 0 if everything comes out again, 1 otherwise."""
    options = parse(Options, args, command=VERB, description=(
        "Recompute what results report, from their tables and, for one case of every block, from "
        "their kept dreams, and rank them. Runs that cannot be told apart share a rank; unofficial "
        "and partial ones and those of other suites are listed apart. Exit status: 0 everything "
        "comes out as reported, 1 something does not."))
    from evaluation.benchmark.leaderboard import leaderboard
    from evaluation.benchmark.leaderboard_text import as_markdown, board_data, print_board
    from evaluation.benchmark.report.stored import read_run
    from evaluation.benchmark.runner import default_workers
    from worldsim.atomic import written_whole
    from worldsim.cli.progress import Stages

    runs = [read_run(folder) for folder in options.runs]
    with Stages(1).stage(f"{len(runs)} runs checked") as advance:
        board = leaderboard(runs, workers=options.workers or default_workers(), advance=advance)
    if options.md is not None:
        with written_whole(options.md) as beside:
            beside.write_text(as_markdown(board), encoding="utf-8")
    if options.json:
        print(json.dumps(board_data(board), indent=1, allow_nan=False))
    else:
        print_board(board)
    return 1 if any(one.mismatches for one in (*board.ranked, *board.apart)) else 0
