"""A model's equivalent perturbations: how wrong a simulator would have to be to err as much.

Along a ladder the loss (1 - skill, over the scenarios that the ladder is about, by the headline
metrics that it concerns) rises with the strength; `evaluation.statistics.equivalent` says where a
model stands and how sure that is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from evaluation.benchmark.ladders import LADDERS, Climbed, Ladder
from evaluation.benchmark.results import BlockResult
from evaluation.benchmark.skill import ZERO, resolved
from evaluation.metrics.catalogue import metric_named
from evaluation.statistics.equivalent import Equivalent as Place
from evaluation.statistics.equivalent import equivalent_perturbation
from worldsim.splits import Split


@dataclasses.dataclass(frozen=True)
class Equivalent:
    """A model's place on one ladder.

    scenarios : that it was found in. place : where, with its interval.
    strengths, skills : of the rungs. skill : the model's, in these scenarios.
    """

    ladder: Ladder
    scenarios: tuple[str, ...]
    place: Place
    strengths: tuple[float, ...]
    skills: tuple[float, ...]
    skill: float

    @property
    def text(self) -> str:
        """As reports say it: ``as wrong as gravity too weak by 12% [9, 15]``."""
        return f"as wrong as {self.ladder.words} {self.place.text}"


@dataclasses.dataclass(frozen=True)
class _Losses:
    """One scenario: (case,) of the model and (rung, case) of the ladder, each its share of the
    mean loss."""

    model: np.ndarray
    rungs: np.ndarray


def equivalents(blocks: Sequence[BlockResult], model: str,
                ladders: Sequence[Climbed]) -> list[Equivalent]:
    """A model's place on every ladder, by the cases on which it was climbed."""
    found = []
    for ladder in LADDERS.values():
        rows = [one for one in ladders if one.ladder == ladder.name]
        losses: dict[str, _Losses] = {}
        for one in rows:
            block = next((b for b in blocks if b.block.scenario == one.scenario
                          and b.block.split is Split.IN_RANGE), None)
            if block is not None and (these := _losses(block, model, one)) is not None:
                losses[one.scenario] = these
        if losses:
            found.append(_placed(ladder, rows[0].strengths, losses))
    return found


def _losses(block: BlockResult, model: str, climbed: Climbed) -> _Losses | None:
    climbed_cases = next(iter(climbed.errors.values())).shape[1]
    numbers = [int(case.rpartition("-")[2]) for case in block.cases]
    at = [place for place, number in enumerate(numbers) if number < climbed_cases]
    numbers = [numbers[place] for place in at]
    if not at:
        return None
    mine, rungs = [], []
    for metric in resolved(block):
        if climbed.ladder not in metric.concerns or metric.name not in climbed.errors:
            continue
        perfect = block.errors(block.perfect(metric), metric)[at]
        scale = (block.errors(ZERO, metric)[at] - perfect).mean()
        own = block.errors(model, metric)[at]
        along = climbed.errors[metric.name][:, numbers]
        along = np.abs(metric_named(metric.name).perfect - along) if metric.perfect else along
        if not (np.isfinite(own).all() and np.isfinite(along).all()):
            continue
        mine.append((own - perfect) / scale)
        rungs.append((along - perfect) / scale)
    if not mine:
        return None
    return _Losses(np.mean(mine, axis=0), np.mean(rungs, axis=0))


def _placed(ladder: Ladder, strengths: tuple[float, ...],
            losses: dict[str, _Losses]) -> Equivalent:
    model = np.concatenate([one.model for one in losses.values()])
    rungs = np.concatenate([one.rungs for one in losses.values()], axis=1)
    strata = np.repeat(list(losses), [len(one.model) for one in losses.values()])
    along = np.mean([one.rungs.mean(axis=1) for one in losses.values()], axis=0)
    loss = float(np.mean([one.model.mean() for one in losses.values()]))
    return Equivalent(
        ladder, tuple(losses),
        equivalent_perturbation(np.array(strengths), rungs, model, strata),
        strengths, tuple(float(1 - x) for x in along), 1 - loss,
    )
