"""Water against a vertical wall: the exact reflected wave, at the sides and at blocked cells."""

from typing import NamedTuple

import torch
from torch import Tensor

from worldsim.simulator.water_flux import PAD, Faces, Fields

NEWTON_STEPS = 4  # from the guess below; converged to rounding (tests/test_water_wall.py)


def wall_depth(depth: Tensor, approach: Tensor, gravity: float) -> Tensor:
    """Depth h* [m] at a wall which water of `depth` [m] meets at speed `approach` [m/s].

    approach > 0: reflected shock, (h*-h) sqrt(g (h*+h) / (2 h h*)) = u (Stoker 1957, sec. 10.7).
    approach < 0: rarefaction, sqrt(g h*) = sqrt(g h) + u/2, dry below u = -2 sqrt(g h).
    The force per unit width is rho g h*^2 / 2. The mirrored-ghost HLL flux would overstate it
    (by a factor 1.8 at Froude number 3).
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

    `cell`, `padded_cell`: flat index of the water cell into (batch, ny, nx) and into the padded
    fields; `face`: flat index of the face into its axis' face arrays; `member`; `sign`: +1 for
    a wall above the cell; `blocked`: whether the wall is a blocked cell, not a domain's side.
    """

    counts: tuple[int, ...]
    cell: Tensor
    padded_cell: Tensor
    face: Tensor
    member: Tensor
    sign: Tensor
    blocked: Tensor


def find_walls(blocked: Tensor, closed: tuple[bool, bool, bool, bool]) -> WallFaces:
    """List the wall faces around the unblocked cells of `blocked` (batch, ny, nx) bool.

    `closed`: whether the west, east, south and north side of the domain is a wall.
    """
    _, ny, nx = blocked.shape
    around = torch.nn.functional.pad(blocked.to(torch.int8), (1, 1, 1, 1)) > 0
    solid = around.clone()
    solid[:, :, 0], solid[:, :, -1] = closed[0], closed[1]
    solid[:, 0], solid[:, -1] = closed[2], closed[3]
    counts, parts, block = [], [], []
    for row, column in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        window = (
            slice(None),
            slice(1 + row, 1 + row + ny),
            slice(1 + column, 1 + column + nx),
        )
        place = torch.nonzero(solid[window] & ~blocked)
        counts.append(len(place))
        member, y, x = place.unbind(1)
        if column:
            face = (member * ny + y) * (nx + 1) + x + (column > 0)
        else:
            face = (member * (ny + 1) + y + (row > 0)) * nx + x
        cell = (member * ny + y) * nx + x
        padded = (member * (ny + 2 * PAD) + y + PAD) * (nx + 2 * PAD) + x + PAD
        parts.append(torch.stack((cell, padded, face, member, torch.full_like(cell, row + column))))
        block.append(around[window].reshape(-1)[cell])
    cell, padded, face, member, sign = torch.cat(parts, 1).unbind(0)
    blocked_faces = torch.cat(block).double()
    return WallFaces(tuple(counts), cell, padded, face, member, sign.double(), blocked_faces)


class WallLoad(NamedTuple):
    """At each listed face: depth h* [m], its pressure g h*^2/2 and the cell's own g h^2/2."""

    depth: Tensor
    push: Tensor
    own: Tensor


def load_walls(
    walls: WallFaces,
    fields: Fields,
    faces_x: Faces,
    faces_y: Faces,
    gravity: float,
    solve=wall_depth,
) -> WallLoad:
    """Set, in place, the walls' push in the faces of both axes; `solve` is `wall_depth`."""
    east, west, north, _ = walls.counts
    in_x = east + west
    h = torch.take(fields.depth, walls.padded_cell)
    normal = torch.cat(
        (
            torch.take(fields.u, walls.padded_cell[:in_x]),
            torch.take(fields.v, walls.padded_cell[in_x:]),
        )
    )
    at_wall = solve(h, normal * walls.sign, gravity)
    push, own = (0.5 * gravity) * (at_wall * at_wall), (0.5 * gravity) * (h * h)
    excess = push - own
    ends = (0, east, in_x, in_x + north, len(h))
    sides = (faces_x.lower, faces_x.upper, faces_y.lower, faces_y.upper)
    for i, flux in enumerate(sides):
        run = slice(ends[i], ends[i + 1])
        flux.view(-1).index_copy_(0, walls.face[run], excess[run])
    return WallLoad(at_wall, push, own)
