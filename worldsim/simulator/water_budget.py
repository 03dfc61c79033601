"""The water's mass and momentum accounts over an interval: what entered, pressed and left."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from worldsim.simulator.water_boundary import INWARD
from worldsim.simulator.water_step import Accounts
from worldsim.simulator.water_wall import WallFaces

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

    @staticmethod
    def join(parts: "list[Budget]") -> "Budget":
        """One budget of the members of several, in order."""
        names = [field.name for field in fields(Budget)]
        return Budget(**{n: torch.cat([getattr(part, n) for part in parts]) for n in names})

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
    walls: WallFaces,
    spacing: tuple[float, float],
    duration: Tensor,
    steps: Tensor,
) -> Budget:
    """Give the accounts of a step or an interval their units, cells and sides."""
    dx, dy = spacing
    shape = accounts.cells.shape[1:]
    batch = shape[0]
    sums = total(accounts.cells.reshape(6 * batch, -1)).reshape(3, 2, batch)
    bed, friction, cleanup = (SEAWATER_DENSITY * dx * dy) * sums.transpose(1, 2)

    volume = torch.zeros((batch, 4), dtype=torch.float64)
    impulse = torch.zeros((batch, 4, 2), dtype=torch.float64)
    for side, record in enumerate(accounts.sides):
        if record is None:
            continue
        # flux along +axis: what passes a lower side enters, what passes an upper side leaves
        axis, width = (0, dy) if side < 2 else (1, dx)
        sums = total(record.reshape(4 * batch, -1)).reshape(4, batch) * (INWARD[side] * width)
        volume[:, side] = sums[0]
        impulse[:, side, axis] = SEAWATER_DENSITY * sums[1]
        impulse[:, side, 1 - axis] = SEAWATER_DENSITY * sums[2]
        # the edge cell's own pressure on that face is the bed's, beyond which it is level
        bed[:, axis] = bed[:, axis] - SEAWATER_DENSITY * sums[3]

    # (direction, batch, ny, nx) of the four runs of the list; every face occurs once
    star, push, own = accounts.walls
    mean = star / duration.clamp(min=1e-300)[walls.member]
    runs = torch.repeat_interleave(torch.arange(4), torch.tensor(walls.counts))
    width = torch.tensor((dy, dy, dx, dx), dtype=torch.float64)[runs]
    push, own = push * (SEAWATER_DENSITY * width), own * (SEAWATER_DENSITY * width)
    place, owner = runs * shape.numel() + walls.cell, runs * batch + walls.member

    def spread(values: Tensor) -> Tensor:
        empty = torch.zeros(4 * shape.numel(), dtype=torch.float64)
        return empty.index_copy_(0, place, values).reshape(4, *shape)

    def net(values: Tensor) -> Tensor:
        """(axis, direction, batch): sums in the list's order, which is each member's own."""
        empty = torch.zeros(4 * batch, dtype=torch.float64)
        return empty.index_add_(0, owner, values).reshape(2, 2, batch)

    loads, stars = spread(push * walls.blocked), spread(mean * walls.blocked)
    on_blocks, on_sides, of_bed = (
        net(values) for values in (push * walls.blocked, push * (1.0 - walls.blocked), own)
    )
    for axis, (lower, upper) in enumerate(((0, 1), (2, 3))):
        impulse[:, lower, axis] += on_sides[axis, 1]
        impulse[:, upper, axis] -= on_sides[axis, 0]
    return Budget(
        duration=duration,
        steps=steps,
        boundary_volume=volume,
        boundary_impulse=impulse,
        bed_impulse=bed + (of_bed[:, 0] - of_bed[:, 1]).T,
        friction_impulse=friction,
        cleanup_impulse=cleanup,
        block_impulse=(on_blocks[:, 1] - on_blocks[:, 0]).T,
        wall_east=loads[0],
        wall_west=loads[1],
        wall_north=loads[2],
        wall_south=loads[3],
        star_east=stars[0],
        star_west=stars[1],
        star_north=stars[2],
        star_south=stars[3],
    )
