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
    batch=BatchConfig(tokens=64, frames=10, town_frames=10), held_out=1, steps=12, warmup=2,
    compiled=False, precision="float32")

LOSSES = {
    "balls": [0.2239856, 0.2787383, 0.2129394, 0.1883625, 0.2187084, 0.2365917, 0.1350171,
              0.1907046, 0.1110498, 0.0646655, 0.1696624, 0.105616],
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
