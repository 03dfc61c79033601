"""Runs scored again, from the dreams that they kept, by today's instruments and metrics."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from evaluation.benchmark.cases import Case, case_by_id
from evaluation.benchmark.measuring import Measured
from evaluation.benchmark.report.stored import StoredRun
from evaluation.benchmark.rereading import (
    StoredBlock,
    differing,
    remeasured,
    stored_blocks,
    suite_of,
)
from evaluation.benchmark.results import block_result
from evaluation.benchmark.runner import STANDARD, measure_all
from worldsim.errors import InputError

Advance = Callable[[float], None]


def nothing(fraction: float) -> None:
    """Tells nobody how far the work is."""


@dataclasses.dataclass(frozen=True)
class Rescored:
    """A run's blocks by today's code. again : whether that took scoring; else they are as stored.
    """

    blocks: tuple[StoredBlock, ...]
    again: bool


def rescored(runs: Sequence[StoredRun], *, workers: int = 1,
             advance: Advance = nothing) -> list[Rescored]:
    """Score the kept dreams of runs again; those of today's code are taken as they are.

    Parameters
    ----------
    workers : processes that simulate truths and ask baselines.

    Raises
    ------
    InputError : a dream is gone.
    """
    stored = {run.folder: stored_blocks(run) for run in runs}
    old = [run for run in runs if differing(run.result["suite"]["digests"],
                                            suite_of(run.result).digests())]
    cases: dict[str, Case] = {}
    for run in old:
        suite = suite_of(run.result)
        for block in stored[run.folder]:
            cases |= {case: case_by_id(suite, case) for case in block.cases if block.supported}
    found = measure_all(list(cases.values()), STANDARD, None, workers=workers,
                        advance=lambda part: advance(0.6 * part)) if cases else {}
    done, total = 0, max(1, sum(len(b.cases) for run in old for b in stored[run.folder]))
    results = []
    for run in runs:
        blocks = []
        for block in stored[run.folder]:
            if run not in old or not block.supported:
                blocks.append(block)
                continue
            mine = {}
            for case in block.cases:
                mine[case] = _again(run, block, cases[case])
                done += 1
                advance(0.6 + 0.4 * done / total)
            # Of a baseline the name stands for what its run has.
            result = block_result(block.block, run.model, {**found, run.model: mine},
                                  block.cases, {})
            blocks.append(StoredBlock(**{field.name: getattr(result, field.name)
                                         for field in dataclasses.fields(result)}))
        results.append(Rescored(tuple(blocks), run in old))
    return results


def _again(run: StoredRun, block: StoredBlock, case: Case) -> Measured:
    failure = block.failures.get(run.model, {}).get(case.id)
    if failure is not None:
        return Measured(case.id, run.model, failure=failure)
    values = remeasured(case, run.folder, case.truth())
    if values is None:
        raise InputError(f"{run.folder} kept no dream of {case.id}, which cannot be scored again; "
                         "repeat the run")
    return Measured(case.id, run.model, values)
