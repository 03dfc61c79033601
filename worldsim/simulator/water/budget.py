"""The water's mass and momentum accounts over an interval: what entered, pressed and left."""

import functools
from dataclasses import dataclass, fields
from typing import NamedTuple

import torch
from torch import Tensor

from worldsim.simulator.constants import GRAVITY, SEAWATER_DENSITY
from worldsim.simulator.water.accounts import Accounts
from worldsim.simulator.water.boundary import INWARD
from worldsim.simulator.water.ground import Ground
from worldsim.simulator.water.layout import Spacing
from worldsim.simulator.water.state import Grid, WaterState


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


class Divergence(NamedTuple):
    """Where a member's water ceased to be finite: the solver's fault, or forces beyond reason.

    `member`; `step`: how many sub-steps of the interval it had taken; `time` [s] of its last good
    state, which it keeps; `cell` (row, column) found first.
    """

    member: int
    step: int
    time: float
    cell: tuple[int, int]

    def __str__(self) -> str:
        return (
            f"the water of member {self.member} is not finite after {self.step} sub-steps, beyond "
            f"time {self.time:.6g} s, at cell row {self.cell[0]}, column {self.cell[1]}"
        )


@dataclass(frozen=True)
class Budget:
    """What acted on the water of each member over an interval.

    Impulses [N s] act *on the water*, last dimension (x, y); water density 1025 kg m-3:

    - `boundary_volume` (batch, 4) [m3] entered through west, east, south, north;
    - `boundary_impulse` (batch, 4, 2) by those sides (momentum carried and pressure; of a
      `Wall` side its push);
    - `boundary_energy` (batch, 4) [J] carried in through those sides: discharge times
      u^2/2 + g (h + z), see `energy`;
    - `bed_impulse` (batch, 2) by the sloping bed; `friction_impulse` (batch, 2);
    - `cleanup_impulse` (batch, 2) taken from films too thin to carry a velocity;
    - `block_impulse` (batch, 2) by blocked cells: minus the four fields below, summed.

    What the water of a cell does *to* a blocked neighbour, (batch, ny, nx), 0 where there is
    none:

    - `wall_east`, `wall_west`, `wall_north`, `wall_south` [N s] >= 0, pushing the neighbour on
      that side away from the cell (east +x, west -x, north +y, south -y);
    - `star_east`, ... [m] time-mean depth at that face, for spreading the load over height.

    `duration` (batch,) [s] and `steps` (batch,) sub-steps taken; `diverged` (batch,) bool: the
    member stopped at its last good state, `divergences` say where.
    Closure: change of density * sum(momentum) * area = sum of all impulses.

    Of a dissolved tracer, 0 without: `tracer_in` (batch,) [kg] from sources, `tracer_out`
    (batch, 4) [kg] left through the sides (inflow brings none), `tracer_decayed` (batch,) [kg].
    Closure: change of area * sum(tracer) = in - out - decayed.

    Drag of vegetation counts as friction. All sums are float64, whatever the water's own type.
    """

    duration: Tensor
    steps: Tensor
    boundary_volume: Tensor
    boundary_impulse: Tensor
    boundary_energy: Tensor
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
    tracer_in: Tensor
    tracer_out: Tensor
    tracer_decayed: Tensor
    diverged: Tensor
    divergences: tuple[Divergence, ...] = ()

    @property
    def volume_in(self) -> Tensor:
        """Water that entered through all sides (batch,) [m3]."""
        west, east, south, north = self.boundary_volume.unbind(1)
        return (west + east) + (south + north)

    @staticmethod
    def join(parts: "list[Budget]") -> "Budget":
        """One budget of the members of several, in order."""
        names = [field.name for field in fields(Budget) if field.name != "divergences"]
        first, found = 0, []
        for part in parts:
            found += [d._replace(member=first + d.member) for d in part.divergences]
            first += len(part.steps)
        joined = {n: torch.cat([getattr(part, n) for part in parts]) for n in names}
        return Budget(**joined, divergences=tuple(found))

    def impulse(self) -> Tensor:
        """Total impulse on the water (batch, 2) [N s]."""
        return (
            self.boundary_impulse.sum(1)
            + self.bed_impulse
            + self.friction_impulse
            + self.cleanup_impulse
            + self.block_impulse
        )


def energy(state: WaterState, bathymetry: Tensor, grid: Grid, gravity: float = GRAVITY) -> Tensor:
    """Mechanical energy (batch,) [J]: density * integral of h |u|^2/2 + g (eta^2 - z^2)/2.

    Potential energy counts from z = 0. Films shallower than `DRY_DEPTH` have no velocity.
    """
    h, z = state.depth.double(), bathymetry.double()
    u, v = (w.double() for w in state.velocity())
    kinetic = 0.5 * h * (u * u + v * v)
    potential = gravity * h * (0.5 * h + z)  # (eta^2 - z^2)/2 without its cancellation
    return (SEAWATER_DENSITY * grid.dx * grid.dy) * total(kinetic + potential)


def make_budget(
    accounts: Accounts,
    ground: Ground,
    spacing: Spacing,
    duration: Tensor,
    steps: Tensor,
    found: tuple[Divergence, ...] = (),
    source: Tensor | None = None,
) -> Budget:
    """Give the accounts of a step or an interval their units, cells and sides; `source`
    (batch, ny, nx) [kg/s] of the tracer."""
    layout, walls, openings = ground.layout, ground.walls, ground.open_faces
    batch = layout.batch
    zeros = functools.partial(torch.zeros, dtype=torch.float64, device=duration.device)
    width = zeros(4)
    width[:2], width[2:] = spacing[1], spacing[0]

    def by_member(values: Tensor, run: Tensor, member: Tensor) -> Tensor:
        """(n,) -> (4, batch): sums of each run, in the list's order, which is each member's."""
        return zeros(4 * batch).index_add_(0, run * batch + member, values).reshape(4, batch)

    cells = layout.per_member(layout.from_window(torch.stack(accounts.cells))).double()
    sums = total(cells.reshape(6 * batch, -1)).reshape(3, 2, batch)
    area = SEAWATER_DENSITY * spacing[0] * spacing[1]
    bed, friction, cleanup = (area * sums).transpose(1, 2)

    wide = width[openings.side]
    volume, normal, tangential, own, power = (
        by_member(record.double() * wide, openings.side, openings.member)
        for record in accounts.sides
    )
    impulse = zeros((batch, 4, 2))
    for side, inward in enumerate(INWARD):
        axis = side // 2
        impulse[:, side, axis] = (SEAWATER_DENSITY * inward) * normal[side]
        impulse[:, side, 1 - axis] = SEAWATER_DENSITY * tangential[side]
        # the edge cell's own pressure on that face is the bed's, beyond which it is level
        bed[:, axis] = bed[:, axis] - (SEAWATER_DENSITY * inward) * own[side]

    run = torch.repeat_interleave(
        torch.arange(4, device=width.device), torch.tensor(walls.counts, device=width.device)
    )
    star, push, own = accounts.walls.double()
    blocked = walls.blocked.double()
    push, own = (value * (SEAWATER_DENSITY * width[run]) for value in (push, own))
    mean = star / duration.clamp(min=1e-300)[walls.member]
    on_blocks, on_sides, of_bed = (
        by_member(value, run, walls.member)
        for value in (push * blocked, push * (1.0 - blocked), own)
    )
    for axis in (0, 1):  # runs: east, west, north, south of the cell
        up, down = 2 * axis, 2 * axis + 1
        impulse[:, 2 * axis, axis] += on_sides[down]
        impulse[:, 2 * axis + 1, axis] -= on_sides[up]
        bed[:, axis] = bed[:, axis] + (of_bed[up] - of_bed[down])
    blocks = torch.stack((on_blocks[1] - on_blocks[0], on_blocks[3] - on_blocks[2]), 1)

    def spread(values: Tensor) -> Tensor:
        """(n,) -> (4, batch, ny, nx); every face occurs once."""
        lines = zeros(4 * layout.size)
        lines.index_copy_(0, run * layout.size + walls.cell, values * blocked)
        return layout.cells(lines.reshape(4, layout.size))

    tracer_in, tracer_out, decayed = zeros(batch), zeros((4, batch)), zeros(batch)
    if accounts.tracer is not None:
        if source is not None:
            tracer_in = total(source.double()) * duration
        out = accounts.tracer.out.double() * wide
        tracer_out = by_member(out, openings.side, openings.member)
        lost = layout.per_member(layout.from_window(accounts.tracer.decayed)).double()
        decayed = (spacing[0] * spacing[1]) * total(lost)

    loads, stars = spread(push), spread(mean)
    diverged = torch.zeros(batch, dtype=torch.bool, device=width.device)
    diverged[[d.member for d in found]] = True
    return Budget(
        duration=duration,
        steps=steps,
        boundary_volume=volume.T.contiguous(),
        boundary_impulse=impulse,
        boundary_energy=(SEAWATER_DENSITY * power).T.contiguous(),
        bed_impulse=bed,
        friction_impulse=friction,
        cleanup_impulse=cleanup,
        block_impulse=blocks,
        wall_east=loads[0],
        wall_west=loads[1],
        wall_north=loads[2],
        wall_south=loads[3],
        star_east=stars[0],
        star_west=stars[1],
        star_north=stars[2],
        star_south=stars[3],
        tracer_in=tracer_in,
        tracer_out=tracer_out.T.contiguous(),
        tracer_decayed=decayed,
        diverged=diverged,
        divergences=found,
    )
