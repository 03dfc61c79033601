"""The command line: the only room that sees all the others.

The verb is parsed first and only its module imported, so that help and errors are immediate.
"""

from __future__ import annotations

import difflib
import errno
import importlib
import os
import sys
from collections.abc import Sequence

from worldsim.errors import InputError

VERBS = {
    "run": "simulate, dream, score and report: the main job",
    "dream": "ask the world model in any mode: text, continue, extend, edit ...",
    "simulate": "simulate cases of a scenario and store the states",
    "train": "train the video world model on data it simulates",
    "bench": "score any video model: floors, ladders, intervals, a report",
    "validate": "hold the simulator against exact solutions and measurements",
    "scenarios": "list the scenarios with parameters, units and ranges",
    "view": "draw a contact sheet of a scenario, a run or a video",
    "enlarge": "enlarge a video to 1080 rows, or as many as you like",
    "inspect": "list what in a video breaks physics, with when and how sure",
    "report": "write the report page of a run again, or compare two runs",
    "show": "say what a run holds, how it was made and whether it is stale",
    "cite": "say where every number is from, and how to cite a run",
    "doctor": "try what may be missing on this machine and say what to do",
}

INPUT_REFUSED = 2
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
INTERRUPTED = 130
"""Exit status of a process that was ended by SIGINT, by the shells' convention (128 + 2)."""

UNREAD = 141
"""Exit status where nobody reads what is printed any more (`| head`): that of SIGPIPE, 128 + 13."""


def help_text() -> str:
    """What ``worldsim --help`` prints."""
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb:<{width}}  {meaning}" for verb, meaning in VERBS.items())
    return f"""usage: worldsim VERB ...

Simulate a physical what-if, let a video world model dream it, and measure how
wrong the dream is.

verbs:
{verbs}

options:
  --help     this text; `worldsim VERB --help` for a verb's own
  --version  the installed version

first steps:
  worldsim run tsunami --wave-height 6 --building timber --out runs/first
"""


def main(argv: Sequence[str]) -> int:
    """Run one command; returns its exit status."""
    if not argv or argv[0] in ("--help", "-h", "help"):
        print(help_text(), end="")
        return 0
    if argv[0] == "--version":
        from importlib.metadata import version

        print(f"worldsim {version('worldsim')}")
        return 0
    verb, *rest = argv
    try:
        if verb not in VERBS:
            near = difflib.get_close_matches(verb, VERBS, n=1)
            hint = f"did you mean `worldsim {' '.join([near[0], *rest])}`?" if near else (
                f"there are {', '.join(VERBS)}")
            raise InputError(f"unknown verb {verb!r}; {hint}")
        return importlib.import_module(f"worldsim.cli.{verb}").main(rest)
    except InputError as error:
        return _refuse(str(error))
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        where = f" while writing {error.filename}" if error.filename else ""
        return _refuse(f"{os.strerror(error.errno)}{where}; free some room or choose another --out")
    except KeyboardInterrupt:
        print("worldsim: interrupted; what was finished is kept, the same command continues",
              file=sys.stderr)
        return INTERRUPTED


def _refuse(message: str) -> int:
    print("worldsim: " + " ".join(message.split()), file=sys.stderr)
    return INPUT_REFUSED


def entry_point() -> None:
    """The console script ``worldsim``."""
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more while it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = UNREAD
    if status == INTERRUPTED:
        # Threads of libraries (zarr's readers) may be at work still and would complain at length
        # while the interpreter ends; everything of ours was closed on the way here.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
