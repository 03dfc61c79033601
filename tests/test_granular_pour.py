"""Grains: none is lost, energy never rises, the heap steepens with friction, pegs spread evenly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine_runs import allowed, refined, run

from scenarios.granular_pour import OUTLET, PEG_PITCH, PEG_ROWS, WIDTH, GranularPour
from worldsim.simulator.constants import GRAVITY

HEAP = GranularPour(count=24, opening=1.1, friction=0.4)
PEGS = GranularPour(arrangement="pegs", count=30, opening=1.0, friction=0.3)


def places(states, scenario, quantity="position"):
    """(time, grain, 3)."""
    names = [f"grain {n + 1}" for n in range(int(scenario.count))]
    return np.stack([states.of(name, quantity) for name in names], axis=1)


def slope(x, z, radius):
    """degree: of the heap's surface, fitted to the highest grain of each column."""
    column = np.round(x / (2 * radius)).astype(int)
    tops = np.array([(2 * radius * abs(c), z[column == c].max()) for c in np.unique(column)])
    return -np.degrees(np.arctan(np.polyfit(tops[:, 0], tops[:, 1], 1)[0]))


@pytest.fixture(scope="module", params=(HEAP, PEGS), ids=("heap", "pegs"))
def poured(request):
    scenario = request.param
    return scenario, run(scenario.scene(0, 0), 3.0)


def test_no_grain_is_lost_and_all_lie_below_at_the_end(poured):
    scenario, states = poured
    place = places(states, scenario)
    assert np.abs(place[..., 0]).max() < WIDTH / 2
    assert np.abs(place[..., 1]).max() < 0.05 * scenario.radius
    assert place[..., 2].min() > 0.9 * scenario.radius
    assert (place[-1, :, 2] < OUTLET[scenario.arrangement]).all()
    assert not bool(states.groups["/audit"]["failed"])


def test_grains_end_beside_each_other_not_inside(poured):
    scenario, states = poured
    place = places(states, scenario)[-1]
    away = np.linalg.norm(place[:, None] - place[None], axis=-1)[np.triu_indices(len(place), 1)]
    assert away.min() > 1.95 * scenario.radius


def test_energy_never_rises(poured):
    _, states = poured
    total = states.energy()
    assert np.diff(total).max() < 1e-3 * (total[0] - total.min())


def test_a_grain_that_nothing_holds_falls_freely(poured):
    scenario, states = poured
    place = places(states, scenario)
    middle = np.argmin(np.abs(place[0, :, 0]) + (place[0, :, 2] - place[0, :, 2].min()))
    drop = place[0, middle, 2] - place[:, middle, 2]
    height = 0.3
    measured = np.interp(height, drop[:60], states.time[:60])
    expected = np.sqrt(2 * height / GRAVITY)
    assert measured == pytest.approx(expected, rel=allowed(GranularPour, "first"))


def test_the_angle_of_repose_grows_with_friction():
    angles = []
    for friction in (0.05, 0.8):
        scenario = GranularPour(count=24, opening=1.3, friction=friction)
        found = []
        for case in range(2):
            place = places(run(scenario.scene(0, case), 2.5), scenario)[-1]
            found.append(slope(place[:, 0], place[:, 2], scenario.radius))
        angles.append(np.mean(found))
    assert angles[1] > angles[0] + 5


def test_pegs_spread_the_grains_about_as_a_galton_board():
    scenario = GranularPour(arrangement="pegs", count=30, opening=0.9, friction=0.2)
    ends = []
    for case in range(3):
        place = places(run(scenario.scene(0, case), 2.5), scenario)
        ends.append(place[-1, :, 0])
    x = np.concatenate(ends)
    variance = PEG_ROWS * PEG_PITCH**2 / 4 + scenario.opening**2 / 12
    assert abs(x.mean()) < 3 * np.sqrt(variance / len(x))
    assert x.var() == pytest.approx(variance, rel=allowed(GranularPour, "spread"))


def test_shorter_steps_give_the_same_pour_until_it_is_chaotic():
    scene = HEAP.scene(0, 0)
    place, finer = (places(run(each, 0.5), HEAP) for each in (scene, refined(scene)))
    middle, other = place[-1].mean(axis=0), finer[-1].mean(axis=0)
    assert np.abs(middle - other).max() < 0.03 * (place[0].mean(axis=0) - middle)[2]
    soon = 18  # states, 0.15 s: about when the first grains meet
    assert np.median(np.linalg.norm(place[soon] - finer[soon], axis=1)) < 3e-3


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(("heap", "pegs")), st.integers(12, 80), st.floats(0.07, 0.105),
    st.floats(0.5, 1.3), st.integers(0, 30),
)
def test_grains_begin_apart_within_the_walls(arrangement, count, radius, opening, case):
    scenario = GranularPour(arrangement=arrangement, count=count, radius=radius, opening=opening)
    scene = scenario.scene(0, case)
    centres = np.array([b.position for b in scene.bodies if b.name.startswith("grain")])
    assert len(centres) == count
    away = np.linalg.norm(centres[:, None] - centres[None], axis=-1)[np.triu_indices(count, 1)]
    assert away.min() > 2 * radius
    assert np.abs(centres[:, 0]).max() + radius < WIDTH / 2
    assert centres[:, 2].min() - radius > OUTLET[arrangement]
