"""``worldsim bench list``: the suites, and whether they are as they were published."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Annotated, Any

import tyro

from worldsim.cli.flags import parse

VERB = "worldsim bench list"


@dataclasses.dataclass(frozen=True)
class Options:
    suite: Annotated[str, tyro.conf.arg(metavar="NAME")] = ""
    """Only this suite, with all its blocks and what-ifs."""
    json: bool = False
    """Print everything as JSON."""


def main(args: Sequence[str]) -> int:
    """List the suites."""
    options = parse(Options, args, command=VERB,
                    description="List the suites, or tell all about one.")
    from evaluation.benchmark.suites import FRESH, SUITES, suite_named

    chosen = [suite_named(options.suite)] if options.suite else list(SUITES.values())
    if options.json:
        print(json.dumps({suite.id: described(suite) for suite in chosen}, indent=1))
        return 0
    for suite in chosen:
        members = sum(b.cases * b.realizations for b in suite.blocks)
        print(f"{suite.id:<9} {len(suite.case_ids())} cases of "
              f"{len({b.scenario for b in suite.blocks})} scenarios, {members} videos of truth, "
              f"{len(suite.sweeps)} what-ifs\n          {suite.meaning}")
        changed = changes(suite)
        if changed:
            print(f"          not as published: {', '.join(changed)} changed since; results are "
                  "unofficial")
        if options.suite:
            for block in suite.blocks:
                print(f"  {block.scenario:<16} {block.split.value:<12} {block.cases:>3} cases x "
                      f"{block.realizations}, {block.duration:g} s of {block.camera}, first "
                      f"{block.context} frames known")
            for sweep in suite.sweeps:
                kind = "must change nothing" if sweep.null else f"{len(sweep.levels)} levels"
                print(f"  what if {sweep.name}: {kind}, {sweep.cases} cases")
    if not options.suite:
        print(f"{FRESH}-v1  core, with a seed drawn at the time and recorded")
    return 0


def changes(suite: Any) -> list[str]:
    """Which parts of a suite are not as they were published under its id."""
    from evaluation.benchmark.suites import FRESH, locked

    published = locked().get(suite.id if suite.name != FRESH else "core-v1", {})
    now = suite.digests()
    parts = [part for part in now if suite.name != FRESH or part != "definition"]
    return [part for part in parts if published.get(part) != now[part]]


def described(suite: Any) -> dict[str, Any]:
    """A suite as JSON."""
    return suite.definition() | {"digests": suite.digests(), "changed": changes(suite),
                                 "meaning": suite.meaning, "cases": suite.case_ids()}
