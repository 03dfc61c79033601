"""Occlusion: what goes behind the screen comes out when, where and as fast as physics says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine_runs import allowed, mirrored, refined, run

import worldsim
from scenarios.occlusion import LANE, STAGE, Occlusion
from worldsim.simulator.constants import GRAVITY

LAST = 1.3
"""s: how long the tests follow what is behind the screen, unless they say."""


def body(scene, name):
    return scene.bodies[scene.numbers()[name]]


def edges(scene):
    """Left and right edge of the screen, m."""
    screen = body(scene, "screen")
    return screen.position[0] - screen.parts[0].size[0], (
        screen.position[0] + screen.parts[0].size[0]
    )


def times_behind(scene, name, speed):
    """When a body moving uniformly is first wholly behind the screen, and first seen again, s."""
    start, radius = body(scene, name).position[0], body(scene, name).parts[0].size[0]
    left, right = edges(scene)
    way = np.sign(speed)
    near, far = (left, right) if way > 0 else (right, left)
    return (near + way * radius - start) / speed, (far - way * radius - start) / speed


def seen(scenario, names, times, case=0):
    """(name, time) number of pixels of each body in the side view."""
    rollout = worldsim.simulate(
        scenario, seed=0, case_numbers=[case], duration=round(max(times) + 0.1, 1), threads=1
    )
    film = worldsim.render(rollout, "side", size=(96, 96), segmentation=True, times=times)
    segments = film["segmentation"].values[0, 0]
    scene = scenario.scene(0, case)
    owner = rollout["parts"]["body"].values[0]
    parts = [np.flatnonzero(owner == scene.numbers()[name])[0] for name in names]
    return np.array([(segments == part).sum(axis=(1, 2)) for part in parts])


@pytest.mark.parametrize("passage", ("passing", "crossing"))
def test_balls_vanish_and_reappear_when_uniform_motion_says(passage):
    scenario = Occlusion(passage=passage, speed=2.1, ratio=0.85, screen=1.3, radius=0.2)
    scene = scenario.scene(0, 0)
    for name in ("first", "second")[: 1 + (passage == "crossing")]:
        speed = body(scene, name).velocity[0]
        gone, back = times_behind(scene, name, speed)
        # A pixel is 0.05 m; within 30 ms before and after, a part of one is passed.
        before, in_between, after = seen(
            scenario, [name], [gone - 0.03, gone + 0.03, back - 0.03, back + 0.03]
        )[0][[0, 1, 3]]
        hidden = seen(scenario, [name], [(gone + back) / 2, back - 0.03])[0]
        assert before > 0 and in_between == 0 and (hidden == 0).all() and after > 0


@settings(max_examples=6, deadline=None)
@given(st.floats(1.5, 2.3), st.floats(0.18, 0.26), st.integers(0, 20))
def test_a_rolling_ball_keeps_its_speed_behind_the_screen(speed, radius, case):
    scenario = Occlusion(speed=speed, radius=radius)
    scene = scenario.scene(0, case)
    _, back = times_behind(scene, "first", body(scene, "first").velocity[0])
    states = run(scene, round(back, 1) + 0.2)
    x = states.of("first", "position")[:, 0]
    way = np.sign(x[-1] - x[0])
    left, right = edges(scene)
    goal = (right if way > 0 else left) - way * radius
    arrival = np.interp(way * goal, way * x, states.time)
    assert arrival == pytest.approx(back, rel=allowed(Occlusion, "reappearance"))


@pytest.mark.parametrize("case", range(4))
def test_two_that_cross_or_bounce_are_behind_the_screen_at_once(case):
    for passage, lane in (("crossing", LANE), ("bouncing", 0.0)):
        scene = Occlusion(passage=passage).scene(0, case)
        states = run(scene, LAST)
        one, other = (states.of(name, "position") for name in ("first", "second"))
        assert other[0, 1] == pytest.approx(lane)
        meeting = int(np.abs(one - other)[:, 0].argmin())
        left, right = edges(scene)
        radius = body(scene, "first").parts[0].size[0]
        for x in (one[meeting, 0], other[meeting, 0]):
            assert left < x - 0.9 * radius and x + 0.9 * radius < right, passage
        for x in (one[0, 0], other[0, 0]):
            assert abs(x) + radius <= STAGE / 2


def test_those_that_cross_do_not_touch_and_each_keeps_its_way():
    states = run(Occlusion(passage="crossing").scene(0, 0), 2.0)
    for name in ("first", "second"):
        speed = states.of(name, "velocity")[:, 0]
        assert np.abs(speed - speed[0]).max() < 1e-3 * abs(speed[0])


@pytest.mark.parametrize("restitution", (0.6, 0.8, 1.0))
def test_balls_that_bounce_roll_back_at_the_speed_that_momentum_and_friction_leave(restitution):
    scenario = Occlusion(passage="bouncing", restitution=restitution)
    states = run(scenario.scene(0, 0), 2.0)
    expected = (5 * restitution - 2) / 7
    for name in ("first", "second"):
        speed = states.of(name, "velocity")[:, 0]
        assert -speed[-1] / speed[0] == pytest.approx(expected, abs=allowed(Occlusion, "bounce"))
        # They roll again: the turning is that of a wheel.
        spin = states.of(name, "angular_velocity")[-1, 1]
        assert spin * scenario.radius == pytest.approx(speed[-1], rel=1e-2)


@pytest.mark.parametrize("speed", (1.5, 2.3))
def test_the_sliding_block_comes_to_rest_behind_the_screen_as_coulomb_says(speed):
    scenario = Occlusion(passage="stopping", speed=speed, radius=0.2, screen=1.2)
    scene = scenario.scene(0, 2)
    friction = body(scene, "first").material.friction
    states = run(scene, 3.0)
    x = states.of("first", "position")[:, 0]
    v = states.of("first", "velocity")[:, 0]
    way = speed**2 / (2 * friction * GRAVITY)
    stops = speed / (friction * GRAVITY)
    tolerance = allowed(Occlusion, "stop")
    assert abs(x[-1] - x[0]) == pytest.approx(way, rel=tolerance)
    sliding = states.time < 0.9 * stops
    assert np.abs(v[sliding]) == pytest.approx(
        speed - friction * GRAVITY * states.time[sliding], abs=tolerance * speed
    )
    assert stops < 3.0 and np.abs(v[states.time > 1.05 * stops]).max() < 1e-3
    left, right = edges(scene)
    assert left < x[-1] - 0.2 and x[-1] + 0.2 < right
    at_first, at_last = seen(scenario, ["first"], [0.1, 2.9], case=2)[0]
    assert at_first > 0 and at_last == 0


def test_nothing_is_hidden_from_physics_but_the_blocks_friction():
    for passage in ("passing", "crossing", "bouncing"):
        scenario = Occlusion(passage=passage)
        draw = scenario.hidden(scenario.scene(0, 0), 0, 0, 5)
        assert draw == type(draw)()
    scenario = Occlusion(passage="stopping")
    draws = [scenario.hidden(scenario.scene(0, 0), 0, 0, r).friction[0] for r in range(200)]
    assert np.std(draws) == pytest.approx(0.02, rel=0.2)


@pytest.mark.parametrize("passage", ("passing", "crossing", "bouncing", "stopping"))
def test_mirror_image_shorter_steps_and_energy(passage):
    scene = Occlusion(passage=passage).scene(0, 3)
    states, image, finer = (run(s, LAST) for s in (scene, mirrored(scene), refined(scene)))
    names = [b.name for b in scene.bodies if b.joint is not None]
    for name in names:
        place = states.of(name, "position")
        assert image.of(name, "position") * [-1, 1, 1] == pytest.approx(place, abs=1e-4)
        assert finer.of(name, "position") == pytest.approx(place, abs=5e-3)
    total = states.energy()
    assert np.diff(total).max() < 1e-4 * total[0]
    assert not bool(states.groups["/audit"]["failed"])
