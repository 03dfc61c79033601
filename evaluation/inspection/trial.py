"""Inspections of true and of spoilt videos: the scores that each rule gives."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
import xarray as xr

import worldsim
from evaluation.inspection.films import ENCODINGS, RAW, drawn, encoded, filmed
from evaluation.inspection.places import Place, place
from worldsim.inspection.finding import Candidate, Kind
from worldsim.inspection.inspect import candidates, follow
from worldsim.inspection.known import Known, knowledge
from worldsim.inspection.planting import (
    energy_kicks,
    other_gravity,
    teleported,
    vanished,
    with_kicks,
)
from worldsim.instruments import track
from worldsim.instruments.mattes import mattes
from worldsim.scenario import Scenario, scenario_class
from worldsim.seeding import stream

SEEDS = {"calibration": 31, "test": 32}
TRUE = "true"

LADDERS: dict[str, tuple[float, ...]] = {
    "teleport": (0.02, 0.05, 0.1, 0.2),
    "vanishing": (0.0,),
    "energy": (0.1, 0.2, 0.3, 0.6),
    "gravity": (-0.2, -0.1, -0.05, 0.05, 0.1, 0.2),
}
"""Sizes of what is planted: frame's widths; nothing (the object's diameter is the size); shares."""

GOALS = {"teleport": (0.1,), "vanishing": (0.0,), "energy": (0.3,), "gravity": (-0.2, 0.2)}
"""Those that have to be found; planted in re-encoded videos as well."""

WAY = {"teleport": 0.5, "vanishing": 0.5, "energy": 1.5, "gravity": 0.5}
"""px per frame, least speed of what is spoilt: 30% more energy is 14% more speed, 0.2 px per frame
of this."""

WITHIN = 2.5
"""Frames around a violation within which a finding is taken to mean it."""


@dataclasses.dataclass(frozen=True)
class Trial:
    """One video, inspected.

    what : `TRUE`, or what is planted. size : of it. diameter : px, of what is spoilt; 0 in true
    videos. known : whether the inspection was told the scenario.
    scores : by rule, the greatest; of spoilt videos, of candidates that mean what was planted.
    """

    scenario: str
    case: int
    rows: int
    encoding: str
    what: str
    size: float
    diameter: float
    known: bool
    scores: dict[str, float]


def true_trials(name: str, seed: int, cases: int, rows: int) -> Iterator[Trial]:
    """True videos, as rendered and re-encoded."""
    cls = scenario_class(name)
    scenarios = drawn(name, seed, range(cases))
    films = filmed(worldsim.simulate(scenarios, seed=seed, threads=1), cls, rows)
    for case, scenario in enumerate(scenarios):
        for encoding in ENCODINGS:
            frames = encoded(films[case], cls.fps, encoding)
            for known, found in both(frames, scenario):
                yield Trial(name, case, rows, encoding, TRUE, 0.0, 0.0, known, greatest(found))


def planted_trials(name: str, seed: int, cases: int, rows: int) -> Iterator[Trial]:
    """Spoilt videos: all sizes as rendered, those of the goals re-encoded as well."""
    cls = scenario_class(name)
    scenarios = drawn(name, seed, range(cases))
    truth = worldsim.simulate(scenarios, seed=seed, threads=1)
    if "contacts" not in truth.children:
        return
    camera = cls.film_cameras[0]
    films = filmed(truth, cls, rows)
    tracks = track(films[:, None], fps=cls.fps)
    for what, ladder in LADDERS.items():
        if what == "gravity" and not _falls(scenarios[0], rows):
            continue
        places = {}
        for case in range(cases):
            rng = stream(seed, case, 0, f"planted {what}")
            one = place(truth, tracks, case, camera, rng, WAY[what], max(ladder)
                        if what == "teleport" else 0.0, flying=what == "gravity")
            if one is not None:
                places[case] = one
        for size in ladder if places else ():
            spoilt = filmed(_spoilt(truth, scenarios, seed, places, what, size), cls, rows)
            for i, (case, one) in enumerate(places.items()):
                for encoding in ENCODINGS if size in GOALS[what] else (RAW,):
                    frames = encoded(spoilt[i], cls.fps, encoding)
                    for known, found in both(frames, scenarios[case]):
                        yield Trial(name, case, rows, encoding, what, size, one.diameter, known,
                                    greatest(_meaning(found, what, one.time * cls.fps)))


def _falls(scenario: Scenario, rows: int) -> bool:
    known = _known(scenario, (rows, rows))
    return known.fall is not None and bool(known.fall.any())


def _known(scenario: Scenario, size: tuple[int, int]) -> Known:
    return knowledge(scenario, scenario.film_cameras[0], size)


def _spoilt(truth: xr.DataTree, scenarios: list[Scenario], seed: int, places: dict[int, Place],
            what: str, size: float) -> xr.DataTree:
    """A rollout of the cases in `places` alone."""
    cases = list(places)
    if what in ("teleport", "vanishing"):
        for case, one in places.items():
            truth = (teleported(truth, case, 0, one.body, one.time, tuple(size * one.across))
                     if what == "teleport" else vanished(truth, case, 0, one.body, one.time))
        return truth.isel(case=cases)
    chosen = [scenarios[case] for case in cases]
    if what == "gravity":
        return worldsim.simulate(chosen, seed=seed, case_numbers=cases, threads=1,
                                 physics=other_gravity(1 + size))
    names = json.loads(truth["bodies"].attrs["names"])
    kicks = {case: energy_kicks(scenarios[case].scene(seed, case), one.time,
                                names[case][one.body], size) for case, one in places.items()}
    return worldsim.simulate(with_kicks(chosen, kicks), seed=seed, case_numbers=cases, threads=1)


def both(frames: np.ndarray, scenario: Scenario) -> Iterator[tuple[bool, list[Candidate]]]:
    """Candidates without, and with, what the scenario tells."""
    tracks = track(frames, fps=scenario.fps).isel(case=0, realization=0)
    if not bool(tracks["found"].any()):
        yield from ((known, []) for known in (False, True))
        return
    backdrop = mattes(torch.from_numpy(np.array(frames)).float()).backdrop.numpy()
    followed = follow(tracks, backdrop)
    yield False, candidates(followed)
    yield True, candidates(followed, _known(scenario, frames.shape[1:3]))


def _meaning(found: Iterable[Candidate], what: str, frame: float) -> Iterator[Candidate]:
    """Candidates that mean what was planted: of gravity, those that say so; else those at the
    time, of whatever kind."""
    for one in found:
        fits = (one.kind is Kind.WRONG_GRAVITY if what == "gravity"
                else one.kind is not Kind.WRONG_GRAVITY and abs(one.frame - frame) <= WITHIN)
        if fits:
            yield one


def greatest(found: Iterable[Candidate]) -> dict[str, float]:
    """The greatest score by rule."""
    scores: dict[str, float] = {}
    for one in found:
        rule = str(one.rule)
        scores[rule] = max(scores.get(rule, 0.0), round(float(one.score), 2))
    return scores


def as_rows(trials: Iterable[Trial]) -> list[dict[str, Any]]:
    """As plain tables."""
    return [dataclasses.asdict(one) for one in trials]
