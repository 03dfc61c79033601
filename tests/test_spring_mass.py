"""Blocks on springs against the damped oscillator and the coupled one's two modes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine_runs import Run, allowed, crossings, mirrored, refined, run

from scenarios.spring_mass import SpringMass
from worldsim.simulator.constants import GRAVITY

STIFFNESS, MASS = st.floats(20, 120), st.floats(0.2, 1.0)


def displacement(motion: Run, name: str = "block 1") -> np.ndarray:
    """(time,) m along the line of motion, to the right or upwards, from the first place."""
    moved = motion.of(name, "position") - motion.of(name, "position")[0]
    assert np.abs(moved[:, 1]).max() < 1e-12
    return moved[:, 0] + moved[:, 2]


def oscillation(t: np.ndarray, rate: float, damping: float) -> np.ndarray:
    """Of unit displacement, released at rest; overdamped too."""
    damped = np.sqrt(complex(rate**2 - damping**2))
    free = np.cos(damped * t) + damping / damped * np.sin(damped * t)
    return (np.exp(-damping * t) * free).real


@settings(max_examples=12, deadline=None)
@given(
    arrangement=st.sampled_from(["horizontal", "hanging"]), stiffness=STIFFNESS, mass=MASS,
    amplitude=st.floats(0.02, 0.34), damping=st.floats(0, 4), case=st.integers(0, 99),
)
def test_one_block_is_the_damped_oscillator(
    arrangement, stiffness, mass, amplitude, damping, case
):
    spring = SpringMass(arrangement, stiffness, mass, amplitude, damping)

    motion = run(spring.scene(0, case), 3.0)

    shape = oscillation(motion.time, np.sqrt(stiffness / mass), damping / (2 * mass))
    moved = np.abs(displacement(motion))
    error = np.abs(moved - amplitude * (1 - shape)).max() / amplitude
    assert error < allowed(SpringMass, "decay")


@settings(max_examples=6, deadline=None)
@given(stiffness=STIFFNESS, mass=MASS, damping=st.floats(0, 0.8))
def test_the_period_follows_from_stiffness_mass_and_damping(stiffness, mass, damping):
    spring = SpringMass("horizontal", stiffness, mass, 0.2, damping)
    motion = run(spring.scene(0, 0), 3.0)
    moved = displacement(motion)
    place_of_rest = 0.2 * np.sign(moved[np.abs(moved).argmax()])
    times = crossings(moved - place_of_rest, motion.time)
    period = 2 * np.pi / np.sqrt(stiffness / mass - (damping / (2 * mass)) ** 2)
    swings = (len(times) - 1) // 2
    assert swings >= 1
    measured = (times[2 * swings] - times[0]) / swings
    assert measured == pytest.approx(period, rel=allowed(SpringMass, "period"))


@settings(max_examples=6, deadline=None)
@given(stiffness=STIFFNESS, mass=MASS, damping=st.floats(0, 2), case=st.integers(0, 99))
def test_coupled_blocks_are_two_modes(stiffness, mass, damping, case):
    spring = SpringMass("coupled", stiffness, mass, 0.3, damping)

    motion = run(spring.scene(0, case), 3.0)

    # Chain of two: K = k [[2, -1], [-1, 1]], and the dashpots in proportion to it.
    squared, modes = np.linalg.eigh(stiffness / mass * np.array([[2.0, -1], [-1, 1]]))
    golden = np.sort(np.array([3 - np.sqrt(5), 3 + np.sqrt(5)]) / 2 * stiffness / mass)
    assert squared == pytest.approx(golden)
    parts = [
        oscillation(motion.time, np.sqrt(s), damping * s / (2 * stiffness)) for s in squared
    ]
    expected = (np.stack(parts, axis=1) * modes[1]) @ modes.T * 0.3
    moved = np.stack([displacement(motion, "block 1"), displacement(motion, "block 2")], axis=1)
    side = np.sign(moved[1:10, 1].sum())
    error = np.abs(-side * moved - (expected - [0, 0.3])).max() / 0.3
    assert error < allowed(SpringMass, "normal_modes")


@settings(max_examples=5, deadline=None)
@given(stiffness=STIFFNESS, mass=MASS)
def test_a_hanging_block_rests_where_hooke_says(stiffness, mass):
    spring = SpringMass("hanging", stiffness, mass, 0.02, damping=4.0)
    level = SpringMass("horizontal", stiffness, mass, 0.02, damping=4.0)
    lengths = []
    for each in (spring, level):
        motion = run(each.scene(0, 0), 6.0)
        (link,) = motion.scene.links
        ends = motion.of("block 1", "position")[-1] + link.points[1]
        lengths.append(np.linalg.norm(ends - link.points[0]))
    sag = lengths[0] - lengths[1]
    # What is left of the swing adds to what the check allows.
    left = 0.02 * np.exp(-2.0 / mass * 6)
    assert sag == pytest.approx(
        mass * GRAVITY / stiffness, rel=allowed(SpringMass, "sag"), abs=3 * left + 1e-9
    )


@pytest.mark.parametrize("arrangement", ["horizontal", "hanging", "coupled"])
def test_energy_stays_without_damping_and_only_falls_with_it(arrangement):
    still = SpringMass(arrangement, 80, 0.5, 0.25)
    motion = run(still.scene(0, 2), 4.0)
    scale = 0.5 * 80 * 0.25**2
    assert np.ptp(motion.energy()) < allowed(SpringMass, "energy") * scale
    assert motion.energy("kinetic").max() > 0.4 * scale

    lossy = run(SpringMass(arrangement, 80, 0.5, 0.25, 0.5).scene(0, 2), 3.0)
    assert (np.diff(lossy.energy()) < 1e-9).all()
    assert lossy.energy()[0] - lossy.energy()[-1] > 0.5 * scale


@pytest.mark.parametrize("arrangement", ["horizontal", "hanging", "coupled"])
def test_a_mirror_and_smaller_steps_show_the_same(arrangement):
    scene = SpringMass(arrangement, damping=0.3).scene(0, 1)
    name = scene.bodies[-1].name
    motion, other, fine = (
        run(each, 3.0).of(name, "position") for each in (scene, mirrored(scene), refined(scene))
    )
    assert other == pytest.approx(motion * [-1, 1, 1], abs=1e-9)
    assert fine == pytest.approx(motion, abs=1e-6)


@settings(max_examples=10, deadline=None)
@given(
    arrangement=st.sampled_from(["horizontal", "hanging", "coupled"]), stiffness=STIFFNESS,
    mass=MASS, amplitude=st.floats(0.02, 0.34), case=st.integers(0, 99),
)
def test_springs_never_vanish_and_all_stays_in_view(
    arrangement, stiffness, mass, amplitude, case
):
    motion = run(SpringMass(arrangement, stiffness, mass, amplitude).scene(0, case), 2.0)
    for link in motion.scene.links:
        starts = (
            np.array(link.points[0]) if link.bodies[0] is None
            else motion.of(link.bodies[0], "position") + link.points[0]
        )
        ends = motion.of(link.bodies[1], "position") + link.points[1]
        assert np.linalg.norm(ends - starts, axis=1).min() > 0.04
    camera = motion.scene.cameras["side"]
    for body in motion.scene.bodies:
        if body.name.startswith("block"):
            row, column, _ = camera.project(motion.of(body.name, "position"), (64, 64))
            assert min(row.min(), column.min()) > 2
            assert max(row.max(), column.max()) < 62
