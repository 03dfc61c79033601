"""Two runs compared case by case, and their difference split by cause.

A difference of skills adds up over cases: each brings its share. So what failed cases bring, what
cases bring whose video files had to be made to fit, and what the others bring add up to the whole.
What instruments bring is told by scoring the kept dreams again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from evaluation.benchmark.comparable import refuse
from evaluation.benchmark.pairing import SAME, A, B, PairedBlock, paired
from evaluation.benchmark.report.stored import StoredRun
from evaluation.benchmark.rereading import StoredBlock, alignments, fitted, stored_blocks
from evaluation.benchmark.rescoring import Advance, Rescored, nothing, rescored
from evaluation.benchmark.skill import pooled, skill_shares, verdict
from evaluation.bootstrap import Estimate
from evaluation.statistics.power import cases_needed
from evaluation.statistics.skill import skill_loss
from evaluation.statistics.studentized import Stratum
from worldsim.errors import InputError


@dataclasses.dataclass(frozen=True)
class Difference:
    """A's skill, B's, and A's less B's, in one block, in one metric or over all.

    blocks : how many it is a mean over. needed : cases of every block with which it would be told
    from zero with a power of 0.8; None where no number would do.
    """

    name: str
    cases: int
    blocks: int
    own: Estimate
    other: Estimate
    difference: Estimate
    needed: int | None

    @property
    def verdict(self) -> str:
        """Whether A is better."""
        return verdict(self.difference)


@dataclasses.dataclass(frozen=True)
class Causes:
    """What A's skill less B's is made of; the parts add up to it.

    failures : of the cases that either failed, {case: which of A and B}, and what they bring.
    fitted : of the other cases, those of which either's video files had to be made to fit, {case:
    how}, and what they bring. rest : what all others bring: the models themselves.
    without_failures : the difference over the cases that neither failed; None where there are none.
    """

    failures: dict[str, str]
    failures_part: float
    fitted: dict[str, str]
    fitted_part: float
    rest: float
    without_failures: Difference | None


@dataclasses.dataclass(frozen=True)
class Instruments:
    """What instruments and metrics of two versions make of the same dreams.

    reported : A's and B's skill as their runs have it, on the cases compared. recomputed : by
    today's code. of : whether A's and B's dreams were scored again (or were of today already).
    """

    reported: tuple[Estimate, Estimate]
    recomputed: tuple[Estimate, Estimate]
    of: tuple[bool, bool]

    @property
    def parts(self) -> tuple[float | None, float | None]:
        """What the change of code brings to A's skill less B's as reported, through A and through
        B."""
        moved = [None if old.value is None or new.value is None else old.value - new.value
                 for old, new in zip(self.reported, self.recomputed, strict=True)]
        return moved[0], None if moved[1] is None else -moved[1]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Two runs.

    overall : mean over blocks. blocks, metrics : each alone. mixed : where their code differed.
    left_out : {block: why it was not compared}. notes : what else may make them differ.
    """

    a: StoredRun
    b: StoredRun
    overall: Difference
    blocks: tuple[Difference, ...]
    metrics: tuple[Difference, ...]
    causes: Causes
    mixed: Instruments | None
    left_out: dict[str, str]
    notes: tuple[str, ...]


def compare_runs(a: StoredRun, b: StoredRun, *, allow_mixed: bool = False, workers: int = 1,
                 advance: Advance = nothing) -> Comparison:
    """Compare two finished runs.

    Parameters
    ----------
    allow_mixed : if instruments or metrics changed between them, score the kept dreams again with
        today's instead of refusing. workers : processes for that. advance : told how far that is.

    Raises
    ------
    InputError : they are not comparable; the message says which part differs and what to run again.
    """
    changed = refuse(a, b, allow_mixed)
    stored = stored_blocks(a), stored_blocks(b)
    own: Sequence[StoredBlock]
    other: Sequence[StoredBlock]
    own, other, new = *stored, None
    if changed:
        new = rescored([a, b], workers=workers, advance=advance)
        own, other = new[0].blocks, new[1].blocks
    blocks = paired(own, other)
    if not blocks:
        raise InputError(f"{a.folder} and {b.folder} have no cases in common that both models "
                         "could be asked about")
    metrics = list(dict.fromkeys(name for block in blocks for name in block.errors()[0]))
    return Comparison(
        a, b, difference_of("all", blocks), tuple(difference_of(b.name, [b]) for b in blocks),
        tuple(difference_of(name, blocks, name) for name in metrics), _causes(a, b, blocks),
        None if new is None else _instruments(stored, new, blocks),
        _left_out(a, b, blocks), tuple(_notes(a, b, blocks)),
    )


def difference_of(name: str, blocks: Sequence[PairedBlock], metric: str = "") -> Difference:
    """A less B over some blocks, in all headline metrics or in one."""
    told = [b for b in blocks if b.difference(metric) is not None]
    differ = [_known(b.difference(metric)) for b in told]
    own, other = ([_known(_skill(b, model, metric)) for b in told] for model in (A, B))
    return Difference(
        name, sum(len(b.cases) for b in told), len(told), pooled(own, offset=1.0),
        pooled(other, offset=1.0), pooled(differ, offset=0.0), _needed(told, differ, metric))


def _known(stratum: Stratum | None) -> Stratum:
    assert stratum is not None
    return stratum


def _skill(block: PairedBlock, model: str, metric: str) -> Stratum | None:
    """Of the skill of A or B in the metrics that both have."""
    errors = block.errors(metric)[0 if model == A else 1]
    return skill_loss(errors) if errors else None


def _needed(blocks: Sequence[PairedBlock], differ: Sequence[Stratum], metric: str) -> int | None:
    if not blocks or min(one.cases for one in differ) < 2:
        return None
    each = [list(b.per_case(metric).values()) for b in blocks]
    return cases_needed([np.array(one) for one in each])


def _causes(a: StoredRun, b: StoredRun, blocks: Sequence[PairedBlock]) -> Causes:
    failed, adapted = {}, {}
    for block in blocks:
        for case in block.cases:
            who = [name for name, row in (("A", A), ("B", B))
                   if case in block.table.failures[row]]
            if who:
                failed[case] = " and ".join(who)
                continue
            how = [f"{name} {', '.join(words)}" for name, run in (("A", a), ("B", b))
                   if (words := fitted(alignments(run.folder, case)))]
            if how:
                adapted[case] = "; ".join(how)
    parts = {"failed": 0.0, "fitted": 0.0, "rest": 0.0}
    told = [shares for block in blocks if (shares := block.per_case())]
    for one in told:
        for case, share in one.items():
            sort = "failed" if case in failed else "fitted" if case in adapted else "rest"
            parts[sort] += share / len(one) / len(told)
    without = [rest for block in blocks
               if (rest := block.only(set(block.cases) - set(failed))) is not None]
    return Causes(failed, parts["failed"], adapted, parts["fitted"], parts["rest"],
                  difference_of("neither failed", without) if failed and without else None)


def _instruments(stored: tuple[Sequence[StoredBlock], Sequence[StoredBlock]],
                 new: Sequence[Rescored], blocks: Sequence[PairedBlock]) -> Instruments:
    cases = {block.name: block.cases for block in blocks}

    def skill_of(run: Sequence[StoredBlock]) -> Estimate:
        shares = []
        for one in run:
            name = f"{one.block.scenario}-{one.block.split.value}"
            if name in cases:
                chosen = list(cases[name])
                kept = dataclasses.replace(
                    one, cases=cases[name], value=one.value.sel(case=chosen),
                    series=one.series.sel(case=chosen))
                share = skill_shares(kept, one.model)
                shares += [] if share is None else [share]
        return pooled(shares, offset=1.0)

    return Instruments(
        (skill_of(stored[0]), skill_of(stored[1])),
        (skill_of(new[0].blocks), skill_of(new[1].blocks)), (new[0].again, new[1].again))


def _left_out(a: StoredRun, b: StoredRun, blocks: Sequence[PairedBlock]) -> dict[str, str]:
    """Blocks that are not compared at all."""
    compared = {block.name for block in blocks}
    found = {}
    for name in sorted({*a.tables, *b.tables} - compared):
        scenario = name.rpartition("-")[0]
        reasons = [f"{who} cannot be asked: {run.result['unsupported'][scenario]}"
                   if scenario in run.result["unsupported"] else f"{who} has no cases of it"
                   for who, run in (("A", a), ("B", b))
                   if scenario in run.result["unsupported"] or name not in run.tables]
        found[name] = "; ".join(reasons) or "no cases in common"
    return found


def _notes(a: StoredRun, b: StoredRun, blocks: Sequence[PairedBlock]) -> list[str]:
    notes = []
    lone = sum(len(block.left_out) for block in blocks)
    if lone:
        notes.append(f"{lone} cases that only one run has are left out; the comparison is partial")
    apart = max(block.apart for block in blocks)
    if apart > SAME:
        notes.append(f"the simulator's and baselines' own errors differ by up to {apart:.2g} of "
                     "their size between the runs, though code and cases are the same: other "
                     "machines or library versions; A's are used")
    old, new = a.result["versions"], b.result["versions"]
    others = [f"{name} {old.get(name, 'none')} and {new.get(name, 'none')}"
              for name in {**old, **new} if old.get(name) != new.get(name)]
    if others:
        notes.append(f"library versions differ: {', '.join(others)}")
    return notes
