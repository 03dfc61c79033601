"""The training objective: an x-prediction scored as a velocity, on unknown pixels that matter."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from worldsim.diffusion.known import KnownDistribution
from worldsim.diffusion.schedule import LevelDistribution, mix, velocity_weight


@dataclasses.dataclass(frozen=True)
class ObjectiveConfig:
    """What is drawn in training, and what counts.

    moving : extra weight of pixels that change from frame to frame.
    changed : extra weight of pixels that differ from the clip's first frame.
    salient : extra weight of small saturated things (debris), moving or not.
    context_noise : largest noise on known pixels; half of the clips have none.
    drop : chance that a parameter is not told.
    """

    levels: LevelDistribution = dataclasses.field(default_factory=LevelDistribution)
    known: KnownDistribution = dataclasses.field(default_factory=KnownDistribution)
    moving: float = 5.0
    changed: float = 2.0
    salient: float = 60.0
    context_noise: float = 0.1
    drop: float = 0.1


MOVES = 10
"""Difference of a colour channel (of 255) from which a pixel counts as changed."""


def salient(video_u8: Tensor) -> Tensor:
    """Pixels of a saturated colour that is not water's: red, yellow, lime, magenta, violet …

    Saturated: the channels span more than 110 of 255. Water (cyan to blue) is where red is the
    smallest and blue the largest channel.
    """
    red, green, blue = video_u8.unbind(-1)
    largest = torch.maximum(torch.maximum(red, green), blue)
    smallest = torch.minimum(torch.minimum(red, green), blue)
    watery = (red == smallest) & (blue == largest)
    return (largest - smallest > 110) & ~watery


def importance(video_BVTHWC: Tensor, config: ObjectiveConfig) -> Tensor:
    """Weight of every pixel (B, V, T, rows, columns) uint8, 1 for what rests."""
    differs = (video_BVTHWC[:, :, 1:].short() - video_BVTHWC[:, :, :-1]).abs().amax(-1) > MOVES
    moving = torch.zeros(video_BVTHWC.shape[:-1], dtype=torch.bool)
    moving[:, :, 1:] = differs
    moving[:, :, :-1] |= differs
    changed = (video_BVTHWC.short() - video_BVTHWC[:, :, :1]).abs().amax(-1) > MOVES
    strong = moving * config.moving
    strong = torch.maximum(strong, salient(video_BVTHWC) * config.salient)
    return (1 + torch.maximum(strong, changed * config.changed)).to(torch.uint8)


def noisy_cells(clean: Tensor, noise: Tensor, level: Tensor, known: Tensor,
                context_noise: Tensor) -> Tensor:
    """The network's input: unknown pixels at their group's level, known ones nearly clean.

    clean, noise : (B, N, S, C, F*P); level (B, N); known (B, N, S, F*P) bool; context_noise (B,).
    """
    share = torch.where(known, (1 - context_noise).view(-1, 1, 1, 1), level[..., None, None])
    return mix(clean, noise, share[..., None, :])


def velocity_loss(predicted: Tensor, clean: Tensor, level: Tensor, known: Tensor,
                  weight: Tensor) -> Tensor:
    """Weighted mean square error of the velocity over unknown pixels; shapes as `noisy_cells`."""
    error = (predicted - clean).square().mean(-2)
    counted = weight * ~known
    weighted = error * counted * velocity_weight(level)[..., None, None]
    return weighted.sum() / counted.sum().clamp_min(1)

