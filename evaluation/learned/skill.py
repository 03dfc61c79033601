"""The first second: errors of a model beside those of plain guesses, in range and out of it.

Plain guesses are given the true positions, not seen ones: the last known position held, the last
known velocity kept, and the mean of the other cases at the same instant (climatology).
"""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import xarray as xr
from scipy.stats import spearmanr

from evaluation.agreement import shows_against_says
from evaluation.bootstrap import mean_interval
from evaluation.learned.asking import (
    CONTEXT,
    Examined,
    examined,
    frozen,
    mean_in_words,
    mean_judged,
    position_errors,
    ratio,
    simulated_answer,
    times,
)
from evaluation.objects import objects_state, objects_video
from evaluation.reading import reading_of
from worldsim.diffusion.growth import Growth, expected_growth
from worldsim.scenario import scenario_class
from worldsim.splits import Split

RIGID = ("free_fall", "projectile", "balls_in_box", "collision", "collisions", "incline",
         "occlusion", "pendulum", "double_pendulum", "spring_mass", "seesaw", "gyroscope",
         "dominoes", "tower")

UNIFORM = ("free_fall", "projectile", "collision")
"""Scenarios whose velocity errors are held against the parse floor, before contacts."""

BINS = (0.0, 0.15, 0.35, np.inf)
"""Edges of the distances outside the range that calibration is shown for."""


def constant_velocity(one: Examined) -> np.ndarray:
    """(case,) m: errors of the true velocity of the last known frame kept."""
    true = one.objects["position"].values[:, 0]
    speed = one.objects["velocity"].values[:, 0, CONTEXT - 1]
    later = (np.arange(true.shape[1]) - (CONTEXT - 1)) / one.question.fps
    guess = true[:, CONTEXT - 1, None] + speed[:, None] * later[None, :, None, None]
    return mean_judged(np.linalg.norm(true - guess, axis=-1)[:, None], one.objects, CONTEXT)


def climatology(one: Examined) -> np.ndarray:
    """(case,) m: errors of the mean position of the same object in the other cases."""
    true = one.objects["position"].values[:, 0]
    guess = np.full_like(true, np.nan)
    for case in range(len(true)):
        others = np.delete(true, case, axis=0)
        counted = np.isfinite(others).sum(axis=0)
        guess[case] = np.where(counted, np.nansum(others, axis=0) / np.maximum(counted, 1), np.nan)
    return mean_judged(np.linalg.norm(true - guess, axis=-1)[:, None], one.objects, CONTEXT)


def velocity_errors(answer: xr.DataTree, one: Examined) -> np.ndarray:
    """(case,) m/s: mean error of the velocities seen, from the known frames to the first contact of
    each object."""
    name = one.question.scenario
    reading = reading_of(name)
    seen = objects_video(answer[f"video/{reading.camera}"].dataset, one.objects, CONTEXT,
                         reading.height_m)["objects"]["velocity"].values[:, 0]
    cls = scenario_class(name)
    at = times(len(seen[0]) / one.question.fps, cls.fps)
    contacts = objects_state(one.truth, reading.camera, cls.size, at)["contacts"]
    error = np.linalg.norm(seen - one.objects["velocity"].values[:, 0], axis=-1)
    for case in range(len(error)):
        for time, a, b in zip(*(contacts[kind].values[case, 0]
                                for kind in ("time", "object_a", "object_b")), strict=True):
            for who in (a, b):
                if np.isfinite(time) and who >= 0:
                    error[case, at > time - 1.5 / cls.fps, int(who)] = np.nan
    return mean_judged(error[:, None], one.objects, CONTEXT)


def measure(model: Any, cases: int) -> dict[str, Any]:
    """Errors of every scenario of rigid bodies."""
    found: dict[str, Any] = {}
    scores: list[float] = []
    growth: list[float] = []
    for name in RIGID:
        one = examined(name, cases)
        answer = model.rollout(one.question)
        errors, still = position_errors(answer, one), frozen(one)
        outside = examined(name, cases, Split.OUTSIDE)
        other = model.rollout(outside.question)
        film = simulated_answer(one.truth, one)
        beyond, still_beyond = position_errors(other, outside), frozen(outside)
        row = {
            "error": mean_in_words(errors), "frozen": mean_in_words(still),
            "floor": mean_in_words(position_errors(film, one)),
            "of_frozen": ratio(errors, still),
            "of_constant_velocity": ratio(errors, constant_velocity(one)),
            "of_climatology": ratio(errors, climatology(one)),
            "outside_of_frozen": ratio(beyond, still_beyond),
            "outside_of_inside": float(np.nanmean(beyond) / np.nanmean(errors)),
            "shows_against_says": (mean_in_words(shows_against_says(answer, CONTEXT)[:, 0])
                                   if "said" in answer else "says nothing"),
        }
        if name in UNIFORM:
            floor = velocity_errors(film, one)
            row["velocity"] = mean_in_words(velocity_errors(answer, one), "m/s")
            row["velocity_of_parse_floor"] = ratio(velocity_errors(answer, one), floor)
        found[name] = row
        if "out_of_range" in other.attrs:
            scores += json.loads(other.attrs["out_of_range"])
            # In units of what there is to be wrong about: farther out, more moves. Over all cases
            # of a scenario: in some nothing moves at all.
            growth += list((beyond / np.nanmean(still_beyond))
                           / (np.nanmean(errors) / np.nanmean(still)))
    found_calibration = calibrated(np.array(scores), np.array(growth)) if scores else None
    return {"scenarios": found, "out_of_range": found_calibration}


def calibrated(scores: np.ndarray, growth: np.ndarray) -> dict[str, Any]:
    """How errors grow with the distance outside the range of the training.

    scores : of cases. growth : their error over the mean error in range, each in units of the
    frozen picture's mean.

    ``observed_over_expected`` is of every other case, and what the bins of the others let expect.
    """
    kept = np.isfinite(growth) & (scores > 0)
    scores, growth = scores[kept], growth[kept]
    rank = spearmanr(scores, growth)
    expected = expected_growth(scores[1::2], growth_table(_bins(scores[::2], growth[::2])))[:, 0]
    return {"rank_correlation": float(rank.statistic), "p": float(rank.pvalue),
            "bins": _bins(scores, growth),
            "observed_over_expected": ratio(growth[1::2], expected)}


def growth_table(bins: list[dict[str, Any]]) -> tuple[Growth, ...]:
    """The bins as a checkpoint keeps them."""
    return tuple(Growth(one["from"], None if np.isinf(one["to"]) else one["to"],
                        *(round(one[part], 3) for part in ("growth", "low", "high")))
                 for one in bins if one["low"] is not None)


def _bins(scores: np.ndarray, growth: np.ndarray) -> list[dict[str, Any]]:
    bins = []
    for low, high in itertools.pairwise(BINS):
        inside = (scores > low) & (scores <= high)
        interval = mean_interval(growth[inside]) if inside.sum() > 1 else None
        bins.append({"from": low, "to": high, "cases": int(inside.sum()),
                     "growth": float(growth[inside].mean()) if inside.any() else None,
                     "low": interval.low if interval else None,
                     "high": interval.high if interval else None})
    return bins
