"""People on dry ground: paces by their sources, ways round buildings, doors, capacity, choices."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people_scene import DOMAIN, hidden, house, scene, world_of

from worldsim.errors import InputError
from worldsim.simulator.evacuation import Evacuation
from worldsim.simulator.people import Status, before_start, draw_people, walking_speeds
from worldsim.simulator.people.pace import CROWD_EXPONENT, crowding, on_slope, wading
from worldsim.simulator.people.process import People
from worldsim.simulator.people.walkers import cells, density, incline_of, walk
from worldsim.simulator.people.ways import EDGE, Ways
from worldsim.simulator.scene import Person

EDGE_AT = 56.0
SAFE = Evacuation(safe_edge=EDGE_AT)


def person(x: float, y: float, **changes) -> Person:
    return Person(**({"position": (x, y), "age": 30.0, "female": True, "height": 1.7,
                      "mass": 65.0} | changes))


def test_paces_are_those_of_their_sources():
    # Weidmann: at 2 m-2, 1.34 (1 - exp(-1.913 (1/2 - 1/5.4))) = 0.606 m/s.
    assert 1.34 * crowding(np.array([2.0]))[0] == pytest.approx(0.606, abs=1e-3)
    assert crowding(np.array([0.0, 5.4]))[0] == pytest.approx(1.0)
    assert crowding(np.array([5.4]))[0] == pytest.approx(0.0, abs=1e-12)
    assert CROWD_EXPONENT == 1.913
    # Tobler: 6 exp(-3.5 |0.1 + 0.05|) km/h over 6 exp(-3.5 * 0.05).
    assert on_slope(np.array([0.1]))[0] == pytest.approx(np.exp(-0.35))
    assert on_slope(np.array([0.0]))[0] == 1.0
    # Li et al. 2026: -38.6% (men), -44.8% (women) at 0.35 m.
    assert 1 - 0.448 <= wading(np.array([0.35]))[0] <= 1 - 0.386 + 0.005


def test_walking_speeds_have_the_declared_mean_and_factors():
    rng = np.random.default_rng(0)
    ages = np.repeat([8.0, 40.0, 80.0], 20000)
    speed = walking_speeds(ages, np.zeros(len(ages), bool), rng).reshape(3, -1)
    np.testing.assert_allclose(speed.mean(1), 1.22 * np.array([0.8, 1.0, 0.7]), rtol=0.01)
    assert speed[1].std() == pytest.approx(0.20, rel=0.03)
    slow = walking_speeds(ages, np.ones(len(ages), bool), rng)
    assert slow.mean() == pytest.approx(0.5 * 1.22, rel=0.01)


def test_a_walker_needs_distance_over_speed():
    walker = person(10.0, 13.0, walking_speed=1.5)
    warned = dataclasses.replace(SAFE, warning_time=20.0, milling=0.0)
    walked = before_start(scene((walker,), evacuation=warned), np.random.default_rng(0))[0]
    assert walked.departed == -20.0 and np.isnan(walked.arrived)
    assert walked.position == pytest.approx((10.0 + 1.5 * 20.0, 13.0))
    late = dataclasses.replace(warned, warning_time=40.0)
    arrived = before_start(scene((walker,), evacuation=late), np.random.default_rng(0))[0].arrived
    # Safe from the first cell whose centre lies beyond the edge.
    assert arrived == pytest.approx(-40.0 + (EDGE_AT - 10.0) / 1.5, abs=0.51)


def test_the_way_round_a_building_is_the_shortest_but_for_the_grid():
    wall = house(30.0, 8.0, side=16.0)  # x 30..46, y 8..24
    ways = Ways(scene((person(20.0, 16.0),), buildings=(wall,), evacuation=SAFE))
    field = ways.field(np.ones((DOMAIN.ny, DOMAIN.nx)), ())
    row, column = cells(np.array([21.0, 17.0]), DOMAIN)
    # To the corner (30, 24) and straight on: at least that, at most 4% and half a cell more.
    least = np.hypot(9.0, 7.0) + (57.0 - 30.0)
    assert least * 0.999 <= field.cost[row, column] <= 1.04 * least + 2.0
    assert np.isinf(field.cost[ways.walls]).all()
    assert (field.goal[np.isfinite(field.cost)] == EDGE).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), dt=st.floats(0.05, 0.5))
def test_nobody_walks_through_walls_or_out_of_the_domain(seed, dt):
    rng = np.random.default_rng(seed)
    taken = np.zeros((DOMAIN.ny, DOMAIN.nx), dtype=bool)
    houses = []
    for _ in range(rng.integers(0, 6)):
        x0, y0 = 2.0 * rng.integers(1, 22), 2.0 * rng.integers(0, 20)
        new = house(float(x0), float(y0))
        where = scene((person(1.0, 1.0),), buildings=(new,)).cells_of(new)
        if not taken[where].any():
            taken[where] = True
            houses.append(new)
    ground = rng.uniform(0.0, 1.0, (DOMAIN.ny, DOMAIN.nx))
    town = scene((person(1.0, 1.0),), buildings=tuple(houses), evacuation=SAFE, ground=ground)
    ways = Ways(town)
    field = ways.field(np.ones_like(ground), ())
    place = rng.uniform((0.1, 0.1), (63.9, 47.9), (40, 2))
    place = place[~ways.walls[cells(place, DOMAIN)]]
    none = np.zeros(len(place), dtype=int)
    cost = field.cost[cells(place, DOMAIN)]
    start = cost.copy()
    for _ in range(round(20 / dt)):
        place = walk(none, place, np.full(len(place), 1.3), density(none, place, DOMAIN),
                     field.direction[None], incline_of(ground, DOMAIN)[None], ways.walls[None],
                     DOMAIN, dt)
        assert not ways.walls[cells(place, DOMAIN)].any()
        assert ((place > 0) & (place < (DOMAIN.length, DOMAIN.width))).all()
    on_the_way = np.isfinite(start) & (start > 8.0)
    nearer = (field.cost[cells(place, DOMAIN)] < start)[on_the_way]
    # Known: where two ways round a house are equally long, neighbouring cells can send one another
    # the walkers of their common edge. On such a line hardly anybody stands.
    assert nearer.mean() >= 0.9, "all but those between two equally long ways get nearer"


def test_a_full_shelter_refuses_and_the_others_go_on():
    shelter = house(30.0, 16.0)
    crowd = tuple(person(20.0 + k % 3, 14.0 + k, walking_speed=1.3) for k in range(9))
    told = Evacuation(EDGE_AT, warning_time=300.0, milling=0.0, shelters=(0,), shelter_capacity=4)
    town = scene(crowd, buildings=(shelter,), evacuation=told)
    walked = before_start(town, np.random.default_rng(1))
    inside = [p for p in walked if p.building == 0]
    assert len(inside) == 4 and all(p.storey == 1 and p.arrived < 0 for p in inside)
    outside = [p for p in walked if p.building < 0]
    assert len(outside) == 5 and all(p.position[0] >= EDGE_AT - 2 for p in outside)
    assert all(np.isfinite(p.arrived) for p in outside)
    assert len(walked) == len(crowd)


def test_departures_follow_rayleigh_and_the_hidden_rest_is_their_tail():
    crowd = tuple(person(10.0, 12.0) for _ in range(4000))
    told = Evacuation(EDGE_AT, warning_time=50.0, participation=0.7, milling=60.0)
    town = scene(crowd, evacuation=told)
    left = before_start(town, np.random.default_rng(3))
    sigma = 60.0 * np.sqrt(2 / np.pi)
    gone = np.mean([np.isfinite(p.departed) for p in left])
    assert gone == pytest.approx(0.7 * (1 - np.exp(-0.5 * (50 / sigma) ** 2)), abs=0.02)
    delay = draw_people(dataclasses.replace(town, people=left), np.random.default_rng(4)).delay
    still = 0.7 * np.exp(-0.5 * (50 / sigma) ** 2)
    assert np.isfinite(delay).mean() == pytest.approx(still / (still + 0.3), abs=0.02)
    # P(T > 50 + 30 | T > 50) of a Rayleigh distribution.
    beyond = (delay[np.isfinite(delay)] > 30.0).mean()
    assert beyond == pytest.approx(np.exp(-0.5 * (80**2 - 50**2) / sigma**2), abs=0.03)


def test_nobody_moves_without_warning_or_water():
    crowd = (person(10.0, 12.0), person(34.0, 20.0, building=0, storey=1))
    town = scene(crowd, buildings=(house(30.0, 16.0),), evacuation=SAFE)
    assert before_start(town, np.random.default_rng(0)) == crowd
    world, people = world_of([town], [hidden(2, 1)])
    for _ in world.frames(20):
        pass
    now = people.now()
    assert now["status"][0].tolist() == [Status.WAITING, Status.INDOORS]
    np.testing.assert_allclose(now["position"][0, 0], (10.0, 12.0, 1.0 + 0.85))
    np.testing.assert_allclose(now["position"][0, 1, 2], 1.05 + 3.0 + 0.85, atol=0.01)
    assert np.isnan(people.end()["departure_time"]).all()


def test_who_is_due_leaves_by_the_door_and_is_safe_at_the_edge():
    town = scene((person(34.0, 20.0, building=0, walking_speed=4.0),),
                 buildings=(house(30.0, 16.0),), evacuation=SAFE)
    world, people = world_of([town], [hidden(1, 1, delay=1.0)])
    seen = set()
    for _ in world.frames(70):
        seen.add(int(people.people.status[0, 0]))
    assert seen == {Status.INDOORS, Status.WALKING, Status.SAFE}
    end = people.end()
    assert end["departure_time"][0, 0] == pytest.approx(1.0, abs=0.11)
    # From a door on the east side, x = 39, to the edge.
    assert end["safe_time"][0, 0] - 1.0 == pytest.approx((EDGE_AT - 39.0) / 4.0, abs=0.3)
    assert not end["sheltered"][0, 0]


@pytest.mark.parametrize(
    ("changes", "buildings", "evacuation", "says"),
    [
        ({"position": (34.0, 20.0)}, True, None, "inside a wall"),
        ({"position": (99.0, 20.0)}, False, None, "outside the domain"),
        ({"mass": -5.0}, False, None, "mass=-5; give 2 to 300 kg"),
        ({"height": 3.0}, False, None, "height=3; give 0.4 to 2.5 m"),
        ({"age": float("nan")}, False, None, "age=nan"),
        ({"building": 4}, True, None, "building=4; there are buildings 0 to 0"),
        ({"building": 0, "storey": 2}, True, None, "storey 2 of building 0"),
        ({"home": 3}, True, None, "home=3"),
        ({}, True, Evacuation(80.0), "safe_edge=80 m"),
        ({}, True, Evacuation(50.0, shelters=(7,), shelter_capacity=3), "shelter 7 does not exist"),
    ],
)
def test_people_who_cannot_be_are_named_before_the_first_step(
    changes, buildings, evacuation, says
):
    houses = (house(30.0, 16.0),) if buildings else ()
    town = scene((person(10.0, 12.0, **changes) if "position" not in changes
                  else person(0.0, 0.0, **changes),), buildings=houses, evacuation=evacuation)
    with pytest.raises(InputError, match=says):
        People.declare([town])


def test_unreachable_goals_are_named():
    barrier = tuple(house(48.0, float(y)) for y in range(0, 48, 8))
    with pytest.raises(InputError, match="can reach neither"):
        People.declare([scene((person(10.0, 12.0),), buildings=barrier, evacuation=SAFE)])
    ring = (house(16.0, 16.0), house(8.0, 16.0), house(24.0, 16.0), house(16.0, 8.0),
            house(16.0, 24.0))
    walled_in = Evacuation(EDGE_AT, shelters=(0,), shelter_capacity=5)
    with pytest.raises(InputError, match="shelter 0 cannot be reached"):
        People.declare([scene((person(50.0, 40.0),), buildings=ring, evacuation=walled_in)])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"participation": 1.2}, "participation=1.2"),
        ({"milling": -1.0}, "milling=-1"),
        ({"warning_time": 1e5}, "warning_time=100000 s: give at most 1800"),
        ({"shelter_capacity": -3}, "shelter_capacity=-3"),
    ],
)
def test_evacuations_that_cannot_be(arguments, says):
    with pytest.raises(InputError, match=says):
        Evacuation(EDGE_AT, **arguments)
