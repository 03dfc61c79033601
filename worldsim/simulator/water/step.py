"""One SSP-RK2 step of the shallow-water equations, and the step size it may have.

The work over all cells lies in a few pure functions (`Kernels`), which run eagerly or through
torch.compile; walls and open faces, a few cells each, are set in between.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from worldsim.simulator.water.boundary import (
    Exterior,
    OpenFaces,
    OpenLoad,
    boundary_state,
    set_open_faces,
)
from worldsim.simulator.water.flux import (
    DRY_DEPTH,
    Faces,
    drain_factor,
    face_fluxes,
    friction_factor,
    inverse_depth,
    primitive_fields,
)
from worldsim.simulator.water.layout import PAD, Layout
from worldsim.simulator.water.wall import WallFaces, WallLoad, load_walls, wall_depth

# 1, unsplit second-order limit; keeps the first-order part positive in two dimensions
COURANT = 0.25
SAFETY = 0.96  # 1, room for the speeds to grow within one step
STOPPED = 1e-30  # m/s, slower water is brought to rest (and that is booked)

Spacing = tuple[float, float]  # dx, dy [m]


class Ground(NamedTuple):
    """What stays while the blocked cells stay: `bed` (size,) [m], WALL_LEVEL where blocked;
    `inside` (window,) 1 in the members' cells, 0 in the layers around; the walls; the open
    faces; g n^2, (window,) or a single number (None: no friction)."""

    layout: Layout
    bed: Tensor
    inside: Tensor
    walls: WallFaces
    open_faces: OpenFaces
    g_n_squared: Tensor | None


class Accounts(NamedTuple):
    """Integrals over time in kinematic units (per unit density), added to by each step.

    `cells` six of (window,) [m2/s]: momentum per area from bed x, y, friction x, y, clean-up x, y
    (a bed force is booked whole in one of the cells it acts on). `sides` (4, open faces): mass
    inward [m2], normal momentum flux, tangential momentum inward and the edge cells' own
    pressure [m3/s]. `walls` (3, wall faces): depth [m s], push and own pressure [m3/s].
    """

    cells: list[Tensor]
    sides: Tensor
    walls: Tensor


def outflow_share(
    depth: Tensor,
    mass_x: Tensor,
    mass_y: Tensor,
    dt: Tensor,
    inside: Tensor,
    row: int,
    spacing: Spacing,
) -> Tensor:
    """What share of its outflow each cell can afford within `dt` (window,): (size,), 1 in the
    layers around, from which waves enter."""
    margin = PAD * row
    h = torch.nn.functional.threshold(depth[margin:-margin], DRY_DEPTH, 0.0)
    leaving_x = mass_x[1:].clamp(min=0.0) - mass_x[:-1].clamp(max=0.0)
    leaving_y = mass_y[row:].clamp(min=0.0) - mass_y[:-row].clamp(max=0.0)
    share = drain_factor(h, leaving_x / spacing[0] + leaving_y / spacing[1], dt)
    share = torch.maximum(share, 1.0 - inside)
    return torch.nn.functional.pad(share, (margin, margin), value=1.0)


def first_stage(
    state: Tensor,
    dt: Tensor,
    share: Tensor,
    faces_x: Faces,
    faces_y: Faces,
    inside: Tensor,
    row: int,
    spacing: Spacing,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Euler step: the new state (3, size), the bed's part of the momenta's rates (window,)."""
    margin, (dx, dy) = PAD * row, spacing
    drain_x, across_y = _carried(faces_x, share, 1, margin)
    drain_y, across_x = _carried(faces_y, share, row, margin)
    depth, momentum_x, momentum_y = state[:, margin:-margin]
    drain = drain_x / dx + drain_y / dy
    rate_x = _push(faces_x, 1) / dx + across_x / dy
    rate_y = _push(faces_y, row) / dy + across_y / dx
    new = torch.stack(
        (
            (depth - dt * drain) * inside,
            (momentum_x - dt * rate_x) * inside,
            (momentum_y - dt * rate_y) * inside,
        )
    )
    bed_x = (faces_x.drop[1:] - faces_x.surface_force) / dx
    bed_y = (faces_y.drop[row:] - faces_y.surface_force) / dy
    return torch.nn.functional.pad(new, (margin, margin)), (bed_x, bed_y)


def _carried(faces: Faces, share: Tensor, shift: int, margin: int) -> tuple[Tensor, Tensor]:
    """What leaves each window cell along one axis: limited mass, and the tangential momentum
    it carries (HLLC's contact: the velocity comes from where the mass comes from)."""
    end = len(share) - margin
    up = faces.mass.clamp(min=0.0) * share[margin - shift : end]
    down = faces.mass.clamp(max=0.0) * share[margin : end + shift]
    mass = up + down
    drift = up * faces.drift_lower + down * faces.drift_upper
    return mass[shift:] - mass[:-shift], drift[shift:] - drift[:-shift]


def _push(faces: Faces, shift: int) -> Tensor:
    return (faces.lower[shift:] - faces.upper[:-shift]) + faces.surface_force


def second_stage(
    start: Tensor,
    middle: Tensor,
    dt: Tensor,
    share: Tensor,
    faces_x: Faces,
    faces_y: Faces,
    inside: Tensor,
    row: int,
    spacing: Spacing,
    bed: tuple[Tensor, Tensor],
    cells: Sequence[Tensor],
    g_n_squared: Tensor | None,
) -> tuple[Tensor, list[Tensor]]:
    """Second Euler step, average with the start (Shu & Osher 1988), friction and clean-up.

    Returns the new state (3, size) and `cells` of the accounts.
    """
    margin = PAD * row
    end, bed_end = first_stage(middle, dt, share, faces_x, faces_y, inside, row, spacing)
    h, qx, qy = 0.5 * (start[:, margin:-margin] + end[:, margin:-margin])
    inverse = inverse_depth(h)
    # Films lose speed at each step; stopping them keeps subnormal numbers, which are slow, away.
    u = torch.nn.functional.hardshrink(qx * inverse, STOPPED)
    v = torch.nn.functional.hardshrink(qy * inverse, STOPPED)
    kept_x, kept_y = h * u, h * v  # differ from qx, qy in thin films
    slow_x, slow_y = kept_x, kept_y
    if g_n_squared is not None:
        factor = friction_factor(h, torch.sqrt(u * u + v * v), dt, g_n_squared)
        slow_x, slow_y = kept_x * factor, kept_y * factor
    half = 0.5 * dt
    added = (
        half * (bed[0] + bed_end[0]),
        half * (bed[1] + bed_end[1]),
        slow_x - kept_x,
        slow_y - kept_y,
        kept_x - qx,
        kept_y - qy,
    )
    new = torch.nn.functional.pad(torch.stack((h, slow_x, slow_y)), (margin, margin))
    return new, [old + more for old, more in zip(cells, added, strict=True)]


def stable_step(
    state: Tensor, bed: Tensor, batch: int, row: int, spacing: Spacing, gravity: float
) -> Tensor:
    """Largest dt (batch,) [s] that the cells allow: inf if dry, NaN if not finite.

    Speeds: |u| + c in cells; |u| + 2c where water can run onto a dry neighbour.
    """
    surface, h, u, v = primitive_fields(state, bed)
    celerity = torch.sqrt(gravity * h)
    frequency = None
    for shift, size, velocity in ((1, spacing[0], u), (row, spacing[1], v)):
        speed = velocity.abs()
        over = torch.maximum(bed[:-shift], bed[shift:])
        low = (surface[:-shift] - over).clamp(min=0.0)
        high = (surface[shift:] - over).clamp(min=0.0)
        # where only one of the two is wet, its front runs at u + 2c
        front = torch.maximum(speed[:-shift], speed[shift:])
        front = front + 2.0 * torch.sqrt(gravity * torch.maximum(low, high))
        front = front * (torch.minimum(low, high) <= 0.0)
        front = torch.nn.functional.pad(front, (0, shift))
        fastest = torch.maximum(speed + celerity, front) / size
        frequency = fastest if frequency is None else torch.maximum(frequency, fastest)
    assert frequency is not None
    spoiled = 0.0 * (state[0] + (state[1] + state[2]))  # NaN where not finite
    return (COURANT * SAFETY) / (frequency + spoiled).reshape(batch, -1).amax(1)


class Kernels(NamedTuple):
    """The functions that touch every cell, eager or compiled."""

    primitive_fields: Callable = primitive_fields
    face_fluxes: Callable = face_fluxes
    outflow_share: Callable = outflow_share
    first_stage: Callable = first_stage
    second_stage: Callable = second_stage
    wall_depth: Callable = wall_depth
    stable_step: Callable = stable_step


def stable_boundary_step(
    fields: Tensor, faces: OpenFaces, outside: Exterior, batch: int, spacing: Spacing, g: float
) -> Tensor:
    """Largest dt (batch,) [s] that the state at the open faces allows."""
    _, depth, u, v = fields
    in_x = faces.counts[0] + faces.counts[1]
    normal = torch.cat((torch.take(u, faces.cell[:in_x]), torch.take(v, faces.cell[in_x:])))
    c, w = boundary_state(
        torch.take(depth, faces.cell), normal * faces.inward, outside, faces.known, g
    )
    size = torch.tensor(spacing, dtype=torch.float64)[(faces.side > 1).to(torch.int64)]
    fastest = torch.zeros(batch, dtype=torch.float64)
    fastest.scatter_reduce_(0, faces.member, (c + w.abs()) / size, "amax")
    return (COURANT * SAFETY) / fastest


def _book(
    accounts: Accounts,
    half: Tensor,
    ground: Ground,
    wall_load: WallLoad,
    open_load: OpenLoad,
    share: Tensor,
) -> None:
    """Add half a step's walls and open faces to the accounts, in place."""
    accounts.walls.add_(torch.take(half, ground.walls.member) * torch.stack(wall_load))
    faces = ground.open_faces
    if len(faces.cell):
        mass, flux, own, drift = open_load
        leaving = mass.clamp(max=0.0) * torch.take(share, faces.cell)
        record = torch.stack((mass.clamp(min=0.0) + leaving, flux, leaving * drift, own))
        accounts.sides.add_(torch.take(half, faces.member) * record)


def runge_kutta_step(
    state: Tensor,
    dt: Tensor,
    ground: Ground,
    outside_start: Exterior,
    outside_end: Exterior,
    accounts: Accounts,
    spacing: Spacing,
    gravity: float,
    kernels: Kernels,
) -> tuple[Tensor, Accounts]:
    """Advance each member's `state` (3, size) by its `dt` (batch,) [s]; 0 leaves it as it is.

    `accounts.sides` and `.walls` are added to in place; the returned ones hold all.
    """
    layout, inside = ground.layout, ground.inside
    row, every = layout.row, layout.each(dt)
    step = layout.window(every)

    def fluxes(now: Tensor, outside: Exterior) -> tuple[Tensor, Faces, Faces]:
        fields = kernels.primitive_fields(now, ground.bed)
        faces_x = kernels.face_fluxes(fields, 1, row, gravity)
        faces_y = kernels.face_fluxes(fields, row, row, gravity)
        load = load_walls(ground.walls, fields, faces_x, faces_y, gravity, kernels.wall_depth)
        open_load = set_open_faces(ground.open_faces, outside, fields, faces_x, faces_y, gravity)
        share = kernels.outflow_share(
            now[0], faces_x.mass, faces_y.mass, step, inside, row, spacing
        )
        _book(accounts, 0.5 * dt, ground, load, open_load, share)
        return share, faces_x, faces_y

    first = fluxes(state, outside_start)
    middle, bed = kernels.first_stage(state, step, *first, inside, row, spacing)
    second = fluxes(middle, outside_end)
    end, cells = kernels.second_stage(
        state, middle, step, *second, inside, row, spacing, bed, accounts.cells, ground.g_n_squared
    )
    if not bool((dt > 0).all()):
        end = torch.where(every > 0.0, end, state)
        cells = [
            torch.where(step > 0.0, new, old)
            for new, old in zip(cells, accounts.cells, strict=True)
        ]
    return end, accounts._replace(cells=cells)
