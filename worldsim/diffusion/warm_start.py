"""Weights of one network as the start of another that is told more parameters.

What the networks share is taken over; a parameter that is new, or that has another range now,
starts untold: its values weigh nothing until training finds a use for them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from worldsim.diffusion.conditioning import ParameterSpec

ENCODER = "parameters_in."
"""Where the parameters' weights are in a network's state."""


def same_meaning(before: ParameterSpec, now: ParameterSpec) -> bool:
    """Whether the weights of one parameter mean the same for the other: equal ranges and units,
    or choices that at most were added to."""
    if before.choices or now.choices:
        return before.choices == now.choices[: len(before.choices)] and bool(before.choices)
    return (before.unit, before.low, before.high) == (now.unit, now.low, now.high)


def carried_over(
    weights: dict[str, Tensor],
    before: tuple[ParameterSpec, ...],
    fresh: dict[str, Tensor],
    now: tuple[ParameterSpec, ...],
) -> tuple[dict[str, Tensor], list[str]]:
    """State of a network with the parameters `now` from one with those of `before`.

    Parameters
    ----------
    weights : the older network's state. fresh : the newer one's, as initialised.

    Returns
    -------
    The newer network's state, and the names of the parameters that start anew.
    """
    found = {name: value for name, value in weights.items() if not name.startswith(ENCODER)}
    mix = {name: value for name, value in weights.items() if name.startswith(ENCODER + "mix.")}
    state = dict(fresh) | found | mix
    places = {spec.name: place for place, spec in enumerate(before)}
    anew = []
    for place, spec in enumerate(now):
        layer = f"{ENCODER}values.{place}.weight"
        state[layer] = torch.zeros_like(fresh[layer])
        old = places.get(spec.name)
        if old is None or not same_meaning(before[old], spec):
            anew.append(spec.name)
            continue
        columns = before[old].features
        state[layer][:, :columns] = weights[f"{ENCODER}values.{old}.weight"]
        for row in ("name", "present"):
            state[ENCODER + row] = state[ENCODER + row].clone()
            state[ENCODER + row][place] = weights[ENCODER + row][old]
    return state, anew
