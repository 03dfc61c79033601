"""Finite-volume fluxes of the shallow-water equations: pure functions of tensors.

Second order in space (MUSCL), well balanced by hydrostatic reconstruction (Audusse et al. 2004,
SIAM J. Sci. Comput. 25:2050, doi 10.1137/S1064827503431090) with the interface bed of Chen &
Noelle 2017 (SIAM J. Numer. Anal. 55:758, doi 10.1137/15M1053074), HLL with Einfeldt's speeds, and
the HLLC contact for the transverse momentum (Toro 2001, Shock-Capturing Methods for Free-Surface
Flows, ch. 10).

Only operations that IEEE 754 rounds correctly are used (+ - * / sqrt, min, max, selection): a
member's numbers therefore depend neither on its position in the batch nor on the thread count.
Every expression is also arranged so that mirroring the input mirrors the output bit for bit.

Fields are lines (see layout.py): the cell above cell i along an axis is cell i + shift,
with shift 1 for x and `row` for y.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from worldsim.simulator.water.layout import PAD

THETA = 1.3  # 1, minmod parameter: 1 most diffusive, 2 least; Kurganov & Tadmor 2000 use 1 to 2
DRY_DEPTH = 1e-8  # m, a film below this neither flows out nor presses (it can still be flooded)
SLOW_DEPTH = 1e-4  # m, below this the velocity is desingularised
WALL_LEVEL = 1e6  # m, bed of blocked cells: higher than any water, so that nothing flows in
TINY = 1e-30  # guards divisions whose numerator is then exactly zero


class Faces(NamedTuple):
    """What the faces along one axis do, (window + shift,): entry i is the face below window
    cell i, entry i + shift the one above it.

    `mass` [m2/s]; `lower` and `upper` [m3/s2]: normal momentum flux minus the hydrostatic
    pressure of the cell below/above the face (what changes that cell's momentum); `drop`
    [m3/s2]: the former pressure minus the latter, the bed's push; `drift` [m/s]: the tangential
    velocity that the mass carries, that of the side it comes from. All but that are 0 at walls
    until set.
    `surface_force` (window,) [m3/s2]: g h times the surface's rise across the cell.
    """

    mass: Tensor
    lower: Tensor
    upper: Tensor
    drop: Tensor
    drift: Tensor
    surface_force: Tensor


def inverse_depth(depth: Tensor) -> Tensor:
    """1/h [1/m], desingularised below SLOW_DEPTH and 0 where dry (Kurganov & Petrova 2007, 2.17).

    Velocity is momentum times this, for both components.
    """
    fourth = (depth * depth) * (depth * depth)
    return (2.0**0.5) * depth / torch.sqrt(fourth + fourth.clamp(min=SLOW_DEPTH**4))


def primitive_fields(state: Tensor, bed: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Surface [m], depth [m] and velocities u, v [m/s], each (size,), of depth and momenta
    (3, size) over `bed` (size,) [m], WALL_LEVEL where blocked."""
    h = torch.nn.functional.threshold(state[0], DRY_DEPTH, 0.0)
    inverse = inverse_depth(h)
    return h + bed, h, state[1] * inverse, state[2] * inverse


def half_slopes(values: Tensor, smooth: Tensor, shift: int, theta: float = THETA) -> Tensor:
    """Half the limited difference across each cell, without the first and last `shift` cells.

    `smooth` (1 or 0) per remaining cell: 0 falls back to first order; `theta` as THETA.
    """
    difference = values[..., shift:] - values[..., :-shift]
    first, second = difference[..., :-shift], difference[..., shift:]
    central = (first + second) * 0.25
    difference = difference * (0.5 * theta)
    first, second = difference[..., :-shift], difference[..., shift:]
    rising = torch.minimum(torch.minimum(first, second), central).clamp(min=0.0)
    falling = torch.maximum(torch.maximum(first, second), central).clamp(max=0.0)
    return (rising + falling) * smooth


def face_fluxes(fields: Tensor, shift: int, row: int, gravity: float) -> Faces:
    """Fluxes through all faces along x (shift 1) or y (shift `row`) of `fields` (4, size)."""
    margin = PAD * (row - shift)
    fields = fields[:, margin : fields.shape[1] - margin]
    depth = fields[1]
    # First order in and beside dry and blocked cells, so beside walls.
    wet = (depth > 0.0).to(depth.dtype)
    smooth = wet[: -2 * shift] * wet[shift:-shift] * wet[2 * shift :]
    half = half_slopes(fields, smooth, shift)
    low = fields[:, shift : -2 * shift] + half[:, :-shift]
    high = fields[:, 2 * shift : -shift] - half[:, shift:]
    normal, tangential = (2, 3) if shift == 1 else (3, 2)
    h_low, h_high = low[1], high[1]
    u_low, u_high = low[normal], high[normal]

    # Hydrostatic reconstruction: depths above the higher of the two beds.
    z_low, z_high = low[0] - h_low, high[0] - h_high
    step = z_high - z_low
    # Water above a step that is higher than the other side's surface falls over it: Chen &
    # Noelle's interface bed, without which thin flow down a steep slope is too slow.
    fall_low = gravity * (h_low * (z_low - high[0]).clamp(min=0.0))
    fall_high = gravity * (h_high * (z_high - low[0]).clamp(min=0.0))
    h_low = (h_low - step.clamp(min=0.0)).clamp(min=0.0)
    h_high = (h_high + step.clamp(max=0.0)).clamp(min=0.0)
    square_low, square_high = gravity * h_low, gravity * h_high
    c_low, c_high = torch.sqrt(square_low), torch.sqrt(square_high)

    # Einfeldt's speeds from the Roe average; beside a dry state the exact front speed.
    roe_u = (c_low * u_low + c_high * u_high) / (c_low + c_high).clamp(min=TINY)
    roe_c = torch.sqrt((square_low + square_high) * 0.5)
    slow = torch.minimum(u_low - c_low, roe_u - roe_c)
    fast = torch.maximum(u_high + c_high, roe_u + roe_c)
    slow = torch.where(h_low > 0.0, slow, u_high - 2.0 * c_high).clamp(max=0.0)
    fast = torch.where(h_high > 0.0, fast, u_low + 2.0 * c_low).clamp(min=0.0)

    weight = 1.0 / (fast - slow).clamp(min=TINY)
    product = slow * fast
    q_low, q_high = h_low * u_low, h_high * u_high
    mass = ((fast * q_low - slow * q_high) + product * (h_high - h_low)) * weight
    # HLL momentum flux less the pressure of either side: still water gives exactly zero.
    advected = (fast * (q_low * u_low) - slow * (q_high * u_high)) + product * (q_high - q_low)
    drop = 0.5 * (square_low * h_low) - 0.5 * (square_high * h_high)
    return Faces(
        mass=mass,
        lower=(advected + slow * drop) * weight - fall_low,
        upper=(advected + fast * drop) * weight - fall_high,
        drop=drop + (fall_low - fall_high),
        drift=torch.where(mass > 0.0, low[tangential], high[tangential]),
        # -g h (z_e - z_w) - g (h_e^2 - h_w^2)/2 = -g h (eta_e - eta_w): the centred bed source
        # and the reconstruction's own pressure terms in one.
        surface_force=(2.0 * gravity) * (depth[2 * shift : -2 * shift] * half[0, shift:-shift]),
    )


def rounding_margin(dtype: torch.dtype) -> float:
    """Share of a stock that is kept back so that what is left does not round below 0."""
    return max(1e-12, 16 * torch.finfo(dtype).eps)


def drain_factor(depth: Tensor, outflow: Tensor, dt: Tensor) -> Tensor:
    """The share of its outflow [m/s] that a cell can afford within dt: depth stays >= 0.

    Scaling fluxes, unlike clamping depths, makes no water (after Bollermann, Noelle &
    Lukacova 2011, Commun. Comput. Phys. 10:371).
    """
    affordable = (1.0 - rounding_margin(depth.dtype)) * depth
    return (affordable / (dt * outflow).clamp(min=TINY)).clamp(max=1.0)


def cube_root(x: Tensor) -> Tensor:
    """x^(1/3) to rounding for 1e-6 < x < 1e6, from square roots and three Halley steps.

    `pow` differs in its last bit between a vector lane and a loop's tail, so it is not used.
    """
    quarter = torch.sqrt(torch.sqrt(x))
    y = quarter * torch.sqrt(torch.sqrt(quarter))  # x^(5/16)
    for _ in range(3):
        cube = y * y * y
        y = y * (cube + 2.0 * x) / (2.0 * cube + x)
    return y


def friction_factor(depth: Tensor, speed: Tensor, dt: Tensor, g_n_squared: Tensor) -> Tensor:
    """1/(1 + dt g n^2 |u| / h^(4/3)): semi-implicit Manning friction, stable for any dt."""
    floor = depth.clamp(min=SLOW_DEPTH)
    return 1.0 / (1.0 + dt * g_n_squared * speed / (floor * cube_root(floor)))


def drag_factor(
    depth: Tensor,
    speed: Tensor,
    dt: Tensor,
    drag: Tensor,
    height: Tensor,
    g_n_squared: Tensor | None,
) -> Tensor:
    """1/(1 + dt |u| (a min(1, H/h) + g n^2 / h^(4/3))): friction, and stems of height H [m] whose
    quadratic drag per depth, C_D n d / 2 = a [1/m], acts where they stand in water (Nepf 1999,
    Water Resour. Res. 35:479). For constant h it is exact: u' = -k |u| u."""
    floor = depth.clamp(min=SLOW_DEPTH)
    loss = dt * (speed * (drag * (height / floor).clamp(max=1.0)))
    if g_n_squared is not None:
        # to the bit as in `friction_factor` where there are no stems
        loss = dt * g_n_squared * speed / (floor * cube_root(floor)) + loss
    return 1.0 / (1.0 + loss)
