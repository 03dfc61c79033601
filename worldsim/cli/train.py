"""``worldsim train``: simulate training data, and train the video diffusion transformer on it."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from worldsim.cli.flags import parse
from worldsim.cli.progress import Advance, Stages
from worldsim.errors import InputError
from worldsim.mechanics import MechanicalScene
from worldsim.splits import Purpose, Split, draw, seed_for

if TYPE_CHECKING:
    from worldsim.diffusion.clip_factory import Record
    from worldsim.diffusion.clips import ClipSet
    from worldsim.diffusion.presets import TrainingConfig
    from worldsim.diffusion.training import Validation

VERB = "worldsim train"

VALIDATION_SEED = seed_for(Purpose.VALIDATION, 0)
"""Of the cases that physical errors are logged on."""

VALIDATION_CASES = 4
VALIDATION_REALIZATIONS = 2


@dataclasses.dataclass(frozen=True)
class Options:
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Directory of the checkpoint, its state and its log."""
    preset: Literal["tiny", "small", "refine"] = "tiny"
    """tiny: minutes, to see everything work; small: hours, the packaged checkpoint; refine: a
    short end for small, with --init."""
    scenario: Annotated[str, tyro.conf.arg(metavar="NAME")] = "tsunami"
    """What to learn from; parameters are drawn from their training ranges."""
    clips: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Directory of simulated clips; made if missing, DIR/clips of --out by default."""
    resume: bool = False
    """Go on with the training in --out, exactly as if it had not stopped."""
    init: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Begin with the weights of another checkpoint."""
    cases: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Simulate that many cases instead of the preset's number; some of them only validate."""
    minutes: Annotated[float | None, tyro.conf.arg(metavar="min")] = None
    """Train for that long instead of the preset's time."""
    workers: Annotated[int, tyro.conf.arg(metavar="N")] = 2
    """Processes that simulate training data."""
    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Seed of data and training."""


def main(args: Sequence[str]) -> int:
    """Train, or go on training."""
    options = parse(Options, args, command=VERB,
                    description="Train the video world model on data that it simulates.")
    _check(options)
    from evaluation.observe import has_town
    from worldsim.diffusion.presets import preset
    from worldsim.diffusion.training import train
    from worldsim.models.summary import FILE_NAME, build_summary, record_observables
    from worldsim.scenario import scenario_class

    scene = scenario_class(options.scenario)().scene(options.seed, 0)
    scored, water = has_town(scene), not isinstance(scene, MechanicalScene)
    config = configuration(preset(options.preset), options)
    stages = Stages(3 if scored else 2)
    folder = options.clips or options.out / "clips"
    clips = _clips(options, config, folder, stages, record_observables if scored else None, water)
    validate = None
    if scored:
        with stages.stage("simulate what is validated on") as advance:
            validate = physical_validation(options.scenario, advance)
    with stages.stage("train") as advance:
        train(fitted(config, clips), clips, options.out, resume=options.resume, init=options.init,
              validate=validate, log=stages.say,
              progress=lambda fraction, _: advance(min(fraction, 1.0)))
    print(f"checkpoint: {options.out} (model.safetensors, config.json, README.md)")
    if scored:
        trained_on = clips.case_ids[:len(clips) - config.held_out]
        build_summary(folder, trained_on).save(options.out / FILE_NAME)
        print(f"use it: worldsim run {options.scenario} --model {shlex.quote(str(options.out))} "
              "--out runs/trained")
    else:
        print(f"use it: worldsim.load_model({str(options.out)!r}) in Python")
    return 0


def fitted(config: TrainingConfig, clips: ClipSet) -> TrainingConfig:
    """The configuration with clips no longer than the videos are, in whole groups of frames."""
    group = config.transformer.patches.frames
    frames = min(config.batch.frames, clips.frames // group * group)
    return dataclasses.replace(config, batch=dataclasses.replace(config.batch, frames=frames))


def configuration(config: TrainingConfig, options: Options) -> TrainingConfig:
    """A preset with what the options change."""
    changes: dict[str, Any] = {"seed": options.seed}
    if options.minutes is not None:
        changes["minutes"] = options.minutes
    if options.cases is not None:
        changes["cases"] = options.cases
        changes["held_out"] = min(config.held_out, -(-options.cases // 4))
    return dataclasses.replace(config, **changes)


def _check(options: Options) -> None:
    if options.cases is not None and options.cases < 2:
        raise InputError(f"--cases {options.cases}: give at least 2, one to learn and one to check")
    if options.workers < 1:
        raise InputError(f"--workers {options.workers}: give at least 1")
    if options.minutes is not None and not options.minutes > 0:
        raise InputError(f"--minutes {options.minutes:g}: give more than 0 min")
    if options.seed < 0:
        raise InputError(f"--seed {options.seed}: give a whole number of at least 0")
    if options.out.is_file():
        raise InputError(f"{options.out} is a file; choose another --out")
    if options.out.is_dir() and not options.resume:
        foreign = sorted(entry.name for entry in options.out.iterdir() if entry.name != "clips")
        if foreign:
            raise InputError(f"{options.out} holds {foreign[0]!r}; add --resume to go on with its "
                             "training, or choose a new or empty --out")


def _clips(options: Options, config: TrainingConfig, folder: Path, stages: Stages,
           record: Record | None, water: bool) -> ClipSet:
    """Simulate the training cases that are not stored yet, and load all of them."""
    from worldsim.compiler import compiling_pays
    from worldsim.diffusion.clip_factory import generate_clips, made_in
    from worldsim.diffusion.clip_files import failed_cases, stored_cases
    from worldsim.diffusion.clips import load_clips

    present = len(stored_cases(folder)) + len(failed_cases(folder)) if folder.is_dir() else 0
    title = f"simulate {config.cases} training cases"
    if present >= config.cases:
        stages.kept(title)
    else:
        with stages.stage(title) as advance:
            made = generate_clips(folder, options.scenario, range(config.cases),
                                  seed=seed_for(Purpose.TRAINING, options.seed),
                                  workers=options.workers,
                                  record=record,
                                  compiled=water and compiling_pays(config.cases - present))
            for done, _ in enumerate(made, start=present + 1):
                advance(done / config.cases)
    clips = load_clips(folder, config.cases)
    if clips.scenario != options.scenario:
        raise InputError(f"{folder} holds clips of {clips.scenario!r}; choose another --clips")
    if clips.split != Split.IN_RANGE:
        raise InputError(f"{folder} holds clips of the split {clips.split!r}, which training must "
                         "not see; choose another --clips")
    account = made_in(folder)
    if account is not None:
        stages.say(f"{folder}: {account}")
    return clips


def physical_validation(scenario: str, advance: Advance) -> Validation:
    """The errors, in physical units, that training logs.

    Returns
    -------
    A function from a model to its headline errors on a few fixed cases that are never trained on.
    """
    from evaluation.metrics import HEADLINE
    from evaluation.scores import evaluate
    from worldsim.diffusion.model import VideoDiffusion
    from worldsim.query import query
    from worldsim.scenario import scenario_class
    from worldsim.simulator.world import simulate

    cases = [draw(scenario_class(scenario), Split.IN_RANGE, VALIDATION_SEED, case)
             for case in range(VALIDATION_CASES)]
    truth = simulate(cases, realizations=VALIDATION_REALIZATIONS, seed=VALIDATION_SEED,
                     progress=advance)
    asked = query(cases, context=truth, realizations=VALIDATION_REALIZATIONS)

    def errors(model: VideoDiffusion) -> dict[str, float]:
        scores = evaluate(model.rollout(asked), truth)
        found = {name: scores[name].value.value for name in HEADLINE}
        return {f"{name} [{scores[name].metric.unit}]": value for name, value in found.items()
                if value is not None}

    return errors
