"""What-ifs: response curves of a model beside the simulator's, on identical seeds.

For every level of a parameter the same cases are simulated and dreamt again; only that parameter
differs, so that differences between levels are what the parameter does and nothing else. A sweep of
a push at an instant (`Sweep.kick`) is an intervention: its level 0 is the world in which nobody
pushes, and each pair of levels a counterfactual pair.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from evaluation.benchmark.cases import Case
from evaluation.benchmark.measuring import (
    Measured,
    failure_of,
    measured_key,
    place_of,
)
from evaluation.benchmark.responses import RESPONSES
from evaluation.benchmark.store import load_entry, save_entry
from evaluation.benchmark.subjects import FLOOR, TRUTH, shared, subject
from evaluation.benchmark.suites import Block, Suite, Sweep
from evaluation.measure import Sample, observe_model
from worldsim.errors import InputError
from worldsim.simulator.worker_pool import WorkerPool, tick
from worldsim.world_model import check_capabilities


def sweep_cases(suite: Suite, sweep: Sweep) -> list[list[Case]]:
    """The cases of a sweep: [level][case]."""
    block = Block(sweep.scenario, cases=sweep.cases, realizations=sweep.realizations,
                  duration=sweep.duration, context=sweep.context)
    return [
        [
            Case(block, number, suite.stream_seed, sweep.scenario_at(suite, block, number, level),
                 f"{sweep.parameter}={level:g}" if isinstance(level, float | int)
                 else f"{sweep.parameter}={level}", sweep.kicks_at(level))
            for number in range(sweep.cases)
        ]
        for level in sweep.levels
    ]


@dataclasses.dataclass(frozen=True)
class Curve:
    """Responses of one model along one sweep.

    truth, dream : (case, level) means over realizations. floor : (case, level), what the
    instruments read off the truth's own video. failures : reasons by case id; there the dream is
    NaN. unsupported : why the model could not be asked, or empty.
    """

    sweep: Sweep
    model: str
    truth: np.ndarray
    floor: np.ndarray
    dream: np.ndarray
    failures: dict[str, str]
    unsupported: str = ""


def response_of(case: Case, model: str, response: str, folder: Path | None = None) -> Measured:
    """The response of one model in one case: measured, or as it was kept."""
    key = measured_key(case, model) + f"-{response}"
    path = place_of(f"{key[:32]}-{response}", case, folder)
    entry = load_entry(path)
    if entry is not None and entry.attrs["key"] == key and not entry.attrs["failure"]:
        return Measured.of(entry)
    result = _response(case, model, response)
    save_entry(path, result.tree(key))
    return result


def _response(case: Case, name: str, response: str) -> Measured:
    truth = case.truth()
    if name in (FLOOR, TRUTH):
        sample = Sample(truth.ready.observed, truth.ready.state, context=truth.ready.context)
        return Measured(case.id, name, _values(sample, response))
    model = subject(name)
    query = case.query(truth)
    try:
        check_capabilities(model, query)
    except InputError as error:
        return Measured(case.id, name, unsupported=" ".join(str(error).split()))
    try:
        sample, _ = observe_model(model.rollout(query), truth.ready)
    except Exception as error:  # noqa: BLE001  foreign code: its failure is a result
        return Measured(case.id, name, failure=failure_of(error, name))
    return Measured(case.id, name, _values(sample, response))


def _values(sample: Sample, response: str) -> xr.Dataset:
    wanted = RESPONSES[response]
    return xr.Dataset({
        "video": ((), float(wanted.of_video(sample).mean())),
        "state": ((), float(wanted.of_state(sample).mean())),
    })


def curve(suite: Suite, sweep: Sweep, model: str, folder: Path | None, *, workers: int,
          advance: Callable[[int], None]) -> Curve:
    """Measure a model along a sweep, or take what was kept."""
    table = sweep_cases(suite, sweep)
    flat = [case for row in table for case in row]
    own = _all(flat, model, sweep.response, folder, workers, advance)
    floor = _all(flat, FLOOR, sweep.response, None, workers, advance)
    shape = (sweep.cases, len(sweep.levels))
    values = {name: np.full(shape, np.nan) for name in ("truth", "floor", "dream")}
    failures: dict[str, str] = {}
    unsupported = ""
    for level, row in enumerate(table):
        for number, case in enumerate(row):
            at = number, level
            read = floor[case.id].values
            assert read is not None
            values["truth"][at], values["floor"][at] = float(read["state"]), float(read["video"])
            mine = own[case.id]
            if mine.values is not None:
                values["dream"][at] = float(mine.values["video"])
            elif mine.failure:
                failures[case.id] = mine.failure
            unsupported = unsupported or mine.unsupported
    return Curve(sweep, model, values["truth"], values["floor"], values["dream"], failures,
                 unsupported)


def _all(cases: Sequence[Case], model: str, response: str, folder: Path | None, workers: int,
         advance: Callable[[int], None]) -> dict[str, Measured]:
    if workers == 1 or not shared(model):
        found = {}
        for case in cases:
            found[case.id] = response_of(case, model, response, folder)
            advance(1)
        return found
    with WorkerPool(workers) as pool:
        size = -(-len(cases) // (4 * workers))
        futures = [pool.submit(_in_worker, cases[k : k + size], model, response, folder)
                   for k in range(0, len(cases), size)]
        return {one.case: one for future in pool.finished(futures, advance)
                for one in future.result()}


def _in_worker(cases: Sequence[Case], model: str, response: str,
               folder: Path | None) -> list[Measured]:
    found = []
    for case in cases:
        found.append(response_of(case, model, response, folder))
        tick(1)
    return found


