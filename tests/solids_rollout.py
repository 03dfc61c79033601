"""Small synthetic rollouts of rigid bodies in the stored schema, without simulating."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from worldsim.camera import Camera
from worldsim.mechanics import Backdrop, Body, Link, Pattern, Role, Shape

SERIES = ("case", "realization", "time", "body")
FLAT = Backdrop(low=(100, 100, 100), high=(100, 100, 100), sun=(0.0, -0.6, 0.8))


def rollout(
    bodies: Sequence[Body], *, times: Sequence[float] | np.ndarray = (0.0,),
    position: np.ndarray | None = None, quaternion: np.ndarray | None = None,
    links: Sequence[Link] = (), backdrop: Backdrop = FLAT, cameras: Sequence[Camera] = (),
    members: tuple[int, int] = (1, 1), empty: int = 1,
) -> xr.DataTree:
    """Bodies at their own places, or at `position` (…, time, body, 3) and `quaternion`, which
    broadcast; their centres of mass are their origins. `empty` slots hold nothing."""
    stored = np.asarray(times, float)
    count, slots = len(bodies), len(bodies) + empty
    shape = (*members, len(stored), count)
    place = np.full((*members, len(stored), slots, 3), np.nan, np.float32)
    turn = np.full((*members, len(stored), slots, 4), np.nan, np.float32)
    own = np.array([body.position for body in bodies]) if position is None else position
    place[..., :count, :] = np.broadcast_to(own, (*shape, 3))
    own = np.array([body.quaternion for body in bodies]) if quaternion is None else quaternion
    turn[..., :count, :] = np.broadcast_to(own, (*shape, 4))
    present = np.arange(slots) < count
    role = [list(Role).index(body.role) for body in bodies] + [-1] * empty
    numbers = {body.name: i for i, body in enumerate(bodies)}
    groups = {
        "/": xr.Dataset(
            coords={"case": np.arange(members[0]), "realization": np.arange(members[1])},
            attrs={"cameras": json.dumps({c.name: json.loads(c.to_json()) for c in cameras})},
        ),
        "/bodies": xr.Dataset(
            {"position": ((*SERIES, "xyz"), place), "quaternion": ((*SERIES, "wxyz"), turn),
             "present": (("case", "body"), np.tile(present, (members[0], 1))),
             "role": (("case", "body"), np.tile(role, (members[0], 1)))},
            coords={"time": stored, "body": np.arange(slots)},
        ),
        "/parts": _slots("part", _parts(bodies), members[0], empty),
        "/links": _slots("link", _links(links, numbers), members[0], empty),
        "/backdrop": xr.Dataset({
            "low": (("case", "rgb"), np.tile(np.array(backdrop.low, np.uint8), (members[0], 1))),
            "high": (("case", "rgb"), np.tile(np.array(backdrop.high, np.uint8), (members[0], 1))),
            "shadows": ("case", np.full(members[0], backdrop.shadows)),
            "sun": (("case", "xyz"), np.tile(backdrop.sun, (members[0], 1))),
        }),
    }
    return xr.DataTree.from_dict(groups)


def _parts(bodies: Sequence[Body]) -> list[dict]:
    return [
        {
            "body": i, "shape": list(Shape).index(part.shape),
            "size": [*part.size, 0.0, 0.0, 0.0][:3], "offset": part.position,
            "turn": part.quaternion, "colour": part.look.colour, "second": part.look.second,
            "pattern": list(Pattern).index(part.look.pattern), "field": part.look.field,
        }
        for i, body in enumerate(bodies) for part in body.parts
    ]


def _links(links: Sequence[Link], numbers: dict[str, int]) -> list[dict]:
    return [
        {
            "bodies": [-1 if name is None else numbers[name] for name in link.bodies],
            "points": link.points, "radius": link.radius, "colour": link.look.colour,
            "second": link.look.second, "pattern": list(Pattern).index(link.look.pattern),
            "field": link.look.field,
        }
        for link in links
    ]


KINDS = {"colour": np.uint8, "second": np.uint8, "body": int, "bodies": int, "shape": int,
         "pattern": int}
NAMES = {"size": ("axis",), "offset": ("xyz",), "turn": ("wxyz",), "colour": ("rgb",),
         "second": ("rgb",), "bodies": ("end",), "points": ("end", "xyz")}
BLANK_LINK: dict[str, Any] = {
    "bodies": [-1, -1], "points": np.zeros((2, 3)), "radius": 0.0, "colour": [0] * 3,
    "second": [0] * 3, "pattern": -1, "field": 0.0,
}


def _slots(dim: str, rows: list[dict], cases: int, empty: int) -> xr.Dataset:
    """A table of rows, the same for all cases, followed by empty slots."""
    blank = rows[0] if rows else BLANK_LINK
    variables = {}
    for name in blank:
        kind = KINDS.get(name, float)
        values: np.ndarray = np.array([row[name] for row in rows], kind).reshape(
            len(rows), *np.shape(blank[name])
        )
        rest = np.full((empty, *values.shape[1:]),
                       np.nan if kind is float else 0 if kind is np.uint8 else -1, kind)
        variables[name] = (("case", dim, *NAMES.get(name, ())),
                           np.tile(np.concatenate([values, rest]),
                                   (cases, *[1] * values.ndim)))
    variables["present"] = (
        ("case", dim), np.tile(np.arange(len(rows) + empty) < len(rows), (cases, 1))
    )
    return xr.Dataset(variables)
