"""Two runs on the same cases as one table, so that they can be compared case by case."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Sequence

import numpy as np
import xarray as xr

from evaluation.benchmark.rereading import StoredBlock
from evaluation.benchmark.skill import errors_of
from evaluation.benchmark.subjects import BASELINES, FLOOR, REFERENCE
from evaluation.statistics.skill import Errors, skill_loss
from evaluation.statistics.studentized import Stratum

A, B = "model A", "model B"
"""Rows of the two models in a common table; their own names may be the same."""

STANDARD = (REFERENCE, *BASELINES, FLOOR)

SAME = 1e-6
"""Up to which the standard rows of two runs count as the same, of their size."""


@dataclasses.dataclass(frozen=True)
class PairedBlock:
    """What two runs measured on the cases of one block that both have.

    table : a block with the rows `A`, `B` and the standard ones. left_out : cases that only one
    has. apart : greatest difference of the standard rows of the two, of their size.
    """

    table: StoredBlock
    left_out: tuple[str, ...]
    apart: float

    @property
    def name(self) -> str:
        """Of the block."""
        return f"{self.table.block.scenario}-{self.table.block.split.value}"

    @property
    def cases(self) -> tuple[str, ...]:
        """Of both."""
        return self.table.cases

    @functools.cached_property
    def _errors(self) -> tuple[dict[str, Errors], dict[str, Errors]]:
        return errors_of(self.table, A), errors_of(self.table, B)

    def errors(self, metric: str = "") -> tuple[dict[str, Errors], dict[str, Errors]]:
        """Of A and B in the headline metrics that both have; or in one of them only."""
        mine, theirs = self._errors
        both = [name for name in mine if name in theirs and metric in ("", name)]
        return {name: mine[name] for name in both}, {name: theirs[name] for name in both}

    def difference(self, metric: str = "") -> Stratum | None:
        """Of which A's skill less B's is made; None where nothing can be told."""
        mine, theirs = self.errors(metric)
        return skill_loss(mine, theirs) if mine else None

    def per_case(self, metric: str = "") -> dict[str, float]:
        """What every case brings to A's skill less B's in this block; the block's difference is
        their sum over the number of cases that have any value."""
        mine, theirs = self.errors(metric)
        told = [name for name, one in mine.items() if not one.unresolvable]
        if not told:
            return {}
        exists = np.stack([mine[name].exists for name in told], axis=1)
        kept = np.asarray(exists.any(axis=1))
        share = np.asarray(exists / np.maximum(exists.sum(axis=1, keepdims=True), 1))
        total = np.zeros(len(self.cases))
        for column, name in enumerate(told):
            one, other = mine[name], theirs[name]
            scale = (one.base - one.ref)[one.exists].mean()
            gained = np.where(one.exists, other.filled - one.filled, 0.0)
            total += share[:, column] * gained / scale
        return {case: float(total[row]) for row, case in enumerate(self.cases) if kept[row]}

    def only(self, cases: Collection[str]) -> PairedBlock | None:
        """With some cases only; None where it has none of them."""
        chosen = [case for case in self.cases if case in cases]
        if not chosen:
            return None
        at = [self.cases.index(case) for case in chosen]
        table = dataclasses.replace(
            self.table, cases=tuple(chosen), value=self.table.value.sel(case=chosen),
            series=self.table.series.sel(case=chosen), filled=self.table.filled[:, at])
        return dataclasses.replace(self, table=table)


def paired(one: Sequence[StoredBlock], other: Sequence[StoredBlock]) -> list[PairedBlock]:
    """The blocks that both runs could be asked about, their cases in the same order."""
    theirs = {block.block: block for block in other if block.supported}
    found = []
    for block in one:
        if block.supported and block.block in theirs:
            both = _paired(block, theirs[block.block])
            if both.cases:
                found.append(both)
    return found


def _paired(one: StoredBlock, other: StoredBlock) -> PairedBlock:
    cases = [case for case in one.cases if case in other.cases]
    metrics = [m for m in one.value["metric"].values if m in other.value["metric"].values]
    left = tuple(c for c in (*one.cases, *other.cases) if (c in one.cases) != (c in other.cases))
    rows = [_renamed(one, one.model, A), _renamed(other, other.model, B)]
    apart = 0.0
    for name in STANDARD:
        have = [b for b in (one, other) if name in b.value["model"].values]
        if not have:
            continue
        rows.append(_renamed(have[0], name, name))
        if len(have) == 2 and cases:
            first, second = (b.value.sel(model=name, case=cases, metric=metrics).values
                             for b in have)
            size = np.maximum(np.abs(first), 1e-3)
            both = np.isfinite(first) & np.isfinite(second)
            gap = (np.abs(first - second) / size)[both]
            apart = max(apart, float(gap.max(initial=0.0)))
            if (np.isfinite(first) != np.isfinite(second)).any():
                apart = np.inf
    rows = [row.sel(case=cases, metric=metrics) for row in rows]
    table = xr.concat(rows, dim="model", coords="minimal", compat="override")
    merged = StoredBlock(
        one.block, A, tuple(cases), table["value"], table["series"],
        {A: dict(one.failures.get(one.model, {})), B: dict(other.failures.get(other.model, {}))},
        {}, {}, np.zeros((len(metrics), len(cases)), bool), one.seconds)
    return PairedBlock(merged, left, apart)


def _renamed(block: StoredBlock, model: str, name: str) -> xr.Dataset:
    """One model's rows under another name."""
    row = xr.Dataset({"value": block.value, "series": block.series}).sel(model=[model])
    return row.assign_coords(model=[name])
