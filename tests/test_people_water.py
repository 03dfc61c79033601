"""People in the water: when feet slip and balance goes, what is given back, who floats or rises."""

import dataclasses

import mujoco
import numpy as np
import pytest
from people_scene import DOMAIN, exchange, hidden, house, scene, world_of

from worldsim.simulator.audit import Failure
from worldsim.simulator.body_models import set_added_inertia
from worldsim.simulator.constants import COUPLING_STEP, GRAVITY, SEAWATER_DENSITY
from worldsim.simulator.evacuation import Evacuation, PeopleDraw
from worldsim.simulator.people import Status
from worldsim.simulator.people.bodies import SWEPT_OFF
from worldsim.simulator.people.feet import LEVER
from worldsim.simulator.people.water_loads import SEGMENTS, Segments, axis_of
from worldsim.simulator.scene import Person

CELL = SEAWATER_DENSITY * DOMAIN.dx * DOMAIN.dy
ABT = [(1.52, 41.0), (1.63, 55.0), (1.75, 75.0), (1.90, 91.0)]
"""m and kg: height times mass from 62 to 173 m kg, as of Abt's subjects."""


def standing(bodies=((1.75, 75.0),), spread=6.0) -> tuple[Person, ...]:
    return tuple(Person((8.0, 6.0 + spread * k), 30.0, False, h, m)
                 for k, (h, m) in enumerate(bodies))


def uniform(depth: float, members: int = 1) -> np.ndarray:
    return np.full((members, DOMAIN.ny, DOMAIN.nx), depth)


def thresholds(height: float, mass: float, depth: float, friction: float) -> tuple[float, float]:
    """m/s at which a body of drag coefficient 1.1 slides: ½ρC Σb·v² = μ(W − B), and topples:
    ½ρC Σb z·v² = (W − B)ℓ, over the wetted part of each segment."""
    one = Segments.of(*(np.array([value]) for value in (height, 0.12, mass, 1.1)))
    length = height / SEGMENTS
    low = length * np.arange(SEGMENTS)
    wetted = np.clip((depth - low) / length, 0.0, 1.0)
    load = mass * GRAVITY - SEAWATER_DENSITY * GRAVITY * (one.standing_volume[0] * wetted).sum()
    push = 0.5 * SEAWATER_DENSITY * 1.1 * one.standing_width[0] * length * wetted
    arm = low + 0.5 * length
    return (np.sqrt(friction * load / push.sum()),
            np.sqrt(load * LEVER * height / (push * arm).sum()))


def hold(speed: float, depth: float, friction: float, seconds: float = 6.0):
    """The state of one standing person after a flow has risen to `speed` and stayed."""
    world, people = world_of([scene(standing())], [hidden(1, foot_friction=friction)])
    for k in range(round(seconds / COUPLING_STEP)):
        now = speed * min(1.0, k * COUPLING_STEP / 2.0)
        exchange(world, people, uniform(depth), now * np.ones((1, DOMAIN.ny, DOMAIN.nx)))
    axis = axis_of(world.bodies.people.quaternion)[0, 0]
    return people.people.place[0, 0, 0] - 8.0, axis[2], people.people.status[0, 0]


@pytest.mark.parametrize("depth", [0.5, 1.0])
def test_feet_hold_up_to_their_friction_and_slide_beyond_it(depth):
    slides, topples = thresholds(1.75, 75.0, depth, 0.4)
    assert slides < topples
    moved, upright, status = hold(0.97 * slides, depth, 0.4)
    assert abs(moved) < 0.02 and upright > 0.99 and status == Status.WADING
    moved, upright, status = hold(1.05 * slides, depth, 0.4)
    assert moved > 0.1 and upright > 0.95, "slides on its feet"


def test_balance_holds_up_to_its_lever_and_topples_beyond_it():
    slides, topples = thresholds(1.75, 75.0, 1.1, 3.0)
    assert topples < slides
    assert hold(0.95 * topples, 1.1, 3.0)[2] == Status.WADING
    _, upright, status = hold(1.05 * topples, 1.1, 3.0)
    assert status == Status.IN_WATER and upright < 0.8


def test_knock_over_lies_within_the_scatter_of_abts_subjects():
    """hv 0.7 to 2.1 m2/s for depths of 0.4 to 1.2 m and height times mass of 62 to 173 m kg."""
    depths = np.array([0.4, 0.6, 0.8, 1.0, 1.2])
    town = scene(standing(ABT))
    world, people = world_of([town] * len(depths), [hidden(len(ABT))] * len(depths))
    depth = np.broadcast_to(depths[:, None, None], (len(depths), DOMAIN.ny, DOMAIN.nx))
    found = np.full((len(depths), len(ABT)), np.nan)
    for k in range(260):
        speed = 0.015 * max(k - 20, 0)
        exchange(world, people, depth, np.full(depth.shape, speed))
        new = np.isnan(found) & np.isfinite(people.people.knocked_over_time)
        found[new] = speed
        if np.isfinite(found).all():
            break
    hv = found * depths[:, None]
    assert ((hv > 0.7) & (hv < 2.1)).all(), hv.round(2)
    assert ((found > 0.8) & (found < 3.0)).all(), found.round(2)
    assert (np.diff(hv, axis=1) > 0).all(), "the taller and heavier stand longer"
    slides = np.array([[thresholds(*body, d, 0.45)[0] for body in ABT] for d in depths])
    np.testing.assert_allclose(found, slides + SWEPT_OFF, rtol=0.07)


def test_the_water_gets_what_bodies_receive():
    world, people = world_of([scene(standing(ABT, spread=3.0))], [hidden(len(ABT))])
    rng = np.random.default_rng(0)
    speed = rng.uniform(-3.0, 3.0, (1, DOMAIN.ny, DOMAIN.nx))
    depth = rng.uniform(0.0, 1.5, speed.shape)
    pushed = False
    for _ in range(40):
        given = exchange(world, people, depth, speed).sum((1, 2, 3)) * CELL
        force = world.bodies.people.water_force[..., :2].sum((0, 1)) * COUPLING_STEP
        np.testing.assert_allclose(given, -force, atol=1e-9, rtol=1e-12)
        pushed = pushed or np.abs(given).max() > 1.0
    assert pushed


def test_a_body_floats_in_still_water_and_is_not_pushed():
    """In 3 m of water nobody stands; a body of 1000 kg/m3 floats in 1025 with little above."""
    world, people = world_of([scene(standing())], [hidden(1)])
    for _ in range(400):
        given = exchange(world, people, uniform(3.0), 0 * uniform(3.0))
    body = world.bodies.people
    assert people.people.status[0, 0] == Status.IN_WATER
    assert np.abs(body.velocity[0, 0]).max() < 0.05
    assert np.abs(given).max() * CELL < 1e-6, "still water gets no impulse"
    surface = 1.0 + 3.0
    assert surface - 1.8 < body.position[0, 0, 2] < surface
    assert body.water_force[0, 0, 2] == pytest.approx(75.0 * GRAVITY, rel=0.02)
    assert people.people.carried_distance[0, 0] < 0.05


def test_who_lies_in_shallow_slow_water_stands_up_and_walks_off_when_it_is_gone():
    safe = Evacuation(safe_edge=60.0)
    world, people = world_of([scene(standing(), evacuation=safe)], [hidden(1)])
    for _ in range(20):
        exchange(world, people, uniform(0.4), 4.0 + 0 * uniform(0.4))
    assert people.people.status[0, 0] == Status.IN_WATER
    knocked = people.people.knocked_over_time[0, 0]
    for _ in range(160):
        exchange(world, people, uniform(0.2), 0 * uniform(0.2))
        if people.people.status[0, 0] == Status.WADING:
            break
    assert people.people.status[0, 0] == Status.WADING
    for _ in range(20):
        exchange(world, people, uniform(0.01), 0 * uniform(0.2))
    assert people.people.status[0, 0] == Status.WALKING
    assert not world.bodies.people.placed[0, 0]
    assert people.people.knocked_over_time[0, 0] == knocked
    assert people.people.water_time[0, 0] > 0.5


def flood(count: int = 24, buildings: bool = True):
    """A dam breaks towards a street: people out of doors and in weak houses."""
    rng = np.random.default_rng(5)
    houses = (house(30.0, 8.0), house(30.0, 28.0, storeys=1)) if buildings else ()
    crowd = []
    for k in range(count):
        inside = k % 3 if buildings else 0
        age, height = rng.uniform(4, 80), rng.uniform(1.1, 1.9)
        where = (rng.uniform(44.0, 56.0), rng.uniform(2.0, 46.0))
        if inside:
            x0, x1, y0, y1 = houses[inside - 1].footprint
            where = ((x0 + x1) / 2, (y0 + y1) / 2)
        crowd.append(Person(where, age, bool(k % 2), height, 23.0 * height**2,
                            building=inside - 1, storey=k % 2 if inside == 1 else 0))
    ground = np.full((DOMAIN.ny, DOMAIN.nx), 1.0)
    surface = np.where(np.arange(DOMAIN.nx) < 11, 5.0, 0.0) * np.ones((DOMAIN.ny, 1))
    return scene(tuple(crowd), buildings=houses, ground=ground, surface=surface,
                 evacuation=Evacuation(safe_edge=62.0))


def weak(count: int, seed: int):
    rng = np.random.default_rng(seed)
    draw = hidden(count, 2, strength=0.15)
    return dataclasses.replace(draw, people=PeopleDraw(
        np.full(count, np.inf), rng.uniform(5, 40, count), rng.uniform(1, 4, count),
        rng.uniform(0.3, 0.6, count), rng.uniform(1.0, 1.2, count)))


@pytest.fixture(scope="module")
def flooded():
    """Three members of 5 s, with everything that was recorded of people."""
    town, seeds = flood(), (1, 2, 3)
    world, people = world_of([town] * 3, [weak(24, seed) for seed in seeds])
    series, gaps = [], []
    for _ in world.frames(50):
        series.append({name: values.copy() for name, values in people.now().items()})
    return town, world, people, series, gaps


def test_all_books_close_with_people_in_the_water(flooded):
    _, world, people, _, _ = flooded
    assert (world.failures() == Failure.NONE).all()
    assert people.people.water_time.max() > 0.5
    assert world.audit.third_law_error.max() <= 1e-8
    assert world.audit.momentum_error.max() <= 1e-8
    assert world.audit.mass_error.max() <= 1e-10


def test_a_member_alone_is_the_member_in_the_batch(flooded):
    town, _, people, series, _ = flooded
    world, alone = world_of([town], [weak(24, 2)])
    for frame, kept in zip(world.frames(50), series, strict=True):
        for name, values in alone.now().items():
            assert np.array_equal(values[0], kept[name][1], equal_nan=True), (name, frame)
    for name, values in alone.end().items():
        assert np.array_equal(values[0], people.end()[name][1], equal_nan=True), name


def test_nobody_is_lost_and_everybody_stays_in_the_domain(flooded):
    town, _, people, series, _ = flooded
    for now in series:
        exists = people.people.exists
        assert (exists.sum(1) == len(town.people)).all()
        assert np.isfinite(now["position"][exists]).all()
        place = now["position"][exists][:, :2]
        assert ((place > 0) & (place < (DOMAIN.length, DOMAIN.width))).all()
        assert np.isin(now["status"][exists], list(Status)).all()


def test_who_is_in_a_storey_that_comes_down_is_put_into_the_water_gently(flooded):
    _, world, people, _, _ = flooded
    end = people.end()
    buried = np.isfinite(end["collapse_time"])
    assert buried.any(), "weak houses come down"
    fallen = world.buildings.failure_time[:, :1]
    assert (end["collapse_time"][buried] >= 0).all() and np.isfinite(fallen).any()
    assert (people.people.building[buried] == -1).all()
    # A resting start: no contact throws anybody faster than the water goes.
    speed = np.abs(world.bodies.people.velocity).max()
    assert speed < 25.0, speed


def test_exposures_are_consistent(flooded):
    _, _, people, _, _ = flooded
    end, exists = people.end(), people.people.exists
    wet = end["wet_time"][exists] > 0
    assert (end["max_depth"][exists][wet] > 0.05).all()
    assert (end["submerged_time"] <= 5.0 + 1e-9).all()
    assert (end["water_time"] <= 5.0 + 1e-9).all()
    knocked = np.isfinite(end["knocked_over_time"])
    assert (end["max_depth_velocity"][knocked] > 0).all()
    carried = end["carried_distance"] > 0.1
    assert (end["water_time"][carried] > 0).all()
    assert (end["contact_impulse"] >= 0).all()


def test_a_stopped_member_is_left_alone(flooded):
    town = flooded[0]
    world, people = world_of([town] * 2, [weak(24, 1), weak(24, 2)])
    for _ in range(30):
        world.step()
        world.time += COUPLING_STEP
    world.stops.stop(0, Failure.BODIES_DIVERGED, world.time)
    before = {name: values.copy() for name, values in people.end().items()}
    status = people.people.status.copy()
    for _ in range(30):
        world.step()
        world.time += COUPLING_STEP
    for name, values in people.end().items():
        assert np.array_equal(values[0], before[name][0], equal_nan=True), name
    assert np.array_equal(people.people.status[0], status[0])
    assert not np.array_equal(people.people.status[1], status[1])


def test_added_inertia_acts_on_bodies_that_are_compiled_already():
    model = mujoco.MjModel.from_xml_string(
        '<mujoco><option jacobian="sparse"/><worldbody><body><freejoint/>'
        '<geom type="box" size="1 1 1" mass="10"/></body></worldbody></mujoco>'
    )
    data = mujoco.MjData(model)
    data.qfrc_applied[0] = 30.0
    for added in (5.0, 20.0):
        set_added_inertia(model, slice(0, 2), added)
        mujoco.mj_forward(model, data)
        assert data.qacc[0] == pytest.approx(30.0 / (10.0 + added))
