"""People who stand in a uniform flow that rises: when they lose their feet, beside Abt's tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.validation.case import Case, Check, Curve, Panel
from worldsim.simulator.constants import COUPLING_STEP, GRAVITY, SEAWATER_DENSITY
from worldsim.simulator.evacuation import PeopleDraw
from worldsim.simulator.floating import WaterFields
from worldsim.simulator.members import World
from worldsim.simulator.people.bodies import SWEPT_OFF
from worldsim.simulator.people.feet import LEVER
from worldsim.simulator.people.process import People
from worldsim.simulator.people.water_loads import SEGMENTS, Segments
from worldsim.simulator.scene import Domain, Hidden, Person, Physics, Scene, Slots

DOMAIN = Domain(24, 24, 2.0, 2.0)
BODIES = ((1.52, 41.0), (1.58, 50.0), (1.63, 58.0), (1.68, 66.0), (1.75, 75.0), (1.80, 82.0),
          (1.85, 87.0), (1.90, 91.0))  # m, kg: 62 to 173 m kg, Abt's subjects' range
DEPTHS = (0.4, 0.6, 0.8, 1.0, 1.2)  # m, Abt's range
FRICTIONS = (0.3, 0.45, 0.6)
DRAG = 1.1
RISE = 0.3  # m/s2, of the flow
SCATTER = (0.7, 2.1)  # m2/s, of depth times velocity where Abt's subjects lost their feet
TIE = 0.1  # of the logarithms of two speeds
SPEEDS = (0.8, 3.0)  # m/s, Abt's range


def knocked_over(friction: float) -> np.ndarray:
    """Speeds of the flow in m/s at which each of `BODIES` is knocked over, (depth, body)."""
    people = tuple(Person((8.0, 4.0 + 5.0 * k), 30.0, False, height, mass)
                   for k, (height, mass) in enumerate(BODIES))
    shape = (len(DEPTHS), DOMAIN.ny, DOMAIN.nx)
    scene = Scene(domain=DOMAIN, bathymetry=np.zeros(shape[1:]), buildings=(), debris=(),
                  slots=Slots(0, 1, 0, len(people)), wave_times=np.array([0.0, 1.0]),
                  wave_elevation=np.zeros(2), manning=0.025, cameras={}, closed=True, people=people)
    one, none = np.ones(len(people)), np.zeros((0, 1))
    draw = PeopleDraw(np.inf * one, 30.0 * one, 3.0 * one, friction * one, DRAG * one)
    hidden = Hidden(none, none, np.zeros(0), np.zeros(0), people=draw)
    count = len(DEPTHS)
    world = World([scene] * count, [hidden] * count, Physics(), threads=1, compiled=False)
    process = next(p for p in world.processes if isinstance(p, People))
    depth = np.broadcast_to(np.array(DEPTHS)[:, None, None], shape)
    still = world._floating_forces(world._water_fields())
    found = np.full((count, len(people)), np.nan)
    for k in range(round(6.0 / RISE / COUPLING_STEP)):
        speed = RISE * max(k * COUPLING_STEP - 1.0, 0.0)
        process.load(WaterFields.of(depth, speed * depth, 0 * depth, world.ground, DOMAIN))
        world.bodies.advance(np.zeros((count, 0, 1, 2)), still, COUPLING_STEP, world._substep)
        process.after([])
        world.time += COUPLING_STEP
        new = np.isnan(found) & np.isfinite(process.people.knocked_over_time)
        found[new] = speed
        if np.isfinite(found).all():
            break
    return found


def equilibrium(friction: float) -> np.ndarray:
    """The same from the equilibrium of forces and of moments on segments, (depth, body) m/s: feet
    slide at ½ρCΣb·v² = μ(W − B) and are lost `SWEPT_OFF` later; bodies topple at
    ½ρCΣbz·v² = (W − B)ℓ. NaN where one is within `TIE` of the other: what then comes first hangs on
    how fast the flow rises."""
    height, mass = np.array(BODIES).T
    of = Segments.of(height, 0.12 + 0 * height, mass, DRAG + 0 * height)
    length = height[:, None] / SEGMENTS
    low = length * np.arange(SEGMENTS)
    wetted = np.clip((np.array(DEPTHS)[:, None, None] - low) / length, 0.0, 1.0)
    load = mass * GRAVITY - SEAWATER_DENSITY * GRAVITY * (of.standing_volume * wetted).sum(-1)
    push = 0.5 * SEAWATER_DENSITY * DRAG * of.standing_width * length * wetted
    slides = np.sqrt(friction * load / push.sum(-1))
    topples = np.sqrt(load * LEVER * height / (push * (low + 0.5 * length * wetted)).sum(-1))
    # Who slides meets no more drag than the feet give, and so does not topple.
    first = np.where(slides < topples, slides + SWEPT_OFF, topples)
    return np.where(np.abs(np.log(slides / topples)) > TIE, first, np.nan)


def abt(height_mass: np.ndarray) -> np.ndarray:
    """m2/s, Abt et al.'s fit; its constants from memory, and right at 131 m kg: 1.36."""
    return 0.0929 * np.exp(0.001906 * height_mass + 1.09) ** 2


def check() -> Sequence[Check]:
    """Depth times velocity at knock-over beside the published scatter and other criteria."""
    depth = np.array(DEPTHS)[:, None]
    size = np.array([height * mass for height, mass in BODIES])
    speed = {friction: knocked_over(friction) for friction in FRICTIONS}
    product = np.stack([depth * found for found in speed.values()])
    outside = ((product < SCATTER[0]) | (product > SCATTER[1])).mean()
    middle = speed[FRICTIONS[1]]
    beyond = ((middle < SPEEDS[0]) | (middle > SPEEDS[1])).mean()
    error = max(float(np.nanmax(np.abs(found / equilibrium(friction) - 1)))
                for friction, found in speed.items())
    ratio = float((depth * middle / abt(size)).mean())
    over = np.linspace(0.2, 1.3, 60)
    reference = BODIES.index((1.75, 75.0))
    panels = (
        Panel("knock-over, depth times velocity", "height times mass [m kg]", "hv [m²/s]", (
            Curve(size, abt(size), "Abt et al. 1989, fit"),
            *(Curve(np.tile(size, len(DEPTHS)), (depth * found).ravel(), f"friction {friction:g}",
                    "points") for friction, found in speed.items()),
            *(Curve(size[[0, -1]], np.full(2, limit), f"their scatter, {limit:g}", "dashed")
              for limit in SCATTER))),
        Panel("knock-over of 1.75 m, 75 kg", "depth [m]", "velocity [m/s]", (
            *(Curve(depth[:, 0], found[:, reference], f"friction {friction:g}", "points")
              for friction, found in speed.items()),
            Curve(over[over <= 0.85], (15.48 + 12.37 - 22.036 * over[over <= 0.85]) / 11.517,
                  "TUNAMI-EVAC, half fall", "dashed"),
            *(Curve(over[over > 0.25], np.clip((rating - 1.0) / over[over > 0.25] - 0.5, 0, None),
                    f"hazard rating {rating:g}", "dashed") for rating in (1.25, 2.0)))),
    )
    note = (f"{len(BODIES)} bodies at depths of 0.4 to 1.2 m in a flow that rises by {RISE:g} m/s²,"
            f" friction {', '.join(f'{f:g}' for f in FRICTIONS)}, drag {DRAG:g}")
    return [
        Check("knock-overs outside the published scatter of hv, share", "1", float(outside), 0.0,
              note=note, panels=panels),
        Check("at median friction, knock-overs outside the tested velocities, share", "1",
              float(beyond), 0.0, note="0.8 to 3 m/s"),
        Check("velocity at knock-over against equilibrium, largest relative error", "1", error,
              0.12, note="feet that slide or bodies that topple in a steady flow; ours rises"),
        Check("hv over Abt's fit at median friction, mean", "1", ratio,
              note="reported; TUNAMI-EVAC's curve is far stricter than Abt's subjects were"),
    ]


CASES = (
    Case("body_in_flow", "People who lose their feet in a uniform flow",
         "Abt et al. 1989, J. Am. Water Resour. Assoc. 25:881 (20 adults in a flume); TUNAMI-EVAC; "
         "hazard rating d(v + 0.5) + DF of Defra 2008", check),
)
