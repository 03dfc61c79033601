"""What a run's measurements say, all intervals included."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evaluation.benchmark.cases import Case
from evaluation.benchmark.equivalence import Equivalent, equivalents
from evaluation.benchmark.ladders import stored
from evaluation.benchmark.results import BlockResult
from evaluation.benchmark.runner import Selection
from evaluation.benchmark.sensitivity import CHANGES, UNCHANGED, receipts
from evaluation.benchmark.skill import (
    ZERO,
    case_differences,
    difference_shares,
    errors_of,
    pooled,
    resolved,
    skill_shares,
    verdict,
)
from evaluation.benchmark.subjects import BASELINES, REFERENCE
from evaluation.benchmark.suites import FRESH, Suite, locked
from evaluation.benchmark.what_if import Curves
from evaluation.bootstrap import Estimate
from evaluation.statistics.power import cases_needed
from evaluation.statistics.skill import case_mean_skill
from evaluation.statistics.studentized import Stratum
from worldsim.splits import Split


@dataclasses.dataclass(frozen=True)
class Against:
    """A model beside another, in one scenario or over all.

    skill : the other's. difference : the model's less the other's. needed : cases per scenario
    that would tell the two apart with a power of 0.8; None where no number would do.
    """

    skill: Estimate
    difference: Estimate
    needed: int | None = None

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` or ``cannot be told``."""
        return verdict(self.difference)


@dataclasses.dataclass(frozen=True)
class BlockJudged:
    """One block: its skill, and the cases with the most and the least of it."""

    result: BlockResult
    skill: Estimate
    others: dict[str, Against]
    best: str
    worst: str


@dataclasses.dataclass(frozen=True)
class Judged:
    """A whole run."""

    suite: Suite
    model: str
    selection: Selection
    blocks: tuple[BlockJudged, ...]
    skill: Estimate
    others: dict[str, Against]
    equivalents: tuple[Equivalent, ...]
    curves: tuple[Curves, ...]
    sensitivity: dict[str, tuple[Estimate, Estimate]]
    """By change: skill, and how it differs from that as it was."""

    @property
    def unofficial_because(self) -> list[str]:
        """Why the result must not stand on a leaderboard; empty if it may."""
        reasons = []
        if self.selection.partial:
            reasons.append("only part of the suite was run")
        fresh = self.suite.name == FRESH
        published = locked().get("core-v1" if fresh else self.suite.id, {})
        now = self.suite.digests()
        changed = [part for part, digest in now.items()
                   if published.get(part) != digest and not (fresh and part == "definition")]
        if changed:
            reasons.append(f"{', '.join(changed)} differ from what {self.suite.id} was published "
                           "with")
        return reasons


def judge(suite: Suite, model: str, selection: Selection, blocks: Sequence[BlockResult],
          curves: Sequence[Curves], folder: Path, *, workers: int) -> Judged:
    """Skills, comparisons, equivalents and the sensitivity receipt of what was measured."""
    judged = [_block(one) for one in blocks]
    mine = [s for one in blocks if (s := skill_shares(one, model)) is not None]
    others = {}
    for name in (REFERENCE, *BASELINES):
        if name == model:
            continue
        theirs = [s for one in blocks if skill_shares(one, model) is not None
                  and (s := skill_shares(one, name)) is not None]
        differ = [s for one in blocks if (s := difference_shares(one, model, name)) is not None]
        if theirs:
            others[name] = Against(pooled(theirs, offset=1.0), pooled(differ, offset=0.0),
                                   _needed(differ))
    ladders = stored(suite) or []
    return Judged(
        suite, model, selection, tuple(judged), pooled(mine, offset=1.0), others,
        tuple(equivalents(blocks, model, ladders)), tuple(curves),
        _sensitivity(blocks, model, suite, selection, folder, workers),
    )


def _block(result: BlockResult) -> BlockJudged:
    shares = skill_shares(result, result.model)
    if shares is None:
        return BlockJudged(result, pooled([], offset=1.0), {}, "", "")
    each = case_mean_skill(errors_of(result, result.model)).cases
    others = {}
    for name in (REFERENCE, *BASELINES):
        theirs = skill_shares(result, name)
        if name != result.model and theirs is not None:
            differ = difference_shares(result, result.model, name)
            assert differ is not None
            others[name] = Against(pooled([theirs], offset=1.0), pooled([differ], offset=0.0))
    return BlockJudged(result, pooled([shares], offset=1.0), others,
                       result.cases[int(np.nanargmax(each))], result.cases[int(np.nanargmin(each))])


def _needed(differ: Sequence[Stratum]) -> int | None:
    """Cases per scenario to tell two models apart."""
    if not differ or min(len(one.top) for one in differ) < 2:
        return None
    return cases_needed([case_differences(one) for one in differ])


def _sensitivity(blocks: Sequence[BlockResult], model: str, suite: Suite, selection: Selection,
                 folder: Path, workers: int) -> dict[str, tuple[Estimate, Estimate]]:
    """The receipt, on the first cases of every block that is in range."""
    asked: dict[str, Case] = {}
    for one in blocks:
        if one.block.split is Split.IN_RANGE and skill_shares(one, model) is not None:
            mine = [case for case in selection.cases(suite) if case.block == one.block]
            asked |= {case.id: case for case in mine[:SENSITIVITY_CASES] if case.id in one.cases}
    values: dict[str, dict[str, dict[str, float]]] = {}
    for row in receipts(list(asked.values()), folder, workers):
        values.setdefault(row.change, {})[row.case] = row.values
    found: dict[str, tuple[Estimate, Estimate]] = {}
    for change in CHANGES:
        shares, differ = [], []
        for one in blocks:
            again = {case: values[change][case] for case in one.cases
                     if case in values.get(change, {})}
            before = {case: values[UNCHANGED][case] for case in again}
            pair = _changed_shares(one, again, before) if again else None
            if pair is not None:
                shares.append(pair[0])
                differ.append(pair[1])
        if shares:
            found[change] = pooled(shares, offset=1.0), pooled(differ, offset=0.0)
    return found


SENSITIVITY_CASES = 8
"""Of every block; enough for an interval."""


def _changed_shares(result: BlockResult, again: dict[str, dict[str, float]],
                    before: dict[str, dict[str, float]]) -> tuple[Stratum, Stratum] | None:
    at = [result.cases.index(case) for case in again]
    tops, bottoms, moved = [], [], []
    for metric in resolved(result):
        now, own = (
            np.array([abs(metric.perfect - one[metric.name]) for one in table.values()])
            for table in (again, before)
        )
        perfect = result.errors(result.perfect(metric), metric)[at]
        if not (np.isfinite(now).all() and np.isfinite(own).all()):
            continue
        tops.append(now - perfect)
        moved.append(now - own)
        bottoms.append(result.errors(ZERO, metric)[at] - perfect)
    if not tops:
        return None
    bottom = np.stack(bottoms, axis=1)
    return Stratum(np.stack(tops, axis=1), bottom), Stratum(np.stack(moved, axis=1), bottom)
