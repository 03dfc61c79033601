"""``python -m evaluation.learned.against_diffusers``: training speed against a well-known network.

diffusers' ``WanTransformer3DModel`` and ours are made equally wide and deep, with as many heads and
as many tokens, and take turns at forward and backward passes of the same batch size, both compiled
and in the same precision. Compared are tokens per second times parameters, since each network has
its own parts beside its layers; parameters that are only looked up are not counted.
Needs the extra ``network-peers``; the result is kept in ``records/``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from evaluation.bootstrap import ratio_interval
from worldsim.atomic import written_whole
from worldsim.diffusion import compute
from worldsim.diffusion.batches import Batch, Kind
from worldsim.diffusion.step_loss import step_loss
from worldsim.diffusion.trainer import Trainer
from worldsim.errors import InputError, run_program

LOOKED_UP = ("parameters_in.values", "parameters_in.name", "parameters_in.present", "camera",
             "scenario", "entity")
"""Tables of ours: a clip uses a few rows of them."""


def counted(network: torch.nn.Module) -> int:
    """Parameters that are multiplied by something in every pass, and learned; laws and closer looks
    are learned by themselves."""
    return sum(p.numel() for name, p in network.named_parameters()
               if name.replace("_orig_mod.", "") not in LOOKED_UP
               and not name.startswith(("laws.", "looks.")))


def sequence(batch: Batch, registers: int) -> int:
    """Tokens of one clip in our network."""
    return batch.tokens + registers + batch.condition.told.number.shape[1]


def theirs(width: int, layers: int, heads: int, hidden: int) -> Any:
    """Their network; the feed-forward layer has as many parameters as our gated one."""
    try:
        from diffusers import WanTransformer3DModel
    except ImportError as error:
        raise InputError("this comparison needs diffusers: install the extra "
                         "network-peers") from error
    return WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=heads, attention_head_dim=width // heads,
        in_channels=16, out_channels=16, text_dim=width, freq_dim=width,
        ffn_dim=hidden * 3 // 2, num_layers=layers, cross_attn_norm=True)


def their_step(network: Any, clips: int, tokens: int, width: int) -> Callable[[], None]:
    """A forward and backward pass over clips of so many tokens, and a caption of 16."""
    frames = 8
    side = max(1, round((tokens / frames) ** 0.5))
    columns = max(1, round(tokens / frames / side))
    video = torch.randn(clips, 16, frames, 2 * side, 2 * columns)
    time_s, text = torch.full((clips,), 500.0), torch.randn(clips, 16, width)
    network.tokens = frames * side * columns

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=compute.in_bfloat16()):
            found = network(hidden_states=video, timestep=time_s, encoder_hidden_states=text,
                            return_dict=False)[0]
            loss = found.square().mean()
        loss.backward()
        network.zero_grad()

    return step


def our_step(trainer: Trainer, batch: Batch) -> Callable[[], None]:
    """The same of ours, with its loss."""
    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=compute.in_bfloat16()):
            loss = step_loss(trainer.network, batch, 1.0, trainer._parts)[0]
        loss.backward()
        trainer.network.zero_grad()

    return step


def compare(trainer: Trainer, batch: Batch, rounds: int) -> dict[str, Any]:
    """Seconds of both in turn, and the ratio with its interval."""
    config = trainer.config.transformer
    tokens = sequence(batch, config.registers)
    other = theirs(config.width, config.layers, config.heads, config.hidden)
    plain = their_step(other, batch.clips, tokens, config.width)
    plain()  # once uncompiled: it sets its number of tokens
    other.compile(dynamic=False)
    steps = {"ours": our_step(trainer, batch), "theirs": plain}
    for step in steps.values():
        step(), step()
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - began)
    work = {"ours": batch.clips * tokens * counted(trainer.network),
            "theirs": batch.clips * other.tokens * counted(other)}
    rates = {name: work[name] / np.array(values) for name, values in seconds.items()}
    interval = ratio_interval(rates["ours"], rates["theirs"])
    return {
        "clips": batch.clips, "kind": batch.kind.value,
        "tokens_of_a_clip": {"ours": tokens, "theirs": other.tokens},
        "parameters": {"ours": counted(trainer.network), "theirs": counted(other)},
        "median_s": {name: float(np.median(values)) for name, values in seconds.items()},
        "tokens_per_s_times_parameters": {name: float(np.median(values))
                                          for name, values in rates.items()},
        "ratio": float(rates["ours"].mean() / rates["theirs"].mean()),
        "interval": [interval.low, interval.high],
        "flops_per_s": float(trainer._flops_of(batch) / np.median(seconds["ours"])),
        "precision": "bfloat16" if compute.in_bfloat16() else "float32",
        "matrix_rate": {kind: compute.matrix_rate(kind) for kind in ("bfloat16", "float32")},
    }


def main(args: Sequence[str]) -> int:
    """Make both, time them, write the result."""
    from worldsim.diffusion.clips import load_clips
    from worldsim.diffusion.presets import small

    parser = argparse.ArgumentParser(prog="python -m evaluation.learned.against_diffusers",
                                     description="Training speed against diffusers' Wan network.")
    parser.add_argument("clips", type=Path, help="a directory of clips that `worldsim train` made")
    parser.add_argument("--out", type=Path, required=True, help="file of the result (JSON)")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args(args)
    if options.rounds < 4:
        raise InputError("--rounds: give at least 4")
    compute.keep_freed_memory()
    trainer = Trainer(small(), [load_clips(options.clips, 24)])
    found = {}
    for number in range(200):
        batch = trainer.batch(number)
        if (isinstance(batch, Batch) and batch.kind is not Kind.LAWS and batch.views < 2
                and batch.kind.value not in found):
            found[batch.kind.value] = compare(trainer, batch, options.rounds)
            print(batch.kind.value, f"{found[batch.kind.value]['ratio']:.2f}", flush=True)
        if len(found) == (3 if trainer.data[0].subject.foreseen else 1):
            break
    result = {"processor": compute.processor(), "torch": torch.__version__, "batches": found}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(options.out) as path:
        path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"wrote {options.out}")
    return 0


if __name__ == "__main__":
    run_program(main)
