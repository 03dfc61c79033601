"""Obstacles that break, wash away or move: the water's walls change, its mass does not."""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from worldsim.errors import InputError
from worldsim.simulator.water import WaterState


def rearrange(state: WaterState, blocked: Tensor, wanted: Tensor) -> WaterState:
    """Block exactly the `wanted` cells, (batch, ny, nx) bool; volume, momentum and tracer are kept.

    Cells that are no longer blocked become dry ground, into which water then flows. The water of
    cells that become blocked is pushed, with its momentum and tracer, into the nearest cell that
    stays open (the first in row order among equally near ones).

    Raises
    ------
    InputError : shapes differ, or a member with water would have no open cell left.
    """
    if not blocked.shape == wanted.shape == state.depth.shape:
        raise InputError(
            f"blocked cells {tuple(blocked.shape)} and {tuple(wanted.shape)} do not fit the "
            f"water's {tuple(state.depth.shape)}"
        )
    closing = wanted & ~blocked
    if not bool(closing.any()):
        return state
    fields = [x.clone() for x in state.fields()]
    for member in np.flatnonzero(closing.flatten(1).any(1).numpy()):
        if bool(wanted[member].all()):
            raise InputError(f"member {member}: no open cell would be left for the water")
        nearest = distance_transform_edt(
            wanted[member].numpy(), return_distances=False, return_indices=True
        )
        rows, columns = torch.nonzero(closing[member]).unbind(1)
        to_rows, to_columns = torch.as_tensor(nearest[:, rows.numpy(), columns.numpy()])
        for field in fields:
            moved = field[member, rows, columns]
            field[member, rows, columns] = 0.0
            field[member].index_put_((to_rows, to_columns), moved, accumulate=True)
    return WaterState(*fields)
