"""An explanation as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.benchmark.as_json import number
from evaluation.benchmark.explain import ROW, TIMES, Explanation
from evaluation.benchmark.explain_objects import Followed, followed, touches


def explanation_data(found: Explanation, words: Sequence[str],
                     picture: Path | None) -> dict[str, Any]:
    """What ``worldsim bench explain --json`` prints."""
    curves = found.curves
    return {
        "run": str(found.run.folder), "model": found.run.model, "case": found.case.id,
        "metric": found.metric.name, "unit": found.metric.unit, "realization": found.realization,
        "rule": {"floors": TIMES, "frames": ROW},
        "values": {name: number(value) for name, value in found.values.items()},
        "failure": found.failure, "fitted": list(found.fitted), "warnings": list(found.warnings),
        "departure": None if curves is None or curves.departure is None else {
            "frame": curves.departure, "time": number(curves.time[curves.departure]),
            "error": number(curves.error[curves.departure]),
            "floor": number(curves.floor[curves.departure]),
            "limit": number(curves.limit[curves.departure])},
        "series": None if curves is None else {
            "time": _numbers(curves.time), "error": _numbers(curves.error),
            "floor": _numbers(curves.floor), "limit": _numbers(curves.limit),
            "baselines": {name: _numbers(row) for name, row in curves.baselines.items()}},
        "objects": [_object(one) for one in followed(found)],
        "contacts": [{"object": one.name, "order": one.order + 1, "partner": one.partner or None,
                      "time": number(one.time), "late": number(one.late),
                      "missing": one.missing, "of": one.of} for one in touches(found)],
        "words": list(words), "picture": None if picture is None else str(picture),
    }


def _object(one: Followed) -> dict[str, Any]:
    return {
        "name": one.name, "departure": one.departure, "error": _numbers(one.error),
        "floor": _numbers(one.floor), "offset": [_numbers(row) for row in one.offset],
        "spread": _numbers(one.spread), "true_spread": _numbers(one.true_spread),
        "lost": _numbers(one.lost),
    }


def _numbers(values: np.ndarray) -> list[float | None]:
    return [number(float(value)) for value in values]
