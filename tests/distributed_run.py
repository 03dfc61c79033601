"""Started by ``torchrun`` in tests: a short training on synthetic clips, shared by processes."""

import sys
from pathlib import Path

import torch
from synthetic_clips import synthetic_clips
from test_diffusion_training import CONFIG

from worldsim.diffusion.training import train

if __name__ == "__main__":
    torch.set_num_threads(1)
    train(CONFIG, [synthetic_clips(cases=3, frames=14, size=(16, 24))], Path(sys.argv[1]),
          log=lambda _: None)
