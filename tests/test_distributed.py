"""Training shared by two processes takes the step of one with both batches."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from synthetic_clips import synthetic_clips
from test_diffusion_training import CONFIG

from worldsim.diffusion.step_loss import step_loss
from worldsim.diffusion.trainer import Trainer
from worldsim.diffusion.training_state import STATE

HERE = Path(__file__).parent


@pytest.mark.slow
def test_two_processes_train_as_one_with_both_batches(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1",
         "--nproc-per-node", "2", str(HERE / "distributed_run.py"), str(tmp_path)],
        timeout=300, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1",
                          "GLOO_SOCKET_IFNAME": "lo"})
    assert ran.returncode == 0, ran.stdout

    alone = Trainer(CONFIG, [synthetic_clips(cases=3, frames=14, size=(16, 24))], lambda _: None)
    for step in range(CONFIG.steps):
        for group in alone.optimiser.param_groups:
            group["lr"] = alone.rate()
        before, after = alone.typical.squares.clone(), []
        for rank in range(2):
            alone.typical.squares = before.clone()
            (step_loss(alone.network, alone.batch(2 * step + rank), typical=alone.typical)[0]
             / 2).backward()
            after.append(alone.typical.squares)
        torch.nn.utils.clip_grad_norm_(alone.network.parameters(), CONFIG.clip)
        alone.optimiser.step()
        alone.optimiser.zero_grad()
        alone.tally.steps += 1
    shared = load_file(tmp_path / STATE)
    for name, parameter in alone.network.named_parameters():
        torch.testing.assert_close(shared[f"network.{name}"], parameter.detach(), atol=2e-5,
                                   rtol=2e-4)
    fresh = Trainer(CONFIG, [synthetic_clips(cases=3, frames=14, size=(16, 24))], lambda _: None)
    moved = [name for name, parameter in fresh.network.named_parameters()
             if not torch.equal(parameter, shared[f"network.{name}"])]
    assert len(moved) > 50
