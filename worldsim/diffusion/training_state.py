"""The exact state of a training run in one file, and the tally of what it has cost."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from worldsim.diffusion.presets import TrainingConfig
from worldsim.diffusion.transformer import VideoTransformer
from worldsim.errors import InputError

STATE = "training_state.safetensors"


@dataclasses.dataclass
class Tally:
    """What a run has seen and spent.

    clips, tokens : seen; flops : of matrix products and attention, forward and backward.
    seconds, cpu_seconds : time in training steps, and processor time of all threads.
    cases, data_seed : distinct simulated cases in the training set, and their seed.
    earlier : records of the runs whose weights this one started from.
    """

    steps: int = 0
    clips: int = 0
    tokens: int = 0
    flops: float = 0.0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    cases: int = 0
    data_seed: int = 0
    earlier: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def add(self, clips: int, tokens: int, flops: float, seconds: float,
            cpu_seconds: float) -> None:
        """Count one step."""
        self.steps += 1
        self.clips += clips
        self.tokens += tokens
        self.flops += flops
        self.seconds += seconds
        self.cpu_seconds += cpu_seconds

    def record(self) -> dict[str, Any]:
        """The tally as the checkpoint carries it, with totals over all earlier runs."""
        fields = dataclasses.asdict(self)
        totals = {
            f"total_{name}": fields[name] + sum(run.get(name, 0) for run in self.earlier)
            for name in ("clips", "flops", "cpu_seconds")
        }
        return fields | totals


def identity(config: TrainingConfig) -> str:
    """What must be equal for a run to be resumed: all but its length and its logging."""
    free = ("minutes", "steps", "checkpoint_minutes", "validation_minutes", "compiled")
    fields = {k: v for k, v in dataclasses.asdict(config).items() if k not in free}
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def write_state(out: Path, network: VideoTransformer, average: dict[str, Tensor],
                optimiser: torch.optim.AdamW, tally: Tally, config: TrainingConfig,
                typical: Tensor) -> None:
    """Write the state atomically; `typical` are the squares of `TypicalErrors`."""
    tensors = {f"network.{name}": p.detach() for name, p in network.named_parameters()}
    tensors["typical"] = typical
    tensors |= {f"average.{name}": p for name, p in average.items()}
    for name, parameter in network.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            tensors[f"{key}.{name}"] = value
    target = out / STATE
    partial = target.with_name(f".{STATE}.{os.getpid()}")
    save_file({name: t.contiguous() for name, t in tensors.items()}, partial, metadata={
        "tally": json.dumps(dataclasses.asdict(tally)), "identity": identity(config)})
    os.replace(partial, target)


def read_state(out: Path, network: VideoTransformer, average: dict[str, Tensor],
               optimiser: torch.optim.AdamW, config: TrainingConfig, typical: Tensor) -> Tally:
    """Put a stored state into network, average, optimiser and `typical`; returns the tally.

    Raises
    ------
    InputError : nothing to resume, a damaged file, or the state of another configuration.
    """
    path = out / STATE
    if not path.is_file():
        raise InputError(f"{out} holds nothing to resume ({STATE} is missing)")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}); train again or use --init") from error
    if metadata["identity"] != identity(config):
        raise InputError(f"{path} is of another training configuration; give the same options, "
                         "or start from its weights with --init")
    with torch.no_grad():
        typical.copy_(tensors["typical"])
        for name, parameter in network.named_parameters():
            parameter.copy_(tensors[f"network.{name}"])
            average[name].copy_(tensors[f"average.{name}"])
            state = {key: tensors[f"{key}.{name}"] for key in ("step", "exp_avg", "exp_avg_sq")
                     if f"{key}.{name}" in tensors}
            if state:
                optimiser.state[parameter] = state
    return Tally(**json.loads(metadata["tally"]))
