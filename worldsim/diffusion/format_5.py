"""Checkpoints of the fifth format: laws without friction, that were told logarithms alone, and
tokens that were not told where laws lead. Today's network says the same with their weights."""

from __future__ import annotations

import torch
from torch import Tensor

from worldsim.diffusion import format_3
from worldsim.diffusion.motion import EXTRA, STEERS
from worldsim.diffusion.observables import NUMBERS
from worldsim.diffusion.transformer import VideoTransformer

FORMAT = 5

STEERED_BEFORE = (STEERS - 1) * NUMBERS + 3 + EXTRA
"""Numbers of its laws; friction has been inserted after the first of them."""


def is_of_format_5(weights: dict[str, Tensor]) -> bool:
    """Whether weights are of that format: what is told is told apart from whether it is."""
    return "laws.present" in weights


def carried_over(weights: dict[str, Tensor], network: VideoTransformer) -> dict[str, Tensor]:
    """State of today's network that predicts the same."""
    fresh = network.state_dict()
    state = {name: value.float() for name, value in weights.items()}
    present = state.pop("laws.present")
    values = state["laws.values"]
    state["laws.values"] = fresh["laws.values"].new_zeros(fresh["laws.values"].shape)
    state["laws.values"][:, 0] = present
    state["laws.values"][:, 2:2 + values.shape[1]] = values
    state["laws.of_parameter"] = fresh["laws.of_parameter"].clone().zero_()
    state["laws.down.weight"] = _without_friction(state["laws.down.weight"].T).T.contiguous()
    state["laws.of_scenario"] = _without_friction(state["laws.of_scenario"])
    return format_3.carried_over(state, network)  # further columns count nothing


def _without_friction(table: Tensor) -> Tensor:
    """Maps (…, numbers of laws) to today's numbers."""
    assert table.shape[-1] == STEERED_BEFORE
    first = (STEERS - 1) * NUMBERS
    none = table.new_zeros(*table.shape[:-1], NUMBERS)
    return torch.cat([table[..., :first], none, table[..., first:]], -1)
