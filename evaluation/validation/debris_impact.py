"""Floating debris runs into an equal body at rest: the momentum it hands over, and the force.

The impulse of a blow is fixed by momentum, whatever the contact is like; its peak is a matter of
stiffness. MuJoCo's contacts are as soft as its time step needs, so the peak that the simulator
shows is not one to design by: it stands beside the u √(k m) of ASCE 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.validation.case import Case, Check, Curve, Panel
from worldsim.simulator.body_models import TIMESTEP
from worldsim.simulator.constants import SEAWATER_DENSITY
from worldsim.simulator.floating import ADDED_MASS
from worldsim.simulator.loose_bodies import DebrisKind
from worldsim.simulator.members import COUPLING_STEP, World
from worldsim.simulator.scene import Debris, Domain, Hidden, Physics, Scene, Slots

DOMAIN = Domain(24, 12, 2.0, 2.0)
DEPTH = 4.0  # m
SPEEDS = (1.0, 2.0, 3.0, 4.0)  # m/s
GAP = 0.3  # m between the two at the start
SETTLING, AFTERWARDS = 6.0, 1.0  # s


@dataclass(frozen=True)
class Kind:
    """A kind of debris: half sizes m, mass kg, and stiffness N/m of its blow."""

    kind: DebrisKind
    half_size: tuple[float, float, float]
    mass: float
    stiffness: float


KINDS = (
    # ASCE 7-16, 6.11: default log 454 kg, 61 MN/m; empty 20-ft container 2,300 kg, 43 MN/m.
    Kind(DebrisKind.LOG, (4.0, 0.16, 0.16), 454.0, 61e6),
    Kind(DebrisKind.CONTAINER, (3.03, 1.22, 1.295), 2300.0, 43e6),
)


@dataclass(frozen=True)
class Blow:
    """Of one collision: momenta N s along x of both before and after, impulse booked by the
    struck body N s, largest force on it N."""

    before: float
    after: float
    received: float
    booked: float
    peak: float


def collide(kind: Kind, speed: float) -> Blow:
    """A body runs end-on into its equal, both afloat in still water that does not drag."""
    length = kind.half_size[0]
    boxes = tuple(
        Debris((14.0 + k * (2 * length + GAP), 12.0), 0.0, kind.half_size, (200, 200, 200),
               kind.kind)
        for k in range(2))
    scene = Scene(domain=DOMAIN, bathymetry=np.full((DOMAIN.ny, DOMAIN.nx), -DEPTH), buildings=(),
                  debris=boxes, slots=Slots(0, 1, 2), wave_times=np.array([0.0, 1.0]),
                  wave_elevation=np.zeros(2), manning=0.0, cameras={}, closed=True)
    density = kind.mass / (8 * np.prod(kind.half_size))
    none = np.zeros((0, 1))
    hidden = Hidden(none, none, np.full(2, density), np.zeros(2))
    world = World([scene], [hidden], Physics(), threads=1, compiled=False)
    bodies = world.bodies
    forces = []

    def advance(seconds: float) -> None:
        for _ in range(round(seconds / COUPLING_STEP)):
            loads = world._floating_forces(world._water_fields())
            bodies.advance(np.zeros((1, 0, 1, 2)), loads, COUPLING_STEP,
                           lambda: forces.append(abs(float(bodies.contact[0, 1, 0]))))

    advance(SETTLING)
    bodies._free_qvel[...] = 0.0
    bodies._free_qvel[0, 0, 0] = speed
    bodies.contact_impulse[:] = 0.0
    forces.clear()
    inertia = (1 + ADDED_MASS) * bodies.floaters.mass[0]
    before = float((inertia * bodies.velocity[0, :, 0]).sum())
    advance(AFTERWARDS)
    momentum = inertia * bodies.velocity[0, :, 0]
    return Blow(before, float(momentum.sum()), float(momentum[1]),
                float(bodies.contact_impulse[0, 1]), max(forces))


def check() -> Sequence[Check]:
    """Momentum kept, momentum booked, and the peak beside the formula's."""
    blows = {kind.kind: [collide(kind, speed) for speed in SPEEDS] for kind in KINDS}
    every = [blow for row in blows.values() for blow in row]
    kept = max(abs(blow.after / blow.before - 1) for blow in every)
    booked = max(abs(blow.booked / blow.received - 1) for blow in every)
    speeds = np.array(SPEEDS)
    curves: list[Curve] = []
    ratios = []
    for kind in KINDS:
        formula = speeds * np.sqrt(kind.stiffness * kind.mass)
        found = np.array([blow.peak for blow in blows[kind.kind]])
        ratios.append(float((found / formula).max()))
        curves += [Curve(speeds, formula / 1e6, f"{kind.kind}, u √(k m)"),
                   Curve(speeds, found / 1e6, f"{kind.kind}, worldsim", "points")]
    impulse = tuple(
        curve for kind in KINDS for curve in (
            Curve(speeds, np.array([b.received / 1e3 for b in blows[kind.kind]]),
                  f"{kind.kind}, momentum received"),
            Curve(speeds, np.array([b.booked / 1e3 for b in blows[kind.kind]]),
                  f"{kind.kind}, impulse booked", "points")))
    note = (f"log of 454 kg and empty 20-ft container, {SPEEDS[0]:g} to {SPEEDS[-1]:g} m/s, in "
            f"water of {SEAWATER_DENSITY:g} kg/m3 without drag; horizontal added mass included")
    return [
        Check("momentum of both after over before, less 1", "1", kept, 0.01, note=note),
        Check("impulse booked over momentum received, less 1", "1", booked, 0.01, note=note,
              panels=(Panel("impulse of a blow", "speed [m/s]", "impulse [kN s]", impulse),)),
        Check("largest peak force over u √(k m)", "1", max(ratios),
              note=f"reported only: contacts last {TIMESTEP:g} s or more, an impact on a stiff "
                   "wall some milliseconds, so the simulator's peak is too low; design by the "
                   "formula from the speed, or by the impulse",
              panels=(Panel("peak force of a blow", "speed [m/s]", "force [MN]", tuple(curves)),)),
    ]


CASES = (
    Case("debris_impact", "Floating debris hits its equal",
         "conservation of momentum; peak force u √(k m), ASCE 7-16, 6.11", check),
)
