"""Slide and roll on an incline: MuJoCo against Coulomb and the moment of inertia."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.incline import MOMENTS, RADIUS, Incline
from tests.motion_run import Run, exact

SHAPES = ("ball", "cylinder", "wheel", "box")

TOLERANCE = {check.name: check.tolerance for check in Incline.checks}


class Descent(Run):
    """A run as seen along the slope, until the body meets the buffer."""

    def __init__(self, scenario: Incline, **options):
        super().__init__(scenario, **options)
        place = self.position[:, self.scene.numbers()["body"]]
        slope = math.radians(scenario.angle)
        way = np.sign(place[-1, 0] - place[0, 0]) or 1.0
        along = np.array([way * math.cos(slope), 0.0, -math.sin(slope)])
        out = np.array([way * math.sin(slope), 0.0, math.cos(slope)])
        self.distance = (place - place[0]) @ along
        self.lifted = (place - place[0]) @ out
        # What turns fast climbs the buffer a little and rolls back: until it first gets there.
        self.free = np.maximum.accumulate(self.distance) < scenario.run_up - 0.02

    def acceleration(self) -> float:
        """m/s2 along the slope: distance on half the square of time, from rest."""
        half = self.time[self.free] ** 2 / 2
        return float(half @ self.distance[self.free] / (half @ half))


@settings(deadline=None, max_examples=12)
@given(
    angle=st.floats(3.0, 38.0), friction=st.floats(0.0, 1.0), gravity=st.floats(1.5, 25.0),
    shape=st.sampled_from(SHAPES), seed=st.integers(0, 10**6),
)
def test_acceleration_of_what_rolls_or_slides(angle, friction, gravity, shape, seed):
    scenario = Incline(
        angle=angle, friction=friction, gravity=gravity, shape=shape, run_up=3.0
    )
    run = Descent(exact(scenario), seed=seed)
    assert not run.failed
    pull = gravity * math.sin(math.radians(angle))
    assert run.acceleration() == pytest.approx(
        scenario.acceleration, rel=TOLERANCE["rolling"], abs=0.003 * pull
    )
    # A box that is tipped by friction while it slides would leave the plank; this one is as broad
    # as high, and stays.
    assert np.abs(run.lifted[run.free]).max() < 2e-3


@pytest.mark.parametrize(("shape", "share"), [("ball", 5 / 7), ("cylinder", 2 / 3)])
def test_what_rolls_without_slip_is_slower_by_its_moment_of_inertia(shape, share):
    assert 1 / (1 + MOMENTS[shape]) == pytest.approx(share)
    scenario = Incline(shape=shape, friction=0.6, angle=20.0)
    run = Descent(exact(scenario))
    assert run.acceleration() == pytest.approx(
        share * 9.8 * math.sin(math.radians(20.0)), rel=TOLERANCE["rolling"]
    )
    spin = np.abs(run.spin[run.free, 0, 1])
    speed = np.linalg.norm(run.velocity[run.free, 0], axis=-1)
    np.testing.assert_allclose(spin[20:] * RADIUS, speed[20:], rtol=0.01)


def test_a_wheel_with_its_mass_at_the_rim_loses_the_race():
    times = {}
    for shape in ("ball", "cylinder", "wheel"):
        run = Descent(exact(Incline(shape=shape, friction=0.6)))
        times[shape] = run.time[~run.free][0]
    assert times["ball"] < times["cylinder"] < times["wheel"]
    assert MOMENTS["wheel"] > 0.6


def test_the_wheels_moment_of_inertia_is_mujocos():
    import mujoco

    from worldsim.mechanics import MechanicalHidden
    from worldsim.simulator.mechanics.models import scene_model
    from worldsim.simulator.scene import Physics

    scene = Incline(shape="wheel").scene(0, 0)
    model = scene_model(scene, Physics()).member(MechanicalHidden())
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    full = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, full)
    mass = full[0, 0]
    assert mass == pytest.approx(1.0)
    # The axle lies along y of the body, about which it turns.
    assert full[4, 4] / (mass * RADIUS**2) == pytest.approx(MOMENTS["wheel"], rel=1e-6)


@pytest.mark.parametrize("excess", [-TOLERANCE["critical angle"], TOLERANCE["critical angle"]])
def test_a_box_slides_only_beyond_the_critical_angle(excess):
    friction = 0.4
    angle = math.degrees(math.atan(friction * (1 + excess)))
    run = Descent(exact(Incline(shape="box", friction=friction, angle=angle)))
    if excess < 0:
        assert np.abs(run.distance).max() < 5e-3
    else:
        assert run.acceleration() == pytest.approx(
            9.8 * (math.sin(math.radians(angle)) - friction * math.cos(math.radians(angle))),
            rel=0.05,  # of two nearly equal terms' difference
        )


@pytest.mark.parametrize("shape", SHAPES)
def test_the_mass_changes_nothing(shape):
    runs = []
    for factor in (1 / 3, 3.0):
        class Heavy(Incline):
            def hidden(self, scene, seed, case, realization, factor=factor):
                drawn = Incline.hidden(self, scene, seed, case, realization)
                return type(drawn)(mass=np.full(len(scene.bodies), factor))

        runs.append(Descent(Heavy(shape=shape)))
    assert runs[1].mass[0] == pytest.approx(9 * runs[0].mass[0])
    both = runs[0].free & runs[1].free
    np.testing.assert_allclose(
        runs[0].distance[both], runs[1].distance[both], atol=TOLERANCE["mass"] * 0.1
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_a_plank_that_falls_to_the_left_mirrors_one_to_the_right(shape):
    scenario = exact(Incline(shape=shape))
    runs = [Descent(scenario, case=case) for case in range(3)]
    ways = [np.sign(run.position[-1, 0, 0]) for run in runs]
    assert set(ways) == {-1.0, 1.0}
    for way, run in zip(ways, runs, strict=True):
        np.testing.assert_allclose(
            way * run.position[run.free, 0, 0], ways[0] * runs[0].position[run.free, 0, 0],
            atol=2e-3,
        )


@pytest.mark.parametrize("shape", SHAPES)
def test_it_stops_at_the_buffer_and_energy_never_rises(shape):
    run = Run(Incline(shape=shape, friction=0.2, angle=28.0), duration=4.0)
    drop = 9.8 * run.mass.sum() * 2.6 * math.sin(math.radians(28.0))
    assert np.diff(run.energy).max() < 1e-3 * drop
    assert np.linalg.norm(run.velocity[-1, 0]) < 0.05


@pytest.mark.parametrize("shape", SHAPES)
def test_half_the_step_gives_the_same_path(shape):
    coarse, fine = (Descent(exact(Incline(shape=shape), refine)) for refine in (1, 2))
    both = coarse.free & fine.free
    np.testing.assert_allclose(coarse.distance[both], fine.distance[both], atol=5e-3)
