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
from worldsim.diffusion.trainer import Trainer
from worldsim.diffusion.training_clips import BatchConfig

CONFIG = TrainingConfig(
    transformer=TransformerConfig(patches=PatchConfig(frames=5, patch=8, cell=4), width=32,
                                  layers=2, heads=2, hidden=32, detail=8),
    batch=BatchConfig(tokens=64, frames=10, town_frames=10, paths=0.25, laws=0.15, looks=0.15,
                      looks_bodies=32),
    held_out=1, steps=12, warmup=2, compiled=False, precision="float32")

LOSSES = {
    "balls": [0.2317897, 0.2295649, 0.2143139, 0.2145702, 0.2089878,
              0.2252198, 0.1612103, 0.2252568, 0.0998129, 0.0446996,
              0.1862495, 0.1527805, 0.1194426, 0.1677501, 0.3407927],
    "tsunami": [0.1844329, 0.0122642, 0.0101079, 0.1743964, 0.2418354, 0.2193418, 0.0230429,
                0.1445531, 0.0148939, 0.0817468, 0.1758687, 0.0772362],
}
KINDS = {"balls": set(Kind), "tsunami": {Kind.FILMS}}
CLIPS = {"balls": ball_clips, "tsunami": synthetic_clips}


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_losses_are_what_they_were(name):
    trainer = Trainer(CONFIG, [CLIPS[name](cases=4, frames=14, size=(16, 24))], lambda _: None)
    steps = range(len(LOSSES[name]))
    assert {trainer.batch(k).kind for k in steps} == KINDS[name]
    assert [trainer.step()["loss"] for _ in steps] == pytest.approx(LOSSES[name], rel=1e-3)
