"""How a group of members lies in memory: padded by walls, in one line.

Each member's (ny, nx) cells are surrounded by two layers of blocked cells, and all members are
laid out in one flat line. The neighbour in x is then 1 entry away, in y one `row`, every
operation runs over contiguous memory, and no stencil reaches from one row or member into
another without crossing two layers that hold no water.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

Spacing = tuple[float, float]  # dx, dy [m]
PAD = 2  # layers of blocked cells around each member


class Layout(NamedTuple):
    """Shape of a group of members. The *window* is the line without its first and last two
    rows: everything that can hold water, and the layers between."""

    batch: int
    ny: int
    nx: int

    @property
    def row(self) -> int:
        """Entries from a cell to its neighbour in +y."""
        return self.nx + 2 * PAD

    @property
    def member(self) -> int:
        """Entries of one member."""
        return self.row * (self.ny + 2 * PAD)

    @property
    def size(self) -> int:
        """Entries of the whole line."""
        return self.batch * self.member

    def line(self, field: Tensor, fill: float = 0.0) -> Tensor:
        """(..., batch, ny, nx) -> (..., size), `fill` in the layers around."""
        padded = torch.nn.functional.pad(field, (PAD, PAD, PAD, PAD), value=fill)
        return padded.reshape(*field.shape[:-3], self.size)

    def cells(self, line: Tensor) -> Tensor:
        """(..., size) -> (..., batch, ny, nx), contiguous."""
        shape = (*line.shape[:-1], self.batch, self.ny + 2 * PAD, self.row)
        return line.reshape(shape)[..., PAD:-PAD, PAD:-PAD].contiguous()

    def window(self, line: Tensor) -> Tensor:
        """(..., size) -> (..., window), a view."""
        return line[..., PAD * self.row : self.size - PAD * self.row]

    def around(self, windows: Sequence[Tensor]) -> Tensor:
        """k of (window,) -> (k, size), zeros in the rows around."""
        line = windows[0].new_empty((len(windows), self.size))
        margin = PAD * self.row
        line[:, :margin] = 0.0
        line[:, -margin:] = 0.0
        torch.stack(tuple(windows), out=line[:, margin:-margin])
        return line

    def from_window(self, window: Tensor) -> Tensor:
        """(..., window) -> (..., size), zeros in the rows around."""
        return torch.nn.functional.pad(window, (PAD * self.row, PAD * self.row))

    def each(self, value: Tensor) -> Tensor:
        """(batch,) -> (size,): every entry of a member gets the member's value."""
        return value[:, None].expand(self.batch, self.member).reshape(-1)

    def per_member(self, line: Tensor) -> Tensor:
        """(..., size) -> (..., batch, entries), a view."""
        return line.reshape(*line.shape[:-1], self.batch, self.member)
