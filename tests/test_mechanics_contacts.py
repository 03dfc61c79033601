"""Contacts of rigid bodies are held to Newton's law of impact and Coulomb's law of friction."""

import dataclasses
import math

import numpy as np
import pytest

from tests.machine_runs import Run, mirrored, run
from worldsim.mechanics import (
    Body,
    Material,
    MechanicalScene,
    Part,
    Shape,
    ball,
    block,
    fixture,
    floor,
)
from worldsim.simulator.constants import GRAVITY


def _scene(*bodies: Body, **scene: object) -> MechanicalScene:
    return MechanicalScene(bodies, {}, **scene)  # type: ignore[arg-type]


def _events(found: Run) -> dict[str, np.ndarray]:
    """The rows of `/contacts` that are filled."""
    group = found.groups["/contacts"]
    count = int(group["count"])
    return {name: group[name].values[:count] for name in group if name != "count"}


@pytest.mark.parametrize("bounce", [0.0, 0.3, 0.5, 0.7, 0.9, 1.0])
def test_balls_and_blocks_rebound_at_their_restitution(bounce: float) -> None:
    """From 0.5 to 10 m/s, whatever is hit, and however the step falls; within 0.1%, not 1%."""
    same, hard = Material(restitution=bounce), Material(restitution=1.0)
    speeds = (0.5, 1.7, 4.1, 10.0)
    bodies: list[Body] = [floor(material=hard)]
    for k, speed in enumerate(speeds):
        bodies.append(ball(f"b{k}", 0.1, (k, 0.0, 0.1 + 0.0503 * speed), velocity=(0, 0, -speed),
                           material=same))
        bodies.append(block(f"c{k}", (0.1, 0.1, 0.1), (k, 2.0, 0.1 + 0.0297 * speed),
                            velocity=(0, 0, -speed), material=same))
    found = run(_scene(*bodies, gravity=0.0), 0.1)
    for k, speed in enumerate(speeds):
        for kind in "bc":
            after = found.of(f"{kind}{k}", "velocity")[-1]
            assert after[2] == pytest.approx(bounce * speed, abs=1e-3 * speed)
            # Where it is says when it bounced: at the surface, not a step later.
            gap = (0.0503 if kind == "b" else 0.0297) * speed
            height = 0.1 + bounce * speed * (0.1 - gap / speed)
            assert found.of(f"{kind}{k}", "position")[-1, 2] == pytest.approx(height, abs=2e-4)


def test_a_dropped_ball_rises_by_the_square_of_the_restitution() -> None:
    """And of two restitutions the lesser counts."""
    bounce, height = 0.8, 1.3
    found = run(
        _scene(ball("ball", 0.1, (0.0, 0.0, 0.1 + height), material=Material(restitution=0.9)),
               fixture("pad", [Part(Shape.BOX, (1.0, 1.0, 0.05))], (0.0, 0.0, -0.05),
                       material=Material(restitution=bounce))), 1.7,
    )
    events = _events(found)
    fall = math.sqrt(2 * height / GRAVITY)
    assert events["time"][:2] == pytest.approx([fall, fall * (1 + 2 * bounce)], abs=2e-4)
    speed = GRAVITY * fall
    assert events["approach"][:2] == pytest.approx([speed, bounce * speed], rel=1e-3)
    assert events["impulse"][0] == pytest.approx((1 + bounce) * speed, rel=5e-3)
    after = found.of("ball", "position")[round(fall * 120) + 1 :, 2]
    assert after.max() - 0.1 == pytest.approx(bounce**2 * height, rel=2e-3)


@pytest.mark.parametrize("bounce", [0.0, 0.6, 1.0])
def test_an_oblique_impact_of_two_balls_keeps_momentum_and_follows_newton(bounce: float) -> None:
    """Without friction only the speeds along the line of centres change."""
    material = Material(friction=0.0, restitution=bounce)
    aside, speed, masses = 0.05, 3.0, np.array([2.0, 1.0])
    found = run(
        _scene(ball("a", 0.1, (-1.0, 0.0, 0.0), velocity=(speed, 0.0, 0.0), mass=masses[0],
                    material=material),
               ball("b", 0.1, (0.0, aside, 0.0), mass=masses[1], material=material), gravity=0.0),
        0.6,
    )
    after = np.stack([found.of(name, "velocity")[-1] for name in "ab"]).astype(float)
    assert masses @ after == pytest.approx([masses[0] * speed, 0.0, 0.0], abs=1e-5)
    line = np.array([math.sqrt(1 - (aside / 0.2) ** 2), aside / 0.2, 0.0])
    push = (1 + bounce) * speed * line[0] / (1 / masses).sum()
    # The line of centres is taken where they are found to touch, within a step's way of that.
    assert after[1] == pytest.approx(push / masses[1] * line, abs=0.01 * speed)
    lost = 0.5 * push * (1 - bounce) * speed * line[0]
    assert found.energy()[0] - found.energy()[-1] == pytest.approx(lost, rel=0.01, abs=1e-6)
    assert _events(found)["impulse"] == pytest.approx([push], rel=0.01)


def test_elastic_balls_in_a_box_keep_their_energy_for_a_minute() -> None:
    """Thousands of impacts, under gravity; 0.05% of what moves."""
    elastic = Material(friction=0.0, restitution=1.0)
    rng = np.random.default_rng(3)
    walls = [
        Part(Shape.BOX, tuple(0.05 if k == axis else 0.6 for k in range(3)),
             position=tuple(side * 0.55 if k == axis else 0.0 for k in range(3)))
        for axis in range(3) for side in (-1, 1)
    ]
    balls = [
        ball(f"ball {k}", 0.08, place, velocity=tuple(rng.normal(size=3)), mass=1.0 + k % 3,
             material=elastic)
        for k, place in enumerate([(-0.3, 0.0, 0.0), (0.0, 0.2, 0.1), (0.3, -0.1, -0.2),
                                   (0.0, -0.25, 0.3)])
    ]
    found = run(_scene(fixture("box", walls, material=elastic), *balls), 60.0)
    assert int(found.groups["/contacts"]["count"]) > 1000
    assert np.ptp(found.energy()) < 5e-4 * found.energy("kinetic").max()
    assert not found.groups["/audit"]["failed"]
    for each in balls:
        assert np.abs(found.of(each.name, "position")).max() < 0.5


@pytest.mark.parametrize(
    ("shape", "size", "share"),
    [(Shape.SPHERE, (0.1,), 5 / 7), (Shape.CYLINDER, (0.1, 0.08), 2 / 3)],
)
def test_what_rolls_down_keeps_the_share_of_its_inertia(
    shape: Shape, size: tuple[float, ...], share: float
) -> None:
    """a = g sin(t) / (1 + I / m r²), and v = w r."""
    tilt = 0.3
    found = _on_incline(Body("it", (Part(shape, size, quaternion=_ALONG_Y),), mass=2.0), tilt, 0.8)
    way = np.linalg.norm(found.of("it", "position") - found.of("it", "position")[0], axis=1)
    expected = share * GRAVITY * math.sin(tilt) * found.time**2 / 2
    assert way[-1] == pytest.approx(expected[-1], rel=1e-3)
    speed = np.linalg.norm(found.of("it", "velocity")[-1])
    spin = np.linalg.norm(found.of("it", "angular_velocity")[-1])
    assert spin * 0.1 == pytest.approx(speed, rel=1e-3)


@pytest.mark.parametrize("friction", [0.0, 0.2, 0.4])
def test_what_slides_down_keeps_coulombs_acceleration(friction: float) -> None:
    """a = g (sin t - f cos t), exact to 1e-4 of the frictionless way; nothing lifts off."""
    tilt = 0.6
    found = _on_incline(block("it", (0.1, 0.1, 0.1), (0, 0, 0)), tilt, friction)
    way = np.linalg.norm(found.of("it", "position") - found.of("it", "position")[0], axis=1)
    pull = GRAVITY * (math.sin(tilt) - friction * math.cos(tilt))
    free = GRAVITY * math.sin(tilt) * found.time[-1] ** 2 / 2
    assert np.abs(way - pull * found.time**2 / 2).max() < 1e-4 * free


@pytest.mark.parametrize("part", [0.5, 0.95, 1.05])
def test_a_block_holds_until_the_slope_is_its_friction(part: float) -> None:
    """tan t < f: at most 0.1 mm/s of creep. tan t > f: it leaves."""
    friction = 0.5
    found = _on_incline(block("it", (0.1, 0.1, 0.1), (0, 0, 0)), math.atan(part * friction),
                        friction)
    place = found.of("it", "position")
    late = np.linalg.norm(place[-1] - place[60]) / (found.time[-1] - found.time[60])
    assert (late < 1e-4) == (part < 1)


def test_a_sliding_block_stops_after_coulombs_way() -> None:
    """v²/(2 f g), then rests; and its work against friction is its energy."""
    friction, speed = 0.4, 2.0
    found = run(
        _scene(floor(material=Material(friction)),
               block("it", (0.1, 0.1, 0.05), (0.0, 0.0, 0.05), velocity=(speed, 0.0, 0.0),
                     material=Material(0.1))), 1.0,
    )
    way = found.of("it", "position")[:, 0]
    assert way[-1] == pytest.approx(speed**2 / (2 * friction * GRAVITY), rel=2e-3)
    assert abs(way[-1] - way[-20]) < 1e-6


def test_a_thrown_bowl_slides_until_five_sevenths_of_its_speed() -> None:
    """It rolls from 2 v/(7 f g) on, at 5/7 v, whatever the friction (Coriolis 1835)."""
    friction, speed = 0.3, 3.0
    found = run(
        _scene(floor(material=Material(friction)),
               ball("bowl", 0.1, (0.0, 0.0, 0.1), velocity=(speed, 0.0, 0.0),
                    material=Material(friction))), 1.0,
    )
    velocity = found.of("bowl", "velocity")[:, 0]
    assert velocity[-1] == pytest.approx(5 / 7 * speed, rel=1e-3)
    rolls = 2 * speed / (7 * friction * GRAVITY)
    before = found.time < rolls - 0.02
    expected = speed - friction * GRAVITY * found.time
    assert np.abs(velocity - expected)[before].max() < 2e-3 * speed


@pytest.mark.parametrize("masses", [(1.0,) * 6, (1000.0, 1.0), (1.0, 1000.0)])
def test_towers_stand_still(masses: tuple[float, ...]) -> None:
    """Nothing sinks by 0.2% of a half size, creeps by 0.1 mm/s or jitters; also 1000 : 1."""
    boxes = [
        block(f"box {k}", (0.1, 0.1, 0.1), (0.0, 0.0, 0.1 + 0.2 * k), mass=mass)
        for k, mass in enumerate(masses)
    ]
    found = run(_scene(floor(), *boxes), 2.0)
    for box in boxes:
        place = found.of(box.name, "position")
        assert np.abs(place - place[0]).max() < 0.002 * 0.1
        assert np.abs(place[-1] - place[-120]).max() < 1e-4
        assert np.abs(found.of(box.name, "velocity")[60:]).max() < 1e-3
    assert found.groups["/audit"]["penetration"] < 1e-3


def test_rolling_and_torsional_resistance_stop_what_rolls_and_spins() -> None:
    """a = 5/7 g r_r / r for a ball that rolls (Coulomb 1785)."""
    radius, arm, speed = 0.1, 0.004, 0.8
    found = run(
        _scene(floor(),
               ball("ball", radius, (0.0, 0.0, radius), velocity=(speed, 0.0, 0.0),
                    spin=(0.0, speed / radius, 0.0), material=Material(0.8, rolling=arm)),
               ball("top", radius, (0.0, 1.0, radius), spin=(0.0, 0.0, 10.0),
                    material=Material(0.8, torsional=0.02))), 1.0,
    )
    slowed = speed - found.of("ball", "velocity")[-1, 0]
    assert slowed == pytest.approx(5 / 7 * GRAVITY * arm / radius, rel=0.01)
    # I a = m g r_t about the vertical, from friction 0.8's torsional arm of 0.02 m.
    spin = found.of("top", "angular_velocity")[:, 2]
    rate = 0.02 * GRAVITY / (0.4 * radius**2)
    assert spin[12] == pytest.approx(10.0 - rate * found.time[12], rel=0.01)
    assert abs(spin[-1]) < 1e-3


def test_events_are_one_for_each_meeting() -> None:
    """A ball that rolls off a table: on the table from the start, then on the floor."""
    table = fixture("table", [Part(Shape.BOX, (0.5, 0.5, 0.1))], (-0.5, 0.0, 0.4))
    found = run(_scene(floor(), table, ball("ball", 0.1, (-0.3, 0.0, 0.6), velocity=(1.5, 0.0, 0.0),
                                            mass=0.5)), 0.6)
    events = _events(found)
    pairs = list(zip(events["body_a"].tolist(), events["body_b"].tolist(), strict=True))
    assert pairs == [(1, 2), (0, 2)]
    assert events["time"][0] < 0.01
    # Weight for as long as it lay there, and nothing afterwards.
    assert events["impulse"][0] == pytest.approx(0.5 * GRAVITY * events["duration"][0], rel=0.02)
    place = found.of("ball", "position")
    assert events["time"][1] == pytest.approx(found.time[np.argmax(place[:, 2] < 0.1005)], abs=0.02)


def test_a_mirror_image_collides_as_the_mirror_image() -> None:
    material = Material(0.4, restitution=0.5)
    scene = _scene(
        floor(material=material),
        block("block", (0.1, 0.1, 0.15), (0.4, 0.02, 0.15), material=material),
        ball("ball", 0.1, (-0.3, 0.0, 0.3), velocity=(3.0, 0.1, 0.0), material=material),
    )
    straight, mirror = run(scene, 0.6), run(mirrored(scene), 0.6)
    for name in ("block", "ball"):
        seen = mirror.of(name, "position") * (-1.0, 1.0, 1.0)
        assert np.abs(straight.of(name, "position") - seen).max() < 2e-3


def _on_incline(body: Body, tilt: float, friction: float) -> Run:
    """For 1 s a body (0.1 m from its middle to its foot) on a plank that goes down along x."""
    across = (math.cos(tilt / 2), 0.0, math.sin(tilt / 2), 0.0)
    up = np.array([math.sin(tilt), 0.0, math.cos(tilt)])
    material = Material(friction)
    plank = fixture("plank", [Part(Shape.BOX, (4.0, 0.5, 0.1))], tuple(-0.1 * up),
                    quaternion=across, material=material)
    placed = dataclasses.replace(body, position=tuple(0.1 * up), quaternion=across,
                                 material=material)
    return run(_scene(plank, placed), 1.0)


_ALONG_Y = (math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0)
"""Turns a cylinder's axis to y."""
