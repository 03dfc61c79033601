"""A dissolved tracer: carried, dispersed, flooded and left behind, with its mass accounted for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from evaluation.validation import thacker
from evaluation.validation.case import Case, Check, Curve, Diverged, Panel
from evaluation.validation.convergence import convergence_panel, order, relative_l1
from evaluation.validation.flow import centres
from worldsim.simulator.obstacles import rearrange
from worldsim.simulator.water import (
    GRAVITY,
    Boundaries,
    Budget,
    Grid,
    Open,
    ShallowWater,
    Transport,
    WaterState,
    total,
)

CELLS = (32, 48, 72, 108)
LENGTH = 24.0  # m, of the square with a current
START = np.array([8.0, 9.0])  # m; the cloud's middle at time 0
CALM = 1e-3
"""m/s2; so little gravity that nothing from the sides overtakes the current."""

NOTHING = Transport(longitudinal=0.0, transverse=0.0)
BOWL = 0.75 * thacker.PLANAR_PERIOD  # s
REACH = 1.0  # m; radius of the cloud in the bowl


class Carried(NamedTuple):
    """What a run gives: coordinates [m], the tracer found and the exact one, (ny, nx)."""

    x: np.ndarray
    y: np.ndarray
    found: np.ndarray
    exact: np.ndarray


def hump(distance: np.ndarray, radius: float) -> np.ndarray:
    """1 in the middle, 0 from `radius` on, five times differentiable."""
    return np.cos(0.5 * np.pi * np.clip(distance / radius, 0.0, 1.0)) ** 6


def tensor(values: np.ndarray) -> torch.Tensor:
    """(ny, nx) -> (1, ny, nx)."""
    return torch.as_tensor(np.array(values), dtype=torch.float64)[None]


def advance(
    solver: ShallowWater, state: WaterState, seconds: float
) -> tuple[WaterState, Budget]:
    """No walls.

    Raises
    ------
    Diverged : the water or the tracer ceased to be finite.
    """
    open_ground = torch.zeros_like(state.depth, dtype=torch.bool)
    end, budget = solver.advance(state, open_ground, 0.0, seconds)
    if budget.divergences:
        raise Diverged(str(budget.divergences[0]))
    return end, budget


def current(cells: int) -> tuple[Grid, np.ndarray, np.ndarray]:
    """A square of cells that are longer than wide, their centres."""
    rows = cells * 4 // 3
    grid = Grid(cells, rows, LENGTH / cells, LENGTH / rows)
    return grid, *np.meshgrid(centres(cells, LENGTH), centres(rows, LENGTH))


def uniform(
    grid: Grid,
    velocity: np.ndarray,
    concentration: np.ndarray,
    transport: Transport,
    manning: float = 0.0,
) -> tuple[ShallowWater, WaterState]:
    """Water 1 m deep that flows at `velocity` [m/s] all over, hardly knowing gravity."""
    ones = np.ones((grid.ny, grid.nx))
    still = Open(1.0)
    solver = ShallowWater(grid, tensor(0 * ones), Boundaries(still, still, still, still),
                          gravity=CALM, manning=manning, transport=transport)
    return solver, WaterState(tensor(ones), tensor(velocity[0] * ones),
                              tensor(velocity[1] * ones), tensor(concentration))


def carry(cells: int, velocity: tuple[float, float] = (1.0, 0.6), seconds: float = 5.0) -> Carried:
    """A smooth cloud in a uniform current oblique to the grid: it keeps its shape."""
    grid, x, y = current(cells)
    move = np.array(velocity)

    def cloud(time: float) -> np.ndarray:
        middle = START + move * time
        return hump(np.hypot(x - middle[0], y - middle[1]), 9.0)

    end, _ = advance(*uniform(grid, move, cloud(0.0), NOTHING), seconds)
    near = cloud(seconds) > 0.0
    found = end.concentration()[0].numpy()
    return Carried(x[0], y[:, 0], np.where(near, found, 0.0), cloud(seconds))


def swing(cells: int) -> Carried:
    """A cloud in the water that circles in a parabolic bowl, along shores that flood and dry.

    The velocity is the same everywhere, so the cloud circles unchanged with the water's middle.
    The tracer's mass per area is compared.
    """
    side = centres(cells, thacker.LENGTH, -thacker.LENGTH / 2)
    x, y = np.meshgrid(side, side)
    omega = 2 * np.pi / thacker.PLANAR_PERIOD

    def cloud(time: float) -> np.ndarray:
        middle = thacker.SHIFT * np.array([np.cos(omega * time), np.sin(omega * time)])
        return 0.2 + hump(np.hypot(x - middle[0] - 0.1, y - middle[1]), REACH)

    depth, u, v = thacker.planar(x, y, 0.0)
    size = thacker.LENGTH / cells
    solver = ShallowWater(Grid(cells, cells, size, size), tensor(thacker.bowl(x, y)),
                          manning=0.0, gravity=GRAVITY, transport=NOTHING)
    state = WaterState(*(tensor(field) for field in
                         (depth, depth * u, depth * v, depth * cloud(0.0))))
    end, _ = advance(solver, state, BOWL)
    assert end.tracer is not None
    exact = thacker.planar(x, y, BOWL)[0] * cloud(BOWL)
    return Carried(side, side, end.tracer[0].numpy(), exact)


class Dispersed(NamedTuple):
    """A cloud and its covariance [m2], found and exact."""

    cloud: Carried
    covariance: np.ndarray
    exact: np.ndarray


def disperse(cells: int, degrees: float = 30.0, seconds: float = 10.0) -> Dispersed:
    """A Gaussian cloud drawn out along a current at an angle to the grid.

    Friction slows the current, du/dt = -g n^2 u^2 in 1 m, so that it goes s = ln(1 + g n^2 u t) /
    (g n^2) and the cloud's covariance grows by 2 sqrt(g) n s (5.93 along, 0.23 across the flow).
    """
    grid, x, y = current(cells)
    speed, shear = 0.8, 0.01  # m/s
    manning = shear / speed / np.sqrt(CALM)
    drag = CALM * manning**2
    path = np.log1p(drag * speed * seconds) / drag
    way = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    along = np.outer(way, way)
    start = 1.5**2 * np.eye(2)
    elder = Transport()
    spread = elder.longitudinal * along + elder.transverse * (np.eye(2) - along)
    end_covariance = start + 2.0 * np.sqrt(CALM) * manning * path * spread

    def gauss(middle: np.ndarray, covariance: np.ndarray) -> np.ndarray:
        p = np.linalg.inv(covariance)
        dx, dy = x - middle[0], y - middle[1]
        power = p[0, 0] * dx * dx + 2 * p[0, 1] * dx * dy + p[1, 1] * dy * dy
        return np.exp(-0.5 * power) / np.sqrt(np.linalg.det(covariance))

    state = uniform(grid, speed * way, gauss(START, start), elder, manning)
    end, _ = advance(*state, seconds)
    found = end.concentration()[0].numpy()
    weight = found / found.sum()
    dx, dy = (values - (weight * values).sum() for values in (x, y))
    mixed = (weight * dx * dy).sum()
    covariance = np.array([[(weight * dx * dx).sum(), mixed], [mixed, (weight * dy * dy).sum()]])
    exact = gauss(START + path * way, end_covariance)
    return Dispersed(Carried(x[0], y[:, 0], found, exact), covariance, end_covariance)


def books(seconds: float = 6.0) -> tuple[float, float]:
    """Relative error of the tracer's mass where all happens at once: a flood over rough, half dry
    ground with walls, one of which falls, open sides, a source, dispersion and decay; and the
    largest share by which a concentration exceeds all that there was (without the source)."""
    rng = np.random.default_rng(4)
    rows, cells = 24, 30
    bed = rng.uniform(0.0, 1.0, (rows, cells)) + np.linspace(0.0, 1.0, cells)
    walls = torch.as_tensor(rng.uniform(size=(1, rows, cells)) < 0.1)
    fewer = walls & torch.as_tensor(rng.uniform(size=(1, rows, cells)) < 0.5)
    flood = np.where(np.arange(cells) < 12, 2.5 - bed, 0.0).clip(min=0.0)
    depth = torch.where(walls, 0.0, tensor(flood))
    tracer = depth * tensor(rng.uniform(0.1, 1.0, (rows, cells)))
    carried = WaterState(depth, 2.0 * depth, 0.5 * depth, tracer)
    grid = Grid(cells, rows, 1.0, 1.4)
    area = grid.dx * grid.dy
    source = torch.where(walls, 0.0, 0.02) * torch.ones_like(depth)
    sides = Boundaries(east=Open(0.0), north=Open(1.5))
    found = []
    for decay, release in ((0.1, source), (0.0, None)):
        solver = ShallowWater(grid, tensor(bed), sides, transport=Transport(decay=decay))
        state, blocked, gone, come = carried, walls, 0.0, float(area * total(tracer))
        for k in range(2):
            state, budget = solver.advance(state, blocked, 0.5 * k * seconds, 0.5 * seconds,
                                           source=release)
            if budget.divergences:
                raise Diverged(str(budget.divergences[0]))
            gone += float(budget.tracer_out.sum() + budget.tracer_decayed.sum())
            come += float(budget.tracer_in.sum())
            state, blocked = rearrange(state, blocked, fewer), fewer
        assert state.tracer is not None
        error = abs(float(area * total(state.tracer)) + gone - come) / come
        excess = float(state.concentration().max() / carried.concentration().max()) - 1.0
        found.append((error, excess))
    return max(error for error, _ in found), found[1][1]


def _convergence(
    name: str, run: Callable[[int], Carried], tolerance: float, note: str, unit: str
) -> Check:
    runs = [run(cells) for cells in CELLS]
    errors = [relative_l1(last.found, last.exact) for last in runs]
    last = runs[-1]
    row = int(last.exact.max(1).argmax())
    profile = Panel(f"{name}: a row through the middle", "x [m]", unit, (
        Curve(last.x, last.exact[row], "exact"),
        Curve(last.x, last.found[row], f"worldsim, {CELLS[-1]} cells", "points")))
    return Check(f"{name}, relative L1", "1", errors[-1], tolerance, order=order(errors, CELLS),
                 least_order=1.8, cells=CELLS, note=note,
                 panels=(profile, convergence_panel(CELLS, errors, 1.8)))


def check() -> Sequence[Check]:
    """Orders where the answer is known, the cloud's growth, the mass and the bounds."""
    last = disperse(CELLS[-1])
    growth = float(np.abs(last.covariance / last.exact - 1.0).max())
    error, excess = books()
    return [
        _convergence("current", carry, 0.01, "cloud in a uniform current oblique to the grid, "
                     "dx = 4/3 dy, after 5 s", "concentration [kg m-3]"),
        _convergence("bowl", swing, 0.03, "mass per area in a circling bowl of water with a moving "
                     "shore (Thacker 1981), after three quarters of a period", "tracer [kg m-2]"),
        _convergence("dispersion", lambda cells: disperse(cells).cloud, 0.03,
                     "Gaussian cloud, D_L = 5.93 h u*, D_T = 0.23 h u*, current at 30 degrees to "
                     "x", "concentration [kg m-3]"),
        Check("covariance of the dispersed cloud, largest relative error", "1", growth, 0.01,
              cells=(CELLS[-1],), note="both variances and the covariance in x and y"),
        Check("mass, relative", "1", error, 1e-10,
              note="flood over rough ground with walls that fall, open sides, source, dispersion, "
              "decay"),
        Check("concentration above all that there was, relative", "1", max(excess, 0.0), 1e-9,
              note="the same flood without source and decay, shores drying"),
    ]


CASES = (Case("tracer_transport", "Dissolved tracer carried and dispersed by the water",
              "closed forms of advection and dispersion (Fischer et al. 1979, Mixing in Inland and "
              "Coastal Waters, ch. 2); Thacker 1981, sec. 3; Elder 1959", check),)
