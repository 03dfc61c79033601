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


class Pairs:
    """What each pair of solids that may meet brings to its contacts.

    number : (part²,) place of a pair by first part times parts plus second. Of each pair:
    friction : (pair, columns) coefficients, 0 where it has none. bounce : restitution.
    thickness : m, of the smaller solid. bodies : number of the two bodies, the lower times bodies
    plus the higher.
    """

    def __init__(self, built: SceneModel, model: mujoco.MjModel) -> None:
        self.parts, self.count = len(built.owner), len(built.scene.bodies)
        first, second = model.pair_geom1, model.pair_geom2
        self.number = np.zeros(self.parts**2, int)
        # Kinds of shape decide which of the two MuJoCo names first.
        self.number[first * self.parts + second] = np.arange(model.npair)
        self.number[second * self.parts + first] = np.arange(model.npair)
        self.columns = np.arange(1, max(int(model.pair_dim.max(initial=1)), 3))
        real = self.columns < model.pair_dim[:, None]
        self.friction = np.where(real, model.pair_friction[:, : len(self.columns)], 0.0)
        self.bounce = -model.pair_solref[:, 1] * model.opt.timestep - 1
        self.thickness = np.minimum(built.thickness[first], built.thickness[second])
        one, other = built.owner[first], built.owner[second]
        self.bodies = np.minimum(one, other) * self.count + np.maximum(one, other)


class Layout:
    """Which contacts there are, as long as these stay the same; all arrays are (contact,).

    rows : of the normals among MuJoCo's constraints; those of friction follow each.
    across, friction : (contact, 2 to 5) rows and coefficients of friction, 0 where there is none.
    bounce, thickness, pair : see `Pairs`; pair is that of bodies.
    impulse : N s so far. event : row of the event, -1 if it is only counted.
    guess : m/s by which the slip of the last step differed from that before it.
    """

    def __init__(
        self, geoms: np.ndarray, address: np.ndarray, constraints: int, pairs: Pairs
    ) -> None:
        self.chosen = np.flatnonzero(address >= 0)
        self.rows = address[self.chosen]
        number = pairs.number[geoms[self.chosen] @ (pairs.parts, 1)]
        self.friction = pairs.friction[number]
        self.slides = bool(self.friction.any())
        self.across = np.minimum(self.rows[:, None] + pairs.columns, constraints - 1)
        self.bounce, self.thickness = pairs.bounce[number], pairs.thickness[number]
        self.pair = pairs.bodies[number]
        self.impulse = np.zeros(len(number))
        self.event = np.full(len(number), -1)
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
        self._pairs = Pairs(built, model)
        self._step = float(model.opt.timestep)
        self._bodies = len(built.scene.bodies)
        self._last = np.full(self._bodies**2, -np.inf)
        self._event = np.full(self._bodies**2, -1)
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
        geoms, address, constraints = contact.geom, contact.efc_address, data.nefc
        key = geoms.tobytes() + address.tobytes() + constraints.to_bytes(4, "little")
        if self._layout is None or key != self._key:
            self.close()
            self._key, self._layout = key, Layout(geoms, address, constraints, self._pairs)
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
                    first, second = divmod(pair, self._bodies)
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
        self._table[event, 5] = self._moment + self._step / 2 - self._table[event, 0]
