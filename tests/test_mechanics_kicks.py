"""Kicks: interventions that change a body's motion at once."""

import dataclasses

import numpy as np
import pytest

from worldsim import make, simulate
from worldsim.errors import InputError
from worldsim.inspection.planting import (
    energy_kick,
    other_gravity,
    teleported,
    vanished,
    with_kick,
)
from worldsim.mechanics import Kick


@pytest.fixture(scope="module")
def thrown():
    return make("projectile"), simulate(make("projectile"), duration=0.6, seed=4)


def first_object(truth):
    return int(np.flatnonzero(truth["bodies"]["role"].values[0] == 0)[0])


def name_of(scenario, truth):
    return scenario.scene(4, 0).bodies[first_object(truth)].name


def test_an_energy_kick_gives_the_energy_it_says_and_the_audit_knows(thrown):
    scenario, truth = thrown
    body, time = first_object(truth), 0.2
    kicked = simulate(with_kick(scenario, energy_kick(time, name_of(scenario, truth), 0.3)),
                      duration=0.6, seed=4)
    at = round(120 * time)
    was, now = (tree["bodies"]["velocity"].values[0, 0, :, body] for tree in (truth, kicked))
    place, other = (tree["bodies"]["position"].values[0, 0, :, body] for tree in (truth, kicked))
    np.testing.assert_array_equal(place[: at + 1], other[: at + 1])
    # One state later both have fallen for the same 1/120 s.
    gravity = np.array([0.0, 0.0, -scenario.scene(4, 0).gravity / 120])
    np.testing.assert_allclose(now[at + 1] - gravity, np.sqrt(1.3) * (was[at + 1] - gravity),
                               rtol=1e-4, atol=1e-5)
    assert not bool(kicked["audit"]["failed"].any())
    total = kicked["energy"]["total"].values[0, 0]
    assert total[at + 1] > total[at]


def test_a_push_adds_its_velocity(thrown):
    scenario, truth = thrown
    body = first_object(truth)
    kick = Kick(0.25, name_of(scenario, truth), velocity=(0.3, 0.0, 0.5))
    kicked = simulate(with_kick(scenario, kick), duration=0.5, seed=4)
    change = (kicked["bodies"]["velocity"] - truth["bodies"]["velocity"]).values[0, 0, 31, body]
    np.testing.assert_allclose(change, (0.3, 0.0, 0.5), atol=1e-5)


def test_what_cannot_be_kicked_is_refused(thrown):
    scene = thrown[0].scene(4, 0)
    name = next(body.name for body in scene.bodies if body.joint is not None)
    fixed = next(body.name for body in scene.bodies if body.joint is None)
    for kick, complaint in ((Kick(0.1, "nobody"), "name of a body"),
                            (Kick(0.1, fixed), "name of a body"),
                            (Kick(0.101, name), "multiple of 1/120"),
                            (Kick(-0.1, name), "multiple of 1/120")):
        with pytest.raises(InputError, match=complaint):
            dataclasses.replace(scene, kicks=(kick,))


def test_planting_changes_what_it_says_and_nothing_else(thrown):
    _, truth = thrown
    body = first_object(truth)
    before = truth["bodies"]["position"].values.copy()
    moved = teleported(truth, 0, 0, body, 0.3, (0.5, 0.0, -0.1))["bodies"]["position"].values
    np.testing.assert_array_equal(truth["bodies"]["position"].values, before)
    np.testing.assert_array_equal(moved[:, :, :36], before[:, :, :36])
    others = np.arange(before.shape[3]) != body
    np.testing.assert_array_equal(moved[..., others, :], before[..., others, :])
    np.testing.assert_allclose(moved[0, 0, 36:, body] - before[0, 0, 36:, body],
                               np.tile((0.5, 0.0, -0.1), (len(before[0, 0]) - 36, 1)), atol=1e-6)
    away = vanished(truth, 0, 0, body, 0.3)["bodies"]["position"].values[0, 0, 36:, body]
    assert (np.abs(away).max(axis=1) > 1e5).all()
    with pytest.raises(InputError, match="within the rollout"):
        vanished(truth, 0, 0, body, 99.0)


def test_another_gravity_is_that_gravity():
    scenario = make("free_fall")
    height = [
        simulate(scenario, duration=0.2, seed=1, physics=law)["bodies"]["position"].values
        for law in (None, other_gravity(1.2))
    ]
    fall = [h[0, 0, 0, :, 2] - h[0, 0, 24, :, 2] for h in height]
    body = int(np.argmax(fall[0]))
    assert fall[1][body] == pytest.approx(1.2 * fall[0][body], rel=1e-4)
