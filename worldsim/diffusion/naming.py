"""Which body a push means, where no state says how bodies are called.

Scenarios number their bodies by conventions of their own (the first ball falls from the height that
is told, a tower's blocks are counted from below); the network counts them by where they are. So the
scenario is asked how it would begin, many times, with what is told, and the bodies that were seen
at the beginning get the names under which they are likeliest: an assignment (Kuhn 1955, "The
Hungarian method") of normal likelihoods. Where the convention is not to be seen, as of balls in a
box, any name is as good as another.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.transform import Rotation

from worldsim.diffusion.observables import followed_bodies
from worldsim.mechanics import Body, Freedom, MechanicalScene
from worldsim.scenario import scenario_class
from worldsim.splits import Purpose, Split, draw, seed_for

if TYPE_CHECKING:
    from worldsim.query import Query

BEGINNINGS = 64
"""How often the scenario is asked."""

ROUNDS, NEAREST = 3, 8
"""How often bodies are named; from the second time on, by the beginnings most alike."""

READ, MOVING = 0.02, 0.2
"""Errors of readings: m of places, m/s of velocities over two frames."""


def called(query: Query, row: int, states: np.ndarray) -> dict[int, int]:
    """Which body is which of the scenario's objects: numbers of bodies by those of objects.

    Parameters
    ----------
    row : case of the query. states : (body, 6) m and m/s as seen at the beginning, NaN where there
        is no body.

    Returns
    -------
    Empty where it cannot be said: an object hangs or turns about a hinge, or the scenario never
    begins with as many.
    """
    seen = np.flatnonzero(np.isfinite(states).all(-1))
    told = tuple((name, float(values[row])) for name, values in query.parameters.items())
    begun = [one for one in _beginnings(query.scenario, told) if len(one) == len(seen)]
    if len(begun) < 2 or len(seen) < 2:
        return {}
    each, noise = np.array(begun), np.repeat([READ, MOVING], 3)
    near = each
    for _ in range(ROUNDS):
        mean, variance = near.mean(0)[:, None], near.var(0)[:, None] + noise**2
        cost = ((states[seen] - mean)**2 / variance + np.log(variance)).sum(-1)
        chosen = linear_sum_assignment(cost)[1]
        apart = np.square((each - states[seen[chosen]]) / (each.std(0) + noise)).sum((1, 2))
        near = each[apart.argsort()[:NEAREST]]
    return dict(enumerate(seen[chosen].tolist()))


@functools.lru_cache(maxsize=32)
def _beginnings(scenario: str, told: tuple[tuple[str, float], ...]) -> tuple[np.ndarray, ...]:
    """Places and velocities (object, 6) with which cases begin, of those without hinges; the same
    for all members of a case."""
    cls, seed, found = scenario_class(scenario), seed_for(Purpose.TRAINING, 0), []
    for case in range(BEGINNINGS):
        codes = draw(cls, Split.IN_RANGE, seed, case).codes() | dict(told)
        scene = cls.from_codes(codes).scene(seed, case)
        if not isinstance(scene, MechanicalScene):
            break
        begun = [_begins(body) for body in followed_bodies(scene)]
        if not any(one is None for one in begun):
            found.append(np.array(begun))
    return tuple(found)


def _begins(body: Body) -> np.ndarray | None:
    """Where a body is at first and how it moves (6,), if it is free or slides."""
    joint = body.joint
    if joint is None or body.parent is not None or joint.freedom not in (
            Freedom.FREE, Freedom.SLIDE):
        return None
    place, velocity = np.array(body.position), np.array(body.velocity)
    if joint.freedom is Freedom.SLIDE:
        w, x, y, z = body.quaternion
        axis = Rotation.from_quat([x, y, z, w]).apply(np.array(joint.axis))
        axis = axis / np.linalg.norm(axis)
        place, velocity = place + joint.position * axis, joint.speed * axis
    return np.concatenate([place, velocity])
