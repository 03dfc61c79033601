"""Where a model's error leaves the floor, in one case and metric.

The floor of an instant is what nobody can be blamed for: the instruments' error on the truth's own
video and, for metrics of ensembles, the error of an independent ensemble of the simulator,
whichever is larger. An error leaves it where it exceeds `TIMES` floors for `ROW` frames in a row
(the floor of the instant or its mean over the dreamt frames, whichever is larger, so that a lucky
instant of the floor is no alarm).
"""

from __future__ import annotations

import dataclasses
import difflib
import warnings
from collections.abc import Mapping

import numpy as np
import xarray as xr

from evaluation.benchmark.cases import Case, CaseTruth, case_by_id
from evaluation.benchmark.report.stored import StoredRun
from evaluation.benchmark.rereading import (
    PARTS,
    StoredBlock,
    again,
    alignments,
    differing,
    fitted,
    kept_rollout,
    stored_blocks,
    suite_of,
)
from evaluation.benchmark.subjects import BASELINES, FLOOR, REFERENCE
from evaluation.measure import MAIN, observe_model
from evaluation.metrics.metric import Metric, Sample
from worldsim.errors import InputError

TIMES = 3.0
"""Floors that an error has to exceed."""

ROW = 2
"""Frames in a row for which it has to."""


@dataclasses.dataclass(frozen=True)
class Curves:
    """Errors over time in one case and metric, each (time,), 0 for perfect; NaN where there is
    none.

    floor : what nobody can be blamed for. limit : from where on the error has left it.
    baselines : by name. departure : number of the frame at which it leaves; None where it does not.
    """

    time: np.ndarray
    error: np.ndarray
    floor: np.ndarray
    limit: np.ndarray
    baselines: Mapping[str, np.ndarray]
    departure: int | None


@dataclasses.dataclass(frozen=True)
class Explanation:
    """One case and metric of a run.

    realization : the only one looked at; None for all.
    values : of the whole ensemble over the metric's window, {model: value}; NaN where it has none.
    curves : None where the metric has no series, the model failed, or there is nothing to judge.
    sample : what the instruments read off the kept dream, beside the truth; None without a dream.
    own_video : the same of the truth's own video, all realizations.
    failure : why the model has no dream.
    fitted : what was done to the model's video files. warnings : what else a reader should know.
    """

    run: StoredRun
    case: Case
    metric: Metric
    realization: int | None
    values: Mapping[str, float]
    curves: Curves | None
    sample: Sample | None
    own_video: Sample
    failure: str
    fitted: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def own(self) -> float:
        """The model's value."""
        return self.values[self.run.model]


def explain(run: StoredRun, case_id: str, metric_name: str,
            realization: int | None = None) -> Explanation:
    """Read a case's kept dream again, and find where its error leaves the floor.

    Raises
    ------
    InputError : no such case, metric or realization in the run; a case that was left out; truths
        that today's code would make differently.
    """
    suite, result = suite_of(run.result), run.result
    changed = differing(result["suite"]["digests"], suite.digests())
    gone = [part for part in changed if part in ("definition", "data")]
    if gone:
        raise InputError(f"{run.folder} was scored against other truths: {_parts(gone)} changed "
                         f"since; run it again: {again(result)}")
    block = _block_of(run, case_id)
    case = case_by_id(suite, case_id)
    metric = _metric_of(block, metric_name)
    noted = [f"{_parts(changed)} changed since the run: what is drawn is as read today"] \
        if changed else []
    truth = case.truth()
    sample = _sample(run, case, truth, realization)
    if sample is None and case_id not in result["failures"]:
        noted.append(f"{run.folder / 'dreams'} has no dream of this case: no picture")
    own_video = Sample(truth.ready.observed, truth.ready.state, _shown(truth), _shown(truth),
                       truth.ready.context)
    table = block.value.sel(case=case_id, metric=metric.name)
    values = {str(name): float(table.sel(model=name)) for name in table["model"].values}
    curves = None
    if case_id not in result["failures"]:
        curves = _curves(block, case_id, metric, truth)
        if realization is not None and sample is not None:
            curves = _of_one(curves, metric, sample, own_video, realization)
    return Explanation(run, case, metric, realization, values, curves, sample, own_video,
                       str(result["failures"].get(case_id, "")),
                       tuple(fitted(alignments(run.folder, case_id))), tuple(noted))


def _parts(parts: list[str]) -> str:
    return " and ".join(PARTS[part] for part in parts)


def _block_of(run: StoredRun, case_id: str) -> StoredBlock:
    """The block that a case was scored in."""
    blocks = stored_blocks(run)
    for block in blocks:
        if case_id in block.cases:
            if not block.supported:
                raise InputError(f"{run.model} was not asked about {block.block.scenario}: "
                                 f"{block.unsupported[run.model]}")
            return block
    if case_id in run.result["excluded"]:
        raise InputError(f"{case_id} was left out, its truth failed the audit: "
                         f"{run.result['excluded'][case_id]}")
    known = [case for block in blocks for case in block.cases]
    near = difflib.get_close_matches(case_id, known, n=1, cutoff=0.3)
    hint = f"did you mean {near[0]!r}?" if near else f"it has {len(known)} others"
    raise InputError(f"{run.folder} has no case {case_id!r}; {hint}")


def _metric_of(block: StoredBlock, name: str) -> Metric:
    known = {m.name: m for m in block.metrics}
    if name in known:
        return known[name]
    # Also the part after the dot alone finds its metric.
    near = [one for one in known if one.partition(".")[2] == name] or \
        difflib.get_close_matches(name, known, n=1, cutoff=0.3)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
    raise InputError(f"{block.block.scenario} was not scored by a metric {name!r}; {hint}")


def _shown(truth: CaseTruth) -> dict[str, xr.DataArray]:
    rgb = truth.ready.video[truth.case.block.camera]
    return {MAIN: rgb}


def _sample(run: StoredRun, case: Case, truth: CaseTruth,
            realization: int | None) -> Sample | None:
    """What the instruments read off the kept dream; of one realization, beside the truth's."""
    count = case.block.realizations
    if realization is not None and not 0 <= realization < count:
        raise InputError(f"--realization {realization}: {case.id} has realizations 0 to "
                         f"{count - 1}")
    rollout = kept_rollout(case, run.folder)
    if rollout is None:
        return None
    if realization is not None:
        members = rollout.sizes["realization"]
        # Of equal members only one was kept.
        if members > 1 and realization >= members:
            raise InputError(f"--realization {realization}: the dream of {case.id} has "
                             f"realizations 0 to {members - 1}")
        rollout = kept_rollout(case, run.folder, realization if members > 1 else 0)
        assert rollout is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # means of nothing, where all is lost
        sample, _ = observe_model(rollout, truth.ready)
    if realization is None:
        return sample
    return sample.pick([0], [realization])


def _distance(metric: Metric, values: np.ndarray) -> np.ndarray:
    """From the metric's perfect value."""
    return np.abs(metric.perfect - values)


def _curves(block: StoredBlock, case_id: str, metric: Metric, truth: CaseTruth) -> Curves | None:
    if not np.isfinite(metric.perfect):
        return None
    table = block.series.sel(case=case_id, metric=metric.name)
    rows = {str(n): _distance(metric, table.sel(model=n).values) for n in table["model"].values}
    own = rows[block.model]
    if not np.isfinite(own).any():
        return None
    floor = rows[FLOOR]
    if metric.ensemble and REFERENCE in rows:
        floor = np.fmax(floor, rows[REFERENCE])
    baselines = {name: rows[name] for name in BASELINES if name in rows and name != block.model}
    return _drawn(table["time"].values, own, floor, baselines, truth.ready.context)


def _drawn(time: np.ndarray, own: np.ndarray, floor: np.ndarray,
           baselines: Mapping[str, np.ndarray], context: int) -> Curves:
    limit = limit_of(floor, context)
    return Curves(time, own, floor, limit, baselines, departure(own, limit, context))


def _of_one(curves: Curves | None, metric: Metric, sample: Sample, own_video: Sample,
            realization: int) -> Curves | None:
    """The curves of one realization: the metric of it alone, of dream and of truth. What cannot be
    known is how far another draw of the simulator is from it. The baselines stay those of all.

    Parameters
    ----------
    own_video : all members of the truth's own video.
    """
    if curves is None or not set(metric.needs) <= set(sample.observed.children):
        return curves
    own = metric.compute(sample)
    if "time" not in own.dims:
        return curves

    def of_truth(member: int) -> np.ndarray:
        pair = own_video.pick([member], [realization])
        return _distance(metric, metric.compute(pair).values[0])

    floor = of_truth(realization)
    members = own_video.truth_video[MAIN].sizes["realization"]
    others = [m for m in range(members) if m != realization]
    if metric.ensemble and others:
        floor = np.fmax(floor, np.mean([of_truth(m) for m in others], axis=0))
    return _drawn(curves.time, _distance(metric, own.values[0]), floor, curves.baselines,
                  sample.context)


def limit_of(floor: np.ndarray, context: int) -> np.ndarray:
    """(time,) from where on an error has left its floor (time,)."""
    known = floor[context:][np.isfinite(floor[context:])]
    return np.asarray(TIMES * np.fmax(floor, known.mean() if len(known) else 0.0))


def departure(error: np.ndarray, limit: np.ndarray, start: int) -> int | None:
    """The first frame from `start` on with which an error lies beyond its limit for `ROW` frames
    in a row; None where there is none. NaN lies nowhere.

    Parameters
    ----------
    error, limit : (time,).
    """
    beyond = np.nan_to_num(error, nan=-np.inf) > np.nan_to_num(limit, nan=np.inf)
    beyond[:start] = False
    run = 0
    for frame, off in enumerate(beyond):
        run = run + 1 if off else 0
        if run == ROW:
            return frame - ROW + 1
    return None
