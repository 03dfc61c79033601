"""A dissolved tracer that the water carries: advection, bounded and second order.

The state is the tracer's mass per area m = h C [kg/m2], with C [kg/m3] averaged over depth:
m_t + div(h u C) = div(h D grad C) - k m + S. Each stage moves the tracer with the very mass
fluxes of the water, so that a constant C stays constant. Dispersion (dispersion.py) is split
off; decay and sources are exact over a step. Only operations that IEEE 754 rounds correctly are
used on fields (see flux.py).

Left out: what does not dissolve (a slick on the surface, fire), differences over the depth.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from worldsim.simulator.water.flux import TINY, half_slopes, rounding_margin
from worldsim.simulator.water.layout import PAD, Spacing

SHARPEST = 2.0  # 1, minmod parameter of C: monotonised central differences (van Leer 1977)


class TracerAccounts(NamedTuple):
    """Integrals over time, added to by each step: `out` (open faces,) [kg/m] that left through
    each face, per width; `decayed` (window,) [kg/m2]."""

    out: Tensor
    decayed: Tensor


def concentration(tracer: Tensor, depth: Tensor) -> Tensor:
    """C [kg/m3] of mass per area [kg/m2] in `depth` [m], 0 where that is 0 (dry)."""
    wet = depth > 0.0
    return torch.where(wet, tracer / torch.where(wet, depth, 1.0), 0.0)


def advect_tracer(
    tracer: Tensor,
    depth: Tensor,
    mass_x: Tensor,
    mass_y: Tensor,
    share: Tensor,
    dt: Tensor,
    inside: Tensor,
    row: int,
    spacing: Spacing,
) -> Tensor:
    """Euler step of the mass per area (size,) [kg/m2]: the new one, (window,).

    `depth` (size,) [m], 0 where dry; `mass_x`, `mass_y` [m2/s] the water's fluxes through the
    faces of both axes, of which each cell affords the `share` (size,); `dt` (window,) [s].

    C is reconstructed linearly (see half_slopes) and taken from where the water comes from.
    A cell's slopes are then reduced so far that what stays behind in it lies within the range of
    its own and its eight wet neighbours' C. The new C, a mean of that and of what came in,
    therefore lies in the range around, however much of the cell ran dry: none is negative (the
    idea is Barth & Jespersen's, AIAA 89-0366, applied to the remainder instead of to the faces).
    """
    c = concentration(tracer, depth)
    wet = (depth > 0.0).to(depth.dtype)
    margin = PAD * row
    ends = slice(margin, -margin)
    centre, h = c[ends], depth[ends]
    lowest, highest = _range_around(c, depth > 0.0, row)
    left = h  # of the cell's water, after all that flows out within dt
    excess = torch.zeros_like(h)  # tracer that the slopes add to what flows out
    axes = []
    for shift, mass, size in ((1, mass_x, spacing[0]), (row, mass_y, spacing[1])):
        start, stop = margin - 2 * shift, len(c) - margin + 2 * shift
        near, is_wet = c[start:stop], wet[start:stop]
        smooth = is_wet[: -2 * shift] * is_wet[shift:-shift] * is_wet[2 * shift :]
        half = half_slopes(near, smooth, shift, SHARPEST)
        up = mass.clamp(min=0.0) * share[margin - shift : len(share) - margin]
        down = mass.clamp(max=0.0) * share[margin : len(share) - margin + shift]
        left = left - dt * ((up[shift:] - down[:-shift]) / size)
        excess = excess + dt * (half[shift:-shift] * (up[shift:] + down[:-shift]) / size)
        axes.append((shift, size, half, up, down))
    left = left.clamp(min=0.0)
    spare = centre * left - rounding_margin(h.dtype) * tracer[ends]
    low_room = torch.minimum((centre - lowest) * left, spare).clamp(min=0.0)
    room = torch.where(excess > 0.0, low_room, (highest - centre) * left)
    keep = (room / excess.abs().clamp(min=TINY)).clamp(max=1.0)
    rate = torch.zeros_like(h)
    for shift, size, half, up, down in axes:
        half = half * torch.nn.functional.pad(keep, (shift, shift), value=1.0)
        near = c[margin - shift : len(c) - margin + shift]
        flux = up * (near[:-shift] + half[:-shift]) + down * (near[shift:] - half[shift:])
        rate = rate + (flux[shift:] - flux[:-shift]) / size
    return torch.where(inside > 0.0, tracer[ends] - dt * rate, 0.0)


def _range_around(c: Tensor, wet: Tensor, row: int) -> tuple[Tensor, Tensor]:
    """Least and greatest C among each wet cell of the window and its eight wet neighbours; 0 for
    a dry one."""
    found = []
    for values, extreme in (
        (torch.where(wet, c, math.inf), torch.minimum),
        (torch.where(wet, c, 0.0), torch.maximum),
    ):
        beside = extreme(values[row - 1 : -row - 1], values[row + 1 : len(values) - row + 1])
        in_row = extreme(values[row:-row], beside)
        around = extreme(extreme(in_row[: -2 * row], in_row[2 * row :]), in_row[row:-row])
        found.append(torch.where(wet[PAD * row : -PAD * row], around, 0.0))
    return found[0], found[1]


def decay_and_source(decay: float, dt: Tensor) -> tuple[Tensor, Tensor]:
    """What share of the tracer decays within each member's `dt` (batch,) [s], and the time [s]
    times which a source's rate is left at its end; float64."""
    # exp of a tensor differs in its last bit between a vector lane and a loop's tail
    gone = torch.tensor([-math.expm1(-decay * t) for t in dt.tolist()], dtype=torch.float64)
    gone = gone.to(dt.device)
    return gone, gone / decay if decay > 0.0 else dt.double()
