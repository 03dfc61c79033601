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
    "balls": [0.1233976, 0.1242114, 0.212829, 0.1903274, 0.2284247, 0.1426463, 0.1355031,
              0.1978482, 0.1075657, 0.0044056, 0.1731554, 0.1116333],
    "tsunami": [0.1845891, 0.0122493, 0.0100882, 0.1734115, 0.2414136, 0.2189271, 0.0230221,
                0.1447, 0.0147772, 0.0818352, 0.1748654, 0.0771847],
}
KINDS = {"balls": set(Kind), "tsunami": {Kind.FILMS}}
CLIPS = {"balls": ball_clips, "tsunami": synthetic_clips}


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_losses_are_what_they_were(name):
    trainer = Trainer(CONFIG, [CLIPS[name](cases=4, frames=14, size=(16, 24))], lambda _: None)
    steps = range(len(LOSSES[name]))
    assert {trainer.batch(k).kind for k in steps} == KINDS[name]
    assert [trainer.step()["loss"] for _ in steps] == pytest.approx(LOSSES[name], rel=1e-3)
