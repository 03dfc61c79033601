"""Windows: small squares cut out of frames around places, all of one size, for batched fits."""

from __future__ import annotations

import numpy as np
import torch


def corners_of(places: np.ndarray, side: int) -> np.ndarray:
    """(n, [row, column]) int: upper left pixels of windows of `side` pixels around places (n, 2),
    continuous px."""
    return np.floor(places - side / 2 + 0.5).astype(np.int64)


def cut(layer: torch.Tensor, frame: np.ndarray, corner: np.ndarray, side: int,
        outside: float) -> torch.Tensor:
    """(n, side, side) of a layer (time, row, column); `outside` of the picture.

    Parameters
    ----------
    frame : (n,) int. corner : (n, 2) int, upper left pixel of each window.
    """
    rows, columns = layer.shape[1:]
    offset = torch.arange(side)
    row = torch.from_numpy(corner[:, 0])[:, None] + offset
    column = torch.from_numpy(corner[:, 1])[:, None] + offset
    inside = (((row >= 0) & (row < rows))[:, :, None]
              & ((column >= 0) & (column < columns))[:, None, :])
    taken = layer[torch.from_numpy(frame)[:, None, None], row.clamp(0, rows - 1)[:, :, None],
                  column.clamp(0, columns - 1)[:, None, :]]
    return torch.where(inside, taken, torch.as_tensor(outside, dtype=taken.dtype))
