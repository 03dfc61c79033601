"""A finished benchmark run without simulator and world model: made-up numbers, painted films."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from evaluation.benchmark.store import save_entry

MODEL = "videos:my-model"
BASELINES = ("baseline:frozen", "baseline:constant-velocity", "baseline:climatology",
             "baseline:nearest")
SCENARIOS = ("free_fall", "collision", "incline")
FPS, FRAMES, GIVEN = 20.0, 40, 5
COMMAND = "worldsim bench run --model videos:my-model --suite quick --out runs/mine"
METRICS = (
    ("trajectory.position_crps", "m", True, "ensemble", "lower"),
    ("pixel.ssim", "1", True, "paired", "higher"),
    ("trajectory.final_error", "m", False, "paired", "lower"),
)
FEW = "3 cases; an interval needs at least 8"


def est(value: float | None, half: float | None = 0.05, reason: str = "") -> dict[str, Any]:
    """An estimate, with an interval of half the given width; None for none."""
    if value is None or half is None:
        return {"value": value, "interval": None, "interval_reason": reason or "no value"}
    return {"value": value, "interval": [value - half, value + half], "interval_reason": ""}


def against(model_skill: float | None, skill: float | None, half: float | None,
            **more: Any) -> dict[str, Any]:
    """A model beside another of the given skill."""
    if model_skill is None or skill is None:
        return {"skill": est(skill, half), "difference": est(None), "verdict": "cannot be told",
                **more}
    verdict = "cannot be told"
    if half is not None and abs(model_skill - skill) > half:
        verdict = "better" if model_skill > skill else "worse"
    return {"skill": est(skill, half), "difference": est(model_skill - skill, half),
            "verdict": verdict, **more}


OTHERS = {"mujoco": 1.0, "baseline:frozen": 0.0, "baseline:constant-velocity": 0.31,
          "baseline:climatology": 0.62, "baseline:nearest": 0.55}


def metric(name: str, unit: str, headline: bool, kind: str, direction: str, *, cases: int,
           half: float | None = 0.02) -> dict[str, Any]:
    """One metric of a block."""
    baselines = {
        base: {"value": 0.2 + 0.1 * place, "interval": None if half is None else [0.1, 0.6],
               "interval_reason": "" if half else FEW,
               "difference": est(-0.1, half, FEW),
               "skill": {**est(0.5 - 0.1 * place, half, FEW), "resolvable": True, "reason": ""}}
        for place, base in enumerate(BASELINES)
    }
    return {
        "metric": name, "unit": unit, "meaning": f"{name} of painted discs",
        "direction": direction, "headline": headline, "kind": kind, **est(0.12, half, FEW),
        "floor": 0.01, "reference": 0.02, "cases": cases, "failed": 0, "unsupported": False,
        "best_baseline": BASELINES[0], "baselines": baselines,
    }


def block(scenario: str, *, cases: int = 8, split: str = "in_range", skill: float = 0.5,
          half: float | None = 0.06) -> dict[str, Any]:
    """One block."""
    name = f"{scenario}-{split}"
    return {
        "scenario": scenario, "split": split, "cases": cases, "failed": 0, "camera": "side",
        "fps": FPS, "size": [64, 64], "duration": FRAMES / FPS, "context": GIVEN,
        "skill": est(skill, half, FEW),
        "others": {other: against(skill, value, half) for other, value in OTHERS.items()},
        "metrics": [metric(*row, cases=cases, half=half) for row in METRICS],
        "best_case": f"{name}-0000", "worst_case": f"{name}-{cases - 1:04d}", "seconds": 1.5,
    }


STRENGTHS = [float(f"{s:.4g}") for s in np.geomspace(0.02, 0.5, 11)]


def equivalent(ladder: str = "gravity", words: str = "gravity too weak by") -> dict[str, Any]:
    """A model's place on one ladder."""
    return {
        "ladder": ladder, "words": words, "scenarios": ["free_fall"], "strength": 0.12,
        "interval": [0.09, 0.15], "end": "", "text": f"as wrong as {words} 12% [9, 15]",
        "strengths": STRENGTHS, "skills": [1 - s**0.5 for s in STRENGTHS], "skill": 0.65,
    }


def what_if(**changes: Any) -> dict[str, Any]:
    """One sweep of gravity, half of it outside the training range."""
    levels = [6.0 + 0.9 * k for k in range(11)]
    fall = [0.5 * level * 0.35**2 for level in levels]
    statistics = {"determination": est(0.8), "slope": est(0.7), "direction": est(1.0, 0.0),
                  "rank": est(0.95), "null_ratio": est(None)}
    return {
        "name": "free_fall.gravity", "scenario": "free_fall", "parameter": "gravity",
        "unit": "m s-2", "levels": levels, "in_range": [6.5 < level < 12 for level in levels],
        "null": False, "intervention": False, "response": "fall",
        "meaning": "how far the first ball has fallen after 0.35 s", "response_unit": "m",
        "truth": fall, "dream": [0.2 + 0.6 * f for f in fall],
        "floor": [f + 0.004 for f in fall], "interpolated": [0.98 * f for f in fall],
        "unsupported": "", "failed": 0,
        "statistics": {**statistics, "ceiling": copy.deepcopy(statistics),
                       "interpolated": copy.deepcopy(statistics)}, **changes,
    }


def colours() -> dict[str, Any]:
    """A null sweep over choices, not answered."""
    return what_if(
        name="free_fall.colour", parameter="colour", unit="1", levels=["red", "blue", "violet"],
        in_range=[True] * 3, null=True, truth=[0.6] * 3, dream=None, floor=[0.6, 0.601, 0.602],
        interpolated=None, unsupported="it takes no parameters")


def result(scenarios: tuple[str, ...] = SCENARIOS, *, cases: int = 8, model: str = MODEL,
           half: float | None = 0.04) -> dict[str, Any]:
    """A result in which nothing is missing."""
    skills = np.linspace(0.15, 0.8, max(len(scenarios), 1))
    return {
        "schema": "worldsim-bench/1",
        "suite": {"id": "quick-v1", "seed": 101, "meaning": "experiments, minutes on a laptop",
                  "digests": {part: f"{part[:4]:0<16}" for part in
                              ("definition", "data", "instruments", "metrics")}},
        "model": {"name": model, "identity": "0123456789abcdef"},
        "official": True, "unofficial_because": [], "cases": cases * len(scenarios), "failed": 0,
        "failures": {}, "excluded": {}, "unsupported": {},
        "overall": {
            "skill": est(0.48, half, FEW), "headline": [row[0] for row in METRICS if row[2]],
            "zero": "baseline:frozen", "scenarios": len(scenarios),
            "others": {name: against(0.48, skill, half, cases_needed=40)
                       for name, skill in OTHERS.items()},
        },
        "blocks": [block(name, cases=cases, skill=float(skill), half=half)
                   for name, skill in zip(scenarios, skills, strict=True)],
        "equivalents": [equivalent(), equivalent("teleport", "objects that jump:")],
        "what_if": [what_if(), colours()],
        "sensitivity": [{"change": "half the frame rate", "skill": est(0.45),
                         "difference": est(-0.03, 0.01)}],
        "words": ["It is a painted example."],
        "power": ["32 cases a scenario would tell a difference in skill of 0.05."],
        "command": COMMAND, "versions": {"worldsim": "0.1.0", "python": "3.11.2"}, "seconds": 61.0,
    }


def frames(case_id: str, realizations: int = 2, late: int = 0, size: tuple[int, int] = (64, 64),
           length: int = FRAMES) -> np.ndarray:
    """(realization, time, row, column, 3): a square that crosses a grey ground, `late` frames
    behind from the end of the given frames on."""
    shade = sum(map(ord, case_id)) % 128
    video = np.full((realizations, length, *size, 3), (225, 225, 220), np.uint8)
    for member in range(realizations):
        for frame in range(length):
            at = max(frame - late, min(frame, GIVEN - 1)) + member
            video[member, frame, 20:32, 2 + at:14 + at] = (200, shade, 40)
    return video


def dream(case_id: str, **more: Any) -> xr.DataTree:
    """As the benchmark keeps a dream."""
    rgb = xr.DataArray(frames(case_id, late=6, **more)[None],
                       dims=("case", "realization", "time", "row", "column", "channel"))
    return xr.DataTree.from_dict({"/video": xr.Dataset({"rgb": rgb})})


def tables(found: dict[str, Any], seed: int = 0) -> xr.DataTree:
    """``value`` and ``series`` of all blocks: errors that grow with time, each model's its own."""
    rng = np.random.default_rng(seed)
    rows = [found["model"]["name"], "mujoco", *BASELINES, "floor"]
    groups = {}
    for one in found["blocks"]:
        rows_here = rows[1:] if one["scenario"] in found["unsupported"] else rows
        names = [m["metric"] for m in one["metrics"]]
        cases = [f"{one['scenario']}-{one['split']}-{n:04d}" for n in range(one["cases"])]
        times = np.arange(FRAMES) / FPS
        growth = rng.uniform(0.02, 0.2, (len(rows_here), len(names), len(cases), 1))
        series = growth * times
        series[..., :GIVEN] = np.nan
        coords = {"model": rows_here, "metric": names, "case": cases}
        groups[f"/{one['scenario']}-{one['split']}"] = xr.Dataset(
            {"value": (("model", "metric", "case"), np.nanmean(series, axis=-1)),
             "series": (("model", "metric", "case", "time"), series)},
            coords={**coords, "time": times})
    return xr.DataTree.from_dict(groups) if groups else xr.DataTree()


def make_folder(folder: Path, found: dict[str, Any] | None = None, *, dreams: bool = True) -> Path:
    """Write a result as ``worldsim bench run`` leaves it, but for the report."""
    found = result() if found is None else found
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "result.json").write_text(json.dumps(found, allow_nan=False), encoding="utf-8")
    tables(found).to_netcdf(folder / "result.nc", engine="netcdf4")
    for one in found["blocks"]:
        for case in {one["best_case"], one["worst_case"]} - {""}:
            if dreams and case not in found["failures"]:
                save_entry(folder / "dreams" / f"{case}.entry", dream(case))
    return folder
