"""Inspections of simulated videos, with what the scenario tells; planted violations; fixtures."""

import numpy as np
import pytest

import worldsim
from worldsim.errors import InputError
from worldsim.inspection import Kind
from worldsim.inspection.fixtures import distance_to_fixtures
from worldsim.inspection.known import knowledge
from worldsim.inspection.planting import (
    energy_kicks,
    other_gravity,
    teleported,
    vanished,
    with_kick,
    with_kicks,
)
from worldsim.mechanics import Look, MechanicalScene, Part, Shape, ball, fixture, floor
from worldsim.simulator.scene import Physics

SEED, KICK = 4, 0.25
FALL = worldsim.make("free_fall", height=2.4, gravity=9.0, count=1.0)


def frames_of(rollout, camera="side"):
    video = worldsim.render(rollout, camera, size=(64, 64), fps=20)
    return video["rgb"].values[0, 0]


def simulated(scenario, **more):
    return worldsim.simulate(scenario, seed=SEED, duration=2.0, **more)


@pytest.fixture(scope="module")
def fall():
    return simulated(FALL)


def body_of(scenario):
    scene = scenario.scene(SEED, 0)
    return next((i, body.name) for i, body in enumerate(scene.bodies) if body.role == "object")


def found(rollout, scenario):
    return worldsim.inspect(frames_of(rollout), 20, scenario, "side").findings


def test_a_true_fall_is_quiet_told_and_untold(fall):
    frames = frames_of(fall)
    assert worldsim.inspect(frames, 20, FALL, "side").findings == ()
    assert worldsim.inspect(frames, 20).findings == ()


def test_a_teleport_and_a_loss_in_a_simulation_are_found(fall):
    number, _ = body_of(FALL)
    width = FALL.scene(SEED, 0).cameras["side"].height_m
    (one,) = found(teleported(fall, 0, 0, number, KICK, (0.15 * width, 0, 0)), FALL)
    assert one.kind is Kind.TELEPORT and one.time == pytest.approx(KICK, abs=0.08)
    assert one.amount == pytest.approx(0.15 * 64, rel=0.1)
    (one,) = found(vanished(fall, 0, 0, number, KICK), FALL)
    assert one.kind is Kind.VANISHING and one.time == pytest.approx(KICK, abs=0.08)


def test_a_gain_of_energy_in_the_air_is_found_and_measured():
    _, name = body_of(FALL)
    kicks = energy_kicks(FALL.scene(SEED, 0), 0.5, name, 0.3)
    rollout = simulated(with_kicks([FALL], {0: kicks}))
    gains = found(rollout, FALL)
    assert [one.kind for one in gains] == [Kind.ENERGY_GAIN]
    assert gains[0].time == pytest.approx(0.5, abs=0.05)
    assert gains[0].amount == pytest.approx(30, abs=6)


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_a_wrong_gravity_is_found_and_measured(factor):
    rollout = simulated(FALL, physics=other_gravity(factor))
    gravity = [one for one in found(rollout, FALL) if one.kind is Kind.WRONG_GRAVITY]
    assert len(gravity) == 1
    assert gravity[0].amount == pytest.approx(9.0 * factor, rel=0.02)
    assert other_gravity(factor).gravity == pytest.approx(factor * Physics().gravity)


def test_a_pendulum_may_swing_but_not_gain():
    swing = worldsim.make("pendulum", amplitude=60.0, damping=0.1)
    assert found(simulated(swing), swing) == ()
    _, name = body_of(swing)
    (kick,) = energy_kicks(swing.scene(SEED, 0), 1.4, name, 0.5)
    gains = found(simulated(with_kick(swing, kick)), swing)
    assert gains and {one.kind for one in gains} == {Kind.ENERGY_GAIN}
    assert min(abs(one.time - 1.4) for one in gains) < 0.15


def test_the_view_and_the_scenario_decide_what_is_known():
    side = knowledge(FALL, "side", (64, 64))
    scale = 64 / FALL.scene(0, 0).cameras["side"].height_m
    np.testing.assert_allclose(side.fall, [9.0 * scale, 0.0], atol=1e-9)
    assert knowledge(FALL, "corner", (64, 64)).fall is None
    assert knowledge(worldsim.make("pendulum"), "side", (64, 64)).fall is None
    above = knowledge(worldsim.make("collision"), "overhead", (64, 64))
    np.testing.assert_allclose(above.fall, [0.0, 0.0], atol=1e-9)
    with pytest.raises(InputError, match="no camera 'top'"):
        knowledge(FALL, "top", (64, 64))


def test_fixtures_cover_what_they_cover_and_nothing_behind_counts():
    camera = FALL.scene(0, 0).cameras["side"]
    scale, grey = 64 / camera.height_m, Look((90, 90, 90))
    middle = camera.target

    def scene(y):
        wall = fixture("wall", [Part(Shape.BOX, (0.2, 0.1, 0.3), grey)],
                       (middle[0], y, middle[2]))
        return MechanicalScene((ball("a", 0.1, (0.0, 0.0, 1.0)), wall), {"side": camera})

    near = distance_to_fixtures(scene(0.0), camera, (64, 64))
    area = 0.4 * 0.6 * scale**2
    assert np.sum(near == 0) == pytest.approx(area, rel=0.15)
    assert near[32, 2] == pytest.approx(32 - 2 - 0.2 * scale, abs=1.1)
    assert np.isinf(distance_to_fixtures(scene(1.0), camera, (64, 64))).all()
    ground = MechanicalScene((ball("a", 0.1, (0.0, 0.0, 1.0)), floor(grey)), {"side": camera})
    level = distance_to_fixtures(ground, camera, (64, 64))
    horizon = 32 + middle[2] * scale
    assert (level[int(np.ceil(horizon)):] == 0).all() and (level[: int(horizon) - 1] > 0).all()
