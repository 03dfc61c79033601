"""Dominoes: order, strike, toppling of one, scaling with gravity, reach, threshold, energy."""

import dataclasses
import math

import numpy as np
import pytest
from machine_runs import allowed, mirrored, refined, run
from scipy.integrate import solve_ivp

from scenarios.dominoes import WIDTH, Dominoes
from worldsim.mechanics import Material, MechanicalScene, block, floor
from worldsim.simulator.constants import GRAVITY

HEIGHT, THICKNESS = 1.0, 0.22
ROUGH = Material(friction=1.0)


def leans(states, names):
    """(time, body) rad: angle of each body's z axis to the vertical."""
    turn = np.stack([states.of(name, "quaternion") for name in names], axis=1)
    return np.arccos(np.clip(1 - 2 * (turn[..., 1] ** 2 + turn[..., 2] ** 2), -1, 1))


def fall_times(states, count):
    """(domino,) s: when each first leans 45 degrees; inf where it never does."""
    leaning = leans(states, [f"domino {n + 1}" for n in range(count)]) > math.pi / 4
    return np.where(leaning.any(axis=0), states.time[leaning.argmax(axis=0)], np.inf)


def one_domino(lean=0.0, rate=0.0):
    """A scene of one domino that leans to the right on its lower edge at x=0, rad, rad/s."""
    arm = np.array([-THICKNESS / 2, HEIGHT / 2])  # from the edge to the centre when upright
    x = math.cos(lean) * arm[0] + math.sin(lean) * arm[1]
    z = -math.sin(lean) * arm[0] + math.cos(lean) * arm[1]
    body = block(
        "domino", (THICKNESS / 2, 0.25, HEIGHT / 2), (x, 0.0, z), material=ROUGH,
        quaternion=(math.cos(lean / 2), 0.0, math.sin(lean / 2), 0.0),
        velocity=(rate * z, 0.0, -rate * x), spin=(0.0, rate, 0.0),
    )
    return MechanicalScene((floor(material=ROUGH), body), {})


@pytest.fixture(scope="module")
def row():
    scenario = Dominoes()
    return scenario, run(scenario.scene(3, 0), 2.5)


def test_every_domino_falls_and_none_before_its_neighbour(row):
    scenario, states = row
    times = fall_times(states, int(scenario.count))
    assert np.isfinite(times).all() and (np.diff(times) > 0).all()
    assert not bool(states.groups["/audit"]["failed"])


def test_the_ball_strikes_after_its_runway_over_its_speed(row):
    scenario, states = row
    scene = states.scene
    bodies = {body.name: body for body in scene.bodies}
    ball, first = bodies["ball"], bodies["domino 1"]
    runway = (
        abs(first.position[0] - ball.position[0])
        - ball.parts[0].size[0] - first.parts[0].size[0]
    )
    contacts = states.groups["/contacts"]
    numbers = scene.numbers()
    met = (contacts["body_a"].values == numbers["ball"]) & (
        contacts["body_b"].values == numbers["domino 1"]
    )
    expected = runway / scenario.push
    assert contacts["time"].values[met][0] == pytest.approx(
        expected, rel=allowed(Dominoes, "strike")
    )


def test_one_domino_topples_as_a_rigid_box_about_its_edge():
    diagonal = math.hypot(HEIGHT, THICKNESS)
    critical = math.atan(THICKNESS / HEIGHT)
    lean = critical + math.radians(2)
    states = run(one_domino(lean), 1.5)

    def pendulum(_, y):
        return y[1], 1.5 * GRAVITY / diagonal * math.sin(y[0] - critical)

    time = np.linspace(0, 1.2, 2000)
    exact = solve_ivp(pendulum, (0, 1.2), (lean, 0.0), t_eval=time, rtol=1e-9).y[0]
    angle = leans(states, ["domino"])[:, 0]
    falling = slice(0, int(angle.argmax()) + 1)
    for degrees in (20, 30, 45, 60, 80):
        measured = np.interp(math.radians(degrees), angle[falling], states.time[falling])
        assert measured == pytest.approx(
            np.interp(math.radians(degrees), exact, time), rel=allowed(Dominoes, "toppling")
        ), degrees


@pytest.mark.parametrize("share, falls", [(0.95, False), (1.05, True)])
def test_a_domino_falls_where_it_turns_faster_than_its_threshold(share, falls):
    square = HEIGHT**2 + THICKNESS**2
    threshold = math.sqrt(3 * GRAVITY * (math.sqrt(square) - HEIGHT) / square)
    states = run(one_domino(rate=share * threshold), 2.5)
    assert (leans(states, ["domino"])[-1, 0] > 1.5) == falls
    assert abs(share - 1) < allowed(Dominoes, "threshold")


def test_twice_the_gravity_shortens_all_times_by_root_two(row):
    scenario, states = row
    times = fall_times(states, int(scenario.count))
    heavier = dataclasses.replace(
        scenario, gravity=2 * scenario.gravity, push=math.sqrt(2) * scenario.push
    )
    faster = fall_times(run(heavier.scene(3, 0), 2.0), int(scenario.count))
    assert faster * math.sqrt(2) == pytest.approx(times, rel=allowed(Dominoes, "gravity"))


@pytest.mark.parametrize("share, fallen", [(0.8, 3), (1.15, 1)])
def test_the_wave_ends_where_the_gap_exceeds_the_height(share, fallen):
    scenario = Dominoes(count=3, height=0.9, spacing=share * 0.9, push=3.5, friction=0.6)
    times = fall_times(run(scenario.scene(0, 1), 3.0), 3)
    assert np.isfinite(times).sum() == fallen


def test_a_slow_ball_knocks_nothing_over():
    scenario = Dominoes(push=0.5)
    assert np.isinf(fall_times(run(scenario.scene(3, 0), 2.0), int(scenario.count))).all()


def test_energy_never_rises(row):
    _, states = row
    total = states.energy()
    assert np.diff(total).max() < 1e-3 * (total[0] - total.min())


def test_the_mirror_image_and_shorter_steps_give_the_same_falls(row):
    scenario, states = row
    times = fall_times(states, int(scenario.count))
    image = fall_times(run(mirrored(states.scene), 2.5), int(scenario.count))
    assert image == pytest.approx(times, abs=0.02)
    finer = fall_times(run(refined(states.scene), 2.5), int(scenario.count))
    assert finer == pytest.approx(times, rel=0.03)


def test_the_row_of_the_training_ranges_lies_within_the_stage():
    ends = {name: spec.training for name, spec in Dominoes.parameters().items()}
    longest = Dominoes(**{n: ends[n][1] for n in ("count", "spacing", "height")})
    for case in range(4):
        scene = longest.scene(0, case)
        moving = [body.position[0] for body in scene.bodies if body.joint is not None]
        last = abs(moving[-1]) + longest.height
        assert max(last, abs(moving[0])) < 0.56 * WIDTH


def test_rows_run_both_ways():
    ways = set()
    for case in range(12):
        bodies = {body.name: body for body in Dominoes().scene(0, case).bodies}
        ways.add(bodies["domino 2"].position[0] > bodies["domino 1"].position[0])
    assert ways == {True, False}
