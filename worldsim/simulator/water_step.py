"""One SSP-RK2 step of the shallow-water equations, and the step size it may have.

Pure functions over tensors, so that the same text runs eagerly and through torch.compile.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from worldsim.simulator.water_boundary import AXES, INWARD, Exterior, boundary_state, edge
from worldsim.simulator.water_flux import (
    DRY_DEPTH,
    above,
    below,
    drain_factor,
    friction_factor,
    interior_faces,
    inverse_depth,
)
from worldsim.simulator.water_wall import WallCells, wall_pressure

# 1, unsplit second-order limit; keeps the first-order part positive in two dimensions
COURANT = 0.25
SAFETY = 0.96  # 1, room for the speeds to grow within one step


class Ground(NamedTuple):
    """What stays while the blocked cells stay: `bed` (batch, ny, nx) [m] (WALL_LEVEL where
    blocked), the wall lists, and g n^2 (broadcastable to the cells; None: no friction)."""

    bed: Tensor
    walls_x: WallCells
    walls_y: WallCells
    g_n_squared: Tensor | None


class Accounts(NamedTuple):
    """Integrals over time, in kinematic units (per unit density), of one or more steps.

    `bed`, `friction`, `cleanup`: (2, batch, ny, nx) [m2/s] momentum per area given to the cell.
    `west`, ...: (3, batch, edge cells) mass along +axis [m2], normal and tangential momentum
    [m3/s] through each face. `walls_x`, `walls_y`: (2, 2, n) pressure [m3/s] and depth [m s]
    at the listed faces.
    """

    bed: Tensor
    friction: Tensor
    cleanup: Tensor
    west: Tensor
    east: Tensor
    south: Tensor
    north: Tensor
    walls_x: Tensor
    walls_y: Tensor


class Rates(NamedTuple):
    """Time derivatives of the state, and what the accounts integrate."""

    depth: Tensor
    momentum_x: Tensor
    momentum_y: Tensor
    bed: Tensor
    sides: tuple[Tensor, Tensor, Tensor, Tensor]
    walls_x: Tensor
    walls_y: Tensor


Outside = tuple[Exterior | None, Exterior | None, Exterior | None, Exterior | None]


def _rates(
    depth: Tensor,
    momentum_x: Tensor,
    momentum_y: Tensor,
    dt: Tensor,
    ground: Ground,
    outside: Outside,
    spacing: tuple[float, float],
    gravity: float,
) -> Rates:
    """Rates of change; the mass flux is limited to what each cell can afford within `dt`."""
    wet = depth > DRY_DEPTH
    h = torch.where(wet, depth, 0.0)
    inverse = inverse_depth(h)
    u, v = momentum_x * inverse, momentum_y * inverse
    values = torch.stack((h + ground.bed, h, u, v))
    velocity = {-1: u, -2: v}

    # Each side's face: mass and momentum along +axis, and the velocity carried in tangentially.
    mass_edge, normal_edge, drift_edge, pressure_edge = [], [], [], []
    for side in range(4):
        normal, tangential = velocity[AXES[side]], velocity[-3 - AXES[side]]
        beyond, inside = outside[side], edge(h, side)
        if beyond is None:
            nothing = torch.zeros_like(inside)
            mass_edge.append(nothing)
            normal_edge.append(nothing)
            drift_edge.append(nothing)
            pressure_edge.append(nothing)
            continue
        c, w = boundary_state(inside, INWARD[side] * edge(normal, side), beyond, gravity)
        h_face = c * c / gravity
        # `known` is already false at blocked cells, which then continue their own dryness.
        mass_edge.append(INWARD[side] * (h_face * w))
        normal_edge.append(h_face * w * w + 0.5 * gravity * h_face * h_face)
        drift_edge.append(edge(tangential, side))
        pressure_edge.append(0.5 * gravity * inside * inside)

    outflow = None
    faces, positive, negative = [], [], []
    for axis, (low, high), size in ((-1, (0, 1), spacing[0]), (-2, (2, 3), spacing[1])):
        face = interior_faces(values, wet, axis, gravity)
        mass = torch.cat((mass_edge[low], face.mass, mass_edge[high]), axis)
        up, down = mass.clamp(min=0.0), mass.clamp(max=0.0)
        leaving = (above(up, axis) - below(down, axis)) / size
        outflow = leaving if outflow is None else outflow + leaving
        faces.append(face)
        positive.append(up)
        negative.append(down)
    assert outflow is not None
    share = drain_factor(h, outflow, dt)

    depth_rate, along, across, beds, wall_records = None, [], [], [], []
    sides: list[Tensor] = []
    for i, axis in enumerate((-1, -2)):
        low, high = (0, 1) if axis == -1 else (2, 3)
        face, size = faces[i], spacing[i]
        walls = (ground.walls_x, ground.walls_y)[i]
        one = torch.ones_like(mass_edge[low])
        up = positive[i] * torch.cat((one, share), axis)
        down = negative[i] * torch.cat((share, one), axis)
        mass = up + down
        # HLLC's contact: the tangential velocity comes from where the mass comes from; what
        # enters the domain carries none.
        calm = torch.zeros_like(one)
        drift = up * torch.cat((calm, face.tangential_lower, drift_edge[high]), axis)
        drift = drift + down * torch.cat((drift_edge[low], face.tangential_upper, calm), axis)
        drain = (above(mass, axis) - below(mass, axis)) / size
        depth_rate = drain if depth_rate is None else depth_rate + drain
        across.append((above(drift, axis) - below(drift, axis)) / size)

        gain = normal_edge[high] - pressure_edge[high]
        lower = torch.cat((face.lower, gain), axis)
        upper = torch.cat((normal_edge[low] - pressure_edge[low], face.upper), axis)
        at_wall, push, own = wall_pressure(walls, h, velocity[axis], gravity)
        excess = push - own
        rate = (lower - upper) + face.surface_force
        rate = _scatter(rate, walls.cell, excess[0] - excess[1])
        along.append(rate / size)
        pressure = torch.cat((face.pressure_lower, pressure_edge[high]), axis)
        pressure = pressure - torch.cat((pressure_edge[low], face.pressure_upper), axis)
        bed = pressure - face.surface_force
        beds.append(_scatter(bed, walls.cell, own[0] - own[1]) / size)
        wall_records.append(torch.stack((push, at_wall)))
        for side in (low, high):
            flux = torch.stack((edge(mass, side), normal_edge[side], edge(drift, side)))
            sides.append(flux)
    assert depth_rate is not None
    return Rates(
        depth=-depth_rate,
        momentum_x=-(along[0] + across[1]),
        momentum_y=-(along[1] + across[0]),
        bed=torch.stack(beds),
        sides=(sides[0], sides[1], sides[2], sides[3]),
        walls_x=wall_records[0],
        walls_y=wall_records[1],
    )


def _scatter(field: Tensor, cell: Tensor, value: Tensor) -> Tensor:
    return field.reshape(-1).index_add(0, cell, value).reshape(field.shape)


def runge_kutta_step(
    depth: Tensor,
    momentum_x: Tensor,
    momentum_y: Tensor,
    dt: Tensor,
    ground: Ground,
    outside_start: Outside,
    outside_end: Outside,
    accounts: Accounts,
    spacing: tuple[float, float],
    gravity: float,
) -> tuple[Tensor, Tensor, Tensor, Accounts]:
    """Advance each member by its `dt` (batch,) [s] (Shu & Osher 1988); dt = 0 changes nothing.

    Friction and the clean-up of thin films follow the step, semi-implicitly and booked.
    """
    step = dt[:, None, None]
    first = _rates(depth, momentum_x, momentum_y, step, ground, outside_start, spacing, gravity)
    h = depth + step * first.depth
    qx = momentum_x + step * first.momentum_x
    qy = momentum_y + step * first.momentum_y
    second = _rates(h, qx, qy, step, ground, outside_end, spacing, gravity)
    h = 0.5 * (depth + (h + step * second.depth))
    qx = 0.5 * (momentum_x + (qx + step * second.momentum_x))
    qy = 0.5 * (momentum_y + (qy + step * second.momentum_y))

    inverse = inverse_depth(h)
    u, v = qx * inverse, qy * inverse
    kept_x, kept_y = h * u, h * v
    moving = step > 0.0
    cleanup = torch.stack((kept_x - qx, kept_y - qy))
    friction = accounts.friction
    if ground.g_n_squared is not None:
        speed = torch.sqrt(u * u + v * v)
        factor = friction_factor(h, speed, step, ground.g_n_squared)
        slowed_x, slowed_y = kept_x * factor, kept_y * factor
        drag = torch.stack((slowed_x - kept_x, slowed_y - kept_y))
        friction = friction + torch.where(moving, drag, 0.0)
        kept_x, kept_y = slowed_x, slowed_y

    half = 0.5 * step
    cells = depth.shape[1] * depth.shape[2]
    half_x = torch.take(0.5 * dt, ground.walls_x.cell // cells)
    half_y = torch.take(0.5 * dt, ground.walls_y.cell // cells)
    return (
        torch.where(moving, h, depth),
        torch.where(moving, kept_x, momentum_x),
        torch.where(moving, kept_y, momentum_y),
        Accounts(
            bed=accounts.bed + half * (first.bed + second.bed),
            friction=friction,
            cleanup=accounts.cleanup + torch.where(moving, cleanup, 0.0),
            west=accounts.west + half * (first.sides[0] + second.sides[0]),
            east=accounts.east + half * (first.sides[1] + second.sides[1]),
            south=accounts.south + half * (first.sides[2] + second.sides[2]),
            north=accounts.north + half * (first.sides[3] + second.sides[3]),
            walls_x=accounts.walls_x + half_x * (first.walls_x + second.walls_x),
            walls_y=accounts.walls_y + half_y * (first.walls_y + second.walls_y),
        ),
    )


def stable_step(
    depth: Tensor,
    momentum_x: Tensor,
    momentum_y: Tensor,
    ground: Ground,
    outside: Outside,
    spacing: tuple[float, float],
    gravity: float,
) -> Tensor:
    """Largest allowed dt (batch,) [s]: inf for a dry member, NaN where the state is not finite.

    Speeds: |u| + c in cells; |u| + 2c where water can run onto a dry neighbour; the boundary
    state where a wave enters (`outside` at the highest elevation to come).
    """
    wet = depth > DRY_DEPTH
    h = torch.where(wet, depth, 0.0)
    inverse = inverse_depth(h)
    surface, celerity = h + ground.bed, torch.sqrt(gravity * h)
    frequency = None
    for axis, size, momentum in ((-1, spacing[0], momentum_x), (-2, spacing[1], momentum_y)):
        speed = (momentum * inverse).abs()
        over = torch.maximum(below(ground.bed, axis), above(ground.bed, axis))
        low = (below(surface, axis) - over).clamp(min=0.0)
        high = (above(surface, axis) - over).clamp(min=0.0)
        # at most one of the two is wet where the other is dry: its front runs at u + 2c
        front = 2.0 * torch.sqrt(gravity * torch.maximum(low, high))
        front = front + torch.maximum(below(speed, axis), above(speed, axis))
        front = torch.where(torch.minimum(low, high) > 0.0, 0.0, front)
        own = (speed + celerity).amax((1, 2)) / size
        if front.numel():
            own = torch.maximum(own, front.amax((1, 2)) / size)
        frequency = own if frequency is None else torch.maximum(frequency, own)
    assert frequency is not None
    velocity = {-1: momentum_x * inverse, -2: momentum_y * inverse}
    for side, beyond in enumerate(outside):
        if beyond is None:
            continue
        axis = AXES[side]
        w = INWARD[side] * edge(velocity[axis], side)
        c, u = boundary_state(edge(h, side), w, beyond, gravity)
        frequency = torch.maximum(frequency, (c + u.abs()).amax((1, 2)) / spacing[axis == -2])
    spoiled = (0.0 * (depth + (momentum_x + momentum_y))).amax((1, 2))  # NaN if any is not finite
    return (COURANT * SAFETY) / (frequency + spoiled)
