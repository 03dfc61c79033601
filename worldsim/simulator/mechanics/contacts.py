"""Which bodies met, when, how fast and how hard: one row per event."""

from __future__ import annotations

import mujoco
import numpy as np

from worldsim.simulator.mechanics.models import SceneModel

APART = 0.02
"""s; two bodies that touch again within it are still in the same event."""

EVENTS_AT_MOST = 4096
"""Events kept of a member; later ones are counted only."""

FIELDS = 6
"""Of an event: time s, bodies a < b, impulse N s, approach m/s, duration s."""


class Layout:
    """Which contacts there are, as long as these stay the same; all arrays are (contact,).

    rows : of the normals among MuJoCo's constraints; those of friction follow each.
    across, friction : (contact, 2 to 5) rows and coefficients of friction, 0 where there is none.
    bounce : restitution. thickness : m, of the smaller solid. pair : number of the two bodies.
    impulse : N s so far. event : row of the event, -1 if it is only counted.
    guess : m/s by which the slip of the last step differed from that before it.
    """

    def __init__(
        self, contact: mujoco._structs._MjContactList, constraints: int, log: ContactLog
    ) -> None:
        address = contact.efc_address
        self.chosen = np.flatnonzero(address >= 0)
        self.rows = address[self.chosen]
        geoms = contact.geom[self.chosen]
        dimension = contact.dim[self.chosen]
        widest = max(int(dimension.max(initial=1)) - 1, 2)
        columns = np.arange(1, widest + 1)
        real = columns < dimension[:, None]
        self.friction = np.where(real, contact.friction[self.chosen, :widest], 0.0)
        self.slides = bool(self.friction.any())
        self.across = np.minimum(self.rows[:, None] + columns, constraints - 1)
        self.bounce = -contact.solref[self.chosen, 1] * log.step - 1
        self.thickness = log.thickness[geoms].min(axis=1)
        owner = np.sort(log.owner[geoms], axis=1)
        self.pair = owner[:, 0] * log.bodies + owner[:, 1]
        self.impulse = np.zeros(len(self.chosen))
        self.event = np.full(len(self.chosen), -1)
        self.guess: np.ndarray | None = None
        self.new = True


class ContactLog:
    """The events of one member.

    count : all events, kept or not.
    now : deepest penetration of the last step's lasting contacts, depth : of all stored states,
    plunge : of all contacts when they were found, or way in a step, after which they could be;
    over the smaller solid's thickness.
    """

    def __init__(self, built: SceneModel, model: mujoco.MjModel) -> None:
        self.owner, self.thickness = built.owner, built.thickness
        self.step = float(model.opt.timestep)
        self.bodies = len(built.scene.bodies)
        self._last = np.full(self.bodies**2, -np.inf)
        self._event = np.full(self.bodies**2, -1)
        self._table = np.zeros((16, FIELDS))
        self._layout: Layout | None = None
        self._key = b""
        self._moment = 0.0
        self.count = 0
        self.now = self.depth = self.plunge = 0.0

    @property
    def rows(self) -> np.ndarray:
        """(event, FIELDS) as they were begun."""
        self.close()
        return self._table[: min(self.count, EVENTS_AT_MOST)]

    def layout(self, data: mujoco.MjData) -> Layout:
        """Which contacts there are in positions that were worked out."""
        contact = data.contact
        address, constraints = contact.efc_address, data.nefc
        key = contact.geom.tobytes() + address.tobytes() + constraints.to_bytes(4, "little")
        if self._layout is None or key != self._key:
            self.close()
            self._key, self._layout = key, Layout(contact, constraints, self)
        return self._layout

    def note(
        self, now: float, layout: Layout, impulse: np.ndarray, approach: np.ndarray,
        since: np.ndarray,
    ) -> None:
        """Book a step: `now` s, its middle; (contact,) impulse N s, speed of approach m/s, and s
        before the middle that a contact began."""
        if layout.new:
            self._begin(now, layout, approach, since)
            layout.new = False
        layout.impulse += impulse
        self._moment = now

    def _begin(
        self, now: float, layout: Layout, approach: np.ndarray, since: np.ndarray
    ) -> None:
        begins = now - self._last[layout.pair] > APART
        if begins.any():
            for pair in dict.fromkeys(layout.pair[begins].tolist()):
                own = layout.pair == pair
                self._event[pair] = self.count if self.count < EVENTS_AT_MOST else -1
                self.count += 1
                if self._event[pair] >= 0:
                    if self.count > len(self._table):
                        self._table = np.vstack([self._table, np.zeros_like(self._table)])
                    first, second = divmod(pair, self.bodies)
                    fast = max(float(approach[own].max()), 0.0)
                    moment = now - float(since[own].max())
                    self._table[self.count - 1] = moment, first, second, 0.0, fast, 0.0
        layout.event = self._event[layout.pair]

    def close(self) -> None:
        """Book what the last layout gathered: it has come to its end."""
        layout, self._layout = self._layout, None
        if layout is None or layout.new:
            return
        self._last[layout.pair] = self._moment
        kept = layout.event >= 0
        event = layout.event[kept]
        np.add.at(self._table[:, 3], event, layout.impulse[kept])
        self._table[event, 5] = self._moment + self.step / 2 - self._table[event, 0]
