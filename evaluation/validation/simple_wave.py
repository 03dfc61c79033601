"""A smooth wave before it breaks, running obliquely to the grid: the scheme's design order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.validation.case import Case, Check, Curve, Panel
from evaluation.validation.convergence import convergence_panel, order
from evaluation.validation.flow import Flow, centres
from worldsim.simulator.water import GRAVITY, Boundaries, Open

STILL, HEIGHT, WIDTH = 1.0, 0.2, 14.0  # m
LENGTH = 40.0  # m, of the square
ANGLE = np.radians(30.0)
SECONDS = 2.0
CELLS = (40, 60, 90, 135)


def hump(s: np.ndarray) -> np.ndarray:
    """Elevation [m] at time 0 along the wave's path: five times differentiable, 28 m long."""
    inside = np.clip(s / WIDTH, -1.0, 1.0)
    return HEIGHT * np.cos(0.5 * np.pi * inside) ** 6


def simple_wave(s: np.ndarray, time: float, gravity: float = GRAVITY) -> np.ndarray:
    """Depth of the wave that was `hump` at time 0, running towards +s into still water.

    u = 2 (c - c0) everywhere, and each depth travels at u + c = 3 c - 2 c0 (Stoker 1957,
    sec. 10.3); the characteristic through (s, time) is found by bisection.
    """
    c0 = np.sqrt(gravity * STILL)

    def arrival(start: np.ndarray) -> np.ndarray:
        return start + (3 * np.sqrt(gravity * (STILL + hump(start))) - 2 * c0) * time

    low, high = s - 3 * c0 * time - 1.0, s - 0.5 * c0 * time + 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        early = arrival(middle) < s
        low, high = np.where(early, middle, low), np.where(early, high, middle)
    return STILL + hump(0.5 * (low + high))


def breaking_time(gravity: float = GRAVITY) -> float:
    """When the wave's first characteristics meet [s]: -1 / min d(u + c)/ds."""
    s = np.linspace(-WIDTH, WIDTH, 20001)
    speed = 3 * np.sqrt(gravity * (STILL + hump(s)))
    return float(-1.0 / np.gradient(speed, s).min())


def check() -> Sequence[Check]:
    """L1 order of depth and of momentum, where no wave from the sides can have come."""
    assert breaking_time() > 1.5 * SECONDS
    errors: list[float] = []
    flux_errors = []
    c0 = np.sqrt(GRAVITY * STILL)
    for cells in CELLS:
        rows = cells * 4 // 3  # cells are longer than wide
        x = centres(cells, LENGTH, -LENGTH / 2)
        y = centres(rows, LENGTH, -LENGTH / 2)
        along = x[None, :] * np.cos(ANGLE) + y[:, None] * np.sin(ANGLE)
        depth = simple_wave(along + 5.0, 0.0)
        speed = 2 * (np.sqrt(GRAVITY * depth) - c0)
        flow = Flow((LENGTH / cells, LENGTH / rows), np.zeros((1, rows, cells)), depth[None],
                    (depth * speed * np.cos(ANGLE))[None], (depth * speed * np.sin(ANGLE))[None],
                    boundaries=Boundaries(Open(), Open(), Open(), Open()))
        flow.to(SECONDS)
        exact = simple_wave(along + 5.0, SECONDS)
        far = c0 * SECONDS * 1.2 + 1.0
        inner = (np.abs(x) < LENGTH / 2 - far)[None, :] & (np.abs(y) < LENGTH / 2 - far)[:, None]
        errors.append(float(np.abs(flow.depth[0] - exact)[inner].mean()) / HEIGHT)
        exact_flux = exact * 2 * (np.sqrt(GRAVITY * exact) - c0) * np.cos(ANGLE)
        found_flux = flow.state.momentum_x[0].numpy()
        flux_errors.append(float(np.abs(found_flux - exact_flux)[inner].mean())
                           / float(exact_flux.max()))
    row = rows // 2
    profile = Panel(f"along the middle row after {SECONDS:g} s", "x [m]", "depth [m]",
                    (Curve(x, exact[row], "exact"),
                     Curve(x, flow.depth[0, row], f"worldsim, {CELLS[-1]} cells", "points")))
    note = (f"simple wave of {HEIGHT:g} m at {np.degrees(ANGLE):.0f} degrees to x, dx = 4/3 dy, "
            f"after {SECONDS:g} s; it breaks at {breaking_time():.1f} s")
    return [
        Check("depth, L1 / wave height", "1", errors[-1], 0.01, order=order(errors, CELLS),
              least_order=1.8, cells=CELLS, note=note,
              panels=(profile, convergence_panel(CELLS, errors, 1.8))),
        Check("momentum, L1 / largest", "1", flux_errors[-1], 0.01,
              order=order(flux_errors, CELLS), least_order=1.8, cells=CELLS, note=note),
    ]


CASES = (Case("smooth_wave", "Smooth wave before breaking, oblique to the grid",
              "Stoker 1957, Water Waves, sec. 10.3 (simple wave by characteristics)", check),)
