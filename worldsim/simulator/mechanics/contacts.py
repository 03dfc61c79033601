"""Which bodies met, when, how fast and how hard: one row per event."""

from __future__ import annotations

import dataclasses

import mujoco
import numpy as np

from worldsim.simulator.mechanics.models import SceneModel

APART = 0.02
"""s; two bodies that touch again within it are still in the same event."""

EVENTS_AT_MOST = 4096
"""Events kept of a member; later ones are counted only."""


@dataclasses.dataclass
class Contacts:
    """The contacts of one step; all arrays are (contact,).

    rows : of the normals among MuJoCo's constraints; those of friction follow each.
    columns, friction : (contact, 2 to 5) how many rows on, and coefficients, 0 where there is none.
    depth : m. relative : over the smaller solid's size. bounce : restitution.
    pair : number of the two bodies.
    scale : of the impulse. approach : m/s. since : s before the middle of the step, of impacts.
    """

    rows: np.ndarray
    columns: np.ndarray
    friction: np.ndarray
    depth: np.ndarray
    relative: np.ndarray
    bounce: np.ndarray
    pair: np.ndarray
    scale: np.ndarray
    since: np.ndarray
    approach: np.ndarray


class ContactLog:
    """The events of one member.

    rows : per event time s, bodies a < b, impulse N s, approach m/s, duration s.
    count : all events, kept or not.
    now : deepest penetration of the last step's lasting contacts, depth : of all stored states,
    plunge : of all contacts when they were found; over the smaller solid's thickness.
    """

    def __init__(self, built: SceneModel, model: mujoco.MjModel) -> None:
        self._owner, self._size = built.owner, built.size
        self._step = float(model.opt.timestep)
        self._bodies = len(built.scene.bodies)
        self._last = np.full(self._bodies**2, -np.inf)
        self._event = np.full(self._bodies**2, -1)
        self.rows: list[list[float]] = []
        self.count = 0
        self.now = self.depth = self.plunge = 0.0

    def active(self, data: mujoco.MjData) -> Contacts | None:
        """The contacts of positions that were worked out; None if there are none."""
        contact = data.contact
        rows = contact.efc_address
        chosen = np.flatnonzero(rows >= 0)
        if not len(chosen):
            return None
        geoms = contact.geom[chosen]
        depth = -contact.dist[chosen]
        owner = np.sort(self._owner[geoms], axis=1)
        count = len(chosen)
        dimension = contact.dim[chosen]
        widest = max(int(dimension.max()) - 1, 1)
        columns = np.broadcast_to(np.arange(1, widest + 1), (count, widest))
        return Contacts(
            rows=rows[chosen],
            columns=columns,
            friction=np.where(columns < dimension[:, None], contact.friction[chosen, :widest], 0),
            depth=depth,
            relative=depth / self._size[geoms].min(axis=1),
            bounce=-contact.solref[chosen, 1] * self._step - 1,
            pair=owner[:, 0] * self._bodies + owner[:, 1],
            scale=np.ones(count),
            since=np.zeros(count),
            approach=np.zeros(count),
        )

    def sink(self, contacts: Contacts, impact: np.ndarray) -> None:
        """Note how deep the contacts are, of which some, (contact,), are impacts."""
        self.plunge = max(self.plunge, float(contacts.relative.max()))
        self.now = float(contacts.relative[~impact].max(initial=0.0))

    def note(self, data: mujoco.MjData, contacts: Contacts) -> None:
        """Book the impulses of a step whose forces were worked out."""
        middle = data.time + self._step / 2
        normal = data.efc_force[contacts.rows] * contacts.scale * self._step
        begins = (middle - self._last[contacts.pair]) > APART
        if begins.any():
            for pair in dict.fromkeys(contacts.pair[begins].tolist()):
                own = contacts.pair == pair
                moment = middle - float(contacts.since[own].max())
                self._begin(pair, moment, float(contacts.approach[own].max()))
        self._last[contacts.pair] = middle
        for pair, push in zip(contacts.pair.tolist(), normal.tolist(), strict=True):
            event = self._event[pair]
            if event >= 0:
                self.rows[event][3] += push
                self.rows[event][5] = middle + self._step / 2 - self.rows[event][0]

    def _begin(self, pair: int, moment: float, approach: float) -> None:
        self.count += 1
        if len(self.rows) == EVENTS_AT_MOST:
            self._event[pair] = -1
            return
        self._event[pair] = len(self.rows)
        first, second = divmod(pair, self._bodies)
        self.rows.append([moment, first, second, 0.0, max(approach, 0.0), 0.0])
