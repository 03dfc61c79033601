"""Scores of a dream: the whole evaluation in one call, as numbers, files and words."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from evaluation.bootstrap import DEFAULT, Bootstrap, Interval
from evaluation.measure import (
    FLOOR,
    REFERENCE,
    measure_floor,
    measure_model,
    measure_reference,
    prepare_truth,
    stack,
)
from evaluation.metrics import HEADLINE, METRICS, Metric
from evaluation.observe import CAMERA, has_video
from evaluation.summary import AgainstBaseline, Estimate, Score, score
from evaluation.words import in_words
from worldsim.errors import InputError

SCHEMA = "worldsim-scores/1"
SCHEMA_FILE = Path(__file__).with_name("scores.schema.json")
"""JSON Schema of ``scores.json``."""


@dataclasses.dataclass(frozen=True)
class Scores:
    """All scores of one model.

    model : name of the model that is scored; baselines : names of the others.
    table : one `Score` per metric.
    measured : ``value`` (model, metric, case), ``series`` (model, metric, case, time) of the model,
        every baseline, ``floor`` and ``reference``.
    about : what was scored: scenario, cases, realizations, size, rate, reference.
    """

    model: str
    baselines: tuple[str, ...]
    table: tuple[Score, ...]
    measured: xr.Dataset
    about: Mapping[str, Any]

    def __getitem__(self, metric: str) -> Score:
        for entry in self.table:
            if entry.metric.name == metric:
                return entry
        raise KeyError(f"no metric {metric!r}; there are {[s.metric.name for s in self.table]}")

    def in_words(self) -> str:
        """What the scores say, in one to three sentences."""
        return in_words(self)

    def to_dict(self) -> dict[str, Any]:
        """The content of ``scores.json``: the same for the same scores, missing numbers as null."""
        return {
            "schema": SCHEMA,
            "model": self.model,
            **self.about,
            "headline": list(HEADLINE),
            "words": self.in_words(),
            "scores": [_score_entry(entry) for entry in self.table],
        }

    def save(self, directory: str | os.PathLike[str]) -> tuple[Path, Path]:
        """Write ``scores.json`` and ``scores.nc``, each whole or not at all."""
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"
        # netCDF-3 by scipy: small, and readable everywhere without another library.
        stored = self.measured.assign_attrs(
            model=self.model, schema=SCHEMA, about=json.dumps(dict(self.about))
        )
        with tempfile.TemporaryDirectory(prefix=".scores.", dir=folder) as beside:
            first, second = Path(beside, "scores.json"), Path(beside, "scores.nc")
            first.write_text(text, encoding="utf-8")
            stored.to_netcdf(second, engine="scipy")
            return first.replace(folder / first.name), second.replace(folder / second.name)


def summarise(measured: xr.Dataset, model: str, baselines: Sequence[str],
              about: Mapping[str, Any], *, metrics: Sequence[Metric] = METRICS,
              bootstrap: Bootstrap = DEFAULT) -> Scores:
    """Scores from measurements, e.g. of several batches of cases concatenated along ``case``."""
    table = tuple(score(metric, measured, model, baselines, bootstrap) for metric in metrics)
    return Scores(model, tuple(baselines), table, measured, about)


def evaluate(dream: xr.DataTree, truth: xr.DataTree,
             baselines: Mapping[str, xr.DataTree] | None = None,
             reference: xr.DataTree | None = None, *, metrics: Sequence[Metric] = METRICS,
             bootstrap: Bootstrap = DEFAULT) -> Scores:
    """Score a dream against the truth.

    Parameters
    ----------
    dream : a generated rollout with an overhead video (a street video is compared by its pixels).
    truth : the simulated rollout with its states; videos are rendered where they are missing at
        the dream's size and rate. Cases that the dream lacks are left out, and so are cases with
        a member whose audit failed; the scores name them.
    baselines : rollouts of baselines on the same query, by name.
    reference : an independent ensemble of the simulator for the same cases (the ``mujoco`` world
        model). Without it each member of the truth is held against all others.

    Raises
    ------
    InputError : rollouts that do not fit together, or a truth that failed in every case.
    """
    if not has_video(dream, CAMERA):
        raise InputError(f"the dream has no {CAMERA!r} video; ask the model for that camera")
    lacking = [int(c) for c in dream["case"].values if c not in truth["case"].values]
    if lacking:
        there = truth["case"].values.tolist()
        raise InputError(f"the truth lacks case {lacking[0]} of the dream; it has {there}")
    name = dream.attrs.get("model") or "dream"
    others = dict(baselines or {})
    for reserved in (FLOOR, REFERENCE, name):
        if reserved in others:
            raise InputError(f"a baseline is called {reserved!r}; give it another name")
    video = dream[f"video/{CAMERA}"].dataset
    size = (video.sizes["row"], video.sizes["column"])
    sound, failed = _by_audit(truth, dream["case"].values)
    chosen = truth.sel(case=sound)
    ready = prepare_truth(
        chosen, size=size, fps=float(video.attrs["fps"]), cameras=list(dream["video"].children),
        frames=video.sizes["time"],
    )
    remaining, source = measure_reference(ready, reference, metrics)
    measured = stack({
        name: measure_model(dream, ready, metrics),
        **{other: measure_model(rollout, ready, metrics) for other, rollout in others.items()},
        FLOOR: measure_floor(ready, metrics),
        REFERENCE: remaining,
    })
    about = {
        "scenario": json.loads(truth.attrs["scenario"]),
        "cases": [int(c) for c in ready.cases],
        "failed_cases": failed,
        "realizations": {"model": dream.sizes["realization"], "truth": truth.sizes["realization"]},
        "size": list(size),
        "fps": ready.fps,
        "duration": round(len(ready.time) / ready.fps, 6),
        "reference": source,
        "interval": {"level": bootstrap.level, "resamples": bootstrap.resamples,
                     "method": "studentized bootstrap over cases"},
        "checkpoint": str(dream.attrs.get("checkpoint", "")),
    }
    return summarise(measured, name, tuple(others), about, metrics=metrics, bootstrap=bootstrap)


def _by_audit(truth: xr.DataTree, cases: np.ndarray) -> tuple[list[int], list[int]]:
    """The cases all of whose members closed their books, and the others."""
    if "audit" not in truth.children:  # a rollout that was not made by our simulator
        return [int(c) for c in cases], []
    bad = truth["audit"]["failed"].any("realization").sel(case=cases).values
    sound = [int(c) for c in cases[~bad]]
    if not sound:
        raise InputError(
            "every case of the truth has a member that failed its audit; "
            "worldsim.simulator.audit_record.failed_members(truth) names them"
        )
    return sound, [int(c) for c in cases[bad]]


def _number(value: float | None) -> float | None:
    # Nine digits: more would only record the order of summation.
    return None if value is None or abs(value) == float("inf") else float(f"{value:.9g}")


def _interval(interval: Interval) -> dict[str, Any]:
    if interval.low is None or interval.high is None:
        return {"interval": None, "interval_reason": interval.reason}
    return {"interval": [_number(interval.low), _number(interval.high)], "interval_reason": ""}


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {"value": _number(estimate.value), **_interval(estimate.interval)}


def _baseline_entry(entry: AgainstBaseline) -> dict[str, Any]:
    return {
        **_estimate(entry.value),
        "difference": _estimate(entry.difference),
        "skill": {**_estimate(entry.skill), "resolvable": entry.resolvable, "reason": entry.reason},
    }


def _score_entry(entry: Score) -> dict[str, Any]:
    metric = entry.metric
    return {
        "metric": metric.name,
        "unit": metric.unit,
        "meaning": metric.meaning,
        "direction": metric.direction,
        "kind": "ensemble" if metric.ensemble else "paired",
        "window": metric.window,
        **_estimate(entry.value),
        "floor": _number(entry.floor),
        "reference": _number(entry.reference),
        "cases": entry.cases,
        "failed": entry.failed,
        "best_baseline": entry.best_baseline,
        "baselines": {b.baseline: _baseline_entry(b) for b in entry.baselines},
    }
