"""Weights of the fourth format as a start: there, tokens said how bodies move; here laws do, and
tokens only what departs from that, which begins anew."""

from __future__ import annotations

from torch import Tensor

from worldsim.diffusion.motion import EXTRA

DEPART = ("write_motion.depart.weight", "write_motion.depart.bias")


def carried_over(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of which nothing departs from the laws, if they are of a network without any."""
    if "laws.up.weight" in weights or DEPART[0] not in weights:
        return weights
    state = dict(weights)
    for name in DEPART:
        state[name] = weights[name].clone()
        state[name][:-EXTRA] = 0
    return state
