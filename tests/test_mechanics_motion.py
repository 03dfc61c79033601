"""Rigid bodies that touch nothing are held to Galilei, Huygens, Hooke and Euler."""

import math

import numpy as np
import pytest
from scipy.special import ellipk

from tests.machine_runs import mirrored, refined, run
from worldsim import InputError
from worldsim.mechanics import (
    Body,
    Freedom,
    Joint,
    MechanicalScene,
    Part,
    Shape,
    ball,
    block,
    floor,
)
from worldsim.simulator.constants import GRAVITY


def _scene(*bodies: Body, **scene: object) -> MechanicalScene:
    return MechanicalScene(bodies, {}, **scene)  # type: ignore[arg-type]


def _about(axis: tuple[float, float, float], angle: float) -> tuple[float, float, float, float]:
    s = math.sin(angle / 2)
    return (math.cos(angle / 2), axis[0] * s, axis[1] * s, axis[2] * s)


def _period(time: np.ndarray, angle: np.ndarray) -> float:
    """Mean time between the upward crossings of 0, which a straight line finds."""
    at = np.flatnonzero((angle[:-1] < 0) & (angle[1:] >= 0))
    part = -angle[at] / (angle[at + 1] - angle[at])
    crossings = time[at] + part * (time[1] - time[0])
    return float(np.diff(crossings).mean())


@pytest.mark.parametrize("elsewhere", [False, True])
def test_bodies_fall_as_galilei_says(elsewhere: bool) -> None:
    """z = z0 + v t - g t²/2 to 1e-5 of the way, whether or not others touch meanwhile."""
    others = (floor(), block("rests", (0.1, 0.1, 0.1), (3.0, 0.0, 0.1))) if elsewhere else ()
    scene = _scene(
        *others, ball("dropped", 0.1, (0.0, 0.0, 9.0)),
        block("thrown", (0.1, 0.2, 0.3), (1.0, 0.0, 2.0), velocity=(3.0, 0.0, 5.0)),
    )
    found = run(scene, 1.0)
    time = found.time
    fallen = 9.0 - found.of("dropped", "position")[:, 2]
    assert np.abs(fallen - GRAVITY * time**2 / 2).max() < 1e-5 * fallen[-1]
    thrown = found.of("thrown", "position") - found.of("thrown", "position")[0]
    expected = np.stack([3 * time, 0 * time, 5 * time - GRAVITY * time**2 / 2], -1)
    assert np.abs(thrown - expected).max() < 1e-5
    speed = found.of("dropped", "velocity")[:, 2]
    assert np.abs(speed + GRAVITY * time).max() < 1e-5


@pytest.mark.parametrize("amplitude", [0.1, 1.2, 2.8])
def test_a_pendulum_swings_as_the_elliptic_integral_says(amplitude: float) -> None:
    """T = 4 sqrt(L/g) K(sin²(a/2)) of a point mass, here a small ball: L = l + 2 r²/(5 l)."""
    radius, length = 0.05, 0.7
    bob = Body(
        "bob", (Part(Shape.SPHERE, (radius,), position=(0.0, 0.0, -length)),), (0.0, 0.0, 2.0),
        _about((0.0, 1.0, 0.0), amplitude),
        joint=Joint(Freedom.HINGE, axis=(0.0, 1.0, 0.0), position=amplitude),
    )
    found = run(_scene(bob), 8.0)
    place = found.of("bob", "position")
    angle = np.arctan2(-place[:, 0], 2.0 - place[:, 2])
    equivalent = length + 2 * radius**2 / (5 * length)
    expected = 4 * math.sqrt(equivalent / GRAVITY) * ellipk(math.sin(amplitude / 2) ** 2)
    assert _period(found.time, angle) == pytest.approx(expected, rel=2e-4)
    # What it gains in speed it loses in height.
    assert np.ptp(found.energy()) < 1e-8 * GRAVITY


@pytest.mark.parametrize("damping", [0.0, 1.5])
def test_a_mass_on_a_spring_swings_as_hooke_says(damping: float) -> None:
    """x = a exp(-ct/2m) cos(wt), w² = k/m - (c/2m)², about the place where spring and rest meet."""
    stiffness, mass, away = 80.0, 2.0, 0.3
    rate = damping / (2 * mass)
    slider = Body(
        "mass", (Part(Shape.BOX, (0.1, 0.1, 0.1)),), (away, 0.0, 1.0), mass=mass,
        joint=Joint(Freedom.SLIDE, axis=(1.0, 0.0, 0.0), position=away, stiffness=stiffness,
                    damping=damping, speed=-rate * away),
    )
    found = run(_scene(slider), 6.0)
    pulse = math.sqrt(stiffness / mass - rate**2)
    expected = away * np.exp(-rate * found.time) * np.cos(pulse * found.time)
    assert np.abs(found.of("mass", "position")[:, 0] - expected).max() < 1e-5 * away


def test_a_free_top_precesses_as_euler_says() -> None:
    """In the body's axes the spin turns about the axis at (I3/I1 - 1) w3; energy and angular
    momentum stay."""
    half = (0.1, 0.1, 0.03)
    transverse = (half[1] ** 2 + half[2] ** 2) / 3
    axial = (half[0] ** 2 + half[1] ** 2) / 3
    spin = (2.0, 0.0, 25.0)
    found = run(_scene(block("plate", half, (0.0, 0.0, 0.0), spin=spin), gravity=0.0), 2.0)
    axes = _rotations(found.of("plate", "quaternion"))
    local = np.einsum("tji,tj->ti", axes, found.of("plate", "angular_velocity"))
    angle = np.unwrap(np.arctan2(local[:, 1], local[:, 0]))
    rate = float(np.polyfit(found.time, angle, 1)[0])
    assert rate == pytest.approx((axial / transverse - 1) * spin[2], rel=1e-5)
    momentum = np.einsum("tij,j,tj->ti", axes, [transverse, transverse, axial], local)
    assert np.abs(momentum - momentum[0]).max() < 1e-5 * np.abs(momentum[0]).max()
    assert np.ptp(found.energy()) < 1e-8 * found.energy()[0]


def test_a_tumbling_brick_turns_over_and_keeps_its_momentum() -> None:
    """Spin about the middle axis of inertia is unstable (Dzhanibekov); momentum and energy stay."""
    half = (0.05, 0.1, 0.15)
    inertia = np.array([half[1]**2 + half[2]**2, half[0]**2 + half[2]**2, half[0]**2 + half[1]**2])
    found = run(
        _scene(block("brick", half, (0.0, 0.0, 0.0), spin=(0.05, 12.0, 0.0)), gravity=0.0), 3.0
    )
    axes = _rotations(found.of("brick", "quaternion"))
    local = np.einsum("tji,tj->ti", axes, found.of("brick", "angular_velocity"))
    assert local[:, 1].min() < -11.0
    momentum = np.einsum("tij,j,tj->ti", axes, inertia / 3, local)
    assert np.abs(momentum - momentum[0]).max() < 1e-5 * np.abs(momentum[0]).max()
    assert np.ptp(found.energy()) < 1e-7 * found.energy()[0]


def test_a_heavy_top_precesses_steadily_at_the_rate_of_its_quadratic() -> None:
    """I1 W² cos(a) - I3 s W + m g l = 0 for the steady precession W of a top that leans by a and
    spins at s about its axis (Goldstein, Poole and Safko 2002, eq. 5.76)."""
    radius, half, arm, lean, mass = 0.15, 0.02, 0.2, 0.5, 1.0
    axial = mass * radius**2 / 2
    transverse = mass * (radius**2 / 4 + half**2 / 3) + mass * arm**2
    turn = 3.0
    along = (transverse * turn**2 * math.cos(lean) + mass * GRAVITY * arm) / (axial * turn)
    # Spin about the vertical at the rate of precession, and about the own axis what is missing.
    own = along - turn * math.cos(lean)
    axis = np.array([math.sin(lean), 0.0, math.cos(lean)])
    spin = tuple(own * axis + np.array([0.0, 0.0, turn]))
    top = Body(
        "top", (Part(Shape.CYLINDER, (radius, half), position=(0.0, 0.0, arm)),), (0.0, 0.0, 1.0),
        _about((0.0, 1.0, 0.0), lean), mass=mass, joint=Joint(Freedom.BALL), spin=spin,
    )
    found = run(_scene(top), 4.0)
    place = found.of("top", "position") - (0.0, 0.0, 1.0)
    leans = np.arccos(place[:, 2] / np.linalg.norm(place, axis=1))
    assert np.abs(leans - lean).max() < 1e-4
    angle = np.unwrap(np.arctan2(place[:, 1], place[:, 0]))
    assert float(np.polyfit(found.time, angle, 1)[0]) == pytest.approx(turn, rel=1e-4)


def test_half_the_step_tells_the_same() -> None:
    """A double pendulum before it becomes chaotic, and its energy."""
    scene = _double_pendulum()
    coarse, fine = run(scene, 2.0), run(refined(scene), 2.0)
    assert np.abs(coarse.of("lower", "position") - fine.of("lower", "position")).max() < 1e-5
    assert np.ptp(coarse.energy()) < 1e-6 * np.abs(coarse.energy()).max()


def test_a_mirror_image_moves_as_the_mirror_image() -> None:
    scene = _double_pendulum()
    straight, mirror = run(scene, 1.5), run(mirrored(scene), 1.5)
    seen = mirror.of("lower", "position") * (-1.0, 1.0, 1.0)
    assert np.abs(straight.of("lower", "position") - seen).max() < 1e-6


def test_a_spring_too_fast_for_the_step_is_refused() -> None:
    slider = Body(
        "quick", (Part(Shape.BOX, (0.1, 0.1, 0.1)),), mass=0.01,
        joint=Joint(Freedom.SLIDE, axis=(1.0, 0.0, 0.0), stiffness=1e4),
    )
    with pytest.raises(InputError, match=r"'quick' acts within 0\.001 s.*step at most 0\.00025"):
        run(_scene(slider), 0.1)


def _double_pendulum() -> MechanicalScene:
    hinge = Joint(Freedom.HINGE, axis=(0.0, 1.0, 0.0))
    bob = Part(Shape.SPHERE, (0.05,), position=(0.0, 0.0, -0.5))
    return _scene(
        Body("upper", (bob,), (0.0, 0.0, 2.0), _about((0.0, 1.0, 0.0), 1.9), joint=hinge),
        Body("lower", (bob,), (0.0, 0.0, -0.5), _about((0.0, 1.0, 0.0), -0.8), joint=hinge,
             parent="upper"),
    )


def _rotations(quaternion: np.ndarray) -> np.ndarray:
    """(time, 3, 3) turning the body's axes into the world's."""
    w, x, y, z = (quaternion[:, k].astype(float) for k in range(4))
    return np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
            np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
            np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
        ],
        -2,
    )


