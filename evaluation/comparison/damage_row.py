"""The experiment behind the comparison of damage: a row of houses of all types under a bore."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np

from worldsim.seeding import stream
from worldsim.simulator.members import STATES_PER_SECOND, World
from worldsim.simulator.scene import Building, Domain, Hidden, Physics, Scene, Slots
from worldsim.simulator.structures import (
    SCATTER_DRIFT,
    SCATTER_STRENGTH,
    TYPES,
    building_draw,
)

DOMAIN = Domain(34, 80, 2.0, 2.0)
"""Two houses of each type side by side, 20 m from one to the next, between walls in y."""

HOUSES = 8
DEEP = 4.0  # m of sea
SHORE = (8.0, 28.0)  # m, x from the sea bed to the platform
PLATFORM = 2.0  # m
FRONT = 44.0  # m, x of the seaward walls
LENGTH, WIDTH, STOREYS = 10.0, 8.0, 2
SECONDS = 16.0
RISE = 1.5  # s in which the incident wave rises to its height, which it keeps
SEED = 7301
MEMBERS = 8  # at once

INPUTS = ("strength", "drift_limit", "walls", "closure", "anchorage", "leakage", "floor_mass")
"""What a house is told, each of which can be halved or doubled."""


@dataclasses.dataclass(frozen=True)
class Change:
    """A factor on one input of all houses; none for the declared ones."""

    input: str = ""
    factor: float = 1.0

    def on(self, name: str) -> float:
        """The factor on this input."""
        return self.factor if name == self.input else 1.0


def houses(change: Change) -> tuple[Building, ...]:
    """Two of each type, types in turn."""
    types = [
        dataclasses.replace(type_, floor_mass=type_.floor_mass * change.on("floor_mass"))
        for type_ in TYPES.values()
    ]
    pitch = DOMAIN.width / HOUSES
    return tuple(
        Building(types[k % len(types)],
                 (FRONT, FRONT + LENGTH, k * pitch + 6.0, k * pitch + 6.0 + WIDTH), STOREYS,
                 (200, 200, 200))
        for k in range(HOUSES)
    )


def scene(height: float, buildings: tuple[Building, ...]) -> Scene:
    """A bore of this height [m] comes over the beach; friction as in the scenario tsunami."""
    x = np.broadcast_to(DOMAIN.x, (DOMAIN.ny, DOMAIN.nx))
    times = np.array([0.0, *np.linspace(0.1, RISE, 12), 1.0e4])
    rise = np.sin(0.5 * np.pi * np.clip(times / RISE, 0.0, 1.0)) ** 2
    return Scene(
        domain=DOMAIN, bathymetry=np.interp(x, SHORE, (-DEEP, PLATFORM)), buildings=buildings,
        debris=(), slots=Slots(HOUSES, STOREYS, 0), wave_times=times, wave_elevation=height * rise,
        manning=0.025, cameras={},
    )


def drawn(realization: int, change: Change) -> Hidden:
    """The same hidden draw for every height and every change."""
    def factor(name: str, scatter: float) -> np.ndarray:
        rng = stream(SEED, 0, realization, name)
        return change.on(name) * np.exp(scatter * rng.normal(size=(HOUSES, STOREYS)))

    draw = building_draw(HOUSES, SEED, 0, realization)
    fields = {field.name: getattr(draw, field.name) * change.on(field.name)
              for field in dataclasses.fields(draw)}
    return Hidden(strength=factor("strength", SCATTER_STRENGTH),
                  drift_limit=factor("drift_limit", SCATTER_DRIFT), debris_density=np.zeros(0),
                  debris_drag=np.zeros(0), buildings=dataclasses.replace(draw, **fields))


def damage(height: float, realizations: int, change: Change) -> dict[str, np.ndarray]:
    """Damage state, cause, depth m and time s at which walls broke and houses fell,
    (realization, house) each."""
    found: dict[str, list[np.ndarray]] = {
        name: [] for name in ("state", "cause", "max_depth", "walls_time", "failure_time")}
    row = scene(height, houses(change))
    for first in range(0, realizations, MEMBERS):
        numbers = range(first, min(first + MEMBERS, realizations))
        world = World([row] * len(numbers), [drawn(r, change) for r in numbers], Physics(),
                      threads=1, compiled=False)
        for _ in world.frames(round(SECONDS * STATES_PER_SECOND)):
            pass
        assert not world.failures().any(), "every audit must close"
        state = world.buildings.damage_state(world.bodies.peak_drift, world.bodies.standing)
        found["state"].append(state)
        for name in ("cause", "max_depth", "walls_time", "failure_time"):
            found[name].append(getattr(world.buildings, name))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def undisturbed(height: float) -> dict[str, np.ndarray]:
    """Largest depth m, momentum flux m3 s-2 and speed m/s where the row is, without the row."""
    world = World([scene(height, ())],
                  [Hidden(np.ones((HOUSES, STOREYS)), np.ones((HOUSES, STOREYS)), np.zeros(0),
                          np.zeros(0))], Physics(), threads=1, compiled=False)
    columns = slice(round(FRONT / DOMAIN.dx), round((FRONT + LENGTH) / DOMAIN.dx))
    depth, flux, speed = [], [], []
    for _ in world.frames(round(SECONDS * STATES_PER_SECOND)):
        water = world._water_fields()
        depth.append(water.depth[0, 0, columns].mean())
        speed.append(np.abs(water.u[0, 0, columns]).mean())
        flux.append((water.depth * water.u**2)[0, 0, columns].mean())
    deepest = int(np.argmax(depth))
    return {"depth": np.array(depth[deepest]), "flux": np.array(max(flux)),
            "speed": np.array(speed[deepest])}


def kept(work: Path, height: float, realizations: int, change: Change) -> dict[str, np.ndarray]:
    """One height's results, simulated unless `work` has them from the same declared values."""
    declared = json.dumps([dataclasses.asdict(type_) for type_ in TYPES.values()], sort_keys=True)
    stamp = hashlib.sha256(declared.encode()).hexdigest()[:8]
    which = f"_{change.input}_{change.factor:g}" if change.input else ""
    path = work / f"damage_{stamp}_{realizations}_{height:g}{which}.npz"
    if not path.exists():
        values = damage(height, realizations, change)
        if not change.input:
            values |= undisturbed(height)
        np.savez(path, **dict(values))  # type: ignore[arg-type]
    with np.load(path) as stored:
        return dict(stored)
