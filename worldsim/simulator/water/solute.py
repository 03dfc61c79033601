"""A dissolved tracer's way through one step of the water."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from worldsim.simulator.transport import Transport
from worldsim.simulator.water.dispersion import (
    disperse,
    dispersion_exchange,
    substeps,
)
from worldsim.simulator.water.layout import Layout, Spacing
from worldsim.simulator.water.open_faces import OpenFaces
from worldsim.simulator.water.tracer import (
    TracerAccounts,
    advect_tracer,
    concentration,
    decay_and_source,
)


class TracerKernels(NamedTuple):
    """The functions that touch every cell, eager or compiled."""

    advect: Callable = advect_tracer
    exchange: Callable = dispersion_exchange
    disperse: Callable = disperse


class Solute(NamedTuple):
    """What carries on a group's tracer: its transport, the sources (window,) [kg/m2/s] or None,
    and the kernels."""

    transport: Transport
    source: Tensor | None
    kernels: TracerKernels


def spread(
    solute: Solute,
    tracer: Tensor,
    fields: Tensor,
    bed: Tensor,
    dt: Tensor,
    layout: Layout,
    inside: Tensor,
    g_n_squared: Tensor | None,
    spacing: Spacing,
) -> Tensor:
    """The tracer's line (size,) after dispersion for `dt` (batch,) [s] in water that stands
    still meanwhile; each member in as many sub-steps as it needs."""
    t, row = solute.transport, layout.row
    shear = g_n_squared is not None and t.longitudinal > 0.0
    if not (shear or t.diffusivity > 0.0):
        return tracer
    exchange = solute.kernels.exchange(
        fields, bed, g_n_squared, t.longitudinal, t.transverse, t.diffusivity, row, spacing
    )
    rate = layout.per_member(layout.from_window(exchange.rate)).amax(1)
    count = substeps(rate, dt)
    piece = dt / count
    for k in range(int(torch.nan_to_num(count, nan=1.0).max())):
        now = layout.window(layout.each(torch.where(count <= k, 0.0, piece)))
        new = solute.kernels.disperse(tracer, fields[1], exchange, now, inside, row)
        # a member that is through keeps its bits
        tracer = layout.from_window(torch.where(now == 0.0, layout.window(tracer), new))
    return tracer


def settle(
    solute: Solute, tracer: Tensor, decayed: Tensor, dt: Tensor, layout: Layout
) -> tuple[Tensor, Tensor]:
    """The tracer (window,) [kg/m2] and what has decayed of it, after decay and sources."""
    decay = solute.transport.decay
    if decay == 0.0 and solute.source is None:
        return tracer, decayed
    gone, left = decay_and_source(decay, dt)

    def each(value: Tensor) -> Tensor:
        return layout.window(layout.each(value.to(tracer.dtype)))

    lost = tracer * each(gone)
    tracer = tracer - lost
    if solute.source is not None:
        tracer = tracer + solute.source * each(left)
        lost = lost + solute.source * each(dt - left)
    return tracer, decayed + lost


def book_outflow(
    accounts: TracerAccounts,
    half: Tensor,
    faces: OpenFaces,
    mass: Tensor,
    share: Tensor,
    tracer: Tensor,
    depth: Tensor,
) -> TracerAccounts:
    """The accounts with half a step's outflow added: `mass` (open faces,) [m2/s] inward; edge
    cells have no slope, so C is theirs."""
    if not len(faces.cell):
        return accounts
    leaving = -mass.clamp(max=0.0) * torch.take(share, faces.cell)
    c = concentration(torch.take(tracer, faces.cell), torch.take(depth, faces.cell))
    return accounts._replace(out=accounts.out + torch.take(half, faces.member) * (leaving * c))
