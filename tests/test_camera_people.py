"""People show in pictures that are fine enough, as they are, and change no other picture."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from camera_scene import rollout, village

from scenarios.town import crossing
from scenarios.town_plan import STREET, TOWN
from worldsim.camera import PERSON, Camera, Domain, overhead, render, street
from worldsim.camera import people as figures
from worldsim.camera.people import BREADTH, DARK, PALE, SEEN_FROM
from worldsim.camera.shading import DEEP, FOAM, GRASS, SAND, SEABED, SHALLOW
from worldsim.cli.run_stages import CAMERAS, SIZE
from worldsim.instruments.buildings import observe_buildings
from worldsim.instruments.debris import colour_weights, observe_debris
from worldsim.instruments.water import observe_water
from worldsim.instruments.wetness import wet_mask
from worldsim.scenario import scenario_class
from worldsim.simulator.people.record import Status

DRY = np.full((64, 96), 2.0)
SEA = np.full((64, 96), -4.0)
HEIGHT = 1.8
SMALL = (96, 144)


def above(height_m, x=120.0, y=64.0):
    """Straight down on a window of that height."""
    return Camera("above", "orthographic", (x, y, 100.0), (x, y, 0.0), (0.0, 1.0, 0.0),
                  height_m=height_m)


def beside(degrees, x=120.0, y=64.0):
    """Down at 18 degrees from 42 m away, as far as x, y."""
    return Camera("beside", "perspective", (x + 40.0, y, 15.0), (x, y, 2.0), (0.0, 0.0, 1.0),
                  fov_y_deg=degrees)


CLOSE = [above(32.0), above(12.0), beside(50.0), beside(20.0)]
"""3, 8, 2.4 and 6.5 pixels a metre in small pictures."""


def with_people(tree, position, status, height=HEIGHT, present=True):
    """The rollout with people: position (time or 1, n, 3) or (n, 3) m, status likewise."""
    time = tree["water"]["time"].values
    members = (tree.sizes["case"], tree.sizes["realization"], len(time))
    position = np.asarray(position, np.float32)
    count = position.shape[-2]
    status = np.broadcast_to(np.asarray(status, np.int8), (*members, count))
    group = xr.Dataset(
        {
            "position": (("case", "realization", "time", "person", "xyz"),
                         np.broadcast_to(position, (*members, count, 3))),
            "status": (("case", "realization", "time", "person"), status),
            "height": (("case", "person"), np.full((members[0], count), height)),
            "present": (("case", "person"),
                        np.broadcast_to(present, (members[0], count))),
        },
        coords={"time": time},
    )
    both = tree.copy()
    both["people"] = xr.DataTree(group)
    return both


def crowd(count=90, seed=0):
    """People all over the domain, doing anything."""
    rng = np.random.default_rng(seed)
    place = rng.uniform((3, 3, 0.5), (189, 125, 6.0), (count, 3))
    return place, rng.integers(0, len(Status), count)


def frame(tree, camera=CLOSE[0], size=SMALL, layer="rgb", at=0.0):
    video = render(tree, camera, size=size, times=[at], segmentation=layer == "segmentation")
    return video[layer].values[0, 0, 0]


def extent(mask):
    """First and last + 1 row, first and last + 1 column of a mask."""
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


@pytest.mark.parametrize("camera", CAMERAS)
def test_pictures_that_models_see_are_the_same_with_and_without_people(camera):
    boxes, blocked = village()
    empty = rollout(boxes=boxes, blocked=blocked)
    peopled = with_people(empty, *crowd())
    pictures = [
        render(tree, camera, size=SIZE, times=[0.0, 0.7], depth=True, segmentation=True)
        for tree in (empty, peopled)
    ]
    assert pictures[0].identical(pictures[1])
    finer = [frame(tree, camera, (256, 384)) for tree in (empty, peopled)]
    assert not np.array_equal(*finer)


@pytest.mark.parametrize("plan", [STREET, TOWN])
def test_no_model_sees_a_place_finely_enough_for_people(plan):
    view = Domain(0.0, plan.domain.length, 0.0, plan.domain.width)
    for camera in (overhead(view), street(view)):
        for z in (-4.0, 0.0, 4.0, 12.0):
            rows, columns = np.mgrid[: SIZE[0] + 1, : SIZE[1] + 1]
            points = camera.unproject_ground(rows, columns, SIZE, z)
            seen = camera.pixels_per_metre(points[np.isfinite(points[..., 0])], SIZE)
            assert seen.max() < SEEN_FROM


def test_codes_of_what_people_do_are_the_records():
    shown = (figures.WAITING, figures.WALKING, figures.WADING, figures.AFLOAT)
    assert shown == (Status.WAITING, Status.WALKING, Status.WADING, Status.IN_WATER)


@pytest.mark.parametrize("status", [Status.WAITING, Status.WALKING])
@pytest.mark.parametrize("camera", [beside(35.0), beside(12.0), beside(5.0, 118.0)])
def test_an_upright_figure_is_as_tall_and_broad_as_the_person(status, camera):
    place = np.array([120.0, 64.5, 2.0 + HEIGHT / 2])
    tree = with_people(rollout(bathymetry=DRY, depth=0.0), [place], status)
    seen = frame(tree, camera, layer="segmentation") == PERSON
    up = np.array([0.0, 0.0, HEIGHT / 2])
    feet, top = camera.project(place - up, SMALL), camera.project(place + up, SMALL)
    breadth = max(BREADTH * float(camera.pixels_per_metre(place, SMALL)), 3.0)
    row0, row1, column0, column1 = extent(seen)
    assert abs(row0 - top[0]) < 1.3 and abs(row1 - feet[0]) < 1.3
    assert abs(column1 - column0 - abs(feet[1] - top[1]) - breadth) < 1.3
    assert np.any(np.all(frame(tree, camera) == DARK, axis=-1))


def test_from_overhead_a_figure_is_a_disc_where_the_person_is():
    place = (120.3, 65.9, 2.9)
    empty = rollout(bathymetry=DRY, depth=0.0)
    tree = with_people(empty, [place], Status.WALKING)
    for camera, diameter in ((above(32.0), 3.0), (above(12.0), 8 * BREADTH)):
        change = frame(tree, camera).astype(float) - frame(empty, camera)
        share = np.abs(change).sum(-1) / np.abs(change).sum(-1).max()
        rows, columns = np.mgrid[: SMALL[0], : SMALL[1]] + 0.5
        row, column, _ = camera.project(np.array(place), SMALL)
        assert abs((share * rows).sum() / share.sum() - row) < 0.1
        assert abs((share * columns).sum() / share.sum() - column) < 0.1
        assert share.sum() == pytest.approx(np.pi / 4 * diameter**2, rel=0.12)


@pytest.mark.parametrize("depth", [0.3, 0.6, 0.9])
def test_water_hides_the_legs_of_who_wades(depth):
    place, camera = np.array([120.0, 64.0, 2.0 + HEIGHT / 2]), beside(6.0)
    tree = with_people(rollout(bathymetry=DRY, depth=depth), [place], Status.WADING)
    row0, row1, _, _ = extent(frame(tree, camera, layer="segmentation") == PERSON)
    top, water = (
        camera.project(np.array([120.0, 64.0, z]), SMALL)[0] for z in (2.0 + HEIGHT, 2.0 + depth)
    )
    # The figure's end is round.
    round_end = BREADTH / 2 * float(camera.pixels_per_metre(place, SMALL))
    assert abs(row0 - top) < 1.3 and abs(row1 - water - round_end) < 1.3


@pytest.mark.parametrize("camera", CLOSE)
def test_who_floats_stays_above_water(camera):
    """Even where the body's centre is below the surface; deep down it is not seen."""
    tree, areas = rollout(bathymetry=DRY, depth=2.0), []
    for z in (4.1, 3.8, 3.5, 3.1):
        floating = with_people(tree, [(120.0, 60.0, z)], Status.IN_WATER)
        seen = frame(floating, camera, layer="segmentation") == PERSON
        scale = float(camera.pixels_per_metre(np.array([120.0, 60.0, 4.0]), SMALL))
        areas.append(seen.sum() / (np.pi * max(np.sqrt(BREADTH * HEIGHT) / 2 * scale, 2.5) ** 2))
        assert np.any(np.all(frame(floating, camera) == PALE, axis=-1))
    assert np.allclose(areas, 1.0, atol=0.2)
    sunk = with_people(tree, [(120.0, 60.0, 2.9)], Status.IN_WATER)
    assert not np.any(frame(sunk, camera, layer="segmentation") == PERSON)


@pytest.mark.parametrize("camera", [above(32.0), beside(20.0)])
def test_who_is_indoors_safe_or_absent_is_not_drawn(camera):
    empty, here = rollout(bathymetry=DRY, depth=0.0), [(120.0, 64.0, 3.0)]
    nobody = frame(empty, camera)
    for status in (Status.INDOORS, Status.SHELTERED, Status.SAFE):
        assert np.array_equal(frame(with_people(empty, here, status), camera), nobody)
    for tree in (
        with_people(empty, here, Status.WALKING, present=False),
        with_people(empty, np.full((1, 3), np.nan), Status.WALKING),
    ):
        assert np.array_equal(frame(tree, camera), nobody)
    for status in (Status.WAITING, Status.WALKING, Status.WADING, Status.IN_WATER):
        assert not np.array_equal(frame(with_people(empty, here, status), camera), nobody)


@pytest.mark.parametrize("edge", [(1.0, 64.0), (191.0, 64.0), (120.0, 1.0), (120.0, 127.0)])
def test_whom_the_water_carried_out_of_the_domain_is_gone(edge):
    """Their last place in the record is half a cell inside the domain."""
    empty, camera = rollout(bathymetry=DRY, depth=0.0), above(32.0, *edge)
    drawn = [
        np.any(frame(with_people(empty, [(*place, 3.0)], status), camera, layer="segmentation")
               == PERSON)
        for place, status in (
            (edge, Status.IN_WATER), (edge, Status.WALKING),
            (np.clip(edge, (1.1, 1.1), (190.9, 126.9)), Status.IN_WATER),
        )
    ]
    assert drawn == [False, True, True]


def test_a_house_hides_who_is_behind_it_and_not_who_is_in_front():
    house = {0: {"position": (120.0, 64.0, 7.0), "half_size": (6.0, 6.0, 5.0)}}
    tree = rollout(bathymetry=DRY, depth=0.0, boxes=house)
    for x, seen in ((110.0, False), (130.0, True)):
        peopled = with_people(tree, [(x, 64.0, 2.9)], Status.WALKING)
        assert np.any(frame(peopled, beside(40.0), layer="segmentation") == PERSON) == seen


def test_the_nearer_of_two_covers_the_farther():
    tree, camera = rollout(bathymetry=DRY, depth=0.0), beside(8.0)
    places, status = [(120.0, 64.0, 2.9), (119.0, 64.0, 2.9)], [Status.IN_WATER, Status.WALKING]
    near = frame(with_people(tree, places[:1], status[:1]), camera)
    pale = np.all(near == PALE, axis=-1)
    assert pale.sum() > 20
    for order in ([0, 1], [1, 0]):
        both = with_people(tree, [places[i] for i in order], [status[i] for i in order])
        picture = frame(both, camera)
        assert np.array_equal(picture[pale], near[pale]) and not np.array_equal(picture, near)


def test_people_move_between_stored_instants():
    way = np.linspace(120.0, 121.0, 11)[:, None]  # 1 m/s
    place = np.stack([way, 0 * way + 64.0, 0 * way + 2.9], axis=-1)
    tree = with_people(rollout(bathymetry=DRY, depth=0.0), place, Status.WALKING)
    for at in (0.0, 0.35, 0.9):
        mask = frame(tree, above(6.0), layer="segmentation", at=at) == PERSON
        _, _, first, last = extent(mask)
        assert abs(((first + last) / 2 - SMALL[1] / 2) / 16 - at) < 1 / 16


BACKGROUNDS = {
    "grass": GRASS, "sand": SAND, "seabed": SEABED, "shallow": SHALLOW, "deep": DEEP, "foam": FOAM,
    "timber": (168, 138, 104), "concrete": (196, 193, 187), "steel": (148, 152, 160),
}


@pytest.mark.parametrize("colour", [DARK, PALE])
@pytest.mark.parametrize("behind", BACKGROUNDS)
@pytest.mark.parametrize("light", [0.5, 0.8, 1.1])
def test_no_mixture_of_a_figure_with_what_is_behind_it_is_of_a_debris_colour(colour, behind, light):
    base = np.clip(light * np.array(BACKGROUNDS[behind]), 0, 255)
    share = np.linspace(0.0, 1.0, 41)[:, None]
    mixed = np.round(base + share * (np.array(colour) - base)).astype(np.uint8)
    assert not colour_weights(mixed[None]).any()
    # Of no colour of water either, unless water is behind it.
    if behind not in ("shallow", "deep", "foam", "steel"):
        assert not wet_mask(mixed[None]).any()


def test_instruments_see_the_same_with_and_without_people():
    """Roofs, wet places and debris, where people stand and float among them."""
    boxes, blocked = village()
    empty = rollout(boxes=boxes, blocked=blocked, times=np.arange(0.0, 6.01, 0.5))
    place, _ = crowd(60, seed=4)
    place[:, 2] = 4.5
    place = place[place[:, 0] > 60.0]
    # At t=0 nobody is in the water.
    status = np.full((13, len(place)), Status.WALKING)
    status[1:, place[:, 0] < 95.0] = Status.IN_WATER
    peopled = with_people(empty, place, status)
    films = [
        render(tree, "overhead", size=(256, 384), times=[0.0, 3.0, 5.0])
        for tree in (empty, peopled)
    ]
    assert np.any(films[0]["rgb"].values != films[1]["rgb"].values, axis=-1).sum() > 500
    roofs = [observe_buildings(film) for film in films]
    assert roofs[0].identical(roofs[1]) and roofs[0]["count"].values.max() >= 4
    wet = [observe_water(film)["wet"].values for film in films]
    assert np.mean(wet[0] != wet[1]) < 5e-4 and 0.1 < wet[0].mean() < 0.9
    debris = [observe_debris(film) for film in films]
    assert np.array_equal(debris[0]["seen"], debris[1]["seen"]) and debris[0]["seen"].any()
    assert np.nanmax(np.abs(debris[0]["position"] - debris[1]["position"])) < 0.5


@pytest.mark.parametrize("plan", [STREET, TOWN])
def test_the_crossing_is_half_a_metre_a_pixel_and_amid_the_town(plan):
    camera = crossing(plan)
    corners = camera.unproject_ground(np.array([0, 64]), np.array([0, 96]), SIZE, 0.0)
    assert np.allclose(np.abs(corners[1] - corners[0])[:2], (48.0, 32.0))
    assert np.all(corners[:, 0] > plan.edges[0]) and np.all(corners[:, 0] < plan.edges[1])
    x, y = corners[:, :2].mean(axis=0)
    tree = rollout(bathymetry=DRY, depth=0.0)
    peopled = with_people(tree, [(x, y, 2.9)], Status.WALKING)
    assert np.any(frame(peopled, camera, SIZE, "segmentation") == PERSON)


def test_runs_and_training_keep_to_the_two_views_that_models_know():
    assert CAMERAS == ("overhead", "street")
    assert scenario_class("tsunami").film_cameras == CAMERAS
