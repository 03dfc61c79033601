"""Gathers a report's contents from a run directory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

import worldsim.rollout
from evaluation.observe import CAMERA
from evaluation.report import consequences, decision, evidence, figures, films, words
from evaluation.report.contents import Contents
from evaluation.report.parameters import parameter_rows
from evaluation.report.scores_file import read_scores, score_rows
from worldsim.errors import InputError
from worldsim.scenario import Scenario, make


def gather(run: Path) -> Contents:
    """Read a finished run.

    Raises
    ------
    InputError : something of the run is missing or cannot be read.
    """
    record = _record(run)
    definition = record["definition"]
    scores, measured = read_scores(run)
    scenario = make(definition["scenario"]["name"], **definition["scenario"]["parameters"])
    rows = score_rows(scores)
    parameters = parameter_rows(scenario)
    with (
        worldsim.rollout.open(run / "truth.zarr") as truth,
        worldsim.rollout.open(run / "dream.zarr") as dream,
    ):
        video = dream[f"video/{CAMERA}"].dataset
        context = definition["context_frames"] / float(video.attrs["fps"])
        pitch = json.loads(video.attrs["camera"])["height_m"] / video.sizes["row"]
        pixels = tuple(row for row in rows if row.metric.startswith("pixel."))
        physical = tuple(row for row in rows if row not in pixels)
        front_plots, map_plots = figures.water_plots(truth, dream, context)
        return Contents(
            scenario=scenario.name,
            model=scores["model"],
            question=words.question(scenario),
            limits=words.limits(scenario, scores, rows, parameters, pitch,
                                decision.limits(truth) if evidence.has_town(truth) else ()),
            answer=tuple(scores["words"].split("\n")),
            headline=tuple(row for row in rows if row.metric in scores["headline"]),
            player=films.player(run, dream, definition["context_frames"]),
            pictures=films.pictures(run),
            error_plots=figures.error_plots(scores, measured, physical, context),
            pixel_plots=figures.error_plots(scores, measured, pixels, context),
            front_plots=front_plots,
            map_plots=map_plots,
            scores=rows,
            parameters=parameters,
            provenance=_provenance(record, scores, truth, scenario, pitch),
            command=record["command"],
            town=consequences.gather_town(run, truth, dream, context),
        )


def _record(run: Path) -> dict[str, Any]:
    file = run / "run.json"
    if not file.is_file():
        raise InputError(f"{run} is not a run directory (no run.json in it)")
    record: dict[str, Any] = json.loads(file.read_text("utf-8"))
    if "context_frames" not in record.get("definition", {}):
        raise InputError(f"{run} holds no dream; finish it with `worldsim run`")
    return record


def _provenance(record: Mapping[str, Any], scores: Mapping[str, Any], truth: xr.DataTree,
                scenario: Scenario, pitch: float) -> tuple[tuple[str, str], ...]:
    d = record["definition"]
    members = scores["realizations"]
    rows, columns = scores["size"]
    reference = scores["reference"]
    weights = scores["checkpoint"] or "none: this model has no weights"
    interval = scores["interval"]
    return (
        ("run begun", record["begun"]),
        ("scenario", f"{scenario.name}, version {d['scenario']['version']}"),
        ("seed", str(d["seed"])),
        ("cases (what can be seen)", f"{len(scores['cases'])}: {_list(scores['cases'])}"),
        ("realizations (what is hidden)",
         f"{members['truth']} simulated and {members['model']} generated for each case"),
        ("world model", scores["model"]),
        ("checkpoint sha256", weights),
        ("given to the model",
         f"the first {d['context_frames']} frames of realization 0, and the parameters"),
        ("video", f"{rows}×{columns} pixels, {scores['fps']:g} frames/s, {scores['duration']:g} s; "
                  f"overhead view {pitch:g} m per pixel"),
        ("reference (“other draws”)", reference),
        ("intervals", f"{100 * interval['level']:g} %, {interval['method']}, "
                      f"{interval['resamples']} resamples; none below 8 cases"),
        ("simulator backend", str(truth.attrs["backend"]) or "not recorded"),
        ("definition sha256", record["definition_sha256"]),
        ("versions", ", ".join(" ".join(pair) for pair in record["versions"].items())),
    )


def _list(numbers: list[int]) -> str:
    if len(numbers) > 12:
        return f"{numbers[0]} … {numbers[-1]}"
    return ", ".join(map(str, numbers))
