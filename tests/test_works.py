"""Seawalls: statics against closed forms, water over and through them, books that close."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from coast_scenes import DOMAIN, GROUND, SLOTS, WALL, coast, draw, run, world
from hypothesis import given, settings
from hypothesis import strategies as st

from worldsim.errors import InputError
from worldsim.simulator.coast import GreenBelt, Pier, Quay, Seawall, WorkKind
from worldsim.simulator.constants import GRAVITY, SEAWATER_DENSITY
from worldsim.simulator.gravity_wall import Wall, excess, scour_depth
from worldsim.simulator.recording import Recording
from worldsim.simulator.scene import Building
from worldsim.simulator.structures import TYPES

UNIT = SEAWATER_DENSITY * GRAVITY
BOOKS = ("mass_error", "momentum_error", "third_law_error")


def wall(height: float, width: float, friction: float = 0.55) -> Wall:
    ones = np.ones(1)
    return Wall(height * ones, width * ones, 2300.0 * height * width * ones, friction * ones)


def test_a_dry_wall_slides_and_overturns_at_the_closed_form_depths():
    """Below its crest: ½h² = μ(γ_c H B − ½hB), and h³/6 + B²h/3 = γ_c H B²/2 (per unit weight)."""
    height, width, friction = 3.0, 1.2, 0.55
    gamma = 2300.0 / SEAWATER_DENSITY
    slides = (-friction * width + np.sqrt((friction * width) ** 2
                                          + 8 * friction * gamma * height * width)) / 2
    tips = np.roots([1 / 6, 0, width**2 / 3, -gamma * height * width**2 / 2])
    tips = float(tips[np.isreal(tips)].real[0])
    for depth, which in ((slides, "force"), (tips, "moment")):
        assert 0 < depth < height
        for factor, gives_way in ((0.999, False), (1.001, True)):
            found = excess(wall(height, width, friction), np.array([factor * depth]), np.zeros(1),
                           np.zeros(1), np.zeros(1), GRAVITY)
            assert (getattr(found, which)[0] > 0) == gives_way


@given(
    st.floats(0.5, 8.0), st.floats(0.5, 6.0), st.floats(0.0, 12.0), st.floats(0.0, 12.0),
    st.floats(0.0, 0.5),
)
def test_the_balance_of_a_wall_is_that_of_the_summed_pressure(height, width, head, tail, share):
    scour, on_crest = share * width, max(head, tail) - height
    on_crest = max(on_crest, 0.0)
    found = excess(wall(height, width), np.array([head]), np.array([tail]), np.array([on_crest]),
                   np.array([scour]), GRAVITY)
    z = (np.arange(20_000) + 0.5) / 20_000 * height
    pressure = UNIT * (np.maximum(head - z, 0) - np.maximum(tail - z, 0)) * height / 20_000
    x = (np.arange(20_000) + 0.5) / 20_000 * width  # from the toe
    below = UNIT * (tail + (head - tail) * x / width) * width / 20_000
    weight = 2300.0 * height * width * GRAVITY + UNIT * on_crest * width
    force = pressure.sum() - 0.55 * max(weight - below.sum(), 0.0)
    moment = (pressure * z).sum() + (below * (x - scour)).sum() - weight * (width / 2 - scour)
    scale = UNIT * (height + head + tail) ** 2 * (width + height)
    assert found.force[0] == pytest.approx(force, abs=1e-4 * scale)
    assert found.moment[0] == pytest.approx(moment, abs=1e-4 * scale)


def test_scour_follows_veronese_and_weakens():
    assert scour_depth(np.array([1.0]), np.array([1.0]))[0] == pytest.approx(1.90)
    assert scour_depth(np.array([0.0]), np.array([1.0]))[0] == 0.0
    levels = np.array([3.5]), np.zeros(1), np.array([0.5])
    whole, undermined = (
        excess(wall(3.0, 2.0), *levels, np.array([s]), GRAVITY).moment[0] for s in (0.0, 0.8)
    )
    assert undermined > whole


def test_a_strong_wall_keeps_a_low_wave_out_and_is_overtopped_by_a_high_one():
    strong = dataclasses.replace(WALL, width=12.0)
    behind = slice(14, None)
    for height, wets in ((0.8, False), (3.5, True)):
        ended = run(world(coast(height, (strong,))), 4.5)
        works = ended.processes[0]
        assert works.standing[0, :2].all()
        assert (float(ended.water.depth[0, :, behind].max()) > 0.1) == wets
        assert (works.end()["max_overflow_depth"][0, :2] > 0).all() == wets
        without = run(world(coast(height, ())), 4.5)
        assert float(ended.water.depth[0, :, behind].sum()) < 0.7 * float(
            without.water.depth[0, :, behind].sum()
        )


@pytest.fixture(scope="module")
def broken():
    """Segments of a weak wall that fail one after the other."""
    scene = coast(4.0)
    ended = world(scene, hidden=[draw(scene, 3)])
    record = Recording([scene], 1, 50)
    for frame in ended.frames(50):
        record.store([(0, 0)], frame, ended)
    record.finish([(0, 0)], ended)
    return scene, ended, record.datasets()


def test_a_wall_that_fails_lets_the_ground_down_with_all_books_closed(broken):
    scene, ended, groups = broken
    works = groups["/works"].isel(case=0, realization=0)
    time = works["failure_time"].values[:2]
    assert np.isfinite(time).all() and time[0] != time[1], "each segment by itself"
    assert (works["cause"].values[:2] > 0).all() and (works["cause"].values[2:] == 0).all()
    assert list(works["kind"].values) == [0, 0, -1, -1, -1, -1]
    for number in range(2):
        standing = works["standing"].values[:, number]
        stored = works["time"].values
        assert standing[stored < time[number]].all() and not standing[stored > time[number]].any()
        rows = slice(8 * number, 8 * number + 8)
        assert (scene.ground[rows, 12:14] == 3.0).all()
        rubble = works["rubble"].values[number]
        np.testing.assert_allclose(ended.ground[0, rows, 12:14], rubble, rtol=1e-6)
        assert 1.0 < rubble < 2.0
    torch.testing.assert_close(ended.solver.bathymetry, torch.as_tensor(ended.ground))
    for name in BOOKS:
        assert getattr(ended.audit, name).max() < 1e-12, name
    assert ended.audit.energy_gain.max() < 1e-2
    assert (groups["/water"]["bathymetry"].values[0, :, 12:14] == 3.0).all(), "as at the start"


def test_a_dam_that_breaks_in_a_closed_basin_loses_no_water_and_gains_no_energy():
    surface = np.where(DOMAIN.x < 26, 2.9, -9.0) * np.ones((DOMAIN.ny, 1))
    scene = coast(0.0, (dataclasses.replace(WALL, width=0.6),), surface=surface, closed=True)
    running = world(scene)
    volume = float(running.water.depth.sum())
    run(running, 4.0)
    assert not running.processes[0].standing[0, :2].all()
    assert float(running.water.depth[0, :, 14:].max()) > 0.3
    assert float(running.water.depth.sum()) == pytest.approx(volume, rel=1e-13)
    assert running.audit.energy_gain.max() < 1e-9
    for name in BOOKS:
        assert getattr(running.audit, name).max() < 1e-12, name


def test_members_with_works_and_trees_do_not_know_of_each_other():
    scenes = [
        coast(4.0), coast(4.0, ()),
        coast(4.0, (), trees=(GreenBelt((30.0, 40.0, 0.0, 32.0)),)),
    ]
    hidden = [draw(scene, 2) for scene in scenes]
    together = run(world(*scenes, hidden=hidden), 3.5)
    for number, (scene, own) in enumerate(zip(scenes, hidden, strict=True)):
        alone = run(world(scene, hidden=[own]), 3.5)
        for name in ("depth", "momentum_x", "momentum_y"):
            one, many = getattr(alone.water, name)[0], getattr(together.water, name)[number]
            assert torch.equal(one, many), (number, name)
        for name, values in alone.processes[0].end().items():
            np.testing.assert_array_equal(values[0], together.processes[0].end()[name][number])


@settings(max_examples=4, deadline=None)
@given(st.floats(0.5, 6.0), st.floats(1.5, 5.0), st.floats(0.8, 6.0), st.integers(1, 9))
def test_any_wall_keeps_the_books(height, crest, width, seed):
    scene = coast(height, (dataclasses.replace(WALL, crest=crest, width=width),))
    ended = run(world(scene, hidden=[draw(scene, seed)]), 2.5)
    for name in BOOKS:
        assert getattr(ended.audit, name).max() < 1e-11, name
    ground = ended.ground[0]
    assert (ground <= scene.ground).all() and (ground >= GROUND).all()


def test_a_quay_is_raised_ground_with_deep_water_beside_it():
    scene = coast(1.0, (Quay((10.0, 20.0, 8.0, 24.0), top=1.5), Pier((30.0, 31.0, 3.0, 4.0), 4.0)))
    assert (scene.platform[4:12, 5:10] == 1.5).all() and scene.platform[3, 5] == -4.0
    ended = run(world(scene), 2.0)
    assert float(ended.water.depth[0, 5:11, 6:9].max()) < float(ended.water.depth[0, 1, 6:9].min())
    works = ended.processes[0]
    assert works.standing[0].tolist() == [True, True, False, False, False, False]
    declared = works.declare([scene]).static
    codes = [list(WorkKind).index(kind) for kind in (WorkKind.QUAY, WorkKind.PIER)]
    assert declared["kind"].values[0, :2].tolist() == codes


HOUSE = Building(TYPES["timber"], (24.0, 34.0, 8.0, 18.0), 1, (100, 100, 100))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"works": (dataclasses.replace(WALL, footprint=(24, 28, 0, 40)),)}, "leaves the domain"),
        ({"works": (dataclasses.replace(WALL, footprint=(24, 27, 0, 32)),)}, "whole cells"),
        ({"works": (dataclasses.replace(WALL, footprint=(0, 2, 0, 32)),)}, "edge"),
        ({"works": (dataclasses.replace(WALL, crest=0.5),)}, "not above the ground"),
        ({"works": (dataclasses.replace(WALL, crest=float("nan")),)}, "crest=nan"),
        ({"works": (dataclasses.replace(WALL, width=-1.0),)}, "width=-1"),
        ({"works": (dataclasses.replace(WALL, density=0.0),)}, "density=0"),
        ({"works": (WALL,), "buildings": (HOUSE,)}, "stands on a building"),
        ({"works": (WALL,) * 4}, "slots 6"),
        ({"works": (Pier((30, 30, 2, 4), 3.0),)}, "no area"),
        ({"trees": (GreenBelt((24, 40, 0, 32), stems=-0.2),)}, "stems=-0.2"),
        ({"trees": (GreenBelt((24, 40, 0, 32)),), "buildings": (HOUSE,)}, "stands on a building"),
    ],
)
def test_works_that_cannot_be_are_named(changes, message):
    with pytest.raises(InputError, match=message):
        coast(2.0, changes.pop("works", ()), **changes)


def test_segments_are_whole_cells_and_cover_the_wall():
    scene = coast(1.0, (Seawall((20.0, 60.0, 8.0, 10.0), 3.0, segment=14.0),))
    cuts = [piece.footprint[:2] for piece in scene.pieces]
    assert cuts[0][0] == 20.0 and cuts[-1][1] == 60.0 and len(cuts) == 3
    assert all(a[1] == b[0] for a, b in itertools.pairwise(cuts))
    assert all(piece.across == 1 for piece in scene.pieces)
    assert SLOTS.works >= len(cuts)
