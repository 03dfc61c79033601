"""The pendulum against closed forms: period at any amplitude, decay, energy, equivalence."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine_runs import Run, allowed, crossings, mirrored, refined, run
from scipy.special import ellipk

from scenarios.pendulum import PIVOT_HEIGHT, Pendulum


def angle(swing: Run) -> np.ndarray:
    x, _, z = swing.of("pendulum", "position").T
    return np.arctan2(x, PIVOT_HEIGHT - z)


def reduced_length(pendulum: Pendulum, swing: Run) -> float:
    half = swing.scene.bodies[swing.scene.numbers()["pendulum"]].parts[0].size[0]
    gyration = {"ball": 2 / 5, "disc": 1 / 2, "cube": 2 / 3}[pendulum.bob] * half**2
    return pendulum.length + gyration / pendulum.length


@settings(max_examples=12, deadline=None)
@given(
    length=st.floats(0.4, 1.2), amplitude=st.floats(1, 170), gravity=st.floats(2, 25),
    bob=st.sampled_from(["ball", "disc", "cube"]), case=st.integers(0, 99),
)
def test_the_period_is_a_complete_elliptic_integral(length, amplitude, gravity, bob, case):
    pendulum = Pendulum(length=length, amplitude=amplitude, gravity=gravity, bob=bob)
    scene = pendulum.scene(0, case)
    swing = run(scene, 0.1)
    reduced = reduced_length(pendulum, swing)
    period = 4 * np.sqrt(reduced / gravity) * ellipk(np.sin(np.radians(amplitude) / 2) ** 2)

    swing = run(scene, 0.8 * period)

    down, back = crossings(angle(swing), swing.time)
    assert down == pytest.approx(period / 4, rel=allowed(Pendulum, "period"))
    assert back == pytest.approx(3 * period / 4, rel=allowed(Pendulum, "period"))


@settings(max_examples=8, deadline=None)
@given(length=st.floats(0.4, 1.2), gravity=st.floats(3, 25), damping=st.floats(0, 1.5))
def test_small_swings_decay_as_a_damped_oscillator(length, gravity, damping):
    pendulum = Pendulum(length=length, amplitude=1.0, gravity=gravity, damping=damping)

    swing = run(pendulum.scene(0, 0), 3.0)

    rate = np.sqrt(gravity / reduced_length(pendulum, swing) - damping**2)
    t = swing.time
    free = np.cos(rate * t) + damping / rate * np.sin(rate * t)
    expected = angle(swing)[0] * np.exp(-damping * t) * free
    error = np.abs(angle(swing) - expected).max() / np.radians(1)
    assert error < allowed(Pendulum, "damping")


@settings(max_examples=6, deadline=None)
@given(amplitude=st.floats(5, 170), gravity=st.floats(1, 25))
def test_without_damping_energy_stays_and_with_damping_it_only_falls(amplitude, gravity):
    pendulum = Pendulum(amplitude=amplitude, gravity=gravity)
    swing = run(pendulum.scene(0, 0), 3.0)
    reduced = reduced_length(pendulum, swing)
    spin = swing.of("pendulum", "angular_velocity")[:, 1]
    energy = reduced / 2 * spin**2 + gravity * (1 - np.cos(angle(swing)))
    assert np.ptp(energy) < allowed(Pendulum, "energy") * energy[0]
    assert np.ptp(swing.energy()) < allowed(Pendulum, "energy") * energy[0] * pendulum.length

    lossy = run(dataclasses.replace(pendulum, damping=0.3).scene(0, 0), 2.0)
    assert (np.diff(lossy.energy()) < 1e-9).all()
    assert lossy.energy()[-1] < lossy.energy()[0]


@pytest.mark.parametrize("mass", [0.05, 10.0])
def test_the_mass_changes_nothing(mass):
    light = run(Pendulum(bob_mass=mass, amplitude=100, damping=0.2).scene(0, 3), 2.0)
    usual = run(Pendulum(amplitude=100, damping=0.2).scene(0, 3), 2.0)
    deviation = np.abs(light.of("pendulum", "position") - usual.of("pendulum", "position")).max()
    assert deviation < allowed(Pendulum, "mass")


def test_a_mirror_and_smaller_steps_show_the_same():
    scene = Pendulum(amplitude=110, damping=0.1).scene(0, 1)
    swing, other, fine = (run(each, 3.0) for each in (scene, mirrored(scene), refined(scene)))
    assert angle(other) == pytest.approx(-angle(swing), abs=1e-9)
    assert angle(fine) == pytest.approx(angle(swing), abs=1e-6)


def test_it_is_released_at_rest_on_either_side():
    sides = set()
    for case in range(8):
        swing = run(Pendulum(amplitude=60).scene(0, case), 0.1)
        assert abs(angle(swing)[0]) == pytest.approx(np.radians(60))
        assert np.abs(swing.of("pendulum", "velocity")[0]).max() == 0
        sides.add(np.sign(angle(swing)[0]))
    assert sides == {-1, 1}
