"""Loose bodies thrown at a house: the impulse recorded, and the peak force that goes with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.validation.case import Case, Check, Curve, Panel
from worldsim.simulator.floating import ADDED_MASS
from worldsim.simulator.members import COUPLING_STEP, World
from worldsim.simulator.scene import Building, Debris, Domain, Hidden, Physics, Scene, Slots
from worldsim.simulator.structures import TYPES, typical_buildings

DOMAIN = Domain(20, 12, 2.0, 2.0)
FRONT = 24.0  # m, x of the house's wall
SPEEDS = (1.0, 2.0, 3.0, 5.0, 8.0)  # m/s
FLIGHT = 0.4  # s; the body flies through the air, on dry land
BODIES = {
    "log": ((4.0, 0.2, 0.2), 454.0, 61.0e6),
    "empty 20-ft container": ((3.03, 1.22, 1.30), 2300.0, 43.0e6),
}
"""Half sizes m, mass kg, stiffness N/m as ASCE 7 has them for impact (table 6.11-1)."""


def thrown(half: tuple[float, float, float], mass: float) -> World:
    """One member per speed: dry ground, a house that does not give way, a body in front of it."""
    density = mass / (8 * half[0] * half[1] * half[2])
    house = Building(TYPES["concrete"], (FRONT, FRONT + 10.0, 8.0, 16.0), 2, (200, 200, 200))
    box = Debris((FRONT - half[0] - 0.2, 12.0), 0.0, half, (200, 30, 30))
    scene = Scene(domain=DOMAIN, bathymetry=np.ones((DOMAIN.ny, DOMAIN.nx)), buildings=(house,),
                  debris=(box,), slots=Slots(1, 2, 1), wave_times=np.array([0.0, 1.0]),
                  wave_elevation=np.zeros(2), manning=0.025, cameras={}, closed=True)
    hidden = Hidden(np.full((1, 2), 1e3), np.full((1, 2), 1e3), np.array([density]),
                    np.array([1.2]), buildings=typical_buildings(1))
    world = World([scene] * len(SPEEDS), [hidden] * len(SPEEDS), Physics(), 1, False)
    world.bodies._free_qpos[:, 0, 2] = 1.0 + 2.5  # m over the ground
    world.bodies._free_qvel[:, 0, 0] = SPEEDS
    return world


def check_impulse() -> Sequence[Check]:
    """Recorded impulse against what the body loses; the peak that a spring gives it."""
    checks = []
    for name, (half, mass, stiffness) in BODIES.items():
        world = thrown(half, mass)
        for _ in range(round(FLIGHT / COUPLING_STEP)):
            world.step()
        speed = np.array(SPEEDS)
        lost = (1 + ADDED_MASS) * mass * (speed - world.bodies._free_qvel[:, 0, 0])
        impulse = world.bodies.debris_impulse[:, 0]
        # A half sine of the spring's duration T = pi sqrt(m/k) peaks at pi J / (2 T).
        peak = impulse / 2 * np.sqrt(stiffness / ((1 + ADDED_MASS) * mass))
        formula = speed * np.sqrt(stiffness * mass)
        panel = Panel(f"{name}, {mass:g} kg", "speed [m/s]", "peak force [MN]", (
            Curve(speed, formula / 1e6, "u sqrt(k m)"),
            Curve(speed, peak / 1e6, "from the impulse, half sine", "points")))
        checks.append(Check(f"impulse on the house, {name}, relative error", "1",
                            float(np.abs(impulse / lost - 1).max()), 0.01, panels=(panel,),
                            note="against the momentum that the body loses, half its mass of "
                                 "water included"))
        checks.append(Check(f"peak from the impulse / u sqrt(k m), {name}", "1",
                            float((peak / formula).mean()),
                            note=f"k {stiffness / 1e6:g} MN/m; the contacts here are softer and "
                                 "longer, so only the impulse is recorded: with a spring of this "
                                 "stiffness it would peak there; 1 is a full rebound without added "
                                 "mass, 0.61 a stop with it"))
    return checks


CASES = (
    Case("debris_impact", "What loose bodies do to a house they are thrown at",
         "conservation of momentum; F = u sqrt(k m) (ASCE 7-16, equation 6.11-2)", check_impulse),
)
