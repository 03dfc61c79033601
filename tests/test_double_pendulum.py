"""The double pendulum against its linear modes, Lagrange's equations and its own chaos."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine_runs import Run, allowed, mirrored, refined, run
from scipy.integrate import solve_ivp
from scipy.linalg import eigh

from scenarios.double_pendulum import PIVOT_HEIGHT, RELEASE_SPEED, DoublePendulum
from worldsim.mechanics import MechanicalHidden

LENGTHS = st.floats(0.32, 0.58)


def angles(swing: Run) -> np.ndarray:
    """(time, 2) rad against the vertical, counted to the right."""
    upper, lower = swing.of("upper", "position"), swing.of("lower", "position")
    rods = np.stack([upper - [0, 0, PIVOT_HEIGHT], lower - upper], axis=1)
    return np.unwrap(np.arctan2(rods[..., 0], -rods[..., 2]), axis=0)


def inertia(pendulum: DoublePendulum, swing: Run) -> tuple[np.ndarray, np.ndarray]:
    """(2, 2) kg m2 at rest, and (2,) N m per sin(angle), of balls with their own inertia."""
    numbers = swing.scene.numbers()
    own = [swing.scene.bodies[numbers[name]].parts[0].size[0] for name in ("upper", "lower")]
    m, M = pendulum.mass_ratio, 1.0
    a, b = pendulum.upper_length, pendulum.lower_length
    mass = np.array(
        [[(M + m) * a**2 + 0.4 * M * own[0] ** 2, m * a * b],
         [m * a * b, m * b**2 + 0.4 * m * own[1] ** 2]]
    )
    return mass, pendulum.gravity * np.array([(M + m) * a, m * b])


@settings(max_examples=6, deadline=None)
@given(a=LENGTHS, b=LENGTHS, ratio=st.floats(0.2, 1.8), gravity=st.floats(2, 20))
def test_small_swings_are_the_two_normal_modes(a, b, ratio, gravity):
    pendulum = DoublePendulum(
        upper_angle=0.1, lower_angle=-0.14, upper_length=a, lower_length=b, mass_ratio=ratio,
        gravity=gravity,
    )
    swing = run(pendulum.scene(0, 0), 3.0)
    mass, moment = inertia(pendulum, swing)
    squared, modes = eigh(np.diag(moment), mass)
    start = modes.T @ mass @ angles(swing)[0]
    expected = (np.cos(np.sqrt(squared) * swing.time[:, None]) * start) @ modes.T
    error = np.abs(angles(swing) - expected).max() / np.radians(0.14)
    assert error < allowed(DoublePendulum, "normal_modes")


@settings(max_examples=6, deadline=None)
@given(
    upper=st.floats(-180, 180), lower=st.floats(-180, 180), a=LENGTHS, b=LENGTHS,
    ratio=st.floats(0.2, 1.8),
)
def test_large_swings_obey_lagranges_equations(upper, lower, a, b, ratio):
    pendulum = DoublePendulum(
        upper_angle=upper, lower_angle=lower, upper_length=a, lower_length=b, mass_ratio=ratio
    )
    swing = run(pendulum.scene(0, 0), 1.0)
    mass, moment = inertia(pendulum, swing)
    coupling = mass[0, 1]

    def motion(_, state):
        (p, q), (dp, dq) = state[:2], state[2:]
        inertias = np.array(
            [[mass[0, 0], coupling * np.cos(p - q)], [coupling * np.cos(p - q), mass[1, 1]]]
        )
        swirl = coupling * np.sin(p - q) * np.array([-dq**2, dp**2])
        return np.r_[dp, dq, np.linalg.solve(inertias, swirl - moment * np.sin(state[:2]))]

    found = angles(swing)
    expected = solve_ivp(
        motion, (0, 1), [*found[0], 0, 0], "DOP853", swing.time, rtol=1e-10, atol=1e-10
    ).y[:2].T
    assert np.abs(found - expected).max() < allowed(DoublePendulum, "equations_of_motion")


@settings(max_examples=5, deadline=None)
@given(upper=st.floats(-180, 180), lower=st.floats(-180, 180), gravity=st.floats(2, 20))
def test_energy_stays_through_chaos(upper, lower, gravity):
    scene = DoublePendulum(upper_angle=upper, lower_angle=lower, gravity=gravity).scene(0, 0)
    swing = run(scene, 4.0)
    scale = gravity * 2.7  # J: 2 kg from the lowest to the highest place of their centre
    assert np.ptp(swing.energy()) < allowed(DoublePendulum, "energy") * scale


def test_a_hand_that_shakes_a_little_decides_where_it_ends():
    pendulum = DoublePendulum(upper_angle=150, lower_angle=170)
    scene = pendulum.scene(0, 0)
    swings = [
        angles(run(scene, 4.0, pendulum.hidden(scene, 0, 0, realization)))
        for realization in range(3)
    ]
    for swing in swings[1:]:
        parted = np.abs(swing - swings[0]).max(axis=1)
        assert 0 < parted[:36].max() < 20 * RELEASE_SPEED
        assert parted.max() > 1.0

    calm = DoublePendulum(upper_angle=20, lower_angle=20)
    scene = calm.scene(0, 0)
    parted = angles(run(scene, 4.0, calm.hidden(scene, 0, 0, 0))) - angles(run(scene, 4.0))
    assert np.abs(parted).max() < 0.01


def test_the_hidden_speeds_are_those_of_the_release():
    pendulum = DoublePendulum()
    scene = pendulum.scene(0, 0)
    hidden = pendulum.hidden(scene, 0, 0, 5)
    start = run(scene, 0.1, hidden)
    upper, lower = (start.of(name, "angular_velocity")[0, 1] for name in ("upper", "lower"))
    numbers = scene.numbers()
    # Hinges turn about -y, and the lower one against the upper rod.
    assert -upper == pytest.approx(hidden.speed[numbers["upper"]])
    assert upper - lower == pytest.approx(hidden.speed[numbers["lower"]])
    draws = np.array(
        [pendulum.hidden(scene, 0, 0, r).speed[[numbers["upper"], numbers["lower"]]]
         for r in range(500)]
    )
    assert draws.std(axis=0) == pytest.approx(RELEASE_SPEED, rel=0.15)
    assert abs(np.corrcoef(draws.T)[0, 1]) < 0.15


def test_a_mirror_and_smaller_steps_show_the_same():
    scene = DoublePendulum(upper_angle=100, lower_angle=60).scene(0, 1)
    hidden = MechanicalHidden()
    swing, other, fine = (
        angles(run(each, 2.0, hidden)) for each in (scene, mirrored(scene), refined(scene))
    )
    assert other == pytest.approx(-swing, abs=1e-6)
    assert fine == pytest.approx(swing, abs=1e-4)


def test_angles_count_to_the_side_that_the_case_draws():
    starts = {
        tuple(np.round(np.degrees(angles(run(DoublePendulum().scene(0, case), 0.1))[0])))
        for case in range(8)
    }
    assert starts == {(90.0, 0.0), (-90.0, 0.0)}
