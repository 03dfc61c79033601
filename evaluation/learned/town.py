"""``python -m evaluation.learned.town``: what a world model says of a town, beside what it shows.

Gauges, houses and people, on the held-out cases of ``python -m evaluation.holdout`` (which keeps
the truth in the same work directory). Fair CRPS over the last half against every realization of the
truth, beside three guesses: the last known value held, the other cases at the same instant, and the
simulator's other realizations, the best that can be done. Then the same read off the whole true
film, of which nothing is left to foresee: mean absolute errors. And whether pictures agree with
words: is it wet at a gauge where depth is said?
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from evaluation.ask import ask
from evaluation.ensemble import fair_crps
from evaluation.holdout_cases import Batch, Holdout, check_disjoint
from evaluation.learned.asking import mean_in_words, ratio, ratio_in_words
from evaluation.observe import CAMERA, observe_video
from worldsim.atomic import written_whole
from worldsim.diffusion.observables import GAUGE_PLACES
from worldsim.errors import InputError, run_program
from worldsim.model_registry import load_model
from worldsim.query import Known
from worldsim.simulator.people.record import Status
from worldsim.simulator.scene import Scene
from worldsim.world_model import WorldModel


@dataclasses.dataclass(frozen=True)
class Word:
    """Numbers that are said of one thing.

    name : for readers. entity, numbers : which (`worldsim.diffusion.observables`). unit : of them.
    """

    name: str
    entity: str
    numbers: tuple[int, ...]
    unit: str = ""


WORDS = (
    Word("depth at nine gauges", "gauges", tuple(range(9)), "m"),
    Word("share of houses standing", "houses", (0,)),
    Word("shares of houses in five damage states", "houses", tuple(range(4, 9))),
    Word("shares of people by what they do", "people", tuple(Status)),
    Word("share of people in the water", "people", (Status.IN_WATER,)),
)

WET = 0.05
"""m; the depth from which a gauge is to look wet: deeper than what is drawn as wet (`WET_DEPTH`),
since what is said of dry ground scatters by centimetres."""


def words_of(tree: xr.DataTree) -> dict[str, np.ndarray]:
    """(case, realization, time, number) of what a rollout says, by the names of `WORDS`."""
    names, state = json.loads(tree["said"].attrs["names"]), tree["said"]["state"].values
    return {word.name: state[..., names.index(word.entity), word.numbers].astype(float)
            for word in WORDS}


def crps(forecast: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(case,) fair CRPS of (case, member, time, number) against every realization of the truth."""
    names = ("case", "time", "number")
    score = fair_crps(
        xr.DataArray(np.moveaxis(forecast, 1, -1), dims=(*names, "realization")),
        xr.DataArray(np.moveaxis(truth, 1, -1), dims=(*names, "observation")))
    return np.asarray(score.mean(["time", "number"]))


def guesses(truth: np.ndarray, last: np.ndarray) -> dict[str, np.ndarray]:
    """(case,) errors of plain guesses and of the simulator.

    truth : (case, realization, time, number). last : (case, number) the last known values.
    """
    count, members = truth.shape[:2]
    held = np.broadcast_to(last[:, None, None], (count, 1, *truth.shape[2:]))
    others = np.stack([np.delete(truth, case, axis=0).reshape(-1, *truth.shape[2:])
                       for case in range(count)])
    again = [crps(np.delete(truth, one, axis=1), truth[:, one:one + 1]) for one in range(members)]
    return {"held": crps(held, truth), "other cases": crps(others, truth),
            "simulator": np.mean(again, axis=0)}


def agreement(answer: xr.DataTree, scene: Scene, context: int) -> np.ndarray:
    """(case,) share of gauges and frames, after the known ones, that look wet just where they are
    said to be."""
    wet = observe_video(answer[f"video/{CAMERA}"].dataset)["water"]["wet"]
    length, width = scene.domain.length, scene.domain.width
    shown = wet.sel(x=[place * length for place in GAUGE_PLACES],
                    y=[place * width for place in GAUGE_PLACES], method="nearest")
    shown = shown.transpose("case", "realization", "time", "y", "x").values[:, :, context:]
    said = words_of(answer)[WORDS[0].name][:, :, context:] > WET
    return np.asarray((said == shown.reshape(said.shape)).mean(axis=(1, 2, 3)))


def measure(model: WorldModel, holdout: Holdout, work: Path,
            tell: Callable[[str], None]) -> dict[str, Any]:
    """Errors of every word, and how far words and pictures agree."""
    half = round(holdout.duration * holdout.fps / 2)
    truths: list[dict[str, np.ndarray]] = []
    answers: list[dict[str, np.ndarray]] = []
    readings: list[dict[str, np.ndarray]] = []
    same = []
    for number, cases in enumerate(holdout.batches()):
        batch = Batch(holdout, cases, work)
        with batch.truth() as stored:
            if "said" not in stored.children:
                raise InputError(f"the truth in {batch.folder} does not hold what is said; remove "
                                 "it and repeat the command")
            answer = ask(model, batch.question(stored))
            if "said" not in answer.children:
                raise InputError(f"{model.name} says nothing of {holdout.scenario}")
            film = stored[f"video/{CAMERA}/rgb"].values[:, 0]
            read = model.rollout(dataclasses.replace(
                batch.question(stored, realizations=1), known=(Known(CAMERA, film),)))
            for kept, tree in ((truths, stored), (answers, answer), (readings, read)):
                kept.append(words_of(tree))
            scene = holdout.scenario_of(cases[0]).scene(holdout.seed, cases[0])
            same.append(agreement(answer, scene, holdout.context))
        tell(f"cases {cases[0]} to {cases[-1]} of {holdout.cases}: "
             f"{number + 1} of {len(holdout.batches())}")
    found = {}
    for word in WORDS:
        truth, answered, was_read = (np.concatenate([batch[word.name] for batch in kept])
                                     for kept in (truths, answers, readings))
        last, late = truth[:, 0, holdout.context - 1], truth[:, :, half:]
        scores = {"model": crps(answered[:, :, half:], late)} | guesses(late, last)
        found[word.name] = {
            "read_off": mean_in_words(crps(was_read[:, :, half:], late[:, :1]), word.unit),
            "errors": {name: mean_in_words(values, word.unit) for name, values in scores.items()},
            "over": {name: ratio(scores["model"], values) for name, values in scores.items()
                     if name != "model"}}
    return {"words": found, "shows_as_it_says": mean_in_words(np.concatenate(same), "")}


def written(results: dict[str, Any]) -> str:
    """The table."""
    lines = [f"# What `{results['model']}` says of the town", "", f"`{results['command']}`", "",
             f"Weights {results['checkpoint'][:12]}; {results['cases']} held-out cases, "
             f"{results['realizations']} realizations each. Fair CRPS over the last half of 12 s, "
             "95% intervals over cases; the first second is known. Held: the last known value. "
             "Other cases: at the same instant. Simulator: its other hidden draws.", "",
             "| what is said | model | held | other cases | simulator | over held | "
             "over other cases | over simulator | read off the true film |",
             "|---|---|---|---|---|---|---|---|---|"]
    for name, row in results["words"].items():
        cells = [*row["errors"].values(), *map(ratio_in_words, row["over"].values()),
                 row["read_off"]]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", f"A gauge looks wet just when more than {WET} m are said there, in "
              f"{results['shows_as_it_says']} of gauges and frames."]
    return "\n".join(lines) + "\n"


def main(args: Sequence[str]) -> int:
    """Measure, and write the record."""
    default = Holdout()
    parser = argparse.ArgumentParser(prog="python -m evaluation.learned.town",
                                     description="Measure what a world model says of a town.")
    parser.add_argument("--model", default="worldsim-small")
    parser.add_argument("--cases", type=int, default=16)
    parser.add_argument("--realizations", type=int, default=default.realizations)
    parser.add_argument("--work", type=Path, default=Path("runs/holdout"))
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(args)
    if options.cases < 2 or options.realizations < 2:
        raise InputError("--cases, --realizations: give at least 2")
    holdout = dataclasses.replace(default, cases=options.cases, realizations=options.realizations)
    model = load_model(options.model)
    seed = getattr(getattr(model, "summary", None), "seed", None)
    if seed is not None:
        check_disjoint(holdout, seed)
    results = {
        "model": options.model, "checkpoint": str(getattr(model, "sha256", "")),
        "cases": options.cases, "realizations": options.realizations,
        "command": "python -m evaluation.learned.town " + shlex.join(args),
    } | measure(model, holdout, options.work, lambda line: print(line, flush=True))
    options.out.mkdir(parents=True, exist_ok=True)
    for name, text in (("results.json", json.dumps(results, indent=1) + "\n"),
                       ("README.md", written(results))):
        with written_whole(options.out / name) as path:
            path.write_text(text)
    print(f"wrote {options.out / 'README.md'}")
    return 0


if __name__ == "__main__":
    run_program(main)
