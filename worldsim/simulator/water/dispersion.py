"""Dispersion of a dissolved tracer by the flow's shear: explicit, conservative and bounded.

div(h D grad C) with the tensor D = D_T I + (D_L - D_T) u u^T / |u|^2. The part along the axes is
an explicit five-point scheme that sub-steps keep monotone. The mixed derivatives, which no linear
scheme can add without over- and undershoots, go through Zalesak's limiter (1979, J. Comput.
Phys. 31:335) on top of it: no new extremes, hence no negative mass. In space second order.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from worldsim.simulator.water.flux import SLOW_DEPTH, TINY, cube_root, rounding_margin
from worldsim.simulator.water.layout import PAD, Spacing
from worldsim.simulator.water.tracer import concentration

MONOTONE = 0.9  # 1, share of the largest sub-step in which the axes' part makes no extremes
MOST_SUBSTEPS = 100_000  # some h/dx are needed; more means that the water is about to diverge


class Exchange(NamedTuple):
    """Between the cells of a group. `axis_x`, `axis_y` (window + shift,) [m/s]: h D_xx / dx^2 and
    h D_yy / dy^2 at the faces (listed as in Faces) times 1 m; `mixed_x`, `mixed_y`: h D_xy /
    (4 dx dy) at the same faces, None where the tensor is isotropic; `rate` (window,) [1/s]: share
    of a cell's water that the axes' part exchanges."""

    axis_x: Tensor
    axis_y: Tensor
    mixed_x: Tensor | None
    mixed_y: Tensor | None
    rate: Tensor


def dispersion_exchange(
    fields: Tensor,
    bed: Tensor,
    g_n_squared: Tensor | None,
    longitudinal: float,
    transverse: float,
    diffusivity: float,
    row: int,
    spacing: Spacing,
) -> Exchange:
    """What the primitive `fields` (4, size) over `bed` (size,) exchange; see `Transport`."""
    margin, (dx, dy) = PAD * row, spacing
    surface, depth, u, v = fields
    window = slice(margin, -margin)
    h, along_x, along_y = depth[window], u[window], v[window]
    xx = yy = torch.full_like(h, diffusivity)
    xy = None
    if g_n_squared is not None and longitudinal > 0.0:
        # h u* / |u| = sqrt(g) n h^(5/6)
        over_speed = torch.sqrt(g_n_squared) * h / torch.sqrt(cube_root(h.clamp(min=SLOW_DEPTH)))
        speed = torch.sqrt(along_x * along_x + along_y * along_y)
        xx = yy = xx + transverse * (over_speed * speed)
        if longitudinal > transverse:
            more = (longitudinal - transverse) * over_speed / speed.clamp(min=TINY)
            xx = xx + more * (along_x * along_x)
            yy = yy + more * (along_y * along_y)
            xy = more * (along_x * along_y)

    def line(of_window: Tensor) -> Tensor:
        return torch.nn.functional.pad(of_window, (margin, margin))

    def at_faces(component: Tensor, shift: int) -> Tensor:
        """h times the component at the faces along one axis, 0 where the water does not meet."""
        start, stop = margin - shift, len(depth) - margin + shift
        low, high = slice(start, stop - shift), slice(start + shift, stop)
        lower, upper = depth[low], depth[high]
        harmonic = 2.0 * (lower * upper) / (lower + upper).clamp(min=TINY)
        meet = torch.minimum(surface[low], surface[high]) > torch.maximum(bed[low], bed[high])
        both = line(component)
        return torch.where(meet, harmonic * (0.5 * (both[low] + both[high])), 0.0)

    axis_x = at_faces(xx, 1) / (dx * dx)
    axis_y = at_faces(yy, row) / (dy * dy)
    through = (axis_x[1:] + axis_x[:-1]) + (axis_y[row:] + axis_y[:-row])
    rate = torch.where(h > 0.0, through / torch.where(h > 0.0, h, 1.0), 0.0)
    if xy is None:
        return Exchange(axis_x, axis_y, None, None, rate)
    scale = 4.0 * (dx * dy)
    return Exchange(axis_x, axis_y, at_faces(xy, 1) / scale, at_faces(xy, row) / scale, rate)


def disperse(
    tracer: Tensor, depth: Tensor, exchange: Exchange, dt: Tensor, inside: Tensor, row: int
) -> Tensor:
    """One sub-step by `dt` (window,) [s], dt * rate <= 1, of the mass per area (size,) [kg/m2]
    in `depth` (size,) [m], 0 where dry: the new one, (window,)."""
    margin = PAD * row
    c = concentration(tracer, depth)
    flow_x = _down_gradient(exchange.axis_x, c, 1, margin)
    flow_y = _down_gradient(exchange.axis_y, c, row, margin)
    change = (flow_x[:-1] - flow_x[1:]) + (flow_y[:-row] - flow_y[row:])
    new = tracer[margin:-margin] + dt * change
    if exchange.mixed_x is not None and exchange.mixed_y is not None:
        mixed_x = _across(exchange.mixed_x, c, depth, 1, row, margin)
        mixed_y = _across(exchange.mixed_y, c, depth, row, 1, margin)
        new = new + _limited(new, c, depth, mixed_x, mixed_y, dt, row)
    return torch.where(inside > 0.0, new, 0.0)


def _down_gradient(axis: Tensor, c: Tensor, shift: int, margin: int) -> Tensor:
    """Rate [kg/m2/s] through the faces towards the cells above them."""
    near = c[margin - shift : len(c) - margin + shift]
    return axis * (near[:-shift] - near[shift:])


def _across(mixed: Tensor, c: Tensor, depth: Tensor, shift: int, other: int, margin: int) -> Tensor:
    """The same by the gradient along the `other` axis, the mean over the four cells beside; 0
    unless all of them are wet."""
    start, stop = margin - shift, len(c) - margin + shift
    ahead, behind = c[start + other : stop + other], c[start - other : stop - other]
    wet = (depth[start + other : stop + other] > 0.0) & (depth[start - other : stop - other] > 0.0)
    rise = ahead - behind
    all_wet = wet[:-shift] & wet[shift:]
    return torch.where(all_wet, -(mixed * (rise[:-shift] + rise[shift:])), 0.0)


def _limited(
    new: Tensor, c: Tensor, depth: Tensor, mixed_x: Tensor, mixed_y: Tensor, dt: Tensor, row: int
) -> Tensor:
    """Change [kg/m2] by the mixed rates, reduced where they would make a new extreme of C among
    a cell and its four neighbours, before and after the axes' part (`new`)."""
    margin = PAD * row
    h = depth[margin:-margin]
    after = torch.nn.functional.pad(concentration(new, h), (margin, margin))
    wet = depth > 0.0
    least, most = torch.minimum(c, after), torch.maximum(c, after)
    lowest, highest = least[margin:-margin], most[margin:-margin]
    for step in (1, -1, row, -row):
        beside = slice(margin + step, len(c) - margin + step)
        lowest = torch.where(wet[beside], torch.minimum(lowest, least[beside]), lowest)
        highest = torch.where(wet[beside], torch.maximum(highest, most[beside]), highest)
    into = out = torch.zeros_like(h)
    for flow, shift in ((mixed_x, 1), (mixed_y, row)):
        below, above = flow[:-shift], flow[shift:]
        into = into + (below.clamp(min=0.0) - above.clamp(max=0.0))
        out = out + (above.clamp(min=0.0) - below.clamp(max=0.0))
    room = (highest * h - new).clamp(min=0.0)
    stock = (new - lowest * h).clamp(min=0.0) * (1.0 - rounding_margin(h.dtype))
    gain = torch.nn.functional.pad((room / (dt * into).clamp(min=TINY)).clamp(max=1.0), (row, row))
    loss = torch.nn.functional.pad((stock / (dt * out).clamp(min=TINY)).clamp(max=1.0), (row, row))
    rate = torch.zeros_like(h)
    for flow, shift in ((mixed_x, 1), (mixed_y, row)):
        low = slice(row - shift, len(gain) - row)
        high = slice(row, len(gain) - row + shift)
        upward = torch.minimum(loss[low], gain[high])
        downward = torch.minimum(gain[low], loss[high])
        kept = torch.where(flow > 0.0, upward, downward) * flow
        rate = rate + (kept[:-shift] - kept[shift:])
    return dt * rate


def substeps(rate: Tensor, dt: Tensor) -> Tensor:
    """How many equal sub-steps each member's `dt` (batch,) [s] takes, for its largest `rate`
    (batch,) [1/s]; NaN where that is out of all reason."""
    needed = torch.ceil(dt * rate / MONOTONE).clamp(min=1.0)
    return torch.where(needed <= MOST_SUBSTEPS, needed, torch.nan)
