"""One SSP-RK2 step of the shallow-water equations, and the step size it may have.

The work over all cells lies in a few pure functions (`Kernels`), which run eagerly or through
torch.compile; walls and open sides, a few cells each, are set in between.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from worldsim.simulator.water_boundary import AXES, INWARD, Exterior, boundary_state, edge
from worldsim.simulator.water_flux import (
    DRY_DEPTH,
    PAD,
    Faces,
    Fields,
    above,
    below,
    drain_factor,
    face_fluxes,
    friction_factor,
    inverse_depth,
    padded_fields,
)
from worldsim.simulator.water_wall import WallFaces, WallLoad, load_walls, wall_depth

# 1, unsplit second-order limit; keeps the first-order part positive in two dimensions
COURANT = 0.25
SAFETY = 0.96  # 1, room for the speeds to grow within one step

STOPPED = 1e-30  # m/s, slower water is brought to rest (and that is booked)

State = tuple[Tensor, Tensor, Tensor]  # depth [m], momentum x and y [m2/s], (batch, ny, nx)
Spacing = tuple[float, float]  # dx, dy [m]
Outside = tuple[Exterior | None, Exterior | None, Exterior | None, Exterior | None]


class Ground(NamedTuple):
    """What stays while the blocked cells stay: `bed` [m], padded and WALL_LEVEL where blocked,
    the walls, and g n^2 (broadcastable to the cells; None: no friction)."""

    bed: Tensor
    walls: WallFaces
    g_n_squared: Tensor | None


class Accounts(NamedTuple):
    """Integrals over time in kinematic units (per unit density), added to by each step.

    `cells` (6, batch, ny, nx) [m2/s]: momentum per area from bed x, y, friction x, y, clean-up
    x, y (a bed force is booked whole in one of the cells it acts on). `sides`: per open side
    (4, batch, edge): mass [m2], normal and tangential momentum [m3/s] along +axis, and the
    edge cells' own pressure [m3/s]. `walls` (3, n): depth [m s], push and own pressure [m3/s].
    """

    cells: Tensor
    sides: list[Tensor | None]
    walls: Tensor


def first_stage(
    state: State, dt: Tensor, share: Tensor, faces_x: Faces, faces_y: Faces, spacing: Spacing
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Euler step: depth, momentum x, y, and the bed's part of the momentum's rate (x, y)."""
    depth, momentum_x, momentum_y = state
    dx, dy = spacing
    mass_x, drift_x = _carried(faces_x, share[:, 1:-1], -1)
    mass_y, drift_y = _carried(faces_y, share[:, :, 1:-1], -2)
    drain = _gain(mass_x, -1) / dx + _gain(mass_y, -2) / dy
    force_x = _push(faces_x, -1) / dx + _gain(drift_y, -2) / dy
    force_y = _push(faces_y, -2) / dy + _gain(drift_x, -1) / dx
    bed_x = (above(faces_x.drop, -1) - faces_x.surface_force) / dx
    bed_y = (above(faces_y.drop, -2) - faces_y.surface_force) / dy
    return (
        depth - dt * drain,
        momentum_x - dt * force_x,
        momentum_y - dt * force_y,
        bed_x,
        bed_y,
    )


def _carried(faces: Faces, share: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Limited mass flux, and the tangential momentum it carries: HLLC's contact takes the
    velocity from where the mass comes from."""
    up = faces.mass.clamp(min=0.0) * below(share, axis)
    down = faces.mass.clamp(max=0.0) * above(share, axis)
    return up + down, up * faces.drift_lower + down * faces.drift_upper


def _gain(flux: Tensor, axis: int) -> Tensor:
    return above(flux, axis) - below(flux, axis)


def _push(faces: Faces, axis: int) -> Tensor:
    return (above(faces.lower, axis) - below(faces.upper, axis)) + faces.surface_force


def second_stage(
    start: State,
    middle: State,
    dt: Tensor,
    share: Tensor,
    faces_x: Faces,
    faces_y: Faces,
    spacing: Spacing,
    bed: tuple[Tensor, Tensor],
    cells: Tensor,
    g_n_squared: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Second Euler step, average with the start (Shu & Osher 1988), friction and clean-up.

    Returns the new state and `cells` of the accounts.
    """
    h, qx, qy, bed_x, bed_y = first_stage(middle, dt, share, faces_x, faces_y, spacing)
    h = 0.5 * (start[0] + h)
    qx = 0.5 * (start[1] + qx)
    qy = 0.5 * (start[2] + qy)
    inverse = inverse_depth(h)
    # Films lose speed at each step; stopping them keeps subnormal numbers, which are slow, away.
    u = torch.nn.functional.hardshrink(qx * inverse, STOPPED)
    v = torch.nn.functional.hardshrink(qy * inverse, STOPPED)
    kept_x, kept_y = h * u, h * v  # differ from qx, qy in thin films
    cleanup_x, cleanup_y = kept_x - qx, kept_y - qy
    slow_x, slow_y = kept_x, kept_y
    if g_n_squared is not None:
        factor = friction_factor(h, torch.sqrt(u * u + v * v), dt, g_n_squared)
        slow_x, slow_y = kept_x * factor, kept_y * factor
    half = 0.5 * dt
    added = torch.stack(
        (
            half * (bed[0] + bed_x),
            half * (bed[1] + bed_y),
            slow_x - kept_x,
            slow_y - kept_y,
            cleanup_x,
            cleanup_y,
        )
    )
    return h, slow_x, slow_y, cells + added


def outflow_share(
    depth: Tensor, mass_x: Tensor, mass_y: Tensor, dt: Tensor, spacing: Spacing
) -> Tensor:
    """What share of its outflow each cell can afford within `dt`; padded by 1 with ones."""
    h = torch.nn.functional.threshold(depth, DRY_DEPTH, 0.0)
    leaving_x = above(mass_x.clamp(min=0.0), -1) - below(mass_x.clamp(max=0.0), -1)
    leaving_y = above(mass_y.clamp(min=0.0), -2) - below(mass_y.clamp(max=0.0), -2)
    share = drain_factor(h, leaving_x / spacing[0] + leaving_y / spacing[1], dt)
    return torch.nn.functional.pad(share, (1, 1, 1, 1), value=1.0)


def stable_step(
    state: State,
    bed: Tensor,
    outside: Outside,
    spacing: Spacing,
    gravity: float,
) -> Tensor:
    """Largest allowed dt (batch,) [s]: inf for a dry member, NaN where the state is not finite.

    Speeds: |u| + c in cells; |u| + 2c where water can run onto a dry neighbour; the boundary
    state where a wave enters (`outside` at the highest elevation to come).
    """
    depth, momentum_x, momentum_y = state
    ny, nx = depth.shape[1:]
    level = bed[:, PAD : PAD + ny, PAD : PAD + nx]
    h = torch.nn.functional.threshold(depth, DRY_DEPTH, 0.0)
    inverse = inverse_depth(h)
    surface, celerity = h + level, torch.sqrt(gravity * h)
    velocity = {-1: momentum_x * inverse, -2: momentum_y * inverse}
    frequency = torch.zeros_like(depth[:, 0, 0])
    for axis, size in ((-1, spacing[0]), (-2, spacing[1])):
        speed = velocity[axis].abs()
        frequency = torch.maximum(frequency, (speed + celerity).amax((1, 2)) / size)
        if depth.shape[axis] == 1:
            continue
        over = torch.maximum(below(level, axis), above(level, axis))
        low = (below(surface, axis) - over).clamp(min=0.0)
        high = (above(surface, axis) - over).clamp(min=0.0)
        # where only one of the two is wet, its front runs at u + 2c
        front = torch.maximum(below(speed, axis), above(speed, axis))
        front = front + 2.0 * torch.sqrt(gravity * torch.maximum(low, high))
        front = torch.where(torch.minimum(low, high) > 0.0, 0.0, front)
        frequency = torch.maximum(frequency, front.amax((1, 2)) / size)
    for side, beyond in enumerate(outside):
        if beyond is None:
            continue
        axis = AXES[side]
        w = INWARD[side] * edge(velocity[axis], side)
        c, u = boundary_state(edge(h, side), w, beyond, gravity)
        size = spacing[0] if axis == -1 else spacing[1]
        frequency = torch.maximum(frequency, (c + u.abs()).amax((1, 2)) / size)
    spoiled = (0.0 * (depth + (momentum_x + momentum_y))).amax((1, 2))  # NaN if any is not finite
    return (COURANT * SAFETY) / (frequency + spoiled)


class Kernels(NamedTuple):
    """The functions that touch every cell, eager or compiled."""

    padded_fields: Callable = padded_fields
    face_fluxes: Callable = face_fluxes
    outflow_share: Callable = outflow_share
    first_stage: Callable = first_stage
    second_stage: Callable = second_stage
    wall_depth: Callable = wall_depth
    stable_step: Callable = stable_step


def _open_sides(
    fields: Fields, faces: tuple[Faces, Faces], outside: Outside, gravity: float
) -> list[tuple[Tensor, Tensor] | None]:
    """Set, in place, the fluxes through the open sides. Returns each side's normal momentum
    flux and edge cells' own pressure [m3/s2]."""
    found: list[tuple[Tensor, Tensor] | None] = []
    inner = [x[:, PAD:-PAD, PAD:-PAD] for x in fields[1:]]
    for side, beyond in enumerate(outside):
        if beyond is None:
            found.append(None)
            continue
        along, sign = AXES[side] == -1, INWARD[side]
        normal, tangential = (inner[1], inner[2]) if along else (inner[2], inner[1])
        depth = edge(inner[0], side)
        c, w = boundary_state(depth, sign * edge(normal, side), beyond, gravity)
        h = c * c / gravity
        flux = h * w * w + 0.5 * gravity * (h * h)
        own = 0.5 * gravity * (depth * depth)
        face = faces[0] if along else faces[1]
        edge(face.mass, side).copy_(sign * (h * w))
        edge(face.upper if sign > 0 else face.lower, side).copy_(flux - own)
        # What leaves carries the edge cell's velocity, what enters carries none.
        edge(face.drift_lower, side).copy_(
            torch.zeros_like(flux) if sign > 0 else edge(tangential, side)
        )
        edge(face.drift_upper, side).copy_(
            edge(tangential, side) if sign > 0 else torch.zeros_like(flux)
        )
        found.append((flux, own))
    return found


def _book(
    accounts: Accounts,
    half: Tensor,
    ground: Ground,
    load: WallLoad,
    sides: list[tuple[Tensor, Tensor] | None],
    faces: tuple[Faces, Faces],
    share: Tensor,
) -> None:
    """Add half a step's walls and sides to the accounts, in place."""
    accounts.walls.add_(torch.take(half, ground.walls.member) * torch.stack(load))
    for side, found in enumerate(sides):
        record = accounts.sides[side]
        if found is None or record is None:
            continue
        along, lower = AXES[side] == -1, INWARD[side] > 0
        face = faces[0] if along else faces[1]
        inside = edge(share[:, 1:-1, 1:-1], side)
        mass = edge(face.mass, side)
        leaving = (mass.clamp(max=0.0) if lower else mass.clamp(min=0.0)) * inside
        entering = mass.clamp(min=0.0) if lower else mass.clamp(max=0.0)
        drift = leaving * edge(face.drift_upper if lower else face.drift_lower, side)
        record.add_(half * torch.stack((leaving + entering, found[0], drift, found[1])))


def runge_kutta_step(
    state: State,
    dt: Tensor,
    ground: Ground,
    outside_start: Outside,
    outside_end: Outside,
    accounts: Accounts,
    spacing: Spacing,
    gravity: float,
    kernels: Kernels,
) -> tuple[State, Accounts]:
    """Advance each member by its `dt` (batch,) [s]; dt = 0 leaves a member bit for bit as it is.

    `accounts.sides` and `.walls` are added to in place; the returned ones hold all.
    """
    step = dt[:, None, None]

    def fluxes(depth: Tensor, momentum_x: Tensor, momentum_y: Tensor, outside: Outside):
        fields = kernels.padded_fields(depth, momentum_x, momentum_y, ground.bed)
        faces = (
            kernels.face_fluxes(fields, -1, gravity),
            kernels.face_fluxes(fields, -2, gravity),
        )
        load = load_walls(ground.walls, fields, *faces, gravity, kernels.wall_depth)
        sides = _open_sides(fields, faces, outside, gravity)
        share = kernels.outflow_share(depth, faces[0].mass, faces[1].mass, step, spacing)
        _book(accounts, 0.5 * step, ground, load, sides, faces, share)
        return faces, share

    faces, share = fluxes(*state, outside_start)
    *middle, bed_x, bed_y = kernels.first_stage(state, step, share, *faces, spacing)
    faces, share = fluxes(*middle, outside_end)
    *after, cells = kernels.second_stage(
        state,
        tuple(middle),
        step,
        share,
        *faces,
        spacing,
        (bed_x, bed_y),
        accounts.cells,
        ground.g_n_squared,
    )
    if not bool((dt > 0).all()):
        moving = step > 0.0
        after = [torch.where(moving, new, old) for new, old in zip(after, state, strict=True)]
        cells = torch.where(moving, cells, accounts.cells)
    return (after[0], after[1], after[2]), accounts._replace(cells=cells)
