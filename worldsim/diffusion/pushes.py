"""Pushes as the network is told them: of which body, in which group of frames, how fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from worldsim.diffusion.observables import followed_bodies
from worldsim.diffusion.repertoire import Subject
from worldsim.errors import InputError
from worldsim.mechanics import MechanicalScene
from worldsim.scenario import scenario_class

if TYPE_CHECKING:
    from worldsim.query import Query


def write_push(push: np.ndarray, row: np.ndarray, start: float, seconds: float,
               length: float) -> None:
    """Enter a push (time [s], number of the object, velocity [m/s]) into (slot, G, 5).

    start : s, of the clip. seconds : of a group. length : m, the unit of positions.
    """
    if not np.isfinite(row[0]):
        return
    at = (row[0] - start) / seconds
    slot, group = int(row[1]), int(np.floor(at))
    if 0 <= group < push.shape[1] and slot < push.shape[0]:
        push[slot, group] = [1.0, at - group, *(row[2:] / length)]


def pushes(query: Query, subject: Subject, row: int = 0) -> list[np.ndarray]:
    """The query's pushes of one case as rows (time, number of the object, velocity).

    An object is named as the scenario names it, or by its entity, e.g. ``"body 2"``.
    """
    if not query.actions:
        return []
    names = [entity.name for entity in subject.entities]
    followed = dict(zip(_followed(query, row), names, strict=False))
    rows = []
    for kick in query.actions:
        entity = followed.get(kick.body, kick.body)
        if entity not in names or not entity.startswith("body") or kick.factor != 1:
            bodies = [n for n in names if n.startswith("body")]
            raise InputError(
                f"a push of {kick.body!r}: this model can be told of pushes, with factor 1; of "
                f"{subject.name!r} it knows {', '.join(bodies) or 'none'}"
                + (f", which are {', '.join(list(followed)[:len(bodies)])}" if bodies else ""))
        rows.append(np.array([kick.time, names.index(entity), *kick.velocity], np.float32))
    return rows


def _followed(query: Query, row: int) -> list[str]:
    """Names of the bodies whose parts instruments follow, in the order of their states."""
    cls = scenario_class(query.scenario)
    codes = cls().codes() | {name: float(values[row]) for name, values in query.parameters.items()}
    scene = cls.from_codes(codes).scene(0, 0)
    if not isinstance(scene, MechanicalScene):
        return []
    return [body.name for body in followed_bodies(scene)]
