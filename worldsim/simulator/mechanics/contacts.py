"""Which bodies met, when, how fast and how hard: one row per event."""

from __future__ import annotations

import mujoco
import numpy as np

from worldsim.simulator.mechanics.models import SceneModel

APART = 0.02
"""s; two bodies that touch again within it are still in the same event."""

EVENTS_AT_MOST = 4096
"""Events kept of a member; later ones are counted only."""


class ContactLog:
    """The events of one member.

    `rows` : per event time s, bodies a < b, impulse N s, approach m/s, duration s.
    count : all events, kept or not. depth : deepest penetration over the smaller solid's size.
    """

    def __init__(self, built: SceneModel, model: mujoco.MjModel) -> None:
        self._owner, self._size = built.owner, built.size
        self._step = model.opt.timestep
        bodies = len(built.scene.bodies)
        self._bodies = bodies
        self._last = np.full(bodies * bodies, -np.inf)
        self._event = np.full(bodies * bodies, -1)
        self.rows: list[list[float]] = []
        self.count = 0
        self.depth = 0.0

    def look(self, data: mujoco.MjData) -> None:
        """Note the contacts of an evaluated state, whose forces act for one step."""
        contact = data.contact
        touching = np.flatnonzero(contact.efc_address >= 0)
        geoms = contact.geom[touching]
        depth = -contact.dist[touching] / self._size[geoms].min(axis=1)
        self.depth = max(self.depth, float(depth.max()))
        row = contact.efc_address[touching]
        owner = np.sort(self._owner[geoms], axis=1)
        key = owner[:, 0] * self._bodies + owner[:, 1]
        now = data.time
        normal = data.efc_force[row] * self._step
        fresh = now - self._last[key] > APART
        if fresh.any():
            speed = -data.efc_vel[row]
            for k in np.flatnonzero(fresh):
                if now - self._last[key[k]] > APART:
                    self._begin(int(key[k]), now, float(speed[key == key[k]].max()))
        self._last[key] = now
        for k, push in zip(key.tolist(), normal.tolist(), strict=True):
            event = self._event[k]
            if event >= 0:
                self.rows[event][3] += push
                self.rows[event][5] = now - self.rows[event][0] + self._step

    def _begin(self, key: int, now: float, approach: float) -> None:
        self.count += 1
        self._last[key] = now
        if len(self.rows) == EVENTS_AT_MOST:
            self._event[key] = -1
            return
        self._event[key] = len(self.rows)
        first, second = divmod(key, self._bodies)
        self.rows.append([now, first, second, 0.0, approach, 0.0])
