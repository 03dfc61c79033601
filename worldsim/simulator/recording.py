"""Where the states of a simulation are kept until they become a rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from worldsim.simulator import structures_record
from worldsim.simulator.audit_record import MEMBER, AuditRecord
from worldsim.simulator.loose_bodies import DebrisKind
from worldsim.simulator.members import STATES_PER_SECOND, World
from worldsim.simulator.process import GroupRecord
from worldsim.simulator.processes import processes_of

if TYPE_CHECKING:
    from worldsim.simulator.scene import Scene


class Recording:
    """States of all members, stored frame by frame in single precision.

    Axes such as ``xyz`` carry no text labels: Zarr has no settled text type yet.
    """

    def __init__(self, scenes: list[Scene], realizations: int, frames: int) -> None:
        self._scenes = scenes
        self._time = np.arange(frames + 1) / STATES_PER_SECOND
        domain, slots = scenes[0].domain, scenes[0].slots
        series = (len(scenes), realizations, frames + 1)
        members = series[:2]
        grid = (*series, domain.ny, domain.nx)
        self._water = {
            name: np.zeros(grid, np.float32) for name in ("depth", "momentum_x", "momentum_y")
        }
        if any(body.contents is not None for scene in scenes for body in scene.debris):
            self._water["tracer"] = np.zeros(grid, np.float32)
        self._blocked = np.zeros(grid, bool)
        self._bodies = {
            name: np.zeros((*series, slots.bodies, width), np.float32)
            for name, width in (
                ("position", 3),
                ("quaternion", 4),
                ("velocity", 3),
                ("half_size", 3),
            )
        }
        self._contact = np.zeros((*series, slots.bodies), np.float32)
        self._audit = AuditRecord(*members)
        declared = {"structures": structures_record.declare(scenes)} | {
            process.group: process.declare(scenes) for process in processes_of(scenes)
        }
        self._groups = {
            group: GroupRecord(declaration, members, frames + 1)
            for group, declaration in declared.items()
        }

    def store(self, chunk: list[tuple[int, int]], frame: int, world: World) -> None:
        """Keep the present state of the members in `chunk` as that of time step `frame`."""
        bodies = world.body_state()
        case, realization = np.array(chunk).T
        at = (case, realization, frame)
        self._water["depth"][at] = world.water.depth.numpy()
        self._water["momentum_x"][at] = world.water.momentum_x.numpy()
        self._water["momentum_y"][at] = world.water.momentum_y.numpy()
        tracer = world.tracer_concentration()
        if tracer is not None:
            self._water["tracer"][at] = tracer
        self._blocked[at] = world.blocked.numpy()
        for name in self._bodies:
            self._bodies[name][at] = bodies[name]
        self._contact[at] = bodies["contact_impulse"]
        active = world.stops.active
        self._groups["structures"].store(at, structures_record.now(world), active)
        for process in world.processes:
            self._groups[process.group].store(at, process.now(), active)

    def finish(self, chunk: list[tuple[int, int]], world: World) -> None:
        """Keep what is known at the end of the members in `chunk`."""
        case, realization = np.array(chunk).T
        at = (case, realization)
        self._audit.finish(at, world)
        self._groups["structures"].finish(at, structures_record.end(world))
        for process in world.processes:
            self._groups[process.group].finish(at, process.end())

    def datasets(self) -> dict[str, xr.Dataset]:
        """The rollout's groups of states."""
        return {
            "/water": self._water_dataset(),
            "/bodies": self._bodies_dataset(),
            "/audit": self._audit.dataset(),
        } | {
            f"/{group}": record.dataset(self._time_coordinate())
            for group, record in self._groups.items()
        }

    def _water_dataset(self) -> xr.Dataset:
        domain = self._scenes[0].domain
        dims = (*MEMBER, "time", "y", "x")
        attrs: dict[str, dict[str, Any]] = {
            "depth": {"units": "m", "standard_name": "flood_water_thickness"},
            "momentum_x": {"units": "m2 s-1", "long_name": "depth times velocity along x"},
            "momentum_y": {"units": "m2 s-1", "long_name": "depth times velocity along y"},
            "tracer": {"units": "kg m-3", "long_name": "dissolved from tanks, mean over the depth"},
        }
        variables: dict[str, Any] = {
            name: (dims, values, attrs[name]) for name, values in self._water.items()
        }
        variables["blocked"] = (
            dims,
            self._blocked,
            {"long_name": "cell behind the walls of a standing building"},
        )
        variables["bathymetry"] = (
            ("case", "y", "x"),
            np.stack([s.ground for s in self._scenes]).astype(np.float32),
            {
                "units": "m",
                "long_name": "elevation of ground and works above still water at the start",
            },
        )
        return xr.Dataset(
            variables,
            coords={
                **self._time_coordinate(),
                "y": ("y", domain.y, {"units": "m"}),
                "x": ("x", domain.x, {"units": "m"}),
            },
        )

    def _time_coordinate(self) -> dict[str, Any]:
        return {"time": ("time", self._time, {"units": "s", "standard_name": "time"})}

    def _bodies_dataset(self) -> xr.Dataset:
        slots = self._scenes[0].slots
        storeys = slots.buildings * slots.storeys
        body = np.arange(slots.bodies)
        is_debris = body >= storeys
        colour = np.zeros((len(self._scenes), slots.bodies, 3), np.uint8)
        present = np.zeros((len(self._scenes), slots.bodies), bool)
        debris_kind = np.full((len(self._scenes), slots.bodies), -1)
        for case, scene in enumerate(self._scenes):
            for b, building in enumerate(scene.buildings):
                own = slice(b * slots.storeys, b * slots.storeys + building.storeys)
                colour[case, own], present[case, own] = building.colour, True
            for k, box in enumerate(scene.debris):
                colour[case, storeys + k], present[case, storeys + k] = box.colour, True
                debris_kind[case, storeys + k] = list(DebrisKind).index(box.kind)
        series = (*MEMBER, "time", "body")
        attrs = {"position": "m", "velocity": "m s-1", "half_size": "m", "quaternion": "1"}
        variables: dict[str, Any] = {
            name: (
                (*series, "wxyz" if name == "quaternion" else "xyz"),
                values,
                {"units": attrs[name]},
            )
            for name, values in self._bodies.items()
        }
        variables["contact_impulse"] = (
            series,
            self._contact,
            {
                "units": "N s",
                "long_name": "horizontal impulse of contacts so far, beyond friction on the ground",
            },
        )
        variables["debris_kind"] = (
            ("case", "body"),
            debris_kind,
            {
                "flag_values": list(range(len(DebrisKind))),
                "flag_meanings": " ".join(DebrisKind),
                "long_name": "-1: a storey, or an empty slot",
            },
        )
        variables["colour"] = (("case", "body", "rgb"), colour)
        variables["present"] = (("case", "body"), present)
        variables["kind"] = (
            "body",
            is_debris.astype(np.int64),
            {
                "flag_values": [0, 1],
                "flag_meanings": "storey debris",
            },
        )
        variables["building"] = ("body", np.where(is_debris, -1, body // slots.storeys))
        variables["storey"] = ("body", np.where(is_debris, -1, body % slots.storeys))
        return xr.Dataset(
            variables,
            coords={
                **self._time_coordinate(),
                "body": body,
            },
        )
