"""Ladders: simulators that are wrong by a known amount, from 2% to 50%, scored as world models.

A metric that does not rise along a ladder that concerns it says nothing about that kind of error.
Every model gets its *equivalent perturbation*: the rung that errs as much.
"""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import xarray as xr

from evaluation.benchmark.cases import Case, cases_of
from evaluation.benchmark.measuring import measured_key
from evaluation.benchmark.store import SUFFIX, cache_folder, key_of, load_entry, save_entry
from evaluation.benchmark.subjects import REFERENCE
from evaluation.benchmark.suites import Suite
from evaluation.measure import measure_model
from evaluation.metrics.catalogue import metric_named, metrics_of
from worldsim.errors import MembersFailed
from worldsim.models.simulated import SimulatedWorld
from worldsim.simulator.scene import Physics
from worldsim.simulator.worker_pool import WorkerPool, tick

STORED = "ladders.json"
CODE = ("data", "instruments", "metrics")

LEAST, MOST, RUNGS = 0.02, 0.50, 11

STRENGTHS = tuple(float(f"{s:.4g}") for s in np.geomspace(LEAST, MOST, RUNGS))
"""Shares, geometric."""


@dataclasses.dataclass(frozen=True)
class Ladder:
    """One kind of wrongness.

    change : of ``mujoco``, with a place for the strength in percent. scenarios : where it shows.
    words : before the strength, as in "as wrong as gravity too weak by 12%".
    """

    name: str
    change: str
    scenarios: tuple[str, ...]
    words: str

    def model(self, strength: float) -> str:
        """The world model at one strength."""
        return f"{REFERENCE}:{self.change.format(f'{100 * strength:.4g}')}"


LADDERS: dict[str, Ladder] = {
    ladder.name: ladder for ladder in (
        Ladder("gravity", "gravity=-{}%", ("free_fall", "projectile", "pendulum"),
               "gravity too weak by"),
        Ladder("restitution", "restitution=-{}%", ("free_fall", "collision"),
               "bounces too weak by"),
        Ladder("friction", "friction=-{}%", ("incline",), "friction too weak by"),
        Ladder("mass", "mass=+{}%", ("collision",), "every second mass too large by"),
        Ladder("drag", "drag={}%", ("free_fall", "projectile"), "air that takes, a metre,"),
        Ladder("overlap", "overlap={}%", ("free_fall", "collision"),
               "contacts late by this share of a body's thickness:"),
        Ladder("energy_loss", "energy=-{}%", ("free_fall", "collision"),
               "energy lost, a second, of"),
        Ladder("energy_gain", "energy=+{}%", ("free_fall", "collision"),
               "energy from nowhere, a second, of"),
        Ladder("teleport", "teleport={}%", ("free_fall", "collision"), "objects that jump:"),
        Ladder("vanish", "vanish={}%", ("free_fall", "collision"), "objects that vanish:"),
        Ladder("merge", "merge={}%", ("collision",), "objects that merge:"),
        Ladder("blur", "blur={}%", ("free_fall", "collision"),
               "blur by this share of a tenth of the picture:"),
        Ladder("frozen", "frozen={}%", ("pendulum", "collision"),
               "a still picture at the end, for"),
        Ladder("backwards", "backwards={}%", ("pendulum", "collision"),
               "the end played backwards, for"),
    )
}
"""By name."""


@dataclasses.dataclass(frozen=True)
class Climbed:
    """Errors along one ladder in one scenario.

    strengths : (rung,). errors : {metric: (rung, case)}; NaN where the metric has no value.
    """

    ladder: str
    scenario: str
    strengths: tuple[float, ...]
    errors: dict[str, np.ndarray]


def rungs_of(case: Case, ladder: Ladder,
             strengths: Sequence[float] = STRENGTHS) -> dict[str, np.ndarray]:
    """{metric: (rung,)} of one case; measured, or as it was kept."""
    models = [ladder.model(strength) for strength in strengths]
    key = key_of(what="rungs", keys=[measured_key(case, model) for model in models])
    path = cache_folder() / "rungs" / key[:2] / f"{key}{SUFFIX}"
    entry = load_entry(path)
    names = [m.name for m in metrics_of(case.block.scenario)]
    if entry is None:
        table = _table(case, names, models)
        entry = xr.DataTree.from_dict({"/": xr.Dataset(
            {"value": (("rung", "metric"), table)}, coords={"metric": names})})
        save_entry(path, entry)
    value = entry["value"].values
    return {name: value[:, number] for number, name in enumerate(names)}


def _table(case: Case, names: list[str], models: Sequence[str]) -> np.ndarray:
    """(rung, metric); worlds of the same physics share their states."""
    truth = case.truth()
    query = case.query(truth)
    metrics = metrics_of(case.block.scenario)
    states: dict[Physics, xr.DataTree] = {}
    rows = []
    for model in models:
        world = SimulatedWorld.from_name(model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MembersFailed)  # wrong on purpose
            if world.physics not in states:
                states[world.physics] = world.simulated(query)
            answer = world.filmed(states[world.physics], query)
        values = measure_model(answer, truth.ready, metrics)
        rows.append(values["value"].sel(metric=names).values[:, 0])
    return np.stack(rows)


def climb(suite: Suite, ladders: Sequence[Ladder], *, workers: int,
          advance: Callable[[float], None], limit: int | None = None) -> list[Climbed]:
    """Measure ladders on a suite's cases."""
    blocks = {block.scenario: block for block in reversed(suite.blocks)}
    jobs = [
        (case, ladder) for ladder in ladders for scenario in ladder.scenarios
        if scenario in blocks for case in cases_of(suite, blocks[scenario], limit)
    ]
    found: dict[tuple[str, str], list[dict[str, np.ndarray]]] = {}
    with WorkerPool(workers) as pool:
        done = 0

        def advanced(count: int) -> None:
            nonlocal done
            done += count
            advance(done / len(jobs))

        futures = {pool.submit(_in_worker, case, ladder): number
                   for number, (case, ladder) in enumerate(jobs)}
        results: dict[int, dict[str, np.ndarray]] = {}
        for future in pool.finished(futures, advanced):
            results[futures[future]] = future.result()
    for number, (case, ladder) in enumerate(jobs):
        found.setdefault((ladder.name, case.block.scenario), []).append(results[number])
    return [
        Climbed(ladder, scenario, STRENGTHS,
                {name: np.stack([row[name] for row in rows], axis=1) for name in rows[0]})
        for (ladder, scenario), rows in found.items()
    ]


def _in_worker(case: Case, ladder: Ladder) -> dict[str, np.ndarray]:
    import torch

    torch.set_num_threads(1)
    result = rungs_of(case, ladder)
    tick(1)
    return result


def as_data(suite: Suite, climbed: Sequence[Climbed]) -> dict[str, Any]:
    """What is kept with the package of the metrics that each ladder concerns: JSON, five digits."""
    def short(values: np.ndarray) -> Any:
        return [[None if np.isnan(v) else float(f"{v:.5g}") for v in row] for row in values]

    return {
        "suite": suite.id, "seed": suite.seed, "digests": suite.digests(),
        "ladders": [
            {"ladder": one.ladder, "scenario": one.scenario, "strengths": list(one.strengths),
             "errors": {name: short(values) for name, values in one.errors.items()
                        if one.ladder in metric_named(name).concerns}}
            for one in climbed
        ],
    }


def stored(suite: Suite) -> list[Climbed] | None:
    """The ladders that came with the package, climbed on the cases of quick, which other suites of
    its seed share; None where there are none for this version of data, instruments and metrics."""
    path = files("evaluation.benchmark").joinpath(STORED)
    if not path.is_file():
        return None
    data = json.loads(path.read_text(encoding="utf-8"))
    now = suite.digests()
    if data["seed"] != suite.seed or any(data["digests"][part] != now[part] for part in CODE):
        return None
    return [
        Climbed(row["ladder"], row["scenario"], tuple(row["strengths"]),
                {name: np.array(values, dtype=float) for name, values in row["errors"].items()})
        for row in data["ladders"]
    ]
