"""``python -m worldsim.diffusion.averaging``: the mean of two checkpoints' weights.

A fine-tuned network and the one that it started from lie in one valley of the loss; weights
between them often do better than either (Wortsman et al. 2022, "Robust fine-tuning of zero-shot
models"). What a short, noisy fine-tuning forgets, the mean keeps.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from worldsim.diffusion.checkpoint import load_checkpoint, save_checkpoint
from worldsim.diffusion.model_card import model_card
from worldsim.errors import InputError, run_program


def average_checkpoints(later: Path, earlier: Path, share: float, out: Path) -> str:
    """Write ``(1 - share) * later + share * earlier`` as a checkpoint; returns its sha256.

    Parameters
    ----------
    later : checkpoint directory of the fine-tuned network; its configuration and its account,
        which holds what `earlier` cost, are kept.
    earlier : the checkpoint that `later` started from, directly or by way of others.

    Raises
    ------
    InputError : a share outside 0 to 1, or `later` did not start from `earlier`.
    """
    if not 0 <= share <= 1:
        raise InputError(f"share={share:g}: give 0 (all later) to 1 (all earlier)")
    config, network, _ = load_checkpoint(later)
    before, first, sha256 = load_checkpoint(earlier)
    runs = [run.get("sha256") for run in config.training.get("earlier", [])]
    if sha256 not in runs:
        raise InputError(f"{later} did not start from {earlier}: their weights have no common mean")
    start = first.state_dict()
    weights = {name: value.lerp(start[name], share)
               for name, value in network.state_dict().items()}
    versions = ", ".join(f"{one.name} {one.version}" for one in before.repertoire.subjects)
    record = config.training | {
        "averaged": {"share": share, "sha256": sha256, "version": versions},
        "validation": {},
    }
    mean = dataclasses.replace(config, training=record)
    return save_checkpoint(out, mean, weights, model_card(mean))


def main(args: Sequence[str]) -> int:
    """Average as told."""
    parser = argparse.ArgumentParser(prog="python -m worldsim.diffusion.averaging",
                                     description="Average the weights of two checkpoints.")
    parser.add_argument("later", type=Path, help="the fine-tuned checkpoint")
    parser.add_argument("earlier", type=Path, help="the one that it started from")
    parser.add_argument("--share", type=float, default=0.5, help="of the earlier one")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(args)
    sha256 = average_checkpoints(options.later, options.earlier, options.share, options.out)
    print(f"sha256 {sha256}")
    return 0


if __name__ == "__main__":
    run_program(main)
