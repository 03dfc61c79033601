"""How the town learned to say what it shows (run 40): `python records/training/towns.py DIR INIT`.

Makes what is missing in DIR, and trains on from the weights INIT of run 8, which showed towns and
said nothing: beside its pixels the network now dreams the depth at nine gauges, what becomes of the
houses, and what becomes of the people. Writes DIR/40, and DIR/shipped with the sampler of INIT.
"""

import dataclasses
import sys
from pathlib import Path

import torch

from worldsim.diffusion.clip_factory import generate_clips
from worldsim.diffusion.clips import load_clips
from worldsim.diffusion.layers import TransformerConfig
from worldsim.diffusion.model import VideoDiffusion
from worldsim.diffusion.observables import record_states
from worldsim.diffusion.presets import small
from worldsim.diffusion.training import train
from worldsim.splits import Purpose, seed_for

FIRST, CASES = 12_000, 468
"""Numbers of the cases."""

MINUTES = 70.0


def main(root: Path, before: Path) -> None:
    """Make and train."""
    clips = root / "clips" / "tsunami"
    list(generate_clips(clips, "tsunami", range(FIRST, FIRST + CASES),
                        seed=seed_for(Purpose.TRAINING, 7), record=record_states, compiled=True))
    base = small()
    config = dataclasses.replace(
        base, transformer=TransformerConfig(layers=5, raw=(0,)), minutes=MINUTES, decay=0.6,
        learning_rate=8e-4, warmup=150, validation_minutes=25.0,
        batch=dataclasses.replace(base.batch, first_view=0.8))
    train(config, [load_clips(clips)], root / "40", init=before)
    torch.set_grad_enabled(False)
    sampler = VideoDiffusion.from_pretrained(before).config.samplers[0]
    trained = VideoDiffusion.from_pretrained(root / "40")
    trained.with_sampler(**dataclasses.asdict(sampler)).save_pretrained(
        root / "shipped", compact=(0,))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
