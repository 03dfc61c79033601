"""The losses of a tiny training's first steps, as they were when they were written down.

Whoever refactors the network, the batches or the objective must leave these as they are, or change
them on purpose, and say in the commit what changed. Numbers are of float32 on a CPU.
"""

from __future__ import annotations

import pytest
from synthetic_clips import ball_clips, synthetic_clips

from worldsim.diffusion.batches import Kind
from worldsim.diffusion.layers import TransformerConfig
from worldsim.diffusion.patches import PatchConfig
from worldsim.diffusion.presets import TrainingConfig
from worldsim.diffusion.training import Trainer
from worldsim.diffusion.training_clips import BatchConfig

CONFIG = TrainingConfig(
    transformer=TransformerConfig(patches=PatchConfig(frames=5, patch=8, cell=4), width=32,
                                  layers=2, heads=2, hidden=32, detail=8),
    batch=BatchConfig(tokens=64, frames=10, town_frames=10, paths=0.25, laws=0.15, looks=0.15,
                      looks_bodies=32),
    held_out=1, steps=12, warmup=2, compiled=False, precision="float32")

LOSSES = {
    "balls": [0.0807989, 0.0808767, 0.212984, 0.2194631, 0.2416562, 0.0805215, 0.1613771,
              0.0832622, 0.100191, 0.0455943, 0.2290699, 0.1487503, 0.1240678, 0.1603331,
              0.3408544],
    "tsunami": [0.1847902, 0.0122237, 0.0100775, 0.1721141, 0.2416252, 0.2187917, 0.0230818,
                0.1453865, 0.0149811, 0.0817863, 0.1753786, 0.078359],
}
KINDS = {"balls": set(Kind), "tsunami": {Kind.FILMS}}
CLIPS = {"balls": ball_clips, "tsunami": synthetic_clips}


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_losses_are_what_they_were(name):
    trainer = Trainer(CONFIG, [CLIPS[name](cases=4, frames=14, size=(16, 24))], lambda _: None)
    steps = range(len(LOSSES[name]))
    assert {trainer.batch(k).kind for k in steps} == KINDS[name]
    assert [trainer.step()["loss"] for _ in steps] == pytest.approx(LOSSES[name], rel=1e-3)
