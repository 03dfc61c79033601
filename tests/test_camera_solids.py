"""Where solids appear: against distance fields, and closed forms."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solids_oracle import World
from solids_rollout import rollout

from worldsim.camera import Camera, corner, render, side
from worldsim.mechanics import (
    Backdrop,
    Body,
    Link,
    Look,
    Part,
    Pattern,
    Shape,
    ball,
    block,
    fixture,
    floor,
)

SIDE, CORNER = side((0.0, 0.0, 1.0), 3.0), corner((0.0, 0.0, 1.0), 6.0)
WHITE = Backdrop(low=(250, 250, 250), high=(250, 250, 250))
BLACK = Look((0, 0, 0), (0, 0, 0))
SIZES = {Shape.SPHERE: (0.5,), Shape.BOX: (0.5, 0.3, 0.4), Shape.CYLINDER: (0.4, 0.5),
         Shape.CAPSULE: (0.3, 0.5)}


def solid(shape: Shape, position=(0.0, 0.0, 1.0), quaternion=(1.0, 0.0, 0.0, 0.0), scale=1.0,
          look: Look = BLACK) -> Body:
    size = tuple(scale * length for length in SIZES[shape])
    return Body(shape.value, (Part(shape, size, look),), position, quaternion)


def covered(video) -> np.ndarray:
    """Share (…, row, column) of pixels that black solids cover before white."""
    return 1 - video.rgb.values[..., 1].astype(float) / 250


def centroid(share: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, column and area (…) of a mask."""
    area = share.sum((-1, -2))
    row, column = (np.arange(side) + 0.5 for side in share.shape[-2:])
    return ((share * row[:, None]).sum((-1, -2)) / area, (share * column).sum((-1, -2)) / area,
            area)


def random_bodies(seed: int, count: int = 6) -> list[Body]:
    rng = np.random.default_rng(seed)
    bodies = [floor()]
    for number in range(count):
        shape = list(SIZES)[rng.integers(4)]
        quaternion = rng.normal(size=4)
        bodies.append(dataclasses.replace(
            solid(shape, tuple(rng.uniform((-1.2, -1, 0.2), (1.2, 1, 2.2))),
                  tuple(quaternion / np.linalg.norm(quaternion)), rng.uniform(0.3, 1.2)),
            name=str(number),
        ))
    return bodies


@pytest.mark.parametrize("camera", [SIDE, CORNER, corner((0, 0, 1), 3.5, -60, 50, 60)],
                         ids=["side", "corner", "above"])
@pytest.mark.parametrize("seed", range(3))
def test_depth_and_segmentation_are_those_of_marching(camera: Camera, seed: int) -> None:
    bodies = random_bodies(seed)
    size = (30, 42)
    video = render(rollout(bodies), camera, size, times=[0.0], depth=True, segmentation=True)
    depth, label = (video[name].values[0, 0, 0] for name in ("depth", "segmentation"))
    away, found, _ = World(bodies).seen(camera, size)
    near = away < 50  # the marching gives up beyond, where floors go on
    assert np.array_equal(label[near], found[near])
    assert np.allclose(depth[near], away[near], atol=1e-4)
    assert near.mean() > 0.3 and len(np.unique(label[near])) > 3
    assert np.all(np.isin(label[~near], [-1, 0]))


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(list(SIZES)), st.integers(0, 10_000), st.booleans())
def test_coverage_is_the_area_seen(shape: Shape, seed: int, flat: bool) -> None:
    rng = np.random.default_rng(seed)
    quaternion = rng.normal(size=4)
    body = solid(shape, tuple(rng.uniform((-0.4, -0.4, 0.6), (0.4, 0.4, 1.4))),
                 tuple(quaternion / np.linalg.norm(quaternion)), rng.uniform(0.4, 1.4))
    camera, size, places = SIDE if flat else CORNER, (16, 16), 8
    video = render(rollout([body], backdrop=WHITE), camera, size, times=[0.0])
    share = covered(video)[0, 0, 0]
    _, found, _ = World([body]).seen(camera, size, places)
    exact = (found >= 0).reshape(size[0], places, size[1], places).mean((1, 3))
    # Both sample: sixteen rays a pixel here, 64 there.
    edge = (exact > 0) & (exact < 1)
    assert np.abs(share - exact).max() < 0.2
    assert np.sqrt(np.mean((share - exact)[edge] ** 2)) < 0.1
    assert abs(share.sum() - exact.sum()) < 0.12 * np.sqrt(edge.sum())


@pytest.mark.parametrize("radius", [2.0, 3.0, 5.0, 12.0])
@pytest.mark.parametrize("camera", [side((0, 0, 1), 2.0), corner((0, 0, 1), 4.0)],
                         ids=["side", "corner"])
def test_a_sphere_is_seen_as_a_circle_or_an_ellipse(camera: Camera, radius: float) -> None:
    rng = np.random.default_rng(0)
    members, size = 60, (64, 64)
    metres = radius * 2.2 / 64
    place = rng.uniform((-0.4, -0.3, 0.7), (0.4, 0.3, 1.3), (members, 1, 1, 1, 3))
    video = render(rollout([ball("ball", metres, (0, 0, 0), BLACK)], position=place,
                           members=(members, 1), backdrop=WHITE), camera, size, times=[0.0])
    row, column, area = centroid(covered(video)[:, 0, 0])
    place = place.reshape(members, 3)
    if camera.projection == "orthographic":
        rows, columns, _ = camera.project(place, size)
        areas = np.pi * (metres * 64 / camera.height_m) ** 2
    else:
        # The cone of rays that touch the sphere, cut by the picture's plane.
        x, y, z = ((place - np.array(camera.position)) @ camera.basis.T).T
        pixel = 2 * np.tan(np.radians(camera.fov_y_deg) / 2) / 64
        ahead = z**2 - metres**2
        rows, columns = 32 - y * z / ahead / pixel, 32 + x * z / ahead / pixel
        away = x**2 + y**2 + z**2 - metres**2
        areas = np.pi * metres**2 * np.sqrt(away) / ahead**1.5 / pixel**2
    assert np.hypot(row - rows, column - columns).max() < 0.03
    assert np.median(np.hypot(row - rows, column - columns)) < 0.012
    assert np.abs(area / areas - 1).max() < 0.02


@pytest.mark.parametrize("shape", list(SIZES))
def test_a_solids_centroid_follows_its_centre(shape: Shape) -> None:
    steps = 50
    place = np.full((1, 1, steps, 1, 3), (0.0, 0.0, 1.0))
    place[..., 0] = 0.013 * np.arange(steps)[:, None]
    place[..., 2] += 0.007 * np.arange(steps)[:, None]
    times = list(np.arange(steps) / 120)
    video = render(rollout([solid(shape, scale=0.5)], times=times, position=place,
                           backdrop=WHITE), SIDE, (64, 64), times=times)
    row, column, _ = centroid(covered(video)[0, 0])
    rows, columns, _ = SIDE.project(place[0, 0, :, 0], (64, 64))
    assert np.hypot(row - rows, column - columns).max() < 0.05


def test_the_nearer_solid_is_seen_whatever_their_order() -> None:
    red, blue = Look((200, 0, 0)), Look((0, 0, 200))
    front, back = block("front", (0.3, 0.1, 0.3), (0, -1, 1), red), block(
        "back", (0.6, 0.1, 0.6), (0, 1, 1), blue)
    for bodies in ([front, back], [back, front]):
        video = render(rollout(bodies), SIDE, (48, 48), times=[0.0])
        picture = video.rgb.values[0, 0, 0]
        assert picture[24, 24, 0] > 80 and picture[24, 24, 2] == 0
        assert picture[24, 17, 2] > 80 and picture[24, 17, 0] == 0


def test_labels_name_parts_links_and_backdrop() -> None:
    bodies = [
        Body("pair", (Part(Shape.SPHERE, (0.2,)), Part(Shape.SPHERE, (0.2,), position=(0.6, 0, 0))),
             (0, 0, 1), (np.sqrt(0.5), 0, np.sqrt(0.5), 0)),
        ball("other", 0.2, (-0.8, 0, 1)),
    ]
    link = Link(("other", "pair"), ((0, 0, 0), (0, 0, 0)), 0.1)
    video = render(rollout(bodies, links=[link]), SIDE, (48, 48), times=[0.0], segmentation=True,
                   depth=True)
    label, depth = video.segmentation.values[0, 0, 0], video.depth.values[0, 0, 0]

    def at(point) -> tuple[int, int]:
        row, column, _ = SIDE.project(np.array(point), (48, 48))
        return int(row), int(column)

    # The body's x axis points down.
    assert label[at((0, 0, 1))] == 0 and label[at((0, 0, 0.4))] == 1
    assert label[at((-0.8, 0, 1))] == 2 and label[at((-0.4, 0, 1))] == -2
    assert label[2, 2] == -1 and np.isinf(depth[2, 2])
    assert label.dtype == np.int16 and depth.dtype == np.float32


def test_a_link_spans_the_points_that_it_joins() -> None:
    moves = np.full((1, 1, 3, 1, 3), (0.0, 0.0, 1.0))
    moves[0, 0, :, 0, 0] = (-0.5, 0.0, 0.5)
    times = [0.0, 0.1, 0.2]
    link = Link((None, "bob"), ((0, 0, 2.2), (0, 0, 0)), 0.04, BLACK)
    tree = rollout([ball("bob", 0.01, (0, 0, 0), BLACK)], times=times, position=moves,
                   links=[link], backdrop=WHITE)
    row, column, area = centroid(covered(render(tree, SIDE, (64, 64), times=times))[0, 0])
    pixel = 64 / 3.0
    assert np.allclose(column, 32 + 0.5 * moves[0, 0, :, 0, 0] * pixel, atol=0.05)
    assert np.allclose(row, 32 - 0.6 * pixel, atol=0.08)
    length = np.hypot(1.2, moves[0, 0, :, 0, 0])
    assert np.allclose(area, (0.08 * length + np.pi * 0.04**2) * pixel**2, rtol=0.03)


def test_what_is_not_there_is_not_seen() -> None:
    empty = render(rollout([ball("far", 0.1, (50, 0, 0))]), CORNER, (24, 24), times=[0.0])
    plain = np.full((24, 24, 3), 100)
    assert np.array_equal(empty.rgb.values[0, 0, 0], plain)
    eye, ahead = np.array(CORNER.position), CORNER.basis[2]
    for where in (eye - 2 * ahead, eye, np.full(3, np.nan)):
        video = render(rollout([ball("ball", 0.3, (0, 0, 0)), ball("lost", 0.3, (0, 0, 0))],
                               position=np.stack([where, where])), CORNER, (24, 24), times=[0.0],
                       segmentation=True)
        assert np.array_equal(video.rgb.values[0, 0, 0], plain)
        assert np.all(video.segmentation.values == -1)


def test_a_solid_that_reaches_behind_the_camera_is_seen_in_front_of_it() -> None:
    body = block("beam", (0.2, 20.0, 0.2), (0.6, 0.0, 0.4))
    camera = Camera("eye", "perspective", (0, 0, 1), (0, 5, 1), (0, 0, 1), fov_y_deg=60)
    video = render(rollout([body]), camera, (32, 32), times=[0.0], depth=True, segmentation=True)
    _, found, _ = World([body]).seen(camera, (32, 32))
    assert np.array_equal(video.segmentation.values[0, 0, 0], found)
    assert (found == 0).sum() > 50


def test_a_plane_is_seen_from_its_own_side_and_where_it_is_cut() -> None:
    ground = floor(height=0.0)
    above = render(rollout([ground]), CORNER, (16, 16), times=[0.0], segmentation=True)
    assert np.all(above.segmentation.values == 0)
    below = corner((0, 0, -1), 6.0, elevation_deg=-30.0)
    under = render(rollout([ground]), below, (16, 16), times=[0.0], segmentation=True)
    assert np.all(under.segmentation.values == -1)
    cut = render(rollout([ground]), side((0, 0, 0.1), 3.0), (30, 16), times=[0.0],
                 segmentation=True, depth=True)
    label = cut.segmentation.values[0, 0, 0]
    assert np.all(label[:16] == -1) and np.all(label[16:] == 0)
    assert np.all(cut.depth.values[0, 0, 0, 16:] == 0)
    level = render(rollout([floor(Look((0, 0, 0)))], backdrop=WHITE), side((0, 0, 0.125), 3.0),
                   (30, 16), times=[0.0])
    assert np.allclose(covered(level)[0, 0, 0, 16], 0.75, atol=0.04)


@pytest.mark.parametrize("pattern", [Pattern.HALVES, Pattern.STRIPES, Pattern.CHECKER])
@pytest.mark.parametrize("shape", list(SIZES))
def test_patterns_turn_with_their_solids(shape: Shape, pattern: Pattern) -> None:
    look = Look((0, 0, 0), (250, 250, 250), pattern, 0.15)
    turned = [(1.0, 0.0, 0.0, 0.0), (np.cos(0.4), 0.0, np.sin(0.4), 0.0)]
    before, after = (
        render(rollout([Body("ball", (Part(shape, SIZES[shape], look, quaternion=q),), (0, 0, 1))]),
               SIDE, (64, 64), times=[0.0]).rgb.values[0, 0, 0].astype(float) for q in turned
    )
    shown = (before < 90).all(-1) | (before > 110).all(-1)
    assert np.mean(np.abs(before - after)[shown] > 40) > 0.1


def test_halves_meet_in_the_solids_own_plane() -> None:
    look = Look((0, 0, 0), (250, 250, 250), Pattern.HALVES)
    body = ball("ball", 0.8, (0, 0, 1), look)
    dark = render(rollout([body]), SIDE, (48, 48), times=[0.0]).rgb.values[0, 0, 0, ..., 0] == 0
    assert np.array_equal(dark[24, 24:36], np.ones(12, bool))
    assert not np.any(dark[24, 12:24])


@pytest.mark.parametrize("shape", [Shape.BOX, Shape.CYLINDER])
def test_an_end_where_two_bands_meet_has_one_colour(shape: Shape) -> None:
    look = Look((0, 0, 0), (250, 250, 250), Pattern.STRIPES, 0.1)
    half = {Shape.BOX: (0.5, 0.5, 0.2), Shape.CYLINDER: (0.5, 0.2)}[shape]
    body = Body("table", (Part(shape, half, look),), (0.0, 0.0, 0.1234))
    above = Camera("above", "orthographic", (0.3, 0, 5), (0.3, 0, 0), (0, 1, 0), height_m=0.6)
    picture = render(rollout([body]), above, (20, 20), times=[0.0]).rgb.values[0, 0, 0]
    assert np.ptp(picture[:, 2:8].astype(int)) == 0


def test_fields_finer_than_a_pixel_fade_to_their_mean() -> None:
    look = Look((40, 40, 40), (200, 200, 200), Pattern.CHECKER, 0.02)
    above = Camera("above", "orthographic", (0, 0, 5), (0, 0, 0), (0, 1, 0), height_m=20.0)
    picture = render(rollout([floor(look)]), above, (20, 20), times=[0.0]).rgb.values[0, 0, 0]
    assert np.ptp(picture[..., 0].astype(int)) <= 4
    mean = render(rollout([floor(Look((120, 120, 120)))]), above, (20, 20), times=[0.0])
    assert abs(int(picture[10, 10, 0]) - int(mean.rgb.values[0, 0, 0, 10, 10, 0])) <= 3


def test_a_screen_hides_what_passes_behind_it() -> None:
    steps = 30
    place = np.zeros((1, 1, steps, 2, 3))
    place[..., 0, :] = (0.0, -0.5, 1.0)
    place[..., 1, :] = (0.0, 0.5, 1.0)
    place[..., 1, 0] = np.linspace(-1.2, 1.2, steps)
    times = list(np.arange(steps) / 120)
    screen = fixture("screen", [Part(Shape.BOX, (0.4, 0.02, 0.6), Look((60, 60, 60)))])
    tree = rollout([screen, ball("ball", 0.2, (0, 0, 0), Look((220, 0, 0)))], times=times,
                   position=place)
    video = render(tree, SIDE, (48, 48), times=times, segmentation=True)
    seen = (video.segmentation.values[0, 0] == 1).sum((1, 2))
    x = place[0, 0, :, 1, 0]
    assert np.all(seen[np.abs(x) < 0.18] == 0) and np.all(seen[np.abs(x) > 0.62] > 20)
    # Behind the screen its pixels are those of the screen alone.
    alone = render(rollout([screen], position=place[0, 0, :1, :1]), SIDE, (48, 48), times=[0.0])
    hidden = video.rgb.values[0, 0][np.abs(x) < 0.18]
    assert np.array_equal(hidden, np.broadcast_to(alone.rgb.values[0, 0, 0], hidden.shape))
