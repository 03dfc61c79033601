"""Boxes afloat in still water: their draught, the absence of any push, and their heave."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.validation.case import Case, Check, Curve, Panel
from worldsim.simulator.constants import SEAWATER_DENSITY
from worldsim.simulator.floating import HEAVE_DAMPING
from worldsim.simulator.members import COUPLING_STEP, World
from worldsim.simulator.scene import GRAVITY, Debris, Domain, Hidden, Physics, Scene, Slots

DOMAIN = Domain(48, 32, 2.0, 2.0)
DEPTH = 4.0  # m, of the flat basin
DENSITIES = (120.0, 250.0, 500.0, 800.0)  # kg/m3, of the boxes
HALF_SIZES = ((2.5, 1.2, 1.0), (1.5, 1.0, 0.5), (3.0, 1.5, 1.4), (2.0, 2.0, 0.8))  # m
HEADINGS = (0.0, 0.7, 2.0, 3.0)  # rad
SETTLING = 20.0  # s
LIFT = 0.1  # m, from which the boxes are let go
HEAVING = 4.0  # s


def basin(shelving: float = 0.0) -> World:
    """A closed basin of still water with four boxes; `shelving` tilts its bed along x and y."""
    x, y = np.meshgrid(DOMAIN.x, DOMAIN.y)
    boxes = tuple(
        Debris((20.0 + 16.0 * k, 20.0 + 8.0 * k), heading, half, (200, 200, 200))
        for k, (half, heading) in enumerate(zip(HALF_SIZES, HEADINGS, strict=True)))
    scene = Scene(domain=DOMAIN, bathymetry=-DEPTH + shelving * (x + 0.5 * y), buildings=(),
                  debris=boxes, slots=Slots(0, 1, len(boxes)), wave_times=np.array([0.0, 1.0]),
                  wave_elevation=np.zeros(2), manning=0.025, cameras={}, closed=True)
    none = np.zeros((0, 1))
    hidden = Hidden(none, none, np.array(DENSITIES), np.full(len(boxes), 1.2))
    return World([scene], [hidden], Physics(), threads=1, compiled=False)


def settled(shelving: float = 0.0) -> World:
    """The same after every heave has died out."""
    world = basin(shelving)
    for _ in range(round(SETTLING / COUPLING_STEP)):
        world.step()
    return world


def draughts() -> np.ndarray:
    """Archimedes' draughts, (boxes,) m: density over that of water, times the height."""
    heights = 2 * np.array([half[2] for half in HALF_SIZES])
    return np.array(DENSITIES) / SEAWATER_DENSITY * heights


def check_draught() -> Sequence[Check]:
    """Largest error of the draught over the draught."""
    world = settled()
    half = np.array([half[2] for half in HALF_SIZES])
    found = half - world.bodies.position[0, :, 2]
    error = np.abs(found - draughts()) / draughts()
    panel = Panel("draught", "Archimedes [m]", "found [m]", (
        Curve(draughts(), draughts(), "exact"), Curve(draughts(), found, "worldsim", "points")))
    return [Check("draught, largest relative error", "1", float(error.max()), 0.01, panels=(panel,),
                  note=f"boxes of {', '.join(f'{d:g}' for d in DENSITIES)} kg/m3, after "
                       f"{SETTLING:g} s")]


def check_null() -> Sequence[Check]:
    """Largest horizontal force over weight, drift, and speed of the water, over a tilted bed."""
    world = settled(shelving=0.01)
    start = basin(shelving=0.01).bodies.position[0, :, :2]
    force = np.abs(world._floating_forces(world._water_fields()).force[0, :, :2]).max(-1)
    weight = np.array(DENSITIES) * 8 * np.prod(HALF_SIZES, axis=1) * GRAVITY
    drift = np.hypot(*(world.bodies.position[0, :, :2] - start).T).max()
    speed = max(float(part.abs().max()) for part in world.water.velocity())
    note = "boxes at any heading over a bed that shelves along x and y"
    return [
        Check("horizontal force / weight", "1", float((force / weight).max()), 1e-9, note=note),
        Check(f"drift in {SETTLING:g} s", "m", float(drift), 1e-6, note=note),
        Check("largest speed of the water / sqrt(g h)", "1", speed / np.sqrt(GRAVITY * DEPTH),
              1e-12, note=note),
    ]


def heave(time: np.ndarray) -> np.ndarray:
    """(boxes, time) / m: free decay of m z'' + c z' + rho g A z = 0 from `LIFT` at rest, with
    c = 2 zeta sqrt(m rho g A); the natural frequency is sqrt(g / draught)."""
    omega = np.sqrt(GRAVITY / draughts())[:, None]
    damped = omega * np.sqrt(1 - HEAVE_DAMPING**2)
    ratio = HEAVE_DAMPING / np.sqrt(1 - HEAVE_DAMPING**2)
    swing = np.cos(damped * time) + ratio * np.sin(damped * time)
    return LIFT * np.exp(-HEAVE_DAMPING * omega * time) * swing


def check_heave() -> Sequence[Check]:
    """Largest departure from the damped oscillator, over the lift."""
    world = settled()
    rest = world.bodies.position[0, :, 2].copy()
    world.bodies._free_qpos[0, :, 2] += LIFT
    path = []
    for _ in range(round(HEAVING / COUPLING_STEP)):
        world.step()
        path.append(world.bodies.position[0, :, 2] - rest)
    found = np.array(path).T
    time = (np.arange(found.shape[1]) + 1) * COUPLING_STEP
    exact = heave(time)
    panel = Panel("free decay of the heave", "time [s]", "height over rest [m]", tuple(
        curve for k in (0, 3) for curve in (
            Curve(time, exact[k], f"exact, {DENSITIES[k]:g} kg/m³"),
            Curve(time, found[k], f"worldsim, {DENSITIES[k]:g} kg/m³", "points"))))
    return [Check("height, largest error / lift", "1", float(np.abs(found - exact).max() / LIFT),
                  0.05, panels=(panel,),
                  note=f"lifted by {LIFT:g} m; damping {HEAVE_DAMPING:g} of critical, no vertical "
                       "added mass")]


CASES = (
    Case("floating_draught", "Draught of boxes afloat in still water",
         "Archimedes; draught = density ratio times height", check_draught),
    Case("still_water_null", "Boxes at rest in still water feel no horizontal force",
         "hydrostatics: the pressure of still water has no horizontal resultant on a floating body",
         check_null),
    Case("heaving_box", "Free decay of a box that is lifted and let go",
         "damped linear oscillator; restoring rho g A (Newman 1977, Marine Hydrodynamics, ch. 6)",
         check_heave),
)
