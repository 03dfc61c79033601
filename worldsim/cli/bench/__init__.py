"""``worldsim bench``: score anybody's video model against the simulator.

Each verb is a module of its own, imported when it is asked for.
"""

from __future__ import annotations

import difflib
import importlib
import textwrap
from collections.abc import Sequence

from worldsim.errors import InputError

VERB = "worldsim bench"

VERBS = {
    "list": "the suites, and whether they are as published",
    "export": "write a suite's known frames and prompts, to drive a model",
    "check": "list all that is wrong with a folder of videos, at once",
    "run": "score a model: table, equivalent perturbations, report",
    "explain": "show where an error leaves the floor, in one case and metric",
    "compare": "tell two results apart, and split their difference by cause",
    "leaderboard": "recompute what results report, and rank them",
    "ladders": "measure graded wrong simulators on a suite's cases",
}


def help_text() -> str:
    """What ``worldsim bench --help`` prints."""
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb:<{width}}  {meaning}" for verb, meaning in VERBS.items())
    text = textwrap.fill(
        "Score anybody's video model against the simulator, in physical units: every number with "
        "its floor, its baselines, an interval, and how wrong a simulator would have to be to err "
        "as much.", 80)
    return f"""usage: {VERB} VERB ...

{text}

verbs:
{verbs}

first steps:
  worldsim bench run --model baseline:climatology --out runs/climatology
  worldsim bench export --out quick           # to drive your model by hand
  worldsim bench check answers --export quick
  worldsim bench run --model videos:answers --out runs/mine
"""


def main(args: Sequence[str]) -> int:
    """Run one of the verbs; returns its exit status."""
    if not args or args[0] in ("--help", "-h", "help"):
        print(help_text(), end="")
        return 0
    verb, *rest = args
    if verb not in VERBS:
        near = difflib.get_close_matches(verb, VERBS, n=1)
        hint = (f"did you mean `{VERB} {' '.join([near[0], *rest])}`?" if near
                else f"there are {', '.join(VERBS)}")
        raise InputError(f"unknown verb {verb!r} of bench; {hint}")
    status: int = importlib.import_module(f"worldsim.cli.bench.{verb}").main(rest)
    return status
