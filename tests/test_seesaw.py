"""The see-saw against the lever's law: acceleration at release, the side it tips to, balance."""

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from machine_runs import Run, allowed, mirrored, refined, run

from scenarios.seesaw import PLANK_LENGTH, PLANK_THICKNESS, WEIGHING_ERROR, Seesaw

MASS, ARM = st.floats(1, 6), st.floats(0.2, 1.0)
BALANCED = Seesaw(left_mass=2.0, left_arm=0.6, right_mass=4.0, right_arm=0.3)


def angle(motion: Run) -> np.ndarray:
    """(time,) rad of the plank, positive where its right end is low."""
    w, _, y, _ = motion.of("plank", "quaternion").T
    return 2 * np.arctan2(y, w)


def torque(seesaw: Seesaw) -> float:
    """N m, positive where the right is heavier."""
    return seesaw.gravity * (
        seesaw.right_mass * seesaw.right_arm - seesaw.left_mass * seesaw.left_arm
    )


def inertia(seesaw: Seesaw, motion: Run) -> float:
    """kg m2 about the pivot: a box and two that stand on it, by the theorem of parallel axes."""
    total = seesaw.plank_mass / 3 * (PLANK_LENGTH**2 + PLANK_THICKNESS**2)
    numbers = motion.scene.numbers()
    for name, mass, arm in (
        ("left", seesaw.left_mass, seesaw.left_arm), ("right", seesaw.right_mass, seesaw.right_arm)
    ):
        size = motion.scene.bodies[numbers[name]].parts[0].size
        half = size[-1]
        own = 2 * half**2 / 3 if seesaw.weights == "box" else size[0] ** 2 / 4 + half**2 / 3
        total += mass * (arm**2 + (PLANK_THICKNESS + half) ** 2 + own)
    return total


@settings(max_examples=10, deadline=None)
@given(
    left=MASS, right=MASS, left_arm=ARM, right_arm=ARM, plank=MASS, gravity=st.floats(2, 25),
    weights=st.sampled_from(["box", "cylinder"]),
)
def test_it_begins_as_torque_over_inertia_says_to_the_side_of_the_greater_one(
    left, right, left_arm, right_arm, plank, gravity, weights
):
    seesaw = Seesaw(left, right, left_arm, right_arm, plank, gravity, weights)
    assume(abs(torque(seesaw)) > 0.5)

    motion = run(seesaw.scene(0, 0), 0.1)

    expected = torque(seesaw) / inertia(seesaw, motion)
    assert np.sign(angle(motion)[-1]) == np.sign(expected)
    # Over the first 1/60 s, before the weights' leaning adds to their torque.
    begin = motion.of("plank", "angular_velocity")[2, 1] * 60
    assert begin == pytest.approx(expected, rel=allowed(Seesaw, "acceleration"))


@settings(max_examples=4, deadline=None)
@given(left=st.floats(2, 4), right=st.floats(2, 4), left_arm=st.floats(0.4, 0.8))
def test_the_heavier_end_reaches_the_floor_and_weights_have_not_slipped_till_then(
    left, right, left_arm
):
    seesaw = Seesaw(left, right, left_arm, right_arm=0.6)
    assume(abs(torque(seesaw)) > 3)
    motion = run(seesaw.scene(0, 0), 2.0)
    side = np.sign(torque(seesaw))
    assert angle(motion)[-1] * side == pytest.approx(np.arcsin(0.36 / 1.2), rel=0.1)

    numbers = motion.scene.numbers()
    contacts = motion.groups["/contacts"]
    pairs = [
        {int(a), int(b)}
        for a, b in zip(contacts["body_a"].values, contacts["body_b"].values, strict=True)
    ]
    touchdown = float(contacts["time"][pairs.index({numbers["floor"], numbers["plank"]})])
    assert 0.2 < touchdown < 1.9
    before = slice(0, int(touchdown * 120))
    tilt = angle(motion)[before]
    for name in ("left", "right"):
        from_pivot = motion.of(name, "position")[before] - motion.of("plank", "position")[before]
        along = from_pivot[:, 0] * np.cos(tilt) - from_pivot[:, 2] * np.sin(tilt)
        assert np.ptp(along) < 1e-3


@pytest.mark.parametrize("weights", ["box", "cylinder"])
def test_equal_torques_balance(weights):
    level = dataclasses.replace(BALANCED, weights=weights)
    assert torque(level) == pytest.approx(0, abs=1e-12)
    motion = run(level.scene(0, 0), 1.5)
    assert np.abs(angle(motion)).max() < 1e-5
    assert not bool(motion.groups["/audit"]["failed"])


def test_what_weighing_missed_decides_where_a_balanced_one_tips():
    scene = BALANCED.scene(0, 0)
    sides = []
    numbers = scene.numbers()
    for realization in range(5):
        hidden = BALANCED.hidden(scene, 0, 0, realization)
        motion = run(scene, 0.8, hidden)
        heavier = hidden.mass[numbers["right"]] > hidden.mass[numbers["left"]]
        assert (angle(motion)[-1] > 0) == heavier
        assert abs(angle(motion)[-1]) > 1e-4
        sides.append(heavier)
    assert len(set(sides)) == 2

    logs = np.array(
        [np.log(BALANCED.hidden(scene, 0, 0, r).mass[numbers["left"]]) for r in range(500)]
    )
    assert logs.std() == pytest.approx(WEIGHING_ERROR, rel=0.15)


def test_energy_is_only_lost():
    for seesaw in (Seesaw(), Seesaw(left_mass=6, left_arm=1.0, right_mass=1, right_arm=0.2)):
        motion = run(seesaw.scene(0, 0), 2.0)
        energy, scale = motion.energy(), motion.energy("kinetic").max()
        assert not bool(motion.groups["/audit"]["failed"])
        assert np.diff(energy).max() < 1e-3 * scale
        assert energy[0] - energy[-1] > 0.5 * scale


def test_a_mirror_and_smaller_steps_show_the_same():
    scene = Seesaw(left_arm=0.7, right_arm=0.45).scene(0, 0)
    motion, other, fine = (run(each, 0.5) for each in (scene, mirrored(scene), refined(scene)))
    assert angle(other) == pytest.approx(-angle(motion), abs=1e-6)
    assert angle(fine) == pytest.approx(angle(motion), abs=1e-3)
    assert abs(angle(motion)[-1]) > 0.05
