"""The training loop: exact to resume, safe to interrupt, honest about what it cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from worldsim.diffusion import compute, distributed
from worldsim.diffusion.checkpoint import read_config
from worldsim.diffusion.clips import ClipSet
from worldsim.diffusion.interruption import stop_signals
from worldsim.diffusion.presets import TrainingConfig
from worldsim.diffusion.trainer import Log, Trainer
from worldsim.diffusion.training_log import append, line_of, read_curve
from worldsim.errors import InputError

if TYPE_CHECKING:
    from worldsim.diffusion.model import VideoDiffusion

Validation = Callable[["VideoDiffusion"], dict[str, float]]
"""Physical errors of a model, by name with unit; given by whoever may import the evaluation."""


def train(config: TrainingConfig, clips: Sequence[ClipSet], out: Path, *, resume: bool = False,
          init: Path | None = None, validate: Validation | None = None, log: Log = print,
          progress: Callable[[float, str], None] | None = None) -> Path:
    """Train, or go on training, and leave a usable checkpoint in `out`.

    Parameters
    ----------
    resume : continue from the state in `out`, exactly as if it had not stopped.
    init : start from the weights of another checkpoint (its cost stays in the account).
    validate : physical errors to log now and then.
    progress : called with the finished fraction and a line of numbers.

    Returns
    -------
    `out`. Ctrl-C or SIGTERM saves and returns; the same call with ``resume=True`` continues.
    Started by ``torchrun`` in several processes, these share the batch (see
    `worldsim.diffusion.distributed`), and the first of them writes.

    Raises
    ------
    InputError : `out` holds another training, or nothing to resume.
    """
    compute.keep_freed_memory()
    with distributed.joined() as (rank, _):
        return _train(config, clips, out, resume, init, validate if rank == 0 else None,
                      log if rank == 0 else _silent, progress if rank == 0 else None)


def _silent(_: str) -> None:
    """What all processes but the first log."""


def _train(config: TrainingConfig, clips: Sequence[ClipSet], out: Path, resume: bool,
           init: Path | None, validate: Validation | None, log: Log,
           progress: Callable[[float, str], None] | None) -> Path:
    first = distributed.place()[0] == 0
    metrics = out / "metrics.jsonl"
    if not resume and metrics.exists():
        raise InputError(f"{out} holds a training already; add --resume, or choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    start = out if resume else init
    beside = read_config(start) if config.apart and start is not None else None
    trainer = Trainer(config, clips, log, beside)
    if resume:
        trainer.restore(out)
    elif init is not None:
        trainer.warm_start(init)
    curve = read_curve(metrics, trainer.tally.steps)
    peak = compute.matrix_rate(trainer.precision)
    log(f"{sum(p.numel() for p in trainer.network.parameters()):,} parameters, "
        f"{trainer.tally.cases} cases, {trainer.precision}, "
        f"matrix products at {peak / 1e9:.0f} GFLOP/s")
    saved = validated = trainer.tally.seconds
    recent: list[dict[str, float]] = []
    with stop_signals() as stopped:
        while not distributed.agreed([stopped()])[0] and not _finished(trainer):
            recent.append(trainer.step())
            if progress is not None:
                progress(trainer.share_done(),
                         f"step {trainer.tally.steps} loss {recent[-1]['loss']:.4f}")
            if trainer.tally.steps % 20 == 0:
                curve.append(_point(trainer, recent, peak))
                recent = []
                if first:
                    append(metrics, curve[-1])
                if trainer.tally.steps % 200 == 0:
                    log(line_of(curve[-1]))
            if trainer.tally.seconds - validated > 60 * config.validation_minutes and first:
                validated = trainer.tally.seconds
                curve.append(_validation(trainer, validate))
                append(metrics, curve[-1])
                log(line_of(curve[-1]))
            if trainer.tally.seconds - saved > 60 * config.checkpoint_minutes and first:
                saved = trainer.tally.seconds
                trainer.save(out, curve)
    if not first:
        return out
    if _finished(trainer):
        curve.append(_validation(trainer, validate))
        append(metrics, curve[-1])
        log(line_of(curve[-1]))
    trainer.save(out, curve)
    return out


def _finished(trainer: Trainer) -> bool:
    return trainer.share_done() >= 1


def _point(trainer: Trainer, recent: list[dict[str, float]], peak: float) -> dict[str, Any]:
    seconds = sum(p["step_seconds"] for p in recent)
    flops = sum(p["flops"] for p in recent) / seconds
    return {
        "step": trainer.tally.steps, "clips": trainer.tally.clips,
        "minutes": trainer.tally.seconds / 60,
        **{name: float(np.mean([p[name] for p in recent]))
           for name in ("loss", "pixels", "states")},
        "gradient_norm": float(np.mean([p["gradient_norm"] for p in recent])),
        "rate": recent[-1]["rate"], "clips_per_second": sum(p["clips"] for p in recent) / seconds,
        "gflops": flops / 1e9, "utilisation": flops / peak,
    }


def _validation(trainer: Trainer, validate: Validation | None) -> dict[str, Any]:
    errors = {"held_out_loss": trainer.held_out_loss()}
    if validate is not None:
        from worldsim.diffusion.model import VideoDiffusion

        errors |= validate(VideoDiffusion(trainer.model, trainer.averaged(), sha256=""))
    return {"step": trainer.tally.steps, "clips": trainer.tally.clips,
            "minutes": trainer.tally.seconds / 60, "validation": errors}
