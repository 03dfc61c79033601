"""A whole run: measure what is missing, judge, write the result and its report."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import xarray as xr

from evaluation.benchmark.as_json import result_data
from evaluation.benchmark.cases import Case
from evaluation.benchmark.judged import Judged, judge
from evaluation.benchmark.results import BlockResult, block_result
from evaluation.benchmark.runner import STANDARD, Selection, measure_all
from evaluation.benchmark.subjects import shared
from evaluation.benchmark.suites import Suite
from evaluation.benchmark.what_if import Curves, curves_of


class Stages(Protocol):
    """How far a run is; see `worldsim.cli.progress.Stages`."""

    def stage(self, title: str) -> Any:
        """A context manager that gives a callable for the finished fraction."""
        ...


class Directory(Protocol):
    """Where a run lies; see `worldsim.run_directory.RunDirectory`."""

    @property
    def path(self) -> Path:
        """The directory."""
        ...

    def producing(self, name: str) -> Any:
        """A context manager that gives a path to write an output to."""
        ...


def run_suite(suite: Suite, model: str, selection: Selection, run: Directory, *, workers: int,
              stages: Callable[[int], Stages], what_if: bool, command: str) -> Judged:
    """Run a model on a suite; see ``worldsim bench run``.

    The measurements of the model and its dreams are kept in the run's directory as they are made,
    everything else in the cache, so that a run that is stopped goes on where it was.
    """
    begun = time.perf_counter()
    cases = selection.cases(suite)
    sweeps = [s for s in suite.sweeps if what_if
              and (not selection.scenarios or s.scenario in selection.scenarios)]
    told = stages(3 + bool(sweeps))
    with told.stage("truth, floors, baselines") as advance:
        standard = [name for name in STANDARD if name != model]
        found = measure_all(cases, standard, None, workers=workers, advance=advance)
    together = workers if shared(model) else 1
    with told.stage(f"{model} on {len(cases)} cases") as advance:
        found |= measure_all(cases, [model], run.path, workers=together, advance=advance, own=model)
    blocks = _blocks(suite, model, selection, cases, found)
    curves: list[Curves] = []
    if sweeps:
        with told.stage(f"{len(sweeps)} what-ifs") as advance:
            for done, sweep in enumerate(sweeps):
                curves.append(curves_of(suite, sweep, model, run.path, workers=workers))
                advance((done + 1) / len(sweeps))
    with told.stage("intervals and report") as advance:
        judged = judge(suite, model, selection, blocks, curves, run.path, workers=workers)
        advance(0.4)
        data = result_data(judged, command, time.perf_counter() - begun)
        with run.producing("result.nc") as path:
            tables(blocks).to_netcdf(path, engine="netcdf4")
        with run.producing("result.json") as path:
            path.write_text(json.dumps(data, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        advance(0.5)
        from evaluation.benchmark.report import write_report

        write_report(run.path)
    return judged


def _blocks(suite: Suite, model: str, selection: Selection, cases: Sequence[Case],
            found: Mapping[str, Mapping[str, Any]]) -> list[BlockResult]:
    results = []
    for block in selection.blocks(suite):
        mine = [case for case in cases if case.block == block]
        excluded = {case.id: "; ".join(lines) for case in mine
                    if (lines := case.truth().failed)}
        results.append(block_result(block, model, found, [case.id for case in mine], excluded))
    return results


def tables(blocks: Sequence[BlockResult]) -> xr.DataTree:
    """``value`` and ``series`` of every block, one group each."""
    return xr.DataTree.from_dict({
        f"/{one.block.scenario}-{one.block.split.value}": xr.Dataset(
            {"value": one.value, "series": one.series},
            attrs={"scenario": one.block.scenario, "split": one.block.split.value,
                   "model": one.model})
        for one in blocks
    })
