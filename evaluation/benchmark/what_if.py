"""What-ifs: response curves of a model beside the simulator's, on identical seeds.

For every level of a parameter the same cases are simulated and dreamt again; only that parameter
differs, so that differences between levels are what the parameter does and nothing else. A sweep of
a push at an instant (`Sweep.kick`) is an intervention: its level 0 is the world in which nobody
pushes, and each pair of levels a counterfactual pair.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from evaluation.benchmark.cases import Case
from evaluation.benchmark.measuring import (
    Measured,
    failure_of,
    measured_key,
    place_of,
)
from evaluation.benchmark.responses import RESPONSES
from evaluation.benchmark.store import SUFFIX, load_entry, save_entry
from evaluation.benchmark.subjects import FLOOR, REFERENCE, TRUTH, shared, subject
from evaluation.benchmark.suites import Block, Suite, Sweep
from evaluation.bootstrap import Estimate, Interval
from evaluation.measure import Sample, observe_model
from evaluation.statistics.response import (
    change_noise,
    determination,
    direction_accuracy,
    null_ratio,
    rank_agreement,
    slope,
)
from worldsim.errors import InputError
from worldsim.scenario import scenario_class
from worldsim.simulator.worker_pool import WorkerPool
from worldsim.world_model import check_capabilities

CLIMATOLOGY = "baseline:climatology"


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
    path = place_of(key, case, folder)
    path = path.with_name(f"{path.stem}-{response}{SUFFIX}")
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


@dataclasses.dataclass(frozen=True)
class Curves:
    """A model along one sweep, beside what there is to beat and what can be reached.

    ceiling : the simulator with other hidden draws. interpolated : (case, level) of climatology at
    `ANCHORS` levels of the training range, interpolated between and held beyond; None for choices
    and pushes.
    """

    own: Curve
    ceiling: Curve
    interpolated: np.ndarray | None

    @property
    def in_range(self) -> list[bool]:
        """Whether each level lies in the training range."""
        sweep = self.own.sweep
        if sweep.kick is not None:
            return [True] * len(sweep.levels)
        spec = scenario_class(sweep.scenario).parameters()[sweep.parameter]
        return [not spec.extrapolates(level) for level in sweep.levels]


def statistics_of(curves: Curves, dream: np.ndarray | None = None) -> dict[str, Estimate]:
    """What is said of a sweep, of the model or of other responses (case, level) to it; see
    `evaluation.statistics.response`. A case that failed at any level counts as one that does not
    respond."""
    own = curves.own
    g = own.dream if dream is None else dream
    names = ("null_ratio",) if own.sweep.null else ("determination", "slope", "direction", "rank")
    if not np.isfinite(g).any() or (dream is None and own.unsupported):
        why = own.unsupported or "the model has no answer"
        return dict.fromkeys(names, Estimate(None, Interval(None, None, why)))
    if own.sweep.null:
        return {"null_ratio": null_ratio(g, own.floor)}
    levels = np.array(own.sweep.levels, dtype=float)
    noise = change_noise(own.floor, own.truth)
    found = (determination(g, own.truth), slope(g, own.truth),
             direction_accuracy(g, own.truth, levels, noise=noise).accuracy,
             rank_agreement(g, own.truth).kendall)
    return dict(zip(names, found, strict=True))


ANCHORS = 5
"""Levels at which climatology is known, evenly over the training range."""


def curves_of(suite: Suite, sweep: Sweep, model: str, folder: Path | None, *,
              workers: int) -> Curves:
    """Measure a model, the simulator and interpolated climatology along a sweep."""
    own = curve(suite, sweep, model, folder, workers=workers)
    ceiling = curve(suite, sweep, REFERENCE, None, workers=workers)
    return Curves(own, ceiling, _interpolated(suite, sweep, workers))


def _interpolated(suite: Suite, sweep: Sweep, workers: int) -> np.ndarray | None:
    if sweep.kick is not None or sweep.null:
        return None
    low, high = scenario_class(sweep.scenario).parameters()[sweep.parameter].training
    anchors = tuple(float(x) for x in np.linspace(low, high, ANCHORS))
    at = curve(suite, dataclasses.replace(sweep, levels=anchors), CLIMATOLOGY, None,
               workers=workers).dream
    return np.stack([np.interp(sweep.levels, anchors, row) for row in at])


def curve(suite: Suite, sweep: Sweep, model: str, folder: Path | None, *, workers: int) -> Curve:
    """Measure a model along a sweep, or take what was kept."""
    table = sweep_cases(suite, sweep)
    flat = [case for row in table for case in row]
    own = _all(flat, model, sweep.response, folder, workers)
    floor = _all(flat, FLOOR, sweep.response, None, workers)
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


def _all(cases: Sequence[Case], model: str, response: str, folder: Path | None,
         workers: int) -> dict[str, Measured]:
    if workers == 1 or not shared(model):
        return {case.id: response_of(case, model, response, folder) for case in cases}
    with WorkerPool(workers) as pool:
        size = -(-len(cases) // (4 * workers))
        futures = [pool.submit(_in_worker, cases[k : k + size], model, response, folder)
                   for k in range(0, len(cases), size)]
        return {one.case: one for future in pool.finished(futures, lambda _: None)
                for one in future.result()}


def _in_worker(cases: Sequence[Case], model: str, response: str,
               folder: Path | None) -> list[Measured]:
    torch.set_num_threads(1)
    return [response_of(case, model, response, folder) for case in cases]
