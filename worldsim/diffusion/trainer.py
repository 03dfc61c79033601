"""One training run in memory: what a step does, and what is saved of it."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch

from worldsim.compiler import compiler_found
from worldsim.diffusion import compute, distributed
from worldsim.diffusion.apart import grown, own_weights, restrict
from worldsim.diffusion.batches import Batch, Kind, LookBatch, NoisePool, draw_batch
from worldsim.diffusion.checkpoint import ModelConfig, save_checkpoint
from worldsim.diffusion.clips import ClipSet
from worldsim.diffusion.model_card import draw_curve, flattening, model_card
from worldsim.diffusion.presets import TrainingConfig
from worldsim.diffusion.repertoire import Repertoire
from worldsim.diffusion.sampler import SamplerConfig
from worldsim.diffusion.step_loss import LossParts, step_loss
from worldsim.diffusion.training_clips import TrainingClips, paired, subject_of
from worldsim.diffusion.training_state import Tally, read_state, write_state
from worldsim.diffusion.transformer import VideoTransformer
from worldsim.diffusion.typical_error import TypicalErrors
from worldsim.diffusion.warm_start import carried_over, read_earlier
from worldsim.errors import InputError

Log = Callable[[str], None]

VALIDATION_BATCHES = 8


def _model(config: TrainingConfig, known: Repertoire, beside: ModelConfig | None) -> ModelConfig:
    """What the network is to know."""
    if not config.apart:
        return ModelConfig(config.transformer, known)
    if beside is None:
        raise InputError("apart: give a checkpoint to start from (init), whose other scenarios are "
                         "to stay as they are")
    if dataclasses.replace(config.transformer, raw=beside.transformer.raw) != beside.transformer:
        raise InputError("apart: the network must be as large as the one to start from: "
                         f"{beside.transformer}")
    repertoire = grown(beside.repertoire, known.subjects, known.cameras)
    new = (SamplerConfig(),) * (repertoire.experts - beside.repertoire.experts)
    learning = {repertoire.subject(one.name).expert for one in known.subjects}
    return ModelConfig(
        beside.transformer, repertoire, (*beside.samplers, *new),
        growth=tuple(row for row in beside.growth if row.expert not in learning))


COMMON = 25
"""Steps from which on a shape of batch is worth compiling, which costs as much as so many."""

FASTER, TIMES = "laws.sized.", 8.0
"""What learns at so many times the rate: tables of few numbers, which at the rate of all else take
longer than everything."""


class Trainer:
    """One training run in memory: weights, their average, optimiser and the tally of its cost.

    beside : what the network to start from knows, where the clips' scenarios learn apart.
    """

    def __init__(self, config: TrainingConfig, clips: Sequence[ClipSet], log: Log = print,
                 beside: ModelConfig | None = None) -> None:
        group = config.transformer.patches.frames
        pairs = paired(clips, group)
        filmed = [film for film, _ in pairs]
        for one in filmed:
            if len(one) <= config.held_out:
                raise InputError(f"{len(one)} cases of {one.scenario}, {config.held_out} of them "
                                 "held out: make more cases")
        self.config, self.log = config, log
        self.held_out_cases = tuple(np.arange(len(one) - config.held_out, len(one))
                                    for one in filmed)
        subjects = tuple(subject_of(one, config.batch, group) for one in filmed)
        cameras = tuple(dict.fromkeys(name for one in filmed for name in one.cameras))
        self.model = _model(config, Repertoire(subjects, cameras), beside)
        subjects = tuple(self.model.repertoire.subject(one.name) for one in subjects)
        torch.manual_seed(config.seed)
        self.network = self.model.network()
        self.average = {name: p.detach().clone() for name, p in self.network.named_parameters()}
        names = [name for name, _ in self.network.named_parameters()]
        for begin in config.only:
            if not any(name.startswith(begin) for name in names):
                raise InputError(f"only={begin!r}: no weights of the network begin so")
        for name, weights in self.network.named_parameters():
            weights.requires_grad_(name.startswith(config.only or ("",)))
        self.steady: set[str] = set()
        if config.apart:
            own = own_weights(self.network, self.model.repertoire, [one.name for one in subjects])
            restrict(self.network, own)
            # Of these only rows learn; decay would move the others, too.
            self.steady = {name for name, rows in own.items() if rows is not None}
        self.optimiser = self._optimiser()
        self.typical = TypicalErrors(len(self.model.repertoire.subjects), len(Kind),
                                     self.network.untold)
        self.data = tuple(TrainingClips.weigh(film, subject, config.objective, unfilmed)
                          for (film, unfilmed), subject in zip(pairs, subjects, strict=True))
        self.training_cases = tuple(
            np.setdiff1d(np.arange(len(one.states)), held_out)
            for one, held_out in zip(self.data, self.held_out_cases, strict=True))
        self.tally = Tally(cases=sum(map(len, self.training_cases)), data_seed=clips[0].seed)
        self.pool = NoisePool(config.seed)
        self.precision = (
            compute.faster_precision() if config.precision == "auto" else config.precision)
        self._flops: dict[Hashable, float] = {}
        self._met: Counter[Hashable] = Counter()
        self._parts = LossParts()
        if config.compiled:
            self._compile()

    def _optimiser(self) -> torch.optim.AdamW:
        named = list(self.network.named_parameters())
        slow = [(name, p) for name, p in named if not name.startswith(FASTER)]
        decaying = {name for name, p in slow if p.ndim >= 2} - self.steady
        groups = [
            {"params": [p for name, p in slow if name in decaying],
             "weight_decay": self.config.weight_decay, "times": 1.0},
            {"params": [p for name, p in slow if name not in decaying], "weight_decay": 0.0,
             "times": 1.0},
            {"params": [p for name, p in named if name.startswith(FASTER)], "weight_decay": 0.0,
             "times": TIMES}]
        return torch.optim.AdamW(groups, lr=self.config.learning_rate, betas=self.config.betas,
                                 fused=True)

    def _compile(self) -> None:
        """Compile the step's parts one by one: layers share their code, so that a new shape of
        batch costs the compilation of one layer instead of all."""
        if not compiler_found():
            self.log("no C++ compiler found: training uncompiled, about a third as fast")
            return
        torch._dynamo.config.recompile_limit = 64
        network: Any = self.network
        blocks = [block for expert in network.experts for block in expert.blocks]
        for block in (*blocks, network.locate):
            block.compile(dynamic=False)
        for owner, parts in ((network, ("modulate", "carried")), *(
                (expert, ("place_patches", "paint", "read_cells")) for expert in network.experts)):
            for part in parts:
                setattr(owner, part, torch.compile(getattr(owner, part), dynamic=False))
        self._parts = LossParts(
            *(torch.compile(getattr(self._parts, part.name), dynamic=False)
              for part in dataclasses.fields(LossParts)))

    def warm_start(self, directory: Path) -> None:
        """Take weights, and the account of what they cost, from a checkpoint.

        Raises
        ------
        InputError : the checkpoint's network has other tokens. One that knew fewer scenarios, or
            earlier versions of them, may start this training; the account names it.
        """
        before = read_earlier(directory)
        state, anew = carried_over(before, self.model, self.network.state_dict())
        if anew:
            self.log(f"told for the first time: {', '.join(anew)}")
        self.network.load_state_dict(state)
        self.average = {name: p.detach().clone() for name, p in self.network.named_parameters()}
        self.tally = dataclasses.replace(self.tally, earlier=[
            *before.training.get("earlier", []),
            {k: v for k, v in before.training.items() if k != "earlier"}
            | {"sha256": before.sha256, "version": before.version}])

    def batch(self, step: int, cases: tuple[np.ndarray, ...] | None = None,
              seed: int | None = None) -> Batch | LookBatch:
        """The batch of a step."""
        return draw_batch(self.data, self.training_cases if cases is None else cases,
                          self.model.repertoire, self.config.seed if seed is None else seed, step,
                          self.config.batch, self.config.objective, self.pool,
                          self.config.transformer.patches, self.config.transformer.registers)

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
        rank, processes = distributed.place()
        batch = self.batch(self.tally.steps * processes + rank)
        flops = self._flops_of(batch)
        rate = self.rate()
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["times"]
        with torch.compiler.set_stance(self._stance(batch)):
            with self._autocast():
                losses = step_loss(self.network, batch, self.config.objective.states, self._parts,
                                   self.typical)
            loss = losses[0]
            if not loss.requires_grad:
                raise InputError(f"batches of {batch.kind.value} teach nothing of "
                                 f"only={self.config.only}: give them no share")
            loss.backward()
        distributed.average_gradients(self.network)
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip)
        value, pixels, said = losses.detach().tolist()
        if not np.isfinite(value):
            raise FloatingPointError(f"the loss became {value} at step {self.tally.steps}; "
                                     "lower the learning rate")
        if float(norm) < self.config.worst:
            self.optimiser.step()
            self._average()
        else:
            most = max(((float(p.grad.norm()), name) for name, p in self.network.named_parameters()
                        if p.grad is not None))[1]
            self.log(f"step {self.tally.steps} left out: a batch of {batch.kind.value} whose "
                     f"gradient has the norm {norm:.3g}, most of it of {most}")
        self.optimiser.zero_grad()
        clips, operations = batch.clips * processes, flops * processes
        elapsed, used = distributed.agreed([
            time.perf_counter() - began, (time.process_time() - cpu) * processes])
        self.tally.add(clips, clips * batch.tokens, operations, elapsed, used)
        return {"loss": value, "pixels": pixels, "states": said, "rate": rate,
                "gradient_norm": float(norm), "clips": clips, "views": batch.views,
                "step_seconds": elapsed, "flops": operations}

    def _stance(self, batch: Batch | LookBatch) -> str:
        """Rare shapes of batches are not worth compiling."""
        self._met[batch.shape] += 1
        return "default" if self._met[batch.shape] > COMMON else "force_eager"

    def _autocast(self) -> Any:
        if self.precision == "bfloat16":
            return torch.autocast("cpu", torch.bfloat16)
        return nullcontext()

    def _average(self) -> None:
        decay = min(self.config.ema, (1 + self.tally.steps) / (10 + self.tally.steps))
        with torch.no_grad():
            for average, now in zip(self.average.values(), self.network.parameters(), strict=True):
                average.lerp_(now, 1 - decay)

    def _flops_of(self, batch: Batch | LookBatch) -> float:
        if batch.shape not in self._flops:
            plain = self.model.network()  # compiled parts are not seen by the counter
            self._flops[batch.shape] = compute.count_flops(
                lambda: step_loss(plain, batch)[0].backward())
        return self._flops[batch.shape]

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
        losses = [float(step_loss(network, batch)[0]) for batch in batches]
        return float(np.mean(losses))

    def save(self, out: Path, curve: list[dict[str, Any]]) -> None:
        """Write the exact state and the usable checkpoint."""
        write_state(out, self.network, self.average, self.optimiser, self.tally, self.config,
                    self.typical.squares)
        record = self.tally.record() | {
            "processor": compute.processor(), "precision": self.precision, "seed": self.config.seed,
            "held_out_cases": sum(map(len, self.held_out_cases)), "verdict": flattening(curve),
            "validation": next((p["validation"] for p in reversed(curve) if "validation" in p), {}),
        }
        model = dataclasses.replace(self.model, training=record)
        draw_curve(out / "training_curve.png", curve)
        save_checkpoint(out, model, self.average, model_card(model))

    def restore(self, out: Path) -> None:
        """Take up the exact state that `save` wrote."""
        self.tally = read_state(out, self.network, self.average, self.optimiser, self.config,
                                self.typical.squares)
