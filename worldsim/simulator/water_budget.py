"""The water's mass and momentum accounts over an interval: what entered, pressed and left."""

from dataclasses import dataclass

import torch
from torch import Tensor

from worldsim.simulator.water_boundary import INWARD
from worldsim.simulator.water_step import Accounts
from worldsim.simulator.water_wall import WallCells

# kg m-3: UNESCO EOS-80 (Fofonoff & Millard 1983) gives 1024.8 at 35 g/kg and 20 C; rounded
SEAWATER_DENSITY = 1025.0


def total(field: Tensor) -> Tensor:
    """Sum over all but the first dimension: (batch, ...) -> (batch,).

    Halves are folded onto each other, so the order of additions, hence the last bit, depends on
    neither the batch nor the thread count (torch.sum promises neither).
    """
    flat = field.reshape(field.shape[0], -1)
    size = 1 << max(flat.shape[1] - 1, 0).bit_length()
    flat = torch.nn.functional.pad(flat, (0, size - flat.shape[1]))
    while flat.shape[1] > 1:
        half = flat.shape[1] // 2
        flat = flat[:, :half] + flat[:, half:]
    return flat[:, 0]


@dataclass(frozen=True)
class Budget:
    """What acted on the water of each member over an interval.

    Impulses [N s] act *on the water*, last dimension (x, y); water density 1025 kg m-3:

    - `boundary_volume` (batch, 4) [m3] entered through west, east, south, north;
    - `boundary_impulse` (batch, 4, 2) by those sides (momentum carried and pressure; of a
      `Wall` side its push);
    - `bed_impulse` (batch, 2) by the sloping bed; `friction_impulse` (batch, 2);
    - `cleanup_impulse` (batch, 2) taken from films too thin to carry a velocity;
    - `block_impulse` (batch, 2) by blocked cells: minus the four fields below, summed.

    What the water of a cell does *to* a blocked neighbour, (batch, ny, nx), 0 where there is
    none:

    - `wall_east`, `wall_west`, `wall_north`, `wall_south` [N s] >= 0, pushing the neighbour on
      that side away from the cell (east +x, west -x, north +y, south -y);
    - `star_east`, ... [m] time-mean depth at that face, for spreading the load over height.

    `duration` (batch,) [s] and `steps` (batch,) sub-steps taken.
    Closure: change of density * sum(momentum) * area = sum of all impulses.
    """

    duration: Tensor
    steps: Tensor
    boundary_volume: Tensor
    boundary_impulse: Tensor
    bed_impulse: Tensor
    friction_impulse: Tensor
    cleanup_impulse: Tensor
    block_impulse: Tensor
    wall_east: Tensor
    wall_west: Tensor
    wall_north: Tensor
    wall_south: Tensor
    star_east: Tensor
    star_west: Tensor
    star_north: Tensor
    star_south: Tensor

    @property
    def volume_in(self) -> Tensor:
        """Water that entered through all sides (batch,) [m3]."""
        west, east, south, north = self.boundary_volume.unbind(1)
        return (west + east) + (south + north)

    def impulse(self) -> Tensor:
        """Total impulse on the water (batch, 2) [N s]."""
        return (
            self.boundary_impulse.sum(1)
            + self.bed_impulse
            + self.friction_impulse
            + self.cleanup_impulse
            + self.block_impulse
        )


def make_budget(
    accounts: Accounts,
    walls: tuple[WallCells, WallCells],
    spacing: tuple[float, float],
    duration: Tensor,
    steps: Tensor,
) -> Budget:
    """Give the accounts of a step or an interval their units, cells and sides."""
    dx, dy = spacing
    shape = accounts.bed.shape[1:]
    batch = shape[0]
    area = SEAWATER_DENSITY * dx * dy

    def per_member(field: Tensor) -> Tensor:
        """(k, batch, ...) -> (batch, k) sums."""
        flat = field.transpose(0, 1).reshape(batch * field.shape[0], -1)
        return total(flat).reshape(batch, field.shape[0])

    def field(cell: Tensor, value: Tensor) -> Tensor:
        empty = torch.zeros(shape, dtype=torch.float64)
        # padded entries carry 0 and may point anywhere, so add
        return empty.reshape(-1).index_add_(0, cell, value).reshape(shape)

    volume, impulse = [], []
    for side, record in enumerate((accounts.west, accounts.east, accounts.south, accounts.north)):
        width = dy if side < 2 else dx
        mass, normal, tangential = (per_member(record) * width).unbind(1)
        sign = INWARD[side]
        volume.append(sign * mass)
        # flux along +axis: what passes a lower side enters, what passes an upper side leaves
        push = (sign * SEAWATER_DENSITY) * torch.stack((normal, tangential), 1)
        impulse.append(push if side < 2 else push.flip(1))

    faces, stars, on_blocks = [], [], []
    for axis, (wall, record) in enumerate(
        zip(walls, (accounts.walls_x, accounts.walls_y), strict=True)
    ):
        push = record[0] * (SEAWATER_DENSITY * (dy if axis == 0 else dx))
        for row in (0, 1):
            block = field(wall.cell, push[row] * wall.blocked[row])
            faces.append(block)
            mean = record[1, row] / duration.clamp(min=1e-300)[wall.cell // shape[1:].numel()]
            stars.append(field(wall.cell, mean * wall.blocked[row]))
            plain = field(wall.cell, push[row] * (wall.side[row] - wall.blocked[row]))
            side = 2 * axis + (1 - row)
            sign = 1.0 if row == 0 else -1.0
            vector = torch.zeros(batch, 2, dtype=torch.float64)
            vector[:, axis] = -sign * total(plain)
            impulse[side] = impulse[side] + vector
        on_blocks.append(total(faces[-1]) - total(faces[-2]))
    return Budget(
        duration=duration,
        steps=steps,
        boundary_volume=torch.stack(volume, 1),
        boundary_impulse=torch.stack(impulse, 1),
        bed_impulse=per_member(accounts.bed) * area,
        friction_impulse=per_member(accounts.friction) * area,
        cleanup_impulse=per_member(accounts.cleanup) * area,
        block_impulse=torch.stack(on_blocks, 1),
        wall_east=faces[0],
        wall_west=faces[1],
        wall_north=faces[2],
        wall_south=faces[3],
        star_east=stars[0],
        star_west=stars[1],
        star_north=stars[2],
        star_south=stars[3],
    )
