"""``python -m evaluation.physics_iq.blindness``: what a mask-based score misses of a falling ball.

Dreams whose error is known (no motion at all, gravity at 1.81 of 9.81 m/s2, halved, 10 % off, the
exact physics with other hidden draws) are scored in the style of Physics-IQ, by motion masks and by
the renderer's exact masks, and read by instruments: metres off, and the acceleration of what falls.
Writes ``blindness.json``, ``blindness.md`` and ``blindness.png``.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from evaluation.bootstrap import DEFAULT, mean_interval
from evaluation.metrics.metric import Sample
from evaluation.metrics.trajectory import judged, placed
from evaluation.physics_iq.agreement import Agreement, mean_agreement
from evaluation.physics_iq.blindness_record import write_record
from evaluation.physics_iq.score import original
from evaluation.physics_iq.style import physics_iq_style, physics_iq_style_exact
from evaluation.reading import Reading, reading_of
from worldsim.errors import InputError, run_program
from worldsim.instruments import track
from worldsim.instruments.gravity import effective_gravity
from worldsim.models.simulated import SimulatedWorld
from worldsim.query import Known, Origin, Query
from worldsim.rollout import software_versions
from worldsim.scenario import scenario_class
from worldsim.splits import Purpose, Split, draw, seed_for

DREAMS = {
    "frozen": "nothing moves",
    "mujoco:gravity=1.81": "gravity 1.81 for 9.81",
    "mujoco:gravity=-50%": "gravity halved",
    "mujoco:gravity=-10%": "gravity 10 % off",
    "mujoco": "exact physics",
}
"""World models by name, and what is wrong with them; ``frozen`` is the first frame for ever."""

MEASURES = {
    "motion": ("Physics-IQ-style, motion masks", "of 100"),
    "exact": ("Physics-IQ-style, exact masks", "of 100"),
    "position": ("position error", "m"),
    "acceleration": ("acceleration of fall read", "of the true one"),
}
"""What is measured of each case, and its unit."""


@dataclasses.dataclass(frozen=True)
class Scene:
    """what : in words. changes : parameters of the scenario that are not as drawn.
    rows : of the film, px."""

    what: str
    changes: Mapping[str, float]
    rows: int = 64


ONCE = {"count": 1.0, "restitution": 0.0}

SCENES = (
    Scene("one ball falls and lies, 64 px", ONCE),
    Scene("one ball falls and lies, 256 px", ONCE, rows=256),
    Scene("1 to 3 balls fall and bounce, 64 px", {}),
)


@dataclasses.dataclass(frozen=True)
class Demonstration:
    """cases : number of cases, drawn in range. seed : of the tests' seeds, by number.
    duration : s of film, of which Physics-IQ looks at 5."""

    scenario: str = "free_fall"
    cases: int = 16
    seed: int = 0
    duration: float = 5.0


@dataclasses.dataclass(frozen=True)
class Filmed:
    """Videos of some cases.

    rgb : (case, time, row, column, 3) uint8. moving : (case, time, row, column) bool, the pixels of
    what instruments follow.
    """

    rgb: np.ndarray
    moving: np.ndarray


def measure(settings: Demonstration, scene: Scene) -> dict[str, dict[str, np.ndarray]]:
    """For every dream (by name) every measure, (case,); also the four of Physics-IQ, by motion
    masks: ``SP`` … ``MSE_variance``."""
    from worldsim.simulator.world import simulate

    cls = scenario_class(settings.scenario)
    reading, seed = reading_of(settings.scenario), seed_for(Purpose.TEST, settings.seed)
    numbers = tuple(range(settings.cases))
    scenarios = [dataclasses.replace(draw(cls, Split.IN_RANGE, seed, number), **scene.changes)
                 for number in numbers]
    truth = simulate(scenarios, realizations=2, seed=seed, case_numbers=list(numbers),
                     duration=settings.duration)
    size = (scene.rows, scene.rows * cls.size[1] // cls.size[0])
    takes = [_filmed(truth, reading.camera, size, member) for member in (0, 1)]
    codes = [scenario.codes() for scenario in scenarios]
    query = Query(
        scenario=settings.scenario, cameras=(reading.camera,), size=size, fps=cls.fps,
        parameters={name: np.array([code[name] for code in codes]) for name in codes[0]},
        known=(Known(reading.camera, takes[0].rgb[:, :1]),), duration=settings.duration,
        cases=settings.cases, origin=Origin(seed, numbers),
    )
    time = np.arange(query.frames) / cls.fps
    state = reading.of_state(truth.isel(realization=[0]), size, time)
    gravity = np.array([float(scenario.values()["gravity"]) for scenario in scenarios])
    found = {}
    for name in DREAMS:
        dream = _dreamt(name, query, takes[0])
        films = (dream, *takes)
        style = [_styles([film.rgb[case] for film in films], [film.moving[case] for film in films],
                         cls.fps) for case in range(settings.cases)]
        found[name] = {key: np.array([one[key] for one in style]) for key in style[0]}
        found[name] |= _read(dream, reading, state, gravity, query)
    return found

def _dreamt(name: str, query: Query, take: Filmed) -> Filmed:
    if name == "frozen":
        frozen = (np.repeat(values[:, :1], values.shape[1], axis=1)
                  for values in (take.rgb, take.moving))
        return Filmed(*frozen)
    states = SimulatedWorld.from_name(name).simulated(query)
    return _filmed(states, query.cameras[0], query.size, 0)


def _filmed(states: xr.DataTree, camera: str, size: tuple[int, int], member: int) -> Filmed:
    """One realization of every case, with the pixels of the parts that are followed."""
    from worldsim.camera import render

    film = render(states, camera, size=size, segmentation=True,
                  realizations=int(states["realization"].values[member]))
    parts = states["parts"].dataset
    followed = parts["present"].values & parts["tracked"].values
    label = film["segmentation"].values[:, 0]
    moving = np.stack([np.isin(one, np.flatnonzero(part))
                       for one, part in zip(label, followed, strict=True)])
    return Filmed(film["rgb"].values[:, 0], moving)


def _styles(films: Sequence[np.ndarray], masks: Sequence[np.ndarray],
            fps: float) -> dict[str, float]:
    """Of a case's dream and two takes."""
    dream, first, second = films
    motion = physics_iq_style(dream, first, second, fps)
    exact = physics_iq_style_exact(dream, first, second, masks[0], masks[1], masks[2], fps)
    return {**motion, "motion": motion["unclipped"], "exact": exact["unclipped"]}


def _read(dream: Filmed, reading: Reading, state: xr.DataTree, gravity: np.ndarray,
          query: Query) -> dict[str, np.ndarray]:
    """What instruments read off the dream: (case,) m and share of the true acceleration; 0 where
    nothing is seen to fall."""
    time = state["objects"]["time"]
    video = xr.Dataset(
        {"rgb": (("case", "realization", "time", "row", "column", "channel"), dream.rgb[:, None])},
        coords={"case": state["objects"]["case"], "realization": [0], "time": time},
        attrs={"fps": query.fps},
    )
    observed = reading.of_video(video, state, context=1)
    sample = Sample(observed, state, {}, {}, 1)
    apart = np.linalg.norm(placed(sample).values - state["objects"]["position"].values, axis=-1)
    shown = judged(sample).values
    off = np.where(shown, apart[:, 0], 0.0).sum(axis=(1, 2)) / shown.sum(axis=(1, 2))
    scale = query.size[0] / reading.height_m
    fall = effective_gravity(track(video), scale).values.reshape(len(off), -1)
    count = np.isfinite(fall).sum(axis=1)
    read = np.nansum(fall, axis=1) / np.maximum(count, 1)
    return {"position": off, "acceleration": read / gravity}


def record(found: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, Any]:
    """Of one scene, as JSON holds it: means over cases with intervals, and every case.

    ``without_mask`` : number of cases in which the truth has no motion mask at all, as a film has
    in which nothing moves.
    """
    dreams = {
        name: {
            "what": DREAMS[name],
            **{key: _estimate(values[key]) for key in MEASURES},
            "data_set": round(_of_data_set(values), 4),
            "cases": {key: [round(float(v), 6) for v in values[key]] for key in MEASURES},
        }
        for name, values in found.items()
    }
    return {"without_mask": int((found["frozen"]["SP"] == 1).sum()), "dreams": dreams}


def _estimate(values: np.ndarray) -> dict[str, Any]:
    interval = mean_interval(values)
    ends = None if interval.low is None or interval.high is None else [
        round(interval.low, 6), round(interval.high, 6)]
    return {"value": round(float(values.mean()), 6), "interval": ends, "reason": interval.reason}


def _of_data_set(values: Mapping[str, np.ndarray]) -> float:
    """The original score of all cases together, by motion masks."""
    def four(suffix: str) -> Agreement:
        columns = [values[name + suffix] for name in ("SP", "ST", "WS", "MSE")]
        return mean_agreement(Agreement(*row) for row in zip(*columns, strict=True))

    return original(four(""), four("_variance"))


def _options(args: Sequence[str]) -> argparse.Namespace:
    default = Demonstration()
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.physics_iq.blindness",
        description="What a mask-based score misses of a falling ball.",
    )
    parser.add_argument("--cases", type=int, default=default.cases)
    parser.add_argument("--out", type=Path, default=Path("records/benchmark/physics_iq"))
    return parser.parse_args(args)


def main(args: Sequence[str]) -> int:
    """Measure all scenes, then write the record."""
    options = _options(args)
    if options.cases < 1:
        raise InputError(f"cases={options.cases}: give 1 or more")
    settings = Demonstration(cases=options.cases)
    scenes = {}
    for scene in SCENES:
        scenes[scene.what] = record(measure(settings, scene))
        print(f"{scene.what}: measured", flush=True)
    everything = {
        "command": " ".join(("python -m evaluation.physics_iq.blindness", *args)),
        "settings": dataclasses.asdict(settings), "interval": dataclasses.asdict(DEFAULT),
        "versions": software_versions(),
        "measures": {key: {"what": what, "unit": unit} for key, (what, unit) in MEASURES.items()},
        "scenes": scenes,
    }
    for path in write_record(options.out, everything):
        print(path)
    return 0


if __name__ == "__main__":
    run_program(main)
