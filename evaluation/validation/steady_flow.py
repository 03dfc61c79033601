"""Steady flow over a bump and down a rough channel, reached in time from another state."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.integrate import quad_vec
from scipy.optimize import brentq

from evaluation.validation.case import Case, Check, Curve, Panel
from evaluation.validation.convergence import convergence_panel, order, relative_l1
from evaluation.validation.flow import WIDE, Flow, centres
from worldsim.simulator.water import GRAVITY, Boundaries, Flux, IncomingWave

BUMP_LENGTH, CREST = 25.0, 0.2  # m
SUBCRITICAL = (4.42, 2.0)  # m2/s, m: discharge from the west, surface level in the east
WITH_JUMP = (0.18, 0.33)
CHANNEL_LENGTH, CHANNEL_FLUX, CHANNEL_MANNING = 1000.0, 2.0, 0.033  # m, m2/s, s m-1/3


def bump(x: np.ndarray) -> np.ndarray:
    """Bed [m] of Goutal & Maurel 1997: a parabola of 0.2 m between x = 8 and 12 m."""
    return np.maximum(0.0, CREST - 0.05 * (x - 10.0) ** 2)


def critical_depth(flux: float, gravity: float = GRAVITY) -> float:
    """Depth [m] at which q^2 = g h^3."""
    return float((flux**2 / gravity) ** (1 / 3))


def depth_of_head(head: float, flux: float, gravity: float, fast: bool) -> float:
    """The depth with h + q^2 / (2 g h^2) = head [m]; `fast`: the supercritical one."""
    critical = critical_depth(flux, gravity)
    low, high = (1e-3 * critical, critical) if fast else (critical, head)
    return brentq(lambda h: h + flux**2 / (2 * gravity * h * h) - head, low, high, xtol=1e-15)


def subcritical_bump(
    x: np.ndarray, flux: float, level: float, gravity: float = GRAVITY
) -> np.ndarray:
    """Depth [m] by Bernoulli's equation, with surface `level` [m] downstream (Goutal & Maurel
    1997; SWASHES, Delestre et al. 2013, sec. 3.1.2)."""
    head = level + flux**2 / (2 * gravity * level**2)
    return np.array([depth_of_head(head - z, flux, gravity, fast=False) for z in bump(x)])


def jump_position(flux: float, level: float, gravity: float = GRAVITY) -> float:
    """Where the hydraulic jump stands [m]: the depths before and behind it satisfy
    q^2 (1/h1 - 1/h2) + g (h1^2 - h2^2) / 2 = 0."""

    def excess(x: float) -> float:
        h1, h2 = _beside_jump(x, flux, level, gravity)
        return flux**2 * (1 / h1 - 1 / h2) + 0.5 * gravity * (h1**2 - h2**2)

    # Nearer to the crest the water behind the jump would lack the head to pass at all.
    head = level + flux**2 / (2 * gravity * level**2)
    highest = head - 1.5 * critical_depth(flux, gravity)
    nearest = 10.0 + np.sqrt(max(CREST - highest, 0.0) / 0.05)
    return brentq(excess, nearest + 1e-9, 12.0, xtol=1e-12)


def _beside_jump(x: float, flux: float, level: float, gravity: float) -> tuple[float, float]:
    z = float(bump(np.array(x)))
    upstream = CREST + 1.5 * critical_depth(flux, gravity)
    downstream = level + flux**2 / (2 * gravity * level**2)
    return (depth_of_head(upstream - z, flux, gravity, fast=True),
            depth_of_head(downstream - z, flux, gravity, fast=False))


def transcritical_bump(
    x: np.ndarray, flux: float, level: float, gravity: float = GRAVITY
) -> np.ndarray:
    """Depth [m]: critical on the crest, supercritical behind it up to a jump (Goutal & Maurel
    1997; Delestre et al. 2013, sec. 3.1.4)."""
    jump = jump_position(flux, level, gravity)
    upstream = CREST + 1.5 * critical_depth(flux, gravity)
    downstream = level + flux**2 / (2 * gravity * level**2)
    depth = np.empty_like(x)
    for i, (place, z) in enumerate(zip(x, bump(x), strict=True)):
        head = downstream if place > jump else upstream
        depth[i] = depth_of_head(head - z, flux, gravity, fast=10.0 < place < jump)
    return depth


def channel_depth(x: np.ndarray | float, gravity: float = GRAVITY) -> np.ndarray:
    """The depth [m] that MacDonald's channel is made for: (4/g)^(1/3) (1 + exp(-16 (x/L -
    1/2)^2) / 2) (MacDonald et al. 1997, example 1; Delestre et al. 2013, sec. 3.2.1)."""
    swell = np.exp(-16 * (np.asarray(x) / CHANNEL_LENGTH - 0.5) ** 2)
    return (4 / gravity) ** (1 / 3) * (1 + 0.5 * swell)


def channel_bed(x: np.ndarray, gravity: float = GRAVITY) -> np.ndarray:
    """The bed [m] over which `channel_depth` is steady, 0 m at the east end: the integral of
    dz/dx = (q^2 / (g h^3) - 1) dh/dx - n^2 q^2 / h^(10/3)."""

    def slope(place: float) -> float:
        h = float(channel_depth(place, gravity))
        crest = h - (4 / gravity) ** (1 / 3)
        rise = crest * -32 * (place / CHANNEL_LENGTH - 0.5) / CHANNEL_LENGTH
        friction = CHANNEL_MANNING**2 * CHANNEL_FLUX**2 / h ** (10 / 3)
        return (CHANNEL_FLUX**2 / (gravity * h**3) - 1) * rise - friction

    edges = np.append(x, CHANNEL_LENGTH)
    pieces = [quad_vec(slope, a, b, epsabs=1e-13)[0]
               for a, b in itertools.pairwise(edges)]
    return -np.cumsum(pieces[::-1])[::-1]


def driven(flux: float, level: float, bed: float = 0.0, gravity: float = GRAVITY) -> Boundaries:
    """Prescribed discharge [m2/s] in the west; in the east, waves leave a stream of that
    discharge with its surface at `level` [m].

    The incoming wave of the east side is the one whose invariant, u - 2 c eastwards, is the
    stream's: over still water of depth d, 4 c - 2 sqrt(g d) = 2 sqrt(g d) - u.
    """
    depth = level - bed
    still = np.sqrt(gravity * depth)
    celerity = still - flux / depth / 4
    times = torch.tensor([0.0, 1.0], dtype=torch.float64)

    def constant(value: float) -> torch.Tensor:
        return torch.full((2,), value, dtype=torch.float64)

    return Boundaries(
        west=Flux(times, constant(flux)),
        east=IncomingWave(times, constant(celerity**2 / gravity - depth)[None], level))


def over_bump(
    cells: int, flux: float, level: float, seconds: float, gravity: float = GRAVITY
) -> tuple[np.ndarray, Flow]:
    """Cell centres [m], and the flow `seconds` after still water began to be driven."""
    x = centres(cells, BUMP_LENGTH)
    bed = bump(x)
    flow = Flow(BUMP_LENGTH / cells, bed, level - bed, gravity=gravity,
                boundaries=driven(flux, level, float(bed[-1]), gravity))
    flow.to(seconds)
    return x, flow


def down_channel(
    cells: int, seconds: float, gravity: float = GRAVITY
) -> tuple[np.ndarray, Flow]:
    """Cell centres [m], and the flow `seconds` after it was a fifth too deep and at rest."""
    x = centres(cells, CHANNEL_LENGTH)
    level = float(channel_depth(CHANNEL_LENGTH, gravity))
    bed = channel_bed(x, gravity)
    flow = Flow(CHANNEL_LENGTH / cells, bed, 1.2 * channel_depth(x, gravity), gravity=gravity,
                manning=CHANNEL_MANNING,
                boundaries=driven(CHANNEL_FLUX, level + bed[-1], bed[-1], gravity))
    flow.to(seconds)
    return x, flow


def _check(
    solve: Callable[[int], tuple[np.ndarray, Flow]],
    exact: Callable[[np.ndarray], np.ndarray],
    cells: tuple[int, ...],
    flux: float,
    least: float,
    note: str,
) -> Sequence[Check]:
    errors = []
    for number in cells:
        x, flow = solve(number)
        errors.append(relative_l1(flow.line, exact(x)))
    found_flux = flow.state.momentum_x[0, 0].numpy()
    bed = flow.bed[0, 0].numpy()
    profile = Panel("steady surface", "x [m]", "elevation [m]", (
        Curve(x, exact(x) + bed, "exact"), Curve(x, bed, "bed"),
        Curve(x, flow.line + bed, f"worldsim, {cells[-1]} cells", "points")))
    # Over many steps: a short last step would end in a state of its own, see the friction's note.
    longer = 0.2 * flow.time
    through = -float(flow.to(flow.time + longer).boundary_volume[0, 1]) / WIDE / longer
    return [
        Check("depth, relative L1", "1", errors[-1], 0.01, order=order(errors, cells),
              least_order=least, cells=cells, note=note,
              panels=(profile, convergence_panel(cells, errors, least))),
        Check("discharge at the outlet", "1", abs(through / flux - 1), 1e-3, cells=cells,
              note="relative to the inflow, over a fifth of the time more: the flow is steady"),
        Check("discharge, largest deviation", "1", float(np.abs(found_flux / flux - 1).max()),
              cells=cells, note="over all cells; a captured jump has a spike in it"),
    ]


CASES = (
    Case("bump_subcritical", "Subcritical flow over a bump",
         "Goutal & Maurel 1997; Delestre et al. 2013, Int. J. Numer. Meth. Fluids 72:269, "
         "sec. 3.1.2",
         lambda: _check(lambda n: over_bump(n, *SUBCRITICAL, 30.0),
                        lambda x: subcritical_bump(x, *SUBCRITICAL), (32, 45, 64, 90),
                        SUBCRITICAL[0], 1.8, "from still water, 30 s")),
    Case("bump_jump", "Transcritical flow over a bump with a hydraulic jump",
         "Goutal & Maurel 1997; Delestre et al. 2013, sec. 3.1.4",
         lambda: _check(lambda n: over_bump(n, *WITH_JUMP, 60.0),
                        lambda x: transcritical_bump(x, *WITH_JUMP), (32, 45, 64, 90),
                        WITH_JUMP[0], 0.9, "from still water, 60 s")),
    Case("macdonald", "Subcritical flow with friction down a channel",
         "MacDonald et al. 1997, J. Hydraul. Eng. 123:1041; Delestre et al. 2013, sec. 3.2.1",
         lambda: _check(lambda n: down_channel(n, 1000.0), channel_depth, (24, 36, 54, 81),
                        CHANNEL_FLUX, 0.9,
                        "from a fifth too deep and at rest, 1000 s; first order, because friction "
                        "acts after each step of the rest (splitting), and because the solver "
                        "takes the bed as level across the outer half cell at open sides")),
)
