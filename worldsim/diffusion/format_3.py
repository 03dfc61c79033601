"""Weights of the third format as a start: less was known of how bodies move."""

from __future__ import annotations

from torch import Tensor

from worldsim.diffusion.transformer import VideoTransformer

GROWN = ("read_motion.up.weight", "read_motion.direct.weight")
"""What has further rows or columns today; they come last."""


def carried_over(weights: dict[str, Tensor], network: VideoTransformer) -> dict[str, Tensor]:
    """Weights of today's network in which what is new counts nothing."""
    state = dict(weights)
    for name, value in network.state_dict().items():
        old = state.get(name)
        if name in GROWN and old is not None and old.shape != value.shape:
            state[name] = value.new_zeros(value.shape)
            state[name][tuple(slice(0, size) for size in old.shape)] = old.float()
    return state
