"""How mechanical scenes look and are filmed: places do not overlap, colours differ, stages fit."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.places import apart, scatter
from scenarios.staging import (
    ANY,
    COLOURS,
    PROP_COLOURS,
    SETTINGS,
    object_looks,
    stage_cameras,
    step_for,
)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10**6), count=st.integers(1, 12), radius=st.floats(0.05, 0.23),
    gap=st.floats(0.0, 0.02), three=st.booleans(),
)
def test_scattered_balls_touch_neither_each_other_nor_the_walls(seed, count, radius, gap, three):
    rng = np.random.default_rng(seed)
    radii = radius * rng.uniform(0.7, 1.0, count)
    low, high = (np.full(3 if three else 2, bound) for bound in (-1.0, 1.0))
    centres = scatter(rng, radii, low, high, gap)
    assert centres.shape == (count, len(low))
    assert np.all(centres - radii[:, None] >= -1 - 1e-12)
    assert np.all(centres + radii[:, None] <= 1 + 1e-12)
    for one, other in itertools.combinations(range(count), 2):
        distance = np.linalg.norm(centres[one] - centres[other])
        assert distance >= radii[one] + radii[other] + gap - 1e-9


def test_a_crowd_that_chance_cannot_place_goes_on_a_lattice():
    # 16 of 16 places: random sequential addition jams long before.
    centres = scatter(np.random.default_rng(0), [0.24] * 16, (-1, -1), (1, 1))
    away = [np.linalg.norm(a - b) for a, b in itertools.combinations(centres, 2)]
    assert min(away) >= 0.48 - 1e-9


@given(seed=st.integers(0, 10**6), count=st.integers(0, 6), gap=st.floats(0.0, 0.5))
def test_numbers_apart_keep_their_gap_where_there_is_room(seed, count, gap):
    values = sorted(apart(np.random.default_rng(seed), count, -1.0, 1.0, gap))
    assert len(values) == count
    assert all(-1 <= value <= 1 for value in values)
    kept = min(gap, 2 / max(count, 1))
    assert all(b - a >= kept - 1e-9 for a, b in itertools.pairwise(values))


def test_objects_are_saturated_and_far_apart_and_all_else_is_dull():
    for one, other in itertools.combinations(COLOURS.values(), 2):
        assert np.linalg.norm(np.subtract(one, other)) > 70
    dull = [*PROP_COLOURS]
    for setting in SETTINGS:
        dull += [setting.floor.colour, setting.backdrop.low, setting.backdrop.high]
    for colour, other in itertools.product(COLOURS.values(), dull):
        assert max(colour) - min(colour) > 2.5 * (max(other) - min(other))


@pytest.mark.parametrize("colour", [ANY, *COLOURS])
def test_looks_differ_as_long_as_there_are_colours(colour):
    looks = object_looks(np.random.default_rng(3), len(COLOURS), colour=colour)
    assert {look.colour for look in looks} == set(COLOURS.values())
    if colour != ANY:
        assert looks[0].colour == COLOURS[colour]
    assert len(set(object_looks(np.random.default_rng(3), 5, alike=True))) == 1
    fewer = object_looks(np.random.default_rng(3), 3, colour=colour)
    assert fewer == looks[:3]


@settings(deadline=None)
@given(
    width=st.floats(0.5, 8.0), height=st.floats(0.5, 8.0), depth=st.floats(0.0, 4.0),
    elevation=st.floats(5.0, 45.0),
)
def test_both_cameras_show_the_whole_stage_and_not_much_more(width, height, depth, elevation):
    cameras = stage_cameras(width, height, depth=depth, elevation=elevation)
    corners = np.array(list(itertools.product(
        (-width / 2, width / 2), (-depth / 2, depth / 2), (0.0, height)
    )))
    for camera in cameras.values():
        row, column, _ = camera.project(corners, (64, 64))
        assert row.min() >= 0 and row.max() <= 64
        assert column.min() >= 0 and column.max() <= 64
        assert max(np.ptp(row), np.ptp(column)) > 32


def test_steps_are_whole_parts_of_what_is_stored():
    for speed, size in ((0.0, 0.1), (3.0, 0.1), (30.0, 0.05)):
        parts = 1 / (120 * step_for(speed, size))
        assert parts == pytest.approx(round(parts)) and parts >= 4 - 1e-9
        assert speed * step_for(speed, size) <= size / 12 + 1e-12 or parts == 4
