"""Runs of the benchmark: of a small suite with tables of drawn errors, and of a tiny one that is
really simulated."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from evaluation.benchmark.as_json import estimate, number
from evaluation.benchmark.cases import cases_of
from evaluation.benchmark.measuring import Measured, known_measurement, measure_case
from evaluation.benchmark.rereading import remeasured
from evaluation.benchmark.results import BlockResult, block_result
from evaluation.benchmark.skill import pooled, skill_shares
from evaluation.benchmark.store import save_entry
from evaluation.benchmark.subjects import BASELINES, FLOOR, REFERENCE
from evaluation.benchmark.suites import Block, Suite
from evaluation.metrics.catalogue import metrics_of

SCENARIOS = ("free_fall", "pendulum")
METRICS = ("trajectory.position_crps",)
SIZE = dict(zip((FLOOR, REFERENCE, *BASELINES), (0.01, 0.02, 1.0, 0.7, 0.5, 0.6), strict=True))
"""Mean errors of the standard rows."""

SMALL = Suite("small-v1", tuple(Block(name, cases=10, realizations=2, duration=0.8, context=4)
                                for name in SCENARIOS), seed=7, meaning="a test")


def values_of(model: str, block: Block, number: int, error: float) -> xr.Dataset:
    """Errors of one case, (metric, case) and over time; the same for the same name."""
    names = [m.name for m in metrics_of(block.scenario) if m.name in METRICS]
    code = [*model.encode(), *block.scenario.encode(), number]
    drawn = error * np.random.default_rng(code).lognormal(sigma=0.3, size=(len(names), 1))
    time = np.arange(block.frames) / block.cls.fps
    return xr.Dataset(
        {"value": (("metric", "case"), drawn),
         "series": (("metric", "case", "time"), drawn[..., None] * time)},
        coords={"metric": names, "case": [number], "time": time})


@dataclasses.dataclass(frozen=True)
class Made:
    """What a made-up run is of.

    error : the model's, of frozen frames' 1. failed, excluded, unsupported : by case id or
    scenario. alignment : of every case, as a folder of videos records it.
    """

    model: str = "videos:mine"
    error: float = 0.4
    suite: Suite = SMALL
    failed: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    limit: int | None = None
    digests: Mapping[str, str] = dataclasses.field(default_factory=dict)
    alignment: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    identity: str = "0123"
    noise: str = ""


def blocks_of(made: Made) -> list[BlockResult]:
    """The tables of a made-up run."""
    results = []
    for block in made.suite.blocks:
        count = block.cases if made.limit is None else made.limit
        cases = [block.case_id(n) for n in range(count)]
        found: dict[str, dict[str, Measured]] = {}
        for name in dict.fromkeys((made.model, *SIZE)):
            found[name] = {}
            for n, case in enumerate(cases):
                size = SIZE.get(name, made.error)
                seed = made.noise or name if name == made.model else name
                one = Measured(case, name, values_of(seed, block, n, size))
                if name == made.model and case in made.failed:
                    one = Measured(case, name, failure="it crashed")
                if name == made.model and block.scenario in made.unsupported:
                    one = Measured(case, name, unsupported="it has no such view")
                found[name][case] = one
        left = {case: "books do not close" for case in cases if case in made.excluded}
        results.append(block_result(block, made.model, found, cases, left))
    return results


def make_run(folder: Path, made: Made | None = None, **changes: Any) -> Path:
    """A finished run's directory, without dreams.

    changes : fields of `Made`.
    """
    made = dataclasses.replace(made or Made(), **changes)
    folder.mkdir(parents=True)
    blocks = blocks_of(made)
    write_tables(folder, blocks)
    for case, record in made.alignment.items():
        one = Measured(case, made.model, alignment=json.dumps([record]))
        save_entry(folder / "measured" / f"{case}.entry", one.tree("key"))
    result = result_of(made, blocks)
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
    return folder


def write_tables(folder: Path, blocks: list[BlockResult]) -> None:
    """``result.nc``."""
    xr.DataTree.from_dict({
        f"/{one.block.scenario}-{one.block.split.value}":
            xr.Dataset({"value": one.value, "series": one.series}) for one in blocks
    }).to_netcdf(folder / "result.nc", engine="netcdf4")


def result_of(made: Made, blocks: list[BlockResult]) -> dict[str, Any]:
    """``result.json``, with the skills that the tables have."""
    shares = {one.block.scenario: skill_shares(one, made.model) for one in blocks}
    told = [share for share in shares.values() if share is not None]
    return {
        "schema": "worldsim-bench/1",
        "suite": {"id": made.suite.id, "seed": made.suite.seed, "meaning": made.suite.meaning,
                  "digests": {**made.suite.digests(), **made.digests}},
        "model": {"name": made.model, "identity": made.identity},
        "official": made.limit is None,
        "unofficial_because": [] if made.limit is None else ["only part of the suite was run"],
        "cases": sum(len(one.cases) for one in blocks), "failed": len(made.failed),
        "failures": dict.fromkeys(made.failed, "it crashed"),
        "excluded": dict.fromkeys(made.excluded, "books do not close"),
        "unsupported": dict.fromkeys(made.unsupported, "it has no such view"),
        "overall": {"skill": estimate(pooled(told, offset=1.0))},
        "blocks": [{
            "scenario": one.block.scenario, "split": one.block.split.value, "seconds": 1.0,
            "cases": len(one.cases),
            "skill": estimate(pooled([s] if (s := shares[one.block.scenario]) is not None else [],
                                     offset=1.0)),
            "metrics": [{"metric": name, "value": number(float(
                one.value.sel(model=made.model, metric=name).mean()))}
                for name in one.value["metric"].values if name in METRICS
                and made.model in one.value["model"].values],
        } for one in blocks],
        "sensitivity": [], "versions": {"worldsim": "0.1.0"},
        "command": f"worldsim bench run --model {made.model} --suite small --out runs/x",
    }


def change_result(folder: Path, change: Any) -> None:
    """Rewrite ``result.json`` as `change` changes it."""
    path = folder / "result.json"
    result = json.loads(path.read_text())
    change(result)
    path.write_text(json.dumps(result), encoding="utf-8")


TINY = Suite("tiny-v1", (Block("free_fall", cases=2, realizations=2, duration=1.2, context=4),),
             seed=7)
CACHE = tempfile.TemporaryDirectory()
"""For all tests of one process: the tiny suite's truths are simulated once."""

LATE = 2
"""Frames by which the dreams of `real_run` are late."""


def late_film(film: np.ndarray, context: int, late: int) -> np.ndarray:
    """(…, time, row, column, 3) that stands still for `late` frames after the known ones, and goes
    on as it should have then."""
    frames = np.arange(film.shape[2])
    shown = np.where(frames < context, frames, np.maximum(frames - late, context - 1))
    return film[:, :, shown]


def real_run(folder: Path, late: int = LATE, failed: tuple[str, ...] = (),
             digests: Mapping[str, str] | None = None) -> Path:
    """A run on real truths by a model that dreams them late, with its dreams; of the baselines only
    the frozen frames."""
    made = Made("videos:late", suite=TINY, failed=failed, digests=digests or {})
    block = TINY.blocks[0]
    cases = cases_of(TINY, block)
    found: dict[str, dict[str, Measured]] = {
        name: {c.id: Measured(c.id, name, unsupported="not asked") for c in cases}
        for name in (made.model, *SIZE)}
    for case in cases:
        truth = case.truth()
        for name in (FLOOR, REFERENCE, "baseline:frozen"):
            found[name][case.id] = (known_measurement(case, name, None)
                                    or measure_case(case, name, None, truth))
        film = truth.ready.video[block.camera].values
        if case.id in failed:
            found[made.model][case.id] = Measured(case.id, made.model, failure="it crashed")
            continue
        rgb = xr.DataArray(late_film(film, block.context, late),
                           dims=("case", "realization", "time", "row", "column", "channel"))
        save_entry(folder / "dreams" / f"{case.id}.entry",
                   xr.DataTree.from_dict({"/video": xr.Dataset({"rgb": rgb})}))
        values = remeasured(case, folder, truth)
        found[made.model][case.id] = Measured(case.id, made.model, values)
        save_entry(folder / "measured" / f"{case.id}.entry",
                   found[made.model][case.id].tree("key"))
    folder.mkdir(parents=True, exist_ok=True)
    blocks = [block_result(block, made.model, found, [c.id for c in cases], {})]
    write_tables(folder, blocks)
    (folder / "result.json").write_text(json.dumps(result_of(made, blocks)), encoding="utf-8")
    return folder
