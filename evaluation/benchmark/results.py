"""From measurements to what a run says: tables per block, failures, what cannot be asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from evaluation.benchmark.measuring import Measured
from evaluation.benchmark.subjects import BASELINES, FLOOR, REFERENCE
from evaluation.benchmark.suites import Block
from evaluation.bootstrap import DEFAULT, Bootstrap
from evaluation.measure import REFERENCE as REFERENCE_ROW
from evaluation.metrics.catalogue import metrics_of
from evaluation.metrics.metric import Metric
from evaluation.summary import Score, score


@dataclasses.dataclass(frozen=True)
class BlockResult:
    """What was measured on the cases of one block.

    model : whose result it is. cases : ids of those scored.
    value : (model, metric, case), series : (model, metric, case, time); NaN where there is none.
        Rows: the model, `REFERENCE`, the baselines that answered, ``floor``.
    failures : {model: {case id: reason}}. unsupported : {model: reason}.
    excluded : {case id: what failed in the truth's audit}; these are not scored.
    filled : (metric, case) bool, where the model's failure counts as the worst baseline.
    agreement : (case,) m between what the model shows and what it says; NaN where it says nothing;
        empty of results that are read again.
    """

    block: Block
    model: str
    cases: tuple[str, ...]
    value: xr.DataArray
    series: xr.DataArray
    failures: Mapping[str, Mapping[str, str]]
    unsupported: Mapping[str, str]
    excluded: Mapping[str, str]
    filled: np.ndarray
    seconds: float
    agreement: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """That mean something for the scenario."""
        return metrics_of(self.block.scenario)

    @property
    def supported(self) -> bool:
        """Whether the model could be asked at all."""
        return self.model not in self.unsupported

    def errors(self, model: str, metric: Metric) -> np.ndarray:
        """(case,) distance from the metric's perfect value: lower is better."""
        values = self.value.sel(model=model, metric=metric.name).values
        if not np.isfinite(metric.perfect):
            return -values if metric.direction == "higher" else values
        return np.abs(metric.perfect - values) if metric.perfect else values

    def measured(self, metric: Metric) -> bool:
        """Whether the model has any value of a metric: it may lack the view or the states."""
        return bool(np.isfinite(self.value.sel(model=self.model, metric=metric.name)).any())

    def perfect(self, metric: Metric) -> str:
        """Whose errors count as perfect: an ensemble of the simulator, or the truth's own video."""
        return REFERENCE if metric.ensemble else FLOOR

    def scores(self, settings: Bootstrap = DEFAULT) -> tuple[Score, ...]:
        """One score per metric, with skill against every baseline."""
        rows = self.value.rename("value").to_dataset()
        # A simulator that could not answer leaves no value, and no skill, of ensemble metrics.
        reference = rows.reindex(model=[REFERENCE]).assign_coords(model=[REFERENCE_ROW])
        rows = xr.concat([rows, reference], dim="model")
        baselines = [b for b in BASELINES if b in self.value["model"].values and b != self.model]
        return tuple(score(m, rows, self.model, baselines, settings) for m in self.metrics)


def block_result(block: Block, model: str, found: Mapping[str, Mapping[str, Measured]],
                 case_ids: Sequence[str], excluded: Mapping[str, str]) -> BlockResult:
    """Put together what was measured of a block.

    Parameters
    ----------
    found : by model and case id, of `evaluation.benchmark.runner.measure_all`.
    case_ids : all cases of the block that were run.
    excluded : those whose truth failed its audit.
    """
    kept = [case for case in case_ids if case not in excluded]
    metrics = metrics_of(block.scenario)
    names = [m.name for m in metrics]
    order = [model, *(n for n in (REFERENCE, *BASELINES, FLOOR) if n != model)]
    frames = block.frames
    value = np.full((len(order), len(names), len(kept)), np.nan)
    series = np.full((len(order), len(names), len(kept), frames), np.nan)
    failures: dict[str, dict[str, str]] = {}
    unsupported: dict[str, str] = {}
    seconds = 0.0
    for row, name in enumerate(order):
        for column, case in enumerate(kept):
            one = found[name][case]
            if one.unsupported:
                unsupported[name] = one.unsupported
            elif one.values is None:
                failures.setdefault(name, {})[case] = one.failure
            else:
                aligned = one.values.reindex(metric=names)
                value[row, :, column] = aligned["value"].values[:, 0]
                series[row, :, column, :] = aligned["series"].values[:, 0]
                seconds += one.seconds if name == model and np.isfinite(one.seconds) else 0.0
    filled = np.zeros((len(names), len(kept)), bool)
    if model not in unsupported:
        filled = _fill_failures(value, metrics, order, kept, failures.get(model, {}))
    answered = [n for n in order if n == model or (n not in unsupported and n not in failures)]
    keep = [order.index(n) for n in answered]
    coords = {"model": answered, "metric": names, "case": kept}
    return BlockResult(
        block, model, tuple(kept),
        xr.DataArray(value[keep], dims=("model", "metric", "case"), coords=coords),
        xr.DataArray(series[keep], dims=("model", "metric", "case", "time"),
                     coords={**coords, "time": np.arange(frames) / block.cls.fps}),
        failures, unsupported, dict(excluded), filled, seconds,
        np.array([found[model][case].agreement for case in kept]),
    )


def _fill_failures(value: np.ndarray, metrics: Sequence[Metric], order: Sequence[str],
                   cases: Sequence[str], failed: Mapping[str, str]) -> np.ndarray:
    """Give a failed case the worst of the baselines' values there: failures stay in the
    denominator. Returns where, (metric, case) bool."""
    filled = np.zeros(value.shape[1:], bool)
    rows = [row for row, name in enumerate(order) if name in BASELINES]
    for column, case in enumerate(cases):
        if case not in failed:
            continue
        for number, metric in enumerate(metrics):
            worst = value[rows, number, column]
            worst = worst[np.isfinite(worst)]
            if len(worst):
                bad = worst.min() if metric.direction == "higher" else worst.max()
                value[0, number, column] = bad
                filled[number, column] = True
    return filled
