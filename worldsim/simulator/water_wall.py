"""Water against a vertical wall: the exact reflected wave, at the sides and at blocked cells."""

from typing import NamedTuple

import torch
from torch import Tensor

NEWTON_STEPS = 4  # from the guess below; converged to rounding (tests/test_water_wall.py)


def wall_depth(depth: Tensor, approach: Tensor, gravity: float) -> Tensor:
    """Depth h* [m] at a wall which water of `depth` [m] meets at speed `approach` [m/s].

    approach > 0: reflected shock, (h*-h) sqrt(g (h*+h) / (2 h h*)) = u (Stoker 1957, sec. 10.7).
    approach < 0: rarefaction, sqrt(g h*) = sqrt(g h) + u/2, dry below u = -2 sqrt(g h).
    The force per unit width is rho g h*^2 / 2. The mirrored-ghost HLL flux would overstate it
    (by a factor 1.8 at Froude number 3).
    """
    celerity = torch.sqrt(gravity * depth)
    froude = approach / celerity.clamp(min=1e-30)
    froude = torch.where(depth > 0.0, froude, torch.zeros_like(froude))
    f = froude.clamp(min=0.0)
    # y = h*/h solves (y - 1) sqrt((y + 1) / (2 y)) = F. The guess has the right slope and
    # curvature at F = 0 and the right slope, sqrt(2), at infinity.
    y = 1.0 + f * (1.0 + 0.853553390593 * f) / (1.0 + 0.603553390593 * f)
    for _ in range(NEWTON_STEPS):
        s = torch.sqrt((y + 1.0) / (2.0 * y))
        y = y - ((y - 1.0) * s - f) / (s - (y - 1.0) / (4.0 * y * y * s))
    ebb = (1.0 + 0.5 * froude).clamp(min=0.0)
    return depth * torch.where(froude > 0.0, y, ebb * ebb)


class WallCells(NamedTuple):
    """Water cells with a wall above or below them along one axis.

    `cell` (n,) flat index into (batch, ny, nx); `side` (2, n) float, 1 where there is a wall
    above (row 0: east or north) and below (row 1: west or south); `blocked` (2, n) float, 1
    where that wall is a blocked cell, not the domain's side.
    """

    cell: Tensor
    side: Tensor
    blocked: Tensor


def find_walls(blocked: Tensor, axis: int, closed: tuple[bool, bool], pad: int = 1) -> WallCells:
    """List the wall faces along `axis` (-1: x, -2: y) of `blocked` (batch, ny, nx) bool.

    `closed`: whether the domain's lower and upper side are walls. The list is padded, with
    entries that press on nothing, to a multiple of `pad`: a compiled step then survives a
    change of the blocked cells.
    """
    n = blocked.shape[axis]
    open_ = ~blocked
    up_block, down_block = torch.zeros_like(blocked), torch.zeros_like(blocked)
    up_block.narrow(axis, 0, n - 1).copy_(blocked.narrow(axis, 1, n - 1))
    down_block.narrow(axis, 1, n - 1).copy_(blocked.narrow(axis, 0, n - 1))
    up, down = up_block.clone(), down_block.clone()
    up.narrow(axis, n - 1, 1).fill_(closed[1])
    down.narrow(axis, 0, 1).fill_(closed[0])
    up, down = up & open_, down & open_
    cell = torch.nonzero((up | down).reshape(-1)).reshape(-1)
    side = torch.stack((up.reshape(-1)[cell], down.reshape(-1)[cell])).double()
    block = torch.stack((up_block.reshape(-1)[cell], down_block.reshape(-1)[cell])).double()
    extra = -cell.numel() % pad
    grow = torch.nn.functional.pad
    return WallCells(grow(cell, (0, extra)), grow(side, (0, extra)), grow(block, (0, extra)))


def wall_pressure(
    walls: WallCells, depth: Tensor, velocity: Tensor, gravity: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Depth h* (2, n) [m] at the listed faces, pressure g h*^2/2 there and g h^2/2 of the cell.

    `depth`, `velocity` (normal component) are (batch, ny, nx). Zero where there is no wall.
    """
    h = torch.take(depth, walls.cell)
    u = torch.take(velocity, walls.cell)
    at_wall = wall_depth(torch.stack((h, h)), torch.stack((u, -u)), gravity) * walls.side
    return at_wall, (0.5 * gravity) * at_wall * at_wall, (0.5 * gravity) * h * h * walls.side
