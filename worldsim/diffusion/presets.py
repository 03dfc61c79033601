"""Training configurations by name; each is a function that returns a frozen dataclass."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from worldsim.diffusion.layers import TransformerConfig
from worldsim.diffusion.objective import ObjectiveConfig
from worldsim.diffusion.training_clips import BatchConfig
from worldsim.errors import InputError


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """A training run. It ends after `minutes` of training or `steps`, whichever comes first.

    cases : number of simulated cases to learn from; held_out of them only validate.
    learning_rate, warmup, decay : AdamW's rate, steps of linear warm-up, and the share of the run
        in which the rate falls to zero (trapezoid: a run can be lengthened before it falls).
    betas, weight_decay, clip : of AdamW; the gradient's largest norm.
    worst : norm of the gradient before it is clipped from which on a step is left out, as one that
        would only teach what a rare batch made of a path that explodes.
    ema : largest decay of the averaged weights that are shipped (it warms up).
    precision : "float32", "bfloat16" (autocast), or "auto" for the faster one on this machine.
    only : which weights learn, by how their names begin; all by default. The others stay as they
        are initialised or started from.
    apart : let only learn what the scenarios of the clips have for themselves
        (`worldsim.diffusion.apart`), beside all that the network to start from knows: what that
        answers about other scenarios stays.
    compiled : compile the step (needs a C++ compiler; without one it runs uncompiled, and says so).
    checkpoint_minutes, validation_minutes : how often to save, and to measure physical errors.
    """

    transformer: TransformerConfig = dataclasses.field(default_factory=TransformerConfig)
    batch: BatchConfig = dataclasses.field(default_factory=BatchConfig)
    objective: ObjectiveConfig = dataclasses.field(default_factory=ObjectiveConfig)
    cases: int = 384
    held_out: int = 16
    minutes: float = 240.0
    steps: int = 10**9
    learning_rate: float = 1e-3
    warmup: int = 200
    decay: float = 0.35
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.01
    clip: float = 1.0
    worst: float = 30.0
    ema: float = 0.999
    precision: str = "auto"
    only: tuple[str, ...] = ()
    apart: bool = False
    compiled: bool = True
    checkpoint_minutes: float = 5.0
    validation_minutes: float = 15.0
    seed: int = 0


TINY_STEPS = 400


def tiny() -> TrainingConfig:
    """At most 20 minutes on 2 cores, to see everything work: so many steps, in single precision,
    so that its numbers can be compared from machine to machine."""
    return TrainingConfig(
        transformer=TransformerConfig(width=128, layers=4, hidden=256, detail=48),
        cases=48, held_out=8, minutes=20.0, steps=TINY_STEPS, ema=0.99, precision="float32",
        validation_minutes=60.0,
    )


def small() -> TrainingConfig:
    """Hours on 2 cores: the packaged checkpoint."""
    return TrainingConfig(transformer=TransformerConfig(layers=6), held_out=8, warmup=60,
                          decay=0.5)


def base() -> TrainingConfig:
    """One GPU: the same network, wider and deeper, with larger batches."""
    return TrainingConfig(
        transformer=TransformerConfig(width=512, layers=12, heads=8, hidden=1280, detail=96),
        batch=BatchConfig(tokens=65536), cases=2000, held_out=32, minutes=24 * 60,
        learning_rate=5e-4, warmup=1000, ema=0.9995)


PRESETS: dict[str, Callable[[], TrainingConfig]] = {
    "tiny": tiny, "small": small, "base": base,
}


def preset(name: str) -> TrainingConfig:
    """A preset by name.

    Raises
    ------
    InputError : no preset of that name.
    """
    if name not in PRESETS:
        raise InputError(f"unknown preset {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]()
