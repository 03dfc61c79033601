"""The stages of a run. Each leaves whole outputs, and is skipped where they are there already."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence

import xarray as xr

from evaluation.ask import ask
from evaluation.report import outcomes_file, write_report
from evaluation.scores import evaluate
from worldsim.camera import render
from worldsim.cli import films
from worldsim.cli.case_by_case import dream
from worldsim.cli.progress import Advance, Stages
from worldsim.errors import MembersFailed
from worldsim.query import Query, query
from worldsim.rollout import open as open_rollout
from worldsim.rollout import save
from worldsim.run_directory import RunDirectory
from worldsim.scenario import Scenario
from worldsim.simulator.audit_record import failed_members
from worldsim.simulator.distribution import workers_that_pay
from worldsim.simulator.world import simulate
from worldsim.world_model import WorldModel

SIZE = (64, 96)
"""Rows and columns of the frames that world models see and give."""

FPS = 5.0
CAMERAS = ("overhead", "street")
TRUTH = ("truth.zarr",)
FRAMES = ("truth.zarr/video",)
FILMS = ("videos/simulated", "videos/full-size", "stills", "truth.mp4")
DREAM = ("dream.zarr",)
DREAM_FILMS = ("videos/generated", "dream.mp4")
SCORES = ("scores.nc", "scores.json")
TRUTH_OUTCOMES = (outcomes_file.TRUTH,)
DREAM_OUTCOMES = (outcomes_file.DREAM,)
REPORT = ("report.html",)

ALL = (TRUTH + TRUTH_OUTCOMES + FRAMES + FILMS + DREAM + DREAM_FILMS + SCORES + DREAM_OUTCOMES
       + REPORT)
COUNT = 9
"""Number of stages."""


def complete(run: RunDirectory) -> bool:
    """Whether every output of every stage is there."""
    return all(run.has(name) for name in ALL)


def all_stages(run: RunDirectory, scenario: Scenario, model: WorldModel,
               baselines: Mapping[str, WorldModel], stages: Stages) -> None:
    """Do what is not done yet, in order."""
    simulate_truth(run, scenario, stages)
    assess_truth(run, stages)
    _unless_done(run, stages, FRAMES, "render what the model sees",
                 lambda advance: _render_frames(run, advance))
    _unless_done(run, stages, FILMS, "film the truth",
                 lambda advance: films.film_truth(run, advance))
    _unless_done(run, stages, DREAM, f"dream with {model.name}",
                 lambda advance: _dream(run, scenario, model, advance))
    _unless_done(run, stages, DREAM_FILMS, "film the dream",
                 lambda advance: films.film_dream(run, advance))
    _unless_done(run, stages, SCORES, f"score against {len(baselines)} baselines",
                 lambda advance: _score(run, scenario, baselines, advance))
    assess_dream(run, stages)
    _unless_done(run, stages, REPORT, "write the report",
                 lambda advance: write_report_page(run))


def simulate_truth(run: RunDirectory, scenario: Scenario | Sequence[Scenario],
                   stages: Stages) -> None:
    """Simulate all members, of one scenario or of one per case, and store their states."""
    name = scenario.name if isinstance(scenario, Scenario) else scenario[0].name

    def work(advance: Advance) -> None:
        d = run.definition
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MembersFailed)  # said below, once and readably
            truth = simulate(scenario, cases=d["cases"], realizations=d["realizations"],
                             seed=d["seed"], duration=d["duration"], progress=advance,
                             workers=workers_that_pay(d["cases"] * d["realizations"],
                                                      d["duration"]))
        failed = failed_members(truth)
        for line in failed:
            stages.say(f"failed member: {line}")
        if failed:
            members = d["cases"] * d["realizations"]
            stages.say(f"{len(failed)} of {members} members failed; they are kept and marked, "
                       "and their cases are not scored")
        with run.producing("truth.zarr") as path:
            save(truth, path)

    _unless_done(run, stages, TRUTH, f"simulate {name}", work)


def _unless_done(run: RunDirectory, stages: Stages, outputs: tuple[str, ...], title: str,
                 work: Callable[[Advance], None]) -> None:
    if all(run.has(name) for name in outputs):
        stages.kept(title)
        return
    begun = time.monotonic()
    with stages.stage(title) as advance:
        work(advance)
    run.note(title, seconds=round(time.monotonic() - begun, 1))


def _render_frames(run: RunDirectory, advance: Advance) -> None:
    """Both cameras at the model's size and rate, stored beside the states."""
    with open_rollout(run.at("truth.zarr")) as truth, run.producing("truth.zarr/video") as path:
        videos = {}
        for done, camera in enumerate(CAMERAS):
            videos[camera] = render(truth, camera, size=SIZE, fps=FPS)
            advance((done + 1) / len(CAMERAS))
        xr.DataTree.from_dict(videos).to_zarr(path, mode="w", consolidated=False)


def _dream(run: RunDirectory, scenario: Scenario, model: WorldModel, advance: Advance) -> None:
    with open_rollout(run.at("truth.zarr")) as truth:
        answer = dream(model, _query(run, scenario, truth), advance)
    with run.producing("dream.zarr") as path:
        save(answer, path)


def _query(run: RunDirectory, scenario: Scenario, truth: xr.DataTree) -> Query:
    d = run.definition
    return query(scenario, context=truth, frames=d["context_frames"],
                 realizations=d["realizations"], seed=d["seed"], cameras=CAMERAS, size=SIZE,
                 fps=FPS, duration=d["duration"])


def _score(run: RunDirectory, scenario: Scenario, baselines: Mapping[str, WorldModel],
           advance: Advance) -> None:
    with (
        open_rollout(run.at("truth.zarr")) as truth,
        open_rollout(run.at("dream.zarr")) as answer,
    ):
        asked = _query(run, scenario, truth)
        answers = {}
        for done, (name, baseline) in enumerate(baselines.items()):
            answers[name] = ask(baseline, asked)
            advance((done + 1) / (len(baselines) + 2))
        scores = evaluate(answer, truth, baselines=answers)
    with run.producing("scores.nc"), run.producing("scores.json") as path:
        scores.save(path.parent)


def assess_truth(run: RunDirectory, stages: Stages) -> None:
    """What follows from the simulated states: damage, services, casualties, symptoms."""

    def work(advance: Advance) -> None:
        with (
            open_rollout(run.at("truth.zarr")) as truth,
            run.producing(outcomes_file.TRUTH) as path,
        ):
            outcomes_file.save_outcomes(outcomes_file.assess_truth(truth), path)

    _unless_done(run, stages, TRUTH_OUTCOMES, "assess what follows in the truth", work)


def assess_dream(run: RunDirectory, stages: Stages) -> None:
    """The same from the dream's video, by the same functions, as far as a video shows."""

    def work(advance: Advance) -> None:
        with (
            open_rollout(run.at("truth.zarr")) as truth,
            open_rollout(run.at("dream.zarr")) as answer,
            run.producing(outcomes_file.DREAM) as path,
        ):
            outcomes_file.save_outcomes(outcomes_file.assess_dream(answer, truth), path)

    _unless_done(run, stages, DREAM_OUTCOMES, "assess what follows in the dream", work)


def write_report_page(run: RunDirectory) -> None:
    """Write ``report.html`` from what the run holds, in place of an older one."""
    with run.producing("report.html") as path:
        write_report(run.path, path)
