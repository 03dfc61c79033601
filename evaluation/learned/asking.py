"""Truths of scenarios of rigid bodies, questions about them, errors of the answers in metres."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from evaluation.bootstrap import mean_interval, ratio_interval
from evaluation.objects import objects_state, objects_video
from evaluation.reading import reading_of
from worldsim.camera import render
from worldsim.diffusion.observables import known_states
from worldsim.mechanics import Kick
from worldsim.query import Query, query
from worldsim.scenario import Scenario, scenario_class
from worldsim.simulator.world import simulate
from worldsim.splits import Purpose, Split, draw, seed_for

CONTEXT = 5
"""Known frames."""

SECONDS = 1.25
"""s of the answers: the known frames and one second."""

SEED = seed_for(Purpose.VALIDATION, 11)


@dataclasses.dataclass(frozen=True)
class Examined:
    """Cases of one scenario: the truth's states, its objects in metres, and the question."""

    scenarios: tuple[Scenario, ...]
    truth: xr.DataTree
    objects: xr.Dataset
    question: Query


def truth_of(scenarios: Sequence[Scenario], kicks: Sequence[Kick] = (),
             seconds: float = SECONDS) -> xr.DataTree:
    """Simulate the cases; the length is rounded up to tenths."""
    length = np.ceil(10 * seconds - 1e-9) / 10
    return simulate(list(scenarios), seed=SEED, duration=float(length), kicks=kicks)


def times(seconds: float, fps: float) -> np.ndarray:
    """s of the frames of an answer."""
    return np.arange(round(seconds * fps)) / fps


def examined(name: str, cases: int, split: Split = Split.IN_RANGE, *,
             kicks: Sequence[Kick] = (), seconds: float = SECONDS,
             change: Callable[[int, Scenario], Scenario] | None = None,
             told: bool = False, fps: float | None = None,
             size: tuple[int, int] | None = None) -> Examined:
    """Draw, simulate and ask, at the scenario's own rate and size unless given; `told` also tells
    the states of bodies in the known frames, by their names, so that pushes find them."""
    cls = scenario_class(name)
    fps = cls.fps if fps is None else fps
    size = cls.size if size is None else size
    drawn = [draw(cls, split, SEED, case) for case in range(cases)]
    if change is not None:
        drawn = [change(case, scenario) for case, scenario in enumerate(drawn)]
    truth = truth_of(drawn, kicks, seconds)
    asked = query(drawn, context=truth, frames=CONTEXT, cameras=(reading_of(name).camera,),
                  duration=seconds, fps=fps, size=size)
    states = known_states(truth, CONTEXT, fps) if told else ()
    asked = dataclasses.replace(asked, actions=tuple(kicks), states=states)
    objects = objects_state(truth, reading_of(name).camera, size, times(seconds, fps))["objects"]
    return Examined(tuple(drawn), truth, objects, asked)


def position_errors(answer: xr.DataTree, one: Examined) -> np.ndarray:
    """(case,) m: mean distance between where objects are seen and where they are, over the frames
    after the known ones; where an object is not seen, between where it was last seen and where it
    is."""
    name = one.question.scenario
    reading = reading_of(name)
    video = answer[f"video/{reading.camera}"].dataset
    seen = objects_video(video, one.objects, CONTEXT, reading.height_m)["objects"]
    found = _held(seen["position"].values)
    true = one.objects["position"].values
    return mean_judged(np.linalg.norm(found - true[:, :1], axis=-1), one.objects, CONTEXT)


def mean_judged(error: np.ndarray, objects: xr.Dataset, first: int = 0) -> np.ndarray:
    """(case,) mean of errors (case, 1, time, object) where objects are to be judged, from the frame
    `first` on."""
    kept = np.where(objects["judged"].values[:, :1], error, np.nan)[:, :, first:]
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nanmean(kept, axis=(1, 2, 3)))


def _held(position: np.ndarray) -> np.ndarray:
    """The last finite value along time (axis 2) where there is none."""
    held = position.copy()
    for at in range(1, held.shape[2]):
        gone = ~np.isfinite(held[:, :, at])
        held[:, :, at][gone] = held[:, :, at - 1][gone]
    return held


def simulated_answer(truth: xr.DataTree, one: Examined) -> xr.DataTree:
    """Another truth as the answer to a question, filmed as the question asks."""
    camera = one.question.cameras[0]
    film = render(truth, camera, size=one.question.size, fps=one.question.fps)
    film = film.isel(time=slice(0, one.question.frames))
    return xr.DataTree.from_dict({f"/video/{camera}": film})


def frozen(one: Examined) -> np.ndarray:
    """(case,) m: errors of the last known frame held."""
    true = one.objects["position"].values
    error = np.linalg.norm(true - true[:, :, CONTEXT - 1:CONTEXT], axis=-1)
    return mean_judged(error[:, :1], one.objects, CONTEXT)


def mean_in_words(values: np.ndarray, unit: str = "m") -> str:
    """A mean over cases with its 95% interval."""
    kept = np.asarray(values)[np.isfinite(values)]
    interval = mean_interval(kept)
    inner = (f" [{interval.low:.3g}, {interval.high:.3g}]" if interval.low is not None
             else f" ({interval.reason})")
    return f"{kept.mean():.3g}{inner} {unit}".strip()


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> dict[str, Any]:
    """The ratio of two means over the same cases with its 95% interval."""
    kept = np.isfinite(numerator) & np.isfinite(denominator)
    interval = ratio_interval(numerator[kept], denominator[kept])
    return {"value": float(numerator[kept].mean() / denominator[kept].mean()),
            "low": interval.low, "high": interval.high, "cases": int(kept.sum())}


def ratio_in_words(found: dict[str, Any]) -> str:
    """A ratio as text."""
    if found["low"] is None:
        return f"{found['value']:.2f}"
    return f"{found['value']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"
