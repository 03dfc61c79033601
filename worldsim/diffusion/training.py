"""The training loop: exact to resume, safe to interrupt, honest about what it cost."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from worldsim.compiler import compiler_found
from worldsim.diffusion import compute
from worldsim.diffusion.batches import Batch, NoisePool, TrainingClips, draw_batch
from worldsim.diffusion.checkpoint import ModelConfig, load_checkpoint, save_checkpoint
from worldsim.diffusion.clips import ClipSet
from worldsim.diffusion.conditioning import CLIP_START, ParameterSpec
from worldsim.diffusion.interruption import stop_signals
from worldsim.diffusion.model import VideoDiffusion
from worldsim.diffusion.model_card import draw_curve, flattening, model_card
from worldsim.diffusion.objective import noisy_cells, velocity_loss
from worldsim.diffusion.patches import Grid, per_token, to_unit
from worldsim.diffusion.presets import TrainingConfig
from worldsim.diffusion.training_log import append, line_of, read_curve
from worldsim.diffusion.training_state import Tally, read_state, write_state
from worldsim.diffusion.transformer import VideoTransformer
from worldsim.diffusion.warm_start import carried_over
from worldsim.errors import InputError
from worldsim.scenario import scenario_class

Validation = Callable[[VideoDiffusion], dict[str, float]]
"""Physical errors of a model, by name with unit; given by whoever may import the evaluation."""

Log = Callable[[str], None]

VALIDATION_BATCHES = 8


def parameter_specs(clips: ClipSet, clip_seconds: float) -> tuple[ParameterSpec, ...]:
    """The conditioning that a scenario's declaration implies, plus the clip's start."""
    specs = [
        ParameterSpec(name, unit=spec.unit, choices=spec.choices,
                      low=0.0 if spec.choices else spec.training[0],
                      high=len(spec.choices) - 1.0 if spec.choices else spec.training[1])
        for name, spec in scenario_class(clips.scenario).parameters().items() if spec.seen
    ]
    slack = clips.frames / clips.fps - clip_seconds
    if slack > 0:
        specs.append(ParameterSpec(CLIP_START, "s", 0.0, slack))
    return tuple(specs)


def step_loss(network: VideoTransformer, batch: Batch) -> Tensor:
    """Loss of one batch."""
    clean = to_unit(batch.clean)
    level = per_token(batch.level.unflatten(1, (batch.grid.views, -1)), batch.grid)
    noisy = noisy_cells(clean, batch.noise, level, batch.known, batch.condition.context_noise)
    predicted = network(noisy.flatten(-2), batch.level, batch.context, batch.condition, batch.grid)
    return velocity_loss(predicted.unflatten(-1, (3, -1)), clean, level, batch.known, batch.weight,
                         batch.expected)


class Trainer:
    """One training run in memory: weights, their average, optimiser and the tally of its cost."""

    def __init__(self, config: TrainingConfig, clips: ClipSet, log: Log = print) -> None:
        if len(clips) <= config.held_out:
            raise InputError(
                f"{len(clips)} cases, {config.held_out} of them held out: make more cases")
        if clips.frames < config.batch.frames:
            raise InputError(
                f"the clips have {clips.frames} frames, training needs {config.batch.frames}")
        self.config, self.log = config, log
        self.training_cases = np.arange(len(clips) - config.held_out)
        self.held_out_cases = np.arange(len(clips) - config.held_out, len(clips))
        self.specs = parameter_specs(clips, config.batch.frames / clips.fps)
        self.model = ModelConfig(
            transformer=config.transformer, parameters=self.specs, cameras=dict(clips.cameras),
            scenario=clips.scenario, version=clips.version, fps=clips.fps,
            frames=config.batch.frames, size=clips.size,
        )
        torch.manual_seed(config.seed)
        self.network = self.model.network()
        self.average = {name: p.detach().clone() for name, p in self.network.named_parameters()}
        self.optimiser = self._optimiser()
        self.tally = Tally(cases=len(self.training_cases), data_seed=clips.seed)
        self.data = TrainingClips.weigh(clips, config.objective)
        self.pool = NoisePool(config.seed)
        self.precision = (
            compute.faster_precision() if config.precision == "auto" else config.precision)
        self._flops: dict[Grid, float] = {}
        self._loss_of = self._compile() if config.compiled else step_loss

    def _optimiser(self) -> torch.optim.AdamW:
        matrices = [p for p in self.network.parameters() if p.ndim >= 2]
        vectors = [p for p in self.network.parameters() if p.ndim < 2]
        groups = [{"params": matrices, "weight_decay": self.config.weight_decay},
                  {"params": vectors, "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=self.config.learning_rate, betas=self.config.betas,
                                 fused=True)

    def _compile(self) -> Callable[[VideoTransformer, Batch], Tensor]:
        if not compiler_found():
            self.log("no C++ compiler found: training uncompiled, about a third slower")
            return step_loss
        return torch.compile(step_loss, dynamic=False)

    def warm_start(self, directory: Path) -> None:
        """Take weights, and the account of what they cost, from a checkpoint.

        Raises
        ------
        InputError : the checkpoint is of another network or scenario. An earlier version of the
            scenario, and one told fewer parameters, may start a training on the present one; the
            account names it.
        """
        before, network, sha256 = load_checkpoint(directory)
        for field in ("transformer", "scenario"):
            if getattr(before, field) != getattr(self.model, field):
                raise InputError(
                    f"{directory} differs in its {field}; it cannot start this training")
        state, anew = carried_over(
            network.state_dict(), before.parameters, self.network.state_dict(), self.specs)
        if anew:
            self.log(f"told for the first time: {', '.join(anew)}")
        self.network.load_state_dict(state)
        self.average = {name: p.detach().clone() for name, p in self.network.named_parameters()}
        self.tally = dataclasses.replace(self.tally, earlier=[
            *before.training.get("earlier", []),
            {k: v for k, v in before.training.items() if k != "earlier"}
            | {"sha256": sha256, "version": before.version}])

    def batch(self, step: int, cases: np.ndarray | None = None, seed: int | None = None) -> Batch:
        """The batch of a step."""
        return draw_batch(self.data, self.training_cases if cases is None else cases, self.specs,
                          self.config.seed if seed is None else seed, step, self.config.batch,
                          self.config.objective, self.config.transformer.patches, self.pool)

    def rate(self) -> float:
        """The learning rate now: linear warm-up, constant, linear fall at the end of the run."""
        left = max(0.0, 1 - self.share_done())
        falling = min(1.0, left / self.config.decay) if self.config.decay else 1.0
        rising = min(1.0, (self.tally.steps + 1) / self.config.warmup)
        return self.config.learning_rate * falling * rising

    def share_done(self) -> float:
        """How much of the run, by steps or by time, lies behind."""
        steps, minutes = self.tally.steps, self.tally.seconds / 60
        return max(steps / self.config.steps, minutes / self.config.minutes)

    def step(self) -> dict[str, float]:
        """One optimiser step; returns what is logged."""
        began, cpu = time.perf_counter(), time.process_time()
        batch = self.batch(self.tally.steps)
        flops = self._flops_of(batch)
        rate = self.rate()
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        with self._autocast():
            loss = self._loss_of(self.network, batch)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip)
        value = float(loss.detach())
        if not np.isfinite(value):
            raise FloatingPointError(f"the loss became {value} at step {self.tally.steps}; "
                                     "lower the learning rate")
        self.optimiser.step()
        self.optimiser.zero_grad()
        self._average()
        elapsed = time.perf_counter() - began
        self.tally.add(batch.clips, batch.clips * batch.grid.tokens, flops, elapsed,
                       time.process_time() - cpu)
        return {"loss": value, "rate": rate, "gradient_norm": float(norm), "clips": batch.clips,
                "views": batch.grid.views, "step_seconds": elapsed, "flops": flops}

    def _autocast(self) -> Any:
        if self.precision == "bfloat16":
            return torch.autocast("cpu", torch.bfloat16)
        return nullcontext()

    def _average(self) -> None:
        decay = min(self.config.ema, (1 + self.tally.steps) / (10 + self.tally.steps))
        with torch.no_grad():
            for average, now in zip(self.average.values(), self.network.parameters(), strict=True):
                average.lerp_(now, 1 - decay)

    def _flops_of(self, batch: Batch) -> float:
        if batch.grid not in self._flops:
            self._flops[batch.grid] = compute.count_flops(
                lambda: step_loss(self.network, batch).backward())
            self.optimiser.zero_grad()
        return self._flops[batch.grid]

    def averaged(self) -> VideoTransformer:
        """A network with the averaged weights."""
        network = self.model.network()
        network.load_state_dict(self.average)
        return network.eval()

    @torch.no_grad()
    def held_out_loss(self) -> float:
        """Loss of the averaged weights on fixed batches of held-out cases."""
        network = self.averaged()
        batches = (self.batch(k, self.held_out_cases, self.config.seed + 1)
                   for k in range(VALIDATION_BATCHES))
        losses = [float(step_loss(network, batch)) for batch in batches]
        return float(np.mean(losses))

    def save(self, out: Path, curve: list[dict[str, Any]]) -> None:
        """Write the exact state and the usable checkpoint."""
        write_state(out, self.network, self.average, self.optimiser, self.tally, self.config)
        record = self.tally.record() | {
            "processor": compute.processor(), "precision": self.precision, "seed": self.config.seed,
            "held_out_cases": len(self.held_out_cases), "verdict": flattening(curve),
            "validation": next((p["validation"] for p in reversed(curve) if "validation" in p), {}),
        }
        model = dataclasses.replace(self.model, training=record)
        draw_curve(out / "training_curve.png", curve)
        save_checkpoint(out, model, self.average, model_card(model))

    def restore(self, out: Path) -> None:
        """Take up the exact state that `save` wrote."""
        self.tally = read_state(out, self.network, self.average, self.optimiser, self.config)


def train(config: TrainingConfig, clips: ClipSet, out: Path, *, resume: bool = False,
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

    Raises
    ------
    InputError : `out` holds another training, or nothing to resume.
    """
    compute.keep_freed_memory()
    metrics = out / "metrics.jsonl"
    if not resume and metrics.exists():
        raise InputError(f"{out} holds a training already; add --resume, or choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(config, clips, log)
    if resume:
        trainer.restore(out)
    elif init is not None:
        trainer.warm_start(init)
    curve = read_curve(metrics, trainer.tally.steps)
    peak = compute.matrix_rate(trainer.precision)
    log(f"{sum(p.numel() for p in trainer.network.parameters()):,} parameters, "
        f"{len(trainer.training_cases)} cases, {trainer.precision}, "
        f"matrix products at {peak / 1e9:.0f} GFLOP/s")
    saved = validated = trainer.tally.seconds
    recent: list[dict[str, float]] = []
    with stop_signals() as stopped:
        while not stopped() and not _finished(trainer):
            recent.append(trainer.step())
            if progress is not None:
                progress(trainer.share_done(),
                         f"step {trainer.tally.steps} loss {recent[-1]['loss']:.4f}")
            if trainer.tally.steps % 20 == 0:
                curve.append(_point(trainer, recent, peak))
                recent = []
                append(metrics, curve[-1])
                if trainer.tally.steps % 200 == 0:
                    log(line_of(curve[-1]))
            if trainer.tally.seconds - validated > 60 * config.validation_minutes:
                validated = trainer.tally.seconds
                curve.append(_validation(trainer, validate))
                append(metrics, curve[-1])
                log(line_of(curve[-1]))
            if trainer.tally.seconds - saved > 60 * config.checkpoint_minutes:
                saved = trainer.tally.seconds
                trainer.save(out, curve)
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
        "loss": float(np.mean([p["loss"] for p in recent])),
        "gradient_norm": float(np.mean([p["gradient_norm"] for p in recent])),
        "rate": recent[-1]["rate"], "clips_per_second": sum(p["clips"] for p in recent) / seconds,
        "gflops": flops / 1e9, "utilisation": flops / peak,
    }


def _validation(trainer: Trainer, validate: Validation | None) -> dict[str, Any]:
    errors = {"held_out_loss": trainer.held_out_loss()}
    if validate is not None:
        errors |= validate(VideoDiffusion(trainer.model, trainer.averaged(), sha256=""))
    return {"step": trainer.tally.steps, "clips": trainer.tally.clips,
            "minutes": trainer.tally.seconds / 60, "validation": errors}
