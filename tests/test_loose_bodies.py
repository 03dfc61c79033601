"""Loose bodies by kind: when they float, slide and break loose; what tanks give to the water."""

import dataclasses

import numpy as np
import pytest
import torch
from coast_scenes import body, coast, draw, pool, run, world

from worldsim.errors import InputError
from worldsim.simulator.coast import Pier
from worldsim.simulator.constants import COUPLING_STEP, GRAVITY, SEAWATER_DENSITY
from worldsim.simulator.floating import (
    Floaters,
    FloatingLoads,
    WaterFields,
    floating_forces,
)
from worldsim.simulator.loose_bodies import (
    KINDS,
    Contents,
    DebrisKind,
    debris_draw,
    mass_and_drag,
)
from worldsim.simulator.recording import Recording
from worldsim.simulator.water import Transport

CAR = body(DebrisKind.CAR, (2.0, 0.825, 0.725), heading=0.3)
SILL = sum(KINDS[DebrisKind.CAR].sill) / 2
TANK = body(DebrisKind.TANK, (4.431, 4.431, 4.5))
"""10 m across and 9 m high; the plan area of the round one."""

HALF_FULL = dataclasses.replace(TANK, contents=Contents(850.0 * 78.54 * 4.5))


@pytest.mark.parametrize(
    ("loose", "density", "sill", "published"),
    [
        (CAR, 105.0, SILL, (0.28, 0.40)),  # small: 0.30 m, medium 0.38 m
        (TANK, 29.7, 0.0, (0.255, 0.265)),  # 21 t, empty: 0.26 m
        (HALF_FULL, 29.7, 0.0, (3.95, 4.05)),  # 4.0 m
    ],
)
def test_bodies_float_at_their_closed_form_depth_and_not_before(loose, density, sill, published):
    volume = 8 * np.prod(loose.half_size)
    mass = density * volume + (loose.contents.mass if loose.contents else 0.0)
    area = 4 * loose.half_size[0] * loose.half_size[1]
    threshold = mass / (SEAWATER_DENSITY * area) + sill
    assert published[0] < threshold < published[1]
    for factor, floats in ((0.98, False), (1.02, True)):
        scene = pool(factor * threshold, loose)
        running = world(scene, hidden=[draw(scene, density=density)])
        before = running.bodies.position[0, -1].copy()
        moved = run(running, 3.0).bodies.position[0, -1] - before
        assert (moved[2] > 0.3 * 0.02 * (threshold - sill)) == floats
        assert abs(moved[2]) < 0.03 * threshold and np.abs(moved[:2]).max() < 1e-3


DECK = body(DebrisKind.DECK, (6.0, 3.0, 0.4), at=(46.0, 16.0), elevation=3.0)
PIERS = (Pier((40.0, 41.0, 14.0, 18.0), 3.0), Pier((51.0, 52.0, 14.0, 18.0), 3.0))


@pytest.mark.parametrize("lift", [0.0, 0.5])
def test_a_deck_slips_where_the_push_exceeds_friction_on_what_lift_leaves_of_its_weight(lift):
    scene = coast(0.0, PIERS, (DECK,))
    own = draw(scene, density=1600.0)
    for factor, slips in ((0.97, False), (1.03, True)):
        bodies = world(scene, hidden=[own]).bodies
        weight = 1600.0 * 8 * np.prod(DECK.half_size) * GRAVITY
        push = np.zeros((1, bodies.slots.bodies, 3))
        none = np.zeros(push.shape[:2])
        push[0, -1] = factor * own.debris.friction[0] * (1 - lift) * weight, 0.0, lift * weight
        held = FloatingLoads(push, np.zeros_like(push), none, none.copy(), np.zeros((2, 1, 1, 1)))
        start = bodies.position[0, -1].copy()
        for _ in range(20):
            bodies.advance(np.zeros((1, 1, 1, 2)), held, COUPLING_STEP)
        moved = bodies.position[0, -1] - start
        assert abs(moved[2]) < 0.01
        assert (moved[0] > 0.02) == slips
        assert bodies.contact_impulse[0, -1] < 2e-3 * weight, "friction below it is no blow"


def test_every_kind_rests_where_it_is_put():
    kinds = [kind for kind in DebrisKind if kind is not DebrisKind.DECK]
    loose = [
        body(kind, (2.0, 0.8, 0.7), at=(26.0 + 6 * i, 16.0), heading=0.4 * i)
        for i, kind in enumerate(kinds)
    ]
    scene = coast(0.0, PIERS, (*loose[:3], DECK), closed=True)
    running = world(scene)
    before = running.bodies.position.copy()
    run(running, 2.0)
    assert np.abs(running.bodies.position - before)[0, 1:].max() < 0.005
    assert np.abs(running.bodies.velocity)[0, 1:].max() < 1e-3


def test_a_wave_carries_off_what_stands_in_its_way_and_blows_are_booked():
    container = body(DebrisKind.CONTAINER, (3.03, 1.22, 1.295), at=(30.0, 16.0))
    log = body(DebrisKind.LOG, (4.0, 0.16, 0.16), at=(24.0, 16.0), heading=0.2)
    scene = coast(3.0, PIERS, (container, log, DECK))
    ended = run(world(scene, hidden=[draw(scene, 1)]), 7.0)
    state = next(p for p in ended.processes if p.group == "debris").end()
    moved = state["moved_time"][0]
    assert np.isfinite(moved[:2]).all()
    assert np.isnan(state["release_time"]).all()
    assert (ended.bodies.contact_impulse[0, 1:] > 0).any()
    for name in ("mass_error", "momentum_error", "third_law_error"):
        assert getattr(ended.audit, name).max() < 1e-12, name


def test_colliding_boxes_keep_their_momentum_and_both_book_the_blow():
    """Two boxes afloat far from anything else; without water's drag, that is."""
    boats = [
        body(DebrisKind.BOAT, (2.0, 1.0, 1.0), at=(12.0, 12.0)),
        body(DebrisKind.BOAT, (2.0, 1.0, 1.0), at=(17.0, 12.3)),
    ]
    scene = pool(4.0, *boats)
    running = world(scene)
    run(running, 4.0)  # they settle to their draught
    running.bodies.contact_impulse[:] = 0.0
    running.bodies.floaters.drag[:] = 0.0
    running.bodies._free_qvel[0, 0, 0] = 3.0
    mass = running.bodies.floaters.mass[0, -1]
    inertia = mass * 1.5  # with the added mass
    slowest = []
    for _ in range(40):
        running.step()
        slowest.append(running.bodies.velocity[0, 1:, 0].copy())
    after = slowest[-1]
    assert after[1] > 1.0, "it was hit"
    blow = running.bodies.contact_impulse[0, 1:]
    assert blow[0] == pytest.approx(blow[1], rel=0.05)
    assert blow[1] == pytest.approx(inertia * np.hypot(*running.bodies.velocity[0, 2, :2]), rel=0.1)


FARM = dataclasses.replace(
    body(DebrisKind.TANK, (2.0, 2.0, 1.5), at=(16.0, 12.0)), contents=Contents(2000.0, 100.0)
)


def test_a_tank_that_floats_off_gives_its_contents_to_the_water_and_no_gram_is_lost():
    scene = pool(2.0, FARM, transport=Transport(decay=0.02))
    hidden = draw(scene, density=60.0)
    record = Recording([scene], 1, 60)
    running = world(scene, hidden=[hidden])
    for frame in running.frames(60):
        record.store([(0, 0)], frame, running)
    record.finish([(0, 0)], running)
    groups = record.datasets()
    debris = groups["/debris"].isel(case=0, realization=0)
    assert debris["release_cause"].values[0] == 1 and debris["release_time"].values[0] < 1.0
    left = debris["contents"].values[:, 0]
    assert left[0] == 100.0 and (np.diff(left) <= 0).all() and 85.0 < left[-1] < 95.0
    assert running.tracer.came_in[0] == pytest.approx(100.0 - left[-1], rel=1e-6)
    assert running.tracer.decayed[0] > 0
    assert running.tracer_error[0] < 1e-12 and running.failures()[0] == 0
    c = groups["/water"]["tracer"].values[0, 0]
    assert (c >= 0).all() and c[-1].max() == running.tracer_concentration().max().astype(np.float32)
    held = running.tracer_concentration() * running.water.depth.numpy()
    assert held.sum() * 4.0 == pytest.approx(running.tracer.held(running.water, 4.0)[0], rel=1e-12)
    assert groups["/audit"]["tracer_error"].values[0, 0] == running.tracer_error[0]


def test_a_member_does_not_know_of_others_tanks():
    boat = body(DebrisKind.BOAT, (2.0, 1.0, 1.0), at=(12.0, 12.0))
    scenes = [pool(2.0, boat), pool(2.0, FARM)]
    hidden = [draw(scene, density=60.0) for scene in scenes]
    together = run(world(*scenes, hidden=hidden), 1.5)
    assert together.tracer.came_in[0] == 0 < together.tracer.came_in[1]
    for number, (scene, own) in enumerate(zip(scenes, hidden, strict=True)):
        alone = run(world(scene, hidden=[own]), 1.5)
        for name in ("depth", "momentum_x", "momentum_y"):
            assert torch.equal(
                getattr(alone.water, name)[0], getattr(together.water, name)[number]
            )
        np.testing.assert_array_equal(alone.bodies.position[0], together.bodies.position[number])
        if number:
            assert torch.equal(alone.water.tracer[0], together.water.tracer[1])
    other = dataclasses.replace(scenes[1], transport=Transport(decay=1.0))
    with pytest.raises(InputError, match="spread differently"):
        world(scenes[1], other)


def test_pipes_break_at_the_drawn_depth_and_anchors_hold_until_they_are_overpowered():
    buoyancy = SEAWATER_DENSITY * 16.0 * 2.0 * GRAVITY
    weight = (60.0 * 48.0 + 2000.0) * GRAVITY
    for anchor, breaks, depth, cause in (
        (1.4 * (buoyancy - weight), False, 2.0, "none"),
        (0.7 * (buoyancy - weight), True, 2.0, "moved"),
        (1e7, False, 2.8, "plumbing"),
    ):
        scene = pool(depth, dataclasses.replace(FARM, anchor=anchor))
        running = run(world(scene, hidden=[draw(scene, density=60.0)]), 1.5)
        state = next(p for p in running.processes if p.group == "debris").end()
        assert np.isfinite(state["release_time"][0, 0]) == (cause != "none")
        assert ("none", "moved", "plumbing")[state["release_cause"][0, 0]] == cause
        lifted = running.bodies.position[0, -1, 2] - 2.5
        assert (lifted > 0.1) == breaks and (breaks or abs(lifted) < 0.05)


def test_cars_fill_and_settle():
    scene = pool(1.0, CAR)
    hidden = draw(scene, density=105.0)
    leaky = dataclasses.replace(hidden.debris, leak_time=np.array([1.0]))
    running = world(scene, hidden=[dataclasses.replace(hidden, debris=leaky)])
    heights = []
    for frame in running.frames(60):
        if frame in (10, 60):
            heights.append(running.bodies.position[0, -1, 2] - 1.725)
    assert heights[0] > 0.5 and heights[1] < 0.3


def test_draws_belong_to_their_slot_and_lie_in_their_kinds_range():
    scene = pool(1.0, CAR, body(DebrisKind.CONTAINER, (3.0, 1.2, 1.3), at=(25.0, 6.0)))
    one, other = debris_draw(scene, 1, 0, 0), debris_draw(scene, 1, 0, 1)
    assert not np.array_equal(one.friction, other.friction)
    alone = pool(1.0, CAR)
    assert debris_draw(alone, 1, 0, 0).friction[0] == one.friction[0]
    for realization in range(50):
        density, drag = mass_and_drag(scene, 1, 0, realization)
        assert 80 <= density[0] <= 160 and 60 <= density[1] <= 705 and (drag > 0).all()
        drawn = debris_draw(scene, 1, 0, realization)
        assert 0.13 <= drawn.sill[0] <= 0.20 and drawn.sill[1] == 0.0


@pytest.mark.parametrize(
    ("loose", "works", "message"),
    [
        (dataclasses.replace(CAR, position=(80.0, 3.0)), (), "outside the domain"),
        (dataclasses.replace(CAR, kind="balloon"), (), "unknown kind 'balloon'"),
        (dataclasses.replace(CAR, half_size=(2.0, 0.0, 1.0)), (), "half sizes"),
        (dataclasses.replace(CAR, contents=Contents(10.0)), (), "only tanks"),
        (dataclasses.replace(CAR, elevation=2.0), (), "only decks"),
        (dataclasses.replace(FARM, contents=Contents(-1.0)), (), "contents of -1 kg"),
        (dataclasses.replace(FARM, contents=Contents(10.0, 11.0)), (), "11 kg that dissolve"),
        (dataclasses.replace(FARM, anchor=-5.0), (), "anchor=-5"),
        (DECK, PIERS[:1], "1 piers"),
        (DECK, (dataclasses.replace(PIERS[0], top=2.5), PIERS[1]), "1 piers"),
        (dataclasses.replace(DECK, elevation=None), PIERS, "give its elevation"),
    ],
)
def test_bodies_that_cannot_be_are_named(loose, works, message):
    with pytest.raises(InputError, match=message):
        coast(1.0, works, (loose,))


def test_a_medium_car_begins_to_slide_at_the_published_depth_times_speed():
    """Al-Qadami 2023, full size: h v > 0.36 m2/s, afloat at 0.38 m. Tyres' friction 0.3 to 0.6."""
    half, mass = (2.2, 0.875, 0.75), 1350.0
    domain = pool(1.0).domain
    boxes = Floaters(
        np.array([[half]]), np.full((1, 1), mass), np.full((1, 1), KINDS[DebrisKind.CAR].drag),
        np.ones((1, 1)), np.ones((1, 1), dtype=bool), np.full((1, 1), SILL),
    )

    def holds(depth: float, speed: float, friction: float) -> bool:
        level = np.full((1, domain.ny, domain.nx), depth)
        water = WaterFields.of(level, speed * level, 0 * level, 0 * level, domain)
        place, still = np.array([[[16.0, 12.0, half[2]]]]), np.zeros((1, 1, 3))
        # A car that is held takes the drag of the whole step: dt = 0.
        loads = floating_forces(
            water, boxes, place, np.eye(3)[None, None], still, still, domain, GRAVITY, 0.0
        )
        push, lift = loads.force[0, 0, 0], loads.force[0, 0, 2]
        return bool(push < friction * (mass * GRAVITY - lift))

    def threshold(depth: float, friction: float) -> float:
        low, high = 0.0, 20.0
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if holds(depth, middle, friction) else (low, middle)
        return low * depth

    onset = {
        friction: [threshold(depth, friction) for depth in (0.15, 0.20, 0.25, 0.30)]
        for friction in KINDS[DebrisKind.CAR].friction
    }
    assert min(onset[0.3]) == pytest.approx(0.36, abs=0.05)
    assert all(0.3 < hv < 0.9 for row in onset.values() for hv in row)
    assert all(low < high for low, high in zip(onset[0.3], onset[0.6], strict=True))
    assert not holds(0.36, 0.3, 0.3), "all but afloat"
