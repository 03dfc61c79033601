"""What happens to loose bodies beside floating: they leak, tear off their anchors, and tanks that
break give their contents to the water."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
import xarray as xr

from worldsim.simulator.constants import COUPLING_STEP
from worldsim.simulator.loose_bodies import DebrisKind, typical
from worldsim.simulator.process import Declaration, Process, Variable
from worldsim.simulator.rotation import rotation_matrices
from worldsim.simulator.sampling import Bilinear

if TYPE_CHECKING:
    from worldsim.simulator.floating import WaterFields
    from worldsim.simulator.members import World
    from worldsim.simulator.scene import Hidden, Scene

MOVED = 0.1
"""m from its place at which a body has moved, and at which a tank's pipes are torn off."""

TILTED = 0.1
"""rad (6 degrees) of tilt at which a tank's pipes are torn off."""

ANCHOR_STRETCH = 0.02
"""m that anchors stretch before they break."""

STIFFEST = 60.0
"""rad/s of a body on its anchors at most, which the time step resolves; they are half damped."""

CAUSES = ("none", "moved", "plumbing")


class LooseState(Process):
    """Leaks, anchors and contents of the debris of a batch; arrays are (member, debris)."""

    group: ClassVar[str] = "debris"

    @classmethod
    def present(cls, scenes: list[Scene]) -> bool:
        return scenes[0].slots.debris > 0

    @classmethod
    def declare(cls, scenes: list[Scene]) -> Declaration:
        slots = scenes[0].slots.debris
        body = ("debris",)
        return Declaration(
            sizes={"debris": slots},
            series={
                "contents": Variable(body, "kg", "what dissolves, still in the tank"),
                "filled": Variable(body, "1", "part of the inside under water that is flooded"),
            },
            totals={
                "moved_time": Variable(
                    body, "s", f"when it first was {MOVED:g} m from its place; NaN: never",
                    np.float64,
                ),
                "release_time": Variable(
                    body, "s", "when a tank broke open; NaN: never", np.float64
                ),
                "release_cause": Variable(body, "1", "why it broke open", np.int64, CAUSES),
            },
            static=_static(scenes),
        )

    def __init__(self, world: World, scenes: list[Scene], hidden: list[Hidden]) -> None:
        self._world = world
        shape = (len(scenes), scenes[0].slots.debris)
        self._own = slice(world.bodies.storey_bodies, None)
        draws = [d.debris or typical(s) for s, d in zip(scenes, hidden, strict=True)]
        self._leak_time = np.stack([draw.leak_time for draw in draws])
        self._plumbing = np.stack([draw.plumbing for draw in draws])
        self._release_rate = 1.0 / np.stack([draw.release_time for draw in draws])
        self._real, self._tank = np.zeros((2, *shape), dtype=bool)
        self.contents, self._anchor = np.zeros((2, *shape))
        for member, scene in enumerate(scenes):
            for k, body in enumerate(scene.debris):
                self._real[member, k] = True
                self._tank[member, k] = body.kind is DebrisKind.TANK
                self._anchor[member, k] = body.anchor
                if body.contents is not None:
                    self.contents[member, k] = body.contents.tracer
        self._anchored = bool((self._anchor > 0).any())
        mass = world.bodies.floaters.mass[:, self._own]
        self._anchor_rate = np.minimum(
            np.sqrt(self._anchor / (ANCHOR_STRETCH * mass)), STIFFEST
        )[..., None]
        self._place = world.bodies.position[:, self._own].copy()
        self._upright = rotation_matrices(world.bodies.quaternion[:, self._own])[..., 2].copy()
        self.filled = np.zeros(shape)
        self.moved_time, self.release_time = np.full((2, *shape), np.nan)
        self.release_cause = np.zeros(shape, dtype=np.int64)
        self._leaving = np.zeros(shape)  # kg given to the water in the exchange that begins

    def load(self, water: WaterFields) -> None:
        """Water leaks into bodies; tanks break and give to the water of the next exchange."""
        world, domain = self._world, self._world.domain
        position = world.bodies.position[:, self._own]
        column = np.clip((position[..., 0] / domain.dx).astype(np.int64), 0, domain.nx - 1)
        row = np.clip((position[..., 1] / domain.dy).astype(np.int64), 0, domain.ny - 1)
        at = (np.arange(len(position))[:, None], row, column)
        depth = np.where(water.wet[at], water.depth[at], 0.0)
        height = 2 * world.bodies.half_size[:, self._own, 2]
        wetted = np.clip(water.surface[at] - (position[..., 2] - height / 2), 0.0, height) / height
        wetted = np.where(depth > 0, wetted, 0.0)
        running = self._real & world.stops.active[:, None]
        share = -np.expm1(-COUPLING_STEP * wetted / self._leak_time)
        self.filled += np.where(running, (1.0 - self.filled) * share, 0.0)
        world.bodies.floaters.buoyant[:, self._own] = 1.0 - self.filled
        self.contents -= np.where(running, self._leaving, 0.0)
        self._break(running & self._tank, position, depth)
        if world.water.tracer is not None:
            self._release(running, position, water)

    def _break(self, tanks: np.ndarray, position: np.ndarray, depth: np.ndarray) -> None:
        moved = np.sqrt(((position - self._place) ** 2).sum(-1)) > MOVED
        upright = rotation_matrices(self._world.bodies.quaternion[:, self._own])[..., 2]
        moved |= (upright * self._upright).sum(-1) < np.cos(TILTED)
        flooded = depth > self._plumbing
        broken = tanks & np.isnan(self.release_time) & (moved | flooded)
        self.release_time[broken] = self._world.time
        causes = np.where(moved, CAUSES.index("moved"), CAUSES.index("plumbing"))
        self.release_cause[broken] = causes[broken]

    def _release(self, running: np.ndarray, position: np.ndarray, water: WaterFields) -> None:
        """What leaves broken tanks within the next exchange, into the wet cells around them."""
        member = np.broadcast_to(np.arange(len(position))[:, None], running.shape)
        cells = Bilinear(
            member, position[..., 0], position[..., 1], water.wet, self._world.domain
        )
        open_ = running & ~np.isnan(self.release_time) & (cells.wet_share > 0)
        part = -np.expm1(-COUPLING_STEP * self._release_rate)
        self._leaving = np.where(open_, self.contents * part, 0.0)
        if not self._leaving.any():
            self._world.tracer_source = None
            return
        source = np.zeros_like(water.depth)
        cells.scatter(source, self._leaving / COUPLING_STEP)
        self._world.tracer_source = torch.as_tensor(source)

    def substep(self) -> None:
        """Anchors hold until they break."""
        if not self._anchored:
            return
        bodies = self._world.bodies
        mass = bodies.floaters.mass[:, self._own, None]
        offset = bodies.position[:, self._own] - self._place
        speed = bodies.velocity[:, self._own]
        pull = -mass * self._anchor_rate * (self._anchor_rate * offset + speed)
        pull[..., 2] = np.minimum(pull[..., 2], 0.0)  # the ground carries the weight
        size = np.sqrt((pull**2).sum(-1))
        self._anchor = np.where(size > self._anchor, 0.0, self._anchor)
        bodies.debris_force[..., :3] = np.where(self._anchor[..., None] > 0, pull, 0.0)

    def after(self, failed: list[tuple[int, int, int]]) -> None:
        """Note what has moved for the first time."""
        offset = self._world.bodies.position[:, self._own, :2] - self._place[..., :2]
        moved = np.sqrt((offset**2).sum(-1)) > MOVED
        new = moved & self._real & np.isnan(self.moved_time) & self._world.stops.active[:, None]
        self.moved_time[new] = self._world.time + COUPLING_STEP

    def now(self) -> dict[str, np.ndarray]:
        return {"contents": self.contents, "filled": self.filled}

    def end(self) -> dict[str, np.ndarray]:
        return {
            "moved_time": self.moved_time, "release_time": self.release_time,
            "release_cause": self.release_cause,
        }


def _static(scenes: list[Scene]) -> xr.Dataset:
    slots = scenes[0].slots.debris
    kinds = list(DebrisKind)
    kind = np.full((len(scenes), slots), -1)
    liquid = np.zeros((len(scenes), slots))
    for case, scene in enumerate(scenes):
        for k, body in enumerate(scene.debris):
            kind[case, k] = kinds.index(body.kind)
            liquid[case, k] = 0.0 if body.contents is None else body.contents.mass
    codes = {"flag_values": list(range(len(kinds))), "flag_meanings": " ".join(kinds)}
    return xr.Dataset(
        {
            "kind": (("case", "debris"), kind, codes | {"long_name": "-1: empty slot"}),
            "liquid": (
                ("case", "debris"), liquid, {"units": "kg", "long_name": "contents at the start"}
            ),
        },
        coords={"debris": np.arange(slots)},
    )
