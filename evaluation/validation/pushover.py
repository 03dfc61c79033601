"""One storey pushed slowly: its backbone, what remains when it is let go, and P-delta."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from evaluation.validation.case import Case, Check, Curve, Panel
from worldsim.simulator.bodies import Bodies
from worldsim.simulator.body_models import TIMESTEP
from worldsim.simulator.constants import GRAVITY
from worldsim.simulator.floating import FloatingLoads
from worldsim.simulator.scene import Building, Domain, Hidden, Physics, Scene, Slots
from worldsim.simulator.structures import STOREY_HEIGHT, TYPES

DOMAIN = Domain(16, 16, 2.0, 2.0)
FOOTPRINT = (12.0, 22.0, 12.0, 20.0)  # m
PUSHING = 40.0  # s, a hundred periods
WEIGHTLESS = Physics(gravity=1e-9)
"""Strengths are referred to standard gravity, so only P-delta vanishes."""


def storeys(physics: Physics) -> Bodies:
    """One member per type, each a house of one storey on dry ground; median strengths, and a
    drift limit out of reach."""
    scenes = [
        Scene(domain=DOMAIN, bathymetry=np.ones((DOMAIN.ny, DOMAIN.nx)),
              buildings=(Building(type_, FOOTPRINT, 1, (200, 200, 200)),), debris=(),
              slots=Slots(1, 1, 0), wave_times=np.array([0.0, 1.0]), wave_elevation=np.zeros(2),
              manning=0.025, cameras={}, closed=True)
        for type_ in TYPES.values()]
    hidden = [Hidden(np.ones((1, 1)), np.full((1, 1), 1e3), np.zeros(0), np.zeros(0))
              for _ in scenes]
    return Bodies(scenes, hidden, physics, threads=1)


def pushed(physics: Physics, load: Callable[[float], float]) -> tuple[np.ndarray, ...]:
    """Push every storey along x by `load(time / PUSHING)` times its ultimate strength.

    Returns
    -------
    load N, drift m and slip m, (type, step) each.
    """
    bodies = storeys(physics)
    members = len(TYPES)
    still = np.zeros((members, 1, 3))
    calm = FloatingLoads(still, still, np.zeros((members, 1)), np.zeros((members, 1)),
                         np.zeros((2, members, DOMAIN.ny, DOMAIN.nx)))
    ultimate = bodies.frames.properties.ultimate_force[:, 0, 0]
    history = []
    for step in range(round(PUSHING / TIMESTEP)):
        force = np.zeros((members, 1, 1, 2))
        force[:, 0, 0, 0] = load(step * TIMESTEP / PUSHING) * ultimate
        bodies.advance(force, calm, TIMESTEP)
        history.append((force[:, 0, 0, 0], bodies.displacement[:, 0, 0, 0].copy(),
                        bodies.frames.slip[:, 0, 0].copy()))
    return tuple(np.stack(part, axis=-1) for part in zip(*history, strict=True))


@dataclasses.dataclass(frozen=True)
class Backbone:
    """What is declared of one storey: N and m, and the weight N it carries."""

    stiffness: float
    yield_force: float
    ultimate_force: float
    ultimate_drift: float
    weight: float

    def plastic(self, load: float) -> float:
        """Drift in m that stays after this load [N]."""
        reach = self.ultimate_drift - self.ultimate_force / self.stiffness
        return reach * (load - self.yield_force) / (self.ultimate_force - self.yield_force)

    def softened(self, drift: np.ndarray) -> np.ndarray:
        """Load in N that holds a drift [m] against spring and weight: V = F(d) - P d / h."""
        points = np.array([0.0, self.yield_force / self.stiffness, self.ultimate_drift, 1e9])
        forces = np.array([0.0, self.yield_force, self.ultimate_force, self.ultimate_force])
        return np.interp(drift, points, forces) - self.weight / STOREY_HEIGHT * drift


def declared() -> list[Backbone]:
    """Of all types, from their engineering values: HAZUS' ratios and k = 4 pi2 m / T2."""
    x0, x1, y0, y1 = FOOTPRINT
    found = []
    for type_ in TYPES.values():
        mass = type_.floor_mass * (x1 - x0) * (y1 - y0)
        found.append(Backbone(4 * np.pi**2 * mass / type_.period**2,
                              type_.yield_ratio * mass * GRAVITY,
                              type_.ultimate_ratio * mass * GRAVITY,
                              type_.ultimate_drift * STOREY_HEIGHT, mass * GRAVITY))
    return found


def _at(drift: np.ndarray, where: float, values: np.ndarray) -> float:
    return float(np.interp(where, drift, values))


def check_backbone() -> Sequence[Check]:
    """Errors at yield, at ultimate and of the residual, relative, largest of the types."""
    load, drift, slip = pushed(WEIGHTLESS, lambda time: 1.2 * time)
    part = 0.8  # of the ultimate strength, beyond every type's yield
    _, back, _ = pushed(WEIGHTLESS, lambda time: part * np.sin(np.pi * time) ** 2)
    errors: dict[str, list[float]] = {"yield": [], "ultimate": [], "residual": []}
    curves = []
    for k, (name, bone) in enumerate(zip(TYPES, declared(), strict=True)):
        first = int(np.argmax(slip[k] > 0))
        errors["yield"].append(load[k, first] / bone.yield_force - 1)
        errors["ultimate"].append(
            _at(drift[k], bone.ultimate_drift, load[k]) / bone.ultimate_force - 1)
        errors["residual"].append(back[k, -1] / bone.plastic(part * bone.ultimate_force) - 1)
        shown = slice(0, int(np.searchsorted(drift[k], 1.1 * bone.ultimate_drift)), 60)
        exact = np.linspace(0, 1.1 * bone.ultimate_drift, 200)
        bare = dataclasses.replace(bone, weight=0.0)
        curves += [Curve(1e3 * exact, bare.softened(exact) / 1e3, f"declared, {name}"),
                   Curve(1e3 * drift[k, shown], load[k, shown] / 1e3, f"pushed, {name}", "points")]
    panel = Panel("backbone of one storey, 10 m x 8 m", "drift [mm]", "load [kN]", tuple(curves))
    note = f"four types, pushed within {PUSHING:g} s without P-delta; largest of the types"
    return [Check(f"{name}, largest relative error", "1", float(np.abs(values).max()), 0.01,
                  note=note, panels=(panel,) if name == "yield" else ())
            for name, values in errors.items()]


def check_p_delta() -> Sequence[Check]:
    """Errors under standard gravity: elastic drift, and load at the ultimate drift."""
    load, drift, _ = pushed(Physics(), lambda time: 1.2 * time)
    elastic, ultimate, curves = [], [], []
    for k, (name, bone) in enumerate(zip(TYPES, declared(), strict=True)):
        step = int(np.searchsorted(load[k], 0.5 * bone.yield_force))
        soft = load[k, step] / (bone.stiffness - bone.weight / STOREY_HEIGHT)
        elastic.append(drift[k, step] / soft - 1)
        expected = float(bone.softened(np.array(bone.ultimate_drift)))
        ultimate.append(_at(drift[k], bone.ultimate_drift, load[k]) / expected - 1)
        exact = np.linspace(0, bone.ultimate_drift, 200)
        shown = slice(0, int(np.searchsorted(drift[k], bone.ultimate_drift)), 60)
        curves += [Curve(1e3 * exact, bone.softened(exact) / 1e3, f"F(d) - P d/h, {name}"),
                   Curve(1e3 * drift[k, shown], load[k, shown] / 1e3, f"pushed, {name}", "points")]
    panel = Panel("the same under its weight", "drift [mm]", "load [kN]", tuple(curves))
    return [
        Check("elastic drift under P-delta, largest relative error", "1",
              float(np.abs(elastic).max()), 0.02, note="d = V / (k - P/h) at half the yield load",
              panels=(panel,)),
        Check("load at the ultimate drift under P-delta, largest relative error", "1",
              float(np.abs(ultimate).max()), 0.02, note="V = Vu - P d / h"),
    ]


CASES = (
    Case("pushover", "A storey pushed slowly follows its declared backbone",
         "HAZUS capacity curves as declared in worldsim.simulator.structures", check_backbone),
    Case("p_delta", "A storey pushed slowly under its own weight",
         "P-delta as geometric stiffness P/h (Chopra, Dynamics of Structures)", check_p_delta),
)
