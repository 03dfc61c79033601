"""Can the water give what the boundaries take? Asked before the first step."""

import itertools

import torch

from worldsim.errors import InputError
from worldsim.simulator.water.boundary import SIDES, Boundaries, Flux, Wall
from worldsim.simulator.water.budget import total
from worldsim.simulator.water.state import Grid, WaterState


def check_supply(
    boundaries: Boundaries,
    state: WaterState,
    grid: Grid,
    start: float,
    duration: float,
    gravity: float,
) -> None:
    """InputError if a prescribed outward flux cannot be supplied from `start` for `duration` [s].

    At the start, still water of depth h lets out at most 8/27 sqrt(g) h^1.5 through a critical
    section (Stoker 1957, sec. 10.8: the discharge of a dam break at the dam). And where no side
    but such with a prescribed flux lets water in, what they take in all must not exceed what
    there is and what they bring.
    """
    depth, batch = state.depth.double(), state.depth.shape[0]
    everyone, device = slice(0, batch), state.depth.device
    lengths = (grid.ny * grid.dy,) * 2 + (grid.nx * grid.dx,) * 2
    edges = (depth[..., 0], depth[..., -1], depth[:, 0], depth[:, -1])
    own = boundaries.of(everyone, batch, device)
    begin = torch.full((batch,), start, dtype=torch.float64, device=device)
    times = [begin, begin + duration]
    for side, condition in enumerate(own.sides()):
        if not isinstance(condition, Flux):
            continue
        deepest = edges[side].amax(1)
        most = 8.0 / 27.0 * gravity**0.5 * deepest**1.5
        outward = -condition.series.at(begin)
        if bool((outward > most).any()):
            member = int((outward - most).argmax())
            raise InputError(
                f"prescribed flux in the {SIDES[side]}: {float(outward[member]):g} m2/s outward "
                f"exceed the {float(most[member]):g} m2/s that still water "
                f"{float(deepest[member]):g} m deep there can give; take less, or raise it slowly"
            )
        inside = condition.times[(condition.times > start) & (condition.times < start + duration)]
        times += [knot.expand(batch) for knot in inside]
    if not all(isinstance(condition, (Flux, Wall)) for condition in own.sides()):
        return
    volume = total(depth) * (grid.dx * grid.dy)
    ordered = torch.stack(times).sort(0).values
    for early, late in itertools.pairwise(ordered):
        for length, condition in zip(lengths, own.sides(), strict=True):
            if isinstance(condition, Flux):
                mean = 0.5 * (condition.series.at(early) + condition.series.at(late))
                volume = volume + length * mean * (late - early)
        if bool((volume < 0).any()):
            member = int(volume.argmin())
            raise InputError(
                f"the prescribed fluxes would drain the basin of member {member} by time "
                f"{float(late[member]):g} s; take less or for a shorter time"
            )
