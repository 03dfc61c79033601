"""Noise levels: the path from noise to data, how levels are drawn, and the sampler's steps.

z = (1 - t) * noise + t * data (Lipman et al. 2023; Liu et al. 2023): t=0 is noise, t=1 data.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch
from torch import Tensor

FLOOR = 0.05
"""Smallest 1 - t by which a velocity is divided (Li & He 2025)."""


def mix(data: Tensor, noise: Tensor, level: Tensor) -> Tensor:
    """The noisy sample z at `level` (broadcastable)."""
    return torch.lerp(noise, data, level)


def velocity(predicted: Tensor, noisy: Tensor, level: Tensor) -> Tensor:
    """dz/dt implied by a prediction of the data: (x - z) / (1 - t)."""
    return (predicted - noisy) / (1 - level).clamp_min(FLOOR)


def advanced(noisy: Tensor, predicted: Tensor, now: float, later: float) -> Tensor:
    """A sample one Euler step on, from level `now` to `later`; at data it is the prediction."""
    if later == 1:
        return predicted
    return noisy + (later - now) * velocity(predicted, noisy, torch.tensor(now))


def velocity_weight(level: Tensor) -> Tensor:
    """Turns a squared error of the data into one of the velocity: 1 / (1 - t)^2."""
    return (1 - level).clamp_min(FLOOR) ** -2


@dataclasses.dataclass(frozen=True)
class LevelDistribution:
    """How training draws noise levels: logit-normal (Esser et al. 2024, eq. 19).

    location is below 0 because a clip repeats itself from frame to frame: its layout shows
    through much noise, so the decisions are made at low t.
    independent : share of clips whose groups have independent levels (Chen et al. 2024,
        "Diffusion forcing"); the others have one level, as whole-clip sampling does.
    """

    location: float = -1.2
    scale: float = 1.2
    independent: float = 0.25

    def draw(self, batch: int, groups: int, rng: np.random.Generator) -> Tensor:
        """Levels (batch, groups); across the batch they are stratified (low variance)."""
        strata = (rng.permutation(batch) + rng.random(batch)) / batch
        shared = np.broadcast_to(strata[:, None], (batch, groups))
        own = rng.random((batch, groups))
        each = rng.random((batch, 1)) < self.independent
        uniform = torch.from_numpy(np.where(each, own, shared)).clamp(1e-4, 1 - 1e-4)
        normal = math.sqrt(2.0) * torch.erfinv(2 * uniform - 1)
        return torch.sigmoid(self.location + self.scale * normal).float()


def sampling_levels(steps: int, shift: float) -> Tensor:
    """Levels 0 = t_0 < ... < t_steps = 1; shift > 1 puts more of them near noise.

    t = u / (u + shift * (1 - u)) for uniform u (Esser et al. 2024, eq. 23, with t reversed).
    """
    uniform = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    return (uniform / (uniform + shift * (1 - uniform))).float()
