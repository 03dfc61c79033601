"""Which body is meant by a name: against scenes of which it is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from worldsim.diffusion.model import VideoDiffusion
from worldsim.diffusion.naming import called
from worldsim.diffusion.observables import followed_bodies, known_states, record_states
from worldsim.mechanics import Freedom, Kick
from worldsim.query import Query, query
from worldsim.scenario import scenario_class
from worldsim.simulator.world import simulate
from worldsim.splits import Purpose, Split, draw, seed_for

SEED = seed_for(Purpose.VALIDATION, 77)


def met(name: str, case: int, rng: np.random.Generator, **changes: float):
    """A case's query, and its objects as seen, in an order drawn by chance, with that order."""
    scenario = dataclasses.replace(draw(scenario_class(name), Split.IN_RANGE, SEED, case),
                                   **changes)
    bodies = followed_bodies(scenario.scene(SEED, case))
    states = np.array([[*body.position, *(body.velocity if body.joint.freedom is Freedom.FREE
                                          else np.array(body.joint.axis) * body.joint.speed)]
                       for body in bodies])
    order = rng.permutation(len(states))
    seen = np.full((8, 6), np.nan)
    seen[:len(states)] = states[order] + rng.normal(0, [0.005] * 3 + [0.05] * 3, states.shape)
    told = {name: np.array([code]) for name, code in scenario.codes().items()}
    return Query(name, told, cameras=("side",)), seen, order


@pytest.mark.parametrize(("name", "which", "changes"), [
    ("free_fall", (0,), {"count": 3}),
    ("collision", (0, 1), {}),
    ("tower", (0, 1), {}),
    ("dominoes", (0, 1, 2), {}),
    ("projectile", (0, 1), {"count": 2}),
])
def test_names_that_a_scenario_gives_by_how_it_begins_are_found(name, which, changes):
    rng = np.random.default_rng(5)
    right = []
    for case in range(12):
        asked, seen, order = met(name, case, rng, **changes)
        found = called(asked, 0, seen)
        if not found:  # some hang
            continue
        assert sorted(found.values()) == sorted(range(len(order)))
        right += [order[found[number]] == number for number in which]
    assert len(right) > 6 and np.mean(right) > 0.85


def test_what_is_not_told_is_drawn():
    asked, seen, order = met("collision", 1, np.random.default_rng(6))
    found = called(dataclasses.replace(asked, parameters={}), 0, seen)
    assert [order[found[number]] for number in (0, 1)] == [0, 1]


def test_nothing_is_said_of_what_hangs_or_is_alone():
    rng = np.random.default_rng(7)
    asked, seen, _ = met("free_fall", 0, rng, count=1)
    assert called(asked, 0, seen) == {}
    hanging = dataclasses.replace(asked, scenario="double_pendulum", parameters={})
    assert called(hanging, 0, np.zeros((2, 6))) == {}


def test_a_push_seen_in_pictures_alone_is_of_the_body_that_is_named():
    """Balls are read off the pictures from left to right, and the first of the scenario may be
    either; so may the second. Told by name it is as before."""
    cls = scenario_class("free_fall")
    model = VideoDiffusion.from_pretrained("worldsim-small")
    cases = [dataclasses.replace(draw(cls, Split.IN_RANGE, SEED, case), count=2)
             for case in range(4)]
    truth = simulate(cases, seed=SEED, duration=1.3)
    true = record_states(truth)["states"][:, :25, :2, :3]
    leftmost = true[:, 0, :, 0].argmin(-1)
    assert set(leftmost) == {0, 1}
    asked = query(cases, context=truth, frames=5, cameras=("side",), duration=1.0)
    for number in (0, 1):
        pushed = dataclasses.replace(asked, actions=(
            Kick(time=0.4, body=f"ball {number + 1}", velocity=(0.8, 0.0, 0.0)),))
        for question in (pushed, dataclasses.replace(
                pushed, states=known_states(truth, 5, cls.fps))):
            said = model.rollout(question)["said"]["state"].values[:, 0, :20, :2, :3]
            for case in range(len(cases)):
                away = np.abs(said[case][-1][None, :, 0] - true[case, 0, :, None, 0])
                moved = away.min(axis=1) > 0.15  # of the true balls, which fall straight
                assert moved.tolist() == [number == 0, number == 1], (case, number)
