"""What people did before t=0: who left when warned, and how far they came."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from worldsim.simulator.evacuation import Evacuation, PeopleDraw
from worldsim.simulator.people.checks import check_people
from worldsim.simulator.people.walkers import cells, density, incline_of, walk
from worldsim.simulator.people.ways import EDGE, Ways
from worldsim.simulator.scene import Person, Scene

STEP = 0.5
"""s between positions of people before t=0."""

NOTICE_DISTANCE = (30.0, 0.5)
"""m and lognormal deviation: how near a flood is when people see or hear it. Declared, wide; no
measurement was found."""

REACTION = (3.0, 0.5)
"""s and lognormal deviation, from noticing to moving. Declared, wide."""

FOOT_FRICTION = (0.3, 0.6)
"""Range of the coefficient of friction of feet on wet ground."""

BODY_DRAG = (1.1, 0.1)
"""Drag coefficient of a body, median and lognormal deviation: that of a circular cylinder at the
Reynolds numbers of legs (about 1e5; Hoerner 1965, Fluid-dynamic drag)."""


def before_start(scene: Scene, rng: np.random.Generator) -> tuple[Person, ...]:
    """The scene's people as they are at t=0 when they were where they are `warning_time` before.

    Everybody draws whether to go and when (Rayleigh); who has left by t=0 is on the way, in a
    shelter or past the safe edge. `rng` is a visible stream: all realizations share it.
    """
    check_people(scene)
    evacuation, count = scene.evacuation, len(scene.people)
    draws = rng.uniform(size=(2, count))
    if evacuation is None or not evacuation.is_warned or not count:
        return scene.people
    leaves = _departures(evacuation, draws)
    gone = leaves <= 0
    speed = np.array([person.walking_speed for person in scene.people])
    start = -evacuation.warned
    ways = Ways(scene)
    taken = dict.fromkeys(evacuation.shelters, 0)
    field = ways.field(np.ones_like(scene.bathymetry), _open(taken, evacuation))
    incline = incline_of(scene.bathymetry, scene.domain)
    place = np.array([
        ways.outside(person.building, field) if left and person.building >= 0 else person.position
        for person, left in zip(scene.people, gone, strict=True)
    ])
    walking = np.zeros(count, dtype=bool)
    arrived = np.full(count, math.nan)
    refuge = np.full(count, EDGE)
    for k in range(round(-start / STEP) + 1):
        now = min(start + k * STEP, 0.0)
        leaving = gone & ~walking & np.isnan(arrived) & (leaves <= now)
        walking |= leaving
        if not (gone & np.isnan(arrived)).any():
            break
        who = np.flatnonzero(walking)
        at = cells(place[who], scene.domain)
        reached = (field.cost[at] == 0) | (place[who, 0] >= evacuation.safe_edge)
        full = False
        for person in who[reached]:
            goal = int(field.goal[cells(place[person], scene.domain)])
            if place[person, 0] < evacuation.safe_edge and goal != EDGE:
                if taken[goal] >= evacuation.shelter_capacity:
                    continue
                taken[goal] += 1
                full |= taken[goal] >= evacuation.shelter_capacity
                refuge[person] = goal
            walking[person], arrived[person] = False, now
        if full:
            field = ways.field(np.ones_like(scene.bathymetry), _open(taken, evacuation))
        who = np.flatnonzero(walking)
        if now < 0 and len(who):
            none = np.zeros(len(who), dtype=np.int64)
            place[who] = walk(
                none, place[who], speed[who], density(none, place[who], scene.domain),
                field.direction[None], incline[None], ways.walls[None], scene.domain,
                min(STEP, -now),
            )
    found = []
    for number, person in enumerate(scene.people):
        if not gone[number]:
            found.append(person)
            continue
        shelter = int(refuge[number])
        left = dataclasses.replace(
            person, position=(float(place[number, 0]), float(place[number, 1])), building=-1,
            storey=0, departed=float(leaves[number]), arrived=float(arrived[number]),
        )
        if shelter >= 0:
            house = scene.buildings[shelter]
            x0, x1, y0, y1 = house.footprint
            left = dataclasses.replace(
                left, position=((x0 + x1) / 2, (y0 + y1) / 2), building=shelter,
                storey=house.storeys - 1,
            )
        found.append(left)
    return tuple(found)


def draw_people(scene: Scene, rng: np.random.Generator) -> PeopleDraw:
    """What the people of a scene as it is at t=0 do then; `rng` is a hidden stream.

    Who has not left by t=0 either never goes or goes later: the share of these two is Bayes' after
    the time since the warning, and the delay T of the latter follows T² = t₀² − 2σ² ln U.
    """
    count, evacuation = len(scene.people), scene.evacuation
    going, delay = rng.uniform(size=(2, count))
    notice, reaction, drag = rng.normal(size=(3, count))
    friction = rng.uniform(*FOOT_FRICTION, size=count)
    after = np.full(count, math.inf)
    if evacuation is not None and evacuation.is_warned and evacuation.delay_scale > 0:
        scale, waited = evacuation.delay_scale, evacuation.warned
        still = evacuation.participation * math.exp(-0.5 * (waited / scale) ** 2)
        share = still / (still + 1.0 - evacuation.participation) if still > 0 else 0.0
        later = np.sqrt(waited**2 - 2 * scale**2 * np.log(delay)) - waited
        after = np.where(going < share, later, math.inf)
    return PeopleDraw(
        delay=after,
        notice_distance=NOTICE_DISTANCE[0] * np.exp(NOTICE_DISTANCE[1] * notice),
        reaction=REACTION[0] * np.exp(REACTION[1] * reaction),
        foot_friction=friction,
        drag=BODY_DRAG[0] * np.exp(BODY_DRAG[1] * drag),
    )


def median_draw(count: int) -> PeopleDraw:
    """Everybody at the medians; nobody leaves because of a warning."""
    return PeopleDraw(
        delay=np.full(count, math.inf),
        notice_distance=np.full(count, NOTICE_DISTANCE[0]),
        reaction=np.full(count, REACTION[0]),
        foot_friction=np.full(count, sum(FOOT_FRICTION) / 2),
        drag=np.full(count, BODY_DRAG[0]),
    )


def _departures(evacuation: Evacuation, draws: np.ndarray) -> np.ndarray:
    """s relative to t=0 at which each leaves, inf for who does not."""
    delay = evacuation.delay_scale * np.sqrt(-2.0 * np.log1p(-draws[1]))
    return np.where(draws[0] < evacuation.participation, delay - evacuation.warned, math.inf)


def _open(taken: dict[int, int], evacuation: Evacuation) -> tuple[int, ...]:
    """Shelters that still take people in."""
    return tuple(n for n in evacuation.shelters if taken[n] < evacuation.shelter_capacity)

