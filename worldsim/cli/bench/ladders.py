"""``worldsim bench ladders``: graded wrong simulators on a suite's cases."""

from __future__ import annotations

import dataclasses
import difflib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from worldsim.cli.flags import parse
from worldsim.errors import InputError

VERB = "worldsim bench ladders"


@dataclasses.dataclass(frozen=True)
class Options:
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Where ladders.json, README.md and a plot of each ladder are written."""
    ladder: tyro.conf.UseAppendAction[Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME")]
                                      ] = ()
    """Only this ladder; repeat for several. All by default."""
    suite: Annotated[str, tyro.conf.arg(metavar="NAME")] = "quick"
    """On whose cases."""
    limit: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Only so many cases of every block."""
    workers: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Processes; as many as there are cores by default."""


def main(args: Sequence[str]) -> int:
    """Climb; exit status 0 if every headline metric rises along every ladder that concerns it."""
    options = parse(Options, args, command=VERB, description=(
        "Score simulators that are wrong by 2% to 50% in one thing. Exit status: 0 every headline "
        "metric rises along every ladder that concerns it (Kendall's tau of 0.95 or more), 1 one "
        "does not."))
    from evaluation.benchmark.ladder_record import write_record
    from evaluation.benchmark.ladders import LADDERS, climb
    from evaluation.benchmark.runner import default_workers
    from evaluation.benchmark.suites import suite_named
    from worldsim.cli.progress import Stages

    for name in options.ladder:
        if name not in LADDERS:
            near = difflib.get_close_matches(name, LADDERS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(LADDERS)}"
            raise InputError(f"no ladder {name!r}; {hint}")
    chosen = [LADDERS[name] for name in options.ladder or LADDERS]
    suite = suite_named(options.suite)
    with Stages(1).stage(f"{len(chosen)} ladders") as advance:
        climbed = climb(suite, chosen, workers=options.workers or default_workers(),
                        advance=advance, limit=options.limit)
    failed = write_record(suite, climbed, options.out, f"{VERB} {shlex.join(args)}")
    print(f"{options.out}: {len(climbed)} ladders in one scenario each; "
          + (f"does not rise: {', '.join(failed)}" if failed
             else "every headline metric rises along every ladder that concerns it"))
    return 1 if failed else 0
