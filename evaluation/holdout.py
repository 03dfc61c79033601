"""``python -m evaluation.holdout``: a world model against four baselines and the simulator itself.

On cases held out of the training, inside its range: fair Brier score of wet area and fair CRPS of
debris positions over the last half, with bootstrap intervals over cases and paired differences.
Writes ``holdout.json``, ``holdout.md`` and ``holdout.png``. Interrupted, the same command goes on
where it was; another ``--model`` is scored without simulating again.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from evaluation.holdout_cases import Holdout, check_disjoint, measured_on_all
from evaluation.holdout_record import write_record
from evaluation.measure import FLOOR
from worldsim.compiler import compiling_pays
from worldsim.errors import InputError, run_program
from worldsim.model_registry import load_model
from worldsim.models.simulated import SimulatedWorld
from worldsim.world_model import WorldModel

CEILING = "mujoco"
BASELINES = (
    "baseline:frozen", "baseline:constant-velocity", "baseline:climatology", "baseline:nearest",
)


def _options(args: Sequence[str]) -> argparse.Namespace:
    default = Holdout()
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.holdout",
        description="Score world models on held-out cases against baselines and the simulator.",
    )
    parser.add_argument("--scenario", default=default.scenario)
    parser.add_argument("--cases", type=int, default=default.cases)
    parser.add_argument("--realizations", type=int, default=default.realizations)
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--batch", type=int, default=default.batch,
                        help="cases worked on at once (memory); each batch is kept when finished")
    parser.add_argument("--model", action="append", metavar="NAME",
                        help="world model to score; may be given several times; the first is the "
                        "one that the differences are of (worldsim-small by default)")
    parser.add_argument("--prepare", action="store_true",
                        help="only simulate and measure what does not depend on a checkpoint")
    parser.add_argument("--out", type=Path, default=Path("records/holdout"))
    parser.add_argument("--work", type=Path, default=Path("runs/holdout"),
                        help="where truth and errors are kept between runs")
    return parser.parse_args(args)


def _tell(name: str, done: int, count: int) -> None:
    print(f"{name}: batch {done} of {count}", flush=True)


def _loaded(name: str, members: int) -> WorldModel:
    """The model; a simulator compiles its water solver, which pays for so many members."""
    model = load_model(name)
    if isinstance(model, SimulatedWorld):
        return dataclasses.replace(model, compiled=compiling_pays(members))
    return model


def main(args: Sequence[str]) -> int:
    """Measure what is missing, then write the record."""
    options = _options(args)
    if min(options.cases, options.realizations, options.batch) < 1 or options.seed < 0:
        raise InputError("give 1 or more cases, realizations and batch, and a seed of 0 or more")
    holdout = Holdout(scenario=options.scenario, seed=options.seed, cases=options.cases,
                      realizations=options.realizations, batch=options.batch)
    prepared = (*BASELINES[:2], CEILING)
    asked = options.model or ["worldsim-small"]
    names = prepared if options.prepare else dict.fromkeys((*asked, *BASELINES, CEILING))

    measured = {}
    for name in (FLOOR, *names):
        model = None if name == FLOOR else _loaded(name, options.cases * options.realizations)
        trained_on = getattr(getattr(model, "summary", None), "seed", None)
        if trained_on is not None:
            check_disjoint(holdout, trained_on)
        measured[name] = measured_on_all(holdout, options.work, name, model, _tell)
    if options.prepare:
        print(f"{options.work} is ready for models")
        return 0
    for path in write_record(options.out, holdout, measured, asked, BASELINES, CEILING,
                             " ".join(("python -m evaluation.holdout", *args))):
        print(path)
    return 0


if __name__ == "__main__":
    run_program(main)
