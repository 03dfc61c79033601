"""Water against a vertical wall: the exact reflected wave, at the sides and at blocked cells."""

from typing import NamedTuple

import torch
from torch import Tensor

from worldsim.simulator.water.flux import Faces
from worldsim.simulator.water.layout import PAD, Layout

NEWTON_STEPS = 4  # from the guess below; converged to rounding (tests/test_wall.py)


def wall_depth(depth: Tensor, approach: Tensor, gravity: float) -> Tensor:
    """Depth h* [m] at a wall which water of `depth` [m] meets at speed `approach` [m/s].

    approach > 0: reflected shock, (h*-h) sqrt(g (h*+h) / (2 h h*)) = u (Stoker 1957, sec. 10.7).
    approach < 0: rarefaction, sqrt(g h*) = sqrt(g h) + u/2, dry below u = -2 sqrt(g h).
    The force per unit width is rho g h*^2 / 2. A mirrored ghost cell and HLL with Davis' speeds
    would overstate it: 1.25 times at Froude number 0.5, 1.8 times at 3.
    """
    celerity = torch.sqrt(gravity * depth)
    froude = approach / celerity.clamp(min=1e-30)  # a dry cell has no velocity: 0
    f = froude.clamp(min=0.0)
    # y = h*/h solves (y - 1) sqrt((y + 1) / (2 y)) = F. The guess has the right slope and
    # curvature at F = 0 and the right slope, sqrt(2), at infinity.
    y = 1.0 + f * (1.0 + 0.853553390593 * f) / (1.0 + 0.603553390593 * f)
    for _ in range(NEWTON_STEPS):
        s = torch.sqrt((y + 1.0) / (2.0 * y))
        y = y - ((y - 1.0) * s - f) / (s - (y - 1.0) / (4.0 * y * y * s))
    ebb = (1.0 + 0.5 * froude.clamp(max=0.0)).clamp(min=0.0)
    return depth * torch.where(froude > 0.0, y, ebb * ebb)


class WallFaces(NamedTuple):
    """The faces between water and wall along both axes, (n,) each, in four runs of `counts`:
    wall east of the cell, west, north, south.

    `cell`: index of the water cell in the line; `face`: index of the face in its axis' faces;
    `member`; `sign`: +1 for a wall above the cell, -1 below; `blocked`: 1 if the wall is a
    blocked cell, 0 if it is a side of the domain.
    """

    counts: tuple[int, ...]
    cell: Tensor
    face: Tensor
    member: Tensor
    sign: Tensor
    blocked: Tensor


def find_walls(
    blocked: Tensor, closed: tuple[bool, bool, bool, bool], dtype: torch.dtype
) -> WallFaces:
    """List the wall faces around the unblocked cells of `blocked` (batch, ny, nx) bool.

    `closed`: whether the west, east, south and north side of the domain is a wall.
    """
    layout = Layout(*blocked.shape)
    row, ny, nx = layout.row, layout.ny, layout.nx
    around = torch.nn.functional.pad(blocked, (1, 1, 1, 1))
    solid = around.clone()
    solid[:, :, 0], solid[:, :, -1] = closed[0], closed[1]
    solid[:, 0], solid[:, -1] = closed[2], closed[3]
    counts, parts, blocks = [], [], []
    for up, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        neighbour = (slice(None), slice(1 + up, 1 + up + ny), slice(1 + right, 1 + right + nx))
        faces = solid[neighbour] & ~blocked
        member, y, x = torch.nonzero(faces).unbind(1)
        cell = member * layout.member + (y + PAD) * row + (x + PAD)
        # a face is listed by the cell above it
        above = max(up, 0) * row + max(right, 0)
        parts.append(
            torch.stack((cell, cell - PAD * row + above, member, torch.full_like(cell, up + right)))
        )
        blocks.append(around[neighbour][faces])
        counts.append(len(cell))
    cell, face, member, sign = torch.cat(parts, 1).unbind(0)
    is_block = torch.cat(blocks).to(dtype)
    return WallFaces(tuple(counts), cell, face, member, sign.to(dtype), is_block)


class WallLoad(NamedTuple):
    """At each listed face: depth h* [m], its pressure g h*^2/2 and the cell's own g h^2/2."""

    depth: Tensor
    push: Tensor
    own: Tensor


def load_walls(
    walls: WallFaces,
    fields: Tensor,
    faces_x: Faces,
    faces_y: Faces,
    gravity: float,
) -> WallLoad:
    """Set, in place, the walls' push in the faces of both axes."""
    east, west, north, _ = walls.counts
    in_x = east + west
    _, depth, u, v = fields
    h = torch.take(depth, walls.cell)
    normal = torch.cat(
        (
            torch.take(u, walls.cell[:in_x]),
            torch.take(v, walls.cell[in_x:]),
        )
    )
    at_wall = wall_depth(h, normal * walls.sign, gravity)
    push, own = (0.5 * gravity) * (at_wall * at_wall), (0.5 * gravity) * (h * h)
    excess = push - own
    ends = (0, east, in_x, in_x + north, len(h))
    sides = (faces_x.lower, faces_x.upper, faces_y.lower, faces_y.upper)
    for i, flux in enumerate(sides):
        run = slice(ends[i], ends[i + 1])
        flux.index_copy_(0, walls.face[run], excess[run])
    return WallLoad(at_wall, push, own)
