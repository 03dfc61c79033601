"""Reads `scores.json` and `scores.nc` back for the report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from evaluation.report.contents import Against, ScoreRow
from worldsim.errors import InputError


def read_scores(run: Path) -> tuple[dict[str, Any], xr.Dataset]:
    """The content of ``scores.json``, and ``series`` (model, metric, case, time) of ``scores.nc``.

    Raises
    ------
    InputError : one of them is missing or cannot be read.
    """
    for name in ("scores.json", "scores.nc"):
        if not (run / name).is_file():
            raise InputError(f"{run} has no {name}; repeat the run's command to score it")
    try:
        scores = json.loads((run / "scores.json").read_text("utf-8"))
        with xr.open_dataset(run / "scores.nc", engine="scipy") as stored:
            measured = stored.load()
    except (ValueError, OSError) as error:
        raise InputError(f"the scores in {run} cannot be read ({error}); remove them and repeat "
                         "the run's command") from error
    return scores, measured


def score_rows(scores: Mapping[str, Any]) -> tuple[ScoreRow, ...]:
    """The score table in the order of the file."""
    return tuple(_row(entry) for entry in scores["scores"])


def _row(entry: Mapping[str, Any]) -> ScoreRow:
    return ScoreRow(
        metric=entry["metric"],
        meaning=entry["meaning"],
        unit=entry["unit"],
        direction=entry["direction"],
        window=entry["window"],
        value=entry["value"],
        interval=_pair(entry),
        interval_reason=entry["interval_reason"],
        floor=entry["floor"],
        reference=entry["reference"],
        against=tuple(
            Against(name, other["value"], other["skill"]["value"], _pair(other["skill"]),
                    other["skill"]["reason"] or other["skill"]["interval_reason"])
            for name, other in entry["baselines"].items()
        ),
        cases=entry["cases"],
        failed=entry["failed"],
    )


def _pair(entry: Mapping[str, Any]) -> tuple[float, float] | None:
    bounds = entry["interval"]
    return None if bounds is None else (float(bounds[0]), float(bounds[1]))
