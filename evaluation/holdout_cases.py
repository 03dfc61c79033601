"""Held-out cases: truth simulated once, kept compactly, and measured against by any model.

A work directory holds one folder per batch of cases, made whole or not at all:
``truth.zarr`` (parameters, overhead video, observables of the state, what may be said) and, per
model, its errors, named after the model, its checkpoint and the code that measures. So a run can be
stopped and continued, another model scored without simulating again, and errors that an older
instrument measured are not taken for new ones.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import xarray as xr

from evaluation.ask import ask
from evaluation.measure import Truth, measure_floor, measure_model
from evaluation.metrics import METRICS
from evaluation.observe import CAMERA, observe_state, observe_video, video_of
from worldsim import rollout as rollouts
from worldsim.compiler import compiling_pays
from worldsim.diffusion.observables import TOWN, record_town, tells_town
from worldsim.errors import InputError
from worldsim.query import Query, query
from worldsim.scenario import Scenario, scenario_class
from worldsim.seeding import VISIBLE, stream
from worldsim.world_model import WorldModel

MEASURED = tuple(m for m in METRICS if m.cameras in ((), (CAMERA,)))
"""The metrics of the overhead view, which every world model here can show."""

READING = ("worldsim.instruments.state", "worldsim.instruments.water",
           "worldsim.diffusion.observables")
"""Code on which the stored observables of the state depend."""

MEASURING = ("worldsim.instruments", "evaluation.metrics", "evaluation.ensemble",
             "evaluation.measure")
"""Code on which errors depend."""

LABELS = {"xy": ["x", "y"], "bound": ["x0", "x1", "y0", "y1"]}
"""Text coordinates, which stores do not keep."""


@dataclasses.dataclass(frozen=True)
class Holdout:
    """Which cases are held out, and how they are asked about.

    scenario, seed : cases 0, 1, … of this seed; their parameters are drawn from the training
        ranges. Training draws from another seed, so that no case can be in both.
    cases, realizations, batch : how many, and how many cases are worked on at once.
    duration, fps, size, context : of the videos; the first `context` frames are known.
    """

    scenario: str = "tsunami"
    seed: int = 9001
    cases: int = 32
    realizations: int = 8
    batch: int = 4
    duration: float = 12.0
    fps: float = 5.0
    size: tuple[int, int] = (64, 96)
    context: int = 5

    def batches(self) -> list[range]:
        """The case numbers of each batch."""
        return [
            range(first, min(first + self.batch, self.cases))
            for first in range(0, self.cases, self.batch)
        ]

    def scenario_of(self, case: int) -> Scenario:
        """One held-out case, drawn from the training ranges."""
        rng = stream(self.seed, case, VISIBLE, "held-out parameters")
        return scenario_class(self.scenario).sample(rng)

    def key(self) -> str:
        """Names the truth: all that it depends on except the number of cases."""
        version = scenario_class(self.scenario).version
        fields = dataclasses.asdict(self) | {"version": version, "state": code_digest(*READING)}
        fields.pop("cases")
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:12]


class Batch:
    """One batch of held-out cases in the work directory."""

    def __init__(self, holdout: Holdout, cases: Sequence[int], work: Path) -> None:
        self.holdout, self.cases = holdout, list(cases)
        self.folder = work / holdout.key() / f"cases_{self.cases[0]:04d}_{self.cases[-1]:04d}"

    def truth(self) -> xr.DataTree:
        """The stored truth; simulated first where it is missing."""
        store = self.folder / "truth.zarr"
        if not store.exists():
            rollouts.save(self._simulated(), store)
        return rollouts.open(store)

    def _simulated(self) -> xr.DataTree:
        from worldsim.simulator.world import simulate

        h = self.holdout
        truth = simulate(
            [h.scenario_of(case) for case in self.cases], realizations=h.realizations, seed=h.seed,
            duration=h.duration, case_numbers=self.cases,
            compiled=compiling_pays(h.cases * h.realizations),
        )
        return compact(truth, h)

    def ready(self, stored: xr.DataTree) -> Truth:
        """The stored truth made ready for scoring."""
        state = xr.DataTree.from_dict({
            kind: _labelled(node.dataset, stored) for kind, node in stored["state"].children.items()
        })
        video = _labelled(stored[f"video/{CAMERA}"].dataset, stored)
        return Truth(state, observe_video(video), {CAMERA: video["rgb"]}, self.holdout.fps,
                     self.holdout.size, self.holdout.scenario)

    def question(self, stored: xr.DataTree, realizations: int | None = None) -> Query:
        """What every model is asked."""
        h = self.holdout
        return query(
            [h.scenario_of(case) for case in self.cases], context=stored, frames=h.context,
            realizations=realizations or h.realizations, seed=h.seed, cameras=(CAMERA,),
            size=h.size, fps=h.fps, duration=h.duration,
        )

    def measured(self, name: str, model: WorldModel | None) -> xr.Dataset:
        """Errors of a model (of the truth's own video for None); computed where missing."""
        checkpoint = str(getattr(model, "sha256", ""))[:12]
        parts = [_file_name(name), checkpoint, code_digest(*MEASURING)]
        file = self.folder / f"{'-'.join(part for part in parts if part)}.nc"
        if not file.exists():
            with self.truth() as stored:
                ready = self.ready(stored)
                if model is None:
                    result = measure_floor(ready, MEASURED)
                else:
                    answer = ask(model, self.question(stored))
                    result = measure_model(answer, ready, MEASURED)
            _write(result, file)
        with xr.open_dataset(file, engine="scipy") as found:
            return found.load()


def compact(truth: xr.DataTree, holdout: Holdout) -> xr.DataTree:
    """What is kept of a simulated rollout: parameters, overhead video, its observables from the
    state in ``/state``, and gauges, houses and people as world models may say them in ``/said``
    (where they were recorded)."""
    video = video_of(truth, CAMERA, holdout.size, holdout.fps)
    unlabelled = ["case", "realization", *LABELS]
    groups = {
        f"/state/{kind}": node.to_dataset().drop_vars(unlabelled, errors="ignore")
        for kind, node in observe_state(truth, video["time"].values).children.items()
    }
    groups[f"/video/{CAMERA}"] = video.drop_vars(unlabelled, errors="ignore")
    if tells_town(truth):
        words = record_town(truth)[:, :, :video.sizes["time"]]
        groups["/said"] = xr.Dataset(
            {"state": (("case", "realization", "time", "entity", "number"), words)},
            coords={"time": video["time"].values}, attrs={"names": json.dumps(TOWN)})
    groups["/parameters"] = truth["parameters"].to_dataset(inherit=False)
    return xr.DataTree.from_dict({"/": truth.to_dataset()} | groups)


def _labelled(dataset: xr.Dataset, stored: xr.DataTree) -> xr.Dataset:
    """A stored group with the labels that stores do not keep."""
    labels = {name: values for name, values in LABELS.items() if name in dataset.dims}
    return dataset.load().assign_coords({n: stored[n] for n in ("case", "realization")} | labels)


@functools.cache
def code_digest(*modules: str) -> str:
    """Short hash of the sources of modules and packages, by name."""
    digest = hashlib.sha256()
    for name in modules:
        source = Path(str(importlib.import_module(name).__file__))
        files = sorted(source.parent.glob("*.py")) if source.name == "__init__.py" else [source]
        for file in files:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.=+%-]+", "_", name)


def _write(dataset: xr.Dataset, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".measured.", dir=file.parent) as beside:
        partial = Path(beside, file.name)
        dataset.to_netcdf(partial, engine="scipy")
        os.replace(partial, file)


def check_disjoint(holdout: Holdout, trained_on: int) -> None:
    """Refuse a seed that training used: its cases would not be held out.

    Raises
    ------
    InputError : the seeds are equal.
    """
    if holdout.seed == trained_on:
        raise InputError(
            f"seed={holdout.seed} is the seed of the training cases; choose another --seed"
        )


def measured_on_all(holdout: Holdout, work: Path, name: str, model: WorldModel | None,
                    tell: Callable[[str, int, int], None] | None = None) -> xr.Dataset:
    """Errors over all cases, batch after batch; `tell` hears (name, batches done, batches)."""
    batches = holdout.batches()
    parts = []
    for done, cases in enumerate(batches, start=1):
        parts.append(Batch(holdout, cases, work).measured(name, model))
        if tell is not None:
            tell(name, done, len(batches))
    return xr.concat(parts, dim="case", data_vars="minimal", coords="minimal", compat="override")
