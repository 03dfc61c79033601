"""Free fall and projectile: MuJoCo against Galilei's closed forms."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.free_fall import FreeFall
from scenarios.projectile import START, Projectile
from tests.motion_run import Run, exact

TOLERANCE = {
    (cls, check.name): check.tolerance for cls in (FreeFall, Projectile) for check in cls.checks
}


def peaks(run: Run, times: np.ndarray, radius: float, body: int = 0) -> list[float]:
    """Greatest height of the ball above the floor in each flight between contacts, from a parabola
    through the states in it."""
    found = []
    for start, end in itertools.pairwise(times):
        inside = (run.time > start + 0.01) & (run.time < end - 0.01)
        if inside.sum() >= 5:
            a, b, c = np.polyfit(run.time[inside] - start, run.position[inside, body, 2], 2)
            found.append(c - b * b / (4 * a) - radius)
    return found


@settings(deadline=None, max_examples=12)
@given(
    height=st.floats(0.3, 2.5), gravity=st.floats(1.5, 25.0), restitution=st.floats(0.3, 1.0),
    radius=st.floats(0.15, 0.28), seed=st.integers(0, 10**6),
)
def test_fall_time_and_bounce_heights(height, gravity, restitution, radius, seed):
    scenario = FreeFall(
        height=height, gravity=gravity, restitution=restitution, radius=radius, count=1
    )
    run = Run(exact(scenario), seed=seed, duration=2.5)
    met = run.met("ball 1", "floor")
    fall = math.sqrt(2 * height / gravity)
    assert not run.failed
    # A contact is noticed at the first step that begins in it.
    assert met[0] - fall == pytest.approx(run.scene.step / 2, abs=run.scene.step)
    bounces = peaks(run, met, radius)
    for n, peak in enumerate(bounces[:3], start=1):
        assert peak == pytest.approx(
            restitution ** (2 * n) * height, rel=n * TOLERANCE[FreeFall, "bounce heights"],
            abs=1e-3 * height,
        )


def test_times_of_flight_shrink_by_the_restitution_from_bounce_to_bounce():
    run = Run(exact(FreeFall(restitution=0.8, height=2.0, count=1)), duration=5.0)
    flights = np.diff(run.met("ball 1", "floor"))
    assert len(flights) >= 3
    np.testing.assert_allclose(
        flights[1:4] / flights[:3], 0.8, rtol=TOLERANCE[FreeFall, "flight times"]
    )
    fall = math.sqrt(2 * 2.0 / 9.8)
    assert run.met("ball 1", "floor")[0] == pytest.approx(
        fall, rel=TOLERANCE[FreeFall, "fall time"]
    )


def test_every_ball_falls_from_its_own_height_as_if_alone():
    scenario = exact(FreeFall(count=4, radius=0.28))
    run = Run(scenario, seed=3)
    for n in range(4):
        start = run.position[0, n]
        inside = run.time < math.sqrt(2 * (start[2] - 0.28) / 9.8)
        expected = start[2] - 9.8 * run.time[inside] ** 2 / 2
        np.testing.assert_allclose(run.position[inside, n, 2], expected, atol=1e-6)
        assert np.abs(run.position[:, n, :2] - start[:2]).max() < 1e-6


def test_the_mass_is_hidden_and_changes_nothing():
    class OfAnyMass(FreeFall):
        def hidden(self, scene, seed, case, realization):
            drawn = FreeFall.hidden(self, scene, seed, case, realization)
            return type(drawn)(mass=drawn.mass)

    one, other = (
        Run(OfAnyMass(count=2), first_realization=realization) for realization in (0, 1)
    )
    assert abs(one.mass[0] / other.mass[0] - 1) > 0.05
    np.testing.assert_allclose(one.position, other.position, rtol=TOLERANCE[FreeFall, "mass"])


def test_a_ball_that_is_not_elastic_stays_where_it_lands_and_an_elastic_one_never_rests():
    dead = Run(exact(FreeFall(restitution=0.0, count=1)))
    landed = dead.time > 0.7
    np.testing.assert_allclose(dead.position[landed, 0, 2], 0.2, atol=2e-3)
    alive = Run(exact(FreeFall(restitution=1.0, count=1)))
    assert alive.energy[-1] == pytest.approx(alive.energy[0], rel=0.01)


@settings(deadline=None, max_examples=12)
@given(
    speed=st.floats(2.5, 6.5), angle=st.floats(10.0, 85.0), gravity=st.floats(5.5, 20.0),
    height=st.floats(0.0, 0.8), seed=st.integers(0, 10**6),
)
def test_range_apex_and_parabola(speed, angle, gravity, height, seed):
    scenario = Projectile(speed=speed, angle=angle, gravity=gravity, height=height, count=1)
    run = Run(exact(scenario), seed=seed)
    up, along = speed * math.sin(math.radians(angle)), speed * math.cos(math.radians(angle))
    flight = (up + math.sqrt(up**2 + 2 * gravity * height)) / gravity
    landed = run.met("ball 1", "floor")
    landed = landed[landed > 0.03]  # thrown from the ground itself, it touches it at t=0
    assert landed[0] == pytest.approx(flight, abs=2 * run.scene.step)
    flying = run.time < flight
    way = np.sign(-run.position[0, 0, 0])
    distance = way * run.position[flying, 0, 0] - START
    risen = run.position[flying, 0, 2] - run.position[0, 0, 2]
    slope = math.tan(math.radians(angle))
    np.testing.assert_allclose(
        risen, distance * slope - gravity * distance**2 / (2 * along**2),
        atol=TOLERANCE[Projectile, "parabola"] * max(along * flight, up**2 / (2 * gravity)),
    )
    assert np.interp(landed[0], run.time, way * run.position[:, 0, 0]) - START == pytest.approx(
        along * flight, rel=TOLERANCE[Projectile, "range"], abs=3 * run.scene.step * along
    )
    a, b, c = np.polyfit(run.time[flying], risen, 2)
    assert c - b * b / (4 * a) == pytest.approx(
        up**2 / (2 * gravity), rel=TOLERANCE[Projectile, "apex"]
    )
    np.testing.assert_allclose(
        way * run.velocity[flying, 0, 0], along, rtol=TOLERANCE[Projectile, "horizontal velocity"]
    )


def test_complementary_angles_reach_equally_far():
    reach = []
    for angle in (25.0, 65.0):
        run = Run(exact(Projectile(angle=angle, height=0.0, count=1)))
        landed = run.met("ball 1", "floor")
        landed = landed[landed > 0.03][0]
        reach.append(abs(np.interp(landed, run.time, run.position[:, 0, 0])
                         - run.position[0, 0, 0]))
    assert reach[0] == pytest.approx(reach[1], rel=0.01)


def test_sand_stops_what_has_landed_within_the_picture():
    for case in range(4):
        run = Run(Projectile.from_codes(Projectile().codes()), case=case, duration=4.0)
        assert abs(run.position[-1, 0, 0]) < 2.5
        assert np.linalg.norm(run.velocity[-1, 0]) < 0.05


def test_a_throw_to_the_left_mirrors_one_to_the_right():
    runs = [Run(exact(Projectile(count=2)), case=case) for case in range(6)]
    ways = [np.sign(run.velocity[0, 0, 0]) for run in runs]
    assert {-1.0, 1.0} == set(ways)
    paths = [way * run.position[:, 0, 0] for way, run in zip(ways, runs, strict=True)]
    for path, run in zip(paths[1:], runs[1:], strict=True):
        np.testing.assert_allclose(path, paths[0], atol=1e-5)
        np.testing.assert_allclose(run.position[:, 0, 2], runs[0].position[:, 0, 2], atol=1e-5)


@pytest.mark.parametrize("scenario", [FreeFall(count=3), Projectile(count=2)])
def test_half_the_step_gives_the_same_path(scenario):
    coarse, fine = Run(exact(scenario)), Run(exact(scenario, refine=2))
    moving = coarse.moving()
    apart = np.linalg.norm((coarse.position - fine.position)[:, moving], axis=-1)
    assert apart.max() < 0.02
    assert np.median(apart) < 2e-3


@pytest.mark.parametrize("scenario", [FreeFall(count=3), Projectile(count=2)])
def test_energy_never_rises(scenario):
    run = Run(scenario)
    assert np.diff(run.energy).max() < 2e-3 * run.energy[0]
    assert run.energy[-1] < run.energy[0]
