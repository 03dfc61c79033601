"""``result.json``: a judged run as JSON; the same run gives the same file, times apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from evaluation.benchmark.equivalence import Equivalent
from evaluation.benchmark.judged import Against, BlockJudged, Judged
from evaluation.benchmark.report.wording import answer, limits
from evaluation.benchmark.responses import RESPONSES
from evaluation.benchmark.skill import ZERO
from evaluation.benchmark.subjects import identity
from evaluation.benchmark.what_if import Curves, statistics_of
from evaluation.benchmark.wording import power
from evaluation.bootstrap import Estimate, Interval, mean_interval
from evaluation.summary import AgainstBaseline, Score
from worldsim.rollout import software_versions
from worldsim.scenario import scenario_class

SCHEMA = "worldsim-bench/1"

DIGITS = 9
"""More would only record the order of summation."""


def number(value: float | None) -> float | None:
    """A number as JSON can hold it."""
    if value is None or not np.isfinite(value):
        return None
    return float(f"{float(value):.{DIGITS}g}")


def estimate(one: Estimate) -> dict[str, Any]:
    """A mean and its interval."""
    return {"value": number(one.value), **interval(one.interval)}


def interval(one: Interval) -> dict[str, Any]:
    """An interval, or why there is none."""
    if one.low is None or one.high is None:
        return {"interval": None, "interval_reason": one.reason}
    return {"interval": [number(one.low), number(one.high)], "interval_reason": ""}


def result_data(judged: Judged, command: str, seconds: float) -> dict[str, Any]:
    """The content of ``result.json``."""
    suite = judged.suite
    failures = {case: reason for one in judged.blocks
                for case, reason in one.result.failures.get(judged.model, {}).items()}
    excluded = {case: reason for one in judged.blocks
                for case, reason in one.result.excluded.items()}
    unsupported = {one.result.block.scenario: one.result.unsupported[judged.model]
                   for one in judged.blocks if not one.result.supported}
    headline = sorted({m.name for one in judged.blocks for m in one.result.metrics if m.headline})
    counted = [one for one in judged.blocks if one.skill.value is not None]
    reasons = judged.unofficial_because
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "suite": {"id": suite.id, "seed": suite.seed, "digests": suite.digests(),
                  "meaning": suite.meaning},
        "model": {"name": judged.model, "identity": identity(judged.model)},
        "official": not reasons, "unofficial_because": reasons,
        "cases": sum(len(one.result.cases) for one in judged.blocks),
        "failed": len(failures), "failures": failures, "excluded": excluded,
        "unsupported": unsupported,
        "overall": {
            "skill": estimate(judged.skill), "headline": headline, "zero": ZERO,
            "scenarios": len({one.result.block.scenario for one in counted}),
            "others": {name: _against(one) | {"cases_needed": one.needed}
                       for name, one in judged.others.items()},
        },
        "blocks": [_block(one) for one in judged.blocks],
        "equivalents": [_equivalent(one) for one in judged.equivalents],
        "what_if": [_curves(one) for one in judged.curves],
        "sensitivity": [
            {"change": change, "skill": estimate(skill), "difference": estimate(difference)}
            for change, (skill, difference) in judged.sensitivity.items()
        ],
        "power": power(judged),
        "command": command, "versions": software_versions(), "seconds": round(seconds, 1),
    }
    return data | {"words": [*limits(data), *answer(data)]}


def _against(one: Against) -> dict[str, Any]:
    return {"skill": estimate(one.skill), "difference": estimate(one.difference),
            "verdict": one.verdict}


def _block(one: BlockJudged) -> dict[str, Any]:
    result, block = one.result, one.result.block
    cls = block.cls
    return {
        "scenario": block.scenario, "split": block.split.value, "cases": len(result.cases),
        "failed": len(result.failures.get(result.model, {})), "camera": block.camera,
        "fps": cls.fps, "size": list(cls.size), "duration": block.duration,
        "context": block.context, "skill": estimate(one.skill),
        "others": {name: _against(other) for name, other in one.others.items()},
        "metrics": [_score(score, one) for score in result.scores()],
        "shows_against_says": agreement(result.agreement),
        "best_case": one.best, "worst_case": one.worst, "seconds": round(result.seconds, 1),
    }


def agreement(values: np.ndarray) -> dict[str, Any] | None:
    """Mean distance between what is shown and what is said, m; None of models that say nothing."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    return {"value": number(float(known.mean())), "unit": "m", **interval(mean_interval(known))}


def _score(score: Score, one: BlockJudged) -> dict[str, Any]:
    metric, result = score.metric, one.result
    return {
        "metric": metric.name, "unit": metric.unit, "meaning": metric.meaning,
        "direction": metric.direction, "headline": metric.headline,
        "kind": "ensemble" if metric.ensemble else "paired", **estimate(score.value),
        "floor": number(score.floor), "reference": number(score.reference),
        "cases": score.cases, "failed": int(result.filled[result.metrics.index(metric)].sum()),
        "unsupported": not result.measured(metric), "best_baseline": score.best_baseline,
        "baselines": {b.baseline: _baseline(b) for b in score.baselines},
    }


def _baseline(one: AgainstBaseline) -> dict[str, Any]:
    return {
        **estimate(one.value), "difference": estimate(one.difference),
        "skill": estimate(one.skill) | {"resolvable": one.resolvable, "reason": one.reason},
    }


def _equivalent(one: Equivalent) -> dict[str, Any]:
    place = one.place
    ends = None
    if place.low is not None and place.high is not None:
        # Open ends are said in `text`; here they are 0 and 1.
        ends = [number(min(place.low, 1.0)), number(min(place.high, 1.0))]
    return {
        "ladder": one.ladder.name, "words": one.ladder.words, "scenarios": list(one.scenarios),
        "strength": number(place.strength), "interval": ends, "end": place.end, "text": one.text,
        "strengths": list(one.strengths), "skills": [number(s) for s in one.skills],
        "skill": number(one.skill),
    }


def _curves(one: Curves) -> dict[str, Any]:
    own, sweep = one.own, one.own.sweep
    response = RESPONSES[sweep.response]
    spec = scenario_class(sweep.scenario).parameters().get(sweep.parameter)

    def mean(values: np.ndarray | None) -> list[float | None] | None:
        if values is None or not np.isfinite(values).any():
            return None
        known = np.isfinite(values)
        total = np.where(known, values, 0.0).sum(axis=0)
        return [number(t / n) if n else None for t, n in zip(total, known.sum(axis=0), strict=True)]

    return {
        "name": sweep.name, "scenario": sweep.scenario, "parameter": sweep.parameter,
        "unit": "m/s" if sweep.kick is not None else spec.unit if spec else "1",
        "levels": list(sweep.levels), "in_range": one.in_range, "null": sweep.null,
        "intervention": sweep.kick is not None, "response": sweep.response,
        "meaning": response.meaning, "response_unit": response.unit,
        "truth": mean(own.truth), "dream": mean(own.dream), "floor": mean(own.floor),
        "interpolated": mean(one.interpolated), "unsupported": own.unsupported,
        "failed": len(own.failures),
        "statistics": {name: estimate(value) for name, value in statistics_of(one).items()}
        | {"ceiling": {name: estimate(value)
                       for name, value in statistics_of(one, one.ceiling.dream).items()},
           "interpolated": None if one.interpolated is None else {
               name: estimate(value)
               for name, value in statistics_of(one, one.interpolated).items()}},
    }


