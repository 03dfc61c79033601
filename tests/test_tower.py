"""Towers: they topple exactly where statics says so, at the rate of a rigid body, and by a ball."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from machine_runs import allowed, mirrored, refined, run
from scipy.integrate import solve_ivp

from scenarios.tower import Tower
from worldsim.simulator.constants import GRAVITY


def topples(scenario, seed=0, case=0, duration=3.0, **hidden):
    """Whether a block falls by more than half its height."""
    states = run(scenario.scene(seed, case), duration, **hidden)
    drops = [
        states.of(f"block {n + 1}", "position")[:, 2] for n in range(int(scenario.count))
    ]
    tall = 2 * states.scene.bodies[states.scene.numbers()["block 1"]].parts[0].size[-1]
    return max(z[0] - z[-1] for z in drops) > tall / 2


def balance(centres, width):
    """Least moment arm, m, found block by block from the top: a second way to `margin`."""
    least = math.inf
    for interface in range(len(centres) - 1):
        above = centres[interface + 1:]
        edge = centres[interface] + width / 2
        least = min(least, sum(edge - x for x in above) / len(above))
    return least


@given(
    st.sampled_from(("stair", "harmonic")), st.integers(2, 7), st.floats(0.0, 0.55),
    st.floats(0.4, 0.9),
)
def test_margin_is_that_of_the_limits_known_for_stacks(arrangement, count, overhang, width):
    scenario = Tower(arrangement=arrangement, count=count, overhang=overhang, width=width)
    assert scenario.margin() == pytest.approx(balance(list(scenario.offsets()), width))
    if arrangement == "stair":
        assert scenario.margin() == pytest.approx(width / 2 - overhang * count / 2)
    else:
        assert scenario.margin() == pytest.approx(width / 2 - overhang)
        reach = overhang * sum(1 / n for n in range(1, count))
        assert scenario.offsets()[-1] == pytest.approx(reach)


@pytest.mark.parametrize("shape", ("box", "cylinder"))
@pytest.mark.parametrize("arrangement", ("stair", "harmonic"))
@pytest.mark.parametrize("count", (2, 5))
def test_a_tower_topples_just_beyond_the_limit_and_stands_just_within(shape, arrangement, count):
    width = 0.6
    limit = width / count if arrangement == "stair" else width / 2
    within = allowed(Tower, arrangement)
    for share, falls in ((1 - within, False), (1 + within, True)):
        scenario = Tower(
            arrangement=arrangement, shape=shape, count=count, overhang=share * limit, width=width
        )
        assert (scenario.margin() < 0) == falls
        assert topples(scenario) == falls, share


def test_what_stands_does_not_creep():
    states = run(Tower(overhang=0.1).scene(0, 0), 3.0)
    for number in range(4):
        place = states.of(f"block {number + 1}", "position")
        assert np.abs(place - place[0]).max() < 1e-3


def test_the_upper_of_two_blocks_turns_as_a_rigid_body_about_the_edge():
    scenario = Tower(arrangement="stair", count=2, overhang=0.4, width=0.6)
    scene = scenario.scene(0, 0)
    tall = 2 * scene.bodies[scene.numbers()["block 2"]].parts[0].size[2]
    states = run(scene, 0.4)
    turn = states.of("block 2", "quaternion")
    angle = 2 * np.arctan2(np.abs(turn[:, 2]), turn[:, 0])

    beyond = scenario.overhang - scenario.width / 2
    arm = math.hypot(beyond, tall / 2)
    inertia = (scenario.width**2 + tall**2) / 12 + arm**2  # per mass, about the edge
    begin = math.atan2(beyond, tall / 2)  # of the centre, from the vertical
    slope = GRAVITY * arm / inertia
    solved = solve_ivp(
        lambda t, y: (y[1], slope * math.sin(begin + y[0])), (0, 0.4), (0.0, 0.0), rtol=1e-9,
        t_eval=states.time,
    )
    late = solved.y[0] > 0.05
    # Until friction of 0.6 no longer holds the edge in place.
    early = solved.y[0] < 0.35
    assert (late & early).sum() > 10
    tolerance = allowed(Tower, "rate")
    assert angle[late & early] == pytest.approx(solved.y[0][late & early], rel=tolerance)
    formula = GRAVITY * beyond / (
        (scenario.width**2 + tall**2) / 12 + beyond**2 + tall**2 / 4
    )
    assert formula == pytest.approx(slope * math.sin(begin))


def test_a_fast_ball_knocks_down_what_stands_and_a_slow_one_does_not():
    standing = Tower(overhang=0.08, struck="yes")
    assert topples(dataclasses.replace(standing, push=5.0))
    assert not topples(dataclasses.replace(standing, push=0.6))


def test_the_balls_speed_means_nothing_where_none_comes():
    one, other = (Tower(struck="no", push=push).scene(2, 1) for push in (0.5, 4.0))
    assert one == other


@pytest.mark.parametrize("scenario", (Tower(overhang=0.25), Tower(struck="yes", push=3.0)))
def test_energy_never_rises(scenario):
    states = run(scenario.scene(1, 0), 2.0)
    total = states.energy()
    assert np.diff(total).max() < allowed(Tower, "energy") * total[0]
    assert not bool(states.groups["/audit"]["failed"])


def test_the_mirror_image_falls_alike_and_so_does_one_in_shorter_steps():
    scene = Tower(overhang=0.25, count=3).scene(0, 0)
    states = run(scene, 0.7)
    image, finer = run(mirrored(scene), 0.7), run(refined(scene), 0.7)
    for name in ("block 1", "block 2", "block 3"):
        place = states.of(name, "position")
        assert image.of(name, "position") * [-1, 1, 1] == pytest.approx(place, abs=0.01)
        assert finer.of(name, "position") == pytest.approx(place, abs=0.02)


@settings(max_examples=8, deadline=None)
@given(st.floats(0.05, 0.35), st.integers(3, 5), st.integers(0, 50))
def test_hidden_masses_decide_only_near_the_limit(overhang, count, realization):
    scenario = Tower(arrangement="harmonic", overhang=overhang, count=count)
    assume(abs(scenario.margin()) > 0.05)
    scene = scenario.scene(0, 0)
    hidden = scenario.hidden(scene, 0, 0, realization)
    assert topples(scenario, hidden=hidden, duration=2.0) == (scenario.margin() < 0)
