"""The losses of a tiny training's first steps, as they were when they were written down.

Whoever refactors the network, the batches or the objective must leave these as they are, or change
them on purpose, and say in the commit what changed. Numbers are of float32 on a CPU.
"""

from __future__ import annotations

import pytest
from synthetic_clips import ball_clips, synthetic_clips

from worldsim.diffusion.layers import TransformerConfig
from worldsim.diffusion.patches import PatchConfig
from worldsim.diffusion.presets import TrainingConfig
from worldsim.diffusion.training import Trainer
from worldsim.diffusion.training_clips import BatchConfig

CONFIG = TrainingConfig(
    transformer=TransformerConfig(patches=PatchConfig(frames=5, patch=8, cell=4), width=32,
                                  layers=2, heads=2, hidden=32, detail=8),
    batch=BatchConfig(tokens=64, frames=10, town_frames=10), held_out=1, steps=8, warmup=2,
    compiled=False, precision="float32")

LOSSES = {
    "balls": [0.1411311, 0.1098548, 0.2117608, 0.188772, 0.2214563, 0.1953997, 0.1353792,
              0.1951633],
    "tsunami": [0.1843416, 0.0122436, 0.0101, 0.1754372, 0.2428062, 0.2187888, 0.0231845,
                0.1452734],
}
CLIPS = {"balls": ball_clips, "tsunami": synthetic_clips}


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_losses_are_what_they_were(name):
    trainer = Trainer(CONFIG, [CLIPS[name](cases=4, frames=14, size=(16, 24))], lambda _: None)
    found = [trainer.step()["loss"] for _ in range(8)]
    assert found == pytest.approx(LOSSES[name], rel=1e-3)
