"""What a run reports against what its tables and its kept dreams give.

Everything that a result says follows from its tables, and the tables from its dreams: both steps
are made again here, the second for one case of every block, together with the rows that skill is
measured by.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from evaluation.benchmark.cases import Case, case_by_id
from evaluation.benchmark.measuring import Measured
from evaluation.benchmark.report.stored import StoredRun
from evaluation.benchmark.rereading import (
    PARTS,
    StoredBlock,
    differing,
    keeps_dreams,
    remeasured,
    seen_metrics,
    suite_of,
)
from evaluation.benchmark.rescoring import Advance, nothing
from evaluation.benchmark.runner import measure_all
from evaluation.benchmark.skill import ZERO, pooled, skill_shares
from evaluation.benchmark.subjects import BASELINES, FLOOR, REFERENCE
from evaluation.benchmark.suites import FRESH, locked
from evaluation.bootstrap import Estimate

SAME = 1e-6
"""Difference up to which a number counts as the one reported, of its size where that is above 1."""

ANCHORS = (FLOOR, REFERENCE, ZERO)
"""Rows that skill is measured by, and that a run brings along."""


@dataclasses.dataclass(frozen=True)
class Mismatch:
    """A number that does not come out again."""

    what: str
    reported: float | None
    again: float | None

    def __str__(self) -> str:
        return f"{self.what}: {_shown(self.reported)} reported, {_shown(self.again)} recomputed"


def _shown(value: float | None) -> str:
    return "none" if value is None or math.isnan(value) else f"{value:.7g}"


def same(one: float | None, other: float | None) -> bool:
    """Whether two numbers agree to `SAME`; no number agrees with none only."""
    first, second = (math.nan if v is None else float(v) for v in (one, other))
    if math.isnan(first) or math.isnan(second):
        return math.isnan(first) and math.isnan(second)
    return abs(first - second) <= SAME * max(1.0, abs(first))


def skill_of(blocks: Sequence[StoredBlock], model: str) -> Estimate:
    """The overall skill that the tables give."""
    shares = [s for one in blocks if (s := skill_shares(one, model)) is not None]
    return pooled(shares, offset=1.0)


def against_tables(run: StoredRun, blocks: Sequence[StoredBlock]) -> list[Mismatch]:
    """Where ``result.json`` does not say what ``result.nc`` gives."""
    found = [("overall skill", run.result["overall"]["skill"], skill_of(blocks, run.model))]
    stored = {(b["scenario"], b["split"]): b for b in run.result["blocks"]}
    pairs: list[tuple[str, float | None, float | None]] = []
    for one in blocks:
        said = stored.get((one.block.scenario, one.block.split.value))
        name = f"{one.block.scenario}-{one.block.split.value}"
        if said is None:
            pairs.append((f"number of cases of {name}", None, float(len(one.cases))))
            continue
        pairs.append((f"number of cases of {name}", said["cases"], float(len(one.cases))))
        found.append((f"skill in {name}", said["skill"], skill_of([one], run.model)))
        if one.supported:
            pairs += _means(one, said, name)
    for what, reported, again in found:
        pairs.append((what, reported["value"], again.value))
        low, high = reported["interval"] or (None, None)
        pairs += [(f"lower end of {what}", low, again.interval.low),
                  (f"upper end of {what}", high, again.interval.high)]
    wrong = [Mismatch(*pair) for pair in pairs if not same(pair[1], pair[2])]
    return wrong + [m for one in blocks for m in _failures(one)]


def _means(one: StoredBlock, said: Mapping[str, object],
           name: str) -> Iterator[tuple[str, float | None, float | None]]:
    """Reported means of metrics, beside those of the table."""
    rows = said["metrics"]
    assert isinstance(rows, list)
    for row in rows:
        if row["metric"] not in one.value["metric"].values:
            yield f"{row['metric']} in {name}", row["value"], None
            continue
        values = one.value.sel(metric=row["metric"])
        own = values.sel(model=one.model).values
        if FLOOR in values["model"].values:  # cases without anything to judge do not count
            own = own[np.isfinite(values.sel(model=FLOOR).values)]
        mean = float(own.mean()) if len(own) and np.isfinite(own).all() else None
        yield f"{row['metric']} in {name}", row["value"], mean


def _failures(one: StoredBlock) -> list[Mismatch]:
    """Failed cases that do not count as the worst baseline."""
    wrong = []
    names = [n for n in BASELINES if n in one.value["model"].values and n != one.model]
    for case in one.failures.get(one.model, {}):
        for metric in one.metrics:
            cell = one.value.sel(case=case, metric=metric.name)
            others = cell.sel(model=names).values
            others = others[np.isfinite(others)]
            if not len(others):
                continue
            worst = float(others.min() if metric.direction == "higher" else others.max())
            own = float(cell.sel(model=one.model))
            if not same(own, worst):
                wrong.append(Mismatch(f"{metric.name} of {case}, which failed", own, worst))
    return wrong


@dataclasses.dataclass(frozen=True)
class Sampled:
    """Cases measured again from their kept dreams. reason : why none was, if none was."""

    cases: tuple[str, ...] = ()
    wrong: tuple[Mismatch, ...] = ()
    reason: str = ""


def against_dreams(run: StoredRun, blocks: Sequence[StoredBlock], *, workers: int = 1,
                   advance: Advance = nothing) -> Sampled:
    """Measure the first answered case of every block again, and hold it against the tables."""
    suite = suite_of(run.result)
    changed = differing(run.result["suite"]["digests"], suite.digests())
    if changed:
        return Sampled(reason=f"{' and '.join(PARTS[p] for p in changed)} changed since")
    if not keeps_dreams(run.folder):
        return Sampled(reason="no dreams were kept")
    sample: dict[str, StoredBlock] = {}
    for one in blocks:
        answered = [c for c in one.cases if c not in one.failures.get(one.model, {})]
        if one.supported and answered:
            sample[answered[0]] = one
    cases = {name: case_by_id(suite, name) for name in sample}
    found = measure_all(list(cases.values()), ANCHORS, None, workers=workers,
                        advance=lambda part: advance(0.8 * part))
    wrong: list[Mismatch] = []
    for done, (name, one) in enumerate(sample.items()):
        wrong += _one(run, one, cases[name], {m: found[m][name] for m in ANCHORS})
        advance(0.8 + 0.2 * (done + 1) / len(sample))
    return Sampled(tuple(sample), tuple(wrong))


def _one(run: StoredRun, block: StoredBlock, case: Case,
         anchors: Mapping[str, Measured]) -> Iterator[Mismatch]:
    values = remeasured(case, run.folder, case.truth())
    if values is None:
        yield Mismatch(f"the dream of {case.id} is gone or damaged; its values", None, None)
        return
    rows = {name: one.values for name, one in anchors.items() if name != block.model}
    seen = {m.name for m in seen_metrics(case.block.scenario)}
    for name, measured in {**rows, block.model: values}.items():
        if measured is None:
            continue
        if name not in block.value["model"].values:
            yield Mismatch(f"{name} of {case.id}, which the tables lack", None, None)
            continue
        for metric in block.metrics:
            if metric.name not in seen:
                continue
            stored = float(block.value.sel(model=name, metric=metric.name, case=case.id))
            again = float(measured["value"].sel(metric=metric.name)[0])
            if not same(stored, again):
                yield Mismatch(f"{metric.name} of {case.id} by {name}", stored, again)


def unofficial(run: StoredRun, blocks: Sequence[StoredBlock]) -> list[str]:
    """Why a result must not be ranked, whatever it says of itself; empty if it may."""
    reasons = list(run.result["unofficial_because"])
    suite = suite_of(run.result)
    fresh = suite.name == FRESH
    published = locked().get("core-v1" if fresh else suite.id, {})
    changed = [part for part in differing(run.result["suite"]["digests"], published)
               if not (fresh and part == "definition")]
    if changed and not any(" differ from what " in reason for reason in reasons):
        reasons.append(f"{', '.join(changed)} differ from what {suite.id} was published with")
    there = {case for one in blocks for case in one.cases} | set(run.result["excluded"])
    missing = [case for case in suite.case_ids() if case not in there]
    if missing and "only part of the suite was run" not in reasons:
        reasons.append(f"{len(missing)} cases are missing, among them {missing[0]}")
    return reasons
