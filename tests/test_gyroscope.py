"""The gyroscope against the heavy top's steady precession and the free symmetric body's wobble."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine_runs import Run, allowed, mirrored, refined, run
from scipy.spatial.transform import Rotation

from scenarios.gyroscope import (
    DISC_HALF_THICKNESS,
    DISC_RADIUS,
    PIVOT_HEIGHT,
    Gyroscope,
    slow_precession,
    symmetric_inertia,
)

SPIN, TILT = st.floats(10, 26), st.floats(10, 70)


def attitude(motion: Run) -> Rotation:
    """(time,) of the spinning body, which is the scene's last one."""
    return Rotation.from_quat(
        motion.of(motion.scene.bodies[-1].name, "quaternion"), scalar_first=True
    )


def azimuth(motion: Run) -> np.ndarray:
    """(time,) rad of the axis about the vertical."""
    x, y, _ = attitude(motion).apply([0, 0, 1]).T
    return np.unwrap(np.arctan2(y, x))


def tilt(motion: Run) -> np.ndarray:
    """(time,) degree of the axis against the vertical."""
    return np.degrees(np.arccos(attitude(motion).apply([0, 0, 1])[:, 2]))


def rate(values: np.ndarray, motion: Run) -> float:
    """Slope in 1/s."""
    return float(np.polyfit(motion.time, values, 1)[0])


def moments(motion: Run) -> tuple[float, float]:
    """kg m2 of a solid cylinder of 1 kg about its axis and across it."""
    radius, half = motion.scene.bodies[-1].parts[0].size
    return radius**2 / 2, radius**2 / 4 + half**2 / 3


@settings(max_examples=10, deadline=None)
@given(
    spin=SPIN, angle=TILT, arm=st.floats(0.04, 0.16), gravity=st.floats(5, 13),
    case=st.integers(0, 99),
)
def test_a_top_precesses_at_the_slower_root(spin, angle, arm, gravity, case):
    top = Gyroscope("pivot", spin, angle, arm, gravity)
    motion = run(top.scene(0, case), 2.0)
    along, across = moments(motion)
    roots = np.roots(
        [(across + arm**2) * np.cos(np.radians(angle)), -along * spin, gravity * arm]
    )
    assert np.isreal(roots).all()
    assert rate(azimuth(motion), motion) == pytest.approx(
        roots.min(), rel=allowed(Gyroscope, "precession")
    )
    assert tilt(motion) == pytest.approx(angle, abs=0.01)


def test_a_faster_top_precesses_more_slowly_towards_the_fast_tops_formula():
    deviations, rates = [], []
    for spin in (12.0, 18.0, 26.0):
        top = Gyroscope(spin=spin, arm=0.05)
        motion = run(top.scene(0, 0), 2.0)
        along, _ = moments(motion)
        rates.append(rate(azimuth(motion), motion))
        deviations.append(rates[-1] / (top.gravity * top.arm / (along * spin)) - 1)
    assert (np.diff(rates) < 0).all()
    assert (np.diff(deviations) < 0).all()
    assert 0 < deviations[-1] < 0.01


def test_no_top_in_the_physical_ranges_is_too_slow_to_stand():
    ranges = [Gyroscope.parameters()[name].physical for name in ("spin", "tilt", "arm", "gravity")]
    for spin, angle, arm, gravity in itertools.product(*ranges):
        for thickness in DISC_HALF_THICKNESS:
            along, across = symmetric_inertia(DISC_RADIUS, thickness)
            found = slow_precession(
                along, across + arm**2, gravity * arm, spin, np.radians(angle)
            )
            balance = across + arm**2
            left = balance * np.cos(np.radians(angle)) * found**2 + gravity * arm
            assert left == pytest.approx(along * spin * found)


@settings(max_examples=10, deadline=None)
@given(spin=SPIN, angle=TILT, case=st.integers(0, 99))
def test_a_free_spindle_wobbles_about_its_angular_momentum(spin, angle, case):
    motion = run(Gyroscope("free", spin, angle).scene(0, case), 2.0)
    along, across = moments(motion)

    wobble = along * spin / (across * np.cos(np.radians(angle)))
    assert rate(azimuth(motion), motion) == pytest.approx(wobble, rel=allowed(Gyroscope, "wobble"))
    assert tilt(motion) == pytest.approx(angle, abs=0.01)
    # Euler: seen from the body, the angular velocity goes round its axis.
    own = attitude(motion).inv().apply(motion.of("spindle", "angular_velocity"))
    around = rate(np.unwrap(np.arctan2(own[:, 1], own[:, 0])), motion)
    assert around == pytest.approx(
        (along - across) / across * spin, rel=allowed(Gyroscope, "wobble")
    )
    momentum = attitude(motion).apply(own * [across, across, along])
    assert np.abs(momentum - [0, 0, across * wobble]).max() < (
        allowed(Gyroscope, "angular_momentum") * across * wobble
    )
    assert np.abs(np.ptp(motion.of("spindle", "position"), axis=0)).max() < 1e-9


def test_neither_gravity_nor_arm_matters_to_what_falls_freely():
    first = run(Gyroscope("free").scene(0, 4), 1.0)
    second = run(Gyroscope("free", arm=0.16, gravity=5.0).scene(0, 4), 1.0)
    assert np.array_equal(first.of("spindle", "quaternion"), second.of("spindle", "quaternion"))


@settings(max_examples=5, deadline=None)
@given(mount=st.sampled_from(["pivot", "free"]), spin=SPIN, angle=TILT)
def test_energy_stays(mount, spin, angle):
    motion = run(Gyroscope(mount, spin, angle).scene(0, 0), 3.0)
    scale = motion.energy("kinetic")[0]
    assert np.ptp(motion.energy()) < allowed(Gyroscope, "energy") * scale


@pytest.mark.parametrize("mount", ["pivot", "free"])
def test_a_mirror_and_smaller_steps_show_the_same(mount):
    scene = Gyroscope(mount).scene(0, 2)
    motion, other, fine = (run(each, 2.0) for each in (scene, mirrored(scene), refined(scene)))
    turned = other.of(other.scene.bodies[-1].name, "quaternion") * [1, 1, -1, -1]
    own = motion.of(motion.scene.bodies[-1].name, "quaternion")
    assert np.abs(np.sum(turned * own, axis=1)) == pytest.approx(1.0, abs=1e-6)
    assert azimuth(fine) == pytest.approx(azimuth(motion), abs=1e-5)


@settings(max_examples=30, deadline=None)
@given(angle=TILT, arm=st.floats(0.04, 0.16), case=st.integers(0, 999))
def test_the_disc_is_clear_of_the_floor_and_in_view(angle, arm, case):
    scene = Gyroscope("pivot", tilt=angle, arm=arm).scene(0, case)
    radius, half = scene.bodies[-1].parts[0].size
    slope = np.radians(angle)
    lowest = PIVOT_HEIGHT + (arm - half) * np.cos(slope) - radius * np.sin(slope)
    assert lowest > 0.1
    highest = PIVOT_HEIGHT + (arm + half) * np.cos(slope) + radius * np.sin(slope)
    widest = (arm + half) * np.sin(slope) + radius * np.cos(slope)
    row, _, _ = scene.cameras["side"].project(np.array([0, 0, highest]), (64, 64))
    _, column, _ = scene.cameras["side"].project(np.array([widest, 0, PIVOT_HEIGHT]), (64, 64))
    assert row > 0 and column < 64
