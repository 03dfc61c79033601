"""The transformer in block-causal order, group of frames by group of frames, as streams ask it.

What no longer changes is kept in the memories of the layers (`worldsim.diffusion.layers`).
"""

from __future__ import annotations

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor

from worldsim.diffusion.carrying import Stage
from worldsim.diffusion.layers import LayerMemory, Spread
from worldsim.diffusion.motion import Motion
from worldsim.diffusion.patches import Grid
from worldsim.diffusion.sequence import Condition, Context, Prediction, States
from worldsim.diffusion.transformer import VideoTransformer


def begin(network: VideoTransformer, condition: Condition, memories: list[LayerMemory]) -> None:
    """Let what is told be seen by all groups that follow, in block-causal order."""
    told, vectors = network.tell(condition)
    told = told + network.duration(condition.seconds.log2()[:, None])
    expert = network.expert(condition.expert)
    modulation = expert.modulation(F.silu(told[:, None])).unflatten(-1, (6, -1))
    x = torch.cat([network.registers.expand(len(told), -1, -1), vectors], 1)
    spread = Spread(0, 0, 0, x.shape[1])
    angles = x.new_zeros(1, 1, x.shape[1], network.config.width // network.config.heads // 2)
    for block, memory in zip(expert.blocks, memories, strict=True):
        x = block(x, modulation, spread, angles.cos(), angles.sin(), None, memory)
        memory.keep(0)


def extend(network: VideoTransformer, told: Tensor, noisy: Tensor, level: Tensor, context: Context,
           condition: Condition, states: States, stage: Stage, grid: Grid,
           reference_numbers: Tensor | None, motion: Motion,
           rotations: tuple[Tensor, Tensor], memories: list[LayerMemory]) -> Prediction:
    """Predict one more group of frames in block-causal order, looking back at the memories.

    Parameters
    ----------
    told : what `VideoTransformer.tell` makes of the condition; it does not change from group to
        group.
    grid : of one group. reference_numbers : (B, V, 1, E, 9) states at the reference; None
        where it is a frame of this group.
    motion : the nearest known states.
    rotations : cosines and sines of all tokens that are looked back at, and of these.
    """
    expert = network.expert(condition.expert)
    modulation = network.modulate(told, level, condition, states)
    cells = expert.read_cells(noisy, context, level, condition, grid)
    assert states.lawful is not None
    lawful = states.lawful
    x = torch.cat([expert.place_patches(cells, condition, grid),
                   network.read_entities(states, motion, lawful)], 1)
    entities = states.entity.shape[1]
    spread = Spread(level.shape[1], grid.tokens_per_group, entities, 0)
    x, found = network.through(x, cells, modulation, spread, rotations, None, condition, grid,
                               memories)
    x = expert.finish(x, modulation, spread)
    numbers = network.said(x[:, grid.tokens:], states, found, motion, lawful)
    carried = network.carried(numbers, states, stage, grid, reference_numbers)
    return Prediction(expert.paint(x[:, :grid.tokens], cells, context, carried), numbers)


def group_rotations(network: VideoTransformer, condition: Condition, grid: Grid, entities: int,
                    extra: int, groups: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines (B, 1, tokens, …) in the order of streaming: what is told, then group
    after group its patches and entities. The first B rows are of one condition each."""
    one = grid.tokens + entities
    cosines, sines = [], []
    for group in range(groups):
        later = dataclasses.replace(
            condition, start=condition.start + group * condition.seconds)
        cos, sin = network.rotations(later, grid, entities, extra)
        if not group:
            cosines.append(cos[:, :, one:])
            sines.append(sin[:, :, one:])
        cosines.append(cos[:, :, :one])
        sines.append(sin[:, :, :one])
    return torch.cat(cosines, 2), torch.cat(sines, 2)
