"""Runs cases, one after the other or several at once; what cannot be run is named, never passed."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

from evaluation.validation.case import Case, Check, Diverged, NotAvailable, Outcome


def run(
    cases: Iterable[Case], before: Callable[[Case], None] | None = None, workers: int = 1
) -> Iterator[Outcome]:
    """Try each case; `before` is called with it first.

    workers : processes; the numbers do not depend on it. With several, cases are those of the
        registry.

    Yields
    ------
    The outcomes, in order.
    """
    if workers == 1:
        for case in cases:
            if before is not None:
                before(case)
            yield Outcome(case, *attempt(case))
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        waiting = [(case, pool.submit(attempt_named, case.name)) for case in cases]
        for case, result in waiting:
            if before is not None:
                before(case)
            yield Outcome(case, *result.result())


def attempt(case: Case) -> tuple[tuple[Check, ...], float, str, str]:
    """Rows, seconds, why it failed, why it was not run."""
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
    return checks, time.perf_counter() - start, failure, missing


def attempt_named(name: str) -> tuple[tuple[Check, ...], float, str, str]:
    """The same for a case of the registry, in a process of its own on one thread."""
    import torch

    from evaluation.validation.registry import choose

    torch.set_num_threads(1)
    return attempt(choose([name])[0])


def exit_status(outcomes: Iterable[Outcome]) -> int:
    """0: every row of every case passed; 1: a row failed; 3: none failed, but some case was not
    run (2 is the status of refused input)."""
    states = {outcome.status for outcome in outcomes}
    return 1 if "failed" in states else (3 if "not run" in states else 0)
