"""Run a suite: what is missing is measured, case by case; what was measured before is kept.

The truths, the simulator, the baselines and the floors of a case are shared by all runs through the
cache. A run that was interrupted goes on where it was.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from evaluation.benchmark.cases import Case, cases_of
from evaluation.benchmark.measuring import Measured, known_measurement, measure_case
from evaluation.benchmark.subjects import BASELINES, FLOOR, REFERENCE, shared
from evaluation.benchmark.suites import Block, Suite
from worldsim.simulator.worker_pool import WorkerPool, tick

STANDARD = (FLOOR, REFERENCE, *BASELINES)
"""What every model is held against."""

Advance = Callable[[float], None]


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which part of a suite is run; a part of a suite is never official.

    limit : cases of every block; all by default. scenarios : only these; all by default.
    """

    limit: int | None = None
    scenarios: tuple[str, ...] = ()

    @property
    def partial(self) -> bool:
        """Whether anything is left out."""
        return self.limit is not None or bool(self.scenarios)

    def blocks(self, suite: Suite) -> list[Block]:
        """The blocks that are run."""
        return [b for b in suite.blocks if not self.scenarios or b.scenario in self.scenarios]

    def cases(self, suite: Suite) -> list[Case]:
        """The cases that are run."""
        return [case for block in self.blocks(suite) for case in cases_of(suite, block, self.limit)]


def default_workers() -> int:
    """As many processes as there are cores."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def measure_all(cases: Sequence[Case], models: Sequence[str], folder: Path | None, *, workers: int,
                advance: Advance, own: str = "") -> dict[str, dict[str, Measured]]:
    """Measure models on cases.

    Parameters
    ----------
    models : names; those that processes may share are asked by `workers` processes at once.
    folder : of the run, which keeps what belongs to the model `own`.
    advance : told the finished fraction.

    Returns
    -------
    By model, then by case id.
    """
    def home(model: str) -> Path | None:
        return folder if model == own else None

    found: dict[str, dict[str, Measured]] = {model: {} for model in models}
    missing: dict[str, list[str]] = {}
    for case in cases:
        for model in models:
            known = known_measurement(case, model, home(model))
            if known is None:
                missing.setdefault(case.id, []).append(model)
            else:
                found[model][case.id] = known
    total = sum(map(len, missing.values())) or 1
    done = 0

    def advanced(count: int) -> None:
        nonlocal done
        done += count
        advance(done / total)

    by_id = {case.id: case for case in cases}
    together = {
        case: [model for model in names if shared(model)] for case, names in missing.items()
    }
    jobs = [(by_id[case], names) for case, names in together.items() if names]
    if workers == 1 or len(jobs) == 1:
        for case, names in jobs:
            for result in _measure_some(case, names, folder, own):
                found[result.model][result.case] = result
                advanced(1)
    elif jobs:
        with WorkerPool(min(workers, len(jobs)), _one_thread) as pool:
            futures = [pool.submit(_in_worker, case, names, folder, own) for case, names in jobs]
            for future in pool.finished(futures, advanced):
                for result in future.result():
                    found[result.model][result.case] = result
    for case_id, names in missing.items():
        for model in names:
            if not shared(model):
                result = measure_case(by_id[case_id], model, home(model))
                found[model][case_id] = result
                advanced(1)
    return found


def _one_thread() -> None:
    torch.set_num_threads(1)


def _measure_some(case: Case, models: Sequence[str], folder: Path | None,
                  own: str) -> list[Measured]:
    truth = case.truth()
    return [measure_case(case, model, folder if model == own else None, truth) for model in models]


def _in_worker(case: Case, models: Sequence[str], folder: Path | None, own: str) -> list[Measured]:
    truth = case.truth()
    results = []
    for model in models:
        results.append(measure_case(case, model, folder if model == own else None, truth))
        tick(1)
    return results
