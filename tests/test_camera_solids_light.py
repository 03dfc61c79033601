"""Shadows, mirrored worlds, and that pictures depend on the states alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from solids_oracle import World
from solids_rollout import rollout
from test_camera_solids import CORNER, SIDE, random_bodies

from worldsim.camera import Camera, camera_of, corner, frame_grid, render, side, solids_film
from worldsim.errors import InputError
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
    floor,
)

ABOVE = Camera("above", "orthographic", (0, 0, 8), (0, 0, 0), (0, 1, 0), height_m=4.0)
SUN = np.array([0.4, -0.3, 0.8])
SUNNY = Backdrop(sun=tuple(SUN), shadows=True)


def luminance(video) -> np.ndarray:
    return video.rgb.values[..., 1].astype(float)


def test_a_balls_shadow_falls_where_the_sun_sends_it() -> None:
    height, radius = 1.5, 0.3
    bodies = [floor(Look((160, 160, 160))), ball("ball", radius, (0.9, -0.6, height))]
    with_sun, without = (
        luminance(render(rollout(bodies, backdrop=Backdrop(sun=tuple(SUN), shadows=shadows)),
                         ABOVE, (96, 96), times=[0.0]))[0, 0, 0] for shadows in (True, False)
    )
    dark = (without - with_sun) / (without - with_sun).max()
    row, column = (np.arange(96) + 0.5 for _ in range(2))
    foot = np.array([0.9, -0.6, height]) - height / SUN[2] * SUN
    rows, columns, _ = ABOVE.project(foot, (96, 96))
    assert abs((dark * row[:, None]).sum() / dark.sum() - rows) < 0.15
    assert abs((dark * column).sum() / dark.sum() - columns) < 0.15
    # A circle across the sun's light, stretched by its slant.
    area = np.pi * radius**2 / (SUN[2] / np.linalg.norm(SUN)) * (96 / 4.0) ** 2
    assert abs(dark.sum() / area - 1) < 0.03


@pytest.mark.parametrize("seed", range(3))
def test_shadows_are_those_of_marching_to_the_sun(seed: int) -> None:
    bodies = random_bodies(seed, 5)
    size = (30, 42)
    shaded, clear = (
        luminance(render(rollout(bodies, backdrop=Backdrop(sun=tuple(SUN), shadows=shadows)),
                         CORNER, size, times=[0.0]))[0, 0, 0] for shadows in (True, False)
    )
    world = World(bodies)
    away, found, at = world.seen(CORNER, size)
    near = away < 20
    towards = SUN / np.linalg.norm(SUN)
    point = at[near]
    steps = np.eye(3) * 1e-4
    who = found[near]
    rows = np.arange(len(who))
    slope = np.stack([world.nearest(point + step)[rows, who]
                      - world.nearest(point - step)[rows, who] for step in steps], -1)
    facing = slope @ towards / 2e-4
    stopped = world.march(point, np.broadcast_to(towards, point.shape), skip=who)[1] >= 0
    darker = (clear - shaded)[near] / np.maximum(clear[near], 1)
    lit_enough = facing > 0.2
    # Borders of shadows and of solids are mixed within a pixel: few of them are.
    assert np.mean((darker > 0.05)[lit_enough] == stopped[lit_enough]) > 0.9
    assert np.corrcoef(darker[lit_enough], stopped[lit_enough])[0, 1] > 0.75
    assert stopped[lit_enough].sum() > 10


@pytest.mark.parametrize("shape", list(Shape)[:4])
def test_far_ground_is_not_darkened_by_what_its_pixels_hardly_see(shape: Shape) -> None:
    size = {Shape.SPHERE: (0.2,), Shape.BOX: (0.2, 0.2, 0.2)}.get(shape, (0.1, 0.2))
    body = Body("body", (Part(shape, size),), (0.0, 0.0, 1.0))
    wide = Camera("wide", "orthographic", (0, 0, 50), (0, 0, 0), (0, 1, 0), height_m=400.0)
    with_sun, without = (
        luminance(render(rollout([floor(), body], backdrop=Backdrop(
            sun=tuple(SUN), shadows=shadows)), wide, (21, 21), times=[0.0]))
        for shadows in (True, False)
    )
    assert np.abs(with_sun - without).max() <= 1


def test_a_slab_casts_no_shadow_on_what_lies_on_it() -> None:
    slab = block("slab", (50, 50, 0.5), (0, 0, -0.505))
    disc = Body("disc", (Part(Shape.CYLINDER, (50.0, 0.5)),), (0, 0, -0.505))
    for below in (slab, disc):
        with_sun, without = (
            luminance(render(rollout([floor(), below], backdrop=Backdrop(
                sun=tuple(SUN), shadows=shadows)), CORNER, (24, 24), times=[0.0]))
            for shadows in (True, False)
        )
        assert np.array_equal(with_sun, without)


def test_solids_outside_the_picture_cast_shadows_into_it() -> None:
    low = Camera("low", "orthographic", (0, -5, 0.3), (0, 0, 0.3), (0, 0, 1), height_m=0.6)
    wall = block("wall", (2, 0.02, 2), (0, 0.5, 0), Look((160, 160, 160)))
    dark, bright = (
        luminance(render(rollout([wall, ball("ball", 0.3, where)],
                                 backdrop=Backdrop(sun=(0, -0.6, 0.8), shadows=True)),
                         low, (24, 24), times=[0.0])).mean()
        for where in ((0, -0.5, 1.6), (0, -0.5, 9.0))
    )
    assert dark < 0.9 * bright


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.booleans(), st.booleans())
def test_a_mirrored_world_gives_the_mirrored_picture(seed: int, flat: bool, sunny: bool) -> None:
    rng = np.random.default_rng(seed)
    camera = side((0, 0, 1), 3.0) if flat else corner((0, 0, 1), 6.0, azimuth_deg=0.0)
    looks = [Look((200, 50, 40), pattern=pattern) for pattern in (
        Pattern.PLAIN, Pattern.STRIPES)]
    bodies, mirrored = [floor()], [floor()]
    for number, shape in enumerate(
            [Shape.SPHERE, Shape.BOX, Shape.CYLINDER, Shape.CAPSULE, Shape.SPHERE]):
        size = {Shape.SPHERE: (0.3,), Shape.BOX: (0.3, 0.2, 0.1)}.get(shape, (0.15, 0.3))
        x, y, z = rng.uniform((-1.2, -1, 0.3), (1.2, 1, 2))
        q = rng.normal(size=4)
        w, i, j, k = q / np.linalg.norm(q)
        part = (Part(shape, size, looks[number % 2]),)
        bodies.append(Body(str(number), part, (x, y, z), (w, i, j, k)))
        # In the plane x=0.
        mirrored.append(Body(str(number), part, (-x, y, z), (w, i, -j, -k)))
    pictures = [
        render(rollout(world, backdrop=Backdrop(sun=(sun, -0.5, 0.8), shadows=sunny)), camera,
               (32, 32), times=[0.0], segmentation=True)
        for world, sun in ((bodies, 0.4), (mirrored, -0.4))
    ]
    here, there = (video.rgb.values[0, 0, 0].astype(int) for video in pictures)
    # Rounding may tip a ray over an edge.
    assert np.mean(np.abs(here - there[:, ::-1]).max(-1) > 1) < 0.005
    labels = [video.segmentation.values[0, 0, 0] for video in pictures]
    assert np.mean(labels[0] != labels[1][:, ::-1]) < 0.005


def moving_rollout(cases: int = 2, realizations: int = 2, shadows: bool = True):
    rng = np.random.default_rng(3)
    bodies = [*random_bodies(7, 5), ball("last", 0.1, (0, 0, 1))]
    times = np.arange(25) / 120
    place = np.array([body.position for body in bodies], float) + np.zeros(
        (cases, realizations, 25, 1, 1))
    move = rng.uniform(-1, 1, (cases, realizations, 1, len(bodies), 3)) * times[:, None, None] * 4
    move[..., :3, :] = 0
    turn = rng.normal(size=(cases, realizations, 1, len(bodies), 4))
    turn = turn + times[:, None, None] * rng.normal(size=turn.shape) * (np.arange(7) > 2)[:, None]
    turn[..., 0, :] = (1, 0, 0, 0)
    turn /= np.linalg.norm(turn, axis=-1, keepdims=True)
    link = Link(("last", "2"), ((0, 0, 0), (0, 0, 0)), 0.03)
    return rollout(bodies, times=times, position=place + move, quaternion=turn, links=[link],
                   members=(cases, realizations), backdrop=Backdrop(sun=tuple(SUN),
                                                                    shadows=shadows))


@pytest.mark.parametrize("camera", [SIDE, CORNER], ids=["side", "corner"])
def test_the_same_states_give_the_same_pixels_whatever_else_is_rendered(camera: Camera) -> None:
    tree = moving_rollout()
    whole = render(tree, camera, (40, 40), fps=60, depth=True, segmentation=True)
    for case, realization in ((0, 0), (1, 1)):
        alone = render(tree, camera, (40, 40), times=[5 / 60], cases=case,
                       realizations=realization, depth=True, segmentation=True)
        for name in ("rgb", "depth", "segmentation"):
            assert np.array_equal(whole[name].values[case, realization, 5], alone[name][0, 0, 0])
    bare = render(tree, camera, (40, 40), fps=60)
    assert np.array_equal(bare.rgb, whole.rgb)


def test_threads_and_bands_do_not_change_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = moving_rollout()
    threads = torch.get_num_threads()
    pictures = []
    try:
        for count, together in ((1, 200_000), (2, 200_000), (2, 700)):
            torch.set_num_threads(count)
            monkeypatch.setattr(solids_film, "PIXELS_TOGETHER", together)
            pictures.append(render(tree, CORNER, (36, 44), fps=60, segmentation=True))
    finally:
        torch.set_num_threads(threads)
    for other in pictures[1:]:
        assert np.array_equal(pictures[0].rgb, other.rgb)
        assert np.array_equal(pictures[0].segmentation, other.segmentation)


@pytest.mark.parametrize("camera", [SIDE, CORNER], ids=["side", "corner"])
def test_what_stands_still_looks_as_if_it_could_move(camera: Camera) -> None:
    """Still solids are cast apart; a picture with them does not show it."""
    bodies = random_bodies(11, 7)
    place = np.array([body.position for body in bodies], float) + np.zeros((1, 1, 2, 1, 1))
    pictures = []
    for moving in ((), (2, 5), tuple(range(1, 8))):
        later = place.copy()
        later[0, 0, 1, list(moving), 2] += 0.5
        tree = rollout(bodies, times=[0.0, 1 / 120], position=later, backdrop=SUNNY)
        video = render(tree, camera, (48, 48), times=[0.0], segmentation=True, depth=True)
        pictures.append(video)
    for other in pictures[1:]:
        assert np.array_equal(pictures[0].segmentation, other.segmentation)
        assert np.array_equal(pictures[0].depth, other.depth)
        apart = np.abs(pictures[0].rgb.values.astype(int) - other.rgb.values.astype(int))
        # An edge may be placed by area in one and by samples in the other.
        assert np.mean(apart.max(-1) > 2) < 0.02 and apart.max() < 60


def test_frames_between_states_show_bodies_between_them() -> None:
    place = np.full((1, 1, 2, 1, 3), (0.0, 0.0, 1.0))
    place[0, 0, :, 0, 0] = (-0.1, 0.3)
    tree = rollout([ball("ball", 0.3, (0, 0, 0))], times=[0.0, 1.0], position=place)
    there = rollout([ball("ball", 0.3, (0.0, 0.0, 1.0))])
    between = render(tree, SIDE, (48, 48), times=[0.25]).rgb.values
    exact = render(there, SIDE, (48, 48), times=[0.0]).rgb.values
    assert np.abs(between.astype(int) - exact.astype(int)).max() <= 1


def test_a_colour_in_shade_keeps_its_hue() -> None:
    colour = np.array([214, 40, 40])
    tree = rollout([ball("ball", 0.8, (0, 0, 1), Look(tuple(colour)))], backdrop=SUNNY)
    video = render(tree, SIDE, (64, 64), times=[0.0], segmentation=True)
    seen = video.rgb.values[video.segmentation.values == 0].astype(float)
    inside = seen[np.abs(seen[:, 1] - seen[:, 0] * 40 / 214) < 1.5]
    assert len(inside) > 0.9 * len(seen)
    assert inside[:, 0].min() / 214 > 0.5 and inside[:, 0].max() / 214 < 1.1
    assert np.ptp(inside[:, 0]) > 60


def test_large_pictures_agree_with_small_ones() -> None:
    tree = moving_rollout(1, 1)
    small = render(tree, CORNER, (36, 64), times=[0.1]).rgb.values[0, 0, 0].astype(float)
    large = render(tree, CORNER, (360, 640), times=[0.1]).rgb.values[0, 0, 0].astype(float)
    mean = large.reshape(36, 10, 64, 10, 3).mean((1, 3))
    assert np.abs(mean - small).mean() < 1.5
    assert np.percentile(np.abs(mean - small), 99) < 15


def test_defaults_come_from_the_scenario_and_the_rollout() -> None:
    tree = rollout([ball("ball", 0.3, (0, 0, 1))], times=np.arange(121) / 120,
                   cameras=[SIDE, CORNER])
    tree.attrs["scenario"] = json.dumps({"name": "free_fall", "version": 1})
    video = render(tree, "corner")
    assert video.rgb.shape == (1, 1, 20, 64, 64, 3) and video.attrs["fps"] == 20
    assert camera_of(tree, "side") == SIDE
    with pytest.raises(InputError, match="known: corner, side"):
        render(tree, "overhead")
    with pytest.raises(InputError, match="describes none"):
        render(rollout([ball("ball", 0.3, (0, 0, 1))]), "side", times=[0.0])


def test_a_rollout_without_states_is_refused() -> None:
    tree = rollout([ball("ball", 0.3, (0, 0, 1))])
    tree["parts"] = tree["parts"].dataset.drop_vars("size")
    with pytest.raises(InputError, match="/parts/size"):
        render(tree, SIDE, times=[0.0])


def test_a_sheet_of_frames_holds_them() -> None:
    video = render(moving_rollout(1, 1), SIDE, (24, 24), fps=60)
    sheet = frame_grid(video.rgb.values[0, 0, :4], columns=2)
    assert sheet.shape == (50, 50, 3)
    assert np.array_equal(sheet[:24, :24], video.rgb.values[0, 0, 0])
