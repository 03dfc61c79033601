"""What a sequence of the network holds: what it is told, states and pixels, and who sees whom."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from worldsim.diffusion.conditioning import Told
from worldsim.diffusion.patches import Grid

HALF_SIZE = 0.1
"""Unit of normalised half sizes, in units of normalised positions."""


@dataclasses.dataclass(frozen=True)
class Condition:
    """What the network is told about a batch.

    scenario : (B,) number of the scenario.
    camera : (B, V, G) number of the camera of every group of frames.
    told : parameters as `encode_parameters` gives them.
    context_noise : (B,) how noisy the known pixels are, 0 (clean) to 1.
    states_noise : (B,) standard deviation of the noise on known states, normalised.
    start : (B,) s, the clip's first instant on the axis of positions.
    seconds : (B,) duration of a group.
    expert : number of what the scenarios have for themselves (`worldsim.diffusion.expert`); one for
        all of a batch.
    """

    scenario: Tensor
    camera: Tensor
    told: Told
    context_noise: Tensor
    states_noise: Tensor
    start: Tensor
    seconds: Tensor
    expert: int = 0


@dataclasses.dataclass(frozen=True)
class States:
    """Entities of a batch, noisy where unknown.

    entity : (B, E) numbers of the entities' names; the number after the last one where none is.
    numbers : (B, E, G, F * 9 + 4) normalised states frame by frame, half sizes, and whether the
        entity is there (1 or -1); 0 where not a number.
    valid : the same shape; 1 where it is one.
    known : (B, E, G) 1 where the token is known.
    level : (B, G) t of the unknown ones.
    push : (B, E, G, 5) what is done to it in that group: 1, when in the group (0 to 1), velocity.
    turned : (B, E) whether it is known how bodies are turned (a ball without marks looks the same
        however it is); None where it is of all.
    lawful : (B, E, G, F * 9 + 4) where the laws lead from what is known; None where that is still
        to be found (`VideoTransformer.lawful`).
    bounds : (B, 2, NUMBERS) lowest and highest numbers that bodies may have; None for any.
    """

    entity: Tensor
    numbers: Tensor
    valid: Tensor
    known: Tensor
    level: Tensor
    push: Tensor
    turned: Tensor | None = None
    lawful: Tensor | None = None
    bounds: Tensor | None = None


@dataclasses.dataclass(frozen=True)
class Context:
    """What is known about the pixels, cell by cell (`worldsim.diffusion.known.context_cells`).

    known : (B, N, S, F) share of the cell that is known, per frame.
    reference : (B, N, S, C * cell pixels) the known pixel nearest in time, 0 where there is none.
    valid : (B, N, S, cell pixels) 1 where the reference exists.
    age : (B, N, S, 1) mean distance in time between reference and group [s].
    """

    known: Tensor
    reference: Tensor
    valid: Tensor
    age: Tensor


def group_of_tokens(grid: Grid, entities: int, extra: int) -> Tensor:
    """Number of the group in time of every token of a sequence; -1 of those that have none."""
    groups = torch.arange(grid.groups)
    patch = groups.repeat_interleave(grid.tokens_per_group).repeat(grid.views)
    return torch.cat([patch, groups.repeat(entities), torch.full((extra,), -1)])


def causal_mask(grid: Grid, entities: int, extra: int) -> Tensor:
    """(tokens, tokens) bool: which token (row) sees which, if none sees later groups."""
    group = group_of_tokens(grid, entities, extra)
    return group[:, None] >= group[None, :]


def looks_ahead(mask: Tensor, grid: Grid) -> bool:
    """Whether entities, of which there are some, see later groups by a mask (tokens, tokens)."""
    return bool(mask[grid.tokens, grid.tokens + grid.groups - 1])  # of the first one


@dataclasses.dataclass(frozen=True)
class Prediction:
    """pixels : (B, N, S, C*F*P) clean; numbers : (B, E, G, F*9 + 4) clean."""

    pixels: Tensor
    numbers: Tensor
