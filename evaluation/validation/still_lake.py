"""A lake at rest around an island, between walls, over a rough bed: it must stay at rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.validation.case import Case, Check, Curve, Panel
from evaluation.validation.flow import Flow, centres
from worldsim.simulator.water import GRAVITY, Boundaries

NX, NY, DX, DY = 60, 40, 1.0, 1.5
SECONDS = 10.0


def island() -> tuple[np.ndarray, np.ndarray]:
    """Bed (1, ny, nx) [m], still water at 0 m, and the cells of a building half in the water."""
    x, y = centres(NX, NX * DX), centres(NY, NY * DY)
    away = np.hypot(x[None, :] - 32.0, y[:, None] - 28.0)
    rough = np.random.default_rng(1).normal(0.0, 0.3, (NY, NX))
    bed = -3.0 + 5.0 * np.exp(-((away / 9.0) ** 2)) + rough
    blocked = np.zeros((1, NY, NX), dtype=bool)
    blocked[0, 16:22, 38:44] = True
    return bed[None], blocked


def check() -> Sequence[Check]:
    """Largest speed and loss of volume after 10 s."""
    bed, blocked = island()
    depth = np.where(blocked, 0.0, np.maximum(-bed, 0.0))
    assert (bed > 0).any() and depth[0, 16:22, 37].max() > 0, "an island, and water at the wall"
    flow = Flow((DX, DY), bed, depth, boundaries=Boundaries(), manning=0.025, blocked=blocked)
    steps = int(flow.to(SECONDS).steps[0])
    speed = max(float(np.abs(part).max()) for part in flow.velocity)
    lost = abs(flow.depth.sum() - depth.sum()) / depth.sum()
    row = NY // 2 - 2
    x = centres(NX, NX * DX)
    wet = flow.depth[0, row] > 0
    section = Panel("section through island and building", "x [m]", "elevation [m]", (
        Curve(x, np.where(blocked[0, row], np.nan, bed[0, row]), "bed"),
        Curve(x[wet], (flow.depth + bed)[0, row][wet], f"surface after {SECONDS:g} s", "points")))
    note = f"{NX} x {NY} cells of {DX:g} x {DY:g} m, {steps} steps"
    return [
        Check("largest speed / sqrt(g h_max)", "1", speed / np.sqrt(GRAVITY * depth.max()), 1e-12,
              cells=(NX,), note=note, panels=(section,)),
        Check("volume lost", "1", lost, 1e-13, cells=(NX,), note=note),
    ]


CASES = (Case("lake_at_rest", "Lake at rest with an island, walls and a rough bed",
              "Audusse et al. 2004, SIAM J. Sci. Comput. 25:2050, sec. 3 (well-balancing)", check),)
