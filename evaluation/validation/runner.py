"""Runs cases one after the other; what cannot be run is named, never passed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from evaluation.validation.case import Case, Check, Diverged, NotAvailable, Outcome


def run(cases: Iterable[Case], before: Callable[[Case], None] | None = None) -> Iterator[Outcome]:
    """Try each case; `before` is called with it first.

    Yields
    ------
    Its outcome as soon as it is known.
    """
    for case in cases:
        if before is not None:
            before(case)
        start = time.perf_counter()
        failure = missing = ""
        checks: tuple[Check, ...] = ()
        try:
            checks = tuple(case.check())
            assert checks, f"case {case.name} yields no rows"
        except NotAvailable as reason:
            missing = str(reason)
        except Diverged as reason:
            failure = str(reason)
        yield Outcome(case, checks, time.perf_counter() - start, failure, missing)


def exit_status(outcomes: Iterable[Outcome]) -> int:
    """0: every row of every case passed; 1: a row failed; 3: none failed, but some case was not
    run (2 is the status of refused input)."""
    states = {outcome.status for outcome in outcomes}
    return 1 if "failed" in states else (3 if "not run" in states else 0)
