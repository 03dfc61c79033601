"""Equivalent perturbations: how wrong a simulator would have to be to err as much as a model.

Along a ladder the loss (1 - skill, over the scenarios that the ladder is about) rises with the
strength. The rungs' mean losses are made monotone by isotonic regression in their order (Barlow et
al. 1972; scipy's pool-adjacent-violators), and the model's mean loss is looked up between them,
linearly in the logarithm of the strength. The interval resamples cases within scenarios, of the
model and of all rungs together.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy.optimize import isotonic_regression

from evaluation.benchmark.ladders import LADDERS, Climbed, Ladder
from evaluation.benchmark.results import BlockResult
from evaluation.benchmark.skill import ZERO, resolved
from evaluation.bootstrap import LEAST_CASES
from evaluation.metrics.catalogue import metric_named
from worldsim.splits import Split

RESAMPLES = 1000
LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class Equivalent:
    """A model's place on one ladder.

    scenarios : that it was found in. strength : the equivalent share; None beyond the ends.
    end : ``below`` the first rung, ``above`` the last, or empty. low, high : of the interval, 0 and
    infinity where it is open; None without enough cases.
    strengths, skills : of the rungs. skill : the model's, in these scenarios.
    """

    ladder: Ladder
    scenarios: tuple[str, ...]
    strength: float | None
    end: str
    low: float | None
    high: float | None
    strengths: tuple[float, ...]
    skills: tuple[float, ...]
    skill: float

    @property
    def text(self) -> str:
        """As reports say it."""
        if self.end == "below":
            size = f"less than {_percent(self.strengths[0])}"
        elif self.end == "above":
            size = f"more than {_percent(self.strengths[-1])}"
        else:
            assert self.strength is not None
            size = _percent(self.strength)
        return f"as wrong as {self.ladder.words} {size}{self._between()}"

    def _between(self) -> str:
        if self.low is None or self.high is None:
            return ""
        least, most = self.strengths[0], self.strengths[-1]
        low = f"below {100 * least:.3g}" if self.low < least else f"{100 * self.low:.2g}"
        high = f"above {100 * most:.3g}" if self.high > most else f"{100 * self.high:.2g}"
        return f" [{low}, {high}]"


def _percent(share: float) -> str:
    return f"{100 * share:.2g}%"


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
    def mean(picks: dict[str, np.ndarray] | None) -> tuple[float, np.ndarray]:
        own, along = [], []
        for name, one in losses.items():
            at = slice(None) if picks is None else picks[name]
            own.append(one.model[at].mean())
            along.append(one.rungs[:, at].mean(axis=1))
        return float(np.mean(own)), np.mean(along, axis=0)

    loss, along = mean(None)
    strength = where(loss, along, np.array(strengths))
    fewest = min(len(one.model) for one in losses.values())
    low = high = None
    if fewest >= LEAST_CASES:
        rng = np.random.default_rng(0)
        again = []
        for _ in range(RESAMPLES):
            picks = {name: rng.integers(len(one.model), size=len(one.model))
                     for name, one in losses.items()}
            again.append(where(*mean(picks), np.array(strengths)))
        # Open ends are 0 and infinity; they sort where they belong.
        low, high = np.quantile(again, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="nearest")
        low, high = float(low), float(high)
    end = "below" if strength == 0 else "above" if np.isinf(strength) else ""
    return Equivalent(
        ladder, tuple(losses), None if end else float(strength), end, low, high, strengths,
        tuple(float(1 - x) for x in along), 1 - loss,
    )


def where(loss: float, along: np.ndarray, strengths: np.ndarray) -> float:
    """The strength at which a ladder's mean losses (rung,) reach a loss: 0 below the first rung,
    infinity above the last."""
    rising = isotonic_regression(along).x
    if loss < rising[0]:
        return 0.0
    if loss > rising[-1]:
        return float("inf")
    # Flat stretches have no one place; their middle is as good as any.
    logs = np.log(strengths)
    first = np.interp(loss, rising, logs) if loss not in rising else logs[rising == loss].mean()
    return float(np.exp(first))
