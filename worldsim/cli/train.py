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
    from worldsim.diffusion.checkpoint import ModelConfig
    from worldsim.diffusion.clips import ClipSet
    from worldsim.diffusion.presets import TrainingConfig
    from worldsim.diffusion.training import Validation

VERB = "worldsim train"

VALIDATION_SEED = seed_for(Purpose.VALIDATION, 0)
"""Of the cases that physical errors are logged on."""

BODIES_SECONDS = 1.2
"""s of the rollouts of bodies that are validated on, the known frames included."""

VALIDATION_CASES = 4
VALIDATION_REALIZATIONS = 2


@dataclasses.dataclass(frozen=True)
class Options:
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Directory of the checkpoint, its state and its log."""
    preset: Literal["tiny", "small", "base"] = "tiny"
    """tiny: minutes, to see everything work; small: hours, the packaged checkpoint; base: a larger
    network, for an accelerator."""
    scenario: Annotated[str, tyro.conf.arg(metavar="NAMES")] = "tsunami"
    """What to learn from: names with commas between them, or all; parameters are drawn from their
    training ranges."""
    clips: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Directory of simulated clips, of several scenarios one folder each; made if missing,
    DIR/clips of --out by default."""
    resume: bool = False
    """Go on with the training in --out, exactly as if it had not stopped."""
    init: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Begin with the weights of another checkpoint, or of worldsim-small."""
    apart: bool = False
    """Teach the network of --init these scenarios beside all that it knows, with layers of their
    own; what it answers about others stays as it is."""
    cases: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Simulate that many cases of each scenario instead of the preset's number; some of them only
    validate."""
    unfilmed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Simulate that many further cases of each scenario of rigid bodies and keep their states
    alone: how bodies move is learned from them, many times faster than from video."""
    minutes: Annotated[float | None, tyro.conf.arg(metavar="min")] = None
    """Train for that long instead of the preset's time."""
    paths: Annotated[float | None, tyro.conf.arg(metavar="SHARE")] = None
    """Share of batches of states alone, instead of the preset's."""
    readings: Annotated[float | None, tyro.conf.arg(metavar="SHARE")] = None
    """Share of batches that read states off a few frames; the rest are films."""
    laws: Annotated[float | None, tyro.conf.arg(metavar="SHARE")] = None
    """Share of batches that teach the laws of motion alone, without the transformer."""
    tokens: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Size of a batch."""
    learning_rate: Annotated[float | None, tyro.conf.arg(metavar="RATE")] = None
    decay: Annotated[float | None, tyro.conf.arg(metavar="SHARE")] = None
    """Share of the run in which the learning rate falls to zero."""
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
    from worldsim.diffusion.model import checkpoint_directory
    from worldsim.diffusion.presets import preset
    from worldsim.diffusion.training import train
    from worldsim.models.summary import FILE_NAME, build_summary
    from worldsim.scenario import scenario_class

    names = scenarios_of(options.scenario)
    scenes = {name: scenario_class(name)().scene(options.seed, 0) for name in names}
    towns = [name for name in names if has_town(scenes[name])]
    config = configuration(preset(options.preset), options)
    bodies = [name for name in names
              if options.unfilmed and isinstance(scenes[name], MechanicalScene)]
    stages = Stages(len(names) + 2 + len(bodies))
    parent = options.clips or options.out / "clips"
    folders = {name: parent if len(names) == 1 else parent / name for name in names}
    clips = [_clips(options, name, config, folders[name], stages, name in towns,
                    isinstance(scenes[name], MechanicalScene)) for name in names]
    filmed = dict(zip(names, clips, strict=True))
    clips += [_unfilmed(options, name, parent / "unfilmed" / name,
                        filmed[name].frames / filmed[name].fps, stages) for name in bodies]
    with stages.stage("simulate what is validated on") as advance:
        validate = physical_validation(names, towns, advance)
    with stages.stage("train") as advance:
        train(config, clips, options.out, resume=options.resume,
              init=None if options.init is None else checkpoint_directory(options.init),
              validate=validate, log=stages.say,
              progress=lambda fraction, _: advance(min(fraction, 1.0)))
    print(f"checkpoint: {options.out} (model.safetensors, config.json, README.md)")
    for name, one in filmed.items():
        if name in towns:
            trained_on = one.case_ids[:len(one) - config.held_out]
            build_summary(folders[name], trained_on).save(options.out / FILE_NAME)
            print(f"use it: worldsim run {name} --model {shlex.quote(str(options.out))} "
                  "--out runs/trained")
            break
    else:
        print(f"use it: worldsim.load_model({str(options.out)!r}) in Python")
    return 0


def scenarios_of(text: str) -> list[str]:
    """Names of scenarios, from the option.

    Raises
    ------
    InputError : one that does not exist, or twice the same.
    """
    from worldsim.scenario import list_scenarios, scenario_class

    names = list(list_scenarios()) if text == "all" else [n.strip() for n in text.split(",")]
    for name in names:
        scenario_class(name)
    if len(set(names)) < len(names):
        raise InputError(f"--scenario {text}: a scenario is named twice")
    return names


def configuration(config: TrainingConfig, options: Options) -> TrainingConfig:
    """A preset with what the options change."""
    changes: dict[str, Any] = {"seed": options.seed}
    if options.minutes is not None:
        changes["minutes"] = options.minutes
    if options.cases is not None:
        changes["cases"] = options.cases
        changes["held_out"] = min(config.held_out, -(-options.cases // 4))
    changes |= {name: getattr(options, name) for name in ("learning_rate", "decay")
                if getattr(options, name) is not None}
    batch = {name: getattr(options, name) for name in ("paths", "readings", "laws", "tokens")
             if getattr(options, name) is not None}
    changes["batch"] = dataclasses.replace(config.batch, **batch)
    start = options.out if options.resume else options.init
    if options.apart and start is not None:
        changes |= {"apart": True, "transformer": _network_to_start_from(start).transformer}
    return dataclasses.replace(config, **changes)


def _network_to_start_from(source: Path) -> ModelConfig:
    """The configuration of a checkpoint, which must be one."""
    from worldsim.diffusion.checkpoint import read_config
    from worldsim.diffusion.model import checkpoint_directory

    return read_config(checkpoint_directory(source))


def _check(options: Options) -> None:
    if options.cases is not None and options.cases < 2:
        raise InputError(f"--cases {options.cases}: give at least 2, one to learn and one to check")
    if options.workers < 1:
        raise InputError(f"--workers {options.workers}: give at least 1")
    if options.minutes is not None and not options.minutes > 0:
        raise InputError(f"--minutes {options.minutes:g}: give more than 0 min")
    for name in ("paths", "readings", "laws", "decay"):
        share = getattr(options, name)
        if share is not None and not 0 <= share <= 1:
            raise InputError(f"--{name} {share:g}: give a share, 0 to 1")
    if (options.paths or 0) + (options.readings or 0) + (options.laws or 0) > 1:
        raise InputError("--paths, --readings and --laws: together at most 1")
    if options.tokens is not None and options.tokens < 1:
        raise InputError(f"--tokens {options.tokens}: give at least 1")
    if options.learning_rate is not None and not options.learning_rate > 0:
        raise InputError(f"--learning-rate {options.learning_rate:g}: give more than 0")
    if options.unfilmed < 0:
        raise InputError(f"--unfilmed {options.unfilmed}: give at least 0")
    if options.seed < 0:
        raise InputError(f"--seed {options.seed}: give a whole number of at least 0")
    if options.apart and not (options.init or options.resume):
        raise InputError("--apart needs a network to learn beside; add --init worldsim-small")
    if options.init is not None and not options.resume:
        _network_to_start_from(options.init)
    if options.out.is_file():
        raise InputError(f"{options.out} is a file; choose another --out")
    if options.out.is_dir() and not options.resume:
        foreign = sorted(entry.name for entry in options.out.iterdir() if entry.name != "clips")
        if foreign:
            raise InputError(f"{options.out} holds {foreign[0]!r}; add --resume to go on with its "
                             "training, or choose a new or empty --out")


PUSHED = 0.2
"""Share of the cases of rigid bodies in which something is pushed."""


UNFILMED_FROM = 10_000
"""Number of the first case that is not filmed."""


def _clips(options: Options, scenario: str, config: TrainingConfig, folder: Path, stages: Stages,
           town: bool, mechanical: bool) -> ClipSet:
    """Simulate the training cases that are not stored yet, and load all of them."""
    from worldsim.compiler import compiling_pays
    from worldsim.diffusion.observables import record_states
    from worldsim.models.summary import record_town

    return _made(options, scenario, range(config.cases), folder, stages, "training",
                 record=record_town if town else record_states,
                 compiled=not mechanical and compiling_pays(config.cases - _present(folder)),
                 pushed=PUSHED if mechanical else 0.0)


def _unfilmed(options: Options, scenario: str, folder: Path, seconds: float,
              stages: Stages) -> ClipSet:
    """The same of cases of rigid bodies of which only states are kept."""
    from worldsim.diffusion.observables import record_states

    cases = range(UNFILMED_FROM, UNFILMED_FROM + options.unfilmed)
    return _made(options, scenario, cases, folder, stages, "unfilmed", duration=seconds,
                 cameras=(), record=record_states, pushed=PUSHED)


def _present(folder: Path) -> int:
    """How many cases are done."""
    from worldsim.diffusion.clip_files import failed_cases, stored_cases

    return len(stored_cases(folder)) + len(failed_cases(folder)) if folder.is_dir() else 0


def _made(options: Options, scenario: str, cases: range, folder: Path, stages: Stages, kind: str,
          **how: Any) -> ClipSet:
    """Make the cases that are missing as `generate_clips` is told, and load all of them."""
    from worldsim.diffusion.clip_factory import generate_clips, made_in
    from worldsim.diffusion.clips import load_clips

    present, count = _present(folder), len(cases)
    title = f"simulate {count} {kind} cases of {scenario}"
    if present >= count:
        stages.kept(title)
    else:
        with stages.stage(title) as advance:
            made = generate_clips(folder, scenario, cases,
                                  seed=seed_for(Purpose.TRAINING, options.seed),
                                  workers=options.workers, **how)
            for done, _ in enumerate(made, start=present + 1):
                advance(done / count)
    clips = load_clips(folder, count)
    if clips.scenario != scenario:
        raise InputError(f"{folder} holds clips of {clips.scenario!r}; choose another --clips")
    if clips.split != Split.IN_RANGE:
        raise InputError(f"{folder} holds clips of the split {clips.split!r}, which training must "
                         "not see; choose another --clips")
    account = made_in(folder)
    if account is not None:
        stages.say(f"{folder}: {account}")
    return clips


def physical_validation(names: Sequence[str], towns: Sequence[str],
                        advance: Advance) -> Validation:
    """The errors, in physical units, that training logs.

    Returns
    -------
    A function from a model to its errors on a few fixed cases that are never trained on: of towns
    their headline errors, of bodies the mean distance in the first second between where they are
    said to be and where they are.
    """
    import numpy as np

    from evaluation.metrics import HEADLINE
    from evaluation.scores import evaluate
    from worldsim.diffusion.model import VideoDiffusion
    from worldsim.diffusion.observables import BODIES, record_states
    from worldsim.diffusion.reading import matched
    from worldsim.query import query
    from worldsim.scenario import scenario_class
    from worldsim.simulator.world import simulate

    asked = {}
    for number, name in enumerate(names):
        cls = scenario_class(name)
        town = name in towns
        cases = [draw(cls, Split.IN_RANGE, VALIDATION_SEED, case)
                 for case in range(VALIDATION_CASES)]
        members = VALIDATION_REALIZATIONS if town else 1
        truth = simulate(cases, realizations=members, seed=VALIDATION_SEED,
                         duration=None if town else BODIES_SECONDS)
        asked[name] = truth, query(cases, context=truth, realizations=members)
        advance((number + 1) / len(names))

    def errors(model: VideoDiffusion) -> dict[str, float]:
        found: dict[str, float] = {}
        for name, (truth, question) in asked.items():
            dream = model.rollout(question)
            if name in towns:
                scores = evaluate(dream, truth)
                found |= {f"{name} {headline} [{scores[headline].metric.unit}]": value
                          for headline in HEADLINE
                          if (value := scores[headline].value.value) is not None}
            elif "said" in dream:
                true = record_states(truth)["states"][:, 5:question.frames, :BODIES, :3]
                said = dream["said"]["state"].values[:, 0, 5:, :BODIES, :3]
                true = true[:, :, :said.shape[2]]
                # A body that is said not to be there counts as one in the picture's middle.
                middle = model.config.repertoire.subject(name).entities[0].centre[:3]
                said = np.where(np.isfinite(said), said, middle)
                # Alike bodies are told apart by where they are, not by their numbers.
                same = np.stack([mine[:, matched(mine[0], theirs[0])]
                                 for mine, theirs in zip(said, true, strict=True)])
                found[f"{name} position [m]"] = float(
                    np.nanmean(np.linalg.norm(same - true, axis=-1)))
        return found

    return errors
