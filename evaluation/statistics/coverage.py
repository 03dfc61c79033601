"""``python -m evaluation.statistics.coverage --out DIR``: how often intervals hold the truth.

Data sets with known truth are drawn, each gets the 95% interval that scores get, and the share of
intervals that hold the truth is counted, with how many lie wholly above or below it. Writes
``coverage.json`` and ``coverage.md``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.special import log_ndtr

from evaluation.bootstrap import DEFAULT, LEAST_CASES, Bootstrap
from evaluation.statistics.studentized import Stratum, studentized
from worldsim.errors import InputError, run_program

CASES = (8, 16, 32, 64)
GOAL_CASES = 32
GOAL = (0.93, 0.97)
"""Least and most coverage of 95% intervals at `GOAL_CASES` cases, where a situation has a goal."""

DATA_SETS = 4000
SEED = 11
_AT_A_TIME = 50

Draw = Callable[[np.random.Generator, int, int], list[Stratum]]


@dataclasses.dataclass(frozen=True)
class Situation:
    """What is drawn.

    draw : (generator, data sets, cases) to strata of (data set, case, metric).
    truth : of the number that the interval is for. goal : whether the goal is about it.
    """

    name: str
    meaning: str
    draw: Draw
    truth: float
    goal: bool = False


@dataclasses.dataclass(frozen=True)
class Coverage:
    """Of one situation at one number of cases.

    covered, below, above : shares of all data sets in which the interval holds the truth, lies
    below it and lies above it; error : standard error of covered.
    none : share without an interval, for too few cases differ; these count nowhere else.
    equal : share in which all cases agree, so that the interval is a point.
    width : median of high - low.
    """

    situation: str
    cases: int
    data_sets: int
    covered: float
    error: float
    below: float
    above: float
    none: float
    equal: float
    width: float
    goal: bool

    @property
    def reached(self) -> bool | None:
        """Whether the goal is; None where there is none."""
        return GOAL[0] <= self.covered <= GOAL[1] if self.goal else None


def _pair(rng: np.random.Generator, shape: tuple[int, ...],
          correlation: float) -> tuple[np.ndarray, np.ndarray]:
    """Standard normal, correlated."""
    first = rng.normal(size=shape)
    return first, correlation * first + np.sqrt(1 - correlation**2) * rng.normal(size=shape)


def _exponential(normal: np.ndarray) -> np.ndarray:
    """Of mean 1, in the order of the normal ones (a Gaussian copula)."""
    return -log_ndtr(-normal)


def _mean_of(law: Callable[[np.ndarray], np.ndarray]) -> Draw:
    def draw(rng: np.random.Generator, sets: int, cases: int) -> list[Stratum]:
        values = law(rng.normal(size=(sets, cases, 1)))
        return [Stratum(values, np.ones_like(values))]
    return draw


def _ratio_of(law: Callable[[np.ndarray], np.ndarray], correlation: float) -> Draw:
    def draw(rng: np.random.Generator, sets: int, cases: int) -> list[Stratum]:
        top, bottom = _pair(rng, (sets, cases, 1), correlation)
        return [Stratum(law(top), law(bottom))]
    return draw


def _sparse(rng: np.random.Generator, sets: int, cases: int) -> list[Stratum]:
    values = rng.exponential(size=(sets, cases, 1)) * (rng.random((sets, cases, 1)) < 0.25)
    return [Stratum(values, np.ones_like(values))]


def _rare(rng: np.random.Generator, sets: int, cases: int) -> list[Stratum]:
    values = (rng.random((sets, cases, 1)) < 0.25).astype(float)
    return [Stratum(values, np.ones_like(values))]


SCENARIOS, METRICS = 4, 3


def _skill(rng: np.random.Generator, sets: int, cases: int) -> list[Stratum]:
    """Four scenarios of different scales; three metrics that share what makes a case hard. The
    baseline errs by 1, the model by 0.4, perfect by 0.1: skill 2/3 in every one."""
    strata = []
    for number in range(SCENARIOS):
        hard = rng.normal(size=(sets, cases, 1))
        own = np.sqrt(0.5) * (hard + rng.normal(size=(sets, cases, METRICS)))
        base = np.sqrt(0.5) * (hard + rng.normal(size=(sets, cases, METRICS)))
        perfect = 0.1 * rng.exponential(size=(sets, cases, METRICS))
        errs, zero = 0.4 * _exponential(own), _exponential(base)
        scale = 10.0**number
        strata.append(Stratum(scale * (zero - errs), scale * (zero - perfect)))
    return strata


SITUATIONS = (
    Situation("mean", "mean of exponential errors", _mean_of(_exponential), 1.0, goal=True),
    Situation("ratio", "ratio of two means, both exponential, independent",
              _ratio_of(_exponential, 0.0), 1.0, goal=True),
    Situation("ratio, correlated", "the same, correlated by 0.7 (Gaussian copula)",
              _ratio_of(_exponential, 0.7), 1.0, goal=True),
    Situation("mean, lognormal", "mean of lognormal errors (sigma = 1)", _mean_of(np.exp),
              float(np.exp(0.5))),
    Situation("ratio, lognormal", "ratio of two means, both lognormal, independent",
              _ratio_of(np.exp, 0.0), 1.0),
    Situation("ratio, lognormal, correlated", "the same, correlated by 0.7",
              _ratio_of(np.exp, 0.7), 1.0),
    Situation("mean, sparse", "mean of errors, exponential in a quarter of the cases, else 0",
              _sparse, 0.25),
    Situation("share", "share of cases with an event of probability 1/4", _rare, 0.25),
    Situation("skill", f"skill over {METRICS} metrics and {SCENARIOS} scenarios of n cases each",
              _skill, 2 / 3),
)


def measure(situation: Situation, cases: int, data_sets: int = DATA_SETS, seed: int = SEED,
            settings: Bootstrap = DEFAULT) -> Coverage:
    """Coverage of one situation at one number of cases (a scenario)."""
    assert cases >= LEAST_CASES
    rng = np.random.default_rng([seed, cases])
    lows, highs, points = [], [], []
    for start in range(0, data_sets, _AT_A_TIME):
        strata = situation.draw(rng, min(_AT_A_TIME, data_sets - start), cases)
        limits = studentized(strata, level=settings.level, resamples=settings.resamples,
                             seed=settings.seed)
        lows.append(limits.low)
        highs.append(limits.high)
        points.append(limits.point)
    low, high = np.concatenate(lows), np.concatenate(highs)
    given = ~np.isnan(low)
    low, high = low[given], high[given]
    covered = float(((low <= situation.truth) & (situation.truth <= high)).mean())
    return Coverage(
        situation.name, cases, data_sets, covered,
        float(np.sqrt(covered * (1 - covered) / given.sum())),
        float((high < situation.truth).mean()), float((low > situation.truth).mean()),
        float(1 - given.mean()), float(np.concatenate(points).mean()), float(np.median(high - low)),
        situation.goal and cases == GOAL_CASES,
    )


def table(rows: Sequence[Coverage], command: str, seconds: float) -> str:
    """Markdown."""
    lines = [
        "# Coverage of the 95% intervals", "",
        f"Made by `{command}` in {seconds:.0f} s.", "",
        f"{rows[0].data_sets} simulated data sets a row, {DEFAULT.resamples} resamples each, "
        f"by `evaluation/statistics/studentized.py`. Goal: {GOAL[0]:.0%} to {GOAL[1]:.0%} at "
        f"{GOAL_CASES} cases.", "",
        "| what | cases | coverage | below the truth | above it | no interval | a point | goal |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    meaning = {s.name: s.meaning for s in SITUATIONS}
    for row in rows:
        goal = {None: "", True: "reached", False: "**missed**"}[row.reached]
        lines.append(
            f"| {meaning[row.situation]} | {row.cases} | {row.covered:.1%} ± {row.error:.1%} | "
            f"{row.below:.1%} | {row.above:.1%} | {row.none:.1%} | {row.equal:.1%} | {goal} |")
    return "\n".join([*lines, "", READING, ""])


READING = """\
"Below the truth": the whole interval lies too low. The more skewed the errors and the fewer the
cases, the likelier these hold no example of the long tail, and then nothing in them tells of it:
with lognormal errors take the 95% for about 92 (16 cases and more) or 90 (8 cases). No interval is
given where too many resamples hold equal cases only; coverage is that of the intervals that are
given. "A point": all cases agree (no event in any), and the interval is their value: right for the
truth against itself, and as sure of itself where an event was merely rare. These count as misses
here."""


def _options(args: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evaluation.statistics.coverage",
                                     description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--data-sets", type=int, default=DATA_SETS,
                        help="simulated data sets a row (default: %(default)s)")
    return parser.parse_args(args)


def main(args: Sequence[str]) -> int:
    """Measure and write; 1 if a goal is missed."""
    options = _options(args)
    if options.data_sets < 1:
        raise InputError(f"--data-sets {options.data_sets}: give at least 1")
    start = time.monotonic()
    rows = []
    for situation in SITUATIONS:
        for cases in CASES:
            rows.append(measure(situation, cases, options.data_sets))
            print(f"{situation.name}, {cases} cases: {rows[-1].covered:.1%}", flush=True)
    command = shlex.join(["python", "-m", "evaluation.statistics.coverage", *args])
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "coverage.json").write_text(json.dumps(
        {"command": command, "level": DEFAULT.level, "resamples": DEFAULT.resamples, "seed": SEED,
         "rows": [dataclasses.asdict(row) | {"reached": row.reached} for row in rows]},
        indent=1) + "\n", encoding="utf-8")
    (options.out / "coverage.md").write_text(
        table(rows, command, time.monotonic() - start), encoding="utf-8")
    print(f"wrote {options.out / 'coverage.md'} and coverage.json")
    return 1 if any(row.reached is False for row in rows) else 0


if __name__ == "__main__":
    run_program(main)
