"""Runs ranked by the skill that their tables give, not by the one that they report."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Sequence

from evaluation.benchmark.compare import difference_of
from evaluation.benchmark.pairing import SAME, paired
from evaluation.benchmark.recheck import (
    Mismatch,
    Sampled,
    against_dreams,
    against_tables,
    skill_of,
    unofficial,
)
from evaluation.benchmark.report.stored import StoredRun
from evaluation.benchmark.rereading import StoredBlock, differing, stored_blocks, suite_of
from evaluation.benchmark.rescoring import Advance, nothing
from evaluation.bootstrap import Estimate, Interval
from worldsim.errors import InputError


@dataclasses.dataclass(frozen=True)
class Entry:
    """One run.

    rank : 1 more than the number of runs told to be better; None for those listed apart.
    reported, skill : the overall skill as ``result.json`` has it, and as the tables give it.
    wrong : what ``result.json`` says otherwise than the tables. sampled : the check by dreams.
    apart : why it is not ranked.
    """

    run: StoredRun
    rank: int | None
    reported: float | None
    skill: Estimate
    wrong: tuple[Mismatch, ...]
    sampled: Sampled
    apart: tuple[str, ...]

    @property
    def mismatches(self) -> tuple[Mismatch, ...]:
        """All that does not come out again."""
        return (*self.wrong, *self.sampled.wrong)


@dataclasses.dataclass(frozen=True)
class Board:
    """suite : id of the suite that is ranked. ranked : best first. apart : the others.
    notes : on what the ranked ones are measured by."""

    suite: str
    ranked: tuple[Entry, ...]
    apart: tuple[Entry, ...]
    notes: tuple[str, ...] = ()


def leaderboard(runs: Sequence[StoredRun], *, workers: int = 1,
                advance: Advance = nothing) -> Board:
    """Check and rank runs.

    The suite that most runs are of, in one version, is ranked (of equally many that of the first
    run given); runs of others are listed apart.

    Raises
    ------
    InputError : no runs, or one given twice.
    """
    if not runs:
        raise InputError("name at least one run's directory")
    twice = [folder for folder, count in collections.Counter(
        run.folder.resolve() for run in runs).items() if count > 1]
    if twice:
        raise InputError(f"{twice[0]} is given twice; name each run once")
    counted = collections.Counter(_asked(run) for run in runs)
    most = max(counted.values())
    main = next(run for run in runs if counted[_asked(run)] == most)
    entries, tables = [], {}
    for number, run in enumerate(runs):
        entry, blocks = _entry(run, main, workers,
                               lambda part, n=number: advance((n + part) / len(runs)))  # type: ignore[misc]
        entries.append(entry)
        tables[run.folder] = blocks
    ranked = [entry for entry in entries if not entry.apart]
    ranks = _ranks([tables[entry.run.folder] for entry in ranked])
    placed = [dataclasses.replace(entry, rank=rank)
              for entry, rank in zip(ranked, ranks, strict=True)]
    placed.sort(key=lambda one: (one.rank, -_value(one)))
    rest = sorted((entry for entry in entries if entry.apart), key=lambda one: -_value(one))
    return Board(str(main.result["suite"]["id"]), tuple(placed), tuple(rest),
                 tuple(_uneven([(e.run, tables[e.run.folder]) for e in ranked])))


def _value(entry: Entry) -> float:
    return float("-inf") if entry.skill.value is None else entry.skill.value


def _asked(run: StoredRun) -> tuple[str, int, tuple[str, ...]]:
    """Runs that are alike in this are comparable."""
    suite = run.result["suite"]
    return str(suite["id"]), int(suite["seed"]), tuple(sorted(suite["digests"].values()))


def _entry(run: StoredRun, main: StoredRun, workers: int,
           advance: Advance) -> tuple[Entry, list[StoredBlock]]:
    reported = run.result["overall"]["skill"]["value"]
    apart = _of_another(run, main)
    try:
        suite_of(run.result)
    except InputError:
        gone = Estimate(None, Interval(None, None, "its suite is not of this version"))
        reason = f"suite {run.result['suite']['id']} is not of this version"
        return Entry(run, None, reported, gone, (), Sampled(reason=reason),
                     tuple(apart or [reason])), []
    blocks = stored_blocks(run)
    sampled = against_dreams(run, blocks, workers=workers, advance=advance)
    apart += unofficial(run, blocks)
    apart += [f"it cannot be asked about {name}" for name in run.result["unsupported"]]
    skill = skill_of(blocks, run.model)
    if skill.value is None:
        apart.append("it has no skill")
    if sampled.wrong:
        apart.append("its tables do not come of its dreams")
    return Entry(run, None, reported, skill, tuple(against_tables(run, blocks)), sampled,
                 tuple(apart)), blocks


def _of_another(run: StoredRun, main: StoredRun) -> list[str]:
    own, wanted = run.result["suite"], main.result["suite"]
    if own["id"] != wanted["id"]:
        return [f"it is of suite {own['id']}"]
    if own["seed"] != wanted["seed"]:
        return [f"its suite was drawn with the seed {own['seed']}, the others' with "
                f"{wanted['seed']}"]
    changed = differing(own["digests"], wanted["digests"])
    return [f"{' and '.join(changed)} were of another version"] if changed else []


def _uneven(runs: Sequence[tuple[StoredRun, Sequence[StoredBlock]]]) -> list[str]:
    """Runs whose simulator and baselines did not score as the first one's did."""
    notes = []
    for run, blocks in runs[1:]:
        first, own = runs[0]
        apart = max((one.apart for one in paired(own, blocks)), default=0.0)
        if apart > SAME:
            notes.append(f"The simulator's and the baselines' errors in {run.folder} differ by up "
                         f"to {apart:.2g} of their size from those in {first.folder}: at most one "
                         "of the two is as measured.")
    return notes


def _ranks(runs: Sequence[Sequence[StoredBlock]]) -> list[int]:
    """1 more than the number of runs that are told to be better, paired by case."""
    ranks = [1] * len(runs)
    for one in range(len(runs)):
        for other in range(one):
            verdict = difference_of("all", paired(runs[one], runs[other])).verdict
            if verdict == "better":
                ranks[other] += 1
            elif verdict == "worse":
                ranks[one] += 1
    return ranks
