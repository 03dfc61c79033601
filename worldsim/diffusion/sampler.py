"""From noise to clips: an ordinary differential equation solved in few steps.

Known pixels are put back after every step, so they come back untouched; noise is an argument, so
that whoever calls decides which member gets which.
"""

from __future__ import annotations

import dataclasses
import itertools

import torch
from torch import Tensor

from worldsim.diffusion.patches import Grid
from worldsim.diffusion.schedule import sampling_levels, velocity
from worldsim.diffusion.transformer import Condition, Context, VideoTransformer
from worldsim.errors import InputError


@dataclasses.dataclass(frozen=True)
class SamplerConfig:
    """How to sample.

    steps : steps from noise to data.
    shift : above 1, more steps near noise (`worldsim.diffusion.schedule.sampling_levels`).
    heun : second-order steps (two evaluations each, except the last).
    guidance : 1 takes the parameters as told; above 1 exaggerates what telling them changes.
    overlap : seconds that one window of a long rollout hands to the next as known, at most half of
        the window.
    context_noise : how noisy the network is told that frames it dreamed itself are.
    """

    steps: int = 12
    shift: float = 3.0
    heun: bool = False
    guidance: float = 1.0
    overlap: float = 4.0
    context_noise: float = 0.03

    def __post_init__(self) -> None:
        if self.steps < 1 or self.shift <= 0:
            raise InputError(f"steps={self.steps}, shift={self.shift:g}: give at least 1, above 0")


@torch.inference_mode()
def sample(network: VideoTransformer, noise: Tensor, given: Tensor, known: Tensor,
           context: Context, condition: Condition, grid: Grid, config: SamplerConfig) -> Tensor:
    """Denoise a batch of clips.

    Parameters
    ----------
    noise : (B, N, S, C, F*P) standard normal.
    given : the same shape, pixels in [-1, 1]; read where known.
    known : (B, N, S, F*P) bool.

    Returns
    -------
    Clips in cells like `noise`; known pixels equal `given` bit for bit.
    """
    levels = sampling_levels(config.steps, config.shift)
    untold = dataclasses.replace(condition, features=torch.zeros_like(condition.features),
                                 presence=torch.zeros_like(condition.presence))
    wholly = _wholly_known_groups(known, grid)
    clean_level = (1 - condition.context_noise)[:, None]

    def predict(z: Tensor, level: Tensor) -> Tensor:
        of_groups = torch.where(wholly, clean_level, level.expand(wholly.shape))
        flat = z.flatten(-2)
        predicted = network(flat, of_groups, context, condition, grid)
        if config.guidance != 1:
            without = network(flat, of_groups, context, untold, grid)
            predicted = without + config.guidance * (predicted - without)
        return predicted.view_as(z)

    def pin(z: Tensor) -> Tensor:
        return torch.where(known[..., None, :], given, z)

    z = pin(noise)
    for now, then in itertools.pairwise(levels):
        predicted = predict(z, now)
        if then == 1:
            return pin(predicted)
        slope = velocity(predicted, z, now)
        ahead = pin(z + (then - now) * slope)
        if config.heun:
            slope = (slope + velocity(predict(ahead, then), ahead, then)) / 2
            ahead = pin(z + (then - now) * slope)
        z = ahead
    raise AssertionError("the last level is 1")


def _wholly_known_groups(known: Tensor, grid: Grid) -> Tensor:
    """(B, V*G): groups of frames without an unknown pixel."""
    return known.flatten(2).all(-1).unflatten(1, (-1, grid.tokens_per_group)).all(-1)


