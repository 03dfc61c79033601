"""``python -m evaluation.sampler_settings``: one checkpoint under several sampler settings.

The headline errors, how much of the picture is painted in debris colours compared with the truth
(1: discs as in the truth; above: clouds), and the time per member, on a few cases of a seed of
their own: what is chosen here is judged on other cases (`evaluation.holdout`). With several
``--model``, checkpoints are compared as well. Writes ``sampler.md``.
"""

from __future__ import annotations

import argparse
import dataclasses
import shlex
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from evaluation.ask import ask
from evaluation.holdout_cases import Batch, Holdout
from evaluation.measure import measure_model
from evaluation.metrics import HEADLINE, METRICS
from evaluation.observe import CAMERA
from worldsim.diffusion.model import PACKAGED, VideoDiffusion
from worldsim.diffusion.sampler import SamplerConfig
from worldsim.errors import InputError, run_program
from worldsim.instruments.debris import colour_weights

SHOWN = tuple(m for m in METRICS if m.name in (*HEADLINE, "debris.lost"))

SEED = 9002
"""Of the cases that settings are chosen on; neither training nor the held-out record uses it."""

SETTINGS = ("", "steps=6", "steps=24", "shift=1", "shift=6", "steps=6,heun=true", "guidance=1.5")
"""What is compared unless told otherwise; the empty one is the checkpoint's own."""


def changes_of(text: str) -> dict[str, object]:
    """Sampler settings from text such as ``steps=24,shift=1``.

    Raises
    ------
    InputError : not such a list, or no setting of that name.
    """
    kinds = {name: type(value) for name, value in dataclasses.asdict(SamplerConfig()).items()}
    changes: dict[str, object] = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        if name not in kinds:
            raise InputError(f"no sampler setting {name!r}; there are {', '.join(kinds)}")
        try:
            changes[name] = (value == "true") if kinds[name] is bool else kinds[name](value)
        except ValueError as error:
            raise InputError(f"{part!r}: give {name} a number") from error
    return changes


def painted_share(dream: xr.DataArray, truth: xr.DataArray) -> float:
    """Area in debris colours over the last half, relative to the truth's.

    dream, truth : rgb (case, realization, time, row, column, channel) uint8.
    """
    half = truth.sizes["time"] // 2
    areas = [float(colour_weights(video.isel(time=slice(half, None)).values).mean())
             for video in (dream, truth)]
    return areas[0] / areas[1]


def compare(model: VideoDiffusion, holdout: Holdout, work: Path,
            settings: Sequence[str]) -> Iterator[dict[str, float | str]]:
    """One row per setting; rows are yielded as they are found."""
    for setting in settings:
        changed = model.with_sampler(**changes_of(setting))
        values, shares, seconds = [], [], 0.0
        for cases in holdout.batches():
            batch = Batch(holdout, cases, work)
            with batch.truth() as stored:
                ready = batch.ready(stored)
                question = batch.question(stored)
            began = time.perf_counter()
            answer = ask(changed, question)
            seconds += time.perf_counter() - began
            values.append(measure_model(answer, ready, SHOWN)["value"])
            shares.append(painted_share(answer[f"video/{CAMERA}"]["rgb"], ready.video[CAMERA]))
        mean = xr.concat(values, "case").mean("case")
        yield {
            "checkpoint": model.sha256[:12],
            "setting": setting or "its own",
            **{f"{m.name} ({m.unit})": float(mean.sel(metric=m.name)) for m in SHOWN},
            "debris area, 1 = truth": float(np.mean(shares)),
            "s per member": seconds / (holdout.cases * holdout.realizations),
        }


def table(rows: Sequence[dict[str, float | str]]) -> str:
    """Rows as a Markdown table."""
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|---" * len(names) + "|"]
    for row in rows:
        cells = [v if isinstance(v, str) else f"{v:.3g}" for v in row.values()]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _options(args: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.sampler_settings",
        description="Compare sampler settings of a checkpoint on a few held-out cases.")
    parser.add_argument("--model", action="append", metavar="NAME",
                        help="packaged checkpoint or checkpoint directory; several times")
    parser.add_argument("--cases", type=int, default=8)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--realizations", type=int, default=4, help="members per case")
    parser.add_argument("--setting", action="append", metavar="NAME=VALUE,…",
                        help="settings to compare, e.g. steps=24,shift=1; several times")
    parser.add_argument("--out", type=Path, default=Path("records/holdout"))
    parser.add_argument("--work", type=Path, default=Path("runs/holdout"),
                        help="where evaluation.holdout keeps the truth")
    return parser.parse_args(args)


def main(args: Sequence[str]) -> int:
    """Compare, print and write the table."""
    options = _options(args)
    if min(options.cases, options.realizations) < 1:
        raise InputError("give 1 or more cases and realizations")
    holdout = Holdout(seed=options.seed, cases=options.cases, realizations=options.realizations)
    models = [VideoDiffusion.from_pretrained(name) for name in options.model or [PACKAGED]]
    settings = options.setting or SETTINGS
    for setting in settings:
        changes_of(setting)
    rows = []
    for model in models:
        for row in compare(model, holdout, options.work, settings):
            rows.append(row)
            print(table([row]).splitlines()[-1], flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    command = shlex.join(("python", "-m", "evaluation.sampler_settings", *args))
    path = options.out / "sampler.md"
    path.write_text(
        "# Sampler settings\n\n"
        f"`{command}`\n\nMeans over {options.cases} cases of seed {options.seed}, "
        f"{options.realizations} members each. Errors: lower is better. Debris area: pixels in "
        "debris colours over the last half, relative to the truth's; 1 is discs as in the truth, "
        "more is clouds.\n\n" + table(rows))
    print(path)
    return 0


if __name__ == "__main__":
    run_program(main)
