"""Buildings in the water: walls that break, houses that float, what is said of their damage."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.validation.debris_impact import CASES as HITTING
from evaluation.validation.floating_house import CASES as FLOATING
from evaluation.validation.floating_house import lake, threshold
from evaluation.validation.pushover import CASES as PUSHING
from worldsim.errors import InputError
from worldsim.simulator.body_models import GAP, LEAKY_BUOYANCY
from worldsim.simulator.building_damage import Cause
from worldsim.simulator.constants import GRAVITY, SEAWATER_DENSITY
from worldsim.simulator.members import COUPLING_STEP, World
from worldsim.simulator.scene import Building, Domain, Hidden, Physics, Scene, Slots
from worldsim.simulator.structures import (
    MOST_STOREYS,
    TYPES,
    BuildingDraw,
    building_draw,
    building_type,
)
from worldsim.simulator.wall_loads import WallFaces

DOMAIN = Domain(40, 16, 2.0, 2.0)
HOUSE = (40.0, 46.0, 12.0, 20.0)
GREY = (200, 200, 200)


@pytest.mark.parametrize("case", [*PUSHING, *FLOATING, *HITTING], ids=lambda case: case.name)
def test_validation_cases_pass(case):
    for check in case.check():
        assert check.passed is not False, f"{check.quantity}: {check.error}"


def draw(walls=1.0, anchorage=1e6, leakage=0.0, closure=1.0):
    return BuildingDraw(*(np.full(1, value) for value in (walls, anchorage, leakage, closure)))


def street(*houses, head=4.0, debris=()):
    """A dam of `head` m in the west breaks in front of one timber house per member; each is given
    as a factor on its strength and a draw."""
    surface = np.where(DOMAIN.x < 24.0, head, 0.0) * np.ones((DOMAIN.ny, 1))
    scene = Scene(domain=DOMAIN, bathymetry=np.zeros((DOMAIN.ny, DOMAIN.nx)),
                  buildings=(Building(TYPES["timber"], HOUSE, 2, GREY),), debris=debris,
                  slots=Slots(1, 2, len(debris)), wave_times=np.array([0.0, 1.0]),
                  wave_elevation=np.zeros(2), manning=0.025, cameras={}, surface=surface,
                  closed=True)
    hidden = [
        Hidden(np.full((1, 2), strength), np.ones((1, 2)), np.full(len(debris), 300.0),
               np.full(len(debris), 1.2), buildings=drawn)
        for strength, drawn in houses
    ]
    return World([scene] * len(hidden), hidden, Physics(), threads=1, compiled=False)


def run(world, seconds):
    for step in range(round(seconds / COUPLING_STEP)):
        world.time = step * COUPLING_STEP
        world.step()
    return world


CLOSED, THROUGH, OPEN, WEAK, UNANCHORED = range(5)
HOUSES = {
    CLOSED: (1e3, draw(walls=1e3)),
    THROUGH: (1e3, draw()),
    OPEN: (1e3, draw(closure=0.3)),
    WEAK: (0.3, draw(walls=1e3)),
    UNANCHORED: (1e3, draw(walls=1e3, anchorage=0.1)),
}
SECONDS = 6.0


@pytest.fixture(scope="module")
def flood():
    """One house per member under the same bore."""
    return run(street(*HOUSES.values()), SECONDS)


def damage(world):
    return world.buildings.damage_state(world.bodies.peak_drift, world.bodies.standing)[:, 0]


def test_books_close_whatever_breaks(flood):
    assert not flood.failures().any()


def test_walls_break_where_the_water_stands_too_high_and_the_frame_stays(flood):
    buildings = flood.buildings
    assert np.isnan(buildings.walls_time[CLOSED, 0])
    assert np.isfinite(buildings.walls_time[[THROUGH, OPEN], 0]).all()
    assert flood.bodies.standing[[CLOSED, THROUGH, OPEN]].all(), "the frames stand on"
    assert buildings.cause[CLOSED, 0] == Cause.NONE
    assert buildings.cause[THROUGH, 0] == Cause.OUT_OF_PLANE_WALLS
    inside = np.zeros((DOMAIN.ny, DOMAIN.nx), dtype=bool)
    inside[6:10, 20:23] = True
    assert np.array_equal(flood.blocked[CLOSED].numpy(), inside)
    assert not flood.blocked[THROUGH].any()
    assert flood.water.depth[THROUGH].numpy()[inside].min() > 0.05, "water runs through"
    closed, through, open_ = buildings.impulse[[CLOSED, THROUGH, OPEN], 0, 0]
    assert 0 < open_ < through < 0.8 * closed, "what is left in the way takes less than a wall"
    assert damage(flood)[CLOSED] < 3 <= damage(flood)[THROUGH]


def test_what_came_down_says_when_and_why_and_how_deep(flood):
    buildings = flood.buildings
    assert buildings.cause[WEAK, 0] == Cause.WATER
    assert 0 < buildings.failure_time[WEAK, 0] < SECONDS
    assert 0.5 < buildings.max_depth[WEAK, 0] < 4.5
    assert buildings.max_momentum_flux[WEAK, 0] > 1.0
    assert damage(flood)[WEAK] in (4, 5)


def test_a_house_is_pushed_off_a_weak_foundation_and_washed_away(flood):
    buildings = flood.buildings
    assert buildings.cause[UNANCHORED, 0] == Cause.FLOATED
    left, gone = buildings.failure_time[UNANCHORED, 0], buildings.washed_away_time[UNANCHORED, 0]
    assert 0 < left < gone
    moved = np.abs(flood.bodies.displacement[UNANCHORED, 0])
    assert ((moved[:, 0] > 6.0) | (moved[:, 1] > 8.0)).all()
    assert damage(flood)[UNANCHORED] == 5


def test_a_member_alone_is_the_member_in_the_batch(flood):
    alone = run(street(HOUSES[THROUGH]), SECONDS)
    for name in ("inside", "walls_time", "failure_time", "cause", "max_depth", "impulse",
                 "max_momentum_flux", "washed_away_time"):
        np.testing.assert_array_equal(
            getattr(flood.buildings, name)[THROUGH], getattr(alone.buildings, name)[0], name)
    np.testing.assert_array_equal(flood.bodies.position[THROUGH], alone.bodies.position[0])
    np.testing.assert_array_equal(flood.water.depth[THROUGH], alone.water.depth[0])


def test_a_frame_without_walls_feels_the_drag_of_its_front():
    """After the bore, the load is drag on the closure's part of the front; the share of the floor
    above is half of the wet part of the storey."""
    world = run(street((1e3, draw(walls=1e-3, closure=0.5)), head=3.0), 4.0)
    before = world.buildings.impulse[0, 0, 0]
    forces = []
    for _ in range(10):
        fields = world._water_fields()
        loads = world._floating_forces(fields)
        whole = loads.force[0, :2, 0].sum()
        ground = world.buildings.frame_loads(fields, loads)[0, 0, 0]
        assert ground + loads.force[0, :2, 0].sum() == pytest.approx(whole, rel=1e-12)
        rows, columns = slice(6, 10), slice(20, 23)
        depth = fields.depth[0, rows, columns].mean()
        assert depth < 3.0
        front = 7.0 * (depth - 2 * GAP)  # m2: mean of length and width, above the underside
        speed = fields.u[0, rows, columns].mean()
        closure = TYPES["timber"].closure * 0.5
        expected = 0.5 * SEAWATER_DENSITY * 2.0 * closure * front * speed**2
        assert whole == pytest.approx(expected, rel=0.15)  # the drag is capped within one step
        assert ground / whole == pytest.approx(1 - depth / 6.0, rel=0.02)
        forces.append(whole)
        world.step()
    given_ = world.buildings.impulse[0, 0, 0] - before
    assert given_ == pytest.approx(np.sum(forces) * COUPLING_STEP, rel=0.05)


def test_a_tight_light_house_floats_as_a_whole_and_lies_deeper_as_it_fills():
    world = lake(np.full(2, 1.5), 2, 0.0, 0.0)
    world.buildings.values.leakage[1] = 0.2
    run(world, 8.0)
    assert world.buildings.floated.all() and not world.bodies.standing.any()
    assert world.buildings.cause[:, 0].tolist() == [Cause.FLOATED] * 2
    attached = world.bodies.frames.attached
    assert attached[:, 0].tolist() == [[False, True]] * 2, "the storeys stay together"
    draught = world.buildings._outside(world._water_fields())[:, 0]
    assert draught[0] == pytest.approx(threshold(2, 0.0), rel=0.1)  # it still heaves
    assert draught[1] > 1.5 * draught[0], "the leaking one lies deep"
    gap = world.bodies.position[:, 1, 2] - world.bodies.position[:, 0, 2]
    assert gap == pytest.approx(3.0, abs=0.05)
    assert not world.failures().any()


def test_only_a_house_whose_floor_goes_along_is_a_hull():
    world = lake(np.full(2, 1.0), 1, 0.0, 0.0)
    world.buildings.values.hull[1] = False
    run(world, 0.5)
    assert world.buildings.floated.all()
    inside, buoyant = world.buildings.inside[:, 0], world.bodies.floaters.buoyant[:, 0]
    assert inside[0] == 0.0 and buoyant[0] == 1.0
    assert buoyant[1] == LEAKY_BUOYANCY
    run(world, 1.5)
    assert world.buildings.inside[1, 0] > 0.3


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**31))
def test_faces_renewed_after_an_opening_are_those_of_the_new_plan(seed):
    rng = np.random.default_rng(seed)
    owner = np.where(rng.random((2, 6, 7)) < 0.5, rng.integers(0, 3, (2, 6, 7)), -1)
    faces = WallFaces.of(owner)
    owner[1][owner[1] == 1] = -1
    renewed = faces.renewed(1, owner[1])

    def listed(found):
        fields = dataclasses.astuple(found)
        return sorted(zip(*(field.tolist() for field in fields), strict=True))

    assert listed(renewed) == listed(WallFaces.of(owner))


def test_draws_differ_between_realizations_and_have_the_declared_spread():
    many = building_draw(4000, seed=3, case=0, realization=0)
    other = building_draw(4000, seed=3, case=0, realization=1)
    assert not np.array_equal(many.walls, other.walls)
    assert np.log(many.walls).std() == pytest.approx(0.30, rel=0.05)
    assert np.median(many.leakage) == pytest.approx(1.0, rel=0.1)


def test_impossible_buildings_are_named():
    ones = np.ones((2, 2))
    for bad in (np.nan, -1.0, 0.0, np.inf):
        strength = ones.copy()
        strength[1, 0] = bad
        with pytest.raises(InputError, match=r"building 1, storey 0: strength factor"):
            Hidden(strength, ones, np.zeros(0), np.zeros(0))
    with pytest.raises(InputError, match="building 0: anchorage"):
        draw(anchorage=-1.0)
    with pytest.raises(InputError, match="timber, masonry, steel, concrete"):
        building_type("mud")
    with pytest.raises(InputError, match="no type of building"):
        Building("mud", HOUSE, 1, GREY)  # type: ignore[arg-type]
    for storeys in (0, MOST_STOREYS + 1):
        with pytest.raises(InputError, match=f"has {storeys} storeys; give 1 to {MOST_STOREYS}"):
            Building(TYPES["steel"], HOUSE, storeys, GREY)
    with pytest.raises(InputError, match="yield_ratio=-1 must be a positive number"):
        dataclasses.replace(TYPES["steel"], yield_ratio=-1.0)
    with pytest.raises(InputError, match="lies below yield_ratio"):
        dataclasses.replace(TYPES["steel"], ultimate_ratio=0.01)
    with pytest.raises(InputError, match="must be positive and rise"):
        dataclasses.replace(TYPES["steel"], drifts=(0.1, 0.05, 0.2, 0.3))


@pytest.mark.parametrize(
    ("footprint", "words"),
    [
        ((41.0, 50.0, 12.0, 20.0), "building 1: .* not on whole cells"),
        ((70.0, 90.0, 12.0, 20.0), "building 1: .* leaves the domain"),
        ((44.0, 54.0, 12.0, 20.0), "building 1 overlaps"),
    ],
)
def test_buildings_in_the_wrong_place_are_named(footprint, words):
    pair = tuple(Building(TYPES["timber"], f, 1, GREY) for f in (HOUSE, footprint))
    with pytest.raises(InputError, match=words):
        Scene(domain=DOMAIN, bathymetry=np.zeros((DOMAIN.ny, DOMAIN.nx)), buildings=pair,
              debris=(), slots=Slots(2, 2, 0), wave_times=np.array([0.0, 1.0]),
              wave_elevation=np.zeros(2), manning=0.025, cameras={})


def test_six_storeys_stand_still_and_sway_at_their_own_period():
    scene = Scene(domain=DOMAIN, bathymetry=np.ones((DOMAIN.ny, DOMAIN.nx)),
                  buildings=(Building(TYPES["concrete"], HOUSE, 6, GREY),), debris=(),
                  slots=Slots(1, 6, 0), wave_times=np.array([0.0, 1.0]),
                  wave_elevation=np.zeros(2), manning=0.025, cameras={}, closed=True)
    hidden = Hidden(np.ones((1, 6)), np.ones((1, 6)), np.zeros(0), np.zeros(0))
    world = World([scene], [hidden], Physics(gravity=GRAVITY), threads=1, compiled=False)
    world.bodies._qvel[0, ::4] = 0.01 * np.arange(1, 7)
    top = []
    for _ in range(80):
        world.step()
        top.append(world.bodies.displacement[0, 0, 5, 0])
    assert world.bodies.standing.all() and np.abs(top).max() < 0.05
    turns = np.flatnonzero(np.diff(np.sign(top)) != 0)
    period = 2 * np.diff(turns).mean() * COUPLING_STEP
    assert period == pytest.approx(TYPES["concrete"].period_of(6), rel=0.1)
