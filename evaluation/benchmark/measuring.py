"""One case, one model: ask, check, measure, keep.

This is the only place that meets foreign code: whatever a model does wrong on a case is that case's
failure, kept with its reason, and everything else goes on.
"""

from __future__ import annotations

import dataclasses
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
import xarray as xr

from evaluation.agreement import mean_agreement
from evaluation.benchmark.cases import Case, CaseTruth
from evaluation.benchmark.code_digest import METRICS, code_digest
from evaluation.benchmark.store import SUFFIX, cache_folder, key_of, load_entry, save_entry
from evaluation.benchmark.subjects import FLOOR, TRUTH, files_digest, identity, shared, subject
from evaluation.measure import measure_floor, measure_model, measure_reference
from evaluation.metrics.catalogue import metrics_of
from evaluation.objects import MEMBERS
from worldsim.errors import InputError, MembersFailed
from worldsim.query import Query
from worldsim.rollout import VIDEO_DIMS
from worldsim.world_model import WorldModel, check_capabilities


@dataclasses.dataclass(frozen=True)
class Measured:
    """What one model scored on one case.

    values : ``value`` (metric, case), ``series`` (metric, case, time); None after a failure.
    failure : what went wrong, in one line. unsupported : why the model cannot be asked at all.
    seconds : that the model took to answer. alignment : what had to be done to its videos.
    agreement : m between what it shows and what it says (`evaluation.agreement`); NaN where it
        says nothing of bodies.
    """

    case: str
    model: str
    values: xr.Dataset | None = None
    failure: str = ""
    unsupported: str = ""
    seconds: float = float("nan")
    alignment: str = ""
    agreement: float = float("nan")

    def tree(self, key: str) -> xr.DataTree:
        """As an entry of the store."""
        attrs = {name: getattr(self, name)
                 for name in ("case", "model", "failure", "unsupported", "alignment")}
        attrs |= {name: None if np.isnan(value) else value for name, value in (
            ("seconds", self.seconds), ("agreement", self.agreement))}
        attrs["key"] = key
        groups = {"/": xr.Dataset(attrs=attrs)}
        if self.values is not None:
            groups["/values"] = self.values
        return xr.DataTree.from_dict(groups)

    @classmethod
    def of(cls, tree: xr.DataTree) -> Measured:
        """The inverse of `tree`."""
        attrs = tree.attrs
        values = tree["values"].to_dataset() if "values" in tree.children else None
        seconds, agreement = (float("nan") if attrs.get(name) is None else float(attrs[name])
                              for name in ("seconds", "agreement"))
        return cls(attrs["case"], attrs["model"], values, attrs["failure"], attrs["unsupported"],
                   seconds, attrs["alignment"], agreement)


def measured_key(case: Case, model: str) -> str:
    """Of a measurement: the truth, the model, and the code that measures."""
    made_of = identity(model) if model != FLOOR else ""
    if model.startswith("videos:"):  # of this case's files alone
        made_of = files_digest(Path(model.partition(":")[2]), case.id)
    return key_of(what="measured", truth=case.key, model=model, made_of=made_of,
                  metrics=code_digest(METRICS))


def place_of(key: str, case: Case, folder: Path | None) -> Path:
    """Where a measurement is kept: in the cache, or in a run's own folder."""
    if folder is None:
        return cache_folder() / "measured" / key[:2] / f"{key}{SUFFIX}"
    return folder / "measured" / f"{case.id}{SUFFIX}"


def known_measurement(case: Case, model: str, folder: Path | None) -> Measured | None:
    """What was measured before, by this code; None otherwise. Failures are tried again."""
    key = measured_key(case, model)
    entry = load_entry(place_of(key, case, folder))
    if entry is None or entry.attrs["key"] != key or entry.attrs["failure"]:
        return None
    return Measured.of(entry)


def measure_case(case: Case, model: str, folder: Path | None = None,
                 truth: CaseTruth | None = None, *, keep: bool = True) -> Measured:
    """Measure one model on one case, and keep the result.

    Parameters
    ----------
    folder : a run's folder, which also keeps the dream; the shared cache by default.
    keep : whether the result is kept at all.
    """
    key = measured_key(case, model)
    truth = case.truth() if truth is None else truth
    result, dream = _measured(case, model, truth)
    if not keep:
        return result
    save_entry(place_of(key, case, folder), result.tree(key))
    if folder is not None and dream is not None:
        save_entry(folder / "dreams" / f"{case.id}{SUFFIX}", dream)
    return result


def _measured(case: Case, name: str, truth: CaseTruth) -> tuple[Measured, xr.DataTree | None]:
    metrics = metrics_of(case.block.scenario)
    if name == FLOOR:
        return Measured(case.id, name, measure_floor(truth.ready, metrics)), None
    if name == TRUTH:
        return Measured(case.id, name, _truth_itself(truth)), None
    model = subject(name)
    query = case.query(truth)
    try:
        check_capabilities(model, query)
    except InputError as error:
        return Measured(case.id, name, unsupported=_line(error)), None
    begun = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MembersFailed)  # of worlds that are wrong on purpose
            answer = model.rollout(query)
        seconds = time.perf_counter() - begun
        check_answer(answer, query, model)
        values = measure_model(answer, truth.ready, metrics)
        agreement = mean_agreement(answer, case.block.context)
    except Exception as error:  # noqa: BLE001  foreign code: its failure is a result
        return Measured(case.id, name, failure=failure_of(error, name)), None
    alignment = str(answer.attrs.get("alignment", ""))
    dream = _kept(answer, case)
    return Measured(case.id, name, values, seconds=seconds, alignment=alignment,
                    agreement=agreement), dream


def _truth_itself(truth: CaseTruth) -> xr.Dataset:
    """The truth as a model: its own video on paired metrics; on ensemble metrics each member
    against the others, since an ensemble that holds what comes true would score too well."""
    metrics = metrics_of(truth.case.block.scenario)
    own = measure_model(truth.rollout(), truth.ready, metrics)
    others, _ = measure_reference(truth.ready, None, metrics)
    ensemble = xr.DataArray([m.ensemble for m in metrics], dims="metric")
    others = others.reindex(metric=own["metric"].values)
    return own.assign({name: xr.where(ensemble, others[name], own[name]).transpose(*own[name].dims)
                       for name in ("value", "series")})


def check_answer(answer: object, query: Query, model: WorldModel) -> None:
    """Refuse an answer that is not what was asked for.

    Raises
    ------
    InputError : not a rollout, a camera missing, another shape, other numbers than uint8.
    """
    if not isinstance(answer, xr.DataTree):
        raise InputError(f"{model.name} returned {type(answer).__name__}; return a rollout "
                         "(worldsim.generated_rollout makes one)")
    for camera in query.cameras:
        if "video" not in answer.children or camera not in answer["video"].children:
            raise InputError(f"{model.name} returned no {camera!r} video")
        rgb = answer[f"video/{camera}"]["rgb"]
        asked = (query.cases, query.realizations, query.frames, *query.size, 3)
        # Fewer members than asked are scored as the smaller ensemble that they are.
        members = min(rgb.sizes.get("realization", 0), query.realizations)
        if tuple(rgb.dims) != VIDEO_DIMS or rgb.shape != (asked[0], max(members, 1), *asked[2:]):
            raise InputError(f"{model.name} returned {camera!r} frames {dict(rgb.sizes)}; the "
                             f"query asks for {dict(zip(VIDEO_DIMS, asked, strict=True))}")
        if rgb.dtype != np.uint8:
            bad = ""
            if np.issubdtype(rgb.dtype, np.floating):
                bad = f", {int(np.isnan(rgb.values).sum())} of them NaN"
            raise InputError(f"{model.name} returned {rgb.dtype} pixels{bad}; return uint8, "
                             "0 to 255")


def _kept(answer: xr.DataTree, case: Case) -> xr.DataTree:
    """The frames, for the report, explanations and the sensitivity receipt; of equal members one.
    """
    video = answer[f"video/{case.block.camera}"]["rgb"]
    if (video.values[:, :1] == video.values).all():
        video = video[:, :1]
    video = video.drop_vars([n for n in MEMBERS if n in video.coords])
    return xr.DataTree.from_dict({"/video": xr.Dataset({"rgb": video})})


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def failure_of(error: BaseException, name: str) -> str:
    """A failure in one line: what, and where in foreign code."""
    if isinstance(error, InputError):
        return _line(error)
    place = ""
    if not shared(name):
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f" ({Path(frame.filename).name}, line {frame.lineno})"
    return f"{type(error).__name__}: {_line(error)}{place}"
