"""Pictures of any size on whole patches, and as the training saw them."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


@dataclasses.dataclass(frozen=True)
class Canvas:
    """A picture in the middle of whole patches: places are told from the middle, where it stays.

    size : (rows, columns) of the picture. patch : side of a patch [px].
    """

    size: tuple[int, int]
    patch: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, filled up to whole patches."""
        rows, columns = (side + -side % self.patch for side in self.size)
        return rows, columns

    @property
    def margin(self) -> tuple[int, int]:
        """Rows above the picture, and columns to the left of it."""
        top, left = ((whole - side) // 2 for whole, side in zip(self.shape, self.size, strict=True))
        return top, left

    @property
    def inner(self) -> tuple[slice, slice]:
        """Rows and columns of the picture."""
        (top, left), (rows, columns) = self.margin, self.size
        return slice(top, top + rows), slice(left, left + columns)

    def around(self, frames: np.ndarray) -> np.ndarray:
        """Frames (…, rows, columns, 3) on the canvas, their edges continued."""
        ends = [(before, whole - side - before)
                for before, whole, side in zip(self.margin, self.shape, self.size, strict=True)]
        return np.pad(frames, [(0, 0)] * (frames.ndim - 3) + [*ends, (0, 0)], mode="edge")

    def shifted(self, projection: Tensor) -> Tensor:
        """Maps (…, 3, 4) to (column, row, 1) of the picture, as maps to those of the canvas."""
        top, left = self.margin
        column, row, depth = projection.unbind(-2)
        return torch.stack([column + left * depth, row + top * depth, depth], -2)


def as_trained(frames: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Frames (…, row, column, 3) uint8 as the same camera shows them at `size`: as high, and cut
    off or continued at the sides."""
    if frames.shape[-3:-1] == tuple(size):
        return frames
    rows, columns = size
    flat = torch.from_numpy(frames.reshape(-1, *frames.shape[-3:])).permute(0, 3, 1, 2).float()
    wide = max(1, round(frames.shape[-2] * rows / frames.shape[-3]))
    scaled = F.interpolate(flat, size=(rows, wide), mode="bilinear", antialias=True)
    left, right = (wide - columns) // 2, (columns - wide) // 2
    found = scaled[..., max(0, left):max(0, left) + columns]
    if right > 0:
        found = F.pad(found, (right, columns - wide - right, 0, 0), mode="replicate")
    small = found.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return np.asarray(small.reshape(*frames.shape[:-3], rows, columns, 3))
