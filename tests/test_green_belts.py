"""Trees: stems break at their closed-form moment, slow the water until then, and are gone after."""

import dataclasses

import numpy as np
import pytest
import xarray as xr
from coast_scenes import coast, draw, run, world
from hypothesis import given
from hypothesis import strategies as st

from worldsim.simulator.coast import GreenBelt
from worldsim.simulator.coast_draw import coast_draw
from worldsim.simulator.constants import SEAWATER_DENSITY
from worldsim.simulator.green_belts import breaking_moment, stem_moment
from worldsim.simulator.recording import Recording

BELT = GreenBelt((28.0, 36.0, 0.0, 32.0), stems=0.5, diameter=0.2, height=6.0)
CELLS = (slice(0, 16), slice(14, 18))


def test_a_stem_breaks_at_the_stress_of_a_round_beam():
    """σ = M c / I with I = π d⁴ / 64 and c = d / 2; 20 cm of black pine bear 27.5 kN m."""
    stress = 35e6
    diameter = np.array([0.05, 0.2, 0.4])
    beam = stress * (np.pi * diameter**4 / 64) / (diameter / 2)
    np.testing.assert_allclose(breaking_moment(np.full(3, stress), diameter), beam, rtol=1e-12)
    assert beam[1] == pytest.approx(27.5e3, rel=0.01)


@given(st.floats(0.1, 10.0), st.floats(0.1, 12.0), st.floats(0.05, 1.0), st.floats(0.5, 15.0))
def test_the_waters_moment_is_the_integral_of_its_drag(depth, speed, diameter, height):
    z = (np.arange(10_000) + 0.5) / 10_000 * min(depth, height)
    drag = 0.5 * SEAWATER_DENSITY * diameter * speed**2 * min(depth, height) / 10_000
    assert stem_moment(depth, speed, diameter, height) == pytest.approx((drag * z).sum(), rel=1e-6)


def test_draws_keep_to_the_published_scatter():
    scene = coast(1.0, ())
    rupture = np.stack([coast_draw(scene, 1, 0, r).rupture for r in range(20)])
    low, middle, high = np.percentile(rupture, [5, 50, 95]) / 1e6
    assert (low, middle, high) == pytest.approx((29.0, 35.0, 42.2), rel=0.03)
    uprooting = coast_draw(scene, 1, 0, 0).uprooting
    assert (uprooting >= 0.5).all() and (uprooting <= 1.2).all()


@pytest.fixture(scope="module")
def broken():
    scene = coast(6.0, (), trees=(BELT,))
    running = world(scene, hidden=[draw(scene, 4)])
    record = Recording([scene], 1, 45)
    for frame in running.frames(45):
        record.store([(0, 0)], frame, running)
    record.finish([(0, 0)], running)
    return running, record.datasets()


def test_a_high_wave_breaks_trees_and_the_books_close(broken):
    running, groups = broken
    trees: xr.Dataset = groups["/trees"].isel(case=0, realization=0)
    time = trees["failure_time"].values
    gone = np.isfinite(time[CELLS])
    assert gone.mean() > 0.7 and np.isnan(np.delete(time, np.r_[14:18], 1)).all()
    assert 0 < trees["uprooted"].values[CELLS][gone].mean() < 1, "roots or stems give way first"
    assert not trees["uprooted"].values[CELLS][~gone].any()
    assert trees["stems"].values[CELLS].min() == np.float32(0.5)
    for name in ("mass_error", "momentum_error", "third_law_error"):
        assert getattr(running.audit, name).max() < 1e-12, name
    assert running.audit.energy_gain.max() < 1e-2


def test_a_low_wave_is_slowed_by_trees_that_stand_and_hardly_by_stumps():
    def beyond(**changes) -> float:
        scene = coast(1.8, (), trees=(dataclasses.replace(BELT, **changes),))
        ended = run(world(scene), 5.0)
        assert np.isnan(ended.processes[0].end()["failure_time"]).all()
        return float(ended.water.depth[0, :, 18:].sum())

    dense, stumps = beyond(), beyond(stems=0.115 * BELT.stems)
    bare = float(run(world(coast(1.8, ())), 5.0).water.depth[0, :, 18:].sum())
    assert dense < 0.9 * bare
    assert dense < stumps < bare
    assert (bare - stumps) < 0.5 * (bare - dense)
