"""Objects in metres: tracks of a video, given to the true objects, and what they should read.

Everything lies in the plane of an orthographic camera's picture: x to the right and y up from its
middle, m. Two data sets of the same layout come of it, ``objects`` of the state and ``objects`` of
a video; objects are numbered as in the truth.

===========  =======================================  ========================================
variable     dims                                     meaning, unit
===========  =======================================  ========================================
position     case, realization, time, object, xy      m, centre of the whole outline
velocity     as position                              m/s
area         case, realization, time, object          m2; of a video the visible part
visible      as area                                  share that is seen, 0 to 1
orientation  as area                                  rad, modulo pi, anticlockwise; NaN if round
seen         as area                                  bool
colour       case, object, rgb (state);               0 to 255
             case, realization, object, rgb (video)
judged       as area; state only                      whether it is large and visible enough
mass         case, realization, object; state only    kg of its body
body         case, object; state only                 number of its body, -1 of empty slots
count        case, realization, time; video only      tracks that are seen
strays       as count; video only                     tracks seen that belong to no true object
astray       case, realization, time, stray, xy;      m, where these are; NaN where not seen
             video only
breaks       case, realization, object; video only    times that another track had to take over
===========  =======================================  ========================================

Attributes: ``pitch`` m per pixel, ``height`` m of the picture.

A second data set ``contacts`` (state: from the simulator's contacts; video: from kinks of tracks)
has dims (case, realization, event): ``time`` s, ``object_a``, ``object_b`` (-1: none, or something
that is not followed), ``jump`` m/s; NaN and -1 in empty rows.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from evaluation.floors.coast import blocks_of
from evaluation.ownership import owners
from worldsim.camera import camera_of
from worldsim.camera.projection import Camera
from worldsim.errors import InputError
from worldsim.instruments import events, track
from worldsim.instruments.contact_state import contact_state
from worldsim.instruments.events import Event
from worldsim.instruments.matching import Interest
from worldsim.instruments.mechanics_state import mechanics_state
from worldsim.instruments.state import DEBRIS_KIND

MEMBERS = ("case", "realization")
SERIES = (*MEMBERS, "time", "object")

SLENDER = 1.5
"""Ratio of the axes from which on an object has a true orientation: one whose axis no instrument
fails to see."""


class Plane:
    """The picture plane of an orthographic camera at a size (rows, columns) in pixels."""

    def __init__(self, camera: Camera, size: tuple[int, int]) -> None:
        if camera.projection != "orthographic":
            raise InputError(
                f"camera {camera.name!r} is {camera.projection}; objects are read in metres from "
                "an orthographic view"
            )
        self.size = size
        self.pitch = float(camera.height_m / size[0])

    @property
    def attrs(self) -> dict[str, float]:
        """Of data sets of objects."""
        return {"pitch": self.pitch, "height": self.pitch * self.size[0]}

    def position(self, rc: np.ndarray) -> np.ndarray:
        """(…, [row, column]) px to (…, [x, y]) m."""
        rows, columns = self.size
        return np.stack([
            (rc[..., 1] - columns / 2) * self.pitch, (rows / 2 - rc[..., 0]) * self.pitch
        ], axis=-1)

    def velocity(self, rc: np.ndarray) -> np.ndarray:
        """(…, [row, column]) px/s to (…, [x, y]) m/s."""
        return np.stack([rc[..., 1] * self.pitch, -rc[..., 0] * self.pitch], axis=-1)


def objects_state(truth: xr.DataTree, camera: str, size: tuple[int, int], time: np.ndarray
                  ) -> dict[str, xr.Dataset]:
    """``objects`` and, of rigid bodies, ``contacts`` of a simulated rollout; see the module.

    Parameters
    ----------
    camera : name of an orthographic view. size : (rows, columns) of the video. time : (time,) s.
    """
    view = camera_of(truth, camera)
    plane = Plane(view, size)
    if "parts" not in truth.children:
        return {"objects": _blocks(truth, view, plane, time)}
    state = mechanics_state(truth, view, size, time)
    coords = {n: state[n] for n in (*MEMBERS, "time", "object")} | {"xy": ["x", "y"]}
    bodies = truth["bodies"].dataset
    body = state["body"].values
    mass = np.take_along_axis(bodies["mass"].values, np.maximum(body, 0)[:, None, :], axis=2)
    objects = xr.Dataset(
        {
            "position": ((*SERIES, "xy"), plane.position(state["position"].values), _M),
            "velocity": ((*SERIES, "xy"), plane.velocity(state["velocity"].values), _M_S),
            "area": (SERIES, state["area"].values * plane.pitch**2, {"units": "m2"}),
            "visible": (SERIES, state["visible"].values),
            "orientation": (SERIES, np.where(state["slenderness"].values >= SLENDER,
                                             -state["orientation"].values % np.pi, np.nan),
                            {"units": "rad"}),
            "seen": (SERIES, state["seen"].values),
            "judged": (SERIES, Interest().of(state)),
            "colour": (("case", "object", "rgb"), state["colour"].values),
            "mass": ((*MEMBERS, "object"), np.where(body[:, None] >= 0, mass, np.nan), _KG),
            "body": (("case", "object"), body),
        },
        coords=coords, attrs=plane.attrs,
    )
    contacts = contact_state(truth, state, view, size)
    jump = np.fmax(contacts["jump_a"].values, contacts["jump_b"].values) * plane.pitch
    event = (*MEMBERS, "event")
    return {"objects": objects, "contacts": xr.Dataset(
        {"time": (event, contacts["time"].values, {"units": "s"}),
         "object_a": (event, contacts["object_a"].values),
         "object_b": (event, contacts["object_b"].values),
         "jump": (event, jump, _M_S)},
        coords={n: contacts[n] for n in MEMBERS},
    )}


_M, _M_S, _KG = {"units": "m"}, {"units": "m s-1"}, {"units": "kg"}


def _blocks(truth: xr.DataTree, view: Camera, plane: Plane, time: np.ndarray) -> xr.Dataset:
    """Loose blocks in water, from above."""
    bodies = truth["bodies"].dataset
    loose = bodies["present"].values & (bodies["kind"].values == DEBRIS_KIND)
    slots = int(loose.sum(axis=1).max(initial=0))
    shape = (len(truth["case"]), len(truth["realization"]), len(time), slots)
    rc, visible = np.full((*shape, 2), np.nan), np.full(shape, np.nan)
    area, judged = np.full(shape, np.nan), np.zeros(shape, bool)
    body = np.full((shape[0], slots), -1)
    colour = np.full((shape[0], slots, 3), np.nan)
    for case, realization in np.ndindex(shape[:2]):
        own = np.flatnonzero(loose[case])
        count = slice(0, len(own))
        body[case, count], colour[case, count] = own, bodies["colour"].values[case, own]
        one = blocks_of(truth.isel(case=[case], realization=[realization]), view, plane.size, time)
        at = case, realization, slice(None), count
        rc[at], visible[at] = one["position"].values[0, 0], one["visible"].values[0, 0]
        area[at] = one["extent"].values[0, 0, ..., 0] ** 2 * plane.pitch**2
        judged[at] = Interest().of(one)[0, 0]
    position = plane.position(rc)
    velocity = np.gradient(position, time, axis=2) if len(time) > 1 else np.zeros_like(position)
    mass = np.full((*shape[:2], slots), np.nan)
    return xr.Dataset(
        {
            "position": ((*SERIES, "xy"), position, _M),
            "velocity": ((*SERIES, "xy"), velocity, _M_S),
            "area": (SERIES, area, {"units": "m2"}),
            "visible": (SERIES, visible),
            "orientation": (SERIES, np.full(shape, np.nan), {"units": "rad"}),
            "seen": (SERIES, visible > 0),
            "judged": (SERIES, judged),
            "colour": (("case", "object", "rgb"), colour),
            "mass": ((*MEMBERS, "object"), mass, _KG),
            "body": (("case", "object"), body),
        },
        coords={n: truth[n] for n in MEMBERS}
        | {"time": ("time", time, {"units": "s"}), "object": np.arange(slots), "xy": ["x", "y"]},
        attrs=plane.attrs,
    )


def objects_video(video: xr.Dataset, state: xr.Dataset, context: int, height_m: float
                  ) -> dict[str, xr.Dataset]:
    """``objects`` and ``contacts`` of a video, numbered as in the truth; see the module.

    Parameters
    ----------
    video : ``rgb`` (case, realization, time, row, column, channel) of the camera of `state`.
    state : ``objects`` of the truth for the same cases; its realization 0 gave the known frames.
    context : number of known frames (at least the first frame counts as known).
    height_m : of the picture, m.

    `evaluation.ownership` says which track is whose; where another has to take over, ``breaks``
    counts it.
    """
    size = (video.sizes["row"], video.sizes["column"])
    pitch = height_m / size[0]
    tracks = track(video)
    owner, breaks = owners(tracks, state, max(context, 1), pitch)
    cases, realizations, _, slots = owner.shape
    rc = _taken(tracks["position"].values, owner)
    rows, columns = size
    position = np.stack([(rc[..., 1] - columns / 2) * pitch, (rows / 2 - rc[..., 0]) * pitch], -1)
    moving = _taken(tracks["velocity"].values, owner)
    velocity = np.stack([moving[..., 1] * pitch, -moving[..., 0] * pitch], axis=-1)
    seen = tracks["seen"].values
    mine = np.zeros(seen.shape, bool)
    for case, member in np.ndindex(cases, realizations):
        at, slot = np.nonzero(owner[case, member] >= 0)
        mine[case, member, at, owner[case, member, at, slot]] = True
    first = np.where((owner >= 0).any(axis=2),
                     np.take_along_axis(owner, (owner >= 0).argmax(axis=2)[:, :, None], 2)[:, :, 0],
                     -1)
    colour = np.full((cases, realizations, slots, 3), np.nan)
    for case, member, slot in np.argwhere(first >= 0):
        its = first[case, member, slot]
        colour[case, member, slot] = tracks["colour"].values[case, member, its]
    found_there = np.isfinite(position).all(axis=-1)
    objects = xr.Dataset(
        {
            "position": ((*SERIES, "xy"), position, _M),
            "velocity": ((*SERIES, "xy"), velocity, _M_S),
            "area": (SERIES, _taken(tracks["area"].values, owner) * pitch**2, {"units": "m2"}),
            "visible": (SERIES, _taken(tracks["visible"].values, owner)),
            "orientation": (SERIES, -_taken(tracks["orientation"].values, owner) % np.pi,
                            {"units": "rad"}),
            "seen": (SERIES, found_there),
            "colour": ((*MEMBERS, "object", "rgb"), colour),
            "count": (SERIES[:3], seen.sum(axis=3)),
            "strays": (SERIES[:3], (seen & ~mine).sum(axis=3)),
            "astray": ((*SERIES[:3], "stray", "xy"), _astray(tracks, mine, size, pitch), _M),
            "breaks": ((*MEMBERS, "object"), breaks),
        },
        coords={n: video[n] for n in MEMBERS if n in video.coords}
        | {"time": video["time"], "object": state["object"].values, "xy": ["x", "y"]},
        attrs={"pitch": pitch, "height": float(height_m)},
    )
    return {"objects": objects, "contacts": _contacts(tracks, owner, pitch)}


def _taken(values: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """(case, realization, time, object, …) of (…, track, …); NaN where the owner is -1."""
    tail = values.shape[4:]
    if not values.shape[3]:
        return np.full((*owner.shape, *tail), np.nan)
    index = np.maximum(owner, 0).reshape(*owner.shape, *[1] * len(tail))
    taken = np.take_along_axis(values, np.broadcast_to(index, (*owner.shape, *tail)), axis=3)
    missing = (owner < 0).reshape(*owner.shape, *[1] * len(tail))
    return np.where(missing, np.nan, taken)


def _astray(tracks: xr.Dataset, mine: np.ndarray, size: tuple[int, int],
            pitch: float) -> np.ndarray:
    """(case, realization, time, stray, [x, y]) m of the tracks that are nobody's."""
    rc = np.where(mine[..., None], np.nan, tracks["position"].values)
    astray = np.any(np.isfinite(rc).all(axis=-1), axis=2)
    found = np.full((*rc.shape[:3], int(astray.sum(axis=2).max(initial=0)), 2), np.nan)
    for at in np.ndindex(astray.shape[:2]):
        own = np.flatnonzero(astray[at])
        found[at][:, : len(own)] = rc[at][:, own]
    return np.stack([(found[..., 1] - size[1] / 2) * pitch,
                     (size[0] / 2 - found[..., 0]) * pitch], axis=-1)


def _contacts(tracks: xr.Dataset, owner: np.ndarray, pitch: float) -> xr.Dataset:
    """Bounces and collisions of the true objects' tracks."""
    found = events(tracks)
    kind = found["kind"].values
    wanted = (kind == list(Event).index(Event.BOUNCE)) | (
        kind == list(Event).index(Event.COLLISION))
    cases, realizations, _ = kind.shape
    time = np.where(wanted, found["time"].values, np.nan)
    pair = [np.full(kind.shape, -1), np.full(kind.shape, -1)]
    for case, member in np.ndindex(cases, realizations):
        slot_of: dict[int, int] = {}
        for slot in range(owner.shape[3]):
            for number in np.unique(owner[case, member, :, slot]):
                if number >= 0:
                    slot_of[int(number)] = slot
        for side, name in enumerate(("object_a", "object_b")):
            numbers = found[name].values[case, member]
            pair[side][case, member] = [
                slot_of.get(int(n), -1) if keep else -1
                for n, keep in zip(numbers, wanted[case, member], strict=True)
            ]
    event = (*MEMBERS, "event")
    jump = np.where(wanted, found["jump"].values, np.nan) * pitch
    return xr.Dataset(
        {"time": (event, time, {"units": "s"}), "object_a": (event, pair[0]),
         "object_b": (event, pair[1]), "jump": (event, jump, _M_S)},
        coords={n: tracks[n] for n in MEMBERS if n in tracks.coords},
    )
